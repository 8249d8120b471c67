// Vector kernels for attention of few queries to many keys. The keys and values of all heads lie side by side and are read row after
// row, once; what is read next is asked for meanwhile, a line for each that is read.

enum { KEYS_AT_ONCE = 24 };  // that one head reads before the next: they stay in the second cache

static void span_key_scores(int64_t count, int64_t heads, int64_t group, int64_t size, const float *keys, int64_t key_stride,
                            const float *queries, float scale, int64_t ahead, float *scores, int64_t score_stride) {
    for (int64_t first = 0; first < count; first += KEYS_AT_ONCE) {
        int64_t rows = count - first < KEYS_AT_ONCE ? count - first : KEYS_AT_ONCE;
        for (int64_t head = 0; head < heads; head++) {
            for (int64_t row = head * group; row < (head + 1) * group; row += TILE_FEW) {
                int64_t few = (head + 1) * group - row < TILE_FEW ? (head + 1) * group - row : TILE_FEW;
                dot_rows_job job = {rows, (const char *)(keys + first * key_stride + head * size), key_stride * 4, ahead,
                                    queries + row * size, size, size, scale, false, scores + row * score_stride + first, 1, score_stride};
                dot_rows_functions[CK_STORAGE_F32][few - 1][DOTS_OF_HEADS](&job);
            }
        }
    }
}

// Sums that a tile of values keeps in registers: rows of weights by vectors of columns.
#if defined(CK_HAS_AVX512)
enum { VALUE_ROWS = 4, VALUE_VECTORS = 4 };
#else
enum { VALUE_ROWS = 2, VALUE_VECTORS = 4 };
#endif

/// y[r, ·] += Σ_j weights[r, j]·values[j, ·] for RB rows and VB vectors of columns, or `columns` lanes of one.
INLINE void value_tile(const int RB, const int VB, int64_t columns, int64_t count, const float *values, int64_t value_stride,
                       const float *weights, int64_t weight_stride, int64_t ahead, float *y, int64_t y_stride) {
    vf sums[VALUE_ROWS][VALUE_VECTORS];
    bool whole = VB > 1 || columns >= LANES;
    _Pragma("clang loop unroll(full)") for (int r = 0; r < RB; r++)
        _Pragma("clang loop unroll(full)") for (int v = 0; v < VB; v++)
            sums[r][v] = whole ? load(y + r * y_stride + v * LANES) : load_part(y + r * y_stride, columns);
    for (int64_t j = 0; j < count; j++, values += value_stride) {
        vf row[VALUE_VECTORS];
        _Pragma("clang loop unroll(full)") for (int v = 0; v < VB; v++) {
            row[v] = whole ? load(values + v * LANES) : load_part(values, columns);
            if (v * LANES % 16 == 0) __builtin_prefetch((const char *)(values + v * LANES) + ahead, 0, 2);
        }
        _Pragma("clang loop unroll(full)") for (int r = 0; r < RB; r++) {
            vf weight = splat(weights[r * weight_stride + j]);
            _Pragma("clang loop unroll(full)") for (int v = 0; v < VB; v++) sums[r][v] = row[v] * weight + sums[r][v];
        }
    }
    _Pragma("clang loop unroll(full)") for (int r = 0; r < RB; r++)
        _Pragma("clang loop unroll(full)") for (int v = 0; v < VB; v++) {
            if (whole) store(y + r * y_stride + v * LANES, sums[r][v]);
            else store_part(y + r * y_stride, sums[r][v], columns);
        }
}

INLINE void value_rows(const int RB, int64_t size, int64_t count, const float *values, int64_t value_stride, const float *weights,
                       int64_t weight_stride, int64_t ahead, float *y) {
    enum { WIDTH = VALUE_VECTORS * LANES };
    int64_t column = 0;
    for (; column + WIDTH <= size; column += WIDTH)
        value_tile(RB, VALUE_VECTORS, WIDTH, count, values + column, value_stride, weights, weight_stride, ahead, y + column, size);
    for (; column < size; column += LANES)
        value_tile(RB, 1, size - column, count, values + column, value_stride, weights, weight_stride, ahead, y + column, size);
}

static void span_weighted_values(int64_t count, int64_t heads, int64_t group, int64_t size, const float *values, int64_t value_stride,
                                 const float *weights, int64_t weight_stride, int64_t ahead, float *sums) {
    for (int64_t first = 0; first < count; first += KEYS_AT_ONCE) {
        int64_t rows = count - first < KEYS_AT_ONCE ? count - first : KEYS_AT_ONCE;
        for (int64_t head = 0; head < heads; head++) {
            const float *of_head = values + first * value_stride + head * size;
            int64_t row = head * group, left = group;
#define ROWS(RB)                                                                                                            \
    for (; left >= (RB); left -= (RB), row += (RB))                                                                         \
    value_rows(RB, size, rows, of_head, value_stride, weights + row * weight_stride + first, weight_stride, ahead, sums + row * size)
#if defined(CK_HAS_AVX512)
            ROWS(4);
            ROWS(3);
#endif
            ROWS(2);
            ROWS(1);
#undef ROWS
        }
    }
}
