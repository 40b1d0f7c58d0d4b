/*
 * Proofs that targets offer.
 */
#include "sign.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <firstops/proof.h>
#include <firstops/target.h>

#include "base/b64url.h"
#include "base/sha256.h"
#include "fuzz.h"
#include "src/key.h"
#include "support/forge.h"

/* Loading a key takes far longer than using it. */
static const struct fo_key *
the_key(void)
{
	static struct fo_key *key = NULL;

	if (key == NULL)
		key = forge_key();
	return key;
}

char *
sign_texts(const char *header, const char *claims)
{
	const bool held = fuzz_faults_hold();
	unsigned char digest[FO_SHA256_BYTES], sig[FO_SIG_BYTES];
	const size_t a = FO_B64URL_LEN(strlen(header));
	const size_t b = FO_B64URL_LEN(strlen(claims));
	char *text = calloc(1, a + b + FO_B64URL_LEN(FO_SIG_BYTES) + 3);

	NEED(text != NULL);
	fo_b64url_encode(header, strlen(header), text);
	text[a] = '.';
	fo_b64url_encode(claims, strlen(claims), text + a + 1);
	NEED(fo_sha256(text, a + 1 + b, digest) == FO_OK);
	NEED(fo_key_sign(the_key(), digest, NULL, sig) == FO_OK);
	text[a + 1 + b] = '.';
	fo_b64url_encode(sig, sizeof(sig), text + a + b + 2);
	fuzz_faults_release(held);
	return text;
}

char *
sign_proof(const char *htu, const char *nonce)
{
	const bool held = fuzz_faults_hold();
	struct fo_request request = { .htm = FO_HTM_PAM, .htu = htu,
		.nonce = nonce, .iat = time(NULL),
		.max_bytes = FO_PROOF_MAX_BYTES };
	char *proof = NULL;

	if (fo_proof_sign(the_key(), &request, &proof) != FO_OK)
		NEED((proof = strdup("not a text that can be signed")) !=
		    NULL);
	fuzz_faults_release(held);
	return proof;
}
