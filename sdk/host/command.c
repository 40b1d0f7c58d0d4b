/*
 * Commands of the channel "command": what is looked through, and how a
 * pattern is compared.
 *
 * A command is made into candidates: each simple command of the text, and
 * what a wrapper among them (sudo, env, xargs, sh -c, ...) runs in its turn.
 * They are a list that grows while it is walked, so nothing recurs.
 */
#include "command.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "glob.h"
#include "names.h"
#include "shell.h"

#define CANDIDATES_MAX 512
#define TEXTS_MAX 64
/* A relative path after a working directory. */
#define PATH_SIZE (2 * PATH_MAX + 2)

struct candidate {
	struct fo_word *words;	/* of a text; the first is the program */
	size_t count;
	bool more;		/* words that nobody knows follow */
	bool opaque;		/* reads what nobody looked at */
};

struct fo_command {
	struct fo_shell *texts[TEXTS_MAX];	/* the first is the command */
	size_t texts_count;
	struct candidate candidates[CANDIDATES_MAX];
	size_t count;
	char *cwd;
	bool moved;		/* cwd is not where all of it runs */
	bool any;		/* it may run any command */
	fo_err err;		/* while it is made */
};

/* ---- what programs are ----------------------------------------------- */

enum {
	ASSIGNS = 1,	/* NAME=value may stand before the command */
	AGAIN = 2,	/* options may follow its operands */
	JOINS = 4,	/* a shell reads the words, joined with blanks */
	APPENDS = 8,	/* adds words that it reads */
	MOVES = 16,	/* to another directory, or machine */
	SHELL = 32,	/* with no command, reads commands */
	GUESS = 64,	/* options of its own: look at every word */
	SCRIPT = 128,	/* is a shell */
};

#define ALL 255		/* operands */
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* What runs another command, and the options that may stand before it. */
static const struct wrapper {
	const char *name;	/* a pattern for its base name */
	unsigned int flags;
	size_t operands;	/* before the command */
	const char *valued;	/* letters of options that take a value */
	const char *plain;	/* and of those that take none */
	const char *longs;	/* "with= without " */
	const char *ends;	/* options that run nothing */
	const char *shell;	/* those with which it is as with SHELL */
	char text;		/* the one whose value is a shell text */
} wrappers[] = {
	{ "sudo", ASSIGNS, 0, "CDghpRrtTUuac", "ABbEeHiKkNnPSs",
	    "user= group= host= prompt= chdir= chroot= role= type= "
	    "close-from= command-timeout= preserve-env stdin shell login "
	    "non-interactive background set-home askpass ", "elvVK", "is", 0 },
	{ "doas", 0, 0, "uCa", "Lns", "", "L", "s", 0 },
	{ "su", AGAIN | MOVES | SHELL, ALL, "cCgGsTwP", "-flmp",
	    "command= group= supp-group= shell= login fast pty "
	    "preserve-environment ", "", "", 'c' },
	{ "runuser", AGAIN | MOVES | SHELL, ALL, "cugGsTw", "-flmp",
	    "command= user= group= supp-group= shell= login fast pty "
	    "preserve-environment ", "", "", 'c' },
	{ "pkexec", GUESS, 0, "", "", "", "", "", 0 },
	{ "systemd-run", GUESS, 0, "", "", "", "", "", 0 },
	{ "setpriv", GUESS, 0, "", "", "", "", "", 0 },
	{ "prlimit", GUESS, 0, "", "", "", "", "", 0 },
	{ "taskset", GUESS, 1, "", "", "", "", "", 0 },
	{ "chrt", GUESS, 1, "", "", "", "", "", 0 },
	{ "setarch", GUESS, 0, "", "", "", "", "", 0 },
	{ "fakeroot", GUESS, 0, "", "", "", "", "", 0 },
	{ "unbuffer", GUESS, 0, "", "", "", "", "", 0 },
	{ "ltrace", GUESS, 0, "", "", "", "", "", 0 },
	{ "ld-*.so*", GUESS, 0, "", "", "", "", "", 0 },
	{ "env", ASSIGNS, 0, "uCSa", "-i0v",
	    "unset= chdir= split-string= argv0= ignore-environment null "
	    "debug ", "", "", 'S' },
	{ "nice", 0, 0, "n", "0123456789", "adjustment= ", "", "", 0 },
	{ "ionice", 0, 0, "cn", "t", "class= classdata= ignore ", "pPu", "",
	    0 },
	{ "nohup", 0, 0, "", "", "", "", "", 0 },
	{ "setsid", 0, 0, "", "cfw", "ctty fork wait ", "", "", 0 },
	{ "stdbuf", 0, 0, "ioe", "", "input= output= error= ", "", "", 0 },
	{ "timeout", 0, 1, "ks", "fpv", "kill-after= signal= foreground "
	    "preserve-status verbose ", "", "", 0 },
	{ "time", 0, 0, "fo", "apvq", "format= output= append portability "
	    "verbose quiet ", "V", "", 0 },
	{ "command", 0, 0, "", "p", "", "vV", "", 0 },
	{ "builtin", 0, 0, "", "", "", "", "", 0 },
	{ "exec", 0, 0, "a", "cl", "", "", "", 0 },
	{ "{", 0, 0, "", "", "", "", "", 0 },
	{ "!", 0, 0, "", "", "", "", "", 0 },
	{ "coproc", GUESS, 0, "", "", "", "", "", 0 },
	{ "xargs", APPENDS, 0, "adEILnPs", "0oprtxile",
	    "arg-file= delimiter= max-args= max-procs= max-chars= null "
	    "max-lines replace verbose interactive no-run-if-empty exit ",
	    "", "", 0 },
	{ "parallel", APPENDS | JOINS | SHELL, 0, "jPnNLsaIdECSU",
	    "0kqtuvmXrx", "jobs= max-args= delay= joblog= halt= retries= "
	    "timeout= bar eta progress tag null keep-order line-buffer "
	    "dry-run will-cite verbose ", "", "", 0 },
	{ "watch", JOINS, 0, "nq", "bcdegptxwrC", "interval= beep color "
	    "differences errexit chgexit no-title exec no-wrap ", "", "",
	    0 },
	{ "chroot", MOVES | SHELL, 1, "", "", "userspec= groups= "
	    "skip-chdir ", "", "", 0 },
	{ "unshare", SHELL, 0, "RwSG", "muinpUCTfrch", "root= wd= "
	    "setuid= setgid= fork map-root-user mount uts ipc net pid user "
	    "cgroup time ", "", "", 0 },
	{ "nsenter", MOVES | SHELL, 0, "tSG", "amuinpCUTrwFZe", "target= "
	    "setuid= setgid= all mount uts ipc net pid user cgroup time "
	    "root wd no-fork ", "", "", 0 },
	{ "flock", AGAIN, 1, "Ewc", "sxenuoF", "timeout= wait= command= "
	    "conflict-exit-code= shared exclusive unlock nonblock close "
	    "nb no-fork verbose ", "", "", 'c' },
	{ "script", AGAIN | SHELL, ALL, "cIOBTmoE", "aefq", "command= "
	    "log-in= log-out= log-io= log-timing= output-limit= echo= "
	    "append return flush force quiet ", "", "", 'c' },
	{ "busybox*", 0, 0, "", "", "", "", "", 0 },
	{ "toybox*", 0, 0, "", "", "", "", "", 0 },
	{ "strace", 0, 0, "abeEIoOpPsSuUX", "ACcdDfFhikKnNqrtTvVwxyYzZ",
	    "trace= output= follow-forks summary-only quiet ", "", "", 0 },
	{ "ssh", AGAIN | JOINS | MOVES | SHELL, 1, "BbcDEeFIiJLlmoPpRSwW",
	    "46AaCfGgKkMnqsTtvXxYy", "", "NOQV", "", 0 },
	{ "sh", SCRIPT, 0, "oO", LETTERS, "rcfile= init-file= norc "
	    "noprofile posix login restricted verbose noediting ", "", "s",
	    0 },
};

/* The names by which "sh" goes. */
static const char *const shells[] = { "sh", "bash", "dash", "zsh", "ksh",
	"mksh", "ash", "rbash", "rksh", "ksh93", "yash", "hush", "posh" };

/* What runs text that is not looked into, or renames commands. */
static const struct {
	const char *name;
	const char *word;	/* only if one of its words begins so */
} runners[] = {
	{ "eval", "" }, { "source", "" }, { ".", "" }, { "trap", "" },
	{ "alias", "" }, { "fc", "" }, { "bind", "" }, { "hash", "-p" },
	{ "enable", "-f" }, { "mapfile", "-C" }, { "readarray", "-C" },
};

static const char *const movers[] = { "cd", "pushd", "popd" };
/* Options with which many a program works in another directory. */
static const char *const moving_options[] = { "-C", "--chdir", "--directory",
	"--chroot", "--root", "--wd" };

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
	{ "git", "f", "force mirror " },
	{ "git", "n", "dry-run no-verify " },
	{ "git", "o", "push-option " },
};

/* One '-' before whole words. */
static const char *const wordy[] = { "find", "openssl", "terraform", "java" };

static const char *
base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == NULL ? path : slash + 1;
}

static bool
is_among(const char *const *words, size_t count, const char *word)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(words[i], word) == 0)
			return true;
	}
	return false;
}
#define IS_AMONG(list, word) \
	is_among(list, sizeof(list) / sizeof((list)[0]), word)

static bool
starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

/* The item of "one two= " that begins with the n bytes at name, or NULL. */
static const char *
find_long(const char *list, const char *name, size_t n, bool whole)
{
	size_t len;

	for (; *list != '\0'; list += strcspn(list, " ") + 1) {
		len = strcspn(list, "= ");
		if (len >= n && memcmp(list, name, n) == 0 &&
		    (!whole || len == n))
			return list + len;
	}
	return NULL;
}

static const struct wrapper *
find_wrapper(const char *base)
{
	const char *name = IS_AMONG(shells, base) ? "sh" : base;
	size_t i;

	for (i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
		if (fo_glob_match(wrappers[i].name, name))
			return &wrappers[i];
	}
	return NULL;
}

/* ---- candidates ------------------------------------------------------ */

static void
add_candidate(struct fo_command *command, struct candidate c)
{
	const struct candidate *other;
	size_t i;

	if (c.words[0].kind != FO_WORD_PLAIN ||
	    (c.more && strchr(c.words[0].text, '{') != NULL)) {
		command->any = true;
		return;
	}
	for (i = 0; i < command->count; i++) {
		other = &command->candidates[i];
		if (other->words == c.words && other->count == c.count &&
		    other->more >= c.more && other->opaque >= c.opaque)
			return;
	}
	if (command->count == CANDIDATES_MAX)
		command->any = true;
	else
		command->candidates[command->count++] = c;
}

/* Takes shell over. */
static void
add_shell(struct fo_command *command, struct fo_shell *shell, bool more)
{
	const struct fo_simple *simple;
	size_t i;

	command->texts[command->texts_count++] = shell;
	if (shell->opaque)
		command->any = true;
	for (i = 0; i < shell->count; i++) {
		simple = &shell->commands[i];
		add_candidate(command, (struct candidate){
		    .words = simple->words, .count = simple->count,
		    .more = more, .opaque = simple->opaque });
	}
}

static void
add_text(struct fo_command *command, const char *text, bool more)
{
	struct fo_shell *shell = NULL;
	fo_err r;

	if (command->texts_count == TEXTS_MAX) {
		command->any = true;
		return;
	}
	if ((r = fo_shell_parse(text, &shell)) != FO_OK)
		command->err = r;
	else
		add_shell(command, shell, more);
}

/* ---- what a wrapper runs --------------------------------------------- */

/* A wrapper's words while they are walked. */
struct walk {
	struct fo_command *command;
	const struct wrapper *wrapper;
	struct candidate c;
	size_t at;		/* the next word */
	size_t operands;	/* yet to be skipped */
	size_t guess;		/* where options are not understood; 0: nowhere */
	bool options;		/* there may be one */
	bool may_move;		/* -D, -R, -i or -w changes the directory */
	bool ends;		/* it runs no command */
	bool shell;		/* with no command, it reads some */
	bool script;		/* sh -c */
	bool text;		/* a text was the command */
};

/* Whatever stands for what a wrapper reads is not known. */
static void
mark_placeholders(struct walk *k, const char *placeholder)
{
	size_t i;

	for (i = k->at; i < k->c.count && placeholder[0] != '\0'; i++) {
		if (strstr(k->c.words[i].text, placeholder) != NULL &&
		    k->c.words[i].kind == FO_WORD_PLAIN)
			k->c.words[i].kind = FO_WORD_UNKNOWN;
	}
}

static void
guess_from_here(struct walk *k)
{
	if (k->guess == 0)
		k->guess = k->at;
}

static bool
has_letter(const char *letters, char letter)
{
	return letter != '\0' && strchr(letters, letter) != NULL;
}

/* env -S: words of its own, and its escapes are not a shell's. */
static void
split_env(struct walk *k, const char *value)
{
	struct fo_buf text;
	char *words = NULL;
	fo_err r;

	fo_buf_init(&text, FO_SHELL_MAX + 4);
	fo_buf_adds(&text, "env ");
	fo_buf_adds(&text, value);
	if ((r = fo_buf_take(&text, &words)) != FO_OK)
		k->command->err = r;
	else if (strchr(value, '\\') != NULL)
		k->command->any = true;
	else
		add_text(k->command, words, k->c.more ||
		    k->at < k->c.count);
	free(words);
}

/* An option whose value is attached, or the next word. */
static void
take_value(struct walk *k, char letter, const char *attached,
    fo_word_kind kind)
{
	const char *value = attached;

	if (attached == NULL && k->at < k->c.count) {
		value = k->c.words[k->at].text;
		kind = k->c.words[k->at++].kind;
	}
	if (kind == FO_WORD_MANY)
		k->command->any = true;
	if (letter == k->wrapper->text && letter != '\0') {
		k->text = true;
		if (value == NULL ? k->c.more : kind != FO_WORD_PLAIN)
			k->command->any = true;
		else if (value != NULL && letter == 'S')
			split_env(k, value);
		else if (value != NULL)
			add_text(k->command, value, k->c.more);
	}
	if ((k->wrapper->flags & APPENDS) != 0 && letter == 'I' &&
	    value != NULL)
		mark_placeholders(k, value);
	/* runuser -u USER COMMAND */
	if (letter == 'u' && k->operands == ALL)
		k->operands = 0;
}

static void
take_long(struct walk *k, const char *name, fo_word_kind kind)
{
	const size_t n = strcspn(name, "=");
	const char *found = find_long(k->wrapper->longs, name, n, true);

	if (starts_with(name, "replace="))
		mark_placeholders(k, name + n + 1);
	if (k->wrapper->shell[0] != '\0' &&
	    (starts_with(name, "login") || starts_with(name, "shell")))
		k->shell = k->command->moved = true;
	if (strcmp(name, "version") == 0 || strcmp(name, "help") == 0)
		k->ends = true;
	else if (found == NULL && name[n] != '=')
		guess_from_here(k);
	else if (name[n] == '=' || *found == '=')
		take_value(k, find_long("command= split-string= "
		    "session-command= ", name, n, true) != NULL ?
		    k->wrapper->text : starts_with(name, "user") ? 'u' : '\0',
		    name[n] == '=' ? name + n + 1 : NULL, kind);
}

/* -abc; after a letter that takes a value comes the value. */
static void
take_letters(struct walk *k, const char *letters, fo_word_kind kind)
{
	const struct wrapper *w = k->wrapper;

	for (; *letters != '\0'; letters++) {
		if (has_letter("DRiw", *letters) && k->may_move)
			k->command->moved = true;
		k->ends = k->ends || has_letter(w->ends, *letters);
		k->shell = k->shell || has_letter(w->shell, *letters);
		k->script = k->script || *letters == 'c';
		if (has_letter(w->valued, *letters)) {
			take_value(k, *letters, letters[1] != '\0' ||
			    kind != FO_WORD_PLAIN ? letters + 1 : NULL, kind);
			return;
		}
		if (*letters == 'i' && letters[1] != '\0' &&
		    (w->flags & APPENDS) != 0) {
			mark_placeholders(k, letters + 1);
			return;
		}
		if (!has_letter(w->plain, *letters))
			guess_from_here(k);
	}
	if (kind != FO_WORD_PLAIN)
		guess_from_here(k);
}

/* Up to the command; false if there is no telling where it is. */
static bool
walk_options(struct walk *k)
{
	const unsigned int flags = k->wrapper->flags;
	const struct fo_word *word;

	while (k->at < k->c.count) {
		word = &k->c.words[k->at];
		if (k->command->any || word->kind == FO_WORD_MANY)
			return false;
		if (k->options && word->kind == FO_WORD_PLAIN &&
		    strcmp(word->text, "--") == 0) {
			k->at++;
			k->options = (flags & AGAIN) != 0 &&
			    k->operands == ALL;
		} else if (k->options && word->text[0] == '-' &&
		    (word->text[1] != '\0' ||
		    has_letter(k->wrapper->plain, '-'))) {
			k->at++;
			if (starts_with(word->text, "--"))
				take_long(k, word->text + 2, word->kind);
			else
				take_letters(k, word->text + 1, word->kind);
		} else if (k->options && (flags & SCRIPT) != 0 &&
		    word->text[0] == '+') {
			k->at += strcmp(word->text, "+o") == 0 ? 2 : 1;
		} else if ((flags & ASSIGNS) != 0 &&
		    strchr(word->text, '=') != NULL) {
			k->at++;
		} else if (k->operands > 0) {
			k->at++;
			k->operands -= k->operands == ALL ? 0 : 1;
			k->options = (flags & AGAIN) != 0;
			if (word->kind != FO_WORD_PLAIN)
				guess_from_here(k);
		} else {
			break;
		}
	}
	return true;
}

static struct candidate
rest_of(const struct walk *k, size_t at)
{
	struct candidate c = k->c;

	c.words += at;
	c.count -= at;
	return c;
}

/*
 * Options were not understood: any later word may be where the command
 * begins. After two words that are no options it has begun.
 */
static void
guess_commands(struct walk *k)
{
	const size_t operands = k->wrapper->operands == ALL ? 0 :
	    k->wrapper->operands;
	const struct fo_word *word;
	size_t i, row = 0;

	for (i = k->guess; i < k->c.count; i++) {
		word = &k->c.words[i];
		if (word->kind == FO_WORD_PLAIN) {
			row = word->text[0] == '-' ? 0 : row + 1;
			add_candidate(k->command, rest_of(k, i));
		} else if (row < 2 + operands) {
			k->command->any = true;
		}
	}
}

/* The words, joined, are a shell text. */
static void
join_words(struct walk *k)
{
	struct fo_buf text;
	char *joined = NULL;
	bool known = true;
	size_t i;
	fo_err r;

	fo_buf_init(&text, 2 * FO_SHELL_MAX);
	for (i = k->at; i < k->c.count; i++) {
		known = known && k->c.words[i].kind == FO_WORD_PLAIN;
		fo_buf_adds(&text, k->c.words[i].text);
		fo_buf_adds(&text, " ");
	}
	if ((r = fo_buf_take(&text, &joined)) == FO_ERR_NOMEM)
		k->command->err = r;
	else if (r != FO_OK || !known)
		k->command->any = true;
	else
		add_text(k->command, joined, k->c.more);
	free(joined);
}

/* What a shell runs: the text after -c, a file, or its standard input. */
static void
run_script(struct walk *k)
{
	const struct fo_word *word = &k->c.words[k->at];

	if (k->at >= k->c.count || k->guess != 0 ||
	    word->kind != FO_WORD_PLAIN || (k->script && k->c.more &&
	    strchr(word->text, '{') != NULL))
		k->command->any = true;
	else if (k->script)
		add_text(k->command, word->text, k->c.more);
	else if (k->shell || strcmp(word->text, "-") == 0 ||
	    starts_with(word->text, "/dev/") ||
	    starts_with(word->text, "/proc/"))
		k->command->any = true;
}

/* What follows the options is the command, or there is none. */
static void
run_words(struct walk *k)
{
	struct candidate c = rest_of(k, k->at);
	size_t i;

	/* parallel: ":::" begins the words that are put in */
	for (i = 0; (k->wrapper->flags & JOINS) != 0 && i < c.count; i++) {
		if (c.more && starts_with(c.words[i].text, ":::"))
			c.count = i;
	}
	if (c.count == 0) {
		if (c.more || k->shell)
			k->command->any = true;
		return;
	}
	k->c.count = k->at + c.count;
	add_candidate(k->command, c);
	if ((k->wrapper->flags & JOINS) != 0)
		join_words(k);
}

static void
look_behind(struct fo_command *command, const struct wrapper *wrapper,
    const struct candidate *c)
{
	struct walk k = { .command = command, .wrapper = wrapper, .c = *c,
		.at = 1, .operands = wrapper->operands, .options = true,
		.shell = (wrapper->flags & SHELL) != 0 };

	k.may_move = k.shell || wrapper->shell[0] != '\0';
	if ((wrapper->flags & MOVES) != 0)
		command->moved = true;
	if ((wrapper->flags & GUESS) != 0) {
		k.guess = 1;
		guess_commands(&k);
		return;
	}
	if (!walk_options(&k)) {
		command->any = true;
		return;
	}
	if (k.guess != 0 && !k.ends)
		guess_commands(&k);
	if ((wrapper->flags & APPENDS) != 0) {
		/* xargs alone runs echo */
		if (k.at >= k.c.count && !k.c.more && !k.shell)
			return;
		k.c.more = true;
		if ((wrapper->flags & JOINS) == 0)
			mark_placeholders(&k, "{}");
	}
	if (k.ends || (k.text && k.wrapper->operands != 0))
		return;
	if ((wrapper->flags & SCRIPT) != 0)
		run_script(&k);
	else if (!k.text || k.at < k.c.count)
		run_words(&k);
}

/* find ... -exec COMMAND ; and its like */
static void
look_behind_find(struct fo_command *command, const struct candidate *c)
{
	static const char *const actions[] = { "-exec", "-execdir", "-ok",
		"-okdir" };
	struct walk k = { .command = command, .c = *c };
	size_t i, end;

	for (i = 1; i < c->count; i++) {
		/* $options, but not *.c */
		if (c->words[i].kind == FO_WORD_MANY &&
		    c->words[i].text[0] == '\0')
			command->any = true;
		if (!IS_AMONG(actions, c->words[i].text))
			continue;
		if (strstr(c->words[i].text, "dir") != NULL)
			command->moved = true;
		for (end = i + 1; end < c->count &&
		    strcmp(c->words[end].text, ";") != 0 &&
		    strcmp(c->words[end].text, "+") != 0; end++)
			;
		k.at = i + 1;
		k.c.count = end;
		mark_placeholders(&k, "{}");
		if (k.at < end)
			add_candidate(command, rest_of(&k, k.at));
		else if (c->more || c->opaque)
			command->any = true;
	}
}

static void
look_at(struct fo_command *command, size_t index)
{
	const struct candidate c = command->candidates[index];
	const char *base = base_of(c.words[0].text);
	const struct wrapper *wrapper = find_wrapper(base);
	size_t i, j;

	if (IS_AMONG(movers, base))
		command->moved = true;
	for (j = 0; j < sizeof(runners) / sizeof(runners[0]) && c.more; j++) {
		if (strcmp(base, runners[j].name) == 0)
			command->any = true;
	}
	for (i = 1; i < c.count; i++) {
		for (j = 0; j < sizeof(moving_options) /
		    sizeof(moving_options[0]); j++) {
			if (starts_with(c.words[i].text, moving_options[j]))
				command->moved = true;
		}
		for (j = 0; j < sizeof(runners) / sizeof(runners[0]); j++) {
			if (strcmp(base, runners[j].name) == 0 &&
			    (c.words[i].kind != FO_WORD_PLAIN ||
			    starts_with(c.words[i].text, runners[j].word)))
				command->any = true;
		}
	}
	if (strcmp(base, "find") == 0)
		look_behind_find(command, &c);
	else if (wrapper != NULL)
		look_behind(command, wrapper, &c);
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

static bool
meets_program(const struct fo_command *command, const char *want,
    const char *program)
{
	const char *cwd = command->moved ? NULL : command->cwd;
	char pattern[PATH_SIZE], path[PATH_SIZE];

	if (strchr(want, '/') == NULL)
		return fo_glob_match(want, base_of(program));
	if (!fo_glob_match(base_of(want), base_of(program)))
		return false;
	/* PATH is not searched, and where the rest leads is not known. */
	if (strchr(program, '/') == NULL ||
	    (program[0] != '/' && cwd == NULL) ||
	    !normalise(cwd, want, pattern) || !normalise(cwd, program, path))
		return true;

	return fo_glob_match(pattern, path) ||
	    fo_glob_match(fold_usr(pattern), fold_usr(path));
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
		return true;
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

/* An operand; what an option has as its value is one as well. */
static bool
has_operand(const struct fo_command *command, const struct candidate *c,
    const char *want)
{
	bool options = true;
	const char *text;
	size_t i;

	if (c->more || strcmp(want, "*") == 0)
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

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
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
		a = want_long ? find_long(twins[i].longs, want, strlen(want),
		    true) != NULL : has_letter(twins[i].letters, want[0]);
		b = have_long ? find_long(twins[i].longs, have, n, false) !=
		    NULL : has_letter(twins[i].letters, have[0]);
		if (a && b)
			return true;
	}
	if (want_long && have_long)
		return strncmp(want, have, n) == 0;

	return want_long || have_long ? lower(want[0]) == lower(have[0]) :
	    want[0] == have[0];
}

/* One letter or one long name among the options of a candidate. */
static bool
has_option(const struct candidate *c, const char *want, bool want_long)
{
	const char *program = base_of(c->words[0].text), *have;
	size_t i, n;

	if (c->more)
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
has_whole(const struct candidate *c, const char *want)
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
meets_option(const struct candidate *c, const char *want)
{
	char one[2] = { '\0', '\0' };

	if (has_whole(c, want))
		return true;
	if (strpbrk(want, "*?") != NULL ||
	    IS_AMONG(wordy, base_of(c->words[0].text)))
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
meets(const struct fo_command *command, const struct candidate *c,
    const char *pattern)
{
	char want[FO_PATTERN_MAX + 1];
	bool options = true;
	char *value;

	if (!next_word(&pattern, want))
		return true;
	if (!meets_program(command, want, c->words[0].text))
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
		} else if (!has_operand(command, c, want)) {
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
	size_t i;

	if (made == NULL) {
		fo_shell_free(&shell);
		return r;
	}
	add_shell(made, shell, false);
	if (cwd != NULL && (made->cwd = strdup(cwd)) == NULL)
		goto out;
	for (i = 0; i < made->count && made->err == FO_OK; i++)
		look_at(made, i);
	if ((r = made->err) != FO_OK)
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
