// How a product is cut: columns into pieces for the threads, k into blocks that fit the caches, rows into strips.
#include "packed.h"

#include "include/ck_dispatch.h"
#include "include/ck_elementwise.h"
#include "include/ck_parallel.h"
#include "scratch.h"
#include "spans.h"

// A block of a piece, 384 × 288 words, takes less than half of a second-level cache of 1 MiB.
enum { PIECE_PANELS = 9 };

const ck_tile_set *ck_f32_tiles(void) {
#if defined(__x86_64__)
    if (ck_current_path() == CK_PATH_AVX512) return &ck_f32_tiles_avx512;
#endif
    return NULL;
}

const ck_tile_set *ck_bf16_tiles(void) {
#if defined(__x86_64__)
    if (ck_current_path() == CK_PATH_AVX512 && __builtin_cpu_supports("avx512bf16")) return &ck_bf16_tiles_avx512;
#endif
    return NULL;
}

typedef struct {
    const ck_packed_product *product;
    const ck_tile_set *tiles;
    int64_t panels, strips;
    int64_t column_pieces, row_pieces;
} packed_job;

static int64_t at_least(int64_t numerator, int64_t denominator) { return (numerator + denominator - 1) / denominator; }

/// The first of part `index` when 0 ..< count is cut evenly into `parts`.
static int64_t part_begin(int64_t count, int64_t parts, int64_t index) {
    int64_t width = count / parts, longer = count % parts;
    return index * width + (index < longer ? index : longer);
}

static int64_t stored_width(ck_storage storage) { return storage == CK_STORAGE_F32 ? 4 : 2; }

/// Packs columns first ..< first + columns of rows k_begin ..< k_begin + k of op(b).
static void pack_panel(const packed_job *job, int64_t first, int64_t columns, int64_t k_begin, int64_t k, float *words) {
    const ck_packed_product *p = job->product;
    int64_t row = p->transpose_b ? first : k_begin, column = p->transpose_b ? k_begin : first;
    const char *b = (const char *)p->b + (row * p->b_stride + column) * stored_width(p->storage);
    (p->transpose_b ? job->tiles->pack_turned : job->tiles->pack_across)(p->storage, columns, k, b, p->b_stride, words);
}

static void copy_strip(const packed_job *job, int64_t first, int64_t rows, int64_t k_begin, int64_t k, float *words) {
    const ck_packed_product *p = job->product;
    if (p->transpose_a) {
        job->tiles->turn_rows(rows, k, p->a + k_begin * p->a_stride + first, p->a_stride, words);
    } else {
        job->tiles->copy_rows(rows, k, p->a + first * p->a_stride + k_begin, p->a_stride, words);
    }
}

static void scale_strip(int64_t rows, int64_t words, float factor, float *strip) {
    for (int64_t r = 0; r < rows; r++) {
        float *row = strip + r * CK_STRIP_STRIDE;
        ck_spans()->scale_shift(words, factor, 0, row, row);
    }
}

/// Asks for part `index` of `parts` of the rows of a strip to come, while another is multiplied.
static void prefetch_strip(const ck_packed_product *p, int64_t first, int64_t rows, int64_t k_begin, int64_t k, int64_t parts,
                           int64_t index) {
    if (p->transpose_a) return;
    int64_t lines = at_least(k, 16), end = part_begin(rows * lines, parts, index + 1);
    for (int64_t line = part_begin(rows * lines, parts, index); line < end; line++) {
        __builtin_prefetch(p->a + (first + line / lines) * p->a_stride + k_begin + line % lines * 16, 0, 2);
    }
}

static void run_piece(int64_t index, void *context) {
    const packed_job *job = context;
    const ck_packed_product *p = job->product;
    int64_t pair = job->tiles->pair, words = at_least(p->k, pair);
    int64_t column_piece = index / job->row_pieces, row_piece = index % job->row_pieces;
    int64_t panel_begin = part_begin(job->panels, job->column_pieces, column_piece);
    int64_t panel_end = part_begin(job->panels, job->column_pieces, column_piece + 1);
    int64_t row_begin = part_begin(p->m, job->row_pieces, row_piece), row_end = part_begin(p->m, job->row_pieces, row_piece + 1);
    int64_t strips = at_least(row_end - row_begin, CK_STRIP);
    // Multiples of 32, so that the blocks of quantised rows stay whole.
    int64_t block = at_least(at_least(words, at_least(words, CK_BLOCK)), 32) * 32;
    float *packed = ck_scratch(CK_SCRATCH_OPERAND_B, (panel_end - panel_begin) * CK_PANEL * block);
    float *strip = ck_scratch(CK_SCRATCH_OPERAND_A, CK_STRIP * CK_STRIP_STRIDE);
    for (int64_t begin = 0; begin < words; begin += block) {
        int64_t depth = words - begin < block ? words - begin : block;
        int64_t k_begin = begin * pair, k = p->k - k_begin < depth * pair ? p->k - k_begin : depth * pair;
        bool accumulate = p->accumulate || begin > 0, ends = begin + depth == words;
        for (int64_t panel = panel_begin; panel < panel_end; panel++) {
            int64_t first = panel * CK_PANEL, columns = p->n - first < CK_PANEL ? p->n - first : CK_PANEL;
            pack_panel(job, first, columns, k_begin, k, packed + (panel - panel_begin) * CK_PANEL * depth);
        }
        for (int64_t s = 0; s < strips; s++) {
            int64_t row = row_begin + part_begin(row_end - row_begin, strips, s);
            int64_t rows = row_begin + part_begin(row_end - row_begin, strips, s + 1) - row;
            copy_strip(job, row, rows, k_begin, k, strip);
            if (p->alpha != 1) scale_strip(rows, depth, p->alpha, strip);
            int64_t next = s + 2 <= strips ? row_begin + part_begin(row_end - row_begin, strips, s + 2) - row - rows : 0;
            for (int64_t panel = panel_begin; panel < panel_end; panel++) {
                int64_t first = panel * CK_PANEL, columns = p->n - first < CK_PANEL ? p->n - first : CK_PANEL;
                prefetch_strip(p, row + rows, next, k_begin, k, panel_end - panel_begin, panel - panel_begin);
                job->tiles->tile(rows, columns, depth, strip, packed + (panel - panel_begin) * CK_PANEL * depth,
                                 p->c + row * p->c_stride + first, p->c_stride, accumulate,
                                 ends && p->bias ? p->bias + first : NULL);
            }
        }
    }
}

void ck_multiply_packed(const ck_tile_set *tiles, const ck_packed_product *product) {
    const ck_packed_product *p = product;
    packed_job job = {.product = p, .tiles = tiles, .panels = at_least(p->n, CK_PANEL), .strips = at_least(p->m, CK_STRIP)};
    double flops = 2.0 * (double)p->m * (double)p->n * (double)p->k;
    int64_t threads = flops < 2e6 ? 1 : ck_threads();
    job.column_pieces = at_least(job.panels, PIECE_PANELS);
    if (job.panels >= threads) job.column_pieces = at_least(job.column_pieces, threads) * threads;
    if (job.column_pieces > job.panels) job.column_pieces = job.panels;
    job.row_pieces = at_least(threads, job.column_pieces);
    if (job.row_pieces > job.strips) job.row_pieces = job.strips;
    int64_t pieces = job.column_pieces * job.row_pieces;
    if (threads > 1) {
        ck_parallel(pieces, run_piece, &job);
    } else {
        for (int64_t index = 0; index < pieces; index++) run_piece(index, &job);
    }
}
