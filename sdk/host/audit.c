/*
 * Where events go: each sink is opened, given one event and closed again (but
 * for syslog, where the caller keeps it), all within one deadline, and without
 * a single allocation: what becomes of a login for want of memory is told,
 * too.
 */
#include "audit.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/safeopen.h"
#include "base/stamp.h"
#include "base/write.h"
#include "folder.h"

#define SINK_SYSLOG "syslog"
#define SINK_FILE "file:"

/* RFC 5424 6.2.1: facility authpriv is 10, severities are as numbered. */
#define AUTHPRIV 10
#define SEVERITY_ERR 3
#define SEVERITY_NOTICE 5
#define SEVERITY_INFO 6

#define FILE_MODE 0640
#define FILE_FLAGS (O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | \
	O_NOCTTY | O_CLOEXEC)

/* Room for "<86>tag[pid]: " beside the event. */
#define LINE_MAX_BYTES (FO_EVENT_MAX_BYTES + 256)

/* ---- the deadline ------------------------------------------------------ */

static int64_t
monotonic_ms(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		return -1; /* any deadline is over */

	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* What is left until end_ms: at most the deadline, nothing or less past it. */
static int64_t
left_ms(int64_t end_ms)
{
	const int64_t now = monotonic_ms();

	return now < 0 ? 0 : end_ms - now;
}

/* ---- syslog ------------------------------------------------------------ */

static int
severity(fo_res res)
{
	if (res == FO_RES_PERMIT || res == FO_RES_NONE)
		return SEVERITY_INFO;

	return res == FO_RES_DENY ? SEVERITY_NOTICE : SEVERITY_ERR;
}

/*
 * Connect to the socket of syslog, of whichever type it is; neither type
 * makes a caller wait here.
 */
static int
connect_type(const struct sockaddr_un *to, int type)
{
	int fd;

	fd = fo_above_2(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0));
	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* From FO_SYSLOG_NONE. Whatever is returned, the caller closes it. */
static fo_err
connect_syslog(const char *path, struct fo_diag *diag,
    struct fo_syslog *syslog)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	if (path == NULL || strlen(path) >= sizeof(to.sun_path)) {
		fo_diag_set(diag, "syslog: the path of its socket is missing "
		    "or too long");
		return FO_ERR_AUDIT;
	}
	memcpy(to.sun_path, path, strlen(path) + 1);
	syslog->self = (struct ucred){ .pid = getpid(), .uid = geteuid(),
		.gid = getegid() };
	syslog->fd = connect_type(&to, SOCK_DGRAM);
	if (syslog->fd < 0 && errno == EPROTOTYPE) {
		syslog->stream = true;
		syslog->fd = connect_type(&to, SOCK_STREAM);
	}
	if (syslog->fd < 0) {
		fo_diag_set(diag, "syslog: %s: %s; start the system's log "
		    "daemon", path, strerror(errno));
		return FO_ERR_AUDIT;
	}
	return FO_OK;
}

void
fo_syslog_close(struct fo_syslog *syslog)
{
	/* one that was not kept has no stamp */
	if (syslog->fd >= 0 && (syslog->stamp.st_ino == 0 ||
	    fo_stamp_is(syslog->fd, &syslog->stamp)))
		close(syslog->fd);
	*syslog = (struct fo_syslog)FO_SYSLOG_NONE;
}

/* Wait until a socket takes more, or the deadline is over. */
static bool
wait_writable(int fd, int64_t end_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int64_t left;
	int n;

	do {
		if ((left = left_ms(end_ms)) <= 0)
			return false;
		n = poll(&p, 1, (int)left);
	} while (n < 0 && errno == EINTR);

	return n > 0;
}

/*
 * The kernel tells a reader the sender's real user. In sudo and su that is
 * whoever called them, whose word counts for nothing: so say the effective
 * user, which the kernel takes only from a process that has it.
 */
static ssize_t
send_as_effective(const struct fo_syslog *to, char *data, size_t len)
{
	union {
		struct cmsghdr header;	/* for its alignment */
		char bytes[CMSG_SPACE(sizeof(to->self))];
	} control = { .bytes = { 0 } };
	struct iovec part = { .iov_base = data, .iov_len = len };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_CREDENTIALS;
	header->cmsg_len = CMSG_LEN(sizeof(to->self));
	memcpy(CMSG_DATA(header), &to->self, sizeof(to->self));

	return sendmsg(to->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/*
 * Send it all. A datagram goes as a whole; a stream may take it in parts, and
 * gets the NUL that ends a record there, as syslog(3) does it.
 */
static fo_err
send_all(const struct fo_syslog *to, const struct fo_buf *line,
    int64_t end_ms, struct fo_diag *diag)
{
	const size_t len = line->len + (to->stream ? 1 : 0);
	size_t sent = 0;
	ssize_t n;

	while (sent < len) {
		n = send_as_effective(to, line->data + sent, len - sent);
		if (n > 0) {
			sent += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			if (!wait_writable(to->fd, end_ms)) {
				fo_diag_set(diag, "syslog: nobody read the "
				    "socket for %d ms; look after the "
				    "system's log daemon",
				    FO_AUDIT_DEADLINE_MS);
				return FO_ERR_AUDIT;
			}
		} else if (n == 0 || errno != EINTR) {
			fo_diag_set(diag, "syslog: %s; look after the "
			    "system's log daemon", strerror(errno));
			return FO_ERR_AUDIT;
		}
	}
	return FO_OK;
}

static fo_err
send_anew(const char *path, const struct fo_buf *line, int64_t end_ms,
    struct fo_diag *diag, struct fo_syslog *syslog)
{
	fo_err r;

	fo_syslog_close(syslog);
	if ((r = connect_syslog(path, diag, syslog)) != FO_OK)
		return r;
	return send_all(syslog, line, end_ms, diag);
}

/*
 * By what is kept, if the path leads to it yet. A connection that has broken
 * is made anew: the system's log daemon may have been started again.
 */
static fo_err
send_line(const struct fo_audit *audit, const struct fo_buf *line,
    int64_t end_ms, struct fo_diag *diag)
{
	struct fo_syslog own = FO_SYSLOG_NONE, *kept = audit->syslog;
	struct stat at;
	bool known;
	fo_err r;

	if (kept == NULL) {
		r = send_anew(audit->socket_path, line, end_ms, diag, &own);
		fo_syslog_close(&own);
		return r;
	}
	/* before connecting: one that takes its place meanwhile differs */
	known = audit->socket_path != NULL &&
	    fstatat(AT_FDCWD, audit->socket_path, &at, 0) == 0;
	if (known && kept->fd >= 0 && fo_stamp_is(kept->fd, &kept->stamp) &&
	    fo_stamp_same_file(&at, &kept->socket) &&
	    send_all(kept, line, end_ms, NULL) == FO_OK)
		return FO_OK;

	r = send_anew(audit->socket_path, line, end_ms, diag, kept);
	if (r != FO_OK || !known || fstat(kept->fd, &kept->stamp) != 0)
		fo_syslog_close(kept);
	else
		kept->socket = at;
	return r;
}

/*
 * No time and no host name stand before the tag: every syslog daemon puts
 * its own there for a local sender, and the event carries ours.
 */
static fo_err
emit_syslog(const struct fo_audit *audit, const struct fo_event *event,
    const char *text, int64_t end_ms, struct fo_diag *diag)
{
	char memory[LINE_MAX_BYTES + 1];
	fo_err r = FO_ERR_AUDIT;
	struct fo_buf line;

	fo_buf_init_in(&line, memory, sizeof(memory));
	fo_buf_addf(&line, "<%d>%s[%ld]: %s", AUTHPRIV << 3 |
	    severity(event->res), audit->tag, (long)event->pid, text);
	if (line.err == FO_OK)
		r = send_line(audit, &line, end_ms, diag);
	else
		fo_diag_set(diag, "syslog: %s", fo_err_text(line.err));
	fo_buf_clear(&line);
	return r;
}

/* ---- file -------------------------------------------------------------- */

/* Open the folder of an absolute path; *ret_name points into path. */
static fo_err
open_parent(const char *path, struct fo_diag *diag, const char **ret_name,
    int *ret_fd)
{
	const char *slash = strrchr(path, '/');
	char parent[PATH_MAX];

	if (path[0] != '/' || slash == path || slash[1] == '\0' ||
	    (size_t)(slash - path) >= sizeof(parent)) {
		fo_diag_set(diag, "file:%.128s is no absolute path of a file "
		    "in a folder", path);
		return FO_ERR_AUDIT;
	}
	memcpy(parent, path, (size_t)(slash - path));
	parent[slash - path] = '\0';
	if (fo_safe_open_folder(parent, geteuid(), diag, ret_fd) != FO_OK)
		return FO_ERR_AUDIT;
	*ret_name = slash + 1;
	return FO_OK;
}

/*
 * Open the file, or make it. Its mode is set by hand: the umask is somebody
 * else's.
 */
static int
open_or_make(int dirfd, const char *name)
{
	int fd;

	fd = fo_open_above_2(dirfd, name, FILE_FLAGS, 0);
	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = fo_open_above_2(dirfd, name, FILE_FLAGS | O_CREAT | O_EXCL,
	    FILE_MODE);
	if (fd < 0)
		return errno == EEXIST ?
		    fo_open_above_2(dirfd, name, FILE_FLAGS, 0) : -1;
	if (fchmod(fd, FILE_MODE) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Only a file that nobody but root and ourselves can change is a record. */
static fo_err
judge_file(int fd, const char *path, struct fo_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		fo_diag_set(diag, "file:%s: %s", path, strerror(errno));
		return FO_ERR_AUDIT;
	}
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    (st.st_uid != 0 && st.st_uid != geteuid()) ||
	    (st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		fo_diag_set(diag, "file:%s must be a regular file with one "
		    "link, owned by root, not writable by group or others",
		    path);
		return FO_ERR_AUDIT;
	}
	return FO_OK;
}

static fo_err
open_file(const char *path, struct fo_diag *diag, int *ret_fd)
{
	const char *name;
	int dirfd, fd;
	fo_err r;

	if ((r = open_parent(path, diag, &name, &dirfd)) != FO_OK)
		return r;
	fd = open_or_make(dirfd, name);
	if (fd < 0)
		fo_diag_set(diag, "file:%s: %s", path, strerror(errno));
	close(dirfd);
	if (fd < 0)
		return FO_ERR_AUDIT;
	if ((r = judge_file(fd, path, diag)) != FO_OK) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return FO_OK;
}

/*
 * One write, a newline before and after: a line that was torn by a full disk
 * spoils itself and no other. A short write is no record.
 */
static fo_err
emit_file(const char *path, const char *text, struct fo_diag *diag)
{
	const size_t len = strlen(text);
	char memory[LINE_MAX_BYTES + 1];
	struct fo_buf line;
	ssize_t n;
	fo_err r;
	int fd = -1;

	if ((r = open_file(path, diag, &fd)) != FO_OK)
		return r;
	fo_buf_init_in(&line, memory, sizeof(memory));
	fo_buf_adds(&line, "\n");
	fo_buf_add(&line, text, len);
	fo_buf_adds(&line, "\n");
	n = fo_write_quietly(fd, line.data, line.len);
	r = n == (ssize_t)(len + 2) ? FO_OK : FO_ERR_AUDIT;
	if (r != FO_OK)
		fo_diag_set(diag, "file:%s: %s; make room there", path,
		    n < 0 ? strerror(errno) : "only a part was written");
	fo_buf_clear(&line);
	close(fd);
	return r;
}

/* ---- sinks ------------------------------------------------------------- */

static bool
is_file(const char *sink)
{
	return strncmp(sink, SINK_FILE, sizeof(SINK_FILE) - 1) == 0;
}

static fo_err
refuse_sink(const char *sink, struct fo_diag *diag)
{
	fo_diag_set(diag, "\"%s\" is no place for events; write \"syslog\" or "
	    "\"file:/path\"", sink);
	return FO_ERR_AUDIT;
}

static fo_err
emit_sink(const struct fo_audit *audit, const char *sink,
    const struct fo_event *event, const char *text, int64_t end_ms,
    struct fo_diag *diag)
{
	if (strcmp(sink, SINK_SYSLOG) == 0)
		return emit_syslog(audit, event, text, end_ms, diag);
	if (is_file(sink))
		return emit_file(sink + sizeof(SINK_FILE) - 1, text, diag);

	return refuse_sink(sink, diag);
}

/* Every sink of a list is tried; FO_OK if all of them took the event. */
static fo_err
emit_list(const struct fo_audit *audit, char *const *sinks,
    const struct fo_event *event, const char *text, int64_t end_ms,
    struct fo_diag *diag)
{
	fo_err r = FO_OK, one;

	for (; sinks != NULL && *sinks != NULL; sinks++) {
		one = emit_sink(audit, *sinks, event, text, end_ms,
		    r == FO_OK ? diag : NULL);
		if (one != FO_OK)
			r = one;
	}
	return r;
}

fo_err
fo_audit_emit(const struct fo_audit *audit, const struct fo_event *event,
    struct fo_diag *diag)
{
	const int64_t end_ms = monotonic_ms() + FO_AUDIT_DEADLINE_MS;
	char text[FO_EVENT_SIZE];
	fo_err r;

	if ((r = fo_event_format(event, text)) != FO_OK) {
		fo_diag_set(diag, "the event could not be written: %s",
		    fo_err_text(r));
		return FO_ERR_AUDIT;
	}
	r = emit_list(audit, audit->required, event, text, end_ms, diag);
	/* best effort: who reads the event there can do without it */
	(void)emit_list(audit, audit->best_effort, event, text, end_ms, NULL);
	return r;
}

/* The file itself, or room for it in its folder; nothing is made. */
static fo_err
check_file(const char *path, struct fo_diag *diag)
{
	const char *name;
	int dirfd, fd;
	fo_err r;

	if ((r = open_parent(path, diag, &name, &dirfd)) != FO_OK)
		return r;
	if ((fd = fo_open_above_2(dirfd, name, FILE_FLAGS, 0)) >= 0) {
		r = judge_file(fd, path, diag);
		close(fd);
	} else if (errno != ENOENT ||
	    faccessat(dirfd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
		fo_diag_set(diag, "file:%s: %s", path, strerror(errno));
		r = FO_ERR_AUDIT;
	}
	close(dirfd);
	return r;
}

fo_err
fo_audit_check(const struct fo_audit *audit, const char *sink,
    struct fo_diag *diag)
{
	struct fo_syslog syslog = FO_SYSLOG_NONE;
	fo_err r;

	if (strcmp(sink, SINK_SYSLOG) == 0) {
		r = connect_syslog(audit->socket_path, diag, &syslog);
		fo_syslog_close(&syslog);
		return r;
	}
	if (!is_file(sink))
		return refuse_sink(sink, diag);
	return check_file(sink + sizeof(SINK_FILE) - 1, diag);
}
