/*
 * Run every target on the seeds that are kept for it, also with its calls
 * made to fail in turn; TAP on standard output.
 *
 * Needs no libFuzzer, so the ordinary tests run it in every build: an input
 * that once broke something stays mended.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz.h"

#define SEED_MAX_BYTES (1024 * 1024)

/* Ways that are long, and that their seeds share: a login makes two thousand
 * calls that can fail. With FIRSTOPS_DEEP all of them do, but for the seeds of
 * logins, each of which takes others: there are seven for each. */
#define LOGIN_STEP 61
#define LOGIN_DEEP_STEP 7
#define PRINCIPAL_STEP 17
#define PEM_STEP 3
#define RECORD_STEP 31
#define LIST_STEP 5

static const struct {
	const char *name;
	fuzz_target *run;
	uint32_t step;		/* of fuzz_sweep */
	uint32_t deep_step;	/* the same, with FIRSTOPS_DEEP */
} targets[] = {
	{ "askpass", fuzz_on_askpass, 1, 1 },
	{ "challenge", fuzz_on_challenge, 1, 1 },
	{ "claims", fuzz_on_claims, 1, 1 },
	{ "command", fuzz_on_command, 1, 1 },
	{ "config", fuzz_on_config, 1, 1 },
	{ "event", fuzz_on_event, 1, 1 },
	{ "glob", fuzz_on_glob, 1, 1 },
	{ "group", fuzz_on_group, 1, 1 },
	{ "jwk", fuzz_on_jwk, 1, 1 },
	{ "line", fuzz_on_line, 1, 1 },
	{ "login", fuzz_on_login, 1, 1 },
	{ "module", fuzz_on_module, LOGIN_STEP, LOGIN_DEEP_STEP },
	{ "pem", fuzz_on_pem, PEM_STEP, 1 },
	{ "policy", fuzz_on_policy, 1, 1 },
	{ "principal", fuzz_on_principal, PRINCIPAL_STEP, 1 },
	{ "proof", fuzz_on_proof, 1, 1 },
	{ "record", fuzz_on_record, RECORD_STEP, 1 },
	{ "signer", fuzz_on_signer, 1, 1 },
	{ "target", fuzz_on_target, 1, 1 },
	{ "targets", fuzz_on_targets, LIST_STEP, 1 },
};

#define TARGETS (sizeof(targets) / sizeof(targets[0]))

/* The whole seed in memory of exactly its size, so that a sanitizer sees a
 * look beyond its end. */
static uint8_t *
read_seed(const char *path, size_t *ret_size)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data;

	NEED(f != NULL && fstat(fileno(f), &st) == 0);
	NEED(st.st_size >= 0 && st.st_size <= SEED_MAX_BYTES);
	*ret_size = (size_t)st.st_size;
	NEED((data = malloc(*ret_size > 0 ? *ret_size : 1)) != NULL);
	NEED(fread(data, 1, *ret_size, f) == *ret_size);
	NEED(fclose(f) == 0);
	return data;
}

/* If it ends the program, the last path on standard error says by what. */
static size_t
replay(const char *folder, fuzz_target *target, uint32_t step)
{
	struct dirent **names = NULL;
	char path[4096];
	size_t size = 0, seeds = 0;
	uint8_t *data;
	int n, count = scandir(folder, &names, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		n = snprintf(path, sizeof(path), "%s/%s", folder,
		    names[i]->d_name);
		NEED(n > 0 && (size_t)n < sizeof(path));
		if (names[i]->d_name[0] != '.') {
			(void)fprintf(stderr, "# %s\n", path);
			data = read_seed(path, &size);
			fuzz_run(target, data, size);
			fuzz_sweep(target, data, size, step);
			free(data);
			seeds++;
		}
		free(names[i]);
	}
	free(names);
	return seeds;
}

int
main(void)
{
	const bool deep = getenv("FIRSTOPS_DEEP") != NULL;
	size_t seeds, failed = 0;
	char folder[4096];
	uint32_t step;

	(void)printf("1..%zu\n", TARGETS);
	for (size_t i = 0; i < TARGETS; i++) {
		(void)snprintf(folder, sizeof(folder), "%s/%s", FUZZ_CORPUS,
		    targets[i].name);
		step = deep ? targets[i].deep_step : targets[i].step;
		seeds = replay(folder, targets[i].run, step);
		(void)printf("%sok %zu - %s holds on its %zu seeds\n",
		    seeds > 0 ? "" : "not ", i + 1, targets[i].name, seeds);
		(void)fflush(stdout);
		failed += seeds == 0;
	}
	return failed == 0 ? 0 : 1;
}
