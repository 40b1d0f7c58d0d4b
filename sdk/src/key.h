/*
 * Private keys, for the other files of the library.
 */
#ifndef FO_SRC_KEY_H
#define FO_SRC_KEY_H

#include <openssl/types.h>

#include <firstops/error.h>
#include <firstops/key.h>

#include "base/sha256.h"
#include "verifier.h"

struct fo_device;

struct fo_key {
	OSSL_LIB_CTX *libctx;		/* NULL: the program's, for an engine */
	EVP_PKEY *pkey;
	struct fo_jwk jwk;
	struct fo_device *device;	/* NULL: the private half is in pkey */
	char *signer;			/* whose socket this is holds it */
};

/*
 * Make a key of an EVP_PKEY that belongs to libctx and, unless that is NULL,
 * to device. All are taken, and freed on failure. FO_ERR_BAD_KEY: not a whole
 * P-256 key pair, or one whose halves do not belong together.
 */
FO_MUST_CHECK fo_err fo_key_take(OSSL_LIB_CTX *libctx, EVP_PKEY *pkey,
    struct fo_device *device, struct fo_diag *diag, struct fo_key **ret_key);

/* A key that the signer at path, "" for the usual one, holds. */
FO_MUST_CHECK fo_err fo_key_remote(const char *path, const struct fo_jwk *jwk,
    struct fo_key **ret_key);

/* A new P-256 key, made by what properties choose. */
FO_MUST_CHECK fo_err fo_key_make(OSSL_LIB_CTX *libctx, const char *properties,
    EVP_PKEY **ret_pkey);

/* Sign what hashes to digest: r || s (RFC 7518 3.4). */
FO_MUST_CHECK fo_err fo_key_sign(const struct fo_key *key,
    const unsigned char digest[FO_SHA256_BYTES], struct fo_diag *diag,
    unsigned char ret_sig[FO_SIG_BYTES]);

/* The same, by what properties choose, without a look at the result. */
FO_MUST_CHECK fo_err fo_key_sign_by(const struct fo_key *key,
    const char *properties, const unsigned char digest[FO_SHA256_BYTES],
    unsigned char raw[FO_SIG_BYTES]);

#endif
