// SHA-256 (FIPS 180-4), for fingerprints and file hashes.

#ifndef CK_SHA256_H
#define CK_SHA256_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ck_sha256 {
    uint32_t state[8];
    uint64_t length;
    uint8_t pending[64];
} ck_sha256;

// Starts an empty message.
void ck_sha256_begin(ck_sha256 *hash);

// Appends `count` bytes to the message.
void ck_sha256_append(ck_sha256 *hash, const void *bytes, int64_t count);

// Ends the message and writes its 32-byte digest. `hash` must begin again before it is used again.
void ck_sha256_finish(ck_sha256 *hash, uint8_t *digest);

#ifdef __cplusplus
}
#endif

#endif
