/* Two modules with a tag each, and this one with none. A block is charged to its module, whatever code frees it. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threadmeter/tags.h>

int parser_make(void *made[10]);
int network_make(void *made[10]);
void network_drop(void *made[10]);

enum { MADE = 100 + 60 + 300 + 6 + 5 + 8 + 7 + 512 + 11, LINE = 120 };

static int wrong;

static void expect(const char *name, uint64_t blocks)
{
    struct tm_totals totals;
    tm_tag tag = tm_tag_open(name);
    if (tm_tag_totals(tag, &totals) != 0 || tm_live_blocks(&totals) != blocks ||
        tm_live_bytes(&totals) != blocks / 10 * (MADE + LINE)) {
        printf("%s: %lu bytes in %lu blocks\n", name, (unsigned long)tm_live_bytes(&totals),
               (unsigned long)tm_live_blocks(&totals));
        wrong++;
    }
    tm_tag_close(tag);
}

static void *make_both(void *made)
{
    if (parser_make(made) != 0 || network_make((void **)made + 10) != 0 || tm_tag_current() != 0)
        wrong++;
    return NULL;
}

int main(void)
{
    void *made[40];
    pthread_t thread;
    void *own = malloc(1000);
    tm_tag outer = tm_tag_open("request"), before;
    make_both(made);
    expect("parser", 10);
    expect("network", 10);
    before = tm_tag_enter(outer); /* a unit's own tag comes before the thread's */
    if (parser_make(made + 20) != 0 || tm_tag_current() != outer)
        wrong++;
    tm_tag_leave(before);
    expect("request", 0);
    expect("parser", 20);
    network_drop(made + 20);
    pthread_create(&thread, NULL, make_both, made + 20);
    pthread_join(thread, NULL);
    expect("parser", 20);
    expect("network", 20);
    for (int i = 0; i < 40; i++)
        free(made[i]);
    expect("parser", 0);
    expect("network", 0);
    /* If other code closes the unit's tag, then the unit opens a new one with the same name. */
    for (tm_tag parser = tm_tag_open("parser"); tm_tag_close(parser) == 0;)
        ;
    wrong += parser_make(made) != 0;
    expect("parser", 10);
    for (int i = 0; i < 10; i++)
        free(made[i]);
    free(own);
    return wrong;
}
