// Vector kernels that reduce a row: sums, softmax, norms.

static float span_sum(int64_t n, const float *x) {
    vf s0 = splat(0), s1 = s0, s2 = s0, s3 = s0;
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        s0 += load(x + i);
        s1 += load(x + i + LANES);
        s2 += load(x + i + 2 * LANES);
        s3 += load(x + i + 3 * LANES);
    }
    for (; i + LANES <= n; i += LANES) s0 += load(x + i);
    if (i < n) s1 += load_part(x + i, n - i);
    return add_lanes((s0 + s1) + (s2 + s3));
}

static float span_dot(int64_t n, const float *a, const float *b) {
    vf s0 = splat(0), s1 = s0, s2 = s0, s3 = s0;
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        s0 = load(a + i) * load(b + i) + s0;
        s1 = load(a + i + LANES) * load(b + i + LANES) + s1;
        s2 = load(a + i + 2 * LANES) * load(b + i + 2 * LANES) + s2;
        s3 = load(a + i + 3 * LANES) * load(b + i + 3 * LANES) + s3;
    }
    for (; i + LANES <= n; i += LANES) s0 = load(a + i) * load(b + i) + s0;
    if (i < n) s1 = load_part(a + i, n - i) * load_part(b + i, n - i) + s1;
    return add_lanes((s0 + s1) + (s2 + s3));
}

static float span_maximum(int64_t n, const float *x) {
    vf low = splat(-__builtin_inff()), m0 = low, m1 = low;
    int64_t i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
        m0 = larger(load(x + i), m0);
        m1 = larger(load(x + i + LANES), m1);
    }
    for (; i + LANES <= n; i += LANES) m0 = larger(load(x + i), m0);
    if (i < n) m1 = larger(keep_part(load_part(x + i, n - i), n - i, -__builtin_inff()), m1);
    return largest_lane(larger(m0, m1));
}

static void span_column_sums(int64_t rows, int64_t n, const float *x, int64_t x_stride, float *y) {
    FOR_VECTORS(n, {
        vf sum = splat(0);
        for (int64_t r = 0; r < rows; r++) sum += LOAD(x + r * x_stride);
        STORE(y, LOAD(y) + sum);
    })
}

static void span_normalized_column_sums(int64_t rows, int64_t n, const float *x, int64_t x_stride, const float *mean,
                                        const float *inverse, const float *dy, int64_t dy_stride, float *y) {
    FOR_VECTORS(n, {
        vf sum = splat(0);
        for (int64_t r = 0; r < rows; r++) {
            vf centred = LOAD(x + r * x_stride) - (mean ? mean[r] : 0.0f);
            sum = LOAD(dy + r * dy_stride) * (centred * inverse[r]) + sum;
        }
        STORE(y, LOAD(y) + sum);
    })
}

static float span_exp_shifted(int64_t n, float shift, const float *x, float *y) {
    vf sum = splat(0);
    FOR_VECTORS(n, {
        vf e = exponential(LOAD(x) - shift);
        if (!whole) e = keep_part(e, count, 0);
        sum += e;
        STORE(y, e);
    })
    return add_lanes(sum);
}

/// What is subtracted before exponentials: the maximum, or 0 for a row of −∞ (so that its exponentials are 0, not NaN).
INLINE float row_shift(int64_t n, const float *x) {
    float m = span_maximum(n, x);
    return m == -__builtin_inff() ? 0 : m;
}

static void span_softmax(int64_t n, const float *x, float *y) {
    float sum = span_exp_shifted(n, row_shift(n, x), x, y);
    float inverse = sum == 0 ? 0 : 1.0f / sum;
    FOR_VECTORS(n, STORE(y, LOAD(y) * inverse);)
}

static float span_log_sum_exp(int64_t n, const float *x) {
    float shift = row_shift(n, x);
    vf sum = splat(0);
    FOR_VECTORS(n, {
        vf e = exponential(LOAD(x) - shift);
        sum += whole ? e : keep_part(e, count, 0);
    })
    return shift + logarithm(splat(add_lanes(sum)))[0];
}

static void span_softmax_gradient(int64_t n, const float *y, const float *dy, float *dx) {
    float dot = span_dot(n, y, dy);
    FOR_VECTORS(n, STORE(dx, LOAD(y) * (LOAD(dy) - dot));)
}

static void span_log_softmax_gradient(int64_t n, const float *y, const float *dy, float *dx) {
    float sum = span_sum(n, dy);
    FOR_VECTORS(n, STORE(dx, LOAD(dy) - exponential(LOAD(y)) * sum);)
}

static void span_scaled_softmax(int64_t n, float log_sum, float scale, const float *x, float *y) {
    FOR_VECTORS(n, STORE(y, exponential(LOAD(x) - log_sum) * scale);)
}

static float span_rms_inverse(int64_t n, const float *x, float epsilon) {
    return 1.0f / __builtin_sqrtf(span_dot(n, x, x) / (float)n + epsilon);
}

static void span_rms_norm(int64_t n, const float *x, const float *weight, float inverse, float weight_offset, float *y) {
    if (weight) {
        FOR_VECTORS(n, STORE(y, LOAD(x) * inverse * (LOAD(weight) + weight_offset));)
    } else {
        FOR_VECTORS(n, STORE(y, LOAD(x) * inverse);)
    }
}

static void span_rms_norm_gradient(int64_t n, const float *x, const float *weight, float inverse, float weight_offset,
                                   const float *dy, float *dx) {
    vf sum = splat(0);
    FOR_VECTORS(n, {
        vf g = LOAD(dy);
        if (weight) g = g * (LOAD(weight) + weight_offset);
        sum = g * LOAD(x) + sum;  // lanes past the end hold 0 in x
    })
    float along = add_lanes(sum) / (float)n * inverse * inverse;
    FOR_VECTORS(n, {
        vf g = LOAD(dy);
        if (weight) g = g * (LOAD(weight) + weight_offset);
        STORE(dx, (g - LOAD(x) * along) * inverse);
    })
}

static void span_layer_statistics(int64_t n, const float *x, float epsilon, float *mean, float *inverse) {
    float m = span_sum(n, x) / (float)n;
    vf squares = splat(0);
    FOR_VECTORS(n, {
        vf d = LOAD(x) - m;
        if (!whole) d = keep_part(d, count, 0);
        squares = d * d + squares;
    })
    *mean = m;
    *inverse = 1.0f / __builtin_sqrtf(add_lanes(squares) / (float)n + epsilon);
}

static void span_layer_norm(int64_t n, const float *x, const float *weight, const float *bias, float mean, float inverse,
                            float *y) {
    FOR_VECTORS(n, {
        vf v = (LOAD(x) - mean) * inverse;
        if (weight) v = v * LOAD(weight);
        if (bias) v = v + LOAD(bias);
        STORE(y, v);
    })
}

static void span_layer_norm_gradient(int64_t n, const float *x, const float *weight, float mean, float inverse,
                                     const float *dy, float *dx) {
    vf sum = splat(0), along = splat(0);
    FOR_VECTORS(n, {
        vf g = LOAD(dy);  // lanes past the end hold 0 in dy
        if (weight) g = g * LOAD(weight);
        sum += g;
        along = g * ((LOAD(x) - mean) * inverse) + along;
    })
    float mean_g = add_lanes(sum) / (float)n, mean_along = add_lanes(along) / (float)n;
    FOR_VECTORS(n, {
        vf g = LOAD(dy);
        if (weight) g = g * LOAD(weight);
        vf normalized = (LOAD(x) - mean) * inverse;
        STORE(dx, (g - mean_g - normalized * mean_along) * inverse);
    })
}
