/*
 * Private keys: made, loaded, written, and refused with a reason.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <firstops/key.h>

#include "src/key.h"
#include "src/verifier.h"
#include "support/forge.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define KEYS TEST_VECTORS "/../support/keys/"
#define PASSPHRASE "correct horse"

/* ---- helpers --------------------------------------------------------- */

static char *
slurp(const char *name)
{
	char path[512], *text = calloc(1, 16384);
	FILE *f;

	(void)snprintf(path, sizeof(path), KEYS "%s", name);
	f = fopen(path, "r");
	cr_assert(f != NULL && text != NULL, "%s", path);
	cr_assert_gt(fread(text, 1, 16383, f), 0);
	(void)fclose(f);
	return text;
}

/* What the callback does: it writes text, or gives up if that is NULL. */
struct answer {
	const char *text;
	int asked;
};

static int
answer(char *buf, size_t size, void *arg)
{
	struct answer *a = arg;

	a->asked++;
	if (a->text == NULL)
		return -1;
	return snprintf(buf, size, "%s", a->text);
}

static int
overstate(char *buf, size_t size, void *arg)
{
	(void)arg;
	memset(buf, 'x', size);
	return (int)size + 1;
}

static void
expect_forge_key(const struct fo_key *key)
{
	char jkt[FO_JKT_SIZE];

	cr_assert_eq(fo_key_thumbprint(key, jkt), FO_OK);
	cr_expect_str_eq(jkt, FORGE_JKT);
}

/* Write text to a file of the test's own with the given mode. */
static void
put(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	cr_assert(fputs(text, f) >= 0);
	cr_assert_eq(fclose(f), 0);
	cr_assert_eq(chmod(path, mode), 0);
}

static void
make_folder(char folder[32])
{
	(void)snprintf(folder, 32, "/tmp/fo-key-XXXXXX");
	cr_assert_not_null(mkdtemp(folder));
}

/* ---- PEM ------------------------------------------------------------- */

Test(key, reads_sec1_and_pkcs8)
{
	static const char *const names[] = { "pkcs8.pem", "sec1.pem",
		"sec1-after-parameters.pem" };

	for (size_t i = 0; i < COUNT(names); i++) {
		struct fo_key *key = NULL;
		struct fo_diag diag = { "" };
		char *pem = slurp(names[i]);

		cr_expect_eq(fo_key_from_pem(pem, strlen(pem), NULL, NULL,
		    &diag, &key), FO_OK, "%s: %s", names[i], diag.text);
		cr_expect_str_eq(diag.text, "");
		expect_forge_key(key);
		fo_key_free(&key);
		cr_expect_null(key);
		free(pem);
	}
}

Test(key, reads_encrypted_ones_when_told_the_passphrase)
{
	static const char *const names[] = { "pkcs8-encrypted.pem",
		"sec1-encrypted.pem" };

	for (size_t i = 0; i < COUNT(names); i++) {
		struct answer right = { PASSPHRASE, 0 };
		struct answer wrong = { "wrong donkey", 0 };
		struct answer none = { NULL, 0 };
		struct fo_key *key = NULL;
		struct fo_diag diag = { "" };
		char *pem = slurp(names[i]);
		const size_t len = strlen(pem);

		cr_expect_eq(fo_key_from_pem(pem, len, NULL, NULL, &diag,
		    &key), FO_ERR_FORMAT);
		cr_expect_not_null(strstr(diag.text, "encrypted"), "%s",
		    diag.text);
		cr_expect_eq(fo_key_from_pem(pem, len, answer, &none, &diag,
		    &key), FO_ERR_FORMAT);
		cr_expect_eq(none.asked, 1);
		cr_expect_eq(fo_key_from_pem(pem, len, overstate, NULL, &diag,
		    &key), FO_ERR_FORMAT);
		cr_expect_eq(fo_key_from_pem(pem, len, answer, &wrong, &diag,
		    &key), FO_ERR_FORMAT);
		cr_expect_not_null(strstr(diag.text, "passphrase is wrong"),
		    "%s", diag.text);
		cr_expect_null(strstr(diag.text, "donkey"));
		cr_expect_null(key);
		cr_expect_eq(fo_key_from_pem(pem, len, answer, &right, NULL,
		    &key), FO_OK, "%s", names[i]);
		cr_expect_eq(right.asked, 1);
		expect_forge_key(key);
		fo_key_free(&key);
		free(pem);
	}
}

Test(key, an_unencrypted_key_asks_nobody)
{
	struct answer a = { PASSPHRASE, 0 };
	struct fo_key *key = NULL;
	char *pem = slurp("pkcs8.pem");

	cr_expect_eq(fo_key_from_pem(pem, strlen(pem), answer, &a, NULL,
	    &key), FO_OK);
	cr_expect_eq(a.asked, 0);
	fo_key_free(&key);
	free(pem);
}

Test(key, says_what_it_was_given_instead)
{
	static const struct {
		const char *name;
		fo_err want;
		const char *says;
	} cases[] = {
		{ "public.pem", FO_ERR_FORMAT, "public key" },
		{ "certificate.pem", FO_ERR_FORMAT, "certificate" },
		{ "parameters.pem", FO_ERR_FORMAT, "parameters" },
		{ "openssh.pem", FO_ERR_FORMAT, "ssh-keygen -p -m PKCS8" },
		{ "rsa.pem", FO_ERR_BAD_KEY, "RSA" },
		{ "rsa-traditional.pem", FO_ERR_BAD_KEY, "RSA" },
		{ "ed25519.pem", FO_ERR_BAD_KEY, "ED25519" },
		{ "p384.pem", FO_ERR_BAD_KEY, "secp384r1" },
		{ "explicit.pem", FO_ERR_BAD_KEY, "named_curve" },
		{ "mismatched.pem", FO_ERR_BAD_KEY, "belong together" },
		{ "README.md", FO_ERR_FORMAT, "no private key" },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct fo_key *key = NULL;
		struct fo_diag diag = { "" };
		char *pem = slurp(cases[i].name);
		const fo_err r = fo_key_from_pem(pem, strlen(pem), NULL, NULL,
		    &diag, &key);

		cr_expect_eq(r, cases[i].want, "%s: %s", cases[i].name,
		    fo_err_word(r));
		cr_expect_not_null(strstr(diag.text, cases[i].says),
		    "%s: %s", cases[i].name, diag.text);
		cr_expect_null(key);
		free(pem);
	}
}

Test(key, a_key_cut_anywhere_is_refused)
{
	char *pem = slurp("sec1.pem");
	/* the closing newline and dashes are not missed by every reader */
	const size_t end = (size_t)(strstr(pem, "-----END") - pem);

	for (size_t i = 0; i < end; i++) {
		struct fo_key *key = NULL;

		cr_expect_neq(fo_key_from_pem(pem, i, NULL, NULL, NULL, &key),
		    FO_OK, "%zu", i);
		cr_expect_null(key);
	}
	free(pem);
}

Test(key, what_is_written_can_be_read_again)
{
	struct fo_key *key = NULL, *again = NULL;
	char a[FO_JKT_SIZE], b[FO_JKT_SIZE];
	char *pem = NULL;

	cr_assert_eq(fo_key_generate(&key), FO_OK);
	cr_assert_eq(fo_key_to_pem(key, &pem), FO_OK);
	cr_expect_eq(strncmp(pem, "-----BEGIN PRIVATE KEY-----\n", 28), 0);
	cr_expect_eq(pem[strlen(pem) - 1], '\n');
	cr_assert_eq(fo_key_from_pem(pem, strlen(pem), NULL, NULL, NULL,
	    &again), FO_OK);
	cr_assert_eq(fo_key_thumbprint(key, a), FO_OK);
	cr_assert_eq(fo_key_thumbprint(again, b), FO_OK);
	cr_expect_str_eq(a, b);
	fo_key_pem_free(&pem);
	cr_expect_null(pem);
	fo_key_free(&key);
	fo_key_free(&again);
}

Test(key, two_new_keys_differ)
{
	struct fo_key *one = NULL, *two = NULL;
	char a[FO_JKT_SIZE], b[FO_JKT_SIZE];

	cr_assert_eq(fo_key_generate(&one), FO_OK);
	cr_assert_eq(fo_key_generate(&two), FO_OK);
	cr_assert_eq(fo_key_thumbprint(one, a), FO_OK);
	cr_assert_eq(fo_key_thumbprint(two, b), FO_OK);
	cr_expect_str_neq(a, b);
	fo_key_free(&one);
	fo_key_free(&two);
}

/* ---- signing --------------------------------------------------------- */

static void *
sign_many(void *arg)
{
	const unsigned char digest[FO_SHA256_BYTES] = { 1, 2, 3 };
	struct fo_verifier *verifier = NULL;
	const struct fo_key *key = arg;
	unsigned char sig[FO_SIG_BYTES];
	struct fo_jwk jwk;
	uintptr_t good = 0;

	if (fo_verifier_new(&verifier) != FO_OK ||
	    fo_key_jwk(key, &jwk) != FO_OK)
		return NULL;
	for (int i = 0; i < 50; i++)
		good += fo_key_sign(key, digest, NULL, sig) == FO_OK &&
		    fo_verifier_check(verifier, &jwk, digest, sig,
		    sizeof(sig)) == FO_OK;
	fo_verifier_free(&verifier);
	return (void *)good;
}

Test(key, one_key_signs_in_several_threads_at_once)
{
	struct fo_key *key = forge_key();
	pthread_t threads[4];
	void *good;

	for (size_t i = 0; i < COUNT(threads); i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, sign_many,
		    key), 0);
	for (size_t i = 0; i < COUNT(threads); i++) {
		cr_assert_eq(pthread_join(threads[i], &good), 0);
		cr_expect_eq((uintptr_t)good, 50);
	}
	fo_key_free(&key);
}

Test(key, a_good_signature_with_a_byte_more_or_less_is_bad)
{
	const unsigned char digest[FO_SHA256_BYTES] = { 1, 2, 3 };
	unsigned char sig[FO_SIG_BYTES + 1] = { 0 };
	struct fo_verifier *verifier = NULL;
	struct fo_key *key = forge_key();
	struct fo_jwk jwk;

	cr_assert_eq(fo_verifier_new(&verifier), FO_OK);
	cr_assert_eq(fo_key_jwk(key, &jwk), FO_OK);
	cr_assert_eq(fo_key_sign(key, digest, NULL, sig), FO_OK);
	cr_expect_eq(fo_verifier_check(verifier, &jwk, digest, sig, 64),
	    FO_OK);
	cr_expect_eq(fo_verifier_check(verifier, &jwk, digest, sig, 65),
	    FO_ERR_BAD_SIGNATURE);
	cr_expect_eq(fo_verifier_check(verifier, &jwk, digest, sig, 63),
	    FO_ERR_BAD_SIGNATURE);
	fo_verifier_free(&verifier);
	fo_key_free(&key);
}

/* ---- files ----------------------------------------------------------- */

Test(key_load, takes_a_path_or_a_file_uri)
{
	static const char *const forms[] = { "%s/my key.pem",
		"file:%s/my%%20key.pem", "file://%s/my%%20key.pem",
		"file://localhost%s/my%%20key.pem",
		"file:%s/%%6d%%79 %%6B%%65y%%2Epem" };
	char folder[32], path[64], uri[128];
	char *pem = slurp("pkcs8.pem");

	make_folder(folder);
	(void)snprintf(path, sizeof(path), "%s/my key.pem", folder);
	put(path, pem, 0600);
	for (size_t i = 0; i < COUNT(forms); i++) {
		struct fo_key *key = NULL;
		struct fo_diag diag = { "" };

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		(void)snprintf(uri, sizeof(uri), forms[i], folder);
#pragma GCC diagnostic pop
		cr_expect_eq(fo_key_load(uri, NULL, NULL, &diag, &key), FO_OK,
		    "%s: %s", uri, diag.text);
		fo_key_free(&key);
	}
	(void)unlink(path);
	(void)rmdir(folder);
	free(pem);
}

static void
expect_refused(const char *uri, fo_err want, const char *says)
{
	struct fo_key *key = NULL;
	struct fo_diag diag = { "" };
	const fo_err r = fo_key_load(uri, NULL, NULL, &diag, &key);

	cr_expect_eq(r, want, "%s: %s", uri, fo_err_word(r));
	cr_expect_not_null(strstr(diag.text, says), "%s", diag.text);
	cr_expect_null(key);
	fo_key_free(&key);
}

Test(key_load, refuses_what_is_no_file_of_this_machine)
{
	expect_refused("/nonexistent/key.pem", FO_ERR_NOT_FOUND,
	    "/nonexistent/key.pem");
	expect_refused("/etc/passwd/key.pem", FO_ERR_NOT_FOUND, "no such");
	expect_refused("", FO_ERR_NOT_FOUND, "no such");
	expect_refused("file://elsewhere/key.pem", FO_ERR_FORMAT, "file:");
	expect_refused("file:/tmp/%", FO_ERR_FORMAT, "file:");
	expect_refused("file:/tmp/%0", FO_ERR_FORMAT, "file:");
	expect_refused("file:/tmp/%zz", FO_ERR_FORMAT, "file:");
	expect_refused("file:/tmp/a%00b", FO_ERR_FORMAT, "file:");
	expect_refused("/tmp", FO_ERR_FORMAT, "regular");
	expect_refused("/tmp", FO_ERR_FORMAT, "name the key's own file");
	expect_refused("/dev/null", FO_ERR_FORMAT, "regular");
}

Test(key_load, a_fifo_does_not_hold_it)
{
	char folder[32], path[64];

	make_folder(folder);
	(void)snprintf(path, sizeof(path), "%s/fifo", folder);
	cr_assert_eq(mkfifo(path, 0600), 0);
	expect_refused(path, FO_ERR_FORMAT, "regular");
	(void)unlink(path);
	(void)rmdir(folder);
}

Test(key_load, refuses_a_key_that_others_may_use)
{
	static const mode_t modes[] = { 0644, 0640, 0604, 0620, 0602, 0610,
		0601, 0666 };
	char folder[32], path[64];
	char *pem = slurp("pkcs8.pem");

	make_folder(folder);
	(void)snprintf(path, sizeof(path), "%s/key.pem", folder);
	for (size_t i = 0; i < COUNT(modes); i++) {
		put(path, pem, modes[i]);
		expect_refused(path, FO_ERR_FORMAT, "chmod 600");
	}
	(void)unlink(path);
	(void)rmdir(folder);
	free(pem);
}

Test(key_load, names_the_file_in_every_reason)
{
	char folder[32], path[64];
	char *big = calloc(1, 65538);

	cr_assert_not_null(big);
	make_folder(folder);
	(void)snprintf(path, sizeof(path), "%s/key.pem", folder);
	put(path, "nothing\n", 0600);
	expect_refused(path, FO_ERR_FORMAT, path);
	put(path, "", 0600);
	expect_refused(path, FO_ERR_FORMAT, "no private key");
	memset(big, 'b', 65537);
	put(path, big, 0600);
	expect_refused(path, FO_ERR_FORMAT, "longer than 65536");
	(void)unlink(path);
	(void)rmdir(folder);
	free(big);
}

Test(key_load, an_unreadable_file_is_named_with_the_reason)
{
	char folder[32], path[64];

	make_folder(folder);
	(void)snprintf(path, sizeof(path), "%s/key.pem", folder);
	put(path, "x", 0000);
	if (geteuid() == 0) {
		cr_assert_eq(chmod(folder, 0755), 0);
		cr_assert_eq(seteuid(65534), 0);
	}
	expect_refused(path, FO_ERR_IO, "ermission denied");
	expect_refused(path, FO_ERR_IO, "check the mode of it");
	if (getuid() == 0)
		cr_assert_eq(seteuid(0), 0);
	(void)unlink(path);
	(void)rmdir(folder);
}

/* ---- where it is ----------------------------------------------------- */

static void
clean_environment(void)
{
	(void)unsetenv("FO_PRIVATE_KEY_PATH");
	(void)unsetenv("XDG_CONFIG_HOME");
	(void)unsetenv("XDG_RUNTIME_DIR");
	(void)unsetenv("HOME");
}

Test(key_find, asks_the_caller_the_variable_and_the_home_in_this_order)
{
	char folder[32], deeper[64], path[96];
	struct fo_diag diag = { "" };
	char *uri = NULL;

	clean_environment();
	cr_expect_eq(fo_key_find(NULL, &diag, &uri), FO_ERR_NOT_FOUND);
	cr_expect_not_null(strstr(diag.text, "FO_PRIVATE_KEY_PATH"));
	cr_expect_null(uri);

	make_folder(folder);
	cr_assert_eq(setenv("HOME", folder, 1), 0);
	cr_expect_eq(fo_key_find(NULL, &diag, &uri), FO_ERR_NOT_FOUND);
	cr_expect_not_null(strstr(diag.text, folder), "%s", diag.text);

	(void)snprintf(deeper, sizeof(deeper), "%s/.config", folder);
	cr_assert_eq(mkdir(deeper, 0700), 0);
	(void)snprintf(deeper, sizeof(deeper), "%s/.config/firstops", folder);
	cr_assert_eq(mkdir(deeper, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/key.pem", deeper);
	put(path, "x", 0600);
	cr_assert_eq(fo_key_find(NULL, NULL, &uri), FO_OK);
	cr_expect_str_eq(uri, path);
	free(uri);
	uri = NULL;

	cr_assert_eq(setenv("FO_PRIVATE_KEY_PATH", "/else/where", 1), 0);
	cr_assert_eq(fo_key_find(NULL, NULL, &uri), FO_OK);
	cr_expect_str_eq(uri, "/else/where");
	free(uri);
	uri = NULL;

	cr_assert_eq(fo_key_find("mine.pem", NULL, &uri), FO_OK);
	cr_expect_str_eq(uri, "mine.pem");
	free(uri);

	(void)unlink(path);
	(void)rmdir(deeper);
	*strrchr(deeper, '/') = '\0';
	(void)rmdir(deeper);
	(void)rmdir(folder);
}

Test(key_find, takes_xdg_config_home_if_it_is_absolute)
{
	char folder[32], deeper[64], path[96];
	char *uri = NULL;

	clean_environment();
	make_folder(folder);
	(void)snprintf(deeper, sizeof(deeper), "%s/firstops", folder);
	cr_assert_eq(mkdir(deeper, 0700), 0);
	(void)snprintf(path, sizeof(path), "%s/key.pem", deeper);
	put(path, "x", 0600);
	cr_assert_eq(setenv("XDG_CONFIG_HOME", folder, 1), 0);
	cr_assert_eq(fo_key_find(NULL, NULL, &uri), FO_OK);
	cr_expect_str_eq(uri, path);
	free(uri);
	uri = NULL;
	cr_assert_eq(setenv("XDG_CONFIG_HOME", "relative", 1), 0);
	cr_expect_eq(fo_key_find(NULL, NULL, &uri), FO_ERR_NOT_FOUND);
	cr_expect_null(uri);
	(void)unlink(path);
	(void)rmdir(deeper);
	(void)rmdir(folder);
}

Test(key, needs_all_its_arguments)
{
	struct fo_key *key = NULL, *good = forge_key();
	char jkt[FO_JKT_SIZE];
	struct fo_jwk jwk;
	char *pem = NULL;

	cr_expect_eq(fo_key_generate(NULL), FO_ERR_ARG);
	cr_expect_eq(fo_key_load(NULL, NULL, NULL, NULL, &key), FO_ERR_ARG);
	cr_expect_eq(fo_key_load("x", NULL, NULL, NULL, NULL), FO_ERR_ARG);
	cr_expect_eq(fo_key_from_pem(NULL, 0, NULL, NULL, NULL, &key),
	    FO_ERR_ARG);
	cr_expect_eq(fo_key_from_pem("", 0, NULL, NULL, NULL, NULL),
	    FO_ERR_ARG);
	cr_expect_eq(fo_key_find("x", NULL, NULL), FO_ERR_ARG);
	cr_expect_eq(fo_key_to_pem(NULL, &pem), FO_ERR_ARG);
	cr_expect_eq(fo_key_to_pem(good, NULL), FO_ERR_ARG);
	cr_expect_eq(fo_key_jwk(NULL, &jwk), FO_ERR_ARG);
	cr_expect_eq(fo_key_jwk(good, NULL), FO_ERR_ARG);
	cr_expect_eq(fo_key_thumbprint(NULL, jkt), FO_ERR_ARG);
	cr_expect_eq(fo_key_thumbprint(good, NULL), FO_ERR_ARG);
	fo_key_free(NULL);
	fo_key_free(&key);
	fo_key_pem_free(NULL);
	fo_key_pem_free(&pem);
	fo_key_free(&good);
}
