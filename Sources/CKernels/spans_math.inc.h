// Vector functions. The polynomials interpolate the function named beside them at Chebyshev nodes of the interval named.

/// eˣ: x = n·ln 2 + r, |r| ≤ ln 2 / 2; p ≈ (eʳ − 1 − r)/r². The power of two goes on in two halves, so that subnormal results are right.
INLINE vf exponential(vf x) {
    vf clamped = select_lanes(x < -104.0f, splat(-104.0f), x);
    clamped = select_lanes(clamped > 89.0f, splat(89.0f), clamped);
    vf shifted = clamped * 1.44269504f + 12582912.0f;  // 1.5·2²³: the sum's low bits are round(x / ln 2)
    vi n = (vi)shifted - 0x4b400000;
    vf rounded = shifted - 12582912.0f;
    vf r = clamped - rounded * 0.693359375f;
    r = r - rounded * -2.12194440e-4f;
    vf p = splat(0.00139261761f);
    p = p * r + 0.00836317307f;
    p = p * r + 0.0416665547f;
    p = p * r + 0.16666577f;
    p = p * r + 0.5f;
    vf y = p * (r * r) + r + 1.0f;
    vi half = n >> 1;
    vf low = (vf)((half + 127) << 23), high = (vf)((n - half + 127) << 23);
    return y * low * high;
}

/// ln x: x = 2ᵉ·(1 + f), √½ ≤ 1 + f < √2; p ≈ (ln(1 + f) − f + f²/2)/f³.
INLINE vf logarithm(vf x) {
    vi subnormal = x < 0x1p-126f;
    vf scaled = select_lanes(subnormal, x * 0x1p25f, x);
    vi bits = (vi)scaled - 0x3f3504f3;  // √½
    vi e = bits >> 23;
    vf f = (vf)((bits & 0x007fffff) + 0x3f3504f3) - 1.0f;
    vf exponent = __builtin_convertvector(e, vf) - select_lanes(subnormal, splat(25.0f), splat(0.0f));
    vf p = splat(0.0697161147f);
    p = p * f + -0.114797338f;
    p = p * f + 0.116854199f;
    p = p * f + -0.124256873f;
    p = p * f + 0.142490576f;
    p = p * f + -0.166678023f;
    p = p * f + 0.200007157f;
    p = p * f + -0.24999997f;
    p = p * f + 0.333333312f;
    vf square = f * f;
    vf tail = p * (square * f) + exponent * -2.12194440e-4f;
    vf y = exponent * 0.693359375f + (f + (tail - 0.5f * square));
    y = select_lanes(x == 0.0f, splat(-__builtin_inff()), y);
    y = select_lanes(x == __builtin_inff(), x, y);
    return select_lanes((vi)(x >= 0.0f), y, splat(__builtin_nanf("")));
}

/// tanh x: below 0.625 x + x³·p(x²), above 1 − 2/(e²ˣ + 1).
INLINE vf hyperbolic_tangent(vf x) {
    vf z = x * x;
    vf p = splat(0.00229274482f);
    p = p * z + -0.00834394552f;
    p = p * z + 0.0217689187f;
    p = p * z + -0.0539592596f;
    p = p * z + 0.133333036f;
    p = p * z + -0.333333332f;
    vf small = p * (z * x) + x;
    vf magnitude = absolute(x);
    vf large = 1.0f - 2.0f / (exponential(2.0f * magnitude) + 1.0f);
    return select_lanes(magnitude < 0.625f, small, with_sign_of(large, x));
}

/// erf x: up to 1 x·p(x²), above 1 − e^(−g(x)) with g ≈ −ln erfc on [1, 4]; beyond 4 it is 1 in f32.
INLINE vf error_function(vf x) {
    vf z = x * x;
    vf p = splat(7.87587506e-5f);
    p = p * z + -0.000801686429f;
    p = p * z + 0.00518908742f;
    p = p * z + -0.026854212f;
    p = p * z + 0.112835947f;
    p = p * z + -0.376126267f;
    p = p * z + 1.12837917f;
    vf small = p * x;
    vf t = absolute(x);
    t = select_lanes(t > 4.0f, splat(4.0f), t);
    vf g = splat(-1.63715141e-6f);
    g = g * t + 4.60580427e-5f;
    g = g * t + -0.000596805626f;
    g = g * t + 0.00475959629f;
    g = g * t + -0.026421136f;
    g = g * t + 0.110080083f;
    g = g * t + 0.631826052f;
    g = g * t + 1.13023343f;
    g = g * t + -0.00032013805f;
    vf large = with_sign_of(1.0f - exponential(-g), x);
    return select_lanes((vi)(absolute(x) > 1.0f), large, small);
}

INLINE vf logistic(vf x) { return 1.0f / (1.0f + exponential(-x)); }

/// ln(1 + eˣ) = max(x, 0) + ln(1 + u), u = e^−|x|; ln(1 + u)·u/((1 + u) − 1) undoes the rounding of 1 + u.
INLINE vf soft_plus(vf x) {
    vf u = exponential(-absolute(x));
    vf sum = 1.0f + u;
    vf lost = sum - 1.0f;
    vf log1p = select_lanes(lost == 0.0f, u, logarithm(sum) * (u / lost));
    return select_lanes((vi)(x < 0.0f), splat(0.0f), x) + log1p;
}

// Activations and their derivatives.
INLINE vf relu(vf x) { return select_lanes((vi)(x < 0.0f), splat(0.0f), x); }
INLINE vf relu_slope(vf x) { return select_lanes(x > 0.0f, splat(1.0f), splat(0.0f)); }
INLINE vf gelu(vf x) { return 0.5f * x * (1.0f + error_function(x * 0.707106781f)); }
INLINE vf gelu_slope(vf x) {
    vf density = 0.398942280f * exponential(-0.5f * x * x);
    return 0.5f * (1.0f + error_function(x * 0.707106781f)) + x * density;
}
INLINE vf gelu_tanh_inner(vf x) { return 0.797884561f * (x + 0.044715f * (x * x * x)); }
INLINE vf gelu_tanh(vf x) { return 0.5f * x * (1.0f + hyperbolic_tangent(gelu_tanh_inner(x))); }
INLINE vf gelu_tanh_slope(vf x) {
    vf t = hyperbolic_tangent(gelu_tanh_inner(x));
    vf inner_slope = 0.797884561f * (1.0f + 0.134145f * (x * x));
    return 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * inner_slope;
}
INLINE vf quick_gelu(vf x) { return x * logistic(1.702f * x); }
INLINE vf quick_gelu_slope(vf x) {
    vf s = logistic(1.702f * x);
    return s + 1.702f * x * s * (1.0f - s);
}
INLINE vf silu(vf x) { return x / (1.0f + exponential(-x)); }
INLINE vf silu_slope(vf x) {
    vf s = logistic(x);
    return s * (1.0f + x * (1.0f - s));
}
INLINE vf logistic_slope(vf x) {
    vf s = logistic(x);
    return s * (1.0f - s);
}
INLINE vf tanh_slope(vf x) {
    vf t = hyperbolic_tangent(x);
    return 1.0f - t * t;
}
INLINE vf reciprocal_slope(vf x) {
    vf inverse = 1.0f / x;
    return -(inverse * inverse);
}
INLINE vf root_slope(vf x) { return 0.5f / root(x); }
INLINE vf inverse_root_slope(vf x) {
    vf inverse = 1.0f / root(x);
    return -0.5f * inverse * inverse * inverse;
}
INLINE vf absolute_slope(vf x) {
    return select_lanes(x > 0.0f, splat(1.0f), select_lanes((vi)(x < 0.0f), splat(-1.0f), splat(0.0f)));
}
INLINE vf erf_slope(vf x) { return 1.12837917f * exponential(-(x * x)); }
