#include "storage.h"

#include "spans.h"

/// The same type as dequantize.h calls it.
static ck_stored_type stored_type(ck_storage storage) {
    switch (storage) {
    case CK_STORAGE_F32: return CK_STORED_F32;
    case CK_STORAGE_F16: return CK_STORED_F16;
    case CK_STORAGE_BF16: return CK_STORED_BF16;
    case CK_STORAGE_Q4_0: return CK_STORED_Q4_0;
    case CK_STORAGE_Q4_1: return CK_STORED_Q4_1;
    case CK_STORAGE_Q5_0: return CK_STORED_Q5_0;
    case CK_STORAGE_Q5_1: return CK_STORED_Q5_1;
    case CK_STORAGE_Q8_0: return CK_STORED_Q8_0;
    case CK_STORAGE_Q2_K: return CK_STORED_Q2_K;
    case CK_STORAGE_Q3_K: return CK_STORED_Q3_K;
    case CK_STORAGE_Q4_K: return CK_STORED_Q4_K;
    case CK_STORAGE_Q5_K: return CK_STORED_Q5_K;
    case CK_STORAGE_Q6_K: return CK_STORED_Q6_K;
    }
    return CK_STORED_F32;
}

int64_t ck_storage_block(ck_storage storage) { return ck_stored_block_elements(stored_type(storage)); }

int64_t ck_storage_bytes(ck_storage storage, int64_t count) {
    ck_stored_type type = stored_type(storage);
    return count / ck_stored_block_elements(type) * ck_stored_block_bytes(type);
}

void ck_expand(ck_storage storage, int64_t n, const void *x, float *y) {
    if (storage <= CK_STORAGE_BF16) ck_spans()->expand(storage, n, x, y);
    else if (!ck_spans()->expand_blocks(storage, n, x, y)) ck_dequantize(stored_type(storage), x, n, y);
}
