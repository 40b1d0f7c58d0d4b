/*
 * The module's phases with each of their calls failing in turn: trouble of
 * ours lets nobody in, leaves no half of a login behind, and is gone when
 * calls work again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <firstops/firstops.h>

#include "fuzz/fuzz.h"
#include "fuzz/pam.h"
#include "fuzz/sign.h"
#include "host/replay.h"
#include "support/forge.h"
#include "support/machine.h"
#include "support/store_fixture.h"
#include "support/sweep.h"

#define VARIABLES 5

static struct machine m;
static struct store_fixture store;
static struct pam_handle handle;
static char config[128];
static int answered;	/* by the phase under test */

/* ---- the host ---------------------------------------------------------- */

static fo_err
earlier(void *arg, struct fo_now *ret)
{
	const fo_err r = fo_clock_system.now(arg, ret);

	ret->s -= 120;
	ret->boot_ms -= 120 * 1000;
	return r;
}

static void
make_replay(const char *folder)
{
	const struct fo_clock clock = { .now = earlier,
		.boot_id = fo_clock_system.boot_id };
	struct fo_diag diag = { "" };

	cr_assert_eq(fo_replay_make(folder, geteuid(), getegid(), &clock,
	    &diag), FO_OK, "%s", diag.text);
}

static void
open_host(void)
{
	char text[1024], folder[96];

	if (geteuid() != 0)
		cr_skip_test("needs root");
	machine_open(&m);
	store_fixture_open(&store);
	store_fixture_agent(&store, FIXTURE_ID, FORGE_JKT, "deploy");
	store_fixture_put(&store, "policies.d/logins.yaml", "---\n"
	    "version: 1\npolicy: logins\nrules:\n  - rule: all\n"
	    "    effect: allow\n    channel: login\n...\n");
	(void)snprintf(folder, sizeof(folder), "%s/run/replay", m.folder);
	(void)snprintf(text, sizeof(text), "---\nversion: 1\nhost: bastion\n"
	    "reserved_accounts: [deploy]\n"
	    "services: {sshd: {nonce: always, ask: reserved}}\n"
	    "replay: {folder: %s}\n"
	    "audit: {required: [\"file:%s/events\"], best_effort: []}\n"
	    "...\n", folder, m.folder);
	store_fixture_put(&store, "firstops.yaml", text);
	(void)snprintf(config, sizeof(config), "config=%s", store.config);
	make_replay(folder);
}

static void
close_host(void)
{
	fake_pam_clear(&handle);
	store_fixture_close(&store);
	machine_close(&m);
}

TestSuite(sweep_module, .init = open_host, .fini = close_host,
    .timeout = 300);

/* ---- the client -------------------------------------------------------- */

/* Signs what it is asked to. */
static int
converse(int n, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	const bool held = fuzz_faults_hold();
	struct pam_response *response = calloc(1, sizeof(*response));
	struct fo_challenge *challenge = NULL;

	(void)arg;
	cr_assert_eq(n, 1);
	cr_assert_not_null(response);
	if (fo_challenge_parse(messages[0]->msg, &challenge) == FO_OK)
		response->resp = sign_proof(challenge->htu,
		    challenge->nonce);
	fo_challenge_free(&challenge);
	*ret_responses = response;
	fuzz_faults_release(held);
	return PAM_SUCCESS;
}

static void
set_item(int item, const char *text)
{
	handle.items[item] = strdup(text);
	cr_assert_not_null(handle.items[item]);
}

static void
start(void *arg)
{
	(void)arg;
	fake_pam_clear(&handle);
	machine_remove(&m, "run/pending");
	machine_remove(&m, "run/sessions");
	machine_remove(&m, "events");
	set_item(PAM_SERVICE, "sshd");
	set_item(PAM_USER, "deploy");
	set_item(PAM_RHOST, "10.2.3.4");
	set_item(PAM_TTY, "ssh");
	handle.conv = (struct pam_conv){ converse, NULL };
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
	const char *argv[] = { config, NULL };

	return meaning(run(&handle, flags, 1, argv));
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
	fake_pam_forget(&handle);
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

static size_t
known_variables(void)
{
	static const char *const names[VARIABLES] = { "FIRSTOPS_ID",
		"FIRSTOPS_NAME", "FIRSTOPS_OWNER", "FIRSTOPS_SID",
		"FIRSTOPS_PENDING" };
	size_t n = 0;

	for (size_t i = 0; i < VARIABLES; i++)
		n += pam_getenv(&handle, names[i]) != NULL;
	return n;
}

static size_t
files(const char *folder)
{
	return machine_has(&m, folder) ? machine_count(&m, folder) : 0;
}

/* A permit is announced where it is one, and nowhere else. */
static void
look_at_event(const char *ev, fo_err r)
{
	char permit[64];
	char *events;

	(void)snprintf(permit, sizeof(permit),
	    "\"ev\":\"%s\",\"res\":\"permit\"", ev);
	events = machine_has(&m, "events") ? machine_read(&m, "events") :
	    NULL;
	cr_expect_eq(events != NULL && strstr(events, permit) != NULL,
	    r == FO_OK, "%s answers %d: %s", ev, answered,
	    events != NULL ? events : "no event");
	free(events);
}

/* A login is there as a whole, or nothing of it. */
static void
look_at_login(void *arg, fo_err r)
{
	(void)arg;
	cr_expect_eq(known_variables(), r == FO_OK ? VARIABLES : 0);
	cr_expect_eq(handle.data[0].data != NULL, r == FO_OK);
	if (r == FO_OK)
		cr_expect_eq(files("run/pending"), 1);
	look_at_event("auth", r);
	cr_expect_null(handle.items[PAM_AUTHTOK]);
}

static void
look_at_session(void *arg, fo_err r)
{
	(void)arg;
	cr_expect_eq(handle.data[1].data != NULL, r == FO_OK);
	if (r == FO_OK)
		cr_expect_eq(files("run/sessions"), 1);
	look_at_event("session_open", r);
}

static void
look_at_end(void *arg, fo_err r)
{
	(void)arg;
	if (r == FO_OK)
		cr_expect_null(handle.data[1].data);
}

static void
look_at_pending(void *arg, fo_err r)
{
	(void)arg;
	cr_expect_null(pam_getenv(&handle, "FIRSTOPS_PENDING"));
	cr_expect_eq(handle.data[0].data != NULL, r == FO_OK);
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
	handle.no_data = "firstops_session";
	cr_expect_eq(open_session(NULL), FO_ERR_INTERNAL);
	cr_expect_eq(answered, PAM_BUF_ERR);
	look_at_session(NULL, FO_ERR_NOMEM);
	cr_expect_eq(files("run/sessions"), 0);
	handle.no_data = NULL;
	cr_expect_eq(open_session(NULL), FO_OK, "%d", answered);
	look_at_session(NULL, FO_OK);
}
