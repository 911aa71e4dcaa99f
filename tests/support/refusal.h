/* SPDX-License-Identifier: BSD-3-Clause */
/* What a hard limit does. */
#ifndef TESTS_REFUSAL_H
#define TESTS_REFUSAL_H

#include <stddef.h>

/* Every way to allocate `size` bytes, or as many more for a block that is filled(), is refused, and changes nothing. */
void expect_refused(char *block, size_t size);

#endif
