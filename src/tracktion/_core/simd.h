/* Multiversioned functions: one binary, the widest vectors that the machine has.
   Needs ifunc, hence glibc; elsewhere the baseline build is used. */
#ifndef TK_SIMD_H
#define TK_SIMD_H
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__) && !defined(TK_NO_CLONES)
#include <features.h>
#ifdef __GLIBC__
#define TK_CLONES __attribute__((target_clones("default", "fma", "avx512f")))
#endif
#endif
#ifndef TK_CLONES
#define TK_CLONES
#endif
#if defined(_MSC_VER)
#define TK_RESTRICT __restrict
#else
#define TK_RESTRICT restrict
#endif
#endif
