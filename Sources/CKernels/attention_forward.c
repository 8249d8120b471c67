// Attention by tiles of queries × keys with a running maximum and sum (Dao et al. 2022, arXiv:2205.14135, algorithm 1).
// A sequence with many queries is cut into blocks of one head; one with few queries (decoding) takes all heads of a key/value group
// together, so that each stored key and value is read once.
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "attention_keys.h"
#include "include/ck_parallel.h"
#include "scratch.h"
#include "spans.h"

enum { QUERY_BLOCK = 64, KEY_BLOCK = 128, FEW_QUERIES = 4 };

typedef struct {
    const ck_attention *d;
    float *output;
    int64_t output_stride;
    float *log_sums;
    const int64_t *first_jobs;  // sequences + 1
} forward_job;

/// The queries of one job: `count` rows of scores; row i is query row queries[…] of head heads[…].
typedef struct {
    const ck_attention *d;
    int64_t sequence, kv_head;
    int64_t first_query, query_count;  // within the sequence
    int64_t first_head, head_count;
    bool few;
    int64_t rows;  // head_count · query_count, heads outermost
    const float *queries;
    int64_t query_stride;
    float *scores, *accumulated, *maxima, *sums;
} query_tile;

static int64_t job_count(const ck_attention *d, int64_t sequence) {
    int64_t queries = ck_query_count(d, sequence);
    if (queries == 0) return 0;
    return queries <= FEW_QUERIES ? d->kv_heads : d->heads * ((queries + QUERY_BLOCK - 1) / QUERY_BLOCK);
}

static void score(const query_tile *tile, const ck_key_run *run, int64_t first, int64_t count) {
    const ck_attention *d = tile->d;
    const float *keys = run->keys + first * run->key_stride;
    if (tile->few) {
        ck_spans()->dots(CK_STORAGE_F32, count, keys, run->key_stride, tile->rows, tile->queries, tile->query_stride,
                         d->key_size, d->scale, false, tile->scores, 1, KEY_BLOCK);
    } else {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)tile->rows, (int)count, (int)d->key_size, d->scale,
                    tile->queries, (int)tile->query_stride, keys, (int)run->key_stride, 0, tile->scores, KEY_BLOCK);
    }
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
    if (tile->few) {
        ck_spans()->row_combinations(CK_STORAGE_F32, tile->rows, d->value_size, count, 1, tile->scores, KEY_BLOCK, 1, values,
                                     run->value_stride, tile->accumulated, d->value_size);
    } else {
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)tile->rows, (int)d->value_size, (int)count, 1,
                    tile->scores, KEY_BLOCK, values, (int)run->value_stride, 1, tile->accumulated, (int)d->value_size);
    }
}

static void run_tile(query_tile *tile, const forward_job *job) {
    const ck_attention *d = tile->d;
    for (int64_t row = 0; row < tile->rows; row++) {
        tile->maxima[row] = -INFINITY;
        tile->sums[row] = 0;
    }
    memset(tile->accumulated, 0, (size_t)(tile->rows * d->value_size) * sizeof(float));
    for (int64_t index = 0; index < ck_key_run_count(d, tile->sequence); index++) {
        ck_key_run run = ck_key_run_at(d, tile->sequence, tile->kv_head, index);
        ck_interval visible =
            ck_visible_to_block(d, &run, tile->sequence, tile->first_query, tile->first_query + tile->query_count);
        for (int64_t first = visible.begin; first < visible.end; first += KEY_BLOCK) {
            int64_t count = visible.end - first < KEY_BLOCK ? visible.end - first : KEY_BLOCK;
            score(tile, &run, first, count);
            for (int64_t row = 0; row < tile->rows; row++) update_row(tile, &run, row, first, count);
            accumulate(tile, &run, first, count);
        }
    }
    for (int64_t row = 0; row < tile->rows; row++) {
        int64_t head = tile->first_head + row / tile->query_count;
        int64_t query = d->query_offsets[tile->sequence] + tile->first_query + row % tile->query_count;
        float sum = tile->sums[row];
        ck_spans()->scale_shift(d->value_size, sum > 0 ? 1 / sum : 0, 0, tile->accumulated + row * d->value_size,
                                job->output + query * job->output_stride + head * d->value_size);
        if (job->log_sums) job->log_sums[query * d->heads + head] = sum > 0 ? tile->maxima[row] + logf(sum) : -INFINITY;
    }
}

/// The sequence that owns a job: the last one whose first job is not after it.
static int64_t sequence_of_job(const forward_job *job, int64_t index) {
    int64_t low = 0, high = job->d->sequences;
    while (high - low > 1) {
        int64_t middle = (low + high) / 2;
        if (job->first_jobs[middle] <= index) low = middle;
        else high = middle;
    }
    return low;
}

static void run_job(int64_t index, void *context) {
    const forward_job *job = context;
    const ck_attention *d = job->d;
    int64_t group = d->heads / d->kv_heads;
    query_tile tile = {.d = d, .sequence = sequence_of_job(job, index)};
    int64_t queries = ck_query_count(d, tile.sequence), local = index - job->first_jobs[tile.sequence];
    tile.few = queries <= FEW_QUERIES;
    if (tile.few) {
        tile.kv_head = local;
        tile.first_head = local * group;
        tile.head_count = group;
        tile.query_count = queries;
    } else {
        int64_t blocks = (queries + QUERY_BLOCK - 1) / QUERY_BLOCK;
        tile.first_head = local / blocks;
        tile.kv_head = tile.first_head / group;
        tile.head_count = 1;
        tile.first_query = local % blocks * QUERY_BLOCK;
        int64_t left = queries - tile.first_query;
        tile.query_count = left < QUERY_BLOCK ? left : QUERY_BLOCK;
    }
    tile.rows = tile.head_count * tile.query_count;
    float *scratch = ck_scratch(CK_SCRATCH_ATTENTION, tile.rows * (KEY_BLOCK + d->value_size + d->key_size + 2));
    tile.scores = scratch;
    tile.accumulated = tile.scores + tile.rows * KEY_BLOCK;
    tile.maxima = tile.accumulated + tile.rows * d->value_size;
    tile.sums = tile.maxima + tile.rows;
    const float *first = d->queries + (d->query_offsets[tile.sequence] + tile.first_query) * d->query_stride;
    if (tile.few) {
        float *packed = tile.sums + tile.rows;
        for (int64_t row = 0; row < tile.rows; row++) {
            memcpy(packed + row * d->key_size,
                   first + row % queries * d->query_stride + (tile.first_head + row / queries) * d->key_size,
                   (size_t)d->key_size * sizeof(float));
        }
        tile.queries = packed;
        tile.query_stride = d->key_size;
    } else {
        tile.queries = first + tile.first_head * d->key_size;
        tile.query_stride = d->query_stride;
    }
    run_tile(&tile, job);
}

bool ck_attention_forward(const ck_attention *description, float *output, int64_t output_stride, float *log_sums) {
    const ck_attention *d = description;
    if (!ck_attention_is_consistent(d)) return false;
    if (d->query_offsets[d->sequences] == d->query_offsets[0]) return true;
    if (!output || output_stride < d->heads * d->value_size) return false;
    int64_t *first_jobs = (int64_t *)(void *)ck_scratch(CK_SCRATCH_ATTENTION_SHARED, 2 * (d->sequences + 1));
    double work = 0;
    first_jobs[0] = 0;
    for (int64_t s = 0; s < d->sequences; s++) {
        first_jobs[s + 1] = first_jobs[s] + job_count(d, s);
        int64_t keys = 0;
        for (int64_t index = 0; index < ck_key_run_count(d, s); index++) keys += ck_key_run_at(d, s, 0, index).length;
        work += (double)ck_query_count(d, s) * (double)keys * (double)(d->heads * (d->key_size + d->value_size));
    }
    forward_job job = {d, output, output_stride, log_sums, first_jobs};
    if (work < 100e3) {
        for (int64_t index = 0; index < first_jobs[d->sequences]; index++) run_job(index, &job);
    } else {
        ck_parallel(first_jobs[d->sequences], run_job, &job);
    }
    return true;
}
