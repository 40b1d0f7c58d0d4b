/*
 * fo policy explain: what the policies say to an action, and why.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#include "action.h"
#include "admin.h"
#include "json.h"
#include "out.h"
#include "principal.h"
#include "verb.h"

enum { OPT_PRINCIPAL, OPT_CHANNEL, OPT_SERVICE, OPT_ACCOUNT, OPT_SOURCE,
    OPT_AT, OPT_SHELL, OPT_CWD, OPT_PATH, OPT_TOOL, OPT_METHOD, OPT_URL };

static const struct verb_option options[] = {
	[OPT_PRINCIPAL] = { "principal", "ID|NAME", "who asks (required)" },
	[OPT_CHANNEL] = { "channel", "CHANNEL", "login, command, file, tool or"
	    " http" },
	[OPT_SERVICE] = { "service", "SERVICE", "login: where" },
	[OPT_ACCOUNT] = { "account", "ACCOUNT", "login, command: as whom" },
	[OPT_SOURCE] = { "source", "ADDRESS", "login: from where" },
	[OPT_AT] = { "at", "TIME", "when: now, or 2026-11-23T18:00:00Z" },
	[OPT_SHELL] = { "shell", "TEXT", "command: what a shell is given" },
	[OPT_CWD] = { "cwd", "FOLDER", "command, file: in which folder" },
	[OPT_PATH] = { "path", "FILE", "file: which" },
	[OPT_TOOL] = { "tool", "TOOL", "tool: which" },
	[OPT_METHOD] = { "method", "METHOD", "http: as GET" },
	[OPT_URL] = { "url", "URL", "http: of what" },
	{ NULL, NULL, NULL }
};

#define UNKNOWN_MAX_BYTES 128

enum { COL_RULE, COL_EFFECT, COL_MATCHES, COL_UNKNOWN, COLUMNS };

/* A rule of the channel, and what it makes of the action. */
struct judged {
	const struct fo_policy *policy;
	const struct fo_rule *rule;
	fo_truth truth;
	unsigned int unknown;
};

/* ---- saying why ------------------------------------------------------ */

static void
print_decision(const struct fo_principal *principal,
    const struct fo_action *action, const struct answer *answer)
{
	const struct fo_verdict *verdict = &answer->verdict;

	printf("%s: ", answer_word(answer));
	if (answer->why == FO_ERR_NOT_AN_ACCOUNT)
		printf("%s is not among the accounts of %s\n",
		    action->account, principal->name);
	else if (answer->why != FO_OK && answer->why != FO_ERR_POLICY)
		printf("%s is %s\n", principal->name,
		    fo_status_word(principal->status));
	else if (verdict->rule != NULL)
		printf("rule %s/%s\n", verdict->policy, verdict->rule);
	else
		printf("no rule allows it\n");
}

static const char *
truth_word(fo_truth truth)
{
	return truth == FO_TRUE ? "yes" : truth == FO_FALSE ? "no" :
	    "unknown";
}

static size_t
count_rules(const struct answer *answer)
{
	size_t i, n = 0;

	for (i = 0; i < answer->policies.count; i++)
		n += answer->policies.list[i]->rules_count;

	return n;
}

/* All rules of the channel; how many. room has a place for each. */
static size_t
judge(const struct answer *answer, const struct fo_action *action,
    struct judged *room)
{
	size_t i, k, n = 0;

	for (i = 0; i < answer->policies.count; i++) {
		const struct fo_policy *policy = answer->policies.list[i];

		for (k = 0; k < policy->rules_count; k++) {
			const struct fo_rule *rule = &policy->rules[k];

			if (rule->channel != action->channel)
				continue;
			room[n].policy = policy;
			room[n].rule = rule;
			room[n].truth = fo_rule_weigh(rule, action,
			    &room[n].unknown);
			n++;
		}
	}

	return n;
}

/* The conditions that are unknown, with commas; "" for none. */
static void
name_unknown(const struct judged *judged, char text[UNKNOWN_MAX_BYTES])
{
	unsigned int bit;
	size_t used = 0;

	text[0] = '\0';
	for (bit = 1; bit <= FO_WHEN_URL; bit <<= 1)
		if (judged->truth == FO_UNKNOWN &&
		    (judged->unknown & bit) != 0)
			used += (size_t)snprintf(text + used,
			    UNKNOWN_MAX_BYTES - used, "%s%s",
			    used > 0 ? "," : "", fo_when_word(bit));
}

static void
print_rules(const struct judged *judged, size_t count)
{
	static const char *const heads[COLUMNS] = { "RULE", "EFFECT",
		"MATCHES", "UNKNOWN" };
	struct out_table table = { .columns = COLUMNS };
	char rule[2 * FO_NAME_MAX + 2], unknown[UNKNOWN_MAX_BYTES];
	const char *row[COLUMNS] = { rule, NULL, NULL, unknown };
	size_t i, widest = strlen(heads[COL_RULE]);

	if (count == 0)
		return;
	for (i = 0; i < count; i++) {
		const size_t n = strlen(judged[i].policy->name) + 1 +
		    strlen(judged[i].rule->name);

		widest = n > widest ? n : widest;
	}
	table.widths[COL_RULE] = widest;
	out_rows(&table, heads, 1);
	for (i = 0; i < count; i++) {
		snprintf(rule, sizeof(rule), "%s/%s", judged[i].policy->name,
		    judged[i].rule->name);
		name_unknown(&judged[i], unknown);
		row[COL_EFFECT] = fo_effect_word(judged[i].rule->effect);
		row[COL_MATCHES] = truth_word(judged[i].truth);
		out_rows(&table, row, 1);
	}
}

static int
print_json(const struct answer *answer, const struct judged *judged,
    size_t count)
{
	struct json *json = json_object_new(), *list = json_list_new(), *one;
	char unknown[UNKNOWN_MAX_BYTES];
	size_t i;

	for (i = 0; i < count; i++) {
		name_unknown(&judged[i], unknown);
		one = json_object_new();
		json_text(one, "policy", judged[i].policy->name);
		json_text(one, "rule", judged[i].rule->name);
		json_text(one, "effect",
		    fo_effect_word(judged[i].rule->effect));
		json_text(one, "matches", truth_word(judged[i].truth));
		json_text(one, "unknown", *unknown != '\0' ? unknown : NULL);
		json_append(list, &one);
	}
	json_flag(json, "ok", answer->why == FO_OK);
	json_text(json, "decision", answer_word(answer));
	json_text(json, "why", fo_err_word(answer->why));
	json_text(json, "policy", answer->verdict.policy);
	json_text(json, "rule", answer->verdict.rule);
	json_put(json, "rules", &list);

	return json_print(&json);
}

/* ---- doing it -------------------------------------------------------- */

static int
explain(const struct admin *admin, const struct fo_principal *principal,
    const struct fo_action *action)
{
	struct answer answer = { 0 };
	struct judged *judged = NULL;
	struct fo_diag diag = { "" };
	size_t count;
	int code;
	fo_err r;

	r = action_ask(admin->store, principal, action, &diag, &answer);
	if (r == FO_OK && (judged = calloc(count_rules(&answer) + 1,
	    sizeof(*judged))) == NULL)
		r = FO_ERR_NOMEM;
	if (r != FO_OK) {
		code = fail_err(admin->call, r, &diag, NULL);
		goto out;
	}
	count = judge(&answer, action, judged);
	if (admin->call->json) {
		code = print_json(&answer, judged, count);
	} else {
		print_decision(principal, action, &answer);
		print_rules(judged, count);
		code = FO_EXIT_DONE;
	}
	if (code == FO_EXIT_DONE && answer.why != FO_OK)
		code = FO_EXIT_DENIED;
out:
	free(judged);
	answer_clear(&answer);
	return code;
}

static int
run_open(const struct admin *admin)
{
	const struct call *call = admin->call;
	const char *const *o = call->option;
	const struct action_text text = { .channel = o[OPT_CHANNEL],
		.service = o[OPT_SERVICE], .account = o[OPT_ACCOUNT],
		.source = o[OPT_SOURCE], .at = o[OPT_AT],
		.shell = o[OPT_SHELL], .argv = call->argc > 0 ?
		(const char *const *)call->argv : NULL, .cwd = o[OPT_CWD],
		.path = o[OPT_PATH], .tool = o[OPT_TOOL],
		.method = o[OPT_METHOD], .url = o[OPT_URL] };
	struct fo_principal *principal = NULL;
	struct action action = { 0 };
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	r = action_read(&text, admin->config->host, admin->now, &diag,
	    &action);
	if (r != FO_OK) {
		code = fail(call, r == FO_ERR_ARG ? FO_EXIT_USAGE :
		    FO_EXIT_TROUBLE, r, "%s", diag.text[0] != '\0' ?
		    diag.text : fo_err_text(r));
		goto out;
	}
	code = principal_find(admin, PRINCIPALS_ALL, o[OPT_PRINCIPAL],
	    &principal);
	if (code == FO_EXIT_DONE)
		code = explain(admin, principal, &action.of);
out:
	fo_principal_free(&principal);
	action_clear(&action);

	return code;
}

static int
run(const struct call *call)
{
	struct admin admin;
	int code;

	if (call->option[OPT_PRINCIPAL] == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
		    "--principal is missing: say who asks");
	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE)
		code = run_open(&admin);
	admin_close(&admin);

	return code;
}

const struct verb verb_policy_explain = {
	.name = "policy explain",
	.synopsis = "--principal WHO [options] [-- COMMAND...]",
	.summary = "Say what the policies make of an action, and why",
	.text =
	    "Weigh an action as a decision would: the principal's status, for"
	    " a login its\naccounts, then all rules of its policies, its"
	    " groups' and the group default's. The\nfirst line is the outcome"
	    " and the rule that decided; then comes each rule of the\nchannel,"
	    " whether it matches, and which conditions are unknown. Unknown"
	    " counts as\nmatching for deny and ask, and as not matching for"
	    " allow.\n\nA command is what follows --, word by word, or a"
	    " shell text. Nothing is run,\nwritten or spent.\n",
	.example =
	    "  fo policy explain --principal build-bot --service sshd"
	    " --account deploy\n"
	    "  fo policy explain --principal build-bot --channel command"
	    " --shell 'rm -fr /'\n",
	.exits =
	    "  0  allowed\n"
	    "  1  not allowed, or there is no such principal\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: the store cannot be read\n",
	.options = options,
	.max_operands = -1,
	.store = true,
	.json = true,
	.run = run,
};
