/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libc's clock_gettime() does the same, but it may be interposed by a function that tells another time, takes a lock or
 * allocates; and the system call need not be allowed in a sandbox. So this finds the function in the vDSO, an ELF image
 * that the kernel maps into each process (vdso(7)).
 */
#define _GNU_SOURCE
#include "base/vdso.h"
#include "base/kernel.h"

#include <elf.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <time.h>

typedef int clock_function(clockid_t clock, struct timespec *now);

struct image {
    uintptr_t base; /* addresses in the image are relative to this */
    const ElfW(Sym) * symbols;
    const char *names;
    size_t names_size;
};

static bool is_same(const char *name, const char *wanted)
{
    while (*name && *name == *wanted) {
        name++;
        wanted++;
    }
    return *name == *wanted;
}

static void read_dynamic(struct image *image, const ElfW(Dyn) * entry)
{
    for (; entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_SYMTAB)
            image->symbols = (const void *)(image->base + entry->d_un.d_ptr);
        else if (entry->d_tag == DT_STRTAB)
            image->names = (const void *)(image->base + entry->d_un.d_ptr);
        else if (entry->d_tag == DT_STRSZ)
            image->names_size = entry->d_un.d_val;
}

/* Addresses in the image are relative to where its only loaded segment would begin, which is usually 0. */
static struct image open_image(const ElfW(Ehdr) * header)
{
    struct image image = {0};
    const ElfW(Phdr) *segments = (const void *)((const char *)header + header->e_phoff);
    const ElfW(Phdr) *dynamic = NULL;
    for (int i = 0; i < header->e_phnum; i++)
        if (segments[i].p_type == PT_LOAD)
            image.base = (uintptr_t)header + segments[i].p_offset - segments[i].p_vaddr;
        else if (segments[i].p_type == PT_DYNAMIC)
            dynamic = &segments[i];
    if (dynamic)
        read_dynamic(&image, (const void *)((const char *)header + dynamic->p_offset));
    return image;
}

/* The number of symbols is found in the section headers, all of which are in the vDSO. */
static size_t count_symbols(const ElfW(Ehdr) * header)
{
    const ElfW(Shdr) *sections = (const void *)((const char *)header + header->e_shoff);
    for (int i = 0; header->e_shoff != 0 && i < header->e_shnum; i++)
        if (sections[i].sh_type == SHT_DYNSYM)
            return sections[i].sh_size / sizeof(ElfW(Sym));
    return 0;
}

static clock_function *find_function(void)
{
    const ElfW(Ehdr) *header = (const void *)getauxval(AT_SYSINFO_EHDR);
    if (!header)
        return NULL;
    struct image image = open_image(header);
    size_t count = image.symbols && image.names ? count_symbols(header) : 0;
    for (size_t i = 0; i < count; i++) {
        const ElfW(Sym) *symbol = &image.symbols[i];
        if (symbol->st_shndx == SHN_UNDEF || symbol->st_name >= image.names_size)
            continue;
        const char *name = image.names + symbol->st_name;
        if (is_same(name, "__vdso_clock_gettime") || is_same(name, "__kernel_clock_gettime"))
            return (clock_function *)(image.base + symbol->st_value);
    }
    return NULL;
}

/*
 * The function is looked up once. An interposed getauxval() may allocate, and so come back here: then the caller makes
 * the system call instead.
 */
static clock_function *function_once(void)
{
    enum { NOT_YET, LOOKING, KNOWN };
    static _Atomic int state;
    static clock_function *_Atomic function;
    int expected = NOT_YET;
    if (atomic_compare_exchange_strong(&state, &expected, LOOKING)) {
        atomic_store(&function, find_function());
        atomic_store(&state, KNOWN);
    }
    return atomic_load(&state) == KNOWN ? atomic_load(&function) : NULL;
}

uint64_t tm__read_boot_clock(void)
{
    struct timespec now;
    clock_function *function = function_once();
    if ((function ? function(CLOCK_BOOTTIME, &now) : tm__sys_clock_gettime(CLOCK_BOOTTIME, &now)) != 0)
        return UINT64_MAX;
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}
