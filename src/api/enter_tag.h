/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_ENTER_TAG_H
#define TM_ENTER_TAG_H

#include "threadmeter/tags.h"

#include <stdatomic.h>

/* For translation units that are built with -DTM_TAG. */
tm_tag tm__enter_unit(_Atomic tm_tag *unit, const char *name) __attribute__((visibility("default")));

#endif
