/* SPDX-License-Identifier: BSD-3-Clause */
/* Entering and leaving tags. */
#ifndef TM_TAG_SLOTS_H
#define TM_TAG_SLOTS_H

#include "threadmeter/tags.h"

/* As tm_tag_enter(). */
tm_tag tm__enter_tag(tm_tag tag);

#endif
