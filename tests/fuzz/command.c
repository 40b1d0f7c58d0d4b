/*
 * Commands: what is exact is met as well, everything meets '*', and the words
 * of a text that is plain mean the same without a shell.
 */
#include "fuzz.h"

#include <string.h>

#include "host/command.h"
#include "host/shell.h"

#define WORDS_MAX 64

/* The words of a plain text, as execve() would take them. */
static void
check_plain(const struct fo_shell *shell, const char *pattern,
    const char *cwd, const struct fo_command *command)
{
	const struct fo_simple *simple = shell->commands;
	const char *argv[WORDS_MAX + 1] = { NULL };
	struct fo_command *same = NULL;

	if (!shell->plain || simple->count > WORDS_MAX)
		return;
	for (size_t i = 0; i < simple->count; i++)
		argv[i] = simple->words[i].text;
	if (!fuzz_worked(fo_command_from_argv(argv, cwd, &same)))
		return;
	NEED(fo_command_is(pattern, same) == fo_command_is(pattern, command));
	NEED(fo_command_meets(pattern, same) ==
	    fo_command_meets(pattern, command));
	fo_command_free(&same);
}

static void
check_shell(const struct fo_shell *shell)
{
	for (size_t i = 0; i < shell->count; i++) {
		NEED(shell->commands[i].count > 0);
		for (size_t k = 0; k < shell->commands[i].count; k++)
			NEED(shell->commands[i].words[k].text != NULL);
	}
	NEED(!shell->plain || (shell->count == 1 && !shell->opaque &&
	    !shell->commands[0].has_env));
}

void
fuzz_on_command(const uint8_t *data, size_t size)
{
	struct fo_command *command = NULL;
	struct fo_shell *shell = NULL;
	struct fuzz_fields in;
	const char *pattern, *cwd;

	fuzz_fields_split(data, size, 3, &in);
	pattern = in.text[0];
	cwd = in.text[1][0] == '/' && strlen(in.text[1]) < 4096 ?
	    in.text[1] : NULL;
	if (fuzz_worked(fo_command_from_shell(in.text[2], cwd, &command)) &&
	    fuzz_worked(fo_shell_parse(in.text[2], &shell))) {
		check_shell(shell);
		if (fo_command_is(pattern, command))
			NEED(fo_command_meets(pattern, command));
		if (shell->count > 0 || shell->opaque)
			NEED(fo_command_meets("*", command));
		check_plain(shell, pattern, cwd, command);
	}
	fo_shell_free(&shell);
	fo_command_free(&command);
	fuzz_fields_clear(&in);
}
