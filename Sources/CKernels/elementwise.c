// Elementwise jobs are cut into tiles of at most 4096 columns of one row; rows without gaps are one long row.
#include "include/ck_elementwise.h"

#include "parallel.h"
#include "spans.h"

enum { TILE_COLUMNS = 4096 };

typedef struct elementwise_job {
    void (*run)(const struct elementwise_job *job, int64_t n, const float *const *inputs, float *const *outputs);
    ck_unary_kind unary;
    ck_binary_kind binary;
    float scale, shift;
    int64_t rows, cols, blocks;
    const float *inputs[3];
    int64_t input_rows[3], input_columns[3];  // strides
    float *outputs[2];
    int64_t output_rows[2];
} elementwise_job;

static void run_tiles(int64_t begin, int64_t end, void *context) {
    const elementwise_job *job = context;
    for (int64_t tile = begin; tile < end; tile++) {
        int64_t row = tile / job->blocks, column = tile % job->blocks * TILE_COLUMNS;
        int64_t n = job->cols - column < TILE_COLUMNS ? job->cols - column : TILE_COLUMNS;
        const float *inputs[3];
        float *outputs[2];
        for (int i = 0; i < 3; i++) {
            const float *base = job->inputs[i];
            inputs[i] = base ? base + row * job->input_rows[i] + column * job->input_columns[i] : NULL;
        }
        for (int i = 0; i < 2; i++) {
            outputs[i] = job->outputs[i] ? job->outputs[i] + row * job->output_rows[i] + column : NULL;
        }
        job->run(job, n, inputs, outputs);
    }
}

/// Whether row r + 1 follows row r without a gap in every operand (a scalar always does).
static bool is_dense(const elementwise_job *job) {
    for (int i = 0; i < 3; i++) {
        if (job->inputs[i] && job->input_rows[i] != job->cols * job->input_columns[i]) return false;
    }
    for (int i = 0; i < 2; i++) {
        if (job->outputs[i] && job->output_rows[i] != job->cols) return false;
    }
    return true;
}

static void start(elementwise_job *job, double nanoseconds_per_element) {
    if (job->rows <= 0 || job->cols <= 0) return;
    for (int i = 0; i < 3; i++) {
        if (job->inputs[i] && job->input_columns[i] != 0 && job->input_columns[i] != 1) return;
    }
    if (is_dense(job)) {
        job->cols *= job->rows;
        job->rows = 1;
    }
    job->blocks = (job->cols + TILE_COLUMNS - 1) / TILE_COLUMNS;
    double columns = job->cols < TILE_COLUMNS ? (double)job->cols : TILE_COLUMNS;
    ck_parallel_rows(job->rows * job->blocks, 5 + columns * nanoseconds_per_element, run_tiles, job);
}

static double unary_cost(ck_unary_kind kind) {
    switch (kind) {
    case CK_UNARY_IDENTITY:
    case CK_UNARY_NEG:
    case CK_UNARY_RELU:
    case CK_UNARY_SQUARE:
    case CK_UNARY_ABS:
    case CK_UNARY_SQRT:
    case CK_UNARY_RSQRT:
    case CK_UNARY_RECIPROCAL: return 0.3;
    case CK_UNARY_SIN:
    case CK_UNARY_COS: return 8;
    default: return 1;
    }
}

static void run_unary(const elementwise_job *job, int64_t n, const float *const *inputs, float *const *outputs) {
    ck_spans()->unary(job->unary, n, inputs[0], outputs[0]);
}

void ck_unary(ck_unary_kind kind, int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, int64_t y_stride) {
    elementwise_job job = {.run = run_unary, .unary = kind, .rows = rows, .cols = cols,
                           .inputs = {x}, .input_rows = {x_stride}, .input_columns = {1},
                           .outputs = {y}, .output_rows = {y_stride}};
    start(&job, unary_cost(kind));
}

static void run_unary_gradient(const elementwise_job *job, int64_t n, const float *const *inputs, float *const *outputs) {
    ck_spans()->unary_gradient(job->unary, n, inputs[0], inputs[1], outputs[0]);
}

void ck_unary_gradient(ck_unary_kind kind, int64_t rows, int64_t cols, const float *x, int64_t x_stride, const float *dy,
                       int64_t dy_stride, float *dx, int64_t dx_stride) {
    elementwise_job job = {.run = run_unary_gradient, .unary = kind, .rows = rows, .cols = cols,
                           .inputs = {x, dy}, .input_rows = {x_stride, dy_stride}, .input_columns = {1, 1},
                           .outputs = {dx}, .output_rows = {dx_stride}};
    start(&job, 0.2 + unary_cost(kind));
}

static void run_binary(const elementwise_job *job, int64_t n, const float *const *inputs, float *const *outputs) {
    ck_spans()->binary(job->binary, n, inputs[0], job->input_columns[0], inputs[1], job->input_columns[1], outputs[0]);
}

void ck_binary(ck_binary_kind kind, int64_t rows, int64_t cols, const float *a, int64_t a_row_stride, int64_t a_col_stride,
               const float *b, int64_t b_row_stride, int64_t b_col_stride, float *y, int64_t y_stride) {
    elementwise_job job = {.run = run_binary, .binary = kind, .rows = rows, .cols = cols,
                           .inputs = {a, b}, .input_rows = {a_row_stride, b_row_stride},
                           .input_columns = {a_col_stride, b_col_stride},
                           .outputs = {y}, .output_rows = {y_stride}};
    start(&job, 0.4);
}

static void run_scale_shift(const elementwise_job *job, int64_t n, const float *const *inputs, float *const *outputs) {
    ck_spans()->scale_shift(n, job->scale, job->shift, inputs[0], outputs[0]);
}

void ck_scale_shift(int64_t rows, int64_t cols, float scale, float shift, const float *x, int64_t x_stride, float *y,
                    int64_t y_stride) {
    elementwise_job job = {.run = run_scale_shift, .scale = scale, .shift = shift, .rows = rows, .cols = cols,
                           .inputs = {x}, .input_rows = {x_stride}, .input_columns = {1},
                           .outputs = {y}, .output_rows = {y_stride}};
    start(&job, 0.3);
}

static void run_add_scaled(const elementwise_job *job, int64_t n, const float *const *inputs, float *const *outputs) {
    ck_spans()->add_scaled(n, inputs[0], job->scale, inputs[1], outputs[0]);
}

void ck_add_scaled(int64_t rows, int64_t cols, const float *a, int64_t a_stride, float scale, const float *b, int64_t b_stride,
                   float *y, int64_t y_stride) {
    elementwise_job job = {.run = run_add_scaled, .scale = scale, .rows = rows, .cols = cols,
                           .inputs = {a, b}, .input_rows = {a_stride, b_stride}, .input_columns = {1, 1},
                           .outputs = {y}, .output_rows = {y_stride}};
    start(&job, 0.4);
}

static void run_gated(const elementwise_job *job, int64_t n, const float *const *inputs, float *const *outputs) {
    ck_spans()->gated(job->unary, n, inputs[0], inputs[1], outputs[0]);
}

void ck_gated(ck_unary_kind kind, int64_t rows, int64_t cols, const float *gate, int64_t gate_stride, const float *up,
              int64_t up_stride, float *y, int64_t y_stride) {
    elementwise_job job = {.run = run_gated, .unary = kind, .rows = rows, .cols = cols,
                           .inputs = {gate, up}, .input_rows = {gate_stride, up_stride}, .input_columns = {1, 1},
                           .outputs = {y}, .output_rows = {y_stride}};
    start(&job, 0.3 + unary_cost(kind));
}

static void run_gated_gradient(const elementwise_job *job, int64_t n, const float *const *inputs, float *const *outputs) {
    ck_spans()->gated_gradient(job->unary, n, inputs[0], inputs[1], inputs[2], outputs[0], outputs[1]);
}

void ck_gated_gradient(ck_unary_kind kind, int64_t rows, int64_t cols, const float *gate, int64_t gate_stride, const float *up,
                       int64_t up_stride, const float *dy, int64_t dy_stride, float *dgate, int64_t dgate_stride, float *dup,
                       int64_t dup_stride) {
    elementwise_job job = {.run = run_gated_gradient, .unary = kind, .rows = rows, .cols = cols,
                           .inputs = {gate, up, dy}, .input_rows = {gate_stride, up_stride, dy_stride},
                           .input_columns = {1, 1, 1},
                           .outputs = {dgate, dup}, .output_rows = {dgate_stride, dup_stride}};
    start(&job, 0.6 + 2 * unary_cost(kind));
}
