// Root-mean-square norm and layer norm over each row. Gradients recompute the row's statistics from x.
#ifndef CK_NORMS_H
#define CK_NORMS_H

#include "ck_base.h"

CK_BEGIN

/// y = x / √(mean(x²) + epsilon) · (weight_offset + weight). weight: cols, or NULL for 1. weight_offset is 1 for Gemma, else 0. In place allowed.
void ck_rms_norm(int64_t rows, int64_t cols, const float *x, int64_t x_stride, const float *weight, float epsilon,
                 float weight_offset, float *y, int64_t y_stride);

/// With g = (weight_offset + weight)·dy and s = 1/√(mean(x²) + epsilon): dx = s·g − s³·x·mean(x·g). dx may be dy or x.
void ck_rms_norm_gradient(int64_t rows, int64_t cols, const float *x, int64_t x_stride, const float *weight, float epsilon,
                          float weight_offset, const float *dy, int64_t dy_stride, float *dx, int64_t dx_stride);

/// dweight[c] = Σ_r dy[r, c] · x[r, c] · s[r].
void ck_rms_norm_weight_gradient(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float epsilon, const float *dy,
                                 int64_t dy_stride, float *dweight);

/// y = (x − mean) / √(variance + epsilon) · weight + bias, variance over cols. weight and bias: cols, or NULL for 1 and 0. In place allowed.
void ck_layer_norm(int64_t rows, int64_t cols, const float *x, int64_t x_stride, const float *weight, const float *bias,
                   float epsilon, float *y, int64_t y_stride);

/// With g = weight·dy, x̂ the normalised row and s = 1/√(variance + epsilon): dx = s·(g − mean(g) − x̂·mean(x̂·g)). dx may be dy or x.
void ck_layer_norm_gradient(int64_t rows, int64_t cols, const float *x, int64_t x_stride, const float *weight, float epsilon,
                            const float *dy, int64_t dy_stride, float *dx, int64_t dx_stride);

/// dweight[c] = Σ_r dy[r, c] · x̂[r, c]; dbias[c] = Σ_r dy[r, c]. Either may be NULL.
void ck_layer_norm_weight_gradient(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float epsilon, const float *dy,
                                   int64_t dy_stride, float *dweight, float *dbias);

CK_END

#endif
