// Products of few rows with quantised rows: blocks are widened in registers, to the same numbers as ck_dequantize gives, and meet f32
// activations. Streaming them is limited by memory, not by the widening, so nothing is gained by rounding the activations too.

/// The types that have kernels of their own, and the bytes of their blocks.
#define BLOCK_TYPES(X)       \
    X(CK_STORAGE_Q4_0, 18)   \
    X(CK_STORAGE_Q4_1, 20)   \
    X(CK_STORAGE_Q5_0, 22)   \
    X(CK_STORAGE_Q5_1, 24)   \
    X(CK_STORAGE_Q8_0, 34)   \
    X(CK_STORAGE_Q2_K, 84)   \
    X(CK_STORAGE_Q3_K, 110)  \
    X(CK_STORAGE_Q4_K, 144)  \
    X(CK_STORAGE_Q5_K, 176)  \
    X(CK_STORAGE_Q6_K, 210)

typedef uint8_t vb __attribute__((ext_vector_type(LANES)));
typedef int8_t vsb __attribute__((ext_vector_type(LANES)));
typedef struct {
    vb v;
} __attribute__((packed, aligned(1), may_alias)) vb_anywhere;

/// Vectors that 32 numbers take.
enum { PART = 32 / LANES };

INLINE vb load_bytes(const uint8_t *p) { return ((const vb_anywhere *)p)->v; }
INLINE vf widen_bytes(vb bytes) { return __builtin_convertvector(bytes, vf); }

/// A half in all lanes.
INLINE vf half_at(const uint8_t *p) {
    uint16_t bits;
    memcpy(&bits, p, 2);
#if defined(CK_HAS_AVX512)
    // Broadcast first: a scalar conversion begins with an insertion into some vector, often a sum, and waits for it.
    return (vf)_mm512_cvtph_ps(_mm256_set1_epi16((short)bits));
#elif defined(CK_HAS_F16C)
    return (vf)_mm256_cvtph_ps(_mm_set1_epi16((short)bits));
#else
    return widen_f16((vh)(bits));
#endif
}

/// q·scale + shift, to the bits of ck_dequantize whether it is fused or not: q has at most five bits and a scale seventeen, so the product is
/// exact.
INLINE vf scaled(vf q, vf scale, vf shift) { return q * scale + shift; }

/// The nibbles of LANES bytes, upper ones if `high`, times scale plus shift.
INLINE vf nibbles(const uint8_t *bytes, bool high, vf scale, vf shift) {
#if defined(CK_HAS_AVX512)
    // All sixteen values are computed at once and looked up.
    const vf values = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    __m512i wide = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)bytes));
    if (high) wide = _mm512_srli_epi32(wide, 4);
    return (vf)_mm512_permutexvar_ps(wide, (__m512)scaled(values, scale, shift));
#else
    vb q = load_bytes(bytes);
    return scaled(widen_bytes(high ? q >> 4 : q & 15), scale, shift);
#endif
}

/// Nibbles with a fifth bit from bit first + lane of `field`.
INLINE vf five_bits(const uint8_t *bytes, bool high, uint32_t field, int first, vf scale, vf shift) {
    vu lane;
    _Pragma("clang loop unroll(full)") for (int i = 0; i < LANES; i++) lane[i] = (uint32_t)(first + i);
    vb q = load_bytes(bytes);
    vu value = __builtin_convertvector(high ? q >> 4 : q & 15, vu) | (((vu)(field) >> lane & 1) << 4);
    return scaled(__builtin_convertvector((vi)value, vf), scale, shift);
}

/// What q is less than the number it stands for, in units of the scale.
INLINE float zero_of(ck_storage storage) {
    return storage == CK_STORAGE_Q4_0 ? 8 : storage == CK_STORAGE_Q5_0 ? 16 : 0;
}
INLINE bool has_minimum(ck_storage storage) { return storage == CK_STORAGE_Q4_1 || storage == CK_STORAGE_Q5_1; }

/// 32 numbers of Q4_0, Q4_1, Q5_0, Q5_1 or Q8_0: a block. Each is q·scale + shift.
INLINE void widen_block(ck_storage storage, const uint8_t *block, vf scale, vf shift, vf *out) {
    const uint8_t *q = block + (has_minimum(storage) ? 4 : 2);
    uint32_t field = 0;
    if (storage == CK_STORAGE_Q5_0 || storage == CK_STORAGE_Q5_1) {
        memcpy(&field, q, 4);
        q += 4;
    }
    _Pragma("clang loop unroll(full)") for (int j = 0; j < PART; j++) {
        int first = j * LANES;
        bool high = first >= 16;
        if (storage == CK_STORAGE_Q8_0) {
            out[j] = __builtin_convertvector((vsb)load_bytes(q + first), vf) * scale;
        } else if (storage == CK_STORAGE_Q4_0 || storage == CK_STORAGE_Q4_1) {
            out[j] = nibbles(q + first % 16, high, scale, shift);
        } else {
            out[j] = five_bits(q + first % 16, high, field, first, scale, shift);
        }
    }
}

/// Whether the scales of several blocks are widened at once, before the blocks. It pays where there are two, or five bits.
INLINE bool has_pairs(ck_storage storage) { return has_minimum(storage) || storage == CK_STORAGE_Q5_0; }

/// Scale and shift of `count` blocks, side by side. A shift that stands for the zero of q is exact.
INLINE void widen_pairs(ck_storage storage, const uint8_t *block, int64_t bytes, int64_t count, float *pairs) {
    int64_t b = 0;
#if defined(CK_HAS_AVX512) || defined(CK_HAS_F16C)
    float zero = zero_of(storage);
    for (; b + 4 <= count; b += 4, block += 4 * bytes) {
        int32_t halves[4];
        _Pragma("clang loop unroll(full)") for (int j = 0; j < 4; j++) memcpy(halves + j, block + j * bytes, 4);
        __m256 both = _mm256_cvtph_ps(_mm_setr_epi32(halves[0], halves[1], halves[2], halves[3]));
        if (!has_minimum(storage)) {
            both = _mm256_mul_ps(_mm256_moveldup_ps(both), _mm256_setr_ps(1, -zero, 1, -zero, 1, -zero, 1, -zero));
        }
        _mm256_storeu_ps(pairs + 2 * b, both);
    }
#endif
    for (; b < count; b++, block += bytes) {
        pairs[2 * b] = half_at(block)[0];
        pairs[2 * b + 1] = has_minimum(storage) ? half_at(block + 2)[0] : -zero_of(storage) * pairs[2 * b];
    }
}

typedef uint8_t vb16 __attribute__((ext_vector_type(16)));
typedef int8_t vsb16 __attribute__((ext_vector_type(16)));
typedef float vf16 __attribute__((ext_vector_type(16)));

/// Numbers that `widen_scales` writes at most.
enum { BLOCK_SCALES = 32 };

/// The scales of a block of 256: those of 16 groups in Q2_K, Q3_K and Q6_K, those of 8 groups in Q4_K and Q5_K; then, in Q2_K, Q4_K and
/// Q5_K, the minima, negative.
INLINE void widen_scales(ck_storage storage, const uint8_t *block, float *scales) {
    if (storage == CK_STORAGE_Q2_K) {
        vb16 bytes;
        memcpy(&bytes, block, 16);
        vf16 widened = __builtin_convertvector(bytes & 15, vf16) * half_at(block + 80)[0];
        memcpy(scales, &widened, sizeof widened);
        widened = __builtin_convertvector(bytes >> 4, vf16) * -half_at(block + 82)[0];
        memcpy(scales + 16, &widened, sizeof widened);
        return;
    }
    if (storage == CK_STORAGE_Q3_K) {
        // Six bits each, 32 too much: the lower four of two groups in a byte, the upper two of four.
        uint32_t packed[3], bytes[4];
        memcpy(packed, block + 96, 12);
        _Pragma("clang loop unroll(full)") for (int j = 0; j < 4; j++)
            bytes[j] = (packed[j % 2] >> (j / 2 * 4) & 0x0f0f0f0f) | (packed[2] >> 2 * j & 0x03030303) << 4;
        vb16 all;
        memcpy(&all, bytes, 16);
        vf16 widened = (__builtin_convertvector(all, vf16) - 32.0f) * half_at(block + 108)[0];
        memcpy(scales, &widened, sizeof widened);
        return;
    }
    if (storage == CK_STORAGE_Q6_K) {
        vsb16 bytes;
        memcpy(&bytes, block + 192, 16);
        vf16 widened = __builtin_convertvector(bytes, vf16) * half_at(block + 208)[0];
        memcpy(scales, &widened, sizeof widened);
        return;
    }
    // Six bits each: the lower four of the last four scales and minima, then the upper two of them above the first four.
    uint32_t packed[3], bytes[4];
    memcpy(packed, block + 4, 12);
    bytes[0] = packed[0] & 0x3f3f3f3f;
    bytes[1] = (packed[2] & 0x0f0f0f0f) | (packed[0] >> 6 & 0x03030303) << 4;
    bytes[2] = packed[1] & 0x3f3f3f3f;
    bytes[3] = (packed[2] >> 4 & 0x0f0f0f0f) | (packed[1] >> 6 & 0x03030303) << 4;
    vb16 all;
    memcpy(&all, bytes, 16);
    vf16 widened = __builtin_convertvector(all, vf16);
    widened.lo *= half_at(block)[0];
    widened.hi *= -half_at(block + 2)[0];
    memcpy(scales, &widened, sizeof widened);
}

/// Numbers 32·part … of a block of 256.
INLINE void widen_part(ck_storage storage, const uint8_t *block, const float *scales, int part, vf *out) {
    _Pragma("clang loop unroll(full)") for (int j = 0; j < PART; j++) {
        int first = j * LANES;
        if (storage == CK_STORAGE_Q2_K) {
            int group = part * 2 + first / 16;
            vb value = load_bytes(block + 16 + part / 4 * 32 + first) >> (part % 4 * 2) & 3;
            out[j] = scaled(widen_bytes(value), splat(scales[group]), splat(scales[16 + group]));
        } else if (storage == CK_STORAGE_Q3_K) {
            vb low = load_bytes(block + 32 + part / 4 * 32 + first), third = load_bytes(block + first);
            vb value = (low >> (part % 4 * 2) & 3) | (third >> part & 1) << 2;
            out[j] = (widen_bytes(value) - 4.0f) * scales[part * 2 + first / 16];
        } else if (storage == CK_STORAGE_Q6_K) {
            int group = part * 2 + first / 16, half = group / 8, within = group % 8;
            vb low = load_bytes(block + half * 64 + within % 4 * 16 + first % 16);
            vb high = load_bytes(block + 128 + half * 32 + within % 2 * 16 + first % 16);
            vb value = (low >> (within / 4 * 4) & 15) | (high >> (within / 2 * 2) & 3) << 4;
            out[j] = (widen_bytes(value) - 32.0f) * scales[group];
        } else if (storage == CK_STORAGE_Q4_K) {
            out[j] = nibbles(block + 16 + part / 2 * 32 + first, part % 2, splat(scales[part]), splat(scales[8 + part]));
        } else {
            vb bytes = load_bytes(block + 48 + part / 2 * 32 + first), fifth = load_bytes(block + 16 + first);
            vb value = (part % 2 ? bytes >> 4 : bytes & 15) | (fifth >> part & 1) << 4;
            out[j] = scaled(widen_bytes(value), splat(scales[part]), splat(scales[8 + part]));
        }
    }
}

enum { SCALED_BLOCKS = 32 };

/// Rows that a block meets when it is widened.
enum { MOST_FEW = 4 };

/// A quantised row against FB few rows, two sums a pair.
INLINE void block_tile(const int FB, ck_storage storage, int64_t bytes, const uint8_t *row, const float *few,
                       int64_t few_stride, int64_t k, float alpha, bool accumulate, float *out, int64_t out_f) {
    const int parts = storage >= CK_STORAGE_Q2_K ? 8 : 1;
    vf sums[2 * MOST_FEW];
    _Pragma("clang loop unroll(full)") for (int j = 0; j < 2 * FB; j++) sums[j] = splat(0);
    float scales[2 * SCALED_BLOCKS > BLOCK_SCALES ? 2 * SCALED_BLOCKS : BLOCK_SCALES];
    int64_t blocks = k / (32 * parts);
    for (int64_t b = 0; b < blocks; b++, row += bytes, few += 32 * parts) {
        if (parts > 1) {
            widen_scales(storage, row, scales);
        } else if (has_pairs(storage) && b % SCALED_BLOCKS == 0) {
            widen_pairs(storage, row, bytes, blocks - b < SCALED_BLOCKS ? blocks - b : SCALED_BLOCKS, scales);
        }
        const float *pair = scales + b % SCALED_BLOCKS * 2;
        _Pragma("clang loop unroll(full)") for (int part = 0; part < parts; part++) {
            vf widened[PART];
            if (parts > 1) {
                widen_part(storage, row, scales, part, widened);
            } else if (has_pairs(storage)) {
                widen_block(storage, row, splat(pair[0]), splat(pair[1]), widened);
            } else {
                vf scale = half_at(row);
                widen_block(storage, row, scale, -zero_of(storage) * scale, widened);
            }
            _Pragma("clang loop unroll(full)") for (int f = 0; f < FB; f++) {
                const float *other = few + f * few_stride + 32 * part;
                _Pragma("clang loop unroll(full)") for (int j = 0; j < PART; j++)
                    sums[2 * f + j % 2] = widened[j] * load(other + j * LANES) + sums[2 * f + j % 2];
            }
        }
    }
    _Pragma("clang loop unroll(full)") for (int f = 0; f < FB; f++) {
        float sum = alpha * add_lanes(sums[2 * f] + sums[2 * f + 1]);
        out[f * out_f] = accumulate ? out[f * out_f] + sum : sum;
    }
}

INLINE void block_rows(ck_storage storage, int64_t bytes, int64_t stream_count, const uint8_t *stream, int64_t stream_bytes,
                       int64_t few_count, const float *few, int64_t few_stride, int64_t k, float alpha, bool accumulate,
                       float *out, int64_t out_s, int64_t out_f) {
    int64_t groups = (few_count + MOST_FEW - 1) / MOST_FEW;
    for (int64_t s = 0; s < stream_count; s++, stream += stream_bytes, out += out_s) {
        // Groups as even as they can be: widening a row twice costs less than more sums than there are registers.
        for (int64_t group = 0, f = 0; group < groups; group++) {
            int64_t count = few_count / groups + (group < few_count % groups);
#define TILE(FB)                                                                                                          \
    block_tile(FB, storage, bytes, stream, few + f * few_stride, few_stride, k, alpha, accumulate, out + f * out_f, out_f)
            if (count == 1) TILE(1);
            else if (count == 2) TILE(2);
            else if (count == 3) TILE(3);
            else TILE(4);
#undef TILE
            f += count;
        }
    }
}

static bool span_block_dots(ck_storage storage, int64_t stream_count, const void *stream, int64_t stream_bytes,
                            int64_t few_count, const float *few, int64_t few_stride, int64_t k, float alpha, bool accumulate,
                            float *out, int64_t out_s, int64_t out_f) {
#define CASE(STORAGE, BYTES)                                                                                               \
    case STORAGE:                                                                                                          \
        block_rows(STORAGE, BYTES, stream_count, stream, stream_bytes, few_count, few, few_stride, k, alpha, accumulate, out, \
                   out_s, out_f);                                                                                          \
        return true;
    switch (storage) {
        BLOCK_TYPES(CASE)
    default: return false;
    }
#undef CASE
}

INLINE void expand_blocks_of(ck_storage storage, int64_t bytes, int64_t n, const uint8_t *x, float *y) {
    const int parts = storage >= CK_STORAGE_Q2_K ? 8 : 1;
    for (int64_t i = 0; i < n; i += 32 * parts, x += bytes) {
        float scales[BLOCK_SCALES];
        if (parts > 1) widen_scales(storage, x, scales);
        _Pragma("clang loop unroll(full)") for (int part = 0; part < parts; part++) {
            vf widened[PART];
            if (parts == 1) {
                float zero = zero_of(storage);
                vf scale = half_at(x), shift = has_minimum(storage) ? half_at(x + 2) : -zero * scale;
                widen_block(storage, x, scale, shift, widened);
            } else {
                widen_part(storage, x, scales, part, widened);
            }
            _Pragma("clang loop unroll(full)") for (int j = 0; j < PART; j++)
                store(y + i + 32 * part + j * LANES, widened[j]);
        }
    }
}

static bool span_expand_blocks(ck_storage storage, int64_t n, const void *x, float *y) {
#define CASE(STORAGE, BYTES) \
    case STORAGE: expand_blocks_of(STORAGE, BYTES, n, x, y); return true;
    switch (storage) {
        BLOCK_TYPES(CASE)
    default: return false;
    }
#undef CASE
}
