// Vectors of LANES floats on Clang's vector extensions. The including file defines VECTOR_BYTES (64, 32 or 16).

#define LANES (VECTOR_BYTES / 4)
#define INLINE static inline __attribute__((always_inline))

typedef float vf __attribute__((ext_vector_type(LANES)));
typedef int32_t vi __attribute__((ext_vector_type(LANES)));
typedef uint32_t vu __attribute__((ext_vector_type(LANES)));
typedef uint16_t vh __attribute__((ext_vector_type(LANES)));
typedef struct {
    vf v;
} __attribute__((packed, aligned(4), may_alias)) vf_anywhere;
typedef struct {
    vh v;
} __attribute__((packed, aligned(2), may_alias)) vh_anywhere;

INLINE vf splat(float x) { return (vf)(x); }
INLINE vf load(const float *p) { return ((const vf_anywhere *)p)->v; }
INLINE void store(float *p, vf v) { ((vf_anywhere *)p)->v = v; }

/// The first count lanes from p, zeros in the others.
INLINE vf load_part(const float *p, int64_t count) {
#if defined(CK_HAS_AVX512)
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), p);
#elif defined(CK_HAS_AVX2)
    return (vf)_mm256_maskload_ps(p, _mm256_cmpgt_epi32(_mm256_set1_epi32((int32_t)count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
#else
    float lanes[LANES] __attribute__((aligned(VECTOR_BYTES))) = {0};
    for (int64_t i = 0; i < count; i++) lanes[i] = p[i];
    return load(lanes);
#endif
}

INLINE void store_part(float *p, vf v, int64_t count) {
    float lanes[LANES] __attribute__((aligned(VECTOR_BYTES)));
    store(lanes, v);
    for (int64_t i = 0; i < count; i++) p[i] = lanes[i];
}

/// `other` in the lanes from count on.
INLINE vf keep_part(vf v, int64_t count, float other) {
    float lanes[LANES] __attribute__((aligned(VECTOR_BYTES)));
    store(lanes, v);
    for (int64_t i = count; i < LANES; i++) lanes[i] = other;
    return load(lanes);
}

INLINE vf select_lanes(vi mask, vf a, vf b) { return mask ? a : b; }
INLINE vf larger(vf a, vf b) { return a > b ? a : b; }
INLINE vf smaller(vf a, vf b) { return a < b ? a : b; }
INLINE vf absolute(vf x) { return (vf)((vi)x & 0x7fffffff); }
INLINE vf with_sign_of(vf magnitude, vf sign) {
    return (vf)(((vi)magnitude & 0x7fffffff) | ((vi)sign & (int32_t)0x80000000));
}
INLINE vf root(vf x) { return __builtin_elementwise_sqrt(x); }

// Horizontal reductions halve the vector, so their order is fixed by LANES.
typedef float vf4 __attribute__((ext_vector_type(4)));
typedef float vf8 __attribute__((ext_vector_type(8)));
INLINE float add_lanes(vf v) {
#if LANES == 16
    vf8 eight = v.lo + v.hi;
    vf4 four = eight.lo + eight.hi;
#elif LANES == 8
    vf4 four = v.lo + v.hi;
#else
    vf4 four = v;
#endif
    return (four.x + four.z) + (four.y + four.w);
}

/// The sums of four vectors, to the bits of add_lanes.
INLINE vf4 add_lanes_of_four(vf a, vf b, vf c, vf d) {
#if LANES == 16
    vf ab = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
            + __builtin_shufflevector(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    vf cd = __builtin_shufflevector(c, d, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
            + __builtin_shufflevector(c, d, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    vf four = __builtin_shufflevector(ab, cd, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
              + __builtin_shufflevector(ab, cd, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    vf two = four + __builtin_shufflevector(four, four, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13);
    vf one = two + __builtin_shufflevector(two, two, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
    return __builtin_shufflevector(one, one, 0, 4, 8, 12);
#elif LANES == 8
    vf ab = __builtin_shufflevector(a, b, 0, 1, 2, 3, 8, 9, 10, 11) + __builtin_shufflevector(a, b, 4, 5, 6, 7, 12, 13, 14, 15);
    vf cd = __builtin_shufflevector(c, d, 0, 1, 2, 3, 8, 9, 10, 11) + __builtin_shufflevector(c, d, 4, 5, 6, 7, 12, 13, 14, 15);
    vf both = __builtin_shufflevector(ab, cd, 0, 1, 8, 9, 4, 5, 12, 13) + __builtin_shufflevector(ab, cd, 2, 3, 10, 11, 6, 7, 14, 15);
    vf sums = both + __builtin_shufflevector(both, both, 1, 0, 3, 2, 5, 4, 7, 6);
    return __builtin_shufflevector(sums, sums, 0, 4, 2, 6);
#else
    return (vf4){add_lanes(a), add_lanes(b), add_lanes(c), add_lanes(d)};
#endif
}
INLINE float largest_lane(vf v) {
    float lanes[LANES] __attribute__((aligned(VECTOR_BYTES)));
    store(lanes, v);
    float result = lanes[0];
    for (int i = 1; i < LANES; i++) result = lanes[i] > result ? lanes[i] : result;
    return result;
}

INLINE vf widen_bf16(vh h) { return (vf)(__builtin_convertvector(h, vu) << 16); }

#if defined(__F16C__) || defined(CK_HAS_F16C)
typedef _Float16 vhf __attribute__((ext_vector_type(LANES)));
INLINE vf widen_f16(vh h) { return __builtin_convertvector((vhf)h, vf); }
#else
/// Moves exponent and fraction into place and multiplies by 2¹¹²; infinities and NaN get the full exponent.
INLINE vf widen_f16(vh h) {
    vu bits = __builtin_convertvector(h, vu);
    vu magnitude = (bits & 0x7fff) << 13;
    vf value = (vf)magnitude * 0x1p112f;
    value = select_lanes((vi)(magnitude >= (0x7c00u << 13)), (vf)(magnitude | 0x7f800000), value);
    return (vf)((vu)value | (bits & 0x8000) << 16);
}
#endif

INLINE vf load_stored(ck_storage storage, const void *p, int64_t index) {
    if (storage == CK_STORAGE_F32) return load((const float *)p + index);
    vh h = ((const vh_anywhere *)((const uint16_t *)p + index))->v;
    return storage == CK_STORAGE_BF16 ? widen_bf16(h) : widen_f16(h);
}

INLINE vf load_stored_part(ck_storage storage, const void *p, int64_t index, int64_t count) {
    if (storage == CK_STORAGE_F32) return load_part((const float *)p + index, count);
    uint16_t lanes[LANES] = {0};
    for (int64_t i = 0; i < count; i++) lanes[i] = ((const uint16_t *)p)[index + i];
    return load_stored(storage, lanes, 0);
}
