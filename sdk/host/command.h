/*
 * Commands of the channel "command": what an agent is about to run, and
 * whether a rule's pattern speaks of it.
 *
 * A pattern is a line as in a policy: "rm -rf /", "git push --force *",
 * "/usr/bin/systemctl restart app". It is read in two ways, so that every
 * doubt speaks against the command: wide for deny and ask, exact for allow.
 *
 * Nothing is run, opened or resolved: paths are text, PATH is not searched,
 * links are not followed. See command.c for what is looked through.
 */
#ifndef FO_HOST_COMMAND_H
#define FO_HOST_COMMAND_H

#include <stdbool.h>

#include <firstops/error.h>

struct fo_command;

/*
 * A command as execve() takes it, or as a text for a POSIX shell or bash.
 *
 * argv  NULL-terminated, with at least the program; copied.
 * text  UTF-8; what cannot be understood is no error, but meets every
 *       pattern that it could meet, and is never exact.
 * cwd   absolute path of where it will run; NULL: not known.
 *
 * FO_ERR_ARG without a program or with a relative cwd; FO_ERR_TOO_LONG for a
 * cwd beyond PATH_MAX; FO_ERR_NOMEM.
 */
FO_MUST_CHECK fo_err fo_command_from_argv(const char *const *argv,
    const char *cwd, struct fo_command **ret_command);
FO_MUST_CHECK fo_err fo_command_from_shell(const char *text, const char *cwd,
    struct fo_command **ret_command);
void fo_command_free(struct fo_command **command);

/*
 * Wide, for deny and ask: may anything that the command runs, behind wrappers
 * and inside shell texts too, be what the pattern means? Program by name (by
 * path if the pattern has one), options in any order and spelling, each
 * operand of the pattern met by some operand.
 */
bool fo_command_meets(const char *pattern, const struct fo_command *command);

/*
 * Exact, for allow: is it one command of plain words with an absolute program,
 * and the same, word by word, as the pattern split at single spaces? '*' and
 * '?' stay within a word, and match none that has a ".." segment.
 */
bool fo_command_is(const char *pattern, const struct fo_command *command);

#endif
