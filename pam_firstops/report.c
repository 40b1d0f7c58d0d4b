/*
 * Events of the module's own: whatever is not said by the decision.
 */
#include "report.h"

#include "host/audit.h"
#include "host/clock.h"
#include "host/decision.h"

static fo_err
say(const struct fo_pam_call *call, const struct fo_pam_report *report,
    struct fo_diag *diag)
{
	const struct fo_authority authority = fo_pam_call_authority(call);
	const struct fo_audit audit = fo_authority_audit(&authority);
	const struct fo_login_record *who = report->who;
	struct fo_event event = { 0 };
	fo_err r;

	/* a refusal for want of a clock is told without the time */
	if ((r = fo_event_init(&event, &fo_clock_system)) != FO_OK &&
	    report->why == FO_OK)
		return r;

	event.host = call->config != NULL ? call->config->host : NULL;
	event.ev = report->ev;
	event.res = fo_event_res(report->why);
	event.why = report->why;
	event.rc = report->rc;
	event.sid = report->sid;
	if (who != NULL) {
		event.id = who->id;
		event.kind = who->kind;
		event.name = who->name;
		event.owner = who->owner;
		event.jkt = who->jkt;
		event.sid = who->sid;
	}
	event.user = call->user;
	event.ruser = call->ruser;
	event.svc = call->service;
	event.act = "login";
	event.src = call->rhost;
	event.tty = call->tty;
	event.detail = report->detail;

	return fo_audit_emit(&audit, &event, diag);
}

fo_err
fo_pam_report(const struct fo_pam_call *call,
    const struct fo_pam_report *report, struct fo_diag *diag)
{
	return say(call, report, diag);
}

void
fo_pam_report_anyway(const struct fo_pam_call *call,
    const struct fo_pam_report *report)
{
	(void)say(call, report, NULL); /* nobody gets in by it */
}
