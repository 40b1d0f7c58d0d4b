/*
 * Events out of a log.
 *
 * The format is a part of JSON: one flat object, strings without escapes,
 * whole numbers. That is all that is taken.
 */
#include "event_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "event.h"
#include "rfc3339.h"

static const char *const words[FO_KEYS] = { "msg", "v", "t", "host", "ev",
	"res", "why", "rc", "id", "kind", "name", "owner", "jkt", "proof",
	"sid", "user", "ruser", "svc", "act", "what", "by", "src", "tty",
	"pid", "auid", "ses", "pol" };

/* Members that an event may have: this version's, and a later one's. */
#define MAX_MEMBERS 64
#define MAX_DIGITS 18

const char *
fo_event_key_word(fo_event_key key)
{
	return (size_t)key < FO_KEYS ? words[key] : "";
}

bool
fo_event_key_is_number(fo_event_key key)
{
	return key == FO_KEY_V || key == FO_KEY_RC || key == FO_KEY_PID ||
	    key == FO_KEY_AUID || key == FO_KEY_SES;
}

bool
fo_value_is(const struct fo_value *value, const char *text)
{
	return value->at != NULL && strlen(text) == value->len &&
	    memcmp(value->at, text, value->len) == 0;
}

bool
fo_value_missing(const struct fo_value *value)
{
	return value->at == NULL || fo_value_is(value, "-");
}

void
fo_value_copy(const struct fo_value *value, char *ret, size_t size)
{
	(void)snprintf(ret, size, "%.*s", value->at != NULL ?
	    (int)value->len : 1, value->at != NULL ? value->at : "-");
}

/* ---- a member ------------------------------------------------------------ */

/* What is being read, and where. */
struct reader {
	const char *p;
	const char *end;
};

static bool
take(struct reader *rd, char c)
{
	if (rd->p == rd->end || *rd->p != c)
		return false;
	rd->p++;
	return true;
}

/* "text": printable ASCII, no quote and no back slash in it. */
static bool
take_string(struct reader *rd, struct fo_value *ret)
{
	if (!take(rd, '"'))
		return false;
	ret->at = rd->p;
	while (rd->p < rd->end && *rd->p >= ' ' && *rd->p <= '~' &&
	    *rd->p != '"' && *rd->p != '\\')
		rd->p++;
	ret->len = (size_t)(rd->p - ret->at);
	return take(rd, '"');
}

/* A whole number, which may be negative: "0", "41250", "-1". */
static bool
take_number(struct reader *rd, struct fo_value *ret)
{
	const char *digits;

	ret->at = rd->p;
	(void)take(rd, '-');
	digits = rd->p;
	while (rd->p < rd->end && *rd->p >= '0' && *rd->p <= '9')
		rd->p++;
	ret->len = (size_t)(rd->p - ret->at);
	if (rd->p == digits || rd->p - digits > MAX_DIGITS)
		return false;
	return *digits != '0' || ret->len == 1;
}

struct member {
	struct fo_value name;
	struct fo_value value;
	bool number;
};

/* "name":value */
static bool
take_member(struct reader *rd, struct member *ret)
{
	if (!take_string(rd, &ret->name) || !take(rd, ':'))
		return false;
	ret->number = rd->p < rd->end && *rd->p != '"';
	return ret->number ? take_number(rd, &ret->value) :
	    take_string(rd, &ret->value);
}

/* ---- the whole ----------------------------------------------------------- */

static bool
same_name(const struct member *a, const struct member *b)
{
	return a->name.len == b->name.len &&
	    memcmp(a->name.at, b->name.at, a->name.len) == 0;
}

static fo_event_key
key_of(const struct member *member)
{
	fo_event_key key;

	for (key = 0; key < FO_KEYS; key++)
		if (fo_value_is(&member->name, words[key]))
			break;

	return key;
}

/*
 * What a reader says of an event stands beside its members, so no version has
 * members of these names.
 */
static fo_err
check_strange(const struct member *member, struct fo_diag *diag)
{
	static const char *const readers[] = { "sender", "uid", "from",
		"line" };
	size_t i;

	for (i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (fo_value_is(&member->name, readers[i])) {
			fo_diag_set(diag, "%s is not for an event to say",
			    readers[i]);
			return FO_ERR_FORMAT;
		}

	return FO_OK;
}

/* Put a member to its key; one that is not known goes nowhere. */
static fo_err
file_member(const struct member *member, struct fo_diag *diag,
    struct fo_event_read *event, bool *strange)
{
	const fo_event_key key = key_of(member);

	if (key == FO_KEYS) {
		*strange = true;
		return check_strange(member, diag);
	}
	if (member->number != fo_event_key_is_number(key)) {
		fo_diag_set(diag, "%s is no %s", words[key],
		    member->number ? "text" : "number");
		return FO_ERR_FORMAT;
	}
	event->value[key] = member->value;

	return FO_OK;
}

/* {"name":value,...} */
static fo_err
take_object(struct reader *rd, struct fo_diag *diag,
    struct fo_event_read *event, bool *strange)
{
	struct member members[MAX_MEMBERS];
	size_t i, n = 0;

	if (!take(rd, '{'))
		goto torn;
	do {
		if (n == MAX_MEMBERS) {
			fo_diag_set(diag, "more than %d members",
			    MAX_MEMBERS);
			return FO_ERR_FORMAT;
		}
		if (!take_member(rd, &members[n]))
			goto torn;
		for (i = 0; i < n; i++)
			if (same_name(&members[i], &members[n])) {
				fo_diag_set(diag, "\"%.*s\" is there twice",
				    members[n].name.len < 64 ?
				    (int)members[n].name.len : 64,
				    members[n].name.at);
				return FO_ERR_FORMAT;
			}
		if (file_member(&members[n], diag, event, strange) != FO_OK)
			return FO_ERR_FORMAT;
		n++;
	} while (take(rd, ','));
	if (take(rd, '}'))
		return FO_OK;
torn:
	fo_diag_set(diag, rd->p == rd->end ? "it is cut short" :
	    "no event: byte 0x%02x in it", rd->p == rd->end ? 0U :
	    (unsigned int)(unsigned char)*rd->p);
	return FO_ERR_FORMAT;
}

/* What a log puts after a message. */
static bool
is_rest(const struct reader *rd)
{
	const char *p;

	for (p = rd->p; p < rd->end; p++)
		if (*p != ' ' && *p != '\n' && *p != '\r' && *p != '\0')
			return false;

	return true;
}

/* Microseconds since 1970, of 2026-11-23T18:30:00.123456Z. */
static int64_t
read_time(const struct fo_value *t)
{
	char text[FO_TIME_SIZE];
	int64_t s, us = 0;
	size_t i;

	if (t->at == NULL || t->len != 27 || t->at[19] != '.' ||
	    t->at[26] != 'Z')
		return -1;
	memcpy(text, t->at, 19);
	memcpy(text + 19, "Z", 2);
	for (i = 20; i < 26; i++) {
		if (t->at[i] < '0' || t->at[i] > '9')
			return -1;
		us = us * 10 + (t->at[i] - '0');
	}
	if (fo_time_parse(text, &s) != FO_OK || s < 0)
		return -1;

	return s * 1000000 + us;
}

/* Is it of a version whose rules it keeps? */
static fo_err
check_version(struct fo_event_read *event, bool strange,
    struct fo_diag *diag)
{
	const struct fo_value *v = &event->value[FO_KEY_V];
	fo_event_key key;

	if (v->at == NULL || v->at[0] == '-' || fo_value_is(v, "0")) {
		fo_diag_set(diag, "it says no version");
		return FO_ERR_FORMAT;
	}
	event->newer = !fo_value_is(v, "1");
	if (event->newer)
		return FO_OK;
	for (key = 0; key < FO_KEYS; key++)
		if (event->value[key].at == NULL) {
			fo_diag_set(diag, "%s is missing", words[key]);
			return FO_ERR_FORMAT;
		}
	if (event->len > FO_EVENT_MAX_BYTES) {
		fo_diag_set(diag, "it is longer than %d bytes",
		    FO_EVENT_MAX_BYTES);
		return FO_ERR_FORMAT;
	}
	if (strange) {
		fo_diag_set(diag, "it has members that are not version %d's",
		    FO_EVENT_VERSION);
		return FO_ERR_FORMAT;
	}

	return FO_OK;
}

fo_err
fo_event_read(const char *text, size_t len, struct fo_diag *diag,
    struct fo_event_read *ret)
{
	static const size_t mark = sizeof(FO_EVENT_MARK) - 1;
	struct reader rd = { text, text + len };
	struct fo_event_read event = { .text = text };
	bool strange = false;
	fo_err r;

	if (len < mark || memcmp(text, FO_EVENT_MARK, mark) != 0) {
		fo_diag_set(diag, "it does not begin with " FO_EVENT_MARK);
		return FO_ERR_FORMAT;
	}
	rd.p += mark;
	if ((r = take_object(&rd, diag, &event, &strange)) != FO_OK)
		return r;
	event.len = (size_t)(rd.p - text);
	if (!is_rest(&rd)) {
		fo_diag_set(diag, "something follows it");
		return FO_ERR_FORMAT;
	}
	if ((r = check_version(&event, strange, diag)) != FO_OK)
		return r;
	event.t_us = read_time(&event.value[FO_KEY_T]);

	*ret = event;
	return FO_OK;
}
