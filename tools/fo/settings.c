/*
 * Editing JSON that others wrote: members keep their order, and what we do not
 * know stays.
 */
#include "settings.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"

static const char *const claude_events[] = { "PreToolUse", NULL };
static const char *const cursor_events[] = { "beforeShellExecution",
	"beforeMCPExecution", "beforeReadFile", "afterFileEdit", NULL };

static const char *const *
events_of(enum settings_of whose)
{
	return whose == SETTINGS_CLAUDE ? claude_events : cursor_events;
}

/* ---- our hook ----------------------------------------------------------- */

static json_t *
new_hook(enum settings_of whose, const char *program)
{
	if (whose == SETTINGS_CURSOR)
		return json_pack("{s:s+, s:b}", "command", program,
		    " hook cursor", "failClosed", 1);
	return json_pack("{s:s, s:[{s:s, s:s, s:[s,s], s:i, s:s}]}",
	    "matcher", "*", "hooks",
	    "type", "command", "command", program, "args", "hook", "claude",
	    "timeout", 10, "onFailure", "block");
}

static bool
ends_with(const char *text, const char *end)
{
	const size_t n = text != NULL ? strlen(text) : 0;

	return n >= strlen(end) && strcmp(text + n - strlen(end), end) == 0;
}

/* One command of Claude Code's that is ours, of whatever version. */
static bool
is_our_command(const json_t *command)
{
	const char *program = json_string_value(json_object_get(command,
	    "command"));
	const char *verb = json_string_value(json_array_get(
	    json_object_get(command, "args"), 0));

	return (ends_with(program, "/fo") && verb != NULL &&
	    strcmp(verb, "hook") == 0) || ends_with(program, "/fo hook claude");
}

static bool
is_ours(enum settings_of whose, const json_t *entry)
{
	const json_t *commands = json_object_get(entry, "hooks");

	if (whose == SETTINGS_CURSOR)
		return ends_with(json_string_value(json_object_get(entry,
		    "command")), "/fo hook cursor");
	return json_array_size(commands) == 1 &&
	    is_our_command(json_array_get(commands, 0));
}

/* ---- in and out --------------------------------------------------------- */

static void
remove_ours(enum settings_of whose, json_t *list)
{
	size_t i = json_array_size(list);

	while (i-- > 0) {
		if (is_ours(whose, json_array_get(list, i)))
			(void)json_array_remove(list, i);
	}
}

/* Lists that are empty now are taken out, and what held them. */
static bool
take_out(enum settings_of whose, json_t *settings)
{
	json_t *hooks = json_object_get(settings, "hooks");

	for (size_t i = 0; events_of(whose)[i] != NULL; i++) {
		const char *event = events_of(whose)[i];
		json_t *list = json_object_get(hooks, event);

		if (list == NULL)
			continue;
		remove_ours(whose, list);
		if (json_array_size(list) == 0)
			(void)json_object_del(hooks, event);
	}
	if (json_object_size(hooks) == 0)
		(void)json_object_del(settings, "hooks");

	return true;
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
is_empty(const json_t *settings)
{
	return json_object_size(settings) ==
	    (json_object_get(settings, "version") != NULL ? 1 : 0);
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
	if (!take_out(whose, settings) ||
	    (program != NULL && !put_in(whose, settings, program))) {
		fo_diag_set(diag, "a member of \"hooks\" is not the list that"
		    " it should be");
		r = FO_ERR_FORMAT;
	} else if (program == NULL && is_empty(settings)) {
		*ret_text = NULL;
	} else {
		r = write_text(settings, ret_text);
	}
	json_decref(settings);
	return r;
}

bool
settings_have(enum settings_of whose, const char *text, size_t len,
    const char *program)
{
	json_t *settings = parse(text, len, NULL);
	json_t *hooks = json_object_get(settings, "hooks");
	json_t *want = new_hook(whose, program);
	bool all = want != NULL && hooks != NULL;

	for (size_t i = 0; all && events_of(whose)[i] != NULL; i++) {
		const json_t *list = json_object_get(hooks,
		    events_of(whose)[i]);
		bool there = false;

		for (size_t k = 0; k < json_array_size(list); k++)
			there = there || json_equal(json_array_get(list, k),
			    want);
		all = there;
	}
	json_decref(want);
	json_decref(settings);
	return all;
}
