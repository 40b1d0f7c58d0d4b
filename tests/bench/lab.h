/*
 * What the rows are measured with: a store on this host, keys of some of its
 * principals, and fresh proofs by them.
 */
#ifndef TESTS_BENCH_LAB_H
#define TESTS_BENCH_LAB_H

#include <stddef.h>

#include <firstops/key.h>

#include "host/decision.h"

/* So many of a store's principals have keys here. */
#define LAB_KEYS 100
#define LAB_HTU "pam://bastion/bench/deploy"

struct lab {
	struct fo_store *store;
	struct fo_config *config;
	struct fo_verifier *verifier;
	struct fo_keep keep;
	struct fo_authority authority;
	struct fo_key *keys[LAB_KEYS];
	size_t keys_count;
	char **proofs;
	size_t proofs_count;
};

/* store is the path of a firstops.yaml. Waits until proofs are accepted. */
void lab_open(struct lab *lab, const char *store, const char *keys);
void lab_close(struct lab *lab);

/* A fresh proof for LAB_HTU. The caller frees with fo_proof_text_free. */
char *lab_sign(const struct fo_key *key);
/*
 * Proofs for the next operations, by keys_used keys in turn (0: by a key
 * that no principal has). Those from before are freed.
 */
void lab_stock(struct lab *lab, size_t count, size_t keys_used);

#endif
