/*
 * Handing over events: to a reader, to nobody, to a file, and what is left in
 * the host's process afterwards.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "host/audit.h"
#include "support/cee.h"
#include "support/failing.h"
#include "support/machine.h"

static struct fo_diag diag;

static char syslog_sink[] = "syslog";
static char *const only_syslog[] = { syslog_sink, NULL };
static char *const none[] = { NULL };

/* A log daemon of the test's own: what it listens on, and its path. */
struct reader {
	struct machine machine;
	char *path;
	int fd;
};

static void
need_root(void)
{
	if (geteuid() != 0)
		cr_skip_test("only root can become somebody else");
}

/* name may be too long: the socket is then where its start says. */
static void
reader_open_as(struct reader *rd, int type, const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	machine_open(&rd->machine);
	rd->path = machine_path(&rd->machine, name);
	memcpy(at.sun_path, rd->path, strnlen(rd->path, sizeof(at.sun_path)));
	rd->fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	cr_assert_geq(rd->fd, 0);
	cr_assert_eq(bind(rd->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	if (type == SOCK_STREAM)
		cr_assert_eq(listen(rd->fd, 5), 0);
	diag.text[0] = '\0';
}

static void
reader_open(struct reader *rd, int type)
{
	reader_open_as(rd, type, "log");
}

static void
reader_close(struct reader *rd)
{
	close(rd->fd);
	free(rd->path);
	machine_close(&rd->machine);
}

/* The one datagram that is there; the next call finds the next. */
static const char *
reader_get(const struct reader *rd)
{
	static char text[4096];
	const ssize_t n = recv(rd->fd, text, sizeof(text) - 1, 0);

	cr_assert_gt(n, 0, "nothing arrived");
	text[n] = '\0';
	cr_assert_eq(strlen(text), (size_t)n, "a NUL arrived");
	return text;
}

static void
expect_nothing(const struct reader *rd)
{
	char c;

	cr_expect_eq(recv(rd->fd, &c, 1, 0), -1);
}

static struct fo_event
make_event(fo_res res)
{
	return (struct fo_event){
		.at = { MACHINE_NOW, 0, 0 },
		.host = "bastion",
		.ev = FO_EV_AUTH,
		.res = res,
		.why = res == FO_RES_PERMIT ? FO_OK : FO_ERR_POLICY,
		.name = "build-bot",
		.owner = "team-platform",
		.kind = "agent",
		.pid = 41250,
	};
}

static struct fo_audit
make_audit(const struct reader *rd, char *const *required,
    char *const *best_effort)
{
	return (struct fo_audit){ .tag = "pam_firstops",
		.socket_path = rd->path, .required = required,
		.best_effort = best_effort };
}

static fo_err
emit(const struct reader *rd, char *const *required, char *const *best_effort)
{
	const struct fo_audit audit = make_audit(rd, required, best_effort);
	const struct fo_event event = make_event(FO_RES_PERMIT);

	return fo_audit_emit(&audit, &event, &diag);
}

/* "file:FOLDER/name"; the caller frees. */
static char *
file_sink(const struct reader *rd, const char *name)
{
	char *sink;

	cr_assert_geq(asprintf(&sink, "file:%s/%s", rd->machine.folder,
	    name), 0);
	return sink;
}

static int64_t
monotonic_ms(void)
{
	struct timespec t;

	cr_assert_eq(clock_gettime(CLOCK_MONOTONIC, &t), 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- syslog --------------------------------------------------------------- */

Test(audit, severity_is_that_of_the_result_and_facility_authpriv)
{
	static const struct {
		fo_res res;
		const char *head;
	} cases[] = {
		{ FO_RES_PERMIT, "<86>pam_firstops[41250]: @cee:{\"msg\":" },
		{ FO_RES_DENY, "<85>pam_firstops[41250]: @cee:{\"msg\":" },
		{ FO_RES_ERROR, "<83>pam_firstops[41250]: @cee:{\"msg\":" },
		{ FO_RES_NONE, "<86>pam_firstops[41250]: @cee:{\"msg\":" },
	};
	struct fo_audit audit;
	struct fo_event event;
	struct reader rd;
	const char *text;

	reader_open(&rd, SOCK_DGRAM);
	audit = make_audit(&rd, only_syslog, none);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		event = make_event(cases[i].res);
		cr_expect_eq(fo_audit_emit(&audit, &event, &diag), FO_OK,
		    "%s", diag.text);
		text = reader_get(&rd);
		cr_expect_eq(strncmp(text, cases[i].head,
		    strlen(cases[i].head)), 0, "%s", text);
		cee_check(strchr(text, '@'));
		expect_nothing(&rd);
	}
	reader_close(&rd);
}

Test(audit, a_log_socket_of_the_stream_kind_gets_a_record_ended_by_nul)
{
	struct reader rd;
	char text[4096];
	ssize_t n;
	int fd;

	reader_open(&rd, SOCK_STREAM);
	cr_assert_eq(emit(&rd, only_syslog, none), FO_OK, "%s", diag.text);
	fd = accept(rd.fd, NULL, NULL);
	cr_assert_geq(fd, 0);
	n = recv(fd, text, sizeof(text), 0);
	cr_assert_gt(n, 0);
	cr_expect_eq(text[n - 1], '\0');
	cr_expect_eq(strlen(text), (size_t)n - 1);
	cee_check(strchr(text, '@'));
	close(fd);
	reader_close(&rd);
}

/* The longest path that a socket can have, and one that is longer. */
Test(audit, a_log_socket_has_a_path_of_at_most_107_bytes)
{
	static const struct {
		size_t len;
		fo_err want;
	} cases[] = { { 107, FO_OK }, { 108, FO_ERR_AUDIT } };
	struct fo_audit audit;
	struct reader rd;
	char name[128];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reader_open(&rd, SOCK_DGRAM);
		memset(name, 'x', sizeof(name));
		name[cases[i].len - strlen(rd.machine.folder) - 1] = '\0';
		reader_close(&rd);
		reader_open_as(&rd, SOCK_DGRAM, name);
		cr_assert_eq(strlen(rd.path), cases[i].len);
		audit = make_audit(&rd, only_syslog, none);
		cr_expect_eq(fo_audit_check(&audit, "syslog", &diag),
		    cases[i].want, "%s", diag.text);
		cr_expect_eq(emit(&rd, only_syslog, none), cases[i].want,
		    "%s", diag.text);
		if (cases[i].want == FO_OK)
			(void)reader_get(&rd);
		else
			cr_expect_str_eq(diag.text, "syslog: the path of its "
			    "socket is missing or too long");
		reader_close(&rd);
	}
}

/* What errno was before is no word about this socket. */
Test(audit, a_log_socket_of_datagrams_is_taken_for_one)
{
	struct reader rd;
	size_t before;

	reader_open(&rd, SOCK_DGRAM);
	before = machine_descriptors();
	errno = EPROTOTYPE;
	cr_expect_eq(emit(&rd, only_syslog, none), FO_OK, "%s", diag.text);
	(void)reader_get(&rd);
	failing("connect", 1, EACCES);
	cr_expect_eq(emit(&rd, only_syslog, none), FO_ERR_AUDIT);
	cr_expect_not_null(strstr(diag.text, strerror(EACCES)), "%s",
	    diag.text);
	expect_nothing(&rd);
	cr_expect_eq(machine_descriptors(), before);
	reader_close(&rd);
}

/* Whoever called sudo has no say in what the log says of the sender. */
Test(audit, the_sender_of_an_event_is_the_effective_user)
{
	char text[4096], control[256];
	struct iovec part = { text, sizeof(text) };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control) };
	const struct cmsghdr *header;
	struct ucred sender;
	const int on = 1;
	struct reader rd;

	need_root();
	reader_open(&rd, SOCK_DGRAM);
	cr_assert_eq(setsockopt(rd.fd, SOL_SOCKET, SO_PASSCRED, &on,
	    sizeof(on)), 0);
	cr_assert_eq(setresgid(65534, 0, 0), 0);
	cr_assert_eq(setresuid(65534, 0, 0), 0);
	cr_assert_eq(emit(&rd, only_syslog, none), FO_OK, "%s", diag.text);
	cr_assert_gt(recvmsg(rd.fd, &message, 0), 0);
	cr_assert_not_null(header = CMSG_FIRSTHDR(&message));
	cr_assert_eq(header->cmsg_type, SCM_CREDENTIALS);
	memcpy(&sender, CMSG_DATA(header), sizeof(sender));
	cr_expect_eq(sender.uid, 0);
	cr_expect_eq(sender.gid, 0);
	cr_expect_eq(sender.pid, getpid());
	reader_close(&rd);
}

/* ---- a connection that is kept ---------------------------------------------- */

static fo_err
emit_kept(const struct reader *rd, struct fo_syslog *syslog)
{
	struct fo_audit audit = make_audit(rd, only_syslog, none);
	struct fo_event event = make_event(FO_RES_PERMIT);

	event.pid = getpid();
	audit.syslog = syslog;
	return fo_audit_emit(&audit, &event, &diag);
}

/* A reader that has got one event over a connection that is kept. */
static void
open_kept(struct reader *rd, struct fo_syslog *syslog)
{
	reader_open(rd, SOCK_DGRAM);
	cr_assert_eq(emit_kept(rd, syslog), FO_OK, "%s", diag.text);
	(void)reader_get(rd);
}

Test(audit, a_connection_that_is_kept_is_made_once)
{
	struct fo_syslog syslog = FO_SYSLOG_NONE;
	struct reader rd;
	size_t before;

	reader_open(&rd, SOCK_DGRAM);
	before = machine_descriptors();
	cr_assert_eq(emit_kept(&rd, &syslog), FO_OK, "%s", diag.text);
	(void)reader_get(&rd);
	failing("connect", 0, EIO);
	cr_expect_eq(emit_kept(&rd, &syslog), FO_OK, "%s", diag.text);
	failing_none();
	(void)reader_get(&rd);
	expect_nothing(&rd);
	cr_expect_eq(machine_descriptors(), before + 1);
	fo_syslog_close(&syslog);
	fo_syslog_close(&syslog);
	cr_expect_eq(machine_descriptors(), before);
	reader_close(&rd);
}

/* Another socket at the reader's path. */
static void
reader_replace(struct reader *rd)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	cr_assert_eq(unlink(rd->path), 0);
	rd->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	cr_assert_geq(rd->fd, 0);
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", rd->path);
	cr_assert_eq(bind(rd->fd, (struct sockaddr *)&at, sizeof(at)), 0);
}

/* The daemon was started again: another socket, as syslog(3) sees it. */
Test(audit, a_daemon_that_was_started_again_gets_the_event)
{
	struct fo_syslog syslog = FO_SYSLOG_NONE;
	struct reader rd;

	open_kept(&rd, &syslog);
	close(rd.fd);
	reader_replace(&rd);
	cr_expect_eq(emit_kept(&rd, &syslog), FO_OK, "%s", diag.text);
	(void)reader_get(&rd);
	fo_syslog_close(&syslog);
	reader_close(&rd);
}

/* Another took its place, while the old one is held by who does not read. */
Test(audit, who_reads_now_gets_the_event_and_not_who_read_before)
{
	struct fo_syslog syslog = FO_SYSLOG_NONE;
	struct reader rd, old;

	open_kept(&rd, &syslog);
	old = rd;
	reader_replace(&rd);
	cr_expect_eq(emit_kept(&rd, &syslog), FO_OK, "%s", diag.text);
	(void)reader_get(&rd);
	expect_nothing(&old);
	/* and the new connection is the one that is kept */
	failing("socket", 0, EMFILE);
	cr_expect_eq(emit_kept(&rd, &syslog), FO_OK, "%s", diag.text);
	failing_none();
	(void)reader_get(&rd);
	fo_syslog_close(&syslog);
	close(old.fd);
	reader_close(&rd);
}

/* Where nobody knows what the path leads to, nothing is kept. */
Test(audit, a_connection_to_what_nobody_knows_is_not_kept)
{
	struct fo_syslog syslog = FO_SYSLOG_NONE;
	struct reader rd;

	reader_open(&rd, SOCK_DGRAM);
	failing("fstatat", 0, EIO);
	cr_expect_eq(emit_kept(&rd, &syslog), FO_OK, "%s", diag.text);
	cr_expect_eq(syslog.fd, -1);
	failing_none();
	cr_expect_eq(emit_kept(&rd, &syslog), FO_OK, "%s", diag.text);
	cr_expect_geq(syslog.fd, 0);
	failing("fstatat", 0, EIO);
	cr_expect_eq(emit_kept(&rd, &syslog), FO_OK, "%s", diag.text);
	cr_expect_eq(syslog.fd, -1);
	failing_none();
	reader_close(&rd);
}

/* Whoever closes all descriptors closes ours, too, and opens others. */
Test(audit, a_connection_that_others_closed_is_made_anew_and_theirs_stays)
{
	struct fo_syslog syslog = FO_SYSLOG_NONE;
	struct reader rd;
	int pair[2];
	char c;

	open_kept(&rd, &syslog);
	close(syslog.fd);
	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair),
	    0);
	cr_assert_eq(pair[0], syslog.fd);
	cr_expect_eq(emit_kept(&rd, &syslog), FO_OK, "%s", diag.text);
	(void)reader_get(&rd);
	cr_expect_eq(recv(pair[1], &c, 1, 0), -1, "told to somebody else");
	cr_expect_geq(fcntl(pair[0], F_GETFD), 0, "it is not ours to close");
	close(syslog.fd);
	cr_assert_eq(dup2(pair[0], syslog.fd), syslog.fd);
	fo_syslog_close(&syslog);
	cr_expect_eq(syslog.fd, -1);
	close(pair[0]);
	close(pair[1]);
	reader_close(&rd);
}

/* It broke: the same socket's next connection takes the event, or nobody. */
Test(audit, a_connection_that_is_kept_and_has_broken_is_made_anew)
{
	struct fo_syslog syslog = FO_SYSLOG_NONE;
	struct reader rd;
	size_t before;

	reader_open(&rd, SOCK_DGRAM);
	before = machine_descriptors();
	cr_assert_eq(emit_kept(&rd, &syslog), FO_OK, "%s", diag.text);
	(void)reader_get(&rd);
	failing("sendmsg", 1, ECONNREFUSED);
	cr_expect_eq(emit_kept(&rd, &syslog), FO_OK, "%s", diag.text);
	failing_none();
	(void)reader_get(&rd);
	failing("sendmsg", 0, ECONNREFUSED);
	cr_expect_eq(emit_kept(&rd, &syslog), FO_ERR_AUDIT);
	failing_none();
	cr_expect_eq(machine_descriptors(), before);
	cr_expect_eq(emit_kept(&rd, &syslog), FO_OK, "%s", diag.text);
	(void)reader_get(&rd);
	close(rd.fd);
	cr_expect_eq(emit_kept(&rd, &syslog), FO_ERR_AUDIT);
	cr_expect_not_null(strstr(diag.text, "start the system's log daemon"),
	    "%s", diag.text);
	rd.fd = -1;
	reader_close(&rd);
}

Test(audit, a_missing_log_socket_refuses_and_says_what_to_do)
{
	struct reader rd;

	reader_open(&rd, SOCK_DGRAM);
	cr_assert_eq(unlink(rd.path), 0);
	cr_expect_eq(emit(&rd, only_syslog, none), FO_ERR_AUDIT);
	cr_expect_not_null(strstr(diag.text, rd.path), "%s", diag.text);
	cr_expect_not_null(strstr(diag.text, "start the system's log daemon"),
	    "%s", diag.text);
	reader_close(&rd);
}

Test(audit, a_log_socket_that_nobody_holds_refuses)
{
	struct reader rd;

	reader_open(&rd, SOCK_DGRAM);
	close(rd.fd);
	cr_expect_eq(emit(&rd, only_syslog, none), FO_ERR_AUDIT);
	rd.fd = -1;
	reader_close(&rd);
}

/* Send until the socket takes no more. */
static void
fill(const struct reader *rd)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);

	cr_assert_geq(fd, 0);
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", rd->path);
	cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	while (send(fd, "x", 1, 0) == 1)
		continue;
	cr_assert_eq(errno, EAGAIN);
	close(fd);
}

Test(audit, a_log_daemon_that_does_not_read_costs_two_seconds_and_no_more)
{
	struct reader rd;
	int64_t took;

	reader_open(&rd, SOCK_DGRAM);
	fill(&rd);
	failing("sendmsg", INT_MAX, EIO);
	took = monotonic_ms();
	cr_expect_eq(emit(&rd, only_syslog, none), FO_ERR_AUDIT);
	took = monotonic_ms() - took;
	cr_expect_str_eq(diag.text, "syslog: nobody read the socket for 2000 "
	    "ms; look after the system's log daemon");
	cr_expect_eq(failing_calls("sendmsg"), 1, "it waits, and asks no more");
	cr_expect_geq(took, FO_AUDIT_DEADLINE_MS);
	cr_expect_lt(took, FO_AUDIT_DEADLINE_MS + 1000);
	reader_close(&rd);
}

Test(audit, the_deadline_is_one_for_all_sinks)
{
	char *const twice[] = { syslog_sink, syslog_sink, NULL };
	struct reader rd;
	int64_t took;

	reader_open(&rd, SOCK_DGRAM);
	fill(&rd);
	took = monotonic_ms();
	cr_expect_eq(emit(&rd, twice, twice), FO_ERR_AUDIT);
	took = monotonic_ms() - took;
	cr_expect_lt(took, FO_AUDIT_DEADLINE_MS + 1000);
	reader_close(&rd);
}

/* The reader wakes up while the event waits. */
Test(audit, a_log_daemon_that_reads_in_time_gets_the_event)
{
	struct pollfd p;
	struct reader rd;
	char text[4096];
	int status;
	ssize_t n;
	pid_t pid;

	reader_open(&rd, SOCK_DGRAM);
	fill(&rd);
	if ((pid = fork()) == 0)
		_exit(emit(&rd, only_syslog, none) == FO_OK ? 0 : 1);
	cr_assert_gt(pid, 0);
	p = (struct pollfd){ .fd = rd.fd, .events = POLLIN };
	do {
		cr_assert_eq(poll(&p, 1, 10000), 1);
		n = recv(rd.fd, text, sizeof(text) - 1, 0);
		cr_assert_gt(n, 0);
	} while (n == 1);
	text[n] = '\0';
	cee_check(strchr(text, '@'));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	reader_close(&rd);
}

/*
 * The clock fails at each call, when the event is given, and when time is
 * asked for: a deadline that nobody can tell is over.
 */
Test(audit, without_a_clock_nothing_is_waited_for)
{
	struct reader rd;

	for (int nth = 0; nth <= 2; nth++) {
		reader_open(&rd, SOCK_DGRAM);
		failing("clock_gettime", nth, EINVAL);
		failing("sendmsg", 1, EAGAIN);
		cr_expect_eq(emit(&rd, only_syslog, none), FO_ERR_AUDIT,
		    "%d", nth);
		failing_none();
		cr_expect_not_null(strstr(diag.text, "nobody read"), "%s",
		    diag.text);
		expect_nothing(&rd);
		reader_close(&rd);
	}
}

/* ---- required and best effort ---------------------------------------------- */

Test(audit, a_best_effort_sink_that_fails_changes_nothing)
{
	struct reader rd;
	char *missing, *best_effort[2];

	reader_open(&rd, SOCK_DGRAM);
	missing = file_sink(&rd, "no/such/folder");
	best_effort[0] = missing;
	best_effort[1] = NULL;
	cr_expect_eq(emit(&rd, only_syslog, best_effort), FO_OK);
	(void)reader_get(&rd);
	free(missing);
	reader_close(&rd);
}

Test(audit, a_required_sink_that_fails_refuses_and_the_others_are_told)
{
	struct reader rd;
	char *missing, *required[3];

	reader_open(&rd, SOCK_DGRAM);
	missing = file_sink(&rd, "no/such/folder");
	required[0] = missing;
	required[1] = syslog_sink;
	required[2] = NULL;
	cr_expect_eq(emit(&rd, required, none), FO_ERR_AUDIT);
	cr_expect_not_null(strstr(diag.text, "/no"), "%s", diag.text);
	(void)reader_get(&rd);
	free(missing);
	reader_close(&rd);
}

Test(audit, a_sink_of_no_known_kind_refuses)
{
	char odd[] = "carrier-pigeon";
	char *const required[] = { odd, NULL };
	struct reader rd;

	reader_open(&rd, SOCK_DGRAM);
	cr_expect_eq(emit(&rd, required, none), FO_ERR_AUDIT);
	cr_expect_not_null(strstr(diag.text, "carrier-pigeon"), "%s",
	    diag.text);
	reader_close(&rd);
}

Test(audit, the_first_required_sink_that_fails_is_the_one_that_is_named)
{
	char first[] = "first-pigeon", second[] = "second-pigeon";
	char *const required[] = { first, second, NULL };
	struct reader rd;

	reader_open(&rd, SOCK_DGRAM);
	cr_expect_eq(emit(&rd, required, required), FO_ERR_AUDIT);
	cr_expect_str_eq(diag.text, "\"first-pigeon\" is no place for events; "
	    "write \"syslog\" or \"file:/path\"");
	reader_close(&rd);
}

Test(audit, an_event_of_no_known_kind_goes_nowhere)
{
	struct fo_event event = make_event(FO_RES_PERMIT);
	struct fo_audit audit;
	struct reader rd;

	reader_open(&rd, SOCK_DGRAM);
	audit = make_audit(&rd, only_syslog, only_syslog);
	event.ev = (fo_ev)99;
	cr_expect_eq(fo_audit_emit(&audit, &event, &diag), FO_ERR_AUDIT);
	cr_expect_not_null(strstr(diag.text, "the event could not be "
	    "written: "), "%s", diag.text);
	expect_nothing(&rd);
	reader_close(&rd);
}

/* ---- file ----------------------------------------------------------------- */

/* What emitting to a file and looking at it come to, and both say why. */
static void
expect_file_refused(const struct reader *rd, char *sink, const char *why)
{
	const struct fo_audit audit = make_audit(rd, NULL, NULL);
	char *const required[] = { sink, NULL };

	diag.text[0] = '\0';
	cr_expect_eq(emit(rd, required, none), FO_ERR_AUDIT, "%s", sink);
	cr_expect_not_null(strstr(diag.text, why), "%s: %s", sink, diag.text);
	diag.text[0] = '\0';
	cr_expect_eq(fo_audit_check(&audit, sink, &diag), FO_ERR_AUDIT, "%s",
	    sink);
	cr_expect_not_null(strstr(diag.text, why), "%s: %s", sink, diag.text);
}

Test(audit, a_file_is_an_absolute_path_below_a_folder)
{
	char sinks[][32] = { "file:", "file:relative", "file:relative/events",
		"file:/events", "file:/", "file:/tmp/" };
	char why[256];
	struct reader rd;

	reader_open(&rd, SOCK_DGRAM);
	for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++) {
		(void)snprintf(why, sizeof(why), "%s is no absolute path of a "
		    "file in a folder", sinks[i]);
		expect_file_refused(&rd, sinks[i], why);
	}
	reader_close(&rd);
}

/* The longest folder that can be opened, if it were there. */
Test(audit, a_file_in_a_folder_of_over_4095_bytes_refuses_and_says_why)
{
	static char sink[PATH_MAX + 16];
	struct reader rd;

	reader_open(&rd, SOCK_DGRAM);
	for (size_t len = PATH_MAX - 1; len <= PATH_MAX + 1; len++) {
		memcpy(sink, "file:", 5);
		memset(sink + 5, 'a', len);
		for (size_t i = 0; i < len; i += 128)
			sink[5 + i] = '/';
		memcpy(sink + 5 + len, "/x", 3);
		expect_file_refused(&rd, sink, len < PATH_MAX ?
		    "does not exist" : "is no absolute path of a file in a "
		    "folder");
	}
	reader_close(&rd);
}

/* One file as the only required sink. */
static fo_err
emit_to_file(const struct reader *rd, const char *name)
{
	char *sink = file_sink(rd, name);
	char *required[] = { sink, NULL };
	const fo_err r = emit(rd, required, none);

	free(sink);
	return r;
}

Test(audit, a_file_gets_each_event_on_a_line_of_its_own)
{
	struct reader rd;
	char *text, *second;
	struct stat st;
	char *path;

	reader_open(&rd, SOCK_DGRAM);
	umask(0);
	cr_assert_eq(emit_to_file(&rd, "events"), FO_OK, "%s", diag.text);
	cr_assert_eq(emit_to_file(&rd, "events"), FO_OK, "%s", diag.text);
	path = machine_path(&rd.machine, "events");
	cr_assert_eq(stat(path, &st), 0);
	cr_expect_eq(st.st_mode & 07777, 0640);
	text = machine_read(&rd.machine, "events");
	cr_assert_eq(text[0], '\n');
	second = strstr(text, "}\n\n@cee:{");
	cr_assert_not_null(second, "%s", text);
	second[1] = '\0';
	cee_check(text + 1);
	cr_assert_eq(second[strlen(second + 3) + 2], '\n');
	second[strlen(second + 3) + 2] = '\0';
	cee_check(second + 3);
	free(text);
	free(path);
	reader_close(&rd);
}

/* A right file but for one thing. */
enum fault { LINKED, SYMLINK, FIFO, WRITABLE, STRANGERS, FOLDER };

static void
make_wrong(const struct reader *rd, enum fault fault)
{
	char *path = machine_path(&rd->machine, "events");
	char *other = machine_path(&rd->machine, "other");

	machine_write(&rd->machine, "other", "");
	switch (fault) {
	case LINKED:
		cr_assert_eq(link(other, path), 0);
		break;
	case SYMLINK:
		cr_assert_eq(symlink(other, path), 0);
		break;
	case FIFO:
		cr_assert_eq(mkfifo(path, 0600), 0);
		break;
	case WRITABLE:
		machine_write(&rd->machine, "events", "");
		cr_assert_eq(chmod(path, 0666), 0);
		break;
	case STRANGERS:
		machine_write(&rd->machine, "events", "");
		cr_assert_eq(chown(path, 65534, 65534), 0);
		break;
	case FOLDER:
		cr_assert_eq(mkdir(path, 0755), 0);
		break;
	}
	free(other);
	free(path);
}

Test(audit, a_file_that_others_could_change_refuses)
{
	static const char rule[] = "/events must be a regular file with one "
	    "link, owned by root, not writable by group or others";
	static const char *const why[] = {
		[LINKED] = rule, [WRITABLE] = rule, [STRANGERS] = rule,
		[SYMLINK] = "/events: Too many levels of symbolic links",
		[FIFO] = "/events: No such device or address",
		[FOLDER] = "/events: Is a directory",
	};
	struct reader rd;
	size_t before;
	char *sink;

	for (int fault = LINKED; fault <= FOLDER; fault++) {
		if (fault == STRANGERS && geteuid() != 0)
			continue;
		reader_open(&rd, SOCK_DGRAM);
		make_wrong(&rd, (enum fault)fault);
		sink = file_sink(&rd, "events");
		before = machine_descriptors();
		expect_file_refused(&rd, sink, why[fault]);
		cr_expect_eq(machine_descriptors(), before, "fault %d",
		    fault);
		free(sink);
		reader_close(&rd);
	}
}

Test(audit, a_file_may_be_the_effective_users_own)
{
	const struct fo_audit audit = { .socket_path = NULL };
	struct reader rd;
	char *sink;

	need_root();
	reader_open(&rd, SOCK_DGRAM);
	sink = file_sink(&rd, "events");
	cr_assert_eq(seteuid(65534), 0);
	expect_file_refused(&rd, sink, "/events: Permission denied");
	cr_assert_eq(seteuid(0), 0);
	cr_expect_eq(machine_has(&rd.machine, "events"), 0);
	cr_assert_eq(chown(rd.machine.folder, 65534, 65534), 0);
	cr_assert_eq(seteuid(65534), 0);
	cr_expect_eq(emit_to_file(&rd, "events"), FO_OK, "%s", diag.text);
	cr_expect_eq(emit_to_file(&rd, "events"), FO_OK, "%s", diag.text);
	cr_expect_eq(fo_audit_check(&audit, sink, &diag), FO_OK, "%s",
	    diag.text);
	cr_assert_eq(seteuid(0), 0);
	free(sink);
	reader_close(&rd);
}

static void
ignore_signal(int number)
{
	(void)number;
}

/* The signal state of the process as the host sees it. */
static void
expect_signals_untouched(void)
{
	sigset_t mask, pending;
	struct sigaction action;

	cr_assert_eq(sigprocmask(SIG_SETMASK, NULL, &mask), 0);
	cr_expect_eq(sigismember(&mask, SIGXFSZ), 0);
	cr_assert_eq(sigpending(&pending), 0);
	cr_expect_eq(sigismember(&pending, SIGXFSZ), 0);
	cr_assert_eq(sigaction(SIGXFSZ, NULL, &action), 0);
	cr_expect_eq(action.sa_handler, SIG_DFL);
}

Test(audit, a_file_at_its_limit_refuses_and_kills_nobody)
{
	struct rlimit limit, before;
	struct reader rd;
	char *text;

	reader_open(&rd, SOCK_DGRAM);
	(void)signal(SIGXFSZ, SIG_DFL);
	cr_assert_eq(emit_to_file(&rd, "events"), FO_OK, "%s", diag.text);
	text = machine_read(&rd.machine, "events");
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ strlen(text) + 10, before.rlim_max };
	free(text);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_expect_eq(emit_to_file(&rd, "events"), FO_ERR_AUDIT,
	    "ten bytes of it fit");
	cr_expect_not_null(strstr(diag.text, "only a part"), "%s", diag.text);
	cr_expect_eq(emit_to_file(&rd, "events"), FO_ERR_AUDIT,
	    "nothing of it fits");
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	expect_signals_untouched();
	reader_close(&rd);
}

Test(audit, a_signal_that_was_pending_before_stays_pending)
{
	struct rlimit tiny, before;
	sigset_t xfsz, pending;
	struct reader rd;

	reader_open(&rd, SOCK_DGRAM);
	machine_write(&rd.machine, "events", "x");
	(void)signal(SIGXFSZ, ignore_signal);
	sigemptyset(&xfsz);
	sigaddset(&xfsz, SIGXFSZ);
	cr_assert_eq(sigprocmask(SIG_BLOCK, &xfsz, NULL), 0);
	cr_assert_eq(raise(SIGXFSZ), 0);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
	tiny = (struct rlimit){ 1, before.rlim_max };
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	cr_expect_eq(emit_to_file(&rd, "events"), FO_ERR_AUDIT);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &before), 0);
	cr_assert_eq(sigpending(&pending), 0);
	cr_expect_eq(sigismember(&pending, SIGXFSZ), 1);
	reader_close(&rd);
}

/* ---- the host's process ------------------------------------------------------ */

Test(audit, no_descriptor_stays_open_and_none_is_below_3)
{
	struct reader rd;
	size_t before;
	char *missing;

	reader_open(&rd, SOCK_DGRAM);
	missing = machine_path(&rd.machine, "gone");
	before = machine_descriptors();
	cr_expect_eq(emit(&rd, only_syslog, none), FO_OK);
	cr_expect_eq(emit_to_file(&rd, "events"), FO_OK);
	cr_expect_eq(emit_to_file(&rd, "a/b"), FO_ERR_AUDIT);
	cr_assert_eq(rename(rd.path, missing), 0);
	cr_expect_eq(emit(&rd, only_syslog, none), FO_ERR_AUDIT);
	errno = ENOENT;	/* no word about the file, which is there */
	cr_expect_eq(emit_to_file(&rd, "events"), FO_OK);
	cr_expect_eq(machine_descriptors(), before);
	free(missing);
	reader_close(&rd);
}

/* ---- looking ------------------------------------------------------------------ */

Test(audit, check_reaches_a_sink_and_sends_nothing)
{
	struct fo_audit audit;
	struct reader rd;
	size_t before;
	char *sink;

	reader_open(&rd, SOCK_DGRAM);
	audit = make_audit(&rd, only_syslog, none);
	sink = file_sink(&rd, "events");
	before = machine_descriptors();
	cr_expect_eq(fo_audit_check(&audit, "syslog", &diag), FO_OK, "%s",
	    diag.text);
	expect_nothing(&rd);
	cr_expect_eq(fo_audit_check(&audit, sink, &diag), FO_OK, "%s",
	    diag.text);
	cr_expect_eq(machine_has(&rd.machine, "events"), 0);
	cr_assert_eq(emit_to_file(&rd, "events"), FO_OK, "%s", diag.text);
	cr_expect_eq(fo_audit_check(&audit, sink, &diag), FO_OK, "%s",
	    diag.text);
	memcpy(sink, "pipe:", 5);
	cr_expect_eq(fo_audit_check(&audit, sink, &diag), FO_ERR_AUDIT);
	cr_expect_not_null(strstr(diag.text, "is no place for events"), "%s",
	    diag.text);
	cr_expect_eq(fo_audit_check(&audit, "syslogd", &diag), FO_ERR_AUDIT);
	cr_assert_eq(unlink(rd.path), 0);
	cr_expect_eq(fo_audit_check(&audit, "syslog", &diag), FO_ERR_AUDIT);
	audit.socket_path = NULL;
	cr_expect_eq(fo_audit_check(&audit, "syslog", &diag), FO_ERR_AUDIT);
	cr_expect_eq(machine_descriptors(), before);
	free(sink);
	reader_close(&rd);
}

/* ---- calls that fail ------------------------------------------------------ */

TestSuite(audit, .fini = failing_none);

Test(audit, a_log_that_fails_refuses_and_says_why)
{
	static const struct {
		const char *call;
		int error;
		const char *remedy;
	} cases[] = {
		{ "socket", EMFILE, "start the system's log daemon" },
		{ "connect", EACCES, "start the system's log daemon" },
		{ "connect", EPROTOTYPE, "start the system's log daemon" },
		{ "sendmsg", EIO, "look after the system's log daemon" },
		{ "sendmsg", 0, "look after the system's log daemon" },
	};
	struct reader rd;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reader_open(&rd, SOCK_DGRAM);
		failing(cases[i].call, 0, cases[i].error);
		cr_expect_eq(emit(&rd, only_syslog, none), FO_ERR_AUDIT,
		    "%s", cases[i].call);
		failing_none();
		cr_expect_not_null(strstr(diag.text,
		    strerror(cases[i].error)), "%s", diag.text);
		cr_expect_not_null(strstr(diag.text, cases[i].remedy), "%s",
		    diag.text);
		expect_nothing(&rd);
		reader_close(&rd);
	}
}

Test(audit, a_log_that_was_interrupted_or_full_for_a_moment_has_the_event)
{
	static const struct {
		const char *call;
		int error;
		const char *then;
		int then_error;
	} cases[] = {
		{ "sendmsg", EINTR, "poll", EIO },
		{ "sendmsg", EAGAIN, "poll", EINTR },
	};
	struct reader rd;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reader_open(&rd, SOCK_DGRAM);
		failing(cases[i].call, 1, cases[i].error);
		failing(cases[i].then, 1, cases[i].then_error);
		cr_expect_eq(emit(&rd, only_syslog, none), FO_OK, "%s",
		    diag.text);
		failing_none();
		(void)reader_get(&rd);
		expect_nothing(&rd);
		reader_close(&rd);
	}
}

Test(audit, a_log_without_a_path_or_with_too_long_a_tag_refuses)
{
	static char long_text[8192];
	const struct fo_event event = make_event(FO_RES_PERMIT);
	struct fo_audit audit;
	struct reader rd;

	reader_open(&rd, SOCK_DGRAM);
	memset(long_text, 'x', sizeof(long_text) - 1);
	audit = make_audit(&rd, only_syslog, none);
	audit.socket_path = NULL;
	cr_expect_eq(fo_audit_emit(&audit, &event, &diag), FO_ERR_AUDIT);
	cr_expect_not_null(strstr(diag.text, "missing or too long"));
	audit.socket_path = long_text;
	cr_expect_eq(fo_audit_emit(&audit, &event, &diag), FO_ERR_AUDIT);
	cr_expect_not_null(strstr(diag.text, "missing or too long"));
	audit = make_audit(&rd, only_syslog, none);
	audit.tag = long_text;
	cr_expect_eq(fo_audit_emit(&audit, &event, &diag), FO_ERR_AUDIT);
	cr_expect_not_null(strstr(diag.text, "syslog: "), "%s", diag.text);
	expect_nothing(&rd);
	reader_close(&rd);
}

Test(audit, a_file_that_fails_refuses_and_says_why)
{
	static const struct {
		const char *call;
		int error;
	} cases[] = {
		{ "fchmod", EPERM }, { "fstat", EIO }, { "openat", EMFILE },
		{ "write", EIO }, { "write", ENOSPC },
	};
	struct reader rd;
	struct stat st;
	char *path;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reader_open(&rd, SOCK_DGRAM);
		failing(cases[i].call, 0, cases[i].error);
		cr_expect_eq(emit_to_file(&rd, "events"), FO_ERR_AUDIT, "%s",
		    cases[i].call);
		failing_none();
		cr_expect_not_null(strstr(diag.text,
		    strerror(cases[i].error)), "%s", diag.text);
		path = machine_path(&rd.machine, "events");
		cr_expect(stat(path, &st) != 0 || st.st_size == 0);
		free(path);
		reader_close(&rd);
	}
}

/*
 * It is not there at the first look, and there when it is to be made. The
 * other looks are at the folders above, which have to be there.
 */
Test(audit, a_file_that_another_made_meanwhile_is_written_to)
{
	struct reader rd;
	int written = 0;

	reader_open(&rd, SOCK_DGRAM);
	cr_assert_eq(emit_to_file(&rd, "events"), FO_OK, "%s", diag.text);
	for (int nth = 1; nth < 60; nth++) {
		failing("openat", nth, ENOENT);
		const fo_err r = emit_to_file(&rd, "events");

		if (failing_calls("openat") < nth)
			break;
		written += r == FO_OK;
	}
	cr_expect_eq(written, 1);
	reader_close(&rd);
}

/* Each in turn, on a file that is missing, and on one that is there. */
Test(audit, a_file_of_which_any_call_fails_refuses_and_says_why)
{
	static const char *const calls[] = { "openat", "fstat" };
	struct reader rd;
	char *sink, *text;

	for (int i = 0; i < 4; i++) {
		const char *call = calls[i % 2];
		const bool there = i >= 2;
		int nth;

		reader_open(&rd, SOCK_DGRAM);
		sink = file_sink(&rd, "events");
		for (nth = 1; nth < 60; nth++) {
			char *const required[] = { sink, NULL };
			fo_err r;

			machine_remove(&rd.machine, "events");
			if (there)
				machine_write(&rd.machine, "events", "");
			failing(call, nth, EIO);
			r = emit(&rd, required, none);
			if (failing_calls(call) < nth)
				break;
			failing_none();
			cr_expect_eq(r, FO_ERR_AUDIT, "%s %d", call, nth);
			cr_expect_not_null(strstr(diag.text, strerror(EIO)),
			    "%s", diag.text);
			text = machine_read(&rd.machine, "events");
			cr_expect_str_eq(text, "");
			free(text);
		}
		failing_none();
		cr_expect_gt(nth, 2, "%s", call);
		free(sink);
		reader_close(&rd);
	}
}

Test(audit, a_look_at_a_file_of_which_any_call_fails_refuses_and_says_why)
{
	static const char *const calls[] = { "openat", "fstat" };
	const struct fo_audit audit = { .socket_path = NULL };
	struct reader rd;
	char *sink;

	reader_open(&rd, SOCK_DGRAM);
	sink = file_sink(&rd, "events");
	for (int i = 0; i < 4; i++) {
		const char *call = calls[i % 2];
		int nth;

		for (nth = 1; nth < 60; nth++) {
			failing(call, nth, EIO);
			const fo_err r = fo_audit_check(&audit, sink, &diag);

			if (failing_calls(call) < nth)
				break;
			cr_expect_eq(r, FO_ERR_AUDIT, "%s %d", call, nth);
			cr_expect_not_null(strstr(diag.text, strerror(EIO)),
			    "%s", diag.text);
		}
		failing_none();
		cr_expect_gt(nth, 2, "%s", call);
		machine_write(&rd.machine, "events", "");
	}
	free(sink);
	reader_close(&rd);
}
