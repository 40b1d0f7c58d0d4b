/*
 * Keys that cannot leave: in a TPM (swtpm, by tpm2-openssl) and on a PKCS#11
 * token (SoftHSM, by libp11's engine, or by a stand-in for a provider).
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <firstops/firstops.h>

#include "support/sweep.h"

#define HTU "pam://bastion/sshd/deploy"
#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"
/* The same for this program, where it is not the machine's own processor's. */
#ifndef OUR_SOFTHSM
#define OUR_SOFTHSM SOFTHSM
#endif
#define AT "?module-path=" OUR_SOFTHSM
#define PIN "&pin-value=1234"
#define PROVIDER_FOLDER BUILT "/tests/support"

/* ---- a TPM and a token of one test ----------------------------------- */

static char folder[] = "/tmp/firstops-device-XXXXXX";
static pid_t tpm;

static void
skip_without(const char *path)
{
	if (access(path, F_OK) != 0)
		cr_skip_test("%s is not installed", path);
}

/* A path below the test's folder. */
static const char *
below(const char *name)
{
	static char paths[4][128];
	static int next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static pid_t
start(const char *const *argv)
{
	posix_spawn_file_actions_t quiet;
	pid_t pid;

	cr_assert_eq(posix_spawn_file_actions_init(&quiet), 0);
	cr_assert_eq(posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null",
	    O_WRONLY, 0), 0);
	cr_assert_eq(posix_spawn_file_actions_addopen(&quiet, 2, "/dev/null",
	    O_WRONLY, 0), 0);
	cr_assert_eq(posix_spawnp(&pid, argv[0], &quiet, NULL,
	    (char *const *)(uintptr_t)argv, environ), 0, "%s", argv[0]);
	(void)posix_spawn_file_actions_destroy(&quiet);
	return pid;
}

static void
run(const char *const *argv)
{
	const pid_t pid = start(argv);
	int status = 0;

	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0, "%s: %#x", argv[0], (unsigned int)status);
}

#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
clean_up(void)
{
	if (tpm > 0) {
		(void)kill(tpm, SIGTERM);
		(void)waitpid(tpm, NULL, 0);
	}
	(void)nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
begin(void)
{
	cr_assert_not_null(mkdtemp(folder));
	cr_assert_eq(setenv("TSS2_LOG", "all+NONE", 1), 0);
}

static bool
listens(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool is;

	cr_assert_geq(fd, 0);
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	/* not by name: that leads nowhere here (fuzz/faults.c) */
	is = syscall(SYS_connect, fd, &to, sizeof(to)) == 0;
	(void)close(fd);
	return is;
}

static void
start_tpm(void)
{
	char state[160], server[160], control[160], tcti[160];

	begin();
	skip_without("/usr/bin/swtpm");
	(void)snprintf(state, sizeof(state), "dir=%s", folder);
	(void)snprintf(server, sizeof(server), "type=unixio,path=%s",
	    below("tpm"));
	(void)snprintf(control, sizeof(control), "type=unixio,path=%s",
	    below("tpm.ctrl"));
	(void)snprintf(tcti, sizeof(tcti), "swtpm:path=%s", below("tpm"));
	tpm = start((const char *const[]){ "swtpm", "socket", "--tpm2",
	    "--tpmstate", state, "--server", server, "--ctrl", control,
	    "--flags", "not-need-init,startup-clear", NULL });
	cr_assert_eq(setenv("TPM2OPENSSL_TCTI", tcti, 1), 0);
	cr_assert_eq(setenv("TPM2TOOLS_TCTI", tcti, 1), 0);
	for (int i = 0; i < 500 && !(listens(below("tpm.ctrl")) &&
	    listens(below("tpm"))); i++)
		(void)nanosleep(&(struct timespec){ .tv_nsec = 10000000 },
		    NULL);
}

/*
 * What the engine makes once and never frees is no leak as long as it stays
 * loaded, which OpenSSL does not see to.
 */
static void
keep_engine(void)
{
	char path[160];

	(void)snprintf(path, sizeof(path), "%s/pkcs11.so",
	    OPENSSL_info(OPENSSL_INFO_ENGINES_DIR));
	cr_assert_not_null(dlopen(path, RTLD_NOW | RTLD_NODELETE), "%s",
	    dlerror());
}

static void
start_token(void)
{
	FILE *file;

	begin();
	skip_without(SOFTHSM);
	keep_engine();
	file = fopen(below("conf"), "we");
	cr_assert_not_null(file);
	cr_assert_eq(mkdir(below("tokens"), 0700), 0);
	cr_assert_gt(fprintf(file, "directories.tokendir = %s\n",
	    below("tokens")), 0);
	cr_assert_eq(fclose(file), 0);
	cr_assert_eq(setenv("SOFTHSM2_CONF", below("conf"), 1), 0);
	RUN("softhsm2-util", "--init-token", "--free", "--label", "agents",
	    "--pin", "1234", "--so-pin", "4321");
	RUN("pkcs11-tool", "--module", SOFTHSM, "--login", "--pin", "1234",
	    "--token-label", "agents", "--keypairgen", "--key-type",
	    "EC:prime256v1", "--label", "bot", "--id", "01");
	RUN("pkcs11-tool", "--module", SOFTHSM, "--login", "--pin", "1234",
	    "--token-label", "agents", "--keypairgen", "--key-type",
	    "EC:secp384r1", "--label", "wide", "--id", "02");
}

static int
say(char *buf, size_t size, void *arg)
{
	return arg == NULL ? -1 : snprintf(buf, size, "%s", (char *)arg);
}

/* A proof by this key is one of its thumbprint. */
static void
signs(const struct fo_key *key)
{
	struct fo_diag diag = { "" };
	const struct fo_request request = { .htm = FO_HTM_PAM, .htu = HTU,
		.iat = time(NULL), .diag = &diag };
	const struct fo_expect want = { .htm = FO_HTM_PAM, .htu = HTU,
		.nonce_rule = FO_NONCE_IGNORE, .now = request.iat,
		.max_age_s = 60 };
	struct fo_proof *checked = NULL;
	char jkt[FO_JKT_SIZE], *proof = NULL;
	fo_err r;

	r = fo_proof_sign(key, &request, &proof);
	cr_assert_eq(r, FO_OK, "%s: %s", fo_err_text(r), diag.text);
	r = fo_proof_verify(proof, strlen(proof), &want, &checked);
	cr_assert_eq(r, FO_OK, "%s", fo_err_text(r));
	cr_assert_eq(fo_key_thumbprint(key, jkt), FO_OK);
	cr_expect_str_eq(fo_proof_jkt(checked), jkt);
	fo_proof_free(&checked);
	fo_proof_text_free(&proof);
}

static struct fo_key *
load(const char *uri, const char *secret)
{
	struct fo_diag diag = { "" };
	struct fo_key *key = NULL;
	const fo_err r = fo_key_load(uri, say, (char *)(uintptr_t)secret,
	    &diag, &key);

	cr_assert_eq(r, FO_OK, "%s: %s: %s", uri, fo_err_word(r), diag.text);
	return key;
}

/* It is refused with this result and a reason that has these words. */
static void
refused(const char *uri, const char *secret, fo_err want, const char *words)
{
	struct fo_diag diag = { "" };
	struct fo_key *key = NULL;
	const fo_err r = fo_key_load(uri, say, (char *)(uintptr_t)secret,
	    &diag, &key);

	cr_expect_eq(r, want, "%s: %s: %s", uri, fo_err_word(r), diag.text);
	cr_expect_null(key);
	cr_expect_not_null(strstr(diag.text, words), "%s", diag.text);
	cr_expect_null(strstr(diag.text, "1234"), "%s", diag.text);
	cr_expect_eq(ERR_peek_error(), 0UL);
	fo_key_free(&key);
}

/* ---- each call failing in turn --------------------------------------- */

static fo_err
load_whole(void *uri)
{
	struct fo_diag diag = { "" };
	struct fo_key *key = NULL;
	fo_err r;

	r = fo_key_load(uri, say, NULL, &diag, &key);
	cr_expect_eq(r == FO_OK, key != NULL);
	cr_expect(r == FO_OK || r == FO_ERR_NOMEM || r == FO_ERR_CRYPTO ||
	    diag.text[0] != '\0', "%s", fo_err_word(r));
	fo_key_free(&key);
	return r;
}

static fo_err
sign_whole(void *key)
{
	const struct fo_request request = { .htm = FO_HTM_PAM, .htu = HTU,
		.iat = time(NULL) };
	char *proof = NULL;
	fo_err r;

	r = fo_proof_sign(key, &request, &proof);
	cr_expect_eq(r == FO_OK, proof != NULL);
	fo_proof_text_free(&proof);
	return r;
}

static fo_err
generate_whole(void *arg)
{
	struct fo_diag diag = { "" };
	struct fo_key *key = NULL;
	char *pem = NULL;
	fo_err r;

	(void)arg;
	r = fo_key_generate_tpm(&diag, &key);
	cr_expect_eq(r == FO_OK, key != NULL);
	cr_expect(r == FO_OK || r == FO_ERR_NOMEM || r == FO_ERR_CRYPTO ||
	    diag.text[0] != '\0', "%s", fo_err_word(r));
	if (r == FO_OK)
		r = fo_key_to_pem(key, &pem);
	fo_key_pem_free(&pem);
	fo_key_free(&key);
	return r;
}

/* A key is loaded and signs, or says why not, whatever fails. */
static void
is_whole_or_none(const char *uri)
{
	const struct sweep loading = { .what = "a key loaded",
		.act = load_whole, .memory = true };
	const struct sweep signing = { .what = "a proof signed",
		.act = sign_whole, .memory = true };
	char *copy = strdup(uri);
	struct fo_key *key;

	cr_assert_not_null(copy);
	sweep(&loading, copy);
	key = load(copy, NULL);
	sweep(&signing, key);
	fo_key_free(&key);
	free(copy);
}

/* ---- TPM ------------------------------------------------------------- */

TestSuite(tpm, .init = start_tpm, .fini = clean_up);

static void
write_new_key(const char *path)
{
	struct fo_diag diag = { "" };
	struct fo_key *key = NULL;
	char *pem = NULL;
	FILE *file;
	fo_err r;

	r = fo_key_generate_tpm(&diag, &key);
	cr_assert_eq(r, FO_OK, "%s: %s", fo_err_word(r), diag.text);
	cr_assert_eq(fo_key_to_pem(key, &pem), FO_OK);
	cr_expect_eq(strncmp(pem, "-----BEGIN TSS2 PRIVATE KEY-----\n", 33),
	    0, "%s", pem);
	(void)umask(077);
	file = fopen(path, "we");
	cr_assert_not_null(file);
	cr_assert_gt(fprintf(file, "%s", pem), 0);
	cr_assert_eq(fclose(file), 0);
	fo_key_pem_free(&pem);
	fo_key_free(&key);
}

Test(tpm, makes_a_key_that_signs_now_and_from_its_file)
{
	char first[FO_JKT_SIZE], second[FO_JKT_SIZE];
	struct fo_key *key = NULL;
	char *pem = NULL;

	cr_assert_eq(fo_key_generate_tpm(NULL, &key), FO_OK);
	signs(key);
	cr_assert_eq(fo_key_thumbprint(key, first), FO_OK);
	cr_assert_eq(fo_key_to_pem(key, &pem), FO_OK);
	fo_key_free(&key);

	cr_assert_eq(fo_key_from_pem(pem, strlen(pem), NULL, NULL, NULL,
	    &key), FO_OK);
	signs(key);
	cr_assert_eq(fo_key_thumbprint(key, second), FO_OK);
	cr_expect_str_eq(first, second);
	fo_key_pem_free(&pem);
	fo_key_free(&key);
}

static void *
sign_often(void *arg)
{
	for (int i = 0; i < 10; i++)
		signs(arg);
	return NULL;
}

Test(tpm, one_key_signs_in_many_threads)
{
	pthread_t threads[4];
	struct fo_key *key = NULL;

	cr_assert_eq(fo_key_generate_tpm(NULL, &key), FO_OK);
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, sign_often,
		    key), 0);
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(pthread_join(threads[i], NULL), 0);
	fo_key_free(&key);
}

Test(tpm, a_key_with_a_passphrase_wants_it)
{
	RUN("openssl", "genpkey", "-provider", "tpm2", "-provider", "default",
	    "-propquery", "?provider=tpm2", "-algorithm", "EC", "-pkeyopt",
	    "group:P-256", "-pkeyopt", "user-auth:1234", "-out",
	    below("key.pem"));
	cr_assert_eq(chmod(below("key.pem"), 0600), 0);
	struct fo_key *key = load(below("key.pem"), "1234");

	signs(key);
	fo_key_free(&key);
	refused(below("key.pem"), NULL, FO_ERR_FORMAT,
	    "it wants a passphrase or a PIN, and none was given");
}

/* A TPM knows that a passphrase is wrong when it is to sign. */
Test(tpm, a_wrong_passphrase_is_told_when_signing)
{
	struct fo_diag diag = { "" };
	const struct fo_request request = { .htm = FO_HTM_PAM, .htu = HTU,
		.iat = time(NULL), .diag = &diag };
	char *proof = NULL;

	RUN("openssl", "genpkey", "-provider", "tpm2", "-provider", "default",
	    "-propquery", "?provider=tpm2", "-algorithm", "EC", "-pkeyopt",
	    "group:P-256", "-pkeyopt", "user-auth:1234", "-out",
	    below("key.pem"));
	cr_assert_eq(chmod(below("key.pem"), 0600), 0);
	struct fo_key *key = load(below("key.pem"), "4321");

	cr_expect_eq(fo_proof_sign(key, &request, &proof), FO_ERR_CRYPTO);
	cr_expect_null(proof);
	cr_expect_not_null(strstr(diag.text, "the TPM: it does not sign: "),
	    "%s", diag.text);
	cr_expect_not_null(strstr(diag.text, "auth"), "%s", diag.text);
	fo_key_free(&key);
}

Test(tpm, a_persistent_handle_names_a_key)
{
	skip_without("/usr/bin/tpm2_evictcontrol");
	RUN("tpm2_createprimary", "-Q", "-c", below("primary"), "-G",
	    "ecc256");
	RUN("tpm2_flushcontext", "-t");
	RUN("tpm2_create", "-Q", "-C", below("primary"), "-G",
	    "ecc256:ecdsa-sha256", "-u", below("public"), "-r",
	    below("private"), "-c", below("key"));
	RUN("tpm2_flushcontext", "-t");
	RUN("tpm2_evictcontrol", "-Q", "-c", below("key"), "0x81000001");
	struct fo_key *key = load("handle:0x81000001", NULL);
	char *pem = NULL;

	signs(key);
	cr_expect_eq(fo_key_to_pem(key, &pem), FO_ERR_BAD_KEY);
	cr_expect_null(pem);
	fo_key_free(&key);
	refused("handle:0x81000002", NULL, FO_ERR_NOT_FOUND,
	    "handle:0x81000002: no private key is there: ");
}

Test(tpm, a_key_of_another_curve_is_no_key_of_ours)
{
	RUN("openssl", "genpkey", "-provider", "tpm2", "-provider", "default",
	    "-propquery", "?provider=tpm2", "-algorithm", "EC", "-pkeyopt",
	    "group:P-384", "-out", below("key.pem"));
	cr_assert_eq(chmod(below("key.pem"), 0600), 0);
	refused(below("key.pem"), NULL, FO_ERR_BAD_KEY, "secp384r1");
}

Test(tpm, a_key_of_another_tpm_or_damaged_is_refused)
{
	char text[4096];
	FILE *file;
	size_t n;

	write_new_key(below("key.pem"));
	file = fopen(below("key.pem"), "r+e");
	cr_assert_not_null(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	char *at = strchr(text + 40, '\n') + 60;

	*at = *at == 'A' ? 'B' : 'A';
	rewind(file);
	cr_assert_eq(fwrite(text, 1, n, file), n);
	cr_assert_eq(fclose(file), 0);
	refused(below("key.pem"), NULL, FO_ERR_FORMAT, "the TPM does not take"
	    " it: it is damaged, or another TPM's");
}

Test(tpm, a_key_is_whole_or_none)
{
	const struct sweep generating = { .what = "a key made",
		.act = generate_whole, .memory = true };

	sweep(&generating, NULL);
	write_new_key(below("key.pem"));
	is_whole_or_none(below("key.pem"));
}

Test(tpm, that_ends_is_told_by_what_it_does_not_do)
{
	struct fo_diag diag = { "" };
	const struct fo_request request = { .htm = FO_HTM_PAM, .htu = HTU,
		.iat = time(NULL), .diag = &diag };
	struct fo_key *key = NULL;
	char *proof = NULL;

	cr_assert_eq(fo_key_generate_tpm(NULL, &key), FO_OK);
	cr_assert_eq(kill(tpm, SIGKILL), 0);
	cr_assert_eq(waitpid(tpm, NULL, 0), tpm);
	tpm = 0;
	cr_expect_eq(fo_proof_sign(key, &request, &proof), FO_ERR_CRYPTO);
	cr_expect_null(proof);
	cr_expect_not_null(strstr(diag.text, "the TPM: it does not sign"),
	    "%s", diag.text);
	fo_key_free(&key);
}

/* OpenSSL's queue of errors has one of somebody else's. */
Test(tpm, what_others_left_among_the_errors_is_not_told_and_stays)
{
	struct fo_diag diag = { "" };
	struct fo_key *key = NULL;

	ERR_raise_data(ERR_LIB_USER, 1, "somebody else's");
	cr_expect_eq(fo_key_load("handle:0x81000002", NULL, NULL, &diag,
	    &key), FO_ERR_NOT_FOUND);
	cr_expect_null(key);
	cr_expect_not_null(strstr(diag.text, "no private key is there"), "%s",
	    diag.text);
	cr_expect_null(strstr(diag.text, "somebody"), "%s", diag.text);
	cr_expect_eq(ERR_GET_LIB(ERR_get_error()), ERR_LIB_USER);
	cr_expect_eq(ERR_peek_error(), 0UL);
}

Test(tpm, that_is_gone_or_has_no_provider_is_told)
{
	struct fo_diag diag = { "" };
	struct fo_key *key = NULL;

	write_new_key(below("key.pem"));
	cr_assert_eq(setenv("OPENSSL_MODULES", folder, 1), 0);
	refused(below("key.pem"), NULL, FO_ERR_NOT_FOUND, "OpenSSL's provider"
	    " for the TPM is not installed: apt install tpm2-openssl");
	cr_assert_eq(unsetenv("OPENSSL_MODULES"), 0);
	cr_assert_eq(setenv("TPM2OPENSSL_TCTI", "swtpm:path=/nowhere", 1), 0);
	refused(below("key.pem"), NULL, FO_ERR_IO, "no TPM answers");
	cr_expect_eq(fo_key_generate_tpm(&diag, &key), FO_ERR_IO);
	cr_expect_null(key);
	cr_expect_not_null(strstr(diag.text, "no TPM answers"), "%s",
	    diag.text);
	cr_expect_eq(fo_key_generate_tpm(NULL, NULL), FO_ERR_ARG);
}

/* ---- PKCS#11 --------------------------------------------------------- */

TestSuite(token, .init = start_token, .fini = clean_up);

Test(token, a_key_signs_and_does_not_leave)
{
	struct fo_key *key = load("pkcs11:token=agents;object=bot" AT PIN,
	    NULL);
	char *pem = NULL;

	signs(key);
	cr_expect_eq(fo_key_to_pem(key, &pem), FO_ERR_BAD_KEY);
	cr_expect_null(pem);
	fo_key_free(&key);
	/* the module's path may come last, too */
	key = load("pkcs11:token=agents;object=bot?pin-value=1234"
	    "&module-path=" OUR_SOFTHSM, NULL);
	signs(key);
	fo_key_free(&key);
}

Test(token, its_pin_is_asked_for)
{
	struct fo_key *key = load("pkcs11:token=agents;object=bot" AT,
	    "1234");

	signs(key);
	fo_key_free(&key);
}

Test(token, one_key_signs_in_many_threads)
{
	struct fo_key *key = load("pkcs11:token=agents;object=bot" AT PIN,
	    NULL);
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(pthread_create(&threads[i], NULL, sign_often,
		    key), 0);
	for (size_t i = 0; i < 4; i++)
		cr_assert_eq(pthread_join(threads[i], NULL), 0);
	fo_key_free(&key);
}

Test(token, what_is_not_there_or_not_ours_is_told)
{
	refused("pkcs11:token=agents;object=none" AT PIN, NULL,
	    FO_ERR_NOT_FOUND, "pkcs11:token=agents: no private key is there:"
	    " object not found");
	refused("pkcs11:token=none;object=bot" AT PIN, NULL,
	    FO_ERR_NOT_FOUND, "no private key is there");
	refused("pkcs11:token=agents;object=wide" AT PIN, NULL,
	    FO_ERR_BAD_KEY, "secp384r1");
	refused("pkcs11:token=agents;object=bot?module-path=/nowhere.so" PIN,
	    NULL, FO_ERR_NOT_FOUND, "/nowhere.so: No such file or directory");
}

Test(token, a_key_is_whole_or_none)
{
	is_whole_or_none("pkcs11:token=agents;object=bot" AT PIN);
}

/* p11-kit knows the modules of this machine. */
Test(token, is_found_without_the_path_of_its_module)
{
	struct fo_key *key;

	skip_without("/usr/share/p11-kit/modules/softhsm2.module");
	key = load("pkcs11:token=agents;object=bot?pin-value=1234", NULL);
	signs(key);
	fo_key_free(&key);
	key = load("pkcs11:token=agents;object=bot", "1234");
	signs(key);
	fo_key_free(&key);
	/* and that module stays the one that this process uses */
	refused("pkcs11:token=agents;object=bot" AT PIN, NULL,
	    FO_ERR_NOT_FOUND, "this process uses the PKCS#11 module of "
	    "p11-kit already");
}

Test(token, a_module_that_is_none_is_told)
{
	char uri[160];

	(void)snprintf(uri, sizeof(uri), "pkcs11:token=agents?module-path=%s" PIN,
	    below("conf"));
	refused(uri, NULL, FO_ERR_NOT_FOUND, "no private key is there: Unable "
	    "to load PKCS#11 module");
}

Test(token, an_engine_that_is_missing_is_told)
{
	cr_assert_eq(setenv("OPENSSL_ENGINES", folder, 1), 0);
	refused("pkcs11:token=agents;object=bot" AT PIN, NULL,
	    FO_ERR_NOT_FOUND, "OpenSSL has neither a provider nor an engine "
	    "for PKCS#11: apt install libengine-pkcs11-openssl");
}

/* The public half that it shows is another key's. */
Test(token, that_signs_with_another_key_than_it_says_is_found_at_once)
{
	struct fo_diag diag = { "" };
	const struct fo_request request = { .htm = FO_HTM_PAM, .htu = HTU,
		.iat = time(NULL), .diag = &diag };
	char *proof = NULL;

	RUN("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
	    "group:P-256", "-out", below("other.pem"));
	RUN("openssl", "pkey", "-in", below("other.pem"), "-pubout",
	    "-outform", "DER", "-out", below("other.der"));
	RUN("pkcs11-tool", "--module", SOFTHSM, "--login", "--pin", "1234",
	    "--token-label", "agents", "--delete-object", "--type", "pubkey",
	    "--id", "01");
	RUN("pkcs11-tool", "--module", SOFTHSM, "--login", "--pin", "1234",
	    "--token-label", "agents", "--write-object", below("other.der"),
	    "--type", "pubkey", "--id", "01", "--label", "bot");
	struct fo_key *key = load("pkcs11:token=agents;object=bot" AT PIN,
	    NULL);

	cr_expect_eq(fo_proof_sign(key, &request, &proof), FO_ERR_BAD_KEY);
	cr_expect_null(proof);
	cr_expect_str_eq(diag.text, "the token signs with another key than it "
	    "says");
	fo_key_free(&key);
}

Test(token, a_wrong_pin_and_none_are_told)
{
	refused("pkcs11:token=agents;object=bot" AT, "9999",
	    FO_ERR_FORMAT, "PIN incorrect");
	refused("pkcs11:token=agents;object=bot" AT, NULL, FO_ERR_FORMAT,
	    "it wants a passphrase or a PIN, and none was given");
}

/* No PIN of one token is tried at another, nor does it stay for nobody. */
Test(token, the_pin_of_one_is_not_used_for_another)
{
	struct fo_key *first, *second;

	RUN("softhsm2-util", "--init-token", "--free", "--label", "others",
	    "--pin", "5678", "--so-pin", "8765");
	RUN("pkcs11-tool", "--module", SOFTHSM, "--login", "--pin", "5678",
	    "--token-label", "others", "--keypairgen", "--key-type",
	    "EC:prime256v1", "--label", "bot", "--id", "03");
	first = load("pkcs11:token=agents;object=bot" AT, "1234");
	refused("pkcs11:token=others;object=bot" AT, NULL, FO_ERR_FORMAT,
	    "none was given");
	second = load("pkcs11:token=others;object=bot" AT, "5678");
	signs(first);
	signs(second);
	fo_key_free(&first);
	fo_key_free(&second);
	refused("pkcs11:token=agents;object=bot" AT, NULL, FO_ERR_FORMAT,
	    "none was given");
}

Test(token, a_process_uses_one_module)
{
	struct fo_key *key = load("pkcs11:token=agents;object=bot" AT PIN,
	    NULL);

	refused("pkcs11:token=agents;object=bot?module-path=/bin/true" PIN,
	    NULL, FO_ERR_NOT_FOUND, "this process uses the PKCS#11 module "
	    SOFTHSM " already");
	signs(key);
	fo_key_free(&key);
}

Test(token, a_pin_before_the_query_is_not_shown_either)
{
	refused("pkcs11:pin-value=1234;token=none;object=bot" AT, NULL,
	    FO_ERR_NOT_FOUND, "pkcs11: no private key is there");
}

/* ---- a provider comes first ------------------------------------------ */

TestSuite(provider, .init = begin, .fini = clean_up);

Test(provider, is_asked_before_the_engine)
{
	char uri[160];
	struct fo_key *key;

	RUN("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
	    "group:P-256", "-outform", "DER", "-out", below("key.der"));
	cr_assert_eq(setenv("OPENSSL_MODULES", PROVIDER_FOLDER, 1), 0);
	(void)snprintf(uri, sizeof(uri), "pkcs11:%s", below("key.der"));
	key = load(uri, NULL);
	signs(key);
	fo_key_free(&key);
	is_whole_or_none(uri);
	refused("pkcs11:/nowhere", NULL, FO_ERR_NOT_FOUND,
	    "no private key is there");
}

Test(provider, that_does_not_work_is_told)
{
	cr_assert_eq(setenv("OPENSSL_MODULES", PROVIDER_FOLDER, 1), 0);
	cr_assert_eq(setenv("TOKEN_BROKEN", "1", 1), 0);
	refused("pkcs11:token=agents", NULL, FO_ERR_IO, "OpenSSL's provider"
	    " pkcs11 is installed and does not work");
}
