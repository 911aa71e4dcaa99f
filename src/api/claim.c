/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Claims: a block gets another owner, and stays where it is. Only its header changes: it says which slot a free
 * credits.
 */
#define _GNU_SOURCE
#include "block/inspect.h"
#include "meter/charge.h"
#include "block/block.h"
#include "state/slot.h"
#include "threadmeter/tags.h"

#include <errno.h>

static int claim(void *user, const struct tm__block *block)
{
    if (block->slot >= TM__SHARED_SLOTS && &tm__slot_at(block->slot)->owner == tm__thread.me)
        return 0;
    uint32_t slot = tm__exchange(block->size, block);
    if (slot == TM__NO_SLOT)
        return -ENOMEM;
    tm__reseal(user, block, slot);
    return 0;
}

int tm_claim(void *user)
{
    int saved = errno;
    struct tm__block block = tm__inspect(user);
    int result = block.kind == TM__LIVE ? claim(user, &block) : -EINVAL;
    errno = saved;
    return result;
}

int tm_claim_all(void *const users[], size_t count)
{
    int saved = errno, result = 0;
    for (size_t i = 0; i < count; i++)
        if (tm__inspect(users[i]).kind != TM__LIVE)
            result = -EINVAL;
    for (size_t i = 0; i < count && result == 0; i++) {
        struct tm__block block = tm__inspect(users[i]);
        result = claim(users[i], &block);
    }
    errno = saved;
    return result;
}
