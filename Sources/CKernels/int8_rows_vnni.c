// Few 8-bit rows against 4-bit blocks with AVX-512 VNNI.
#if defined(__x86_64__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"))), apply_to = function)

#define INT8_DOT(q, x) _mm256_dpbusd_epi32(_mm256_setzero_si256(), q, x)
#include "int8_rows_x86.inc.h"

void ck_int8_rows_vnni(const ck_int8_product *product, int64_t begin, int64_t end) { int8_rows(product, begin, end); }

#pragma clang attribute pop
#endif
