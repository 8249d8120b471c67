// How often the calling thread has asked for memory.
#ifndef ALLOCATION_COUNTER_H
#define ALLOCATION_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

/// Whether allocations are counted here: with glibc, and without a sanitizer that has an allocator of its own.
bool allocation_counter_works(void);

/// The calls of malloc, calloc, realloc and their aligned kin by this thread so far.
uint64_t allocation_count(void);

#endif
