// Sleeping until a word of memory changes: futex on Linux, one condition variable elsewhere.
#ifndef CK_EVENT_H
#define CK_EVENT_H

#include <stdatomic.h>
#include <stdint.h>

/// Sleeps while *word == expected; may return early.
void ck_event_wait(_Atomic uint32_t *word, uint32_t expected);

/// Wakes every thread that sleeps on `word`, whose value the caller has changed.
void ck_event_wake(_Atomic uint32_t *word);

/// Tells the processor that this is a waiting loop.
static inline void ck_relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
