// Sixteen lanes in whatever registers the architecture's baseline has: the compiler splits them.
#include <math.h>
#include <string.h>

#include "spans.h"

// Vectors wider than a register pass between inlined functions only; their calling convention never matters.
#pragma clang diagnostic ignored "-Wpsabi"

#define VECTOR_BYTES 64
#define TABLE ck_spans_portable
#include "spans.inc.h"
