#include "include/ck_optimizers.h"

#include <math.h>

#include "parallel.h"
#include "spans.h"

enum { STEP_BLOCK = 2048 };

typedef struct {
    int64_t n;
    float *p;
    const float *g;
    float *m, *v;
    ck_adamw_scalars adamw;
    float learning_rate, momentum, undamped, weight_decay;
    bool nesterov, first_step;
} step_job;

static void adamw_blocks(int64_t begin, int64_t end, void *context) {
    const step_job *job = context;
    int64_t first = begin * STEP_BLOCK, last = end * STEP_BLOCK < job->n ? end * STEP_BLOCK : job->n;
    ck_spans()->adamw(last - first, job->p + first, job->g + first, job->m + first, job->v + first, &job->adamw);
}

void ck_adamw_step(int64_t n, float *parameters, const float *gradients, float *first_moments, float *second_moments,
                   double learning_rate, double beta1, double beta2, double epsilon, double weight_decay, int64_t step) {
    step_job job = {.n = n, .p = parameters, .g = gradients, .m = first_moments, .v = second_moments,
                    .adamw = {.decay = (float)(1 - learning_rate * weight_decay),
                              .one_minus_beta1 = (float)(1 - beta1),
                              .beta2 = (float)beta2,
                              .one_minus_beta2 = (float)(1 - beta2),
                              .step_size = (float)(learning_rate / (1 - pow(beta1, (double)step))),
                              .inverse_root_bias = (float)(1 / sqrt(1 - pow(beta2, (double)step))),
                              .epsilon = (float)epsilon}};
    ck_parallel_rows((n + STEP_BLOCK - 1) / STEP_BLOCK, 1.0 * STEP_BLOCK, adamw_blocks, &job);
}

static void sgd_blocks(int64_t begin, int64_t end, void *context) {
    const step_job *job = context;
    int64_t last = end * STEP_BLOCK < job->n ? end * STEP_BLOCK : job->n;
    for (int64_t i = begin * STEP_BLOCK; i < last; i++) {
        float g = job->g[i] + job->weight_decay * job->p[i];
        if (job->m) {
            float velocity = job->first_step ? g : job->momentum * job->m[i] + job->undamped * g;
            job->m[i] = velocity;
            g = job->nesterov ? g + job->momentum * velocity : velocity;
        }
        job->p[i] -= job->learning_rate * g;
    }
}

void ck_sgd_step(int64_t n, float *parameters, const float *gradients, float *velocity, double learning_rate, double momentum,
                 double dampening, double weight_decay, bool nesterov, bool first_step) {
    step_job job = {.n = n, .p = parameters, .g = gradients, .m = momentum == 0 ? NULL : velocity,
                    .learning_rate = (float)learning_rate, .momentum = (float)momentum, .undamped = (float)(1 - dampening),
                    .weight_decay = (float)weight_decay, .nesterov = nesterov, .first_step = first_step};
    ck_parallel_rows((n + STEP_BLOCK - 1) / STEP_BLOCK, 0.8 * STEP_BLOCK, sgd_blocks, &job);
}
