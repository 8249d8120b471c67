// What the packing of both kinds of words shares. For files that are compiled for AVX-512.
#ifndef CK_PACKED_AVX512_H
#define CK_PACKED_AVX512_H

#include <immintrin.h>

#include "packed.h"
#include "scratch.h"
#include "spans.h"
#include "storage.h"

#define CK_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")))

/// 16 rows of 16 words turned over in place.
static inline CK_AVX512 void ck_turn_square(__m512 x[16]) {
    __m512 y[16];
    for (int i = 0; i < 16; i += 2) {
        y[i] = _mm512_unpacklo_ps(x[i], x[i + 1]);
        y[i + 1] = _mm512_unpackhi_ps(x[i], x[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
        for (int j = 0; j < 2; j++) {
            __m512d a = (__m512d)y[i + j], b = (__m512d)y[i + 2 + j];
            x[i + 2 * j] = (__m512)_mm512_unpacklo_pd(a, b);
            x[i + 2 * j + 1] = (__m512)_mm512_unpackhi_pd(a, b);
        }
    }
    for (int j = 0; j < 4; j++) {
        __m512 a = _mm512_shuffle_f32x4(x[j], x[4 + j], 0x88), b = _mm512_shuffle_f32x4(x[j], x[4 + j], 0xdd);
        __m512 c = _mm512_shuffle_f32x4(x[8 + j], x[12 + j], 0x88), d = _mm512_shuffle_f32x4(x[8 + j], x[12 + j], 0xdd);
        y[j] = _mm512_shuffle_f32x4(a, c, 0x88);
        y[4 + j] = _mm512_shuffle_f32x4(b, d, 0x88);
        y[8 + j] = _mm512_shuffle_f32x4(a, c, 0xdd);
        y[12 + j] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
    for (int i = 0; i < 16; i++) x[i] = y[i];
}

/// words[i · CK_PANEL + r] = word i of row r, for rows ≤ 16 (zeros in lanes beyond them) of `halves` 16-bit halves of words.
static inline CK_AVX512 void ck_turn_words(int64_t rows, int64_t halves, const void *b, int64_t stride_bytes, float *words) {
    for (int64_t begin = 0; begin < halves; begin += 32) {
        int64_t count = halves - begin < 32 ? halves - begin : 32;
        __mmask32 mask = count == 32 ? 0xffffffffu : (1u << count) - 1;
        __m512 x[16];
        for (int64_t r = 0; r < 16; r++) {
            const char *row = (const char *)b + r * stride_bytes + 2 * begin;
            x[r] = r < rows ? (__m512)_mm512_maskz_loadu_epi16(mask, row) : _mm512_setzero_ps();
        }
        ck_turn_square(x);
        float *target = words + begin / 2 * CK_PANEL;
        for (int64_t i = 0; i < (count + 1) / 2; i++) _mm512_storeu_ps(target + i * CK_PANEL, x[i]);
    }
}

/// Rows of stored numbers as f32, CK_STRIP_STRIDE apart.
static inline CK_AVX512 void ck_expand_rows(ck_storage storage, int64_t rows, int64_t k, const void *b, int64_t stride,
                                            float *expanded) {
    int64_t width = storage == CK_STORAGE_F32 ? 4 : 2;
    for (int64_t r = 0; r < rows; r++) {
        ck_spans_avx512.expand(storage, k, (const char *)b + r * stride * width, expanded + r * CK_STRIP_STRIDE);
    }
}

#endif
