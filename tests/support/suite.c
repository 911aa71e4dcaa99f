/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_found;

static const char *wanted_name(void)
{
    return getenv("TEST_FUNCTION");
}

bool is_selected(const char *name)
{
    const char *wanted = wanted_name();
    if (wanted && strcmp(name, wanted) != 0)
        return false;
    is_found = true;
    return true;
}

int run_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed = 1;
    if (is_found || !wanted_name()) {
        srunner_run_all(runner, CK_ENV);
        failed = srunner_ntests_failed(runner);
    } else {
        printf("Bail out! This suite has no test named %s\n", wanted_name());
    }
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
