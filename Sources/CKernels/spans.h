// The table of vector kernels. Each works on one row, or one small tile, on the calling thread; the files named by topic
// (elementwise.c, norms.c, …) split whole jobs over the pool and call through the table.
#ifndef CK_SPANS_H
#define CK_SPANS_H

#include "include/ck_base.h"
#include "include/ck_elementwise.h"

/// Scalars of an AdamW step, rounded to f32 once.
typedef struct {
    float decay;              // 1 − learning_rate · weight_decay
    float one_minus_beta1;
    float beta2, one_minus_beta2;
    float step_size;          // learning_rate / (1 − beta1^step)
    float inverse_root_bias;  // 1 / √(1 − beta2^step)
    float epsilon;
} ck_adamw_scalars;

typedef struct {
    void (*unary)(ck_unary_kind kind, int64_t n, const float *x, float *y);
    void (*unary_gradient)(ck_unary_kind kind, int64_t n, const float *x, const float *dy, float *dx);
    void (*binary)(ck_binary_kind kind, int64_t n, const float *a, int64_t a_step, const float *b, int64_t b_step, float *y);
    void (*scale_shift)(int64_t n, float scale, float shift, const float *x, float *y);
    void (*add_scaled)(int64_t n, const float *a, float scale, const float *b, float *y);
    void (*gated)(ck_unary_kind kind, int64_t n, const float *gate, const float *up, float *y);
    void (*gated_gradient)(ck_unary_kind kind, int64_t n, const float *gate, const float *up, const float *dy, float *dgate,
                           float *dup);

    float (*sum)(int64_t n, const float *x);
    float (*dot)(int64_t n, const float *a, const float *b);
    float (*maximum)(int64_t n, const float *x);  // −∞ for n = 0
    void (*column_sums)(int64_t rows, int64_t n, const float *x, int64_t x_stride, float *y);  // y += Σ_r x[r, ·]
    // y += Σ_r dy[r, ·] · (x[r, ·] − mean[r]) · inverse[r]; mean may be NULL.
    void (*normalized_column_sums)(int64_t rows, int64_t n, const float *x, int64_t x_stride, const float *mean,
                                   const float *inverse, const float *dy, int64_t dy_stride, float *y);

    void (*softmax)(int64_t n, const float *x, float *y);
    void (*softmax_gradient)(int64_t n, const float *y, const float *dy, float *dx);
    void (*log_softmax_gradient)(int64_t n, const float *y, const float *dy, float *dx);
    float (*log_sum_exp)(int64_t n, const float *x);
    float (*exp_shifted)(int64_t n, float shift, const float *x, float *y);  // y = e^(x − shift), returns Σ y
    void (*scaled_softmax)(int64_t n, float log_sum, float scale, const float *x, float *y);  // y = e^(x − log_sum) · scale

    float (*rms_inverse)(int64_t n, const float *x, float epsilon);
    void (*rms_norm)(int64_t n, const float *x, const float *weight, float inverse, float weight_offset, float *y);
    void (*rms_norm_gradient)(int64_t n, const float *x, const float *weight, float inverse, float weight_offset,
                              const float *dy, float *dx);
    void (*layer_statistics)(int64_t n, const float *x, float epsilon, float *mean, float *inverse);
    void (*layer_norm)(int64_t n, const float *x, const float *weight, const float *bias, float mean, float inverse, float *y);
    void (*layer_norm_gradient)(int64_t n, const float *x, const float *weight, float mean, float inverse, const float *dy,
                                float *dx);

    // (a, b) → (a·cos − b·sin, b·cos + a·sin) for halves a and b of a head; sign −1 turns back.
    void (*rotate_halves)(int64_t half, float sign, const float *a, const float *b, const float *cosines, const float *sines,
                          float *ya, float *yb);

    // score = cap · tanh(score / cap)
    void (*soft_cap)(int64_t n, float cap, float *scores);
    // p = e^(score − log_sum); ds = p · (dp − delta) · scale [· (1 − (capped/cap)²) where capped is given]; ds may be dp, p may be scores.
    void (*attention_gradient)(int64_t n, const float *scores, const float *dp, float log_sum, float delta, float scale,
                               const float *capped, float cap, float *p, float *ds);

    // Attention of `group` rows of queries a key/value head to `count` keys; row g·group + r belongs to head g, and heads lie side by side in
    // rows of keys and values. For each line that is read the one `ahead` bytes further is asked for.
    // scores[g·group + r, j] = scale · keys[j, g] · queries[g·group + r]; queries are rows of `size`
    void (*key_scores)(int64_t count, int64_t heads, int64_t group, int64_t size, const float *keys, int64_t key_stride,
                       const float *queries, float scale, int64_t ahead, float *scores, int64_t score_stride);
    // sums[g·group + r, ·] += Σ_j weights[g·group + r, j] · values[j, g]; sums are rows of `size`
    void (*weighted_values)(int64_t count, int64_t heads, int64_t group, int64_t size, const float *values, int64_t value_stride,
                            const float *weights, int64_t weight_stride, int64_t ahead, float *sums);

    void (*expand)(ck_storage storage, int64_t n, const void *x, float *y);  // f32, f16, bf16
    // Quantised types, to the bits of ck_dequantize; false, and nothing done, for a type that has no such kernel.
    bool (*expand_blocks)(ck_storage storage, int64_t n, const void *x, float *y);
    // out[s·out_s + f·out_f] = alpha · Σ_k stream[s, k] · few[f, k] (+ out when accumulate). A pair's bits do not depend on its neighbours.
    void (*dots)(ck_storage storage, int64_t stream_count, const void *stream, int64_t stream_stride, int64_t few_count,
                 const float *few, int64_t few_stride, int64_t k, float alpha, bool accumulate, float *out, int64_t out_s,
                 int64_t out_f);
    // The same for quantised rows, stream_bytes apart; false, and nothing done, for a type that has no such kernel.
    bool (*block_dots)(ck_storage storage, int64_t stream_count, const void *stream, int64_t stream_bytes, int64_t few_count,
                       const float *few, int64_t few_stride, int64_t k, float alpha, bool accumulate, float *out, int64_t out_s,
                       int64_t out_f);
    // y[i, ·] += alpha · Σ_k x[i·x_row + k·x_column] · b[k, ·] over n columns; rows in steps of k = 4, so a row's bits do not depend on m.
    void (*row_combinations)(ck_storage storage, int64_t m, int64_t n, int64_t k, float alpha, const float *x, int64_t x_row,
                             int64_t x_column, const void *b, int64_t b_stride, float *y, int64_t y_stride);
    // y[i, j] = alpha · Σ_k x[i·x_row + k·x_column] · b[k, j] (+ y when accumulate) for n ≤ 8: projections to a low rank. A row's bits do not
    // depend on m.
    void (*narrow_products)(int64_t m, int64_t n, int64_t k, float alpha, const float *x, int64_t x_row, int64_t x_column,
                            const float *b, int64_t b_stride, bool accumulate, float *y, int64_t y_stride);
    // y[i, j] = alpha · Σ_k x[i·x_row + k·x_column] · b[j, k] (+ y when accumulate) for k ≤ 8: expansions from a low rank. A row's bits do not
    // depend on m.
    void (*shallow_products)(int64_t m, int64_t n, int64_t k, float alpha, const float *x, int64_t x_row, int64_t x_column,
                             const float *b, int64_t b_stride, bool accumulate, float *y, int64_t y_stride);

    void (*adamw)(int64_t n, float *p, const float *g, float *m, float *v, const ck_adamw_scalars *scalars);
} ck_span_table;

extern const ck_span_table ck_spans_portable;
#if defined(__x86_64__)
extern const ck_span_table ck_spans_avx2;
extern const ck_span_table ck_spans_avx512;
#endif

/// The table of the current path.
const ck_span_table *ck_spans(void);

#endif
