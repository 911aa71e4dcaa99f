/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flows: which thread freed which thread's blocks. The tables are read three times, because the words of one reading
 * are in no order. A pair, or a thread, whose key is the same in all three is taken as the second reading saw it; any
 * other is being replaced just now, and left out.
 */
#include "reader/rows_flow.h"
#include "reader/arrays.h"
#include "reader/message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int by_thread(const void *a, const void *b)
{
    const struct tm__flow_party *left = a, *right = b;
    return (left->thread > right->thread) - (left->thread < right->thread);
}

struct tm__flow_tables {
    struct tm__flows flows, again; /* the second reading; the first, and then the third */
    struct tm__flow_party parties[TM__FLOW_SETS * TM__FLOW_WAYS]; /* of all sets, sorted by thread number */
    size_t party_count;
};

/* Empties each entry that has another key in `again`. */
static void drop_changed(struct tm__flow_tables *tables)
{
    for (int set = 0; set < TM__FLOW_SETS; set++)
        for (int way = 0; way < TM__FLOW_WAYS; way++) {
            struct tm__flow_pair *pair = &tables->flows.pairs[set].pairs[way];
            struct tm__flow_party *party = &tables->flows.parties[set].parties[way];
            if (pair->key != tables->again.pairs[set].pairs[way].key)
                pair->key = 0;
            if (party->thread != tables->again.parties[set].parties[way].thread)
                party->thread = 0;
        }
}

static void collect_parties(struct tm__flow_tables *tables)
{
    tables->party_count = 0;
    for (int set = 0; set < TM__FLOW_SETS; set++)
        for (int way = 0; way < TM__FLOW_WAYS; way++) {
            const struct tm__flow_party *party = &tables->flows.parties[set].parties[way];
            if (party->thread != 0)
                tables->parties[tables->party_count++] = *party;
        }
    qsort(tables->parties, tables->party_count, sizeof tables->parties[0], by_thread);
}

static void describe_party(const struct tm__flow_tables *tables, uint64_t thread, pid_t *tid, char name[TM__NAME])
{
    strcpy(name, thread == 0 ? "(shared)" : "(unknown)");
    *tid = 0;
    const struct tm__flow_party wanted = {.thread = thread}, *party = NULL;
    if (thread != 0)
        party = bsearch(&wanted, tables->parties, tables->party_count, sizeof wanted, by_thread);
    if (!party)
        return;
    *tid = party->tid;
    tm__take_name(name, (const uint64_t[2]){party->name[0], party->name[1]});
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

/* False if the entry is empty. */
static bool describe_pair(const struct tm__flow_tables *tables, int set, int way, struct tm_flow *flow)
{
    const struct tm__flow_pair *pair = &tables->flows.pairs[set].pairs[way];
    uint64_t key = pair->key;
    if (key >> 32 == 0 || (uint32_t)key == 0)
        return false;
    *flow = (struct tm_flow){
        .owner = (key >> 32) - 1, .freer = (uint32_t)key - 1, .bytes = pair->bytes, .blocks = pair->blocks};
    describe_party(tables, flow->owner, &flow->owner_tid, flow->owner_name);
    describe_party(tables, flow->freer, &flow->freer_tid, flow->freer_name);
    return true;
}

static bool collect_pairs(const struct tm__flow_tables *tables, struct tm__rows *rows)
{
    for (int set = 0; set < TM__FLOW_SETS; set++)
        for (int way = 0; way < TM__FLOW_WAYS; way++) {
            struct tm_flow flow;
            if (describe_pair(tables, set, way, &flow) && !add_flow(rows, &flow))
                return false;
        }
    if (rows->flow_count > 0)
        qsort(rows->flows, rows->flow_count, sizeof *rows->flows, by_bytes);
    struct tm_flow others = {.owner_name = "(others)",
                             .freer_name = "(others)",
                             .bytes = tables->flows.displaced_bytes,
                             .blocks = tables->flows.displaced_blocks};
    return others.blocks == 0 || add_flow(rows, &others);
}

static bool is_possible(const struct tm__rows *rows)
{
    uint64_t bytes = 0, blocks = 0;
    for (size_t i = 0; i < rows->flow_count; i++) {
        const struct tm_flow *flow = &rows->flows[i];
        if (flow->bytes > TM__MOST - bytes || flow->blocks > TM__MOST - blocks)
            return false;
        bytes += flow->bytes;
        blocks += flow->blocks;
    }
    return true;
}

int tm__read_flows(const struct tm__source *source, struct tm__rows *rows, char message[TM_READER_MESSAGE])
{
    uint64_t offset = source->places.flows_offset;
    if (!rows->flow_tables)
        rows->flow_tables = aligned_alloc(alignof(struct tm__flow_tables), sizeof *rows->flow_tables);
    struct tm__flow_tables *tables = rows->flow_tables;
    if (!tables)
        return tm__no_memory(message);
    if (!tm__read_source(source, &tables->again, sizeof tables->again, offset) ||
        !tm__read_source(source, &tables->flows, sizeof tables->flows, offset))
        return tm__cut_off(source, message);
    drop_changed(tables);
    if (!tm__read_source(source, &tables->again, sizeof tables->again, offset))
        return tm__cut_off(source, message);
    drop_changed(tables);
    collect_parties(tables);
    if (!collect_pairs(tables, rows))
        return tm__no_memory(message);
    if (is_possible(rows))
        return 0;
    tm__say(message, "%s is damaged: its flows are too large together", source->path);
    return -EINVAL;
}
