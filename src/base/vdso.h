/* SPDX-License-Identifier: BSD-3-Clause */
/* The clock as the kernel lets it be read without a system call. Nothing here allocates. */
#ifndef TM_VDSO_H
#define TM_VDSO_H

#include <stdint.h>

/*
 * CLOCK_BOOTTIME in ns; UINT64_MAX if the kernel does not say. The system call is made where there is no vDSO (under
 * valgrind), and by the vDSO itself where the machine's clock source cannot be read in user space (hpet, acpi_pm).
 */
uint64_t tm__read_boot_clock(void);

#endif
