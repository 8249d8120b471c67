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

/// How the numbers of a stored matrix are held in memory.
typedef enum ck_storage {
    CK_STORAGE_F32 = 0,
    CK_STORAGE_F16 = 1,   ///< IEEE binary16
    CK_STORAGE_BF16 = 2,  ///< the upper half of a binary32
} ck_storage;

#endif
