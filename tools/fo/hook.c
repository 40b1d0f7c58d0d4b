/*
 * fo hook: what a coding agent is about to do, decided before it does it.
 *
 * These agents take a hook that fails in most ways for a yes. So every way out
 * of here that is not a decision ends with exit code 2 and a reason on
 * standard error, which blocks.
 */
#include "hook.h"

#include <sys/time.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/safeopen.h"
#include "base/wipe.h"

#include "consult.h"
#include "json.h"
#include "out.h"
#include "verb.h"

#define INPUT_MAX_BYTES ((size_t)8 * 1024 * 1024)
#define CHUNK 65536
/*
 * What is waited for has an end while there is time yet to tell of it: the
 * input, then the key, which has what the input left. The deadline is for what
 * nobody thought of.
 */
#define INPUT_MS 1000
#define KEY_MS 1700
#define DEADLINE_S 2
#define REASON_SIZE (FO_DIAG_SIZE + 256)
#define PATH_MAX_BYTES 8192

enum { OPT_OPEN, OPT_APPROVE };

#define OPEN_OPTION							\
	{ "fail-open", NULL, "go on where the store or this host fails;" \
	    " the event says so" }

static const struct verb_option claude_options[] = {
	[OPT_OPEN] = OPEN_OPTION,
	[OPT_APPROVE] = { "approve", NULL, "what a policy allows, the coding"
	    " agent does not ask about" },
	{ NULL, NULL, NULL }
};
static const struct verb_option cursor_options[] = {
	[OPT_OPEN] = OPEN_OPTION,
	{ NULL, NULL, NULL }
};

/* ---- what they are about to do ------------------------------------------ */

/* How a tool of Claude Code is asked about, by its name. */
static const struct {
	const char *tool;
	const char *channel;
	const char *act;
	const char *input;	/* the member of tool_input that says what */
	bool here;		/* without it, the working folder */
} claudes[] = {
	{ "Bash", "command", "command", "command", false },
	{ "Read", "file", "read", "file_path", false },
	{ "NotebookRead", "file", "read", "notebook_path", false },
	{ "Grep", "file", "read", "path", true },
	{ "Glob", "file", "read", "path", true },
	{ "LS", "file", "read", "path", true },
	{ "Write", "file", "write", "file_path", false },
	{ "Edit", "file", "write", "file_path", false },
	{ "MultiEdit", "file", "write", "file_path", false },
	{ "NotebookEdit", "file", "write", "notebook_path", false },
	{ "WebFetch", "http", "fetch", "url", false },
};

/* In other modes nobody is asked: Claude Code goes on by itself. */
static const char *const asking_modes[] = { "default", "plan", "acceptEdits" };

/* The same of Cursor's events. */
static const struct {
	const char *event;
	const char *channel;
	const char *act;
	const char *input;
	bool asks;
	bool past;
} cursors[] = {
	{ "beforeShellExecution", "command", "command", "command", true,
	    false },
	{ "beforeMCPExecution", "tool", "tool", "tool_name", true, false },
	{ "beforeReadFile", "file", "read", "file_path", false, false },
	{ "afterFileEdit", "file", "wrote", "file_path", false, true },
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

/* An empty one says nothing, as none does. */
static const char *
folder_of(const struct json *input)
{
	const char *cwd = json_get(input, NULL, "cwd");

	return cwd != NULL && cwd[0] != '\0' ? cwd : NULL;
}

static const char *
home_folder(void)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if ((home == NULL || home[0] == '\0') &&
	    (pw = getpwuid(getuid())) != NULL)
		home = pw->pw_dir;
	return home != NULL && home[0] == '/' ? home : NULL;
}

/* Claude Code reads "~" and "~/x" as a shell would, and this has to as well. */
static void
expand_home(struct question *question)
{
	const char *path = question->action.path, *home = home_folder();
	struct fo_buf buf;

	if (path == NULL || path[0] != '~' || (path[1] != '/' &&
	    path[1] != '\0'))
		return;
	if (home == NULL) {
		misread(question, "a path begins with ~, and there is no HOME");
		return;
	}
	fo_buf_init(&buf, PATH_MAX_BYTES);
	fo_buf_addf(&buf, "%s%s", home, path + 1);
	question->trouble = fo_buf_take(&buf, &question->made);
	question->action.path = question->made;
}

void
hook_read_claude(const struct json *input, struct question *question)
{
	const char *tool = json_get(input, NULL, "tool_name");
	const char *mode = json_get(input, NULL, "permission_mode");
	const size_t modes = sizeof(asking_modes) / sizeof(asking_modes[0]);

	question->service = "claude";
	question->action.cwd = folder_of(input);
	for (size_t i = 0; mode != NULL && i < modes; i++)
		question->asks = question->asks ||
		    strcmp(mode, asking_modes[i]) == 0;
	for (size_t i = 0; tool != NULL &&
	    i < sizeof(claudes) / sizeof(claudes[0]); i++) {
		if (strcmp(tool, claudes[i].tool) != 0)
			continue;
		question->act = claudes[i].act;
		set_what(question, claudes[i].channel, claudes[i].here &&
		    !json_has(input, "tool_input", claudes[i].input) ?
		    question->action.cwd :
		    json_get(input, "tool_input", claudes[i].input));
		expand_home(question);
		return;
	}
	/* any other, mcp__SERVER__TOOL too, by its name */
	question->act = "tool";
	set_what(question, "tool", tool);
}

/*
 * An MCP server may give its tool any name, and Cursor does not say whose it
 * is: a prefix keeps it from being taken for a tool of Claude Code's, or of a
 * server that a rule trusts.
 */
static const char *
cursors_tool(const struct json *input, struct question *question)
{
	const char *name = json_get(input, NULL, "tool_name");

	if (name == NULL ||
	    asprintf(&question->made, "mcp__cursor__%s", name) == -1)
		question->made = NULL;
	return question->made;
}

void
hook_read_cursor(const struct json *input, struct question *question)
{
	const char *event = json_get(input, NULL, "hook_event_name");

	question->service = "cursor";
	question->action.cwd = folder_of(input);
	for (size_t i = 0; event != NULL &&
	    i < sizeof(cursors) / sizeof(cursors[0]); i++) {
		if (strcmp(event, cursors[i].event) != 0)
			continue;
		question->act = cursors[i].act;
		question->asks = cursors[i].asks;
		question->past = cursors[i].past;
		set_what(question, cursors[i].channel,
		    strcmp(cursors[i].channel, "tool") == 0 ?
		    cursors_tool(input, question) :
		    json_get(input, NULL, cursors[i].input));
		return;
	}
	misread(question, "hook_event_name is none that is known");
}

/* ---- what they are told ------------------------------------------------- */

enum verdict { ALLOW, ASK, DENY };

static const char *const verdict_words[] = { "allow", "ask", "deny" };

static enum verdict
verdict_of(const struct fo_decision *decision)
{
	if (decision->why == FO_OK || decision->goes_on)
		return ALLOW;

	return decision->why == FO_ERR_ASK ? ASK : DENY;
}

/* What it is called by somebody who speaks UTF-8. */
static void
make_printable(char *text)
{
	char *quoted = json_quoted(text);

	for (; quoted == NULL && *text != '\0'; text++)
		if ((unsigned char)*text > '~')
			*text = '?';
	free(quoted);
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
	make_printable(reason);
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

/* ---- time, and descriptors ---------------------------------------------- */

static int64_t
monotonic_ms(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
		return INT64_MAX / 2; /* any time is over */
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Milliseconds until then, at least one: 0 would be no limit. */
static int
left_ms(int64_t end_ms)
{
	const int64_t now = monotonic_ms();

	return now < end_ms ? (int)(end_ms - now) : 1;
}

/* Whatever it is that holds us: nothing is told any more but this. */
static void
too_late(int signal)
{
	static const char words[] = "FirstOps: no decision within 2 seconds,"
	    " so it is refused\n";

	(void)signal;
	(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	_exit(FO_EXIT_BLOCK);
}

/* Whoever started us may have blocked the signal. */
static void
set_deadline(void)
{
	const struct itimerval limit = { .it_value = { DEADLINE_S, 0 } };
	struct sigaction action = { .sa_handler = too_late };
	sigset_t set;

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGALRM, &action, NULL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGALRM);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)setitimer(ITIMER_REAL, &limit, NULL);
	/* then writing fails, and that blocks */
	(void)signal(SIGXFSZ, SIG_IGN);
}

/*
 * No file of ours gets the number of a standard descriptor that is closed. What
 * stands in for it cannot be used: an answer that goes nowhere would be a yes.
 */
static bool
hold_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		int held = fd;

		if (fcntl(fd, F_GETFD) == -1)
			held = open("/dev/null", fd == 0 ? O_WRONLY :
			    O_RDONLY);
		if (held != fd)
			return false;
	}

	return true;
}

/* Standard input to its end, while there is time. */
static fo_err
read_input(int64_t end_ms, struct fo_diag *diag, char **ret_text,
    size_t *ret_len)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	char *chunk = malloc(CHUNK);
	struct fo_buf text;
	ssize_t n = -1;
	size_t len;
	fo_err r;

	if (chunk == NULL)
		return FO_ERR_NOMEM;
	fo_buf_init(&text, INPUT_MAX_BYTES);
	errno = ETIMEDOUT;
	while (text.err == FO_OK && monotonic_ms() < end_ms &&
	    poll(&in, 1, left_ms(end_ms)) == 1 &&
	    (n = fo_read_once(STDIN_FILENO, chunk, CHUNK)) > 0) {
		fo_buf_add(&text, chunk, (size_t)n);
		errno = ETIMEDOUT;
		n = -1;
	}
	len = text.len;
	r = text.err == FO_OK && n != 0 ? FO_ERR_IO :
	    fo_buf_take(&text, ret_text);
	if (r == FO_OK)
		*ret_len = len;
	else if (r == FO_ERR_TOO_LONG)
		fo_diag_set(diag, "the hook's input: longer than %zu bytes",
		    INPUT_MAX_BYTES);
	else
		fo_diag_set(diag, "the hook's input: %s", errno == ETIMEDOUT ?
		    "it does not end" : strerror(errno));
	fo_buf_clear(&text);
	fo_wipe_free(&chunk, CHUNK);
	return r;
}

/* ---- the whole ---------------------------------------------------------- */

static int
blocked(const char *reason)
{
	note("%s", reason);
	return FO_EXIT_BLOCK;
}

/* Its texts are in *ret_input. */
static void
read_question(void (*read)(const struct json *, struct question *),
    int64_t end_ms, struct question *question, struct json **ret_input)
{
	char *text = NULL;
	size_t len = 0;

	question->trouble = read_input(end_ms, &question->reason, &text, &len);
	if (question->trouble == FO_OK && (*ret_input = json_read(text, len,
	    &question->reason)) == NULL) {
		fo_diag_prefix(&question->reason, "the hook's input");
		question->trouble = FO_ERR_FORMAT;
	}
	if (*ret_input != NULL)
		read(*ret_input, question);
	fo_wipe_free(&text, len);
}

static int
hook(const struct call *call,
    void (*read)(const struct json *, struct question *),
    struct json *(*form)(enum verdict, const char *, bool))
{
	const int64_t start_ms = monotonic_ms();
	struct question question = {
		.service = call->verb->name + strlen("hook "),
		.instead = call->option[OPT_OPEN] != NULL ? "--fail-open" :
		    NULL };
	struct json *input = NULL, *answer;
	struct fo_decision decision;
	char reason[REASON_SIZE];
	enum verdict verdict;

	if (!hold_descriptors())
		return blocked("FirstOps: /dev/null cannot be opened");
	set_deadline();
	read_question(read, start_ms + INPUT_MS, &question, &input);
	question.limit_ms = left_ms(start_ms + KEY_MS);
	consult(call->config, &question, &decision);
	verdict = verdict_of(&decision);
	give_reason(&decision, reason);
	answer = form(verdict, reason, decision.why == FO_OK &&
	    call->option[OPT_APPROVE] != NULL);
	free(question.made);
	json_free(&input);
	if (json_print(&answer) != FO_EXIT_DONE)
		return blocked("FirstOps: the answer could not be written, so"
		    " it is refused");
	if (decision.goes_on)
		note("%s", reason);

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
	    " everything else,\nMCP tools too, as tool. Where a policy says"
	    " ask, and Claude Code runs in a mode in\nwhich it asks nobody, it"
	    " is denied. Whatever goes wrong blocks, after 2 seconds at\nthe"
	    " latest.\n\n"
	    "--fail-open goes on where the store cannot be read, or this host"
	    " fails in another\nway, but never without a key that signs, nor"
	    " with an input that cannot be read, nor\nwithout an event.\n",
	.example =
	    "  echo '{\"tool_name\":\"Bash\",\"tool_input\":"
	    "{\"command\":\"rm -rf /\"}}' |\n      fo hook claude\n",
	.exits = HOOK_EXITS,
	.options = claude_options,
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
	    " comes too late to refuse and is told\nto the log. Cursor asks"
	    " about commands and MCP tools alone: where a policy says ask\n"
	    "about a file, it is denied.\n",
	.example =
	    "  echo '{\"hook_event_name\":\"beforeShellExecution\","
	    "\"command\":\"ls\"}' |\n      fo hook cursor\n",
	.exits = HOOK_EXITS,
	.options = cursor_options,
	.store = true,
	.run = run_cursor,
};
