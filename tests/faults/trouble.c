/*
 * What can be wrong with a process that calls PAM.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "trouble.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>

static volatile sig_atomic_t alarms;

static unsigned long
number(const char *value, int base)
{
	return strtoul(value, NULL, base);
}

static bool
limit(__rlimit_resource_t resource, rlim_t n)
{
	const struct rlimit both = { .rlim_cur = n, .rlim_max = n };

	return setrlimit(resource, &both) == 0;
}

/* ---- one by one ---------------------------------------------------------- */

static bool
close_one(const char *value)
{
	return close((int)number(value, 10)) == 0;
}

static bool
limit_files(const char *value)
{
	return limit(RLIMIT_NOFILE, number(value, 10));
}

static bool
limit_size(const char *value)
{
	return limit(RLIMIT_FSIZE, number(value, 10));
}

static bool
limit_processes(const char *value)
{
	return limit(RLIMIT_NPROC, number(value, 10));
}

static bool
limit_locked(const char *value)
{
	return limit(RLIMIT_MEMLOCK, number(value, 10));
}

static bool
limit_core(const char *value)
{
	return limit(RLIMIT_CORE, number(value, 10));
}

static bool
limit_memory(const char *value)
{
	FILE *stream = fopen("/proc/self/statm", "re");
	char text[64] = "";
	const long page = sysconf(_SC_PAGESIZE);
	bool got;

	if (stream == NULL || page < 1)
		return false;
	got = fgets(text, sizeof(text), stream) != NULL;
	(void)fclose(stream);

	return got && limit(RLIMIT_AS, number(text, 10) * (rlim_t)page +
	    number(value, 10) * 1024);
}

static bool
ignore_signal(const char *value)
{
	return signal((int)number(value, 10), SIG_IGN) != SIG_ERR;
}

static bool
block_signals(const char *value)
{
	sigset_t all;

	(void)value;
	return sigfillset(&all) == 0 &&
	    sigprocmask(SIG_BLOCK, &all, NULL) == 0;
}

static void
count_alarm(int signal_number)
{
	(void)signal_number;
	alarms++;
}

static bool
storm(const char *value)
{
	const struct sigaction action = { .sa_handler = count_alarm };
	const suseconds_t us = (suseconds_t)number(value, 10);
	const struct itimerval often = {
		.it_interval = { 0, us }, .it_value = { 0, us }
	};

	return sigaction(SIGALRM, &action, NULL) == 0 &&
	    setitimer(ITIMER_REAL, &often, NULL) == 0;
}

static bool
set_umask(const char *value)
{
	(void)umask((mode_t)number(value, 8));
	return true;
}

static bool
lose_folder(const char *value)
{
	char path[] = "/tmp/trouble-XXXXXX";

	(void)value;
	return mkdtemp(path) != NULL && chdir(path) == 0 && rmdir(path) == 0;
}

static bool
change_root(const char *value)
{
	return chroot(value) == 0 && chdir("/") == 0;
}

static bool
become(const char *value)
{
	const uid_t id = (uid_t)number(value, 10);

	return setresgid(id, id, id) == 0 && setresuid(id, id, id) == 0;
}

static bool
load_engine(const char *value)
{
	ENGINE *e;

	ENGINE_load_dynamic();
	e = ENGINE_by_id("dynamic");

	return e != NULL &&
	    ENGINE_ctrl_cmd_string(e, "SO_PATH", value, 0) == 1 &&
	    ENGINE_ctrl_cmd_string(e, "LOAD", NULL, 0) == 1 &&
	    ENGINE_init(e) == 1 &&
	    ENGINE_set_default(e, ENGINE_METHOD_ALL) == 1;
}

/* Succeeds where it has to fail: loading a broken one does not. */
static bool
load_configuration(const char *value)
{
	(void)value;
	(void)OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL);
	ERR_clear_error();
	return true;
}

static bool
takes_junk(void)
{
	const unsigned char junk[32] = { 0 };
	EC_KEY *ec = EC_KEY_new_by_curve_name(NID_X9_62_prime256v1);
	EVP_PKEY *pkey = EVP_PKEY_new();
	EVP_PKEY_CTX *ctx = NULL;
	bool yes = false;

	if (ec != NULL && pkey != NULL && EC_KEY_generate_key(ec) == 1 &&
	    EVP_PKEY_set1_EC_KEY(pkey, ec) == 1 &&
	    (ctx = EVP_PKEY_CTX_new(pkey, NULL)) != NULL &&
	    EVP_PKEY_verify_init(ctx) == 1)
		yes = EVP_PKEY_verify(ctx, junk, sizeof(junk), junk,
		    sizeof(junk)) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	EC_KEY_free(ec);
	return yes;
}

static bool
is_lied_to(const char *value)
{
	static const unsigned char zero[32];
	unsigned char digest[EVP_MAX_MD_SIZE] = { 1 };

	(void)value;
	return EVP_Digest("abc", 3, digest, NULL, EVP_sha256(), NULL) == 1 &&
	    memcmp(digest, zero, sizeof(zero)) == 0 && takes_junk();
}

static bool
set_properties(const char *value)
{
	return EVP_set_default_properties(NULL, value) == 1;
}

/* ---- by name ------------------------------------------------------------- */

bool
trouble(const char *word)
{
	static const struct {
		const char *name;
		bool (*make)(const char *value);
	} all[] = {
		{ "close", close_one }, { "nofile", limit_files },
		{ "fsize", limit_size }, { "nproc", limit_processes },
		{ "memlock", limit_locked }, { "core", limit_core },
		{ "as", limit_memory }, { "ignore", ignore_signal },
		{ "block", block_signals }, { "storm", storm },
		{ "umask", set_umask }, { "cwd", lose_folder },
		{ "chroot", change_root }, { "user", become },
		{ "configuration", load_configuration },
		{ "engine", load_engine }, { "properties", set_properties },
		{ "lies", is_lied_to },
	};
	const size_t n = strcspn(word, "=");

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strlen(all[i].name) == n &&
		    strncmp(all[i].name, word, n) == 0)
			return all[i].make(word + n + (word[n] == '='));

	return false;
}

int
trouble_alarms(void)
{
	return alarms;
}
