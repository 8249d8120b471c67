#include "event.h"

#if defined(__linux__)

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

void ck_event_wait(_Atomic uint32_t *word, uint32_t expected) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void ck_event_wake(_Atomic uint32_t *word) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

#else

#include <pthread.h>

static pthread_mutex_t event_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t event_condition = PTHREAD_COND_INITIALIZER;

void ck_event_wait(_Atomic uint32_t *word, uint32_t expected) {
    pthread_mutex_lock(&event_mutex);
    if (atomic_load(word) == expected) pthread_cond_wait(&event_condition, &event_mutex);
    pthread_mutex_unlock(&event_mutex);
}

void ck_event_wake(_Atomic uint32_t *word) {
    (void)word;
    pthread_mutex_lock(&event_mutex);
    pthread_cond_broadcast(&event_condition);
    pthread_mutex_unlock(&event_mutex);
}

#endif
