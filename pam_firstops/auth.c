/*
 * auth: get what the client offers, tell a proof from a password, and have
 * the proof decided.
 */
#include "phases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <firstops/challenge.h>
#include <firstops/proof.h>
#include <firstops/target.h>

#include "answer.h"
#include "base/wipe.h"
#include "conversation.h"
#include "host/decide.h"
#include "login.h"
#include "report.h"

/* A proof, and the nonce it was asked for with. */
struct offer {
	char *proof;		   /* owned, wiped */
	char nonce[FO_NONCE_SIZE]; /* "": no challenge was shown */
};

/* ---- what the client offers ---------------------------------------------- */

/* A proof leaves PAM_AUTHTOK, so that no later module sends it elsewhere. */
static fo_err
drop_token(pam_handle_t *pamh, const char *token)
{
	char *own;

	/*
	 * libpam overwrites the item before it frees it, but in a loop that
	 * its compiler may drop; the memory is libpam's own and not constant.
	 */
	memcpy(&own, &token, sizeof(own));
	fo_wipe(own, strlen(own));

	return pam_set_item(pamh, PAM_AUTHTOK, NULL) == PAM_SUCCESS ?
	    FO_OK : FO_ERR_INTERNAL;
}

/*
 * Look at the token that is there already. FO_OK: it was a proof and is the
 * offer now; FO_ERR_NO_PROOF: something else, left alone; FO_ERR_NOT_FOUND:
 * there is none.
 */
static fo_err
take_token(pam_handle_t *pamh, struct offer *offer)
{
	const char *token = fo_pam_item(pamh, PAM_AUTHTOK);
	char *proof;
	fo_err r;

	if (token == NULL)
		return FO_ERR_NOT_FOUND;
	if (!fo_proof_looks_like(token, strlen(token)))
		return FO_ERR_NO_PROOF;

	proof = strdup(token);
	if ((r = drop_token(pamh, token)) != FO_OK) {
		fo_wipe_string(&proof);
		return r;
	}
	if (proof == NULL)
		return FO_ERR_NOMEM;

	offer->proof = proof;
	return FO_OK;
}

/* May the client be asked? People must not meet our prompt everywhere. */
static bool
may_ask(const struct fo_pam_call *call)
{
	struct fo_service service;

	if (call->user[0] == '\0')
		return false;
	if (call->config == NULL)
		return true; /* who is reserved is not known */
	fo_config_service(call->config, call->service, &service);

	return service.ask == FO_ASK_ALL ||
	    fo_config_reserved(call->config, call->user);
}

/*
 * The challenge for this service and user, with a nonce for one answer. There
 * is none for a name that no target can have, or that makes it so long that a
 * service may cut it: that is for the decision to refuse.
 */
static fo_err
make_challenge(const struct fo_pam_call *call, char ret_nonce[FO_NONCE_SIZE],
    char **ret_prompt)
{
	char nonce[FO_NONCE_SIZE];
	char *htu = NULL, *prompt = NULL;
	fo_err r;

	r = fo_target_format(call->config->host, call->service, call->user,
	    &htu);
	if (r == FO_ERR_ARG)
		return FO_OK;
	if (r != FO_OK || (r = fo_nonce_new(nonce)) != FO_OK ||
	    (r = fo_challenge_format(htu, nonce, &prompt)) != FO_OK)
		goto out;
	if (strlen(prompt) < PAM_MAX_MSG_SIZE) {
		memcpy(ret_nonce, nonce, sizeof(nonce));
		*ret_prompt = prompt;
		prompt = NULL;
	}
out:
	free(htu);
	free(prompt);
	return r;
}

/*
 * Ask. An answer that is no proof becomes PAM_AUTHTOK, so that a person who
 * typed a password is not asked again by the next module.
 *
 * Without a challenge the question is a plain one, for people. Where that is
 * for trouble of ours (the configuration, memory, randomness), it is what a
 * proof in answer is refused for: nobody could have told its client more.
 */
static fo_err
ask(struct fo_pam_call *call, fo_err configured, struct offer *offer)
{
	char *prompt = NULL, *answer = NULL;
	fo_err challenged = configured, r;

	if (!may_ask(call))
		return FO_ERR_NO_PROOF;
	if (configured == FO_OK)
		challenged = make_challenge(call, offer->nonce, &prompt);
	r = fo_pam_ask(call->pamh, prompt != NULL ? prompt : "Password: ",
	    &answer);
	free(prompt);
	if (r != FO_OK)
		return r;

	if (fo_proof_looks_like(answer, strlen(answer))) {
		offer->proof = answer;
		return challenged;
	}
	r = pam_set_item(call->pamh, PAM_AUTHTOK, answer) == PAM_SUCCESS ?
	    FO_ERR_NO_PROOF : FO_ERR_NOMEM;
	fo_wipe_string(&answer);
	return r;
}

/*
 * Get the one thing that the client offers: a token that is there, or the
 * answer to the one question. FO_ERR_NO_PROOF: it is no proof.
 */
static fo_err
get_offer(struct fo_pam_call *call, struct offer *offer)
{
	fo_err token, configured;

	/* First, whatever else is wrong: a proof is taken out of reach. */
	token = take_token(call->pamh, offer);
	if (call->usable == FO_OK)
		fo_pam_call_user(call);
	configured = fo_pam_call_config(call);
	if (call->usable != FO_OK)
		return call->usable;

	/* What holds is what holds now, after the answer. */
	if (token == FO_ERR_NOT_FOUND &&
	    (token = ask(call, configured, offer)) == FO_OK)
		configured = fo_pam_call_config(call);

	return token != FO_OK ? token : configured;
}

/* ---- what becomes of it -------------------------------------------------- */

/* One sentence and a reference for the client; the event has the reason. */
static void
tell_refused(const struct fo_pam_call *call, const char *sid)
{
	char text[128];

	if ((call->flags & PAM_SILENT) != 0 || sid[0] == '\0')
		return;
	(void)snprintf(text, sizeof(text), "FirstOps: access refused (ref "
	    "%.*s). Ask your administrator.", FO_REF_CHARS, sid);
	fo_pam_tell(call->pamh, text);
}

static fo_err
decide(struct fo_pam_call *call, const struct offer *offer)
{
	struct fo_authority authority = fo_pam_call_authority(call);
	struct fo_decision decision;
	struct fo_attempt attempt = {
		.proof = offer->proof,
		.proof_len = strlen(offer->proof),
		.nonce = fo_pam_known(offer->nonce),
		.service = call->service,
		.account = call->user,
		.ruser = fo_pam_known(call->ruser),
		.rhost = fo_pam_known(call->rhost),
		.tty = fo_pam_known(call->tty),
		.prepare = fo_pam_login_begin,
		.arg = call,
		.rc = fo_pam_auth_rc,
	};
	fo_err r;

	if ((r = fo_decide(&authority, &attempt, &decision)) == FO_OK)
		return FO_OK;

	/* Nothing of what was prepared may outlive the refusal. */
	if (fo_pam_login_forget(call->pamh) != FO_OK)
		r = FO_ERR_INTERNAL;
	tell_refused(call, decision.sid);
	return r;
}

/* A proof, or our arguments, refused before there was anything to decide. */
static void
refuse(const struct fo_pam_call *call, fo_err why)
{
	char text[FO_SID_SIZE];
	const char *sid = fo_sid_new(text) == FO_OK ? text : "";

	fo_pam_report_anyway(call, &(struct fo_pam_report) {
		.ev = FO_EV_AUTH, .why = why, .rc = fo_pam_auth_rc(why),
		.sid = sid, .detail = call->diag.text });
	tell_refused(call, sid);
}

/* Everyday business, unless the account is for principals only. */
static void
note_no_proof(const struct fo_pam_call *call)
{
	if (!call->arguments.debug && (call->config == NULL ||
	    !fo_config_reserved(call->config, call->user)))
		return;
	fo_pam_report_anyway(call, &(struct fo_pam_report) {
		.ev = FO_EV_AUTH, .why = FO_ERR_NO_PROOF,
		.rc = fo_pam_auth_rc(FO_ERR_NO_PROOF),
		.detail = call->diag.text });
}

int
fo_pam_auth(struct fo_pam_call *call)
{
	struct offer offer = { 0 };
	int answer = PAM_ABORT;
	fo_err why;

	if ((why = fo_pam_login_forget(call->pamh)) != FO_OK)
		goto refused;
	if ((why = get_offer(call, &offer)) != FO_OK) {
		if (why == FO_ERR_NO_PROOF)
			note_no_proof(call);
		else
			refuse(call, why);
		goto refused;
	}
	if ((why = decide(call, &offer)) != FO_OK)
		goto refused;

	answer = PAM_SUCCESS;
	goto out;
refused:
	answer = fo_pam_answer(FO_PAM_AUTH, why);
out:
	fo_wipe_string(&offer.proof);
	fo_wipe(offer.nonce, sizeof(offer.nonce));
	return answer;
}
