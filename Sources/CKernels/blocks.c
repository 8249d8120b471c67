#include "include/ck_blocks.h"

#include <string.h>

#include "parallel.h"
#include "spans.h"

typedef struct {
    int64_t width, parts, count;
    const float *x;
    int64_t x_stride;
    const float *z;
    int64_t z_stride;
    float *y;
    int64_t y_stride;
    float *columns;
    int64_t columns_stride;
} blocks_job;

/// −1 where the number names no block.
static int64_t block_of(float place, int64_t count) {
    return place >= 0 && place < (float)count ? (int64_t)place : -1;
}

static void top_k(int64_t begin, int64_t end, void *context) {
    const blocks_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        const float *x = job->x + r * job->x_stride;
        float *values = job->y + r * job->y_stride, *columns = job->columns + r * job->columns_stride;
        int64_t taken = 0;
        for (int64_t c = 0; c < job->width; c++) {
            // Insertion from the end: the list stays short, and equal numbers keep their order.
            int64_t place = taken;
            while (place > 0 && (x[c] > values[place - 1] || (values[place - 1] != values[place - 1] && x[c] == x[c]))) place--;
            if (place >= job->count) continue;
            if (taken < job->count) taken++;
            for (int64_t i = taken - 1; i > place; i--) {
                values[i] = values[i - 1];
                columns[i] = columns[i - 1];
            }
            values[place] = x[c];
            columns[place] = (float)c;
        }
    }
}

void ck_top_k(int64_t rows, int64_t cols, int64_t count, const float *x, int64_t x_stride, float *values, int64_t values_stride,
              float *columns, int64_t columns_stride) {
    if (count <= 0 || count > cols) return;
    blocks_job job = {.width = cols, .count = count, .x = x, .x_stride = x_stride, .y = values, .y_stride = values_stride,
                      .columns = columns, .columns_stride = columns_stride};
    ck_parallel_rows(rows, 4 + 1.5 * cols, top_k, &job);
}

static void place_blocks(int64_t begin, int64_t end, void *context) {
    const blocks_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        float *y = job->y + r * job->y_stride;
        memset(y, 0, (size_t)(job->count * job->width) * sizeof(float));
        for (int64_t j = 0; j < job->parts; j++) {
            int64_t block = block_of(job->z[r * job->z_stride + j], job->count);
            if (block < 0) continue;
            memcpy(y + block * job->width, job->x + r * job->x_stride + j * job->width, (size_t)job->width * sizeof(float));
        }
    }
}

void ck_place_blocks(int64_t rows, int64_t width, int64_t parts, int64_t count, const float *x, int64_t x_stride,
                     const float *places, int64_t places_stride, float *y, int64_t y_stride) {
    blocks_job job = {.width = width, .parts = parts, .count = count, .x = x, .x_stride = x_stride, .z = places,
                      .z_stride = places_stride, .y = y, .y_stride = y_stride};
    ck_parallel_rows(rows, 4 + 0.25 * width * (parts + count), place_blocks, &job);
}

static void take_blocks(int64_t begin, int64_t end, void *context) {
    const blocks_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        for (int64_t j = 0; j < job->parts; j++) {
            float *y = job->y + r * job->y_stride + j * job->width;
            int64_t block = block_of(job->z[r * job->z_stride + j], job->count);
            if (block < 0) memset(y, 0, (size_t)job->width * sizeof(float));
            else memcpy(y, job->x + r * job->x_stride + block * job->width, (size_t)job->width * sizeof(float));
        }
    }
}

void ck_take_blocks(int64_t rows, int64_t width, int64_t parts, int64_t count, const float *x, int64_t x_stride,
                    const float *places, int64_t places_stride, float *y, int64_t y_stride) {
    blocks_job job = {.width = width, .parts = parts, .count = count, .x = x, .x_stride = x_stride, .z = places,
                      .z_stride = places_stride, .y = y, .y_stride = y_stride};
    ck_parallel_rows(rows, 4 + 0.25 * width * parts, take_blocks, &job);
}

static void mix_blocks(int64_t begin, int64_t end, void *context) {
    const blocks_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        float *y = job->y + r * job->y_stride;
        memset(y, 0, (size_t)job->width * sizeof(float));
        for (int64_t j = 0; j < job->parts; j++) {
            ck_spans()->add_scaled(job->width, y, job->z[r * job->z_stride + j], job->x + r * job->x_stride + j * job->width, y);
        }
    }
}

void ck_mix_blocks(int64_t rows, int64_t width, int64_t parts, const float *x, int64_t x_stride, const float *weights,
                   int64_t weights_stride, float *y, int64_t y_stride) {
    blocks_job job = {.width = width, .parts = parts, .x = x, .x_stride = x_stride, .z = weights, .z_stride = weights_stride,
                      .y = y, .y_stride = y_stride};
    ck_parallel_rows(rows, 4 + 0.3 * width * parts, mix_blocks, &job);
}

static void spread_blocks(int64_t begin, int64_t end, void *context) {
    const blocks_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        for (int64_t j = 0; j < job->parts; j++) {
            ck_spans()->scale_shift(job->width, job->z[r * job->z_stride + j], 0, job->x + r * job->x_stride,
                                    job->y + r * job->y_stride + j * job->width);
        }
    }
}

void ck_spread_blocks(int64_t rows, int64_t width, int64_t parts, const float *x, int64_t x_stride, const float *weights,
                      int64_t weights_stride, float *y, int64_t y_stride) {
    blocks_job job = {.width = width, .parts = parts, .x = x, .x_stride = x_stride, .z = weights, .z_stride = weights_stride,
                      .y = y, .y_stride = y_stride};
    ck_parallel_rows(rows, 4 + 0.3 * width * parts, spread_blocks, &job);
}

static void dot_blocks(int64_t begin, int64_t end, void *context) {
    const blocks_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        for (int64_t j = 0; j < job->parts; j++) {
            job->y[r * job->y_stride + j] = ck_spans()->dot(job->width, job->x + r * job->x_stride + j * job->width,
                                                            job->z + r * job->z_stride);
        }
    }
}

void ck_dot_blocks(int64_t rows, int64_t width, int64_t parts, const float *x, int64_t x_stride, const float *z,
                   int64_t z_stride, float *y, int64_t y_stride) {
    blocks_job job = {.width = width, .parts = parts, .x = x, .x_stride = x_stride, .z = z, .z_stride = z_stride, .y = y,
                      .y_stride = y_stride};
    ck_parallel_rows(rows, 4 + 0.3 * width * parts, dot_blocks, &job);
}
