/*
 * Who may say what.
 */
#include "speaker.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

/* A user that a service runs as, and may speak for. */
struct speaker {
	const char *service;
	int64_t uid;
};

fo_err
speakers_read(const struct fo_config *config, struct speakers *ret)
{
	const struct passwd *pw;
	size_t i;

	*ret = (struct speakers) { NULL, 0 };
	if (config == NULL)
		return FO_OK;
	ret->list = calloc(config->services_count + 1, sizeof(*ret->list));
	if (ret->list == NULL)
		return FO_ERR_NOMEM;
	for (i = 0; i < config->services_count; i++) {
		if ((pw = getpwnam(config->services[i].user)) == NULL)
			continue;
		ret->list[ret->count++] = (struct speaker) {
			config->services[i].name, pw->pw_uid };
	}

	return FO_OK;
}

void
speakers_clear(struct speakers *speakers)
{
	free(speakers->list);
	*speakers = (struct speakers) { NULL, 0 };
}

/* Root says anything; a service's user says what happened at its service. */
static trust
trust_of(const struct speakers *speakers, const struct log_line *line,
    const struct fo_event_read *event)
{
	size_t i;

	if (line->uid == LOG_NO_UID)
		return TRUST_UNVERIFIABLE;
	if (line->uid == 0)
		return TRUST_VERIFIED;
	for (i = 0; i < speakers->count; i++)
		if (speakers->list[i].uid == line->uid &&
		    fo_value_is(&event->value[FO_KEY_SVC],
		    speakers->list[i].service) &&
		    (fo_value_is(&event->value[FO_KEY_EV], "auth") ||
		    fo_value_is(&event->value[FO_KEY_EV], "account")))
			return TRUST_VERIFIED;

	return TRUST_UNVERIFIED;
}

/* The length without the last word, if that is one of RFC 5424's: "12", "-". */
static size_t
drop_word(const char *text, size_t len)
{
	size_t n = len;

	while (n > 0 && text[n - 1] != ' ')
		n--;
	if (n == len || n == 0)
		return len;
	if ((len - n == 1 && text[n] == '-') ||
	    (text[n] >= '0' && text[n] <= '9'))
		return n - 1;

	return len;
}

/* Is the last word of a text a tag of ours, "fo" or "fo[12]"? */
static bool
ends_in_tag(const char *text, size_t len)
{
	static const char *const tags[] = { "pam_firstops", "sudo_firstops",
		"fo" };
	size_t i, n;

	if (len > 0 && text[len - 1] == ']') {
		for (len--; len > 0 && text[len - 1] != '['; len--)
			if (text[len - 1] < '0' || text[len - 1] > '9')
				return false;
		if (len == 0)
			return false;
		len--;
	}
	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		n = strlen(tags[i]);
		if (len >= n && memcmp(text + len - n, tags[i], n) == 0 &&
		    (len == n || text[len - n - 1] == ' '))
			return true;
	}

	return false;
}

/*
 * Is what stands before an event nothing, or a tag of ours: "... fo[12]: ", or
 * as RFC 5424 has it "... fo 12 - - "? NULs are what a crash leaves in a file.
 */
static bool
is_our_tag(const char *text, size_t len)
{
	int words;

	while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == ':' ||
	    text[len - 1] == '\0'))
		len--;
	if (len == 0 || ends_in_tag(text, len))
		return true;
	for (words = 0; words < 3; words++)
		len = drop_word(text, len);

	return ends_in_tag(text, len);
}

bool
speakers_know(const struct speakers *speakers, int64_t uid)
{
	size_t i;

	for (i = 0; i < speakers->count; i++)
		if (speakers->list[i].uid == uid)
			return true;

	return uid == 0;
}

/* Where the next event begins from here on; NULL: there is none. */
static const char *
next_mark(const struct log_line *line, const char *from)
{
	return memmem(from, line->len - (size_t)(from - line->text),
	    FO_EVENT_MARK, sizeof(FO_EVENT_MARK) - 1);
}

fo_err
speakers_entry(const struct speakers *speakers, const struct log_line *line,
    struct fo_diag *diag, struct audit_entry *ret)
{
	struct audit_entry entry = { .line = line };
	const char *at = next_mark(line, line->text);
	struct fo_diag later = { "" };
	fo_err r;

	if (at == NULL || (line->tag == NULL &&
	    !is_our_tag(line->text, (size_t)(at - line->text))))
		return FO_ERR_NOT_FOUND;
	if (line->cut) {
		fo_diag_set(diag, "it is longer than any event");
		return FO_ERR_FORMAT;
	}
	r = fo_event_read(at, line->len - (size_t)(at - line->text), diag,
	    &entry.event);
	/* one that was torn may have a whole one behind it */
	while (r != FO_OK && (at = next_mark(line, at + 1)) != NULL)
		r = fo_event_read(at, line->len - (size_t)(at - line->text),
		    &later, &entry.event);
	if (r != FO_OK)
		return r;
	entry.trust = trust_of(speakers, line, &entry.event);

	*ret = entry;
	return FO_OK;
}
