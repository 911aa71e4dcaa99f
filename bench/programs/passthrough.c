/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Linked to a redirected program in place of threadmeter: each tm_ function is one jump to the process's own function,
 * so that the same executable runs unmetered. For x86-64.
 */
#define PASS(name)                                                                                                     \
    __asm__(".globl tm_" #name "\n"                                                                                    \
            ".type tm_" #name ", @function\n"                                                                          \
            "tm_" #name ":\n"                                                                                          \
            "    jmp *" #name "@GOTPCREL(%rip)\n")

PASS(malloc);
PASS(calloc);
PASS(realloc);
PASS(reallocarray);
PASS(free);
PASS(aligned_alloc);
PASS(memalign);
PASS(posix_memalign);
PASS(valloc);
PASS(pvalloc);
PASS(malloc_usable_size);
PASS(strdup);
PASS(__strdup);
PASS(strndup);
PASS(__strndup);
PASS(wcsdup);
PASS(asprintf);
PASS(vasprintf);
PASS(__asprintf_chk);
PASS(__vasprintf_chk);
PASS(getline);
PASS(getdelim);
PASS(__getdelim);
PASS(realpath);
PASS(canonicalize_file_name);
PASS(getcwd);
PASS(get_current_dir_name);
PASS(tempnam);
PASS(scandir);
PASS(scandir64);
PASS(scandirat);
PASS(scandirat64);
PASS(backtrace_symbols);
PASS(open_memstream);
