/*
 * session: a login of ours is on record while it is open, and is opened and
 * closed under the name that auth established.
 */
#include "phases.h"

#include "answer.h"
#include "base/diag.h"
#include "login.h"
#include "report.h"

/* Write the record of this session; its process is the one that opens it. */
static fo_err
put_record(struct fo_pam_login *login, struct fo_diag *diag)
{
	fo_err r;

	if ((r = fo_pam_login_hold(&login->record, diag)) != FO_OK)
		return r;

	return fo_session_put(login->run_folder, &login->record, diag);
}

/* Take the record away. One that is gone already was ended by an admin. */
static fo_err
remove_record(const struct fo_pam_login *login, struct fo_diag *diag)
{
	const fo_err r = fo_session_remove(login->run_folder,
	    login->record.sid, login->record.pid, diag);

	return r == FO_ERR_NOT_FOUND ? FO_OK : r;
}

/* What must hold before a session of ours is on record. */
static fo_err
check(struct fo_pam_call *call, const struct fo_pam_login *login)
{
	fo_err r;

	if ((r = fo_pam_call_config(call)) != FO_OK)
		return r;
	if (login->lost != FO_OK) {
		call->diag = login->lost_diag;
		return login->lost;
	}
	if (fo_pam_login_of_session(call->pamh) != NULL) {
		fo_diag_set(&call->diag, "its session is open already");
		return FO_ERR_SESSION;
	}
	if (!fo_pam_login_is_users(login, call)) {
		fo_diag_set(&call->diag, "another user or service than in "
		    "auth");
		return FO_ERR_USER_CHANGED;
	}

	return FO_OK;
}

/*
 * The record is there before the principal is read once more: whoever
 * revokes writes first and lists the records then, so one of the two always
 * sees the other.
 */
static fo_err
confirm(struct fo_pam_call *call, struct fo_pam_login *login)
{
	const struct fo_login_record *record = &login->record;
	struct fo_authority authority = fo_pam_call_authority(call);
	fo_err r;

	r = fo_still_permitted(&authority, record->id, record->jkt, NULL, NULL,
	    fo_pam_known(call->rhost), &call->diag);
	if (r != FO_OK)
		return r;
	/* Since auth, pam_env may have read a file of the user's own. */
	if ((r = fo_pam_login_export(call->pamh, record)) != FO_OK ||
	    (r = fo_pam_login_open(call->pamh, login)) != FO_OK)
		return r;
	/* Said last: what is announced as open has nothing left to fail. */
	r = fo_pam_report(call, &(struct fo_pam_report) {
		.ev = FO_EV_SESSION_OPEN, .why = FO_OK, .rc = PAM_SUCCESS,
		.who = record }, &call->diag);
	if (r != FO_OK && fo_pam_login_close(call->pamh) != FO_OK)
		r = FO_ERR_INTERNAL;

	return r;
}

static fo_err
begin(struct fo_pam_call *call, struct fo_pam_login *login)
{
	fo_err r;

	/* A service may have left setcred out: the pending state ends here. */
	if ((r = fo_pam_login_adopt(call)) != FO_OK ||
	    (r = check(call, login)) != FO_OK)
		return r;
	if ((r = put_record(login, &call->diag)) != FO_OK)
		return r;
	if ((r = confirm(call, login)) != FO_OK &&
	    remove_record(login, NULL) != FO_OK)
		fo_diag_prefix(&call->diag, "the session's record is left "
		    "behind");

	return r;
}

int
fo_pam_session_open(struct fo_pam_call *call)
{
	struct fo_pam_login *login = fo_pam_login_get(call->pamh);
	int answer = PAM_ABORT;
	fo_err why;

	if (login == NULL && call->usable == FO_OK) {
		answer = PAM_IGNORE; /* not ours */
		goto out;
	}
	why = call->usable == FO_OK ? begin(call, login) :
	    fo_pam_call_config(call);
	if (why != FO_OK) {
		answer = fo_pam_answer(FO_PAM_SESSION, why);
		fo_pam_report_anyway(call, &(struct fo_pam_report) {
			.ev = FO_EV_SESSION_OPEN, .why = why, .rc = answer,
			.who = login != NULL ? &login->record : NULL,
			.detail = call->diag.text });
		goto out;
	}

	answer = PAM_SUCCESS;
out:
	return answer;
}

/* The session ends, and with it its login, if that is still the handle's. */
static fo_err
finish(struct fo_pam_call *call, const struct fo_pam_login *login)
{
	const bool last = login == fo_pam_login_get(call->pamh);
	fo_err configured = fo_pam_call_config(call);
	fo_err why;

	if (call->usable != FO_OK) {
		fo_pam_report_anyway(call, &(struct fo_pam_report) {
			.ev = FO_EV_SESSION_CLOSE, .why = configured,
			.rc = fo_pam_answer(FO_PAM_SESSION, configured),
			.who = login != NULL ? &login->record : NULL,
			.detail = call->diag.text });
		return configured;
	}
	/* Without its configuration the session ends all the same. */
	why = remove_record(login, &call->diag);
	fo_pam_report_anyway(call, &(struct fo_pam_report) {
		.ev = FO_EV_SESSION_CLOSE, .why = why, .rc = PAM_SUCCESS,
		.who = &login->record, .detail = call->diag.text });

	if ((why = fo_pam_login_close(call->pamh)) != FO_OK)
		return why;

	return last ? fo_pam_login_forget(call->pamh) : FO_OK;
}

int
fo_pam_session_close(struct fo_pam_call *call)
{
	const struct fo_pam_login *login =
	    fo_pam_login_of_session(call->pamh);
	int answer = PAM_ABORT;
	fo_err r;

	if (call->usable == FO_OK && login == NULL) {
		answer = PAM_IGNORE; /* not ours */
		goto out;
	}
	if ((r = finish(call, login)) != FO_OK) {
		answer = fo_pam_answer(FO_PAM_SESSION, r);
		goto out;
	}

	answer = PAM_SUCCESS;
out:
	return answer;
}
