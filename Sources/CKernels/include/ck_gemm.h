// Matrix products. Large ones run on packed panels with AVX-512, where a row's bits do not depend on the rows beside it, else through
// single-threaded OpenBLAS calls; those with few rows, or a small inner or outer dimension, through kernels that read each weight once.
// Sizes and strides are below 2³¹.
#ifndef CK_GEMM_H
#define CK_GEMM_H

#include "ck_base.h"

CK_BEGIN

/// c = alpha · op(a)·op(b) + beta · c, with op(a) m × k and op(b) k × n; op(x) = xᵀ when transpose_x (then a is stored k × m, b n × k).
/// beta = 0 does not read c. c overlaps neither a nor b.
void ck_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t a_stride,
             const float *b, int64_t b_stride, float beta, float *c, int64_t c_stride);

/// As ck_gemm with b held in `storage` (b_stride in elements), expanded as it is read, and an optional bias (n, or NULL) added to every row of c
/// at the end.
void ck_gemm_stored(ck_storage storage, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
                    const float *a, int64_t a_stride, const void *b, int64_t b_stride, float beta, float *c, int64_t c_stride,
                    const float *bias);

enum { CK_MOST_BESIDE = 4 };

/// One of several products of the same rows: c = a·bᵀ (+ bias), with b n × k in `storage`.
typedef struct {
    ck_storage storage;
    int64_t n;
    const void *b;
    int64_t b_stride;
    float *c;
    int64_t c_stride;
    const float *bias;
} ck_product_beside;

/// The products of m ≤ 8 rows, k > 8 numbers each, with at most CK_MOST_BESIDE matrices in one parallel region, to the bits of ck_gemm_stored;
/// false, and nothing done, for others.
bool ck_gemm_beside(int64_t count, const ck_product_beside *parts, int64_t m, int64_t k, const float *a, int64_t a_stride);

/// Each row of a (m × k) times the matrix of its group, y[i] = a[i]·op(b[groups[i]]), in one parallel region. The matrices lie one below the
/// other, b_rows rows each. Only for matrices with a side of at most 8, whose product with a few rows costs as much as with one at a time:
/// false, and nothing done, for others. A row's bits do not depend on the rows beside it.
bool ck_grouped_gemm(bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride, const float *b, int64_t b_rows,
                     int64_t b_stride, const int32_t *groups, float *c, int64_t c_stride);

/// c = a·op(b) (+ bias) of numbers rounded to bf16 (to nearest, ties to even), with products and sums in f32. Twice as fast as f32 where the
/// processor has AVX-512 BF16; the same roundings everywhere, but that instruction takes denormal numbers as zero. Products of at most
/// 8 rows, columns or depth, which memory bounds, take the numbers as they are.
void ck_gemm_bf16(ck_storage storage, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride,
                  const void *b, int64_t b_stride, float *c, int64_t c_stride, const float *bias);

/// c = a·bᵀ (+ bias) with b stored n × k. For at most 8 rows and b in Q4_0, Q4_1 or Q4_K, the rows of a are rounded to 8 bits, in groups of 32
/// with a scale of their own (largest magnitude / 127, to nearest, ties to even), and multiplied as integers, the same on each path; a
/// number of a is off by at most 1/254 of the largest in its group. Otherwise as ck_gemm_stored.
void ck_gemm_int8(ck_storage storage, int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride, const void *b,
                  int64_t b_stride, float *c, int64_t c_stride, const float *bias);

CK_END

#endif
