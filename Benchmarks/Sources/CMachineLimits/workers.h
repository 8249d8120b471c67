#ifndef WORKERS_H
#define WORKERS_H

#include <stdint.h>

/// Calls body(context, index) on so many threads and gives the seconds until the last one is done.
double workers_run(int32_t threads, void (*body)(void *context, int32_t index), void *context);

#endif
