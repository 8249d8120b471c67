#include "include/ck_rotary.h"

#include <math.h>
#include <string.h>

#include "parallel.h"
#include "spans.h"

typedef struct {
    int64_t half;
    const int32_t *positions;
    const float *frequencies;
    float factor;
    bool round_angles;
    float *cosines, *sines;
    int64_t stride;
} table_job;

static void table_rows(int64_t begin, int64_t end, void *context) {
    const table_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        for (int64_t i = 0; i < job->half; i++) {
            double angle = (double)job->positions[r] * (double)job->frequencies[i];
            if (job->round_angles) angle = (float)angle;
            job->cosines[r * job->stride + i] = (float)(job->factor * cos(angle));
            job->sines[r * job->stride + i] = (float)(job->factor * sin(angle));
        }
    }
}

void ck_rotary_tables(int64_t rows, int64_t half, const int32_t *positions, const float *inverse_frequencies,
                      float attention_factor, bool round_angles, float *cosines, float *sines, int64_t stride) {
    table_job job = {half, positions, inverse_frequencies, attention_factor, round_angles, cosines, sines, stride};
    ck_parallel_rows(rows, 40.0 * half, table_rows, &job);
}

typedef struct {
    int64_t heads, head_size, half;
    bool interleaved;
    float sign;
    const float *x;
    int64_t x_stride;
    const float *cosines, *sines;
    int64_t table_stride;
    float *y;
    int64_t y_stride;
} rotary_job;

static void rotate_rows(int64_t begin, int64_t end, void *context) {
    const rotary_job *job = context;
    int64_t half = job->half;
    for (int64_t r = begin; r < end; r++) {
        const float *cosines = job->cosines + r * job->table_stride, *sines = job->sines + r * job->table_stride;
        for (int64_t h = 0; h < job->heads; h++) {
            const float *x = job->x + r * job->x_stride + h * job->head_size;
            float *y = job->y + r * job->y_stride + h * job->head_size;
            if (job->interleaved) {
                for (int64_t i = 0; i < half; i++) {
                    float a = x[2 * i], b = x[2 * i + 1], sine = sines[i] * job->sign;
                    y[2 * i] = a * cosines[i] - b * sine;
                    y[2 * i + 1] = b * cosines[i] + a * sine;
                }
            } else {
                ck_spans()->rotate_halves(half, job->sign, x, x + half, cosines, sines, y, y + half);
            }
            int64_t rest = job->head_size - 2 * half;
            if (rest > 0 && y != x) memcpy(y + 2 * half, x + 2 * half, (size_t)rest * sizeof(float));
        }
    }
}

void ck_rotary(int64_t rows, int64_t heads, int64_t head_size, int64_t half, bool interleaved, bool inverse, const float *x,
               int64_t x_stride, const float *cosines, const float *sines, int64_t table_stride, float *y, int64_t y_stride) {
    if (half < 0 || 2 * half > head_size) return;
    rotary_job job = {heads, head_size, half, interleaved, inverse ? -1 : 1, x, x_stride, cosines, sines, table_stride, y,
                      y_stride};
    ck_parallel_rows(rows, 10 + heads * (10 + 0.3 * head_size), rotate_rows, &job);
}
