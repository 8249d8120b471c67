// How a product is cut: columns into pieces for the threads, k into blocks that fit the caches, rows into strips.
#include "packed.h"

#include "include/ck_dispatch.h"
#include "include/ck_elementwise.h"
#include "include/ck_parallel.h"
#include "scratch.h"
#include "spans.h"
#include "storage.h"

enum {
    PIECE_PANELS = 9,  // a block of a piece, 384 × 288 words, takes less than half of a second-level cache of 1 MiB
    CHUNK = 128,       // quantised numbers of a row that are widened before they are turned: 16 KiB of 32 rows stay in the first cache
    CHUNK_STRIDE = 272,
    CHUNK_ROWS = 16,   // quantised rows that are widened before they are cut into panels
};

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

int64_t ck_packed_block(const ck_tile_set *tiles, const ck_packed_product *product) {
    int64_t words = ck_at_least(product->k, tiles->pair);
    // Multiples of 32, and of the blocks of quantised rows, so that these stay whole.
    int64_t whole = product->transpose_b ? ck_storage_block(product->storage) / tiles->pair : 32;
    if (whole < 32) whole = 32;
    return ck_at_least(ck_at_least(words, ck_at_least(words, CK_BLOCK / whole * whole)), whole) * whole;
}

static int64_t columns_of(const packed_job *job, int64_t panel) {
    int64_t columns = job->product->n - panel * CK_PANEL;
    return columns < CK_PANEL ? columns : CK_PANEL;
}

/// A panel whose columns are quantised rows: widened chunk by chunk, then packed as f32.
static void pack_blocks_turned(const packed_job *job, int64_t panel, int64_t k_begin, int64_t k, float *words) {
    const ck_packed_product *p = job->product;
    int64_t columns = columns_of(job, panel), block = ck_storage_block(p->storage), chunk = block > CHUNK ? block : CHUNK;
    float *widened = ck_scratch(CK_SCRATCH_WIDENED, CK_PANEL * CHUNK_STRIDE);
    int64_t row_bytes = ck_storage_bytes(p->storage, p->b_stride);
    const char *b = (const char *)p->b + panel * CK_PANEL * row_bytes;
    for (int64_t i = 0; i < k; i += chunk) {
        int64_t depth = k - i < chunk ? k - i : chunk;
        const char *first = b + ck_storage_bytes(p->storage, k_begin + i);
        for (int64_t r = 0; r < columns; r++) ck_expand(p->storage, depth, first + r * row_bytes, widened + r * CHUNK_STRIDE);
        job->tiles->pack_turned(CK_STORAGE_F32, columns, depth, widened, CHUNK_STRIDE, words + i / job->tiles->pair * CK_PANEL);
    }
}

/// Panels that quantised rows lie across, `depth` words of k each, one behind the other.
static void pack_blocks_across(const packed_job *job, int64_t begin, int64_t end, int64_t k_begin, int64_t k, int64_t depth,
                               float *packed) {
    const ck_packed_product *p = job->product;
    // The blocks around the piece's columns.
    int64_t block = ck_storage_block(p->storage), first = begin * CK_PANEL / block * block, beside = begin * CK_PANEL - first;
    int64_t width = ck_at_least((end * CK_PANEL < p->n ? end * CK_PANEL : p->n) - first, block) * block;
    float *widened = ck_scratch(CK_SCRATCH_WIDENED, CHUNK_ROWS * width);
    int64_t row_bytes = ck_storage_bytes(p->storage, p->b_stride);
    const char *b = (const char *)p->b + k_begin * row_bytes + ck_storage_bytes(p->storage, first);
    for (int64_t i = 0; i < k; i += CHUNK_ROWS) {
        int64_t rows = k - i < CHUNK_ROWS ? k - i : CHUNK_ROWS;
        for (int64_t r = 0; r < rows; r++) ck_expand(p->storage, width, b + (i + r) * row_bytes, widened + r * width);
        float *words = packed + i / job->tiles->pair * CK_PANEL;
        for (int64_t panel = begin; panel < end; panel++, words += CK_PANEL * depth) {
            job->tiles->pack_across(CK_STORAGE_F32, columns_of(job, panel), rows, widened + beside + (panel - begin) * CK_PANEL,
                                    width, words);
        }
    }
}

/// Packs rows k_begin ..< k_begin + k of op(b), `depth` words, for panels begin ..< end.
static void pack_panels(const packed_job *job, int64_t begin, int64_t end, int64_t k_begin, int64_t k, int64_t depth,
                        float *packed) {
    const ck_packed_product *p = job->product;
    bool has_blocks = p->storage > CK_STORAGE_BF16;
    if (has_blocks && !p->transpose_b) {
        pack_blocks_across(job, begin, end, k_begin, k, depth, packed);
        return;
    }
    for (int64_t panel = begin; panel < end; panel++, packed += CK_PANEL * depth) {
        if (has_blocks) {
            pack_blocks_turned(job, panel, k_begin, k, packed);
            continue;
        }
        int64_t first = panel * CK_PANEL, row = p->transpose_b ? first : k_begin, column = p->transpose_b ? k_begin : first;
        const char *b = (const char *)p->b + ck_storage_bytes(p->storage, row * p->b_stride + column);
        (p->transpose_b ? job->tiles->pack_turned : job->tiles->pack_across)(p->storage, columns_of(job, panel), k, b, p->b_stride,
                                                                             packed);
    }
}

static void copy_strip(const packed_job *job, int64_t first, int64_t rows, int64_t k_begin, int64_t k, float *words) {
    const ck_packed_product *p = job->product;
    if (p->transpose_a) {
        job->tiles->turn_rows(rows, k, p->a + k_begin * p->a_stride + first, p->a_stride, words);
    } else {
        job->tiles->copy_stored(CK_STORAGE_F32, rows, k, p->a + first * p->a_stride + k_begin,
                                ck_storage_bytes(CK_STORAGE_F32, p->a_stride), words);
    }
}

static void scale_strip(int64_t rows, int64_t words, float factor, float *strip) {
    for (int64_t r = 0; r < rows; r++) {
        float *row = strip + r * CK_STRIP_STRIDE;
        ck_spans()->scale_shift(words, factor, 0, row, row);
    }
}

/// The lines of the block of b after this one, while k × n numbers that are not quantised are multiplied in so many steps.
static ck_lines_ahead next_block(const packed_job *job, int64_t first, int64_t end, int64_t k_begin, int64_t steps) {
    const ck_packed_product *p = job->product;
    int64_t rows = p->k - k_begin < CK_BLOCK * job->tiles->pair ? p->k - k_begin : CK_BLOCK * job->tiles->pair;
    if (p->transpose_b || p->storage > CK_STORAGE_BF16 || rows <= 0) return (ck_lines_ahead){0};
    int64_t columns = (end * CK_PANEL < p->n ? end * CK_PANEL : p->n) - first * CK_PANEL;
    int64_t lines = ck_at_least(ck_storage_bytes(p->storage, columns), 64) + 1, offset = k_begin * p->b_stride + first * CK_PANEL;
    return ck_lines_of((const char *)p->b + ck_storage_bytes(p->storage, offset), rows, lines,
                       ck_storage_bytes(p->storage, p->b_stride), steps);
}

/// Asks for part `index` of `parts` of the rows of a strip to come, while another is multiplied.
static void prefetch_strip(const ck_packed_product *p, int64_t first, int64_t rows, int64_t k_begin, int64_t k, int64_t parts,
                           int64_t index) {
    if (p->transpose_a) return;
    int64_t lines = ck_at_least(k, 16), end = ck_part_begin(rows * lines, parts, index + 1);
    for (int64_t line = ck_part_begin(rows * lines, parts, index); line < end; line++) {
        __builtin_prefetch(p->a + (first + line / lines) * p->a_stride + k_begin + line % lines * 16, 0, 2);
    }
}

static void run_piece(int64_t index, void *context) {
    const packed_job *job = context;
    const ck_packed_product *p = job->product;
    int64_t pair = job->tiles->pair, words = ck_at_least(p->k, pair);
    int64_t column_piece = index / job->row_pieces, row_piece = index % job->row_pieces;
    int64_t panel_begin = ck_part_begin(job->panels, job->column_pieces, column_piece);
    int64_t panel_end = ck_part_begin(job->panels, job->column_pieces, column_piece + 1);
    int64_t row_begin = ck_part_begin(p->m, job->row_pieces, row_piece), row_end = ck_part_begin(p->m, job->row_pieces, row_piece + 1);
    int64_t strips = ck_at_least(row_end - row_begin, CK_STRIP);
    int64_t block = ck_packed_block(job->tiles, p);
    float *packed = ck_scratch(CK_SCRATCH_OPERAND_B, (panel_end - panel_begin) * CK_PANEL * block);
    float *strip = ck_scratch(CK_SCRATCH_OPERAND_A, CK_STRIP * CK_STRIP_STRIDE);
    for (int64_t begin = 0; begin < words; begin += block) {
        int64_t depth = words - begin < block ? words - begin : block;
        int64_t k_begin = begin * pair, k = p->k - k_begin < depth * pair ? p->k - k_begin : depth * pair;
        bool accumulate = p->accumulate || begin > 0, ends = begin + depth == words;
        pack_panels(job, panel_begin, panel_end, k_begin, k, depth, packed);
        ck_lines_ahead ahead = next_block(job, panel_begin, panel_end, k_begin + k, strips * (panel_end - panel_begin) * depth);
        for (int64_t s = 0; s < strips; s++) {
            int64_t row = row_begin + ck_part_begin(row_end - row_begin, strips, s);
            int64_t rows = row_begin + ck_part_begin(row_end - row_begin, strips, s + 1) - row;
            copy_strip(job, row, rows, k_begin, k, strip);
            if (p->alpha != 1) scale_strip(rows, depth, p->alpha, strip);
            int64_t next = s + 2 <= strips ? row_begin + ck_part_begin(row_end - row_begin, strips, s + 2) - row - rows : 0;
            for (int64_t panel = panel_begin; panel < panel_end; panel++) {
                int64_t first = panel * CK_PANEL, columns = columns_of(job, panel);
                prefetch_strip(p, row + rows, next, k_begin, k, panel_end - panel_begin, panel - panel_begin);
                job->tiles->tile(rows, columns, depth, strip, packed + (panel - panel_begin) * CK_PANEL * depth,
                                 p->c + row * p->c_stride + first, p->c_stride, accumulate,
                                 ends && p->bias ? p->bias + first : NULL, &ahead);
            }
        }
    }
}

void ck_multiply_packed(const ck_tile_set *tiles, const ck_packed_product *product) {
    const ck_packed_product *p = product;
    packed_job job = {.product = p, .tiles = tiles, .panels = ck_at_least(p->n, CK_PANEL), .strips = ck_at_least(p->m, CK_STRIP)};
    double flops = 2.0 * (double)p->m * (double)p->n * (double)p->k;
    int64_t threads = flops < 2e6 ? 1 : ck_threads();
    job.column_pieces = ck_at_least(job.panels, PIECE_PANELS);
    if (job.panels >= threads) job.column_pieces = ck_at_least(job.column_pieces, threads) * threads;
    if (job.column_pieces > job.panels) job.column_pieces = job.panels;
    job.row_pieces = ck_at_least(threads, job.column_pieces);
    if (job.row_pieces > job.strips) job.row_pieces = job.strips;
    int64_t pieces = job.column_pieces * job.row_pieces;
    if (threads > 1) {
        ck_parallel(pieces, run_piece, &job);
    } else {
        for (int64_t index = 0; index < pieces; index++) run_piece(index, &job);
    }
}
