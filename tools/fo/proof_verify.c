/*
 * fo proof verify: is this proof one for this request?
 */
#include "proof_verify.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/wipe.h"
#include "host/clock.h"
#include "host/names.h"

#include "file.h"
#include "json.h"
#include "options.h"
#include "out.h"

enum { OPT_HTM, OPT_HTU, OPT_JKT, OPT_NONCE, OPT_TOKEN, OPT_AT, OPT_AGE,
    OPT_SKEW, OPT_BATCH };

static const struct verb_option options[] = {
	[OPT_HTM] = { "htm", "METHOD", "the request's method (required)" },
	[OPT_HTU] = { "htu", "URI", "the request's target (required)" },
	[OPT_JKT] = { "jkt", "THUMBPRINT", "accept this key only" },
	[OPT_NONCE] = { "nonce", "NONCE", "the nonce that was issued, which"
	    " the proof must carry" },
	[OPT_TOKEN] = { "access-token", "TOKEN", "the access token that came"
	    " along" },
	[OPT_AT] = { "at", "SECONDS", "judge as of this time since 1970;"
	    " default now" },
	[OPT_AGE] = { "max-age", "SECONDS", "how old it may be; default 60,"
	    " at most 300" },
	[OPT_SKEW] = { "clock-skew", "SECONDS", "how far ahead; default 15,"
	    " at most 60" },
	[OPT_BATCH] = { "batch", NULL, "many proofs, one JSON object a line" },
	{ NULL, NULL, NULL }
};

/* More than any proof; what is longer is not read to its end. */
#define INPUT_MAX_BYTES 65536

static fo_err
check_question(const struct question *question, struct fo_diag *diag)
{
	if (question->jkt != NULL && !fo_jkt_ok(question->jkt)) {
		fo_diag_set(diag, "jkt: not a thumbprint; it is 43 of"
		    " A-Z a-z 0-9 - _");
		return FO_ERR_ARG;
	}
	if (question->max_age_s > FO_MAX_AGE_LIMIT_S) {
		fo_diag_set(diag, "max_age: at most %d seconds",
		    FO_MAX_AGE_LIMIT_S);
		return FO_ERR_ARG;
	}
	if (question->clock_skew_s > FO_CLOCK_SKEW_LIMIT_S) {
		fo_diag_set(diag, "clock_skew: at most %d seconds",
		    FO_CLOCK_SKEW_LIMIT_S);
		return FO_ERR_ARG;
	}

	return FO_OK;
}

/*
 * A nonce that is given must be in the proof. Without one none was issued,
 * and what the proof says about it means nothing (RFC 9449 8).
 */
fo_err
proof_judge(const struct question *question, struct fo_verifier *verifier,
    struct fo_diag *diag, char ret_jkt[FO_JKT_SIZE])
{
	struct fo_expect want = {
		.htm = question->htm,
		.htu = question->htu,
		.jkt = question->jkt,
		.nonce_rule = question->nonce != NULL ? FO_NONCE_ALWAYS :
		    FO_NONCE_IGNORE,
		.nonce = question->nonce,
		.access_token = question->access_token,
		.now = question->at,
		.max_age_s = question->max_age_s >= 0 ?
		    question->max_age_s : FO_MAX_AGE_S,
		.clock_skew_s = question->clock_skew_s >= 0 ?
		    question->clock_skew_s : FO_CLOCK_SKEW_S,
		.verifier = verifier,
		.diag = diag,
	};
	struct fo_proof *proof = NULL;
	struct fo_now now;
	fo_err r;

	if ((r = check_question(question, diag)) != FO_OK)
		return r;
	if (want.now < 0) {
		r = fo_clock_system.now(fo_clock_system.arg, &now);
		if (r != FO_OK)
			return r;
		want.now = now.s;
	}
	r = fo_proof_verify(question->proof, question->proof_len, &want,
	    &proof);
	if (r != FO_OK)
		return r;
	memcpy(ret_jkt, fo_proof_jkt(proof), FO_JKT_SIZE);
	fo_proof_free(&proof);

	return FO_OK;
}

/* ---- one proof from standard input ----------------------------------- */

static int
read_seconds(const struct call *call, int option, int64_t max, int64_t *ret)
{
	const char *text = call->option[option];

	*ret = -1;
	if (text == NULL || number_parse(text, 0, max, ret))
		return FO_EXIT_DONE;

	return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--%s %s: must be a"
	    " whole number of seconds from 0 to %lld", options[option].name,
	    text, (long long)max);
}

/* Everything but the proof. */
static int
read_question(const struct call *call, struct question *ret)
{
	int code;

	ret->htm = call->option[OPT_HTM];
	ret->htu = call->option[OPT_HTU];
	ret->jkt = call->option[OPT_JKT];
	ret->nonce = call->option[OPT_NONCE];
	ret->access_token = call->option[OPT_TOKEN];
	if (ret->htm == NULL || ret->htu == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--htm and --htu"
		    " are required: say which request the proof is for");
	if ((code = read_seconds(call, OPT_AT, INT64_MAX, &ret->at)) !=
	    FO_EXIT_DONE ||
	    (code = read_seconds(call, OPT_AGE, FO_MAX_AGE_LIMIT_S,
	    &ret->max_age_s)) != FO_EXIT_DONE)
		return code;

	return read_seconds(call, OPT_SKEW, FO_CLOCK_SKEW_LIMIT_S,
	    &ret->clock_skew_s);
}

static int
print(const struct call *call, fo_err r, const struct fo_diag *diag,
    const char *jkt)
{
	struct json *json;

	if (r != FO_OK)
		return fail(call, exit_of(r), r, "%s: %s", fo_err_word(r),
		    diag->text[0] != '\0' ? diag->text : fo_err_text(r));
	if (!call->json) {
		printf("ok: a valid proof by %s\n", jkt);
		return FO_EXIT_DONE;
	}
	json = json_object_new();
	json_flag(json, "ok", true);
	json_text(json, "why", fo_err_word(r));
	json_text(json, "jkt", jkt);

	return json_print(&json);
}

static bool
only_batch(const struct call *call)
{
	int i;

	for (i = OPT_HTM; i < OPT_BATCH; i++)
		if (call->option[i] != NULL)
			return false;

	return true;
}

static int
run(const struct call *call)
{
	struct question question = { 0 };
	struct fo_diag diag = { "" };
	char jkt[FO_JKT_SIZE] = "", *text = NULL;
	size_t len = 0;
	int code;
	fo_err r;

	if (call->option[OPT_BATCH] != NULL)
		return only_batch(call) ? proof_batch(call) :
		    fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--batch takes no"
		    " other option: each line says for itself what it asks");
	if ((code = read_question(call, &question)) != FO_EXIT_DONE)
		return code;
	r = file_read("-", INPUT_MAX_BYTES, &diag, &text, &len);
	if (r == FO_ERR_TOO_LONG)
		r = FO_ERR_MALFORMED;
	if (r == FO_OK) {
		question.proof = text;
		question.proof_len = line_len(text, len);
		r = proof_judge(&question, NULL, &diag, jkt);
	}
	fo_wipe_free(&text, len);

	return print(call, r, &diag, jkt);
}

const struct verb verb_proof_verify = {
	.name = "proof verify",
	.synopsis = "--htm METHOD --htu URI [options] | --batch",
	.summary = "Check a proof against a request",
	.text =
	    "Read a DPoP proof (RFC 9449) from standard input and say whether"
	    " it is a good one\nfor the request that the options tell. Nothing"
	    " is looked up and nothing remembered:\nwhether its key may do"
	    " this, and whether it was used before, fo verify says.\n\n"
	    "With --batch: one JSON object a line, with the members proof,"
	    " htm, htu and, where\nthey matter, jkt, nonce, access_token, at,"
	    " max_age and clock_skew (numbers). One\nverdict a line comes"
	    " back, in order: {\"ok\":false,\"why\":\"bad_alg\"}. A line that"
	    "\ncannot be understood gets \"why\":\"argument\", and the next"
	    " one is read.\n",
	.example =
	    "  fo proof verify --htm GET --htu https://api.example.com/jobs"
	    " < proof\n",
	.exits =
	    "  0  a good proof; with --batch: every line has been answered\n"
	    "  1  not a good proof; the reason is on standard error\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: no verdict\n",
	.options = options,
	.json = true,
	.run = run,
};
