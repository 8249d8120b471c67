// Vector kernels for products in which one side has few rows.

// A tile is some streamed rows against some of the few, two sums a pair: those of the even and of the odd vectors. As large as the
// registers allow: each number that is loaded then meets several.
#if defined(CK_HAS_AVX512)
enum { TILE_STREAM = 3, TILE_FEW = 4 };
#else
enum { TILE_STREAM = 1, TILE_FEW = 4 };
#endif

/// Bytes of streamed rows that all few rows meet, a tile's at a time, before the next are read: they stay in the second cache.
enum { STREAM_BYTES_AT_ONCE = 48 << 10 };

INLINE void dot_step(const int SB, const int FB, const vf *rows, const int parity, const float *few, int64_t few_stride,
                     int64_t count, vf *sums) {
    _Pragma("clang loop unroll(full)") for (int f = 0; f < FB; f++) {
        vf other = count == LANES ? load(few + f * few_stride) : load_part(few + f * few_stride, count);
        _Pragma("clang loop unroll(full)") for (int s = 0; s < SB; s++) {
            vf *sum = sums + 2 * (s * TILE_FEW + f) + parity;
            *sum = rows[s] * other + *sum;
        }
    }
}

/// How the streamed rows lie, and what is asked for `ahead` bytes from where a tile reads: as many lines one after another, or half as
/// many; or a line for each, where rows are parts of longer ones.
enum { DOTS_ALONE, DOTS_IN_GROUPS, DOTS_OF_HEADS };

/// SB streamed rows against FB of the few.
INLINE void dot_tile(const int SB, const int FB, const int LIE, ck_storage storage, const char *stream, int64_t stream_bytes,
                     int64_t ahead, const float *few, int64_t few_stride, int64_t k, float alpha, bool accumulate, float *out,
                     int64_t out_s, int64_t out_f) {
    vf sums[2 * TILE_STREAM * TILE_FEW], even[TILE_STREAM], odd[TILE_STREAM];
    int64_t width = storage == CK_STORAGE_F32 ? 4 : 2;
    _Pragma("clang loop unroll(full)") for (int j = 0; j < 2 * TILE_STREAM * TILE_FEW; j++) sums[j] = splat(0);
    int64_t i = 0;
    for (; i + 2 * LANES <= k; i += 2 * LANES) {
        _Pragma("clang loop unroll(full)") for (int s = 0; s < SB; s++) {
            const char *row = stream + s * stream_bytes;
            even[s] = load_stored(storage, row, i);
            odd[s] = load_stored(storage, row, i + LANES);
            if (SB > 1 || LIE != DOTS_ALONE) {
                const int share = LIE == DOTS_IN_GROUPS ? 2 : 1;
                const char *lines = LIE == DOTS_OF_HEADS ? row + i * width : stream + (SB * i + s * 2 * LANES) * width / share;
                _Pragma("clang loop unroll(full)") for (int64_t line = 0; line < 2 * LANES * width / share; line += 64)
                    __builtin_prefetch(lines + ahead + line, 0, 2);
            }
        }
        dot_step(SB, FB, even, 0, few + i, few_stride, LANES, sums);
        dot_step(SB, FB, odd, 1, few + i + LANES, few_stride, LANES, sums);
    }
    if (i + LANES <= k) {
        _Pragma("clang loop unroll(full)") for (int s = 0; s < SB; s++) even[s] = load_stored(storage, stream + s * stream_bytes, i);
        dot_step(SB, FB, even, 0, few + i, few_stride, LANES, sums);
        i += LANES;
    }
    if (i < k) {
        _Pragma("clang loop unroll(full)") for (int s = 0; s < SB; s++)
            odd[s] = load_stored_part(storage, stream + s * stream_bytes, i, k - i);
        dot_step(SB, FB, odd, 1, few + i, few_stride, k - i, sums);
    }
    _Pragma("clang loop unroll(full)") for (int s = 0; s < SB; s++) {
        vf whole[4] = {splat(0), splat(0), splat(0), splat(0)};
        _Pragma("clang loop unroll(full)") for (int f = 0; f < FB; f++) {
            const vf *sum = sums + 2 * (s * TILE_FEW + f);
            whole[f] = sum[0] + sum[1];
        }
        vf4 results = FB == 1 ? (vf4)(add_lanes(whole[0])) : add_lanes_of_four(whole[0], whole[1], whole[2], whole[3]);
        _Pragma("clang loop unroll(full)") for (int f = 0; f < FB; f++) {
            float *place = out + s * out_s + f * out_f, sum = alpha * results[f];
            *place = accumulate ? *place + sum : sum;
        }
    }
}

/// Some streamed rows, stream_bytes apart, against at most TILE_FEW rows.
typedef struct {
    int64_t stream_count;
    const char *stream;
    int64_t stream_bytes, ahead;
    const float *few;
    int64_t few_stride, k;
    float alpha;
    bool accumulate;
    float *out;
    int64_t out_s, out_f;
} dot_rows_job;

INLINE void dot_rows(const int FB, const int LIE, ck_storage storage, const dot_rows_job *given) {
    const dot_rows_job job = *given;
    int64_t s = 0;
#define TILE(SB)                                                                                                   \
    dot_tile(SB, FB, LIE, storage, job.stream + s * job.stream_bytes, job.stream_bytes, job.ahead, job.few, job.few_stride, \
             job.k, job.alpha, job.accumulate, job.out + s * job.out_s, job.out_s, job.out_f)
    // Where memory is the limit, reading one row after another is what the prefetcher follows best. Two rows of f32 are at that limit
    // while they stay in the first cache.
    bool in_tiles = FB > 2 || LIE != DOTS_ALONE || (FB == 2 && (storage != CK_STORAGE_F32 || job.k > 2048));
    for (; in_tiles && s + TILE_STREAM <= job.stream_count; s += TILE_STREAM) TILE(TILE_STREAM);
    for (; s < job.stream_count; s++) TILE(1);
#undef TILE
}

// Functions of their own: inlined into one, their loops would share registers.
typedef void (*dot_rows_function)(const dot_rows_job *job);
#define APART static __attribute__((noinline)) void
#define DEFINE(STORAGE, FB, LIE) \
    APART STORAGE##_##FB##_##LIE(const dot_rows_job *job) { dot_rows(FB, LIE, STORAGE, job); }
#define DEFINE_ALL(STORAGE, LIE) DEFINE(STORAGE, 1, LIE) DEFINE(STORAGE, 2, LIE) DEFINE(STORAGE, 3, LIE) DEFINE(STORAGE, 4, LIE)
DEFINE_ALL(CK_STORAGE_F32, DOTS_ALONE)
DEFINE_ALL(CK_STORAGE_F32, DOTS_IN_GROUPS)
DEFINE_ALL(CK_STORAGE_F32, DOTS_OF_HEADS)
DEFINE_ALL(CK_STORAGE_F16, DOTS_ALONE)
DEFINE_ALL(CK_STORAGE_F16, DOTS_IN_GROUPS)
DEFINE_ALL(CK_STORAGE_BF16, DOTS_ALONE)
DEFINE_ALL(CK_STORAGE_BF16, DOTS_IN_GROUPS)
#define NAMES(STORAGE, FB) {STORAGE##_##FB##_DOTS_ALONE, STORAGE##_##FB##_DOTS_IN_GROUPS}
#define NAMES_WITH_HEADS(STORAGE, FB) {STORAGE##_##FB##_DOTS_ALONE, STORAGE##_##FB##_DOTS_IN_GROUPS, STORAGE##_##FB##_DOTS_OF_HEADS}
static const dot_rows_function dot_rows_functions[3][TILE_FEW][3] = {
    {NAMES_WITH_HEADS(CK_STORAGE_F32, 1), NAMES_WITH_HEADS(CK_STORAGE_F32, 2), NAMES_WITH_HEADS(CK_STORAGE_F32, 3),
     NAMES_WITH_HEADS(CK_STORAGE_F32, 4)},
    {NAMES(CK_STORAGE_F16, 1), NAMES(CK_STORAGE_F16, 2), NAMES(CK_STORAGE_F16, 3), NAMES(CK_STORAGE_F16, 4)},
    {NAMES(CK_STORAGE_BF16, 1), NAMES(CK_STORAGE_BF16, 2), NAMES(CK_STORAGE_BF16, 3), NAMES(CK_STORAGE_BF16, 4)},
};
#undef APART
#undef DEFINE
#undef DEFINE_ALL
#undef NAMES
#undef NAMES_WITH_HEADS

static void span_dots(ck_storage storage, int64_t stream_count, const void *stream, int64_t stream_stride, int64_t few_count,
                      const float *few, int64_t few_stride, int64_t k, float alpha, bool accumulate, float *out,
                      int64_t out_s, int64_t out_f) {
    int64_t stream_bytes = stream_stride * (storage == CK_STORAGE_F32 ? 4 : 2), groups = (few_count + TILE_FEW - 1) / TILE_FEW;
    int64_t at_once = stream_count;
    if (groups > 1) {
        int64_t tiles = STREAM_BYTES_AT_ONCE / (TILE_STREAM * stream_bytes + 1);
        at_once = TILE_STREAM * (tiles > 0 ? tiles : 1);
    }
    for (int64_t first = 0; first < stream_count; first += at_once) {
        int64_t rows = stream_count - first < at_once ? stream_count - first : at_once;
        // Of a group alone each tile asks for the next one's rows. Of several, the first asks for one half of the rows to come, the second
        // for the other.
        int64_t ahead = groups == 1 ? TILE_STREAM * stream_bytes : first + rows < stream_count ? rows * stream_bytes : 0;
        // Groups as even as they can be: of five rows, three and two.
        for (int64_t group = 0, f = 0; group < groups; group++) {
            int64_t count = few_count / groups + (group < few_count % groups);
            dot_rows_job job = {rows, (const char *)stream + first * stream_bytes, stream_bytes, ahead, few + f * few_stride,
                                few_stride, k, alpha, accumulate, out + first * out_s + f * out_f, out_s, out_f};
            dot_rows_functions[storage][count - 1][groups > 1 ? DOTS_IN_GROUPS : DOTS_ALONE](&job);
            f += count;
            if (ahead != 0) ahead = group == 0 ? ahead + TILE_STREAM * stream_bytes / 2 : 0;
        }
    }
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
