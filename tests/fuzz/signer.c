/*
 * Requests to the signer, one a line, after a line of the terms on which it
 * holds a key: what it answers is one object that says whether it was done; a
 * proof is by a key that it holds, for a target that the key is for, and, if
 * the person is to be asked, only after a yes.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <firstops/proof.h>
#include <firstops/target.h>

#include "reference.h"
#include "sign.h"
#include "signer/requests.h"
#include "src/signer.h"
#include "support/forge.h"

static const char pattern[] = "https://a.example/public/*";

/* A letter for each of the terms: "c" asks, "t" is for the pattern alone. */
static void
hold(struct ring *ring, const char *letters, size_t len)
{
	const bool held = fuzz_faults_hold();
	const struct fo_signer_terms terms = {
		.confirm = memchr(letters, 'c', len) != NULL,
		.targets = memchr(letters, 't', len) != NULL ? pattern : NULL,
	};
	struct fo_key *key = forge_key();
	char jkt[FO_JKT_SIZE];

	NEED(ring_add(ring, &key, &terms, NULL, jkt) == FO_OK);
	fuzz_faults_release(held);
}

static const char *
member(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* Its htu, where it is the one that was held from the start. */
static void
check_target(const struct held *held, const char *htu)
{
	char *plain = NULL;

	if (strcmp(held->targets, pattern) != 0)
		return;
	NEED(fo_target_normalise(htu, &plain) == FO_OK);
	NEED(reference_glob(pattern, plain));
	free(plain);
}

static void
check_proof(const struct ring *ring, const char *text, const char *agreed)
{
	struct fo_proof *proof = NULL;
	const struct held *held;

	NEED(!ring->locked);
	NEED(fo_proof_parse(text, strlen(text), NULL, &proof) == FO_OK);
	NEED((held = ring_find(ring, fo_proof_jkt(proof))) != NULL);
	NEED(!held->confirm || (agreed != NULL &&
	    memmem(agreed, strlen(agreed), held->jkt, 16) != NULL));
	check_target(held, fo_proof_htu(proof));
	fo_proof_free(&proof);
}

static void
check_answer(const struct ring *ring, const struct answer *answer,
    const char *agreed)
{
	const bool held = fuzz_faults_hold();
	const char *why, *proof;
	bool ok;
	json_t *root;

	NEED(answer->text.len <= FO_SIGNER_MESSAGE_MAX);
	root = json_loadb(answer->text.data, answer->text.len,
	    JSON_REJECT_DUPLICATES, NULL);
	NEED(json_is_object(root));
	NEED(json_is_boolean(json_object_get(root, "ok")));
	ok = json_is_true(json_object_get(root, "ok"));
	why = member(root, "why");
	NEED(ok == (why == NULL) && ok == (member(root, "error") == NULL));
	NEED(answer->last == (why != NULL && strcmp(why, "format") == 0));
	NEED(ok || strcmp(why, "ok") != 0);
	proof = member(root, "proof");
	NEED(answer->prompt[0] == '\0' || (ok && proof == NULL));
	if (proof != NULL)
		check_proof(ring, proof, agreed);
	json_decref(root);
	fuzz_faults_release(held);
}

static void
ask(struct ring *ring, const char *text, size_t len)
{
	const struct ring before = *ring;
	char agreed[PROMPT_SIZE];
	struct answer answer;

	answer_request(ring, text, len, NULL, &answer);
	if (answer.text.err == FO_OK)
		check_answer(ring, &answer, NULL);
	else
		NEED(fuzz_faulted());
	memcpy(agreed, answer.prompt, sizeof(agreed));
	fo_buf_clear(&answer.text);
	if (agreed[0] != '\0') {
		NEED(strlen(agreed) < sizeof(agreed));
		answer_request(ring, text, len, agreed, &answer);
		if (answer.text.err == FO_OK)
			check_answer(ring, &answer, agreed);
		NEED(answer.prompt[0] == '\0' || fuzz_faulted());
		fo_buf_clear(&answer.text);
	}
	NEED(ring->count <= FO_SIGNER_KEYS_MAX);
	NEED(!before.locked || !ring->locked || ring->count == before.count);
}

void
fuzz_on_signer(const uint8_t *data, size_t size)
{
	struct ring ring = { .count = 0 };
	const char *at = (const char *)data, *const end = at + size;
	const char *line;

	line = size > 0 ? memchr(at, '\n', size) : NULL;
	hold(&ring, at, line != NULL ? (size_t)(line - at) : size);
	while (line != NULL) {
		at = line + 1;
		line = memchr(at, '\n', (size_t)(end - at));
		ask(&ring, at, (size_t)((line != NULL ? line : end) - at));
	}
	ring_clear(&ring);
}
