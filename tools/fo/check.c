/*
 * fo check: may whoever runs this do that? For programs that ask before they
 * act.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

#include "consult.h"
#include "file.h"
#include "json.h"
#include "out.h"
#include "verb.h"

#define WHAT_MAX_BYTES ((size_t)8 * 1024 * 1024)

enum { OPT_CHANNEL, OPT_WHAT, OPT_CWD, OPT_METHOD, OPT_ASKS };

static const struct verb_option options[] = {
	[OPT_CHANNEL] = { "channel", "CHANNEL", "command, file, tool or http"
	    " (required)" },
	[OPT_WHAT] = { "what", "TEXT", "command, path, tool or URL; -: on"
	    " standard input (required)" },
	[OPT_CWD] = { "cwd", "FOLDER", "where a command runs, or a path is"
	    " relative to" },
	[OPT_METHOD] = { "method", "METHOD", "of a request; default GET" },
	[OPT_ASKS] = { "asks", NULL, "you can ask a person: tell ask from"
	    " deny" },
	{ NULL, NULL, NULL }
};

static const char *
word_of(const struct fo_decision *decision)
{
	return decision->why == FO_OK ? "allow" :
	    decision->why == FO_ERR_ASK ? "ask" : "deny";
}

static int
print(const struct call *call, const struct fo_decision *d)
{
	const char *reason = d->diag.text[0] != '\0' ? d->diag.text :
	    fo_err_text(d->why);
	struct json *json;

	if (call->json) {
		json = json_object_new();
		json_flag(json, "ok", d->why == FO_OK);
		json_text(json, "decision", word_of(d));
		json_text(json, "why", fo_err_word(d->why));
		json_text(json, "name", d->name[0] != '\0' ? d->name : NULL);
		json_text(json, "policy", d->policy[0] != '\0' ? d->policy :
		    NULL);
		json_text(json, "rule", d->rule[0] != '\0' ? d->rule : NULL);
		json_text(json, "sid", d->sid);
		if (d->why != FO_OK)
			json_text(json, "error", reason);
		if (json_print(&json) != FO_EXIT_DONE)
			return FO_EXIT_TROUBLE;
	} else {
		printf("%s\n", word_of(d));
	}
	if (d->why != FO_OK)
		note("fo: %s: %s", fo_err_word(d->why), reason);

	if (d->why == FO_OK)
		return FO_EXIT_DONE;
	if (d->why == FO_ERR_ARG)
		return FO_EXIT_USAGE;
	return d->res == FO_RES_ERROR ? FO_EXIT_TROUBLE : FO_EXIT_DENIED;
}

/* What belongs to the channel. */
static fo_err
set_action(const struct call *call, struct question *question)
{
	const char *what = question->what;
	struct action_text *action = &question->action;

	if (strcmp(action->channel, "command") == 0) {
		action->shell = what;
	} else if (strcmp(action->channel, "file") == 0) {
		action->path = what;
	} else if (strcmp(action->channel, "http") == 0) {
		action->url = what;
		action->method = call->option[OPT_METHOD] != NULL ?
		    call->option[OPT_METHOD] : "GET";
	} else if (strcmp(action->channel, "tool") == 0) {
		action->tool = what;
	} else {
		fo_diag_set(&question->reason, "channel \"%.32s\": must be"
		    " command, file, tool or http", action->channel);
		return FO_ERR_ARG;
	}

	return FO_OK;
}

/* What no other user shall see among our arguments, or what is too long. */
static fo_err
read_what(struct question *question)
{
	size_t len = 0;
	fo_err r;

	if (strcmp(question->what, "-") != 0)
		return FO_OK;
	if ((r = file_read("-", WHAT_MAX_BYTES, &question->reason,
	    &question->made, &len)) != FO_OK)
		return r;
	if (strlen(question->made) != len) {
		fo_diag_set(&question->reason, "standard input: it has a NUL"
		    " in it");
		return FO_ERR_ARG;
	}
	question->what = question->made;

	return FO_OK;
}

static int
run(const struct call *call)
{
	struct question question = { .service = "fo",
		.action = { .channel = call->option[OPT_CHANNEL],
		    .cwd = call->option[OPT_CWD] },
		.act = call->option[OPT_CHANNEL],
		.what = call->option[OPT_WHAT],
		.asks = call->option[OPT_ASKS] != NULL };
	struct fo_decision decision;
	int code;
	fo_err r;

	if (question.act == NULL || question.what == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--channel and"
		    " --what are required: say what is to be done, as"
		    " --channel file --what /etc/passwd");
	if ((r = read_what(&question)) == FO_OK)
		r = set_action(call, &question);
	if (r == FO_OK) {
		consult(call->config, &question, &decision);
		code = print(call, &decision);
	} else {
		code = fail(call, r == FO_ERR_ARG ? FO_EXIT_USAGE :
		    FO_EXIT_TROUBLE, r, "%s", question.reason.text);
	}
	free(question.made);

	return code;
}

const struct verb verb_check = {
	.name = "check",
	.synopsis = "--channel CHANNEL --what TEXT [options]",
	.summary = "Ask whether you may do something",
	.text =
	    "Decide an action by the policies of the principal whose key signs"
	    " here (the signer,\nor FO_PRIVATE_KEY_PATH), as a hook does: the"
	    " event says who asked for what. Where\na policy says ask, the"
	    " answer is deny unless --asks.\n",
	.example =
	    "  fo check --channel tool --what mcp__github__merge\n"
	    "  fo check --channel command --what 'rm -rf /' --json\n",
	.exits =
	    "  0  allowed\n"
	    "  1  denied, or a person is to be asked\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: no key, store or audit sink; do not go on\n",
	.options = options,
	.store = true,
	.json = true,
	.run = run,
};
