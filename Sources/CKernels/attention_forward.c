// Attention by tiles of queries × keys with a running maximum and sum (Dao et al. 2022, arXiv:2205.14135, algorithm 1).
// A sequence with many queries is cut into blocks of one head. One with few queries (decoding) is cut along its keys, whose rows are
// read once and in order for all heads; what the parts found is put together at the end. The cut depends on the sequence alone.
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "attention_keys.h"
#include "include/ck_parallel.h"
#include "parallel.h"
#include "scratch.h"
#include "spans.h"

enum {
    QUERY_BLOCK = 64,
    KEY_BLOCK = 128,
    FEW_QUERIES = 4,
    MOST_PARTS = 64,            // of a sequence's keys
    PART_PRODUCTS = 512 << 10,  // in a part of a sequence's keys, about: some 20 µs
};

/// The jobs of a sequence: parts of its keys, or blocks of its queries.
typedef struct {
    int64_t first_job, jobs;
    bool few;
    int64_t part_keys;      // few: visible keys of a part
    int64_t first_partial;  // few: where its parts leave their results, in floats
} sequence_jobs;

typedef struct {
    const ck_attention *d;
    float *output;
    int64_t output_stride;
    float *log_sums;
    const sequence_jobs *sequences;
    float *partials;
} forward_job;

/// The queries of one job: a block of one head's, or the few of all heads.
typedef struct {
    const ck_attention *d;
    int64_t sequence, kv_head;
    int64_t first_query, query_count;  // within the sequence
    int64_t first_head;
    bool few;
    int64_t rows;  // of scores: heads · query_count, heads outermost
    const float *queries;
    int64_t query_stride;
    float *scores, *accumulated, *maxima, *sums;
} query_tile;

static int64_t visible_keys(const ck_attention *d, int64_t sequence) {
    int64_t keys = 0;
    for (int64_t index = 0; index < ck_key_run_count(d, sequence); index++) {
        ck_key_run run = ck_key_run_at(d, sequence, 0, index);
        ck_interval visible = ck_visible_to_block(d, &run, sequence, 0, ck_query_count(d, sequence));
        if (visible.end > visible.begin) keys += visible.end - visible.begin;
    }
    return keys;
}

/// Floats that a part leaves: of each row the sum of weighted values, the largest score and the sum of weights.
static int64_t partial_floats(const ck_attention *d, int64_t queries) { return d->heads * queries * (d->value_size + 2); }

static sequence_jobs jobs_of(const ck_attention *d, int64_t sequence, int64_t first_job, int64_t first_partial) {
    int64_t queries = ck_query_count(d, sequence);
    sequence_jobs jobs = {.first_job = first_job, .few = queries <= FEW_QUERIES, .first_partial = first_partial};
    if (queries == 0) return jobs;
    if (!jobs.few) {
        jobs.jobs = d->heads * ((queries + QUERY_BLOCK - 1) / QUERY_BLOCK);
        return jobs;
    }
    int64_t keys = visible_keys(d, sequence);
    int64_t wanted = PART_PRODUCTS / (queries * d->heads * (d->key_size + d->value_size)) / 16 * 16;
    jobs.part_keys = wanted < 32 ? 32 : wanted > KEY_BLOCK ? KEY_BLOCK : wanted;
    if (keys > MOST_PARTS * jobs.part_keys) jobs.part_keys = (keys + MOST_PARTS - 1) / MOST_PARTS;
    jobs.jobs = keys > 0 ? (keys + jobs.part_keys - 1) / jobs.part_keys : 1;
    return jobs;
}

/// From rows that are read to rows that are read after them; 0, which asks for nothing new, where they lie otherwise.
static int64_t bytes_between(const ck_key_run *run, const float *from, const float *to) {
    return run->key_stride == run->value_stride ? (int64_t)((intptr_t)to - (intptr_t)from) : 0;
}

static void score(const query_tile *tile, const ck_key_run *run, int64_t first, int64_t count) {
    const ck_attention *d = tile->d;
    const float *keys = run->keys + first * run->key_stride;
    if (!tile->few) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)tile->rows, (int)count, (int)d->key_size, d->scale,
                    tile->queries, (int)tile->query_stride, keys, (int)run->key_stride, 0, tile->scores, KEY_BLOCK);
        return;
    }
    // While keys are read their values are asked for.
    ck_spans()->key_scores(count, d->kv_heads, tile->rows / d->kv_heads, d->key_size, keys, run->key_stride, tile->queries, d->scale,
                           bytes_between(run, keys, run->values + first * run->value_stride), tile->scores, KEY_BLOCK);
}

/// Turns a row of scores into probabilities relative to the running maximum and rescales what was accumulated before.
static void update_row(const query_tile *tile, const ck_key_run *run, int64_t row, int64_t first, int64_t count) {
    const ck_attention *d = tile->d;
    const ck_span_table *spans = ck_spans();
    int64_t position = ck_query_position(d, tile->sequence, tile->first_query + row % tile->query_count);
    ck_interval visible = ck_visible_keys(d, run, position);
    int64_t begin = visible.begin > first ? visible.begin - first : 0;
    int64_t end = visible.end - first < count ? visible.end - first : count;
    float *scores = tile->scores + row * KEY_BLOCK;
    if (begin >= end) {
        memset(scores, 0, (size_t)count * sizeof(float));
        return;
    }
    if (d->soft_cap > 0) spans->soft_cap(end - begin, d->soft_cap, scores + begin);
    ck_add_bias(d, run, tile->first_head + row / tile->query_count, position, first + begin, end - begin, scores + begin);
    float maximum = spans->maximum(end - begin, scores + begin);
    if (maximum > tile->maxima[row]) {
        float correction = expf(tile->maxima[row] - maximum);
        float *accumulated = tile->accumulated + row * d->value_size;
        spans->scale_shift(d->value_size, correction, 0, accumulated, accumulated);
        tile->sums[row] *= correction;
        tile->maxima[row] = maximum;
    }
    memset(scores, 0, (size_t)begin * sizeof(float));
    memset(scores + end, 0, (size_t)(count - end) * sizeof(float));
    if (tile->maxima[row] == -INFINITY) memset(scores + begin, 0, (size_t)(end - begin) * sizeof(float));
    else tile->sums[row] += spans->exp_shifted(end - begin, tile->maxima[row], scores + begin, scores + begin);
}

static void accumulate(const query_tile *tile, const ck_key_run *run, int64_t first, int64_t count) {
    const ck_attention *d = tile->d;
    const float *values = run->values + first * run->value_stride;
    if (!tile->few) {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)tile->rows, (int)d->value_size, (int)count, 1,
                    tile->scores, KEY_BLOCK, values, (int)run->value_stride, 1, tile->accumulated, (int)d->value_size);
        return;
    }
    // While values are read the next keys are asked for.
    int64_t next = first + count < run->length ? first + count : first;
    ck_spans()->weighted_values(count, d->kv_heads, tile->rows / d->kv_heads, d->value_size, values, run->value_stride, tile->scores,
                                KEY_BLOCK, bytes_between(run, values, run->keys + next * run->key_stride), tile->accumulated);
}

/// Attends to visible keys begin ..< end, counted over all runs.
static void attend(query_tile *tile, int64_t begin, int64_t end) {
    const ck_attention *d = tile->d;
    for (int64_t row = 0; row < tile->rows; row++) {
        tile->maxima[row] = -INFINITY;
        tile->sums[row] = 0;
    }
    memset(tile->accumulated, 0, (size_t)(tile->rows * d->value_size) * sizeof(float));
    for (int64_t index = 0; index < ck_key_run_count(d, tile->sequence) && end > 0; index++) {
        ck_key_run run = ck_key_run_at(d, tile->sequence, tile->kv_head, index);
        ck_interval visible =
            ck_visible_to_block(d, &run, tile->sequence, tile->first_query, tile->first_query + tile->query_count);
        int64_t length = visible.end > visible.begin ? visible.end - visible.begin : 0;
        int64_t last = visible.begin + (end < length ? end : length);
        for (int64_t first = visible.begin + (begin > 0 ? begin : 0); first < last; first += KEY_BLOCK) {
            int64_t count = last - first < KEY_BLOCK ? last - first : KEY_BLOCK;
            score(tile, &run, first, count);
            for (int64_t row = 0; row < tile->rows; row++) update_row(tile, &run, row, first, count);
            accumulate(tile, &run, first, count);
        }
        begin -= length;
        end -= length;
    }
}

/// Writes the result of a query and head.
static void finish_row(const forward_job *job, int64_t sequence, int64_t head, int64_t query, const float *accumulated, float maximum,
                       float sum) {
    const ck_attention *d = job->d;
    int64_t row = d->query_offsets[sequence] + query;
    ck_spans()->scale_shift(d->value_size, sum > 0 ? 1 / sum : 0, 0, accumulated,
                            job->output + row * job->output_stride + head * d->value_size);
    if (job->log_sums) job->log_sums[row * d->heads + head] = sum > 0 ? maximum + logf(sum) : -INFINITY;
}

/// A block of queries of one head.
static void run_block(query_tile *tile, const forward_job *job, int64_t index) {
    const ck_attention *d = job->d;
    int64_t queries = ck_query_count(d, tile->sequence), blocks = (queries + QUERY_BLOCK - 1) / QUERY_BLOCK;
    tile->first_head = index / blocks;
    tile->kv_head = tile->first_head / (d->heads / d->kv_heads);
    tile->first_query = index % blocks * QUERY_BLOCK;
    int64_t left = queries - tile->first_query;
    tile->rows = tile->query_count = left < QUERY_BLOCK ? left : QUERY_BLOCK;
    float *scratch = ck_scratch(CK_SCRATCH_ATTENTION, tile->rows * (KEY_BLOCK + d->value_size + 2));
    tile->scores = scratch;
    tile->accumulated = tile->scores + tile->rows * KEY_BLOCK;
    tile->maxima = tile->accumulated + tile->rows * d->value_size;
    tile->sums = tile->maxima + tile->rows;
    tile->queries = d->queries + (d->query_offsets[tile->sequence] + tile->first_query) * d->query_stride + tile->first_head * d->key_size;
    tile->query_stride = d->query_stride;
    attend(tile, 0, INT64_MAX);
    for (int64_t row = 0; row < tile->rows; row++) {
        finish_row(job, tile->sequence, tile->first_head, tile->first_query + row, tile->accumulated + row * d->value_size,
                   tile->maxima[row], tile->sums[row]);
    }
}

/// A part of a sequence's keys, for all heads.
static void run_part(query_tile *tile, const forward_job *job, int64_t index) {
    const ck_attention *d = job->d;
    const sequence_jobs *jobs = &job->sequences[tile->sequence];
    int64_t queries = ck_query_count(d, tile->sequence);
    tile->few = true;
    tile->query_count = queries;
    tile->rows = d->heads * queries;
    float *packed = ck_scratch(CK_SCRATCH_ATTENTION, tile->rows * (KEY_BLOCK + d->key_size));
    tile->accumulated = job->partials + jobs->first_partial + index * partial_floats(d, queries);
    tile->maxima = tile->accumulated + tile->rows * d->value_size;
    tile->sums = tile->maxima + tile->rows;
    const float *first = d->queries + d->query_offsets[tile->sequence] * d->query_stride;
    for (int64_t row = 0; row < tile->rows; row++) {
        memcpy(packed + row * d->key_size, first + row % queries * d->query_stride + row / queries * d->key_size,
               (size_t)d->key_size * sizeof(float));
    }
    tile->queries = packed;
    tile->query_stride = d->key_size;
    tile->scores = packed + tile->rows * d->key_size;
    attend(tile, index * jobs->part_keys, (index + 1) * jobs->part_keys);
}

/// Puts together what the parts of the keys gave for some sequences.
static void join_parts(int64_t begin, int64_t end, void *context) {
    const forward_job *job = context;
    const ck_attention *d = job->d;
    for (int64_t sequence = begin; sequence < end; sequence++) {
        const sequence_jobs *jobs = &job->sequences[sequence];
        int64_t queries = ck_query_count(d, sequence), rows = d->heads * queries, part = partial_floats(d, queries);
        for (int64_t row = 0; row < (jobs->few ? rows : 0); row++) {
            float *partial = job->partials + jobs->first_partial, *accumulated = partial + row * d->value_size;
            float maximum = -INFINITY, sum = 0;
            for (int64_t i = 0; i < jobs->jobs; i++) {
                float other = partial[i * part + rows * d->value_size + row];
                if (other > maximum) maximum = other;
            }
            for (int64_t i = 0; i < jobs->jobs; i++) {
                const float *from = partial + i * part;
                float largest = from[rows * d->value_size + row], factor = largest == -INFINITY ? 0 : expf(largest - maximum);
                sum += factor * from[rows * (d->value_size + 1) + row];
                if (i == 0) ck_spans()->scale_shift(d->value_size, factor, 0, accumulated, accumulated);
                else ck_spans()->add_scaled(d->value_size, accumulated, factor, from + row * d->value_size, accumulated);
            }
            finish_row(job, sequence, row / queries, row % queries, accumulated, maximum, sum);
        }
    }
}

/// The sequence that owns a job: the last one whose first job is not after it.
static int64_t sequence_of_job(const forward_job *job, int64_t index) {
    int64_t low = 0, high = job->d->sequences;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (job->sequences[middle].first_job <= index) low = middle;
        else high = middle;
    }
    return low;
}

static void run_job(int64_t index, void *context) {
    const forward_job *job = context;
    query_tile tile = {.d = job->d, .sequence = sequence_of_job(job, index)};
    const sequence_jobs *jobs = &job->sequences[tile.sequence];
    (jobs->few ? run_part : run_block)(&tile, job, index - jobs->first_job);
}

bool ck_attention_forward(const ck_attention *description, float *output, int64_t output_stride, float *log_sums) {
    const ck_attention *d = description;
    if (!ck_attention_is_consistent(d)) return false;
    if (d->query_offsets[d->sequences] == d->query_offsets[0]) return true;
    if (!output || output_stride < d->heads * d->value_size) return false;
    int64_t floats = d->sequences * (int64_t)(sizeof(sequence_jobs) / sizeof(float)), count = 0, parts = 0, partials = 0;
    sequence_jobs *sequences = (sequence_jobs *)(void *)ck_scratch(CK_SCRATCH_ATTENTION_SHARED, floats);
    double work = 0;
    for (int64_t s = 0; s < d->sequences; s++) {
        sequences[s] = jobs_of(d, s, count, partials);
        int64_t queries = ck_query_count(d, s), keys = 0;
        count += sequences[s].jobs;
        if (sequences[s].few) {
            parts += sequences[s].jobs;
            partials += sequences[s].jobs * partial_floats(d, queries);
        }
        for (int64_t index = 0; index < ck_key_run_count(d, s); index++) keys += ck_key_run_at(d, s, 0, index).length;
        work += (double)queries * (double)keys * (double)(d->heads * (d->key_size + d->value_size));
    }
    forward_job job = {d, output, output_stride, log_sums, sequences, ck_scratch(CK_SCRATCH_ATTENTION_PARTS, partials)};
    if (work < 100e3) {
        for (int64_t index = 0; index < count; index++) run_job(index, &job);
    } else {
        ck_parallel(count, run_job, &job);
    }
    if (parts > 0) {
        double each = (double)parts / (double)d->sequences * (double)d->heads * (10 + 0.1 * (double)d->value_size);
        ck_parallel_rows(d->sequences, each, join_parts, &job);
    }
    return true;
}
