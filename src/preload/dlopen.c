/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dlopen() and dlmopen(), for the two libraries that come before libc's malloc in the search order. A library that is
 * opened with RTLD_DEEPBIND finds malloc and free in itself and in its own libraries first, libc among them, and so
 * bypasses ours.
 *
 * libc's dlopen() learns from its return address which library calls it, and so where to search (RUNPATH, $ORIGIN) and
 * into which namespace to load. It must therefore be called by a jump, which leaves the caller's return address in
 * place.
 */
#define _GNU_SOURCE
#include "preload/dlopen.h"
#include "base/find_next.h"

#define EXPORT __attribute__((visibility("default")))

/* Compilers make such a call a jump; but without optimization, only if they are told to. */
#if defined(__has_attribute) && __has_attribute(musttail)
#define JUMPS
#define JUMP_TO __attribute__((musttail)) return
#else
#define JUMPS __attribute__((optimize("O2")))
#define JUMP_TO return
#endif

typedef void *dlopen_function(const char *, int);
typedef void *dlmopen_function(Lmid_t, const char *, int);

static void *_Atomic next_dlopen, *_Atomic next_dlmopen;

JUMPS EXPORT void *dlopen(const char *file, int mode)
{
    dlopen_function *next = (dlopen_function *)tm__find_next(&next_dlopen, "dlopen");
    mode = tm__dlopen_mode(file, mode);
    JUMP_TO next(file, mode);
}

/* Another namespace has its own libc and malloc for all its libraries, so they do not free our blocks. */
JUMPS EXPORT void *dlmopen(Lmid_t space, const char *file, int mode)
{
    dlmopen_function *next = (dlmopen_function *)tm__find_next(&next_dlmopen, "dlmopen");
    if (space == LM_ID_BASE)
        mode = tm__dlopen_mode(file, mode);
    JUMP_TO next(space, file, mode);
}
