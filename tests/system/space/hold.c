/* SPDX-License-Identifier: BSD-3-Clause */
/* A library that uses HELD bytes of static thread-local storage, and does nothing else. */
static _Thread_local char held[HELD] __attribute__((tls_model("initial-exec"), aligned(8)));
char *hold(void);

char *hold(void)
{
    return held;
}
