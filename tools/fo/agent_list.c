/*
 * fo agent list: all agents, or some.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#include "admin.h"
#include "agent.h"
#include "json.h"
#include "out.h"
#include "verb.h"

enum { OPT_OWNER, OPT_GROUP, OPT_STATUS };

static const struct verb_option options[] = {
	[OPT_OWNER] = { "owner", "OWNER", "only those of this owner" },
	[OPT_GROUP] = { "group", "GROUP", "only those in this group" },
	[OPT_STATUS] = { "status", "STATUS", "only active, suspended or"
	    " revoked ones" },
	{ NULL, NULL, NULL }
};

/* Room for the groups of one agent in a table. */
#define GROUPS_MAX_BYTES 4096

/* The cells of a row that are composed, not borrowed. */
struct composed {
	char *groups;
	char expires[AGENT_EXPIRY_SIZE];
};

enum { COL_NAME, COL_STATUS, COL_OWNER, COL_GROUPS, COL_EXPIRES, COL_ID,
    COLUMNS };

static bool
in_list(char *const *list, const char *name)
{
	size_t i;

	for (i = 0; list[i] != NULL; i++)
		if (strcmp(list[i], name) == 0)
			return true;

	return false;
}

static bool
wanted(const struct call *call, const struct fo_principal *agent)
{
	const char *owner = call->option[OPT_OWNER];
	const char *group = call->option[OPT_GROUP];
	const char *status = call->option[OPT_STATUS];

	return agent->kind == FO_KIND_AGENT &&
	    (owner == NULL || strcmp(agent->owner, owner) == 0) &&
	    (group == NULL || in_list(agent->groups, group)) &&
	    (status == NULL ||
	    strcmp(fo_status_word(agent->status), status) == 0);
}

static int
by_name(const void *a, const void *b)
{
	const struct fo_principal *const *x = a, *const *y = b;
	const int r = strcmp((*x)->name, (*y)->name);

	return r != 0 ? r : strcmp((*x)->id, (*y)->id);
}

static int
print_json(const struct admin *admin, const struct agents *agents)
{
	struct json *json = json_object_new(), *list = json_list_new(), *one;
	size_t i;

	for (i = 0; i < agents->count; i++) {
		if (!wanted(admin->call, agents->list[i]))
			continue;
		one = agent_json(agents->list[i], admin->now);
		json_append(list, &one);
	}
	json_flag(json, "ok", agents->broken == 0);
	json_put(json, "agents", &list);
	json_number(json, "unreadable", (int64_t)agents->broken);
	if (agents->broken > 0)
		json_text(json, "error", agents->reason.text);

	return json_print(&json);
}

static fo_err
fill_row(const struct fo_principal *agent, int64_t now,
    struct composed *composed, const char **row)
{
	struct fo_buf buf;
	size_t i;
	fo_err r;

	fo_buf_init(&buf, GROUPS_MAX_BYTES);
	fo_buf_adds(&buf, "");
	for (i = 0; agent->groups[i] != NULL; i++)
		fo_buf_addf(&buf, "%s%s", i > 0 ? "," : "",
		    agent->groups[i]);
	if ((r = fo_buf_take(&buf, &composed->groups)) != FO_OK)
		return r;
	agent_expiry(agent, now, composed->expires);
	row[COL_NAME] = agent->name;
	row[COL_STATUS] = fo_status_word(agent->status);
	row[COL_OWNER] = agent->owner;
	row[COL_GROUPS] = composed->groups;
	row[COL_EXPIRES] = composed->expires;
	row[COL_ID] = agent->id;

	return FO_OK;
}

static int
print_table(const struct admin *admin, const struct agents *agents)
{
	static const char *const heads[COLUMNS] = { "NAME", "STATUS", "OWNER",
		"GROUPS", "EXPIRES", "ID" };
	struct composed *composed;
	const char **cells;
	size_t i, rows = 1;
	fo_err r = FO_ERR_NOMEM;

	cells = calloc((agents->count + 1) * COLUMNS, sizeof(*cells));
	composed = calloc(agents->count + 1, sizeof(*composed));
	if (cells == NULL || composed == NULL)
		goto out;
	memcpy(cells, heads, sizeof(heads));
	for (r = FO_OK, i = 0; i < agents->count && r == FO_OK; i++) {
		if (!wanted(admin->call, agents->list[i]))
			continue;
		r = fill_row(agents->list[i], admin->now, &composed[rows],
		    cells + COLUMNS * rows);
		rows++;
	}
	if (r == FO_OK)
		r = out_table(cells, rows, COLUMNS);
	for (i = 1; i < rows; i++)
		free(composed[i].groups);
out:
	free(cells);
	free(composed);

	return r == FO_OK ? FO_EXIT_DONE :
	    fail_err(admin->call, r, NULL, NULL);
}

static int
list(const struct admin *admin)
{
	struct agents agents = { 0 };
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	if ((r = agents_load(admin, &diag, &agents)) != FO_OK)
		return fail_err(admin->call, r, &diag, NULL);
	if (agents.count > 0)
		qsort(agents.list, agents.count, sizeof(*agents.list),
		    by_name);
	code = admin->call->json ? print_json(admin, &agents) :
	    print_table(admin, &agents);
	if (agents.broken > 0) {
		note("fo: %zu of the store's files cannot be read: %s\n"
		    "fo: fo store check lists all of them", agents.broken,
		    agents.reason.text);
		code = FO_EXIT_TROUBLE;
	}
	agents_clear(&agents);

	return code;
}

static int
run(const struct call *call)
{
	const char *status = call->option[OPT_STATUS];
	struct admin admin;
	int code;

	if (status != NULL && strcmp(status, "active") != 0 &&
	    strcmp(status, "suspended") != 0 && strcmp(status, "revoked") != 0)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--status %s:"
		    " must be active, suspended or revoked", status);
	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE)
		code = list(&admin);
	admin_close(&admin);

	return code;
}

const struct verb verb_agent_list = {
	.name = "agent list",
	.synopsis = "[options]",
	.summary = "List agents",
	.text =
	    "List the store's agents by name. EXPIRES is when the last of an"
	    " agent's keys\nthat are in force ends.\n",
	.example = "  fo agent list --owner team-platform --status active\n",
	.exits =
	    "  0  done, also when there is none\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: the store, or a file of it, cannot be read\n",
	.options = options,
	.store = true,
	.json = true,
	.run = run,
};
