/* SPDX-License-Identifier: BSD-3-Clause */
/* What the calling thread owns and has allocated, by threadmeter (metered.c), or by a malloc that only counts (oracle.c). */
#ifndef FIGURES_H
#define FIGURES_H

#ifdef __cplusplus
extern "C" {
#endif

struct figures {
    unsigned long allocated, live, blocks;
};

void take_figures(struct figures *figures);

/* At the end of main: what was seen that must not be. Returns an exit code. */
int end_of_figures(void);

#ifdef __cplusplus
}
#endif

#endif
