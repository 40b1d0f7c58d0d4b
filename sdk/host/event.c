/*
 * The event: one line of flat JSON that says who did what, where and when.
 *
 * A value is made of units, a plain byte or %XX, and is cut between units
 * only. Each key has a cap; what the others leave of FO_EVENT_MAX_BYTES is
 * for msg, which says the same in prose and is shortened first.
 */
#include "event.h"

#include <sys/random.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/b64url.h"
#include "base/buf.h"
#include "base/safeopen.h"
#include "base/wipe.h"
#include "rfc3339.h"

/* Most bytes of a value as it is written, after encoding. */
enum cap {
	/* the identity: as long as the longest, so never cut */
	CAP_ID = 45,
	CAP_KIND = 5,
	CAP_NAME = 48,
	CAP_OWNER = 48,
	CAP_JKT = 43,
	CAP_PROOF = 22,
	CAP_SID = 22,
	/* our own words */
	CAP_T = 27,
	CAP_EV = 16,
	CAP_RES = 6,
	CAP_WHY = 16,
	/* what others choose */
	CAP_HOST = 40,
	CAP_USER = 64,
	CAP_RUSER = 24,
	CAP_SVC = 24,
	CAP_ACT = 16,
	CAP_WHAT = 56,
	CAP_BY = 32,
	CAP_SRC = 45,
	CAP_TTY = 16,
	CAP_POL = 49,
	/* numbers */
	CAP_INT = 11,
	CAP_UINT32 = 10
};

#define CAP_TEXTS (CAP_ID + CAP_KIND + CAP_NAME + CAP_OWNER + CAP_JKT + \
	CAP_PROOF + CAP_SID + CAP_T + CAP_EV + CAP_RES + CAP_WHY + CAP_HOST + \
	CAP_USER + CAP_RUSER + CAP_SVC + CAP_ACT + CAP_WHAT + CAP_BY + \
	CAP_SRC + CAP_TTY + CAP_POL)
#define CAP_NUMBERS (2 * CAP_INT + 2 * CAP_UINT32)

/* All that is neither a value nor msg: 27 keys and their punctuation. */
#define SKELETON \
	"@cee:{\"msg\":\"\",\"v\":1,\"t\":\"\",\"host\":\"\",\"ev\":\"\"," \
	"\"res\":\"\",\"why\":\"\",\"rc\":,\"id\":\"\",\"kind\":\"\"," \
	"\"name\":\"\",\"owner\":\"\",\"jkt\":\"\",\"proof\":\"\"," \
	"\"sid\":\"\",\"user\":\"\",\"ruser\":\"\",\"svc\":\"\",\"act\":\"\"," \
	"\"what\":\"\",\"by\":\"\",\"src\":\"\",\"tty\":\"\",\"pid\":," \
	"\"auid\":,\"ses\":,\"pol\":\"\"}"

/* What is left for msg when every other value is at its cap. */
#define MSG_MIN 48

_Static_assert(sizeof(SKELETON) - 1 + CAP_TEXTS + CAP_NUMBERS + MSG_MIN <=
    FO_EVENT_MAX_BYTES, "the caps of an event do not add up");

/* Most bytes of msg before it is cut, and of one value in it. */
#define MSG_MAX 8192
#define MSG_VALUE_MAX 1000

#define SID_BYTES 16
#define PROOF_CHARS 22

/* What msg says of each kind of event: after a permit, after anything else. */
static const struct {
	const char *word;
	const char *done;
	const char *not_done;
} phrases[] = {
	[FO_EV_AUTH] = { "auth", "permitted", "refused" },
	[FO_EV_ACCOUNT] = { "account", "kept", "refused" },
	[FO_EV_SESSION_OPEN] = { "session_open", "opened a session",
	    "refused a session" },
	[FO_EV_SESSION_CLOSE] = { "session_close", "closed a session",
	    "failed to close a session" },
	[FO_EV_ACTION] = { "action", "permitted", "refused" },
	[FO_EV_PRINCIPAL_CREATE] = { "principal_create", "created",
	    "not created" },
	[FO_EV_PRINCIPAL_EDIT] = { "principal_edit", "edited", "not edited" },
	[FO_EV_KEY_ADD] = { "key_add", "given a key", "not given a key" },
	[FO_EV_KEY_ROTATE] = { "key_rotate", "given a new key",
	    "not given a new key" },
	[FO_EV_SUSPEND] = { "suspend", "suspended", "not suspended" },
	[FO_EV_RESUME] = { "resume", "resumed", "not resumed" },
	[FO_EV_REVOKE] = { "revoke", "revoked", "not revoked" },
	[FO_EV_DELETE] = { "delete", "deleted", "not deleted" },
	[FO_EV_POLICY_CHANGE] = { "policy_change", "changed", "not changed" },
	[FO_EV_AUDIT_START] = { "audit_start", "audit started",
	    "audit not started" },
	[FO_EV_AUDIT_STOP] = { "audit_stop", "audit stopped",
	    "audit not stopped" },
};

#define PHRASES (sizeof(phrases) / sizeof(phrases[0]))

const char *
fo_ev_word(fo_ev ev)
{
	return (size_t)ev < PHRASES ? phrases[ev].word : "unknown";
}

const char *
fo_res_word(fo_res res)
{
	switch (res) {
	case FO_RES_PERMIT:
		return "permit";
	case FO_RES_DENY:
		return "deny";
	case FO_RES_NONE:
		return "none";
	case FO_RES_ERROR:
		break;
	}
	return "error";
}

fo_res
fo_event_res(fo_err why)
{
	switch (why) {
	case FO_OK:
		return FO_RES_PERMIT;
	case FO_ERR_NO_PROOF:
	case FO_ERR_ASK:
		return FO_RES_NONE;
	case FO_ERR_ARG:
	case FO_ERR_NOMEM:
	case FO_ERR_CRYPTO:
	case FO_ERR_IO:
	case FO_ERR_FORMAT:
	case FO_ERR_NOT_FOUND:
	case FO_ERR_EXISTS:
	case FO_ERR_TOO_LONG:
	case FO_ERR_INTERNAL:
	case FO_ERR_REPLAY_STORE:
	case FO_ERR_STORE:
	case FO_ERR_CONFIG:
	case FO_ERR_AUDIT:
	case FO_ERR_SESSION:
		return FO_RES_ERROR;
	default:
		return FO_RES_DENY;
	}
}

/* ---- values ----------------------------------------------------------- */

static bool
is_missing(const char *text)
{
	return text == NULL || text[0] == '\0';
}

/*
 * Does a byte stay as it is? Not '"', '\' and '%', and in msg not the space,
 * which would join two words of ours.
 */
static bool
stays(unsigned char c, bool keep_space)
{
	if (c == ' ')
		return keep_space;

	return c > 0x20 && c <= 0x7e && c != '"' && c != '\\' && c != '%';
}

/* How many bytes stay as they are, up to max of them. */
static size_t
plain_len(const char *text, bool keep_space, size_t max)
{
	size_t n = 0;

	while (n < max && stays((unsigned char)text[n], keep_space))
		n++;
	return n;
}

/*
 * Add the units of a text that fit in cap bytes; *ret_whole says whether all
 * of them did.
 */
static void
add_units(struct fo_buf *buf, const char *text, bool keep_space, size_t cap,
    bool *ret_whole)
{
	size_t left = cap, n;

	for (;;) {
		n = plain_len(text, keep_space, left);
		fo_buf_add(buf, text, n);
		text += n;
		left -= n;
		if (*text == '\0' || left < 3 ||
		    stays((unsigned char)*text, keep_space))
			break;
		fo_buf_addf(buf, "%%%02X",
		    (unsigned int)(unsigned char)*text);
		text++;
		left -= 3;
	}
	*ret_whole = *text == '\0';
}

/* Take back what was added since a buffer had this length. */
static void
take_back(struct fo_buf *buf, size_t len)
{
	if (buf->err == FO_OK && buf->len > len) {
		buf->len = len;
		buf->data[len] = '\0';
	}
}

/*
 * Add a text as a value of at most cap bytes. A missing one is "-", and one
 * that is "-" must not look like it; "%~", which no encoding makes, marks a
 * cut.
 */
static void
add_value(struct fo_buf *buf, const char *text, bool keep_space, size_t cap)
{
	const size_t start = buf->len;
	bool whole;

	if (is_missing(text)) {
		fo_buf_adds(buf, "-");
		return;
	}
	if (strcmp(text, "-") == 0) {
		fo_buf_adds(buf, "%2D");
		return;
	}
	add_units(buf, text, keep_space, cap, &whole);
	if (whole)
		return;
	take_back(buf, start);
	add_units(buf, text, keep_space, cap - 2, &whole);
	fo_buf_adds(buf, "%~");
}

/* Add what is made of units already, cut between two of them. */
static void
add_cut(struct fo_buf *buf, const char *units, size_t len, size_t cap)
{
	size_t keep = 0, next;

	if (len <= cap) {
		fo_buf_add(buf, units, len);
		return;
	}
	for (;;) {
		next = keep + (units[keep] != '%' ? 1 :
		    units[keep + 1] == '~' ? 2 : 3);
		if (next + 2 > cap)
			break;
		keep = next;
	}
	fo_buf_add(buf, units, keep);
	fo_buf_adds(buf, "%~");
}

/* ,"key":"value" */
static void
add_member(struct fo_buf *buf, const char *key, const char *text, size_t cap)
{
	fo_buf_adds(buf, ",\"");
	fo_buf_adds(buf, key);
	fo_buf_adds(buf, "\":\"");
	add_value(buf, text, true, cap);
	fo_buf_adds(buf, "\"");
}

/* 2026-11-23T18:30:00.123456Z, by no time zone and no locale. */
static void
add_time(struct fo_buf *buf, const struct fo_now *at)
{
	char text[FO_TIME_SIZE];

	if (at->s <= 0 || at->us < 0 || at->us > 999999 ||
	    fo_time_format(at->s, text) != FO_OK) {
		fo_buf_adds(buf, ",\"t\":\"-\"");
		return;
	}
	text[FO_TIME_SIZE - 2] = '\0'; /* its Z */
	fo_buf_addf(buf, ",\"t\":\"%s.%06" PRId64 "Z\"", text, at->us);
}

/* ,"pol":"policy/rule"; a rule never stands without its policy. */
static void
add_policy(struct fo_buf *buf, const struct fo_event *event)
{
	char both[512];

	if (is_missing(event->policy) || is_missing(event->rule)) {
		add_member(buf, "pol", event->policy, CAP_POL);
		return;
	}
	(void)snprintf(both, sizeof(both), "%.200s/%.200s", event->policy,
	    event->rule);
	add_member(buf, "pol", both, CAP_POL);
}

/* ---- msg -------------------------------------------------------------- */

/* " before value", and nothing at all for a missing value. */
static void
add_words(struct fo_buf *buf, const char *before, const char *text, size_t cap)
{
	if (is_missing(text))
		return;
	fo_buf_adds(buf, before);
	add_value(buf, text, false, cap);
}

/* Who: the principal, else the key, else nobody known. */
static void
add_subject(struct fo_buf *buf, const struct fo_event *event)
{
	if (!is_missing(event->name)) {
		add_value(buf, event->kind, false, CAP_KIND);
		add_words(buf, " ", event->name, CAP_NAME);
		add_words(buf, " of ", event->owner, CAP_OWNER);
	} else if (!is_missing(event->id)) {
		add_value(buf, event->id, false, CAP_ID);
	} else if (!is_missing(event->jkt)) {
		add_words(buf, "key ", event->jkt, CAP_JKT);
	} else {
		fo_buf_adds(buf, "somebody");
	}
}

/* What happened to whom, and at which service, file or tool. */
static void
add_deed(struct fo_buf *buf, const struct fo_event *event)
{
	const char *deed;

	deed = event->res == FO_RES_PERMIT ? phrases[event->ev].done :
	    phrases[event->ev].not_done;
	switch (event->ev) {
	case FO_EV_AUTH:
	case FO_EV_ACCOUNT:
	case FO_EV_SESSION_OPEN:
	case FO_EV_SESSION_CLOSE:
		add_subject(buf, event);
		fo_buf_addf(buf, " %s", event->res == FO_RES_NONE ?
		    "without a proof" : deed);
		add_words(buf, event->ev <= FO_EV_ACCOUNT ? " to " : " at ",
		    event->svc, CAP_SVC);
		add_words(buf, " as ", event->user, CAP_USER);
		break;
	case FO_EV_ACTION:
		add_subject(buf, event);
		if (!event->past)
			fo_buf_addf(buf, " %s", event->goes_on ?
			    "goes on undecided with" :
			    event->res == FO_RES_NONE ?
			    "has to ask before" : deed);
		add_words(buf, " ", event->act, CAP_ACT);
		add_words(buf, " ", event->what, MSG_VALUE_MAX);
		if (event->past && event->res != FO_RES_PERMIT)
			fo_buf_adds(buf, event->goes_on ?
			    ", undecided" : ", which is refused");
		break;
	case FO_EV_AUDIT_START:
	case FO_EV_AUDIT_STOP:
		fo_buf_adds(buf, deed);
		break;
	case FO_EV_POLICY_CHANGE:
		add_words(buf, "policy ", event->what, CAP_WHAT);
		fo_buf_addf(buf, " %s", deed);
		break;
	case FO_EV_PRINCIPAL_CREATE:
	case FO_EV_PRINCIPAL_EDIT:
	case FO_EV_KEY_ADD:
	case FO_EV_KEY_ROTATE:
	case FO_EV_SUSPEND:
	case FO_EV_RESUME:
	case FO_EV_REVOKE:
	case FO_EV_DELETE:
		add_subject(buf, event);
		fo_buf_addf(buf, " %s", deed);
		break;
	}
}

/*
 * The event in prose. A space in a value is %20, so that no value can say
 * "permitted to": the words between the values are ours. The reason comes
 * last, in brackets, with its spaces.
 */
static void
compose_msg(struct fo_buf *buf, const struct fo_event *event)
{
	add_deed(buf, event);
	add_words(buf, " from ", event->src, CAP_SRC);
	add_words(buf, " by ", event->by, CAP_BY);
	if (event->why != FO_OK)
		fo_buf_addf(buf, ": %s", fo_err_word(event->why));
	if (!is_missing(event->detail)) {
		fo_buf_adds(buf, " (");
		add_value(buf, event->detail, true, FO_DIAG_SIZE);
		fo_buf_adds(buf, ")");
	}
}

/* ---- the line --------------------------------------------------------- */

/* From v to pol: everything but msg. */
static void
compose_members(struct fo_buf *buf, const struct fo_event *event)
{
	char proof[PROOF_CHARS + 1];

	memset(proof, 0, sizeof(proof));
	if (event->proof != NULL)
		memcpy(proof, event->proof, strnlen(event->proof,
		    PROOF_CHARS));
	fo_buf_adds(buf, ",\"v\":1");
	add_time(buf, &event->at);
	add_member(buf, "host", event->host, CAP_HOST);
	add_member(buf, "ev", fo_ev_word(event->ev), CAP_EV);
	add_member(buf, "res", fo_res_word(event->res), CAP_RES);
	add_member(buf, "why", fo_err_word(event->why), CAP_WHY);
	fo_buf_addf(buf, ",\"rc\":%d", event->rc);
	add_member(buf, "id", event->id, CAP_ID);
	add_member(buf, "kind", event->kind, CAP_KIND);
	add_member(buf, "name", event->name, CAP_NAME);
	add_member(buf, "owner", event->owner, CAP_OWNER);
	add_member(buf, "jkt", event->jkt, CAP_JKT);
	add_member(buf, "proof", proof, CAP_PROOF);
	add_member(buf, "sid", event->sid, CAP_SID);
	add_member(buf, "user", event->user, CAP_USER);
	add_member(buf, "ruser", event->ruser, CAP_RUSER);
	add_member(buf, "svc", event->svc, CAP_SVC);
	add_member(buf, "act", event->act, CAP_ACT);
	add_member(buf, "what", event->what, CAP_WHAT);
	add_member(buf, "by", event->by, CAP_BY);
	add_member(buf, "src", event->src, CAP_SRC);
	add_member(buf, "tty", event->tty, CAP_TTY);
	fo_buf_addf(buf, ",\"pid\":%ld", (long)event->pid);
	fo_buf_addf(buf, ",\"auid\":%" PRIu32, event->auid);
	fo_buf_addf(buf, ",\"ses\":%" PRIu32, event->ses);
	add_policy(buf, event);
}

fo_err
fo_event_format(const struct fo_event *event, char ret_text[FO_EVENT_SIZE])
{
	static const char head[] = "@cee:{\"msg\":\"";
	char text[FO_EVENT_SIZE], msg_text[MSG_MAX + 1];
	char members_text[FO_EVENT_SIZE];
	struct fo_buf line, msg, members;
	size_t fixed;

	if (event == NULL || (size_t)event->ev >= PHRASES)
		return FO_ERR_INTERNAL;
	fo_buf_init_in(&line, text, sizeof(text));
	fo_buf_init_in(&msg, msg_text, sizeof(msg_text));
	fo_buf_init_in(&members, members_text, sizeof(members_text));

	compose_members(&members, event);
	compose_msg(&msg, event);
	fixed = sizeof(head) - 1 + 1 + members.len + 1;
	if (members.err != FO_OK || msg.err != FO_OK ||
	    fixed + MSG_MIN > FO_EVENT_MAX_BYTES)
		return FO_ERR_INTERNAL;
	fo_buf_adds(&line, head);
	add_cut(&line, msg.data, msg.len, FO_EVENT_MAX_BYTES - fixed);
	fo_buf_adds(&line, "\"");
	fo_buf_add(&line, members.data, members.len);
	fo_buf_adds(&line, "}");
	if (line.err != FO_OK)
		return FO_ERR_INTERNAL;

	memcpy(ret_text, line.data, line.len + 1);
	return FO_OK;
}

/* ---- what the machine knows ------------------------------------------- */

/* A number that the kernel's audit gave this process; none: UINT32_MAX. */
static uint32_t
read_audit_id(const char *path)
{
	char text[16], *end;
	unsigned long value;
	ssize_t n;
	int fd;

	if ((fd = fo_open_above_2(AT_FDCWD, path, O_RDONLY | O_CLOEXEC,
	    0)) < 0)
		return UINT32_MAX;
	n = fo_read_once(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return UINT32_MAX;
	text[n] = '\0';
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || end == text || value > UINT32_MAX)
		return UINT32_MAX;

	return (uint32_t)value;
}

void
fo_self_read(struct fo_self *ret_self)
{
	ret_self->pid = getpid();
	ret_self->auid = read_audit_id("/proc/self/loginuid");
	ret_self->ses = read_audit_id("/proc/self/sessionid");
}

fo_err
fo_event_init_as(struct fo_event *event, const struct fo_self *self,
    const struct fo_clock *clock)
{
	memset(event, 0, sizeof(*event));
	event->pid = self->pid;
	event->auid = self->auid;
	event->ses = self->ses;
	return clock->now(clock->arg, &event->at);
}

fo_err
fo_event_init(struct fo_event *event, const struct fo_clock *clock)
{
	struct fo_self now;

	fo_self_read(&now);
	return fo_event_init_as(event, &now, clock);
}

/*
 * GRND_NONBLOCK: before the kernel has its first randomness a caller is
 * refused rather than stopped.
 */
fo_err
fo_sid_new(char ret_sid[FO_SID_SIZE])
{
	unsigned char bytes[SID_BYTES];

	if (getrandom(bytes, sizeof(bytes), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(bytes))
		return FO_ERR_IO;

	fo_b64url_encode(bytes, sizeof(bytes), ret_sid);
	fo_wipe(bytes, sizeof(bytes));
	return FO_OK;
}
