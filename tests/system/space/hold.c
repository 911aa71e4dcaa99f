/* SPDX-License-Identifier: BSD-3-Clause */
/* A library that holds as much static thread-local storage as HELD says, and nothing else. */
static _Thread_local char held[HELD] __attribute__((tls_model("initial-exec"), aligned(8)));
char *hold(void);

char *hold(void)
{
    return held;
}
