/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_REPORT_EXITED_H
#define TM_REPORT_EXITED_H

#include "base/text.h"

/*
 * Writes a blank line and a table of what is gone, by thread name, the highest peak first. Writes nothing if nothing is
 * gone.
 */
void tm__put_exited(struct tm__text *text);

#endif
