// Tiles and packing of f32 products for AVX-512.
#if defined(__x86_64__)
#include <string.h>

#include "packed_avx512.h"

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), apply_to = function)

#define MULTIPLY_ADD(sum, x, y) _mm512_fmadd_ps(x, y, sum)
#include "packed_tile.inc.h"

static void copy_stored(ck_storage storage, int64_t rows, int64_t k, const void *b, int64_t stride_bytes, float *words) {
    for (int64_t r = 0; r < rows; r++) {
        const char *row = (const char *)b + r * stride_bytes;
        if (storage == CK_STORAGE_F32) memcpy(words + r * CK_STRIP_STRIDE, row, (size_t)k * sizeof(float));
        else ck_expand(storage, k, row, words + r * CK_STRIP_STRIDE);
    }
}

static void turn_rows(int64_t rows, int64_t k, const float *a, int64_t stride, float *words) {
    for (int64_t i = 0; i < k; i++) {
        for (int64_t r = 0; r < rows; r++) words[r * CK_STRIP_STRIDE + i] = a[i * stride + r];
    }
}

static void pack_turned(ck_storage storage, int64_t columns, int64_t k, const void *b, int64_t stride, float *words) {
    for (int64_t half = 0; half < CK_PANEL; half += 16) {
        int64_t rows = columns - half < 16 ? columns - half : 16;
        if (storage == CK_STORAGE_F32) {
            ck_turn_words(rows, 2 * k, (const float *)b + half * stride, 4 * stride, words + half);
        } else {
            float *expanded = ck_scratch(CK_SCRATCH_TILE, 16 * CK_STRIP_STRIDE);
            ck_expand_rows(storage, rows, k, (const uint16_t *)b + half * stride, stride, expanded);
            ck_turn_words(rows, 2 * k, expanded, 4 * CK_STRIP_STRIDE, words + half);
        }
    }
}

static void pack_across(ck_storage storage, int64_t columns, int64_t k, const void *b, int64_t stride, float *words) {
    if (columns < CK_PANEL) memset(words, 0, (size_t)(k * CK_PANEL) * sizeof(float));
    if (storage == CK_STORAGE_F32 && columns == CK_PANEL) {
        const float *row = b;
        for (int64_t i = 0; i < k; i++, row += stride, words += CK_PANEL) {
            _mm512_storeu_ps(words, _mm512_loadu_ps(row));
            _mm512_storeu_ps(words + 16, _mm512_loadu_ps(row + 16));
        }
        return;
    }
    int64_t width = storage == CK_STORAGE_F32 ? 4 : 2;
    for (int64_t i = 0; i < k; i++) {
        ck_spans_avx512.expand(storage, columns, (const char *)b + i * stride * width, words + i * CK_PANEL);
    }
}

const ck_tile_set ck_f32_tiles_avx512 = {
    .pair = 1,
    .turn_rows = turn_rows,
    .copy_stored = copy_stored,
    .pack_turned = pack_turned,
    .pack_across = pack_across,
    .tile = multiply_tile,
    .finish_turned = finish_turned_tile,
};

#pragma clang attribute pop
#endif
