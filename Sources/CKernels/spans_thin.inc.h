// Vector kernels for products of few rows with a matrix that is thin: the edits of single tokens in a subspace of low rank.

typedef struct {
    vf4 v;
} __attribute__((packed, aligned(4), may_alias)) vf4_anywhere;
typedef struct {
    vf8 v;
} __attribute__((packed, aligned(4), may_alias)) vf8_anywhere;

/// One row against n ≤ WIDTH columns, whose sums stand side by side in one vector; eight of them, so that additions overlap.
#define DEFINE_NARROW(NAME, VECTOR, WIDTH)                                                                                \
    INLINE void NAME(int64_t n, int64_t k, float alpha, const float *x, int64_t x_column, const float *b, int64_t b_stride,\
                     bool accumulate, float *y) {                                                                         \
        VECTOR sums[8] = {(VECTOR)0, (VECTOR)0, (VECTOR)0, (VECTOR)0, (VECTOR)0, (VECTOR)0, (VECTOR)0, (VECTOR)0};        \
        /* Rows of b that can be read as a whole vector without leaving the matrix. */                                    \
        int64_t whole = k, i = 0;                                                                                         \
        while (whole > 0 && (whole - 1) * b_stride + WIDTH > (k - 1) * b_stride + n) whole--;                             \
        for (; i + 8 <= whole; i += 8) {                                                                                  \
            _Pragma("clang loop unroll(full)") for (int u = 0; u < 8; u++)                                                \
                sums[u] = ((const VECTOR##_anywhere *)(b + (i + u) * b_stride))->v * x[(i + u) * x_column] + sums[u];     \
        }                                                                                                                 \
        for (; i < whole; i++) sums[0] = ((const VECTOR##_anywhere *)(b + i * b_stride))->v * x[i * x_column] + sums[0];  \
        for (; i < k; i++) {                                                                                              \
            VECTOR row = (VECTOR)0;                                                                                       \
            for (int j = 0; j < WIDTH; j++) row[j] = j < n ? b[i * b_stride + j] : 0;                                     \
            sums[1] = row * x[i * x_column] + sums[1];                                                                    \
        }                                                                                                                 \
        VECTOR low = (sums[0] + sums[1]) + (sums[2] + sums[3]), high = (sums[4] + sums[5]) + (sums[6] + sums[7]);         \
        VECTOR sum = alpha * (low + high);                                                                                \
        for (int j = 0; j < WIDTH && j < n; j++) y[j] = accumulate ? y[j] + sum[j] : sum[j];                              \
    }

DEFINE_NARROW(narrow_in_4, vf4, 4)
DEFINE_NARROW(narrow_in_8, vf8, 8)
#undef DEFINE_NARROW

static void span_narrow_products(int64_t m, int64_t n, int64_t k, float alpha, const float *x, int64_t x_row, int64_t x_column,
                                 const float *b, int64_t b_stride, bool accumulate, float *y, int64_t y_stride) {
    for (int64_t r = 0; r < m; r++) {
        if (n <= 4) narrow_in_4(n, k, alpha, x + r * x_row, x_column, b, b_stride, accumulate, y + r * y_stride);
        else narrow_in_8(n, k, alpha, x + r * x_row, x_column, b, b_stride, accumulate, y + r * y_stride);
    }
}

/// Four columns of four rows of b become four pieces of rows of the turned panel.
INLINE void turn_four(const float *b, int64_t b_stride, float *turned, int64_t turned_stride) {
    vf4 r0 = ((const vf4_anywhere *)b)->v, r1 = ((const vf4_anywhere *)(b + b_stride))->v;
    vf4 r2 = ((const vf4_anywhere *)(b + 2 * b_stride))->v, r3 = ((const vf4_anywhere *)(b + 3 * b_stride))->v;
    vf4 low01 = __builtin_shufflevector(r0, r1, 0, 4, 1, 5), high01 = __builtin_shufflevector(r0, r1, 2, 6, 3, 7);
    vf4 low23 = __builtin_shufflevector(r2, r3, 0, 4, 1, 5), high23 = __builtin_shufflevector(r2, r3, 2, 6, 3, 7);
    ((vf4_anywhere *)turned)->v = __builtin_shufflevector(low01, low23, 0, 1, 4, 5);
    ((vf4_anywhere *)(turned + turned_stride))->v = __builtin_shufflevector(low01, low23, 2, 3, 6, 7);
    ((vf4_anywhere *)(turned + 2 * turned_stride))->v = __builtin_shufflevector(high01, high23, 0, 1, 4, 5);
    ((vf4_anywhere *)(turned + 3 * turned_stride))->v = __builtin_shufflevector(high01, high23, 2, 3, 6, 7);
}

static void span_shallow_products(int64_t m, int64_t n, int64_t k, float alpha, const float *x, int64_t x_row, int64_t x_column,
                                  const float *b, int64_t b_stride, bool accumulate, float *y, int64_t y_stride) {
    enum { PANEL = 16, DEPTH = 8 };
    // PANEL rows of b, turned over: turned[k, j].
    float turned[DEPTH * PANEL] __attribute__((aligned(64)));
    for (int64_t first = 0; first < n; first += PANEL) {
        int64_t columns = n - first < PANEL ? n - first : PANEL, depth = 0;
        const float *panel = b + first * b_stride;
        if (columns == PANEL) {
            for (; depth + 4 <= k; depth += 4)
                for (int64_t j = 0; j < PANEL; j += 4)
                    turn_four(panel + j * b_stride + depth, b_stride, turned + depth * PANEL + j, PANEL);
        }
        for (; depth < k; depth++)
            for (int64_t j = 0; j < columns; j++) turned[depth * PANEL + j] = panel[j * b_stride + depth];
        for (int64_t r = 0; r < m; r++) {
            float *row = y + r * y_stride + first;
            int64_t j = 0;
            for (; j + LANES <= columns; j += LANES) {
                vf sum = splat(0);
                for (int64_t i = 0; i < k; i++) sum = load(turned + i * PANEL + j) * x[r * x_row + i * x_column] + sum;
                store(row + j, accumulate ? load(row + j) + alpha * sum : alpha * sum);
            }
            for (; j < columns; j++) {
                float sum = 0;
                for (int64_t i = 0; i < k; i++) sum = turned[i * PANEL + j] * x[r * x_row + i * x_column] + sum;
                row[j] = accumulate ? row[j] + alpha * sum : alpha * sum;
            }
        }
    }
}
