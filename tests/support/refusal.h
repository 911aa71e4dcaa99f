/* SPDX-License-Identifier: BSD-3-Clause */
/* What a hard limit does. */
#ifndef TESTS_REFUSAL_H
#define TESTS_REFUSAL_H

#include <stddef.h>

/* Each function that allocates `size` bytes, or enlarges a filled() block by as many, refuses to, and changes nothing. */
void expect_refused(char *block, size_t size);

#endif
