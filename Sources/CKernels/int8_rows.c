// Rounding of few rows to 8 bits, and their products with 4-bit blocks.
#include "int8_rows.h"

#include <math.h>
#include <string.h>

#include "include/ck_dispatch.h"
#include "include/ck_gemm.h"
#include "include/dequantize.h"
#include "parallel.h"
#include "scratch.h"
#include "storage.h"

enum { FEW = 8, GROUP = 32 };

static float half_of(const uint8_t *bytes) {
    float value;
    ck_dequantize(CK_STORED_F16, bytes, 1, &value);
    return value;
}

/// Scale and shift of each group of a block, side by side.
static void pairs_of(ck_storage storage, const uint8_t *block, float *pairs) {
    float d = half_of(block);
    if (storage != CK_STORAGE_Q4_K) {
        pairs[0] = d;
        pairs[1] = storage == CK_STORAGE_Q4_0 ? -8 * d : half_of(block + 2);
        return;
    }
    float minimum = half_of(block + 2);
    uint8_t scales[16];
    ck_q4_k_scales(block, scales);
    for (int g = 0; g < 8; g++) {
        pairs[2 * g] = d * scales[g];
        pairs[2 * g + 1] = -minimum * scales[8 + g];
    }
}

static int32_t group_sum(ck_storage storage, const uint8_t *nibbles, int64_t group, const int8_t *x) {
    int32_t sum = 0;
    if (storage == CK_STORAGE_Q4_K) {
        int shift = group % 2 * 4;
        for (int i = 0; i < GROUP; i++) sum += (nibbles[group / 2 * GROUP + i] >> shift & 15) * x[i];
    } else {
        for (int i = 0; i < 16; i++) sum += (nibbles[i] & 15) * x[i] + (nibbles[i] >> 4) * x[16 + i];
    }
    return sum;
}

void ck_int8_rows_portable(const ck_int8_product *p, int64_t begin, int64_t end) {
    ck_int8_layout layout = ck_int8_layout_of(p->storage);
    int64_t groups = layout.numbers / GROUP;
    for (int64_t row = begin; row < end; row++) {
        float sums[FEW] = {0};
        const uint8_t *block = p->stream + row * p->stream_bytes;
        for (int64_t i = 0; i < p->k; i += layout.numbers, block += layout.bytes) {
            float pairs[16];
            pairs_of(p->storage, block, pairs);
            for (int64_t f = 0; f < p->few; f++) {
                for (int64_t g = 0; g < groups; g++) {
                    const float *scales = p->pairs + (f * p->k + i) / 16 + 2 * g;
                    int32_t sum = group_sum(p->storage, block + layout.nibbles, g, p->quants + f * p->k + i + g * GROUP);
                    sums[f] += pairs[2 * g] * scales[0] * (float)sum + pairs[2 * g + 1] * scales[1];
                }
            }
        }
        for (int64_t f = 0; f < p->few; f++) p->c[f * p->c_stride + row] = p->bias ? sums[f] + p->bias[row] : sums[f];
    }
}

static void run_rows(int64_t begin, int64_t end, void *context) {
#if defined(__x86_64__)
    ck_path path = ck_current_path();
    if (path == CK_PATH_AVX512 && __builtin_cpu_supports("avx512vnni")) return ck_int8_rows_vnni(context, begin, end);
    if (path >= CK_PATH_AVX2) return ck_int8_rows_avx2(context, begin, end);
#endif
    ck_int8_rows_portable(context, begin, end);
}

/// 32 numbers to multiples of a scale, the largest magnitude / 127, to nearest, ties to even; a group with an infinity or NaN has a NaN as
/// its scale, one of numbers below 1e-30 is zero.
static void round_group(const float *x, int8_t *quants, float *pair) {
    int32_t largest = 0;
    for (int i = 0; i < GROUP; i++) {
        int32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        bits &= 0x7fffffff;
        largest = bits > largest ? bits : largest;
    }
    float magnitude;
    memcpy(&magnitude, &largest, sizeof magnitude);
    if (largest >= 0x7f800000 || magnitude < 1e-30f) {
        memset(quants, 0, GROUP);
        pair[0] = pair[1] = largest >= 0x7f800000 ? NAN : 0;
        return;
    }
    float inverse = 127 / magnitude;
    int32_t sum = 0;
    for (int i = 0; i < GROUP; i++) {
        // Adding 1.5 · 2²³ leaves no place for a fraction.
        float rounded = (x[i] * inverse + 12582912.0f) - 12582912.0f;
        int32_t q = (int32_t)rounded;
        sum += q;
        quants[i] = (int8_t)q;
    }
    pair[0] = magnitude / 127;
    pair[1] = pair[0] * (float)sum;
}

void ck_gemm_int8(ck_storage storage, int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride, const void *b,
                  int64_t b_stride, float *c, int64_t c_stride, const float *bias) {
    if (m <= 0 || m > FEW || k <= 0 || ck_int8_layout_of(storage).bytes == 0) {
        ck_gemm_stored(storage, false, true, m, n, k, 1, a, a_stride, b, b_stride, 0, c, c_stride, bias);
        return;
    }
    int8_t *quants = (int8_t *)ck_scratch(CK_SCRATCH_OPERAND_A, m * k / 4);
    float *pairs = ck_scratch(CK_SCRATCH_OPERAND_B, m * k / 16);
    for (int64_t r = 0; r < m; r++) {
        for (int64_t i = 0; i < k; i += GROUP) round_group(a + r * a_stride + i, quants + r * k + i, pairs + (r * k + i) / 16);
    }
    ck_int8_product product = {storage, m, k, b, ck_storage_bytes(storage, b_stride), quants, pairs, c, c_stride, bias};
    double bytes = (double)ck_storage_bytes(storage, k), flops = 2.0 * (double)m * (double)k;
    ck_parallel_rows(n, bytes / 16 + flops / 60, run_rows, &product);
}
