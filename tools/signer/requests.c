/*
 * One request, one answer. Every proof is composed here, of what the request
 * names: nothing that a client wrote is signed as it is.
 */
#include "requests.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <firstops/key.h>
#include <firstops/proof.h>

#include "base/b64url.h"
#include "base/diag.h"
#include "src/json.h"
#include "src/proof.h"
#include "src/signer.h"

#define MEMBERS_MAX 8

/* A request being answered. */
struct asked {
	struct ring *ring;
	const struct fo_json *members;
	bool confirmed;
	struct answer *answer;
	struct fo_diag diag;
};

/* ---- members ------------------------------------------------------------ */

/* A member that is a string, or NULL; *good turns false if it is no string. */
static const char *
text_of(const struct asked *asked, const char *name, bool *good)
{
	const struct fo_json *value = fo_json_member(asked->members, name);
	const char *text = fo_json_string(value);

	if (value != NULL && text == NULL)
		*good = false;
	return text;
}

/* A whole number from 0 to max, 0 if there is none. */
static int64_t
number_of(const struct asked *asked, const char *name, int64_t max,
    bool *good)
{
	const struct fo_json *value = fo_json_member(asked->members, name);
	double real = 0;

	if (value != NULL && (!fo_json_real(value, &real) || !(real >= 0) ||
	    real > (double)max || (double)(int64_t)real < real))
		*good = false;
	return *good ? (int64_t)real : 0;
}

static fo_err
misunderstood(struct asked *asked, const char *what)
{
	fo_diag_set(&asked->diag, "the request cannot be understood: %s",
	    what);
	return FO_ERR_FORMAT;
}

/* ---- sign --------------------------------------------------------------- */

static bool
is_ath(const char *ath)
{
	unsigned char bytes[FO_SHA256_BYTES];
	size_t len = 0;

	return ath == NULL || (fo_b64url_decode(ath, strlen(ath), bytes,
	    sizeof(bytes), &len) == FO_OK && len == sizeof(bytes));
}

/* What a person is shown; nothing of it can steer a terminal. */
static void
set_prompt(struct asked *asked, const struct held *held, const char *htm,
    const char *htu)
{
	struct fo_diag line = { "" };

	fo_diag_set(&line, "Let %s %.16s sign %s %s?",
	    held->name[0] != '\0' ? held->name : "the key", held->jkt, htm,
	    htu);
	(void)snprintf(asked->answer->prompt, PROMPT_SIZE, "%s", line.text);
}

static fo_err
choose(struct asked *asked, const char *jkt, const char *htu,
    const struct held **ret_held)
{
	const struct held *held = ring_find(asked->ring, jkt);

	if (held == NULL) {
		fo_diag_set(&asked->diag, "it has no %skey: fo signer add",
		    jkt != NULL ? "such " : "");
		return FO_ERR_NOT_FOUND;
	}
	if (!ring_allows(held, htu)) {
		fo_diag_set(&asked->diag, "the key %.16s may not sign for "
		    "this target", held->jkt);
		return FO_ERR_REFUSED;
	}

	*ret_held = held;
	return FO_OK;
}

static fo_err
op_sign(struct asked *asked)
{
	bool good = true;
	const char *jkt = text_of(asked, "jkt", &good);
	const char *ath = text_of(asked, "ath", &good);
	const struct fo_request request = {
		.htm = text_of(asked, "htm", &good),
		.htu = text_of(asked, "htu", &good),
		.nonce = text_of(asked, "nonce", &good),
		.iat = time(NULL),
		.max_bytes = (size_t)number_of(asked, "max_bytes",
		    FO_PROOF_MAX_BYTES, &good),
		.diag = &asked->diag,
	};
	const struct held *held = NULL;
	char *proof = NULL;
	fo_err r;

	if (!good || request.htm == NULL || request.htu == NULL ||
	    !is_ath(ath))
		return misunderstood(asked, "sign wants htm and htu");
	if ((r = choose(asked, jkt, request.htu, &held)) != FO_OK)
		return r;
	if (held->confirm && !asked->confirmed) {
		set_prompt(asked, held, request.htm, request.htu);
		return FO_OK;
	}
	if ((r = fo_proof_compose(held->key, &request, ath, &proof)) != FO_OK)
		return r;
	fo_buf_addf(&asked->answer->text, ",\"proof\":\"%s\"", proof);
	fo_proof_text_free(&proof);

	return FO_OK;
}

/* ---- the others --------------------------------------------------------- */

static void
add_key(struct fo_buf *text, const struct held *held)
{
	char x[FO_B64URL_LEN(FO_COORD_BYTES) + 1];
	char y[FO_B64URL_LEN(FO_COORD_BYTES) + 1];
	const int64_t left = held->ends_ms == 0 ? 0 :
	    (held->ends_ms - ring_now() + 999) / 1000;

	fo_b64url_encode(held->jwk.x, FO_COORD_BYTES, x);
	fo_b64url_encode(held->jwk.y, FO_COORD_BYTES, y);
	fo_buf_addf(text, "{\"jkt\":\"%s\",\"x\":\"%s\",\"y\":\"%s\","
	    "\"name\":\"%s\",\"targets\":\"%s\",\"lifetime_s\":%" PRId64
	    ",\"confirm\":%s}", held->jkt, x, y, held->name, held->targets,
	    left, held->confirm ? "true" : "false");
}

static fo_err
op_list(struct asked *asked)
{
	struct fo_buf *text = &asked->answer->text;
	const struct ring *ring = asked->ring;

	fo_buf_addf(text, ",\"locked\":%s,\"keys\":[",
	    ring->locked ? "true" : "false");
	for (size_t i = 0; !ring->locked && i < ring->count; i++) {
		fo_buf_adds(text, i > 0 ? "," : "");
		add_key(text, &ring->keys[i]);
	}
	fo_buf_adds(text, "]");

	return FO_OK;
}

static fo_err
op_add(struct asked *asked)
{
	bool good = true;
	const char *pem = text_of(asked, "pem", &good);
	const struct fo_signer_terms terms = {
		.name = text_of(asked, "name", &good),
		.targets = text_of(asked, "targets", &good),
		.lifetime_s = number_of(asked, "lifetime_s", INT32_MAX,
		    &good),
		.confirm = fo_json_is_true(fo_json_member(asked->members,
		    "confirm")),
	};
	char jkt[FO_JKT_SIZE];
	struct fo_key *key = NULL;
	fo_err r;

	if (!good || pem == NULL)
		return misunderstood(asked, "add wants pem");
	/* what a TPM wrapped needs its provider, which is loaded at start only */
	if (strstr(pem, "-----BEGIN TSS2") != NULL) {
		fo_diag_set(&asked->diag, "a TPM's key is given to the signer "
		    "when it starts: fo-signer --load FILE");
		return FO_ERR_BAD_KEY;
	}
	if ((r = fo_key_from_pem(pem, strlen(pem), NULL, NULL, &asked->diag,
	    &key)) != FO_OK ||
	    (r = ring_add(asked->ring, &key, &terms, &asked->diag, jkt)) !=
	    FO_OK)
		return r;
	fo_buf_addf(&asked->answer->text, ",\"jkt\":\"%s\"", jkt);

	return FO_OK;
}

static fo_err
op_remove(struct asked *asked)
{
	bool good = true;
	const char *jkt = text_of(asked, "jkt", &good);
	const bool all = fo_json_is_true(fo_json_member(asked->members,
	    "all"));
	fo_err r = FO_OK;

	if (!good || all == (jkt != NULL))
		return misunderstood(asked, "remove wants jkt, or all");
	if (all)
		ring_clear(asked->ring);
	else if ((r = ring_remove(asked->ring, jkt)) == FO_ERR_NOT_FOUND)
		fo_diag_set(&asked->diag, "it has no such key");
	return r;
}

static fo_err
op_lock(struct asked *asked)
{
	bool good = true;
	const char *passphrase = text_of(asked, "passphrase", &good);

	if (!good || passphrase == NULL)
		return misunderstood(asked, "lock wants passphrase");
	return ring_lock(asked->ring, passphrase, &asked->diag);
}

static fo_err
op_unlock(struct asked *asked)
{
	bool good = true;
	const char *passphrase = text_of(asked, "passphrase", &good);

	if (!good || passphrase == NULL)
		return misunderstood(asked, "unlock wants passphrase");
	return ring_unlock(asked->ring, passphrase, &asked->diag);
}

/* ---- which one ---------------------------------------------------------- */

static const struct op {
	const char *name;
	fo_err (*run)(struct asked *asked);
	bool while_locked;
	const char *members[MEMBERS_MAX]; /* NULL at end */
} ops[] = {
	{ "sign", op_sign, false,
	    { "op", "jkt", "htm", "htu", "nonce", "ath", "max_bytes" } },
	{ "list", op_list, true, { "op" } },
	{ "add", op_add, false,
	    { "op", "pem", "name", "targets", "lifetime_s", "confirm" } },
	{ "remove", op_remove, false, { "op", "jkt", "all" } },
	{ "lock", op_lock, true, { "op", "passphrase" } },
	{ "unlock", op_unlock, true, { "op", "passphrase" } },
};

static const struct op *
op_of(const struct fo_json *members)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (fo_json_equals(fo_json_member(members, "op"),
		    ops[i].name))
			return &ops[i];
	}

	return NULL;
}

static fo_err
run(struct asked *asked)
{
	const struct op *op = op_of(asked->members);

	if (op == NULL)
		return misunderstood(asked, "op is none of sdk/PROTOCOL.md");
	if (fo_json_stranger(asked->members, op->members) != NULL)
		return misunderstood(asked, "it has a member too many");
	if (asked->ring->locked && !op->while_locked) {
		fo_diag_set(&asked->diag, "it is locked: fo signer unlock");
		return FO_ERR_LOCKED;
	}
	(void)ring_expire(asked->ring);

	return op->run(asked);
}

void
answer_refusal(fo_err why, const char *error, struct answer *answer)
{
	fo_buf_clear(&answer->text);
	fo_buf_init(&answer->text, FO_SIGNER_MESSAGE_MAX);
	fo_buf_addf(&answer->text, "{\"ok\":false,\"why\":\"%s\",\"error\":",
	    fo_err_word(why));
	if (fo_json_add_string(&answer->text, error) == FO_ERR_FORMAT)
		fo_buf_adds(&answer->text, "\"\"");
	fo_buf_adds(&answer->text, "}");
	answer->last = why == FO_ERR_FORMAT;
}

void
answer_request(struct ring *ring, const char *text, size_t len,
    bool confirmed, struct answer *answer)
{
	struct asked asked = { .ring = ring, .confirmed = confirmed,
		.answer = answer };
	struct fo_json *root = NULL;
	fo_err r;

	*answer = (struct answer){ .last = false };
	fo_buf_init(&answer->text, FO_SIGNER_MESSAGE_MAX);
	fo_buf_adds(&answer->text, "{\"ok\":true");
	r = fo_json_parse(text, len, "the request", &asked.diag, &root);
	asked.members = root;
	if (r == FO_OK)
		r = run(&asked);
	fo_buf_adds(&answer->text, "}");
	if (r == FO_OK)
		r = answer->text.err;
	if (r != FO_OK)
		answer_refusal(r, asked.diag.text[0] != '\0' ?
		    asked.diag.text : fo_err_text(r), answer);
	fo_json_free(&root);
}
