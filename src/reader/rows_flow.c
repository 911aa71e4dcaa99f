/* SPDX-License-Identifier: BSD-3-Clause */
#include "rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_thread(const void *a, const void *b)
{
    const struct tm__flow_party *left = a, *right = b;
    return (left->thread > right->thread) - (left->thread < right->thread);
}

/* All of the sets in one sorted array; how many. */
static size_t collect_parties(const struct tm__flows *flows, struct tm__flow_party *parties)
{
    size_t count = 0;
    for (int set = 0; set < TM__FLOW_SETS; set++)
        for (int way = 0; way < TM__FLOW_WAYS; way++)
            if (flows->parties[set].parties[way].thread != 0)
                parties[count++] = flows->parties[set].parties[way];
    qsort(parties, count, sizeof *parties, by_thread);
    return count;
}

static void describe_party(uint64_t thread, const struct tm__flow_party *parties, size_t count, pid_t *tid,
                           char name[TM__NAME])
{
    strcpy(name, thread == 0 ? "(shared)" : "(unknown)");
    *tid = 0;
    const struct tm__flow_party wanted = {.thread = thread}, *party = NULL;
    if (thread != 0)
        party = bsearch(&wanted, parties, count, sizeof *parties, by_thread);
    if (!party)
        return;
    uint64_t words[2] = {party->name[0], party->name[1]};
    memcpy(name, words, TM__NAME);
    name[TM__NAME - 1] = '\0';
    *tid = party->tid;
}

static int by_bytes(const void *a, const void *b)
{
    const struct tm_flow *left = a, *right = b;
    if (left->bytes != right->bytes)
        return left->bytes < right->bytes ? 1 : -1;
    return left->owner != right->owner ? left->owner < right->owner ? -1 : 1
                                       : (left->freer > right->freer) - (left->freer < right->freer);
}

static bool add_flow(struct tm__rows *rows, const struct tm_flow *flow)
{
    if (!tm__grow(&rows->flows, &rows->flow_capacity, rows->flow_count, sizeof *rows->flows))
        return false;
    rows->flows[rows->flow_count++] = *flow;
    return true;
}

static bool collect_pairs(const struct tm__flows *flows, const struct tm__flow_party *parties, size_t party_count,
                          struct tm__rows *rows)
{
    for (int set = 0; set < TM__FLOW_SETS; set++)
        for (int way = 0; way < TM__FLOW_WAYS; way++) {
            const struct tm__flow_pair *pair = &flows->pairs[set].pairs[way];
            uint64_t key = pair->key;
            if (key == 0)
                continue;
            struct tm_flow flow = {
                .owner = (key >> 32) - 1, .freer = (uint32_t)key - 1, .bytes = pair->bytes, .blocks = pair->blocks};
            describe_party(flow.owner, parties, party_count, &flow.owner_tid, flow.owner_name);
            describe_party(flow.freer, parties, party_count, &flow.freer_tid, flow.freer_name);
            if (!add_flow(rows, &flow))
                return false;
        }
    if (rows->flow_count > 0)
        qsort(rows->flows, rows->flow_count, sizeof *rows->flows, by_bytes);
    struct tm_flow others = {.owner_name = "(others)",
                             .freer_name = "(others)",
                             .bytes = flows->others_bytes,
                             .blocks = flows->others_blocks};
    return others.blocks == 0 || add_flow(rows, &others);
}

int tm__read_flows(const struct tm__source *source, struct tm__rows *rows, char message[TM_READER_MESSAGE])
{
    struct tm__flows *flows = malloc(sizeof *flows);
    struct tm__flow_party *parties = malloc(TM__FLOW_SETS * TM__FLOW_WAYS * sizeof *parties);
    int error = 0;
    if (!flows || !parties) {
        tm__say(message, "out of memory");
        error = -ENOMEM;
    } else if (!tm__read_source(source, flows, sizeof *flows, source->places.flows_offset)) {
        tm__say(message, "%s was cut off while it was read", source->path);
        error = -EINVAL;
    } else if (!collect_pairs(flows, parties, collect_parties(flows, parties), rows)) {
        tm__say(message, "out of memory");
        error = -ENOMEM;
    }
    free(flows);
    free(parties);
    return error;
}
