/* SPDX-License-Identifier: BSD-3-Clause */
/* Which sanitizers this is built with, which gcc and clang tell in two ways. */
#ifndef TM_SANITIZERS_H
#define TM_SANITIZERS_H

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define TM__ASAN
#endif
#if __has_feature(thread_sanitizer)
#define TM__TSAN
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#define TM__ASAN
#endif
#ifdef __SANITIZE_THREAD__
#define TM__TSAN
#endif

#endif
