/*
 * One request, one answer. Every proof is composed here, of what the request
 * names: nothing that a client wrote is signed as it is.
 */
#include "requests.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include <firstops/key.h>
#include <firstops/proof.h>
#include <firstops/target.h>

#include "base/b64url.h"
#include "base/diag.h"
#include "src/json.h"
#include "src/proof.h"
#include "src/signer.h"

#define MEMBERS_MAX 8
#define WHOLE_MAX ((int64_t)1 << 53)	/* every reader holds it exactly */
#define METHOD_SHOWN_MAX 32	/* none of RFC 9110 is longer than 7 */

/* A request being answered. */
struct asked {
	struct ring *ring;
	const struct fo_json *members;
	const char *agreed;	/* what the person said yes to; NULL: nothing */
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

/* A member that is true or false, false if there is none. */
static bool
flag_of(const struct asked *asked, const char *name, bool *good)
{
	const struct fo_json *value = fo_json_member(asked->members, name);
	bool flag = false;

	if (value != NULL && !fo_json_flag(value, &flag))
		*good = false;
	return flag;
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

static bool
has_scheme(const char *htu, const char *scheme_colon)
{
	return strncasecmp(htu, scheme_colon, strlen(scheme_colon)) == 0;
}

/*
 * What a target is taken for where a proof of it is checked. Patterns are held
 * against that, and people are shown it: else "/public/../admin", or a query
 * that is cut before it is signed, would pass for what it is not.
 */
static fo_err
plain_target(const char *htu, char **ret_plain)
{
	struct fo_target *target = NULL;
	fo_err r;

	if (has_scheme(htu, "http:") || has_scheme(htu, "https:"))
		return fo_target_normalise(htu, ret_plain);
	if (!has_scheme(htu, "pam:"))
		return (*ret_plain = strdup(htu)) != NULL ? FO_OK :
		    FO_ERR_NOMEM;
	if ((r = fo_target_parse(htu, &target)) == FO_OK)
		r = fo_target_format(target->host, target->service,
		    target->user, ret_plain);
	fo_target_free(&target);
	return r;
}

/* Nothing that ends a word, steers a terminal or looks like what it is not. */
static bool
is_visible(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text <= ' ' || *text > '~')
			return false;
	}

	return true;
}

/*
 * What a person is asked: the whole of it, or nothing. The target has a line
 * of its own, so that no method or name can pass for it.
 */
static fo_err
set_prompt(struct asked *asked, const struct held *held, const char *htm,
    const char *plain)
{
	char *prompt = asked->answer->prompt;
	int n;

	n = snprintf(prompt, PROMPT_SIZE, "Sign with %s (%.16s)?\n\n%s\n%s\n",
	    held->name[0] != '\0' ? held->name : "the key", held->jkt, htm,
	    plain);
	if (n >= 0 && n < PROMPT_SIZE && is_visible(htm) &&
	    is_visible(plain) && strlen(htm) <= METHOD_SHOWN_MAX)
		return FO_OK;

	prompt[0] = '\0';
	fo_diag_set(&asked->diag, "the person is to be asked, and cannot be "
	    "shown the whole of this target");
	return FO_ERR_REFUSED;
}

/*
 * May the key sign this? Only once the person has agreed to just what would be
 * signed now, with the key that would sign now: while it was being asked, keys
 * may have come and gone.
 */
static fo_err
allow(struct asked *asked, const struct held *held,
    const struct fo_request *request)
{
	char *plain = NULL;
	fo_err r = FO_OK;

	if (held->targets[0] == '\0' && !held->confirm)
		return FO_OK;
	if ((r = plain_target(request->htu, &plain)) != FO_OK &&
	    r != FO_ERR_NOMEM)
		r = FO_ERR_REFUSED;
	if (r == FO_OK && !ring_allows(held, plain))
		r = FO_ERR_REFUSED;
	if (r == FO_ERR_REFUSED)
		fo_diag_set(&asked->diag, "the key %.16s may not sign for "
		    "this target", held->jkt);
	else if (r == FO_OK && held->confirm)
		r = set_prompt(asked, held, request->htm, plain);
	free(plain);
	if (asked->agreed != NULL &&
	    strcmp(asked->agreed, asked->answer->prompt) == 0)
		asked->answer->prompt[0] = '\0';
	return r;
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
		    INT32_MAX, &good),
		.diag = &asked->diag,
	};
	const struct held *held;
	char *proof = NULL;
	fo_err r;

	if (!good || request.htm == NULL || request.htu == NULL ||
	    !is_ath(ath))
		return misunderstood(asked, "sign wants htm and htu, and each "
		    "member to be of its type");
	if ((held = ring_find(asked->ring, jkt)) == NULL) {
		fo_diag_set(&asked->diag, "it has no %skey: fo signer add",
		    jkt != NULL ? "such " : "");
		return FO_ERR_NOT_FOUND;
	}
	if ((r = allow(asked, held, &request)) != FO_OK ||
	    asked->answer->prompt[0] != '\0')
		return r;
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
		.lifetime_s = number_of(asked, "lifetime_s", WHOLE_MAX,
		    &good),
		.confirm = flag_of(asked, "confirm", &good),
	};
	char jkt[FO_JKT_SIZE];
	struct fo_key *key = NULL;
	fo_err r;

	if (!good || pem == NULL)
		return misunderstood(asked, "add wants pem, and each member "
		    "to be of its type");
	/* a TPM's needs a provider, and none is loaded once this runs */
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
	const bool all = flag_of(asked, "all", &good);
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
    const char *agreed, struct answer *answer)
{
	struct asked asked = { .ring = ring, .agreed = agreed,
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
	if (r != FO_OK) {
		answer->prompt[0] = '\0';
		answer_refusal(r, asked.diag.text[0] != '\0' ?
		    asked.diag.text : fo_err_text(r), answer);
	}
	fo_json_free(&root);
}
