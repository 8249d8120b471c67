// Memory that belongs to a thread, grows and is kept, so that no kernel allocates in steady state.
#ifndef CK_SCRATCH_H
#define CK_SCRATCH_H

#include <stdint.h>

/// Who uses a buffer. Two users that are live on one thread at the same time need two slots.
enum ck_scratch_slot {
    CK_SCRATCH_OPERAND_A,
    CK_SCRATCH_OPERAND_B,
    CK_SCRATCH_RESULT,
    CK_SCRATCH_TILE,
    CK_SCRATCH_WIDENED,
    CK_SCRATCH_STATISTICS,
    CK_SCRATCH_ATTENTION,
    CK_SCRATCH_ATTENTION_SHARED,
    CK_SCRATCH_ATTENTION_PARTS,
    CK_SCRATCH_LOGITS,
    CK_SCRATCH_SLOTS,
};

/// `count` floats, 64-byte aligned, content undefined, valid until the thread's next call with the same slot.
float *ck_scratch(enum ck_scratch_slot slot, int64_t count);

#endif
