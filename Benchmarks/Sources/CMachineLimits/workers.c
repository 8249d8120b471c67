#include "workers.h"

#include <pthread.h>
#include <stdlib.h>

#include "clock.h"

typedef struct worker {
    pthread_t thread;
    void (*body)(void *, int32_t);
    void *context;
    int32_t index;
} worker;

static void *start_worker(void *argument) {
    worker *self = argument;
    self->body(self->context, self->index);
    return NULL;
}

double workers_run(int32_t threads, void (*body)(void *, int32_t), void *context) {
    worker *workers = calloc((size_t)threads, sizeof *workers);
    if (!workers) return 0;
    double start = seconds_now();
    int32_t started = 0;
    for (; started < threads; started++) {
        workers[started] = (worker){.body = body, .context = context, .index = started};
        if (pthread_create(&workers[started].thread, NULL, start_worker, &workers[started])) break;
    }
    for (int32_t i = 0; i < started; i++) pthread_join(workers[i].thread, NULL);
    double seconds = seconds_now() - start;
    free(workers);
    return seconds;
}
