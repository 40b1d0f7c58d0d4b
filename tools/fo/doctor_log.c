/*
 * The log daemon: is what is sent to it read? One that has stopped keeps its
 * socket, which takes messages until no more fits; from then on each login
 * waits for it in vain.
 */
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/audit.h"

#include "doctor.h"
#include "options.h"

#define JOURNALD_SOCKET "/systemd/journal/dev-log"
/* authpriv.debug: a message that nobody misses, and that is no event */
#define MESSAGE "<87>fo[%ld]: fo doctor looks whether this is read"
#define STEP_MS 10

/* What became of a message. */
typedef enum fate {
	FATE_READ,
	FATE_UNREAD,	/* it was taken, and lies there */
	FATE_FULL,	/* no more fits */
	FATE_UNKNOWN	/* not to be found out, or nobody listens */
} fate;

/* ---- which socket ------------------------------------------------------- */

bool
doctor_syslog(const struct doctor *doctor)
{
	const struct fo_config *config = doctor->admin->config;

	return list_has(config->audit_required, "syslog") ||
	    list_has(config->audit_best_effort, "syslog");
}

bool
doctor_journald_listens(const struct doctor *doctor)
{
	const size_t len = strlen(JOURNALD_SOCKET);
	char path[DOCTOR_PATH_SIZE], target[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "%s" FO_AUDIT_SOCKET, doctor->root);
	n = readlink(path, target, sizeof(target));

	return n >= (ssize_t)len &&
	    memcmp(target + n - len, JOURNALD_SOCKET, len) == 0;
}

void
doctor_log_path(const struct doctor *doctor, char ret[DOCTOR_PATH_SIZE])
{
	/* below a folder where nothing runs it is this machine's */
	snprintf(ret, DOCTOR_PATH_SIZE, "%s" FO_AUDIT_SOCKET,
	    doctor_exists(doctor, FO_AUDIT_SOCKET) ? doctor->root : "");
}

static int
connect_type(const struct sockaddr_un *to, int type)
{
	const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)to,
	    sizeof(*to)) != 0) {
		close(fd);
		return -1;
	}

	return fd;
}

/* -1: nobody listens, of which the audit sinks' check tells. */
static int
connect_log(const char *path, bool *ret_stream)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path))
		return -1;
	memcpy(to.sun_path, path, strlen(path) + 1);
	fd = connect_type(&to, SOCK_DGRAM);
	*ret_stream = fd == -1 && errno == EPROTOTYPE;
	if (*ret_stream)
		fd = connect_type(&to, SOCK_STREAM);

	return fd;
}

/* ---- a message ---------------------------------------------------------- */

/* Wait a little; false: for as long as an event is waited for. */
static bool
wait_on(int *waited_ms)
{
	(void)poll(NULL, 0, STEP_MS);

	return (*waited_ms += STEP_MS) < FO_AUDIT_DEADLINE_MS;
}

/* Once there is room for it. 0, or an errno. */
static int
send_message(int fd, bool stream, int *waited_ms)
{
	char text[128];
	size_t len;

	snprintf(text, sizeof(text), MESSAGE, (long)getpid());
	/* on a stream, the NUL ends it */
	len = strlen(text) + (stream ? 1 : 0);
	while (send(fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
		const int e = errno;

		if ((e != EAGAIN && e != EINTR) || !wait_on(waited_ms))
			return e;
	}

	return 0;
}

/* What the kernel keeps for us is what nobody has taken from it. */
static fate
wait_until_read(int fd, int *waited_ms)
{
	int left;

	while (ioctl(fd, SIOCOUTQ, &left) == 0) {
		if (left == 0)
			return FATE_READ;
		if (!wait_on(waited_ms))
			return FATE_UNREAD;
	}

	return FATE_UNKNOWN;
}

static fate
try_log(const char *path)
{
	int fd, e, waited_ms = 0;
	bool stream;
	fate became;

	if ((fd = connect_log(path, &stream)) == -1)
		return FATE_UNKNOWN;
	if ((e = send_message(fd, stream, &waited_ms)) == 0)
		became = wait_until_read(fd, &waited_ms);
	else
		became = e == EAGAIN ? FATE_FULL : FATE_UNKNOWN;
	close(fd);

	return became;
}

/* ---- what that means ---------------------------------------------------- */

void
doctor_log(const struct doctor *doctor)
{
	const bool required = list_has(doctor->admin->config->audit_required,
	    "syslog");
	const char *remedy = doctor_journald_listens(doctor) ?
	    "systemctl restart systemd-journald" :
	    "systemctl restart rsyslog, or whatever listens there";
	char path[DOCTOR_PATH_SIZE];

	if (!doctor_syslog(doctor))
		return;
	doctor_log_path(doctor, path);
	switch (try_log(path)) {
	case FATE_READ:
		finding(doctor->findings, LEVEL_OK, NULL, "log: %s is read",
		    path);
		break;
	case FATE_FULL:
		finding(doctor->findings, required ? LEVEL_FAIL : LEVEL_WARN,
		    remedy, "log: %s is full, and in %d s nobody read it: %s",
		    path, FO_AUDIT_DEADLINE_MS / 1000, required ?
		    "each proof waits so long and is refused then" :
		    "events wait so long and are lost then");
		break;
	case FATE_UNREAD:
		finding(doctor->findings, LEVEL_WARN, remedy, "log: in %d s"
		    " nobody read what was sent to %s: %s",
		    FO_AUDIT_DEADLINE_MS / 1000, path, required ?
		    "once it is full, nobody is let in by proof" :
		    "once it is full, events are lost");
		break;
	case FATE_UNKNOWN:
		break;
	}
}
