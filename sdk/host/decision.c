/*
 * What all kinds of decisions have in common.
 */
#include "decision.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"

void
fo_decision_text(const char *from, char *to, size_t size)
{
	(void)snprintf(to, size, "%s", from);
}

/* Is it still ours? */
static void
refresh(struct fo_keep *keep)
{
	const uid_t user = geteuid();

	if (keep->self.pid != getpid() || keep->user != user) {
		fo_keep_clear(keep);
		fo_self_read(&keep->self);
		keep->user = user;
	}
}

fo_err
fo_decision_begin(const struct fo_authority *authority,
    struct fo_decision *decision)
{
	const struct fo_clock *clock = authority->clock;
	fo_err r;

	if (authority->keep != NULL)
		refresh(authority->keep);

	if ((r = fo_sid_new(decision->sid)) != FO_OK ||
	    (r = clock->now(clock->arg, &decision->at)) != FO_OK)
		return r;

	return FO_OK;
}

void
fo_keep_clear(struct fo_keep *keep)
{
	fo_syslog_close(&keep->syslog);
	fo_replay_keep_clear(&keep->replay);
	keep->self = (struct fo_self){ .pid = 0 };
}

void
fo_decision_name(struct fo_decision *decision,
    const struct fo_principal *principal)
{
	fo_decision_text(principal->id, decision->id, sizeof(decision->id));
	fo_decision_text(principal->name, decision->name,
	    sizeof(decision->name));
	fo_decision_text(principal->owner, decision->owner,
	    sizeof(decision->owner));
	fo_decision_text(fo_kind_word(principal->kind), decision->kind,
	    sizeof(decision->kind));
}

/* ---- what entitles ------------------------------------------------------- */

fo_err
fo_decision_status(const struct fo_principal *principal, const char *jkt,
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

fo_err
fo_decision_weigh(const struct fo_store *store,
    const struct fo_principal *principal, const struct fo_action *action,
    struct fo_decision *decision)
{
	struct fo_policies policies = { 0 };
	struct fo_verdict verdict = { 0 };
	fo_err r;

	if ((r = fo_store_policies(store, principal, &decision->diag,
	    &policies)) != FO_OK)
		return r;
	fo_policy_weigh(policies.list, policies.count, action, &verdict);
	if (verdict.policy == NULL) {
		fo_diag_set(&decision->diag, "no rule allows it");
	} else {
		fo_decision_text(verdict.policy, decision->policy,
		    sizeof(decision->policy));
		fo_decision_text(verdict.rule, decision->rule,
		    sizeof(decision->rule));
		if (verdict.effect != FO_EFFECT_ALLOW)
			fo_diag_set(&decision->diag, "rule %s/%s says %s",
			    verdict.policy, verdict.rule,
			    fo_effect_word(verdict.effect));
	}
	decision->effect = verdict.effect;
	fo_policies_clear(&policies);

	return verdict.effect == FO_EFFECT_ALLOW ? FO_OK : FO_ERR_POLICY;
}

/* ---- its event ----------------------------------------------------------- */

struct fo_audit
fo_authority_audit(const struct fo_authority *authority)
{
	static char word[] = "syslog";
	static char *const syslog_alone[] = { word, NULL };
	static char *const none[] = { NULL };
	const struct fo_config *config = authority->config;

	return (struct fo_audit) {
		.tag = authority->audit_tag,
		.socket_path = authority->audit_socket,
		.syslog = authority->keep != NULL ?
		    &authority->keep->syslog : NULL,
		.required = config != NULL ? config->audit_required :
		    syslog_alone,
		.best_effort = config != NULL ? config->audit_best_effort :
		    none,
	};
}

/* Give the event of this result to the sinks. */
static fo_err
emit(const struct fo_authority *authority, const struct fo_decision *decision,
    fo_err why, const struct fo_event *partial, int (*rc)(fo_err why),
    struct fo_diag *diag)
{
	const struct fo_audit audit = fo_authority_audit(authority);
	struct fo_event event;
	fo_err r;

	r = authority->keep != NULL ? fo_event_init_as(&event,
	    &authority->keep->self, authority->clock) :
	    fo_event_init(&event, authority->clock);
	/* a refusal for want of a clock is told without the time */
	if (r != FO_OK && why == FO_OK)
		return r;
	event.host = authority->config != NULL ? authority->config->host :
	    NULL;
	event.ev = partial->ev;
	event.res = fo_event_res(why);
	event.why = why;
	event.rc = rc != NULL ? rc(why) : 0;
	event.id = decision->id;
	event.kind = decision->kind;
	event.name = decision->name;
	event.owner = decision->owner;
	event.jkt = decision->jkt;
	event.proof = decision->hash;
	event.sid = decision->sid;
	event.user = partial->user;
	event.ruser = partial->ruser;
	event.svc = partial->svc;
	event.act = partial->act;
	event.what = partial->what;
	event.src = partial->src;
	event.tty = partial->tty;
	event.goes_on = partial->goes_on;
	event.past = partial->past;
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
 * Where there are more sinks than the one that failed, another may hold the
 * event of this permit, and is told under the same sid that it is none.
 */
fo_err
fo_decision_permit(const struct fo_authority *authority,
    struct fo_decision *decision, const struct fo_event *event,
    int (*rc)(fo_err why))
{
	const struct fo_config *config = authority->config;

	if (emit(authority, decision, FO_OK, event, rc, &decision->diag) ==
	    FO_OK)
		return FO_OK;
	if (count_texts(config->audit_required) +
	    count_texts(config->audit_best_effort) > 1)
		(void)emit(authority, decision, FO_ERR_AUDIT, event, rc,
		    NULL);
	return FO_ERR_AUDIT;
}

bool
fo_decision_refuse(const struct fo_authority *authority,
    struct fo_decision *decision, fo_err why, const struct fo_event *event,
    int (*rc)(fo_err why))
{
	struct fo_diag *diag = &decision->diag, undelivered = { "" };

	decision->why = why;
	decision->res = fo_event_res(why);
	/* of a permit that no sink took none takes the end, either */
	if (why != FO_ERR_AUDIT) {
		if (emit(authority, decision, why, event, rc, &undelivered) ==
		    FO_OK)
			return true;
		fo_diag_set(diag, "%s%s(its event was not delivered: %s)",
		    diag->text, diag->text[0] != '\0' ? " " : "",
		    undelivered.text);
	}
	return false;
}
