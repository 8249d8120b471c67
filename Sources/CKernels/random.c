#include "include/ck_random.h"

#include <math.h>

#include "parallel.h"

static void philox(uint64_t seed, uint64_t stream, uint64_t block, uint32_t words[4]) {
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ key0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ key1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    words[0] = c0;
    words[1] = c1;
    words[2] = c2;
    words[3] = c3;
}

typedef struct {
    uint64_t seed, stream, first;
    void (*convert)(const uint32_t words[4], float rate, float values[4]);
    float rate;
    float *floats;
    uint32_t *bits;
    int64_t n;
} random_job;

/// Blocks are counted from the one that holds element `first`.
static void draw_blocks(int64_t begin, int64_t end, void *context) {
    const random_job *job = context;
    int64_t skipped = (int64_t)(job->first % 4);
    for (int64_t b = begin; b < end; b++) {
        uint32_t words[4];
        float values[4];
        philox(job->seed, job->stream, job->first / 4 + (uint64_t)b, words);
        if (job->convert) job->convert(words, job->rate, values);
        for (int64_t lane = 0; lane < 4; lane++) {
            int64_t i = b * 4 + lane - skipped;
            if (i < 0 || i >= job->n) continue;
            if (job->convert) job->floats[i] = values[lane];
            else job->bits[i] = words[lane];
        }
    }
}

static void draw(random_job *job, double nanoseconds_per_block) {
    if (job->n <= 0) return;
    ck_parallel_rows((job->n + (int64_t)(job->first % 4) + 3) / 4, nanoseconds_per_block, draw_blocks, job);
}

static float uniform(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }

static void to_uniform(const uint32_t words[4], float rate, float values[4]) {
    (void)rate;
    for (int i = 0; i < 4; i++) values[i] = uniform(words[i]);
}

static void to_normal(const uint32_t words[4], float rate, float values[4]) {
    (void)rate;
    for (int i = 0; i < 4; i += 2) {
        double radius = sqrt(-2.0 * log(((double)words[i] + 1.0) * 0x1p-32));
        double angle = 6.283185307179586476925 * ((double)words[i + 1] * 0x1p-32);
        values[i] = (float)(radius * cos(angle));
        values[i + 1] = (float)(radius * sin(angle));
    }
}

static void to_mask(const uint32_t words[4], float rate, float values[4]) {
    float kept = rate < 1 ? 1.0f / (1.0f - rate) : 0;
    for (int i = 0; i < 4; i++) values[i] = uniform(words[i]) < rate ? 0 : kept;
}

void ck_random_bits(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, uint32_t *y) {
    random_job job = {.seed = seed, .stream = stream, .first = first, .bits = y, .n = n};
    draw(&job, 12);
}

void ck_random_uniform(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, float *y) {
    random_job job = {.seed = seed, .stream = stream, .first = first, .convert = to_uniform, .floats = y, .n = n};
    draw(&job, 14);
}

void ck_random_normal(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, float *y) {
    random_job job = {.seed = seed, .stream = stream, .first = first, .convert = to_normal, .floats = y, .n = n};
    draw(&job, 120);
}

void ck_dropout_mask(uint64_t seed, uint64_t stream, uint64_t first, int64_t n, float rate, float *y) {
    random_job job = {.seed = seed, .stream = stream, .first = first, .convert = to_mask, .rate = rate, .floats = y, .n = n};
    draw(&job, 14);
}
