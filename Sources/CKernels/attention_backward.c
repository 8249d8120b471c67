// Gradients of attention by tiles, with the scores computed again from the log-sums (Dao et al. 2022, arXiv:2205.14135, algorithm 4).
// One job owns a sequence's key/value head, and with it every row of dk and dv that it adds to: no two threads meet.
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "attention_keys.h"
#include "include/ck_parallel.h"
#include "scratch.h"
#include "spans.h"

enum { QUERY_BLOCK = 64, KEY_BLOCK = 128 };

typedef struct {
    const ck_attention *d;
    const float *output;
    int64_t output_stride;
    const float *log_sums;
    const float *dy;
    int64_t dy_stride;
    const ck_attention_gradients *gradients;
    float *parameter_partials;  // sequences × kv_heads × parameter_count · (key_size + value_size)
} backward_job;

/// Where the gradients of a run's keys and values go; NULL: nowhere.
typedef struct {
    float *keys, *values;
    int64_t key_stride, value_stride;
} run_gradients;

typedef struct {
    const backward_job *job;
    int64_t sequence, head, kv_head;
    int64_t first_query, rows;
    float *scores, *capped, *slopes, *deltas;
} gradient_tile;

static float *parameter_partial(const backward_job *job, int64_t sequence, int64_t kv_head) {
    const ck_attention *d = job->d;
    return job->parameter_partials + (sequence * d->kv_heads + kv_head) * d->parameter_count * (d->key_size + d->value_size);
}

static run_gradients destination(const backward_job *job, const ck_key_run *run, int64_t sequence, int64_t kv_head) {
    const ck_attention *d = job->d;
    const ck_attention_gradients *g = job->gradients;
    run_gradients target = {0};
    if (run->kind == CK_RUN_PARAMETER && job->parameter_partials && run->length > 0) {
        float *partial = parameter_partial(job, sequence, kv_head);
        if (g->parameter_keys) target.keys = partial;
        if (g->parameter_values) target.values = partial + d->parameter_count * d->key_size;
        target.key_stride = d->key_size;
        target.value_stride = d->value_size;
    } else if (run->kind == CK_RUN_LIVE) {
        int64_t row = ck_first_live_key(d, sequence);
        if (g->keys) target.keys = g->keys + row * g->key_stride + kv_head * d->key_size;
        if (g->values) target.values = g->values + row * g->value_stride + kv_head * d->value_size;
        target.key_stride = g->key_stride;
        target.value_stride = g->value_stride;
    }
    return target;
}

static void clear(float *x, int64_t rows, int64_t stride, int64_t cols) {
    for (int64_t r = 0; x && r < rows; r++) memset(x + r * stride, 0, (size_t)cols * sizeof(float));
}

/// Replaces a row of scores by probabilities and a row of dy·valueᵀ by the gradient of the raw scores.
static void differentiate_row(const gradient_tile *tile, const ck_key_run *run, int64_t row, int64_t first, int64_t count) {
    const ck_attention *d = tile->job->d;
    int64_t query = d->query_offsets[tile->sequence] + tile->first_query + row;
    int64_t position = ck_query_position(d, tile->sequence, tile->first_query + row);
    ck_interval visible = ck_visible_keys(d, run, position);
    int64_t begin = visible.begin > first ? visible.begin - first : 0;
    int64_t end = visible.end - first < count ? visible.end - first : count;
    float *scores = tile->scores + row * KEY_BLOCK, *slopes = tile->slopes + row * KEY_BLOCK;
    float log_sum = tile->job->log_sums[query * d->heads + tile->head];
    if (begin >= end || log_sum == -INFINITY) begin = end = count;
    memset(scores, 0, (size_t)begin * sizeof(float));
    memset(slopes, 0, (size_t)begin * sizeof(float));
    if (begin == count) return;
    float *capped = NULL;
    if (d->soft_cap > 0) {
        ck_spans()->soft_cap(end - begin, d->soft_cap, scores + begin);
        capped = tile->capped;
        memcpy(capped, scores + begin, (size_t)(end - begin) * sizeof(float));
    }
    ck_add_bias(d, run, tile->head, position, first + begin, end - begin, scores + begin);
    ck_spans()->attention_gradient(end - begin, scores + begin, slopes + begin,
                                   log_sum, tile->deltas[row], d->scale, capped, d->soft_cap, scores + begin,
                                   slopes + begin);
    memset(scores + end, 0, (size_t)(count - end) * sizeof(float));
    memset(slopes + end, 0, (size_t)(count - end) * sizeof(float));
}

static void multiply(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a,
                     int64_t a_stride, const float *b, int64_t b_stride, float beta, float *c, int64_t c_stride) {
    cblas_sgemm(CblasRowMajor, transpose_a ? CblasTrans : CblasNoTrans, transpose_b ? CblasTrans : CblasNoTrans, (int)m, (int)n,
                (int)k, alpha, a, (int)a_stride, b, (int)b_stride, beta, c, (int)c_stride);
}

static void differentiate_block(const gradient_tile *tile, const ck_key_run *run, const run_gradients *target, int64_t first,
                                int64_t count) {
    const backward_job *job = tile->job;
    const ck_attention *d = job->d;
    int64_t query = d->query_offsets[tile->sequence] + tile->first_query, rows = tile->rows;
    const float *queries = d->queries + query * d->query_stride + tile->head * d->key_size;
    const float *dy = job->dy + query * job->dy_stride + tile->head * d->value_size;
    const float *keys = run->keys + first * run->key_stride, *values = run->values + first * run->value_stride;
    multiply(false, true, rows, count, d->key_size, d->scale, queries, d->query_stride, keys, run->key_stride, 0, tile->scores,
             KEY_BLOCK);
    multiply(false, true, rows, count, d->value_size, 1, dy, job->dy_stride, values, run->value_stride, 0, tile->slopes,
             KEY_BLOCK);
    for (int64_t row = 0; row < rows; row++) differentiate_row(tile, run, row, first, count);
    if (target->values) {
        multiply(true, false, count, d->value_size, rows, 1, tile->scores, KEY_BLOCK, dy, job->dy_stride, 1,
                 target->values + first * target->value_stride, target->value_stride);
    }
    if (target->keys) {
        multiply(true, false, count, d->key_size, rows, 1, tile->slopes, KEY_BLOCK, queries, d->query_stride, 1,
                 target->keys + first * target->key_stride, target->key_stride);
    }
    const ck_attention_gradients *g = job->gradients;
    if (g->queries) {
        multiply(false, false, rows, d->key_size, count, 1, tile->slopes, KEY_BLOCK, keys, run->key_stride, 1,
                 g->queries + query * g->query_stride + tile->head * d->key_size, g->query_stride);
    }
}

static void run_tile(gradient_tile *tile) {
    const backward_job *job = tile->job;
    const ck_attention *d = job->d;
    int64_t query = d->query_offsets[tile->sequence] + tile->first_query;
    for (int64_t row = 0; row < tile->rows; row++) {
        tile->deltas[row] = ck_spans()->dot(d->value_size,
                                            job->output + (query + row) * job->output_stride + tile->head * d->value_size,
                                            job->dy + (query + row) * job->dy_stride + tile->head * d->value_size);
    }
    for (int64_t index = 0; index < ck_key_run_count(d, tile->sequence); index++) {
        ck_key_run run = ck_key_run_at(d, tile->sequence, tile->kv_head, index);
        run_gradients target = destination(job, &run, tile->sequence, tile->kv_head);
        if (!target.keys && !target.values && !job->gradients->queries) continue;
        ck_interval visible =
            ck_visible_to_block(d, &run, tile->sequence, tile->first_query, tile->first_query + tile->rows);
        for (int64_t first = visible.begin; first < visible.end; first += KEY_BLOCK) {
            int64_t count = visible.end - first < KEY_BLOCK ? visible.end - first : KEY_BLOCK;
            differentiate_block(tile, &run, &target, first, count);
        }
    }
}

static void run_job(int64_t index, void *context) {
    const backward_job *job = context;
    const ck_attention *d = job->d;
    const ck_attention_gradients *g = job->gradients;
    int64_t group = d->heads / d->kv_heads;
    gradient_tile tile = {.job = job, .sequence = index / d->kv_heads, .kv_head = index % d->kv_heads};
    int64_t queries = ck_query_count(d, tile.sequence), live_keys = ck_live_key_count(d, tile.sequence);
    int64_t key_row = ck_first_live_key(d, tile.sequence), query_row = d->query_offsets[tile.sequence];
    if (g->keys) clear(g->keys + key_row * g->key_stride + tile.kv_head * d->key_size, live_keys, g->key_stride, d->key_size);
    if (g->values) {
        clear(g->values + key_row * g->value_stride + tile.kv_head * d->value_size, live_keys, g->value_stride, d->value_size);
    }
    if (g->queries) {
        clear(g->queries + query_row * g->query_stride + tile.kv_head * group * d->key_size, queries, g->query_stride,
              group * d->key_size);
    }
    if (job->parameter_partials) {
        int64_t width = d->key_size + d->value_size;
        clear(parameter_partial(job, tile.sequence, tile.kv_head), d->parameter_count, width, width);
    }
    float *scratch = ck_scratch(CK_SCRATCH_ATTENTION, 2 * QUERY_BLOCK * KEY_BLOCK + QUERY_BLOCK + KEY_BLOCK);
    tile.scores = scratch;
    tile.slopes = tile.scores + QUERY_BLOCK * KEY_BLOCK;
    tile.capped = tile.slopes + QUERY_BLOCK * KEY_BLOCK;
    tile.deltas = tile.capped + KEY_BLOCK;
    for (int64_t h = 0; h < group; h++) {
        tile.head = tile.kv_head * group + h;
        for (tile.first_query = 0; tile.first_query < queries; tile.first_query += QUERY_BLOCK) {
            int64_t left = queries - tile.first_query;
            tile.rows = left < QUERY_BLOCK ? left : QUERY_BLOCK;
            run_tile(&tile);
        }
    }
}

/// Adds the sequences' shares of the parameter gradients of one key/value head, in order.
static void gather_parameters(int64_t kv_head, void *context) {
    const backward_job *job = context;
    const ck_attention *d = job->d;
    const ck_attention_gradients *g = job->gradients;
    for (int64_t row = 0; row < d->parameter_count; row++) {
        float *keys = g->parameter_keys ? g->parameter_keys + row * g->parameter_key_stride + kv_head * d->key_size : NULL;
        float *values =
            g->parameter_values ? g->parameter_values + row * g->parameter_value_stride + kv_head * d->value_size : NULL;
        clear(keys, 1, 0, d->key_size);
        clear(values, 1, 0, d->value_size);
        for (int64_t s = 0; s < d->sequences; s++) {
            const float *partial = parameter_partial(job, s, kv_head);
            const float *partial_values = partial + d->parameter_count * d->key_size;
            if (keys) ck_spans()->add_scaled(d->key_size, keys, 1, partial + row * d->key_size, keys);
            if (values) ck_spans()->add_scaled(d->value_size, values, 1, partial_values + row * d->value_size, values);
        }
    }
}

bool ck_attention_backward(const ck_attention *description, const float *output, int64_t output_stride, const float *log_sums,
                           const float *output_gradient, int64_t output_gradient_stride,
                           const ck_attention_gradients *gradients) {
    const ck_attention *d = description;
    if (!ck_attention_is_consistent(d) || !gradients) return false;
    const ck_attention_gradients *g = gradients;
    int64_t queries = d->query_offsets[d->sequences] - d->query_offsets[0], width = d->heads * d->value_size;
    if (queries > 0 && (!output || !log_sums || !output_gradient || output_stride < width || output_gradient_stride < width)) {
        return false;
    }
    if ((g->queries && g->query_stride < d->heads * d->key_size) || (g->keys && g->key_stride < d->kv_heads * d->key_size) ||
        (g->values && g->value_stride < d->kv_heads * d->value_size) ||
        (g->parameter_keys && g->parameter_key_stride < d->kv_heads * d->key_size) ||
        (g->parameter_values && g->parameter_value_stride < d->kv_heads * d->value_size)) {
        return false;
    }
    backward_job job = {d, output, output_stride, log_sums, output_gradient, output_gradient_stride, g, NULL};
    bool parameters = d->parameter_count > 0 && (g->parameter_keys || g->parameter_values);
    if (parameters) {
        job.parameter_partials = ck_scratch(CK_SCRATCH_ATTENTION_SHARED, d->sequences * d->kv_heads * d->parameter_count *
                                                                             (d->key_size + d->value_size));
    }
    ck_parallel(d->sequences * d->kv_heads, run_job, &job);
    if (parameters) ck_parallel(d->kv_heads, gather_parameters, &job);
    return true;
}
