/*
 * account: our login is still in force, and nobody else's enters an account
 * that is reserved for principals.
 */
#include "phases.h"

#include <string.h>

#include "answer.h"
#include "base/diag.h"
#include "login.h"
#include "report.h"

/* Who was let in by auth: same user and service, and still permitted. */
static fo_err
check_ours(struct fo_pam_call *call, const struct fo_pam_login *login)
{
	struct fo_authority authority = fo_pam_call_authority(call);

	if (login->lost != FO_OK) {
		call->diag = login->lost_diag;
		return login->lost;
	}
	if (strcmp(login->record.user, call->user) != 0 ||
	    strcmp(login->record.service, call->service) != 0) {
		fo_diag_set(&call->diag, "another user or service than in "
		    "auth");
		return FO_ERR_USER_CHANGED;
	}

	return fo_still_permitted(&authority, login->record.id,
	    login->record.jkt, call->service, call->user,
	    fo_pam_known(call->rhost), &call->diag);
}

/* Somebody who came another way: a password, a cached ticket, a public key. */
static fo_err
check_other(const struct fo_pam_call *call)
{
	if (call->arguments.lax)
		return FO_OK;

	return fo_config_reserved(call->config, call->user) ?
	    FO_ERR_RESERVED : FO_OK;
}

static fo_err
check(struct fo_pam_call *call, const struct fo_pam_login *login)
{
	fo_err r;

	/* Without the configuration nobody knows which are reserved. */
	if ((r = fo_pam_call_config(call)) != FO_OK)
		return r;
	if (call->user[0] == '\0') {
		fo_diag_set(&call->diag, "the service named no user of 1 to "
		    "%d bytes", FO_PAM_ITEM_SIZE - 1);
		return FO_ERR_ARG;
	}

	return login != NULL ? check_ours(call, login) : check_other(call);
}

int
fo_pam_account(struct fo_pam_call *call)
{
	const struct fo_pam_login *login = fo_pam_login_get(call->pamh);
	int answer = PAM_ABORT;
	fo_err why;

	if ((why = check(call, login)) != FO_OK) {
		answer = fo_pam_answer(FO_PAM_ACCOUNT, why);
		fo_pam_report_anyway(call, &(struct fo_pam_report) {
			.ev = FO_EV_ACCOUNT, .why = why, .rc = answer,
			.who = login != NULL ? &login->record : NULL,
			.detail = call->diag.text });
		goto out;
	}
	if (login == NULL) {
		answer = PAM_IGNORE; /* not ours to say */
		goto out;
	}

	answer = PAM_SUCCESS;
out:
	return answer;
}
