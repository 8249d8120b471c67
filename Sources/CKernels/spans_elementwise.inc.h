// Elementwise vector kernels.

/// Runs BODY with `count` lanes in use at element i; LOAD and STORE fit themselves to it.
#define FOR_VECTORS(n, BODY)                          \
    {                                                 \
        int64_t i = 0;                                \
        for (; i + LANES <= (n); i += LANES) {        \
            enum { whole = 1 };                       \
            const int64_t count = LANES;              \
            BODY                                      \
        }                                             \
        if (i < (n)) {                                \
            enum { whole = 0 };                       \
            const int64_t count = (n)-i;              \
            BODY                                      \
        }                                             \
    }
#define LOAD(p) (whole ? load((p) + i) : load_part((p) + i, count))
#define STORE(p, v)                                   \
    do {                                              \
        if (whole) store((p) + i, (v));               \
        else store_part((p) + i, (v), count);         \
    } while (0)

/// One row per kind: name, value, derivative. Sine and cosine go through libm.
#define UNARY_KINDS(KIND)                                                                    \
    KIND(CK_UNARY_IDENTITY, v, splat(1.0f))                                                  \
    KIND(CK_UNARY_NEG, -v, splat(-1.0f))                                                     \
    KIND(CK_UNARY_RELU, relu(v), relu_slope(v))                                              \
    KIND(CK_UNARY_GELU, gelu(v), gelu_slope(v))                                              \
    KIND(CK_UNARY_GELU_TANH, gelu_tanh(v), gelu_tanh_slope(v))                               \
    KIND(CK_UNARY_QUICK_GELU, quick_gelu(v), quick_gelu_slope(v))                            \
    KIND(CK_UNARY_SILU, silu(v), silu_slope(v))                                              \
    KIND(CK_UNARY_SIGMOID, logistic(v), logistic_slope(v))                                   \
    KIND(CK_UNARY_TANH, hyperbolic_tangent(v), tanh_slope(v))                                \
    KIND(CK_UNARY_EXP, exponential(v), exponential(v))                                       \
    KIND(CK_UNARY_LOG, logarithm(v), 1.0f / v)                                               \
    KIND(CK_UNARY_SQRT, root(v), root_slope(v))                                              \
    KIND(CK_UNARY_RSQRT, 1.0f / root(v), inverse_root_slope(v))                              \
    KIND(CK_UNARY_RECIPROCAL, 1.0f / v, reciprocal_slope(v))                                 \
    KIND(CK_UNARY_SQUARE, v *v, 2.0f * v)                                                    \
    KIND(CK_UNARY_ABS, absolute(v), absolute_slope(v))                                       \
    KIND(CK_UNARY_SOFTPLUS, soft_plus(v), logistic(v))                                       \
    KIND(CK_UNARY_ERF, error_function(v), erf_slope(v))                                      \
    KIND(CK_UNARY_SIN, each_lane(v, sinf), each_lane(v, cosf))                               \
    KIND(CK_UNARY_COS, each_lane(v, cosf), -each_lane(v, sinf))

INLINE vf each_lane(vf v, float (*f)(float)) {
    float lanes[LANES] __attribute__((aligned(VECTOR_BYTES)));
    store(lanes, v);
    for (int i = 0; i < LANES; i++) lanes[i] = f(lanes[i]);
    return load(lanes);
}

#define UNARY_CASE(KIND, VALUE, SLOPE)                \
    case KIND:                                        \
        FOR_VECTORS(n, {                              \
            vf v = LOAD(x);                           \
            STORE(y, (VALUE));                        \
        })                                            \
        break;
static void span_unary(ck_unary_kind kind, int64_t n, const float *x, float *y) {
    switch (kind) {
        UNARY_KINDS(UNARY_CASE)
        default: break;
    }
}

#define UNARY_GRADIENT_CASE(KIND, VALUE, SLOPE)       \
    case KIND:                                        \
        FOR_VECTORS(n, {                              \
            vf v = LOAD(x);                           \
            (void)v;                                  \
            STORE(dx, (SLOPE) * LOAD(dy));            \
        })                                            \
        break;
static void span_unary_gradient(ck_unary_kind kind, int64_t n, const float *x, const float *dy, float *dx) {
    switch (kind) {
        UNARY_KINDS(UNARY_GRADIENT_CASE)
        default: break;
    }
}

#define GATED_CASE(KIND, VALUE, SLOPE)                \
    case KIND:                                        \
        FOR_VECTORS(n, {                              \
            vf v = LOAD(gate);                        \
            STORE(y, (VALUE)*LOAD(up));               \
        })                                            \
        break;
static void span_gated(ck_unary_kind kind, int64_t n, const float *gate, const float *up, float *y) {
    switch (kind) {
        UNARY_KINDS(GATED_CASE)
        default: break;
    }
}

#define GATED_GRADIENT_CASE(KIND, VALUE, SLOPE)       \
    case KIND:                                        \
        FOR_VECTORS(n, {                              \
            vf v = LOAD(gate);                        \
            vf g = LOAD(dy);                          \
            vf u = LOAD(up);                          \
            if (dgate) STORE(dgate, (SLOPE)*u * g);   \
            if (dup) STORE(dup, (VALUE)*g);           \
        })                                            \
        break;
static void span_gated_gradient(ck_unary_kind kind, int64_t n, const float *gate, const float *up, const float *dy,
                                float *dgate, float *dup) {
    switch (kind) {
        UNARY_KINDS(GATED_GRADIENT_CASE)
        default: break;
    }
}

// NaN in either operand stays NaN, as in IEEE 754-2019 maximum and minimum.
INLINE vf maximum_lanes(vf a, vf b) { return select_lanes((vi)(a > b) | (vi)(a != a), a, b); }
INLINE vf minimum_lanes(vf a, vf b) { return select_lanes((vi)(a < b) | (vi)(a != a), a, b); }

#define BINARY_LOOP(A, B)                                                    \
    switch (kind) {                                                          \
    case CK_BINARY_ADD: FOR_VECTORS(n, STORE(y, (A) + (B));) break;          \
    case CK_BINARY_SUB: FOR_VECTORS(n, STORE(y, (A) - (B));) break;          \
    case CK_BINARY_MUL: FOR_VECTORS(n, STORE(y, (A) * (B));) break;          \
    case CK_BINARY_DIV: FOR_VECTORS(n, STORE(y, (A) / (B));) break;          \
    case CK_BINARY_MAX: FOR_VECTORS(n, STORE(y, maximum_lanes(A, B));) break; \
    case CK_BINARY_MIN: FOR_VECTORS(n, STORE(y, minimum_lanes(A, B));) break; \
    default: break;                                                          \
    }
static void span_binary(ck_binary_kind kind, int64_t n, const float *a, int64_t a_step, const float *b, int64_t b_step,
                        float *y) {
    if (n <= 0) return;
    vf a0 = splat(a[0]), b0 = splat(b[0]);
    if (a_step && b_step) {
        BINARY_LOOP(LOAD(a), LOAD(b))
    } else if (a_step) {
        BINARY_LOOP(LOAD(a), b0)
    } else if (b_step) {
        BINARY_LOOP(a0, LOAD(b))
    } else {
        BINARY_LOOP(a0, b0)
    }
}

static void span_scale_shift(int64_t n, float scale, float shift, const float *x, float *y) {
    FOR_VECTORS(n, STORE(y, LOAD(x) * scale + shift);)
}

static void span_add_scaled(int64_t n, const float *a, float scale, const float *b, float *y) {
    FOR_VECTORS(n, STORE(y, LOAD(b) * scale + LOAD(a));)
}

static void span_rotate_halves(int64_t half, float sign, const float *a, const float *b, const float *cosines,
                               const float *sines, float *ya, float *yb) {
    FOR_VECTORS(half, {
        vf va = LOAD(a);
        vf vb = LOAD(b);
        vf c = LOAD(cosines);
        vf s = LOAD(sines) * sign;
        STORE(ya, va * c - vb * s);
        STORE(yb, vb * c + va * s);
    })
}

static void span_soft_cap(int64_t n, float cap, float *scores) {
    float inverse = 1.0f / cap;
    FOR_VECTORS(n, STORE(scores, hyperbolic_tangent(LOAD(scores) * inverse) * cap);)
}

static void span_attention_gradient(int64_t n, const float *scores, const float *dp, float log_sum, float delta, float scale,
                                    const float *capped, float cap, float *p, float *ds) {
    float inverse = capped ? 1.0f / cap : 0.0f;
    FOR_VECTORS(n, {
        vf probability = exponential(LOAD(scores) - log_sum);
        vf slope = probability * (LOAD(dp) - delta) * scale;
        if (capped) {
            vf t = LOAD(capped) * inverse;
            slope = slope * (1.0f - t * t);
        }
        STORE(p, probability);
        STORE(ds, slope);
    })
}

static void span_expand(ck_storage storage, int64_t n, const void *x, float *y) {
    if (storage == CK_STORAGE_BF16) {
        FOR_VECTORS(n, STORE(y, whole ? load_stored(CK_STORAGE_BF16, x, i) : load_stored_part(CK_STORAGE_BF16, x, i, count));)
    } else if (storage == CK_STORAGE_F16) {
        FOR_VECTORS(n, STORE(y, whole ? load_stored(CK_STORAGE_F16, x, i) : load_stored_part(CK_STORAGE_F16, x, i, count));)
    } else if (n > 0) {
        memcpy(y, x, (size_t)n * sizeof(float));
    }
}

static void span_adamw(int64_t n, float *p, const float *g, float *m, float *v, const ck_adamw_scalars *s) {
    const float decay = s->decay, one_minus_beta1 = s->one_minus_beta1, beta2 = s->beta2;
    const float one_minus_beta2 = s->one_minus_beta2, step_size = s->step_size;
    const float inverse_root_bias = s->inverse_root_bias, epsilon = s->epsilon;
    FOR_VECTORS(n, {
        vf gradient = LOAD(g);
        vf first = LOAD(m);
        first = first + (gradient - first) * one_minus_beta1;
        vf second = LOAD(v) * beta2 + gradient * gradient * one_minus_beta2;
        vf denominator = root(second) * inverse_root_bias + epsilon;
        STORE(m, first);
        STORE(v, second);
        STORE(p, LOAD(p) * decay - first / denominator * step_size);
    })
}
