/*
 * The event: the one audit record of one decision, 27 keys in one order.
 *
 *   @cee:{"msg":"agent build-bot of team-platform permitted to ...", ...}
 *
 * At most FO_EVENT_MAX_BYTES. In strings the bytes 0x20-0x7E stay except
 * '"', '\' and '%'; every other byte is %XX. A missing value is "-", a value
 * that is "-" is "%2D", a cut value ends in "%~".
 */
#ifndef FO_HOST_EVENT_H
#define FO_HOST_EVENT_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <firstops/error.h>

#include "clock.h"

#define FO_EVENT_MAX_BYTES 1000
#define FO_EVENT_SIZE (FO_EVENT_MAX_BYTES + 1) /* with its NUL */
#define FO_SID_SIZE 23		/* 16 random bytes as base64url and NUL */
#define FO_REF_CHARS 8		/* the start of a sid that a client sees */

typedef enum fo_ev {
	FO_EV_AUTH,
	FO_EV_ACCOUNT,
	FO_EV_SESSION_OPEN,
	FO_EV_SESSION_CLOSE,
	FO_EV_ACTION,
	FO_EV_PRINCIPAL_CREATE,
	FO_EV_PRINCIPAL_EDIT,
	FO_EV_KEY_ADD,
	FO_EV_KEY_ROTATE,
	FO_EV_SUSPEND,
	FO_EV_RESUME,
	FO_EV_REVOKE,
	FO_EV_DELETE,
	FO_EV_POLICY_CHANGE,
	FO_EV_AUDIT_START,
	FO_EV_AUDIT_STOP
} fo_ev;

typedef enum fo_res {
	FO_RES_ERROR = 0,	/* our own trouble; nobody got in */
	FO_RES_DENY,
	FO_RES_NONE,		/* no proof offered; or a person is asked */
	FO_RES_PERMIT
} fo_res;

/* Texts are borrowed; NULL and "" are "missing". */
struct fo_event {
	struct fo_now at;
	const char *host;	/* config's host; NULL: not known */
	fo_ev ev;
	fo_res res;
	fo_err why;		/* written as fo_err_word */
	int rc;			/* what the caller answers its own caller */
	const char *id;
	const char *kind;
	const char *name;
	const char *owner;
	const char *jkt;
	const char *proof;	/* its hash; the first 22 characters go in */
	const char *sid;
	const char *user;
	const char *ruser;
	const char *svc;
	const char *act;	/* login, create, revoke, ... */
	const char *what;
	const char *by;
	const char *src;
	const char *tty;
	pid_t pid;
	uint32_t auid;		/* /proc/self/loginuid; UINT32_MAX: none */
	uint32_t ses;		/* /proc/self/sessionid */
	const char *policy;	/* written as policy/rule */
	const char *rule;
	const char *detail;	/* put at the end of msg: the reason, or NULL */
	/* what msg says of an action, beside its result */
	bool goes_on;		/* undecided: nobody stops it */
	bool past;		/* it was done before */
};

/*
 * Write "@cee:{...}" (no newline). msg is composed here. Allocates nothing:
 * want of memory, too, has to be told. FO_ERR_INTERNAL if the caps do not add
 * up.
 */
FO_MUST_CHECK fo_err fo_event_format(const struct fo_event *event,
    char ret_text[FO_EVENT_SIZE]);

/*
 * Who emits, as the kernel has it. That a process begins an audit session
 * later is not seen by who keeps this.
 */
struct fo_self {
	pid_t pid;
	uint32_t auid;
	uint32_t ses;
};

void fo_self_read(struct fo_self *ret_self);

/* Fill at from the clock, and pid, auid and ses from self. */
FO_MUST_CHECK fo_err fo_event_init_as(struct fo_event *event,
    const struct fo_self *self, const struct fo_clock *clock);
/* The same, read now. */
FO_MUST_CHECK fo_err fo_event_init(struct fo_event *event,
    const struct fo_clock *clock);

const char *fo_ev_word(fo_ev ev);
const char *fo_res_word(fo_res res);

/* The kind of a result: permitted, refused, neither, trouble of our own. */
fo_res fo_event_res(fo_err why);

/* A new random sid. FO_ERR_IO. */
FO_MUST_CHECK fo_err fo_sid_new(char ret_sid[FO_SID_SIZE]);

#endif
