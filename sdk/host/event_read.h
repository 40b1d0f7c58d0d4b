/*
 * Events out of a log: the same line that event.h writes, read again.
 *
 * A log is read by whoever may read it, and what is in it may be anybody's:
 * nothing is believed here, and nothing that is not of the format is taken
 * for an event.
 */
#ifndef FO_HOST_EVENT_READ_H
#define FO_HOST_EVENT_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <firstops/error.h>

#define FO_EVENT_MARK "@cee:"
#define FO_EVENT_VERSION 1

/* The keys, in the order of the line. */
typedef enum fo_event_key {
	FO_KEY_MSG, FO_KEY_V, FO_KEY_T, FO_KEY_HOST, FO_KEY_EV, FO_KEY_RES,
	FO_KEY_WHY, FO_KEY_RC, FO_KEY_ID, FO_KEY_KIND, FO_KEY_NAME,
	FO_KEY_OWNER, FO_KEY_JKT, FO_KEY_PROOF, FO_KEY_SID, FO_KEY_USER,
	FO_KEY_RUSER, FO_KEY_SVC, FO_KEY_ACT, FO_KEY_WHAT, FO_KEY_BY,
	FO_KEY_SRC, FO_KEY_TTY, FO_KEY_PID, FO_KEY_AUID, FO_KEY_SES,
	FO_KEY_POL,
	FO_KEYS
} fo_event_key;

/* "msg", "v" ... */
const char *fo_event_key_word(fo_event_key key);
/* Is its value a number? */
bool fo_event_key_is_number(fo_event_key key);

/* A part of the text that was read, without its quotes. */
struct fo_value {
	const char *at;		/* NULL: not there (of a newer version only) */
	size_t len;
};

struct fo_event_read {
	const char *text;	/* from "@cee:" to the closing brace */
	size_t len;
	struct fo_value value[FO_KEYS];
	bool newer;		/* of a version that knows more than this one */
	int64_t t_us;		/* microseconds since 1970; -1: not known */
};

/*
 * Read an event that begins with "@cee:" and goes to the end of text, but for
 * white space and NULs that a log may have put there. Values are as they were
 * written: printable ASCII, everything else %XX.
 *
 * An event of version 1 has all keys once and no other. One of a later
 * version has what it has; what this version does not know is passed over.
 *
 * FO_ERR_FORMAT: it is none; the reason says what is wrong with it.
 */
FO_MUST_CHECK fo_err fo_event_read(const char *text, size_t len,
    struct fo_diag *diag, struct fo_event_read *ret);

/* Is a value this text? */
bool fo_value_is(const struct fo_value *value, const char *text);
/* Is it missing: "-", or not there? */
bool fo_value_missing(const struct fo_value *value);
/* Copy a value as far as it fits; "-" where it is not there. */
void fo_value_copy(const struct fo_value *value, char *ret, size_t size);

#endif
