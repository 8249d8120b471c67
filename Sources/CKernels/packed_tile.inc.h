// A tile of c in registers. The including file has packed_avx512.h and defines MULTIPLY_ADD(sum, x, y), sum + x·y lane by lane of
// words.

/// One step of k: ROWS × VECTORS accumulators; a word of a is spread over all lanes.
static inline __attribute__((always_inline)) void add_step(const int ROWS, const int VECTORS, const float *a, const float *b,
                                                           __m512 sums[CK_STRIP][2]) {
    __m512 row[2];
    _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++) row[v] = _mm512_loadu_ps(b + 16 * v);
    _Pragma("clang loop unroll(full)") for (int r = 0; r < ROWS; r++) {
        __m512 x = _mm512_set1_ps(a[r * CK_STRIP_STRIDE]);
        _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++) sums[r][v] = MULTIPLY_ADD(sums[r][v], x, row[v]);
    }
}

/// All steps. Meanwhile lines are asked for that are needed later.
static inline __attribute__((always_inline)) void sum_tile(const int ROWS, const int VECTORS, int64_t words, const float *a,
                                                           const float *b, __m512 sums[CK_STRIP][2], ck_lines_ahead *ahead) {
    _Pragma("clang loop unroll(full)") for (int r = 0; r < ROWS; r++) {
        _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++) sums[r][v] = _mm512_setzero_ps();
    }
    ck_lines_ahead lines = *ahead;
    int64_t left = words;
    for (; left >= CK_STEPS; left -= CK_STEPS, a += CK_STEPS, b += CK_STEPS * CK_PANEL) {
        // Not unrolled: steps that are mixed with one another need more registers than there are.
        _Pragma("clang loop unroll(disable)") for (int step = 0; step < CK_STEPS; step++)
            add_step(ROWS, VECTORS, a + step, b + step * CK_PANEL, sums);
        ck_ask_ahead(&lines);
    }
    _Pragma("clang loop unroll(disable)") for (; left > 0; left--, a++, b += CK_PANEL) add_step(ROWS, VECTORS, a, b, sums);
    *ahead = lines;
}

/// The first lanes of a vector.
static inline __mmask16 first_lanes(int64_t count) { return count >= 16 ? 0xffff : count <= 0 ? 0 : (__mmask16)((1u << count) - 1); }

static inline __attribute__((always_inline)) void accumulate_tile(const int ROWS, const int VECTORS, int64_t words, const float *a,
                                                                  const float *b, float *c, int64_t c_stride, int64_t columns,
                                                                  bool accumulate, const float *bias, ck_lines_ahead *ahead) {
    __mmask16 lanes[2] = {first_lanes(columns), first_lanes(columns - 16)};
    __m512 sums[CK_STRIP][2];
    _Pragma("clang loop unroll(full)") for (int r = 0; r < ROWS; r++) {
        _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++) __builtin_prefetch(c + r * c_stride + 16 * v, 1, 3);
    }
    sum_tile(ROWS, VECTORS, words, a, b, sums, ahead);
    _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++) {
        __m512 shift = bias ? _mm512_maskz_loadu_ps(lanes[v], bias + 16 * v) : _mm512_setzero_ps();
        _Pragma("clang loop unroll(full)") for (int r = 0; r < ROWS; r++) {
            float *place = c + r * c_stride + 16 * v;
            __m512 sum = sums[r][v];
            if (accumulate) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(lanes[v], place));
            if (bias) sum = _mm512_add_ps(sum, shift);
            _mm512_mask_storeu_ps(place, lanes[v], sum);
        }
    }
}

/// The tile turned over: column j of it is written to ROWS numbers of a row of c, from c + j · c_stride on.
static inline __attribute__((always_inline)) void finish_tile(const int ROWS, const int VECTORS, int64_t words, const float *a,
                                                              const float *b, const float *sum_so_far, float *c, int64_t c_stride,
                                                              int64_t columns, const float *bias, ck_lines_ahead *ahead) {
    __mmask16 lanes = first_lanes(ROWS);
    __m512 sums[CK_STRIP][2];
    sum_tile(ROWS, VECTORS, words, a, b, sums, ahead);
    _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++) {
        __m512 x[16];
        _Pragma("clang loop unroll(full)") for (int r = 0; r < ROWS; r++) {
            x[r] = sums[r][v];
            if (sum_so_far) x[r] = _mm512_add_ps(x[r], _mm512_loadu_ps(sum_so_far + r * CK_PANEL + 16 * v));
            if (bias) x[r] = _mm512_add_ps(x[r], _mm512_set1_ps(bias[r]));
        }
        _Pragma("clang loop unroll(full)") for (int r = ROWS; r < 16; r++) x[r] = _mm512_setzero_ps();
        ck_turn_square(x);
        _Pragma("clang loop unroll(full)") for (int j = 0; j < 16; j++) {
            if (16 * v + j < columns) _mm512_mask_storeu_ps(c + (16 * v + j) * c_stride, lanes, x[j]);
        }
    }
}

#define CASE(ROWS)                                                                                                     \
    case ROWS:                                                                                                         \
        if (columns > 16) TILE(ROWS, 2);                                                                               \
        else TILE(ROWS, 1);                                                                                            \
        break;
#define CASES                                                                                                          \
    CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)

static void multiply_tile(int64_t rows, int64_t columns, int64_t words, const float *a, const float *b, float *c, int64_t c_stride,
                          bool accumulate, const float *bias, ck_lines_ahead *ahead) {
#define TILE(ROWS, VECTORS) accumulate_tile(ROWS, VECTORS, words, a, b, c, c_stride, columns, accumulate, bias, ahead)
    switch (rows) {
        CASES
    default: break;
    }
#undef TILE
}

static void finish_turned_tile(int64_t rows, int64_t columns, int64_t words, const float *a, const float *b,
                               const float *sum_so_far, float *c, int64_t c_stride, const float *bias, ck_lines_ahead *ahead) {
#define TILE(ROWS, VECTORS) finish_tile(ROWS, VECTORS, words, a, b, sum_so_far, c, c_stride, columns, bias, ahead)
    switch (rows) {
        CASES
    default: break;
    }
#undef TILE
}

#undef CASE
#undef CASES
