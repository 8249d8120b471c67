// What kernels need to know of a storage type.
#ifndef CK_STORAGE_H
#define CK_STORAGE_H

#include "include/ck_base.h"
#include "include/dequantize.h"

/// Numbers that share scales; 1 for f32, f16 and bf16.
int64_t ck_storage_block(ck_storage storage);

/// Bytes of `count` numbers, whole blocks.
int64_t ck_storage_bytes(ck_storage storage, int64_t count);

/// y = x widened to f32, on the calling thread; n is a whole number of blocks.
void ck_expand(ck_storage storage, int64_t n, const void *x, float *y);

#endif
