/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/intercepted.h"
#include "api/allocate.h"
#include "block/foreign.h"
#include "threadmeter/malloc.h"

bool tm__intercepted_free(void *user)
{
    struct tm__block block = tm__inspect_or_report(user, "freed");
    if (block.kind == TM__LIVE) {
        tm__count_intercepted_free();
        tm__release(user, &block);
    }
    return block.kind != TM__FOREIGN;
}

bool tm__intercepted_realloc(void *user, size_t size, void **result)
{
    struct tm__block block = tm__inspect(user);
    if (block.kind == TM__FOREIGN)
        return false;
    if (block.kind == TM__LIVE)
        tm__count_intercepted_realloc();
    *result = tm_realloc(user, size);
    return true;
}

bool tm__intercepted_usable_size(const void *user, size_t *size)
{
    struct tm__block block = tm__inspect(user);
    *size = block.size;
    return block.kind == TM__LIVE || block.kind == TM__OVERRUN;
}
