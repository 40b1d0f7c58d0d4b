/*
 * fo agent show, fo human show: all that the store says about one principal.
 */
#include <stdio.h>

#include "host/rfc3339.h"

#include "admin.h"
#include "json.h"
#include "principal.h"
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
print_text(const struct fo_principal *principal)
{
	size_t i;

	printf("%-10s%s\n", "id", principal->id);
	printf("%-10s%s\n", "name", principal->name);
	printf("%-10s%s\n", "status", fo_status_word(principal->status));
	printf("%-10s%s\n", "owner", principal->owner);
	print_list("groups", principal->groups);
	print_list("policies", principal->policies);
	print_list("accounts", principal->accounts);
	for (i = 0; i < principal->keys_count; i++) {
		const struct fo_pkey *key = &principal->keys[i];

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
	struct fo_principal *principal = NULL;
	struct json *json, *one;
	struct admin admin;
	int code;

	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE)
		code = principal_find(&admin, PRINCIPALS_OF(call->verb->kind),
		    call->argv[0], &principal);
	if (code == FO_EXIT_DONE && call->json) {
		json = json_object_new();
		one = principal_json(principal, admin.now);
		json_flag(json, "ok", true);
		json_put(json, fo_kind_word(principal->kind), &one);
		code = json_print(&json);
	} else if (code == FO_EXIT_DONE) {
		print_text(principal);
	}
	fo_principal_free(&principal);
	admin_close(&admin);

	return code;
}

#define SHOW_TEXT(who) \
	"Show all that the store says about " who ": status, owner, groups," \
	" accounts, keys\nwith their times.\n"

/* What both say alike. */
#define COMMON \
	.synopsis = "ID | NAME [--json]", \
	.exits = \
	    "  0  done\n" \
	    "  1  there is none of that name\n" \
	    "  2  the command line cannot be understood\n" \
	    "  3  trouble: the store cannot be read\n", \
	.min_operands = 1, \
	.max_operands = 1, \
	.store = true, \
	.json = true, \
	.run = run

const struct verb verb_agent_show = {
	.name = "agent show",
	.summary = "Show one agent",
	.text = SHOW_TEXT("an agent"),
	.example = "  fo agent show build-bot\n",
	.kind = FO_KIND_AGENT,
	COMMON
};

const struct verb verb_human_show = {
	.name = "human show",
	.summary = "Show one person",
	.text = SHOW_TEXT("a person"),
	.example = "  fo human show alice\n",
	.kind = FO_KIND_HUMAN,
	COMMON
};
