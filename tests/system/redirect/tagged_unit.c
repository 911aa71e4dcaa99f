/* A module that names nothing of threadmeter, built twice, with UNIT as its tag. It does not free what it returns. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASTE2(a, b) a##b
#define PASTE(a, b) PASTE2(a, b)

static void *(*const through_a_table)(size_t) = malloc;

static char *format(const char *pattern, ...)
{
    char *text = NULL;
    va_list values;
    va_start(values, pattern);
    if (vasprintf(&text, pattern, values) < 0)
        text = NULL;
    va_end(values);
    return text;
}

/* Allocates 100 + 3 * 20 + 300 + 6 + 5 + 8 + 7 + 512 + 11 bytes in 9 blocks, and the buffer of a line. */
int PASTE(UNIT, _make)(void *made[10])
{
    char *line = NULL;
    size_t size = 0;
    FILE *stream = fopen("/proc/self/comm", "r");
    made[0] = malloc(100);
    made[1] = calloc(3, 20);
    made[2] = realloc(malloc(10), 300);
    made[3] = strdup("hello");
    made[4] = strndup("hello", 4);
    made[5] = format("%d", 1234567);
    if (asprintf((char **)&made[6], "%s", "abcdef") < 0 || posix_memalign(&made[7], 256, 512) != 0)
        return -1;
    made[8] = through_a_table(11);
    if (!stream || getline(&line, &size, stream) < 0)
        return -1;
    made[9] = line;
    fclose(stream);
    return 0;
}

void PASTE(UNIT, _drop)(void *made[10])
{
    int i;
    for (i = 0; i < 10; i++)
        free(made[i]);
}
