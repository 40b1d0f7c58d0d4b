/*
 * Texts for a POSIX shell or bash, taken apart into simple commands.
 *
 * Nothing is expanded: a word that the shell would expand is of a kind that
 * says so. Commands inside compound commands, functions, $(...), <(...),
 * `...` and here-documents are found too, since they run.
 *
 * Shells differ. What bash reads as a test or as arithmetic, and dash as
 * commands, is both; where a difference cannot be kept apart (\' in $'...',
 * words after &>, quotes in arithmetic, an expansion in a strange place, or one
 * that bash makes of a word later), and where a text goes
 * beyond a limit or cannot be parsed, it is opaque: any command may be in it.
 *
 * Bytes that are not UTF-8, and outside of quotes control characters and
 * blanks that only some locales take for blanks, make a word unknown.
 */
#ifndef FO_HOST_SHELL_H
#define FO_HOST_SHELL_H

#include <stdbool.h>
#include <stddef.h>

#include <firstops/error.h>

#define FO_SHELL_MAX ((size_t)64 * 1024)	/* bytes of a text */

typedef enum fo_word_kind {
	FO_WORD_PLAIN,		/* text is what the program gets */
	FO_WORD_UNKNOWN,	/* one word, anything may be in it */
	FO_WORD_MANY,		/* none, one or many such words */
} fo_word_kind;

struct fo_word {
	char *text;		/* without quotes and without expansions */
	fo_word_kind kind;
};

/* Files of redirections: a program may get what it is to read by them. */
struct fo_targets {
	struct fo_word *words;
	size_t count;
};

struct fo_simple {
	struct fo_word *words;	/* at least one */
	size_t count;
	struct fo_targets targets;
	bool has_env;		/* NAME=value before it */
	bool has_redirection;
	bool opaque;		/* gets a here-document */
};

struct fo_shell {
	struct fo_simple *commands;
	size_t count;
	size_t words_count;	/* of all commands */
	struct fo_targets targets;	/* of compound commands */
	bool opaque;		/* there may be any other command */
	bool plain;		/* one command of plain words, nothing else */
};

/* FO_ERR_NOMEM only: all else is said in the result. */
FO_MUST_CHECK fo_err fo_shell_parse(const char *text,
    struct fo_shell **ret_shell);
/* The same for words that no shell reads; NULL-terminated, at least one. */
FO_MUST_CHECK fo_err fo_shell_from_words(const char *const *words,
    struct fo_shell **ret_shell);
void fo_shell_free(struct fo_shell **shell);

#endif
