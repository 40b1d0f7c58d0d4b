/*
 * What the module answers and reports where libpam, the client, memory, the
 * clock, the store or its folders fail it: nobody gets in by it, and the
 * event says who, what and why.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include <firstops/firstops.h>

#include "base/wipe.h"
#include "call.h"
#include "conversation.h"
#include "fuzz/fuzz.h"
#include "fuzz/sign.h"
#include "login.h"
#include "report.h"
#include "support/cee.h"
#include "support/forge.h"
#include "support/service.h"

static struct service service;
static struct fo_pam_call call;

static void
open_service(void)
{
	service_open(&service);
}

static void
close_service(void)
{
	fo_pam_call_close(&call);
	service_close(&service);
}

TestSuite(module, .init = open_service, .fini = close_service);

static int
authenticate(void)
{
	return service_phase(&service, pam_sm_authenticate, 0, NULL);
}

static int
account(void)
{
	return service_phase(&service, pam_sm_acct_mgmt, 0, NULL);
}

static int
establish(void)
{
	return service_phase(&service, pam_sm_setcred, PAM_ESTABLISH_CRED,
	    NULL);
}

static int
open_session(void)
{
	return service_phase(&service, pam_sm_open_session, 0, NULL);
}

static int
close_session(void)
{
	return service_phase(&service, pam_sm_close_session, 0, NULL);
}

static void
log_in(void)
{
	service_start(&service);
	cr_assert_eq(authenticate(), PAM_SUCCESS);
}

static void
have_session(void)
{
	log_in();
	cr_assert_eq(open_session(), PAM_SUCCESS);
}

/* At db, which takes a proof that nobody asked for. */
static void
start_at_db(void)
{
	service_start(&service);
	service_item(&service, PAM_SERVICE, "db");
}

static void
give_token(const char *text)
{
	char *proof = sign_proof("pam://bastion/db/deploy", NULL);

	service_item(&service, PAM_AUTHTOK, text != NULL ? text : proof);
	free(proof);
}

static void
damage_configuration(struct service *of)
{
	store_fixture_put(&of->store, "firstops.yaml", "---\nversion:");
}

/* Of the last event of a kind, which there must be. */
static void
expect_event(const char *ev, const char *key, const char *value)
{
	const char *event = service_event(&service, ev);

	cr_assert_not_null(event, "no event %s", ev);
	cr_expect_str_eq(cee_get(event, key), value, "%s: %s", key, event);
}

static void
expect_reason(const char *ev, const char *text)
{
	const char *event = service_event(&service, ev);

	cr_assert_not_null(event, "no event %s", ev);
	cr_expect_not_null(strstr(cee_get(event, "msg"), text), "%s", event);
}

/* ---- the client's offer ------------------------------------------------- */

Test(module, takes_a_proof_that_is_there_out_of_reach)
{
	start_at_db();
	give_token(NULL);
	cr_expect_eq(authenticate(), PAM_SUCCESS);
	cr_expect_null(service.handle.items[PAM_AUTHTOK]);
	cr_expect_str_empty(service.prompt);
}

Test(module, lets_nobody_in_by_a_proof_that_stays_within_reach)
{
	start_at_db();
	give_token(NULL);
	service.handle.kept_item = PAM_AUTHTOK;
	cr_expect_eq(authenticate(), PAM_ABORT);
	cr_expect_str_empty(service.handle.items[PAM_AUTHTOK]);
	expect_event("auth", "why", "internal");
	expect_event("auth", "res", "error");
	cr_expect_eq(service_variables(&service), 0);
}

Test(module, takes_a_proof_out_of_reach_without_memory_for_it_too)
{
	start_at_db();
	give_token(NULL);
	fuzz_faults_arm_call("strdup", 0, FUZZ_ONCE);
	cr_expect_eq(authenticate(), PAM_BUF_ERR);
	fuzz_faults_disarm();
	cr_expect_null(service.handle.items[PAM_AUTHTOK]);
	expect_event("auth", "why", "nomem");
}

Test(module, leaves_a_password_that_is_there_and_reports_no_proof)
{
	give_token("secret");
	cr_expect_eq(authenticate(), PAM_CRED_INSUFFICIENT);
	cr_expect_str_eq(service.handle.items[PAM_AUTHTOK], "secret");
	cr_expect_str_empty(service.prompt);
	expect_event("auth", "why", "no_proof");
	expect_event("auth", "rc", "8");
	expect_event("auth", "user", "deploy");
}

Test(module, looks_at_no_password_on_a_line_with_an_unknown_argument)
{
	give_token("secret");
	cr_expect_eq(service_phase(&service, pam_sm_authenticate, 0, "lenient"),
	    PAM_SERVICE_ERR);
	expect_event("auth", "why", "arg");
	expect_reason("auth", "lenient");
}

Test(module, asks_nobody_once_more_whose_password_it_cannot_hand_on)
{
	service.says = "secret";
	service.handle.kept_item = PAM_AUTHTOK;
	cr_expect_eq(authenticate(), PAM_BUF_ERR);
	expect_event("auth", "why", "nomem");
}

/* A service may cut what has PAM_MAX_MSG_SIZE bytes or more. */
Test(module, asks_with_a_challenge_as_long_as_a_service_shows_it_whole)
{
	char user[FO_PAM_ITEM_SIZE] = "";
	size_t longest = 0, n;
	bool plain = false;

	service.says = "secret";
	memset(user, '+', 90); /* each is three bytes of a target */
	for (size_t i = 90; i < sizeof(user) - 1 && !plain; i++) {
		user[i] = 'a';
		start_at_db();
		service_item(&service, PAM_USER, user);
		cr_assert_eq(authenticate(), PAM_CRED_INSUFFICIENT);
		n = strlen(service.prompt);
		plain = strcmp(service.prompt, "Password: ") == 0;
		if (!plain)
			longest = n;
	}
	cr_expect(plain);
	cr_expect_eq(longest, PAM_MAX_MSG_SIZE - 1, "%zu", longest);
}

/* No target can have the first, no service shows the second's whole. */
Test(module, leaves_names_that_cannot_be_asked_for_to_the_decision)
{
	char longest[FO_PAM_ITEM_SIZE] = "";
	const char *const users[] = { "..", longest };

	memset(longest, '+', sizeof(longest) - 1);
	for (size_t i = 0; i < 2; i++) {
		start_at_db();
		service_item(&service, PAM_USER, users[i]);
		cr_expect_eq(authenticate(), PAM_AUTH_ERR, "%s", users[i]);
		cr_expect_str_eq(service.prompt, "Password: ");
		expect_event("auth", "why", "wrong_htu");
	}
}

Test(module, takes_no_proof_where_it_has_no_randomness_for_a_challenge)
{
	start_at_db();
	fuzz_faults_arm_call("getrandom", 0, FUZZ_ONCE);
	cr_expect_eq(authenticate(), PAM_AUTHINFO_UNAVAIL);
	cr_expect(fuzz_faulted());
	fuzz_faults_disarm();
	cr_expect_str_eq(service.prompt, "Password: ");
	expect_event("auth", "why", "io");
}

Test(module, takes_no_proof_once_its_configuration_is_gone)
{
	service.meanwhile = damage_configuration;
	cr_expect_eq(authenticate(), PAM_SERVICE_ERR);
	cr_expect_eq(service_variables(&service), 0);
}

/* Who reads the event finds it by what the client was told. */
Test(module, tells_a_client_the_start_of_what_the_event_is_filed_under)
{
	char ref[64], sid[FO_SID_SIZE];

	give_token("secret");
	(void)service_phase(&service, pam_sm_authenticate, 0, "lenient");
	(void)snprintf(sid, sizeof(sid), "%s",
	    cee_get(service_event(&service, "auth"), "sid"));
	cr_assert_eq(strlen(sid), FO_SID_SIZE - 1);
	(void)snprintf(ref, sizeof(ref), "(ref %.8s)", sid);
	cr_expect_not_null(strstr(service.told, ref), "%s", service.told);
}

Test(module, tells_a_client_nothing_where_there_is_nothing_to_refer_to)
{
	give_token("secret");
	fuzz_faults_arm_call("getrandom", 0, FUZZ_FROM_THEN_ON);
	cr_expect_eq(service_phase(&service, pam_sm_authenticate, 0, "lenient"),
	    PAM_SERVICE_ERR);
	fuzz_faults_disarm();
	cr_expect_str_empty(service.told);
	expect_event("auth", "sid", "-");
	expect_event("auth", "rc", "3");
}

/* ---- conversations ------------------------------------------------------ */

static void
expect_no_conversation(const char *why)
{
	char *answer = NULL;

	cr_expect_eq(fo_pam_ask(&service.handle, "?", &answer),
	    FO_ERR_NO_PROOF, "%s", why);
	cr_expect_null(answer, "%s", why);
	fo_pam_tell(&service.handle, "refused");
	cr_expect_str_empty(service.told, "%s", why);
}

static int
give_nothing(int n, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	(void)n;
	(void)messages;
	(void)ret_responses;
	(void)arg;
	return PAM_SUCCESS;
}

static int
give_no_text(int n, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	(void)n;
	(void)messages;
	(void)arg;
	*ret_responses = calloc(1, sizeof(**ret_responses));
	return PAM_SUCCESS;
}

static int
fail(int n, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	(void)n;
	(void)messages;
	(void)arg;
	*ret_responses = (struct pam_response *)1;
	return PAM_CONV_ERR;
}

Test(module, asks_for_no_proof_where_nobody_answers)
{
	static int (*const none[])(int, const struct pam_message **,
	    struct pam_response **, void *) = { NULL, give_nothing,
		give_no_text, fail };
	char *answer = NULL;

	service.says = "hello";
	cr_assert_eq(fo_pam_ask(&service.handle, "?", &answer), FO_OK);
	cr_expect_str_eq(answer, "hello");
	fo_wipe_string(&answer);
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		service.handle.conv.conv = none[i];
		expect_no_conversation("a conversation");
	}
	service.handle.no_item = PAM_CONV;
	expect_no_conversation("no such item");
}

/* ---- what a call knows -------------------------------------------------- */

static void
open_call(const char *argument)
{
	const char *const argv[] = { service.config, argument };

	fo_pam_call_close(&call);
	fo_pam_call_open(&call, &service.handle, 0, argument != NULL ? 2 : 1,
	    argv);
}

static size_t
copied(const char *copy, const char *item)
{
	cr_expect_eq(strncmp(copy, item, strlen(copy)), 0);
	return strlen(copy);
}

Test(module, has_a_name_whole_or_not_at_all_and_cuts_the_rest)
{
	static const int items[] = { PAM_SERVICE, PAM_USER, PAM_RUSER,
		PAM_RHOST, PAM_TTY };
	char text[FO_PAM_ITEM_SIZE + 1] = "";

	for (size_t n = FO_PAM_ITEM_SIZE - 1; n <= FO_PAM_ITEM_SIZE; n++) {
		memset(text, 'a', n);
		for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++)
			service_item(&service, items[i], text);
		open_call(NULL);
		fo_pam_call_user(&call);
		cr_expect_eq(copied(call.service, text),
		    n < FO_PAM_ITEM_SIZE ? n : 0);
		cr_expect_eq(copied(call.user, text),
		    n < FO_PAM_ITEM_SIZE ? n : 0);
		cr_expect_eq(copied(call.ruser, text), FO_PAM_ITEM_SIZE - 1);
		cr_expect_eq(copied(call.rhost, text), FO_PAM_ITEM_SIZE - 1);
		cr_expect_eq(copied(call.tty, text), FO_PAM_ITEM_SIZE - 1);
		cr_expect_eq(call.usable, n < FO_PAM_ITEM_SIZE ? FO_OK :
		    FO_ERR_ARG);
	}
}

Test(module, knows_who_is_meant_by_what_the_service_says_or_libpam_asks)
{
	service.handle.typed_user = "robot";
	open_call(NULL);
	fo_pam_call_user(&call);
	cr_expect_str_eq(call.user, "deploy");
	service_item(&service, PAM_USER, NULL);
	open_call(NULL);
	cr_expect_str_empty(call.user);
	fo_pam_call_user(&call);
	cr_expect_str_eq(call.user, "robot");
	service_item(&service, PAM_USER, NULL);
	service.handle.typed_user = NULL;
	open_call(NULL);
	fo_pam_call_user(&call);
	cr_expect_str_empty(call.user);
}

Test(module, says_what_is_wrong_with_its_configuration)
{
	damage_configuration(&service);
	open_call(NULL);
	cr_expect_eq(fo_pam_call_config(&call), FO_ERR_CONFIG);
	cr_expect_null(call.config);
	cr_expect_not_null(strstr(call.diag.text, "firstops.yaml"), "%s",
	    call.diag.text);
}

/* The line comes first; the configuration only has the event's sinks. */
Test(module, says_what_is_wrong_with_its_line_whatever_the_configuration_is)
{
	open_call("lenient");
	cr_expect_eq(fo_pam_call_config(&call), FO_ERR_ARG);
	cr_expect_not_null(call.config);
	cr_expect_not_null(strstr(call.diag.text, "lenient"));
	damage_configuration(&service);
	cr_expect_eq(fo_pam_call_config(&call), FO_ERR_ARG);
	cr_expect_null(call.config);
	cr_expect_not_null(strstr(call.diag.text, "lenient"));
	cr_expect_null(strstr(call.diag.text, "firstops.yaml"), "%s",
	    call.diag.text);
}

Test(module, has_no_configuration_without_memory)
{
	open_call(NULL);
	fuzz_faults_arm_call("calloc", 0, FUZZ_ONCE);
	cr_expect_eq(fo_pam_call_config(&call), FO_ERR_NOMEM);
	fuzz_faults_disarm();
	cr_expect_null(call.config);
	cr_expect_eq(fo_pam_call_config(&call), FO_OK);
}

/* ---- refusals in the middle --------------------------------------------- */

Test(module, lets_nobody_in_while_an_earlier_login_cannot_be_forgotten)
{
	log_in();
	service.handle.kept_data = "firstops_login";
	service.prompt[0] = '\0';
	cr_expect_eq(authenticate(), PAM_ABORT);
	cr_expect_str_empty(service.prompt);
	cr_expect_eq(service_variables(&service), 0);
}

Test(module, says_so_where_a_refused_login_cannot_be_forgotten)
{
	service_configure(&service, "nowhere/events", NULL);
	service.handle.kept_data = "firstops_login";
	cr_expect_eq(authenticate(), PAM_ABORT);
	cr_expect_eq(service_variables(&service), 0);
	service_start(&service);
	cr_expect_eq(authenticate(), PAM_AUTHINFO_UNAVAIL);
}

Test(module, cannot_set_credentials_without_memory)
{
	log_in();
	fake_pam_forget(&service.handle);
	service.handle.no_data = "firstops_login";
	cr_expect_eq(establish(), PAM_BUF_ERR);
	cr_expect_null(fo_pam_login_get(&service.handle));
}

Test(module, cannot_delete_credentials_that_libpam_keeps)
{
	log_in();
	service.handle.kept_data = "firstops_login";
	cr_expect_eq(service_phase(&service, pam_sm_setcred, PAM_DELETE_CRED,
	    NULL), PAM_ABORT);
	service.handle.kept_data = NULL;
	cr_expect_eq(service_phase(&service, pam_sm_setcred, PAM_DELETE_CRED,
	    NULL), PAM_SUCCESS);
	cr_expect_null(fo_pam_login_get(&service.handle));
}

/* A login that was brought over, to somebody else. */
static void
lose_login(void)
{
	log_in();
	fake_pam_forget(&service.handle);
	service_item(&service, PAM_USER, "root");
	cr_assert_eq(establish(), PAM_SUCCESS);
}

Test(module, enters_no_account_with_a_lost_login_whoever_asks_by_now)
{
	static const char *const users[] = { "root", "deploy" };

	for (size_t i = 0; i < 2; i++) {
		lose_login();
		service_item(&service, PAM_USER, users[i]);
		cr_expect_eq(account(), PAM_PERM_DENIED, "%s", users[i]);
		expect_event("account", "why", "user_changed");
		expect_event("account", "rc", "6");
		expect_reason("account", "the login was of another");
	}
}

Test(module, opens_no_session_of_a_lost_login_and_says_why_it_is_lost)
{
	lose_login();
	service_item(&service, PAM_USER, "deploy");
	cr_expect_eq(open_session(), PAM_SESSION_ERR);
	expect_event("session_open", "why", "user_changed");
	expect_reason("session_open", "the login was of another");
	cr_expect_eq(service_files(&service, "run/sessions"), 0);
}

/* ---- sessions ----------------------------------------------------------- */

static void
expect_no_session(const char *why)
{
	cr_expect_null(fo_pam_login_of_session(&service.handle));
	cr_expect_eq(service_files(&service, "run/sessions"), 0);
	expect_event("session_open", "why", why);
	expect_event("session_open", "res", "error");
	expect_event("session_open", "rc", "14");
}

Test(module, opens_no_session_that_it_cannot_put_on_record)
{
	log_in();
	machine_write(&service.machine, "run/sessions", "no folder");
	cr_expect_eq(open_session(), PAM_SESSION_ERR);
	expect_no_session("session");
	machine_remove(&service.machine, "run/sessions");
	cr_expect_eq(open_session(), PAM_SUCCESS);
}

Test(module, opens_no_session_of_a_process_that_started_nobody_knows_when)
{
	bool met = false, faulted = true;
	const char *event;
	int answer;

	for (uint32_t nth = 0; faulted && !met; nth++) {
		log_in();
		fuzz_faults_arm_call("openat", nth, FUZZ_ONCE);
		answer = open_session();
		faulted = fuzz_faulted();
		fuzz_faults_disarm();
		event = service_event(&service, "session_open");
		met = event != NULL && strstr(event, "mount /proc") != NULL;
		cr_assert(!met || answer == PAM_SESSION_ERR, "%d", answer);
	}
	cr_assert(met);
	expect_no_session("session");
}

Test(module, opens_no_session_without_its_true_variables)
{
	static const char *const variables[] = { "FIRSTOPS_ID",
		"FIRSTOPS_NAME", "FIRSTOPS_OWNER", "FIRSTOPS_SID" };

	for (size_t i = 0; i < 4; i++) {
		log_in();
		service.handle.no_variable = variables[i];
		cr_expect_eq(open_session(), PAM_BUF_ERR, "%s", variables[i]);
		cr_expect_eq(service_files(&service, "run/sessions"), 0);
		expect_event("session_open", "why", "nomem");
	}
}

Test(module, opens_no_session_that_its_handle_cannot_keep)
{
	log_in();
	service.handle.no_data = "firstops_session";
	cr_expect_eq(open_session(), PAM_BUF_ERR);
	cr_expect_eq(service_files(&service, "run/sessions"), 0);
	expect_event("session_open", "why", "nomem");
}

Test(module, opens_no_session_twice)
{
	have_session();
	cr_expect_eq(open_session(), PAM_SESSION_ERR);
	expect_event("session_open", "why", "session");
	cr_expect_eq(service_files(&service, "run/sessions"), 1);
}

Test(module, says_so_where_a_refused_sessions_record_is_left_behind)
{
	log_in();
	service.handle.no_data = "firstops_session";
	fuzz_faults_arm_call("unlinkat", 0, FUZZ_FROM_THEN_ON);
	cr_expect_eq(open_session(), PAM_BUF_ERR);
	fuzz_faults_disarm();
	cr_expect_eq(service_files(&service, "run/sessions"), 1);
	expect_reason("session_open", "left behind");
	log_in();
	service.handle.no_data = "firstops_session";
	cr_expect_eq(open_session(), PAM_BUF_ERR);
	cr_expect_null(strstr(service_event(&service, "session_open"),
	    "left behind"));
}

Test(module, says_so_where_an_unannounced_session_cannot_be_taken_back)
{
	log_in();
	service_configure(&service, "nowhere/events", NULL);
	service.handle.kept_data = "firstops_session";
	cr_expect_eq(open_session(), PAM_ABORT);
	cr_expect_eq(service_files(&service, "run/sessions"), 0);
}

Test(module, closes_a_session_that_an_admin_has_ended)
{
	have_session();
	machine_remove(&service.machine, "run/sessions");
	cr_expect_eq(close_session(), PAM_SUCCESS);
	expect_event("session_close", "why", "ok");
	expect_event("session_close", "res", "permit");
	expect_event("session_close", "rc", "0");
}

Test(module, closes_a_session_whose_record_it_cannot_take_away)
{
	have_session();
	fuzz_faults_arm_call("unlinkat", 0, FUZZ_FROM_THEN_ON);
	cr_expect_eq(close_session(), PAM_SUCCESS);
	fuzz_faults_disarm();
	expect_event("session_close", "why", "session");
	expect_event("session_close", "res", "error");
	expect_event("session_close", "rc", "0");
	cr_expect_null(fo_pam_login_of_session(&service.handle));
}

Test(module, cannot_close_a_session_that_libpam_keeps)
{
	static const char *const kept[] = { "firstops_session",
		"firstops_login" };

	for (size_t i = 0; i < 2; i++) {
		have_session();
		service.handle.kept_data = kept[i];
		cr_expect_eq(close_session(), PAM_ABORT, "%s", kept[i]);
		cr_expect_eq(service_files(&service, "run/sessions"), 0);
	}
}

Test(module, names_who_has_the_session_that_a_bad_line_does_not_close)
{
	have_session();
	cr_expect_eq(service_phase(&service, pam_sm_close_session, 0,
	    "lenient"), PAM_SERVICE_ERR);
	expect_event("session_close", "why", "arg");
	expect_event("session_close", "id", FIXTURE_ID);
	expect_event("session_close", "rc", "3");
	cr_expect_eq(close_session(), PAM_SUCCESS);
	cr_expect_eq(service_phase(&service, pam_sm_close_session, 0,
	    "lenient"), PAM_SERVICE_ERR);
	expect_event("session_close", "why", "arg");
	expect_event("session_close", "id", "-");
}

/* ---- events ------------------------------------------------------------- */

static void
expect_whole_event(const char *ev, const char *sid)
{
	static const char *const values[][2] = { { "host", "bastion" },
		{ "res", "permit" }, { "why", "ok" }, { "rc", "0" },
		{ "id", FIXTURE_ID }, { "kind", "agent" },
		{ "name", "build-bot" }, { "owner", "team-platform" },
		{ "jkt", FORGE_JKT }, { "user", "deploy" },
		{ "ruser", "alice" }, { "svc", "sshd" }, { "act", "login" },
		{ "what", "-" }, { "by", "-" }, { "src", "10.2.3.4" },
		{ "tty", "ssh" } };

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		expect_event(ev, values[i][0], values[i][1]);
	expect_event(ev, "sid", sid);
}

Test(module, says_all_of_a_session_that_opens_and_closes)
{
	char sid[FO_SID_SIZE];

	service_item(&service, PAM_RUSER, "alice");
	cr_assert_eq(authenticate(), PAM_SUCCESS);
	(void)snprintf(sid, sizeof(sid), "%s",
	    pam_getenv(&service.handle, "FIRSTOPS_SID"));
	expect_whole_event("auth", sid);
	cr_assert_eq(open_session(), PAM_SUCCESS);
	expect_whole_event("session_open", sid);
	cr_assert_eq(close_session(), PAM_SUCCESS);
	expect_whole_event("session_close", sid);
}

Test(module, says_all_of_a_login_that_is_no_longer_permitted)
{
	log_in();
	store_fixture_put(&service.store, "policies.d/logins.yaml", "---\n"
	    "version: 1\npolicy: logins\nrules:\n  - rule: none\n"
	    "    effect: deny\n    channel: login\n...\n");
	cr_expect_eq(account(), PAM_PERM_DENIED);
	expect_event("account", "res", "deny");
	expect_event("account", "why", "policy");
	expect_event("account", "rc", "6");
	expect_event("account", "id", FIXTURE_ID);
	expect_event("account", "sid",
	    pam_getenv(&service.handle, "FIRSTOPS_SID"));
	expect_reason("account", "logins/none");
}

static struct fo_pam_report
usual_report(fo_err why)
{
	return (struct fo_pam_report) { .ev = FO_EV_ACCOUNT, .why = why,
		.rc = PAM_PERM_DENIED };
}

Test(module, tells_whoever_would_like_to_know)
{
	service_configure(&service, NULL, "events");
	have_session();
	expect_event("session_open", "why", "ok");
}

/* A permit without its time is none; a refusal is told without it. */
Test(module, tells_of_a_refusal_without_a_clock_and_of_no_permit)
{
	struct fo_pam_report report = usual_report(FO_OK);
	struct fo_diag diag = { "" };

	open_call(NULL);
	cr_assert_eq(fo_pam_call_config(&call), FO_OK);
	fuzz_faults_arm_call("clock_gettime", 0, FUZZ_FROM_THEN_ON);
	cr_expect_eq(fo_pam_report(&call, &report, &diag), FO_ERR_IO);
	cr_expect_null(service_event(&service, "account"));
	report = usual_report(FO_ERR_POLICY);
	cr_expect_eq(fo_pam_report(&call, &report, &diag), FO_OK);
	fuzz_faults_disarm();
	expect_event("account", "why", "policy");
}

Test(module, says_so_where_an_event_finds_no_reader)
{
	const struct fo_pam_report report = usual_report(FO_ERR_POLICY);
	struct fo_diag diag = { "" };

	service_configure(&service, "nowhere/events", NULL);
	open_call(NULL);
	cr_assert_eq(fo_pam_call_config(&call), FO_OK);
	cr_expect_eq(fo_pam_report(&call, &report, &diag), FO_ERR_AUDIT);
	cr_expect_not_null(strstr(diag.text, "nowhere"), "%s", diag.text);
}

/* A /dev/log of the test's own. */
static int
listen_to_syslog(char path[PATH_MAX])
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(path, PATH_MAX, "%s/log", service.machine.folder);
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s/log",
	    service.machine.folder);
	cr_assert_geq(fd, 0);
	cr_assert_eq(bind(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	fuzz_faults_syslog(path);
	return fd;
}

Test(module, tells_syslog_where_it_has_no_configuration)
{
	static char path[PATH_MAX];
	const int fd = listen_to_syslog(path);
	const struct fo_pam_report report = usual_report(FO_ERR_CONFIG);
	struct fo_diag diag = { "" };
	char text[2048] = "";

	damage_configuration(&service);
	open_call(NULL);
	cr_assert_eq(fo_pam_call_config(&call), FO_ERR_CONFIG);
	cr_expect_eq(fo_pam_report(&call, &report, &diag), FO_OK, "%s",
	    diag.text);
	cr_assert_gt(recv(fd, text, sizeof(text) - 1, 0), 0);
	cr_assert_not_null(strstr(text, "@cee:"));
	cr_expect_str_eq(cee_get(strstr(text, "@cee:"), "host"), "-");
	cr_expect_str_eq(cee_get(strstr(text, "@cee:"), "why"), "config");
	cr_expect_str_eq(cee_get(strstr(text, "@cee:"), "id"), "-");
	fuzz_faults_syslog(NULL);
	close(fd);
}
