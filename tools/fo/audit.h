/*
 * What fo audit makes of a log: entries, which of them are wanted, and the
 * views that show them.
 */
#ifndef FO_TOOL_AUDIT_H
#define FO_TOOL_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include <firstops/error.h>

#include "host/event_read.h"

#include "log.h"
#include "verb.h"

/* May an entry be believed? What is said of its sender decides. */
typedef enum trust {
	TRUST_VERIFIED,		/* the kernel's uid may say this */
	TRUST_UNVERIFIED,	/* it may not: anybody could have written it */
	TRUST_UNVERIFIABLE	/* a file does not say who wrote it */
} trust;

const char *trust_word(trust of);

/* One event of a log. Valid until the callback returns. */
struct audit_entry {
	struct fo_event_read event;
	const struct log_line *line;
	trust trust;
};

/* The text of one of its values; "-" where it is missing. Free it. */
char *entry_text(const struct audit_entry *entry, fo_event_key key);
/* Is one of its values this word? */
bool entry_is(const struct audit_entry *entry, fo_event_key key,
    const char *word);

/* A way to show entries. */
struct view {
	/* NULL: no room. from_us, until_us: the span asked for, or 0. */
	void *(*open)(const struct call *call, const struct log_span *span);
	fo_err (*add)(void *view, const struct audit_entry *entry);
	/* print what is still to be printed; also after each wait of --follow */
	fo_err (*flush)(void *view);
	/* the end: print sums */
	fo_err (*finish)(void *view);
	void (*close)(void *view);
};

extern const struct view view_table;	/* for people */
extern const struct view view_json;	/* an object a line */
extern const struct view view_summary;	/* per principal; --json too */
extern const struct view view_chart;	/* permits and denials over time */
extern const struct view view_ocsf;	/* OCSF Authentication, a line each */
extern const struct view view_ecs;	/* Elastic Common Schema, a line each */

/*
 * Does it count as a permit: was somebody let in, or something allowed? What
 * follows from that, a session, does not count once more.
 */
bool entry_is_permit(const struct audit_entry *entry);
/* As a denial, whatever was denied. */
bool entry_is_denial(const struct audit_entry *entry);

#endif
