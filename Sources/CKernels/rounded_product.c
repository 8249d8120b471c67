// Products of numbers rounded to bf16 on processors without instructions for them: rounded copies in f32, multiplied by OpenBLAS.
#include <cblas.h>
#include <string.h>

#include "include/ck_parallel.h"
#include "packed.h"
#include "parallel.h"
#include "scratch.h"
#include "spans.h"
#include "storage.h"

/// Columns of a tile: whole blocks.
static int64_t tile_columns(const ck_packed_product *p) {
    int64_t block = p->transpose_b ? 1 : ck_storage_block(p->storage);
    return block > 64 ? block : 64;
}

/// To the nearest bf16, ties to even; NaN stays NaN.
static void round_span(int64_t n, const float *x, float *y) {
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
        uint32_t quiet = (bits | 0x00400000u) & 0xffff0000u;
        bits = (bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded;
        memcpy(y + i, &bits, sizeof bits);
    }
}

typedef struct {
    const ck_packed_product *product;
    float *rounded;  // m × k
} rounded_job;

static void round_rows(int64_t begin, int64_t end, void *context) {
    const rounded_job *job = context;
    const ck_packed_product *p = job->product;
    for (int64_t r = begin; r < end; r++) round_span(p->k, p->a + r * p->a_stride, job->rounded + r * p->k);
}

static void multiply_columns(int64_t index, void *context) {
    const rounded_job *job = context;
    const ck_packed_product *p = job->product;
    int64_t width = tile_columns(p), first = index * width, columns = p->n - first < width ? p->n - first : width;
    int64_t rows = p->transpose_b ? columns : p->k, length = p->transpose_b ? p->k : columns;
    const char *b = (const char *)p->b + ck_storage_bytes(p->storage, first * (p->transpose_b ? p->b_stride : 1));
    float *tile = ck_scratch(CK_SCRATCH_TILE, rows * length);
    for (int64_t r = 0; r < rows; r++) {
        ck_expand(p->storage, length, b + ck_storage_bytes(p->storage, r * p->b_stride), tile + r * length);
        round_span(length, tile + r * length, tile + r * length);
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, p->transpose_b ? CblasTrans : CblasNoTrans, (int)p->m, (int)columns, (int)p->k, 1,
                job->rounded, (int)p->k, tile, (int)length, 0, p->c + first, (int)p->c_stride);
    for (int64_t r = 0; p->bias && r < p->m; r++) {
        float *row = p->c + r * p->c_stride + first;
        ck_spans()->add_scaled(columns, row, 1, p->bias + first, row);
    }
}

void ck_multiply_rounded(const ck_packed_product *product) {
    const ck_packed_product *p = product;
    rounded_job job = {p, ck_scratch(CK_SCRATCH_RESULT, p->m * p->k)};
    ck_parallel_rows(p->m, 0.3 * p->k, round_rows, &job);
    ck_parallel((p->n + tile_columns(p) - 1) / tile_columns(p), multiply_columns, &job);
}
