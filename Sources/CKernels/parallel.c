// The pool. A region hands out its indices through one 64-bit ticket, (generation << 32 | next index): a worker that wakes late finds
// another generation, or no index left, and can never run an index of a region that has ended.
#define _GNU_SOURCE
#include "include/ck_parallel.h"

#include <cblas.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

#include "event.h"
#include "parallel.h"

enum { MAXIMUM_THREADS = 256 };
#define CLOSED UINT32_MAX

typedef void (*index_body)(int64_t index, void *context);

static struct {
    pthread_mutex_t region_mutex;
    pthread_t workers[MAXIMUM_THREADS];
    int32_t worker_count;
    _Atomic int32_t thread_count;
    _Atomic int32_t spin;

    _Atomic uint64_t ticket;
    _Atomic uint32_t wake_word;
    _Atomic uint32_t sleepers;
    _Atomic uint32_t done;
    _Atomic uint32_t caller_sleeps;
    _Atomic bool stopping;

    _Atomic(index_body) body;
    _Atomic(void *) context;
    _Atomic int64_t count;
    _Atomic int64_t step;
    _Atomic uint32_t steps;
} pool = {.region_mutex = PTHREAD_MUTEX_INITIALIZER, .spin = 2000};

static _Thread_local bool inside_region;

static int32_t default_threads(void) {
    const char *wanted = getenv("REFT_THREADS");
    if (wanted && atoi(wanted) > 0) return atoi(wanted);
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int32_t)online : 1;
}

/// Takes and runs steps of the open region until none is left.
static void work(void) {
    for (;;) {
        uint64_t ticket = atomic_load(&pool.ticket);
        uint32_t step = (uint32_t)ticket;
        if (step == CLOSED || step >= atomic_load(&pool.steps)) return;
        index_body body = atomic_load(&pool.body);
        void *context = atomic_load(&pool.context);
        int64_t count = atomic_load(&pool.count), width = atomic_load(&pool.step);
        uint32_t steps = atomic_load(&pool.steps);
        // Succeeds only while the region read above is still open; the fields belong to it then.
        if (!atomic_compare_exchange_strong(&pool.ticket, &ticket, ticket + 1)) continue;
        int64_t begin = (int64_t)step * width;
        int64_t end = begin + width < count ? begin + width : count;
        for (int64_t index = begin; index < end; index++) body(index, context);
        if (atomic_fetch_add(&pool.done, 1) + 1 == steps && atomic_load(&pool.caller_sleeps)) ck_event_wake(&pool.done);
    }
}

static void *worker_main(void *unused) {
    (void)unused;
    inside_region = true;
    uint32_t seen = atomic_load(&pool.wake_word);
    work();
    while (!atomic_load(&pool.stopping)) {
        int32_t spin = atomic_load_explicit(&pool.spin, memory_order_relaxed);
        while (atomic_load(&pool.wake_word) == seen && spin-- > 0) ck_relax();
        if (atomic_load(&pool.wake_word) == seen) {
            atomic_fetch_add(&pool.sleepers, 1);
            while (atomic_load(&pool.wake_word) == seen && !atomic_load(&pool.stopping)) ck_event_wait(&pool.wake_word, seen);
            atomic_fetch_sub(&pool.sleepers, 1);
        }
        seen = atomic_load(&pool.wake_word);
        work();
    }
    return NULL;
}

static void wake_workers(void) {
    atomic_fetch_add(&pool.wake_word, 1);
    if (atomic_load(&pool.sleepers) > 0) ck_event_wake(&pool.wake_word);
}

/// With the region mutex held.
static void resize(int32_t count) {
    if (count <= 0) count = default_threads();
    if (count > MAXIMUM_THREADS) count = MAXIMUM_THREADS;
    if (count == atomic_load(&pool.thread_count)) return;
    atomic_store(&pool.stopping, true);
    wake_workers();
    for (int32_t i = 0; i < pool.worker_count; i++) pthread_join(pool.workers[i], NULL);
    atomic_store(&pool.stopping, false);
    pool.worker_count = 0;
    for (int32_t i = 0; i + 1 < count; i++) {
        if (pthread_create(&pool.workers[i], NULL, worker_main, NULL) != 0) break;
        pool.worker_count++;
    }
    atomic_store(&pool.thread_count, pool.worker_count + 1);
}

static void start(void) {
    openblas_set_num_threads(1);
    pthread_mutex_lock(&pool.region_mutex);
    resize(0);
    pthread_mutex_unlock(&pool.region_mutex);
}

static pthread_once_t started = PTHREAD_ONCE_INIT;

void ck_set_threads(int32_t count) {
    if (inside_region) return;
    pthread_once(&started, start);
    pthread_mutex_lock(&pool.region_mutex);
    resize(count);
    pthread_mutex_unlock(&pool.region_mutex);
}

int32_t ck_threads(void) {
    pthread_once(&started, start);
    return atomic_load(&pool.thread_count);
}

void ck_set_spin(int32_t iterations) {
    atomic_store(&pool.spin, iterations < 0 ? 0 : iterations);
}

void ck_parallel(int64_t count, index_body body, void *context) {
    if (count <= 0) return;
    pthread_once(&started, start);
    if (count == 1 || inside_region || atomic_load(&pool.thread_count) == 1) {
        for (int64_t index = 0; index < count; index++) body(index, context);
        return;
    }
    pthread_mutex_lock(&pool.region_mutex);
    inside_region = true;
    uint64_t generation = (atomic_load(&pool.ticket) >> 32) + 1;
    atomic_store(&pool.ticket, generation << 32 | CLOSED);
    int64_t step = (count >> 20) + 1;
    uint32_t steps = (uint32_t)((count + step - 1) / step);
    atomic_store(&pool.body, body);
    atomic_store(&pool.context, context);
    atomic_store(&pool.count, count);
    atomic_store(&pool.step, step);
    atomic_store(&pool.steps, steps);
    atomic_store(&pool.done, 0);
    atomic_store(&pool.ticket, (generation + 1) << 32);
    wake_workers();
    work();

    int32_t spin = atomic_load_explicit(&pool.spin, memory_order_relaxed);
    while (atomic_load(&pool.done) != steps && spin-- > 0) ck_relax();
    if (atomic_load(&pool.done) != steps) {
        atomic_store(&pool.caller_sleeps, 1);
        for (uint32_t done; (done = atomic_load(&pool.done)) != steps;) ck_event_wait(&pool.done, done);
        atomic_store(&pool.caller_sleeps, 0);
    }
    inside_region = false;
    pthread_mutex_unlock(&pool.region_mutex);
}

typedef struct {
    void (*body)(int64_t begin, int64_t end, void *context);
    void *context;
    int64_t n, pieces;
} range_job;

static void run_range(int64_t index, void *context) {
    const range_job *job = context;
    int64_t width = job->n / job->pieces, longer = job->n % job->pieces;
    int64_t begin = index * width + (index < longer ? index : longer);
    job->body(begin, begin + width + (index < longer), job->context);
}

void ck_parallel_ranges(int64_t n, int64_t grain, void (*body)(int64_t begin, int64_t end, void *context), void *context) {
    if (n <= 0) return;
    if (grain < 1) grain = 1;
    // A few pieces a thread: a thread that is slow to wake, or shares its core, then holds up little.
    int64_t pieces = n / grain, most = (int64_t)ck_threads() * 4;
    if (pieces > most) pieces = most;
    if (pieces <= 1 || ck_threads() == 1) {
        body(0, n, context);
        return;
    }
    range_job job = {body, context, n, pieces};
    ck_parallel(pieces, run_range, &job);
}

void ck_parallel_rows(int64_t rows, double nanoseconds_per_row, void (*body)(int64_t, int64_t, void *), void *context) {
    // Handing a region to the workers costs about 8 µs: below 20 µs of work it does not pay.
    if (rows * nanoseconds_per_row < 20e3) {
        if (rows > 0) body(0, rows, context);
        return;
    }
    ck_parallel_ranges(rows, (int64_t)(5e3 / (nanoseconds_per_row + 1e-3)) + 1, body, context);
}
