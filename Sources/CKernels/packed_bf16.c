// Tiles and packing of products of numbers rounded to bf16, with sums in f32, for AVX-512 BF16. A word holds two neighbours in k.
#if defined(__x86_64__)
#include <string.h>

#include "packed_avx512.h"

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c"))), apply_to = function)

#define MULTIPLY_ADD(sum, x, y) _mm512_dpbf16_ps(sum, (__m512bh)(x), (__m512bh)(y))
#include "packed_tile.inc.h"

/// n numbers rounded to the nearest bf16, ties to even, and zeros up to a whole word.
static void round_row(int64_t n, const float *x, uint16_t *y) {
    int64_t i = 0;
    for (; i + 32 <= n; i += 32) {
        _mm512_storeu_si512(y + i, (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + i + 16), _mm512_loadu_ps(x + i)));
    }
    for (; i < n; i += 16) {
        __mmask16 mask = n - i >= 16 ? 0xffff : (__mmask16)((1u << (n - i)) - 1);
        __mmask16 stored = n - i >= 16 ? 0xffff : (__mmask16)((1u << ((n - i + 1) & ~1)) - 1);
        __m256i rounded = (__m256i)_mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, x + i));
        _mm256_mask_storeu_epi16(y + i, stored, rounded);
    }
}

static void copy_stored(ck_storage storage, int64_t rows, int64_t k, const void *b, int64_t stride_bytes, float *words) {
    float *expanded = ck_scratch(CK_SCRATCH_TILE, 2 * CK_STRIP_STRIDE);
    for (int64_t r = 0; r < rows; r++) {
        const char *row = (const char *)b + r * stride_bytes;
        uint16_t *rounded = (uint16_t *)(words + r * CK_STRIP_STRIDE);
        if (storage == CK_STORAGE_BF16) {
            memcpy(rounded, row, (size_t)k * sizeof(uint16_t));
            if (k % 2) rounded[k] = 0;
            continue;
        }
        if (storage != CK_STORAGE_F32) ck_expand(storage, k, row, expanded);
        round_row(k, storage == CK_STORAGE_F32 ? (const float *)row : expanded, rounded);
    }
}

static void turn_rows(int64_t rows, int64_t k, const float *a, int64_t stride, float *words) {
    float *turned = ck_scratch(CK_SCRATCH_TILE, 2 * CK_STRIP_STRIDE);
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t i = 0; i < k; i++) turned[i] = a[i * stride + r];
        round_row(k, turned, (uint16_t *)(words + r * CK_STRIP_STRIDE));
    }
}

static void pack_turned(ck_storage storage, int64_t columns, int64_t k, const void *b, int64_t stride, float *words) {
    for (int64_t half = 0; half < CK_PANEL; half += 16) {
        int64_t rows = columns - half < 16 ? columns - half : 16;
        if (storage == CK_STORAGE_BF16) {
            ck_turn_words(rows, k, (const uint16_t *)b + half * stride, 2 * stride, words + half);
            continue;
        }
        // An expanded row and its rounded form, one after another.
        float *rounded = ck_scratch(CK_SCRATCH_TILE, 18 * CK_STRIP_STRIDE), *expanded = rounded + 16 * CK_STRIP_STRIDE;
        int64_t width = storage == CK_STORAGE_F32 ? 4 : 2;
        for (int64_t r = 0; r < rows; r++) {
            const char *row = (const char *)b + (half + r) * stride * width;
            if (storage != CK_STORAGE_F32) ck_spans_avx512.expand(storage, k, row, expanded);
            round_row(k, storage == CK_STORAGE_F32 ? (const float *)row : expanded, (uint16_t *)(rounded + r * CK_STRIP_STRIDE));
        }
        ck_turn_words(rows, (k + 1) / 2 * 2, rounded, 4 * CK_STRIP_STRIDE, words + half);
    }
}

/// Two rows of 32 bf16, the second zero where there is none, as words side by side.
static inline void interleave(__m512i even, __m512i odd, float *words) {
    const __m512i low = _mm512_setr_epi32(0x00200000, 0x00210001, 0x00220002, 0x00230003, 0x00240004, 0x00250005, 0x00260006,
                                          0x00270007, 0x00280008, 0x00290009, 0x002a000a, 0x002b000b, 0x002c000c, 0x002d000d,
                                          0x002e000e, 0x002f000f);
    const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
    _mm512_storeu_si512(words, _mm512_permutex2var_epi16(even, low, odd));
    _mm512_storeu_si512(words + 16, _mm512_permutex2var_epi16(even, high, odd));
}

static inline __m512i load_rounded(ck_storage storage, int64_t columns, const void *row) {
    if (storage == CK_STORAGE_BF16) {
        __mmask32 mask = columns == 32 ? 0xffffffffu : (1u << columns) - 1;
        return _mm512_maskz_loadu_epi16(mask, row);
    }
    float expanded[CK_PANEL] = {0};
    const float *x = row;
    if (storage != CK_STORAGE_F32 || columns < CK_PANEL) {
        ck_spans_avx512.expand(storage, columns, row, expanded);
        x = expanded;
    }
    return (__m512i)_mm512_cvtne2ps_pbh(_mm512_loadu_ps(x + 16), _mm512_loadu_ps(x));
}

static void pack_across(ck_storage storage, int64_t columns, int64_t k, const void *b, int64_t stride, float *words) {
    int64_t step = stride * (storage == CK_STORAGE_F32 ? 4 : 2);
    const char *row = b;
    for (int64_t i = 0; i < k; i += 2, row += 2 * step, words += CK_PANEL) {
        __m512i odd = i + 1 < k ? load_rounded(storage, columns, row + step) : _mm512_setzero_si512();
        interleave(load_rounded(storage, columns, row), odd, words);
    }
}

const ck_tile_set ck_bf16_tiles_avx512 = {
    .pair = 2,
    .turn_rows = turn_rows,
    .copy_stored = copy_stored,
    .pack_turned = pack_turned,
    .pack_across = pack_across,
    .tile = multiply_tile,
    .finish_turned = finish_turned_tile,
};

#pragma clang attribute pop
#endif
