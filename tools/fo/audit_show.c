/*
 * Entries one by one: a table for people, an object a line for machines.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#include "audit.h"
#include "json.h"
#include "out.h"

/* So many rows are aligned with one another before they are printed. */
#define PART 500

/* The last may have spaces in it: nothing comes after it to be imitated. */
enum { COL_TIME, COL_SENDER, COL_RESULT, COL_PRINCIPAL, COL_OWNER, COL_EVENT,
    COL_SERVICE, COL_ACCOUNT, COL_SOURCE, COL_POLICY, COL_WHAT, COLUMNS };

/* No value of ours is longer; one that is does not widen the table. */
#define CELL_MAX 64

_Static_assert(COLUMNS <= OUT_MAX_COLUMNS, "a table's columns");

/* ---- for people ------------------------------------------------------ */

struct table {
	struct out_table out;
	char *cells[(PART + 1) * COLUMNS];
	size_t rows;
};

static void *
table_open(const struct call *call, const struct log_span *span)
{
	struct table *table = calloc(1, sizeof(*table));

	(void)call;
	(void)span;
	if (table != NULL)
		table->out.columns = COLUMNS;

	return table;
}

static fo_err
print_rows(struct table *table)
{
	static const char *const heads[COLUMNS] = { "TIME", "SENDER",
		"RESULT", "PRINCIPAL", "OWNER", "EVENT", "SERVICE", "ACCOUNT",
		"SOURCE", "POLICY", "WHAT" };
	size_t i;

	if (!table->out.headed)
		out_rows(&table->out, heads, 1);
	out_rows(&table->out, (const char *const *)table->cells,
	    table->rows);
	for (i = 0; i < table->rows * COLUMNS; i++)
		free(table->cells[i]);
	table->rows = 0;

	return ferror(stdout) ? FO_ERR_IO : FO_OK;
}

/* A value as one word of a row: blanks encoded, and cut where it is long. */
static char *
cell_text(const struct audit_entry *entry, fo_event_key key)
{
	const struct fo_value *value = &entry->event.value[key];
	char text[(sizeof("%20") - 1) * CELL_MAX + sizeof("...")];
	struct fo_buf cell;
	size_t i;

	if (value->at == NULL)
		return strdup("-");
	fo_buf_init_in(&cell, text, sizeof(text));
	for (i = 0; i < value->len && i < CELL_MAX; i++)
		if (value->at[i] == ' ' && key != FO_KEY_WHAT)
			fo_buf_adds(&cell, "%20");
		else
			fo_buf_add(&cell, value->at + i, 1);
	if (i < value->len)
		fo_buf_adds(&cell, "...");

	return strdup(text);
}

/* "auth", or of what a hook asked about, "action: read". NULL: no memory. */
static char *
event_text(const struct audit_entry *entry)
{
	char *ev = cell_text(entry, FO_KEY_EV), *act, *text = NULL;

	if (!entry_is(entry, FO_KEY_EV, "action") ||
	    entry_is(entry, FO_KEY_ACT, "command") ||
	    fo_value_missing(&entry->event.value[FO_KEY_ACT]))
		return ev;
	act = cell_text(entry, FO_KEY_ACT);
	if (ev != NULL && act != NULL &&
	    asprintf(&text, "%s: %s", ev, act) < 0)
		text = NULL;
	free(ev);
	free(act);

	return text;
}

/* "deny: replay", or "permit"; NULL: no memory, and not half of it. */
static char *
result_text(const struct audit_entry *entry)
{
	char *res = cell_text(entry, FO_KEY_RES), *why, *text = NULL;

	if (entry_is(entry, FO_KEY_WHY, "ok"))
		return res;
	why = cell_text(entry, FO_KEY_WHY);
	if (res != NULL && why != NULL &&
	    asprintf(&text, "%s: %s", res, why) < 0)
		text = NULL;
	free(res);
	free(why);

	return text;
}

/* The principal; else the key that was offered, as much as tells it apart. */
static char *
principal_text(const struct audit_entry *entry)
{
	const struct fo_value *jkt = &entry->event.value[FO_KEY_JKT];
	char *text;

	if (!fo_value_missing(&entry->event.value[FO_KEY_NAME]))
		return cell_text(entry, FO_KEY_NAME);
	if (fo_value_missing(jkt))
		return strdup("-");

	return asprintf(&text, "key:%.*s", jkt->len < 8 ? (int)jkt->len : 8,
	    jkt->at) < 0 ? NULL : text;
}

/* To the second, as a table wants it. */
static char *
time_text(const struct audit_entry *entry)
{
	const struct fo_value *t = &entry->event.value[FO_KEY_T];
	char *text;

	if (entry->event.t_us < 0)
		return strdup("-");

	return asprintf(&text, "%.19sZ", t->at) < 0 ? NULL : text;
}

static fo_err
table_add(void *view, const struct audit_entry *entry)
{
	struct table *table = view;
	char **row = table->cells + table->rows * COLUMNS;
	size_t i;

	row[COL_TIME] = time_text(entry);
	row[COL_RESULT] = result_text(entry);
	row[COL_PRINCIPAL] = principal_text(entry);
	row[COL_OWNER] = cell_text(entry, FO_KEY_OWNER);
	row[COL_EVENT] = event_text(entry);
	row[COL_SERVICE] = cell_text(entry, FO_KEY_SVC);
	row[COL_ACCOUNT] = cell_text(entry, FO_KEY_USER);
	row[COL_SOURCE] = cell_text(entry, FO_KEY_SRC);
	row[COL_POLICY] = cell_text(entry, FO_KEY_POL);
	row[COL_WHAT] = cell_text(entry, FO_KEY_WHAT);
	row[COL_SENDER] = strdup(trust_word(entry->trust));
	table->rows++;
	for (i = 0; i < COLUMNS; i++)
		if (row[i] == NULL)
			return FO_ERR_NOMEM;

	return table->rows == PART ? print_rows(table) : FO_OK;
}

static fo_err
table_flush(void *view)
{
	struct table *table = view;
	fo_err r = FO_OK;

	if (table->rows > 0)
		r = print_rows(table);

	return fflush(stdout) != 0 ? FO_ERR_IO : r;
}

static fo_err
table_finish(void *view)
{
	return print_rows(view);
}

static void
table_close(void *view)
{
	struct table *table = view;
	size_t i;

	for (i = 0; i < table->rows * COLUMNS; i++)
		free(table->cells[i]);
	free(table);
}

const struct view view_table = { table_open, table_add, table_flush,
	table_finish, table_close };

/* ---- for machines ---------------------------------------------------- */

/* Where the entries come from, as JSON has it: the same for many. */
struct objects {
	char *from;
	char *from_json;
};

static void *
json_open(const struct call *call, const struct log_span *span)
{
	(void)call;
	(void)span;

	return calloc(1, sizeof(struct objects));
}

static fo_err
set_from(struct objects *objects, const char *from)
{
	if (objects->from != NULL && strcmp(objects->from, from) == 0)
		return FO_OK;
	free(objects->from);
	free(objects->from_json);
	objects->from = strdup(from);
	objects->from_json = json_quoted(from);

	return objects->from != NULL && objects->from_json != NULL ? FO_OK :
	    FO_ERR_NOMEM;
}

/*
 * The event's object as it was written, which is JSON by the rules that it
 * was read by, and what is known of where it comes from.
 */
static fo_err
json_add(void *view, const struct audit_entry *entry)
{
	static const size_t mark = sizeof(FO_EVENT_MARK) - 1;
	const struct fo_event_read *event = &entry->event;
	const struct log_line *line = entry->line;
	struct objects *objects = view;
	fo_err r;

	if ((r = set_from(objects, line->from)) != FO_OK)
		return r;
	printf("%.*s,\"sender\":\"%s\"", (int)(event->len - mark - 1),
	    event->text + mark, trust_word(entry->trust));
	if (line->uid != LOG_NO_UID)
		printf(",\"uid\":%" PRId64, line->uid);
	printf(",\"from\":%s,\"line\":%" PRIu64 "}\n", objects->from_json,
	    line->number);

	return ferror(stdout) ? FO_ERR_IO : FO_OK;
}

static fo_err
json_flush(void *view)
{
	(void)view;

	return fflush(stdout) != 0 ? FO_ERR_IO : FO_OK;
}

static void
json_close(void *view)
{
	struct objects *objects = view;

	free(objects->from);
	free(objects->from_json);
	free(objects);
}

const struct view view_json = { json_open, json_add, json_flush, json_flush,
	json_close };
