/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the backend gets its memory from: see system_memory.cc. */
#ifndef TM_SYSTEM_MEMORY_H
#define TM_SYSTEM_MEMORY_H

#ifdef __cplusplus
extern "C"
#endif
    /* To be called once the backend has given its first object. Done again it does nothing. */
    void
    tm__avoid_brk(void);

#endif
