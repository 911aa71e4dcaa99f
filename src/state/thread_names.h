/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_THREAD_NAMES_H
#define TM_THREAD_NAMES_H

/* A constructor. The linker is told to take it out of an archive, see src/meson.build. */
void tm__intercept_names(void);

#endif
