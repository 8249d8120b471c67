#include "attention_keys.h"

static bool is_ascending(const int64_t *offsets, int64_t count) {
    if (!offsets || offsets[0] < 0) return false;
    for (int64_t i = 0; i < count; i++) {
        if (offsets[i + 1] < offsets[i]) return false;
    }
    return true;
}

static bool is_matrix(const float *x, int64_t rows, int64_t stride, int64_t cols) { return rows == 0 || (x && stride >= cols); }

bool ck_attention_is_consistent(const ck_attention *d) {
    if (!d || d->sequences < 0 || d->heads < 1 || d->kv_heads < 1 || d->heads % d->kv_heads != 0) return false;
    if (d->key_size < 1 || d->value_size < 1 || d->window < 0 || d->parameter_count < 0) return false;
    if (!is_ascending(d->query_offsets, d->sequences)) return false;
    if (d->key_offsets && !is_ascending(d->key_offsets, d->sequences)) return false;
    if (!is_matrix(d->queries, d->query_offsets[d->sequences], d->query_stride, d->heads * d->key_size)) return false;
    int64_t key_width = d->kv_heads * d->key_size, value_width = d->kv_heads * d->value_size;
    if ((d->keys != NULL) != (d->values != NULL)) return false;
    if (d->keys && (d->key_stride < key_width || d->value_stride < value_width)) return false;
    if (!is_matrix(d->parameter_keys, d->parameter_count, d->parameter_key_stride, key_width)) return false;
    if (!is_matrix(d->parameter_values, d->parameter_count, d->parameter_value_stride, value_width)) return false;
    if (d->bias && d->bias_span < 1) return false;
    if (!d->segments) return true;
    if (!is_ascending(d->segment_offsets, d->sequences)) return false;
    for (int64_t i = d->segment_offsets[0]; i < d->segment_offsets[d->sequences]; i++) {
        const ck_attention_segment *segment = &d->segments[i];
        if (segment->length < 0 || !is_matrix(segment->keys, segment->length, segment->key_stride, key_width) ||
            !is_matrix(segment->values, segment->length, segment->value_stride, value_width)) {
            return false;
        }
    }
    return true;
}

int64_t ck_query_count(const ck_attention *d, int64_t sequence) {
    return d->query_offsets[sequence + 1] - d->query_offsets[sequence];
}

static const int64_t *live_offsets(const ck_attention *d) { return d->key_offsets ? d->key_offsets : d->query_offsets; }

int64_t ck_live_key_count(const ck_attention *d, int64_t sequence) {
    return d->keys ? live_offsets(d)[sequence + 1] - live_offsets(d)[sequence] : 0;
}

int64_t ck_first_live_key(const ck_attention *d, int64_t sequence) { return live_offsets(d)[sequence]; }

static int64_t segment_count(const ck_attention *d, int64_t sequence) {
    return d->segments ? d->segment_offsets[sequence + 1] - d->segment_offsets[sequence] : 0;
}

int64_t ck_key_run_count(const ck_attention *d, int64_t sequence) { return 2 + segment_count(d, sequence); }

ck_key_run ck_key_run_at(const ck_attention *d, int64_t sequence, int64_t kv_head, int64_t index) {
    int64_t key_offset = kv_head * d->key_size, value_offset = kv_head * d->value_size;
    if (index == 0) {
        ck_key_run run = {.kind = CK_RUN_PARAMETER, .length = d->parameter_count, .key_stride = d->parameter_key_stride,
                          .value_stride = d->parameter_value_stride};
        if (run.length > 0) {
            run.keys = d->parameter_keys + key_offset;
            run.values = d->parameter_values + value_offset;
        }
        return run;
    }
    if (index <= segment_count(d, sequence)) {
        const ck_attention_segment *segment = &d->segments[d->segment_offsets[sequence] + index - 1];
        ck_key_run run = {.kind = CK_RUN_STORED, .length = segment->length, .key_stride = segment->key_stride,
                          .value_stride = segment->value_stride, .first_position = segment->first_position};
        if (run.length > 0) {
            run.keys = segment->keys + key_offset;
            run.values = segment->values + value_offset;
        }
        return run;
    }
    ck_key_run run = {.kind = CK_RUN_LIVE, .length = ck_live_key_count(d, sequence), .key_stride = d->key_stride,
                      .value_stride = d->value_stride,
                      .first_position = d->first_positions ? d->first_positions[sequence] : 0};
    if (run.length > 0) {
        int64_t row = ck_first_live_key(d, sequence);
        run.keys = d->keys + row * d->key_stride + key_offset;
        run.values = d->values + row * d->value_stride + value_offset;
    }
    return run;
}

int64_t ck_query_position(const ck_attention *d, int64_t sequence, int64_t row) {
    if (d->query_positions) return d->query_positions[d->query_offsets[sequence] + row];
    return (d->first_positions ? d->first_positions[sequence] : 0) + row;
}

ck_interval ck_visible_keys(const ck_attention *d, const ck_key_run *run, int64_t position) {
    ck_interval visible = {0, run->length};
    if (run->kind == CK_RUN_PARAMETER) return visible;
    int64_t relative = position - run->first_position;
    if (d->window > 0 && relative - d->window + 1 > visible.begin) visible.begin = relative - d->window + 1;
    if (d->causal && relative + 1 < visible.end) visible.end = relative + 1;
    if (!d->causal && d->window > 0 && relative + d->window < visible.end) visible.end = relative + d->window;
    if (visible.end < visible.begin) visible.end = visible.begin;
    return visible;
}

ck_interval ck_visible_to_block(const ck_attention *d, const ck_key_run *run, int64_t sequence, int64_t begin, int64_t end) {
    ck_interval visible = {run->length, 0};
    for (int64_t row = begin; row < end; row++) {
        ck_interval one = ck_visible_keys(d, run, ck_query_position(d, sequence, row));
        if (one.begin >= one.end) continue;
        if (one.begin < visible.begin) visible.begin = one.begin;
        if (one.end > visible.end) visible.end = one.end;
    }
    return visible;
}

void ck_add_bias(const ck_attention *d, const ck_key_run *run, int64_t head, int64_t position, int64_t first, int64_t count,
                 float *scores) {
    if (!d->bias || run->kind == CK_RUN_PARAMETER) return;
    int64_t width = 2 * d->bias_span - 1;
    const float *table = d->bias + head * width;
    int64_t column = run->first_position + first - position + d->bias_span - 1;
    for (int64_t j = 0; j < count; j++) {
        int64_t at = column + j;
        scores[j] += table[at < 0 ? 0 : at >= width ? width - 1 : at];
    }
}
