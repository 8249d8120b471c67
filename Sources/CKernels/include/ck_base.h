// Types and macros shared by the kernel headers.
#ifndef CK_BASE_H
#define CK_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define CK_BEGIN extern "C" {
#define CK_END }
#else
#define CK_BEGIN
#define CK_END
#endif

// A callback runs on pool threads: Swift must not infer the caller's actor for it.
#if defined(__clang__)
#define CK_SENDABLE __attribute__((swift_attr("@Sendable")))
#else
#define CK_SENDABLE
#endif

/// How the numbers of a stored matrix are held in memory. The quantised types are the block formats of GGUF (dequantize.h): 32 or 256
/// numbers of a row share scales, so a row, and its stride, is a whole number of blocks.
typedef enum ck_storage {
    CK_STORAGE_F32 = 0,
    CK_STORAGE_F16 = 1,   ///< IEEE binary16
    CK_STORAGE_BF16 = 2,  ///< the upper half of a binary32
    CK_STORAGE_Q4_0 = 3,
    CK_STORAGE_Q4_1 = 4,
    CK_STORAGE_Q5_0 = 5,
    CK_STORAGE_Q5_1 = 6,
    CK_STORAGE_Q8_0 = 7,
    CK_STORAGE_Q2_K = 8,
    CK_STORAGE_Q3_K = 9,
    CK_STORAGE_Q4_K = 10,
    CK_STORAGE_Q5_K = 11,
    CK_STORAGE_Q6_K = 12,
} ck_storage;

#endif
