// The arithmetic of every storage type, written once: expand `blocks` blocks from `source` to f32.
//
// dequantize.c inlines these bodies into one function per instruction set, so that the compiler vectorises the same
// loops for each. Layouts are those of ggml-common.h; the order of roundings is that of ggml's own C code.

#ifndef CK_DEQUANTIZE_BLOCKS_H
#define CK_DEQUANTIZE_BLOCKS_H

#include <stdint.h>
#include <string.h>

// A fused multiply-add rounds once where the reference rounds twice: bits would depend on the machine.
#pragma STDC FP_CONTRACT OFF

#define CK_BODY static inline __attribute__((always_inline)) void

static inline __attribute__((always_inline)) float f32_from_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

static inline __attribute__((always_inline)) uint32_t bits_of_f32(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

static inline __attribute__((always_inline)) uint16_t load_u16(const uint8_t *bytes) {
    uint16_t value;
    memcpy(&value, bytes, 2);
    return value;
}

static inline __attribute__((always_inline)) float load_f16(const uint8_t *bytes) {
    uint16_t half = load_u16(bytes);
    uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    uint32_t magnitude = half & 0x7fff;
    uint32_t rebias = 112u << 23;
    uint32_t normal = (magnitude << 13) + rebias;
    uint32_t special = normal + rebias;
    // A signalling NaN becomes a quiet one, as the F16C instruction makes it.
    if (magnitude > 0x7c00) special |= 1u << 22;
    uint32_t subnormal = bits_of_f32((float)(int32_t)magnitude * 0x1p-24f);
    uint32_t bits = magnitude < 0x0400 ? subnormal : magnitude < 0x7c00 ? normal : special;
    return f32_from_bits(sign | bits);
}

// MARK: Plain types

CK_BODY expand_f32(const uint8_t *source, int64_t blocks, float *out) { memcpy(out, source, (size_t)blocks * 4); }

CK_BODY expand_f16(const uint8_t *source, int64_t blocks, float *out) {
    for (int64_t i = 0; i < blocks; i++) out[i] = load_f16(source + 2 * i);
}

CK_BODY expand_bf16(const uint8_t *source, int64_t blocks, float *out) {
    for (int64_t i = 0; i < blocks; i++) out[i] = f32_from_bits((uint32_t)load_u16(source + 2 * i) << 16);
}

#define CK_EXPAND_PLAIN(name, type)                                                                                    \
    CK_BODY expand_##name(const uint8_t *source, int64_t blocks, float *out) {                                         \
        for (int64_t i = 0; i < blocks; i++) {                                                                         \
            type value;                                                                                                \
            memcpy(&value, source + i * (int64_t)sizeof(type), sizeof(type));                                          \
            out[i] = (float)value;                                                                                     \
        }                                                                                                              \
    }

CK_EXPAND_PLAIN(f64, double)
CK_EXPAND_PLAIN(i64, int64_t)
CK_EXPAND_PLAIN(i32, int32_t)
CK_EXPAND_PLAIN(i16, int16_t)
CK_EXPAND_PLAIN(i8, int8_t)
CK_EXPAND_PLAIN(u8, uint8_t)

CK_BODY expand_bool(const uint8_t *source, int64_t blocks, float *out) {
    for (int64_t i = 0; i < blocks; i++) out[i] = source[i] != 0 ? 1.0f : 0.0f;
}

// MARK: Blocks of 32

// d f16, 16 bytes of nibbles: y = d·(q − 8). The low nibbles are elements 0–15, the high ones 16–31.
CK_BODY expand_q4_0(const uint8_t *source, int64_t blocks, float *out) {
    for (int64_t b = 0; b < blocks; b++, source += 18, out += 32) {
        float d = load_f16(source);
        const uint8_t *q = source + 2;
        for (int i = 0; i < 16; i++) out[i] = d * (float)((q[i] & 15) - 8);
        for (int i = 0; i < 16; i++) out[16 + i] = d * (float)((q[i] >> 4) - 8);
    }
}

// d f16, m f16, 16 bytes of nibbles: y = d·q + m.
CK_BODY expand_q4_1(const uint8_t *source, int64_t blocks, float *out) {
    for (int64_t b = 0; b < blocks; b++, source += 20, out += 32) {
        float d = load_f16(source), m = load_f16(source + 2);
        const uint8_t *q = source + 4;
        for (int i = 0; i < 16; i++) out[i] = d * (float)(q[i] & 15) + m;
        for (int i = 0; i < 16; i++) out[16 + i] = d * (float)(q[i] >> 4) + m;
    }
}

// Bit `i` of a 32-bit field, moved to the fifth bit of a quant.
static inline __attribute__((always_inline)) int32_t fifth_bit(uint32_t field, int i) {
    return (int32_t)((field >> i & 1) << 4);
}

// d f16, 32 fifth bits, 16 bytes of nibbles: y = d·(q − 16).
CK_BODY expand_q5_0(const uint8_t *source, int64_t blocks, float *out) {
    for (int64_t b = 0; b < blocks; b++, source += 22, out += 32) {
        float d = load_f16(source);
        uint32_t high;
        memcpy(&high, source + 2, 4);
        const uint8_t *q = source + 6;
        for (int i = 0; i < 16; i++) out[i] = d * (float)(((q[i] & 15) | fifth_bit(high, i)) - 16);
        for (int i = 0; i < 16; i++) out[16 + i] = d * (float)(((q[i] >> 4) | fifth_bit(high, 16 + i)) - 16);
    }
}

// d f16, m f16, 32 fifth bits, 16 bytes of nibbles: y = d·q + m.
CK_BODY expand_q5_1(const uint8_t *source, int64_t blocks, float *out) {
    for (int64_t b = 0; b < blocks; b++, source += 24, out += 32) {
        float d = load_f16(source), m = load_f16(source + 2);
        uint32_t high;
        memcpy(&high, source + 4, 4);
        const uint8_t *q = source + 8;
        for (int i = 0; i < 16; i++) out[i] = d * (float)((q[i] & 15) | fifth_bit(high, i)) + m;
        for (int i = 0; i < 16; i++) out[16 + i] = d * (float)((q[i] >> 4) | fifth_bit(high, 16 + i)) + m;
    }
}

// d f16, 32 signed bytes: y = d·q.
CK_BODY expand_q8_0(const uint8_t *source, int64_t blocks, float *out) {
    for (int64_t b = 0; b < blocks; b++, source += 34, out += 32) {
        float d = load_f16(source);
        for (int i = 0; i < 32; i++) out[i] = d * (float)(int8_t)source[2 + i];
    }
}

// MARK: Blocks of 256

// 16 bytes (scale nibble, minimum nibble), 64 bytes of 2-bit quants, d f16, dmin f16: y = (d·s)·q − dmin·m per 16.
// Of each 32 bytes, the lowest bit pairs are the first 32 elements, and so on upwards.
CK_BODY expand_q2_k(const uint8_t *source, int64_t blocks, float *out) {
    for (int64_t b = 0; b < blocks; b++, source += 84) {
        const uint8_t *scales = source, *q = source + 16;
        float d = load_f16(source + 80), dmin = load_f16(source + 82);
        for (int group = 0; group < 16; group++, out += 16) {
            float scale = d * (float)(scales[group] & 15), minimum = dmin * (float)(scales[group] >> 4);
            const uint8_t *bytes = q + (group / 8) * 32 + (group % 2) * 16;
            int shift = group % 8 / 2 * 2;
            for (int i = 0; i < 16; i++) out[i] = scale * (float)(bytes[i] >> shift & 3) - minimum;
        }
    }
}

// 32 bytes of third bits, 64 bytes of 2-bit quants, 12 bytes of 6-bit scales, d f16: y = d·(s − 32)·q per 16,
// where a cleared third bit subtracts 4.
CK_BODY expand_q3_k(const uint8_t *source, int64_t blocks, float *out) {
    for (int64_t b = 0; b < blocks; b++, source += 110) {
        const uint8_t *mask = source, *q = source + 32, *packed = source + 96;
        float d = load_f16(source + 108);
        for (int group = 0; group < 16; group++, out += 16) {
            int low = packed[group % 8] >> (group / 8 * 4) & 15;
            int high = packed[8 + group % 4] >> (group / 4 * 2) & 3;
            float scale = d * (float)((low | high << 4) - 32);
            const uint8_t *bytes = q + (group / 8) * 32 + (group % 2) * 16;
            const uint8_t *third = mask + (group % 2) * 16;
            int shift = group % 8 / 2 * 2, bit = group / 2;
            for (int i = 0; i < 16; i++) {
                int value = (bytes[i] >> shift & 3) - ((third[i] >> bit & 1) ^ 1) * 4;
                out[i] = scale * (float)value;
            }
        }
    }
}

// The 6-bit scale and minimum of group `j` of 8, from the 12 bytes that Q4_K and Q5_K pack them in.
static inline __attribute__((always_inline)) void scale_and_minimum(
    const uint8_t *packed, int j, int *scale, int *minimum) {
    if (j < 4) {
        *scale = packed[j] & 63;
        *minimum = packed[j + 4] & 63;
    } else {
        *scale = (packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4;
        *minimum = packed[j + 4] >> 4 | (packed[j] >> 6) << 4;
    }
}

// d f16, dmin f16, 12 bytes of scales and minima, 128 bytes of nibbles: y = (d·s)·q − dmin·m per 32.
CK_BODY expand_q4_k(const uint8_t *source, int64_t blocks, float *out) {
    for (int64_t b = 0; b < blocks; b++, source += 144) {
        float d = load_f16(source), dmin = load_f16(source + 2);
        for (int group = 0; group < 8; group++, out += 32) {
            int s, m;
            scale_and_minimum(source + 4, group, &s, &m);
            float scale = d * (float)s, minimum = dmin * (float)m;
            const uint8_t *q = source + 16 + group / 2 * 32;
            int shift = group % 2 * 4;
            for (int i = 0; i < 32; i++) out[i] = scale * (float)(q[i] >> shift & 15) - minimum;
        }
    }
}

// As Q4_K with 32 bytes of fifth bits (bit `group` of each) before the nibbles.
CK_BODY expand_q5_k(const uint8_t *source, int64_t blocks, float *out) {
    for (int64_t b = 0; b < blocks; b++, source += 176) {
        float d = load_f16(source), dmin = load_f16(source + 2);
        const uint8_t *high = source + 16;
        for (int group = 0; group < 8; group++, out += 32) {
            int s, m;
            scale_and_minimum(source + 4, group, &s, &m);
            float scale = d * (float)s, minimum = dmin * (float)m;
            const uint8_t *q = source + 48 + group / 2 * 32;
            int shift = group % 2 * 4;
            for (int i = 0; i < 32; i++) {
                int value = (q[i] >> shift & 15) | (high[i] >> group & 1) << 4;
                out[i] = scale * (float)value - minimum;
            }
        }
    }
}

// 128 bytes of nibbles, 64 bytes of upper bit pairs, 16 signed scales, d f16: y = (d·s)·(q − 32), s per 16.
CK_BODY expand_q6_k(const uint8_t *source, int64_t blocks, float *out) {
    for (int64_t b = 0; b < blocks; b++, source += 210) {
        float d = load_f16(source + 208);
        for (int group = 0; group < 16; group++, out += 16) {
            int half = group / 8, within = group % 8;
            float scale = d * (float)(int8_t)source[192 + group];
            const uint8_t *low = source + half * 64 + within % 4 * 16;
            const uint8_t *high = source + 128 + half * 32 + within % 2 * 16;
            int low_shift = within / 4 * 4, high_shift = within / 2 * 2;
            for (int i = 0; i < 16; i++) {
                int value = (low[i] >> low_shift & 15) | (high[i] >> high_shift & 3) << 4;
                out[i] = scale * (float)(value - 32);
            }
        }
    }
}

#endif
