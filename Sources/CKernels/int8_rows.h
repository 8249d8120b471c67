// Products of few rows, rounded to 8 bits block by block, with rows of 4-bit blocks: sums of integers, scaled once for 32 numbers.
#ifndef CK_INT8_ROWS_H
#define CK_INT8_ROWS_H

#include "include/ck_base.h"

/// c[f, s] = Σ_b d_b · dx_b · Σ_i q_i · x_i + m_b · sx_b (+ bias[s]) over the groups b of 32 numbers d·q + m of weight row s.
typedef struct {
    ck_storage storage;
    int64_t few, k;
    const uint8_t *stream;
    int64_t stream_bytes;  // from a weight row to the next
    const int8_t *quants;  // few × k
    const float *pairs;    // few × k / 32 pairs: dx, and sx = dx · Σ_i x_i
    float *c;
    int64_t c_stride;
    const float *bias;
} ck_int8_product;

/// Weight rows begin ..< end, by the instruction set of the name.
void ck_int8_rows_portable(const ck_int8_product *product, int64_t begin, int64_t end);
#if defined(__x86_64__)
void ck_int8_rows_avx2(const ck_int8_product *product, int64_t begin, int64_t end);
void ck_int8_rows_vnni(const ck_int8_product *product, int64_t begin, int64_t end);
#endif

/// Bytes of a block, numbers in it and where its nibbles begin; bytes is 0 for a type that has no such product.
typedef struct {
    int64_t bytes, numbers, nibbles;
} ck_int8_layout;

static inline ck_int8_layout ck_int8_layout_of(ck_storage storage) {
    switch (storage) {
    case CK_STORAGE_Q4_0: return (ck_int8_layout){18, 32, 2};
    case CK_STORAGE_Q4_1: return (ck_int8_layout){20, 32, 4};
    case CK_STORAGE_Q4_K: return (ck_int8_layout){144, 256, 16};
    default: return (ck_int8_layout){0, 0, 0};
    }
}

/// The 6-bit scales of the 8 groups of a block of Q4_K, and then their minima.
static inline __attribute__((always_inline)) void ck_q4_k_scales(const uint8_t *block, uint8_t *scales) {
    uint32_t packed[3], bytes[4];
    __builtin_memcpy(packed, block + 4, 12);
    bytes[0] = packed[0] & 0x3f3f3f3f;
    bytes[1] = (packed[2] & 0x0f0f0f0f) | (packed[0] >> 6 & 0x03030303) << 4;
    bytes[2] = packed[1] & 0x3f3f3f3f;
    bytes[3] = (packed[2] >> 4 & 0x0f0f0f0f) | (packed[1] >> 6 & 0x03030303) << 4;
    __builtin_memcpy(scales, bytes, 16);
}

#endif
