/*
 * A store, its keys, and proofs.
 */
#include "lab.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <firstops/proof.h>
#include <firstops/target.h>

#include "base/diag.h"
#include "base/sha256.h"
#include "bench.h"
#include "host/clock.h"
#include "host/replay.h"

#define CREATED INT64_C(1764547200)	/* 2025-12-01 */

static const char policy[] = "---\nversion: 1\npolicy: logins\nrules:\n"
    "  - rule: nobody-from-the-lab\n    effect: deny\n    channel: login\n"
    "    when: {source: [192.0.2.0/24]}\n"
    "  - rule: everywhere\n    effect: allow\n    channel: login\n"
    "  - rule: no-removal\n    effect: deny\n    channel: command\n"
    "    when: {command: [\"rm *\"]}\n...\n";
static const char group[] = "---\nversion: 1\ngroup: agents\n"
    "description: For the bench\npolicies: [logins]\n...\n";
static const char config[] = "---\nversion: 1\nhost: bastion\n"
    "proof: {max_age_s: 300, clock_skew_s: 0}\n"
    "reserved_accounts: [deploy]\n"
    "services:\n  bench: {nonce: auto, ask: reserved}\n"
    "replay: {folder: /run/firstops/replay}\n"
    "audit: {required: [syslog]}\n...\n";

/* ---- filling ---------------------------------------------------------- */

static void
put(const char *folder, const char *name, mode_t mode, const char *text)
{
	const size_t len = strlen(text);
	char *path = NULL;
	int fd;

	bench_must(asprintf(&path, "%s/%s", folder, name) > 0, "no memory");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len || close(fd) != 0)
		bench_die("%s: %s", path, strerror(errno));
	free(path);
}

static void
make_folder(const char *parent, const char *name)
{
	char *path = NULL;

	bench_must(asprintf(&path, "%s/%s", parent, name) > 0, "no memory");
	if (mkdir(path, 0755) != 0 && errno != EEXIST)
		bench_die("%s: %s", path, strerror(errno));
	free(path);
}

static void
put_key(const char *keys, size_t number, char jkt[FO_JKT_SIZE])
{
	char name[32], *pem = NULL;
	struct fo_key *key = NULL;

	bench_must(fo_key_generate(&key) == FO_OK &&
	    fo_key_thumbprint(key, jkt) == FO_OK &&
	    fo_key_to_pem(key, &pem) == FO_OK, "no key can be made");
	(void)snprintf(name, sizeof(name), "%zu.pem", number);
	put(keys, name, 0600, pem);
	fo_key_pem_free(&pem);
	fo_key_free(&key);
}

/*
 * An agent as fo writes it. One in so many has a private key here; of the
 * others any hash will do.
 */
static void
put_agent(const char *folder, const char *keys, size_t number, size_t stride)
{
	static char agents[] = "agents", deploy[] = "deploy";
	char *groups[] = { agents, NULL }, *accounts[] = { deploy, NULL };
	char *none[] = { NULL };
	struct fo_pkey key = { .created = CREATED };
	struct fo_principal agent = { .status = FO_STATUS_ACTIVE,
		.kind = FO_KIND_AGENT, .owner = "team-platform",
		.groups = groups, .policies = none, .accounts = accounts,
		.keys = &key, .keys_count = 1 };
	char name[96], link[128], *text = NULL;

	if (number % stride == 0 && number / stride < LAB_KEYS)
		put_key(keys, number / stride, key.jkt);
	else
		bench_must(fo_sha256_text(&number, sizeof(number), key.jkt) ==
		    FO_OK, "no hash");
	(void)snprintf(agent.id, sizeof(agent.id),
	    "fo_agent_%08zx-0000-4000-8000-000000000000", number);
	(void)snprintf(agent.name, sizeof(agent.name), "agent-%zu", number);
	bench_must(fo_principal_format(&agent, &text) == FO_OK,
	    "a principal cannot be written");
	(void)snprintf(name, sizeof(name), "principals.d/%s.yaml", agent.id);
	put(folder, name, 0644, text);
	free(text);

	(void)snprintf(name, sizeof(name), "%s/keys.d/%s", folder, key.jkt);
	(void)snprintf(link, sizeof(link), "../principals.d/%s.yaml",
	    agent.id);
	if (symlink(link, name) != 0)
		bench_die("%s: %s", name, strerror(errno));
}

int
bench_fill(int argc, char **argv)
{
	static const char *const parts[] = { "principals.d", "keys.d",
		"groups.d", "policies.d" };
	const char *keys = argc == 3 ? argv[2] : NULL;
	char *folder;
	size_t count;

	bench_must(argc == 3, "fill STORE COUNT KEYS");
	count = bench_number(argv[1]);
	bench_must((folder = strdup(argv[0])) != NULL &&
	    strrchr(folder, '/') != NULL, "STORE is a path");
	*strrchr(folder, '/') = '\0';
	(void)umask(022);
	make_folder(folder, "");
	make_folder(keys, "");
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		make_folder(folder, parts[i]);
	put(folder, "firstops.yaml", 0644, config);
	put(folder, "policies.d/logins.yaml", 0644, policy);
	put(folder, "groups.d/agents.yaml", 0644, group);
	put(folder, "groups.d/default.yaml", 0644, "---\nversion: 1\n"
	    "group: default\ndescription: Everybody\npolicies: []\n...\n");
	for (size_t i = 0; i < count; i++) {
		put_agent(folder, keys, i, count > LAB_KEYS ?
		    count / LAB_KEYS : 1);
		if (isatty(STDERR_FILENO) && (i + 1) % 50000 == 0)
			(void)fprintf(stderr, "%zu of %zu principals\r", i + 1,
			    count);
	}
	free(folder);
	return 0;
}

/* ---- keys and proofs -------------------------------------------------- */

static void
load_keys(struct lab *lab, const char *keys)
{
	char *path = NULL;

	for (lab->keys_count = 0; lab->keys_count < LAB_KEYS;
	    lab->keys_count++) {
		bench_must(asprintf(&path, "%s/%zu.pem", keys,
		    lab->keys_count) > 0, "no memory");
		if (access(path, F_OK) != 0) {
			free(path);
			break;
		}
		bench_must(fo_key_load(path, NULL, NULL, NULL,
		    &lab->keys[lab->keys_count]) == FO_OK, path);
		free(path);
	}
	bench_must(lab->keys_count > 0, "there are no keys; fill first");
}

char *
lab_sign(const struct fo_key *key)
{
	const struct fo_request request = { .htm = FO_HTM_PAM,
		.htu = LAB_HTU, .iat = time(NULL) };
	char *proof = NULL;

	bench_must(fo_proof_sign(key, &request, &proof) == FO_OK,
	    "a proof cannot be signed");
	return proof;
}

static void
drop_proofs(struct lab *lab)
{
	for (size_t i = 0; i < lab->proofs_count; i++)
		fo_proof_text_free(&lab->proofs[i]);
	free(lab->proofs);
	lab->proofs = NULL;
	lab->proofs_count = 0;
}

void
lab_stock(struct lab *lab, size_t count, size_t keys_used)
{
	struct fo_key *stranger = NULL;

	drop_proofs(lab);
	if (keys_used > lab->keys_count)
		keys_used = lab->keys_count;
	if (keys_used == 0)
		bench_must(fo_key_generate(&stranger) == FO_OK, "no key");
	lab->proofs = calloc(count, sizeof(*lab->proofs));
	bench_must(lab->proofs != NULL, "no memory");
	for (size_t i = 0; i < count; i++)
		lab->proofs[i] = lab_sign(keys_used == 0 ? stranger :
		    lab->keys[i % keys_used]);
	lab->proofs_count = count;
	fo_key_free(&stranger);
}

/* ---- the lab ---------------------------------------------------------- */

/* A folder of used proofs that is new takes none from before its birth. */
static void
ripen(const struct fo_config *conf)
{
	struct fo_diag diag = { "" };
	int64_t since = 0;

	if (fo_replay_make(conf->replay_folder, geteuid(), getegid(),
	    &fo_clock_system, &diag) != FO_OK ||
	    fo_replay_check(conf->replay_folder, geteuid(), &fo_clock_system,
	    &diag, &since) != FO_OK)
		bench_die("%s", diag.text);
	while (time(NULL) <= since + 2) /* and the store's files are ripe */
		(void)usleep(100000);
}

void
lab_open(struct lab *lab, const char *store, const char *keys)
{
	struct fo_diag diag = { "" };

	*lab = (struct lab){ .keep = FO_KEEP_NONE };
	if (fo_store_new(store, &diag, &lab->store) != FO_OK ||
	    fo_store_config(lab->store, &diag, &lab->config) != FO_OK)
		bench_die("%s", diag.text);
	bench_must(fo_verifier_new(&lab->verifier) == FO_OK &&
	    fo_store_keep(lab->store) == FO_OK, "no memory");
	load_keys(lab, keys);
	ripen(lab->config);
	/* once more, now that it is old enough to be kept */
	fo_config_free(&lab->config);
	if (fo_store_config(lab->store, &diag, &lab->config) != FO_OK)
		bench_die("%s", diag.text);
	lab->authority = (struct fo_authority) {
		.store = lab->store,
		.config = lab->config,
		.clock = &fo_clock_system,
		.verifier = lab->verifier,
		.audit_tag = "bench",
		.audit_socket = FO_AUDIT_SOCKET,
		.keep = &lab->keep,
	};
}

void
lab_close(struct lab *lab)
{
	drop_proofs(lab);
	for (size_t i = 0; i < lab->keys_count; i++)
		fo_key_free(&lab->keys[i]);
	fo_keep_clear(&lab->keep);
	fo_verifier_free(&lab->verifier);
	fo_config_free(&lab->config);
	fo_store_free(&lab->store);
}

int
bench_sign(int argc, char **argv)
{
	struct lab lab = { .keep = FO_KEEP_NONE };
	char name[32];
	size_t count;

	bench_must(argc == 3, "sign KEYS FOLDER COUNT");
	count = bench_number(argv[2]);
	load_keys(&lab, argv[0]);
	lab_stock(&lab, count, LAB_KEYS);
	make_folder(argv[1], "");
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "%zu", i);
		put(argv[1], name, 0644, lab.proofs[i]);
	}
	lab_close(&lab);
	return 0;
}
