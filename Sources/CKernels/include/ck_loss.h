// Cross-entropy of rows of logits against class indices.
#ifndef CK_LOSS_H
#define CK_LOSS_H

#include "ck_base.h"

CK_BEGIN

/// losses[r] = log Σ_c e^logits[r, c] − logits[r, targets[r]]; 0 where the target is negative (ignored).
/// log_sums (rows, may be NULL) receives the first term of every row for the gradient.
/// Returns −1, or the first r with targets[r] ≥ cols; then nothing is written.
int64_t ck_cross_entropy(int64_t rows, int64_t cols, const float *logits, int64_t logits_stride, const int32_t *targets,
                         float *losses, float *log_sums);

/// dlogits[r, c] = (softmax(logits[r, ·])[c] − [c = targets[r]]) · scale[r · scale_stride]; zeros where the target is negative.
/// scale_stride is 1 for one factor per row, 0 for one scalar. log_sums from the forward pass, or NULL to compute it again. In place allowed.
/// Returns as ck_cross_entropy.
int64_t ck_cross_entropy_gradient(int64_t rows, int64_t cols, const float *logits, int64_t logits_stride, const int32_t *targets,
                                  const float *log_sums, const float *scale, int64_t scale_stride, float *dlogits,
                                  int64_t dlogits_stride);

/// The cross-entropy of the logits rows · matrixᵀ (rows n × width, matrix classes × width in `storage`) without their matrix: a band of rows
/// at a time, some megabytes of logits. losses[r] as ck_cross_entropy (NULL: not wanted);
/// slopes[r, ·] = (softmax(logits[r, ·]) − onehot(targets[r])) · matrix, zeros where the target is negative (NULL: not wanted).
/// `rounded` multiplies numbers rounded to bf16 (ck_gemm_bf16). The bits of a row may depend on the band's length, which depends on n and
/// classes only. Returns as ck_cross_entropy.
int64_t ck_linear_cross_entropy(ck_storage storage, bool rounded, int64_t n, int64_t classes, int64_t width, const float *rows,
                                int64_t rows_stride, const void *matrix, int64_t matrix_stride, const int32_t *targets,
                                float *losses, float *slopes, int64_t slopes_stride);

CK_END

#endif
