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

struct attempt_state {
	const struct fo_authority *authority;
	const struct fo_attempt *attempt;
	struct fo_decision *decision;
	struct fo_proof *proof;		/* from step 1 on */
	struct fo_principal *principal;	/* from step 2 on, unless unreadable */
	fo_err unreadable;		/* why it is: told from step 4 on */
	struct fo_diag unreadable_diag;
};

fo_res
fo_decision_res(fo_err why)
{
	switch (why) {
	case FO_OK:
		return FO_RES_PERMIT;
	case FO_ERR_NO_PROOF:
		return FO_RES_NONE;
	case FO_ERR_ARG:
	case FO_ERR_NOMEM:
	case FO_ERR_CRYPTO:
	case FO_ERR_IO:
	case FO_ERR_FORMAT:
	case FO_ERR_NOT_FOUND:
	case FO_ERR_EXISTS:
	case FO_ERR_TOO_LONG:
	case FO_ERR_INTERNAL:
	case FO_ERR_REPLAY_STORE:
	case FO_ERR_STORE:
	case FO_ERR_CONFIG:
	case FO_ERR_AUDIT:
	case FO_ERR_SESSION:
		return FO_RES_ERROR;
	default:
		return FO_RES_DENY;
	}
}

/* Copy a text that its reader has limited to what fits here. */
static void
copy(const char *from, char *to, size_t size)
{
	(void)snprintf(to, size, "%s", from);
}

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

	copy(fo_proof_jkt(st->proof), decision->jkt, sizeof(decision->jkt));
	copy(fo_proof_hash(st->proof), decision->hash,
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
	r = fo_store_principal(store, id, &st->unreadable_diag,
	    &st->principal);
	if (r == FO_ERR_NOT_FOUND) {
		fo_diag_set(&decision->diag, "keys.d/%s leads to a principal "
		    "that is no longer registered", decision->jkt);
		return FO_ERR_UNKNOWN_KEY;
	}
	if (r != FO_OK) {
		st->unreadable = r;
		return FO_OK;
	}
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

/* From here on it is known who holds the key: the principal may be named. */
static void
name_principal(struct attempt_state *st)
{
	const struct fo_principal *principal = st->principal;
	struct fo_decision *decision = st->decision;

	copy(principal->id, decision->id, sizeof(decision->id));
	copy(principal->name, decision->name, sizeof(decision->name));
	copy(principal->owner, decision->owner, sizeof(decision->owner));
	copy(fo_kind_word(principal->kind), decision->kind,
	    sizeof(decision->kind));
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

	if (st->unreadable == FO_OK)
		name_principal(st);
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

/* ask is a question that nobody here can answer, so it is a no. */
static fo_err
check_policy(const struct fo_authority *authority,
    const struct fo_principal *principal, const struct fo_action *login,
    struct fo_decision *decision)
{
	struct fo_policies policies = { 0 };
	struct fo_verdict verdict = { 0 };
	fo_err r;

	if ((r = fo_store_policies(authority->store, principal,
	    &decision->diag, &policies)) != FO_OK)
		return r;
	fo_policy_weigh(policies.list, policies.count, login, &verdict);
	if (verdict.policy == NULL) {
		fo_diag_set(&decision->diag, "no rule allows it");
	} else {
		copy(verdict.policy, decision->policy,
		    sizeof(decision->policy));
		copy(verdict.rule, decision->rule, sizeof(decision->rule));
		if (verdict.effect != FO_EFFECT_ALLOW)
			fo_diag_set(&decision->diag, "rule %s/%s says %s",
			    verdict.policy, verdict.rule,
			    fo_effect_word(verdict.effect));
	}
	fo_policies_clear(&policies);

	return verdict.effect == FO_EFFECT_ALLOW ? FO_OK : FO_ERR_POLICY;
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

	return check_policy(authority, principal, &login, decision);
}

static fo_err
check_status(const struct fo_principal *principal, const char *jkt,
    int64_t now, struct fo_diag *diag)
{
	const struct fo_pkey *key = fo_principal_key(principal, jkt);
	const fo_err r = fo_principal_in_force(principal, jkt, now);

	/* these two are said of a key that is there */
	if (r == FO_ERR_EXPIRED_KEY)
		fo_diag_set(diag, "the key expired %lld s ago",
		    (long long)(now - key->expires));
	else if (r == FO_ERR_REVOKED_KEY && key->reason != NULL)
		fo_diag_set(diag, "%s", key->reason);
	return r;
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
	if ((r = check_status(st->principal, decision->jkt, decision->at.s,
	    &decision->diag)) != FO_OK)
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

/* Give the event of this result to the sinks. */
static fo_err
emit(const struct attempt_state *st, fo_err why, struct fo_diag *diag)
{
	const struct fo_authority *authority = st->authority;
	const struct fo_attempt *attempt = st->attempt;
	const struct fo_decision *decision = st->decision;
	const struct fo_audit audit = {
		.tag = authority->audit_tag,
		.socket_path = authority->audit_socket,
		.required = authority->config->audit_required,
		.best_effort = authority->config->audit_best_effort,
	};
	struct fo_event event;
	fo_err r;

	/* a refusal for want of a clock is told without the time */
	if ((r = fo_event_init(&event, authority->clock)) != FO_OK &&
	    why == FO_OK)
		return r;
	event.host = authority->config->host;
	event.ev = FO_EV_AUTH;
	event.res = fo_decision_res(why);
	event.why = why;
	event.rc = attempt->rc != NULL ? attempt->rc(why) : 0;
	event.id = decision->id;
	event.kind = decision->kind;
	event.name = decision->name;
	event.owner = decision->owner;
	event.jkt = decision->jkt;
	event.proof = decision->hash;
	event.sid = decision->sid;
	event.user = attempt->account;
	event.ruser = attempt->ruser;
	event.svc = attempt->service;
	event.act = "login";
	event.src = attempt->rhost;
	event.tty = attempt->tty;
	event.policy = decision->policy;
	event.rule = decision->rule;
	event.detail = why != FO_OK ? decision->diag.text : NULL;

	return fo_audit_emit(&audit, &event, diag);
}

static size_t
count_texts(char *const *texts)
{
	size_t n = 0;

	while (texts[n] != NULL)
		n++;
	return n;
}

/*
 * The last thing that can fail: a permit that a required sink was not told
 * of is none. Where there are more sinks than that one, another may hold the
 * event of this permit, and is told under the same sid that it is none.
 */
static fo_err
audit(struct attempt_state *st)
{
	const struct fo_config *config = st->authority->config;

	if (emit(st, FO_OK, &st->decision->diag) == FO_OK)
		return FO_OK;
	if (count_texts(config->audit_required) +
	    count_texts(config->audit_best_effort) > 1)
		(void)emit(st, FO_ERR_AUDIT, NULL);
	return FO_ERR_AUDIT;
}

/*
 * Tell of a refusal. It stays what it is whether or not its event finds a
 * reader; that it did not is put into the reason.
 */
static void
audit_refusal(struct attempt_state *st, fo_err why)
{
	struct fo_diag *diag = &st->decision->diag, undelivered = { "" };

	if (why == FO_ERR_AUDIT || emit(st, why, &undelivered) == FO_OK)
		return;
	fo_diag_set(diag, "%s%s(its event was not delivered: %s)", diag->text,
	    diag->text[0] != '\0' ? " " : "", undelivered.text);
}

/* ---- the whole --------------------------------------------------------- */

/* The clock is read now: the answer has arrived. */
static fo_err
begin(struct attempt_state *st)
{
	struct fo_decision *decision = st->decision;
	fo_err r;

	if ((r = fo_sid_new(decision->sid)) != FO_OK ||
	    (r = st->authority->clock->now(st->authority->clock->arg,
	    &decision->at)) != FO_OK)
		return r;

	return FO_OK;
}

static void
end(struct attempt_state *st)
{
	fo_proof_free(&st->proof);
	fo_principal_free(&st->principal);
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

	if ((why = begin(&st)) != FO_OK)
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
	decision.why = why;
	decision.res = fo_decision_res(why);
	audit_refusal(&st, why);
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

	if ((why = begin(&st)) != FO_OK ||
	    (why = parse(&st)) != FO_OK ||
	    (why = find(&st)) != FO_OK ||
	    (why = verify(&st)) != FO_OK ||
	    (why = entitle(&st)) != FO_OK)
		goto out;
	peek = make_spend(&st);
	why = fo_replay_peek(&peek);
out:
	decision.why = why;
	decision.res = fo_decision_res(why);
	end(&st);
	*ret_decision = decision;
	return why;
}

fo_err
fo_still_permitted(const struct fo_authority *authority, const char *id,
    const char *jkt, const char *service, const char *account,
    const char *rhost, struct fo_diag *diag)
{
	struct fo_principal *principal = NULL;
	struct fo_decision decision = { .why = FO_ERR_INTERNAL };
	fo_err r;

	if ((r = authority->clock->now(authority->clock->arg,
	    &decision.at)) != FO_OK)
		return r;
	r = fo_store_principal(authority->store, id, &decision.diag,
	    &principal);
	if (r == FO_ERR_NOT_FOUND)
		r = FO_ERR_REVOKED;
	if (r != FO_OK)
		goto out;
	if ((r = check_status(principal, jkt, decision.at.s,
	    &decision.diag)) != FO_OK)
		goto out;
	if (service != NULL && account != NULL)
		r = check_permitted(authority, principal, service, account,
		    rhost, &decision);
out:
	if (r != FO_OK)
		fo_diag_set(diag, "%s", decision.diag.text);
	fo_principal_free(&principal);
	return r;
}
