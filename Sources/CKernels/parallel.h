// What the kernels themselves need of the pool.
#ifndef CK_PARALLEL_INTERNAL_H
#define CK_PARALLEL_INTERNAL_H

#include "include/ck_parallel.h"

/// ck_parallel_ranges with a cost estimate: work under 20 µs in all stays on the calling thread.
void ck_parallel_rows(int64_t rows, double nanoseconds_per_row, void (*body)(int64_t begin, int64_t end, void *context),
                      void *context);

#endif
