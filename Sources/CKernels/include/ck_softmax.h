// Softmax over each row.
#ifndef CK_SOFTMAX_H
#define CK_SOFTMAX_H

#include "ck_base.h"

CK_BEGIN

/// y[r, c] = e^(x[r, c] − m) / Σ e^(x[r, ·] − m), m the row's maximum. In place allowed. A row that is −∞ throughout gives zeros.
void ck_softmax(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, int64_t y_stride);

/// dx = y · (dy − Σ_c y·dy), from the output y. dx may be dy or y.
void ck_softmax_gradient(int64_t rows, int64_t cols, const float *y, int64_t y_stride, const float *dy, int64_t dy_stride,
                         float *dx, int64_t dx_stride);

/// y[r, c] = x[r, c] − log Σ e^x[r, ·]. In place allowed.
void ck_log_softmax(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, int64_t y_stride);

/// dx = dy − e^y · Σ_c dy, from the output y. dx may be dy or y.
void ck_log_softmax_gradient(int64_t rows, int64_t cols, const float *y, int64_t y_stride, const float *dy, int64_t dy_stride,
                             float *dx, int64_t dx_stride);

CK_END

#endif
