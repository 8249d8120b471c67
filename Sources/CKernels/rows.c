#include "include/ck_rows.h"

#include <string.h>

#include "parallel.h"
#include "spans.h"
#include "storage.h"

typedef struct {
    ck_storage storage;
    int64_t rows, cols;
    const void *x;
    int64_t x_stride;
    const int32_t *indices;
    float *y;
    int64_t y_stride;
    float value;
} rows_job;

static int64_t first_index_outside(int64_t count, const int32_t *indices, int64_t limit) {
    for (int64_t i = 0; i < count; i++) {
        if (indices[i] < 0 || indices[i] >= limit) return i;
    }
    return -1;
}

static void copy_rows(int64_t begin, int64_t end, void *context) {
    const rows_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        memcpy(job->y + r * job->y_stride, (const float *)job->x + r * job->x_stride, (size_t)job->cols * sizeof(float));
    }
}

void ck_copy(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, int64_t y_stride) {
    if (rows <= 0 || cols <= 0 || (x == y && x_stride == y_stride)) return;
    if (x_stride == cols && y_stride == cols && cols < 1024 && rows % 16 == 0) {
        cols *= 16;
        rows /= 16;
        x_stride = y_stride = cols;
    }
    rows_job job = {.cols = cols, .x = x, .x_stride = x_stride, .y = y, .y_stride = y_stride};
    ck_parallel_rows(rows, 4 + 0.25 * cols, copy_rows, &job);
}

static void fill_rows(int64_t begin, int64_t end, void *context) {
    const rows_job *job = context;
    for (int64_t r = begin; r < end; r++) {
        float *y = job->y + r * job->y_stride;
        for (int64_t c = 0; c < job->cols; c++) y[c] = job->value;
    }
}

void ck_fill(int64_t rows, int64_t cols, float value, float *y, int64_t y_stride) {
    if (cols <= 0) return;
    rows_job job = {.cols = cols, .value = value, .y = y, .y_stride = y_stride};
    ck_parallel_rows(rows, 4 + 0.2 * cols, fill_rows, &job);
}

enum { TRANSPOSE_BLOCK = 16 };

static void transpose_column_blocks(int64_t begin, int64_t end, void *context) {
    const rows_job *job = context;
    const float *x = job->x;
    int64_t last = end * TRANSPOSE_BLOCK < job->cols ? end * TRANSPOSE_BLOCK : job->cols;
    for (int64_t r0 = 0; r0 < job->rows; r0 += TRANSPOSE_BLOCK) {
        int64_t r1 = r0 + TRANSPOSE_BLOCK < job->rows ? r0 + TRANSPOSE_BLOCK : job->rows;
        for (int64_t c0 = begin * TRANSPOSE_BLOCK; c0 < last; c0 += TRANSPOSE_BLOCK) {
            int64_t c1 = c0 + TRANSPOSE_BLOCK < last ? c0 + TRANSPOSE_BLOCK : last;
            for (int64_t c = c0; c < c1; c++) {
                for (int64_t r = r0; r < r1; r++) job->y[c * job->y_stride + r] = x[r * job->x_stride + c];
            }
        }
    }
}

void ck_transpose(int64_t rows, int64_t cols, const float *x, int64_t x_stride, float *y, int64_t y_stride) {
    if (rows <= 0 || cols <= 0) return;
    rows_job job = {.rows = rows, .cols = cols, .x = x, .x_stride = x_stride, .y = y, .y_stride = y_stride};
    ck_parallel_rows((cols + TRANSPOSE_BLOCK - 1) / TRANSPOSE_BLOCK, 10 + 0.8 * rows * TRANSPOSE_BLOCK,
                     transpose_column_blocks, &job);
}

static void gather(int64_t begin, int64_t end, void *context) {
    const rows_job *job = context;
    int64_t row_bytes = ck_storage_bytes(job->storage, job->x_stride);
    for (int64_t i = begin; i < end; i++) {
        ck_expand(job->storage, job->cols, (const char *)job->x + job->indices[i] * row_bytes, job->y + i * job->y_stride);
    }
}

int64_t ck_gather_rows(ck_storage storage, int64_t count, int64_t cols, const void *table, int64_t table_rows,
                       int64_t table_stride, const int32_t *indices, float *y, int64_t y_stride) {
    int64_t outside = first_index_outside(count, indices, table_rows);
    if (outside >= 0) return outside;
    rows_job job = {.storage = storage, .cols = cols, .x = table, .x_stride = table_stride, .indices = indices, .y = y,
                    .y_stride = y_stride};
    ck_parallel_rows(count, 10 + 0.3 * cols, gather, &job);
    return -1;
}

enum { SCATTER_COLUMNS = 256 };

// Columns, not rows, are shared out: rows may name the same place.
static void scatter_column_blocks(int64_t begin, int64_t end, void *context) {
    const rows_job *job = context;
    int64_t column = begin * SCATTER_COLUMNS;
    int64_t cols = (end * SCATTER_COLUMNS < job->cols ? end * SCATTER_COLUMNS : job->cols) - column;
    for (int64_t i = 0; i < job->rows; i++) {
        memcpy(job->y + job->indices[i] * job->y_stride + column, (const float *)job->x + i * job->x_stride + column,
               (size_t)cols * sizeof(float));
    }
}

static void scatter_add_column_blocks(int64_t begin, int64_t end, void *context) {
    const rows_job *job = context;
    int64_t column = begin * SCATTER_COLUMNS;
    int64_t cols = (end * SCATTER_COLUMNS < job->cols ? end * SCATTER_COLUMNS : job->cols) - column;
    for (int64_t i = 0; i < job->rows; i++) {
        float *y = job->y + job->indices[i] * job->y_stride + column;
        ck_spans()->add_scaled(cols, y, 1, (const float *)job->x + i * job->x_stride + column, y);
    }
}

static int64_t scatter(int64_t count, int64_t cols, const float *x, int64_t x_stride, const int32_t *indices, float *y,
                       int64_t y_rows, int64_t y_stride, void (*body)(int64_t, int64_t, void *)) {
    int64_t outside = first_index_outside(count, indices, y_rows);
    if (outside >= 0) return outside;
    if (cols <= 0) return -1;
    rows_job job = {.rows = count, .cols = cols, .x = x, .x_stride = x_stride, .indices = indices, .y = y,
                    .y_stride = y_stride};
    ck_parallel_rows((cols + SCATTER_COLUMNS - 1) / SCATTER_COLUMNS,
                     10 + count * (5 + 0.3 * (cols < SCATTER_COLUMNS ? cols : SCATTER_COLUMNS)), body, &job);
    return -1;
}

int64_t ck_scatter_rows(int64_t count, int64_t cols, const float *x, int64_t x_stride, const int32_t *indices, float *y,
                        int64_t y_rows, int64_t y_stride) {
    return scatter(count, cols, x, x_stride, indices, y, y_rows, y_stride, scatter_column_blocks);
}

int64_t ck_scatter_add_rows(int64_t count, int64_t cols, const float *x, int64_t x_stride, const int32_t *indices, float *y,
                            int64_t y_rows, int64_t y_stride) {
    return scatter(count, cols, x, x_stride, indices, y, y_rows, y_stride, scatter_add_column_blocks);
}
