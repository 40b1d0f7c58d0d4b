/*
 * Login records: written, taken once, and trusted only when they can be.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "host/process.h"
#include "host/session.h"
#include "support/failing.h"
#include "support/machine.h"
#include "support/record.h"
#include "support/refusal.h"

#define SID RECORD_SID
#define OTHER_SID RECORD_OTHER_SID

static struct fo_diag diag;
static char run_folder[96];

/* Records are root's: without root there is nothing to test but that. */
static void
open_machine(struct machine *m)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	machine_open(m);
	(void)snprintf(run_folder, sizeof(run_folder), "%s/run", m->folder);
	diag.text[0] = '\0';
}

static struct fo_login_record
make_record(void)
{
	return record_of(getpid());
}

static void
put(struct machine *m, char name[FO_PENDING_NAME_SIZE])
{
	struct fo_login_record record = make_record();

	record.pid_start++; /* its maker has ended, as sshd's does */
	cr_assert_eq(fo_pending_put(run_folder, &record, &m->clock, &diag,
	    name), FO_OK, "%s", diag.text);
}

static fo_err
take(struct machine *m, const char *name, const char *service)
{
	struct fo_login_record record;
	fo_err r;

	r = fo_pending_take(run_folder, name, service, &m->clock, &diag,
	    &record);
	if (r == FO_OK)
		fo_login_record_clear(&record);
	return r;
}

static char *
pending_path(const struct machine *m, const char *name)
{
	char *path;

	cr_assert_geq(asprintf(&path, "%s/run/pending/%s", m->folder, name),
	    0);
	return path;
}

static char *
session_path(const struct machine *m, const char *sid, pid_t pid)
{
	char *path;

	cr_assert_geq(asprintf(&path, "%s/run/sessions/%s.%ld", m->folder,
	    sid, (long)pid), 0);
	return path;
}

static bool
has_session(const struct machine *m, const char *sid)
{
	char *path = session_path(m, sid, getpid());
	const bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

static fo_err
put_session(const char *sid)
{
	struct fo_login_record record = make_record();

	memcpy(record.sid, sid, sizeof(record.sid));
	diag.text[0] = '\0';
	return fo_session_put(run_folder, &record, &diag);
}

/* ---- pending --------------------------------------------------------------- */

Test(session, a_record_comes_back_as_it_went)
{
	static char odd[] = "a\"b\\c\n%41: - #\xff\x01\xc3\xa9", empty[] = "";
	struct fo_login_record record, back;
	char name[FO_PENDING_NAME_SIZE];
	struct machine m;

	open_machine(&m);
	record = make_record();
	record.user = odd;
	record.tty = empty;
	cr_assert_eq(fo_pending_put(run_folder, &record, &m.clock, &diag,
	    name), FO_OK, "%s", diag.text);
	cr_assert_eq(fo_pending_take(run_folder, name, "sshd", &m.clock,
	    &diag, &back), FO_OK, "%s", diag.text);
	cr_expect_str_eq(back.sid, record.sid);
	cr_expect_str_eq(back.id, record.id);
	cr_expect_str_eq(back.kind, record.kind);
	cr_expect_str_eq(back.name, record.name);
	cr_expect_str_eq(back.owner, record.owner);
	cr_expect_str_eq(back.jkt, record.jkt);
	cr_expect_str_eq(back.service, record.service);
	cr_expect_str_eq(back.user, odd);
	cr_expect_null(back.ruser);
	cr_expect_str_eq(back.src, record.src);
	cr_expect(back.tty == NULL || back.tty[0] == '\0');
	cr_expect_eq(back.since, record.since);
	cr_expect_eq(back.pid, record.pid);
	cr_expect_eq(back.pid_start, record.pid_start);
	fo_login_record_clear(&back);
	machine_close(&m);
}

Test(session, a_record_reads_like_the_store)
{
	char name[FO_PENDING_NAME_SIZE], rel[96], want[1024], *text;
	struct fo_login_record record;
	struct machine m;

	open_machine(&m);
	record = make_record();
	put(&m, name);
	(void)snprintf(rel, sizeof(rel), "run/pending/%s", name);
	(void)snprintf(want, sizeof(want), "---\nversion: 1\nsid: \"" SID
	    "\"\nid: \"fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77\"\n"
	    "kind: \"agent\"\nname: \"build-bot\"\nowner: \"team-platform\"\n"
	    "thumbprint: \"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs\"\n"
	    "service: \"sshd\"\nuser: \"deploy\"\nsource: \"10.2.3.4\"\n"
	    "tty: \"ssh\"\nsince: 2026-11-23T18:30:00Z\n"
	    "made_boot_ms: 3600000\npid: %ld\npid_start: %llu\n...\n",
	    (long)record.pid, (unsigned long long)record.pid_start + 1);
	text = machine_read(&m, rel);
	cr_expect_str_eq(text, want);
	free(text);
	machine_close(&m);
}

Test(session, a_record_is_taken_once)
{
	char name[FO_PENDING_NAME_SIZE];
	struct machine m;

	open_machine(&m);
	put(&m, name);
	cr_expect_eq(take(&m, name, "sshd"), FO_OK, "%s", diag.text);
	cr_expect_eq(take(&m, name, "sshd"), FO_ERR_NOT_FOUND);
	cr_expect_eq(machine_count(&m, "run/pending"), 0);
	machine_close(&m);
}

Test(session, of_many_takers_one_has_it)
{
	char name[FO_PENDING_NAME_SIZE];
	int status, won = 0;
	struct machine m;
	pid_t pids[20];

	open_machine(&m);
	for (int round = 0; round < 10; round++) {
		put(&m, name);
		for (int i = 0; i < 20; i++)
			if ((pids[i] = fork()) == 0)
				_exit(take(&m, name, "sshd") == FO_OK);
		for (int i = 0; i < 20; i++) {
			cr_assert_eq(waitpid(pids[i], &status, 0), pids[i]);
			won += WEXITSTATUS(status);
		}
		cr_expect_eq(won, round + 1);
	}
	machine_close(&m);
}

Test(session, a_record_holds_for_120_s_whatever_the_clock_says)
{
	char name[FO_PENDING_NAME_SIZE];
	struct machine m;

	open_machine(&m);
	put(&m, name);
	machine_pass(&m, 120);
	machine_set(&m, MACHINE_NOW - 999999);
	cr_expect_eq(take(&m, name, "sshd"), FO_OK, "%s", diag.text);
	put(&m, name);
	machine_pass(&m, 120);
	m.now.boot_ms++;
	cr_expect_eq(take(&m, name, "sshd"), FO_ERR_SESSION);
	cr_expect_not_null(strstr(diag.text, "older than 120 s"), "%s",
	    diag.text);
	put(&m, name);
	m.now.boot_ms = 1000; /* the machine was started anew */
	cr_expect_eq(take(&m, name, "sshd"), FO_ERR_SESSION);
	machine_close(&m);
}

Test(session, a_record_of_another_service_is_not_trusted_and_gone)
{
	char name[FO_PENDING_NAME_SIZE];
	struct machine m;

	open_machine(&m);
	put(&m, name);
	cr_expect_eq(take(&m, name, "sudo"), FO_ERR_SESSION);
	cr_expect_not_null(strstr(diag.text, "service sshd"), "%s",
	    diag.text);
	cr_expect_eq(take(&m, name, "sshd"), FO_ERR_NOT_FOUND);
	machine_close(&m);
}

/* Names of a file that is there, so that whatever would open it finds it. */
Test(session, what_is_no_name_of_a_record_opens_nothing)
{
	char *other, name[FO_PENDING_NAME_SIZE];
	struct machine m;

	open_machine(&m);
	put(&m, name);
	machine_write(&m, "run/other", "");
	other = machine_path(&m, "run/other");
	const char *const names[] = { "", ".", "..", "../other", other,
		SID, SID ".", SID "-1", SID ".0", SID ".-1", SID ".01",
		SID ".+1", SID ". 1", SID ".1a", SID ".12345678901",
		SID ".4294967297", "4f9c2a1bq0T9b2c7dE1xY.1",
		"4f9c2a1bq0T9b2c7dE1xYwA.1", "4f9c2a1bq0T9b2c7dE1x/w.1" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cr_expect_eq(take(&m, names[i], "sshd"), FO_ERR_SESSION,
		    "\"%s\"", names[i]);
		fo_pending_drop(run_folder, names[i]);
	}
	cr_expect_eq(take(&m, NULL, "sshd"), FO_ERR_SESSION);
	cr_expect_eq(machine_count(&m, "run/pending"), 1);
	cr_expect_eq(access(other, F_OK), 0);
	free(other);
	machine_close(&m);
}

enum fault { MODE, OWNER, LINKED, SYMLINK, FIFO, TORN };

/* Spoil one thing of a record. */
static void
spoil(const struct machine *m, const char *name, enum fault fault)
{
	char *path = pending_path(m, name), *other;

	other = machine_path(m, "other");
	switch (fault) {
	case MODE:
		cr_assert_eq(chmod(path, 0644), 0);
		break;
	case OWNER:
		cr_assert_eq(chown(path, 65534, 0), 0);
		break;
	case LINKED:
		cr_assert_eq(link(path, other), 0);
		break;
	case SYMLINK:
		cr_assert_eq(rename(path, other), 0);
		cr_assert_eq(symlink(other, path), 0);
		break;
	case FIFO:
		cr_assert_eq(unlink(path), 0);
		cr_assert_eq(mkfifo(path, 0600), 0);
		break;
	case TORN:
		cr_assert_eq(truncate(path, 100), 0);
		break;
	}
	free(other);
	free(path);
}

Test(session, a_record_that_another_could_have_made_is_not_trusted)
{
	char name[FO_PENDING_NAME_SIZE];
	struct machine m;

	for (int fault = MODE; fault <= TORN; fault++) {
		open_machine(&m);
		put(&m, name);
		spoil(&m, name, (enum fault)fault);
		cr_expect_eq(take(&m, name, "sshd"), FO_ERR_SESSION,
		    "fault %d", fault);
		machine_close(&m);
	}
}

Test(session, a_dropped_record_is_gone)
{
	char name[FO_PENDING_NAME_SIZE];
	struct machine m;

	open_machine(&m);
	fo_pending_drop(run_folder, SID ".1"); /* no folder yet */
	put(&m, name);
	fo_pending_drop(run_folder, name);
	cr_expect_eq(take(&m, name, "sshd"), FO_ERR_NOT_FOUND);
	machine_close(&m);
}

Test(session, the_next_record_sweeps_expired_ones_and_no_others)
{
	char first[FO_PENDING_NAME_SIZE], second[FO_PENDING_NAME_SIZE],
	    third[FO_PENDING_NAME_SIZE];
	struct machine m;

	open_machine(&m);
	put(&m, first);
	machine_pass(&m, 60);
	put(&m, second);
	cr_expect_eq(machine_count(&m, "run/pending"), 2);
	machine_pass(&m, 61);
	put(&m, third);
	cr_expect_eq(machine_count(&m, "run/pending"), 2);
	cr_expect_eq(take(&m, first, "sshd"), FO_ERR_NOT_FOUND);
	cr_expect_eq(take(&m, second, "sshd"), FO_OK, "%s", diag.text);
	cr_expect_eq(take(&m, third, "sshd"), FO_OK, "%s", diag.text);
	machine_close(&m);
}

Test(session, folders_and_records_are_roots_alone_whatever_the_umask)
{
	static const mode_t masks[] = { 0, 022, 0777 };
	char name[FO_PENDING_NAME_SIZE], *path;
	struct machine m;
	struct stat st;

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		open_machine(&m);
		umask(masks[i]);
		put(&m, name);
		umask(022);
		path = machine_path(&m, "run/pending");
		cr_assert_eq(stat(path, &st), 0);
		cr_expect_eq(st.st_mode & 07777, 0700);
		free(path);
		path = pending_path(&m, name);
		cr_assert_eq(stat(path, &st), 0);
		cr_expect_eq(st.st_mode & 07777, 0600);
		free(path);
		machine_close(&m);
	}
}

Test(session, only_root_keeps_records)
{
	struct fo_login_record record;
	char name[FO_PENDING_NAME_SIZE] = "";
	struct machine m;

	open_machine(&m);
	record = make_record();
	cr_assert_eq(seteuid(65534), 0);
	cr_expect_eq(fo_pending_put(run_folder, &record, &m.clock, &diag,
	    name), FO_ERR_SESSION);
	cr_expect_str_empty(name);
	cr_expect_not_null(strstr(diag.text, "only root"), "%s", diag.text);
	cr_assert_eq(seteuid(0), 0);
	machine_close(&m);
}

Test(session, a_folder_that_others_can_write_is_not_used)
{
	struct fo_login_record record;
	char name[FO_PENDING_NAME_SIZE], *path;
	struct machine m;

	open_machine(&m);
	put(&m, name);
	record = make_record();
	path = machine_path(&m, "run/pending");
	cr_assert_eq(chmod(path, 0777), 0);
	cr_expect_eq(fo_pending_put(run_folder, &record, &m.clock, &diag,
	    name), FO_ERR_SESSION);
	cr_expect_not_null(strstr(diag.text, "chmod go-w"), "%s", diag.text);
	free(path);
	machine_close(&m);
}

Test(session, no_descriptor_stays_open)
{
	char name[FO_PENDING_NAME_SIZE];
	struct machine m;
	size_t before;

	open_machine(&m);
	before = machine_descriptors();
	put(&m, name);
	cr_expect_eq(take(&m, name, "sshd"), FO_OK);
	cr_expect_eq(take(&m, name, "sshd"), FO_ERR_NOT_FOUND);
	cr_expect_eq(machine_descriptors(), before);
	machine_close(&m);
}

/* ---- sessions ---------------------------------------------------------------- */

/* What a visit of all sessions came upon. */
struct visit {
	size_t count;
	char sid[FO_SID_SIZE];
	fo_err answer;
};

static fo_err
visit(const struct fo_login_record *record, void *arg)
{
	struct visit *v = arg;

	v->count++;
	memcpy(v->sid, record->sid, sizeof(v->sid));
	cr_expect_str_eq(record->service, "sshd");
	return v->answer;
}

static fo_err
visit_all(struct visit *v, size_t *ret_unread)
{
	memset(v->sid, 0, sizeof(v->sid));
	v->count = 0;
	return fo_session_each(run_folder, &diag, visit, v, ret_unread);
}

Test(session, every_session_whose_process_runs_is_visited)
{
	struct visit v = { .answer = FO_OK };
	struct fo_login_record record;
	struct machine m;
	size_t unread = 7;

	open_machine(&m);
	cr_expect_eq(visit_all(&v, &unread), FO_OK);
	cr_expect_eq(v.count + unread, 0, "no folder is no session");
	cr_expect_not(machine_has(&m, "run/sessions"));
	record = make_record();
	cr_assert_eq(fo_session_put(run_folder, &record, &diag), FO_OK);
	memcpy(record.sid, OTHER_SID, sizeof(record.sid));
	record.pid_start++; /* another process had the number */
	cr_assert_eq(fo_session_put(run_folder, &record, &diag), FO_OK);
	machine_write(&m, "run/sessions/.new-x", "");
	cr_expect_eq(visit_all(&v, &unread), FO_OK);
	cr_expect_eq(v.count, 1);
	cr_expect_str_eq(v.sid, SID);
	cr_expect_eq(unread, 0);
	v.answer = FO_ERR_NOMEM;
	unread = 7;
	cr_expect_eq(visit_all(&v, &unread), FO_ERR_NOMEM);
	cr_expect_eq(unread, 7, "untouched on failure");
	machine_close(&m);
}

/* A process that was killed is there until whoever made it has looked. */
Test(session, a_session_whose_process_is_a_zombie_is_over)
{
	struct visit v = { .answer = FO_OK };
	struct fo_login_record record;
	struct fo_process process = { .state = '?' };
	struct machine m;
	size_t unread;
	pid_t pid;

	open_machine(&m);
	if ((pid = fork()) == 0)
		_exit(0);
	cr_assert_gt(pid, 0);
	while (process.state != 'Z')
		cr_assert_eq(fo_process_read(pid, &process), FO_OK);
	record = record_of(pid);
	cr_assert_eq(fo_session_put(run_folder, &record, &diag), FO_OK);
	cr_expect_eq(visit_all(&v, &unread), FO_OK);
	cr_expect_eq(v.count, 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	machine_close(&m);
}

/* Who is visited first takes the other away. */
static fo_err
visit_and_take(const struct fo_login_record *record, void *arg)
{
	struct visit *v = arg;

	v->count++;
	fo_session_drop(run_folder, strcmp(record->sid, SID) == 0 ?
	    OTHER_SID : SID, getpid());
	return FO_OK;
}

Test(session, a_session_that_ends_during_the_visit_is_none)
{
	struct visit v = { .answer = FO_OK };
	struct fo_login_record record;
	struct machine m;
	size_t unread = 7;

	open_machine(&m);
	record = make_record();
	cr_assert_eq(fo_session_put(run_folder, &record, &diag), FO_OK);
	memcpy(record.sid, OTHER_SID, sizeof(record.sid));
	cr_assert_eq(fo_session_put(run_folder, &record, &diag), FO_OK);
	cr_expect_eq(fo_session_each(run_folder, &diag, visit_and_take, &v,
	    &unread), FO_OK);
	cr_expect_eq(v.count, 1);
	cr_expect_eq(unread, 0);
	machine_close(&m);
}

Test(session, a_folder_that_cannot_be_listed_is_trouble)
{
	static const struct {
		const char *call;
		int nth;
	} cases[] = { { "openat", 1 }, { "fdopendir", 1 }, { "readdir", 1 },
		{ "readdir", 2 } };
	struct visit v = { .answer = FO_OK };
	struct fo_login_record record;
	struct machine m;
	size_t unread = 7, open;

	open_machine(&m);
	record = make_record();
	cr_assert_eq(fo_session_put(run_folder, &record, &diag), FO_OK);
	open = machine_descriptors();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		diag.text[0] = '\0';
		failing(cases[i].call, cases[i].nth, EIO);
		cr_expect_eq(visit_all(&v, &unread), FO_ERR_SESSION, "%s %d",
		    cases[i].call, cases[i].nth);
		failing_none();
		cr_expect_not_null(strstr(diag.text, "Input/output error"),
		    "%s: %s", cases[i].call, diag.text);
		cr_expect_eq(unread, 7, "untouched on failure");
		cr_expect_eq(machine_descriptors(), open, "%s",
		    cases[i].call);
	}
	machine_close(&m);
}

Test(session, a_session_that_cannot_be_read_is_counted)
{
	struct visit v = { .answer = FO_OK };
	struct fo_login_record record;
	struct machine m;
	size_t unread = 0;

	open_machine(&m);
	record = make_record();
	cr_assert_eq(fo_session_put(run_folder, &record, &diag), FO_OK);
	machine_write(&m, "run/sessions/" OTHER_SID ".1", "---\n");
	cr_expect_eq(visit_all(&v, &unread), FO_OK);
	cr_expect_eq(v.count, 1);
	cr_expect_eq(unread, 1);
	cr_expect(diag.text[0] != '\0');
	machine_close(&m);
}

/* Who is chosen by its name is who it says. */
Test(session, a_session_under_the_name_of_another_process_is_nobodys)
{
	struct visit v = { .answer = FO_OK };
	char *from, *to;
	struct machine m;
	size_t unread = 0;

	open_machine(&m);
	cr_assert_eq(put_session(SID), FO_OK, "%s", diag.text);
	from = session_path(&m, SID, getpid());
	to = session_path(&m, SID, 1);
	cr_assert_eq(rename(from, to), 0);
	cr_expect_eq(visit_all(&v, &unread), FO_OK);
	cr_expect_eq(v.count, 0);
	cr_expect_eq(unread, 1);
	cr_expect_not_null(strstr(diag.text, ".1 is of process"), "%s",
	    diag.text);
	free(from);
	free(to);
	machine_close(&m);
}

/* A handle that was copied to another process opens no second one. */
Test(session, there_is_one_session_of_a_sid_whoever_opens_it)
{
	struct fo_login_record record;
	struct machine m;

	open_machine(&m);
	cr_assert_eq(put_session(SID), FO_OK, "%s", diag.text);
	record = record_of(getppid());
	cr_expect_eq(fo_session_put(run_folder, &record, &diag),
	    FO_ERR_SESSION);
	cr_expect_not_null(strstr(diag.text, strerror(EEXIST)), "%s",
	    diag.text);
	cr_expect_eq(machine_count(&m, "run/sessions"), 1);
	machine_write(&m, "run/sessions/.new-" OTHER_SID, "");
	record = record_of(getppid());
	memcpy(record.sid, OTHER_SID, sizeof(record.sid));
	cr_expect_eq(fo_session_put(run_folder, &record, &diag),
	    FO_ERR_SESSION, "somebody is about to");
	machine_close(&m);
}

Test(session, a_session_is_dropped_if_it_is_there)
{
	struct fo_login_record record;
	struct machine m;

	open_machine(&m);
	record = make_record();
	fo_session_drop(run_folder, SID, getpid());
	cr_assert_eq(fo_session_put(run_folder, &record, &diag), FO_OK);
	fo_session_drop(run_folder, "../" SID, getpid());
	cr_expect(has_session(&m, SID));
	fo_session_drop(run_folder, SID, getpid());
	cr_expect_not(has_session(&m, SID));
	fo_session_drop(run_folder, SID, getpid());
	machine_close(&m);
}

Test(session, an_open_session_has_a_record_until_it_is_closed)
{
	struct fo_login_record record;
	struct machine m;

	open_machine(&m);
	record = make_record();
	cr_expect_eq(fo_session_put(run_folder, &record, &diag), FO_OK, "%s",
	    diag.text);
	cr_expect_eq(has_session(&m, SID), 1);
	cr_expect_eq(fo_session_put(run_folder, &record, &diag),
	    FO_ERR_SESSION, "it is open already");
	cr_expect_eq(fo_session_remove(run_folder, SID, getpid(), &diag), FO_OK, "%s",
	    diag.text);
	cr_expect_eq(fo_session_remove(run_folder, SID, getpid(), &diag),
	    FO_ERR_NOT_FOUND);
	cr_expect_eq(fo_session_remove(run_folder, "../pending", getpid(), &diag),
	    FO_ERR_SESSION);
	machine_close(&m);
}

Test(session, without_a_folder_no_record_is_made_and_the_reason_is_the_folder)
{
	struct fo_login_record record;
	struct machine m;

	open_machine(&m);
	machine_write(&m, "run", "not a folder\n");
	record = make_record();
	cr_expect_eq(fo_session_put(run_folder, &record, &diag),
	    FO_ERR_SESSION);
	cr_expect_not_null(strstr(diag.text, "run is not a folder"), "%s",
	    diag.text);
	machine_close(&m);
}

Test(session, a_session_whose_process_is_gone_is_swept_by_the_next)
{
	struct fo_login_record record, next;
	struct machine m;

	open_machine(&m);
	next = make_record();
	memcpy(next.sid, OTHER_SID, sizeof(next.sid));

	record = make_record();
	cr_assert_eq(fo_session_put(run_folder, &record, &diag), FO_OK);
	cr_assert_eq(fo_session_put(run_folder, &next, &diag), FO_OK);
	cr_expect_eq(has_session(&m, SID), 1, "it lives");
	cr_assert_eq(fo_session_remove(run_folder, OTHER_SID, getpid(), &diag), FO_OK);
	cr_assert_eq(fo_session_remove(run_folder, SID, getpid(), &diag), FO_OK);

	record.pid_start++; /* another process had this pid before */
	cr_assert_eq(fo_session_put(run_folder, &record, &diag), FO_OK);
	cr_assert_eq(fo_session_put(run_folder, &next, &diag), FO_OK);
	cr_expect_eq(has_session(&m, SID), 0);
	machine_close(&m);
}

Test(session, the_run_folder_is_the_parent_of_the_replay_folder)
{
	char *folder = NULL;

	cr_expect_eq(fo_run_folder("/run/firstops/replay", &folder), FO_OK);
	cr_expect_str_eq(folder, "/run/firstops");
	free(folder);
	folder = NULL;
	cr_expect_eq(fo_run_folder("/replay", &folder), FO_ERR_ARG);
	cr_expect_eq(fo_run_folder("replay/x", &folder), FO_ERR_ARG);
	cr_expect_eq(fo_run_folder("/run/firstops/", &folder), FO_ERR_ARG);
	cr_expect_null(folder);
}

/* ---- what the system says ------------------------------------------------- */

Test(session, a_record_that_cannot_be_written_is_not_there)
{
	static const struct {
		const char *call;
		int nth;
		int error;
	} cases[] = {
		{ "write", 0, ENOSPC }, { "write", 0, EIO },
		{ "fchmod", 0, EPERM }, { "renameat2", 0, EROFS },
		{ "fdopendir", 0, ENOMEM }, { "readdir", 0, EIO },
		{ "openat", 0, EMFILE },
	};
	const struct fo_login_record record = make_record();
	char name[FO_PENDING_NAME_SIZE];
	struct machine m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_machine(&m);
		cr_assert_eq(put_session(OTHER_SID), FO_OK, "%s", diag.text);
		put(&m, name);
		failing(cases[i].call, cases[i].nth, cases[i].error);
		cr_expect_eq(fo_session_put(run_folder, &record, &diag),
		    FO_ERR_SESSION, "%s", cases[i].call);
		cr_expect_not_null(strstr(diag.text,
		    strerror(cases[i].error)), "%s", diag.text);
		cr_expect_eq(fo_pending_put(run_folder, &record, &m.clock,
		    &diag, name), FO_ERR_SESSION);
		failing_none();
		cr_expect_eq(machine_count(&m, "run/sessions"), 1);
		cr_expect_eq(machine_count(&m, "run/pending"), 1);
		machine_close(&m);
	}
}

Test(session, a_record_needs_time_and_randomness_and_a_name)
{
	struct fo_login_record record = make_record();
	char name[FO_PENDING_NAME_SIZE];
	struct machine m;

	open_machine(&m);
	m.now_with = FO_ERR_IO;
	cr_expect_eq(fo_pending_put(run_folder, &record, &m.clock, &diag,
	    name), FO_ERR_SESSION);
	m.now_with = FO_OK;
	failing("getrandom", 0, EAGAIN);
	cr_expect_eq(fo_pending_put(run_folder, &record, &m.clock, &diag,
	    name), FO_ERR_SESSION);
	failing_none();
	record.since = -1;
	cr_expect_eq(fo_pending_put(run_folder, &record, &m.clock, &diag,
	    name), FO_ERR_SESSION);
	cr_expect_eq(fo_session_put(run_folder, &record, &diag),
	    FO_ERR_SESSION);
	record.since = MACHINE_NOW;
	record.sid[0] = '/';
	cr_expect_eq(fo_session_put(run_folder, &record, &diag),
	    FO_ERR_SESSION);
	put(&m, name);
	m.now_with = FO_ERR_IO;
	cr_expect_eq(take(&m, name, "sshd"), FO_ERR_SESSION);
	machine_close(&m);
}

Test(session, a_session_is_put_once_and_nothing_in_its_way_is_replaced)
{
	struct machine m;

	open_machine(&m);
	cr_expect_eq(put_session(SID), FO_OK, "%s", diag.text);
	cr_expect_eq(put_session(SID), FO_ERR_SESSION);
	cr_expect_not_null(strstr(diag.text, strerror(EEXIST)), "%s",
	    diag.text);
	cr_expect_eq(machine_count(&m, "run/sessions"), 1);
	failing("unlinkat", 0, EROFS);
	cr_expect_eq(fo_session_remove(run_folder, SID, getpid(), &diag),
	    FO_ERR_SESSION);
	failing_none();
	cr_expect_eq(fo_session_remove(run_folder, SID, getpid(), &diag), FO_OK);
	cr_expect_eq(fo_session_remove(run_folder, SID, getpid(), &diag),
	    FO_ERR_NOT_FOUND);
	machine_close(&m);
}

Test(session, looking_for_a_record_makes_no_folder)
{
	struct machine m;

	open_machine(&m);
	cr_expect_eq(take(&m, SID ".1", "sshd"), FO_ERR_NOT_FOUND);
	fo_pending_drop(run_folder, SID ".1");
	cr_expect_eq(fo_session_remove(run_folder, SID, getpid(), &diag),
	    FO_ERR_NOT_FOUND);
	cr_expect_not(machine_has(&m, "run"));
	cr_assert_eq(put_session(SID), FO_OK, "%s", diag.text);
	cr_expect_eq(take(&m, SID ".1", "sshd"), FO_ERR_NOT_FOUND);
	cr_expect_not(machine_has(&m, "run/pending"));
	cr_assert_eq(seteuid(65534), 0);
	cr_expect_eq(take(&m, SID ".1", "sshd"), FO_ERR_SESSION);
	cr_expect_eq(fo_session_remove(run_folder, SID, getpid(), &diag),
	    FO_ERR_SESSION);
	cr_assert_eq(seteuid(0), 0);
	machine_close(&m);
}

Test(session, a_record_that_cannot_be_looked_at_lets_nobody_in)
{
	static const char *const calls[] = { "fstat", "read", "unlinkat" };
	char name[FO_PENDING_NAME_SIZE];
	struct machine m;
	int nth;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (nth = 1; nth < 60; nth++) {
			open_machine(&m);
			put(&m, name);
			failing(calls[i], nth, EIO);
			const fo_err r = take(&m, name, "sshd");
			const int made = failing_calls(calls[i]);

			failing_none();
			machine_close(&m);
			if (made < nth) {
				cr_expect_eq(r, FO_OK, "%s", diag.text);
				break;
			}
			cr_expect_eq(r, FO_ERR_SESSION, "%s %d: %s",
			    calls[i], nth, fo_err_word(r));
		}
}

/* A record whose text has one thing wrong. */
Test(session, a_record_with_one_thing_wrong_is_not_trusted)
{
	static const struct {
		const char *from;
		const char *to;
	} cases[] = {
		{ "sid: \"" SID "\"\n", "" },
		{ "name: \"build-bot\"\n", "" },
		{ "service: \"sshd\"\n", "" },
		{ "user: \"deploy\"\n", "" },
		{ "since: 2026-11-23T18:30:00Z\n", "" },
		{ "made_boot_ms: ", "#" }, { "pid: ", "#" },
		{ "pid_start: ", "#" },
		{ "sid: \"" SID "\"", "sid: \"4f9c2a1b\"" },
		{ "fo_agent_", "fo_user_" }, { "fo_agent_", "../" },
		{ "\"agent\"", "\"human\"" }, { "\"agent\"", "\"Agent\"" },
		{ "\"build-bot\"", "\"Build\"" },
		{ "\"team-platform\"", "\"%2E%2E\"" },
		{ "\"NzbLs", "\"zbLs" },
		{ "\"build-bot\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaa\"" },
		{ "\"deploy\"", "\"%G1\"" }, { "\"deploy\"", "\"%1G\"" },
		{ "\"deploy\"", "\"%:1\"" }, { "\"deploy\"", "\"%1:\"" },
		{ "\"deploy\"", "\"%@1\"" }, { "\"deploy\"", "\"%1/\"" },
		{ "\"deploy\"", "\"%00\"" }, { "\"deploy\"", "\"%1\"" },
		{ "\"deploy\"", "\"%\"" }, { "\"deploy\"", "\"%6a\"" },
	};
	char name[FO_PENDING_NAME_SIZE], *path, *text, *spoilt;
	struct machine m;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_machine(&m);
		put(&m, name);
		path = pending_path(&m, name);
		text = machine_read(&m, path + strlen(m.folder) + 1);
		spoilt = changed(text, cases[i].from, cases[i].to);
		machine_write(&m, path + strlen(m.folder) + 1, spoilt);
		cr_assert_eq(chmod(path, 0600), 0);
		cr_expect_eq(take(&m, name, "sshd"), FO_ERR_SESSION, "%s",
		    cases[i].to);
		free(path);
		free(text);
		free(spoilt);
		machine_close(&m);
	}
}

Test(session, all_that_is_known_comes_back)
{
	static char ruser[] = "j\xc3\xbcrg 100%\n\"", tty[] = "/dev/pts/7";
	struct fo_login_record record = make_record(), back;
	char name[FO_PENDING_NAME_SIZE];
	struct machine m;

	open_machine(&m);
	record.ruser = ruser;
	record.tty = tty;
	cr_assert_eq(fo_pending_put(run_folder, &record, &m.clock, &diag,
	    name), FO_OK, "%s", diag.text);
	cr_assert_eq(fo_pending_take(run_folder, name, "sshd", &m.clock,
	    &diag, &back), FO_OK, "%s", diag.text);
	cr_expect_str_eq(back.ruser, ruser);
	cr_expect_str_eq(back.tty, tty);
	cr_expect_str_eq(back.src, "10.2.3.4");
	fo_login_record_clear(&back);
	machine_close(&m);
}

/* ---- sweeping --------------------------------------------------------------- */

Test(session, what_nobody_can_trust_is_swept_and_what_nobody_can_read_stays)
{
	char name[FO_PENDING_NAME_SIZE], next[FO_PENDING_NAME_SIZE];
	struct fo_login_record record;
	struct machine m;
	char *path;

	for (int fault = MODE; fault <= TORN; fault++) {
		open_machine(&m);
		put(&m, name);
		spoil(&m, name, (enum fault)fault);
		machine_write(&m, "run/pending/not-a-name", "");
		put(&m, next);
		path = pending_path(&m, name);
		cr_expect_neq(faccessat(AT_FDCWD, path, F_OK,
		    AT_SYMLINK_NOFOLLOW), 0, "fault %d", fault);
		cr_expect(machine_has(&m, "run/pending/not-a-name"));
		free(path);
		machine_close(&m);
	}
	open_machine(&m);
	put(&m, name);
	machine_pass(&m, 3600);
	record = make_record();
	failing("read", 0, EIO);
	cr_expect_eq(fo_pending_put(run_folder, &record, &m.clock, &diag,
	    next), FO_OK, "%s", diag.text);
	failing_none();
	cr_expect_eq(machine_count(&m, "run/pending"), 2);
	put(&m, next);
	cr_expect_eq(machine_count(&m, "run/pending"), 2);
	machine_close(&m);
}

Test(session, a_socket_in_a_records_place_is_swept)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char name[FO_PENDING_NAME_SIZE];
	struct machine m;
	int fd;

	open_machine(&m);
	put(&m, name);
	(void)snprintf(to.sun_path, sizeof(to.sun_path),
	    "%.60s/run/pending/" SID ".1", m.folder);
	cr_assert_geq(fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	cr_expect_eq(machine_count(&m, "run/pending"), 2);
	put(&m, name);
	cr_expect_eq(machine_count(&m, "run/pending"), 2);
	cr_expect_neq(access(to.sun_path, F_OK), 0);
	close(fd);
	machine_close(&m);
}

/* Sessions whose sid begins alike are looked at, and no others. */
Test(session, a_login_sweeps_one_in_64)
{
	struct fo_login_record dead = make_record();
	struct machine m;

	open_machine(&m);
	dead.pid_start++;
	cr_assert_eq(fo_session_put(run_folder, &dead, &diag), FO_OK);
	dead.sid[0] = '5';
	cr_assert_eq(fo_session_put(run_folder, &dead, &diag), FO_OK);
	cr_expect_eq(machine_count(&m, "run/sessions"), 2);
	cr_assert_eq(put_session(OTHER_SID), FO_OK, "%s", diag.text);
	cr_expect_not(has_session(&m, SID));
	cr_expect_eq(machine_count(&m, "run/sessions"), 2);
	machine_close(&m);
}

/* However many logins are pending, the next looks at few of them. */
Test(session, a_login_looks_at_few_of_those_that_are_pending)
{
	struct fo_login_record record;
	char name[FO_PENDING_NAME_SIZE];
	struct machine m;
	size_t left;
	int logins = 1;

	open_machine(&m);
	record = make_record();
	for (int i = 0; i < 256; i++)
		put(&m, name);
	cr_assert_eq(machine_count(&m, "run/pending"), 256);
	machine_pass(&m, FO_PENDING_VALID_S + 1);
	failing("read", 0, EIO);
	cr_expect_eq(fo_pending_put(run_folder, &record, &m.clock, &diag,
	    name), FO_OK, "%s", diag.text);
	/* one in 64 are 4 on average, and hardly ever more than 20 */
	cr_expect_leq(failing_calls("read"), 4 + 20);
	failing_none();
	/* all are swept in the end */
	do {
		put(&m, name);
		left = machine_count(&m, "run/pending");
	} while (++logins < 4000 && left > (size_t)logins);
	cr_expect_eq(left, (size_t)logins);
	machine_close(&m);
}

/* ---- what fails on the way ----------------------------------------------- */

/* Each open of a record's making fails; how many did. */
static int
fail_each_open(const struct machine *m)
{
	const struct fo_login_record record = make_record();
	char name[FO_PENDING_NAME_SIZE];
	int refused = 0, calls, nth = 0;

	do {
		diag.text[0] = '\0';
		failing("openat", ++nth, EDQUOT);
		if (fo_pending_put(run_folder, &record, &m->clock, &diag,
		    name) == FO_OK) {
			calls = failing_calls("openat");
			failing_none();
			fo_pending_drop(run_folder, name);
			continue;
		}
		calls = failing_calls("openat");
		cr_expect_not_null(strstr(diag.text, strerror(EDQUOT)),
		    "open %d: %s", nth, diag.text);
		refused++;
	} while (calls >= nth && nth < 40);
	failing_none();
	/* all but the sweep of what others left, and the last, of none */
	cr_expect_geq(refused, nth - 2, "%d of %d", refused, nth);
	return refused;
}

Test(session, a_record_that_cannot_be_made_says_why)
{
	struct machine m;

	open_machine(&m);
	cr_expect_geq(fail_each_open(&m), 5);
	/* its folders are there now */
	cr_expect_geq(fail_each_open(&m), 5);
	machine_close(&m);
}

Test(session, of_a_human_is_one_too)
{
	char name[FO_PENDING_NAME_SIZE];
	struct fo_login_record record, taken;
	struct machine m;

	open_machine(&m);
	record = make_record();
	(void)snprintf(record.id, sizeof(record.id), "%s",
	    "fo_user_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77");
	(void)snprintf(record.kind, sizeof(record.kind), "human");
	cr_assert_eq(fo_pending_put(run_folder, &record, &m.clock, &diag,
	    name), FO_OK, "%s", diag.text);
	cr_assert_eq(fo_pending_take(run_folder, name, "sshd", &m.clock,
	    &diag, &taken), FO_OK, "%s", diag.text);
	cr_expect_str_eq(taken.kind, "human");
	cr_expect_str_eq(taken.id, record.id);
	fo_login_record_clear(&taken);
	machine_close(&m);
}

Test(session, a_record_needs_a_name_that_nobody_can_guess)
{
	char name[FO_PENDING_NAME_SIZE] = "";
	struct fo_login_record record;
	struct machine m;

	open_machine(&m);
	record = make_record();
	failing("getrandom", 0, EAGAIN);
	cr_expect_eq(fo_pending_put(run_folder, &record, &m.clock, &diag,
	    name), FO_ERR_SESSION);
	failing_none();
	cr_expect_not_null(strstr(diag.text, "no randomness"));
	cr_expect_str_eq(name, "");
	machine_close(&m);
}

Test(session, a_session_needs_the_id_of_one)
{
	static const char *const wrong[] = { "", "short",
		"4f9c2a1bq0T9b2c7dE1xY/" };
	struct fo_login_record record;
	struct machine m;

	open_machine(&m);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		record = make_record();
		(void)snprintf(record.sid, sizeof(record.sid), "%s",
		    wrong[i]);
		diag.text[0] = '\0';
		cr_expect_eq(fo_session_put(run_folder, &record, &diag),
		    FO_ERR_SESSION, "%s", wrong[i]);
		cr_expect_str_eq(diag.text, "this is not a session's id");
		cr_expect_eq(fo_session_remove(run_folder, wrong[i], 0, &diag),
		    FO_ERR_SESSION, "%s", wrong[i]);
	}
	/* a record that nobody made is none */
	record = make_record();
	record.pid = 0;
	cr_expect_eq(fo_session_put(run_folder, &record, &diag),
	    FO_ERR_SESSION);
	cr_expect_eq(fo_session_remove(run_folder, SID, 0, &diag),
	    FO_ERR_SESSION);
	machine_close(&m);
}

/* Whoever cannot look at another's record leaves it alone. */
Test(session, a_call_that_fails_takes_nobodys_record)
{
	static const char *const calls[] = { "openat", "fstat", "read" };
	char mine[FO_PENDING_NAME_SIZE], other[FO_PENDING_NAME_SIZE];
	struct fo_login_record record, next;
	struct machine m;
	fo_err stored;

	open_machine(&m);
	record = next = make_record();
	(void)snprintf(next.sid, sizeof(next.sid), "%s", OTHER_SID);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		for (int nth = 1; nth <= 10; nth++) {
			put(&m, mine);
			cr_assert_eq(fo_session_put(run_folder, &record,
			    &diag), FO_OK, "%s", diag.text);
			failing(calls[i], nth, EIO);
			if (fo_pending_put(run_folder, &next, &m.clock, &diag,
			    other) == FO_OK)
				fo_pending_drop(run_folder, other);
			failing_none();
			failing(calls[i], nth, EIO);
			stored = fo_session_put(run_folder, &next, &diag);
			failing_none();
			cr_expect(fo_session_remove(run_folder, next.sid, getpid(),
			    &diag) == FO_OK || stored != FO_OK,
			    "%s %d: %s", calls[i], nth, diag.text);
			cr_expect_eq(take(&m, mine, "sshd"), FO_OK,
			    "%s %d: %s", calls[i], nth, diag.text);
			cr_expect_eq(fo_session_remove(run_folder, record.sid, getpid(),
			    &diag), FO_OK, "%s %d: %s", calls[i], nth,
			    diag.text);
		}
	}
	machine_close(&m);
}
