// Choice of instruction set for dequantize_blocks.h, and rounding to the 16-bit types.

#include "include/dequantize.h"
#include "dequantize_blocks.h"
#include "include/ck_dispatch.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define CK_X86 1
#endif

typedef void (*expand_function)(const uint8_t *source, int64_t blocks, float *out);

// One row per storage type: X(enumerator, name, elements per block, bytes per block)
#define CK_STORED_TYPES(X)                                                                                                 \
    X(CK_STORED_F32, f32, 1, 4)                                                                                       \
    X(CK_STORED_F16, f16, 1, 2)                                                                                       \
    X(CK_STORED_BF16, bf16, 1, 2)                                                                                     \
    X(CK_STORED_F64, f64, 1, 8)                                                                                       \
    X(CK_STORED_I64, i64, 1, 8)                                                                                       \
    X(CK_STORED_I32, i32, 1, 4)                                                                                       \
    X(CK_STORED_I16, i16, 1, 2)                                                                                       \
    X(CK_STORED_I8, i8, 1, 1)                                                                                         \
    X(CK_STORED_U8, u8, 1, 1)                                                                                         \
    X(CK_STORED_BOOL, bool, 1, 1)                                                                                     \
    X(CK_STORED_Q4_0, q4_0, 32, 18)                                                                                   \
    X(CK_STORED_Q4_1, q4_1, 32, 20)                                                                                   \
    X(CK_STORED_Q5_0, q5_0, 32, 22)                                                                                   \
    X(CK_STORED_Q5_1, q5_1, 32, 24)                                                                                   \
    X(CK_STORED_Q8_0, q8_0, 32, 34)                                                                                   \
    X(CK_STORED_Q2_K, q2_k, 256, 84)                                                                                  \
    X(CK_STORED_Q3_K, q3_k, 256, 110)                                                                                 \
    X(CK_STORED_Q4_K, q4_k, 256, 144)                                                                                 \
    X(CK_STORED_Q5_K, q5_k, 256, 176)                                                                                 \
    X(CK_STORED_Q6_K, q6_k, 256, 210)

#define CK_DEFINE(enumerator, name, elements, bytes)                                                                   \
    static CK_TARGET void CK_PASTE(name##_on_, CK_PATH)(const uint8_t *source, int64_t blocks, float *out) {           \
        expand_##name(source, blocks, out);                                                                            \
    }
#define CK_SELECT(enumerator, name, elements, bytes)                                                                   \
    case enumerator:                                                                                                   \
        return CK_PASTE(name##_on_, CK_PATH);
#define CK_PASTE(a, b) CK_PASTE_EXPANDED(a, b)
#define CK_PASTE_EXPANDED(a, b) a##b

// MARK: Portable

#define CK_PATH portable
#define CK_TARGET
CK_STORED_TYPES(CK_DEFINE)
static expand_function portable_function(int32_t type) {
    switch (type) {
        CK_STORED_TYPES(CK_SELECT)
    default:
        return 0;
    }
}
#undef CK_PATH
#undef CK_TARGET

#if CK_X86

// MARK: AVX2

#define CK_PATH avx2
#define CK_TARGET __attribute__((target("avx2,fma,f16c")))
CK_STORED_TYPES(CK_DEFINE)

static CK_TARGET void f16_instructions_on_avx2(const uint8_t *source, int64_t blocks, float *out) {
    int64_t i = 0;
    for (; i + 8 <= blocks; i += 8) {
        _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(source + 2 * i))));
    }
    for (; i < blocks; i++) out[i] = load_f16(source + 2 * i);
}

static expand_function avx2_function(int32_t type) {
    switch (type) {
        CK_STORED_TYPES(CK_SELECT)
    default:
        return 0;
    }
}
#undef CK_PATH
#undef CK_TARGET

// MARK: AVX-512

#define CK_PATH avx512
#define CK_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")))
CK_STORED_TYPES(CK_DEFINE)

static CK_TARGET void f16_instructions_on_avx512(const uint8_t *source, int64_t blocks, float *out) {
    int64_t i = 0;
    for (; i + 16 <= blocks; i += 16) {
        _mm512_storeu_ps(out + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(source + 2 * i))));
    }
    for (; i < blocks; i++) out[i] = load_f16(source + 2 * i);
}

static expand_function avx512_function(int32_t type) {
    switch (type) {
        CK_STORED_TYPES(CK_SELECT)
    default:
        return 0;
    }
}
#undef CK_PATH
#undef CK_TARGET

#endif

// MARK: Dispatch

static expand_function function_on(ck_dequantize_path path, int32_t type) {
#if CK_X86
    if (path >= CK_DEQUANTIZE_AVX512) {
        return type == CK_STORED_F16 ? f16_instructions_on_avx512 : avx512_function(type);
    }
    if (path >= CK_DEQUANTIZE_AVX2) {
        return type == CK_STORED_F16 ? f16_instructions_on_avx2 : avx2_function(type);
    }
#endif
    (void)path;
    return portable_function(type);
}

ck_dequantize_path ck_dequantize_best_path(void) {
#if CK_X86
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c")) {
        if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")) {
            return CK_DEQUANTIZE_AVX512;
        }
        return CK_DEQUANTIZE_AVX2;
    }
#endif
    return CK_DEQUANTIZE_PORTABLE;
}

/// What REFT_KERNELS or `ck_force_path` asks for.
static ck_dequantize_path current_path(void) {
    switch (ck_current_path()) {
    case CK_PATH_AVX512: return CK_DEQUANTIZE_AVX512;
    case CK_PATH_AVX2: return CK_DEQUANTIZE_AVX2;
    default: return CK_DEQUANTIZE_PORTABLE;
    }
}

#define CK_ELEMENTS(enumerator, name, elements, bytes)                                                                 \
    case enumerator:                                                                                                   \
        return elements;
#define CK_BYTES(enumerator, name, elements, bytes)                                                                    \
    case enumerator:                                                                                                   \
        return bytes;

int64_t ck_stored_block_elements(int32_t type) {
    switch (type) {
        CK_STORED_TYPES(CK_ELEMENTS)
    default:
        return 0;
    }
}

int64_t ck_stored_block_bytes(int32_t type) {
    switch (type) {
        CK_STORED_TYPES(CK_BYTES)
    default:
        return 0;
    }
}

int32_t ck_dequantize_on(
    ck_dequantize_path path, int32_t type, const void *source, int64_t count, float *destination) {
    int64_t elements = ck_stored_block_elements(type);
    if (elements == 0 || count < 0 || count % elements != 0) return -1;
    ck_dequantize_path best = ck_dequantize_best_path();
    if (count > 0) function_on(path < best ? path : best, type)(source, count / elements, destination);
    return 0;
}

int32_t ck_dequantize(int32_t type, const void *source, int64_t count, float *destination) {
    return ck_dequantize_on(current_path(), type, source, count, destination);
}

// MARK: Rounding

static uint16_t f16_bits(float value) {
    uint32_t bits = bits_of_f32(value);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x1ff));
    if (magnitude >= 0x47800000) return (uint16_t)(sign | 0x7c00);
    if (magnitude < 0x38800000) {
        // Below 2⁻¹⁴ the f16 spacing is 2⁻²⁴, which is also the f32 spacing just above one half: adding rounds.
        return (uint16_t)(sign | (bits_of_f32(f32_from_bits(magnitude) + 0.5f) - 0x3f000000));
    }
    return (uint16_t)(sign | (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13);
}

static uint16_t bf16_bits(float value) {
    uint32_t bits = bits_of_f32(value);
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void ck_round_to_f16(const float *source, int64_t count, void *destination) {
    uint8_t *out = destination;
    for (int64_t i = 0; i < count; i++, out += 2) {
        uint16_t bits = f16_bits(source[i]);
        memcpy(out, &bits, 2);
    }
}

void ck_round_to_bf16(const float *source, int64_t count, void *destination) {
    uint8_t *out = destination;
    for (int64_t i = 0; i < count; i++, out += 2) {
        uint16_t bits = bf16_bits(source[i]);
        memcpy(out, &bits, 2);
    }
}
