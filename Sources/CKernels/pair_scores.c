// Scores of all pairs of queries and keys, and their gradient.
#include <math.h>
#include <string.h>

#include "include/ck_parallel.h"
#include "pairs.h"
#include "scratch.h"
#include "spans.h"

typedef struct {
    const ck_attention *d;
    const ck_sequence_pairs *pairs;
    float *scores;
    const float *dscores;
    int64_t stride;
    const ck_attention_gradients *gradients;
} score_job;

/// scores[j, head] for the visible keys of all heads that read a key head, written at `target` with that stride.
static void score_keys(const ck_attention *d, int64_t sequence, int64_t row, int64_t kv_head, ck_interval visible, float *target,
                       int64_t stride) {
    int64_t group = d->heads / d->kv_heads;
    const float *query = d->queries + (d->query_offsets[sequence] + row) * d->query_stride + kv_head * group * d->key_size;
    int64_t first = 0;
    for (int64_t index = 1; index < ck_key_run_count(d, sequence); index++) {
        ck_key_run run = ck_key_run_at(d, sequence, kv_head, index);
        int64_t begin = visible.begin > first ? visible.begin - first : 0;
        int64_t end = visible.end - first < run.length ? visible.end - first : run.length;
        if (begin < end) {
            ck_spans()->dots(CK_STORAGE_F32, end - begin, run.keys + begin * run.key_stride, run.key_stride, group, query,
                             d->key_size, d->key_size, d->scale, false, target + (first + begin) * stride, stride, 1);
        }
        first += run.length;
    }
}

static void score_query(int64_t sequence, int64_t row, void *context) {
    const score_job *job = context;
    const ck_attention *d = job->d;
    const ck_sequence_pairs *pairs = &job->pairs[sequence];
    int64_t keys = pairs->stored + pairs->live, group = d->heads / d->kv_heads;
    float *scores = job->scores + (pairs->first_pair + row * keys) * job->stride;
    ck_interval visible = ck_visible_pairs(d, pairs, row);
    for (int64_t kv_head = 0; kv_head < d->kv_heads; kv_head++) {
        score_keys(d, sequence, row, kv_head, visible, scores + kv_head * group, job->stride);
    }
    for (int64_t key = 0; key < keys; key++) {
        float *pair = scores + key * job->stride;
        if (key < visible.begin || key >= visible.end) {
            for (int64_t h = 0; h < d->heads; h++) pair[h] = -INFINITY;
        } else if (d->soft_cap > 0) {
            ck_spans()->soft_cap(d->heads, d->soft_cap, pair);
        }
    }
}

// The runs of keys hold keys and values; where only the keys matter the values stand for themselves.
static ck_attention with_keys_as_values(const ck_attention *d) {
    ck_attention copy = *d;
    copy.values = d->keys;
    copy.value_stride = d->key_stride;
    copy.value_size = d->key_size;
    return copy;
}

bool ck_pair_scores(const ck_attention *description, float *scores, int64_t stride) {
    if (!ck_pairs_are_consistent(description, true, true, false)) return false;
    if (stride < description->heads || description->key_size < 1) return false;
    ck_attention d = with_keys_as_values(description);
    score_job job = {.d = &d, .pairs = ck_scratch_pairs(&d), .scores = scores, .stride = stride};
    ck_for_each_query(&d, job.pairs, 1 + 0.1 * (double)(d.heads * d.key_size), score_query, &job);
    return true;
}

/// d scores of the raw products: through the soft cap, times the scale. Gives `heads` numbers for each visible key.
static float *raw_gradients(const score_job *job, int64_t sequence, int64_t row, ck_interval visible) {
    const ck_attention *d = job->d;
    const ck_sequence_pairs *pairs = &job->pairs[sequence];
    int64_t keys = pairs->stored + pairs->live, group = d->heads / d->kv_heads;
    float *gradients = ck_scratch(CK_SCRATCH_ATTENTION, 2 * keys * d->heads + 1);
    float *capped = gradients + keys * d->heads;
    for (int64_t kv_head = 0; d->soft_cap > 0 && kv_head < d->kv_heads; kv_head++) {
        score_keys(d, sequence, row, kv_head, visible, capped + kv_head * group, d->heads);
    }
    for (int64_t key = visible.begin; key < visible.end; key++) {
        const float *given = job->dscores + (pairs->first_pair + row * keys + key) * job->stride;
        float *change = gradients + key * d->heads;
        ck_spans()->scale_shift(d->heads, d->scale, 0, given, change);
        if (d->soft_cap <= 0) continue;
        float *cap = capped + key * d->heads;
        ck_spans()->soft_cap(d->heads, d->soft_cap, cap);
        for (int64_t h = 0; h < d->heads; h++) change[h] *= 1 - cap[h] / d->soft_cap * (cap[h] / d->soft_cap);
    }
    return gradients;
}

/// One job owns a sequence: no two threads add to the same row of d key.
static void differentiate_sequence(int64_t sequence, void *context) {
    const score_job *job = context;
    const ck_attention *d = job->d;
    const ck_attention_gradients *g = job->gradients;
    const ck_sequence_pairs *pairs = &job->pairs[sequence];
    int64_t group = d->heads / d->kv_heads, key_row = ck_first_live_key(d, sequence);
    for (int64_t key = 0; g->keys && key < pairs->live; key++) {
        memset(g->keys + (key_row + key) * g->key_stride, 0, (size_t)(d->kv_heads * d->key_size) * sizeof(float));
    }
    for (int64_t row = 0; row < pairs->queries; row++) {
        int64_t query_row = d->query_offsets[sequence] + row;
        ck_interval visible = ck_visible_pairs(d, pairs, row);
        const float *gradients = raw_gradients(job, sequence, row, visible);
        float *dquery = g->queries ? g->queries + query_row * g->query_stride : NULL;
        if (dquery) memset(dquery, 0, (size_t)(d->heads * d->key_size) * sizeof(float));
        for (int64_t kv_head = 0; kv_head < d->kv_heads; kv_head++) {
            const float *query = d->queries + query_row * d->query_stride + kv_head * group * d->key_size;
            int64_t first = 0;
            for (int64_t index = 1; index < ck_key_run_count(d, sequence); index++) {
                ck_key_run run = ck_key_run_at(d, sequence, kv_head, index);
                int64_t begin = visible.begin > first ? visible.begin - first : 0;
                int64_t end = visible.end - first < run.length ? visible.end - first : run.length;
                const float *change = gradients + (first + begin) * d->heads + kv_head * group;
                first += run.length;
                if (begin >= end) continue;
                if (dquery) {
                    ck_spans()->row_combinations(CK_STORAGE_F32, group, d->key_size, end - begin, 1, change, 1, d->heads,
                                                 run.keys + begin * run.key_stride, run.key_stride,
                                                 dquery + kv_head * group * d->key_size, d->key_size);
                }
                if (g->keys && run.kind == CK_RUN_LIVE) {
                    ck_spans()->row_combinations(CK_STORAGE_F32, end - begin, d->key_size, group, 1, change, d->heads, 1, query,
                                                 d->key_size,
                                                 g->keys + (key_row + begin) * g->key_stride + kv_head * d->key_size,
                                                 g->key_stride);
                }
            }
        }
    }
}

bool ck_pair_scores_gradient(const ck_attention *description, const float *dscores, int64_t stride,
                             const ck_attention_gradients *gradients) {
    if (!ck_pairs_are_consistent(description, true, true, false) || !gradients) return false;
    if (stride < description->heads || description->key_size < 1) return false;
    ck_attention d = with_keys_as_values(description);
    if (gradients->queries && gradients->query_stride < d.heads * d.key_size) return false;
    if (gradients->keys && gradients->key_stride < d.kv_heads * d.key_size) return false;
    score_job job = {.d = &d, .pairs = ck_scratch_pairs(&d), .dscores = dscores, .stride = stride, .gradients = gradients};
    ck_parallel(d.sequences, differentiate_sequence, &job);
    return true;
}
