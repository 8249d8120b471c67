// Moving rows: copies, transposes, gathers and scatters.
#ifndef CK_ROWS_H
#define CK_ROWS_H

#include "ck_base.h"

CK_BEGIN

/// y = x; concatenation and slicing of columns are copies with strides. x and y must not overlap unless they are equal.
void ck_copy(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, int64_t y_stride);

/// y = value.
void ck_fill(int64_t rows, int64_t cols, float value, float *y, int64_t y_stride);

/// y[c, r] = x[r, c]; x is rows × cols, y is cols × rows. No overlap.
void ck_transpose(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, int64_t y_stride);

/// y[i, ·] = table[indices[i], ·], widened to f32. table: table_rows × cols of `storage`, table_stride in elements.
/// Returns −1, or the first i whose index is outside 0 ..< table_rows; then nothing is written.
int64_t ck_gather_rows(ck_storage storage, int64_t count, int64_t cols, const void *table, int64_t table_rows,
                       int64_t table_stride, const int32_t *indices, float *y, int64_t y_stride);

/// y[indices[i], ·] = x[i, ·]; of equal indices the last wins. y: y_rows × cols. Rows not named keep their content
/// (for a scatter out of place, copy the base first). Returns as ck_gather_rows.
int64_t ck_scatter_rows(int64_t count, int64_t cols, const float *x, int64_t x_stride, const int32_t *indices, float *y,
                        int64_t y_rows, int64_t y_stride);

/// y[indices[i], ·] += x[i, ·], in the order of i. Returns as ck_gather_rows.
int64_t ck_scatter_add_rows(int64_t count, int64_t cols, const float *x, int64_t x_stride, const int32_t *indices, float *y,
                            int64_t y_rows, int64_t y_stride);

CK_END

#endif
