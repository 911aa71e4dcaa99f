/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A stream into memory. Of what it has no memory for glibc's open_memstream() says so to each single call alone: not by
 * ferror(), nor by fclose(), after which all seems to be there.
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
            return 0; /* of which the stream says that it failed */
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
