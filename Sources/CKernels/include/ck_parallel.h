// A persistent pool of threads that runs one region at a time.
#ifndef CK_PARALLEL_H
#define CK_PARALLEL_H

#include "ck_base.h"

CK_BEGIN

/// Sets how many threads work on a region, the calling one included (1 … 256; values outside are clamped; 0 asks for the default:
/// REFT_THREADS, else the processors this process may run on). Waits until no region runs.
void ck_set_threads(int32_t count);

/// How many threads work on a region.
int32_t ck_threads(void);

/// How many times an idle worker, or a caller waiting for the last worker, looks again before it sleeps (default 2000, a few microseconds).
void ck_set_spin(int32_t iterations);

/// Calls body(i, context) once for each i in 0 ..< count, on several threads, and returns when all calls have returned.
/// Which thread runs which index is not fixed, so a call must depend on its index alone. Regions from different threads run one after another;
/// a region begun inside a region runs on the calling thread alone.
void ck_parallel(int64_t count, void (*body)(int64_t index, void *context) CK_SENDABLE, void *context);

/// Cuts 0 ..< n into ranges of at least `grain` (the last may be shorter) and calls body(begin, end, context) for each.
/// The cut depends on n, grain and the number of threads only.
void ck_parallel_ranges(int64_t n, int64_t grain, void (*body)(int64_t begin, int64_t end, void *context) CK_SENDABLE,
                        void *context);

CK_END

#endif
