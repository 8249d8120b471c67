// The instruction set that the kernels use.
#ifndef CK_DISPATCH_H
#define CK_DISPATCH_H

#include "ck_base.h"

CK_BEGIN

typedef enum ck_path {
    CK_PATH_AUTO = 0,      ///< the best one that this processor has
    CK_PATH_PORTABLE = 1,  ///< what every processor of the architecture has, sixteen lanes a step
    CK_PATH_AVX2 = 2,      ///< AVX2, FMA and F16C
    CK_PATH_AVX512 = 3,    ///< AVX-512 F, BW, DQ and VL
} ck_path;

/// Chooses the instruction set for all following calls; false, and nothing changed, where the processor lacks it.
/// Not to be called while kernels run. At start the choice is the environment's REFT_KERNELS (portable, avx2 or avx512)
/// where it names one that is available, otherwise the best.
bool ck_force_path(ck_path path);

/// Whether `path` can run on this processor.
bool ck_path_available(ck_path path);

/// The instruction set in use, never CK_PATH_AUTO.
ck_path ck_current_path(void);

/// Its name: "portable", "avx2" or "avx512".
const char *ck_path_name(ck_path path);

CK_END

#endif
