/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes names safe to show. They come from programs, and may contain any bytes. */
#ifndef TM_PRINTABLE_H
#define TM_PRINTABLE_H

#include <stddef.h>

/*
 * Writes ? for a character that is not printable, or would change how its neighbours are shown; cuts at `size` bytes.
 * tool_printable() is for tables on a terminal of this locale: the width of each character is known.
 */
char *tool_printable(char *text, size_t size, const char *name);
char *tool_utf8(char *text, size_t size, const char *name); /* writes UTF-8 in any locale; may work in place */

/* How many columns a printable text takes, up to `most`; `length` (may be NULL): how many bytes of it that is. */
int tool_columns(const char *text, int most, size_t *length);

/*
 * As tool_printable(), cut or padded to so many columns: blanks after the name, or before it if `columns` is negative.
 */
enum { TOOL_FIT = 256 };
char *tool_fit(char text[TOOL_FIT], const char *name, int columns); /* no more than 60 */

#endif
