/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "soak_blocks.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

_Atomic uint64_t foreign_frees, foreign_reallocs;

uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static size_t random_size(uint64_t *random)
{
    uint64_t r = next_random(random), n = r >> 20;
    return r % 20000 == 0 ? n % (4 << 20) : r % 100 == 0 ? n % 100000 : r % 10 == 0 ? n % 5000 : n % 200;
}

/* Visits only the two ends of a block, because to write and check all of each would take most of the time. */
static void each_end(const struct item *item, void (*visit)(unsigned char *byte, unsigned char fill))
{
    enum { END = 64 };
    for (size_t i = 0; i < item->size; i = i + 1 == END && item->size > 2 * END ? item->size - END : i + 1)
        visit(&item->block[i], item->fill);
}

static void write_byte(unsigned char *byte, unsigned char fill)
{
    *byte = fill;
}

static void check_byte(unsigned char *byte, unsigned char fill)
{
    if (*byte != fill)
        fail("a block at %p was overwritten", (void *)byte);
}

static void check_zero(unsigned char *byte, unsigned char fill)
{
    (void)fill;
    check_byte(byte, 0);
}

static void *make_block(struct item *item, uint64_t *random)
{
    static const size_t page = 4096;
    char text[256];
    wchar_t wide[64];
    void *block = NULL;
    size_t some = next_random(random) % 60 + 1;
    memset(text, 'x', some), text[some] = '\0';
    switch (next_random(random) % 24) {
    case 0:
        return tm_realloc(NULL, item->size);
    case 1:
        return tm_reallocarray(NULL, item->size, 1);
    case 2:
        item->alignment = (size_t)16 << next_random(random) % 9;
        return tm_aligned_alloc(item->alignment, item->size);
    case 3:
        item->alignment = (size_t)16 << next_random(random) % 9;
        return tm_posix_memalign(&block, item->alignment, item->size) == 0 ? block : NULL;
    case 4:
        item->alignment = 64;
        return tm_memalign(33, item->size);
    case 5:
        item->alignment = page;
        return tm_valloc(item->size);
    case 6:
        item->alignment = page;
        item->size = (item->size + page - 1) / page * page;
        return tm_pvalloc(item->size);
    case 7:
        item->size = some + 1;
        return tm_strdup(text);
    case 8:
        item->size = some / 2 + 1;
        return tm_strndup(text, some / 2);
    case 9:
        wmemset(wide, L'x', some), wide[some] = 0;
        item->size = (some + 1) * sizeof wide[0];
        return tm_wcsdup(wide);
    case 10:
        item->size = 2 * some + 1;
        return tm_asprintf((char **)&block, "%s%s", text, text) == (int)(2 * some) ? block : NULL;
    case 11:
        item->size = 2;
        return tm_realpath("/", NULL);
    case 12:
        item->size = 4096;
        return tm_getcwd(NULL, 4096);
    case 13:
        item->foreign = true;
        return malloc(item->size);
    case 14:
    case 15:
        block = tm_calloc(1, item->size);
        item->block = block;
        each_end(item, check_zero);
        return block;
    default:
        return tm_malloc(item->size);
    }
}

void make(struct item *item, struct ledger *self, uint64_t *random)
{
    *item = (struct item){.size = random_size(random), .alignment = 16, .owner = self};
    item->fill = (unsigned char)next_random(random);
    item->block = make_block(item, random);
    if (!item->block || (uintptr_t)item->block % item->alignment != 0)
        fail("no block of %zu bytes at a multiple of %zu: %p", item->size, item->alignment, (void *)item->block);
    each_end(item, write_byte);
    if (item->foreign)
        return;
    if (tm_malloc_usable_size(item->block) != item->size)
        fail("a block of %zu bytes has a usable size of %zu", item->size, tm_malloc_usable_size(item->block));
    ledger_charge(self, item->size);
}

void resize(struct item *item, struct ledger *self, uint64_t *random)
{
    size_t size = random_size(random) + 1;
    each_end(item, check_byte);
    unsigned char *block =
        next_random(random) % 2 ? tm_realloc(item->block, size) : tm_reallocarray(item->block, 1, size);
    if (!block || (size > 0 && item->size > 0 && block[0] != item->fill))
        fail("realloc to %zu bytes gave %p", size, (void *)block);
    if (item->foreign) {
        foreign_reallocs++;
    } else {
        ledger_credit(item->owner, item->size, self);
        ledger_charge(self, size);
    }
    item->block = block;
    item->size = size;
    item->alignment = 16;
    item->owner = self;
    each_end(item, write_byte);
}

void dispose(struct item *item, struct ledger *self, uint64_t *random)
{
    each_end(item, check_byte);
    uint64_t choice = next_random(random) % 16;
    if (choice == 0)
        tm_free_sized(item->block, item->size);
    else if (choice == 1)
        tm_free_aligned_sized(item->block, item->alignment, item->size);
    else if (choice == 2)
        tm_cfree(item->block);
    else if (choice == 3 && tm_realloc(item->block, 0) != NULL)
        fail("realloc to 0 bytes returned a block");
    else if (choice > 3)
        tm_free(item->block);
    if (!item->foreign)
        ledger_credit(item->owner, item->size, self);
    else if (choice == 3)
        foreign_reallocs++;
    else
        foreign_frees++;
    item->block = NULL;
}
