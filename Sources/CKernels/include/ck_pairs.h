// Attention in parts, for values that someone looks into: one row for each pair of a query and a key of one sequence.
#ifndef CK_PAIRS_H
#define CK_PAIRS_H

#include "ck_attention.h"

CK_BEGIN

// All of them take the description of the attention that the parts make. Sequence s has n queries and m keys, its stored ones and then
// its live ones; its n · m rows of pairs follow those of the sequences before it, the keys of its first query first. Parameter keys and
// bias must be absent. Pairs that the mask hides hold −∞ in scores and 0 elsewhere, and nothing is read from them.
// Fields that a function does not need may be NULL; each returns false, and writes nothing, when the description is inconsistent.

/// How many rows of pairs there are; −1 when the description is inconsistent.
int64_t ck_pair_count(const ck_attention *description);

/// scores[pair, h] = scale · query · key, under the soft cap.
bool ck_pair_scores(const ck_attention *description, float *scores, int64_t stride);

/// d query and d key from d scores; `gradients` says where (NULL: not wanted), its values are not written.
bool ck_pair_scores_gradient(const ck_attention *description, const float *dscores, int64_t stride,
                             const ck_attention_gradients *gradients);

/// pattern[·, h] = softmax over the visible keys of each query; zeros where none has a score above −∞. pattern may be scores.
bool ck_pair_pattern(const ck_attention *description, const float *scores, int64_t scores_stride, float *pattern,
                     int64_t pattern_stride);

/// dscores = p · (dp − Σ p · dp) over the visible keys of each query. dscores may be pattern or dpattern.
bool ck_pair_pattern_gradient(const ck_attention *description, const float *pattern, int64_t pattern_stride,
                              const float *dpattern, int64_t dpattern_stride, float *dscores, int64_t dscores_stride);

/// output[i, h·value_size + c] = Σ_j pattern[pair ij, h] · value[j, c].
bool ck_pair_mix(const ck_attention *description, const float *pattern, int64_t pattern_stride, float *output,
                 int64_t output_stride);

/// d pattern and d value from d output; each may be NULL.
bool ck_pair_mix_gradient(const ck_attention *description, const float *pattern, int64_t pattern_stride, const float *dy,
                          int64_t dy_stride, float *dpattern, int64_t dpattern_stride, float *dvalues, int64_t dvalues_stride);

/// bias[pair, ·] = table[bucket, ·] with the bucket of the distance d = key − query in buckets[d + span], d clamped to −span … span.
/// `heads` columns each.
bool ck_pair_bias(const ck_attention *description, const float *table, int64_t table_stride, const int32_t *buckets,
                  int64_t span, float *bias, int64_t bias_stride);

/// dtable[bucket, ·] = Σ dbias over the pairs of the bucket.
bool ck_pair_bias_gradient(const ck_attention *description, const float *dbias, int64_t dbias_stride, const int32_t *buckets,
                           int64_t span, float *dtable, int64_t dtable_stride, int64_t bucket_count);

CK_END

#endif
