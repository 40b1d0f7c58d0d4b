/*
 * The decision: whoever is let in, is let in here.
 *
 * The steps are functions in the order in which they run; fo_decide at the
 * end is the list of them. Each can only refuse. What one of them learns
 * stands in struct attempt_state; the decision says no more than the steps
 * passed so far entitle it to say.
 */
#include "decide.h"

#include <stdio.h>
#include <stdlib.h>

#include <firstops/target.h>

#include "base/diag.h"
#include "replay.h"
#include "source.h"
#include "store_file.h"

struct attempt_state {
	const struct fo_authority *authority;
	const struct fo_attempt *attempt;
	struct fo_decision *decision;
	struct fo_proof *proof;		/* from step 1 on */
	struct fo_file *file;		/* its principal's, from step 2 on */
	const struct fo_principal *principal;	/* unless it is unreadable */
	fo_err unreadable;		/* why it is: told from step 4 on */
	struct fo_diag unreadable_diag;
};

/* ---- 1 parse ----------------------------------------------------------- */

static fo_err
parse(struct attempt_state *st)
{
	const struct fo_attempt *attempt = st->attempt;
	struct fo_decision *decision = st->decision;
	fo_err r;

	if (attempt->service == NULL || attempt->account == NULL) {
		fo_diag_set(&decision->diag, "the service or the account is "
		    "not known");
		return FO_ERR_ARG;
	}
	if (attempt->proof == NULL || attempt->proof_len == 0)
		return FO_ERR_NO_PROOF;
	if ((r = fo_proof_parse(attempt->proof, attempt->proof_len,
	    &decision->diag, &st->proof)) != FO_OK)
		return r;

	fo_decision_text(fo_proof_jkt(st->proof), decision->jkt,
	    sizeof(decision->jkt));
	fo_decision_text(fo_proof_hash(st->proof), decision->hash,
	    sizeof(decision->hash));
	return FO_OK;
}

/* ---- 2 find ------------------------------------------------------------ */

/*
 * The one principal of the key. The link is only where to look: what counts
 * is that the principal's own file lists the thumbprint.
 *
 * No reason given here names the principal, since anybody can have copied
 * the public key. So trouble with its file, whose name is the principal's,
 * waits until the signature has been verified.
 */
static fo_err
find(struct attempt_state *st)
{
	const struct fo_store *store = st->authority->store;
	struct fo_decision *decision = st->decision;
	char id[FO_ID_SIZE];
	fo_err r;

	if ((r = fo_store_find(store, decision->jkt, &decision->diag, id)) !=
	    FO_OK)
		return r;
	r = fo_store_file(store, FO_STORE_PRINCIPALS, id,
	    &st->unreadable_diag, &st->file);
	if (r == FO_ERR_NOT_FOUND) {
		fo_diag_set(&decision->diag, "keys.d/%s leads to a principal "
		    "that is no longer registered", decision->jkt);
		return FO_ERR_UNKNOWN_KEY;
	}
	if (r != FO_OK) {
		st->unreadable = r;
		return FO_OK;
	}
	st->principal = st->file->principal;
	if (fo_principal_key(st->principal, decision->jkt) == NULL) {
		fo_diag_set(&decision->diag, "keys.d/%s leads to a principal "
		    "that does not list it", decision->jkt);
		return FO_ERR_UNKNOWN_KEY;
	}

	return FO_OK;
}

/* ---- 3 verify ---------------------------------------------------------- */

static void
free_targets(char **targets)
{
	for (size_t i = 0; targets[i] != NULL; i++)
		free(targets[i]);
	free(targets);
}

/* This login as a target: once for the host name, once for each alias. */
static fo_err
make_targets(const struct attempt_state *st, char ***ret_targets)
{
	const struct fo_config *config = st->authority->config;
	const struct fo_attempt *attempt = st->attempt;
	size_t count = 1;
	char **targets;
	fo_err r = FO_OK;

	while (config->aliases[count - 1] != NULL)
		count++;
	if ((targets = calloc(count + 1, sizeof(*targets))) == NULL)
		return FO_ERR_NOMEM;
	for (size_t i = 0; i < count && r == FO_OK; i++)
		r = fo_target_format(i == 0 ? config->host :
		    config->aliases[i - 1], attempt->service,
		    attempt->account, &targets[i]);
	if (r == FO_ERR_ARG || r == FO_ERR_TOO_LONG) {
		fo_diag_set(&st->decision->diag, "no target can name this "
		    "account or service");
		r = FO_ERR_WRONG_HTU;
	}
	if (r != FO_OK) {
		free_targets(targets);
		return r;
	}

	*ret_targets = targets;
	return FO_OK;
}

static fo_err
verify(struct attempt_state *st)
{
	const struct fo_config *config = st->authority->config;
	struct fo_decision *decision = st->decision;
	struct fo_service service;
	char **targets = NULL;
	fo_err r;

	if ((r = make_targets(st, &targets)) != FO_OK)
		return r;
	fo_config_service(config, st->attempt->service, &service);

	const struct fo_expect want = {
		.htm = FO_HTM_PAM,
		.htu = targets[0],
		.htu_also = (const char *const *)(targets + 1),
		.jkt = decision->jkt,
		.nonce_rule = service.nonce,
		.nonce = st->attempt->nonce,
		.now = decision->at.s,
		.max_age_s = config->max_age_s,
		.clock_skew_s = config->clock_skew_s,
		.verifier = st->authority->verifier,
		.diag = &decision->diag,
	};
	r = fo_proof_check(st->proof, &want);
	free_targets(targets);
	if (r != FO_OK)
		return r;

	/* From here on it is known who holds the key. */
	if (st->unreadable == FO_OK)
		fo_decision_name(decision, st->principal);
	return FO_OK;
}

/* ---- 4 status, account, policy ----------------------------------------- */

static fo_err
check_account(const struct fo_principal *principal, const char *service,
    const char *account, struct fo_diag *diag)
{
	char word[FO_DIAG_WORD_SIZE];

	if (fo_principal_has_account(principal, service, account))
		return FO_OK;

	fo_diag_word(account, word);
	fo_diag_set(diag, "%s is not among the accounts of %s", word,
	    principal->name);
	return FO_ERR_NOT_AN_ACCOUNT;
}

static fo_err
check_permitted(const struct fo_authority *authority,
    const struct fo_principal *principal, const char *service,
    const char *account, const char *rhost, struct fo_decision *decision)
{
	struct fo_action login = {
		.channel = FO_CHANNEL_LOGIN,
		.service = service,
		.account = account,
		.host = authority->config->host,
		.now = decision->at.s,
	};
	fo_err r;

	if ((r = check_account(principal, service, account,
	    &decision->diag)) != FO_OK)
		return r;
	fo_source_parse(rhost, &login.source);

	return fo_decision_weigh(authority->store, principal, &login,
	    decision);
}

static fo_err
entitle(struct attempt_state *st)
{
	const struct fo_attempt *attempt = st->attempt;
	struct fo_decision *decision = st->decision;
	fo_err r;

	if (st->unreadable != FO_OK) {
		decision->diag = st->unreadable_diag;
		return st->unreadable;
	}
	if ((r = fo_decision_status(st->principal, decision->jkt,
	    decision->at.s, &decision->diag)) != FO_OK)
		return r;

	return check_permitted(st->authority, st->principal,
	    attempt->service, attempt->account, attempt->rhost, decision);
}

/* ---- 5 replay ---------------------------------------------------------- */

static struct fo_spend
make_spend(const struct attempt_state *st)
{
	const struct fo_config *config = st->authority->config;

	return (struct fo_spend) {
		.folder = config->replay_folder,
		.hash = st->decision->hash,
		.iat = fo_proof_iat(st->proof),
		.max_age_s = config->max_age_s,
		.clock_skew_s = config->clock_skew_s,
		.clock = st->authority->clock,
		.keep = st->authority->keep != NULL ?
		    &st->authority->keep->replay : NULL,
		.diag = &st->decision->diag,
	};
}

/* Reads clock and floor again, after the proof is recorded as used. */
static fo_err
spend(struct attempt_state *st)
{
	const struct fo_spend spend = make_spend(st);

	return fo_replay_spend(&spend);
}

/* ---- 6 prepare --------------------------------------------------------- */

static fo_err
prepare(struct attempt_state *st)
{
	if (st->attempt->prepare == NULL)
		return FO_OK;

	return st->attempt->prepare(st->attempt->arg, st->decision,
	    &st->decision->diag);
}

/* ---- 7 audit ----------------------------------------------------------- */

/* What the event says of the attempt. */
static struct fo_event
describe(const struct fo_attempt *attempt)
{
	return (struct fo_event) {
		.ev = FO_EV_AUTH,
		.user = attempt->account,
		.ruser = attempt->ruser,
		.svc = attempt->service,
		.act = "login",
		.src = attempt->rhost,
		.tty = attempt->tty,
	};
}

static fo_err
audit(struct attempt_state *st)
{
	const struct fo_event event = describe(st->attempt);

	return fo_decision_permit(st->authority, st->decision, &event,
	    st->attempt->rc);
}

static void
refuse(struct attempt_state *st, fo_err why)
{
	const struct fo_event event = describe(st->attempt);

	(void)fo_decision_refuse(st->authority, st->decision, why, &event,
	    st->attempt->rc);
}

/* ---- the whole --------------------------------------------------------- */

static void
end(struct attempt_state *st)
{
	fo_proof_free(&st->proof);
	fo_file_let_go(&st->file);
}

fo_err
fo_decide(const struct fo_authority *authority,
    const struct fo_attempt *attempt, struct fo_decision *ret_decision)
{
	struct fo_decision decision = {
		.why = FO_ERR_INTERNAL, .res = FO_RES_ERROR };
	struct attempt_state st = { .authority = authority,
		.attempt = attempt, .decision = &decision };
	fo_err why;

	if ((why = fo_decision_begin(authority, &decision)) != FO_OK)
		goto refused;
	if ((why = parse(&st)) != FO_OK)	/* 1 */
		goto refused;
	if ((why = find(&st)) != FO_OK)		/* 2 */
		goto refused;
	if ((why = verify(&st)) != FO_OK)	/* 3 */
		goto refused;
	if ((why = entitle(&st)) != FO_OK)	/* 4 */
		goto refused;
	if ((why = spend(&st)) != FO_OK)	/* 5 */
		goto refused;
	if ((why = prepare(&st)) != FO_OK)	/* 6 */
		goto refused;
	if ((why = audit(&st)) != FO_OK)	/* 7 */
		goto refused;

	decision.why = FO_OK;			/* 8 */
	decision.res = FO_RES_PERMIT;
	goto out;
refused:
	refuse(&st, why);
out:
	end(&st);
	*ret_decision = decision;
	return decision.why;
}

fo_err
fo_decide_preview(const struct fo_authority *authority,
    const struct fo_attempt *attempt, struct fo_decision *ret_decision)
{
	struct fo_decision decision = {
		.why = FO_ERR_INTERNAL, .res = FO_RES_ERROR };
	struct attempt_state st = { .authority = authority,
		.attempt = attempt, .decision = &decision };
	struct fo_spend peek;
	fo_err why;

	if ((why = fo_decision_begin(authority, &decision)) != FO_OK ||
	    (why = parse(&st)) != FO_OK ||
	    (why = find(&st)) != FO_OK ||
	    (why = verify(&st)) != FO_OK ||
	    (why = entitle(&st)) != FO_OK)
		goto out;
	peek = make_spend(&st);
	why = fo_replay_peek(&peek);
out:
	decision.why = why;
	decision.res = fo_event_res(why);
	end(&st);
	*ret_decision = decision;
	return why;
}

fo_err
fo_still_permitted(const struct fo_authority *authority, const char *id,
    const char *jkt, const char *service, const char *account,
    const char *rhost, struct fo_diag *diag)
{
	struct fo_decision decision = { .why = FO_ERR_INTERNAL };
	struct fo_file *file = NULL;
	fo_err r;

	if ((r = authority->clock->now(authority->clock->arg,
	    &decision.at)) != FO_OK)
		return r;
	r = fo_store_file(authority->store, FO_STORE_PRINCIPALS, id,
	    &decision.diag, &file);
	if (r == FO_ERR_NOT_FOUND)
		r = FO_ERR_REVOKED;
	if (r != FO_OK)
		goto out;
	if ((r = fo_decision_status(file->principal, jkt, decision.at.s,
	    &decision.diag)) != FO_OK)
		goto out;
	if (service != NULL && account != NULL)
		r = check_permitted(authority, file->principal, service,
		    account, rhost, &decision);
out:
	if (r != FO_OK)
		fo_diag_set(diag, "%s", decision.diag.text);
	fo_file_let_go(&file);
	return r;
}
