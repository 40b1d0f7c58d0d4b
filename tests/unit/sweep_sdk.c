/*
 * What agents link, with each of its calls failing in turn: it says so, and
 * it works once calls do.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <firstops/firstops.h>

#include "fuzz/fuzz.h"
#include "support/forge.h"
#include "support/sweep.h"

#define HTU "pam://bastion/sshd/deploy"
#define NONCE "Q2hhbGxlbmdlMTIz"
#define NOW INT64_C(1795458600)
#define KEYS TEST_VECTORS "/../support/keys/"

static struct fo_key *key;
static char *proof;
static char hash[FO_HASH_SIZE];

static void
make_key(void)
{
	const struct fo_request request = { .htm = FO_HTM_PAM, .htu = HTU,
		.nonce = NONCE, .iat = NOW };
	struct fo_proof *parsed = NULL;

	key = forge_key();
	cr_assert_eq(fo_proof_sign(key, &request, &proof), FO_OK);
	cr_assert_eq(fo_proof_parse(proof, strlen(proof), NULL, &parsed),
	    FO_OK);
	(void)snprintf(hash, sizeof(hash), "%s", fo_proof_hash(parsed));
	fo_proof_free(&parsed);
}

static void
free_key(void)
{
	fo_key_free(&key);
	fo_proof_text_free(&proof);
}

TestSuite(sweep_sdk, .init = make_key, .fini = free_key, .timeout = 300);

static fo_err
generate(void *arg)
{
	struct fo_key *made = NULL;
	char jkt[FO_JKT_SIZE];
	fo_err r;

	(void)arg;
	if ((r = fo_key_generate(&made)) == FO_OK)
		r = fo_key_thumbprint(made, jkt);
	fo_key_free(&made);
	return r;
}

static fo_err
write_pem(void *arg)
{
	char *pem = NULL;
	fo_err r;

	(void)arg;
	r = fo_key_to_pem(key, &pem);
	cr_expect_eq(r == FO_OK, pem != NULL);
	fo_key_pem_free(&pem);
	return r;
}

static int
answer(char *buf, size_t size, void *arg)
{
	static const char passphrase[] = "correct horse";

	(void)arg;
	cr_assert_gt(size, sizeof(passphrase));
	memcpy(buf, passphrase, sizeof(passphrase));
	return (int)sizeof(passphrase) - 1;
}

static fo_err
load(void *arg)
{
	struct fo_diag diag = { .text = "" };
	struct fo_key *loaded = NULL;
	fo_err r;

	r = fo_key_load(arg, answer, NULL, &diag, &loaded);
	cr_expect_eq(r == FO_OK, loaded != NULL);
	cr_expect(r == FO_OK || diag.text[0] != '\0' || r == FO_ERR_NOMEM ||
	    r == FO_ERR_CRYPTO, "%s", fo_err_word(r));
	fo_key_free(&loaded);
	return r;
}

static fo_err
find(void *arg)
{
	struct fo_diag diag = { .text = "" };
	char *uri = NULL;
	fo_err r;

	r = fo_key_find(arg, &diag, &uri);
	cr_expect_eq(r == FO_OK, uri != NULL);
	free(uri);
	return r;
}

/* A copy of a test key that nobody else may read. */
static void
copy_key(const char *name, char path[32])
{
	char from[512], text[4096];
	size_t n;
	FILE *f;
	int fd;

	(void)snprintf(from, sizeof(from), KEYS "%s", name);
	cr_assert_not_null(f = fopen(from, "r"));
	n = fread(text, 1, sizeof(text), f);
	(void)fclose(f);
	memcpy(path, "/tmp/fo-key-XXXXXX", sizeof("/tmp/fo-key-XXXXXX"));
	cr_assert_geq(fd = mkstemp(path), 0);
	cr_assert_eq(write(fd, text, n), (ssize_t)n);
	close(fd);
}

Test(sweep_sdk, a_key_is_whole_or_none)
{
	char plain[32], locked[32];
	const struct {
		struct sweep work;
		char *arg;
	} cases[] = {
		{ { .what = "a new key", .act = generate }, NULL },
		{ { .what = "a key as PEM", .act = write_pem }, NULL },
		{ { .what = "a key loaded", .act = load }, plain },
		{ { .what = "an encrypted key", .act = load }, locked },
		{ { .what = "a key found", .act = find }, plain },
	};

	copy_key("pkcs8.pem", plain);
	copy_key("pkcs8-encrypted.pem", locked);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		sweep(&cases[i].work, cases[i].arg);
	(void)unlink(plain);
	(void)unlink(locked);
}

static fo_err
sign(void *arg)
{
	const struct fo_request request = { .htm = "GET",
		.htu = "https://example.com/a?b#c", .nonce = NONCE,
		.access_token = "token", .iat = NOW };
	char *made = NULL;
	fo_err r;

	(void)arg;
	r = fo_proof_sign(key, &request, &made);
	cr_expect_eq(r == FO_OK, made != NULL);
	fo_proof_text_free(&made);
	return r;
}

static fo_err
verify(void *arg)
{
	const char *const also[] = { HTU, NULL };
	struct fo_verifier *verifier = NULL;
	struct fo_proof *checked = NULL;
	struct fo_expect want = { .htm = FO_HTM_PAM,
		.htu = "pam://another/sshd/deploy", .htu_also = also,
		.jkt = FORGE_JKT, .nonce_rule = FO_NONCE_ALWAYS,
		.nonce = NONCE, .now = NOW, .max_age_s = 60,
		.clock_skew_s = 15 };
	fo_err r;

	(void)arg;
	if ((r = fo_verifier_new(&verifier)) != FO_OK) {
		cr_expect_null(verifier);
		return r;
	}
	want.verifier = verifier;
	r = fo_proof_verify(proof, strlen(proof), &want, &checked);
	cr_expect_eq(r == FO_OK, checked != NULL);
	if (r == FO_OK)
		cr_expect_str_eq(fo_proof_hash(checked), hash);
	fo_proof_free(&checked);
	fo_verifier_free(&verifier);
	return r;
}

/* What is wrong with a proof, and stays wrong whatever call fails. */
struct wrong {
	char *text;
	fo_err want;
};

/* FO_OK: refused for what is wrong with it. */
static fo_err
refuse(void *arg)
{
	const struct fo_expect want = { .htm = "GET",
		.htu = "https://example.com/a", .nonce_rule = FO_NONCE_AUTO,
		.nonce = NONCE, .access_token = "token", .now = NOW,
		.max_age_s = 60, .clock_skew_s = 15 };
	const struct wrong *wrong = arg;
	struct fo_proof *checked = NULL;
	fo_err r;

	r = fo_proof_verify(wrong->text, strlen(wrong->text), &want,
	    &checked);
	cr_expect_neq(r, FO_OK);
	cr_expect_null(checked);
	return r == wrong->want ? FO_OK : r == FO_OK ? FO_ERR_ARG : r;
}

/* By a verifier of its own, and with the token that it goes with. */
static fo_err
verify_alone(void *arg)
{
	const struct fo_expect want = { .htm = "GET",
		.htu = "https://EXAMPLE.com/a", .nonce_rule = FO_NONCE_AUTO,
		.nonce = NONCE, .access_token = "token", .now = NOW,
		.max_age_s = 60, .clock_skew_s = 15 };
	struct fo_proof *checked = NULL;
	fo_err r;

	r = fo_proof_verify(arg, strlen(arg), &want, &checked);
	cr_expect_eq(r == FO_OK, checked != NULL);
	fo_proof_free(&checked);
	return r;
}

/* FO_OK: known to be no point on the curve. */
static fo_err
refuse_point(void *arg)
{
	const fo_err r = fo_jwk_check(arg);

	cr_expect_neq(r, FO_OK);
	return r == FO_ERR_BAD_KEY ? FO_OK : r == FO_OK ? FO_ERR_ARG : r;
}

static fo_err
parse_jwk(void *arg)
{
	struct fo_jwk jwk;
	char *text = NULL;
	fo_err r;

	if ((r = fo_jwk_parse(arg, strlen(arg), NULL, &jwk)) == FO_OK &&
	    (r = fo_jwk_check(&jwk)) == FO_OK)
		r = fo_jwk_format(&jwk, &text);
	cr_expect_eq(r == FO_OK, text != NULL);
	free(text);
	return r;
}

/* Nor is a key called bad that is: not for what could not be computed. */
Test(sweep_sdk, no_key_is_called_bad_by_trouble_of_ours)
{
	static const char *const calls[] = { "BN_bin2bn", "EC_GROUP_get_curve",
		"BN_mod_sqr", "BN_mod_add", "BN_mod_mul" };
	struct fo_jwk jwk = { .x = { 1 } };

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		bool faulted = true;

		for (uint32_t nth = 0; faulted; nth++) {
			fo_err r;

			fuzz_faults_arm_call(calls[i], nth, FUZZ_ONCE);
			r = fo_jwk_check(&jwk);
			faulted = fuzz_faulted();
			fuzz_faults_disarm();
			cr_expect_eq(r, faulted ? FO_ERR_CRYPTO :
			    FO_ERR_BAD_KEY, "%s %u: %s", calls[i], nth,
			    fo_err_word(r));
		}
	}
}

Test(sweep_sdk, a_proof_is_verified_by_a_verifier_of_its_own)
{
	static const struct sweep work = { .what = "a proof verified alone",
		.act = verify_alone };
	const struct fo_request request = { .htm = "GET",
		.htu = "https://example.com/a?b#c", .nonce = NONCE,
		.access_token = "token", .iat = NOW };
	char *with_token = NULL;

	cr_assert_eq(fo_proof_sign(key, &request, &with_token), FO_OK);
	sweep(&work, with_token);
	fo_proof_text_free(&with_token);
}

Test(sweep_sdk, what_is_wrong_stays_wrong_whatever_fails)
{
	static const struct sweep proofs = { .what = "a wrong proof",
		.act = refuse };
	static const struct sweep points = { .what = "a point off the curve",
		.act = refuse_point };
	const struct fo_request request = { .htm = "GET",
		.htu = "https://example.com/a", .nonce = NONCE,
		.access_token = "another token", .iat = NOW };
	struct wrong wrong = { .want = FO_ERR_WRONG_ATH };
	struct fo_jwk jwk;
	char *last;

	cr_assert_eq(fo_proof_sign(key, &request, &wrong.text), FO_OK);
	sweep(&proofs, &wrong);
	last = strrchr(wrong.text, '.') + 1;
	*last = *last == 'A' ? 'B' : 'A';
	wrong.want = FO_ERR_BAD_SIGNATURE;
	sweep(&proofs, &wrong);
	fo_proof_text_free(&wrong.text);

	cr_assert_eq(fo_key_jwk(key, &jwk), FO_OK);
	jwk.y[31] ^= 1;
	sweep(&points, &jwk);
	memset(jwk.x, 0xff, sizeof(jwk.x));
	sweep(&points, &jwk);
}

Test(sweep_sdk, a_jwk_is_read_and_written_whole_or_not_at_all)
{
	static const struct sweep work = { .what = "a jwk",
		.act = parse_jwk };
	char jwk[] = FORGE_JWK;

	sweep(&work, jwk);
}

static fo_err
match(void *arg)
{
	const char *const *pair = arg;

	return fo_target_match(pair[0], pair[1]);
}

Test(sweep_sdk, targets_are_the_same_or_there_is_no_memory)
{
	static const struct sweep work = { .what = "two targets",
		.act = match, .memory = true };
	const char *const pairs[][2] = {
		{ "HTTPS://Example.com:443/a/./b?c#d",
		    "https://example.com/a/b" },
		{ "http://[::1]:8080", "http://[::1]:8080/" },
		{ "pam://h/s/%75", "pam://h/s/u" },
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		sweep(&work, (void *)(uintptr_t)pairs[i]);
}

Test(sweep_sdk, a_proof_is_made_and_taken_whole_or_not_at_all)
{
	static const struct sweep works[] = {
		{ .what = "a proof signed", .act = sign },
		{ .what = "a proof verified", .act = verify },
	};

	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		sweep(&works[i], NULL);
}

static fo_err
challenge(void *arg)
{
	struct fo_challenge *parsed = NULL;
	struct fo_target *target = NULL;
	char *htu = NULL, *prompt = NULL, nonce[FO_NONCE_SIZE];
	fo_err r;

	(void)arg;
	if ((r = fo_nonce_new(nonce)) == FO_OK &&
	    (r = fo_target_format("bastion", "sshd", "deploy", &htu)) ==
	    FO_OK &&
	    (r = fo_challenge_format(htu, nonce, &prompt)) == FO_OK &&
	    (r = fo_challenge_parse(prompt, &parsed)) == FO_OK &&
	    (r = fo_target_parse(htu, &target)) == FO_OK)
		r = fo_target_match(htu, parsed->htu);
	free(htu);
	free(prompt);
	fo_challenge_free(&parsed);
	fo_target_free(&target);
	return r;
}

static fo_err
thumbprint(void *arg)
{
	char jkt[FO_JKT_SIZE];
	struct fo_jwk jwk;
	fo_err r;

	(void)arg;
	if ((r = fo_key_jwk(key, &jwk)) != FO_OK)
		return r;
	return fo_jwk_thumbprint(&jwk, jkt);
}

Test(sweep_sdk, a_challenge_and_a_thumbprint_are_right_or_none)
{
	static const struct sweep works[] = {
		{ .what = "a challenge", .act = challenge,
		    .memory = true },
		{ .what = "a thumbprint", .act = thumbprint },
	};

	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		sweep(&works[i], NULL);
}
