// Sums over rows, columns and everything. The order of addition is fixed by the shape.
#ifndef CK_REDUCTIONS_H
#define CK_REDUCTIONS_H

#include "ck_base.h"

CK_BEGIN

/// y[r · y_stride] = Σ_c x[r, c]: one number per row.
void ck_row_sums(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, int64_t y_stride);

/// y[r · y_stride] = Σ_c a[r, c] · b[r, c].
void ck_row_dots(int64_t rows, int64_t cols, const float *a, int64_t a_stride, const float *b, int64_t b_stride, float *y,
                 int64_t y_stride);

/// y[c] = Σ_r x[r, c], or y[c] += … when accumulate. Partial sums of 128 rows are added up.
void ck_column_sums(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, bool accumulate);

/// Σ x over all elements, added up in double across blocks.
double ck_sum(int64_t rows, int64_t cols, const float *x, int64_t x_stride);

/// Σ x² over all elements, added up in double across blocks.
double ck_sum_squares(int64_t rows, int64_t cols, const float *x, int64_t x_stride);

/// The largest element of each row and its column (the first of equal ones; a NaN is never larger). cols ≥ 1, else nothing is written.
/// Either output may be NULL.
void ck_row_max(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *largest, int32_t *column);

CK_END

#endif
