/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For large static memory: a linker puts it behind all other variables, which then are in few pages. A fork's child and
 * its parent copy each page that they write to. Such a variable cannot be static, nor have a value to begin with. (With
 * link-time optimization variables are where the compiler puts them.)
 */
#ifndef TM_LARGE_H
#define TM_LARGE_H

#define TM__LARGE __attribute__((common, visibility("hidden")))

#endif
