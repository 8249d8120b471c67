// Rows whose columns are blocks of equal width side by side, and the choice of the largest numbers of a row.
#ifndef CK_BLOCKS_H
#define CK_BLOCKS_H

#include "ck_base.h"

CK_BEGIN

/// The `count` largest numbers of each row, falling, and their columns as numbers. Of equal numbers the first column comes first.
/// NaN counts as less than everything. count ≤ cols.
void ck_top_k(int64_t rows, int64_t cols, int64_t count, const float *x, int64_t x_stride, float *values, int64_t values_stride,
              float *columns, int64_t columns_stride);

/// y [rows, count · width] = 0, then block places[r, j] of row r = block j of x [rows, parts · width]. Places outside 0 ..< count are left out.
void ck_place_blocks(int64_t rows, int64_t width, int64_t parts, int64_t count, const float *x, int64_t x_stride,
                     const float *places, int64_t places_stride, float *y, int64_t y_stride);

/// Block j of row r of y [rows, parts · width] = block places[r, j] of x [rows, count · width], or 0 where there is none.
void ck_take_blocks(int64_t rows, int64_t width, int64_t parts, int64_t count, const float *x, int64_t x_stride,
                    const float *places, int64_t places_stride, float *y, int64_t y_stride);

/// y[r, ·] = Σ_j weights[r, j] · block j of x[r, ·]; y is rows × width.
void ck_mix_blocks(int64_t rows, int64_t width, int64_t parts, const float *x, int64_t x_stride, const float *weights,
                   int64_t weights_stride, float *y, int64_t y_stride);

/// Block j of row r of y [rows, parts · width] = weights[r, j] · x[r, ·].
void ck_spread_blocks(int64_t rows, int64_t width, int64_t parts, const float *x, int64_t x_stride, const float *weights,
                      int64_t weights_stride, float *y, int64_t y_stride);

/// y[r, j] = block j of x[r, ·] · z[r, ·]; y is rows × parts.
void ck_dot_blocks(int64_t rows, int64_t width, int64_t parts, const float *x, int64_t x_stride, const float *z,
                   int64_t z_stride, float *y, int64_t y_stride);

CK_END

#endif
