/*
 * Events of the module's own: whatever is not said by the decision.
 */
#ifndef FO_PAM_REPORT_H
#define FO_PAM_REPORT_H

#include <firstops/error.h>

#include "call.h"
#include "host/event.h"
#include "host/session.h"

/* What our lines in syslog are tagged with. */
#define FO_PAM_TAG "pam_firstops"

struct fo_pam_report {
	fo_ev ev;
	fo_err why;
	int rc;
	const char *sid;		    /* without who; NULL: none */
	const struct fo_login_record *who;  /* NULL: nobody known to us */
	const char *detail;		    /* NULL or "": nothing to add */
};

/*
 * Emit an event to the configured sinks, or to syslog where there is no
 * configuration. FO_OK: every required sink has it. A caller whose
 * answer stands whatever becomes of the event uses fo_pam_report_anyway.
 */
FO_MUST_CHECK fo_err fo_pam_report(const struct fo_pam_call *call,
    const struct fo_pam_report *report, struct fo_diag *diag);
void fo_pam_report_anyway(const struct fo_pam_call *call,
    const struct fo_pam_report *report);

#endif
