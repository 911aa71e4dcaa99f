/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "options.h"
#include "block.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Atomic size_t tm__tail;
_Atomic bool tm__goes_on_after_misuse;

/* Whether the variable says `yes`; a word that it does not know is told, and taken for `no`, the usual. */
static bool says(const char *variable, const char *yes, const char *no)
{
    const char *value = secure_getenv(variable);
    if (!value || !*value || strcmp(value, no) == 0)
        return false;
    if (strcmp(value, yes) == 0)
        return true;
    char line[512];
    struct tm__text text = TM__TEXT(line, STDERR_FILENO);
    tm__put(&text, "threadmeter: ");
    tm__put(&text, variable);
    tm__put(&text, " is neither ");
    tm__put(&text, yes);
    tm__put(&text, " nor ");
    tm__put(&text, no);
    tm__put(&text, ", and ignored\n");
    tm__flush(&text);
    return false;
}

void tm__read_options(void)
{
    static _Atomic bool known; /* two threads that read at once read the same */
    if (atomic_load_explicit(&known, memory_order_acquire))
        return;
    int saved = errno;
    bool guard = says("THREADMETER_GUARD", "1", "0"), report = says("THREADMETER_ON_ERROR", "report", "abort");
    tm__tail = guard ? TM__TAIL : 0;
    tm__goes_on_after_misuse = report;
    atomic_store_explicit(&known, true, memory_order_release);
    errno = saved;
}
