/*
 * ES256 signatures checked (RFC 7518 3.4), apart from whatever OpenSSL
 * configuration the program around us has.
 */
#ifndef FO_SRC_VERIFIER_H
#define FO_SRC_VERIFIER_H

#include <stddef.h>

#include <firstops/error.h>
#include <firstops/jwk.h>
#include <firstops/proof.h>

#include "base/sha256.h"

/* A signature is r || s, big endian, 32 bytes each, and nothing else. */
#define FO_SIG_BYTES 64

/*
 * Make jwk the key that is used next. FO_ERR_BAD_KEY: the point is not on
 * the curve. FO_ERR_CRYPTO, FO_ERR_NOMEM: no verdict.
 */
FO_MUST_CHECK fo_err fo_verifier_import(struct fo_verifier *verifier,
    const struct fo_jwk *jwk);

/*
 * Is sig the signature by jwk over what hashes to digest? FO_OK or
 * FO_ERR_BAD_SIGNATURE, also for a length other than FO_SIG_BYTES; else what
 * fo_verifier_import says.
 */
FO_MUST_CHECK fo_err fo_verifier_check(struct fo_verifier *verifier,
    const struct fo_jwk *jwk, const unsigned char digest[FO_SHA256_BYTES],
    const unsigned char *sig, size_t sig_len);

#endif
