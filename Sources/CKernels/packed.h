// Products with many rows: b is packed in panels of 32 columns, block by block, rows of a are copied in strips, and a tile of c
// stays in registers while a block of k passes by.
//
// A number of c is the sum over k in order, cut at multiples of a block that depend on k alone: its bits do not depend on the rows
// and columns beside it, nor on how the product is split over threads.
#ifndef CK_PACKED_H
#define CK_PACKED_H

#include "include/ck_base.h"

enum {
    CK_PANEL = 32,          // columns of a panel
    CK_STRIP = 14,          // rows of a strip at most: 28 accumulators
    CK_BLOCK = 384,         // words of k in a block at most
    CK_STRIP_STRIDE = 400,  // words from a row of a strip to the next: an odd number of cache lines
};

/// c = alpha · op(a)·op(b) (+ c) (+ bias), as ck_gemm_stored has it. m, n, k ≥ 1.
typedef struct {
    ck_storage storage;
    bool transpose_a, transpose_b;
    int64_t m, n, k;
    float alpha;
    const float *a;
    int64_t a_stride;
    const void *b;
    int64_t b_stride;
    bool accumulate;
    float *c;
    int64_t c_stride;
    const float *bias;
} ck_packed_product;

/// What an instruction set has to offer. A word is what one lane multiplies in one step: an f32, or a pair of bf16 (the even k below).
typedef struct {
    int64_t pair;  // numbers of k in a word
    /// A strip: words[r · CK_STRIP_STRIDE + i] of rows × k numbers, row r of which begins at a + r · stride; zeros up to a whole word.
    void (*copy_rows)(int64_t rows, int64_t k, const float *a, int64_t stride, float *words);
    /// The same of numbers that lie k × rows.
    void (*turn_rows)(int64_t rows, int64_t k, const float *a, int64_t stride, float *words);
    /// A panel: words[i · CK_PANEL + j] of b stored n × k (a column of the panel is a row of b), columns ≤ 32, zeros in the rest.
    void (*pack_turned)(ck_storage storage, int64_t columns, int64_t k, const void *b, int64_t stride, float *words);
    /// The same of b stored k × n.
    void (*pack_across)(ck_storage storage, int64_t columns, int64_t k, const void *b, int64_t stride, float *words);
    /// c[r, j] (+)= Σ_i a[r, i]·b[i, j] (+ bias[j]) for rows ≤ CK_STRIP and columns ≤ CK_PANEL.
    void (*tile)(int64_t rows, int64_t columns, int64_t words, const float *a, const float *b, float *c, int64_t c_stride,
                 bool accumulate, const float *bias);
} ck_tile_set;

/// The tiles of f32 products on the current path, or NULL where OpenBLAS does as well.
const ck_tile_set *ck_f32_tiles(void);

/// The tiles of products of numbers rounded to bf16, or NULL where the processor has none.
const ck_tile_set *ck_bf16_tiles(void);

/// The product of numbers rounded to bf16, without tiles: OpenBLAS on rounded copies. alpha = 1, a as it is, nothing accumulated.
void ck_multiply_rounded(const ck_packed_product *product);

void ck_multiply_packed(const ck_tile_set *tiles, const ck_packed_product *product);

#if defined(__x86_64__)
extern const ck_tile_set ck_f32_tiles_avx512;
extern const ck_tile_set ck_bf16_tiles_avx512;
#endif

#endif
