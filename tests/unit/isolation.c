/*
 * The program around the library may have any OpenSSL configuration, any
 * engine, and errors of its own in the queue: our answer stays the same, and
 * so does its queue.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#ifndef OPENSSL_NO_ENGINE
#include <openssl/engine.h>
#endif
#include <openssl/err.h>
#include <openssl/evp.h>

#include <firstops/proof.h>

#include "support/forge.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NOW INT64_C(1562262616)
#define CLAIMS "{\"jti\":\"-BwC3ESc6acc2lTc\",\"htm\":\"PAM\"," \
	"\"htu\":\"pam://bastion/sshd/deploy\",\"iat\":1562262616}"

static fo_err
verify(const char *text)
{
	struct fo_expect want = {
		.htm = "PAM", .htu = "pam://bastion/sshd/deploy",
		.nonce_rule = FO_NONCE_IGNORE, .now = NOW, .max_age_s = 60,
		.clock_skew_s = 15, .jkt = FORGE_JKT,
	};
	struct fo_proof *proof = NULL;
	const fo_err r = fo_proof_verify(text, strlen(text), &want, &proof);

	fo_proof_free(&proof);
	return r;
}

/* Everything that computes: a key, a signature, both verdicts. */
static void
expect_usual_answers(void)
{
	char *good = forge_proof(FORGE_HEADER, CLAIMS);
	const unsigned char sig[64] = { 1, 2, 3 };
	char *bad = forge_unsigned(FORGE_HEADER, CLAIMS, sig, sizeof(sig));
	struct fo_key *key = NULL;

	cr_expect_eq(verify(good), FO_OK);
	cr_expect_eq(verify(bad), FO_ERR_BAD_SIGNATURE);
	cr_expect_eq(fo_key_generate(&key), FO_OK);
	fo_key_free(&key);
	free(good);
	free(bad);
}

/* Have libcrypto read this configuration when it first wants one. */
static void
configure(const char *text)
{
	char path[] = "/tmp/fo-conf-XXXXXX";
	const int fd = mkstemp(path);

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	(void)close(fd);
	cr_assert_eq(setenv("OPENSSL_CONF", path, 1), 0);
	(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	(void)unlink(path);
}

Test(isolation, a_configuration_without_any_algorithm_changes_nothing)
{
	EVP_MD *md;

	configure("openssl_conf = init\n[init]\nalg_section = algs\n"
	    "providers = prov\n[algs]\ndefault_properties = none=such\n"
	    "[prov]\nnull = null_sect\n[null_sect]\nactivate = 1\n");
	/* it is in force: the default context finds nothing */
	md = EVP_MD_fetch(NULL, "SHA256", NULL);
	cr_assert_null(md);
	ERR_clear_error();
	expect_usual_answers();
}

Test(isolation, a_damaged_configuration_changes_nothing)
{
	configure("openssl_conf = init\n[init]\nengines = engs\n"
	    "providers = prov\n[engs]\nx = x_sect\n[x_sect]\n"
	    "dynamic_path = /nonexistent.so\ndefault_algorithms = ALL\n"
	    "init = 1\n[prov]\ny = y_sect\n[y_sect]\n"
	    "module = /nonexistent.so\nactivate = 1\n]]\n");
	ERR_clear_error();
	expect_usual_answers();
}

#ifndef OPENSSL_NO_ENGINE
static int verified_by_the_engine;

/* Whatever is asked, the signature is good. */
static int
say_yes(EVP_PKEY_CTX *ctx, const unsigned char *sig, size_t sig_len,
    const unsigned char *tbs, size_t tbs_len)
{
	(void)ctx;
	(void)sig;
	(void)sig_len;
	(void)tbs;
	(void)tbs_len;
	verified_by_the_engine++;
	return 1;
}

static int
hostile_methods(ENGINE *e, EVP_PKEY_METHOD **method, const int **nids,
    int nid)
{
	static const int ec = EVP_PKEY_EC;
	static EVP_PKEY_METHOD *ours;

	(void)e;
	if (method == NULL) {
		*nids = &ec;
		return 1;
	}
	if (nid != EVP_PKEY_EC)
		return 0;
	if (ours == NULL) {
		ours = EVP_PKEY_meth_new(EVP_PKEY_EC, 0);
		EVP_PKEY_meth_copy(ours, EVP_PKEY_meth_find(EVP_PKEY_EC));
		EVP_PKEY_meth_set_verify(ours, NULL, say_yes);
	}
	*method = ours;
	return 1;
}

/* The whole point of the engine: does it say yes where it is asked? */
static int
ask_the_default_context(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	EVP_PKEY *pkey = EVP_PKEY_new();
	const unsigned char junk[32] = { 0 };
	int r = -1;

	EVP_PKEY_CTX_free(ctx);
	if (ec != NULL && pkey != NULL && EC_KEY_generate_key(ec) == 1 &&
	    EVP_PKEY_assign_EC_KEY(pkey, ec) == 1 &&
	    (ctx = EVP_PKEY_CTX_new(pkey, NULL)) != NULL) {
		if (EVP_PKEY_verify_init(ctx) == 1)
			r = EVP_PKEY_verify(ctx, junk, 32, junk, 32);
		EVP_PKEY_CTX_free(ctx);
	}
	EVP_PKEY_free(pkey);
	return r;
}

Test(isolation, an_engine_that_takes_every_algorithm_has_no_say)
{
	ENGINE *e = ENGINE_new();

	cr_assert_not_null(e);
	cr_assert_eq(ENGINE_set_id(e, "hostile"), 1);
	cr_assert_eq(ENGINE_set_name(e, "hostile"), 1);
	cr_assert_eq(ENGINE_set_pkey_meths(e, hostile_methods), 1);
	cr_assert_eq(ENGINE_add(e), 1);
	cr_assert_eq(ENGINE_set_default(e, ENGINE_METHOD_ALL), 1);
	cr_assert_eq(ask_the_default_context(), 1, "the engine is in force");
	cr_assert_eq(verified_by_the_engine, 1);
	ERR_clear_error();

	expect_usual_answers();
	cr_expect_eq(verified_by_the_engine, 1);
	/* leak checkers see what the engine table holds; give it back */
	ENGINE_unregister_pkey_meths(e);
	(void)ENGINE_remove(e);
	(void)ENGINE_free(e);
}
#endif

/* RFC 9449 4.1, so that nothing has to be signed here. */
static const char rfc_proof[] =
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwi"
    "eCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5"
    "IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNy"
    "diI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCI"
    "sImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTY"
    "yMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiO"
    "SsX0x7NVY-FNyJK70nfbV37xRZT3Lg";

Test(isolation, checking_a_proof_makes_nobody_read_the_configuration)
{
	struct fo_expect want = {
		.htm = "POST", .htu = "https://server.example.com/token",
		.nonce_rule = FO_NONCE_IGNORE, .now = NOW, .max_age_s = 60,
	};
	char path[] = "/tmp/fo-conf-XXXXXX";
	static const char text[] = "openssl_conf = init\n[init]\n"
	    "alg_section = algs\n[algs]\ndefault_properties = none=such\n";
	const int fd = mkstemp(path);
	struct fo_proof *proof = NULL;
	EVP_MD *md;

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, sizeof(text) - 1),
	    (ssize_t)sizeof(text) - 1);
	(void)close(fd);
	cr_assert_eq(setenv("OPENSSL_CONF", path, 1), 0);
	cr_expect_eq(fo_proof_verify(rfc_proof, strlen(rfc_proof), &want,
	    &proof), FO_OK);
	fo_proof_free(&proof);

	/* away with the file: had it been read, nothing would be found now */
	(void)unlink(path);
	md = EVP_MD_fetch(NULL, "SHA256", NULL);
	cr_expect_not_null(md);
	EVP_MD_free(md);
}

Test(isolation, the_error_queue_is_left_as_it_was_found)
{
	const unsigned char sig[64] = { 1, 2, 3 };
	char *good = forge_proof(FORGE_HEADER, CLAIMS);
	char *bad = forge_unsigned(FORGE_HEADER, CLAIMS, sig, sizeof(sig));
	char *off = forge_proof("{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\","
	    "\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" FORGE_X
	    "\",\"y\":\"" FORGE_X "\"}}", CLAIMS);
	const char *texts[] = { good, bad, off };
	struct fo_key *key = NULL;
	unsigned long before;

	for (size_t i = 0; i < COUNT(texts); i++) {
		(void)verify(texts[i]);
		cr_expect_eq(ERR_peek_error(), 0, "%zu", i);
	}
	cr_expect_neq(fo_key_from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n"
	    "-----END PRIVATE KEY-----\n", 58, NULL, NULL, NULL, &key), FO_OK);
	cr_expect_eq(ERR_peek_error(), 0);

	ERR_raise(ERR_LIB_USER, 7);
	before = ERR_peek_last_error();
	for (size_t i = 0; i < COUNT(texts); i++)
		(void)verify(texts[i]);
	cr_expect_neq(fo_key_from_pem("-----BEGIN PRIVATE KEY-----\nAAAA\n"
	    "-----END PRIVATE KEY-----\n", 58, NULL, NULL, NULL, &key), FO_OK);
	cr_expect_eq(fo_key_generate(&key), FO_OK);
	fo_key_free(&key);
	cr_expect_eq(ERR_peek_last_error(), before);
	cr_expect_eq(ERR_get_error(), before);
	cr_expect_eq(ERR_get_error(), 0);
	free(good);
	free(bad);
	free(off);
}
