/*
 * The phases of one handle in every order, repeated and left out: each
 * answers as the phases before entitle it to, and no other way.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support/cee.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define STEPS_MAX 8

static struct world w;
static void *module;

/* Our module alone, so that each call answers what it answered. */
static void
alone(const char *service)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "pam.d/%s", service);
	world_put(&w, path,
	    "auth [default=done ignore=ignore] %s config=%s/firstops.yaml\n"
	    "account [default=done ignore=ignore] %s config=%s/firstops.yaml\n"
	    "account requisite %s unknown\n"
	    "session [default=done ignore=ignore] %s config=%s/firstops.yaml\n"
	    "session requisite %s unknown\n", w.module, w.folder, w.module,
	    w.folder, w.probe, w.module, w.folder, w.probe);
}

static void
open_world(void)
{
	world_open(&w);
	if (geteuid() != 0)
		cr_skip_test("needs root: only root keeps login records");
	alone("sshd");
	alone("db");
	/* It stays loaded: thousands of handles load it otherwise. */
	module = dlopen(MODULE, RTLD_NOW | RTLD_LOCAL);
	cr_assert_not_null(module, "%s", dlerror());
}

static void
close_world(void)
{
	if (module != NULL)
		(void)dlclose(module);
	world_close(&w);
}

TestSuite(phases, .init = open_world, .fini = close_world);

/* ---- what must be answered ----------------------------------------------- */

typedef enum step {
	PERMIT,				/* auth with a right proof */
	REFUSE,				/* auth with a wrong one */
	OFFER_NONE,			/* auth without any */
	ACCOUNT,
	ESTABLISH,
	DELETE,
	REFRESH,
	REINITIALIZE,
	OPEN,
	CLOSE,
	STEPS
} step;

static const char *const step_names[STEPS] = { "permit", "refuse", "none",
	"account", "establish", "delete", "refresh", "reinitialize", "open",
	"close" };

/* A handle as the contract sees it. */
struct state {
	bool login;			/* auth has let somebody in */
	bool open;			/* a session is */
	bool own;			/* and it is of that login */
	bool ignored;			/* the last open was */
	size_t sessions;		/* on record */
};

/* What a step answers, the event it makes ("": none), what it leads to. */
static int
answer_of(struct state *state, step now, const char **ret_event)
{
	const struct state before = *state;

	*ret_event = "";
	switch (now) {
	case PERMIT:
		*state = (struct state) { .login = true, .open = before.open,
			.ignored = before.ignored,
			.sessions = before.sessions };
		*ret_event = "auth";
		return PAM_SUCCESS;
	case REFUSE:
	case OFFER_NONE:
		*state = (struct state) { .open = before.open,
			.ignored = before.ignored,
			.sessions = before.sessions };
		*ret_event = "auth";
		return now == REFUSE ? PAM_AUTH_ERR : PAM_CRED_INSUFFICIENT;
	case ACCOUNT:
		*ret_event = before.login ? "" : "account";
		return before.login ? PAM_SUCCESS : PAM_PERM_DENIED;
	case DELETE:
		state->login = before.open && before.own;
		return PAM_SUCCESS;
	case ESTABLISH:
	case REFRESH:
	case REINITIALIZE:
		return PAM_SUCCESS;
	case OPEN:
		state->ignored = !before.login;
		if (!before.login)
			return IGNORED;
		*ret_event = "session_open";
		if (before.open)
			return PAM_SESSION_ERR;
		state->open = state->own = true;
		state->sessions++;
		return PAM_SUCCESS;
	case CLOSE:
		if (!before.open)
			return IGNORED;
		*state = (struct state) { .login = before.login &&
			!before.own, .ignored = before.ignored,
			.sessions = before.sessions - 1 };
		*ret_event = "session_close";
		/* libpam does with it what it did with open's answer */
		return before.ignored ? IGNORED : PAM_SUCCESS;
	case STEPS:
		break;
	}
	cr_assert_fail("no such step");
	return PAM_ABORT;
}

/* ---- what is answered ---------------------------------------------------- */

static int
take(pam_handle_t *pamh, struct client *client, step now)
{
	switch (now) {
	case PERMIT:
		*client = (struct client) { .way = CLIENT_SIGNS, .world = &w };
		return world_phase(pam_authenticate, pamh, 0);
	case REFUSE:
		*client = (struct client) { .way = CLIENT_SIGNS, .world = &w,
			.htu = "pam://bastion/sudo/deploy" };
		return world_phase(pam_authenticate, pamh, 0);
	case OFFER_NONE:
		*client = (struct client) { .way = CLIENT_FAILS };
		return world_phase(pam_authenticate, pamh, 0);
	case ACCOUNT:
		return world_phase(pam_acct_mgmt, pamh, 0);
	case ESTABLISH:
		return world_phase(pam_setcred, pamh, PAM_ESTABLISH_CRED);
	case DELETE:
		return world_phase(pam_setcred, pamh, PAM_DELETE_CRED);
	case REFRESH:
		return world_phase(pam_setcred, pamh, PAM_REFRESH_CRED);
	case REINITIALIZE:
		return world_phase(pam_setcred, pamh, PAM_REINITIALIZE_CRED);
	case OPEN:
		return world_phase(pam_open_session, pamh, 0);
	case CLOSE:
		return world_phase(pam_close_session, pamh, 0);
	case STEPS:
		break;
	}
	return PAM_ABORT;
}

/* The steps up to one of them, as a sentence of a failure. */
static const char *
story(const step *steps, size_t n)
{
	static char text[256];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < n && len < sizeof(text); i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%s", i == 0 ? "" : ", ", step_names[steps[i]]);
	return text;
}

/* Go through these steps in one handle and compare everything. */
static void
expect_answers(const step *steps, size_t n)
{
	const char *want_events[STEPS_MAX], *event;
	struct state state = { 0 };
	struct client client;
	size_t events = 0;
	pam_handle_t *pamh = world_start(&w, "sshd", "deploy", &client);

	world_put(&w, "events", "%s", "");
	for (size_t i = 0; i < n; i++) {
		const int want = answer_of(&state, steps[i], &event);
		const int got = take(pamh, &client, steps[i]);

		cr_expect_eq(got, want, "%s: %d, not %d", story(steps, i + 1),
		    got, want);
		if (event[0] != '\0')
			want_events[events++] = event;
		cr_expect_eq(pam_getenv(pamh, "FIRSTOPS_ID") != NULL,
		    state.login, "%s", story(steps, i + 1));
		cr_expect_eq(world_files(&w, "run/sessions"), state.sessions,
		    "%s", story(steps, i + 1));
	}
	world_events(&w);
	cr_assert_eq(w.events_count, events, "%s", story(steps, n));
	for (size_t i = 0; i < events; i++)
		cr_expect_str_eq(cee_get(w.events[i], "ev"), want_events[i],
		    "%s", story(steps, n));
	world_empty(&w, "run/sessions");
	(void)pam_end(pamh, PAM_SUCCESS);
}

/* ---- every order --------------------------------------------------------- */

static bool
deep(void)
{
	return getenv("FIRSTOPS_DEEP") != NULL;
}

/* All sequences of n of these steps, with repetition. */
static void
expect_sequences(const step *of, size_t count, size_t n)
{
	step steps[STEPS_MAX];
	size_t total = 1;

	for (size_t i = 0; i < n; i++)
		total *= count;
	for (size_t number = 0; number < total; number++) {
		size_t rest = number;

		for (size_t i = 0; i < n; i++) {
			steps[i] = of[rest % count];
			rest /= count;
		}
		expect_answers(steps, n);
	}
}

/* All orders of n steps, by Heap's exchange of two of them at a time. */
static void
expect_orders(step *steps, size_t n, size_t k)
{
	if (k == 1) {
		expect_answers(steps, n);
		return;
	}
	for (size_t i = 0; i < k; i++) {
		const size_t other = k % 2 == 0 ? i : 0;
		const step kept = steps[k - 1];

		expect_orders(steps, n, k - 1);
		steps[k - 1] = steps[other];
		steps[other] = kept;
	}
}

Test(phases, answer_as_the_ones_before_entitle_them_in_every_sequence)
{
	static const step few[] = { PERMIT, REFUSE, ACCOUNT, ESTABLISH,
		DELETE, OPEN, CLOSE };
	static const step all[] = { PERMIT, REFUSE, OFFER_NONE, ACCOUNT,
		ESTABLISH, DELETE, REFRESH, REINITIALIZE, OPEN, CLOSE };

	if (deep())
		expect_sequences(all, COUNT(all), 4);
	else
		expect_sequences(few, COUNT(few), 3);
}

Test(phases, answer_as_the_ones_before_entitle_them_in_every_order)
{
	step steps[] = { PERMIT, ACCOUNT, ESTABLISH, OPEN, CLOSE, DELETE,
		REFRESH };
	const size_t n = deep() ? COUNT(steps) : COUNT(steps) - 1;

	expect_orders(steps, n, n);
}

Test(phases, answer_right_after_a_second_try_too)
{
	static const step tries[][STEPS_MAX] = {
		{ PERMIT, REFUSE, ACCOUNT, ESTABLISH, OPEN, CLOSE, REFUSE,
		    CLOSE },
		{ REFUSE, PERMIT, ACCOUNT, ESTABLISH, OPEN, CLOSE, ACCOUNT,
		    OPEN },
		{ OFFER_NONE, OFFER_NONE, PERMIT, ACCOUNT, ESTABLISH, OPEN,
		    OPEN, CLOSE },
		{ PERMIT, ACCOUNT, PERMIT, ACCOUNT, ESTABLISH, OPEN, CLOSE,
		    CLOSE },
		{ PERMIT, ESTABLISH, REFUSE, ACCOUNT, ESTABLISH, OPEN, CLOSE,
		    DELETE },
		{ PERMIT, ESTABLISH, OPEN, CLOSE, PERMIT, ESTABLISH, OPEN,
		    CLOSE },
		{ PERMIT, OPEN, PERMIT, OPEN, CLOSE, ACCOUNT, OPEN, CLOSE },
		{ PERMIT, OPEN, REFUSE, OPEN, ACCOUNT, CLOSE, CLOSE, OPEN },
		{ PERMIT, OPEN, OFFER_NONE, DELETE, PERMIT, DELETE, CLOSE,
		    OPEN },
		{ PERMIT, OPEN, PERMIT, DELETE, OPEN, CLOSE, CLOSE, OPEN },
	};

	for (size_t i = 0; i < COUNT(tries); i++)
		expect_answers(tries[i], STEPS_MAX);
}

/* A second login in the handle does not take the first one's name away. */
Test(phases, a_session_is_closed_under_the_name_that_it_was_opened_under)
{
	struct client client;
	pam_handle_t *pamh = world_start(&w, "sshd", "deploy", &client);
	char *sid;

	cr_assert_eq(take(pamh, &client, PERMIT), PAM_SUCCESS);
	cr_assert_not_null(pam_getenv(pamh, "FIRSTOPS_SID"));
	sid = strdup(pam_getenv(pamh, "FIRSTOPS_SID"));
	cr_assert_eq(take(pamh, &client, OPEN), PAM_SUCCESS);
	cr_assert_eq(take(pamh, &client, PERMIT), PAM_SUCCESS);
	cr_assert_str_neq(pam_getenv(pamh, "FIRSTOPS_SID"), sid);
	world_put(&w, "events", "%s", "");
	cr_assert_eq(take(pamh, &client, CLOSE), PAM_SUCCESS);
	world_events(&w);
	cr_assert_eq(w.events_count, 1);
	cr_expect_str_eq(cee_get(w.events[0], "ev"), "session_close");
	cr_expect_str_eq(cee_get(w.events[0], "sid"), sid);
	cr_expect_str_neq(pam_getenv(pamh, "FIRSTOPS_SID"), sid);
	free(sid);
	(void)pam_end(pamh, PAM_SUCCESS);
}

/* ---- flags --------------------------------------------------------------- */

Test(phases, answer_alike_whatever_the_flags)
{
	static const int flags[] = { 0, PAM_SILENT, PAM_DISALLOW_NULL_AUTHTOK,
		(int)(PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK) };

	for (size_t i = 0; i < COUNT(flags); i++) {
		struct client client = { .way = CLIENT_SIGNS, .world = &w };
		pam_handle_t *pamh = world_start(&w, "sshd", "deploy",
		    &client);
		const int f = flags[i];

		cr_expect_eq(world_phase(pam_acct_mgmt, pamh, f),
		    PAM_PERM_DENIED);
		cr_expect_eq(world_phase(pam_authenticate, pamh, f),
		    PAM_SUCCESS);
		cr_expect_eq(world_phase(pam_acct_mgmt, pamh, f),
		    PAM_SUCCESS);
		cr_expect_eq(world_phase(pam_open_session, pamh, f),
		    PAM_SUCCESS);
		cr_expect_eq(world_phase(pam_close_session, pamh, f),
		    PAM_SUCCESS);
		client = (struct client) { .way = CLIENT_SAYS, .text = "" };
		cr_expect_eq(world_phase(pam_authenticate, pamh, f),
		    PAM_CRED_INSUFFICIENT);
		cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
	}
}

/* ---- items that change between phases ------------------------------------ */

/* Logged in, and then the service goes on under other names. */
static pam_handle_t *
changed(struct client *client, const char *service, const char *user)
{
	pam_handle_t *pamh = world_start(&w, "db", "robot", client);

	cr_assert_eq(world_phase(pam_authenticate, pamh, 0), PAM_SUCCESS);
	world_put(&w, "events", "%s", "");
	cr_assert_eq(pam_set_item(pamh, PAM_SERVICE, service), PAM_SUCCESS);
	cr_assert_eq(pam_set_item(pamh, PAM_USER, user), PAM_SUCCESS);
	return pamh;
}

static const struct {
	const char *service;
	const char *user;
} others[] = {
	{ "db", "deploy" },		/* an account of the same agent */
	{ "db", "root" },
	{ "db", "robot " },
	{ "db", "Robot" },
	{ "sshd", "robot" },		/* where a proof must have a nonce */
	{ "sshd", "deploy" },
};

Test(phases, of_another_account_or_service_are_not_entered_by_a_login)
{
	for (size_t i = 0; i < COUNT(others); i++) {
		struct client client = { .way = CLIENT_SIGNS, .world = &w };
		pam_handle_t *pamh = changed(&client, others[i].service,
		    others[i].user);

		cr_expect_eq(world_phase(pam_acct_mgmt, pamh, 0),
		    PAM_PERM_DENIED, "%s, %s", others[i].service,
		    others[i].user);
		world_events(&w);
		cr_assert_eq(w.events_count, 1);
		cr_expect_str_eq(cee_get(w.events[0], "why"), "user_changed");
		(void)pam_end(pamh, PAM_SUCCESS);
	}
}

Test(phases, open_no_session_for_another_account_or_service)
{
	for (size_t i = 0; i < COUNT(others); i++) {
		struct client client = { .way = CLIENT_SIGNS, .world = &w };
		pam_handle_t *pamh = changed(&client, others[i].service,
		    others[i].user);

		cr_expect_eq(world_phase(pam_setcred, pamh,
		    PAM_ESTABLISH_CRED), PAM_SUCCESS);
		cr_expect_eq(world_phase(pam_open_session, pamh, 0),
		    PAM_SESSION_ERR, "%s, %s", others[i].service,
		    others[i].user);
		cr_expect_eq(world_files(&w, "run/sessions"), 0);
		world_events(&w);
		cr_assert_eq(w.events_count, 1);
		cr_expect_str_eq(cee_get(w.events[0], "why"), "user_changed");
		(void)pam_end(pamh, PAM_SUCCESS);
	}
}

Test(phases, go_on_where_the_names_come_back)
{
	struct client client = { .way = CLIENT_SIGNS, .world = &w };
	pam_handle_t *pamh = changed(&client, "sshd", "deploy");

	cr_expect_eq(world_phase(pam_acct_mgmt, pamh, 0), PAM_PERM_DENIED);
	cr_assert_eq(pam_set_item(pamh, PAM_SERVICE, "db"), PAM_SUCCESS);
	cr_assert_eq(pam_set_item(pamh, PAM_USER, "robot"), PAM_SUCCESS);
	cr_expect_eq(world_phase(pam_acct_mgmt, pamh, 0), PAM_SUCCESS);
	cr_expect_eq(world_phase(pam_open_session, pamh, 0), PAM_SUCCESS);
	cr_expect_eq(world_phase(pam_close_session, pamh, 0), PAM_SUCCESS);
	(void)pam_end(pamh, PAM_SUCCESS);
}

/* A login of one account and a try at another, in one handle. */
Test(phases, know_the_last_of_two_logins_alone)
{
	struct client client = { .way = CLIENT_SIGNS, .world = &w };
	pam_handle_t *pamh = world_start(&w, "db", "robot", &client);

	cr_expect_eq(world_phase(pam_authenticate, pamh, 0), PAM_SUCCESS);
	cr_assert_eq(pam_set_item(pamh, PAM_USER, "deploy"), PAM_SUCCESS);
	cr_expect_eq(world_phase(pam_authenticate, pamh, 0), PAM_SUCCESS);
	cr_expect_eq(world_files(&w, "run/pending"), 1);
	cr_expect_eq(world_phase(pam_acct_mgmt, pamh, 0), PAM_SUCCESS);
	cr_assert_eq(pam_set_item(pamh, PAM_USER, "robot"), PAM_SUCCESS);
	cr_expect_eq(world_phase(pam_acct_mgmt, pamh, 0), PAM_PERM_DENIED);
	cr_expect_eq(world_phase(pam_open_session, pamh, 0),
	    PAM_SESSION_ERR);
	(void)pam_end(pamh, PAM_SUCCESS);
}
