// Few 8-bit rows against 4-bit blocks with AVX2. Sums of two products, at most 2 · 15 · 127, fit 16 bits.
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)

#define INT8_DOT(q, x) _mm256_madd_epi16(_mm256_maddubs_epi16(q, x), _mm256_set1_epi16(1))
#include "int8_rows_x86.inc.h"

void ck_int8_rows_avx2(const ck_int8_product *product, int64_t begin, int64_t end) { int8_rows(product, begin, end); }

#pragma clang attribute pop
#endif
