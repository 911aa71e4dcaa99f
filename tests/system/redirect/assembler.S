/* SPDX-License-Identifier: BSD-3-Clause */
/* Preprocessed assembler, which is compiled with the same flags as the C files. */
#include <asm/errno.h>
    .text
    .globl answer
    .type answer, %function
answer:
#ifdef __x86_64__
    mov $ENOMEM, %eax
    ret
#else
    mov w0, #ENOMEM
    ret
#endif
    .size answer, . - answer
    .section .note.GNU-stack, "", %progbits
