/*
 * Read a part of a store over and over while another process swaps it with
 * its twin at full speed.
 *
 *   swap WHAT CONFIG NAME GOOD PATH TWIN ROUNDS
 *
 * WHAT is config, principal, find or verdict; NAME the id or thumbprint that
 * is asked for, or a policy of a principal's own; GOOD what alone may be read:
 * the host, the principal's name, the id, or "EFFECT POLICY/RULE" of its login
 * at sshd. PATH and TWIN change places.
 *
 * Prints how many readings were good and how many refused, and how long the
 * slowest took in ms. Exit code: 0; 1 if anything else was read; 2 usage.
 */
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/store.h"

#define TEXT_SIZE 256
#define PATIENCE 200

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "swap: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int64_t
now_us(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		die("clock");
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Until the parent dies or ends us. */
static _Noreturn void
swap(const char *path, const char *twin)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		die("prctl");
	for (;;)
		if (renameat2(AT_FDCWD, path, AT_FDCWD, twin,
		    RENAME_EXCHANGE) != 0)
			die("exchange");
}

/* ---- one reading -------------------------------------------------------- */

static fo_err
read_config(const struct fo_store *store, const char *name,
    struct fo_diag *diag, char ret[TEXT_SIZE])
{
	struct fo_config *config = NULL;
	const fo_err r = fo_store_config(store, diag, &config);

	(void)name;
	if (r == FO_OK)
		snprintf(ret, TEXT_SIZE, "%s", config->host);
	fo_config_free(&config);
	return r;
}

static fo_err
read_principal(const struct fo_store *store, const char *name,
    struct fo_diag *diag, char ret[TEXT_SIZE])
{
	struct fo_principal *principal = NULL;
	const fo_err r = fo_store_principal(store, name, diag, &principal);

	if (r == FO_OK)
		snprintf(ret, TEXT_SIZE, "%s", principal->name);
	fo_principal_free(&principal);
	return r;
}

static fo_err
find(const struct fo_store *store, const char *name, struct fo_diag *diag,
    char ret[TEXT_SIZE])
{
	char id[FO_ID_SIZE];
	const fo_err r = fo_store_find(store, name, diag, id);

	if (r == FO_OK)
		snprintf(ret, TEXT_SIZE, "%s", id);
	return r;
}

/* What all policies together say: their own, and those of the default group. */
static fo_err
judge(const struct fo_store *store, const char *name, struct fo_diag *diag,
    char ret[TEXT_SIZE])
{
	char own[FO_NAME_MAX + 1];
	char *names[] = { own, NULL };
	const struct fo_principal principal = { .id = "somebody",
		.policies = names };
	const struct fo_action login = { .service = "sshd",
		.account = "deploy", .host = "bastion" };
	struct fo_policies policies = { .list = NULL };
	struct fo_verdict verdict = { .policy = NULL };
	fo_err r;

	snprintf(own, sizeof(own), "%s", name);
	if ((r = fo_store_policies(store, &principal, diag, &policies)) !=
	    FO_OK)
		return r;
	fo_policy_weigh(policies.list, policies.count, &login, &verdict);
	snprintf(ret, TEXT_SIZE, "%s %s/%s", fo_effect_word(verdict.effect),
	    verdict.policy != NULL ? verdict.policy : "-",
	    verdict.rule != NULL ? verdict.rule : "-");
	fo_policies_clear(&policies);
	return FO_OK;
}

static const struct reader {
	const char *what;
	fo_err (*read)(const struct fo_store *, const char *,
	    struct fo_diag *, char [TEXT_SIZE]);
	fo_err refusal;
} readers[] = {
	{ "config", read_config, FO_ERR_CONFIG },
	{ "principal", read_principal, FO_ERR_STORE },
	{ "find", find, FO_ERR_STORE },
	{ "verdict", judge, FO_ERR_STORE },
};

/* ---- many --------------------------------------------------------------- */

struct sum {
	long good;
	long refused;
	int64_t slowest_us;
};

/* Read once. 0; 1 if it was neither good nor refused. */
static int
look(const struct reader *reader, const struct fo_store *store,
    const char *name, const char *good, struct sum *sum)
{
	struct fo_diag diag = { .text = "" };
	char text[TEXT_SIZE] = "";
	const int64_t begun = now_us();
	const fo_err r = reader->read(store, name, &diag, text);
	const int64_t us = now_us() - begun;

	if (us > sum->slowest_us)
		sum->slowest_us = us;
	if (r == FO_OK && strcmp(text, good) == 0) {
		sum->good++;
		return 0;
	}
	if (r == reader->refusal && diag.text[0] != '\0') {
		sum->refused++;
		return 0;
	}
	fprintf(stderr, "swap: read '%s' (%d): %s\n", text, r, diag.text);
	return 1;
}

static int
look_often(const struct reader *reader, const struct fo_store *store,
    char **argv, long rounds)
{
	struct sum sum = { .good = 0 };
	int bad = 0, status;
	const pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0)
		swap(argv[5], argv[6]);
	/* on a busy machine it takes a while until both were seen */
	for (long i = 0; bad == 0 && (i < rounds || (i < rounds * PATIENCE &&
	    (sum.good == 0 || sum.refused == 0))); i++)
		bad = look(reader, store, argv[3], argv[4], &sum);
	/* it must have swapped to the end */
	if (waitpid(pid, &status, WNOHANG) != 0)
		die("the swapping ended");
	if (kill(pid, SIGKILL) != 0 || waitpid(pid, &status, 0) != pid)
		die("kill");
	printf("%ld %ld %ld\n", sum.good, sum.refused,
	    (long)(sum.slowest_us / 1000));
	return bad;
}

int
main(int argc, char **argv)
{
	struct fo_store *store = NULL;
	struct fo_diag diag = { .text = "" };
	int bad = 2;

	if (argc != 8)
		return 2;
	if (fo_store_new(argv[2], &diag, &store) != FO_OK)
		die(diag.text);
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (strcmp(readers[i].what, argv[1]) == 0)
			bad = look_often(&readers[i], store, argv,
			    strtol(argv[7], NULL, 10));
	fo_store_free(&store);
	return bad;
}
