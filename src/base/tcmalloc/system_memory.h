/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the backend gets its memory: see system_memory.cc. */
#ifndef TM_SYSTEM_MEMORY_H
#define TM_SYSTEM_MEMORY_H

#ifdef __cplusplus
extern "C"
#endif
    /* To be called after the backend has returned its first object. A second call does nothing. */
    void
    tm__avoid_brk(void);

#endif
