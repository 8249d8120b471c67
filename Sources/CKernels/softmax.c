#include "include/ck_softmax.h"

#include "parallel.h"
#include "spans.h"

typedef struct {
    int64_t cols;
    const float *x, *dy;
    int64_t x_stride, dy_stride;
    float *y;
    int64_t y_stride;
} softmax_job;

static void softmax_rows(int64_t begin, int64_t end, void *context) {
    const softmax_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        ck_spans()->softmax(job->cols, job->x + r * job->x_stride, job->y + r * job->y_stride);
    }
}

void ck_softmax(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, int64_t y_stride) {
    softmax_job job = {.cols = cols, .x = x, .x_stride = x_stride, .y = y, .y_stride = y_stride};
    ck_parallel_rows(rows, 20 + 0.8 * cols, softmax_rows, &job);
}

static void softmax_gradient_rows(int64_t begin, int64_t end, void *context) {
    const softmax_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        ck_spans()->softmax_gradient(job->cols, job->x + r * job->x_stride, job->dy + r * job->dy_stride,
                                     job->y + r * job->y_stride);
    }
}

void ck_softmax_gradient(int64_t rows, int64_t cols, const float *y, int64_t y_stride, const float *dy, int64_t dy_stride,
                         float *dx, int64_t dx_stride) {
    softmax_job job = {cols, y, dy, y_stride, dy_stride, dx, dx_stride};
    ck_parallel_rows(rows, 20 + 0.5 * cols, softmax_gradient_rows, &job);
}

static void log_softmax_rows(int64_t begin, int64_t end, void *context) {
    const softmax_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        const float *x = job->x + r * job->x_stride;
        float log_sum = ck_spans()->log_sum_exp(job->cols, x);
        ck_spans()->scale_shift(job->cols, 1, -log_sum, x, job->y + r * job->y_stride);
    }
}

void ck_log_softmax(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, int64_t y_stride) {
    softmax_job job = {.cols = cols, .x = x, .x_stride = x_stride, .y = y, .y_stride = y_stride};
    ck_parallel_rows(rows, 20 + 0.8 * cols, log_softmax_rows, &job);
}

static void log_softmax_gradient_rows(int64_t begin, int64_t end, void *context) {
    const softmax_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        ck_spans()->log_softmax_gradient(job->cols, job->x + r * job->x_stride, job->dy + r * job->dy_stride,
                                         job->y + r * job->y_stride);
    }
}

void ck_log_softmax_gradient(int64_t rows, int64_t cols, const float *y, int64_t y_stride, const float *dy, int64_t dy_stride,
                             float *dx, int64_t dx_stride) {
    softmax_job job = {cols, y, dy, y_stride, dy_stride, dx, dx_stride};
    ck_parallel_rows(rows, 20 + 0.8 * cols, log_softmax_gradient_rows, &job);
}
