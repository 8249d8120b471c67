// Which keys a query sees: the parts of a sequence's keys and the visible interval within each.
#ifndef CK_ATTENTION_KEYS_H
#define CK_ATTENTION_KEYS_H

#include "include/ck_attention.h"

/// A run of keys and values of one key/value head with consecutive positions.
typedef struct {
    enum { CK_RUN_PARAMETER, CK_RUN_STORED, CK_RUN_LIVE } kind;
    const float *keys, *values;
    int64_t key_stride, value_stride;
    int64_t length;
    int64_t first_position;
} ck_key_run;

typedef struct {
    int64_t begin, end;
} ck_interval;

/// Whether sizes, offsets and pointers fit together.
bool ck_attention_is_consistent(const ck_attention *d);

int64_t ck_query_count(const ck_attention *d, int64_t sequence);

int64_t ck_live_key_count(const ck_attention *d, int64_t sequence);

/// The first live key row of the sequence.
int64_t ck_first_live_key(const ck_attention *d, int64_t sequence);

/// Parameter keys, segments, live keys: how many runs there are (some may be empty).
int64_t ck_key_run_count(const ck_attention *d, int64_t sequence);

ck_key_run ck_key_run_at(const ck_attention *d, int64_t sequence, int64_t kv_head, int64_t index);

/// The position of query `row` of the sequence (counted from its first query).
int64_t ck_query_position(const ck_attention *d, int64_t sequence, int64_t row);

/// The keys of the run that a query at `position` sees.
ck_interval ck_visible_keys(const ck_attention *d, const ck_key_run *run, int64_t position);

/// The union over query rows begin ..< end.
ck_interval ck_visible_to_block(const ck_attention *d, const ck_key_run *run, int64_t sequence, int64_t begin, int64_t end);

/// scores[j] += bias for the keys first + j of the run, j in 0 ..< count; nothing for parameter keys.
void ck_add_bias(const ck_attention *d, const ck_key_run *run, int64_t head, int64_t position, int64_t first, int64_t count,
                 float *scores);

#endif
