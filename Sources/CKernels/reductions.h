// Column sums that the norms need.
#ifndef CK_REDUCTIONS_INTERNAL_H
#define CK_REDUCTIONS_INTERNAL_H

#include "include/ck_reductions.h"

/// y[c] = Σ_r dy[r, c] · (x[r, c] − mean[r]) · inverse[r]; mean may be NULL for 0.
void ck_normalized_column_sums(int64_t rows, int64_t cols, const float *x, int64_t x_stride, const float *mean,
                               const float *inverse, const float *dy, int64_t dy_stride, float *y);

#endif
