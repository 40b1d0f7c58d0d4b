/*
 * Proofs for tests, right ones and wrong ones.
 */
#include "support/forge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/b64url.h"
#include "base/sha256.h"
#include "src/key.h"

static const char pem[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgjpsQnnGQmL+YBIff\n"
    "H1136cspYG6+0iY7X1fCE9+E9LKhRANCAAR/zc4ncPbEXUGDy+5v20t7WAczNXvp\n"
    "7xO6z248e9FURcfxRM0bvZt+hyzf7bnuufSzaV1uqQskrYpGIyiFiOWt\n"
    "-----END PRIVATE KEY-----\n";

static void
must(int ok, const char *what)
{
	if (!ok) {
		(void)fprintf(stderr, "forge: %s\n", what);
		abort();
	}
}

struct fo_key *
forge_key(void)
{
	struct fo_key *key = NULL;

	must(fo_key_from_pem(pem, sizeof(pem) - 1, NULL, NULL, NULL, &key) ==
	    FO_OK, "the key does not load");
	return key;
}

/* header "." claims, with room for a signature after it. */
static char *
signing_input(const char *header, size_t header_len, const char *claims,
    size_t claims_len, size_t sig_len)
{
	const size_t a = FO_B64URL_LEN(header_len);
	const size_t b = FO_B64URL_LEN(claims_len);
	char *text = calloc(1, a + 1 + b + 1 + FO_B64URL_LEN(sig_len) + 1);

	must(text != NULL, "no memory");
	fo_b64url_encode(header, header_len, text);
	text[a] = '.';
	fo_b64url_encode(claims, claims_len, text + a + 1);
	return text;
}

char *
forge_proof_bytes(const char *header, size_t header_len, const char *claims,
    size_t claims_len)
{
	char *text = signing_input(header, header_len, claims, claims_len,
	    FO_SIG_BYTES);
	const size_t len = strlen(text);
	unsigned char digest[FO_SHA256_BYTES], sig[FO_SIG_BYTES];
	struct fo_key *key = forge_key();

	must(fo_sha256(text, len, digest) == FO_OK &&
	    fo_key_sign(key, digest, NULL, sig) == FO_OK, "it cannot sign");
	text[len] = '.';
	fo_b64url_encode(sig, sizeof(sig), text + len + 1);
	fo_key_free(&key);
	return text;
}

char *
forge_proof(const char *header, const char *claims)
{
	return forge_proof_bytes(header, strlen(header), claims,
	    strlen(claims));
}

char *
forge_unsigned(const char *header, const char *claims,
    const unsigned char *sig, size_t sig_len)
{
	char *text = signing_input(header, strlen(header), claims,
	    strlen(claims), sig_len);
	const size_t len = strlen(text);

	text[len] = '.';
	fo_b64url_encode(sig, sig_len, text + len + 1);
	return text;
}
