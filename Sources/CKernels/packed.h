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
    CK_STEPS = 4,           // of a tile, between which lines are asked for
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

/// Cache lines of rows in memory that are asked for a few at a time, in every CK_STEPS steps of a tile: many at once would keep it
/// waiting.
typedef struct {
    const char *line, *row_end;
    int64_t gap;        // bytes from the end of a row's lines to the next row's
    int64_t row_bytes;  // from row to row
    int64_t at_once;    // 0: none
} ck_lines_ahead;

/// `lines` lines from `first` on of each of some rows, to be asked for in so many steps.
static inline ck_lines_ahead ck_lines_of(const void *first, int64_t rows, int64_t lines, int64_t row_bytes, int64_t steps) {
    if (rows <= 0) return (ck_lines_ahead){0};
    const char *line = (const char *)((uintptr_t)first & ~(uintptr_t)63);
    int64_t times = steps / CK_STEPS;
    return (ck_lines_ahead){line, line + lines * 64, row_bytes - lines * 64, row_bytes,
                            times > 0 ? (rows * lines + times - 1) / times : 0};
}

static inline void ck_ask_ahead(ck_lines_ahead *ahead) {
    for (int64_t i = 0; i < ahead->at_once; i++) {
        __builtin_prefetch(ahead->line, 0, 2);
        ahead->line += 64;
        if (ahead->line >= ahead->row_end) {
            ahead->line += ahead->gap;
            ahead->row_end += ahead->row_bytes;
        }
    }
}

/// What an instruction set has to offer. A word is what one lane multiplies in one step: an f32, or a pair of bf16 (the even k below).
typedef struct {
    int64_t pair;  // numbers of k in a word
    /// A strip: words[r · CK_STRIP_STRIDE + i] of rows × k stored numbers, of whole blocks where they have such; zeros up to a whole
    /// word. Row r begins at b + r · stride_bytes.
    void (*copy_stored)(ck_storage storage, int64_t rows, int64_t k, const void *b, int64_t stride_bytes, float *words);
    /// The same of f32 numbers that lie k × rows.
    void (*turn_rows)(int64_t rows, int64_t k, const float *a, int64_t stride, float *words);
    /// A panel: words[i · CK_PANEL + j] of b stored n × k (a column of the panel is a row of b), columns ≤ 32, zeros in the rest.
    void (*pack_turned)(ck_storage storage, int64_t columns, int64_t k, const void *b, int64_t stride, float *words);
    /// The same of b stored k × n.
    void (*pack_across)(ck_storage storage, int64_t columns, int64_t k, const void *b, int64_t stride, float *words);
    /// c[r, j] (+)= Σ_i a[r, i]·b[i, j] (+ bias[j]) for rows ≤ CK_STRIP and columns ≤ CK_PANEL.
    void (*tile)(int64_t rows, int64_t columns, int64_t words, const float *a, const float *b, float *c, int64_t c_stride,
                 bool accumulate, const float *bias, ck_lines_ahead *ahead);
    /// The end of a sum, turned over: c[j, r] = Σ_i a[r, i]·b[i, j] (+ sum[r, j]) (+ bias[r]). sum is CK_STRIP × CK_PANEL.
    void (*finish_turned)(int64_t rows, int64_t columns, int64_t words, const float *a, const float *b, const float *sum, float *c,
                          int64_t c_stride, const float *bias, ck_lines_ahead *ahead);
} ck_tile_set;

/// The tiles of f32 products on the current path, or NULL where OpenBLAS does as well.
const ck_tile_set *ck_f32_tiles(void);

/// The tiles of products of numbers rounded to bf16, or NULL where the processor has none.
const ck_tile_set *ck_bf16_tiles(void);

/// The product of numbers rounded to bf16, without tiles: OpenBLAS on rounded copies. alpha = 1, a as it is, nothing accumulated.
void ck_multiply_rounded(const ck_packed_product *product);

void ck_multiply_packed(const ck_tile_set *tiles, const ck_packed_product *product);

/// The same product, to the bit, with the operands' roles exchanged: what is packed is a, and rows of b pass by as they
/// lie. b is n × k, alpha = 1, nothing is accumulated.
void ck_multiply_exchanged(const ck_tile_set *tiles, const ck_packed_product *product);

/// The words of a block of k.
int64_t ck_packed_block(const ck_tile_set *tiles, const ck_packed_product *product);

static inline int64_t ck_at_least(int64_t numerator, int64_t denominator) { return (numerator + denominator - 1) / denominator; }

/// The first of part `index` when 0 ..< count is cut evenly into `parts`.
static inline int64_t ck_part_begin(int64_t count, int64_t parts, int64_t index) {
    int64_t width = count / parts, longer = count % parts;
    return index * width + (index < longer ? index : longer);
}

#if defined(__x86_64__)
extern const ck_tile_set ck_f32_tiles_avx512;
extern const ck_tile_set ck_bf16_tiles_avx512;
#endif

#endif
