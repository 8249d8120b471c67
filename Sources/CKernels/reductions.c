#include "include/ck_reductions.h"

#include <string.h>

#include "parallel.h"
#include "reductions.h"
#include "scratch.h"
#include "spans.h"

enum { COLUMN_BLOCK = 64, ROW_BLOCK = 128 };

typedef struct {
    int64_t rows, cols;
    const float *x, *other;
    int64_t x_stride, other_stride;
    const float *mean, *inverse;
    float *y;
    int64_t y_stride;
    bool accumulate;
} reduction_job;

static void sum_rows(int64_t begin, int64_t end, void *context) {
    const reduction_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        job->y[r * job->y_stride] = ck_spans()->sum(job->cols, job->x + r * job->x_stride);
    }
}

void ck_row_sums(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, int64_t y_stride) {
    reduction_job job = {.cols = cols, .x = x, .x_stride = x_stride, .y = y, .y_stride = y_stride};
    ck_parallel_rows(rows, 10 + 0.15 * cols, sum_rows, &job);
}

static void sum_column_blocks(int64_t begin, int64_t end, void *context) {
    const reduction_job *job = context;
    int64_t first = begin * COLUMN_BLOCK;
    int64_t last = end * COLUMN_BLOCK < job->cols ? end * COLUMN_BLOCK : job->cols;
    float *y = job->y + first;
    if (!job->accumulate) memset(y, 0, (size_t)(last - first) * sizeof(float));
    for (int64_t r = 0; r < job->rows; r += ROW_BLOCK) {
        int64_t rows = job->rows - r < ROW_BLOCK ? job->rows - r : ROW_BLOCK;
        const float *x = job->x + r * job->x_stride + first;
        if (job->inverse) {
            ck_spans()->normalized_column_sums(rows, last - first, x, job->x_stride, job->mean ? job->mean + r : NULL,
                                               job->inverse + r, job->other + r * job->other_stride + first,
                                               job->other_stride, y);
        } else {
            ck_spans()->column_sums(rows, last - first, x, job->x_stride, y);
        }
    }
}

static void start_column_sums(reduction_job *job) {
    if (job->cols <= 0) return;
    ck_parallel_rows((job->cols + COLUMN_BLOCK - 1) / COLUMN_BLOCK, 20 + job->rows * COLUMN_BLOCK * 0.2, sum_column_blocks, job);
}

void ck_column_sums(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, bool accumulate) {
    reduction_job job = {.rows = rows, .cols = cols, .x = x, .x_stride = x_stride, .y = y, .accumulate = accumulate};
    start_column_sums(&job);
}

void ck_normalized_column_sums(int64_t rows, int64_t cols, const float *x, int64_t x_stride, const float *mean,
                               const float *inverse, const float *dy, int64_t dy_stride, float *y) {
    reduction_job job = {.rows = rows, .cols = cols, .x = x, .x_stride = x_stride, .mean = mean, .inverse = inverse,
                         .other = dy, .other_stride = dy_stride, .y = y};
    start_column_sums(&job);
}

enum { SUM_BLOCK = 4096 };

typedef struct {
    int64_t cols, blocks;
    const float *x;
    int64_t x_stride;
    bool squares;
    float *partial;
} total_job;

static void sum_blocks(int64_t begin, int64_t end, void *context) {
    const total_job *job = context;
    for (int64_t b = begin; b < end; b++) {
        int64_t column = b % job->blocks * SUM_BLOCK;
        int64_t n = job->cols - column < SUM_BLOCK ? job->cols - column : SUM_BLOCK;
        const float *x = job->x + b / job->blocks * job->x_stride + column;
        job->partial[b] = job->squares ? ck_spans()->dot(n, x, x) : ck_spans()->sum(n, x);
    }
}

static double total(int64_t rows, int64_t cols, const float *x, int64_t x_stride, bool squares) {
    if (rows <= 0 || cols <= 0) return 0;
    if (x_stride == cols) {
        cols *= rows;
        rows = 1;
    }
    int64_t blocks = (cols + SUM_BLOCK - 1) / SUM_BLOCK;
    total_job job = {cols, blocks, x, x_stride, squares, ck_scratch(CK_SCRATCH_STATISTICS, rows * blocks)};
    ck_parallel_rows(rows * blocks, 5 + 0.15 * (cols < SUM_BLOCK ? cols : SUM_BLOCK), sum_blocks, &job);
    double sum = 0;
    for (int64_t b = 0; b < rows * blocks; b++) sum += job.partial[b];
    return sum;
}

double ck_sum(int64_t rows, int64_t cols, const float *x, int64_t x_stride) { return total(rows, cols, x, x_stride, false); }

double ck_sum_squares(int64_t rows, int64_t cols, const float *x, int64_t x_stride) {
    return total(rows, cols, x, x_stride, true);
}
