/*
 * Commands of the channel "command": how a pattern is compared with what a
 * command may run.
 */
#include "command.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "candidate.h"
#include "glob.h"
#include "names.h"
#include "shell.h"

/* A relative path after a working directory. */
#define PATH_SIZE (2 * PATH_MAX + 2)

/* Options that are the same, where the first letter does not say so. */
static const struct {
	const char *program;
	const char *letters;
	const char *longs;	/* "one two " */
} twins[] = {
	{ "rm", "rR", "recursive " },
	{ "cp", "rRa", "recursive archive " },
	{ "cp", "LP", "dereference no-dereference " },
	{ "cp", "x", "one-file-system " },
	{ "chown", "h", "no-dereference " },
	{ "chgrp", "h", "no-dereference " },
	{ "mv", "T", "no-target-directory " },
	{ "ln", "T", "no-target-directory " },
	{ "ln", "dF", "directory " },
	{ "mkdir", "Z", "context " },
	{ "git", "f", "force mirror force-with-lease force-if-includes " },
	{ "git", "n", "dry-run no-verify " },
	{ "git", "o", "push-option " },
};

/* One '-' before whole words. */
static bool
is_wordy(const char *program)
{
	static const char *const programs[] = { "find", "openssl",
		"terraform", "java" };
	size_t i;

	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		if (strcmp(programs[i], program) == 0)
			return true;
	}
	return false;
}

static bool
starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static bool
has_letter(const char *letters, char letter)
{
	return letter != '\0' && strchr(letters, letter) != NULL;
}

/* ---- paths ----------------------------------------------------------- */

/* Append the segments of path to the n bytes of ret; false: no room. */
static bool
add_segments(const char *path, char *ret, size_t floor, bool rooted,
    size_t *n)
{
	const char *last;
	size_t len;

	for (; *path != '\0'; path += len) {
		len = strspn(path, "/");
		path += len;
		len = strcspn(path, "/");
		if (len == 0 || (len == 1 && path[0] == '.'))
			continue;
		last = memrchr(ret + floor, '/', *n - floor);
		last = last == NULL ? ret + floor : last + 1;
		if (len == 2 && path[0] == '.' && path[1] == '.' &&
		    (rooted || *n > floor) && strcmp(last, "..") != 0) {
			*n = last > ret + floor ? (size_t)(last - ret) - 1 :
			    floor;
			ret[*n] = '\0';
			continue;
		}
		if (*n + len + 2 >= PATH_SIZE)
			return false;
		if (rooted || *n > floor)
			ret[(*n)++] = '/';
		memcpy(ret + *n, path, len);
		*n += len;
		ret[*n] = '\0';
	}
	return true;
}

/* How many bytes "key=" before a path has; 0: none. */
static size_t
key_len(const char *text)
{
	const size_t n = strcspn(text, "=/");

	return text[n] == '=' ? n + 1 : 0;
}

/*
 * A path without ".", ".." and repeated slashes; "key=" before it stays. cwd
 * NULL: a relative path stays one. False: too long to be a path.
 */
static bool
normalise(const char *cwd, const char *text, char ret[PATH_SIZE])
{
	const size_t floor = key_len(text);
	const bool rooted = text[floor] == '/' || cwd != NULL;
	size_t n = floor;

	if (strnlen(text, PATH_MAX) == PATH_MAX)
		return false;
	memcpy(ret, text, floor);
	ret[n] = '\0';
	if (text[floor] != '/' && cwd != NULL &&
	    !add_segments(cwd, ret, floor, rooted, &n))
		return false;
	if (!add_segments(text + floor, ret, floor, rooted, &n))
		return false;
	if (n == floor) {
		ret[n] = rooted ? '/' : '.';
		ret[n + 1] = '\0';
	}
	return true;
}

/* /usr/bin and /bin are one on most hosts. */
static const char *
fold_usr(const char *path)
{
	return starts_with(path, "/usr/bin/") ||
	    starts_with(path, "/usr/sbin/") ? path + 4 : path;
}

/* ---- wide ------------------------------------------------------------ */

/* git-push is git with the operand "push", which ret_verb is set to. */
static const char *
program_of(const struct fo_candidate *c, const char **ret_verb)
{
	const char *base = fo_base_name(c->words[0].text);

	*ret_verb = NULL;
	if (!starts_with(base, "git-"))
		return base;
	*ret_verb = base + 4;
	return "git";
}

static bool
meets_program(const struct fo_command *command, const char *want,
    const char *program)
{
	const char *cwd = command->moved ? NULL : command->cwd;
	char pattern[PATH_SIZE], path[PATH_SIZE];

	if (strchr(want, '/') == NULL)
		return fo_glob_match(want, fo_base_name(program));
	if (!fo_glob_match(fo_base_name(want), fo_base_name(program)))
		return false;
	/* PATH is not searched, and where the rest leads is not known. */
	if (strchr(program, '/') == NULL ||
	    (program[0] != '/' && cwd == NULL) ||
	    !normalise(cwd, want, pattern) || !normalise(cwd, program, path))
		return true;

	return fo_glob_match(pattern, path) ||
	    fo_glob_match(fold_usr(pattern), fold_usr(path));
}

/*
 * A relative path of an unknown directory: may it be the absolute one of the
 * pattern? How it ends is known, unless it leads up.
 */
static bool
may_end(const char *pattern, const char *rest)
{
	const size_t n = strlen(pattern), m = strlen(rest);

	if (strcmp(rest, ".") == 0 || strcmp(rest, "..") == 0 ||
	    starts_with(rest, "../") || strpbrk(pattern, "*?") != NULL)
		return true;

	return n > m && pattern[n - m - 1] == '/' &&
	    strcmp(pattern + n - m, rest) == 0;
}

/* A path that the pattern's is, or may be; both are more than a name. */
static bool
meets_path(const struct fo_command *command, const char *want,
    const char *text)
{
	const char *cwd = command->moved ? NULL : command->cwd;
	const size_t key = key_len(want);
	char pattern[PATH_SIZE + 2], path[PATH_SIZE];
	size_t n;

	if (key != key_len(text) || memcmp(want, text, key) != 0)
		return false;
	if (!normalise(cwd, text, path) || !normalise(cwd, want, pattern))
		return false;
	if (cwd == NULL && want[key] == '/' && text[key] != '/')
		return may_end(pattern + key, path + key);
	if (fo_glob_match(pattern, path))
		return true;
	/* what is below a directory, and the directory itself */
	n = strlen(path);
	memcpy(path + n, "/", 2);
	if (fo_glob_match(pattern, path))
		return true;
	path[n] = '\0';
	/* a relative pattern: a name, wherever it is */
	if (want[key] == '/' || key != 0)
		return false;
	memcpy(pattern, "*/", 3);
	return normalise(NULL, want, pattern + 2) &&
	    fo_glob_match(pattern, path);
}

static bool
meets_text(const struct fo_command *command, const char *want,
    const char *text)
{
	return fo_glob_match(want, text) || meets_path(command, want, text);
}

static bool
is_target(const struct fo_command *command, const struct fo_targets *files,
    const char *want)
{
	size_t i;

	for (i = 0; i < files->count; i++) {
		if (files->words[i].kind != FO_WORD_PLAIN ||
		    meets_text(command, want, files->words[i].text))
			return true;
	}
	return false;
}

/* A file that is open for the program by a redirection. */
static bool
has_target(const struct fo_command *command, const struct fo_candidate *c,
    const char *want)
{
	size_t i;

	for (i = 0; i < command->files_count; i++) {
		if (is_target(command, &command->files[i], want))
			return true;
	}
	return is_target(command, &c->files, want);
}

/* An operand; what an option has as its value is one as well. */
static bool
has_operand(const struct fo_command *command, const struct fo_candidate *c,
    const char *want)
{
	bool options = true;
	const char *text;
	size_t i;

	if (c->more || strcmp(want, "*") == 0 ||
	    has_target(command, c, want))
		return true;
	for (i = 1; i < c->count; i++) {
		text = c->words[i].text;
		if (c->words[i].kind != FO_WORD_PLAIN)
			return true;
		if (!options || text[0] != '-' || text[1] == '\0') {
			if (meets_text(command, want, text))
				return true;
			continue;
		}
		if (strcmp(text, "--") == 0) {
			options = false;
			continue;
		}
		if (strchr(text, '=') != NULL &&
		    meets_text(command, want, strchr(text, '=') + 1))
			return true;
		/* "-rf" is not -r with a file "f" of an unknown directory */
		if (text[1] != '-' && text[2] != '\0' &&
		    (fo_glob_match(want, text + 2) ||
		    (strpbrk(text + 2, "/.") != NULL &&
		    meets_path(command, want, text + 2))))
			return true;
	}
	return false;
}

static int
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

/*
 * Does the command's option (without its dashes, n bytes up to a value) say
 * what the letter says, or the long name that begins at it?
 */
static bool
is_twin(const char *program, const char *want, bool want_long,
    const char *have, size_t n, bool have_long)
{
	size_t i;
	bool a, b;

	for (i = 0; i < sizeof(twins) / sizeof(twins[0]); i++) {
		if (strcmp(twins[i].program, program) != 0)
			continue;
		a = want_long ? fo_option_find(twins[i].longs, want,
		    strlen(want), true) != NULL :
		    has_letter(twins[i].letters, want[0]);
		b = have_long ? fo_option_find(twins[i].longs, have, n,
		    false) != NULL : has_letter(twins[i].letters, have[0]);
		if (a && b)
			return true;
	}
	if (want_long && have_long)
		return strncmp(want, have, n) == 0;

	return want_long || have_long ? lower(want[0]) == lower(have[0]) :
	    want[0] == have[0];
}

/* git push +main: forced, as by an option, even after "--" */
static bool
forces(const struct fo_candidate *c, const char *verb)
{
	bool pushes = verb != NULL && strcmp(verb, "push") == 0;
	size_t i;

	for (i = 1; i < c->count; i++) {
		if (pushes && c->words[i].text[0] == '+')
			return true;
		pushes = pushes || strcmp(c->words[i].text, "push") == 0;
	}
	return false;
}

/* One letter or one long name among the options of a candidate. */
static bool
has_option(const struct fo_candidate *c, const char *want, bool want_long)
{
	const char *verb, *program = program_of(c, &verb), *have;
	size_t i, n;

	if (c->more || (strcmp(program, "git") == 0 && forces(c, verb) &&
	    is_twin(program, want, want_long, "force", 5, true)))
		return true;
	for (i = 1; i < c->count; i++) {
		have = c->words[i].text;
		if (c->words[i].kind != FO_WORD_PLAIN)
			return true;
		if (strcmp(have, "--") == 0)
			return false;
		if (have[0] != '-' || have[1] == '\0')
			continue;
		if (have[1] == '-') {
			n = strcspn(have + 2, "=");
			if (is_twin(program, want, want_long, have + 2, n,
			    true))
				return true;
			continue;
		}
		for (have++; *have != '\0'; have++) {
			if (is_twin(program, want, want_long, have, 1, false))
				return true;
		}
	}
	return false;
}

/* An option as a whole, however many dashes it has. */
static bool
has_whole(const struct fo_candidate *c, const char *want)
{
	const char *name = want + strspn(want, "-"), *have;
	size_t i, n;

	for (i = 1; i < c->count; i++) {
		have = c->words[i].text;
		if (c->words[i].kind != FO_WORD_PLAIN)
			return true;
		if (strcmp(have, "--") == 0)
			break;
		if (have[0] != '-' || have[1] == '\0')
			continue;
		if (fo_glob_match(want, have))
			return true;
		have += strspn(have, "-");
		n = strcspn(have, "=");
		if (strlen(name) == n && memcmp(name, have, n) == 0)
			return true;
	}
	return c->more;
}

/* "-rf", "--force"; each letter must be there. */
static bool
meets_option(const struct fo_candidate *c, const char *want)
{
	char one[2] = { '\0', '\0' };

	if (has_whole(c, want))
		return true;
	if (strpbrk(want, "*?") != NULL ||
	    is_wordy(fo_base_name(c->words[0].text)))
		return false;
	if (want[1] == '-')
		return has_option(c, want + 2, true);
	for (want++; *want != '\0'; want++) {
		one[0] = *want;
		if (!has_option(c, one, false))
			return false;
	}
	return true;
}

/* The next word of a pattern, up to one of these; false: there is none. */
static bool
next_word(const char **pattern, char ret[FO_PATTERN_MAX + 1])
{
	size_t n;

	*pattern += strspn(*pattern, " \t");
	n = strcspn(*pattern, " \t");
	memcpy(ret, *pattern, n);
	ret[n] = '\0';
	*pattern += n;

	return n > 0;
}

static bool
meets(const struct fo_command *command, const struct fo_candidate *c,
    const char *pattern)
{
	char want[FO_PATTERN_MAX + 1];
	const char *verb;
	bool options = true;
	char *value;

	if (!next_word(&pattern, want))
		return true;
	(void)program_of(c, &verb);
	if (meets_program(command, want, c->words[0].text))
		verb = NULL;
	else if (verb == NULL || !fo_glob_match(fo_base_name(want), "git"))
		return false;
	if (c->opaque)
		return true;
	while (next_word(&pattern, want)) {
		if (options && strcmp(want, "--") == 0) {
			options = false;
		} else if (options && want[0] == '-' && want[1] != '\0') {
			value = want[1] == '-' ? strchr(want, '=') : NULL;
			if (value != NULL)
				*value++ = '\0';
			if (!meets_option(c, want) || (value != NULL &&
			    !has_operand(command, c, value)))
				return false;
		} else if (!has_operand(command, c, want) &&
		    (verb == NULL || !fo_glob_match(want, verb))) {
			return false;
		}
	}
	return true;
}

/* ---- exact ----------------------------------------------------------- */

/* "..", as a segment of a path, of a list of them or of a value. */
static bool
goes_up(const char *text)
{
	size_t n;

	for (;; text += n + 1) {
		n = strcspn(text, "/=:,");
		if (n == 2 && text[0] == '.' && text[1] == '.')
			return true;
		if (text[n] == '\0')
			return false;
	}
}

static bool
is_word(const char *want, const char *text)
{
	if (strpbrk(want, "*?") != NULL && goes_up(text))
		return false;

	return fo_glob_match(want, text);
}

bool
fo_command_is(const char *pattern, const struct fo_command *command)
{
	const struct fo_shell *shell = command->texts[0];
	const struct fo_simple *simple = shell->commands;
	char want[FO_PATTERN_MAX + 1];
	size_t i, n;

	if (!shell->plain || simple->words[0].text[0] != '/' ||
	    strnlen(pattern, sizeof(want)) == sizeof(want))
		return false;
	for (i = 0; i < simple->count; i++) {
		n = strcspn(pattern, " ");
		memcpy(want, pattern, n);
		want[n] = '\0';
		if (!is_word(want, simple->words[i].text))
			return false;
		if (pattern[n] == '\0')
			return i + 1 == simple->count;
		pattern += n + 1;
	}
	return false;
}

bool
fo_command_meets(const char *pattern, const struct fo_command *command)
{
	size_t i;

	if (command->any || fo_command_is(pattern, command) ||
	    strnlen(pattern, FO_PATTERN_MAX + 1) > FO_PATTERN_MAX)
		return true;
	for (i = 0; i < command->count; i++) {
		if (meets(command, &command->candidates[i], pattern))
			return true;
	}
	return false;
}

/* ---- making ---------------------------------------------------------- */

/* Takes shell over. */
static fo_err
make(struct fo_shell *shell, const char *cwd,
    struct fo_command **ret_command)
{
	struct fo_command *made = calloc(1, sizeof(*made));
	fo_err r = FO_ERR_NOMEM;

	if (made == NULL || (cwd != NULL &&
	    (made->cwd = strdup(cwd)) == NULL)) {
		fo_shell_free(&shell);
		goto out;
	}
	if ((r = fo_command_look(made, shell)) != FO_OK)
		goto out;

	*ret_command = made;
	made = NULL; /* now owned by the caller */
out:
	fo_command_free(&made);
	return r;
}

static fo_err
check_cwd(const char *cwd)
{
	if (cwd == NULL)
		return FO_OK;
	if (cwd[0] != '/')
		return FO_ERR_ARG;

	return strnlen(cwd, PATH_MAX) < PATH_MAX ? FO_OK : FO_ERR_TOO_LONG;
}

fo_err
fo_command_from_argv(const char *const *argv, const char *cwd,
    struct fo_command **ret_command)
{
	struct fo_shell *shell = NULL;
	fo_err r;

	if (argv == NULL || argv[0] == NULL)
		return FO_ERR_ARG;
	if ((r = check_cwd(cwd)) != FO_OK)
		return r;
	if ((r = fo_shell_from_words(argv, &shell)) != FO_OK)
		return r;

	return make(shell, cwd, ret_command);
}

fo_err
fo_command_from_shell(const char *text, const char *cwd,
    struct fo_command **ret_command)
{
	struct fo_shell *shell = NULL;
	fo_err r;

	if (text == NULL)
		return FO_ERR_ARG;
	if ((r = check_cwd(cwd)) != FO_OK)
		return r;
	if ((r = fo_shell_parse(text, &shell)) != FO_OK)
		return r;

	return make(shell, cwd, ret_command);
}

void
fo_command_free(struct fo_command **command)
{
	if (command == NULL || *command == NULL)
		return;
	while ((*command)->texts_count > 0)
		fo_shell_free(&(*command)->texts[--(*command)->texts_count]);
	free((*command)->cwd);
	free(*command);
	*command = NULL;
}
