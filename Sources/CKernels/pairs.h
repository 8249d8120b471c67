// What the kernels on pairs of queries and keys share.
#ifndef CK_PAIRS_INTERNAL_H
#define CK_PAIRS_INTERNAL_H

#include "attention_keys.h"
#include "include/ck_pairs.h"

/// The pairs of one sequence.
typedef struct {
    int64_t queries, stored, live;  // keys: stored + live
    int64_t first_pair;
} ck_sequence_pairs;

/// Whether sizes and offsets fit together; the matrices that `needs…` are there and wide enough.
bool ck_pairs_are_consistent(const ck_attention *d, bool needs_queries, bool needs_keys, bool needs_values);

/// Fills `pairs` with one entry for each sequence and gives the number of pairs.
int64_t ck_find_pairs(const ck_attention *d, ck_sequence_pairs *pairs);

/// The same in scratch memory of the calling thread, for one kernel call.
const ck_sequence_pairs *ck_scratch_pairs(const ck_attention *d);

/// The keys that query `row` of the sequence sees, counted over stored and live ones.
ck_interval ck_visible_pairs(const ck_attention *d, const ck_sequence_pairs *pairs, int64_t row);

/// Calls body(sequence, query row, context) for each query, on several threads; a query costs `nanoseconds` for each of its keys.
void ck_for_each_query(const ck_attention *d, const ck_sequence_pairs *pairs, double nanoseconds,
                       void (*body)(int64_t sequence, int64_t row, void *context), void *context);

#endif
