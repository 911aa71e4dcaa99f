/* SPDX-License-Identifier: BSD-3-Clause */
/* Names as they may be shown. They come from programs, and may be anything. */
#ifndef TM_PRINTABLE_H
#define TM_PRINTABLE_H

#include <stddef.h>

/*
 * With ? for what is not printable, or would change how what is beside it is shown; cut off to fit into `size` bytes.
 * tool_printable() is for a terminal of this locale, in tables: of each character it is known how many columns it takes.
 */
char *tool_printable(char *text, size_t size, const char *name);
char *tool_utf8(char *text, size_t size, const char *name); /* UTF-8 whatever the locale is; in place, too */

/* How many columns a printable text takes, up to `most`; `length` (may be NULL): how many bytes of it that is. */
int tool_columns(const char *text, int most, size_t *length);

/* As tool_printable(), in so many columns: cut off, or with blanks after it; before it, if that is negative. */
enum { TOOL_FIT = 256 };
char *tool_fit(char text[TOOL_FIT], const char *name, int columns); /* no more than 60 */

#endif
