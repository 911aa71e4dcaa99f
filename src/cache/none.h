/* SPDX-License-Identifier: BSD-3-Clause */
/* No cache: each block is a call of the backend. */
#ifndef TM_NONE_H
#define TM_NONE_H

enum { TM__HAS_CACHES = 0 };

static inline size_t tm__object_request(size_t request)
{
    return backend_round_up(request);
}

static inline struct tm__bin *tm__bin_in(struct tm__cache *cache, size_t size)
{
    (void)cache, (void)size;
    return NULL;
}

static inline bool tm__lets_wait(const struct tm__cache *cache)
{
    (void)cache;
    return false;
}

static inline struct tm__header *tm__let_wait(struct tm__cache *cache, struct tm__header *object, struct tm__bin **bin)
{
    (void)cache, (void)bin;
    return object;
}

static inline bool tm__may_refill_bin(const struct tm__cache *cache, const struct tm__bin *bin)
{
    (void)cache, (void)bin;
    return false;
}

#endif
