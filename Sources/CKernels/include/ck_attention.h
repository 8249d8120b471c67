// The one attention operation: live queries over stored, parameter and live keys and values, on ragged rows.
#ifndef CK_ATTENTION_H
#define CK_ATTENTION_H

#include "ck_base.h"

CK_BEGIN

/// A run of stored keys and values (a piece of a KV cache) of one sequence.
/// keys: length × kv_heads·key_size, values: length × kv_heads·value_size, row strides in floats; row j has position first_position + j.
typedef struct ck_attention_segment {
    const float *keys;
    const float *values;
    int64_t length;
    int64_t key_stride;
    int64_t value_stride;
    int64_t first_position;
} ck_attention_segment;

/// Everything that forward and backward share. A zeroed struct is a valid start; fields that may be NULL or 0 say what that means.
///
/// Sequence s owns query rows query_offsets[s] ..< query_offsets[s+1], live key rows key_offsets[s] ..< key_offsets[s+1] and the segments
/// segment_offsets[s] ..< segment_offsets[s+1]. Query head h reads key/value head h / (heads / kv_heads).
/// Its keys are, in this order: the parameter keys (always visible, no bias), its segments, its live keys.
/// A key at position p is visible from a query at position q when
///   causal:      p ≤ q, and q − p < window where window > 0
///   not causal:  |q − p| < window where window > 0, else always.
/// score = scale · (query · key); with soft_cap > 0: soft_cap · tanh(score / soft_cap); then + bias.
typedef struct ck_attention {
    int64_t sequences;
    const int64_t *query_offsets;          ///< sequences + 1
    const int64_t *key_offsets;            ///< sequences + 1; NULL: the query offsets (every live row is query and key)
    const int32_t *query_positions;        ///< one per query row; NULL: first_positions[s] + row within the sequence
    const int64_t *first_positions;        ///< position of each sequence's first live key; NULL: 0
    int64_t heads, kv_heads;               ///< heads is a multiple of kv_heads
    int64_t key_size, value_size;          ///< width of one head in queries and keys, and in values
    float scale;
    float soft_cap;                        ///< 0: none
    bool causal;
    int64_t window;                        ///< 0: none
    const float *queries;                  ///< query rows × heads·key_size
    int64_t query_stride;
    const float *keys;                     ///< live key rows × kv_heads·key_size; NULL: no live keys
    int64_t key_stride;
    const float *values;                   ///< live key rows × kv_heads·value_size
    int64_t value_stride;
    const float *parameter_keys;           ///< parameter_count × kv_heads·key_size
    int64_t parameter_key_stride;
    const float *parameter_values;         ///< parameter_count × kv_heads·value_size
    int64_t parameter_value_stride;
    int64_t parameter_count;               ///< 0: none
    const ck_attention_segment *segments;  ///< NULL: no stored keys
    const int64_t *segment_offsets;        ///< sequences + 1
    const float *bias;                     ///< heads × (2·bias_span − 1): added for distance p − q at column p − q + bias_span − 1, clamped to
                                           ///< the table's ends (T5, MPNet, ALiBi); NULL: none
    int64_t bias_span;
} ck_attention;

/// output[i, h·value_size + c] = Σ_j softmax(scores)[j] · value[j, c]; log_sums[i · heads + h] = log Σ_j e^score (NULL: not wanted).
/// Scores are held in tiles, never queries × keys. A query that sees no key gives zeros and −∞.
/// Returns false, and writes nothing, when the description is inconsistent (sizes, offsets, missing pointers).
bool ck_attention_forward(const ck_attention *description, float *output, int64_t output_stride, float *log_sums);

/// Where ck_attention_backward writes. Any pointer may be NULL: that gradient is not computed. Stored segments get none.
typedef struct ck_attention_gradients {
    float *queries;
    int64_t query_stride;
    float *keys;
    int64_t key_stride;
    float *values;
    int64_t value_stride;
    float *parameter_keys;
    int64_t parameter_key_stride;
    float *parameter_values;
    int64_t parameter_value_stride;
} ck_attention_gradients;

/// Gradients from the forward pass's output and log_sums and the gradient of the output. Scores are computed again, tile by tile.
/// Returns false as ck_attention_forward.
bool ck_attention_backward(const ck_attention *description, const float *output, int64_t output_stride, const float *log_sums,
                           const float *output_gradient, int64_t output_gradient_stride,
                           const ck_attention_gradients *gradients);

CK_END

#endif
