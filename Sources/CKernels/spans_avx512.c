#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "spans.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)
#define VECTOR_BYTES 64
#define CK_HAS_F16C 1
#define CK_HAS_AVX512 1
#define TABLE ck_spans_avx512
#include "spans.inc.h"
#pragma clang attribute pop
#endif
