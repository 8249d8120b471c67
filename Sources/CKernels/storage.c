// Whole arrays between f32 and the stored types.
#include <string.h>

#include "include/ck_rows.h"
#include "parallel.h"
#include "spans.h"

enum { STORAGE_BLOCK = 4096 };

typedef struct {
    ck_storage storage;
    int64_t n;
    const void *from;
    void *to;
} storage_job;

static void expand_blocks(int64_t begin, int64_t end, void *context) {
    const storage_job *job = context;
    int64_t first = begin * STORAGE_BLOCK, last = end * STORAGE_BLOCK < job->n ? end * STORAGE_BLOCK : job->n;
    int64_t width = job->storage == CK_STORAGE_F32 ? 4 : 2;
    ck_spans()->expand(job->storage, last - first, (const char *)job->from + first * width, (float *)job->to + first);
}

void ck_expand(ck_storage storage, int64_t n, const void *x, float *y) {
    storage_job job = {storage, n, x, y};
    ck_parallel_rows((n + STORAGE_BLOCK - 1) / STORAGE_BLOCK, 0.3 * STORAGE_BLOCK, expand_blocks, &job);
}

static uint16_t to_bf16(uint32_t bits) {
    if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

static uint16_t to_f16(uint32_t bits) {
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    uint32_t magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) return sign | 0x7e00;
    if (magnitude >= 0x477ff000) return sign | 0x7c00;  // 65520 and up round to infinity
    if (magnitude >= 0x38800000) {                      // 2⁻¹⁴: normal halves
        uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
        return sign | (uint16_t)((rounded - 0x38000000) >> 13);
    }
    // Adding ½ puts the subnormal half's units of 2⁻²⁴ into the low bits of the f32 fraction, rounded to nearest even.
    float value;
    memcpy(&value, &magnitude, 4);
    value += 0.5f;
    memcpy(&magnitude, &value, 4);
    return sign | (uint16_t)(magnitude - 0x3f000000);
}

static void narrow_blocks(int64_t begin, int64_t end, void *context) {
    const storage_job *job = context;
    int64_t first = begin * STORAGE_BLOCK, last = end * STORAGE_BLOCK < job->n ? end * STORAGE_BLOCK : job->n;
    const uint32_t *from = job->from;
    uint16_t *to = job->to;
    if (job->storage == CK_STORAGE_F32) {
        memcpy((float *)job->to + first, from + first, (size_t)(last - first) * sizeof(float));
    } else if (job->storage == CK_STORAGE_BF16) {
        for (int64_t i = first; i < last; i++) to[i] = to_bf16(from[i]);
    } else {
        for (int64_t i = first; i < last; i++) to[i] = to_f16(from[i]);
    }
}

void ck_narrow(ck_storage storage, int64_t n, const float *x, void *y) {
    storage_job job = {storage, n, x, y};
    ck_parallel_rows((n + STORAGE_BLOCK - 1) / STORAGE_BLOCK, 1.0 * STORAGE_BLOCK, narrow_blocks, &job);
}
