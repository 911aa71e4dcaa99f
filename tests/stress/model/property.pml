/* SPDX-License-Identifier: BSD-3-Clause */
/* The number is a part of the assertion, so spin prints it. */
#ifdef ONLY
#define PROPERTY(number, holds) assert((holds) || number != ONLY)
#else
#define PROPERTY(number, holds) assert((holds) || number == 0)
#endif
