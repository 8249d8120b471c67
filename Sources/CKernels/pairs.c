#include "pairs.h"

#include "parallel.h"
#include "scratch.h"

static bool is_ascending_from_zero(const int64_t *offsets, int64_t count) {
    if (!offsets || offsets[0] != 0) return false;
    for (int64_t i = 0; i < count; i++) {
        if (offsets[i + 1] < offsets[i]) return false;
    }
    return true;
}

static const int64_t *live_offsets(const ck_attention *d) { return d->key_offsets ? d->key_offsets : d->query_offsets; }

bool ck_pairs_are_consistent(const ck_attention *d, bool needs_queries, bool needs_keys, bool needs_values) {
    if (!d || d->sequences < 0 || d->heads < 1 || d->kv_heads < 1 || d->heads % d->kv_heads != 0) return false;
    if (d->window < 0 || d->parameter_count != 0 || d->bias) return false;
    if (!is_ascending_from_zero(d->query_offsets, d->sequences)) return false;
    if (d->key_offsets && !is_ascending_from_zero(d->key_offsets, d->sequences)) return false;
    int64_t queries = d->query_offsets[d->sequences], keys = live_offsets(d)[d->sequences];
    if (needs_queries && queries > 0 && (!d->queries || d->query_stride < d->heads * d->key_size)) return false;
    if (needs_keys && keys > 0 && (!d->keys || d->key_stride < d->kv_heads * d->key_size)) return false;
    if (needs_values && keys > 0 && (!d->values || d->value_stride < d->kv_heads * d->value_size)) return false;
    if (!d->first_positions) return true;
    for (int64_t s = 0; s < d->sequences; s++) {
        if (d->first_positions[s] < 0) return false;
    }
    return true;
}

int64_t ck_find_pairs(const ck_attention *d, ck_sequence_pairs *pairs) {
    int64_t total = 0;
    for (int64_t s = 0; s < d->sequences; s++) {
        ck_sequence_pairs one = {.queries = ck_query_count(d, s), .stored = d->first_positions ? d->first_positions[s] : 0,
                                 .live = live_offsets(d)[s + 1] - live_offsets(d)[s], .first_pair = total};
        total += one.queries * (one.stored + one.live);
        if (pairs) pairs[s] = one;
    }
    return total;
}

const ck_sequence_pairs *ck_scratch_pairs(const ck_attention *d) {
    int64_t floats = (int64_t)(sizeof(ck_sequence_pairs) / sizeof(float)) * (d->sequences + 1);
    ck_sequence_pairs *pairs = (ck_sequence_pairs *)(void *)ck_scratch(CK_SCRATCH_ATTENTION_SHARED, floats);
    ck_find_pairs(d, pairs);
    return pairs;
}

int64_t ck_pair_count(const ck_attention *d) {
    return ck_pairs_are_consistent(d, false, false, false) ? ck_find_pairs(d, NULL) : -1;
}

ck_interval ck_visible_pairs(const ck_attention *d, const ck_sequence_pairs *pairs, int64_t row) {
    ck_key_run all = {.kind = CK_RUN_LIVE, .length = pairs->stored + pairs->live};
    ck_interval visible = ck_visible_keys(d, &all, pairs->stored + row);
    // A window may lie behind the last key.
    if (visible.begin > all.length) visible.begin = all.length;
    if (visible.end > all.length) visible.end = all.length;
    return visible;
}

typedef struct {
    const ck_attention *d;
    void (*body)(int64_t sequence, int64_t row, void *context);
    void *context;
} query_job;

static void run_queries(int64_t begin, int64_t end, void *context) {
    const query_job *job = context;
    int64_t sequence = 0;
    for (int64_t query = begin; query < end; query++) {
        while (job->d->query_offsets[sequence + 1] <= query) sequence++;
        job->body(sequence, query - job->d->query_offsets[sequence], job->context);
    }
}

void ck_for_each_query(const ck_attention *d, const ck_sequence_pairs *pairs, double nanoseconds,
                       void (*body)(int64_t sequence, int64_t row, void *context), void *context) {
    int64_t queries = d->query_offsets[d->sequences], count = 0;
    for (int64_t s = 0; s < d->sequences; s++) count += pairs[s].queries * (pairs[s].stored + pairs[s].live);
    query_job job = {d, body, context};
    ck_parallel_rows(queries, 50 + nanoseconds * (double)count / (double)(queries > 0 ? queries : 1), run_queries, &job);
}
