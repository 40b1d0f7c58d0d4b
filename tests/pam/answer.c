/*
 * The table from results to PAM codes.
 */
#include "answer.h"

#include <criterion/criterion.h>
#include <security/pam_modules.h>
#include <stdbool.h>
#include <string.h>

#include <firstops/error.h>

static const fo_pam_phase phases[] = { FO_PAM_AUTH, FO_PAM_ACCOUNT,
	FO_PAM_SESSION };

Test(answer, is_never_success_ignore_or_user_unknown)
{
	for (int err = 10; err >= -300; err--)
		for (size_t i = 0; i < 3; i++) {
			int code = fo_pam_answer(phases[i], (fo_err)err);

			cr_expect_neq(code, PAM_SUCCESS, "%d", err);
			cr_expect_neq(code, PAM_IGNORE, "%d", err);
			cr_expect_neq(code, PAM_USER_UNKNOWN, "%d", err);
		}
}

Test(answer, is_what_the_contract_says_for_auth)
{
	static const struct { fo_err why; int want; } cases[] = {
		{ FO_ERR_NO_PROOF, PAM_CRED_INSUFFICIENT },
		{ FO_ERR_CUT, PAM_AUTH_ERR },
		{ FO_ERR_UNKNOWN_KEY, PAM_AUTH_ERR },
		{ FO_ERR_BAD_SIGNATURE, PAM_AUTH_ERR },
		{ FO_ERR_REVOKED, PAM_AUTH_ERR },
		{ FO_ERR_POLICY, PAM_AUTH_ERR },
		{ FO_ERR_REPLAY, PAM_AUTH_ERR },
		{ FO_ERR_REPLAY_NEWBORN, PAM_AUTH_ERR },
		{ FO_ERR_STORE, PAM_AUTHINFO_UNAVAIL },
		{ FO_ERR_REPLAY_STORE, PAM_AUTHINFO_UNAVAIL },
		{ FO_ERR_AUDIT, PAM_AUTHINFO_UNAVAIL },
		{ FO_ERR_SESSION, PAM_AUTHINFO_UNAVAIL },
		{ FO_ERR_CONFIG, PAM_SERVICE_ERR },
		{ FO_ERR_ARG, PAM_SERVICE_ERR },
		{ FO_ERR_NOMEM, PAM_BUF_ERR },
		{ FO_ERR_INTERNAL, PAM_ABORT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(fo_pam_answer(FO_PAM_AUTH, cases[i].why),
		    cases[i].want, "%s", fo_err_word(cases[i].why));
}

Test(answer, knows_every_result_but_those_that_no_phase_ends_with)
{
	/* the last three: who asks before a deed, and the signer */
	static const fo_err never[] = { FO_ERR_FORMAT, FO_ERR_NOT_FOUND,
		FO_ERR_EXISTS, FO_ERR_TOO_LONG, FO_ERR_INTERNAL, FO_ERR_ASK,
		FO_ERR_LOCKED, FO_ERR_REFUSED };

	for (int err = -1; err >= -300; err--) {
		bool known = false;

		for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
			known = known || never[i] == (fo_err)err;
		if (known || strcmp(fo_err_word((fo_err)err), "unknown") == 0)
			continue;
		cr_expect_neq(fo_pam_answer(FO_PAM_AUTH, (fo_err)err),
		    PAM_ABORT, "%s has no row", fo_err_word((fo_err)err));
	}
}

Test(answer, writes_success_into_an_event_as_zero)
{
	cr_expect_eq(fo_pam_auth_rc(FO_OK), 0);
	cr_expect_eq(fo_pam_auth_rc(FO_ERR_REPLAY), 7);
}

Test(answer, is_abort_for_a_phase_that_does_not_exist)
{
	cr_expect_eq(fo_pam_answer((fo_pam_phase)99, FO_ERR_REPLAY),
	    PAM_ABORT);
}
