/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stream into memory. If memory runs out, glibc's open_memstream() reports that only to the call that fails, not by
 * ferror() nor fclose(), so the text would seem to be complete.
 */
#include "common/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ssize_t append(void *cookie, const char *bytes, size_t size)
{
    struct tool_text *text = cookie;
    if (size >= text->capacity - text->size) {
        size_t capacity = 2 * (text->size + size) + 1;
        char *grown = realloc(text->bytes, capacity);
        if (!grown)
            return 0; /* so ferror() reports the failure */
        text->bytes = grown;
        text->capacity = capacity;
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = '\0';
    return (ssize_t)size;
}

bool tool_open_text(struct tool_text *text)
{
    *text = (struct tool_text){.out = fopencookie(text, "w", (cookie_io_functions_t){.write = append})};
    return text->out;
}

char *tool_close_text(struct tool_text *text)
{
    bool failed = ferror(text->out) != 0;
    failed |= fclose(text->out) != 0;
    if (!failed && text->bytes)
        return text->bytes;
    free(text->bytes);
    return NULL;
}
