/*
 * Proofs as they arrive: nothing is accepted but what was signed, to the
 * last byte.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <firstops/proof.h>
#include <firstops/target.h>

#include "base/b64url.h"
#include "sign.h"
#include "src/proof.h"
#include "support/forge.h"

/* Bytes up to the last dot: what a signature is over. */
static size_t
signed_len(const char *text, size_t len)
{
	const char *dot = memrchr(text, '.', len);

	return dot != NULL ? (size_t)(dot - text) : 0;
}

/* Is it what the good proof says, whatever its signature? */
static bool
says_the_good(const char *text, size_t len)
{
	static char *good = NULL;
	size_t n;

	if (good == NULL)
		good = sign_texts(FORGE_HEADER, SIGN_CLAIMS);
	n = signed_len(good, strlen(good));
	return signed_len(text, len) == n && memcmp(text, good, n) == 0;
}

/* base64url is canonical: what was decoded encodes to the same text. */
static void
check_signature(const char *text, size_t len, const struct fo_proof *proof)
{
	char sig[FO_B64URL_LEN(FO_SIG_BYTES) + 1];

	fo_b64url_encode(proof->sig, FO_SIG_BYTES, sig);
	NEED(len == signed_len(text, len) + 1 + strlen(sig));
	NEED(memcmp(text + len - strlen(sig), sig, strlen(sig)) == 0);
}

static void
check_parsed(const char *text, size_t len)
{
	struct fo_diag diag = { "" };
	struct fo_proof *proof = NULL;
	fo_err r = fo_proof_parse(text, len, &diag, &proof);

	if (r != FO_OK) {
		NEED(proof == NULL);
		NEED(diag.text[0] != '\0' || fuzz_faulted());
		return;
	}
	NEED(len <= FO_PROOF_MAX_BYTES);
	NEED(strlen(fo_proof_jkt(proof)) == FO_JKT_SIZE - 1);
	NEED(strlen(fo_proof_hash(proof)) == FO_HASH_SIZE - 1);
	NEED(fo_jti_is_valid(fo_proof_jti(proof)));
	(void)fo_proof_iat(proof);
	check_signature(text, len, proof);
	fo_proof_free(&proof);
}

void
fuzz_on_proof(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct fo_diag diag = { "" };
	const struct fo_expect want = { .htm = FO_HTM_PAM, .htu = SIGN_HTU,
		.jkt = FORGE_JKT, .nonce_rule = FO_NONCE_ALWAYS,
		.nonce = SIGN_NONCE, .now = SIGN_NOW, .max_age_s = 60,
		.clock_skew_s = 15, .diag = &diag };
	struct fo_proof *proof = NULL;

	(void)fo_proof_looks_like(text, size);
	check_parsed(text, size);
	if (fo_proof_verify(text, size, &want, &proof) == FO_OK)
		NEED(says_the_good(text, size));
	else
		NEED(proof == NULL);
	fo_proof_free(&proof);
}
