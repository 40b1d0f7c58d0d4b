/*
 * Our login: kept as a whole from auth to the session or not at all, brought
 * over from the process that made it alone, and lost aloud.
 */
#include "login.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/diag.h"
#include "fuzz/fuzz.h"
#include "host/process.h"
#include "support/forge.h"
#include "support/service.h"

#define SID "4f9c2a1bq0T9b2c7dE1xYw"
#define SINCE INT64_C(1795458600)
#define NOBODY 65534

static struct service service;
static struct fo_pam_call call;
static struct fo_diag diag;

static void
open_call(void)
{
	const char *const argv[] = { service.config };

	fo_pam_call_close(&call);
	fo_pam_call_open(&call, &service.handle, 0, 1, argv);
	cr_assert_eq(fo_pam_call_config(&call), FO_OK, "%s", call.diag.text);
	diag = (struct fo_diag){ "" };
}

/* A new handle, and a call into the module in it. */
static void
start(void)
{
	service_start(&service);
	service_item(&service, PAM_RUSER, "alice");
	open_call();
}

static void
open_service(void)
{
	service_open(&service);
	start();
}

static void
close_service(void)
{
	fo_pam_call_close(&call);
	service_close(&service);
}

TestSuite(login, .init = open_service, .fini = close_service);

/* ---- made by auth ------------------------------------------------------- */

/* What a decision hands to the login. */
static fo_err
begin(void)
{
	static const struct fo_decision decision = { .sid = SID,
		.id = FIXTURE_ID, .kind = "agent", .name = "build-bot",
		.owner = "team-platform", .jkt = FORGE_JKT,
		.at = { .s = SINCE } };

	return fo_pam_login_begin(&call, &decision, &diag);
}

static void
expect_nothing(const char *where)
{
	cr_expect_null(fo_pam_login_get(&service.handle), "%s", where);
	cr_expect_eq(service_variables(&service), 0, "%s", where);
	cr_expect_eq(service_files(&service, "run/pending"), 0, "%s", where);
}

static void
expect_variable(const char *name, const char *value)
{
	const char *text = pam_getenv(&service.handle, name);

	cr_assert_not_null(text, "%s", name);
	cr_expect_str_eq(text, value, "%s", name);
}

/* Whoever holds the login is this very process. */
static void
expect_held_here(const struct fo_login_record *record)
{
	uint64_t now;

	cr_expect_eq(record->pid, getpid());
	cr_assert_eq(fo_process_start(getpid(), &now), FO_OK);
	cr_expect_eq(record->pid_start, now);
}

static void
expect_who(const struct fo_login_record *record)
{
	cr_expect_str_eq(record->sid, SID);
	cr_expect_str_eq(record->id, FIXTURE_ID);
	cr_expect_str_eq(record->kind, "agent");
	cr_expect_str_eq(record->name, "build-bot");
	cr_expect_str_eq(record->owner, "team-platform");
	cr_expect_str_eq(record->jkt, FORGE_JKT);
	cr_expect_str_eq(record->service, "sshd");
	cr_expect_str_eq(record->user, "deploy");
	cr_expect_str_eq(record->ruser, "alice");
	cr_expect_str_eq(record->src, "10.2.3.4");
	cr_expect_str_eq(record->tty, "ssh");
	cr_expect_eq(record->since, SINCE);
}

Test(login, says_who_was_let_in_to_what_from_where_and_by_whom)
{
	const struct fo_pam_login *login;

	cr_assert_eq(begin(), FO_OK, "%s", diag.text);
	cr_expect_str_empty(diag.text);
	login = fo_pam_login_get(&service.handle);
	cr_assert_not_null(login);
	expect_who(&login->record);
	expect_held_here(&login->record);
	cr_expect(login->here);
	cr_expect_eq(login->lost, FO_OK);
	expect_variable("FIRSTOPS_ID", FIXTURE_ID);
	expect_variable("FIRSTOPS_NAME", "build-bot");
	expect_variable("FIRSTOPS_OWNER", "team-platform");
	expect_variable("FIRSTOPS_SID", SID);
	expect_variable("FIRSTOPS_PENDING", login->pending);
	cr_expect_eq(service_files(&service, "run/pending"), 1);
}

Test(login, does_not_say_what_the_service_did_not)
{
	const struct fo_login_record *record;

	service_item(&service, PAM_RUSER, NULL);
	service_item(&service, PAM_RHOST, NULL);
	service_item(&service, PAM_TTY, NULL);
	open_call();
	cr_assert_eq(begin(), FO_OK, "%s", diag.text);
	record = &fo_pam_login_get(&service.handle)->record;
	cr_expect_null(record->ruser);
	cr_expect_null(record->src);
	cr_expect_null(record->tty);
}

/* The module's work undone, whatever became of it. */
static void
expect_undone(const char *what)
{
	cr_expect_eq(fo_pam_login_forget(&service.handle), FO_OK, "%s", what);
	expect_nothing(what);
}

Test(login, is_none_without_memory_wherever_that_ends)
{
	static const struct {
		const char *call;
		uint32_t times;	/* before the record is left */
	} calls[] = { { "calloc", 1 }, { "strdup", 6 }, { "strndup", 1 } };
	fo_err r;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		for (uint32_t nth = 0; nth < calls[i].times; nth++) {
			start();
			fuzz_faults_arm_call(calls[i].call, nth, FUZZ_ONCE);
			r = begin();
			cr_expect(fuzz_faulted());
			fuzz_faults_disarm();
			cr_expect_eq(r, FO_ERR_NOMEM, "%s %u: %s",
			    calls[i].call, nth, fo_err_word(r));
			cr_expect_str_eq(diag.text, "cannot keep the login "
			    "for the session: out of memory");
			expect_undone(calls[i].call);
		}
	}
}

Test(login, is_none_where_the_handle_has_no_memory_for_it)
{
	static const char *const variables[] = { "FIRSTOPS_ID",
		"FIRSTOPS_NAME", "FIRSTOPS_OWNER", "FIRSTOPS_SID",
		"FIRSTOPS_PENDING" };

	service.handle.no_data = "firstops_login";
	cr_expect_eq(begin(), FO_ERR_NOMEM);
	expect_undone("data");
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		start();
		service.handle.no_variable = variables[i];
		cr_expect_eq(begin(), FO_ERR_NOMEM, "%s", variables[i]);
		expect_undone(variables[i]);
	}
}

Test(login, is_none_where_no_record_of_it_can_be_left)
{
	machine_write(&service.machine, "run/pending", "no folder");
	cr_expect_eq(begin(), FO_ERR_SESSION);
	cr_expect_not_null(strstr(diag.text, "/run/pending"), "%s",
	    diag.text);
	cr_expect_null(strstr(diag.text, "cannot keep"), "%s", diag.text);
	cr_expect_eq(fo_pam_login_forget(&service.handle), FO_OK);
	cr_expect_null(fo_pam_login_get(&service.handle));
	cr_expect_eq(service_variables(&service), 0);
}

Test(login, is_none_where_nobody_knows_since_when_its_process_runs)
{
	struct fo_login_record record = { .pid = 0 };

	fuzz_faults_arm_call("openat", 0, FUZZ_ONCE);
	cr_expect_eq(fo_pam_login_hold(&record, &diag), FO_ERR_SESSION);
	cr_expect_not_null(strstr(diag.text, "mount /proc"), "%s", diag.text);
	diag = (struct fo_diag){ "" };
	fuzz_faults_arm_call("openat", 0, FUZZ_ONCE);
	cr_expect_eq(begin(), FO_ERR_SESSION);
	fuzz_faults_disarm();
	cr_expect_not_null(strstr(diag.text, "mount /proc"), "%s", diag.text);
	cr_expect_null(strstr(diag.text, "cannot keep"), "%s", diag.text);
	expect_undone("hold");
}

Test(login, of_a_service_that_is_not_roots_leaves_no_record)
{
	cr_assert_eq(seteuid(NOBODY), 0);
	cr_expect_eq(begin(), FO_OK, "%s", diag.text);
	cr_assert_eq(seteuid(0), 0);
	cr_assert_not_null(fo_pam_login_get(&service.handle));
	cr_expect_str_empty(fo_pam_login_get(&service.handle)->pending);
	cr_expect_null(pam_getenv(&service.handle, "FIRSTOPS_PENDING"));
	cr_expect_eq(service_variables(&service), SERVICE_VARIABLES - 1);
	cr_expect_eq(service_files(&service, "run/pending"), 0);
}

/* ---- and forgotten ------------------------------------------------------ */

Test(login, is_forgotten_with_its_record_and_all_variables)
{
	cr_assert_eq(begin(), FO_OK, "%s", diag.text);
	expect_undone("forget");
	expect_undone("once more");
}

Test(login, that_libpam_does_not_let_go_of_is_no_success)
{
	struct fo_pam_login *login;

	cr_assert_eq(begin(), FO_OK, "%s", diag.text);
	login = fo_pam_login_get(&service.handle);
	service.handle.no_data = "firstops_session";
	cr_expect_eq(fo_pam_login_open(&service.handle, login), FO_ERR_NOMEM);
	cr_expect_null(fo_pam_login_of_session(&service.handle));
	service.handle.no_data = NULL;
	cr_assert_eq(fo_pam_login_open(&service.handle, login), FO_OK);
	cr_expect_eq(fo_pam_login_of_session(&service.handle), login);
	service.handle.kept_data = "firstops_session";
	cr_expect_eq(fo_pam_login_close(&service.handle), FO_ERR_INTERNAL);
	service.handle.kept_data = "firstops_login";
	cr_expect_eq(fo_pam_login_forget(&service.handle), FO_ERR_INTERNAL);
	cr_expect_eq(fo_pam_login_close(&service.handle), FO_OK);
	service.handle.kept_data = NULL;
	expect_undone("forget");
}

/* ---- brought over ------------------------------------------------------- */

/* A record of deploy's login at sshd, as this process would leave it. */
static struct fo_login_record
usual_record(void)
{
	static char sshd[] = "sshd", deploy[] = "deploy", alice[] = "alice",
	    src[] = "10.2.3.4", tty[] = "ssh";
	struct fo_login_record record = { .sid = SID, .id = FIXTURE_ID,
		.kind = "agent", .name = "build-bot",
		.owner = "team-platform", .jkt = FORGE_JKT, .service = sshd,
		.user = deploy, .ruser = alice, .src = src, .tty = tty,
		.since = SINCE };

	cr_assert_eq(fo_pam_login_hold(&record, &diag), FO_OK);
	return record;
}

/* Leave it, and have the handle name it with this after its name. */
static void
leave(const struct fo_login_record *record, const char *more)
{
	char *folder = machine_path(&service.machine, "run");
	char name[FO_PENDING_NAME_SIZE], text[128];

	cr_assert_eq(fo_pending_put(folder, record, &fo_clock_system, &diag,
	    name), FO_OK, "%s", diag.text);
	free(folder);
	(void)snprintf(text, sizeof(text), "FIRSTOPS_PENDING=%s%s", name,
	    more);
	cr_assert_eq(pam_putenv(&service.handle, text), PAM_SUCCESS);
}

/* What is adopted, which names no record any more. */
static const struct fo_pam_login *
adopted(void)
{
	cr_assert_eq(fo_pam_login_adopt(&call), FO_OK, "%s", call.diag.text);
	cr_expect_null(pam_getenv(&service.handle, "FIRSTOPS_PENDING"));
	return fo_pam_login_get(&service.handle);
}

static const struct fo_pam_login *
brought_over(void)
{
	const struct fo_pam_login *login = adopted();

	cr_assert_not_null(login);
	return login;
}

Test(login, that_is_here_already_only_ends_its_record)
{
	const struct fo_pam_login *login;

	cr_assert_eq(begin(), FO_OK, "%s", diag.text);
	login = fo_pam_login_get(&service.handle);
	cr_expect_eq(brought_over(), login);
	cr_expect_str_empty(login->pending);
	cr_expect_eq(service_files(&service, "run/pending"), 0);
	cr_expect_eq(brought_over(), login);
	expect_who(&login->record);
}

Test(login, is_brought_over_as_it_was)
{
	const struct fo_pam_login *login;

	cr_assert_eq(begin(), FO_OK, "%s", diag.text);
	fake_pam_forget(&service.handle);
	login = brought_over();
	cr_expect_eq(login->lost, FO_OK, "%s", login->lost_diag.text);
	cr_expect(login->here);
	expect_who(&login->record);
	expect_held_here(&login->record);
	cr_expect_eq(service_files(&service, "run/pending"), 0);
}

Test(login, is_nobodys_where_nothing_names_a_record)
{
	cr_expect_null(adopted());
}

Test(login, is_brought_over_by_root_alone)
{
	const struct fo_login_record record = usual_record();

	leave(&record, "");
	cr_assert_eq(seteuid(NOBODY), 0);
	cr_expect_null(adopted());
	cr_assert_eq(seteuid(0), 0);
}

/* A number alone may be another process's by now. */
Test(login, is_here_in_the_very_process_that_made_it)
{
	const struct fo_login_record own = usual_record();
	struct fo_login_record reused = own, parents = own;

	reused.pid_start++;
	parents.pid = getppid();
	cr_assert_eq(fo_process_start(parents.pid, &parents.pid_start), FO_OK);

	const struct {
		const char *why;
		const struct fo_login_record *record;
		bool here;
	} cases[] = {
		{ "this process", &own, true },
		{ "an earlier one of its number", &reused, false },
		{ "another that runs", &parents, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		start();
		leave(cases[i].record, "");
		cr_expect_eq(brought_over()->lost, FO_OK, "%s", cases[i].why);
		cr_expect_eq(brought_over()->here, cases[i].here, "%s",
		    cases[i].why);
	}
}

static void
expect_lost(const char *what, fo_err why, const char *text)
{
	const struct fo_pam_login *login = brought_over();

	cr_expect_eq(login->lost, why, "%s: %s", what,
	    fo_err_word(login->lost));
	cr_expect_not_null(strstr(login->lost_diag.text, text), "%s: %s",
	    what, login->lost_diag.text);
}

Test(login, is_lost_under_a_name_that_no_record_has)
{
	static const char *const names[] = { "FIRSTOPS_PENDING=",
		"FIRSTOPS_PENDING=AAAAAAAAAAAAAAAAAAAAAA",
		"FIRSTOPS_PENDING=../pending/AAAAAAAAAAAAAAAAAAAAAA" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		start();
		cr_assert_eq(pam_putenv(&service.handle, names[i]),
		    PAM_SUCCESS);
		expect_lost(names[i], FO_ERR_SESSION, "");
	}
}

/* Not even where a record's name is what the name begins with. */
Test(login, is_lost_under_a_name_that_is_too_long)
{
	static const char *const more[] = { "A", "AA", "/", "/../x" };
	const struct fo_login_record record = usual_record();

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		start();
		leave(&record, more[i]);
		expect_lost(more[i], FO_ERR_SESSION, "");
		cr_expect_eq(service_files(&service, "run/pending"), 1);
	}
}

Test(login, is_lost_to_another_user_or_none)
{
	static const char *const users[] = { "root", NULL };
	struct fo_login_record record = usual_record();

	record.pid_start++;	/* sudo's caller counts in one process alone */
	for (size_t i = 0; i < 2; i++) {
		start();
		service_item(&service, PAM_USER, users[i]);
		service_item(&service, PAM_RUSER, "deploy");
		open_call();
		leave(&record, "");
		expect_lost(users[i] != NULL ? users[i] : "none",
		    FO_ERR_USER_CHANGED, "another user");
	}
}

Test(login, is_lost_without_the_configuration_and_says_so)
{
	const struct fo_login_record record = usual_record();

	leave(&record, "");
	store_fixture_put(&service.store, "firstops.yaml", "---\nversion:");
	expect_lost("configuration", FO_ERR_CONFIG, "firstops.yaml");
	cr_expect_eq(service_files(&service, "run/pending"), 1);
}

Test(login, is_lost_without_memory_wherever_that_ends)
{
	const struct fo_login_record record = usual_record();
	bool faulted = true;
	fo_err r;

	for (uint32_t nth = 0; faulted; nth++) {
		start();
		leave(&record, "");
		fuzz_faults_arm_call("strndup", nth, FUZZ_ONCE);
		r = fo_pam_login_adopt(&call);
		faulted = fuzz_faulted();
		fuzz_faults_disarm();
		cr_assert_eq(r, FO_OK);
		r = fo_pam_login_get(&service.handle)->lost;
		cr_expect_eq(r, faulted ? FO_ERR_NOMEM : FO_OK, "%u: %s",
		    nth, fo_err_word(r));
	}
}

Test(login, that_there_is_no_memory_for_cannot_be_brought_over)
{
	const struct fo_login_record record = usual_record();

	leave(&record, "");
	fuzz_faults_arm_call("calloc", 0, FUZZ_ONCE);
	cr_expect_eq(fo_pam_login_adopt(&call), FO_ERR_NOMEM);
	cr_expect(fuzz_faulted());
	fuzz_faults_disarm();
	cr_expect_null(fo_pam_login_get(&service.handle));

	start();
	leave(&record, "");
	service.handle.no_data = "firstops_login";
	cr_expect_eq(fo_pam_login_adopt(&call), FO_ERR_NOMEM);
	cr_expect_null(fo_pam_login_get(&service.handle));
}

/* ---- whose -------------------------------------------------------------- */

/* In sudo the user of a session is the target, its caller PAM_RUSER. */
Test(login, is_of_the_user_who_logged_in_and_in_one_process_of_sudos_caller)
{
	static const struct {
		const char *why;
		const char *service;
		const char *user;
		const char *ruser;
		bool here;
		bool elsewhere;
	} cases[] = {
		{ "who logged in", "sshd", "deploy", "", true, true },
		{ "sudo's caller", "sshd", "root", "deploy", true, false },
		{ "somebody else", "sshd", "root", "alice", false, false },
		{ "nobody", "sshd", "", "", false, false },
		{ "nobody, called by who logged in", "sshd", "", "deploy",
		    false, false },
		{ "at another service", "sudo", "deploy", "deploy", false,
		    false },
	};
	struct fo_pam_login login = { .record = usual_record() };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(call.service, sizeof(call.service), "%s",
		    cases[i].service);
		(void)snprintf(call.user, sizeof(call.user), "%s",
		    cases[i].user);
		(void)snprintf(call.ruser, sizeof(call.ruser), "%s",
		    cases[i].ruser);
		login.here = true;
		cr_expect_eq(fo_pam_login_is_users(&login, &call),
		    cases[i].here, "%s", cases[i].why);
		login.here = false;
		cr_expect_eq(fo_pam_login_is_users(&login, &call),
		    cases[i].elsewhere, "%s, elsewhere", cases[i].why);
	}
}
