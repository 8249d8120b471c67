// Few 8-bit rows against rows of 4-bit blocks, 32 numbers a step. The including file defines INT8_DOT(q, x): 32 unsigned by 32 signed
// bytes, four neighbours added up in each of eight sums.
#include <immintrin.h>
#include <string.h>

#include "int8_rows.h"

#define INLINE static inline __attribute__((always_inline))

/// The 32 numbers of a group, 0 … 15.
INLINE __m256i group_of(ck_storage storage, const uint8_t *nibbles, int group) {
    const __m256i low = _mm256_set1_epi8(15);
    if (storage == CK_STORAGE_Q4_K) {
        __m256i both = _mm256_loadu_si256((const __m256i *)(nibbles + group / 2 * 32));
        return _mm256_and_si256(group % 2 ? _mm256_srli_epi16(both, 4) : both, low);
    }
    __m128i both = _mm_loadu_si128((const __m128i *)nibbles);
    return _mm256_and_si256(_mm256_inserti128_si256(_mm256_castsi128_si256(both), _mm_srli_epi16(both, 4), 1), low);
}

/// Scale and shift of each group of a block, side by side.
INLINE void pairs_of(ck_storage storage, const uint8_t *block, float *pairs) {
    uint32_t halves;
    memcpy(&halves, block, 4);
    __m128 both = _mm_cvtph_ps(_mm_cvtsi32_si128((int)halves));
    if (storage == CK_STORAGE_Q4_K) {
        uint8_t scales[16];
        ck_q4_k_scales(block, scales);
        __m128i bytes = _mm_loadu_si128((const __m128i *)scales);
        __m256 d = _mm256_broadcastss_ps(both), m = _mm256_broadcastss_ps(_mm_movehdup_ps(both));
        d = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)), d);
        m = _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))),
                          _mm256_sub_ps(_mm256_setzero_ps(), m));
        __m256 low = _mm256_unpacklo_ps(d, m), high = _mm256_unpackhi_ps(d, m);
        _mm256_storeu_ps(pairs, _mm256_permute2f128_ps(low, high, 0x20));
        _mm256_storeu_ps(pairs + 8, _mm256_permute2f128_ps(low, high, 0x31));
        return;
    }
    if (storage == CK_STORAGE_Q4_0) both = _mm_mul_ps(_mm_moveldup_ps(both), _mm_setr_ps(1, -8, 0, 0));
    _mm_storel_pi((__m64 *)pairs, both);
}

INLINE __m128 load_pair(const float *pair) { return _mm_castpd_ps(_mm_load_sd((const double *)pair)); }

/// A weight row against FB rows. A pair's sums are those of the even and of the odd groups, whatever FB is.
INLINE void int8_tile(const int FB, ck_storage storage, const ck_int8_product *p, int64_t row, int64_t first) {
    const ck_int8_layout layout = ck_int8_layout_of(storage);
    const int groups = (int)(layout.numbers / 32);
    const uint8_t *block = p->stream + row * p->stream_bytes;
    const int8_t *quants = p->quants + first * p->k;
    const float *scales = p->pairs + first * (p->k / 16);
    __m256 sums[4][2];
    __m128 shifts[4][2];
    _Pragma("clang loop unroll(full)") for (int f = 0; f < FB; f++) {
        sums[f][0] = sums[f][1] = _mm256_setzero_ps();
        shifts[f][0] = shifts[f][1] = _mm_setzero_ps();
    }
#define GROUPS(STEPS, FIRST_PARITY)                                                                                        \
    {                                                                                                                      \
        float pairs[16];                                                                                                   \
        pairs_of(storage, block, pairs);                                                                                   \
        _Pragma("clang loop unroll(full)") for (int g = 0; g < STEPS; g++) {                                               \
            const int u = (g + FIRST_PARITY) % 2;                                                                          \
            __m256i q = group_of(storage, block + layout.nibbles, g);                                                      \
            __m128 pair = load_pair(pairs + 2 * g);                                                                        \
            _Pragma("clang loop unroll(full)") for (int f = 0; f < FB; f++) {                                              \
                __m256i x = _mm256_loadu_si256((const __m256i *)(quants + f * p->k + 32 * g));                             \
                __m128 scaled = _mm_mul_ps(pair, load_pair(scales + f * (p->k / 16) + 2 * g));                             \
                sums[f][u] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(INT8_DOT(q, x)), _mm256_broadcastss_ps(scaled), sums[f][u]); \
                shifts[f][u] = _mm_add_ps(shifts[f][u], scaled);                                                           \
            }                                                                                                              \
        }                                                                                                                  \
        block += layout.bytes;                                                                                             \
        quants += 32 * STEPS;                                                                                              \
        scales += 2 * STEPS;                                                                                               \
    }
    int64_t blocks = p->k / layout.numbers, b = 0;
    if (groups == 8) {
        for (; b < blocks; b++) GROUPS(8, 0)
    } else {
        for (; b + 2 <= blocks; b += 2) {
            GROUPS(1, 0)
            GROUPS(1, 1)
        }
        if (b < blocks) GROUPS(1, 0)
    }
#undef GROUPS
    _Pragma("clang loop unroll(full)") for (int f = 0; f < FB; f++) {
        __m256 eight = _mm256_add_ps(sums[f][0], sums[f][1]);
        __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
        four = _mm_add_ps(four, _mm_movehl_ps(four, four));
        float sum = four[0] + four[1] + (shifts[f][0][1] + shifts[f][1][1]);
        p->c[(first + f) * p->c_stride + row] = p->bias ? sum + p->bias[row] : sum;
    }
}

INLINE void int8_rows_of(ck_storage storage, const ck_int8_product *p, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
        int64_t f = 0;
        for (; f + 4 <= p->few; f += 4) int8_tile(4, storage, p, row, f);
        for (; f + 2 <= p->few; f += 2) int8_tile(2, storage, p, row, f);
        if (f < p->few) int8_tile(1, storage, p, row, f);
    }
}

static void int8_rows(const ck_int8_product *p, int64_t begin, int64_t end) {
    switch (p->storage) {
    case CK_STORAGE_Q4_0: int8_rows_of(CK_STORAGE_Q4_0, p, begin, end); break;
    case CK_STORAGE_Q4_1: int8_rows_of(CK_STORAGE_Q4_1, p, begin, end); break;
    case CK_STORAGE_Q4_K: int8_rows_of(CK_STORAGE_Q4_K, p, begin, end); break;
    default: break;
    }
}
