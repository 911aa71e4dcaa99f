/* SPDX-License-Identifier: BSD-3-Clause */
/* Nothing runs here: what docs/formats/published-file.md says of the file is what src/state/layout.h has. */
#include "state/layout.h"

/* An element of the type, or an array of such. */
typedef uint64_t u64;
typedef uint32_t u32;
typedef int32_t i32;
typedef struct tm__settled settled;
typedef struct tm__lane lane;
typedef struct tm__flow_pair_set pairs;
typedef struct tm__flow_party_set parties;
typedef struct tm__flow_pair pair;
typedef struct tm__flow_party party;

#define SIZED(type, size) static_assert(sizeof(struct type) == (size), "published-file.md: size of " #type);
#define AT(type, field, element, offset)                                                                               \
    static_assert(offsetof(struct type, field) == (offset), "published-file.md: offset of " #field);                   \
    static_assert(sizeof(((struct type *)0)->field) % sizeof(element) == 0, "published-file.md: type of " #field);
#include "format_rows.h"

static_assert(TM__BYTE_ORDER == 0x01020304 && sizeof(TM__MAGIC) == 8, "published-file.md: magic");
static_assert(TM__LANES == 4 && TM__SHARED_SLOTS == 2 && TM__LATE_SLOT == 0, "published-file.md: lanes, shared slots");
static_assert(TM__FREE == 0 && TM__OWNED == 1 && TM__ORPHAN == 2, "published-file.md: life");
static_assert(TM__TAG_PLACES == 4096 && TM__TAG_NAME == 32, "published-file.md: tags");
static_assert(TM__TAG_UNUSED == 0 && TM__TAG_OPEN == 1 && TM__TAG_ENDED == 2, "published-file.md: tags");
static_assert(TM__FLOW_SETS == 4096 && TM__FLOW_WAYS == 8, "published-file.md: flows");
