/*
 * SHA-256 of a text at hand, as bytes and as base64url.
 */
#ifndef FO_BASE_SHA256_H
#define FO_BASE_SHA256_H

#include <stddef.h>

#include <firstops/error.h>

#define FO_SHA256_BYTES 32
/* A digest as text: 43 of [A-Za-z0-9_-] and a NUL. */
#define FO_SHA256_TEXT_SIZE 44

/* FO_ERR_CRYPTO, and nothing written, if libcrypto fails. */
FO_MUST_CHECK fo_err fo_sha256(const void *data, size_t len,
    unsigned char ret_digest[FO_SHA256_BYTES]);
FO_MUST_CHECK fo_err fo_sha256_text(const void *data, size_t len,
    char ret_text[FO_SHA256_TEXT_SIZE]);

#endif
