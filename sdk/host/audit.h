/*
 * Where events go: sinks, required or best effort.
 *
 * "syslog": one datagram to the socket, facility authpriv, non-blocking with
 * a deadline of 2 s in all. "file:/path": root-owned, O_APPEND, one write
 * with a newline before and after.
 */
#ifndef FO_HOST_AUDIT_H
#define FO_HOST_AUDIT_H

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <stdbool.h>

#include <firstops/error.h>

#include "event.h"

#define FO_AUDIT_DEADLINE_MS 2000
#define FO_AUDIT_SOCKET "/dev/log"

/*
 * A connection to syslog, kept by a process that emits again and again as one
 * effective user: until it breaks, or the path leads to another socket. Begin
 * with FO_SYSLOG_NONE.
 */
struct fo_syslog {
	int fd;			/* -1: none */
	bool stream;
	struct stat stamp;	/* of the descriptor */
	struct stat socket;	/* what stood at the path before */
	struct ucred self;	/* who connected */
};

#define FO_SYSLOG_NONE { .fd = -1 }

void fo_syslog_close(struct fo_syslog *syslog);

struct fo_audit {
	const char *tag;		 /* "pam_firstops", "fo" */
	const char *socket_path;	 /* FO_AUDIT_SOCKET; tests have their own */
	struct fo_syslog *syslog;	 /* NULL: connected anew for each event */
	char *const *required;		 /* "syslog", "file:/path"; NULL at end */
	char *const *best_effort;
};

/*
 * Give the event to every sink. FO_OK: every required sink took it.
 * FO_ERR_AUDIT: one did not; the others were still tried, the reason names
 * it. Never blocks longer than the deadline, raises no SIGPIPE or SIGXFSZ,
 * leaves no descriptor but audit->syslog.
 */
FO_MUST_CHECK fo_err fo_audit_emit(const struct fo_audit *audit,
    const struct fo_event *event, struct fo_diag *diag);

/* Can a sink be reached? For fo store check and fo doctor; sends nothing. */
FO_MUST_CHECK fo_err fo_audit_check(const struct fo_audit *audit,
    const char *sink, struct fo_diag *diag);

#endif
