#include "machine_limits.h"
#include "workers.h"

#if defined(__x86_64__)
#include <immintrin.h>

enum { repetitions = 20000000, chains = 16, operations = 64 };

__attribute__((target("avx512f,avx512bw,avx512bf16"))) static void multiply(void *context, int32_t index) {
    __m512 sums[chains];
    for (int i = 0; i < chains; i++) sums[i] = _mm512_setzero_ps();
    __m512bh a = _mm512_cvtne2ps_pbh(_mm512_set1_ps((float)index), _mm512_set1_ps(1));
    for (int64_t step = 0; step < repetitions / chains; step++)
        for (int i = 0; i < chains; i++) sums[i] = _mm512_dpbf16_ps(sums[i], a, a);
    volatile float *sinks = context;
    for (int i = 1; i < chains; i++) sums[0] = _mm512_add_ps(sums[0], sums[i]);
    sinks[index] = _mm512_reduce_add_ps(sums[0]);
}

double machine_bf16_rate(int32_t threads) {
    if (!__builtin_cpu_supports("avx512bf16") || threads > 1024) return 0;
    float sinks[1024];
    double seconds = workers_run(threads, multiply, sinks);
    return seconds > 0 ? (double)threads * repetitions * operations / seconds : 0;
}
#else
double machine_bf16_rate(int32_t threads) { return 0; }
#endif
