// A tile of c in registers. The including file defines MULTIPLY_ADD(sum, x, y), sum + x·y lane by lane of words.

/// ROWS × VECTORS accumulators; a word of a is spread over all lanes.
static inline __attribute__((always_inline)) void accumulate_tile(const int ROWS, const int VECTORS, int64_t words, const float *a,
                                                                  const float *b, float *c, int64_t c_stride,
                                                                  const __mmask16 *lanes, bool accumulate, const float *bias) {
    __m512 sums[CK_STRIP][2];
    _Pragma("clang loop unroll(full)") for (int r = 0; r < ROWS; r++) {
        _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++) {
            sums[r][v] = _mm512_setzero_ps();
            __builtin_prefetch(c + r * c_stride + 16 * v, 1, 3);
        }
    }
    _Pragma("clang loop unroll_count(4)") for (int64_t i = 0; i < words; i++) {
        __m512 row[2];
        _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++) row[v] = _mm512_loadu_ps(b + i * CK_PANEL + 16 * v);
        _Pragma("clang loop unroll(full)") for (int r = 0; r < ROWS; r++) {
            __m512 x = _mm512_set1_ps(a[r * CK_STRIP_STRIDE + i]);
            _Pragma("clang loop unroll(full)") for (int v = 0; v < VECTORS; v++)
                sums[r][v] = MULTIPLY_ADD(sums[r][v], x, row[v]);
        }
    }
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

static void multiply_tile(int64_t rows, int64_t columns, int64_t words, const float *a, const float *b, float *c, int64_t c_stride,
                          bool accumulate, const float *bias) {
    __mmask16 lanes[2] = {columns >= 16 ? 0xffff : (__mmask16)((1u << columns) - 1),
                          columns >= 32 ? 0xffff : columns <= 16 ? 0 : (__mmask16)((1u << (columns - 16)) - 1)};
#define CASE(ROWS)                                                                                                     \
    case ROWS:                                                                                                         \
        if (columns > 16) accumulate_tile(ROWS, 2, words, a, b, c, c_stride, lanes, accumulate, bias);                 \
        else accumulate_tile(ROWS, 1, words, a, b, c, c_stride, lanes, accumulate, bias);                              \
        break;
    switch (rows) {
        CASE(1) CASE(2) CASE(3) CASE(4) CASE(5) CASE(6) CASE(7)
        CASE(8) CASE(9) CASE(10) CASE(11) CASE(12) CASE(13) CASE(14)
    default: break;
    }
#undef CASE
}
