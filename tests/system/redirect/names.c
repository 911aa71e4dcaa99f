/* SPDX-License-Identifier: BSD-3-Clause */
/* All other things that may have the name free or malloc, and all that programs do with the functions of that name. */
#include <stdlib.h>

struct list {
    int free, malloc;
    struct list *calloc;
};

struct hooks {
    void *(*malloc_fn)(size_t);
    void *(*realloc_fn)(void *, size_t);
    void (*free_fn)(void *);
};

static struct hooks by_name = {.malloc_fn = malloc, .realloc_fn = realloc, .free_fn = free};

static int count(struct list *list)
{
    int free = list->free, malloc = list->malloc;
    return free + malloc;
}

#ifdef __GNUC__
void dispose(void *p);
#if !defined(__clang__) && __GNUC__ >= 11
void *make(size_t n) __attribute__((malloc, malloc(free, 1)));
#else
void *make(size_t n) __attribute__((malloc));
#endif
#else
void *make(size_t n);
#endif

void *make(size_t n)
{
    return by_name.malloc_fn(n);
}

#define free_and_null(p) (free(p), (p) = NULL)
#define paste(a, b) a##b

int main(void)
{
    struct list list = {1, 2, NULL};
    void *p = make(10), *q = malloc(10), *r = paste(mal, loc)(10);
    list.free += count(&list);
    goto free;
free:
    free_and_null(p);
    (free)(q);
    (*free)(r);
    p = by_name.realloc_fn(NULL, 5);
    by_name.free_fn(p);
    return list.free == 4 ? 0 : 1;
}
