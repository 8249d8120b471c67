// The vector kernels, written once for any width. The including file defines VECTOR_BYTES, TABLE (the name of the table) and CK_HAS_F16C
// where halves widen in hardware, CK_HAS_AVX2 and CK_HAS_AVX512 where vectors are registers of these, and sets the instruction set by pragma.

#include "spans_vector.inc.h"
#include "spans_math.inc.h"
#include "spans_elementwise.inc.h"
#include "spans_rows.inc.h"
#include "spans_products.inc.h"
#include "spans_thin.inc.h"
#include "spans_attention.inc.h"
#include "spans_blocks.inc.h"

const ck_span_table TABLE = {
    .unary = span_unary,
    .unary_gradient = span_unary_gradient,
    .binary = span_binary,
    .scale_shift = span_scale_shift,
    .add_scaled = span_add_scaled,
    .gated = span_gated,
    .gated_gradient = span_gated_gradient,
    .sum = span_sum,
    .dot = span_dot,
    .maximum = span_maximum,
    .column_sums = span_column_sums,
    .normalized_column_sums = span_normalized_column_sums,
    .softmax = span_softmax,
    .softmax_gradient = span_softmax_gradient,
    .log_softmax_gradient = span_log_softmax_gradient,
    .log_sum_exp = span_log_sum_exp,
    .exp_shifted = span_exp_shifted,
    .scaled_softmax = span_scaled_softmax,
    .rms_inverse = span_rms_inverse,
    .rms_norm = span_rms_norm,
    .rms_norm_gradient = span_rms_norm_gradient,
    .layer_statistics = span_layer_statistics,
    .layer_norm = span_layer_norm,
    .layer_norm_gradient = span_layer_norm_gradient,
    .rotate_halves = span_rotate_halves,
    .soft_cap = span_soft_cap,
    .attention_gradient = span_attention_gradient,
    .key_scores = span_key_scores,
    .weighted_values = span_weighted_values,
    .expand = span_expand,
    .expand_blocks = span_expand_blocks,
    .dots = span_dots,
    .block_dots = span_block_dots,
    .row_combinations = span_row_combinations,
    .narrow_products = span_narrow_products,
    .shallow_products = span_shallow_products,
    .adamw = span_adamw,
};
