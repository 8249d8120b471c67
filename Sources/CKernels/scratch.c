#include "scratch.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
    float *memory[CK_SCRATCH_SLOTS];
    int64_t capacity[CK_SCRATCH_SLOTS];
} thread_scratch;

static pthread_key_t key;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static _Thread_local thread_scratch *mine;

static void release(void *scratch) {
    thread_scratch *owned = scratch;
    for (int slot = 0; slot < CK_SCRATCH_SLOTS; slot++) free(owned->memory[slot]);
    free(owned);
}

static void make_key(void) { pthread_key_create(&key, release); }

static void out_of_memory(int64_t count) {
    fprintf(stderr, "swift-reft: no memory for a scratch buffer of %lld bytes\n", (long long)count * 4);
    abort();
}

float *ck_scratch(enum ck_scratch_slot slot, int64_t count) {
    if (!mine) {
        pthread_once(&key_once, make_key);
        mine = calloc(1, sizeof *mine);
        if (!mine) out_of_memory(count);
        pthread_setspecific(key, mine);
    }
    if (mine->capacity[slot] < count) {
        int64_t capacity = (count + count / 4 + 1023) / 1024 * 1024;
        free(mine->memory[slot]);
        mine->memory[slot] = NULL;
        mine->capacity[slot] = 0;
        void *memory = NULL;
        if (capacity > INT64_MAX / 8 || posix_memalign(&memory, 64, (size_t)capacity * sizeof(float)) != 0) out_of_memory(count);
        mine->memory[slot] = memory;
        mine->capacity[slot] = capacity;
    }
    return mine->memory[slot];
}
