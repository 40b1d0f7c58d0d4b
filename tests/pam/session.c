/*
 * setcred and session: the login goes over from auth, whoever changes the
 * environment or the process, and is on record while its session is open.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct world w;
static struct client agent = { .way = CLIENT_SIGNS, .world = &w };
static struct client person = { .way = CLIENT_SAYS, .text = "secret" };

static void
open_world(void)
{
	world_open(&w);
	if (geteuid() != 0)
		cr_skip_test("needs root: only root keeps login records");
}

static void
close_world(void)
{
	world_close(&w);
}

TestSuite(session, .init = open_world, .fini = close_world);

static pam_handle_t *
logged_in(const char *service, const char *user)
{
	pam_handle_t *pamh = world_start(&w, service, user, &agent);

	cr_assert_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
	cr_assert_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	return pamh;
}

/* The sid of event i must be that of event 0. */
static void
expect_same_login(size_t i)
{
	char sid[32] = "";
	const char *at = strstr(w.events[0], "\"sid\":\"");

	cr_assert_not_null(at);
	memcpy(sid, at, 7 + 22 + 1);
	cr_expect(world_event_has(&w, i, sid, AGENT_ID,
	    "\"name\":\"build-bot\"", "\"owner\":\"team-platform\"", NULL));
}

static void
expect_true_variables(pam_handle_t *pamh)
{
	const char *sid = pam_getenv(pamh, "FIRSTOPS_SID");

	cr_expect_str_eq(pam_getenv(pamh, "FIRSTOPS_ID"), AGENT_ID);
	cr_expect_str_eq(pam_getenv(pamh, "FIRSTOPS_NAME"), "build-bot");
	cr_expect_str_eq(pam_getenv(pamh, "FIRSTOPS_OWNER"), "team-platform");
	cr_assert_not_null(sid);
	cr_expect_not_null(strstr(w.events[0], sid));
}

/* Auth, both session events, one login, and nothing left behind. */
static void
expect_whole_story(void)
{
	world_events(&w);
	cr_assert_eq(w.events_count, 3);
	cr_expect(world_event_has(&w, 0, "\"ev\":\"auth\"", NULL));
	cr_expect(world_event_has(&w, 1, "\"ev\":\"session_open\"",
	    "\"res\":\"permit\"", "\"why\":\"ok\"", NULL));
	cr_expect(world_event_has(&w, 2, "\"ev\":\"session_close\"",
	    "\"res\":\"permit\"", "\"why\":\"ok\"", NULL));
	expect_same_login(1);
	expect_same_login(2);
	cr_expect_eq(world_files(&w, "run/pending"), 0);
	cr_expect_eq(world_files(&w, "run/sessions"), 0);
}

/* ---- one process --------------------------------------------------------- */

Test(session, is_on_record_while_it_is_open)
{
	pam_handle_t *pamh = logged_in("sshd", "deploy");

	cr_expect_eq(world_files(&w, "run/pending"), 1);
	cr_expect_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	cr_expect_eq(world_files(&w, "run/pending"), 0);
	cr_expect_null(pam_getenv(pamh, "FIRSTOPS_PENDING"));
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(world_files(&w, "run/sessions"), 1);
	world_events(&w);
	expect_true_variables(pamh);
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	expect_whole_story();
	cr_expect_eq(pam_setcred(pamh, PAM_DELETE_CRED), PAM_SUCCESS);
	cr_expect_null(pam_getenv(pamh, "FIRSTOPS_ID"));
	(void)pam_end(pamh, PAM_SUCCESS);
}

Test(session, leaves_nothing_pending_where_a_service_sets_no_credentials)
{
	pam_handle_t *pamh = logged_in("sudo", "deploy");

	cr_expect_eq(world_files(&w, "run/pending"), 1);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(world_files(&w, "run/pending"), 0);
	cr_expect_null(pam_getenv(pamh, "FIRSTOPS_PENDING"));
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	expect_whole_story();
	(void)pam_end(pamh, PAM_SUCCESS);
}

Test(session, keeps_its_name_when_credentials_go_before_it_closes)
{
	pam_handle_t *pamh = logged_in("sshd", "deploy");

	cr_expect_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_setcred(pamh, PAM_DELETE_CRED), PAM_SUCCESS);
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	expect_whole_story();
	(void)pam_end(pamh, PAM_SUCCESS);
}

Test(session, of_sudo_is_its_callers_though_the_user_is_the_target)
{
	pam_handle_t *pamh = world_start(&w, "sudo", "deploy", &agent);

	cr_assert_eq(pam_set_item(pamh, PAM_RUSER, "deploy"), PAM_SUCCESS);
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	cr_assert_eq(pam_set_item(pamh, PAM_USER, "root"), PAM_SUCCESS);
	cr_expect_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	expect_whole_story();
	cr_expect(world_event_has(&w, 1, "\"user\":\"root\"",
	    "\"ruser\":\"deploy\"", NULL));
	(void)pam_end(pamh, PAM_SUCCESS);
}

Test(session, is_refused_to_another_user_than_the_one_who_logged_in)
{
	pam_handle_t *pamh = logged_in("sshd", "deploy");

	cr_assert_eq(pam_set_item(pamh, PAM_USER, "root"), PAM_SUCCESS);
	cr_expect_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SESSION_ERR);
	cr_expect_eq(world_files(&w, "run/sessions"), 0);
	world_events(&w);
	cr_assert_eq(w.events_count, 2);
	cr_expect(world_event_has(&w, 1, "\"ev\":\"session_open\"",
	    "\"res\":\"deny\"", "\"why\":\"user_changed\"", NULL));
	(void)pam_end(pamh, PAM_SESSION_ERR);
}

Test(session, is_refused_once_the_principal_is_revoked)
{
	pam_handle_t *pamh = logged_in("sshd", "deploy");

	cr_expect_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	world_agent(&w, "revoked", "");
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SESSION_ERR);
	cr_expect_eq(world_files(&w, "run/sessions"), 0);
	world_events(&w);
	cr_assert_eq(w.events_count, 2);
	cr_expect(world_event_has(&w, 1, "\"ev\":\"session_open\"",
	    "\"res\":\"deny\"", "\"why\":\"revoked\"", AGENT_ID, NULL));
	/* Closing what never opened says nothing. */
	(void)pam_close_session(pamh, 0);
	world_events(&w);
	cr_expect_eq(w.events_count, 2);
	(void)pam_end(pamh, PAM_SESSION_ERR);
}

Test(session, is_refused_when_a_required_sink_does_not_take_its_event)
{
	pam_handle_t *pamh = logged_in("sshd", "deploy");
	char sinks[200];

	cr_expect_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	(void)snprintf(sinks, sizeof(sinks), "\"file:%s/none/events\"",
	    w.folder);
	world_config(&w, sinks);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SESSION_ERR);
	cr_expect_eq(world_files(&w, "run/sessions"), 0);
	(void)pam_end(pamh, PAM_SESSION_ERR);
}

Test(session, closes_though_its_configuration_is_gone)
{
	pam_handle_t *pamh;
	char line[2048];

	world_private_dev(&w);
	pamh = logged_in("sshd", "deploy");
	cr_expect_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	world_put(&w, "firstops.yaml", "---\nversion: 1\nhost: bas");
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(world_files(&w, "run/sessions"), 0);
	cr_expect_not_null(strstr(world_syslog(&w, line, sizeof(line)),
	    "\"ev\":\"session_close\""), "%s", line);
	(void)pam_end(pamh, PAM_SUCCESS);
}

/* A service as we ship it: agents first, then people, here by pam_permit. */
static void
people_too(const char *service)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "pam.d/%s", service);
	world_put(&w, path, "auth [success=done cred_insufficient=ignore "
	    "default=die] %s config=%s/firstops.yaml\n"
	    "auth required pam_permit.so\n"
	    "session required %s config=%s/firstops.yaml\n"
	    "session requisite %s unknown\n",
	    w.module, w.folder, w.module, w.folder, w.probe);
}

Test(session, of_people_is_none_of_ours)
{
	pam_handle_t *pamh;

	people_too("sshd");
	pamh = world_start(&w, "sshd", "alice", &person);
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), IGNORED);
	cr_expect_eq(pam_close_session(pamh, 0), IGNORED);
	cr_expect_eq(pam_setcred(pamh, PAM_DELETE_CRED), PAM_SUCCESS);
	world_events(&w);
	cr_expect_eq(w.events_count, 0);
	(void)pam_end(pamh, PAM_SUCCESS);
}

Test(session, of_people_begins_without_our_configuration)
{
	pam_handle_t *pamh;

	people_too("sshd");
	world_put(&w, "firstops.yaml", "%s", "torn: [");
	pamh = world_start(&w, "sshd", "alice", &person);
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), IGNORED);
	cr_expect_eq(pam_close_session(pamh, 0), IGNORED);
	(void)pam_end(pamh, PAM_SUCCESS);
}

/* ---- two processes, as sshd has them ------------------------------------- */

/* The other process: no assertion in it, they belong to the test's own. */
static _Noreturn void
be_elsewhere(const char *user, int to)
{
	pam_handle_t *pamh = world_start(&w, "sshd", user, &agent);
	char **list;

	if (pam_authenticate(pamh, 0) != PAM_SUCCESS ||
	    pam_acct_mgmt(pamh, 0) != PAM_SUCCESS ||
	    (list = pam_getenvlist(pamh)) == NULL)
		_exit(1);
	for (; *list != NULL; list++)
		if (dprintf(to, "%s\n", *list) < 0)
			_exit(1);
	_exit(0); /* without pam_end, as sshd's child */
}

/*
 * Log the agent in in another process, which hands over nothing but its PAM
 * environment, as sshd does.
 */
static void
log_in_elsewhere(const char *user, pam_handle_t *pamh)
{
	char text[4096] = "", *rest = text, *one;
	size_t len = 0;
	int ends[2], status;
	ssize_t n;
	pid_t pid;

	cr_assert_eq(pipe(ends), 0);
	if ((pid = fork()) == 0)
		be_elsewhere(user, ends[1]);
	cr_assert_gt(pid, 0);
	(void)close(ends[1]);
	while ((n = read(ends[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	(void)close(ends[0]);
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	while ((one = strsep(&rest, "\n")) != NULL)
		if (one[0] != '\0')
			cr_assert_eq(pam_putenv(pamh, one), PAM_SUCCESS);
}

Test(session, takes_the_login_over_from_another_process)
{
	pam_handle_t *pamh = world_start(&w, "sshd", "deploy", &person);

	log_in_elsewhere("deploy", pamh);
	cr_expect_not_null(pam_getenv(pamh, "FIRSTOPS_PENDING"));
	cr_expect_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	cr_expect_null(pam_getenv(pamh, "FIRSTOPS_PENDING"));
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_setcred(pamh, PAM_REINITIALIZE_CRED), PAM_SUCCESS);
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	expect_whole_story();
	(void)pam_end(pamh, PAM_SUCCESS);
}

Test(session, exports_the_true_login_over_a_hostile_environment)
{
	pam_handle_t *pamh = world_start(&w, "sshd", "deploy", &person);

	log_in_elsewhere("deploy", pamh);
	cr_assert_eq(pam_putenv(pamh, "PROBE_HOSTILE=1"), PAM_SUCCESS);
	cr_expect_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	world_events(&w);
	expect_true_variables(pamh);
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	expect_whole_story();
	(void)pam_end(pamh, PAM_SUCCESS);
}

/* A record that is named and cannot be had ends at the session, in the open. */
static void
expect_lost(pam_handle_t *pamh, const char *why)
{
	cr_expect_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	cr_expect_null(pam_getenv(pamh, "FIRSTOPS_PENDING"));
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SESSION_ERR);
	cr_expect_eq(world_files(&w, "run/sessions"), 0);
	world_events(&w);
	cr_expect(world_event_has(&w, w.events_count - 1,
	    "\"ev\":\"session_open\"", "\"rc\":14", why, NULL));
	(void)pam_end(pamh, PAM_SESSION_ERR);
}

Test(session, is_refused_when_the_record_was_taken_already)
{
	pam_handle_t *one = world_start(&w, "sshd", "deploy", &person);
	pam_handle_t *two = world_start(&w, "sshd", "deploy", &person);
	char variable[128];

	log_in_elsewhere("deploy", one);
	(void)snprintf(variable, sizeof(variable), "FIRSTOPS_PENDING=%s",
	    pam_getenv(one, "FIRSTOPS_PENDING"));
	cr_assert_eq(pam_putenv(two, variable), PAM_SUCCESS);
	cr_expect_eq(pam_setcred(one, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	expect_lost(two, "\"why\":\"session\"");
	(void)pam_end(one, PAM_SUCCESS);
}

Test(session, is_refused_to_another_user_than_the_record_names)
{
	pam_handle_t *pamh = world_start(&w, "sshd", "root", &person);

	cr_assert_eq(pam_set_item(pamh, PAM_RUSER, "deploy"), PAM_SUCCESS);
	log_in_elsewhere("deploy", pamh);
	expect_lost(pamh, "\"why\":\"user_changed\"");
}

Test(session, is_refused_at_another_service_than_the_record_names)
{
	pam_handle_t *pamh = world_start(&w, "sudo", "deploy", &person);

	log_in_elsewhere("deploy", pamh);
	expect_lost(pamh, "\"why\":\"session\"");
}

Test(session, is_refused_for_names_that_no_record_can_have)
{
	static const char *const names[] = { "", ".", "../sessions/x",
		"AAAAAAAAAAAAAAAAAAAAAA.1", "AAAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		pam_handle_t *pamh = world_start(&w, "sshd", "alice", &person);
		char variable[128];

		(void)snprintf(variable, sizeof(variable),
		    "FIRSTOPS_PENDING=%s", names[i]);
		cr_assert_eq(pam_putenv(pamh, variable), PAM_SUCCESS);
		expect_lost(pamh, "\"why\":\"session\"");
	}
}

Test(session, is_opened_once_by_a_login)
{
	pam_handle_t *pamh = logged_in("sshd", "deploy");

	cr_expect_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), IGNORED);
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	(void)pam_end(pamh, PAM_SUCCESS);
}

Test(session, does_not_believe_the_identity_in_the_environment)
{
	pam_handle_t *pamh = world_start(&w, "sshd", "alice", &person);

	cr_assert_eq(pam_putenv(pamh, "FIRSTOPS_ID=" AGENT_ID), PAM_SUCCESS);
	cr_assert_eq(pam_putenv(pamh, "FIRSTOPS_SID=AAAAAAAAAAAAAAAAAAAAAA"),
	    PAM_SUCCESS);
	cr_expect_eq(pam_setcred(pamh, PAM_ESTABLISH_CRED), PAM_SUCCESS);
	cr_expect_eq(pam_open_session(pamh, 0), IGNORED);
	world_events(&w);
	cr_expect_eq(w.events_count, 0);
	(void)pam_end(pamh, PAM_SUCCESS);
}
