#include <cblas.h>
#include <stdlib.h>

#include "clock.h"
#include "machine_limits.h"

extern void openblas_set_num_threads(int threads);
extern int openblas_get_num_threads(void);

double machine_product_seconds(int32_t size, int32_t threads) {
    size_t count = (size_t)size * (size_t)size;
    float *a = malloc(count * sizeof *a), *b = malloc(count * sizeof *b), *c = calloc(count, sizeof *c);
    double seconds = 0;
    if (a && b && c) {
        for (size_t i = 0; i < count; i++) {
            a[i] = (float)(i % 7) - 3;
            b[i] = (float)(i % 5) - 2;
        }
        int before = openblas_get_num_threads();
        openblas_set_num_threads(threads);
        double start = seconds_now();
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, size, size, size, 1, a, size, b, size, 0, c, size);
        seconds = seconds_now() - start;
        openblas_set_num_threads(before);
    }
    free(a);
    free(b);
    free(c);
    return seconds;
}
