/* SPDX-License-Identifier: BSD-3-Clause */
/* The boot clock, read without a system call where the kernel allows that. Nothing here allocates. */
#ifndef TM_VDSO_H
#define TM_VDSO_H

#include <stdint.h>

/*
 * CLOCK_BOOTTIME in ns; UINT64_MAX if the kernel does not tell it. This is a system call where there is no vDSO (under
 * valgrind), or where the vDSO itself makes one, because user space cannot read the machine's clock source (hpet,
 * acpi_pm).
 */
uint64_t tm__read_boot_clock(void);

#endif
