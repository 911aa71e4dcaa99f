/* SPDX-License-Identifier: BSD-3-Clause */
/* A library that names threads, like libraries that start threads for a program. It does not use threadmeter. */
#define _GNU_SOURCE
#include <pthread.h>

int name_me(const char *name);

int name_me(const char *name)
{
    return pthread_setname_np(pthread_self(), name);
}
