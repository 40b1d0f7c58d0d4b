/*
 * fo policy test: a file of cases, each an action and what is to come of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/wipe.h"
#include "host/node.h"

#include "action.h"
#include "admin.h"
#include "file.h"
#include "json.h"
#include "out.h"
#include "principal.h"
#include "verb.h"

static const char *const file_keys[] = { "version", "cases", NULL };
static const char *const case_keys[] = { "case", "principal", "channel",
	"service", "account", "source", "at", "shell", "words", "cwd", "path",
	"tool", "method", "url", "expect", "rule", NULL };

/* In the order of FO_EFFECT_*. */
static const char *const outcomes[] = { "deny", "ask", "allow", NULL };

/* How one case went. */
struct result {
	const char *name;
	const char *expect;
	const char *rule;	/* the rule that must decide, or NULL */
	const char *got;
	char decided[2 * FO_NAME_MAX + 2]; /* by this rule; "" by none */
	bool good;
};

struct tests {
	const struct admin *admin;
	struct principals all;
	size_t passed;
	size_t failed;
	struct json *list;	/* NULL for people */
};

static const struct fo_principal *
find(const struct tests *tests, const char *word)
{
	size_t i;

	for (i = 0; word != NULL && i < tests->all.count; i++)
		if (strcmp(tests->all.list[i]->name, word) == 0 ||
		    strcmp(tests->all.list[i]->id, word) == 0)
			return tests->all.list[i];

	return NULL;
}

/* ---- one case -------------------------------------------------------- */

static void
read_texts(struct fo_reader *rd, const struct fo_node *node, char **words,
    struct action_text *ret)
{
	ret->channel = fo_reader_text(rd, node, "channel", false);
	ret->service = fo_reader_text(rd, node, "service", false);
	ret->account = fo_reader_text(rd, node, "account", false);
	ret->source = fo_reader_text(rd, node, "source", false);
	ret->at = fo_reader_text(rd, node, "at", false);
	ret->shell = fo_reader_text(rd, node, "shell", false);
	ret->cwd = fo_reader_text(rd, node, "cwd", false);
	ret->path = fo_reader_text(rd, node, "path", false);
	ret->tool = fo_reader_text(rd, node, "tool", false);
	ret->method = fo_reader_text(rd, node, "method", false);
	ret->url = fo_reader_text(rd, node, "url", false);
	if (fo_node_get(node, "words") != NULL)
		ret->argv = (const char *const *)words;
}

/* Ask, and compare; trouble with the store or the case goes to rd. */
static void
try(struct tests *tests, struct fo_reader *rd, const struct fo_node *node,
    const struct fo_principal *principal, const struct action_text *text,
    struct result *result)
{
	struct answer answer = { 0 };
	struct action action = { 0 };
	struct fo_diag diag = { "" };
	fo_err r;

	r = action_read(text, tests->admin->config->host, tests->admin->now,
	    &diag, &action);
	if (r == FO_OK)
		r = action_ask(tests->admin->store, principal, &action.of,
		    &diag, &answer);
	if (r != FO_OK) {
		fo_reader_fail(rd, node->line, "%s", diag.text[0] != '\0' ?
		    diag.text : fo_err_text(r));
	} else {
		result->got = answer_word(&answer);
		if (answer.verdict.rule != NULL)
			snprintf(result->decided, sizeof(result->decided),
			    "%s/%s", answer.verdict.policy,
			    answer.verdict.rule);
		result->good = strcmp(result->got, result->expect) == 0 &&
		    (result->rule == NULL ||
		    strcmp(result->rule, result->decided) == 0);
	}
	answer_clear(&answer);
	action_clear(&action);
}

static void
report(struct tests *tests, const struct result *result)
{
	struct json *one;

	tests->passed += result->good;
	tests->failed += !result->good;
	if (tests->admin->call->json) {
		one = json_object_new();
		json_text(one, "case", result->name);
		json_flag(one, "ok", result->good);
		json_text(one, "expect", result->expect);
		json_text(one, "got", result->got);
		json_text(one, "rule", result->decided[0] != '\0' ?
		    result->decided : NULL);
		json_append(tests->list, &one);
		return;
	}
	printf("%-4s  %s", result->good ? "ok" : "FAIL", result->name);
	if (!result->good)
		printf(": expected %s%s%s, is %s%s%s", result->expect,
		    result->rule != NULL ? " by " : "",
		    result->rule != NULL ? result->rule : "", result->got,
		    result->decided[0] != '\0' ? " by " : ", no rule",
		    result->decided);
	printf("\n");
}

static void
run_case(struct tests *tests, struct fo_reader *rd,
    const struct fo_node *node)
{
	const struct fo_principal *principal;
	struct action_text text = { NULL };
	struct result result = { .got = "" };
	const char *who;
	char **words = NULL;

	fo_reader_map(rd, node, case_keys);
	result.name = fo_reader_text(rd, node, "case", true);
	who = fo_reader_text(rd, node, "principal", true);
	result.rule = fo_reader_text(rd, node, "rule", false);
	result.expect = outcomes[fo_reader_word(rd, node, "expect",
	    outcomes)];
	words = fo_reader_texts(rd, node, "words", NULL, "a word");
	read_texts(rd, node, words, &text);
	if (rd->err == FO_OK && (principal = find(tests, who)) == NULL)
		fo_reader_fail(rd, node->line, "there is no principal"
		    " '%.64s'; fo agent list and fo human list show all of"
		    " them", who);
	if (rd->err == FO_OK)
		try(tests, rd, node, principal, &text, &result);
	if (rd->err == FO_OK)
		report(tests, &result);
	fo_texts_free(&words);
}

/* ---- all of them ----------------------------------------------------- */

static fo_err
run_file(struct tests *tests, const char *path, const char *text, size_t len,
    struct fo_diag *diag)
{
	struct fo_reader rd = { .name = path, .diag = diag, .err = FO_OK };
	const struct fo_node *list;
	struct fo_node *root = NULL;
	size_t i;
	fo_err r;

	if ((r = fo_node_parse(path, text, len, diag, &root)) != FO_OK)
		return r;
	fo_reader_version(&rd, root);
	fo_reader_map(&rd, root, file_keys);
	list = fo_reader_list(&rd, root, "cases", true);
	for (i = 0; rd.err == FO_OK && i < list->count; i++)
		run_case(tests, &rd, list->items[i]);
	fo_node_free(&root);

	return rd.err;
}

static int
finish(struct tests *tests)
{
	struct json *json;

	if (tests->admin->call->json) {
		json = json_object_new();
		json_flag(json, "ok", tests->failed == 0);
		json_number(json, "passed", (int64_t)tests->passed);
		json_number(json, "failed", (int64_t)tests->failed);
		json_put(json, "cases", &tests->list);
		if (json_print(&json) != FO_EXIT_DONE)
			return FO_EXIT_TROUBLE;
	} else {
		printf("%zu passed, %zu failed\n", tests->passed,
		    tests->failed);
	}

	return tests->failed == 0 ? FO_EXIT_DONE : FO_EXIT_DENIED;
}

static int
test(struct tests *tests)
{
	const struct call *call = tests->admin->call;
	struct fo_diag diag = { "" };
	char *text = NULL;
	size_t len = 0;
	int code;
	fo_err r;

	r = file_read(call->argv[0], FO_FILE_MAX_BYTES, &diag, &text, &len);
	if (r == FO_OK)
		r = principals_load(tests->admin, PRINCIPALS_ALL, &diag,
		    &tests->all);
	if (r == FO_OK)
		r = run_file(tests, call->argv[0], text, len, &diag);
	if (r == FO_OK)
		code = finish(tests);
	else if (r == FO_ERR_FORMAT)
		code = fail(call, FO_EXIT_USAGE, r, "%s", diag.text);
	else
		code = fail_err(call, r, &diag, NULL);
	fo_wipe_free(&text, len);
	principals_clear(&tests->all);

	return code;
}

static int
run(const struct call *call)
{
	struct tests tests = { 0 };
	struct admin admin;
	int code;

	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE) {
		tests.admin = &admin;
		tests.list = call->json ? json_list_new() : NULL;
		code = test(&tests);
	}
	json_free(&tests.list);
	admin_close(&admin);

	return code;
}

const struct verb verb_policy_test = {
	.name = "policy test",
	.synopsis = "FILE [--json]",
	.summary = "Try policies on a file of cases",
	.text =
	    "Weigh each case of a YAML file as fo policy explain does, and"
	    " compare. A case names\na principal, a channel and what that"
	    " channel asks about, then what is to come of\nit: expect, and if"
	    " you like the rule that must decide, as policy/rule. The file is"
	    "\nread as the store's are, and ends with \"...\":\n\n"
	    "  ---\n"
	    "  version: 1\n"
	    "  cases:\n"
	    "    - case: build-bot logs in from the office\n"
	    "      principal: build-bot\n"
	    "      channel: login\n"
	    "      service: sshd\n"
	    "      account: deploy\n"
	    "      source: 10.2.3.4\n"
	    "      expect: allow\n"
	    "      rule: deployers/ssh-to-web\n"
	    "    - case: nobody wipes the disk\n"
	    "      principal: build-bot\n"
	    "      channel: command\n"
	    "      shell: rm  -rf   /\n"
	    "      expect: deny\n"
	    "  ...\n",
	.example = "  fo policy test /etc/firstops/cases.yaml\n",
	.exits =
	    "  0  every case came out as expected\n"
	    "  1  at least one did not\n"
	    "  2  the command line or the file cannot be understood\n"
	    "  3  trouble: the store or the file cannot be read\n",
	.min_operands = 1,
	.max_operands = 1,
	.store = true,
	.json = true,
	.run = run,
};
