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

CK_END

#endif
