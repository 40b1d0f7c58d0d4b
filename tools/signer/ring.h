/*
 * The keys that the signer holds, and whether it is locked.
 */
#ifndef FO_SIGNER_RING_H
#define FO_SIGNER_RING_H

#include <stdbool.h>
#include <stdint.h>

#include <firstops/signer.h>

#include "base/sha256.h"

#define RING_SALT_BYTES 16

struct held {
	struct fo_key *key;
	struct fo_jwk jwk;
	char jkt[FO_JKT_SIZE];
	char name[FO_SIGNER_NAME_SIZE];
	char targets[FO_SIGNER_TARGETS_SIZE];
	int64_t ends_ms;	/* of ring_now; 0: never */
	bool confirm;
};

struct ring {
	struct held keys[FO_SIGNER_KEYS_MAX];
	size_t count;
	bool locked;
	unsigned char salt[RING_SALT_BYTES];
	unsigned char lock[FO_SHA256_BYTES];
	int64_t try_again_ms;	/* no passphrase is looked at before */
	unsigned int wrong;	/* passphrases, since the last right one */
};

/* Milliseconds of a clock that goes on while the machine sleeps. */
int64_t ring_now(void);

/*
 * Hold a key, which is taken whatever comes of it; one that is held already
 * gets the new terms. FO_ERR_ARG: the terms cannot be kept. FO_ERR_TOO_LONG:
 * there are as many as there may be.
 */
FO_MUST_CHECK fo_err ring_add(struct ring *ring, struct fo_key **key,
    const struct fo_signer_terms *terms, struct fo_diag *diag,
    char ret_jkt[FO_JKT_SIZE]);

/* The key of that thumbprint, or the first if jkt is NULL; or NULL. */
const struct held *ring_find(const struct ring *ring, const char *jkt);

/* May it sign for this target? */
bool ring_allows(const struct held *held, const char *htu);

/* Let go of one. FO_ERR_NOT_FOUND: no such key. */
FO_MUST_CHECK fo_err ring_remove(struct ring *ring, const char *jkt);

/* Let go of all. */
void ring_clear(struct ring *ring);

/* Let go of those whose time is over. When the next one's is; 0: never. */
int64_t ring_expire(struct ring *ring);

FO_MUST_CHECK fo_err ring_lock(struct ring *ring, const char *passphrase,
    struct fo_diag *diag);
FO_MUST_CHECK fo_err ring_unlock(struct ring *ring, const char *passphrase,
    struct fo_diag *diag);

#endif
