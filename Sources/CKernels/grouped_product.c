// Products of rows with small matrices of their own: the edits of a batch whose requests have different adapters.
#include "include/ck_gemm.h"
#include "parallel.h"

enum { FEW = 8 };

typedef struct {
    bool transpose_b;
    int64_t n, k;
    const float *a;
    int64_t a_stride;
    const float *b;
    int64_t b_rows, b_stride;
    const int32_t *groups;
    float *c;
    int64_t c_stride;
} grouped;

// Neighbours of one group are taken together, few enough for the kernels of few rows.
static void multiply_rows(int64_t begin, int64_t end, void *context) {
    const grouped *job = context;
    for (int64_t row = begin; row < end;) {
        int64_t count = 1;
        while (count < FEW && row + count < end && job->groups[row + count] == job->groups[row]) count++;
        const float *matrix = job->b + job->groups[row] * job->b_rows * job->b_stride;
        ck_gemm_stored(CK_STORAGE_F32, false, job->transpose_b, count, job->n, job->k, 1, job->a + row * job->a_stride, job->a_stride,
                       matrix, job->b_stride, 0, job->c + row * job->c_stride, job->c_stride, NULL);
        row += count;
    }
}

bool ck_grouped_gemm(bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride, const float *b, int64_t b_rows,
                     int64_t b_stride, const int32_t *groups, float *c, int64_t c_stride) {
    if (n > FEW && k > FEW) return false;
    grouped job = {transpose_b, n, k, a, a_stride, b, b_rows, b_stride, groups, c, c_stride};
    ck_parallel_rows(m, 40 + (double)n * k * 0.2, multiply_rows, &job);
    return true;
}
