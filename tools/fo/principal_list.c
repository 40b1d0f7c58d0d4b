/*
 * fo agent list, fo human list: all principals of a kind, or some.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#include "admin.h"
#include "json.h"
#include "options.h"
#include "out.h"
#include "principal.h"
#include "verb.h"
#include "when.h"

enum { OPT_OWNER, OPT_GROUP, OPT_STATUS, OPT_EXPIRING };

static const struct verb_option options[] = {
	[OPT_OWNER] = { "owner", "OWNER", "only those of this owner" },
	[OPT_GROUP] = { "group", "GROUP", "only those in this group" },
	[OPT_STATUS] = { "status", "STATUS", "only active, suspended or"
	    " revoked ones" },
	[OPT_EXPIRING] = { "expiring", "SPAN", "only those whose last key"
	    " ends within SPAN, as 14d" },
	{ NULL, NULL, NULL }
};

/* Room for the groups of one principal in a table. */
#define GROUPS_MAX_BYTES 4096

/* So many are sorted by name before any is printed; a larger store is listed
 * in parts of that size, so that it begins at once. */
#define PART 2000

enum { COL_NAME, COL_STATUS, COL_OWNER, COL_GROUPS, COL_EXPIRES, COL_ID,
    COLUMNS };

/* The cells of a row that are composed, not borrowed. */
struct composed {
	char *groups;
	char expires[PRINCIPAL_EXPIRY_SIZE];
};

/* A listing on its way. */
struct listing {
	const struct admin *admin;
	int64_t until;		/* of --expiring; 0: whenever */
	struct fo_principal *part[PART];
	size_t count;
	bool parts;		/* more than one */
	size_t broken;
	struct fo_diag reason;
	struct out_table table;
	struct json *list;	/* NULL for people */
};

/* ---- which ----------------------------------------------------------- */

static bool
wanted(const struct listing *listing, const struct fo_principal *principal)
{
	const struct call *call = listing->admin->call;
	const char *owner = call->option[OPT_OWNER];
	const char *group = call->option[OPT_GROUP];
	const char *status = call->option[OPT_STATUS];

	return (owner == NULL || strcmp(principal->owner, owner) == 0) &&
	    (group == NULL || list_has(principal->groups, group)) &&
	    (status == NULL ||
	    strcmp(fo_status_word(principal->status), status) == 0) &&
	    (listing->until == 0 || principal_ends_by(principal,
	    listing->admin->now, listing->until));
}

/* ---- printing -------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	const struct fo_principal *const *x = a, *const *y = b;
	const int r = strcmp((*x)->name, (*y)->name);

	return r != 0 ? r : strcmp((*x)->id, (*y)->id);
}

static fo_err
fill_row(const struct fo_principal *principal, int64_t now,
    struct composed *composed, const char **row)
{
	struct fo_buf buf;
	size_t i;
	fo_err r;

	fo_buf_init(&buf, GROUPS_MAX_BYTES);
	fo_buf_adds(&buf, "");
	for (i = 0; principal->groups[i] != NULL; i++)
		fo_buf_addf(&buf, "%s%s", i > 0 ? "," : "",
		    principal->groups[i]);
	if ((r = fo_buf_take(&buf, &composed->groups)) != FO_OK)
		return r;
	principal_expiry(principal, now, composed->expires);
	row[COL_NAME] = principal->name;
	row[COL_STATUS] = fo_status_word(principal->status);
	row[COL_OWNER] = principal->owner;
	row[COL_GROUPS] = composed->groups;
	row[COL_EXPIRES] = composed->expires;
	row[COL_ID] = principal->id;

	return FO_OK;
}

static fo_err
print_rows(struct listing *listing)
{
	static const char *const heads[COLUMNS] = { "NAME", "STATUS", "OWNER",
		"GROUPS", "EXPIRES", "ID" };
	const size_t head = listing->table.headed ? 0 : 1;
	struct composed *composed;
	const char **cells;
	size_t i, filled = 0;
	fo_err r = FO_ERR_NOMEM;

	cells = calloc((listing->count + 1) * COLUMNS, sizeof(*cells));
	composed = calloc(listing->count + 1, sizeof(*composed));
	if (cells == NULL || composed == NULL)
		goto out;
	if (head != 0)
		memcpy(cells, heads, sizeof(heads));
	for (r = FO_OK; filled < listing->count && r == FO_OK; filled++)
		r = fill_row(listing->part[filled], listing->admin->now,
		    &composed[filled], cells + COLUMNS * (head + filled));
	if (r == FO_OK)
		out_rows(&listing->table, cells, head + filled);
	for (i = 0; i < filled; i++)
		free(composed[i].groups);
out:
	free(cells);
	free(composed);

	return r;
}

static void
put_rows(struct listing *listing)
{
	struct json *one;
	size_t i;

	for (i = 0; i < listing->count; i++) {
		one = principal_json(listing->part[i], listing->admin->now);
		json_append(listing->list, &one);
	}
}

/* Print what has been collected, by name. */
static fo_err
flush(struct listing *listing)
{
	fo_err r = FO_OK;
	size_t i;

	if (listing->count > 0)
		qsort(listing->part, listing->count, sizeof(*listing->part),
		    by_name);
	if (listing->admin->call->json)
		put_rows(listing);
	else
		r = print_rows(listing);
	for (i = 0; i < listing->count; i++)
		fo_principal_free(&listing->part[i]);
	listing->count = 0;

	return r;
}

/* ---- doing it -------------------------------------------------------- */

static fo_err
add(struct fo_principal *principal, void *arg)
{
	struct listing *listing = arg;
	fo_err r = FO_OK;

	if (!wanted(listing, principal)) {
		fo_principal_free(&principal);
		return FO_OK;
	}
	if (listing->count == PART) {
		listing->parts = true;
		r = flush(listing);
	}
	listing->part[listing->count++] = principal;

	return r;
}

static int
finish_json(struct listing *listing)
{
	struct json *json = json_object_new();

	json_flag(json, "ok", listing->broken == 0);
	json_put(json, listing->admin->call->verb->kind == FO_KIND_AGENT ?
	    "agents" : "humans", &listing->list);
	json_number(json, "unreadable", (int64_t)listing->broken);
	if (listing->broken > 0)
		json_text(json, "error", listing->reason.text);

	return json_print(&json);
}

static int
list(struct listing *listing)
{
	const struct admin *admin = listing->admin;
	struct fo_diag diag = { "" };
	int code = FO_EXIT_DONE;
	fo_err r;

	r = principals_each(admin, PRINCIPALS_OF(admin->call->verb->kind),
	    &diag, add, listing, &listing->broken, &listing->reason);
	if (r == FO_OK)
		r = flush(listing);
	if (r != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	if (admin->call->json)
		code = finish_json(listing);
	else if (listing->parts)
		note("fo: by name in parts of %d", PART);
	if (listing->broken > 0) {
		note("fo: %zu of the store's files cannot be read: %s\n"
		    "fo: fo store check lists all of them", listing->broken,
		    listing->reason.text);
		code = FO_EXIT_TROUBLE;
	}

	return code;
}

static int
check_options(const struct call *call, int64_t *ret_span_s)
{
	const char *status = call->option[OPT_STATUS];
	const char *expiring = call->option[OPT_EXPIRING];

	if (status != NULL && strcmp(status, "active") != 0 &&
	    strcmp(status, "suspended") != 0 && strcmp(status, "revoked") != 0)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--status %s:"
		    " must be active, suspended or revoked", status);
	if (expiring != NULL && !span_parse(expiring, ret_span_s))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--expiring %s:"
		    " must be a span of time, as 14d or 12h", expiring);

	return FO_EXIT_DONE;
}

static int
run(const struct call *call)
{
	struct listing *listing = calloc(1, sizeof(*listing));
	struct admin admin;
	int64_t span_s = 0;
	size_t i;
	int code;

	if (listing == NULL)
		return fail_err(call, FO_ERR_NOMEM, NULL, NULL);
	if ((code = check_options(call, &span_s)) != FO_EXIT_DONE) {
		free(listing);
		return code;
	}
	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE) {
		listing->admin = &admin;
		listing->table.columns = COLUMNS;
		listing->until = span_s != 0 ? admin.now + span_s : 0;
		listing->list = call->json ? json_list_new() : NULL;
		code = list(listing);
	}
	admin_close(&admin);
	for (i = 0; i < listing->count; i++)
		fo_principal_free(&listing->part[i]);
	json_free(&listing->list);
	free(listing);

	return code;
}

#define LIST_TEXT(whose, of) \
	"List the store's " whose " by name. EXPIRES is when the last of " \
	of " keys\nthat are in force ends. A store of thousands is listed in" \
	" parts, each by name.\n"

/* What both say alike. */
#define COMMON \
	.synopsis = "[options]", \
	.exits = \
	    "  0  done, also when there is none\n" \
	    "  2  the command line cannot be understood\n" \
	    "  3  trouble: the store, or a file of it, cannot be read\n", \
	.options = options, \
	.store = true, \
	.json = true, \
	.run = run

const struct verb verb_agent_list = {
	.name = "agent list",
	.summary = "List agents",
	.text = LIST_TEXT("agents", "an agent's"),
	.example = "  fo agent list --owner team-platform --expiring 14d\n",
	.kind = FO_KIND_AGENT,
	COMMON
};

const struct verb verb_human_list = {
	.name = "human list",
	.summary = "List people",
	.text = LIST_TEXT("people", "a person's"),
	.example = "  fo human list --group developers --status active\n",
	.kind = FO_KIND_HUMAN,
	COMMON
};
