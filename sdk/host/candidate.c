/*
 * What a command may run: its simple commands, and what the wrappers among
 * them run in their turn.
 *
 * Candidates are a list that grows while it is walked, so nothing recurs.
 */
#include "candidate.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "glob.h"

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
	TEXTS = 256,	/* with GUESS: a word may be a text for a shell */
	CONTAINER = 512,	/* with GUESS: after exec, run or shell only */
};

#define BLANKS " \t\n;&|<>()$`"	/* more than a word */
#define ALL 255		/* operands */
#define ACTIONS_MAX 32		/* -exec and its like in one find */
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* What runs another command, and the options that may stand before it. */
static const struct wrapper {
	const char *name;	/* a pattern for its base name */
	unsigned int flags;
	unsigned int operands;	/* before the command */
	const char *valued;	/* letters of options that take a value */
	const char *plain;	/* of those that take none; with GUESS, what
				   stands for words that it reads */
	const char *longs;	/* "with= without " */
	const char *ends;	/* options that run nothing */
	const char *shell;	/* those with which it is as with SHELL */
	char text;		/* the one whose value is a shell text */
} wrappers[] = {
	{ "sudo", ASSIGNS, 0, "CDghpRrtTUuac", "ABbEeHiKkNnPSs",
	    "user= group= host= prompt= chdir= chroot= role= type= "
	    "close-from= command-timeout= preserve-env stdin shell login "
	    "non-interactive background set-home askpass list validate "
	    "remove-timestamp reset-timestamp ", "elvVK", "is", 0 },
	{ "doas", 0, 0, "uCa", "Lns", "", "L", "s", 0 },
	{ "su", AGAIN | MOVES | SHELL, ALL, "cCgGsTwP", "-flmp",
	    "command= group= supp-group= shell= login fast pty "
	    "preserve-environment ", "", "", 'c' },
	{ "runuser", AGAIN | MOVES | SHELL, ALL, "cugGsTw", "-flmp",
	    "command= user= group= supp-group= shell= login fast pty "
	    "preserve-environment ", "", "", 'c' },
	{ "pkexec", GUESS | MOVES, 0, "", "", "", "", "", 0 },
	{ "systemd-run", GUESS | MOVES, 0, "", "", "", "", "", 0 },
	{ "setpriv", GUESS, 0, "", "", "", "", "", 0 },
	{ "prlimit", GUESS, 0, "", "", "", "", "", 0 },
	{ "taskset", GUESS, 1, "", "", "", "", "", 0 },
	{ "chrt", GUESS, 1, "", "", "", "", "", 0 },
	{ "setarch", GUESS, 0, "", "", "", "", "", 0 },
	{ "fakeroot", GUESS, 0, "", "", "", "", "", 0 },
	{ "unbuffer", GUESS, 0, "", "", "", "", "", 0 },
	{ "ltrace", GUESS, 0, "", "", "", "", "", 0 },
	{ "ld-*.so*", GUESS, 0, "", "", "", "", "", 0 },
	{ "linux32", GUESS, 0, "", "", "", "", "", 0 },
	{ "linux64", GUESS, 0, "", "", "", "", "", 0 },
	{ "i386", GUESS, 0, "", "", "", "", "", 0 },
	{ "x86_64", GUESS, 0, "", "", "", "", "", 0 },
	{ "systemd-inhibit", GUESS, 0, "", "", "", "", "", 0 },
	{ "ssh-agent", GUESS, 0, "", "", "", "", "", 0 },
	{ "dbus-run-session", GUESS, 0, "", "", "", "", "", 0 },
	{ "dbus-launch", GUESS, 0, "", "", "", "", "", 0 },
	{ "xvfb-run", GUESS, 0, "", "", "", "", "", 0 },
	{ "start-stop-daemon", GUESS | MOVES | APPENDS, 0, "", "", "", "", "",
	    0 },
	{ "daemonize", GUESS | MOVES, 0, "", "", "", "", "", 0 },
	{ "systemd-nspawn", GUESS | MOVES, 0, "", "", "", "", "", 0 },
	{ "bwrap", GUESS | MOVES, 2, "", "", "", "", "", 0 },
	{ "firejail", GUESS | MOVES, 0, "", "", "", "", "", 0 },
	{ "capsh", GUESS | TEXTS | MOVES, 0, "", "", "", "", "", 0 },
	{ "sg", GUESS | TEXTS | MOVES, 1, "", "", "", "", "", 0 },
	{ "tmux", GUESS | TEXTS | MOVES, 1, "", "", "", "", "", 0 },
	{ "screen", GUESS | TEXTS, 0, "", "", "", "", "", 0 },
	{ "entr", GUESS | TEXTS, 0, "", "/_", "", "", "", 0 },
	{ "gdb", GUESS | MOVES, 0, "", "", "", "", "", 0 },
	{ "valgrind", GUESS, 0, "", "", "", "", "", 0 },
	{ "perf", GUESS, 1, "", "", "", "", "", 0 },
	{ "catchsegv", GUESS, 0, "", "", "", "", "", 0 },
	{ "faketime", GUESS, 1, "", "", "", "", "", 0 },
	{ "rlwrap", GUESS, 0, "", "", "", "", "", 0 },
	{ "numactl", GUESS, 0, "", "", "", "", "", 0 },
	{ "cgexec", GUESS, 0, "", "", "", "", "", 0 },
	{ "runcon", GUESS, 1, "", "", "", "", "", 0 },
	{ "choom", GUESS, 0, "", "", "", "", "", 0 },
	{ "chpst", GUESS | MOVES, 0, "", "", "", "", "", 0 },
	{ "cpulimit", GUESS, 0, "", "", "", "", "", 0 },
	{ "torsocks", GUESS, 0, "", "", "", "", "", 0 },
	{ "torify", GUESS, 0, "", "", "", "", "", 0 },
	{ "proxychains*", GUESS, 0, "", "", "", "", "", 0 },
	{ "eatmydata", GUESS, 0, "", "", "", "", "", 0 },
	{ "machinectl", GUESS | MOVES | CONTAINER, 0, "", "", "", "", "", 0 },
	{ "docker*", GUESS | MOVES | CONTAINER, 0, "", "", "", "", "", 0 },
	{ "podman*", GUESS | MOVES | CONTAINER, 0, "", "", "", "", "", 0 },
	{ "nerdctl", GUESS | MOVES | CONTAINER, 0, "", "", "", "", "", 0 },
	{ "kubectl", GUESS | MOVES | CONTAINER, 0, "", "", "", "", "", 0 },
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
static const char *const shells[] = { "sh", "bash", "dash", "ksh", "mksh",
	"ash", "rbash", "rksh", "ksh93", "yash", "hush", "posh" };
/* Shells, with a language of their own. */
static const char *const odd_shells[] = { "zsh", "rzsh", "csh", "tcsh",
	"bsd-csh", "fish", "pwsh", "powershell", "rc", "es", "nu", "xonsh",
	"elvish", "osh", "ysh" };

/* What runs text that is not looked into, or renames commands. */
static const struct {
	const char *name;
	const char *options;	/* only with one of these letters, or NULL */
} runners[] = {
	{ "eval", NULL }, { "source", NULL }, { ".", NULL }, { "trap", NULL },
	{ "alias", NULL }, { "fc", NULL }, { "bind", NULL },
	{ "compgen", NULL }, { "complete", NULL }, { "let", "" },
	{ "hash", "p" }, { "enable", "f" }, { "mapfile", "C" },
	{ "readarray", "C" }, { "jobs", "x" },
};

static const char *const movers[] = { "cd", "pushd", "popd" };
/* Options with which many a program works in another directory. */
static const char *const moving_options[] = { "-C", "--chdir", "--directory",
	"--chroot", "--root", "--wd", "--working-directory", "--workdir",
	"--cwd", "--cd" };

const char *
fo_base_name(const char *path)
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

const char *
fo_option_find(const char *list, const char *name, size_t n, bool whole)
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
add_candidate(struct fo_command *command, struct fo_candidate c)
{
	const struct fo_candidate *other;
	size_t i;

	if (c.words[0].kind != FO_WORD_PLAIN ||
	    (c.more && strchr(c.words[0].text, '{') != NULL)) {
		command->any = true;
		return;
	}
	for (i = 0; i < command->count; i++) {
		other = &command->candidates[i];
		if (other->words == c.words && other->count == c.count &&
		    other->files.words == c.files.words &&
		    other->more >= c.more && other->opaque >= c.opaque)
			return;
	}
	if (command->count == FO_CANDIDATES_MAX)
		command->any = true;
	else
		command->candidates[command->count++] = c;
}

/* What is open for a shell is so for all that it runs. */
static void
add_files(struct fo_command *command, struct fo_targets files)
{
	size_t i;

	for (i = 0; i < command->files_count; i++) {
		if (command->files[i].words == files.words)
			return;
	}
	if (files.count == 0)
		return;
	if (command->files_count == FO_FILES_MAX)
		command->any = true;
	else
		command->files[command->files_count++] = files;
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
	add_files(command, shell->targets);
	for (i = 0; i < shell->count && !command->any; i++) {
		simple = &shell->commands[i];
		add_candidate(command, (struct fo_candidate){
		    .words = simple->words, .count = simple->count,
		    .files = simple->targets, .more = more,
		    .opaque = simple->opaque });
	}
}

static void
add_text(struct fo_command *command, const char *text,
    const struct fo_candidate *from)
{
	struct fo_shell *shell = NULL;
	fo_err r;

	if (command->texts_count == FO_TEXTS_MAX) {
		command->any = true;
		return;
	}
	if ((r = fo_shell_parse(text, &shell)) != FO_OK) {
		command->err = r;
		return;
	}
	add_files(command, from->files);
	add_shell(command, shell, from->more);
}

/* ---- what a wrapper runs --------------------------------------------- */

/* A wrapper's words while they are walked. */
struct walk {
	struct fo_command *command;
	const struct wrapper *wrapper;
	struct fo_candidate c;
	size_t at;		/* the next word */
	size_t operands;	/* yet to be skipped */
	size_t guess;		/* where options were not understood, or 0 */
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
	struct fo_candidate from = k->c;
	struct fo_buf text;
	char *words = NULL;
	fo_err r;

	from.more = from.more || k->at < k->c.count;
	fo_buf_init(&text, FO_SHELL_MAX + 4);
	fo_buf_adds(&text, "env ");
	fo_buf_adds(&text, value);
	if ((r = fo_buf_take(&text, &words)) != FO_OK)
		k->command->err = r;
	else if (strchr(value, '\\') != NULL)
		k->command->any = true;
	else
		add_text(k->command, words, &from);
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
	/* su -s /bin/zsh */
	if (kind == FO_WORD_MANY || (value != NULL &&
	    k->wrapper->text == 'c' &&
	    IS_AMONG(odd_shells, fo_base_name(value))))
		k->command->any = true;
	if (letter == k->wrapper->text && letter != '\0') {
		k->text = true;
		if (value == NULL ? k->c.more : kind != FO_WORD_PLAIN)
			k->command->any = true;
		else if (value != NULL && letter == 'S')
			split_env(k, value);
		else if (value != NULL)
			add_text(k->command, value, &k->c);
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
	const char *found = fo_option_find(k->wrapper->longs, name, n, true);
	/* abbreviated or not */
	const bool is_text = k->wrapper->text != '\0' &&
	    fo_option_find("command= split-string= session-command= ", name,
	    n, false) != NULL;
	char letter = '\0';

	if (is_text)
		letter = k->wrapper->text;
	else if (strncmp(name, "user", n) == 0)
		letter = 'u';
	if (starts_with(name, "replace="))
		mark_placeholders(k, name + n + 1);
	if ((k->wrapper->flags & SCRIPT) != 0 && strcmp(name, "login") == 0)
		k->command->moved = true;
	else if (k->wrapper->shell[0] != '\0' &&
	    (starts_with(name, "login") || starts_with(name, "shell")))
		k->shell = k->command->moved = true;
	if (strcmp(name, "version") == 0 || strcmp(name, "help") == 0)
		k->ends = k->ends || k->guess == 0;
	else if (name[n] == '=')
		take_value(k, letter, name + n + 1, kind);
	else if (is_text || (found != NULL && *found == '='))
		take_value(k, letter, NULL, kind);
	else if (found == NULL)
		guess_from_here(k);
}

/* -abc; after a letter that takes a value comes the value. */
static void
take_letters(struct walk *k, const char *letters, fo_word_kind kind)
{
	const struct wrapper *w = k->wrapper;

	for (; *letters != '\0'; letters++) {
		if (has_letter("DRiw", *letters) && k->may_move)
			k->command->moved = true;
		/* or it is the value of what was not understood */
		k->ends = k->ends || (k->guess == 0 &&
		    has_letter(w->ends, *letters));
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

/*
 * Options of a shell, after '-' or '+'. The value of each o and O is a word
 * of its own, whatever letters follow; a shell that thinks otherwise would
 * take that word for something else.
 */
static void
take_shell_letters(struct walk *k, const char *letters, fo_word_kind kind)
{
	const struct wrapper *w = k->wrapper;

	/* bash takes long names after one '-' as well */
	if (strcmp(letters, "rcfile") == 0) {
		k->at++;
		return;
	}
	for (; *letters != '\0'; letters++) {
		k->shell = k->shell || has_letter(w->shell, *letters);
		k->script = k->script || *letters == 'c';
		if (*letters == 'l')
			k->command->moved = true;
		if (!has_letter(w->valued, *letters)) {
			if (!has_letter(w->plain, *letters))
				guess_from_here(k);
			continue;
		}
		if (letters[1] != '\0' && k->at < k->c.count &&
		    strchr("-+", k->c.words[k->at].text[0]) != NULL)
			k->command->any = true;
		take_value(k, *letters, NULL, kind);
	}
	if (kind != FO_WORD_PLAIN)
		guess_from_here(k);
}

/* One option, which begins with '-' or, in a shell, '+'. */
static void
take_option(struct walk *k, const struct fo_word *word)
{
	k->at++;
	if (starts_with(word->text, "--"))
		take_long(k, word->text + 2, word->kind);
	else if ((k->wrapper->flags & SCRIPT) != 0)
		take_shell_letters(k, word->text + 1, word->kind);
	else
		take_letters(k, word->text + 1, word->kind);
}

/* Does a word look like an option of this wrapper? */
static bool
is_option(const struct wrapper *wrapper, const char *text)
{
	return (text[0] == '-' &&
	    (text[1] != '\0' || has_letter(wrapper->plain, '-'))) ||
	    (text[0] == '+' && (wrapper->flags & SCRIPT) != 0);
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
		} else if (k->options && is_option(k->wrapper, word->text)) {
			take_option(k, word);
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

static struct fo_candidate
rest_of(const struct walk *k, size_t at)
{
	struct fo_candidate c = k->c;

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
	const unsigned int flags = k->wrapper->flags;
	const size_t operands = k->wrapper->operands == ALL ? 0 :
	    k->wrapper->operands;
	const struct fo_word *word;
	size_t i, row = 0;

	for (i = k->guess; i < k->c.count && !k->command->any; i++) {
		word = &k->c.words[i];
		if (word->kind == FO_WORD_PLAIN) {
			row = word->text[0] == '-' ? 0 : row + 1;
			add_candidate(k->command, rest_of(k, i));
			if ((flags & TEXTS) != 0 &&
			    strpbrk(word->text, BLANKS) != NULL)
				add_text(k->command, word->text, &k->c);
			/* the program, attached to an option */
			if ((flags & GUESS) != 0 && (flags & APPENDS) != 0 &&
			    row == 0 && strchr(word->text, '/') != NULL)
				k->command->any = true;
		} else if (row < 2 + operands && (flags & CONTAINER) == 0) {
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
		add_text(k->command, joined, &k->c);
	free(joined);
}

/* What a shell runs: the text after -c, a file, or its standard input. */
static void
run_script(struct walk *k)
{
	const struct fo_word *word;

	if (k->at >= k->c.count || k->guess != 0) {
		k->command->any = true;
		return;
	}
	word = &k->c.words[k->at];
	if (k->script && word->kind == FO_WORD_PLAIN && (!k->c.more ||
	    strchr(word->text, '{') == NULL))
		add_text(k->command, word->text, &k->c);
	else if (k->script || k->shell || word->kind != FO_WORD_PLAIN ||
	    strcmp(word->text, "-") == 0 ||
	    starts_with(word->text, "/dev/") ||
	    starts_with(word->text, "/proc/"))
		k->command->any = true;
}

/* A shell of another language: only a file is as unseen as any program. */
static void
look_at_odd_shell(struct fo_command *command, const struct fo_candidate *c)
{
	const struct fo_word *word = c->count > 1 ? &c->words[1] : NULL;

	if (c->opaque || word == NULL || word->kind != FO_WORD_PLAIN ||
	    (strchr("-+", word->text[0]) != NULL && (c->count > 2 ||
	    (strcmp(word->text, "--version") != 0 &&
	    strcmp(word->text, "--help") != 0))) ||
	    starts_with(word->text, "/dev/") ||
	    starts_with(word->text, "/proc/"))
		command->any = true;
}

/* What follows the options is the command, or there is none. */
static void
run_words(struct walk *k)
{
	struct fo_candidate c = rest_of(k, k->at);
	size_t i;

	/* parallel: ":::" begins the words that are put in */
	for (i = 0; (k->wrapper->flags & JOINS) != 0 && i < c.count; i++) {
		if (c.more && starts_with(c.words[i].text, ":::"))
			c.count = i;
	}
	if (c.count == 0) {
		if (c.more || k->shell || k->guess != 0)
			k->command->any = true;
		return;
	}
	k->c.count = k->at + c.count;
	add_candidate(k->command, c);
	if ((k->wrapper->flags & JOINS) != 0)
		join_words(k);
}

/* Where the options of a wrapper that is guessed at begin. */
static size_t
guess_start(const struct walk *k)
{
	static const char *const verbs[] = { "exec", "run", "shell" };
	size_t i;

	if ((k->wrapper->flags & CONTAINER) == 0)
		return 1;
	for (i = 1; i < k->c.count; i++) {
		if (IS_AMONG(verbs, k->c.words[i].text))
			return i + 1;
	}
	return k->c.count;
}

static void
look_behind_guess(struct walk *k)
{
	k->guess = guess_start(k);
	mark_placeholders(k, k->wrapper->plain);
	/* words after a "--" that it takes away */
	k->c.more = k->c.more || (k->wrapper->flags & APPENDS) != 0;
	guess_commands(k);
}

static void
look_behind(struct fo_command *command, const struct wrapper *wrapper,
    const struct fo_candidate *c)
{
	struct walk k = { .command = command, .wrapper = wrapper, .c = *c,
		.at = 1, .operands = wrapper->operands, .options = true,
		.shell = (wrapper->flags & SHELL) != 0 };

	k.may_move = k.shell || wrapper->shell[0] != '\0';
	if ((wrapper->flags & MOVES) != 0)
		command->moved = true;
	if ((wrapper->flags & GUESS) != 0) {
		look_behind_guess(&k);
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
look_behind_find(struct fo_command *command, const struct fo_candidate *c)
{
	static const char *const actions[] = { "-exec", "-execdir", "-ok",
		"-okdir" };
	struct walk k = { .command = command, .c = *c };
	size_t i, end, count = 0;

	for (i = 1; i < c->count && !command->any; i++) {
		/* $options, but not *.c */
		if (c->words[i].kind == FO_WORD_MANY &&
		    c->words[i].text[0] == '\0')
			command->any = true;
		if (!IS_AMONG(actions, c->words[i].text))
			continue;
		if (++count > ACTIONS_MAX)
			command->any = true;
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

/* Does the word say that it works in another directory? */
static bool
is_moving(const char *word)
{
	const size_t n = strcspn(word, "=");
	size_t i;

	if (strcmp(word, "autocd") == 0)
		return true;
	for (i = 0; i < sizeof(moving_options) / sizeof(moving_options[0]);
	    i++) {
		if (starts_with(word, moving_options[i]) || (n > 2 &&
		    word[1] == '-' &&
		    strncmp(word, moving_options[i], n) == 0))
			return true;
	}
	return false;
}

static bool
runs_text(const char *options, const struct fo_word *word)
{
	if (options == NULL || word->kind != FO_WORD_PLAIN)
		return true;

	return word->text[0] == '-' && options[0] != '\0' &&
	    strpbrk(word->text, options) != NULL;
}

static void
look_at_words(struct fo_command *command, const struct fo_candidate *c,
    const char *base)
{
	size_t i, j;

	for (i = 1; i < c->count; i++) {
		if (is_moving(c->words[i].text))
			command->moved = true;
	}
	for (j = 0; j < sizeof(runners) / sizeof(runners[0]); j++) {
		if (strcmp(base, runners[j].name) != 0)
			continue;
		command->any = command->any || c->more;
		for (i = 1; i < c->count && !command->any; i++)
			command->any = runs_text(runners[j].options,
			    &c->words[i]);
	}
}

/* git submodule foreach TEXT */
static void
look_behind_git(struct fo_command *command, const struct fo_candidate *c)
{
	static const struct wrapper foreach = { "", JOINS, 0, "", "q",
		"recursive quiet ", "", "", 0 };
	struct walk k = { .command = command, .wrapper = &foreach, .c = *c,
		.options = true };

	for (k.at = 1; k.at < c->count; k.at++) {
		if (strcmp(c->words[k.at].text, "foreach") == 0)
			break;
	}
	if (k.at++ >= c->count)
		return;
	command->moved = true;
	if (walk_options(&k) && k.guess == 0)
		run_words(&k);
	else
		command->any = true;
}

static void
look_at(struct fo_command *command, size_t index)
{
	const struct fo_candidate c = command->candidates[index];
	const char *base = fo_base_name(c.words[0].text);
	const struct wrapper *wrapper = find_wrapper(base);

	if (IS_AMONG(movers, base))
		command->moved = true;
	if (strcmp(base, "exec") == 0)
		add_files(command, c.files);
	look_at_words(command, &c, base);
	if (strcmp(base, "find") == 0)
		look_behind_find(command, &c);
	else if (strcmp(base, "git") == 0 ||
	    strcmp(base, "git-submodule") == 0)
		look_behind_git(command, &c);
	else if (IS_AMONG(odd_shells, base))
		look_at_odd_shell(command, &c);
	else if (wrapper != NULL)
		look_behind(command, wrapper, &c);
}

fo_err
fo_command_look(struct fo_command *command, struct fo_shell *shell)
{
	size_t i;

	add_shell(command, shell, false);
	for (i = 0; i < command->count && command->err == FO_OK &&
	    !command->any; i++)
		look_at(command, i);

	return command->err;
}
