/*
 * SHA-256, without a library context.
 *
 * Thumbprints and replay hashes are wanted where no verifier is at hand, and
 * the default context belongs to the program that we run in: its
 * configuration could fail or replace a fetch. In OpenSSL 3 SHA256() is
 * EVP_Q_digest() in that context, and a context of our own costs a thousand
 * digests. SHA256_Init() and its kind are plain functions: no fetch, no
 * configuration, no engine, no memory. They are deprecated, not gone, and
 * this is the only file that uses them.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sha256.h"

#include <string.h>

#include <openssl/sha.h>

#include "b64url.h"
#include "wipe.h"

fo_err
fo_sha256(const void *data, size_t len,
    unsigned char ret_digest[FO_SHA256_BYTES])
{
	unsigned char digest[FO_SHA256_BYTES];
	fo_err r = FO_ERR_CRYPTO;
	SHA256_CTX ctx;

	if (SHA256_Init(&ctx) != 1 || SHA256_Update(&ctx, data, len) != 1 ||
	    SHA256_Final(digest, &ctx) != 1)
		goto out;

	memcpy(ret_digest, digest, sizeof(digest));
	r = FO_OK;
out:
	fo_wipe(&ctx, sizeof(ctx));
	return r;
}

fo_err
fo_sha256_text(const void *data, size_t len,
    char ret_text[FO_SHA256_TEXT_SIZE])
{
	unsigned char digest[FO_SHA256_BYTES];
	fo_err r;

	if ((r = fo_sha256(data, len, digest)) != FO_OK)
		return r;

	fo_b64url_encode(digest, sizeof(digest), ret_text);
	return FO_OK;
}
