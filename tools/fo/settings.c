/*
 * Editing JSON that others wrote: members keep their order, and what we do not
 * know stays.
 */
#include "settings.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/diag.h"

#define COMMAND_MAX_BYTES 20000
/* Of a path, what no shell reads in another way. */
#define PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
	"0123456789/._+-"

static const char *const claude_events[] = { "PreToolUse", NULL };
static const char *const cursor_events[] = { "beforeShellExecution",
	"beforeMCPExecution", "beforeReadFile", "afterFileEdit", NULL };

static const char *const *
events_of(enum settings_of whose)
{
	return whose == SETTINGS_CLAUDE ? claude_events : cursor_events;
}

/* ---- our hook ----------------------------------------------------------- */

/* Cursor gives it to a shell. */
static fo_err
shell_command(const char *program, char **ret_command)
{
	struct fo_buf buf;

	fo_buf_init(&buf, COMMAND_MAX_BYTES);
	if (program[strspn(program, PLAIN)] == '\0') {
		fo_buf_adds(&buf, program);
	} else {
		fo_buf_adds(&buf, "'");
		for (const char *c = program; *c != '\0'; c++)
			fo_buf_add(&buf, *c == '\'' ? "'\\''" : c,
			    *c == '\'' ? 4 : 1);
		fo_buf_adds(&buf, "'");
	}
	fo_buf_adds(&buf, " hook cursor");
	return fo_buf_take(&buf, ret_command);
}

static json_t *
new_hook(enum settings_of whose, const char *program)
{
	char *command = NULL;
	json_t *hook;

	if (whose == SETTINGS_CLAUDE)
		return json_pack("{s:s, s:[{s:s, s:s, s:[s,s], s:i, s:s}]}",
		    "matcher", "*", "hooks",
		    "type", "command", "command", program,
		    "args", "hook", "claude",
		    "timeout", 10, "onFailure", "block");
	if (shell_command(program, &command) != FO_OK)
		return NULL;
	hook = json_pack("{s:s, s:b}", "command", command, "failClosed", 1);
	free(command);
	return hook;
}

static bool
ends_with(const char *text, const char *end)
{
	const size_t n = text != NULL ? strlen(text) : 0;

	return n >= strlen(end) && strcmp(text + n - strlen(end), end) == 0;
}

/* One command of a coding agent's that is ours, of whatever version. */
static bool
is_ours(enum settings_of whose, const json_t *command)
{
	const char *program = json_string_value(json_object_get(command,
	    "command"));
	const char *verb = json_string_value(json_array_get(
	    json_object_get(command, "args"), 0));

	if (whose == SETTINGS_CURSOR)
		return ends_with(program, "/fo hook cursor") ||
		    ends_with(program, "/fo' hook cursor");
	return (ends_with(program, "/fo") && verb != NULL &&
	    strcmp(verb, "hook") == 0) || ends_with(program, "/fo hook claude");
}

/* ---- in and out --------------------------------------------------------- */

static size_t
remove_commands(enum settings_of whose, json_t *list)
{
	size_t i = json_array_size(list), removed = 0;

	while (i-- > 0)
		if (is_ours(whose, json_array_get(list, i)) &&
		    json_array_remove(list, i) == 0)
			removed++;

	return removed;
}

/* Claude Code has lists in its list; one that was ours alone goes, too. */
static size_t
remove_entries(json_t *list)
{
	size_t i = json_array_size(list), removed = 0, n;

	while (i-- > 0) {
		json_t *commands = json_object_get(json_array_get(list, i),
		    "hooks");

		n = remove_commands(SETTINGS_CLAUDE, commands);
		if (n > 0 && json_array_size(commands) == 0)
			(void)json_array_remove(list, i);
		removed += n;
	}

	return removed;
}

/* What is empty now for want of ours is taken out. How many there were. */
static size_t
take_out(enum settings_of whose, json_t *settings)
{
	json_t *hooks = json_object_get(settings, "hooks");
	size_t removed = 0;

	for (size_t i = 0; events_of(whose)[i] != NULL; i++) {
		const char *event = events_of(whose)[i];
		json_t *list = json_object_get(hooks, event);
		const size_t n = whose == SETTINGS_CURSOR ?
		    remove_commands(whose, list) : remove_entries(list);

		if (n > 0 && json_array_size(list) == 0)
			(void)json_object_del(hooks, event);
		removed += n;
	}
	if (removed > 0 && json_object_size(hooks) == 0)
		(void)json_object_del(settings, "hooks");

	return removed;
}

/* The member of that name, made if there is none. NULL: it is another kind. */
static json_t *
member(json_t *object, const char *name, json_t *fresh)
{
	json_t *there = json_object_get(object, name);

	if (there == NULL && json_object_set(object, name, fresh) == 0)
		there = fresh;
	if (there != NULL && json_typeof(there) != json_typeof(fresh))
		there = NULL;
	json_decref(fresh);
	return there;
}

static bool
put_in(enum settings_of whose, json_t *settings, const char *program)
{
	json_t *hooks;

	if (whose == SETTINGS_CURSOR &&
	    member(settings, "version", json_integer(1)) == NULL)
		return false;
	if ((hooks = member(settings, "hooks", json_object())) == NULL)
		return false;
	for (size_t i = 0; events_of(whose)[i] != NULL; i++) {
		json_t *list = member(hooks, events_of(whose)[i],
		    json_array());

		if (list == NULL || json_array_append_new(list,
		    new_hook(whose, program)) != 0)
			return false;
	}

	return true;
}

/* ---- as text ------------------------------------------------------------ */

static json_t *
parse(const char *text, size_t len, struct fo_diag *diag)
{
	json_error_t error;
	json_t *settings = text == NULL ? json_object() :
	    json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);

	if (settings != NULL && json_is_object(settings) &&
	    (json_object_get(settings, "hooks") == NULL ||
	    json_is_object(json_object_get(settings, "hooks"))))
		return settings;
	if (settings == NULL && text != NULL)
		fo_diag_set(diag, "line %d: %s", error.line, error.text);
	else
		fo_diag_set(diag, "no settings that are known: \"hooks\" has"
		    " to be an object");
	json_decref(settings);
	return NULL;
}

/* Is anything left, but what we put there ourselves? */
static bool
is_empty(enum settings_of whose, const json_t *settings)
{
	return json_object_size(settings) == (whose == SETTINGS_CURSOR &&
	    json_object_get(settings, "version") != NULL ? 1 : 0);
}

/* Its text, with so many digits in each number that has a fraction. */
static fo_err
dump(const json_t *settings, int precision, char **ret_text)
{
	const size_t flags = JSON_INDENT(2) |
	    JSON_REAL_PRECISION((size_t)precision);
	const size_t len = json_dumpb(settings, NULL, 0, flags);
	char *text;

	if (len == 0 || (text = malloc(len + 2)) == NULL)
		return FO_ERR_NOMEM;
	if (json_dumpb(settings, text, len, flags) != len) {
		free(text);
		return FO_ERR_NOMEM;
	}
	text[len] = '\n';
	text[len + 1] = '\0';

	*ret_text = text;
	return FO_OK;
}

/* 0.1 stays 0.1 where fewer digits say the same. */
static fo_err
write_text(json_t *settings, char **ret_text)
{
	json_t *again;
	char *text = NULL;
	bool same;
	fo_err r;

	if ((r = dump(settings, 15, &text)) != FO_OK)
		return r;
	again = json_loads(text, 0, NULL);
	same = again != NULL && json_equal(again, settings);
	json_decref(again);
	if (!same) {
		free(text);
		return dump(settings, 17, ret_text);
	}

	*ret_text = text;
	return FO_OK;
}

fo_err
settings_edit(enum settings_of whose, const char *text, size_t len,
    const char *program, struct fo_diag *diag, char **ret_text)
{
	json_t *settings = parse(text, len, diag);
	fo_err r = FO_OK;

	if (settings == NULL)
		return FO_ERR_FORMAT;
	(void)take_out(whose, settings);
	if (program != NULL && !put_in(whose, settings, program)) {
		fo_diag_set(diag, "a member of \"hooks\" is not the list that"
		    " it should be");
		r = FO_ERR_FORMAT;
	} else if (program == NULL && is_empty(whose, settings)) {
		*ret_text = NULL;
	} else {
		r = write_text(settings, ret_text);
	}
	json_decref(settings);
	return r;
}

/* ---- looking ------------------------------------------------------------ */

/* Is it there for each event? */
static bool
is_whole(enum settings_of whose, const json_t *settings, const json_t *want)
{
	const json_t *hooks = json_object_get(settings, "hooks");
	bool all = true;

	for (size_t i = 0; all && events_of(whose)[i] != NULL; i++) {
		const json_t *list = json_object_get(hooks,
		    events_of(whose)[i]);

		all = false;
		for (size_t k = 0; k < json_array_size(list); k++)
			all = all || json_equal(json_array_get(list, k),
			    want);
	}

	return all;
}

/* Once for each event, and nothing of ours beside it. */
static enum settings_state
judge(enum settings_of whose, json_t *settings, const json_t *want)
{
	const bool off = whose == SETTINGS_CLAUDE && json_is_true(
	    json_object_get(settings, "disableAllHooks"));
	const bool whole = is_whole(whose, settings, want);
	size_t events = 0, ours;

	while (events_of(whose)[events] != NULL)
		events++;
	ours = take_out(whose, settings);
	if (ours == 0)
		return SETTINGS_WITHOUT;
	if (!whole || ours != events)
		return SETTINGS_OTHER;

	return off ? SETTINGS_OFF : SETTINGS_WITH;
}

fo_err
settings_look(enum settings_of whose, const char *text, size_t len,
    const char *program, struct fo_diag *diag,
    enum settings_state *ret_state)
{
	json_t *settings = parse(text, len, diag), *want;

	if (settings == NULL)
		return FO_ERR_FORMAT;
	if ((want = new_hook(whose, program)) == NULL) {
		json_decref(settings);
		return FO_ERR_NOMEM;
	}
	*ret_state = judge(whose, settings, want);
	json_decref(want);
	json_decref(settings);

	return FO_OK;
}
