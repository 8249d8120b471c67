// What the machine can do at most: the limits that measurements are shares of.
#ifndef MACHINE_LIMITS_H
#define MACHINE_LIMITS_H

#include <stdint.h>

/// Seconds of one product of two square f32 matrices through OpenBLAS on so many threads: 2 · size³ operations.
double machine_product_seconds(int32_t size, int32_t threads);

/// Seconds in which so many threads read a block of memory once. `bytes` should be many times the cache.
double machine_read_seconds(int64_t bytes, int32_t threads);

/// Operations per second of bf16 dot products (pairs, f32 sums) held in registers, on so many threads; 0 where the CPU has none.
double machine_bf16_rate(int32_t threads);

#endif
