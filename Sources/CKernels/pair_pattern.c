// The softmax of scores over the keys of each query, the bias by distance, and their gradients.
#include <math.h>
#include <string.h>

#include "include/ck_parallel.h"
#include "pairs.h"
#include "scratch.h"
#include "spans.h"

typedef struct {
    const ck_attention *d;
    const ck_sequence_pairs *pairs;
    const float *x, *dy;
    int64_t x_stride, dy_stride;
    float *y;
    int64_t y_stride;
    const int32_t *buckets;
    int64_t span;
} pattern_job;

/// One head's column of `count` rows, side by side.
static void gather(int64_t count, const float *x, int64_t stride, float *y) {
    for (int64_t i = 0; i < count; i++) y[i] = x[i * stride];
}

static void spread(int64_t count, const float *x, float *y, int64_t stride) {
    for (int64_t i = 0; i < count; i++) y[i * stride] = x[i];
}

/// Zeros in the hidden pairs of a query.
static void hide(const pattern_job *job, int64_t first_pair, int64_t keys, ck_interval visible) {
    size_t bytes = (size_t)job->d->heads * sizeof(float);
    for (int64_t key = 0; key < visible.begin; key++) memset(job->y + (first_pair + key) * job->y_stride, 0, bytes);
    for (int64_t key = visible.end; key < keys; key++) memset(job->y + (first_pair + key) * job->y_stride, 0, bytes);
}

static void soften_query(int64_t sequence, int64_t row, void *context) {
    const pattern_job *job = context;
    const ck_sequence_pairs *pairs = &job->pairs[sequence];
    int64_t keys = pairs->stored + pairs->live, first_pair = pairs->first_pair + row * keys;
    ck_interval visible = ck_visible_pairs(job->d, pairs, row);
    int64_t count = visible.end - visible.begin;
    float *column = ck_scratch(CK_SCRATCH_ATTENTION, count + 1);
    for (int64_t h = 0; h < job->d->heads; h++) {
        gather(count, job->x + (first_pair + visible.begin) * job->x_stride + h, job->x_stride, column);
        float maximum = ck_spans()->maximum(count, column);
        if (maximum == -INFINITY) {
            memset(column, 0, (size_t)count * sizeof(float));
        } else {
            float sum = ck_spans()->exp_shifted(count, maximum, column, column);
            ck_spans()->scale_shift(count, 1 / sum, 0, column, column);
        }
        spread(count, column, job->y + (first_pair + visible.begin) * job->y_stride + h, job->y_stride);
    }
    hide(job, first_pair, keys, visible);
}

bool ck_pair_pattern(const ck_attention *d, const float *scores, int64_t scores_stride, float *pattern, int64_t pattern_stride) {
    if (!ck_pairs_are_consistent(d, false, false, false) || scores_stride < d->heads || pattern_stride < d->heads) return false;
    pattern_job job = {.d = d, .pairs = ck_scratch_pairs(d), .x = scores, .x_stride = scores_stride, .y = pattern,
                       .y_stride = pattern_stride};
    ck_for_each_query(d, job.pairs, (double)d->heads, soften_query, &job);
    return true;
}

static void differentiate_query(int64_t sequence, int64_t row, void *context) {
    const pattern_job *job = context;
    const ck_sequence_pairs *pairs = &job->pairs[sequence];
    int64_t keys = pairs->stored + pairs->live, first_pair = pairs->first_pair + row * keys;
    ck_interval visible = ck_visible_pairs(job->d, pairs, row);
    int64_t count = visible.end - visible.begin, first = first_pair + visible.begin;
    float *shares = ck_scratch(CK_SCRATCH_ATTENTION, 2 * count + 1), *changes = shares + count;
    for (int64_t h = 0; h < job->d->heads; h++) {
        gather(count, job->x + first * job->x_stride + h, job->x_stride, shares);
        gather(count, job->dy + first * job->dy_stride + h, job->dy_stride, changes);
        ck_spans()->softmax_gradient(count, shares, changes, changes);
        spread(count, changes, job->y + first * job->y_stride + h, job->y_stride);
    }
    hide(job, first_pair, keys, visible);
}

bool ck_pair_pattern_gradient(const ck_attention *d, const float *pattern, int64_t pattern_stride, const float *dpattern,
                              int64_t dpattern_stride, float *dscores, int64_t dscores_stride) {
    if (!ck_pairs_are_consistent(d, false, false, false) || pattern_stride < d->heads || dpattern_stride < d->heads ||
        dscores_stride < d->heads) {
        return false;
    }
    pattern_job job = {.d = d, .pairs = ck_scratch_pairs(d), .x = pattern, .x_stride = pattern_stride, .dy = dpattern,
                       .dy_stride = dpattern_stride, .y = dscores, .y_stride = dscores_stride};
    ck_for_each_query(d, job.pairs, (double)d->heads, differentiate_query, &job);
    return true;
}

static int64_t bucket_of(const pattern_job *job, int64_t distance) {
    int64_t clamped = distance < -job->span ? -job->span : distance > job->span ? job->span : distance;
    return job->buckets[clamped + job->span];
}

static void bias_query(int64_t sequence, int64_t row, void *context) {
    const pattern_job *job = context;
    const ck_sequence_pairs *pairs = &job->pairs[sequence];
    int64_t keys = pairs->stored + pairs->live;
    for (int64_t key = 0; key < keys; key++) {
        memcpy(job->y + (pairs->first_pair + row * keys + key) * job->y_stride,
               job->x + bucket_of(job, key - pairs->stored - row) * job->x_stride, (size_t)job->d->heads * sizeof(float));
    }
}

bool ck_pair_bias(const ck_attention *d, const float *table, int64_t table_stride, const int32_t *buckets, int64_t span,
                  float *bias, int64_t bias_stride) {
    if (!ck_pairs_are_consistent(d, false, false, false) || !buckets || span < 0 || bias_stride < d->heads) return false;
    pattern_job job = {.d = d, .pairs = ck_scratch_pairs(d), .x = table, .x_stride = table_stride, .y = bias, .y_stride = bias_stride,
                       .buckets = buckets, .span = span};
    ck_for_each_query(d, job.pairs, 2 + 0.2 * (double)d->heads, bias_query, &job);
    return true;
}

bool ck_pair_bias_gradient(const ck_attention *d, const float *dbias, int64_t dbias_stride, const int32_t *buckets, int64_t span,
                           float *dtable, int64_t dtable_stride, int64_t bucket_count) {
    if (!ck_pairs_are_consistent(d, false, false, false) || !buckets || span < 0 || dbias_stride < d->heads) return false;
    pattern_job job = {.d = d, .pairs = ck_scratch_pairs(d), .buckets = buckets, .span = span};
    for (int64_t bucket = 0; bucket < bucket_count; bucket++) {
        memset(dtable + bucket * dtable_stride, 0, (size_t)d->heads * sizeof(float));
    }
    // The sum of a bucket has one order, whatever the number of threads.
    for (int64_t s = 0; s < d->sequences; s++) {
        const ck_sequence_pairs *pairs = &job.pairs[s];
        int64_t keys = pairs->stored + pairs->live;
        for (int64_t row = 0; row < pairs->queries; row++) {
            for (int64_t key = 0; key < keys; key++) {
                const float *change = dbias + (pairs->first_pair + row * keys + key) * dbias_stride;
                float *sum = dtable + bucket_of(&job, key - pairs->stored - row) * dtable_stride;
                for (int64_t h = 0; h < d->heads; h++) sum[h] += change[h];
            }
        }
    }
    return true;
}
