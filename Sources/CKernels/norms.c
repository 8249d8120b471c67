#include "include/ck_norms.h"

#include "parallel.h"
#include "reductions.h"
#include "scratch.h"
#include "spans.h"

typedef struct {
    int64_t cols;
    const float *x;
    int64_t x_stride;
    const float *weight, *bias;
    float epsilon, weight_offset;
    const float *dy;
    int64_t dy_stride;
    float *y;
    int64_t y_stride;
    float *mean, *inverse;
} norm_job;

static void rms_norm_rows(int64_t begin, int64_t end, void *context) {
    const norm_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        const float *x = job->x + r * job->x_stride;
        float inverse = ck_spans()->rms_inverse(job->cols, x, job->epsilon);
        ck_spans()->rms_norm(job->cols, x, job->weight, inverse, job->weight_offset, job->y + r * job->y_stride);
    }
}

void ck_rms_norm(int64_t rows, int64_t cols, const float *x, int64_t x_stride, const float *weight, float epsilon,
                 float weight_offset, float *y, int64_t y_stride) {
    norm_job job = {.cols = cols, .x = x, .x_stride = x_stride, .weight = weight, .epsilon = epsilon,
                    .weight_offset = weight_offset, .y = y, .y_stride = y_stride};
    ck_parallel_rows(rows, 20 + 0.3 * cols, rms_norm_rows, &job);
}

static void rms_norm_gradient_rows(int64_t begin, int64_t end, void *context) {
    const norm_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        const float *x = job->x + r * job->x_stride;
        float inverse = ck_spans()->rms_inverse(job->cols, x, job->epsilon);
        ck_spans()->rms_norm_gradient(job->cols, x, job->weight, inverse, job->weight_offset, job->dy + r * job->dy_stride,
                                      job->y + r * job->y_stride);
    }
}

void ck_rms_norm_gradient(int64_t rows, int64_t cols, const float *x, int64_t x_stride, const float *weight, float epsilon,
                          float weight_offset, const float *dy, int64_t dy_stride, float *dx, int64_t dx_stride) {
    norm_job job = {.cols = cols, .x = x, .x_stride = x_stride, .weight = weight, .epsilon = epsilon,
                    .weight_offset = weight_offset, .dy = dy, .dy_stride = dy_stride, .y = dx, .y_stride = dx_stride};
    ck_parallel_rows(rows, 30 + 0.6 * cols, rms_norm_gradient_rows, &job);
}

static void rms_statistics_rows(int64_t begin, int64_t end, void *context) {
    const norm_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        job->inverse[r] = ck_spans()->rms_inverse(job->cols, job->x + r * job->x_stride, job->epsilon);
    }
}

void ck_rms_norm_weight_gradient(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float epsilon, const float *dy,
                                 int64_t dy_stride, float *dweight) {
    norm_job job = {.cols = cols, .x = x, .x_stride = x_stride, .epsilon = epsilon,
                    .inverse = ck_scratch(CK_SCRATCH_STATISTICS, rows)};
    ck_parallel_rows(rows, 20 + 0.15 * cols, rms_statistics_rows, &job);
    ck_normalized_column_sums(rows, cols, x, x_stride, NULL, job.inverse, dy, dy_stride, dweight);
}

static void layer_norm_rows(int64_t begin, int64_t end, void *context) {
    const norm_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        const float *x = job->x + r * job->x_stride;
        float mean, inverse;
        ck_spans()->layer_statistics(job->cols, x, job->epsilon, &mean, &inverse);
        ck_spans()->layer_norm(job->cols, x, job->weight, job->bias, mean, inverse, job->y + r * job->y_stride);
    }
}

void ck_layer_norm(int64_t rows, int64_t cols, const float *x, int64_t x_stride, const float *weight, const float *bias,
                   float epsilon, float *y, int64_t y_stride) {
    norm_job job = {.cols = cols, .x = x, .x_stride = x_stride, .weight = weight, .bias = bias, .epsilon = epsilon, .y = y,
                    .y_stride = y_stride};
    ck_parallel_rows(rows, 30 + 0.4 * cols, layer_norm_rows, &job);
}

static void layer_norm_gradient_rows(int64_t begin, int64_t end, void *context) {
    const norm_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        const float *x = job->x + r * job->x_stride;
        float mean, inverse;
        ck_spans()->layer_statistics(job->cols, x, job->epsilon, &mean, &inverse);
        ck_spans()->layer_norm_gradient(job->cols, x, job->weight, mean, inverse, job->dy + r * job->dy_stride,
                                        job->y + r * job->y_stride);
    }
}

void ck_layer_norm_gradient(int64_t rows, int64_t cols, const float *x, int64_t x_stride, const float *weight, float epsilon,
                            const float *dy, int64_t dy_stride, float *dx, int64_t dx_stride) {
    norm_job job = {.cols = cols, .x = x, .x_stride = x_stride, .weight = weight, .epsilon = epsilon, .dy = dy,
                    .dy_stride = dy_stride, .y = dx, .y_stride = dx_stride};
    ck_parallel_rows(rows, 40 + 0.7 * cols, layer_norm_gradient_rows, &job);
}

static void layer_statistics_rows(int64_t begin, int64_t end, void *context) {
    const norm_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        ck_spans()->layer_statistics(job->cols, job->x + r * job->x_stride, job->epsilon, job->mean + r, job->inverse + r);
    }
}

void ck_layer_norm_weight_gradient(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float epsilon, const float *dy,
                                   int64_t dy_stride, float *dweight, float *dbias) {
    if (dweight) {
        float *statistics = ck_scratch(CK_SCRATCH_STATISTICS, 2 * rows);
        norm_job job = {.cols = cols, .x = x, .x_stride = x_stride, .epsilon = epsilon, .mean = statistics,
                        .inverse = statistics + rows};
        ck_parallel_rows(rows, 20 + 0.3 * cols, layer_statistics_rows, &job);
        ck_normalized_column_sums(rows, cols, x, x_stride, job.mean, job.inverse, dy, dy_stride, dweight);
    }
    if (dbias) ck_column_sums(rows, cols, dy, dy_stride, dbias, false);
}
