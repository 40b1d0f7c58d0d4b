/*
 * Making proofs: what is in them, in which order, and how long they are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include <firstops/proof.h>

#include "base/b64url.h"
#include "support/forge.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define NOW INT64_C(1562262616)
#define NONCE "Q2hhbGxlbmdlMTIz"
#define JTI "-BwC3ESc6acc2lTc"
#define TOKEN "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
#define ATH "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"

static struct fo_request
request(void)
{
	return (struct fo_request){
		.htm = "PAM",
		.htu = "pam://bastion/sshd/deploy",
		.iat = NOW,
		.jti = JTI,
	};
}

static char *
signed_by_us(struct fo_request req)
{
	struct fo_key *key = forge_key();
	struct fo_diag diag = { "" };
	char *proof = NULL;

	req.diag = &diag;
	cr_assert_eq(fo_proof_sign(key, &req, &proof), FO_OK, "%s", diag.text);
	fo_key_free(&key);
	return proof;
}

/* The JSON of segment 0 or 1; the caller frees it. */
static char *
segment(const char *proof, int i)
{
	const char *from = i == 0 ? proof : strchr(proof, '.') + 1;
	const size_t len = strcspn(from, ".");
	char *json = calloc(1, len + 1);
	size_t n = 0;

	cr_assert_not_null(json);
	cr_assert_eq(fo_b64url_decode(from, len, json, len, &n), FO_OK);
	return json;
}

static void
expect_claims(struct fo_request req, const char *want)
{
	char *proof = signed_by_us(req);
	char *claims = segment(proof, 1);

	cr_expect_str_eq(claims, want);
	free(claims);
	fo_proof_text_free(&proof);
}

static void
expect_refused(struct fo_request req, fo_err want, const char *why)
{
	struct fo_key *key = forge_key();
	struct fo_diag diag = { "" };
	char *proof = NULL;
	fo_err r;

	req.diag = &diag;
	r = fo_proof_sign(key, &req, &proof);
	cr_expect_eq(r, want, "%s: %s", why, fo_err_word(r));
	cr_expect_null(proof, "%s", why);
	cr_expect(diag.text[0] != '\0', "%s", why);
	fo_key_free(&key);
}

/* ---- what is in it --------------------------------------------------- */

Test(proof_sign, the_header_is_typ_alg_jwk)
{
	char *proof = signed_by_us(request());
	char *header = segment(proof, 0);

	cr_expect_str_eq(header, "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\","
	    "\"jwk\":{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" FORGE_X
	    "\",\"y\":\"" FORGE_Y "\"}}");
	free(header);
	fo_proof_text_free(&proof);
	cr_expect_null(proof);
}

Test(proof_sign, the_claims_are_jti_htm_htu_iat_nonce_ath)
{
	struct fo_request req = request();

	expect_claims(req, "{\"jti\":\"" JTI "\",\"htm\":\"PAM\",\"htu\":"
	    "\"pam://bastion/sshd/deploy\",\"iat\":1562262616}");
	req.nonce = NONCE;
	expect_claims(req, "{\"jti\":\"" JTI "\",\"htm\":\"PAM\",\"htu\":"
	    "\"pam://bastion/sshd/deploy\",\"iat\":1562262616,\"nonce\":\""
	    NONCE "\"}");
	req.access_token = TOKEN;
	req.max_bytes = 1023;
	expect_claims(req, "{\"jti\":\"" JTI "\",\"htm\":\"PAM\",\"htu\":"
	    "\"pam://bastion/sshd/deploy\",\"iat\":1562262616,\"nonce\":\""
	    NONCE "\",\"ath\":\"" ATH "\"}");
}

Test(proof_sign, query_and_fragment_of_http_are_cut)
{
	static const struct {
		const char *htu, *want;
	} cases[] = {
		{ "https://a.example/t?x=1#y", "https://a.example/t" },
		{ "HTTPS://a.example/t#y?x", "HTTPS://a.example/t" },
		{ "http://a.example/t", "http://a.example/t" },
		{ "other:thing?x#y", "other:thing?x#y" },
	};
	struct fo_request req = request();
	char want[256];

	for (size_t i = 0; i < COUNT(cases); i++) {
		req.htm = "GET";
		req.htu = cases[i].htu;
		(void)snprintf(want, sizeof(want), "{\"jti\":\"" JTI
		    "\",\"htm\":\"GET\",\"htu\":\"%s\",\"iat\":1562262616}",
		    cases[i].want);
		expect_claims(req, want);
	}
}

Test(proof_sign, texts_are_escaped_as_json_wants)
{
	struct fo_request req = request();

	req.jti = "a\"b\\c\x01\n\x1f\x7f/\xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x91";
	expect_claims(req, "{\"jti\":\"a\\\"b\\\\c\\u0001\\u000a\\u001f\x7f/"
	    "\xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x91\",\"htm\":\"PAM\",\"htu\":"
	    "\"pam://bastion/sshd/deploy\",\"iat\":1562262616}");
}

Test(proof_sign, what_was_put_in_comes_out_again)
{
	struct fo_request req = request();
	struct fo_proof *proof = NULL;
	struct fo_expect want = {
		.htm = "P\"M", .htu = "x:\x01\\\"\xc3\xbc", .now = NOW,
		.nonce = "n\"\\\t", .access_token = TOKEN, .jkt = FORGE_JKT,
	};
	char *text;

	req.htm = want.htm;
	req.htu = want.htu;
	req.nonce = want.nonce;
	req.access_token = TOKEN;
	text = signed_by_us(req);
	cr_assert_eq(fo_proof_verify(text, strlen(text), &want, &proof),
	    FO_OK);
	cr_expect_str_eq(fo_proof_htm(proof), want.htm);
	cr_expect_str_eq(fo_proof_htu(proof), want.htu);
	cr_expect_str_eq(fo_proof_nonce(proof), want.nonce);
	cr_expect_eq(fo_proof_iat(proof), NOW);
	fo_proof_free(&proof);
	fo_proof_text_free(&text);
}

Test(proof_sign, a_fresh_jti_is_16_characters_and_new_each_time)
{
	struct fo_request req = request();
	char seen[64][17];
	size_t n = 0;

	req.jti = NULL;
	for (size_t i = 0; i < COUNT(seen); i++) {
		char *text = signed_by_us(req);
		struct fo_proof *proof = NULL;

		cr_assert_eq(fo_proof_parse(text, strlen(text), NULL, &proof),
		    FO_OK);
		cr_assert_eq(strlen(fo_proof_jti(proof)), 16);
		memcpy(seen[n], fo_proof_jti(proof), 17);
		for (size_t k = 0; k < n; k++)
			cr_expect_str_neq(seen[k], seen[n]);
		n++;
		fo_proof_free(&proof);
		fo_proof_text_free(&text);
	}
}

/* ---- how long it is -------------------------------------------------- */

/* "pam://h/s/uuuu" of len bytes */
static void
htu_of(size_t len, char htu[256])
{
	const size_t head = strlen("pam://h/s/");

	memcpy(htu, "pam://h/s/", head);
	memset(htu + head, 'u', len - head);
	htu[len] = '\0';
}

static size_t
length_with(size_t htu_len, const char *nonce)
{
	struct fo_request req = request();
	char htu[256];
	char *proof;
	size_t len;

	htu_of(htu_len, htu);
	req.htu = htu;
	req.nonce = nonce;
	req.jti = NULL;
	proof = signed_by_us(req);
	len = strlen(proof);
	fo_proof_text_free(&proof);
	return len;
}

Test(proof_sign, with_nonce_and_an_htu_of_up_to_61_bytes_it_fits_511)
{
	for (size_t n = 11; n <= 61; n++)
		cr_expect_leq(length_with(n, NONCE), FO_PROOF_PAM_MAX_BYTES,
		    "%zu", n);
	cr_expect_eq(length_with(61, NONCE), FO_PROOF_PAM_MAX_BYTES);
}

/* Said before it is tried, of that service and of none that is called alike. */
Test(proof_sign, a_service_that_carries_no_proof_gets_none)
{
	static const char *const others[] = { "pam://vsftpd/sshd/u",
		"pam://h/vsftpdx/u", "pam://h/xvsftpd/u", "pam://h/sshd/vsftpd",
		"https://h/vsftpd/u" };
	struct fo_diag diag = { .text = "" };
	struct fo_request req = { .htm = "PAM", .htu = "pam://h/vsftpd/u",
		.iat = 1, .diag = &diag };
	struct fo_key *key = NULL;
	char *proof = NULL;

	cr_assert_eq(fo_key_generate(&key), FO_OK);
	cr_expect_eq(fo_proof_sign(key, &req, &proof), FO_ERR_TOO_LONG);
	cr_expect_null(proof);
	cr_expect_not_null(strstr(diag.text, "the 128 that arrive whole"),
	    "%s", diag.text);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		req.htu = others[i];
		cr_expect_eq(fo_proof_sign(key, &req, &proof), FO_OK, "%s: %s",
		    others[i], diag.text);
		fo_proof_text_free(&proof);
	}
	fo_key_free(&key);
}

Test(proof_sign, without_nonce_an_htu_of_up_to_88_bytes_fits_511)
{
	for (size_t n = 11; n <= 88; n++)
		cr_expect_leq(length_with(n, NULL), FO_PROOF_PAM_MAX_BYTES,
		    "%zu", n);
}

Test(proof_sign, one_byte_more_is_refused_and_says_by_how_much)
{
	static const struct {
		size_t htu;
		const char *nonce;
	} cases[] = { { 62, NONCE }, { 89, NULL } };
	struct fo_key *key = forge_key();

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fo_request req = request();
		struct fo_diag diag = { "" };
		char *proof = NULL;
		char htu[256];

		htu_of(cases[i].htu, htu);
		req.htu = htu;
		req.nonce = cases[i].nonce;
		req.diag = &diag;
		cr_expect_eq(fo_proof_sign(key, &req, &proof),
		    FO_ERR_TOO_LONG);
		cr_expect_null(proof);
		cr_expect_not_null(strstr(diag.text, " 1 more than the 511"),
		    "%s", diag.text);
	}
	fo_key_free(&key);
}

Test(proof_sign, a_pam_target_has_the_limit_in_whatever_letters)
{
	struct fo_request req = request();
	char htu[256];

	htu_of(120, htu);
	memcpy(htu, "PAM", 3);
	req.htu = htu;
	expect_refused(req, FO_ERR_TOO_LONG, "PAM:");
}

Test(proof_sign, a_larger_limit_is_the_callers_choice)
{
	struct fo_request req = request();
	char htu[256];
	char *proof;

	htu_of(200, htu);
	req.htu = htu;
	req.max_bytes = 1023;
	proof = signed_by_us(req);
	cr_expect_gt(strlen(proof), 511);
	fo_proof_text_free(&proof);
	req.max_bytes = 300;
	expect_refused(req, FO_ERR_TOO_LONG, "a smaller limit");
	req.max_bytes = FO_PROOF_MAX_BYTES + 1;
	expect_refused(req, FO_ERR_ARG, "beyond any limit");
}

Test(proof_sign, other_targets_may_be_as_long_as_a_proof_may)
{
	struct fo_request req = request();
	char *htu = malloc(2 * 1024 * 1024 + 1);
	char *proof;

	cr_assert_not_null(htu);
	memset(htu, 'p', 2 * 1024 * 1024);
	memcpy(htu, "https://a/", 10);
	htu[2000] = '\0';
	req.htu = htu;
	proof = signed_by_us(req);
	cr_expect_gt(strlen(proof), 2000);
	fo_proof_text_free(&proof);
	htu[2000] = 'p';
	htu[4000] = '\0';
	expect_refused(req, FO_ERR_TOO_LONG, "over 4096");
	htu[4000] = 'p';
	htu[2 * 1024 * 1024] = '\0';
	expect_refused(req, FO_ERR_TOO_LONG, "two megabytes");
	free(htu);
}

/* ---- what is refused ------------------------------------------------- */

Test(proof_sign, refuses_a_request_with_one_defect)
{
	struct fo_request req;
	char long_jti[258];

	memset(long_jti, 'j', sizeof(long_jti));
	long_jti[257] = '\0';
#define REFUSE(change) do { \
	req = request(); \
	change; \
	expect_refused(req, FO_ERR_ARG, #change); \
} while (0)
	REFUSE(req.htm = NULL);
	REFUSE(req.htm = "");
	REFUSE(req.htu = NULL);
	REFUSE(req.htu = "");
	REFUSE(req.iat = 0);
	REFUSE(req.iat = -1);
	REFUSE(req.iat = INT64_MAX);
	REFUSE(req.nonce = "");
	REFUSE(req.access_token = "");
	REFUSE(req.jti = "");
	REFUSE(req.jti = " \t");
	REFUSE(req.jti = long_jti);
	REFUSE(req.jti = "\xfc");
	REFUSE(req.htm = "\xc0\xaf");
	REFUSE(req.htu = "pam://h/s/\xed\xa0\x80");
	REFUSE(req.htu = "pam://h/s/\xe2\x82");
	REFUSE(req.nonce = "\xf4\x90\x80\x80");
	REFUSE(req.nonce = "\x80");
#undef REFUSE
}

Test(proof_sign, needs_all_its_arguments)
{
	struct fo_request req = request();
	struct fo_key *key = forge_key();
	char *proof = NULL;

	cr_expect_eq(fo_proof_sign(NULL, &req, &proof), FO_ERR_ARG);
	cr_expect_eq(fo_proof_sign(key, NULL, &proof), FO_ERR_ARG);
	cr_expect_eq(fo_proof_sign(key, &req, NULL), FO_ERR_ARG);
	cr_expect_null(proof);
	fo_key_free(&key);
	fo_proof_text_free(NULL);
	fo_proof_text_free(&proof);
}
