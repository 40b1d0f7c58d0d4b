/*
 * Every published vector has the outcome that it states.
 */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include <firstops/proof.h>

#include "base/b64url.h"
#include "base/sha256.h"
#include "src/verifier.h"

static json_t *
load(const char *path, size_t at_least)
{
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error);

	cr_assert_not_null(root, "%s: %s", path, error.text);
	if (json_is_object(root)) {
		json_t *list = json_incref(json_object_get(root, "vectors"));

		json_decref(root);
		root = list;
	}
	cr_assert_geq(json_array_size(root), at_least, "%s", path);
	return root;
}

/* NULL for null. */
static const char *
text(const json_t *vector, const char *name)
{
	return json_string_value(json_object_get(vector, name));
}

static bool
must_accept(const json_t *vector)
{
	const char *expect = text(vector, "expect");

	cr_assert(expect != NULL && (strcmp(expect, "accept") == 0 ||
	    strcmp(expect, "reject") == 0));
	return strcmp(expect, "accept") == 0;
}

/* The words of the vectors' authors, and ours. */
static fo_err
result_of(const char *reason)
{
	static const struct {
		const char *reason;
		fo_err err;
	} reasons[] = {
		{ "ok", FO_OK },
		{ "wrong_htm", FO_ERR_WRONG_HTM },
		{ "wrong_htu", FO_ERR_WRONG_HTU },
		{ "expired", FO_ERR_STALE },
		{ "future", FO_ERR_FUTURE },
		{ "missing_nonce", FO_ERR_NO_NONCE },
		{ "wrong_key", FO_ERR_UNKNOWN_KEY },
		{ "ath_missing", FO_ERR_NO_ATH },
		{ "ath_mismatch", FO_ERR_WRONG_ATH },
		{ "bad_signature", FO_ERR_BAD_SIGNATURE },
		{ "bad_typ", FO_ERR_BAD_TYP },
	};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(reasons[i].reason, reason) == 0)
			return reasons[i].err;

	cr_assert_fail("no result for %s", reason);
	return FO_ERR_INTERNAL;
}

Test(vectors, rfc_proofs_have_the_stated_outcome)
{
	json_t *list = load(TEST_VECTORS "/rfc-proofs.json", 17);
	json_t *vector;
	size_t i;

	json_array_foreach(list, i, vector) {
		const char *proof_text = text(vector, "proof");
		struct fo_diag diag = { "" };
		struct fo_proof *proof = NULL;
		struct fo_expect want = {
			.htm = text(vector, "htm"),
			.htu = text(vector, "htu"),
			.jkt = text(vector, "jkt"),
			.nonce = text(vector, "nonce"),
			.access_token = text(vector, "access_token"),
			.now = (int64_t)json_integer_value(
			    json_object_get(vector, "at")),
			.max_age_s = 60,
			.clock_skew_s = 15,
			.diag = &diag,
		};
		fo_err r, stated = result_of(text(vector, "reason"));

		want.nonce_rule = want.nonce != NULL ? FO_NONCE_ALWAYS :
		    FO_NONCE_IGNORE;
		r = fo_proof_verify(proof_text, strlen(proof_text), &want,
		    &proof);
		cr_expect_eq(r, stated, "%s: %s instead of %s (%s)",
		    text(vector, "id"), fo_err_word(r), fo_err_word(stated),
		    diag.text);
		cr_expect_eq(must_accept(vector), r == FO_OK, "%s",
		    text(vector, "id"));
		cr_expect_eq(proof != NULL, r == FO_OK);
		fo_proof_free(&proof);
	}
	json_decref(list);
}

static size_t
from_hex(const char *hex, unsigned char *out, size_t max)
{
	const size_t n = strlen(hex) / 2;
	char byte[3] = "";

	cr_assert(strlen(hex) % 2 == 0 && n <= max);
	for (size_t i = 0; i < n; i++) {
		memcpy(byte, hex + 2 * i, 2);
		out[i] = (unsigned char)strtoul(byte, NULL, 16);
	}

	return n;
}

static void
read_coordinates(const json_t *jwk, struct fo_jwk *ret_jwk)
{
	const char *x = text(jwk, "x"), *y = text(jwk, "y");
	size_t n = 0;

	cr_assert_eq(fo_b64url_decode(x, strlen(x), ret_jwk->x, 32, &n),
	    FO_OK);
	cr_assert_eq(n, 32);
	cr_assert_eq(fo_b64url_decode(y, strlen(y), ret_jwk->y, 32, &n),
	    FO_OK);
	cr_assert_eq(n, 32);
}

Test(vectors, wycheproof_raw_signatures_have_the_stated_outcome)
{
	json_t *list = load(TEST_VECTORS "/ecdsa-p256-p1363-vectors.json",
	    262);
	struct fo_verifier *verifier = NULL;
	json_t *vector;
	size_t i;

	cr_assert_eq(fo_verifier_new(&verifier), FO_OK);
	json_array_foreach(list, i, vector) {
		unsigned char msg[256], sig[256], digest[FO_SHA256_BYTES];
		const size_t n = from_hex(text(vector, "msg"), msg,
		    sizeof(msg));
		const size_t sig_len = from_hex(text(vector, "sig"), sig,
		    sizeof(sig));
		struct fo_jwk jwk;
		fo_err r;

		read_coordinates(vector, &jwk);
		cr_assert_eq(fo_sha256(msg, n, digest), FO_OK);
		r = fo_verifier_check(verifier, &jwk, digest, sig, sig_len);
		cr_expect_eq(r, must_accept(vector) ? FO_OK :
		    FO_ERR_BAD_SIGNATURE, "%lld (%s): %s",
		    json_integer_value(json_object_get(vector, "id")),
		    text(vector, "comment"), fo_err_word(r));
	}
	fo_verifier_free(&verifier);
	json_decref(list);
}

/* A JWS in compact form with ES256, checked with a key given beforehand. */
static fo_err
check_jws(struct fo_verifier *verifier, const char *jws, const json_t *key)
{
	const char *first = strchr(jws, '.');
	const char *second = first != NULL ? strchr(first + 1, '.') : NULL;
	unsigned char sig[256], digest[FO_SHA256_BYTES];
	char *json = json_dumps(key, JSON_COMPACT);
	struct fo_jwk jwk;
	size_t sig_len = 0;
	fo_err r;

	cr_assert_not_null(json);
	r = fo_jwk_parse(json, strlen(json), NULL, &jwk);
	free(json);
	if (r != FO_OK)
		return r;
	if (second == NULL || strchr(second + 1, '.') != NULL)
		return FO_ERR_MALFORMED;
	if (fo_b64url_decode(second + 1, strlen(second + 1), sig, sizeof(sig),
	    &sig_len) != FO_OK)
		return FO_ERR_MALFORMED;
	if ((r = fo_sha256(jws, (size_t)(second - jws), digest)) != FO_OK)
		return r;

	return fo_verifier_check(verifier, &jwk, digest, sig, sig_len);
}

Test(vectors, jws_signatures_have_the_stated_outcome)
{
	json_t *list = load(TEST_VECTORS "/jws-es256-vectors.json", 42);
	struct fo_verifier *verifier = NULL;
	json_t *vector;
	size_t i;

	cr_assert_eq(fo_verifier_new(&verifier), FO_OK);
	json_array_foreach(list, i, vector) {
		const fo_err r = check_jws(verifier, text(vector, "jws"),
		    json_object_get(vector, "jwk"));

		cr_expect_eq(r == FO_OK, must_accept(vector), "%s (%s): %s",
		    text(vector, "id"), text(vector, "comment"),
		    fo_err_word(r));
		cr_expect(r == FO_OK || r == FO_ERR_MALFORMED ||
		    r == FO_ERR_BAD_KEY || r == FO_ERR_BAD_SIGNATURE,
		    "%s: %s", text(vector, "id"), fo_err_word(r));
	}
	fo_verifier_free(&verifier);
	json_decref(list);
}

/*
 * RFC 7638 3.2: the thumbprint is of the required members alone. What else a
 * key says about itself, such as use: enc, is judged when it is read.
 */
static char *
required_members(const json_t *jwk)
{
	static const char *const names[] = { "kty", "crv", "x", "y" };
	json_t *object = json_object();
	char *json;

	for (size_t i = 0; i < 4; i++) {
		json_t *value = json_object_get(jwk, names[i]);

		if (value != NULL)
			cr_assert_eq(json_object_set(object, names[i], value),
			    0);
	}
	json = json_dumps(object, JSON_COMPACT);
	cr_assert_not_null(json);
	json_decref(object);
	return json;
}

static bool
is_p256(const json_t *jwk)
{
	const char *kty = text(jwk, "kty"), *crv = text(jwk, "crv");

	return kty != NULL && crv != NULL && strcmp(kty, "EC") == 0 &&
	    strcmp(crv, "P-256") == 0;
}

Test(vectors, thumbprints_are_the_stated_ones)
{
	json_t *list = load(TEST_VECTORS "/jwk-thumbprint-vectors.json", 17);
	size_t i, hashed = 0;
	json_t *vector;

	json_array_foreach(list, i, vector) {
		const char *want = text(vector, "thumbprint");
		const json_t *key = json_object_get(vector, "jwk");
		char *json = required_members(key);
		char jkt[FO_JKT_SIZE];
		struct fo_jwk jwk;
		fo_err r = fo_jwk_parse(json, strlen(json), NULL, &jwk);

		free(json);
		if (!is_p256(key) || strcmp(want, "error") == 0) {
			cr_expect_eq(r, FO_ERR_BAD_KEY, "%s",
			    text(vector, "id"));
			continue;
		}
		cr_assert_eq(r, FO_OK, "%s", text(vector, "id"));
		cr_assert_eq(fo_jwk_thumbprint(&jwk, jkt), FO_OK);
		cr_expect_str_eq(jkt, want, "%s", text(vector, "id"));
		hashed++;
	}
	cr_expect_geq(hashed, 10);
	json_decref(list);
}
