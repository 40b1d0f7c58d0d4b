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

/*
 * Make a key of an EVP_PKEY that belongs to libctx. Both are taken, and
 * freed on failure. FO_ERR_BAD_KEY: not a whole P-256 key pair, or one whose
 * halves do not belong together.
 */
FO_MUST_CHECK fo_err fo_key_take(OSSL_LIB_CTX *libctx, EVP_PKEY *pkey,
    struct fo_diag *diag, struct fo_key **ret_key);

/* Sign what hashes to digest: r || s (RFC 7518 3.4). */
FO_MUST_CHECK fo_err fo_key_sign(const struct fo_key *key,
    const unsigned char digest[FO_SHA256_BYTES],
    unsigned char ret_sig[FO_SIG_BYTES]);

#endif
