// Random numbers from a counter: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
//
// Element i of stream s under a seed is defined by itself, whatever else is drawn:
//   key     = (low 32 bits of seed, high 32 bits of seed)
//   counter = (low 32 bits of ⌊i/4⌋, high 32 bits of ⌊i/4⌋, low 32 bits of s, high 32 bits of s)
//   bits(i) = word i mod 4 of the ten-round Philox4x32 of that counter and key
#ifndef CK_RANDOM_H
#define CK_RANDOM_H

#include "ck_base.h"

CK_BEGIN

/// y[j] = bits(first + j).
void ck_random_bits(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, uint32_t *y);

/// y[j] = (bits(first + j) >> 8) · 2⁻²⁴, in [0, 1).
void ck_random_uniform(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, float *y);

/// Standard normals by Box-Muller, computed in double and rounded once. Elements 2p and 2p + 1 share the words a = bits(2p), b = bits(2p + 1):
/// with ρ = √(−2·ln((a + 1)·2⁻³²)) and φ = 2π·b·2⁻³², the even one is ρ·cos φ and the odd one ρ·sin φ.
void ck_random_normal(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, float *y);

/// The multiplier of inverted dropout: y[j] = 0 where uniform(first + j) < rate, else 1 / (1 − rate). rate in [0, 1); rate ≥ 1 gives zeros.
void ck_dropout_mask(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, float rate, float *y);

CK_END

#endif
