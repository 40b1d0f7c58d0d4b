/*
 * fo agent show: all that the store says about one agent.
 */
#include <stdio.h>

#include "host/rfc3339.h"

#include "admin.h"
#include "agent.h"
#include "json.h"
#include "verb.h"

static void
print_list(const char *what, char *const *list)
{
	size_t i;

	printf("%-10s", what);
	for (i = 0; list[i] != NULL; i++)
		printf("%s%s", i > 0 ? ", " : "", list[i]);
	printf("%s\n", i == 0 ? "-" : "");
}

static void
print_time(const char *what, int64_t s)
{
	char text[FO_TIME_SIZE];

	if (s != 0 && fo_time_format(s, text) == FO_OK)
		printf(", %s %s", what, text);
}

static void
print_text(const struct fo_principal *agent)
{
	size_t i;

	printf("%-10s%s\n", "id", agent->id);
	printf("%-10s%s\n", "name", agent->name);
	printf("%-10s%s\n", "status", fo_status_word(agent->status));
	printf("%-10s%s\n", "owner", agent->owner);
	print_list("groups", agent->groups);
	print_list("policies", agent->policies);
	print_list("accounts", agent->accounts);
	for (i = 0; i < agent->keys_count; i++) {
		const struct fo_pkey *key = &agent->keys[i];

		printf("%-10s%s", "key", key->jkt);
		print_time("created", key->created);
		print_time("expires", key->expires);
		print_time("revoked", key->revoked);
		printf("%s%s\n", key->reason != NULL ? ": " : "",
		    key->reason != NULL ? key->reason : "");
	}
}

static int
run(const struct call *call)
{
	struct fo_principal *agent = NULL;
	struct json *json, *one;
	struct admin admin;
	int code;

	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE)
		code = agent_find(&admin, call->argv[0], &agent);
	if (code == FO_EXIT_DONE && call->json) {
		json = json_object_new();
		one = agent_json(agent, admin.now);
		json_flag(json, "ok", true);
		json_put(json, "agent", &one);
		code = json_print(&json);
	} else if (code == FO_EXIT_DONE) {
		print_text(agent);
	}
	fo_principal_free(&agent);
	admin_close(&admin);

	return code;
}

const struct verb verb_agent_show = {
	.name = "agent show",
	.synopsis = "ID | NAME [--json]",
	.summary = "Show one agent",
	.text = "Show all that the store says about one agent: status, owner,"
	    " groups, accounts,\nkeys with their times.\n",
	.example = "  fo agent show build-bot\n",
	.exits =
	    "  0  done\n"
	    "  1  there is no such agent\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: the store cannot be read\n",
	.min_operands = 1,
	.max_operands = 1,
	.store = true,
	.json = true,
	.run = run,
};
