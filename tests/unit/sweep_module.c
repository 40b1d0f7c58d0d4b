/*
 * The module's phases with each of their calls failing in turn: trouble of
 * ours lets nobody in, leaves no half of a login behind, and is gone when
 * calls work again.
 */
#include <string.h>

#include <criterion/criterion.h>

#include "support/service.h"
#include "support/sweep.h"

static struct service service;
static int answered;	/* by the phase under test */

static void
open_host(void)
{
	service_open(&service);
}

static void
close_host(void)
{
	service_close(&service);
}

TestSuite(sweep_module, .init = open_host, .fini = close_host,
    .timeout = 300);

static void
start(void *arg)
{
	(void)arg;
	service_start(&service);
}

/* ---- phases ------------------------------------------------------------ */

/*
 * Trouble of ours stays that; whatever else is no success is a verdict. A
 * client that could not be asked for a proof has offered none.
 */
static fo_err
meaning(int answer)
{
	answered = answer;
	switch (answer) {
	case PAM_SUCCESS:
		return FO_OK;
	case PAM_CRED_INSUFFICIENT:
	case PAM_AUTHINFO_UNAVAIL:
	case PAM_BUF_ERR:
	case PAM_SERVICE_ERR:
	case PAM_PERM_DENIED:
	case PAM_SESSION_ERR:
	case PAM_ABORT:
		return FO_ERR_INTERNAL;
	default:
		return FO_ERR_REPLAY;
	}
}

static fo_err
phase(int (*run)(pam_handle_t *, int, int, const char **), int flags)
{
	return meaning(service_phase(&service, run, flags, NULL));
}

static fo_err
authenticate(void *arg)
{
	(void)arg;
	return phase(pam_sm_authenticate, 0);
}

static fo_err
account(void *arg)
{
	(void)arg;
	return phase(pam_sm_acct_mgmt, 0);
}

static fo_err
establish(void *arg)
{
	(void)arg;
	return phase(pam_sm_setcred, PAM_ESTABLISH_CRED);
}

static fo_err
open_session(void *arg)
{
	(void)arg;
	return phase(pam_sm_open_session, 0);
}

static fo_err
close_session(void *arg)
{
	(void)arg;
	return phase(pam_sm_close_session, 0);
}

static void
log_in(void *arg)
{
	start(arg);
	cr_assert_eq(authenticate(arg), FO_OK, "%d", answered);
}

/* sshd's session is another process's, which has the environment alone. */
static void
log_in_elsewhere(void *arg)
{
	log_in(arg);
	fake_pam_forget(&service.handle);
}

static void
log_in_and_establish(void *arg)
{
	log_in_elsewhere(arg);
	cr_assert_eq(establish(arg), FO_OK);
}

static void
have_session(void *arg)
{
	log_in_and_establish(arg);
	cr_assert_eq(open_session(arg), FO_OK, "%d", answered);
}

/* ---- what must hold ---------------------------------------------------- */

/* A permit is announced where it is one, and nowhere else. */
static void
look_at_event(const char *ev, fo_err r)
{
	const char *event = service_event(&service, ev);

	cr_expect_eq(event != NULL &&
	    strstr(event, "\"res\":\"permit\"") != NULL, r == FO_OK,
	    "%s answers %d: %s", ev, answered,
	    event != NULL ? event : "no event");
}

/* A login is there as a whole, or nothing of it. */
static void
look_at_login(void *arg, fo_err r)
{
	(void)arg;
	cr_expect_eq(service_variables(&service),
	    r == FO_OK ? SERVICE_VARIABLES : 0);
	cr_expect_eq(service.handle.data[0].data != NULL, r == FO_OK);
	if (r == FO_OK)
		cr_expect_eq(service_files(&service, "run/pending"), 1);
	look_at_event("auth", r);
	cr_expect_null(service.handle.items[PAM_AUTHTOK]);
}

static void
look_at_session(void *arg, fo_err r)
{
	(void)arg;
	cr_expect_eq(service.handle.data[1].data != NULL, r == FO_OK);
	if (r == FO_OK)
		cr_expect_eq(service_files(&service, "run/sessions"), 1);
	look_at_event("session_open", r);
}

static void
look_at_end(void *arg, fo_err r)
{
	(void)arg;
	if (r == FO_OK)
		cr_expect_null(service.handle.data[1].data);
}

static void
look_at_pending(void *arg, fo_err r)
{
	(void)arg;
	cr_expect_null(pam_getenv(&service.handle, "FIRSTOPS_PENDING"));
	cr_expect_eq(service.handle.data[0].data != NULL, r == FO_OK);
}

Test(sweep_module, auth_lets_nobody_in_by_trouble_of_ours)
{
	static const struct sweep work = { .what = "auth", .before = start,
		.act = authenticate, .after = look_at_login };

	sweep(&work, NULL);
}

Test(sweep_module, later_phases_go_on_with_a_whole_login_or_not_at_all)
{
	static const struct sweep works[] = {
		{ .what = "account", .before = log_in, .act = account,
		    .step = 3 },
		{ .what = "setcred", .before = log_in_elsewhere,
		    .act = establish, .after = look_at_pending, .step = 3 },
		{ .what = "open", .before = log_in_and_establish,
		    .act = open_session, .after = look_at_session,
		    .step = 5 },
		{ .what = "close", .before = have_session,
		    .act = close_session, .after = look_at_end, .step = 5 },
	};

	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		sweep(&works[i], NULL);
}

Test(sweep_module, a_session_that_cannot_be_kept_is_not_announced)
{
	log_in_and_establish(NULL);
	service.handle.no_data = "firstops_session";
	cr_expect_eq(open_session(NULL), FO_ERR_INTERNAL);
	cr_expect_eq(answered, PAM_BUF_ERR);
	look_at_session(NULL, FO_ERR_NOMEM);
	cr_expect_eq(service_files(&service, "run/sessions"), 0);
	service.handle.no_data = NULL;
	cr_expect_eq(open_session(NULL), FO_OK, "%d", answered);
	look_at_session(NULL, FO_OK);
}
