#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "spans.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#define VECTOR_BYTES 32
#define CK_HAS_F16C 1
#define CK_HAS_AVX2 1
#define TABLE ck_spans_avx2
#include "spans.inc.h"
#pragma clang attribute pop
#endif
