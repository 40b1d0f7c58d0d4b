/*
 * Per principal: how often it was let in, what for it was not, and since when
 * it is known.
 */
#include <search.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "host/rfc3339.h"

#include "audit.h"
#include "json.h"
#include "out.h"

#define REASONS_MAX_BYTES 8192
/* So many reasons are in a cell; an event of ours has one of 35. */
#define MAX_REASONS 40
#define SECOND_US INT64_C(1000000)

enum { COL_PRINCIPAL, COL_OWNER, COL_PERMITS, COL_DENIALS, COL_ERRORS,
    COL_FIRST, COL_LAST, COL_REASONS, COLUMNS };

/* How often one reason was given. */
struct reason {
	char *why;
	size_t count;
	struct reason *next;
};

/* What is known of one principal; id "-": of nobody that is known. */
struct tally {
	char *id;
	char *name;
	char *owner;
	size_t permits;
	size_t denials;
	size_t errors;
	size_t unverified;	/* said by who may not: not counted above */
	bool named;		/* by an event that counts */
	struct reason *reasons;	/* of denials and errors */
	size_t reasons_count;
	int64_t first_us;	/* -1: no time is known */
	int64_t last_us;
};

struct summary {
	const struct call *call;
	void *tree;		/* of tallies, by id */
	struct tally **list;
	size_t count;
};

/* ---- counting -------------------------------------------------------- */

static int
by_id(const void *a, const void *b)
{
	const struct tally *x = a, *y = b;

	return strcmp(x->id, y->id);
}

static void
tally_free(struct tally *tally)
{
	struct reason *reason;

	while ((reason = tally->reasons) != NULL) {
		tally->reasons = reason->next;
		free(reason->why);
		free(reason);
	}
	free(tally->id);
	free(tally->name);
	free(tally->owner);
	free(tally);
}

static struct tally *
tally_new(const struct audit_entry *entry)
{
	struct tally *tally = calloc(1, sizeof(*tally));

	if (tally == NULL)
		return NULL;
	tally->id = entry_text(entry, FO_KEY_ID);
	tally->name = strdup("-");
	tally->owner = strdup("-");
	tally->first_us = tally->last_us = -1;
	if (tally->id == NULL || tally->name == NULL || tally->owner == NULL) {
		tally_free(tally);
		return NULL;
	}

	return tally;
}

static struct tally *
add_tally(struct summary *summary, const struct audit_entry *entry)
{
	struct tally *tally = tally_new(entry), **grown;

	if (tally == NULL)
		return NULL;
	grown = reallocarray(summary->list, summary->count + 1,
	    sizeof(struct tally *));
	if (grown == NULL) {
		tally_free(tally);
		return NULL;
	}
	summary->list = grown;
	if (tsearch(tally, &summary->tree, by_id) == NULL) {
		tally_free(tally);
		return NULL;
	}
	grown[summary->count++] = tally;

	return tally;
}

static struct tally *
find_tally(struct summary *summary, const struct audit_entry *entry)
{
	struct tally key = { .id = entry_text(entry, FO_KEY_ID) };
	struct tally *const *found;

	if (key.id == NULL)
		return NULL;
	found = tfind(&key, &summary->tree, by_id);
	free(key.id);

	return found != NULL ? *found : add_tally(summary, entry);
}

/* What it is called is what an event says that counts; anybody writes others. */
static fo_err
name_tally(struct tally *tally, const struct audit_entry *entry)
{
	char *name = entry_text(entry, FO_KEY_NAME);
	char *owner = entry_text(entry, FO_KEY_OWNER);

	if (name == NULL || owner == NULL) {
		free(name);
		free(owner);
		return FO_ERR_NOMEM;
	}
	free(tally->name);
	free(tally->owner);
	tally->name = name;
	tally->owner = owner;
	tally->named = true;

	return FO_OK;
}

static fo_err
count_reason(struct tally *tally, const struct audit_entry *entry)
{
	struct reason **at = &tally->reasons;

	while (*at != NULL && !entry_is(entry, FO_KEY_WHY, (*at)->why))
		at = &(*at)->next;
	if (*at == NULL) {
		if ((*at = calloc(1, sizeof(**at))) == NULL ||
		    ((*at)->why = entry_text(entry, FO_KEY_WHY)) == NULL)
			return FO_ERR_NOMEM;
		tally->reasons_count++;
	}
	(*at)->count++;

	return FO_OK;
}

static void
see(struct tally *tally, int64_t t_us)
{
	if (t_us < 0)
		return;
	if (tally->first_us < 0 || t_us < tally->first_us)
		tally->first_us = t_us;
	if (t_us > tally->last_us)
		tally->last_us = t_us;
}

static fo_err
summary_add(void *view, const struct audit_entry *entry)
{
	struct tally *tally = find_tally(view, entry);

	if (tally == NULL)
		return FO_ERR_NOMEM;
	if (entry->trust == TRUST_UNVERIFIED) {
		tally->unverified++;
		return FO_OK;
	}
	if (!tally->named && name_tally(tally, entry) != FO_OK)
		return FO_ERR_NOMEM;
	see(tally, entry->event.t_us);
	if (entry_is_permit(entry)) {
		tally->permits++;
		return FO_OK;
	}
	if (entry_is_denial(entry))
		tally->denials++;
	else if (entry_is(entry, FO_KEY_RES, "error"))
		tally->errors++;
	else
		return FO_OK;

	return count_reason(tally, entry);
}

/* ---- printing -------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	const struct tally *const *x = a, *const *y = b;
	const int r = strcmp((*x)->name, (*y)->name);

	return r != 0 ? r : strcmp((*x)->id, (*y)->id);
}

static const char *
write_time(int64_t us, char text[FO_TIME_SIZE])
{
	return us >= 0 && fo_time_format(us / SECOND_US, text) == FO_OK ?
	    text : NULL;
}

/* "replay 3, stale 1", and what nobody can answer for. */
static fo_err
write_reasons(const struct tally *tally, char **ret)
{
	const struct reason *reason;
	struct fo_buf buf;
	size_t shown = 0;

	fo_buf_init(&buf, REASONS_MAX_BYTES);
	fo_buf_adds(&buf, "");
	for (reason = tally->reasons; reason != NULL && shown < MAX_REASONS;
	    reason = reason->next, shown++)
		fo_buf_addf(&buf, "%s%.32s %zu", buf.len > 0 ? ", " : "",
		    reason->why, reason->count);
	if (tally->reasons_count > shown)
		fo_buf_addf(&buf, " and %zu more reasons",
		    tally->reasons_count - shown);
	if (tally->unverified > 0)
		fo_buf_addf(&buf, "%s%zu unverified, not counted",
		    buf.len > 0 ? ", " : "", tally->unverified);

	return fo_buf_take(&buf, ret);
}

/* The texts of a row that are composed. */
struct row {
	char permits[24];
	char denials[24];
	char errors[24];
	char first[FO_TIME_SIZE];
	char last[FO_TIME_SIZE];
	char *reasons;
};

static fo_err
fill_row(const struct tally *tally, struct row *row, const char **cells)
{
	fo_err r;

	if ((r = write_reasons(tally, &row->reasons)) != FO_OK)
		return r;
	snprintf(row->permits, sizeof(row->permits), "%zu", tally->permits);
	snprintf(row->denials, sizeof(row->denials), "%zu", tally->denials);
	snprintf(row->errors, sizeof(row->errors), "%zu", tally->errors);
	cells[COL_PRINCIPAL] = tally->name;
	cells[COL_OWNER] = tally->owner;
	cells[COL_PERMITS] = row->permits;
	cells[COL_DENIALS] = row->denials;
	cells[COL_ERRORS] = row->errors;
	cells[COL_FIRST] = write_time(tally->first_us, row->first);
	cells[COL_LAST] = write_time(tally->last_us, row->last);
	cells[COL_REASONS] = row->reasons;

	return FO_OK;
}

static fo_err
print_table(const struct summary *summary)
{
	static const char *const heads[COLUMNS] = { "PRINCIPAL", "OWNER",
		"PERMITS", "DENIALS", "ERRORS", "FIRST", "LAST", "REASONS" };
	struct out_table table = { .columns = COLUMNS };
	struct row *rows = calloc(summary->count + 1, sizeof(*rows));
	const char **cells = calloc((summary->count + 1) * COLUMNS,
	    sizeof(*cells));
	fo_err r = FO_ERR_NOMEM;
	size_t i;

	if (rows == NULL || cells == NULL)
		goto out;
	memcpy(cells, heads, sizeof(heads));
	for (i = 0, r = FO_OK; i < summary->count && r == FO_OK; i++)
		r = fill_row(summary->list[i], &rows[i],
		    cells + COLUMNS * (i + 1));
	if (r == FO_OK)
		out_rows(&table, cells, summary->count + 1);
	for (i = 0; i < summary->count; i++)
		free(rows[i].reasons);
out:
	free(rows);
	free(cells);
	return r;
}

static struct json *
json_of(const struct tally *tally)
{
	struct json *json = json_object_new(), *reasons = json_object_new();
	const struct reason *reason;
	char first[FO_TIME_SIZE], last[FO_TIME_SIZE];

	for (reason = tally->reasons; reason != NULL; reason = reason->next)
		json_number(reasons, reason->why, (int64_t)reason->count);
	json_text(json, "id", tally->id);
	json_text(json, "name", tally->name);
	json_text(json, "owner", tally->owner);
	json_number(json, "permits", (int64_t)tally->permits);
	json_number(json, "denials", (int64_t)tally->denials);
	json_number(json, "errors", (int64_t)tally->errors);
	json_number(json, "unverified", (int64_t)tally->unverified);
	json_put(json, "reasons", &reasons);
	json_text(json, "first", write_time(tally->first_us, first));
	json_text(json, "last", write_time(tally->last_us, last));

	return json;
}

static fo_err
print_json(const struct summary *summary)
{
	struct json *json = json_object_new(), *list = json_list_new(), *one;
	size_t i;

	for (i = 0; i < summary->count; i++) {
		one = json_of(summary->list[i]);
		json_append(list, &one);
	}
	json_flag(json, "ok", true);
	json_put(json, "principals", &list);

	return json_print(&json) == FO_EXIT_DONE ? FO_OK : FO_ERR_IO;
}

/* ---- the view -------------------------------------------------------- */

static void *
summary_open(const struct call *call, const struct log_span *span)
{
	struct summary *summary = calloc(1, sizeof(*summary));

	(void)span;
	if (summary != NULL)
		summary->call = call;

	return summary;
}

static fo_err
summary_flush(void *view)
{
	(void)view;

	return FO_OK;
}

static fo_err
summary_finish(void *view)
{
	struct summary *summary = view;

	if (summary->count > 0)
		qsort(summary->list, summary->count, sizeof(*summary->list),
		    by_name);

	return summary->call->json ? print_json(summary) :
	    print_table(summary);
}

static void
forget(void *node)
{
	(void)node; /* the list owns it */
}

static void
summary_close(void *view)
{
	struct summary *summary = view;
	size_t i;

	tdestroy(summary->tree, forget);
	for (i = 0; i < summary->count; i++)
		tally_free(summary->list[i]);
	free(summary->list);
	free(summary);
}

const struct view view_summary = { summary_open, summary_add, summary_flush,
	summary_finish, summary_close };
