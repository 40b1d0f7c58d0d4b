/*
 * A proof against what is wanted: everything fits, and then one thing does
 * not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include <firstops/proof.h>

#include "base/b64url.h"
#include "base/sha256.h"
#include "src/verifier.h"
#include "support/forge.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define NOW INT64_C(1562262616)
#define NONCE "Q2hhbGxlbmdlMTIz"
#define TOKEN "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
/* RFC 9449 7.1 prints this hash of that token */
#define ATH "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
#define HTU "pam://bastion/sshd/deploy"
/* 32 bytes */
#define ZEROS "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define BASE "\"jti\":\"-BwC3ESc6acc2lTc\",\"htm\":\"PAM\",\"htu\":\"" HTU "\""

static struct fo_expect
wanted(void)
{
	return (struct fo_expect){
		.htm = "PAM",
		.htu = HTU,
		.nonce_rule = FO_NONCE_IGNORE,
		.now = NOW,
		.max_age_s = 60,
		.clock_skew_s = 15,
	};
}

static fo_err
verify(const char *text, struct fo_expect want, struct fo_diag *diag)
{
	struct fo_diag own = { "" };
	struct fo_proof *proof = NULL;
	fo_err r;

	want.diag = diag != NULL ? diag : &own;
	r = fo_proof_verify(text, strlen(text), &want, &proof);
	cr_expect_eq(proof != NULL, r == FO_OK);
	cr_expect_eq(want.diag->text[0] != '\0', r != FO_OK, "%s: %s",
	    fo_err_word(r), want.diag->text);
	fo_proof_free(&proof);
	return r;
}

/* A proof with these claims beside jti, htm and htu. */
static fo_err
verify_claims(const char *claims, struct fo_expect want, struct fo_diag *diag)
{
	char all[1024];
	char *text;
	fo_err r;

	(void)snprintf(all, sizeof(all), "{" BASE ",%s}", claims);
	text = forge_proof(FORGE_HEADER, all);
	r = verify(text, want, diag);
	free(text);
	return r;
}

/* Exchange a character of the signature for the one that is kept. */
static void
swap(char *text, char *kept)
{
	char *at = text + strlen(text) - 20;
	const char c = *at;

	*at = *kept;
	*kept = c;
}

/* ---- key, signature -------------------------------------------------- */

Test(proof_check, accepts_what_is_wanted)
{
	struct fo_expect want = wanted();

	want.jkt = FORGE_JKT;
	want.nonce_rule = FO_NONCE_ALWAYS;
	want.nonce = NONCE;
	want.access_token = TOKEN;
	cr_expect_eq(verify_claims("\"iat\":1562262616,\"nonce\":\"" NONCE
	    "\",\"ath\":\"" ATH "\"", want, NULL), FO_OK);
}

Test(proof_check, another_key_is_unknown)
{
	struct fo_expect want = wanted();

	want.jkt = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
	cr_expect_eq(verify_claims("\"iat\":1562262616", want, NULL),
	    FO_ERR_UNKNOWN_KEY);
	want.jkt = "";
	cr_expect_eq(verify_claims("\"iat\":1562262616", want, NULL),
	    FO_ERR_UNKNOWN_KEY);
}

Test(proof_check, a_change_of_any_byte_is_a_bad_signature)
{
	char *text = forge_proof(FORGE_HEADER,
	    "{" BASE ",\"iat\":1562262616}");
	char *other = forge_proof(FORGE_HEADER,
	    "{" BASE ",\"iat\":1562262617}");
	char spliced[1024];
	const size_t sig_at = (size_t)(strrchr(text, '.') - text);

	/* the claims of one, the signature of the other */
	cr_assert_eq(strlen(text), strlen(other));
	memcpy(spliced, text, strlen(text) + 1);
	memcpy(spliced + sig_at, other + sig_at, strlen(other) - sig_at);
	cr_expect_eq(verify(spliced, wanted(), NULL), FO_ERR_BAD_SIGNATURE);

	/* one character of r, and one of s */
	memcpy(spliced, text, strlen(text) + 1);
	spliced[sig_at + 10] = spliced[sig_at + 10] == 'A' ? 'B' : 'A';
	cr_expect_eq(verify(spliced, wanted(), NULL), FO_ERR_BAD_SIGNATURE);
	memcpy(spliced, text, strlen(text) + 1);
	spliced[sig_at + 60] = spliced[sig_at + 60] == 'A' ? 'B' : 'A';
	cr_expect_eq(verify(spliced, wanted(), NULL), FO_ERR_BAD_SIGNATURE);
	cr_expect_eq(verify(text, wanted(), NULL), FO_OK);
	free(text);
	free(other);
}

Test(proof_check, the_signature_of_another_key_is_bad)
{
	/* the key of RFC 9449 in the header, ours under it */
	char *text = forge_proof("{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\","
	    "\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\","
	    "\"x\":\"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs\","
	    "\"y\":\"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA\"}}",
	    "{" BASE ",\"iat\":1562262616}");

	cr_expect_eq(verify(text, wanted(), NULL), FO_ERR_BAD_SIGNATURE);
	free(text);
}

/* The order of the group, big endian (SEC 2 2.4.2). */
static const unsigned char order[32] = {
	0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
	0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
	0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51
};

Test(proof_check, r_and_s_are_between_zero_and_the_order)
{
	unsigned char zero[32] = { 0 }, one[32] = { 0 }, all[32];
	const unsigned char *bad[] = { zero, order, all };
	unsigned char sig[64];
	char *text;

	memset(all, 0xff, sizeof(all));
	one[31] = 1;
	for (size_t i = 0; i < COUNT(bad); i++) {
		for (size_t half = 0; half < 64; half += 32) {
			memcpy(sig, one, 32);
			memcpy(sig + 32, one, 32);
			memcpy(sig + half, bad[i], 32);
			text = forge_unsigned(FORGE_HEADER, "{" BASE
			    ",\"iat\":1562262616}", sig, sizeof(sig));
			cr_expect_eq(verify(text, wanted(), NULL),
			    FO_ERR_BAD_SIGNATURE, "%zu at %zu", i, half);
			free(text);
		}
	}
}

/* (r, s) of a good proof made into (r, n - s), which is as good. */
Test(proof_check, the_twin_of_a_signature_verifies_and_is_the_same_proof)
{
	char *text = forge_proof(FORGE_HEADER,
	    "{" BASE ",\"iat\":1562262616}");
	struct fo_expect want = wanted();
	struct fo_proof *one = NULL, *two = NULL;
	char *sig_text = strrchr(text, '.') + 1;
	unsigned char sig[64];
	size_t n = 0;
	int borrow = 0;

	cr_assert_eq(fo_proof_verify(text, strlen(text), &want, &one), FO_OK);
	cr_assert_eq(fo_b64url_decode(sig_text, strlen(sig_text), sig, 64,
	    &n), FO_OK);
	for (int i = 31; i >= 0; i--) {
		int d = order[i] - sig[32 + i] - borrow;

		borrow = d < 0;
		sig[32 + i] = (unsigned char)(d & 0xff);
	}
	fo_b64url_encode(sig, 64, sig_text);
	cr_assert_eq(fo_proof_verify(text, strlen(text), &want, &two), FO_OK);
	cr_expect_str_eq(fo_proof_hash(one), fo_proof_hash(two));
	fo_proof_free(&one);
	fo_proof_free(&two);
	free(text);
}

Test(proof_check, a_point_off_the_curve_is_a_bad_key)
{
	static const char *const points[] = {
		/* y with another last bit */
		"\"x\":\"" FORGE_X "\",\"y\":\""
		"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5aw\"",
		/* zero */
		"\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\","
		"\"y\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"",
		/* beyond the field */
		"\"x\":\"__________________________________________8\","
		"\"y\":\"__________________________________________8\"",
	};
	char header[512];
	char *text;

	for (size_t i = 0; i < COUNT(points); i++) {
		(void)snprintf(header, sizeof(header),
		    "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{"
		    "\"kty\":\"EC\",\"crv\":\"P-256\",%s}}", points[i]);
		text = forge_proof(header, "{" BASE ",\"iat\":1562262616}");
		cr_expect_eq(verify(text, wanted(), NULL), FO_ERR_BAD_KEY,
		    "%s", points[i]);
		free(text);
	}
}

Test(proof_check, a_verifier_works_on_after_every_kind_of_refusal)
{
	char *good = forge_proof(FORGE_HEADER,
	    "{" BASE ",\"iat\":1562262616}");
	char *off = forge_proof("{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\","
	    "\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" FORGE_X
	    "\",\"y\":\"" FORGE_X "\"}}", "{" BASE ",\"iat\":1562262616}");
	char *none = forge_proof("{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\","
	    "\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" ZEROS
	    "\",\"y\":\"" ZEROS "\"}}", "{" BASE ",\"iat\":1562262616}");
	struct fo_expect want = wanted();
	char kept = good[strlen(good) - 20] == 'A' ? 'B' : 'A';

	cr_assert_eq(fo_verifier_new(&want.verifier), FO_OK);
	for (int i = 0; i < 3; i++) {
		cr_expect_eq(verify(good, want, NULL), FO_OK);
		cr_expect_eq(verify(none, want, NULL), FO_ERR_BAD_KEY);
		cr_expect_eq(verify(off, want, NULL), FO_ERR_BAD_KEY);
		cr_expect_eq(verify(off, want, NULL), FO_ERR_BAD_KEY);
		cr_expect_eq(verify(good, want, NULL), FO_OK);
		swap(good, &kept);
		cr_expect_eq(verify(good, want, NULL), FO_ERR_BAD_SIGNATURE);
		swap(good, &kept);
	}
	fo_verifier_free(&want.verifier);
	cr_expect_null(want.verifier);
	free(good);
	free(off);
	free(none);
}

/* ---- htm, htu -------------------------------------------------------- */

Test(proof_check, htm_is_compared_exactly)
{
	static const char *const others[] = { "pam", "PAM ", "POST", "P" };
	struct fo_expect want = wanted();

	for (size_t i = 0; i < COUNT(others); i++) {
		want.htm = others[i];
		cr_expect_eq(verify_claims("\"iat\":1562262616", want, NULL),
		    FO_ERR_WRONG_HTM, "%s", others[i]);
	}
}

Test(proof_check, another_target_is_refused)
{
	static const char *const others[] = {
		"pam://other/sshd/deploy", "pam://bastion/sudo/deploy",
		"pam://bastion/sshd/root", "https://bastion/sshd/deploy",
	};
	struct fo_expect want = wanted();

	for (size_t i = 0; i < COUNT(others); i++) {
		want.htu = others[i];
		cr_expect_eq(verify_claims("\"iat\":1562262616", want, NULL),
		    FO_ERR_WRONG_HTU, "%s", others[i]);
	}
}

Test(proof_check, any_of_several_targets_will_do)
{
	const char *also[] = { "pam://a/sshd/deploy", HTU, NULL };
	struct fo_expect want = wanted();

	want.htu = "pam://b/sshd/deploy";
	want.htu_also = also;
	cr_expect_eq(verify_claims("\"iat\":1562262616", want, NULL), FO_OK);
	also[1] = "pam://c/sshd/deploy";
	cr_expect_eq(verify_claims("\"iat\":1562262616", want, NULL),
	    FO_ERR_WRONG_HTU);
	also[0] = NULL;
	cr_expect_eq(verify_claims("\"iat\":1562262616", want, NULL),
	    FO_ERR_WRONG_HTU);
}

Test(proof_check, an_expected_target_that_is_none_is_the_callers_fault)
{
	struct fo_expect want = wanted();

	want.htu = "bastion";
	cr_expect_eq(verify_claims("\"iat\":1562262616", want, NULL),
	    FO_ERR_ARG);
}

/* ---- time ------------------------------------------------------------ */

Test(proof_check, iat_lies_within_the_window)
{
	static const struct {
		const char *why, *iat;
		fo_err want;
	} cases[] = {
		{ "now", "1562262616", FO_OK },
		{ "exactly max_age old", "1562262556", FO_OK },
		{ "one second too old", "1562262555", FO_ERR_STALE },
		{ "half a second too old", "1562262555.5", FO_ERR_STALE },
		{ "half a second inside", "1562262556.5", FO_OK },
		{ "exactly skew ahead", "1562262631", FO_OK },
		{ "half a second too far", "1562262631.5", FO_ERR_FUTURE },
		{ "one second too far ahead", "1562262632", FO_ERR_FUTURE },
		{ "with an exponent", "1.562262616e9", FO_OK },
		{ "zero", "0", FO_ERR_STALE },
		{ "negative", "-1562262616", FO_ERR_STALE },
		{ "in milliseconds", "1562262616000", FO_ERR_FUTURE },
		{ "INT64_MAX", "9223372036854775807", FO_ERR_FUTURE },
		{ "INT64_MIN", "-9223372036854775808", FO_ERR_STALE },
		{ "2^64 + now", "18446744075271814232", FO_ERR_FUTURE },
		{ "2^32 + now", "5857229912", FO_ERR_FUTURE },
		{ "huge", "1e308", FO_ERR_FUTURE },
		{ "hugely negative", "-1e308", FO_ERR_STALE },
	};
	char claims[128];

	for (size_t i = 0; i < COUNT(cases); i++) {
		fo_err r;

		(void)snprintf(claims, sizeof(claims), "\"iat\":%s",
		    cases[i].iat);
		r = verify_claims(claims, wanted(), NULL);
		cr_expect_eq(r, cases[i].want, "%s: %s", cases[i].why,
		    fo_err_word(r));
	}
}

Test(proof_check, a_window_of_nothing_is_this_very_second)
{
	struct fo_expect want = wanted();

	want.max_age_s = want.clock_skew_s = 0;
	cr_expect_eq(verify_claims("\"iat\":1562262616", want, NULL), FO_OK);
	cr_expect_eq(verify_claims("\"iat\":1562262615", want, NULL),
	    FO_ERR_STALE);
	cr_expect_eq(verify_claims("\"iat\":1562262617", want, NULL),
	    FO_ERR_FUTURE);
}

Test(proof_check, stale_and_future_say_by_how_many_seconds)
{
	struct fo_diag diag = { "" };

	cr_expect_eq(verify_claims("\"iat\":1562262541", wanted(), &diag),
	    FO_ERR_STALE);
	cr_expect_not_null(strstr(diag.text, "stale by 15 s"), "%s",
	    diag.text);
	cr_expect_eq(verify_claims("\"iat\":1562262656", wanted(), &diag),
	    FO_ERR_FUTURE);
	cr_expect_not_null(strstr(diag.text, "future by 25 s"), "%s",
	    diag.text);
	/* to a limit that no clock comes to */
	cr_expect_eq(verify_claims("\"iat\":1000001562262631.5", wanted(),
	    &diag), FO_ERR_FUTURE);
	cr_expect_not_null(strstr(diag.text, "by 1000000000000000 s"), "%s",
	    diag.text);
	cr_expect_eq(verify_claims("\"iat\":1e300", wanted(), &diag),
	    FO_ERR_FUTURE);
	cr_expect_not_null(strstr(diag.text, "by 1000000000000000 s"), "%s",
	    diag.text);
}

Test(proof_check, a_key_or_signature_that_is_none_is_called_so)
{
	struct fo_diag diag = { "" };
	char *text, *last;

	text = forge_proof("{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\","
	    "\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" FORGE_Y
	    "\",\"y\":\"" FORGE_X "\"}}", "{" BASE ",\"iat\":1562262616}");
	cr_expect_eq(verify(text, wanted(), &diag), FO_ERR_BAD_KEY);
	cr_expect_not_null(strstr(diag.text, "not a point on P-256"), "%s",
	    diag.text);
	free(text);
	text = forge_proof(FORGE_HEADER, "{" BASE ",\"iat\":1562262616}");
	last = text + strlen(text) - 20;
	*last = *last == 'A' ? 'B' : 'A';
	cr_expect_eq(verify(text, wanted(), &diag), FO_ERR_BAD_SIGNATURE);
	cr_expect_null(strstr(diag.text, "not a point"), "%s", diag.text);
	free(text);
}

Test(proof_check, a_verifier_keeps_the_key_that_it_knows_apart_from_others)
{
	struct fo_verifier *verifier = NULL;
	struct fo_jwk jwk, zero;
	struct fo_key *key = forge_key();

	memset(&zero, 0, sizeof(zero));
	cr_assert_eq(fo_key_jwk(key, &jwk), FO_OK);
	cr_expect_eq(fo_verifier_new(NULL), FO_ERR_ARG);
	cr_assert_eq(fo_verifier_new(&verifier), FO_OK);
	cr_expect_eq(fo_verifier_import(verifier, &zero), FO_ERR_BAD_KEY);
	cr_expect_eq(fo_verifier_import(verifier, &jwk), FO_OK);
	cr_expect_eq(fo_verifier_import(verifier, &jwk), FO_OK);
	cr_expect_eq(fo_verifier_import(verifier, &zero), FO_ERR_BAD_KEY);
	cr_expect_eq(fo_verifier_import(verifier, &jwk), FO_OK);
	fo_verifier_free(&verifier);
	cr_expect_null(verifier);
	fo_verifier_free(&verifier);
	fo_key_free(&key);
}

Test(proof_check, exp_and_nbf_count_where_they_are_present)
{
	static const struct {
		const char *why, *claims;
		fo_err want;
	} cases[] = {
		{ "exp to come", "\"exp\":1562262617", FO_OK },
		{ "exp is now", "\"exp\":1562262616", FO_ERR_STALE },
		{ "exp has passed", "\"exp\":1562262615", FO_ERR_STALE },
		{ "exp half a second ago", "\"exp\":1562262615.5",
		    FO_ERR_STALE },
		{ "exp huge", "\"exp\":1e300", FO_OK },
		{ "exp hugely negative", "\"exp\":-1e300", FO_ERR_STALE },
		{ "nbf has passed", "\"nbf\":1562262600", FO_OK },
		{ "nbf within the skew", "\"nbf\":1562262631", FO_OK },
		{ "nbf beyond it", "\"nbf\":1562262632", FO_ERR_FUTURE },
		{ "nbf huge", "\"nbf\":1e300", FO_ERR_FUTURE },
	};
	char claims[128];

	for (size_t i = 0; i < COUNT(cases); i++) {
		fo_err r;

		(void)snprintf(claims, sizeof(claims),
		    "\"iat\":1562262616,%s", cases[i].claims);
		r = verify_claims(claims, wanted(), NULL);
		cr_expect_eq(r, cases[i].want, "%s: %s", cases[i].why,
		    fo_err_word(r));
	}
}

/* ---- nonce, ath ------------------------------------------------------ */

Test(proof_check, each_nonce_rule_has_its_own_table)
{
	static const struct {
		fo_nonce_rule rule;
		const char *issued;
		const char *claims;
		fo_err want;
	} cases[] = {
#define HAS(nonce) "\"iat\":1562262616,\"nonce\":\"" nonce "\""
#define NONE "\"iat\":1562262616"
		{ FO_NONCE_ALWAYS, NONCE, HAS(NONCE), FO_OK },
		{ FO_NONCE_ALWAYS, NONCE, HAS("other"), FO_ERR_WRONG_NONCE },
		{ FO_NONCE_ALWAYS, NONCE, HAS(""), FO_ERR_WRONG_NONCE },
		{ FO_NONCE_ALWAYS, NONCE, HAS(NONCE "x"), FO_ERR_WRONG_NONCE },
		{ FO_NONCE_ALWAYS, NONCE, NONE, FO_ERR_NO_NONCE },
		{ FO_NONCE_ALWAYS, NULL, HAS(NONCE), FO_ERR_WRONG_NONCE },
		{ FO_NONCE_ALWAYS, NULL, HAS(""), FO_ERR_WRONG_NONCE },
		{ FO_NONCE_ALWAYS, NULL, NONE, FO_ERR_NO_NONCE },
		{ FO_NONCE_AUTO, NONCE, HAS(NONCE), FO_OK },
		{ FO_NONCE_AUTO, NONCE, HAS("other"), FO_ERR_WRONG_NONCE },
		{ FO_NONCE_AUTO, NONCE, NONE, FO_OK },
		{ FO_NONCE_AUTO, NULL, HAS(NONCE), FO_ERR_WRONG_NONCE },
		{ FO_NONCE_AUTO, NULL, NONE, FO_OK },
		{ FO_NONCE_IGNORE, NULL, HAS("other"), FO_OK },
		{ FO_NONCE_IGNORE, NULL, NONE, FO_OK },
#undef HAS
#undef NONE
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fo_expect want = wanted();
		fo_err r;

		want.nonce_rule = cases[i].rule;
		want.nonce = cases[i].issued;
		r = verify_claims(cases[i].claims, want, NULL);
		cr_expect_eq(r, cases[i].want, "case %zu: %s", i,
		    fo_err_word(r));
	}
}

Test(proof_check, a_zeroed_rule_demands_the_nonce)
{
	struct fo_expect want = wanted();

	memset(&want.nonce_rule, 0, sizeof(want.nonce_rule));
	cr_expect_eq(verify_claims("\"iat\":1562262616", want, NULL),
	    FO_ERR_NO_NONCE);
}

Test(proof_check, ath_counts_when_a_token_came_along)
{
	struct fo_expect want = wanted();

	cr_expect_eq(verify_claims("\"iat\":1562262616,\"ath\":\"x\"", want,
	    NULL), FO_OK, "no token: ignored");
	cr_expect_eq(verify_claims("\"iat\":1562262616,\"ath\":[]", want,
	    NULL), FO_OK, "no token: ignored, whatever it is");
	want.access_token = TOKEN;
	cr_expect_eq(verify_claims("\"iat\":1562262616,\"ath\":[]", want,
	    NULL), FO_ERR_NO_ATH);
	cr_expect_eq(verify_claims("\"iat\":1562262616,\"ath\":\"" ATH "\"",
	    want, NULL), FO_OK);
	cr_expect_eq(verify_claims("\"iat\":1562262616", want, NULL),
	    FO_ERR_NO_ATH);
	cr_expect_eq(verify_claims("\"iat\":1562262616,\"ath\":\"\"", want,
	    NULL), FO_ERR_WRONG_ATH);
	cr_expect_eq(verify_claims("\"iat\":1562262616,\"ath\":\"" ATH "=\"",
	    want, NULL), FO_ERR_WRONG_ATH);
	want.access_token = TOKEN "x";
	cr_expect_eq(verify_claims("\"iat\":1562262616,\"ath\":\"" ATH "\"",
	    want, NULL), FO_ERR_WRONG_ATH);
}

/* ---- arguments and order --------------------------------------------- */

Test(proof_check, a_want_that_weakens_a_check_is_refused)
{
	char *text = forge_proof(FORGE_HEADER,
	    "{" BASE ",\"iat\":1562262616}");
	struct fo_expect want;

#define REFUSE(change) do { \
	want = wanted(); \
	change; \
	cr_expect_eq(verify(text, want, NULL), FO_ERR_ARG, #change); \
} while (0)
	REFUSE(want.htm = NULL);
	REFUSE(want.htm = "");
	REFUSE(want.htu = NULL);
	REFUSE(want.htu = "");
	REFUSE(want.max_age_s = -1);
	REFUSE(want.max_age_s = FO_MAX_AGE_LIMIT_S + 1);
	REFUSE(want.max_age_s = INT64_MAX);
	REFUSE(want.clock_skew_s = -1);
	REFUSE(want.clock_skew_s = FO_CLOCK_SKEW_LIMIT_S + 1);
	REFUSE(want.now = -1);
	REFUSE(want.now = INT64_MAX);
	REFUSE(want.now = (INT64_C(1) << 53) + 1);
	REFUSE(want.nonce_rule = (fo_nonce_rule)3);
	REFUSE(want.nonce = "");
	REFUSE(want.access_token = "");
#undef REFUSE
	want = wanted();
	want.max_age_s = FO_MAX_AGE_LIMIT_S;
	want.clock_skew_s = FO_CLOCK_SKEW_LIMIT_S;
	cr_expect_eq(verify(text, want, NULL), FO_OK);
	want.now = INT64_C(1) << 53;
	cr_expect_eq(verify(text, want, NULL), FO_ERR_STALE);
	free(text);
}

Test(proof_check, needs_all_its_arguments)
{
	struct fo_expect want = wanted();
	struct fo_proof *proof = NULL;

	cr_expect_eq(fo_proof_check(NULL, &want), FO_ERR_ARG);
	cr_expect_eq(fo_proof_verify("x", 1, NULL, &proof), FO_ERR_ARG);
	cr_expect_eq(fo_proof_verify("x", 1, &want, NULL), FO_ERR_ARG);
	cr_expect_eq(fo_proof_verify(NULL, 1, &want, &proof), FO_ERR_ARG);
}

/* Everything is wrong; what is mended, one by one, uncovers the next. */
Test(proof_check, checks_in_the_stated_order)
{
	struct fo_expect want = {
		.htm = "GET", .htu = "pam://x/y/z", .jkt = "other",
		.nonce = "other", .access_token = "other", .now = NOW + 1000,
		.max_age_s = 60, .clock_skew_s = 15,
	};
	char *text = forge_proof(FORGE_HEADER, "{" BASE ",\"iat\":1562262616,"
	    "\"nonce\":\"" NONCE "\",\"ath\":\"" ATH "\"}");
	char kept = text[strlen(text) - 20] == 'A' ? 'B' : 'A';

	swap(text, &kept);
	cr_expect_eq(verify(text, want, NULL), FO_ERR_UNKNOWN_KEY);
	want.jkt = FORGE_JKT;
	cr_expect_eq(verify(text, want, NULL), FO_ERR_BAD_SIGNATURE);
	swap(text, &kept);
	cr_expect_eq(verify(text, want, NULL), FO_ERR_WRONG_HTM);
	want.htm = "PAM";
	cr_expect_eq(verify(text, want, NULL), FO_ERR_WRONG_HTU);
	want.htu = HTU;
	cr_expect_eq(verify(text, want, NULL), FO_ERR_STALE);
	want.now = NOW;
	cr_expect_eq(verify(text, want, NULL), FO_ERR_WRONG_NONCE);
	want.nonce = NONCE;
	cr_expect_eq(verify(text, want, NULL), FO_ERR_WRONG_ATH);
	want.access_token = TOKEN;
	cr_expect_eq(verify(text, want, NULL), FO_OK);
	free(text);
}

Test(proof_check, no_reason_repeats_a_nonce_a_token_or_the_proof)
{
	struct fo_expect want = wanted();
	struct fo_diag diag = { "" };

	want.nonce_rule = FO_NONCE_ALWAYS;
	want.nonce = NONCE;
	cr_expect_eq(verify_claims("\"iat\":1562262616,\"nonce\":\"zzzz\"",
	    want, &diag), FO_ERR_WRONG_NONCE);
	cr_expect_null(strstr(diag.text, NONCE));
	cr_expect_null(strstr(diag.text, "zzzz"));
	want.nonce_rule = FO_NONCE_IGNORE;
	want.access_token = TOKEN;
	cr_expect_eq(verify_claims("\"iat\":1562262616,\"ath\":\"zzzz\"",
	    want, &diag), FO_ERR_WRONG_ATH);
	cr_expect_null(strstr(diag.text, TOKEN));
	cr_expect_null(strstr(diag.text, "zzzz"));
}
