/*
 * fo hook: what a coding agent is about to do, decided before it does it.
 *
 * These agents take a hook that fails in most ways for a yes. So every way out
 * of here that is not a decision ends with exit code 2 and a reason on
 * standard error, which blocks.
 */
#include "hook.h"

#include <sys/time.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/wipe.h"

#include "consult.h"
#include "file.h"
#include "json.h"
#include "out.h"
#include "verb.h"

#define INPUT_MAX_BYTES ((size_t)8 * 1024 * 1024)
#define DEADLINE_S 2
#define EXIT_BLOCK 2
#define REASON_SIZE (FO_DIAG_SIZE + 256)

enum { OPT_OPEN, OPT_APPROVE };

static const struct verb_option options[] = {
	[OPT_OPEN] = { "fail-open", NULL, "go on where no decision can be made;"
	    " the event says so" },
	[OPT_APPROVE] = { "approve", NULL, "what a policy allows, the coding"
	    " agent does not ask about" },
	{ NULL, NULL, NULL }
};

/* ---- what they are about to do ------------------------------------------ */

/* How a tool of Claude Code is asked about, by its name. */
static const struct {
	const char *tool;
	const char *channel;
	const char *act;
	const char *input;	/* the member of tool_input that says what */
} claudes[] = {
	{ "Bash", "command", "command", "command" },
	{ "Read", "file", "read", "file_path" },
	{ "NotebookRead", "file", "read", "notebook_path" },
	{ "Write", "file", "write", "file_path" },
	{ "Edit", "file", "write", "file_path" },
	{ "MultiEdit", "file", "write", "file_path" },
	{ "NotebookEdit", "file", "write", "notebook_path" },
	{ "WebFetch", "http", "fetch", "url" },
};

/* The same of Cursor's events; tool: the member has the tool's name. */
static const struct {
	const char *event;
	const char *channel;
	const char *act;
	const char *input;
} cursors[] = {
	{ "beforeShellExecution", "command", "command", "command" },
	{ "beforeReadFile", "file", "read", "file_path" },
	{ "afterFileEdit", "file", "write", "file_path" },
	{ "beforeMCPExecution", "tool", NULL, "tool_name" },
};

static void
misread(struct question *question, const char *what)
{
	question->trouble = FO_ERR_FORMAT;
	fo_diag_set(&question->reason, "the hook's input: %s", what);
}

/* Put what is asked into its place in the action. */
static void
set_what(struct question *question, const char *channel, const char *what)
{
	struct action_text *action = &question->action;

	action->channel = channel;
	question->what = what;
	if (what == NULL) {
		misread(question, "it does not say what is to be done");
	} else if (strcmp(channel, "command") == 0) {
		action->shell = what;
	} else if (strcmp(channel, "file") == 0) {
		action->path = what;
	} else if (strcmp(channel, "http") == 0) {
		action->url = what;
		action->method = "GET";
	} else {
		action->tool = what;
	}
}

void
hook_read_claude(const struct json *input, struct question *question)
{
	const char *tool = json_get(input, NULL, "tool_name");

	question->service = "claude";
	question->action.cwd = json_get(input, NULL, "cwd");
	for (size_t i = 0; tool != NULL &&
	    i < sizeof(claudes) / sizeof(claudes[0]); i++) {
		if (strcmp(tool, claudes[i].tool) != 0)
			continue;
		question->act = claudes[i].act;
		set_what(question, claudes[i].channel,
		    json_get(input, "tool_input", claudes[i].input));
		return;
	}
	/* any other, mcp__SERVER__TOOL too, by its name */
	question->act = "tool";
	set_what(question, "tool", tool);
}

void
hook_read_cursor(const struct json *input, struct question *question)
{
	const char *event = json_get(input, NULL, "hook_event_name");

	question->service = "cursor";
	question->action.cwd = json_get(input, NULL, "cwd");
	for (size_t i = 0; event != NULL &&
	    i < sizeof(cursors) / sizeof(cursors[0]); i++) {
		if (strcmp(event, cursors[i].event) != 0)
			continue;
		question->act = cursors[i].act != NULL ? cursors[i].act :
		    "tool";
		set_what(question, cursors[i].channel,
		    json_get(input, NULL, cursors[i].input));
		return;
	}
	question->act = "tool";
	misread(question, "hook_event_name is none that is known");
}

/* ---- what they are told ------------------------------------------------- */

enum verdict { ALLOW, ASK, DENY };

static const char *const verdict_words[] = { "allow", "ask", "deny" };

static enum verdict
verdict_of(const struct fo_decision *decision, bool fail_open)
{
	if (decision->why == FO_OK)
		return ALLOW;
	if (decision->why == FO_ERR_ASK)
		return ASK;
	return fail_open && decision->res == FO_RES_ERROR ? ALLOW : DENY;
}

static void
give_reason(const struct fo_decision *decision, char reason[REASON_SIZE])
{
	if (decision->why == FO_OK)
		(void)snprintf(reason, REASON_SIZE, "FirstOps: rule %s/%s"
		    " allows it", decision->policy, decision->rule);
	else
		(void)snprintf(reason, REASON_SIZE, "FirstOps: %s: %s (ref"
		    " %.8s)", fo_err_word(decision->why),
		    decision->diag.text[0] != '\0' ? decision->diag.text :
		    fo_err_text(decision->why), decision->sid);
}

/*
 * For Claude Code "allow" means that the person is not asked either, which a
 * policy of ours does not say unless --approve does: without a decision its
 * own permissions hold.
 */
static struct json *
claude_answer(enum verdict verdict, const char *reason, bool approve)
{
	struct json *answer = json_object_new(), *inner = json_object_new();

	json_text(inner, "hookEventName", "PreToolUse");
	if (verdict != ALLOW || approve) {
		json_text(inner, "permissionDecision",
		    verdict_words[verdict]);
		json_text(inner, "permissionDecisionReason", reason);
	}
	json_put(answer, "hookSpecificOutput", &inner);
	return answer;
}

static struct json *
cursor_answer(enum verdict verdict, const char *reason, bool approve)
{
	struct json *answer = json_object_new();

	(void)approve;
	json_text(answer, "permission", verdict_words[verdict]);
	if (verdict != ALLOW) {
		json_text(answer, "user_message", reason);
		json_text(answer, "agent_message", reason);
	}
	return answer;
}

/* ---- the whole ---------------------------------------------------------- */

static void
too_late(int signal)
{
	static const char words[] = "FirstOps: no decision within 2 seconds,"
	    " so it is refused\n";

	(void)signal;
	(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	_exit(EXIT_BLOCK);
}

static void
set_deadline(void)
{
	const struct itimerval limit = { .it_value = { DEADLINE_S, 0 } };
	struct sigaction action = { .sa_handler = too_late };

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGALRM, &action, NULL);
	(void)setitimer(ITIMER_REAL, &limit, NULL);
}

static int
blocked(const char *reason)
{
	note("%s", reason);
	return EXIT_BLOCK;
}

static int
hook(const struct call *call,
    void (*read)(const struct json *, struct question *),
    struct json *(*form)(enum verdict, const char *, bool))
{
	const bool open = call->option[OPT_OPEN] != NULL;
	struct question question = { .asks = true, .fail_open = open };
	char *text = NULL, reason[REASON_SIZE];
	struct fo_decision decision;
	struct json *input = NULL, *answer;
	enum verdict verdict;
	size_t len = 0;

	set_deadline();
	question.trouble = file_read("-", INPUT_MAX_BYTES, &question.reason,
	    &text, &len);
	if (question.trouble == FO_OK &&
	    (input = json_read(text, len, &question.reason)) == NULL)
		question.trouble = FO_ERR_FORMAT;
	if (input != NULL)
		read(input, &question);
	else
		question.service = call->verb->name + strlen("hook ");
	consult(call->config, &question, &decision);
	verdict = verdict_of(&decision, open);
	give_reason(&decision, reason);
	answer = form(verdict, reason, call->option[OPT_APPROVE] != NULL);
	json_free(&input);
	fo_wipe_free(&text, len);
	if (json_print(&answer) != FO_EXIT_DONE)
		return blocked("FirstOps: the answer could not be written, so"
		    " it is refused");

	/* what is no rule's no is said twice, for those who ignore one way */
	return verdict == DENY && decision.res == FO_RES_ERROR ?
	    blocked(reason) : FO_EXIT_DONE;
}

static int
run_claude(const struct call *call)
{
	return hook(call, hook_read_claude, claude_answer);
}

static int
run_cursor(const struct call *call)
{
	return hook(call, hook_read_cursor, cursor_answer);
}

#define HOOK_EXITS							\
	"  0  the decision is on standard output\n"			\
	"  2  it is blocked: no decision could be made, or written; the\n" \
	"     reason is on standard error\n"

const struct verb verb_hook_claude = {
	.name = "hook claude",
	.synopsis = "[--fail-open] [--approve]",
	.summary = "Decide what Claude Code is about to do",
	.text =
	    "Read a PreToolUse hook's JSON from standard input, decide by the"
	    " policies of the\nprincipal whose key signs here (the signer, or"
	    " FO_PRIVATE_KEY_PATH), emit the event,\nand answer in Claude"
	    " Code's own form. A command is asked about as channel command,\na"
	    " file that is read or written as file, a fetched page as http,"
	    " everything else,\nMCP tools too, as tool. Whatever goes wrong"
	    " blocks, after 2 seconds at the latest.\n",
	.example =
	    "  echo '{\"tool_name\":\"Bash\",\"tool_input\":"
	    "{\"command\":\"rm -rf /\"}}' |\n      fo hook claude\n",
	.exits = HOOK_EXITS,
	.options = options,
	.store = true,
	.run = run_claude,
};

const struct verb verb_hook_cursor = {
	.name = "hook cursor",
	.synopsis = "[--fail-open]",
	.summary = "Decide what Cursor is about to do",
	.text =
	    "As fo hook claude, for Cursor's beforeShellExecution,"
	    " beforeReadFile,\nbeforeMCPExecution and afterFileEdit, which"
	    " comes too late to refuse and is told\nto the log.\n",
	.example =
	    "  echo '{\"hook_event_name\":\"beforeShellExecution\","
	    "\"command\":\"ls\"}' |\n      fo hook cursor\n",
	.exits = HOOK_EXITS,
	.options = options,
	.store = true,
	.run = run_cursor,
};
