/*
 * setcred: brings the login over from auth, if another process did that.
 */
#include "phases.h"

#include "answer.h"
#include "login.h"

/*
 * Delete: forget the login, unless a session of it is open, whose close
 * still has to say whose it was. Every other flag establishes.
 */
static fo_err
change(struct fo_pam_call *call)
{
	const struct fo_pam_login *login;

	if ((call->flags & PAM_DELETE_CRED) == 0)
		return fo_pam_login_adopt(call);
	login = fo_pam_login_get(call->pamh);
	if (login != NULL && login == fo_pam_login_of_session(call->pamh))
		return FO_OK;

	return fo_pam_login_forget(call->pamh);
}

int
fo_pam_setcred(struct fo_pam_call *call)
{
	int answer = PAM_ABORT;
	fo_err r;

	/*
	 * A login that did not come over is no failure here: libpam would
	 * take it for one of the whole stack, people's logins included. The
	 * session refuses it. Only want of memory cannot be put off.
	 */
	if ((r = change(call)) != FO_OK) {
		answer = fo_pam_answer(FO_PAM_AUTH, r);
		goto out;
	}

	answer = PAM_SUCCESS;
out:
	return answer;
}
