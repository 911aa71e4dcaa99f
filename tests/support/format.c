/* SPDX-License-Identifier: BSD-3-Clause */
/* Nothing runs here: what docs/formats/published-file.md says of the file is what src/state/layout.h has. */
#include "state/layout.h"

#define AT(type, field, offset) static_assert(offsetof(struct type, field) == (offset), "published-file.md: " #field)
#define SIZED(type, size) static_assert(sizeof(type) == (size), "published-file.md: " #type)

static_assert(TM__LAYOUT == 1, "published-file.md: layout");
static_assert(TM__BYTE_ORDER == 0x01020304 && sizeof(TM__MAGIC) == 8, "published-file.md: magic");
SIZED(struct tm__head, 4096);
AT(tm__head, magic, 0);
AT(tm__head, layout, 8);
AT(tm__head, byte_order, 12);
AT(tm__head, size, 16);
AT(tm__head, tags_offset, 24);
AT(tm__head, slots_offset, 32);
AT(tm__head, flows_offset, 40);
AT(tm__head, tag_size, 48);
AT(tm__head, tag_places, 52);
AT(tm__head, slot_size, 56);
AT(tm__head, slot_places, 60);
AT(tm__head, pid, 64);
AT(tm__head, parent, 68);
AT(tm__head, start_ticks, 72);
AT(tm__head, started_ns, 80);
AT(tm__head, program, 88);
AT(tm__head, slots_used, 128);
AT(tm__head, tags_used, 132);
AT(tm__head, flow_is_on, 136);
AT(tm__head, foreign_frees, 144);
AT(tm__head, foreign_reallocs, 152);
AT(tm__head, intercepted_frees, 160);
AT(tm__head, intercepted_reallocs, 168);
AT(tm__head, errors_reported, 176);
AT(tm__head, ended, 184);

SIZED(struct tm__slot, 512);
AT(tm__slot, owner.allocated_bytes, 0);
AT(tm__slot, owner.allocated_blocks, 8);
AT(tm__slot, owner.freed_bytes, 16);
AT(tm__slot, owner.freed_blocks, 24);
AT(tm__slot, since.bytes, 64);
AT(tm__slot, since.blocks, 72);
AT(tm__slot, since.remote_bytes, 80);
AT(tm__slot, since.remote_blocks, 88);
AT(tm__slot, remote_frees_made.bytes, 96);
AT(tm__slot, remote_frees_made.before_bytes, 104);
AT(tm__slot, remote_frees_made.since_bytes, 112);
AT(tm__slot, home, 120);
AT(tm__slot, lanes[0], 128);
AT(tm__slot, lanes[1], 192);
AT(tm__slot, lanes[2], 256);
AT(tm__slot, lanes[3], 320);
static_assert(TM__LANES == 4 && TM__SHARED_SLOTS == 2 && TM__LATE_SLOT == 0, "published-file.md: lanes, shared slots");
AT(tm__lane, freed_bytes, 0);
AT(tm__lane, freed_blocks, 8);
AT(tm__lane, shared_bytes, 24);
AT(tm__lane, shared_blocks, 32);
AT(tm__slot, identity.generation_state, 384);
static_assert(TM__FREE == 0 && TM__OWNED == 1 && TM__ORPHAN == 2, "published-file.md: life");
AT(tm__slot, identity.thread, 392);
AT(tm__slot, identity.tid, 400);
AT(tm__slot, identity.forked_from, 404);
AT(tm__slot, identity.name, 408);
AT(tm__slot, identity.before_bytes, 424);
AT(tm__slot, identity.before_blocks, 432);
AT(tm__slot, identity.before_remote_bytes, 440);
AT(tm__slot, identity.before_remote_blocks, 448);
AT(tm__slot, identity.peak_bytes, 456);
AT(tm__slot, identity.before_peak_bytes, 464);
AT(tm__slot, identity.live_bytes, 472);
AT(tm__slot, identity.thread_peak_bytes, 480);
AT(tm__slot, identity.tag, 496);

SIZED(struct tm__tag, 128);
static_assert(TM__TAG_PLACES == 4096 && TM__TAG_NAME == 32, "published-file.md: tags");
static_assert(TM__TAG_UNUSED == 0 && TM__TAG_OPEN == 1 && TM__TAG_ENDED == 2, "published-file.md: tags");
AT(tm__tag, number, 0);
AT(tm__tag, state, 4);
AT(tm__tag, limit, 8);
AT(tm__tag, changes, 16);
AT(tm__tag, name, 24);
AT(tm__tag, gone.allocated_bytes, 56);
AT(tm__tag, gone.allocated_blocks, 64);
AT(tm__tag, gone.remote_bytes, 72);
AT(tm__tag, gone.remote_blocks, 80);
AT(tm__tag, gone.remote_made_bytes, 88);
AT(tm__tag, gone.peak_bytes, 96);

static_assert(TM__FLOW_SETS == 4096 && TM__FLOW_WAYS == 8, "published-file.md: flows");
AT(tm__flows, displaced_bytes, 0);
AT(tm__flows, displaced_blocks, 8);
AT(tm__flows, pairs, 64);
AT(tm__flows, parties, 1048640);
SIZED(struct tm__flow_pair_set, 256);
SIZED(struct tm__flow_party_set, 384);
AT(tm__flow_pair_set, pairs, 8);
AT(tm__flow_party_set, parties, 8);
SIZED(struct tm__flow_pair, 24);
AT(tm__flow_pair, key, 0);
AT(tm__flow_pair, bytes, 8);
AT(tm__flow_pair, blocks, 16);
SIZED(struct tm__flow_party, 40);
AT(tm__flow_party, thread, 0);
AT(tm__flow_party, bytes, 8);
AT(tm__flow_party, name, 16);
AT(tm__flow_party, tid, 32);
