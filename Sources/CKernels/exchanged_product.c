// Products with a matrix n × k: rows of a are packed, strips of rows of b pass by while the next ones come from memory.
#include "packed.h"

#include "include/ck_parallel.h"
#include "scratch.h"
#include "storage.h"

enum {
    PIECE_STRIPS = 8,  // of b: more pieces let threads wait less for one another, fewer have fewer strips nobody asked for in time
    BAND_PANELS = 12,  // of rows of a that are packed at once: a block of them, 384 × 384 words, takes half of the second cache
};

typedef struct {
    const ck_packed_product *product;
    const ck_tile_set *tiles;
    int64_t panels, strips, pieces, words, block;
    float *packed;  // block after block of k, in each panel after panel
} exchanged_job;

static int64_t columns_of(const exchanged_job *job, int64_t panel) {
    int64_t columns = job->product->m - panel * CK_PANEL;
    return columns < CK_PANEL ? columns : CK_PANEL;
}

/// One block of k of one panel, whose columns are rows of a.
static void pack_rows(int64_t index, void *context) {
    const exchanged_job *job = context;
    const ck_packed_product *p = job->product;
    int64_t pair = job->tiles->pair, panel = index % job->panels, begin = index / job->panels * job->block;
    int64_t depth = job->words - begin < job->block ? job->words - begin : job->block;
    int64_t k_begin = begin * pair, k = p->k - k_begin < depth * pair ? p->k - k_begin : depth * pair;
    int64_t row = p->transpose_a ? k_begin : panel * CK_PANEL, column = p->transpose_a ? panel * CK_PANEL : k_begin;
    (p->transpose_a ? job->tiles->pack_across : job->tiles->pack_turned)(
        CK_STORAGE_F32, columns_of(job, panel), k, p->a + row * p->a_stride + column, p->a_stride,
        job->packed + CK_PANEL * (begin * job->panels + panel * depth));
}

/// Part of some rows of b.
typedef struct {
    int64_t row, rows, k;
    const char *begin;
} strip_place;

static strip_place place_of(const exchanged_job *job, int64_t strip, int64_t begin) {
    const ck_packed_product *p = job->product;
    int64_t pair = job->tiles->pair, row = ck_part_begin(p->n, job->strips, strip);
    int64_t left = p->k - begin * pair, k = left < job->block * pair ? left : job->block * pair;
    return (strip_place){row, ck_part_begin(p->n, job->strips, strip + 1) - row, k,
                         (const char *)p->b + ck_storage_bytes(p->storage, row * p->b_stride + begin * pair)};
}

static void run_piece(int64_t index, void *context) {
    const exchanged_job *job = context;
    const ck_packed_product *p = job->product;
    int64_t first = ck_part_begin(job->strips, job->pieces, index), end = ck_part_begin(job->strips, job->pieces, index + 1);
    int64_t row_bytes = ck_storage_bytes(p->storage, p->b_stride);
    float *words = ck_scratch(CK_SCRATCH_OPERAND_A, CK_STRIP * CK_STRIP_STRIDE);
    float *sums = ck_scratch(CK_SCRATCH_RESULT, (end - first) * job->panels * CK_STRIP * CK_PANEL);
    for (int64_t begin = 0; begin < job->words; begin += job->block) {
        int64_t depth = job->words - begin < job->block ? job->words - begin : job->block;
        bool ends = begin + depth == job->words;
        const float *packed = job->packed + CK_PANEL * begin * job->panels;
        for (int64_t s = first; s < end; s++) {
            strip_place strip = place_of(job, s, begin), next = {0};
            if (s + 1 < end) next = place_of(job, s + 1, begin);
            else if (!ends) next = place_of(job, first, begin + depth);
            // One line more, wherever in its first one a row begins.
            ck_lines_ahead ahead = ck_lines_of(next.begin, next.rows, ck_at_least(ck_storage_bytes(p->storage, next.k), 64) + 1,
                                               row_bytes, depth * job->panels);
            job->tiles->copy_stored(p->storage, strip.rows, strip.k, strip.begin, row_bytes, words);
            for (int64_t panel = 0; panel < job->panels; panel++) {
                int64_t columns = columns_of(job, panel);
                const float *b = packed + panel * CK_PANEL * depth;
                float *sum = sums + ((s - first) * job->panels + panel) * CK_STRIP * CK_PANEL;
                if (!ends) {
                    job->tiles->tile(strip.rows, columns, depth, words, b, sum, CK_PANEL, begin > 0, NULL, &ahead);
                } else {
                    job->tiles->finish_turned(strip.rows, columns, depth, words, b, begin > 0 ? sum : NULL,
                                              p->c + panel * CK_PANEL * p->c_stride + strip.row, p->c_stride,
                                              p->bias ? p->bias + strip.row : NULL, &ahead);
                }
            }
        }
    }
}

static void multiply_band(const ck_tile_set *tiles, const ck_packed_product *p) {
    exchanged_job job = {.product = p, .tiles = tiles, .panels = ck_at_least(p->m, CK_PANEL),
                         .strips = ck_at_least(p->n, CK_STRIP), .words = ck_at_least(p->k, tiles->pair),
                         .block = ck_packed_block(tiles, p)};
    double flops = 2.0 * (double)p->m * (double)p->n * (double)p->k;
    int64_t threads = flops < 2e6 ? 1 : ck_threads();
    int64_t turns = job.panels * ck_at_least(job.words, job.block);
    job.pieces = ck_at_least(job.strips, PIECE_STRIPS);
    if (job.pieces < threads) job.pieces = threads < job.strips ? threads : job.strips;
    job.packed = ck_scratch(CK_SCRATCH_OPERAND_B, job.panels * CK_PANEL * job.words);
    if (threads > 1) {
        ck_parallel(turns, pack_rows, &job);
        ck_parallel(job.pieces, run_piece, &job);
    } else {
        for (int64_t index = 0; index < turns; index++) pack_rows(index, &job);
        for (int64_t index = 0; index < job.pieces; index++) run_piece(index, &job);
    }
}

void ck_multiply_exchanged(const ck_tile_set *tiles, const ck_packed_product *product) {
    int64_t panels = ck_at_least(product->m, CK_PANEL), bands = ck_at_least(panels, BAND_PANELS);
    for (int64_t index = 0; index < bands; index++) {
        ck_packed_product band = *product;
        int64_t first = ck_part_begin(panels, bands, index) * CK_PANEL;
        int64_t end = ck_part_begin(panels, bands, index + 1) * CK_PANEL;
        band.m = (end < product->m ? end : product->m) - first;
        band.a += first * (product->transpose_a ? 1 : product->a_stride);
        band.c += first * product->c_stride;
        multiply_band(tiles, &band);
    }
}
