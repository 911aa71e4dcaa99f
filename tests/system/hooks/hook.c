/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A library to be preloaded. It has functions with libc's names, which allocate, and then call libc's. `run` writes the
 * list of them, names.h, from what our libraries import: HOOK(name) for each. Like careless libraries, it has no guard
 * against recursive calls.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>

/* In a program that calls our functions by name, plain malloc is libc's, so the hooks call both. */
extern void *tm_malloc(size_t size) __attribute__((weak));
extern void tm_free(void *block) __attribute__((weak));

static const char *const names[] = {
#define HOOK(name) #name,
#include "names.h"
#undef HOOK
};
static void *real[sizeof names / sizeof names[0]];

__attribute__((visibility("hidden"), used)) void *hook_called(size_t number)
{
    if (!real[number])
        real[number] = dlsym(RTLD_NEXT, names[number]);
    void *volatile block = malloc(48);
    free(block);
    if (tm_malloc) {
        block = tm_malloc(80);
        tm_free(block);
    }
    return real[number];
}

/* Saves all registers that may hold arguments, and at the end jumps to the real function: so it works for any. */
__asm__(".text\n"
        "hook_any:\n"
        "    pushq %rbp\n"
        "    movq %rsp, %rbp\n"
        "    subq $208, %rsp\n"
        "    andq $-16, %rsp\n"
        "    movq %rdi, (%rsp)\n"
        "    movq %rsi, 8(%rsp)\n"
        "    movq %rdx, 16(%rsp)\n"
        "    movq %rcx, 24(%rsp)\n"
        "    movq %r8, 32(%rsp)\n"
        "    movq %r9, 40(%rsp)\n"
        "    movq %rax, 48(%rsp)\n"
        "    movups %xmm0, 64(%rsp)\n"
        "    movups %xmm1, 80(%rsp)\n"
        "    movups %xmm2, 96(%rsp)\n"
        "    movups %xmm3, 112(%rsp)\n"
        "    movups %xmm4, 128(%rsp)\n"
        "    movups %xmm5, 144(%rsp)\n"
        "    movups %xmm6, 160(%rsp)\n"
        "    movups %xmm7, 176(%rsp)\n"
        "    movq %r11, %rdi\n"
        "    call hook_called\n"
        "    movq %rax, %r11\n"
        "    movq (%rsp), %rdi\n"
        "    movq 8(%rsp), %rsi\n"
        "    movq 16(%rsp), %rdx\n"
        "    movq 24(%rsp), %rcx\n"
        "    movq 32(%rsp), %r8\n"
        "    movq 40(%rsp), %r9\n"
        "    movq 48(%rsp), %rax\n"
        "    movups 64(%rsp), %xmm0\n"
        "    movups 80(%rsp), %xmm1\n"
        "    movups 96(%rsp), %xmm2\n"
        "    movups 112(%rsp), %xmm3\n"
        "    movups 128(%rsp), %xmm4\n"
        "    movups 144(%rsp), %xmm5\n"
        "    movups 160(%rsp), %xmm6\n"
        "    movups 176(%rsp), %xmm7\n"
        "    leave\n"
        "    jmp *%r11\n"
        ".set number, 0\n");

#define HOOK(name)                                                                                                     \
    __asm__(".globl " #name "\n"                                                                                       \
            ".type " #name ", @function\n" #name ":\n"                                                                 \
            "    movq $number, %r11\n"                                                                                 \
            "    jmp hook_any\n"                                                                                       \
            ".set number, number + 1\n");
#include "names.h"
