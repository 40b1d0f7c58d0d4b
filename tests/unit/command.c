/*
 * Each command of the table has the answers that it states, and what cannot
 * be a command is refused.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <jansson.h>

#include "host/command.h"

/* Fewer would mean that the file is not the one that was made. */
#define CASES_MIN 1200
#define ARGV_MAX 16

static json_t *
load(void)
{
	json_error_t error;
	json_t *list = json_load_file(TEST_VECTORS "/commands.json",
	    JSON_REJECT_DUPLICATES, &error);

	cr_assert_not_null(list, "%s, line %d", error.text, error.line);
	cr_assert_geq(json_array_size(list), CASES_MIN);
	return list;
}

static bool
answer(const json_t *test, const char *name)
{
	const json_t *value = json_object_get(test, name);

	cr_assert(json_is_boolean(value), "%s", name);
	return json_is_true(value);
}

static const char *
text(const json_t *test, const char *name)
{
	return json_string_value(json_object_get(test, name));
}

static struct fo_command *
command_of(const json_t *test)
{
	const json_t *words = json_object_get(test, "argv");
	const char *argv[ARGV_MAX + 1] = { NULL };
	struct fo_command *command = NULL;
	size_t i, count = json_array_size(words);
	fo_err r;

	cr_assert_leq(count, ARGV_MAX);
	for (i = 0; i < count; i++)
		argv[i] = json_string_value(json_array_get(words, i));
	if (words != NULL)
		r = fo_command_from_argv(argv, text(test, "cwd"), &command);
	else
		r = fo_command_from_shell(text(test, "shell"),
		    text(test, "cwd"), &command);
	cr_assert_eq(r, FO_OK, "%s", text(test, "id"));
	return command;
}

Test(command, each_case_of_the_table_has_the_stated_answers)
{
	json_t *list = load(), *test;
	struct fo_command *command;
	const char *pattern, *shell;
	size_t i;

	json_array_foreach(list, i, test) {
		command = command_of(test);
		pattern = text(test, "pattern");
		shell = text(test, "shell");
		cr_expect_eq(fo_command_meets(pattern, command),
		    answer(test, "meets"), "%s: '%s' meets '%.80s'",
		    text(test, "id"), pattern, shell);
		cr_expect_eq(fo_command_is(pattern, command),
		    answer(test, "is"), "%s: '%s' is '%.80s'",
		    text(test, "id"), pattern, shell);
		fo_command_free(&command);
		cr_expect_null(command);
	}
	json_decref(list);
}

Test(command, bytes_that_are_no_text_are_never_exact)
{
	static const char *const texts[] = {
		"/bin/echo \xff", "/bin/echo '\xff'", "/bin/echo \"\xc0\x80\"",
		"/bin/echo \xed\xa0\x80", "/bin/echo \xe2\x80",
	};
	struct fo_command *command = NULL;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cr_assert_eq(fo_command_from_shell(texts[i], "/", &command),
		    FO_OK);
		cr_expect_not(fo_command_is("/bin/echo *", command), "%s",
		    texts[i]);
		cr_expect(fo_command_meets("echo /etc/shadow", command), "%s",
		    texts[i]);
		fo_command_free(&command);
	}
}

Test(command, refuses_what_is_no_command)
{
	static const char *const none[] = { NULL }, *const ls[] = { "ls",
		NULL };
	struct fo_command *command = NULL;
	char *deep = malloc(PATH_MAX + 1);

	cr_assert_not_null(deep);
	memset(deep, '/', PATH_MAX);
	deep[PATH_MAX] = '\0';
	cr_expect_eq(fo_command_from_argv(NULL, "/", &command), FO_ERR_ARG);
	cr_expect_eq(fo_command_from_argv(none, "/", &command), FO_ERR_ARG);
	cr_expect_eq(fo_command_from_argv(ls, "home", &command), FO_ERR_ARG);
	cr_expect_eq(fo_command_from_argv(ls, deep, &command),
	    FO_ERR_TOO_LONG);
	cr_expect_eq(fo_command_from_shell(NULL, "/", &command), FO_ERR_ARG);
	cr_expect_eq(fo_command_from_shell("ls", "", &command), FO_ERR_ARG);
	cr_expect_null(command);
	fo_command_free(&command);
	fo_command_free(NULL);
	free(deep);
}

/* Each of these would take long if it were read more than a few times. */
Test(command, long_and_deep_texts_end, .timeout = 60)
{
	static const char *const parts[] = { "$((", "((", "`", "${x:-", "(",
		"sudo --x ", "a[", "=", "$(<<E\n", "[[ ", "case x in x) ",
		"for x in $(", "rm ", "a=(", "b=($((",
		"\\`", "{a,", "'\"", "sh -c ", "$($((", "find -exec ", "</x ",
		"tmux 'a b' </y ", "ls </x;", "docker exec ", "git foreach ",
		"[[ a || ", "$(( ${x} $(", "a[$", "bash -o " };
	char *text = malloc(65000), *end;
	struct fo_command *command = NULL;
	size_t i, len;

	cr_assert_not_null(text);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		len = strlen(parts[i]);
		end = text;
		while (end + len < text + 64999) {
			memcpy(end, parts[i], len);
			end += len;
		}
		*end = '\0';
		cr_assert_eq(fo_command_from_shell(text, "/", &command),
		    FO_OK);
		(void)fo_command_meets("rm -rf / /etc/* a b c d e", command);
		fo_command_free(&command);
	}
	free(text);
}
