/*
 * What a command may run: its simple commands, and what the wrappers among
 * them (sudo, env, xargs, sh -c, ...) run in their turn.
 */
#ifndef FO_HOST_CANDIDATE_H
#define FO_HOST_CANDIDATE_H

#include <stdbool.h>
#include <stddef.h>

#include <firstops/error.h>

#include "command.h"
#include "shell.h"

#define FO_CANDIDATES_MAX 512
#define FO_TEXTS_MAX 64
#define FO_FILES_MAX 128

struct fo_candidate {
	struct fo_word *words;	/* of a text; the first is the program */
	size_t count;
	struct fo_targets files;	/* further operands, of a text */
	bool more;		/* words that nobody knows follow */
	bool opaque;		/* reads what nobody looked at */
};

struct fo_command {
	struct fo_shell *texts[FO_TEXTS_MAX];	/* the first is the command */
	size_t texts_count;
	struct fo_candidate candidates[FO_CANDIDATES_MAX];
	size_t count;
	struct fo_targets files[FO_FILES_MAX];	/* operands of any of them */
	size_t files_count;
	char *cwd;
	bool moved;		/* cwd is not where all of it runs */
	bool any;		/* it may run any command */
	fo_err err;		/* while it is made */
};

/*
 * Fill an empty command with what shell, which it takes over, may run. What
 * is too much or cannot be told makes it any command. FO_ERR_NOMEM only.
 */
FO_MUST_CHECK fo_err fo_command_look(struct fo_command *command,
    struct fo_shell *shell);

/* What follows the last slash. */
const char *fo_base_name(const char *path);

/*
 * The item of "one two= " that begins with the n bytes at name, or, if whole,
 * is them: where its name ends. NULL: there is none.
 */
const char *fo_option_find(const char *list, const char *name, size_t n,
    bool whole);

#endif
