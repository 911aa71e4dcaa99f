/* SPDX-License-Identifier: BSD-3-Clause */
#include "block/readable.h"
#include "base/header.h"
#include "base/kernel.h"
#include "base/objects.h"
#include "state/thread.h"

/*
 * If the address is not in an object of the backend the kernel is asked. It is also asked while the thread attaches,
 * since the backend allocates when it is first asked.
 */
bool tm__is_readable(uintptr_t address)
{
    return (!tm__is_early() && tm__in_backend((const void *)address)) || tm__sys_is_readable(address);
}

bool tm__header_readable(const void *user)
{
    return tm__is_readable((uintptr_t)user - TM__HEADER);
}
