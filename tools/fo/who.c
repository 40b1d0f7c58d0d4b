/*
 * fo who: who is in now.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/rfc3339.h"
#include "host/session.h"

#include "admin.h"
#include "json.h"
#include "out.h"
#include "verb.h"

enum { OPT_PRINCIPAL, OPT_OWNER };

static const struct verb_option options[] = {
	[OPT_PRINCIPAL] = { "principal", "ID|NAME", "only this principal's" },
	[OPT_OWNER] = { "owner", "OWNER", "only those of this owner" },
	{ NULL, NULL, NULL }
};

enum { COL_SINCE, COL_PRINCIPAL, COL_OWNER, COL_SERVICE, COL_ACCOUNT,
    COL_SOURCE, COL_TTY, COL_SID, COLUMNS };

_Static_assert(COLUMNS <= OUT_MAX_COLUMNS, "a table's columns");

/* The sessions that are open, as many as were found. */
struct sessions {
	const struct call *call;
	struct fo_login_record *list;
	size_t count;
	size_t unread;
};

static void
sessions_clear(struct sessions *all)
{
	size_t i;

	for (i = 0; i < all->count; i++)
		fo_login_record_clear(&all->list[i]);
	free(all->list);
}

static bool
wanted(const struct call *call, const struct fo_login_record *record)
{
	const char *principal = call->option[OPT_PRINCIPAL];
	const char *owner = call->option[OPT_OWNER];

	return (principal == NULL || strcmp(principal, record->name) == 0 ||
	    strcmp(principal, record->id) == 0) &&
	    (owner == NULL || strcmp(owner, record->owner) == 0);
}

static fo_err
add(const struct fo_login_record *record, void *arg)
{
	struct sessions *all = arg;
	struct fo_login_record *grown;
	fo_err r;

	if (!wanted(all->call, record))
		return FO_OK;
	grown = reallocarray(all->list, all->count + 1, sizeof(*grown));
	if (grown == NULL)
		return FO_ERR_NOMEM;
	all->list = grown;
	if ((r = fo_login_record_copy(record, &grown[all->count])) == FO_OK)
		all->count++;

	return r;
}

static int
by_time(const void *a, const void *b)
{
	const struct fo_login_record *x = a, *y = b;

	if (x->since != y->since)
		return x->since < y->since ? -1 : 1;

	return strcmp(x->sid, y->sid);
}

/* ---- printing -------------------------------------------------------- */

/* A text of a client's cannot be more than a word in a cell. */
static const char *
tame(char *text)
{
	char *p;

	for (p = text; p != NULL && *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			*p = '?';

	return text;
}

static void
fill_row(struct fo_login_record *record, char since[FO_TIME_SIZE],
    const char **row)
{
	row[COL_SINCE] = fo_time_format(record->since, since) == FO_OK ?
	    since : NULL;
	row[COL_PRINCIPAL] = record->name;
	row[COL_OWNER] = record->owner;
	row[COL_SERVICE] = tame(record->service);
	row[COL_ACCOUNT] = tame(record->user);
	row[COL_SOURCE] = tame(record->src);
	row[COL_TTY] = tame(record->tty);
	row[COL_SID] = record->sid;
}

static int
print_table(const struct sessions *all)
{
	static const char *const heads[COLUMNS] = { "SINCE", "PRINCIPAL",
		"OWNER", "SERVICE", "ACCOUNT", "SOURCE", "TTY", "SID" };
	struct out_table table = { .columns = COLUMNS };
	char (*since)[FO_TIME_SIZE];
	const char **cells;
	int code = FO_EXIT_DONE;
	size_t i;

	cells = calloc((all->count + 1) * COLUMNS, sizeof(*cells));
	since = calloc(all->count + 1, sizeof(*since));
	if (cells == NULL || since == NULL) {
		code = fail_err(all->call, FO_ERR_NOMEM, NULL, NULL);
		goto out;
	}
	memcpy(cells, heads, sizeof(heads));
	for (i = 0; i < all->count; i++)
		fill_row(&all->list[i], since[i], cells + COLUMNS * (i + 1));
	out_rows(&table, cells, all->count + 1);
out:
	free(cells);
	free(since);
	return code;
}

static struct json *
json_of(const struct fo_login_record *record)
{
	struct json *json = json_object_new();
	char since[FO_TIME_SIZE];

	json_text(json, "sid", record->sid);
	json_text(json, "id", record->id);
	json_text(json, "kind", record->kind);
	json_text(json, "name", record->name);
	json_text(json, "owner", record->owner);
	json_text(json, "thumbprint", record->jkt);
	json_text(json, "service", record->service);
	json_text(json, "account", record->user);
	json_text(json, "ruser", record->ruser);
	json_text(json, "source", record->src);
	json_text(json, "tty", record->tty);
	json_text(json, "since", fo_time_format(record->since, since) ==
	    FO_OK ? since : NULL);
	json_number(json, "pid", record->pid);

	return json;
}

static int
print_json(const struct sessions *all, const struct fo_diag *diag)
{
	struct json *json = json_object_new(), *list = json_list_new(), *one;
	size_t i;

	for (i = 0; i < all->count; i++) {
		one = json_of(&all->list[i]);
		json_append(list, &one);
	}
	json_flag(json, "ok", all->unread == 0);
	json_put(json, "sessions", &list);
	json_number(json, "unreadable", (int64_t)all->unread);
	if (all->unread > 0)
		json_text(json, "error", diag->text);

	return json_print(&json);
}

/* ---- doing it -------------------------------------------------------- */

static int
who(const struct admin *admin, struct sessions *all)
{
	struct fo_diag diag = { "" };
	char *folder = NULL;
	int code;
	fo_err r;

	r = fo_run_folder(admin->config->replay_folder, &folder);
	if (r == FO_OK)
		r = fo_session_each(folder, &diag, add, all, &all->unread);
	free(folder);
	if (r != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	if (all->count > 0)
		qsort(all->list, all->count, sizeof(*all->list), by_time);
	code = admin->call->json ? print_json(all, &diag) : print_table(all);
	if (all->unread > 0) {
		note("fo: %zu session records cannot be read: %s",
		    all->unread, diag.text);
		code = FO_EXIT_TROUBLE;
	}

	return code;
}

static int
run(const struct call *call)
{
	struct sessions all = { .call = call };
	struct admin admin;
	int code;

	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE)
		code = who(&admin, &all);
	admin_close(&admin);
	sessions_clear(&all);

	return code;
}

const struct verb verb_who = {
	.name = "who",
	.synopsis = "[--principal WHO] [--owner OWNER] [--json]",
	.summary = "Say who is in now",
	.text =
	    "List the sessions that were opened by a proof and are still"
	    " open, the oldest\nfirst. A session counts as long as the process"
	    " that opened it runs: one that was\nkilled is gone from the list"
	    " at once. Services that open no session, as\nPostgreSQL, are not"
	    " in it; fo audit --service postgresql says who came.\n\nSID leads"
	    " to all that was done: fo audit --sid SID.\n",
	.example =
	    "  sudo fo who\n"
	    "  sudo fo who --owner team-platform --json\n",
	.exits =
	    "  0  done, also when nobody is in\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: not root, or a record cannot be read\n",
	.options = options,
	.store = true,
	.json = true,
	.run = run,
};
