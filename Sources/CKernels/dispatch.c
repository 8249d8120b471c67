#include "include/ck_dispatch.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "spans.h"

static _Atomic(const ck_span_table *) table;
static _Atomic ck_path current = CK_PATH_AUTO;
static pthread_once_t chosen = PTHREAD_ONCE_INIT;

bool ck_path_available(ck_path path) {
    switch (path) {
    case CK_PATH_AUTO:
    case CK_PATH_PORTABLE: return true;
#if defined(__x86_64__)
    case CK_PATH_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    case CK_PATH_AVX512:
        return ck_path_available(CK_PATH_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#endif
    default: return false;
    }
}

static void use(ck_path path) {
    if (path == CK_PATH_AUTO) {
        path = CK_PATH_PORTABLE;
        if (ck_path_available(CK_PATH_AVX2)) path = CK_PATH_AVX2;
        if (ck_path_available(CK_PATH_AVX512)) path = CK_PATH_AVX512;
    }
    const ck_span_table *choice = &ck_spans_portable;
#if defined(__x86_64__)
    if (path == CK_PATH_AVX2) choice = &ck_spans_avx2;
    if (path == CK_PATH_AVX512) choice = &ck_spans_avx512;
#endif
    atomic_store(&current, path);
    atomic_store(&table, choice);
}

static void choose(void) {
    const char *wanted = getenv("REFT_KERNELS");
    for (ck_path path = CK_PATH_PORTABLE; wanted && path <= CK_PATH_AVX512; path++) {
        if (strcmp(wanted, ck_path_name(path)) == 0 && ck_path_available(path)) {
            use(path);
            return;
        }
    }
    use(CK_PATH_AUTO);
}

bool ck_force_path(ck_path path) {
    pthread_once(&chosen, choose);
    if (!ck_path_available(path)) return false;
    use(path);
    return true;
}

ck_path ck_current_path(void) {
    pthread_once(&chosen, choose);
    return atomic_load(&current);
}

const char *ck_path_name(ck_path path) {
    switch (path) {
    case CK_PATH_PORTABLE: return "portable";
    case CK_PATH_AVX2: return "avx2";
    case CK_PATH_AVX512: return "avx512";
    default: return "auto";
    }
}

const ck_span_table *ck_spans(void) {
    pthread_once(&chosen, choose);
    return atomic_load_explicit(&table, memory_order_acquire);
}
