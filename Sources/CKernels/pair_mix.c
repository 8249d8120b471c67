// Values mixed by a pattern, and the gradients of both.
#include <string.h>

#include "include/ck_parallel.h"
#include "pairs.h"
#include "scratch.h"
#include "spans.h"

typedef struct {
    const ck_attention *d;
    const ck_sequence_pairs *pairs;
    const float *pattern;
    int64_t pattern_stride;
    float *output;
    int64_t output_stride;
    const float *dy;
    int64_t dy_stride;
    float *dpattern, *dvalues;
    int64_t dpattern_stride, dvalues_stride;
} mix_job;

static void mix_query(int64_t sequence, int64_t row, void *context) {
    const mix_job *job = context;
    const ck_attention *d = job->d;
    const ck_sequence_pairs *pairs = &job->pairs[sequence];
    int64_t keys = pairs->stored + pairs->live, group = d->heads / d->kv_heads;
    const float *pattern = job->pattern + (pairs->first_pair + row * keys) * job->pattern_stride;
    float *output = job->output + (d->query_offsets[sequence] + row) * job->output_stride;
    ck_interval visible = ck_visible_pairs(d, pairs, row);
    memset(output, 0, (size_t)(d->heads * d->value_size) * sizeof(float));
    for (int64_t kv_head = 0; kv_head < d->kv_heads; kv_head++) {
        int64_t first = 0;
        for (int64_t index = 1; index < ck_key_run_count(d, sequence); index++) {
            ck_key_run run = ck_key_run_at(d, sequence, kv_head, index);
            int64_t begin = visible.begin > first ? visible.begin - first : 0;
            int64_t end = visible.end - first < run.length ? visible.end - first : run.length;
            if (begin < end) {
                ck_spans()->row_combinations(CK_STORAGE_F32, group, d->value_size, end - begin, 1,
                                             pattern + (first + begin) * job->pattern_stride + kv_head * group, 1,
                                             job->pattern_stride, run.values + begin * run.value_stride, run.value_stride,
                                             output + kv_head * group * d->value_size, d->value_size);
            }
            first += run.length;
        }
    }
}

// The runs of keys hold keys and values; where only the values matter the keys stand for themselves.
static ck_attention with_values_as_keys(const ck_attention *d) {
    ck_attention copy = *d;
    copy.keys = d->values;
    copy.key_stride = d->value_stride;
    copy.key_size = d->value_size;
    return copy;
}

bool ck_pair_mix(const ck_attention *description, const float *pattern, int64_t pattern_stride, float *output,
                 int64_t output_stride) {
    if (!ck_pairs_are_consistent(description, false, false, true) || description->value_size < 1) return false;
    if (pattern_stride < description->heads || output_stride < description->heads * description->value_size) return false;
    ck_attention d = with_values_as_keys(description);
    mix_job job = {.d = &d, .pairs = ck_scratch_pairs(&d), .pattern = pattern, .pattern_stride = pattern_stride, .output = output,
                   .output_stride = output_stride};
    ck_for_each_query(&d, job.pairs, 1 + 0.1 * (double)(d.heads * d.value_size), mix_query, &job);
    return true;
}

static void differentiate_query(const mix_job *job, int64_t sequence, int64_t row) {
    const ck_attention *d = job->d;
    const ck_sequence_pairs *pairs = &job->pairs[sequence];
    int64_t keys = pairs->stored + pairs->live, group = d->heads / d->kv_heads;
    int64_t first_pair = pairs->first_pair + row * keys;
    const float *pattern = job->pattern + first_pair * job->pattern_stride;
    const float *dy = job->dy + (d->query_offsets[sequence] + row) * job->dy_stride;
    float *dpattern = job->dpattern ? job->dpattern + first_pair * job->dpattern_stride : NULL;
    ck_interval visible = ck_visible_pairs(d, pairs, row);
    for (int64_t key = 0; dpattern && key < keys; key++) {
        if (key >= visible.begin && key < visible.end) continue;
        memset(dpattern + key * job->dpattern_stride, 0, (size_t)d->heads * sizeof(float));
    }
    for (int64_t kv_head = 0; kv_head < d->kv_heads; kv_head++) {
        int64_t first = 0, head = kv_head * group;
        for (int64_t index = 1; index < ck_key_run_count(d, sequence); index++) {
            ck_key_run run = ck_key_run_at(d, sequence, kv_head, index);
            int64_t begin = visible.begin > first ? visible.begin - first : 0;
            int64_t end = visible.end - first < run.length ? visible.end - first : run.length;
            int64_t key = first + begin;
            first += run.length;
            if (begin >= end) continue;
            if (dpattern) {
                ck_spans()->dots(CK_STORAGE_F32, end - begin, run.values + begin * run.value_stride, run.value_stride, group,
                                 dy + head * d->value_size, d->value_size, d->value_size, 1, false,
                                 dpattern + key * job->dpattern_stride + head, job->dpattern_stride, 1);
            }
            if (job->dvalues && run.kind == CK_RUN_LIVE) {
                float *dvalues = job->dvalues + (ck_first_live_key(d, sequence) + begin) * job->dvalues_stride;
                ck_spans()->row_combinations(CK_STORAGE_F32, end - begin, d->value_size, group, 1,
                                             pattern + key * job->pattern_stride + head, job->pattern_stride, 1,
                                             dy + head * d->value_size, d->value_size, dvalues + kv_head * d->value_size,
                                             job->dvalues_stride);
            }
        }
    }
}

/// One job owns a sequence: no two threads add to the same row of d value.
static void differentiate_sequence(int64_t sequence, void *context) {
    const mix_job *job = context;
    const ck_attention *d = job->d;
    int64_t first = ck_first_live_key(d, sequence);
    for (int64_t key = 0; job->dvalues && key < job->pairs[sequence].live; key++) {
        memset(job->dvalues + (first + key) * job->dvalues_stride, 0, (size_t)(d->kv_heads * d->value_size) * sizeof(float));
    }
    for (int64_t row = 0; row < job->pairs[sequence].queries; row++) differentiate_query(job, sequence, row);
}

bool ck_pair_mix_gradient(const ck_attention *description, const float *pattern, int64_t pattern_stride, const float *dy,
                          int64_t dy_stride, float *dpattern, int64_t dpattern_stride, float *dvalues, int64_t dvalues_stride) {
    if (!ck_pairs_are_consistent(description, false, false, true) || description->value_size < 1) return false;
    if (pattern_stride < description->heads || dy_stride < description->heads * description->value_size) return false;
    if (dpattern && dpattern_stride < description->heads) return false;
    if (dvalues && dvalues_stride < description->kv_heads * description->value_size) return false;
    ck_attention d = with_values_as_keys(description);
    mix_job job = {.d = &d, .pairs = ck_scratch_pairs(&d), .pattern = pattern, .pattern_stride = pattern_stride, .dy = dy,
                   .dy_stride = dy_stride, .dpattern = dpattern, .dpattern_stride = dpattern_stride, .dvalues = dvalues,
                   .dvalues_stride = dvalues_stride};
    ck_parallel(d.sequences, differentiate_sequence, &job);
    return true;
}
