/*
 * A proof taken apart, for the files that take it apart, check and make it.
 */
#ifndef FO_SRC_PROOF_H
#define FO_SRC_PROOF_H

#include <stdbool.h>

#include <firstops/proof.h>

#include "base/sha256.h"
#include "verifier.h"

/* A jti is a string of 1 to this many bytes, and not blank. */
#define FO_JTI_MAX 256

struct fo_proof {
	/* header */
	struct fo_jwk jwk;
	char jkt[FO_JKT_SIZE];

	/* claims; nonce and ath may be NULL */
	char *jti;
	char *htm;
	char *htu;
	char *nonce;
	char *ath;
	double iat;
	double exp;	/* if has_exp */
	double nbf;	/* if has_nbf */
	bool has_exp;
	bool has_nbf;

	/* signature, and what it is over */
	unsigned char sig[FO_SIG_BYTES];
	unsigned char digest[FO_SHA256_BYTES];

	/* SHA-256(jkt "." jti): one for both signatures, (r, s) and (r, n-s) */
	char hash[FO_HASH_SIZE];
};

/* Is it a jti that we make and take? */
bool fo_jti_is_valid(const char *jti);

/*
 * What fo_proof_sign does with a key that is here; ath, or NULL, is the hash
 * of the access token, which is not looked at.
 */
FO_MUST_CHECK fo_err fo_proof_compose(const struct fo_key *key,
    const struct fo_request *req, const char *ath, char **ret_proof);

#endif
