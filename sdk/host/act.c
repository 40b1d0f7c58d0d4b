/*
 * What somebody who is in does.
 */
#include "act.h"

#include <string.h>

#include "base/diag.h"
#include "store_file.h"

/* ---- 1 who --------------------------------------------------------------- */

/* A record is root's own, so whom it names is known before anything else. */
static fo_err
identify(const struct fo_deed *deed, struct fo_decision *decision)
{
	const struct fo_login_record *who = deed->who;

	if (deed->trouble != FO_OK && deed->reason != NULL)
		decision->diag = *deed->reason;
	if (who == NULL)
		return deed->trouble != FO_OK ? deed->trouble :
		    FO_ERR_INTERNAL;
	fo_decision_text(who->sid, decision->sid, sizeof(decision->sid));
	fo_decision_text(who->id, decision->id, sizeof(decision->id));
	fo_decision_text(who->name, decision->name, sizeof(decision->name));
	fo_decision_text(who->owner, decision->owner,
	    sizeof(decision->owner));
	fo_decision_text(who->kind, decision->kind, sizeof(decision->kind));
	fo_decision_text(who->jkt, decision->jkt, sizeof(decision->jkt));

	return deed->trouble;
}

/* ---- 2 principal and key in force, 3 policy ------------------------------ */

static fo_err
entitle(const struct fo_authority *authority, const struct fo_deed *deed,
    struct fo_decision *decision)
{
	struct fo_action action = deed->action;
	struct fo_file *file = NULL;
	fo_err r;

	r = fo_store_file(authority->store, FO_STORE_PRINCIPALS, decision->id,
	    &decision->diag, &file);
	if (r == FO_ERR_NOT_FOUND)
		r = FO_ERR_REVOKED;
	if (r != FO_OK)
		goto out;
	if ((r = fo_decision_status(file->principal, decision->jkt,
	    decision->at.s, &decision->diag)) != FO_OK)
		goto out;

	action.host = authority->config->host;
	action.now = decision->at.s;
	r = fo_decision_weigh(authority->store, file->principal, &action,
	    decision);
	if (r == FO_ERR_POLICY && deed->asks &&
	    decision->effect == FO_EFFECT_ASK)
		r = FO_ERR_ASK;
out:
	fo_file_let_go(&file);
	return r;
}

/* ---- what is not weighed ------------------------------------------------- */

/*
 * Nothing but our own side is against it: no word about who asks, or about
 * what, and the event of it can be told.
 */
static bool
is_own_trouble(fo_err why)
{
	switch (why) {
	case FO_ERR_NOMEM:
	case FO_ERR_CRYPTO:
	case FO_ERR_IO:
	case FO_ERR_STORE:
	case FO_ERR_CONFIG:
		return true;
	default:
		return false;
	}
}

/* Its event is told in the words of what lets it go on. No rule was found yet. */
static void
go_on(const char *instead, fo_err why, struct fo_decision *decision,
    struct fo_event *event)
{
	fo_decision_text(instead, decision->policy, sizeof(decision->policy));
	fo_diag_set(&decision->diag, "%s: %s", instead,
	    decision->diag.text[0] != '\0' ? decision->diag.text :
	    fo_err_text(why));
	event->goes_on = true;
}

/* ---- the whole ----------------------------------------------------------- */

fo_err
fo_act(const struct fo_authority *authority, const struct fo_deed *deed,
    struct fo_decision *ret_decision)
{
	struct fo_decision decision = {
		.why = FO_ERR_INTERNAL, .res = FO_RES_ERROR };
	struct fo_event event = {
		.ev = FO_EV_ACTION,
		.user = deed->user,
		.ruser = deed->ruser,
		.svc = deed->service,
		.act = deed->act,
		.what = deed->what,
		.src = deed->who != NULL ? deed->who->src : NULL,
		.tty = deed->tty,
		.past = deed->past,
	};
	bool told;
	fo_err why;

	if ((why = fo_decision_begin(authority, &decision)) != FO_OK)
		goto refused;
	if ((why = identify(deed, &decision)) != FO_OK)		/* 1 */
		goto refused;
	if ((why = entitle(authority, deed, &decision)) != FO_OK) /* 2, 3 */
		goto refused;
	if ((why = fo_decision_permit(authority, &decision, &event,
	    NULL)) != FO_OK)					/* 4 */
		goto refused;

	decision.why = FO_OK;					/* 5 */
	decision.res = FO_RES_PERMIT;
	goto out;
refused:
	if (deed->instead != NULL && is_own_trouble(why))
		go_on(deed->instead, why, &decision, &event);
	told = fo_decision_refuse(authority, &decision, why, &event, NULL);
	decision.goes_on = event.goes_on && told;
	/* a person's yes would be a permit that nobody was told of */
	if (why == FO_ERR_ASK && !told) {
		decision.why = FO_ERR_AUDIT;
		decision.res = fo_event_res(FO_ERR_AUDIT);
	}
out:
	*ret_decision = decision;
	return decision.why;
}
