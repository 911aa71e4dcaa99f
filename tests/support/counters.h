/* SPDX-License-Identifier: BSD-3-Clause */
/* All counters of struct tm_totals at once, so that a test leaves none out. Peaks are left alone. */
#ifndef TESTS_COUNTERS_H
#define TESTS_COUNTERS_H

#include <threadmeter/totals.h>

static inline void add_counters(struct tm_totals *sum, const struct tm_totals *more)
{
#define ADD(name, unit, meaning) sum->name += more->name;
    TM_COUNTERS(ADD)
#undef ADD
}

/* Returns the name of the first counter that is not the same in both, with its values; NULL if all are the same. */
static inline const char *differing_counter(const struct tm_totals *one, const struct tm_totals *other,
                                            unsigned long long values[2])
{
#define COMPARE(name, unit, meaning)                                                                                   \
    if (one->name != other->name) {                                                                                    \
        values[0] = one->name;                                                                                         \
        values[1] = other->name;                                                                                       \
        return #name;                                                                                                  \
    }
    TM_COUNTERS(COMPARE)
#undef COMPARE
    return 0;
}

/* The same for the first counter that is less than it was in an earlier reading. */
static inline const char *shrunk_counter(const struct tm_totals *now, const struct tm_totals *before,
                                         unsigned long long values[2])
{
#define COMPARE(name, unit, meaning)                                                                                   \
    if (now->name < before->name) {                                                                                    \
        values[0] = now->name;                                                                                         \
        values[1] = before->name;                                                                                      \
        return #name;                                                                                                  \
    }
    TM_COUNTERS(COMPARE)
#undef COMPARE
    return 0;
}

#endif
