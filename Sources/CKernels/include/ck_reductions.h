// Sums over rows, columns and everything. The order of addition is fixed by the shape.
#ifndef CK_REDUCTIONS_H
#define CK_REDUCTIONS_H

#include "ck_base.h"

CK_BEGIN

/// y[r · y_stride] = Σ_c x[r, c]: one number per row.
void ck_row_sums(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, int64_t y_stride);

/// y[c] = Σ_r x[r, c], or y[c] += … when accumulate. Partial sums of 128 rows are added up.
void ck_column_sums(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, bool accumulate);

/// Σ x over all elements, added up in double across blocks.
double ck_sum(int64_t rows, int64_t cols, const float *x, int64_t x_stride);

/// Σ x² over all elements, added up in double across blocks.
double ck_sum_squares(int64_t rows, int64_t cols, const float *x, int64_t x_stride);

CK_END

#endif
