/*
 * Proofs with a right signature over whatever header and claims: accepted is
 * only what another reader of JSON finds to be asked for.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <firstops/proof.h>
#include <firstops/target.h>

#include "sign.h"
#include "support/forge.h"

static json_t *
load(const char *text)
{
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES |
	    JSON_DECODE_INT_AS_REAL, NULL);

	NEED(json_is_object(root));
	return root;
}

static bool
is(const json_t *object, const char *member, const char *text)
{
	const char *value = json_string_value(json_object_get(object,
	    member));

	return value != NULL && strcmp(value, text) == 0;
}

static void
check_accepted(const char *header_text, const char *claims_text)
{
	const bool held = fuzz_faults_hold();
	json_t *header = load(header_text), *claims = load(claims_text);
	const json_t *jwk = json_object_get(header, "jwk");
	const json_t *iat = json_object_get(claims, "iat");
	const json_t *exp = json_object_get(claims, "exp");
	const json_t *nbf = json_object_get(claims, "nbf");
	const double now = (double)SIGN_NOW;

	NEED(is(header, "typ", "dpop+jwt") && is(header, "alg", "ES256"));
	NEED(json_object_get(header, "crit") == NULL);
	NEED(is(jwk, "kty", "EC") && is(jwk, "crv", "P-256"));
	NEED(is(jwk, "x", FORGE_X) && is(jwk, "y", FORGE_Y));
	NEED(json_object_get(jwk, "d") == NULL);
	NEED(json_object_get(jwk, "k") == NULL);
	NEED(is(claims, "htm", "PAM") && is(claims, "nonce", SIGN_NONCE));
	NEED(json_string_length(json_object_get(claims, "jti")) > 0);
	NEED(json_is_number(iat));
	NEED(json_number_value(iat) >= now - 60);
	NEED(json_number_value(iat) <= now + 15);
	NEED(exp == NULL || json_number_value(exp) > now);
	NEED(nbf == NULL || (json_is_number(nbf) &&
	    json_number_value(nbf) <= now + 15));
	json_decref(header);
	json_decref(claims);
	fuzz_faults_release(held);
}

void
fuzz_on_claims(const uint8_t *data, size_t size)
{
	struct fo_diag diag = { "" };
	const struct fo_expect want = { .htm = FO_HTM_PAM, .htu = SIGN_HTU,
		.jkt = FORGE_JKT, .nonce_rule = FO_NONCE_ALWAYS,
		.nonce = SIGN_NONCE, .now = SIGN_NOW, .max_age_s = 60,
		.clock_skew_s = 15, .diag = &diag };
	struct fo_proof *proof = NULL;
	struct fuzz_fields in;
	char *text;
	fo_err r;

	fuzz_fields_split(data, size, 2, &in);
	text = sign_texts(in.text[0], in.text[1]);
	r = fo_proof_verify(text, strlen(text), &want, &proof);
	if (r == FO_OK) {
		check_accepted(in.text[0], in.text[1]);
		NEED(fo_target_match(fo_proof_htu(proof), SIGN_HTU) ==
		    FO_OK || fuzz_faulted());
	} else {
		NEED(proof == NULL);
		/* whatever it says, the key that says so signed it */
		NEED(r != FO_ERR_BAD_SIGNATURE || fuzz_faulted() ||
		    strstr(in.text[0], FORGE_X) == NULL ||
		    strstr(in.text[0], FORGE_Y) == NULL);
	}
	fo_proof_free(&proof);
	free(text);
	fuzz_fields_clear(&in);
}
