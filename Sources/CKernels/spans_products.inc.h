// Vector kernels for products in which one side has few rows.

/// A streamed row against FB few rows, two sums a pair: those of the even and of the odd vectors.
INLINE void dot_tile(const int FB, ck_storage storage, const void *row, const float *few, int64_t few_stride, int64_t k,
                     float alpha, bool accumulate, float *out, int64_t out_f) {
    vf sums[16];
    _Pragma("clang loop unroll(full)") for (int j = 0; j < 2 * FB; j++) sums[j] = splat(0);
    int64_t i = 0;
    for (; i + 2 * LANES <= k; i += 2 * LANES) {
        vf even = load_stored(storage, row, i), odd = load_stored(storage, row, i + LANES);
        _Pragma("clang loop unroll(full)") for (int f = 0; f < FB; f++) {
            sums[2 * f] = even * load(few + f * few_stride + i) + sums[2 * f];
            sums[2 * f + 1] = odd * load(few + f * few_stride + i + LANES) + sums[2 * f + 1];
        }
    }
    if (i + LANES <= k) {
        vf even = load_stored(storage, row, i);
        _Pragma("clang loop unroll(full)") for (int f = 0; f < FB; f++)
            sums[2 * f] = even * load(few + f * few_stride + i) + sums[2 * f];
        i += LANES;
    }
    if (i < k) {
        vf part = load_stored_part(storage, row, i, k - i);
        _Pragma("clang loop unroll(full)") for (int f = 0; f < FB; f++)
            sums[2 * f + 1] = part * load_part(few + f * few_stride + i, k - i) + sums[2 * f + 1];
    }
    _Pragma("clang loop unroll(full)") for (int f = 0; f < FB; f++) {
        float sum = alpha * add_lanes(sums[2 * f] + sums[2 * f + 1]);
        out[f * out_f] = accumulate ? out[f * out_f] + sum : sum;
    }
}

INLINE void dots_in(ck_storage storage, int64_t width, int64_t stream_count, const char *stream, int64_t stream_stride,
                    int64_t few_count, const float *few, int64_t few_stride, int64_t k, float alpha, bool accumulate,
                    float *out, int64_t out_s, int64_t out_f) {
#define TILE(FB)                                                                                                  \
    dot_tile(FB, storage, stream + s * stream_stride * width, few + f * few_stride, few_stride, k, alpha, accumulate, \
             out + s * out_s + f * out_f, out_f)
    // Reading one row after another is what the prefetcher follows best.
    for (int64_t s = 0; s < stream_count; s++) {
        int64_t f = 0;
        for (; f + 8 <= few_count; f += 8) TILE(8);
        for (; f + 4 <= few_count; f += 4) TILE(4);
        for (; f + 2 <= few_count; f += 2) TILE(2);
        if (f < few_count) TILE(1);
    }
#undef TILE
}

static void span_dots(ck_storage storage, int64_t stream_count, const void *stream, int64_t stream_stride, int64_t few_count,
                      const float *few, int64_t few_stride, int64_t k, float alpha, bool accumulate, float *out,
                      int64_t out_s, int64_t out_f) {
#define CASE(STORAGE, WIDTH)                                                                                           \
    dots_in(STORAGE, WIDTH, stream_count, stream, stream_stride, few_count, few, few_stride, k, alpha, accumulate, out, \
            out_s, out_f)
    if (storage == CK_STORAGE_F32) CASE(CK_STORAGE_F32, 4);
    else if (storage == CK_STORAGE_BF16) CASE(CK_STORAGE_BF16, 2);
    else CASE(CK_STORAGE_F16, 2);
#undef CASE
}

/// MB rows of y over `n` columns of KB consecutive rows of b.
INLINE void combine(const int MB, const int KB, ck_storage storage, int64_t width, int64_t n, const float *factors,
                    const char *b, int64_t b_stride, float *y, int64_t y_stride) {
    FOR_VECTORS(n, {
        vf rows[4];
        _Pragma("clang loop unroll(full)") for (int j = 0; j < KB; j++) {
            const void *row = b + j * b_stride * width;
            rows[j] = whole ? load_stored(storage, row, i) : load_stored_part(storage, row, i, count);
        }
        _Pragma("clang loop unroll(full)") for (int r = 0; r < MB; r++) {
            vf sum = LOAD(y + r * y_stride);
            _Pragma("clang loop unroll(full)") for (int j = 0; j < KB; j++) sum = rows[j] * factors[r * 4 + j] + sum;
            STORE(y + r * y_stride, sum);
        }
    })
}

INLINE void combinations_in(ck_storage storage, int64_t width, int64_t m, int64_t n, int64_t k, float alpha, const float *x,
                            int64_t x_row, int64_t x_column, const char *b, int64_t b_stride, float *y, int64_t y_stride) {
    enum { PANEL = 512 };
    for (int64_t column = 0; column < n; column += PANEL) {
        int64_t columns = n - column < PANEL ? n - column : PANEL;
        for (int64_t j = 0; j < k; j += 4) {
            int64_t depth = k - j < 4 ? k - j : 4;
            const char *panel = b + (j * b_stride + column) * width;
            for (int64_t r = 0; r < m; r += 2) {
                float factors[8];
                int64_t height = m - r < 2 ? 1 : 2;
                for (int64_t a = 0; a < height; a++)
                    for (int64_t d = 0; d < depth; d++) factors[a * 4 + d] = alpha * x[(r + a) * x_row + (j + d) * x_column];
                float *target = y + r * y_stride + column;
                if (depth == 4) {
                    if (height == 2) combine(2, 4, storage, width, columns, factors, panel, b_stride, target, y_stride);
                    else combine(1, 4, storage, width, columns, factors, panel, b_stride, target, y_stride);
                } else {
                    for (int64_t d = 0; d < depth; d++) {
                        const char *row = panel + d * b_stride * width;
                        if (height == 2) combine(2, 1, storage, width, columns, factors + d, row, b_stride, target, y_stride);
                        else combine(1, 1, storage, width, columns, factors + d, row, b_stride, target, y_stride);
                    }
                }
            }
        }
    }
}

static void span_row_combinations(ck_storage storage, int64_t m, int64_t n, int64_t k, float alpha, const float *x,
                                  int64_t x_row, int64_t x_column, const void *b, int64_t b_stride, float *y,
                                  int64_t y_stride) {
#define CASE(STORAGE, WIDTH) \
    combinations_in(STORAGE, WIDTH, m, n, k, alpha, x, x_row, x_column, b, b_stride, y, y_stride)
    if (storage == CK_STORAGE_F32) CASE(CK_STORAGE_F32, 4);
    else if (storage == CK_STORAGE_BF16) CASE(CK_STORAGE_BF16, 2);
    else CASE(CK_STORAGE_F16, 2);
#undef CASE
}
