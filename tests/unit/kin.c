/*
 * Whose login a process belongs to: its own, its ancestors', and nobody's
 * where that is not known.
 */
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "host/kin.h"
#include "host/process.h"
#include "support/failing.h"
#include "support/machine.h"
#include "support/record.h"

#define THIRD_SID "5AAAAAAAAAAAAAAAAAAAAA"

static struct machine machine;
static struct fo_diag diag;
static char run_folder[96];

static void
open_machine(void)
{
	if (geteuid() != 0)
		cr_skip_test("needs root");
	machine_open(&machine);
	(void)snprintf(run_folder, sizeof(run_folder), "%s/run",
	    machine.folder);
	diag.text[0] = '\0';
}

static void
close_machine(void)
{
	if (geteuid() == 0)
		machine_close(&machine);
}

TestSuite(kin, .init = open_machine, .fini = close_machine);

/* ---- what the tests do --------------------------------------------------- */

/* The sid of the login of a process; "" and the result if there is none. */
static fo_err
login_of(pid_t pid, char ret_sid[FO_SID_SIZE])
{
	struct fo_login_record record;
	fo_err r;

	ret_sid[0] = '\0';
	r = fo_login_of(run_folder, pid, &diag, &record);
	if (r == FO_OK) {
		memcpy(ret_sid, record.sid, FO_SID_SIZE);
		cr_expect_str_eq(record.name, "build-bot");
		cr_expect_str_eq(record.service, "sshd");
		fo_login_record_clear(&record);
	}
	return r;
}

static void
expect_login(pid_t pid, const char *sid)
{
	char seen[FO_SID_SIZE];

	cr_expect_eq(login_of(pid, seen), FO_OK, "%s", diag.text);
	cr_expect_str_eq(seen, sid);
}

static void
expect_none(pid_t pid, fo_err why)
{
	char seen[FO_SID_SIZE];

	cr_expect_eq(login_of(pid, seen), why, "%s", seen);
}

static void
open_session(pid_t pid, const char *sid, int64_t since, int64_t older)
{
	struct fo_login_record record = record_of(pid);

	memcpy(record.sid, sid, sizeof(record.sid));
	record.since = since;
	record.pid_start -= (uint64_t)older;
	cr_assert_eq(fo_session_put(run_folder, &record, &diag), FO_OK, "%s",
	    diag.text);
}

static void
leave_pending(pid_t pid, const char *sid, int64_t since)
{
	struct fo_login_record record = record_of(pid);
	char name[FO_PENDING_NAME_SIZE];

	memcpy(record.sid, sid, sizeof(record.sid));
	record.since = since;
	cr_assert_eq(fo_pending_put(run_folder, &record, &machine.clock,
	    &diag, name), FO_OK, "%s", diag.text);
}

/* A process that does nothing until it is killed. */
static pid_t
child(void)
{
	const pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0)
		for (;;)
			(void)pause();
	return pid;
}

static void
end(pid_t pid)
{
	(void)kill(pid, SIGKILL);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
}

/* ---- whose --------------------------------------------------------------- */

Test(kin, without_records_a_process_is_nobodys)
{
	expect_none(getpid(), FO_ERR_NOT_FOUND);
}

Test(kin, a_pending_login_is_its_own_process_and_no_childs)
{
	const pid_t pid = child();

	leave_pending(getpid(), RECORD_SID, MACHINE_NOW);
	expect_login(getpid(), RECORD_SID);
	expect_none(pid, FO_ERR_NOT_FOUND);
	end(pid);
}

/* Whoever was stopped for long is not nobody, and is not swept away. */
Test(kin, a_pending_login_of_who_still_runs_is_kept_for_a_day)
{
	const pid_t pid = child();

	leave_pending(getpid(), RECORD_SID, MACHINE_NOW);
	leave_pending(pid, RECORD_OTHER_SID, MACHINE_NOW);
	end(pid);
	machine_pass(&machine, FO_PENDING_VALID_S + 1);
	expect_login(getpid(), RECORD_SID);
	cr_expect_eq(machine_count(&machine, "run/pending"), 2);
	leave_pending(getppid(), THIRD_SID, MACHINE_NOW);
	cr_expect_eq(machine_count(&machine, "run/pending"), 2,
	    "of the one that is gone it was swept");
	expect_login(getpid(), RECORD_SID);
	machine_pass(&machine, FO_PENDING_HELD_S);
	leave_pending(getppid(), RECORD_OTHER_SID, MACHINE_NOW);
	expect_none(getpid(), FO_ERR_NOT_FOUND);
}

Test(kin, of_two_pending_logins_the_later_counts)
{
	leave_pending(getpid(), RECORD_SID, MACHINE_NOW);
	leave_pending(getpid(), RECORD_OTHER_SID, MACHINE_NOW + 1);
	leave_pending(getpid(), THIRD_SID, MACHINE_NOW - 1);
	expect_login(getpid(), RECORD_OTHER_SID);
}

Test(kin, a_session_is_of_all_that_descends_from_who_opened_it)
{
	const pid_t pid = child();

	open_session(getpid(), RECORD_SID, MACHINE_NOW, 0);
	expect_login(getpid(), RECORD_SID);
	expect_login(pid, RECORD_SID);
	expect_none(getppid(), FO_ERR_NOT_FOUND);
	end(pid);
}

Test(kin, a_pending_login_comes_before_any_session)
{
	open_session(getpid(), RECORD_SID, MACHINE_NOW + 100, 0);
	leave_pending(getpid(), RECORD_OTHER_SID, MACHINE_NOW);
	expect_login(getpid(), RECORD_OTHER_SID);
}

Test(kin, the_nearest_ancestor_counts_whichever_came_later)
{
	const pid_t pid = child();

	open_session(getpid(), RECORD_SID, MACHINE_NOW + 100, 0);
	open_session(pid, RECORD_OTHER_SID, MACHINE_NOW, 0);
	open_session(getppid(), THIRD_SID, MACHINE_NOW + 200, 0);
	expect_login(pid, RECORD_OTHER_SID);
	expect_login(getpid(), RECORD_SID);
	expect_login(getppid(), THIRD_SID);
	end(pid);
}

/* Else it would be everybody's. */
Test(kin, a_session_of_init_is_nobodys)
{
	const pid_t pid = child();

	open_session(1, RECORD_SID, MACHINE_NOW, 0);
	expect_none(pid, FO_ERR_NOT_FOUND);
	end(pid);
}

/* So many processes, each a child of the one before, until end_line. */
struct line {
	pid_t first;
	pid_t last;
	int hold;
};

static struct line
begin_line(int generations)
{
	static const char script[] = "if [ $1 -gt 1 ]; then\n"
	    "\tsh \"$0\" $(($1 - 1)); :\nelse\n\techo $$; read -r hold\nfi\n";
	char *path = machine_path(&machine, "line"), count[16], text[16] = "";
	struct line line;
	int in[2], out[2];

	machine_write(&machine, "line", script);
	(void)snprintf(count, sizeof(count), "%d", generations);
	cr_assert(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0);
	if ((line.first = fork()) == 0) {
		(void)dup2(in[0], 0);
		(void)dup2(out[1], 1);
		(void)execl("/bin/sh", "sh", path, count, (char *)NULL);
		_exit(1);
	}
	cr_assert_gt(read(out[0], text, sizeof(text) - 1), 0);
	line.last = (pid_t)strtol(text, NULL, 10);
	line.hold = in[1];
	close(in[0]);
	close(out[0]);
	close(out[1]);
	free(path);
	return line;
}

static void
end_line(const struct line *line)
{
	close(line->hold);
	cr_assert_eq(waitpid(line->first, NULL, 0), line->first);
}

/* Many of them start in the same tick of the clock. */
Test(kin, the_line_of_ancestors_has_an_end)
{
	struct line line = begin_line(255);

	open_session(getpid(), RECORD_SID, MACHINE_NOW, 0);
	expect_login(line.last, RECORD_SID);
	end_line(&line);
	line = begin_line(256);
	expect_none(line.last, FO_ERR_NOT_FOUND);
	open_session(line.first, RECORD_OTHER_SID, MACHINE_NOW, 0);
	expect_login(line.last, RECORD_OTHER_SID);
	end_line(&line);
}

Test(kin, a_session_whose_process_is_gone_is_nobodys)
{
	const pid_t pid = child();

	open_session(pid, RECORD_SID, MACHINE_NOW, 0);
	expect_login(pid, RECORD_SID);
	end(pid);
	expect_none(getpid(), FO_ERR_NOT_FOUND);
}

Test(kin, a_number_that_is_used_again_is_another_process)
{
	open_session(getpid(), RECORD_SID, MACHINE_NOW, 1);
	expect_none(getpid(), FO_ERR_NOT_FOUND);
}

Test(kin, a_process_that_is_gone_is_not_known)
{
	const pid_t pid = child();

	end(pid);
	expect_none(pid, FO_ERR_IO);
	cr_expect_not_null(strstr(diag.text, "mount /proc"), "%s", diag.text);
}

/* ---- what cannot be known ------------------------------------------------ */

/* What cannot be a record, under the name of one that pid made. */
static void
put_file(pid_t pid)
{
	char path[96];

	open_session(getpid(), RECORD_SID, MACHINE_NOW, 0);
	(void)snprintf(path, sizeof(path), "run/sessions/" RECORD_OTHER_SID
	    ".%ld", (long)pid);
	machine_write(&machine, path, "---\n");
}

Test(kin, a_record_that_cannot_be_read_may_be_its)
{
	put_file(getpid());
	expect_login(getpid(), RECORD_SID);
	fo_session_drop(run_folder, RECORD_SID, getpid());
	expect_none(getpid(), FO_ERR_SESSION);
}

Test(kin, a_record_of_another_process_is_not_opened)
{
	put_file(2147483646); /* nobody has this number */
	fo_session_drop(run_folder, RECORD_SID, getpid());
	expect_none(getpid(), FO_ERR_NOT_FOUND);
}

/* How many files are opened to see whose this process is. */
static int
opens(void)
{
	int count;

	failing("openat", 1000000, EIO);
	expect_none(getpid(), FO_ERR_NOT_FOUND);
	count = failing_calls("openat");
	failing_none();
	return count;
}

Test(kin, who_asks_pays_nothing_for_the_records_of_others)
{
	const pid_t pid = child();
	char sid[FO_SID_SIZE] = RECORD_SID;
	int few;

	if (fo_process_audit(pid) != FO_AUDIT_NONE) {
		end(pid);
		cr_skip_test("each maker's audit session is looked up");
	}
	open_session(pid, sid, MACHINE_NOW, 0);
	leave_pending(pid, sid, MACHINE_NOW);
	few = opens();
	for (int i = 0; i < 100; i++) {
		sid[1] = (char)('A' + i / 10);
		sid[2] = (char)('A' + i % 10);
		open_session(pid, sid, MACHINE_NOW, 0);
		leave_pending(pid, sid, MACHINE_NOW);
	}
	cr_expect_eq(opens(), few);
	end(pid);
}

Test(kin, without_a_folder_nobody_knows)
{
	leave_pending(getppid(), RECORD_SID, MACHINE_NOW);
	machine_write(&machine, "run/sessions", "not a folder\n");
	expect_none(getpid(), FO_ERR_SESSION);
	machine_remove(&machine, "run");
	machine_write(&machine, "run", "not a folder\n");
	expect_none(getpid(), FO_ERR_SESSION);
}

Test(kin, without_proc_nobody_knows)
{
	open_session(getpid(), RECORD_SID, MACHINE_NOW, 0);
	failing("read", 1, EIO);
	expect_none(getpid(), FO_ERR_IO);
	failing_none();
	/* nor of an ancestor */
	failing("read", 2, EIO);
	expect_none(getpid(), FO_ERR_IO);
	failing_none();
	/* one that ended meanwhile has no ancestors any more */
	failing("openat", 2, ENOENT);
	expect_login(getpid(), RECORD_SID);
	failing_none();
}

Test(kin, no_descriptor_stays_open)
{
	const size_t before = machine_descriptors();

	open_session(getpid(), RECORD_SID, MACHINE_NOW, 0);
	leave_pending(getppid(), RECORD_OTHER_SID, MACHINE_NOW);
	expect_login(getpid(), RECORD_SID);
	expect_none(1, FO_ERR_NOT_FOUND);
	cr_expect_eq(machine_descriptors(), before);
}

/* ---- the audit session --------------------------------------------------- */

/*
 * A process that began an audit session, and one in it that has outlived its
 * parents, as sshd's session and a daemon of it.
 */
struct audited {
	pid_t leader;
	pid_t daemon;
};

static void
say(int fd, pid_t pid)
{
	cr_assert_eq(write(fd, &pid, sizeof(pid)), (ssize_t)sizeof(pid));
}

/* A tick of the clock by which the kernel says who is older. */
#define TICK_US 20000

/* Never returns: the leader, and its daemon by two forks. */
static _Noreturn void
lead(int out)
{
	const int fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1) {
		say(out, 0);
		_exit(0);
	}
	close(fd);
	(void)usleep(TICK_US);
	if (fork() == 0) {
		if (fork() == 0)
			say(out, getpid());
		else
			_exit(0);
	} else {
		(void)wait(NULL);
	}
	for (;;)
		(void)pause();
}

static struct audited
make_audited(void)
{
	struct audited a;
	struct fo_process process;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	if ((a.leader = fork()) == 0)
		lead(ends[1]);
	cr_assert_gt(a.leader, 0);
	cr_assert_eq(read(ends[0], &a.daemon, sizeof(a.daemon)),
	    (ssize_t)sizeof(a.daemon));
	close(ends[0]);
	close(ends[1]);
	if (a.daemon == 0) {
		end(a.leader);
		cr_skip_test("the kernel has no audit sessions to make here");
	}
	/* until whoever made it is gone */
	while (fo_process_read(a.daemon, &process) == FO_OK &&
	    fo_process_audit(process.parent) == fo_process_audit(a.daemon))
		(void)usleep(1000);
	return a;
}

static void
end_audited(const struct audited *a)
{
	(void)kill(a->daemon, SIGKILL);
	end(a->leader);
}

Test(kin, who_has_outlived_its_parents_is_known_by_its_audit_session)
{
	const struct audited a = make_audited();

	expect_none(a.daemon, FO_ERR_NOT_FOUND);
	open_session(a.leader, RECORD_SID, MACHINE_NOW, 0);
	expect_login(a.daemon, RECORD_SID);
	expect_none(getpid(), FO_ERR_NOT_FOUND);
	/* an ancestor's session comes first */
	open_session(a.daemon, RECORD_OTHER_SID, MACHINE_NOW - 100, 0);
	expect_login(a.daemon, RECORD_OTHER_SID);
	end_audited(&a);
}

Test(kin, of_sessions_of_one_process_the_one_opened_last_counts)
{
	const struct audited a = make_audited();

	open_session(a.leader, RECORD_SID, MACHINE_NOW, 0);
	open_session(a.leader, RECORD_OTHER_SID, MACHINE_NOW + 1, 0);
	open_session(a.leader, THIRD_SID, MACHINE_NOW - 1, 0);
	expect_login(a.daemon, RECORD_OTHER_SID);
	expect_login(a.leader, RECORD_OTHER_SID);
	end_audited(&a);
}

Test(kin, an_audit_session_is_its_beginners_own)
{
	const struct audited a = make_audited();
	const uint32_t audit = fo_process_audit(a.leader);

	cr_expect_neq(audit, FO_AUDIT_NONE);
	cr_expect_eq(fo_audit_own(a.leader), audit);
	failing("fdopendir", 0, ENOMEM);
	cr_expect_eq(fo_audit_own(a.leader), FO_AUDIT_NONE);
	failing_none();
	end_audited(&a);
}

/* The daemon's parent, which is this process, has another. */
Test(kin, an_audit_session_is_nobodys_own_who_is_not_its_eldest)
{
	struct audited a;

	cr_assert_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	a = make_audited();
	cr_expect_eq(fo_audit_own(a.daemon), FO_AUDIT_NONE);
	open_session(a.daemon, RECORD_SID, MACHINE_NOW, 0);
	expect_login(a.daemon, RECORD_SID);
	expect_none(a.leader, FO_ERR_NOT_FOUND);
	end_audited(&a);
}

/* A process that begins an audit session and does nothing else. */
static _Noreturn void
begin_and_say(int out)
{
	const int fd = open("/proc/self/loginuid", O_WRONLY | O_CLOEXEC);

	/* whoever adopts orphans in init's place is a parent like any other */
	if (getppid() != 1 || fd < 0 || write(fd, "0", 1) != 1) {
		say(out, 0);
		_exit(0);
	}
	say(out, getpid());
	for (;;)
		(void)pause();
}

/* Its parent ended, and may have begun the audit session for all we know. */
Test(kin, an_audit_session_is_not_its_own_who_has_no_parent)
{
	pid_t orphan = 0, made;
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	if ((made = fork()) == 0) {
		const pid_t parent = getpid();

		if (fork() == 0) {
			while (getppid() == parent)
				(void)usleep(1000);
			begin_and_say(ends[1]);
		}
		_exit(0);
	}
	cr_assert_eq(waitpid(made, NULL, 0), made);
	cr_assert_eq(read(ends[0], &orphan, sizeof(orphan)),
	    (ssize_t)sizeof(orphan));
	if (orphan == 0)
		cr_skip_test("no audit session of an orphan can be made here");
	cr_expect_neq(fo_process_audit(orphan), FO_AUDIT_NONE);
	cr_expect_eq(fo_audit_own(orphan), FO_AUDIT_NONE);
	(void)kill(orphan, SIGKILL);
}

/* Started in the same tick, as far as /proc can tell, and not its beginner. */
Test(kin, an_audit_session_is_not_a_childs_own)
{
	pid_t pids[2] = { 0, 0 };
	int ends[2];

	cr_assert_eq(pipe(ends), 0);
	if ((pids[0] = fork()) == 0) {
		const int fd = open("/proc/self/loginuid",
		    O_WRONLY | O_CLOEXEC);

		(void)!write(fd, "0", 1);
		if (fork() == 0)
			say(ends[1], getpid());
		for (;;)
			(void)pause();
	}
	cr_assert_gt(pids[0], 0);
	cr_assert_eq(read(ends[0], &pids[1], sizeof(pids[1])),
	    (ssize_t)sizeof(pids[1]));
	cr_expect_eq(fo_audit_own(pids[1]), FO_AUDIT_NONE);
	(void)kill(pids[1], SIGKILL);
	end(pids[0]);
}

Test(kin, an_audit_session_that_did_not_begin_here_is_not_its_own)
{
	/* the tests run in whatever session started them */
	cr_expect_eq(fo_audit_own(getpid()), FO_AUDIT_NONE);
	cr_expect_eq(fo_audit_own(0x7fffffff), FO_AUDIT_NONE);
}
