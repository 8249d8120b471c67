// The output projection and the cross-entropy, by bands of rows: logits of one band are made, judged, turned into their own gradient and
// multiplied back before the next band's.
#include <string.h>

#include "include/ck_gemm.h"
#include "include/ck_loss.h"
#include "parallel.h"
#include "scratch.h"
#include "spans.h"

// 16 MiB of logits; fewer than 32 rows would read the matrix too often.
enum { BAND_LOGITS = 4 << 20, FEWEST_ROWS = 32 };

typedef struct {
    int64_t classes;
    const int32_t *targets;
    float *logits, *losses;
    bool differentiates;
} band_job;

/// The loss of each row, and softmax − onehot in the place of its logits.
static void judge_rows(int64_t begin, int64_t end, void *context) {
    const band_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        float *x = job->logits + r * job->classes;
        int32_t target = job->targets[r];
        if (target < 0) {
            if (job->losses) job->losses[r] = 0;
            if (job->differentiates) memset(x, 0, (size_t)job->classes * sizeof(float));
            continue;
        }
        float log_sum = ck_spans()->log_sum_exp(job->classes, x);
        if (job->losses) job->losses[r] = log_sum - x[target];
        if (!job->differentiates) continue;
        ck_spans()->scaled_softmax(job->classes, log_sum, 1, x, x);
        x[target] -= 1;
    }
}

static void multiply(ck_storage storage, bool rounded, bool transpose, int64_t m, int64_t n, int64_t k, const float *a,
                     int64_t a_stride, const void *b, int64_t b_stride, float *c, int64_t c_stride) {
    if (rounded) ck_gemm_bf16(storage, transpose, m, n, k, a, a_stride, b, b_stride, c, c_stride, NULL);
    else ck_gemm_stored(storage, false, transpose, m, n, k, 1, a, a_stride, b, b_stride, 0, c, c_stride, NULL);
}

int64_t ck_linear_cross_entropy(ck_storage storage, bool rounded, int64_t n, int64_t classes, int64_t width, const float *rows,
                                int64_t rows_stride, const void *matrix, int64_t matrix_stride, const int32_t *targets,
                                float *losses, float *slopes, int64_t slopes_stride) {
    for (int64_t r = 0; r < n; r++) {
        if (targets[r] >= classes) return r;
    }
    if (n <= 0 || classes <= 0) return -1;
    int64_t fitting = BAND_LOGITS / classes > FEWEST_ROWS ? BAND_LOGITS / classes : FEWEST_ROWS;
    int64_t bands = (n + fitting - 1) / fitting, longest = (n + bands - 1) / bands;
    float *logits = ck_scratch(CK_SCRATCH_LOGITS, longest * classes);
    for (int64_t band = 0; band < bands; band++) {
        int64_t first = n * band / bands, count = n * (band + 1) / bands - first;
        multiply(storage, rounded, true, count, classes, width, rows + first * rows_stride, rows_stride, matrix, matrix_stride,
                 logits, classes);
        band_job job = {classes, targets + first, logits, losses ? losses + first : NULL, slopes != NULL};
        ck_parallel_rows(count, 20 + 1.5 * classes, judge_rows, &job);
        if (!slopes) continue;
        multiply(storage, rounded, false, count, width, classes, logits, classes, matrix, matrix_stride,
                 slopes + first * slopes_stride, slopes_stride);
    }
    return -1;
}
