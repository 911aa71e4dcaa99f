/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "options.h"
#include "block.h"
#include "text.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

size_t tm__tail;
bool tm__goes_on_after_misuse;

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
    /* Stored once: another thread may have read them already, and reads without further ado what is decided. */
    size_t no_tail = 0;
    bool ends = false;
    if (guard)
        __atomic_compare_exchange_n(&tm__tail, &no_tail, TM__TAIL, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    if (report)
        __atomic_compare_exchange_n(&tm__goes_on_after_misuse, &ends, true, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    atomic_store_explicit(&known, true, memory_order_release);
    errno = saved;
}
