#include "include/ck_loss.h"

#include <string.h>

#include "parallel.h"
#include "spans.h"

typedef struct {
    int64_t cols;
    const float *logits;
    int64_t logits_stride;
    const int32_t *targets;
    const float *known_log_sums, *scale;
    int64_t scale_stride;
    float *losses, *log_sums, *gradient;
    int64_t gradient_stride;
} loss_job;

static int64_t first_target_outside(int64_t rows, int64_t cols, const int32_t *targets) {
    for (int64_t r = 0; r < rows; r++) {
        if (targets[r] >= cols) return r;
    }
    return -1;
}

static void loss_rows(int64_t begin, int64_t end, void *context) {
    const loss_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        const float *x = job->logits + r * job->logits_stride;
        int32_t target = job->targets[r];
        float log_sum = target >= 0 || job->log_sums ? ck_spans()->log_sum_exp(job->cols, x) : 0;
        job->losses[r] = target >= 0 ? log_sum - x[target] : 0;
        if (job->log_sums) job->log_sums[r] = log_sum;
    }
}

int64_t ck_cross_entropy(int64_t rows, int64_t cols, const float *logits, int64_t logits_stride, const int32_t *targets,
                         float *losses, float *log_sums) {
    int64_t outside = first_target_outside(rows, cols, targets);
    if (outside >= 0) return outside;
    loss_job job = {.cols = cols, .logits = logits, .logits_stride = logits_stride, .targets = targets, .losses = losses,
                    .log_sums = log_sums};
    ck_parallel_rows(rows, 20 + 0.7 * cols, loss_rows, &job);
    return -1;
}

static void gradient_rows(int64_t begin, int64_t end, void *context) {
    const loss_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        float *gradient = job->gradient + r * job->gradient_stride;
        int32_t target = job->targets[r];
        if (target < 0) {
            memset(gradient, 0, (size_t)job->cols * sizeof(float));
            continue;
        }
        const float *x = job->logits + r * job->logits_stride;
        float log_sum = job->known_log_sums ? job->known_log_sums[r] : ck_spans()->log_sum_exp(job->cols, x);
        float scale = job->scale[r * job->scale_stride];
        ck_spans()->scaled_softmax(job->cols, log_sum, scale, x, gradient);
        gradient[target] -= scale;
    }
}

int64_t ck_cross_entropy_gradient(int64_t rows, int64_t cols, const float *logits, int64_t logits_stride, const int32_t *targets,
                                  const float *log_sums, const float *scale, int64_t scale_stride, float *dlogits,
                                  int64_t dlogits_stride) {
    int64_t outside = first_target_outside(rows, cols, targets);
    if (outside >= 0) return outside;
    if (cols <= 0) return -1;
    loss_job job = {.cols = cols, .logits = logits, .logits_stride = logits_stride, .targets = targets,
                    .known_log_sums = log_sums, .scale = scale, .scale_stride = scale_stride, .gradient = dlogits,
                    .gradient_stride = dlogits_stride};
    ck_parallel_rows(rows, 20 + 0.8 * cols, gradient_rows, &job);
    return -1;
}
