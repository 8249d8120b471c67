// Choosing how to compute a product, and cutting it up. Four ways:
//   few rows (m ≤ 8)      dot products, or combinations of rows, that stream b once; with a thin b kernels that read it as it lies
//   few columns (n ≤ 8)   the same with the operands' roles exchanged: projections to a low rank
//   small depth (k ≤ 8)   combinations of few rows of b that stay in cache: expansions from a low rank
//   otherwise             where the processor has AVX-512 packed panels of a if b is n × k (exchanged_product.c), else of b
//                         (packed_product.c); without it cblas_sgemm on panels
#include "include/ck_gemm.h"

#include <cblas.h>
#include <string.h>

#include "include/ck_elementwise.h"
#include "include/ck_rows.h"
#include "packed.h"
#include "parallel.h"
#include "scratch.h"
#include "spans.h"
#include "storage.h"

enum { FEW = 8, SMALL_DEPTH = 8 };

typedef struct {
    ck_storage storage;
    bool transpose_a, transpose_b;
    int64_t m, n, k;
    float alpha;
    const float *a;
    int64_t a_stride;
    const void *b;
    int64_t b_stride;
    float beta;
    float *c;
    int64_t c_stride;
    const float *bias;
    int64_t panel;
    bool split_rows;
} product;

static void scale_rows(int64_t rows, int64_t cols, float beta, float *c, int64_t stride) {
    for (int64_t r = 0; r < rows; r++) {
        if (beta == 0) memset(c + r * stride, 0, (size_t)cols * sizeof(float));
        else if (beta != 1) ck_spans()->scale_shift(cols, beta, 0, c + r * stride, c + r * stride);
    }
}

static void add_bias(int64_t rows, int64_t cols, const float *bias, float *c, int64_t stride) {
    for (int64_t r = 0; bias && r < rows; r++) ck_spans()->add_scaled(cols, c + r * stride, 1, bias, c + r * stride);
}

/// y[j, i] = x[i, j] on the calling thread.
static void pack_transposed(int64_t rows, int64_t cols, const float *x, int64_t stride, float *y) {
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < cols; c++) y[c * rows + r] = x[r * stride + c];
    }
}

// Few rows, b transposed (weights n × k): every weight row against every row of a.
static void few_rows_dots(int64_t begin, int64_t end, void *context) {
    const product *p = context;
    int64_t row_bytes = ck_storage_bytes(p->storage, p->b_stride);
    const char *stream = (const char *)p->b + begin * row_bytes;
    scale_rows(p->beta == 0 ? 0 : p->m, end - begin, p->beta, p->c + begin, p->c_stride);
    if (p->storage <= CK_STORAGE_BF16) {
        ck_spans()->dots(p->storage, end - begin, stream, p->b_stride, p->m, p->a, p->a_stride, p->k, p->alpha, p->beta != 0,
                         p->c + begin, 1, p->c_stride);
    } else if (!ck_spans()->block_dots(p->storage, end - begin, stream, row_bytes, p->m, p->a, p->a_stride, p->k, p->alpha,
                                       p->beta != 0, p->c + begin, 1, p->c_stride)) {
        float *row = ck_scratch(CK_SCRATCH_TILE, p->k);
        for (int64_t r = begin; r < end; r++, stream += row_bytes) {
            ck_expand(p->storage, p->k, stream, row);
            ck_spans()->dots(CK_STORAGE_F32, 1, row, p->k, p->m, p->a, p->a_stride, p->k, p->alpha, p->beta != 0, p->c + r, 1,
                             p->c_stride);
        }
    }
    add_bias(p->m, end - begin, p->bias ? p->bias + begin : NULL, p->c + begin, p->c_stride);
}

// Rows of c as combinations of rows of b (k × n), for columns begin ..< end in units of `panel`.
static void combine_columns(int64_t begin, int64_t end, void *context) {
    const product *p = context;
    int64_t first = begin * p->panel, last = end * p->panel < p->n ? end * p->panel : p->n;
    float *c = p->c + first;
    scale_rows(p->m, last - first, p->beta, c, p->c_stride);
    ck_spans()->row_combinations(p->storage, p->m, last - first, p->k, p->alpha, p->a, p->transpose_a ? 1 : p->a_stride,
                                 p->transpose_a ? p->a_stride : 1,
                                 (const char *)p->b + ck_storage_bytes(p->storage, first), p->b_stride, c, p->c_stride);
    add_bias(p->m, last - first, p->bias ? p->bias + first : NULL, c, p->c_stride);
}

// The same for rows begin ..< end of c.
static void combine_rows(int64_t begin, int64_t end, void *context) {
    product p = *(const product *)context;
    p.a += begin * (p.transpose_a ? 1 : p.a_stride);
    p.c += begin * p.c_stride;
    p.m = end - begin;
    p.panel = p.n;
    combine_columns(0, 1, &p);
}

/// The nanoseconds that a column of c takes one thread.
static double few_rows_cost(const product *p) {
    double bytes = (double)ck_storage_bytes(p->storage, p->k) * p->n, flops = (double)p->m * p->n * p->k * 2;
    return (bytes / 12 + flops / 30) / p->n;
}

// Products of the same few rows with several matrices, whose rows are counted one after another.
typedef struct {
    int64_t count;
    product products[CK_MOST_BESIDE];
} products_beside;

static void beside_dots(int64_t begin, int64_t end, void *context) {
    products_beside *job = context;
    int64_t first = 0;
    for (int64_t i = 0; i < job->count && first < end; i++) {
        int64_t from = begin > first ? begin - first : 0, n = job->products[i].n, to = end - first < n ? end - first : n;
        if (from < to) few_rows_dots(from, to, &job->products[i]);
        first += n;
    }
}

/// Few rows times a thin b whose short side is the one that dot products or combinations of rows would run along.
static bool few_rows_thin(const product *p) {
    if (p->storage != CK_STORAGE_F32 || (p->transpose_b ? p->k > SMALL_DEPTH : p->n > FEW)) return false;
    if (p->beta != 0) scale_rows(p->m, p->n, p->beta, p->c, p->c_stride);
    int64_t row = p->transpose_a ? 1 : p->a_stride, column = p->transpose_a ? p->a_stride : 1;
    (p->transpose_b ? ck_spans()->shallow_products : ck_spans()->narrow_products)(
        p->m, p->n, p->k, p->alpha, p->a, row, column, p->b, p->b_stride, p->beta != 0, p->c, p->c_stride);
    add_bias(p->m, p->n, p->bias, p->c, p->c_stride);
    return true;
}

static void few_rows(product p) {
    if (few_rows_thin(&p)) return;
    double cost = few_rows_cost(&p);
    if (p.transpose_b) {
        if (p.transpose_a) {
            float *packed = ck_scratch(CK_SCRATCH_OPERAND_A, p.m * p.k);
            pack_transposed(p.k, p.m, p.a, p.a_stride, packed);
            p.a = packed;
            p.a_stride = p.k;
        }
        ck_parallel_rows(p.n, cost, few_rows_dots, &p);
    } else {
        p.panel = p.n >= 4096 ? 512 : 128;
        ck_parallel_rows((p.n + p.panel - 1) / p.panel, cost * p.panel, combine_columns, &p);
    }
}

// Few columns: rows begin ..< end of a (m × k) are streamed against op(b)ᵀ (n × k) in `b`.
static void few_columns_dots(int64_t begin, int64_t end, void *context) {
    const product *p = context;
    float *c = p->c + begin * p->c_stride;
    if (p->beta != 0) scale_rows(end - begin, p->n, p->beta, c, p->c_stride);
    ck_spans()->dots(CK_STORAGE_F32, end - begin, p->a + begin * p->a_stride, p->a_stride, p->n, p->b, p->b_stride, p->k,
                     p->alpha, p->beta != 0, c, p->c_stride, 1);
    add_bias(end - begin, p->n, p->bias, c, p->c_stride);
}

/// b as f32 in scratch, when it is stored otherwise and small.
static void expand_small(product *p) {
    if (p->storage == CK_STORAGE_F32) return;
    int64_t rows = p->transpose_b ? p->n : p->k, cols = p->transpose_b ? p->k : p->n;
    float *expanded = ck_scratch(CK_SCRATCH_TILE, rows * cols);
    for (int64_t r = 0; r < rows; r++) {
        ck_expand(p->storage, cols, (const char *)p->b + ck_storage_bytes(p->storage, r * p->b_stride), expanded + r * cols);
    }
    p->storage = CK_STORAGE_F32;
    p->b = expanded;
    p->b_stride = cols;
}

static void few_columns(product p) {
    expand_small(&p);
    double cost = p.k * (4.0 / 12 + p.n * 2.0 / 30);
    if (!p.transpose_a) {
        if (!p.transpose_b) {
            float *packed = ck_scratch(CK_SCRATCH_OPERAND_B, p.n * p.k);
            pack_transposed(p.k, p.n, p.b, p.b_stride, packed);
            p.b = packed;
            p.b_stride = p.k;
        }
        ck_parallel_rows(p.m, cost, few_columns_dots, &p);
        return;
    }
    // cᵀ = op(b)ᵀ·a with a stored k × m, then turned over.
    float *turned = ck_scratch(CK_SCRATCH_RESULT, p.n * p.m);
    product exchanged = {.storage = CK_STORAGE_F32, .transpose_a = !p.transpose_b, .m = p.n, .n = p.m, .k = p.k,
                         .alpha = p.alpha, .a = p.b, .a_stride = p.b_stride, .b = p.a, .b_stride = p.a_stride, .beta = 0,
                         .c = turned, .c_stride = p.m, .panel = 128};
    ck_parallel_rows((p.m + 127) / 128, cost * 128, combine_columns, &exchanged);
    for (int64_t i = 0; i < p.m; i++) {
        float *row = p.c + i * p.c_stride;
        for (int64_t j = 0; j < p.n; j++) {
            float kept = p.beta == 0 ? 0 : p.beta * row[j];
            row[j] = kept + turned[j * p.m + i] + (p.bias ? p.bias[j] : 0);
        }
    }
}

static void small_depth(product p) {
    expand_small(&p);
    if (p.transpose_b) {
        float *packed = ck_scratch(CK_SCRATCH_OPERAND_B, p.n * p.k);
        pack_transposed(p.n, p.k, p.b, p.b_stride, packed);
        p.b = packed;
        p.b_stride = p.n;
    }
    ck_parallel_rows(p.m, p.n * (0.5 + p.k * 2.0 / 30), combine_rows, &p);
}

static void sgemm(const product *p, int64_t m, int64_t n, const float *a, const float *b, int64_t b_stride, float *c) {
    cblas_sgemm(CblasRowMajor, p->transpose_a ? CblasTrans : CblasNoTrans, p->transpose_b ? CblasTrans : CblasNoTrans, (int)m,
                (int)n, (int)p->k, p->alpha, a, (int)p->a_stride, b, (int)b_stride, p->beta, c, (int)p->c_stride);
}

static void multiply_panel(int64_t index, void *context) {
    const product *p = context;
    int64_t first = index * p->panel, whole = p->split_rows ? p->m : p->n;
    int64_t count = whole - first < p->panel ? whole - first : p->panel;
    if (p->split_rows) {
        float *c = p->c + first * p->c_stride;
        sgemm(p, count, p->n, p->a + first * (p->transpose_a ? 1 : p->a_stride), p->b, p->b_stride, c);
        add_bias(count, p->n, p->bias, c, p->c_stride);
        return;
    }
    int64_t offset = first * (p->transpose_b ? p->b_stride : 1);
    const float *b = (const float *)p->b + offset;
    int64_t stride = p->b_stride;
    if (p->storage != CK_STORAGE_F32) {
        int64_t rows = p->transpose_b ? count : p->k, cols = p->transpose_b ? p->k : count;
        float *tile = ck_scratch(CK_SCRATCH_TILE, rows * cols);
        const char *stored = (const char *)p->b + ck_storage_bytes(p->storage, offset);
        for (int64_t r = 0; r < rows; r++) {
            ck_expand(p->storage, cols, stored + ck_storage_bytes(p->storage, r * p->b_stride), tile + r * cols);
        }
        b = tile;
        stride = cols;
    }
    sgemm(p, p->m, count, p->a, b, stride, p->c + first);
    add_bias(p->m, count, p->bias ? p->bias + first : NULL, p->c + first, p->c_stride);
}

static void panels(product p) {
    double flops = 2.0 * (double)p.m * (double)p.n * (double)p.k;
    int64_t threads = flops < 1e6 ? 1 : ck_threads();
    p.split_rows = p.storage == CK_STORAGE_F32 && p.m > p.n;
    int64_t whole = p.split_rows ? p.m : p.n;
    p.panel = (whole + threads - 1) / threads;
    int64_t unit = p.transpose_b ? 16 : ck_storage_block(p.storage);
    if (unit < 16) unit = 16;
    p.panel = (p.panel + unit - 1) / unit * unit;
    if (p.storage != CK_STORAGE_F32) {
        // A tile of about half a megabyte of f32 stays in the second-level cache between its expansion and its use.
        int64_t fitting = 131072 / p.k / unit * unit, least = unit < 64 ? 64 : unit;
        if (fitting < least) fitting = least;
        if (p.panel > fitting) p.panel = fitting;
    }
    ck_parallel((whole + p.panel - 1) / p.panel, multiply_panel, &p);
}

/// The same bits either way.
static void multiply_on(const ck_tile_set *tiles, const ck_packed_product *p) {
    bool exchanges = p->transpose_b && p->alpha == 1 && !p->accumulate;
    (exchanges ? ck_multiply_exchanged : ck_multiply_packed)(tiles, p);
}

static void many_rows(product p) {
    const ck_tile_set *tiles = ck_f32_tiles();
    if (!tiles) {
        panels(p);
        return;
    }
    if (p.beta != 0 && p.beta != 1) scale_rows(p.m, p.n, p.beta, p.c, p.c_stride);
    ck_packed_product packed = {p.storage, p.transpose_a, p.transpose_b, p.m, p.n, p.k, p.alpha, p.a, p.a_stride, p.b, p.b_stride,
                                p.beta != 0, p.c, p.c_stride, p.bias};
    multiply_on(tiles, &packed);
}

void ck_gemm_stored(ck_storage storage, bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha,
                    const float *a, int64_t a_stride, const void *b, int64_t b_stride, float beta, float *c, int64_t c_stride,
                    const float *bias) {
    if (m <= 0 || n <= 0) return;
    product p = {storage, transpose_a, transpose_b, m, n, k, alpha, a, a_stride, b, b_stride, beta, c, c_stride, bias, n, false};
    if (k <= 0 || alpha == 0) {
        scale_rows(m, n, beta, c, c_stride);
        add_bias(m, n, bias, c, c_stride);
    } else if (m <= FEW && (transpose_b || storage <= CK_STORAGE_BF16)) {
        few_rows(p);
    } else if (n <= FEW) {
        few_columns(p);
    } else if (k <= SMALL_DEPTH) {
        small_depth(p);
    } else {
        many_rows(p);
    }
}

bool ck_gemm_beside(int64_t count, const ck_product_beside *parts, int64_t m, int64_t k, const float *a, int64_t a_stride) {
    if (count > CK_MOST_BESIDE || m > FEW || k <= SMALL_DEPTH) return false;
    if (m <= 0) return true;
    products_beside job = {.count = count};
    double cost = 0;
    int64_t columns = 0;
    for (int64_t i = 0; i < count; i++) {
        const ck_product_beside *part = &parts[i];
        job.products[i] = (product){part->storage, false, true, m, part->n, k, 1, a, a_stride, part->b, part->b_stride, 0, part->c,
                                    part->c_stride, part->bias, part->n, false};
        cost += few_rows_cost(&job.products[i]) * part->n;
        columns += part->n;
    }
    if (columns > 0) ck_parallel_rows(columns, cost / columns, beside_dots, &job);
    return true;
}

void ck_gemm_bf16(ck_storage storage, bool transpose_b, int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride,
                  const void *b, int64_t b_stride, float *c, int64_t c_stride, const float *bias) {
    if (m <= FEW || n <= FEW || k <= SMALL_DEPTH) {
        ck_gemm_stored(storage, false, transpose_b, m, n, k, 1, a, a_stride, b, b_stride, 0, c, c_stride, bias);
        return;
    }
    ck_packed_product p = {storage, false, transpose_b, m, n, k, 1, a, a_stride, b, b_stride, false, c, c_stride, bias};
    const ck_tile_set *tiles = ck_bf16_tiles();
    if (tiles) multiply_on(tiles, &p);
    else ck_multiply_rounded(&p);
}

void ck_gemm(bool transpose_a, bool transpose_b, int64_t m, int64_t n, int64_t k, float alpha, const float *a, int64_t a_stride,
             const float *b, int64_t b_stride, float beta, float *c, int64_t c_stride) {
    ck_gemm_stored(CK_STORAGE_F32, transpose_a, transpose_b, m, n, k, alpha, a, a_stride, b, b_stride, beta, c, c_stride, NULL);
}
