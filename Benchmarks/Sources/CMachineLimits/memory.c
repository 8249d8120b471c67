#include <stdlib.h>
#include <string.h>

#include "machine_limits.h"
#include "workers.h"

typedef struct reading {
    const uint64_t *words;
    int64_t count;
    int32_t threads;
    volatile uint64_t sink;
} reading;

#if defined(__x86_64__)
__attribute__((target_clones("avx512f", "avx2", "default")))
#endif
static uint64_t sum(const uint64_t *words, int64_t count) {
    // Independent sums, so that the compiler keeps several wide loads in flight.
    uint64_t sums[64] = {0};
    for (int64_t i = 0; i + 64 <= count; i += 64)
        for (int lane = 0; lane < 64; lane++) sums[lane] += words[i + lane];
    uint64_t total = 0;
    for (int lane = 0; lane < 64; lane++) total += sums[lane];
    return total;
}

static void read_part(void *context, int32_t index) {
    reading *whole = context;
    int64_t part = whole->count / whole->threads;
    whole->sink += sum(whole->words + index * part, part);
}

double machine_read_seconds(int64_t bytes, int32_t threads) {
    uint64_t *words = malloc((size_t)bytes);
    if (!words) return 0;
    memset(words, 1, (size_t)bytes);
    reading whole = {.words = words, .count = bytes / 8, .threads = threads};
    double seconds = workers_run(threads, read_part, &whole);
    free(words);
    return seconds;
}
