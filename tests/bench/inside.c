/*
 * The rows of one process. A and B are done in turn, a few of each at a time,
 * so that what the machine does besides falls on both.
 */
#include <sys/wait.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cjose/cjose.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include <firstops/proof.h>
#include <firstops/target.h>

#include "bench.h"
#include "host/decide.h"
#include "lab.h"
#include "src/jwk.h"

#define CHUNK 10
#define CHUNKS 40
#define COUNT (CHUNK * CHUNKS)
#define DER_SIG_MAX 80

/* Something whose cost is known: OpenSSL alone, with all made ready. */
struct raw {
	EVP_PKEY *key;
	EVP_PKEY_CTX *verifying;
	EVP_MD_CTX *signing;
	EVP_MD *sha256;
	unsigned char digest[32];
	unsigned char sig[DER_SIG_MAX];
	size_t sig_len;
	char input[380];	/* as long as what a proof signs */
};

struct bench {
	struct lab lab;
	struct raw raw;
	char *jwks[LAB_KEYS];	/* for cjose, which imports one each time */
};

/* One operation; i counts them in a round. */
typedef void op(struct bench *b, size_t i);

/* ---- OpenSSL alone ----------------------------------------------------- */

static void
raw_open(struct raw *raw)
{
	*raw = (struct raw){ .sig_len = DER_SIG_MAX };
	memset(raw->input, 'A', sizeof(raw->input));
	raw->key = EVP_EC_gen("P-256");
	raw->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	raw->signing = EVP_MD_CTX_new();
	bench_must(raw->key != NULL && raw->sha256 != NULL &&
	    raw->signing != NULL, "OpenSSL makes no key");
	bench_must(EVP_Digest(raw->input, sizeof(raw->input), raw->digest,
	    NULL, raw->sha256, NULL) == 1, "OpenSSL does not hash");
	raw->verifying = EVP_PKEY_CTX_new(raw->key, NULL);
	bench_must(raw->verifying != NULL &&
	    EVP_PKEY_sign_init(raw->verifying) == 1 &&
	    EVP_PKEY_sign(raw->verifying, raw->sig, &raw->sig_len,
	    raw->digest, sizeof(raw->digest)) == 1 &&
	    EVP_PKEY_verify_init(raw->verifying) == 1 &&
	    EVP_DigestSignInit_ex(raw->signing, NULL, "SHA256", NULL, NULL,
	    raw->key, NULL) == 1, "OpenSSL does not sign");
}

static void
raw_close(struct raw *raw)
{
	EVP_PKEY_CTX_free(raw->verifying);
	EVP_MD_CTX_free(raw->signing);
	EVP_MD_free(raw->sha256);
	EVP_PKEY_free(raw->key);
}

static void
raw_verify(struct bench *b, size_t i)
{
	(void)i;
	bench_must(EVP_PKEY_verify(b->raw.verifying, b->raw.sig,
	    b->raw.sig_len, b->raw.digest, sizeof(b->raw.digest)) == 1,
	    "OpenSSL does not verify");
}

static void
raw_sign(struct bench *b, size_t i)
{
	unsigned char sig[DER_SIG_MAX];
	size_t len = sizeof(sig);

	(void)i;
	/* begins again with the key and the digest that it has */
	bench_must(EVP_DigestSignInit_ex(b->raw.signing, NULL, NULL, NULL,
	    NULL, NULL, NULL) == 1 &&
	    EVP_DigestSign(b->raw.signing, sig, &len,
	    (const unsigned char *)b->raw.input, sizeof(b->raw.input)) == 1,
	    "OpenSSL does not sign");
}

/* ---- cjose: import, import of the key, signature ----------------------- */

/* {"kty":"EC",...} as it stands in a proof's header. */
static char *
jwk_of(const struct fo_key *key)
{
	char text[FO_JWK_TEXT_LEN + 1], *copy;
	struct fo_jwk jwk;

	bench_must(fo_key_jwk(key, &jwk) == FO_OK, "no JWK");
	fo_jwk_write(&jwk, text);
	bench_must((copy = strdup(text)) != NULL, "no memory");
	return copy;
}

static void
cjose_verify(struct bench *b, size_t i)
{
	const char *proof = b->lab.proofs[i];
	const char *text = b->jwks[i % b->lab.keys_count];
	cjose_err err;
	cjose_jws_t *jws = cjose_jws_import(proof, strlen(proof), &err);
	cjose_jwk_t *jwk = cjose_jwk_import(text, strlen(text), &err);

	bench_must(jws != NULL && jwk != NULL &&
	    cjose_jws_verify(jws, jwk, &err), "cjose does not verify");
	cjose_jwk_release(jwk);
	cjose_jws_release(jws);
}

/* ---- ours -------------------------------------------------------------- */

static void
verify(struct bench *b, size_t i)
{
	const struct fo_expect want = { .htm = FO_HTM_PAM, .htu = LAB_HTU,
		.nonce_rule = FO_NONCE_AUTO, .now = time(NULL),
		.max_age_s = FO_MAX_AGE_LIMIT_S,
		.verifier = b->lab.verifier };
	const char *text = b->lab.proofs[i];
	struct fo_proof *proof = NULL;

	bench_must(fo_proof_verify(text, strlen(text), &want, &proof) ==
	    FO_OK, "a proof is refused");
	fo_proof_free(&proof);
}

static void
sign(struct bench *b, size_t i)
{
	char *proof = lab_sign(b->lab.keys[0]);

	(void)i;
	fo_proof_text_free(&proof);
}

static fo_err
decide_with(const struct fo_authority *authority, const char *proof,
    struct fo_decision *decision)
{
	const struct fo_attempt attempt = { .proof = proof,
		.proof_len = strlen(proof), .service = "bench",
		.account = "deploy", .rhost = "198.51.100.7", .tty = "ssh" };

	return fo_decide(authority, &attempt, decision);
}

static void
decide(struct bench *b, size_t i)
{
	struct fo_decision decision;

	bench_must(fo_store_config_holds(b->lab.store),
	    "the configuration is not kept");
	if (decide_with(&b->lab.authority, b->lab.proofs[i], &decision) !=
	    FO_OK)
		bench_die("refused: %s", decision.diag.text);
}

static void
decide_unknown(struct bench *b, size_t i)
{
	struct fo_decision decision;

	bench_must(decide_with(&b->lab.authority, b->lab.proofs[i],
	    &decision) == FO_ERR_UNKNOWN_KEY, "an unknown key is not refused");
}

/* As if this were the first decision of all. */
static void
decide_cold(struct bench *b, size_t i)
{
	struct fo_authority cold = b->lab.authority;
	struct fo_config *config = NULL;
	struct fo_store *store = NULL;
	struct fo_decision decision;

	bench_must(fo_store_new(b->lab.store->config_path, NULL, &store) ==
	    FO_OK && fo_store_config(store, NULL, &config) == FO_OK,
	    "no store");
	cold.store = store;
	cold.config = config;
	cold.verifier = NULL;
	cold.keep = NULL;
	if (decide_with(&cold, b->lab.proofs[i], &decision) != FO_OK)
		bench_die("refused: %s", decision.diag.text);
	fo_config_free(&config);
	fo_store_free(&store);
}

/* ---- measuring --------------------------------------------------------- */

#define ALL_KEYS LAB_KEYS

static const struct row {
	const char *name;
	const char *against;
	op *ours;
	op *other;
	size_t keys;		/* that sign the proofs; 0: a stranger's */
} rows[] = {
	{ "verify", "raw", verify, raw_verify, ALL_KEYS },
	{ "verify, key seen", "raw", verify, raw_verify, 1 },
	{ "decision, warm", "raw", decide, raw_verify, ALL_KEYS },
	{ "decision, cold caches", "raw", decide_cold, raw_verify, ALL_KEYS },
	{ "unknown key", "raw", decide_unknown, raw_verify, 0 },
	{ "sign", "raw", sign, raw_sign, ALL_KEYS },
};

/* A proof is spent once, so cjose gets those that have been. */
static const struct row against_cjose = { "decision, warm", "cjose", decide,
	cjose_verify, ALL_KEYS };

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static int64_t
timed(struct bench *b, op *what, size_t from)
{
	const int64_t start = bench_now();

	for (size_t i = from; i < from + CHUNK; i++)
		what(b, i);
	return bench_now() - start;
}

/* "row<TAB>against<TAB>ours ns<TAB>other's ns", a line for each round. */
static void
measure(struct bench *b, const struct row *row, size_t rounds)
{
	for (size_t n = 0; n <= rounds; n++) {
		int64_t ours = 0, other = 0;

		lab_stock(&b->lab, COUNT, row->keys);
		for (size_t i = 0; i < COUNT; i += 2 * CHUNK) {
			ours += timed(b, row->ours, i);
			other += timed(b, row->other, i);
			other += timed(b, row->other, i + CHUNK);
			ours += timed(b, row->ours, i + CHUNK);
		}
		if (n > 0) /* the first warms up */
			printf("%s\t%s\t%lld\t%lld\n", row->name,
			    row->against, (long long)(ours / COUNT),
			    (long long)(other / COUNT));
	}
	bench_must(fflush(stdout) == 0, "no output");
}

static void
bench_open(struct bench *b, const char *store, const char *keys)
{
	lab_open(&b->lab, store, keys);
	raw_open(&b->raw);
	for (size_t i = 0; i < b->lab.keys_count; i++)
		b->jwks[i] = jwk_of(b->lab.keys[i]);
}

static void
bench_close(struct bench *b)
{
	for (size_t i = 0; i < b->lab.keys_count; i++)
		free(b->jwks[i]);
	raw_close(&b->raw);
	lab_close(&b->lab);
}

int
bench_inside(int argc, char **argv)
{
	struct bench b = { .jwks = { NULL } };
	size_t rounds;

	bench_must(argc == 3, "inside STORE KEYS ROUNDS");
	rounds = bench_number(argv[2]);
	bench_open(&b, argv[0], argv[1]);
	for (size_t i = 0; i < ROWS; i++)
		measure(&b, &rows[i], rounds);
	measure(&b, &against_cjose, rounds);
	bench_close(&b);
	return 0;
}

/* ---- counting ---------------------------------------------------------- */

/* callgrind collects in here alone. */
__attribute__((noinline)) void counted_region(struct bench *b, op *what,
    size_t count);

void
counted_region(struct bench *b, op *what, size_t count)
{
	for (size_t i = 0; i < count; i++)
		what(b, i);
}

int
bench_counted(int argc, char **argv)
{
	static const struct {
		const char *name;
		op *what;
	} known[] = { { "verify", verify }, { "sign", sign },
	    { "decide", decide } };
	struct bench b = { .jwks = { NULL } };
	bool done = false;
	size_t count;

	bench_must(argc == 4, "counted STORE KEYS WHAT COUNT");
	count = bench_number(argv[3]);
	bench_open(&b, argv[0], argv[1]);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].name, argv[2]) != 0)
			continue;
		lab_stock(&b.lab, count, LAB_KEYS);
		for (size_t n = 0; n < count; n++) /* warm */
			known[i].what(&b, n);
		lab_stock(&b.lab, count, LAB_KEYS);
		counted_region(&b, known[i].what, count);
		done = true;
	}
	bench_close(&b);
	bench_must(done, "there is no such WHAT");
	return 0;
}

/* ---- many at once ------------------------------------------------------- */

/* A child: get ready, say so, wait for the start, decide. */
static _Noreturn void
contend(struct bench *b, int ready, int start)
{
	char byte = 0;

	lab_stock(&b->lab, COUNT, ALL_KEYS);
	for (size_t i = 0; i < LAB_KEYS; i++) /* warm */
		decide(b, i);
	bench_must(write(ready, &byte, 1) == 1 && read(start, &byte, 1) == 0,
	    "no start");
	for (size_t i = LAB_KEYS; i < COUNT; i++)
		decide(b, i);
	_exit(0);
}

/* Decisions a second, by so many processes. */
static double
contest(struct bench *b, size_t processes)
{
	int ready[2], start[2];
	int64_t began;
	char byte;

	bench_must(pipe(ready) == 0 && pipe(start) == 0, "no pipe");
	for (size_t i = 0; i < processes; i++) {
		const pid_t pid = fork();

		bench_must(pid >= 0, "no process");
		if (pid == 0) {
			(void)close(start[1]);
			contend(b, ready[1], start[0]);
		}
	}
	for (size_t i = 0; i < processes; i++)
		bench_must(read(ready[0], &byte, 1) == 1, "none is ready");
	began = bench_now();
	(void)close(start[1]);
	for (size_t i = 0; i < processes; i++) {
		int status = 1;

		bench_must(wait(&status) > 0 && status == 0,
		    "a process failed");
	}
	(void)close(start[0]);
	(void)close(ready[0]);
	(void)close(ready[1]);

	return (double)processes * (COUNT - LAB_KEYS) * 1e9 /
	    (double)(bench_now() - began);
}

/* "one's decisions a second<TAB>those of all", a line for each round. */
int
bench_parallel(int argc, char **argv)
{
	struct bench b = { .jwks = { NULL } };
	size_t rounds, processes;

	bench_must(argc == 4, "parallel STORE KEYS ROUNDS PROCESSES");
	rounds = bench_number(argv[2]);
	processes = bench_number(argv[3]);
	bench_open(&b, argv[0], argv[1]);
	for (size_t n = 0; n < rounds; n++) {
		const double one = contest(&b, 1);

		printf("%.0f\t%.0f\n", one, contest(&b, processes));
		bench_must(fflush(stdout) == 0, "no output");
	}
	bench_close(&b);
	return 0;
}
