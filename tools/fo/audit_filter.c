/*
 * Which entries of a log are wanted.
 */
#include "audit_filter.h"

#include <string.h>
#include <time.h>

#include "base/diag.h"
#include "host/names.h"

#include "when.h"

#define SECOND_US INT64_C(1000000)
/* As many characters of a sid as a refused client sees: enough for one. */
#define SID_MIN 8

static const char *const results[] = { "permit", "deny", "error", "none",
	NULL };

/* ---- reading --------------------------------------------------------- */

static fo_err
read_time(const char *option, const char *text, int64_t now, bool day,
    struct fo_diag *diag, int64_t *ret_us)
{
	int64_t s;

	if (!past_parse(text, now, &s) || (day && s % DAY_S != 0)) {
		fo_diag_set(diag, "--%s \"%.32s\": must be %s", option, text,
		    day ? "a day: 2026-11-24, today, yesterday or tuesday" :
		    "2026-11-24, 2026-11-24T18:00:00Z, today, yesterday,"
		    " tuesday, or a span until now as 1h");
		return FO_ERR_ARG;
	}
	*ret_us = s * SECOND_US;

	return FO_OK;
}

static fo_err
read_span(const struct filter_text *text, struct fo_diag *diag,
    struct log_span *ret)
{
	const int64_t now = (int64_t)time(NULL);
	struct log_span span = { 0, 0 };
	fo_err r = FO_OK;

	if (text->on != NULL && (text->since != NULL || text->until != NULL)) {
		fo_diag_set(diag, "--on is a whole day: no --since or --until"
		    " beside it");
		return FO_ERR_ARG;
	}
	if (text->on != NULL) {
		r = read_time("on", text->on, now, true, diag,
		    &span.since_us);
		span.until_us = span.since_us + DAY_S * SECOND_US;
	}
	if (r == FO_OK && text->since != NULL)
		r = read_time("since", text->since, now, false, diag,
		    &span.since_us);
	if (r == FO_OK && text->until != NULL)
		r = read_time("until", text->until, now, false, diag,
		    &span.until_us);
	if (r == FO_OK && span.until_us != 0 &&
	    span.until_us <= span.since_us) {
		fo_diag_set(diag, "--until comes before --since");
		r = FO_ERR_ARG;
	}
	*ret = span;

	return r;
}

fo_err
filter_read(const struct filter_text *text, struct fo_diag *diag,
    struct filter *ret)
{
	const char *const *result = results;

	if (text->result != NULL) {
		while (*result != NULL && strcmp(*result, text->result) != 0)
			result++;
		if (*result == NULL) {
			fo_diag_set(diag, "--result \"%.32s\": must be permit,"
			    " deny, error or none", text->result);
			return FO_ERR_ARG;
		}
	}
	if (text->sid != NULL && strlen(text->sid) < SID_MIN) {
		fo_diag_set(diag, "--sid \"%s\": at least its first %d"
		    " characters", text->sid, SID_MIN);
		return FO_ERR_ARG;
	}
	ret->text = *text;

	return read_span(text, diag, &ret->span);
}

/* ---- asking ---------------------------------------------------------- */

static bool
in_span(const struct log_span *span, int64_t t_us)
{
	return t_us < 0 || (t_us >= span->since_us &&
	    (span->until_us == 0 || t_us < span->until_us));
}

static bool
is(const struct audit_entry *entry, fo_event_key key, const char *word)
{
	return word == NULL || entry_is(entry, key, word);
}

/* A login is known by the beginning of its sid. */
static bool
is_sid(const struct audit_entry *entry, const char *sid)
{
	const struct fo_value *value = &entry->event.value[FO_KEY_SID];

	return sid == NULL || (value->at != NULL &&
	    value->len >= strlen(sid) &&
	    memcmp(value->at, sid, strlen(sid)) == 0);
}

bool
filter_takes(const struct filter *filter, const struct audit_entry *entry)
{
	const struct filter_text *text = &filter->text;

	return (!text->verified || entry->trust == TRUST_VERIFIED) &&
	    in_span(&filter->span, entry->event.t_us) &&
	    (is(entry, FO_KEY_NAME, text->principal) ||
	    is(entry, FO_KEY_ID, text->principal)) &&
	    is(entry, FO_KEY_OWNER, text->owner) &&
	    (is(entry, FO_KEY_USER, text->account) ||
	    is(entry, FO_KEY_RUSER, text->account)) &&
	    is(entry, FO_KEY_SVC, text->service) &&
	    is(entry, FO_KEY_RES, text->result) &&
	    is(entry, FO_KEY_WHY, text->why) &&
	    is_sid(entry, text->sid);
}
