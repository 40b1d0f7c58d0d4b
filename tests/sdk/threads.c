/*
 * Threads that sign with one key, check each other's proofs, and ask for
 * words at once: for ThreadSanitizer, which ends the program if two of them
 * meet in a place of the library's.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <firstops/firstops.h>

#define THREADS 8
#define ROUNDS 40
#define HTU "https://api.example.com/builds"

static struct fo_key *key;

static void
need(int ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "threads: %s\n", what);
		abort();
	}
}

static void
check(const char *proof, struct fo_verifier *verifier)
{
	const struct fo_expect want = { .htm = "GET", .htu = HTU,
		.nonce_rule = FO_NONCE_IGNORE, .now = (int64_t)time(NULL),
		.max_age_s = FO_MAX_AGE_S, .clock_skew_s = FO_CLOCK_SKEW_S,
		.verifier = verifier };
	char jkt[FO_JKT_SIZE];
	struct fo_proof *parsed = NULL;

	need(fo_proof_verify(proof, strlen(proof), &want, &parsed) == FO_OK,
	    "verify");
	need(fo_key_thumbprint(key, jkt) == FO_OK, "thumbprint");
	need(strcmp(fo_proof_jkt(parsed), jkt) == 0, "the key");
	fo_proof_free(&parsed);
}

static void *
work(void *arg)
{
	struct fo_verifier *verifier = NULL;
	struct fo_diag diag;

	need(fo_verifier_new(&verifier) == FO_OK, "verifier");
	for (int i = 0; i < ROUNDS; i++) {
		const struct fo_request req = { .htm = "GET", .htu = HTU,
			.iat = (int64_t)time(NULL), .diag = &diag };
		char *proof = NULL, nonce[FO_NONCE_SIZE];

		need(fo_proof_sign(key, &req, &proof) == FO_OK, "sign");
		/* with and without something that is kept */
		check(proof, i % 8 == 0 ? NULL : verifier);
		fo_proof_text_free(&proof);
		need(fo_nonce_new(nonce) == FO_OK, "nonce");
		need(fo_err_word((fo_err)-i)[0] != '\0', "word");
	}
	fo_verifier_free(&verifier);
	return arg;
}

int
main(void)
{
	pthread_t threads[THREADS];

	need(fo_key_generate(&key) == FO_OK, "key");
	for (int i = 0; i < THREADS; i++)
		need(pthread_create(&threads[i], NULL, work, NULL) == 0,
		    "thread");
	for (int i = 0; i < THREADS; i++)
		need(pthread_join(threads[i], NULL) == 0, "join");
	fo_key_free(&key);
	puts("done");
	return 0;
}
