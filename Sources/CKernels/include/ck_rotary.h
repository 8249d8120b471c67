// Rotary position embedding (Su et al. 2021, arXiv:2104.09864).
#ifndef CK_ROTARY_H
#define CK_ROTARY_H

#include "ck_base.h"

CK_BEGIN

/// cosines[r, i] = attention_factor · cos(positions[r] · inverse_frequencies[i]) and likewise sines; both rows × half with row stride `stride`.
/// The angle is computed in double; with round_angles it is first rounded to f32, as frameworks that multiply in f32 have it.
void ck_rotary_tables(int64_t rows, int64_t half, const int32_t *positions, const float *inverse_frequencies,
                      float attention_factor, bool round_angles, float *cosines, float *sines, int64_t stride);

/// Turns each head's first 2·half numbers of x (rows × heads·head_size) by the row's angles and copies the rest.
/// Pairs are (i, i + half), or (2i, 2i + 1) when interleaved: (a, b) → (a·cos − b·sin, b·cos + a·sin).
/// inverse turns the other way (sin → −sin), which is the gradient. In place allowed. 2·half > head_size does nothing.
void ck_rotary(int64_t rows, int64_t heads, int64_t head_size, int64_t half, bool interleaved, bool inverse, const float *x,
               int64_t x_stride, const float *cosines, const float *sines, int64_t table_stride, float *y, int64_t y_stride);

CK_END

#endif
