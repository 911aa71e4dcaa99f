/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * src/reader: what changes between two passes over a file, or within one, at the worst moment. The test puts its own
 * pread() in front: at a chosen place of the file, in the pass with a chosen number, the process does something.
 */
#include "support/published_file.h"

#include <unistd.h>

ssize_t __real_pread64(int fd, void *bytes, size_t size, off64_t offset);

static struct {
    uint64_t offset; /* before this byte is read */
    int pass;        /* in the pass with this number, from 1 on; 0: in each pass */
    void (*act)(void);
    bool backwards; /* what is before that byte is read after what follows it, as processors may */
} moment;
static int passes;

ssize_t __wrap_pread64(int fd, void *bytes, size_t size, off64_t offset);

ssize_t __wrap_pread64(int fd, void *bytes, size_t size, off64_t offset)
{
    uint64_t from = (uint64_t)offset;
    if (!moment.act || moment.offset < from || moment.offset >= from + size ||
        (++passes != moment.pass && moment.pass != 0))
        return __real_pread64(fd, bytes, size, offset);
    size_t first = moment.offset - from;
    if (moment.backwards) {
        if (__real_pread64(fd, (char *)bytes + first, size - first, offset + (off64_t)first) != (ssize_t)(size - first))
            return -1;
        moment.act();
        return __real_pread64(fd, bytes, first, offset) == (ssize_t)first ? (ssize_t)size : -1;
    }
    /* All up to there is read by now. */
    if (__real_pread64(fd, bytes, first, offset) != (ssize_t)first)
        return -1;
    moment.act();
    ssize_t rest = __real_pread64(fd, (char *)bytes + first, size - first, offset + (off64_t)first);
    return rest < 0 ? rest : (ssize_t)first + rest;
}

/* The reading, if `act` is done before `offset` is read in this pass. */
static const struct tm_reading *read_while(struct tm_reader *reader, void (*act)(void), uint64_t offset, int pass)
{
    moment.act = act;
    moment.offset = offset;
    moment.pass = pass;
    passes = 0;
    const struct tm_reading *reading = read_from(reader);
    ck_assert_int_ge(passes, pass);
    moment.act = NULL;
    return reading;
}

static void set(uint64_t offset, uint64_t value)
{
    put(offset, &value, sizeof value);
}

static uint64_t get(uint64_t offset)
{
    uint64_t value;
    ck_assert_int_eq(__real_pread64(file, &value, sizeof value, (off64_t)offset), sizeof value);
    return value;
}

static void add(uint64_t offset, uint64_t n)
{
    set(offset, get(offset) + n);
}

/* ---- a slot changes hands ---- */

/* All blocks are freed, and another thread has the slot, and allocates more. */
static void change_hands(void)
{
    uint64_t bytes = get(SLOT(2, owner.allocated_bytes)), blocks = get(SLOT(2, owner.allocated_blocks));
    set(SLOT(2, owner.freed_bytes), bytes - 57);
    set(SLOT(2, owner.freed_blocks), blocks - 2);
    set(SLOT(2, identity.before.allocated_bytes), bytes);
    set(SLOT(2, identity.before.allocated_blocks), blocks);
    set(SLOT(2, identity.before.remote_frees_received_bytes), 57);
    set(SLOT(2, identity.before.remote_frees_received_blocks), 2);
    set(SLOT(2, identity.before.remote_frees_made_bytes), 20);
    set(SLOT(2, before_peak_bytes), 900);
    set(SLOT(2, identity.thread), 6);
    put(SLOT(2, identity.name), "another", 8);
    set(SLOT(2, identity.peak_bytes), 5000);
    set(SLOT(2, owner.allocated_bytes), bytes + 5000);
    set(SLOT(2, owner.allocated_blocks), blocks + 1);
    set(SLOT(2, identity.generation_state), 4 << 8 | TM__OWNED);
}

static const struct tm_slot *slot_2(const struct tm_reading *reading)
{
    ck_assert_uint_eq(reading->slots[2].slot, 2);
    return &reading->slots[2];
}

START_TEST(a_slot_that_changes_hands)
{
    static const uint64_t places[] = {SLOT(2, owner),
                                      SLOT(2, owner.freed_bytes),
                                      SLOT(2, own),
                                      SLOT(2, lanes[1]),
                                      SLOT(2, identity.generation_state),
                                      SLOT(2, identity.thread),
                                      SLOT(2, identity.name[1]),
                                      SLOT(2, identity.before.allocated_blocks),
                                      SLOT(2, identity.before.remote_frees_received_blocks),
                                      SLOT(2, identity.peak_bytes),
                                      SLOT(2, identity.tag),
                                      SLOT(3, owner)};
    struct tm_reader *reader = open_file(file_path);
    for (int pass = 1; pass <= 4; pass++)
        for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
            make_rows();
            const struct tm_slot *slot = slot_2(read_while(reader, change_hands, places[i], pass));
            if (slot->generation == 3) {
                ck_assert_uint_eq(slot->thread, 5);
                ck_assert_str_eq(slot->name, "lives");
                ck_assert_uint_eq(slot->totals.allocated_bytes, 960);
                ck_assert_uint_eq(slot->totals.peak_bytes, 900);
            } else {
                ck_assert_uint_eq(slot->generation, 4);
                ck_assert_uint_eq(slot->thread, 6);
                ck_assert_str_eq(slot->name, "another");
                expect_live(&slot->totals, 5000, 1);
                ck_assert_uint_eq(slot->totals.allocated_bytes, 5000);
                ck_assert_uint_eq(slot->totals.peak_bytes, 5000);
            }
        }
    tm_reader_close(reader);
}
END_TEST

/* The thread ends, and its peak moves from one place to another; the process's peak must not fall. */
static void settle(void)
{
    set(SLOT(4, identity.before.allocated_bytes), 500);
    set(SLOT(4, identity.before.allocated_blocks), 2);
    set(SLOT(4, before_peak_bytes), 300);
    set(SLOT(4, identity.peak_bytes), 0);
}

START_TEST(a_slot_whose_books_are_closed)
{
    struct tm_reader *reader = open_file(file_path);
    uint64_t peak = read_from(reader)->process.peak_bytes;
    for (int pass = 1; pass <= 4; pass++)
        for (uint64_t place = SLOT(4, owner); place < SLOT(5, owner); place += 8) {
            make_rows();
            const struct tm_reading *reading = read_while(reader, settle, place, pass);
            ck_assert_uint_eq(reading->process.peak_bytes, peak);
            ck_assert_uint_eq(reading->retired.peak_bytes, 340);
        }
    tm_reader_close(reader);
}
END_TEST

/* ---- a slot is worked with ---- */

static void free_and_allocate(void)
{
    add(SLOT(2, owner.freed_bytes), 100);
    add(SLOT(2, owner.freed_blocks), 1);
    add(SLOT(2, owner.allocated_bytes), 100);
    add(SLOT(2, owner.allocated_blocks), 1);
}

/* The slot changes all the time, so live bytes may be read too high, but not above the highest that they ever were. */
START_TEST(a_thread_that_frees_all_the_time)
{
    struct tm_totals last = {0};
    struct tm_reader *reader = open_file(file_path);
    for (uint64_t place = SLOT(2, owner); place < SLOT(3, owner); place += 8) {
        const struct tm_totals *totals = &slot_2(read_while(reader, free_and_allocate, place, 0))->totals;
        ck_assert_uint_ge(tm_live_bytes(totals), 843);
        ck_assert_uint_le(tm_live_bytes(totals), 900);
        ck_assert_uint_eq(totals->peak_bytes, 900);
        ck_assert_uint_ge(totals->allocated_bytes, last.allocated_bytes);
        ck_assert_uint_ge(totals->freed_bytes, last.freed_bytes);
        last = *totals;
    }
    tm_reader_close(reader);
}
END_TEST

/* In some cases a block is charged before there is the peak that it makes. */
static void charge(void)
{
    add(SLOT(2, owner.allocated_bytes), 1000);
}

START_TEST(a_block_that_is_charged_before_its_peak)
{
    struct tm_reader *reader = open_file(file_path);
    const struct tm_totals before = slot_2(read_from(reader))->totals,
                           now = slot_2(read_while(reader, charge, SLOT(2, owner), 1))->totals;
    ck_assert_uint_eq(now.peak_bytes, 900);
    ck_assert_uint_eq(now.freed_bytes, before.freed_bytes);
    set(SLOT(2, identity.peak_bytes), 1843);
    add(SLOT(2, owner.allocated_blocks), 1);
    const struct tm_totals then = slot_2(read_from(reader))->totals;
    ck_assert_uint_ge(now.allocated_bytes, before.allocated_bytes);
    ck_assert_uint_ge(then.allocated_bytes, now.allocated_bytes);
    expect_live(&then, 1843, 8);
    tm_reader_close(reader);
}
END_TEST

/* ---- tags ---- */

static void lose_a_slot(void)
{
    add(TAG(2, changes), 1);
    add(TAG(2, gone.allocated_bytes), 100);
    add(TAG(2, gone.allocated_blocks), 1);
    add(TAG(2, gone.remote_frees_received_bytes), 100);
    add(TAG(2, gone.remote_frees_received_blocks), 1);
    add(TAG(2, changes), 1);
}

/* Else it would be damaged: more would be freed by others than at all. */
START_TEST(a_tag_that_loses_a_slot)
{
    struct tm_reader *reader = open_file(file_path);
    for (int pass = 1; pass <= 3; pass++)
        for (uint64_t place = TAG(2, number); place < TAG(3, number); place += 8) {
            make_rows();
            const struct tm_reading *reading = read_while(reader, lose_a_slot, place, pass);
            ck_assert_uint_ge(tag_named(reading, "a tag")->totals.allocated_bytes, 30);
        }
    const struct tm_reading *reading = read_from(reader);
    ck_assert_uint_eq(tag_named(reading, "a tag")->totals.allocated_bytes - 20, get(TAG(2, gone.allocated_bytes)));
    tm_reader_close(reader);
}
END_TEST

static uint64_t settled_slot;

/* What the slot had charged to the tag is in the tag's own sum from now on. */
static void retire_the_orphan(void)
{
    if (settled_slot++ != 0)
        return;
    set(SLOT(3, owner.freed_bytes), 20);
    set(SLOT(3, owner.freed_blocks), 1);
    set(SLOT(3, identity.generation_state), 1 << 8 | TM__FREE);
    add(TAG(2, changes), 2);
    add(TAG(2, gone.allocated_bytes), 20);
    add(TAG(2, gone.allocated_blocks), 1);
    add(TAG(2, gone_peak_bytes), 20);
}

START_TEST(what_a_tag_had_is_counted_once)
{
    static const uint64_t places[] = {0, TAG(2, number), TAG(2, gone), SLOT(3, owner), SLOT(4, owner)};
    struct tm_reader *reader = open_file(file_path);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        for (int pass = 1; pass <= (i == 0 ? 1 : i < 3 ? 3 : 4); pass++) {
            make_rows();
            settled_slot = 0;
            const struct tm_reading *reading = read_while(reader, retire_the_orphan, places[i], pass);
            ck_assert_uint_eq(tag_named(reading, "a tag")->totals.allocated_bytes, 30);
            ck_assert_uint_eq(tag_named(reading, "a tag")->totals.peak_bytes, 30);
        }
    tm_reader_close(reader);
}
END_TEST

/* ---- flow ---- */

static void give_way(void)
{
    static const uint64_t other = UINT64_C(9) << 32 | 8;
    set(PAIR + offsetof(struct tm__flow_pair, key), 0);
    add(FLOWS_OFFSET + offsetof(struct tm__flows, displaced_bytes), 57);
    add(FLOWS_OFFSET + offsetof(struct tm__flows, displaced_blocks), 2);
    set(PAIR + offsetof(struct tm__flow_pair, bytes), 1000000);
    set(PAIR + offsetof(struct tm__flow_pair, blocks), 1);
    set(PAIR + offsetof(struct tm__flow_pair, key), other);
}

START_TEST(a_flow_that_gives_way)
{
    struct tm_reader *reader = open_file(file_path);
    moment.backwards = _i;
    for (int pass = 1; pass <= 3; pass++)
        for (uint64_t place = PAIR; place <= PAIR + sizeof(struct tm__flow_pair); place += 8) {
            make_rows();
            set(FLOWS_OFFSET + offsetof(struct tm__flows, displaced_bytes), 0);
            set(FLOWS_OFFSET + offsetof(struct tm__flows, displaced_blocks), 0);
            const struct tm_reading *reading = read_while(reader, give_way, place, pass);
            for (size_t i = 0; i < reading->flow_count; i++) {
                const struct tm_flow *flow = &reading->flows[i];
                if (flow->owner == 5)
                    ck_assert_uint_eq(flow->bytes, 57);
                else if (flow->owner == 8)
                    ck_assert_uint_eq(flow->bytes, 1000000);
            }
        }
    moment.backwards = false;
    tm_reader_close(reader);
}
END_TEST

/* ---- the file ---- */

static uint64_t length;

static void cut(void)
{
    ck_assert_int_eq(ftruncate(file, (off_t)length), 0);
}

START_TEST(a_file_that_is_cut_off_between_two_passes)
{
    static const uint64_t places[] = {0, TAG(1, number), SLOT(0, owner), SLOT(3, lanes), FLOWS_OFFSET};
    struct tm_reader *reader = open_file(file_path);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        for (int pass = 1; pass <= (i == 0 ? 1 : i == 1 ? 3 : i == 4 ? 2 : 4); pass++) {
            ck_assert_int_eq(ftruncate(file, SIZE), 0);
            make_rows();
            passes = 0;
            length = places[i] + 1;
            moment.act = cut;
            moment.offset = places[i];
            moment.pass = pass;
            expect_unread(reader, "was cut off while it was read");
            moment.act = NULL;
        }
    tm_reader_close(reader);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reader_races");
    TCase *tcase = tcase_create("races");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, make_file, remove_file);
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_slot_that_changes_hands);
    tcase_add_test(tcase, a_slot_whose_books_are_closed);
    tcase_add_test(tcase, a_thread_that_frees_all_the_time);
    tcase_add_test(tcase, a_block_that_is_charged_before_its_peak);
    tcase_add_test(tcase, a_tag_that_loses_a_slot);
    tcase_add_test(tcase, what_a_tag_had_is_counted_once);
    tcase_add_loop_test(tcase, a_flow_that_gives_way, 0, 2);
    tcase_add_test(tcase, a_file_that_is_cut_off_between_two_passes);
    return run_suite(suite);
}
