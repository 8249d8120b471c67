// Expansion of stored tensor elements to f32, and rounding of f32 to the 16-bit types.
//
// A tensor on disk is a run of blocks. Plain types have one element per block; quantised types have 32 or 256
// elements that share scales (the GGUF block layouts, ggml-common.h). Nothing here needs alignment of the source.

#ifndef CK_DEQUANTIZE_H
#define CK_DEQUANTIZE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// How elements are stored. Values below 100 are the type numbers of the GGUF format; those above have no GGUF number.
typedef enum ck_stored_type {
    CK_STORED_F32 = 0,
    CK_STORED_F16 = 1,
    CK_STORED_Q4_0 = 2,
    CK_STORED_Q4_1 = 3,
    CK_STORED_Q5_0 = 6,
    CK_STORED_Q5_1 = 7,
    CK_STORED_Q8_0 = 8,
    CK_STORED_Q2_K = 10,
    CK_STORED_Q3_K = 11,
    CK_STORED_Q4_K = 12,
    CK_STORED_Q5_K = 13,
    CK_STORED_Q6_K = 14,
    CK_STORED_I8 = 24,
    CK_STORED_I16 = 25,
    CK_STORED_I32 = 26,
    CK_STORED_I64 = 27,
    CK_STORED_F64 = 28,
    CK_STORED_BF16 = 30,
    CK_STORED_U8 = 100,
    CK_STORED_BOOL = 101,
} ck_stored_type;

// Elements per block: 1, 32 or 256. 0 for a number that is no storage type.
int64_t ck_stored_block_elements(int32_t type);

// Bytes per block. 0 for a number that is no storage type.
int64_t ck_stored_block_bytes(int32_t type);

// Expands `count` elements from `source` (any alignment) to `destination` [count].
// All instruction sets give the same bits: a product and a sum are rounded one after the other, never fused.
// Returns 0; or -1 and writes nothing when `type` is unknown or `count` is not a whole number of blocks.
int32_t ck_dequantize(int32_t type, const void *source, int64_t count, float *destination);

// Rounds `count` values to f16 (nearest, ties to even; overflow becomes infinity). `destination` may be unaligned.
void ck_round_to_f16(const float *source, int64_t count, void *destination);

// Rounds `count` values to bf16 (nearest, ties to even). `destination` may be unaligned.
void ck_round_to_bf16(const float *source, int64_t count, void *destination);

// The instruction sets that `ck_dequantize` can use, worst first.
typedef enum ck_dequantize_path {
    CK_DEQUANTIZE_PORTABLE = 0,
    CK_DEQUANTIZE_AVX2 = 1,
    CK_DEQUANTIZE_AVX512 = 2,
} ck_dequantize_path;

// The best path that this machine has.
ck_dequantize_path ck_dequantize_best_path(void);

// `ck_dequantize` on the given path, or on the machine's best where that is less.
int32_t ck_dequantize_on(
    ck_dequantize_path path, int32_t type, const void *source, int64_t count, float *destination);

#ifdef __cplusplus
}
#endif

#endif
