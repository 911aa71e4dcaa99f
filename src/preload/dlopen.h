/* SPDX-License-Identifier: BSD-3-Clause */
/* What the preloaded library and the interposer, whose dlopen() comes before libc's, do with its mode. */
#ifndef TM_DLOPEN_H
#define TM_DLOPEN_H

/* The mode in which libc's dlopen() is to open `file`; each of these libraries has its own. Keeps errno. */
int tm__dlopen_mode(const char *file, int mode);

#endif
