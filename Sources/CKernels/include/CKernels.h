// The numeric kernels of the package: f32 arithmetic with run-time choice of the instruction set, and the thread pool under it.
//
// Conventions, unless a declaration says otherwise:
//   - A matrix is row-major f32, `rows × cols`, with an explicit row stride (`…_stride`, in floats, ≥ cols). Sizes are int64_t; zero is allowed.
//   - Every function does the whole job and splits it over the pool itself when it is large enough to pay.
//   - Outputs are overwritten. Where an output may be the same memory as an input, the comment says "in place".
//   - Same inputs and same instruction set give the same bits, whatever the number of threads, except for products through
//     OpenBLAS (large ones without AVX-512, ck_gemm.h), whose split depends on the thread count.
//   - Indices are validated before anything is written: such functions return −1, or the place of the first index out of range.
//   - Scratch memory is owned by each thread, grows and is kept. When the system has no memory left the process ends with a message.
#ifndef CKERNELS_H
#define CKERNELS_H

#include "ck_attention.h"
#include "ck_blocks.h"
#include "ck_dispatch.h"
#include "ck_elementwise.h"
#include "ck_gemm.h"
#include "ck_loss.h"
#include "ck_norms.h"
#include "ck_optimizers.h"
#include "ck_pairs.h"
#include "ck_parallel.h"
#include "ck_random.h"
#include "ck_reductions.h"
#include "ck_rotary.h"
#include "ck_rows.h"
#include "ck_softmax.h"

#if __has_include("dequantize.h")
#include "dequantize.h"
#endif
#if __has_include("sha256.h")
#include "sha256.h"
#endif

#endif
