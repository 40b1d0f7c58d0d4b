/*
 * fo completion: what a shell completes, out of the table of verbs.
 *
 * After "fo" comes the first word of a verb, after that the second where
 * there is one, and then the verb's options. Every shell gets the same lists
 * in its own words.
 */
#include <stdio.h>
#include <string.h>

#include "out.h"
#include "verb.h"

#define FIRST_SIZE 16

/* How one shell says what may follow some words. */
struct shell {
	const char *name;
	const char *begin;
	/* words: what stands before; more: or begins what stands before */
	void (*open)(const char *words, bool more);
	void (*entry)(const char *words, bool more, const char *entry,
	    const char *what);
	void (*close)(void);
	bool first_fits;	/* of lists that fit, the first alone counts */
	const char *end;
};

/* Options whose value is a file. */
#define FILE_OPTIONS \
    "--out | --jwk | --ssh-key | --config | --cwd | --path | --key |" \
    " --after | --head"

/* Within single quotes of any of the shells. */
static void
put(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*text);
	}
}

/* ---- the lists ------------------------------------------------------- */

/* The second word of a verb, or "". */
static const char *
first_word(const struct verb *verb, char ret_first[FIRST_SIZE])
{
	const size_t len = strcspn(verb->name, " ");

	snprintf(ret_first, FIRST_SIZE, "%.*s", (int)len, verb->name);

	return verb->name + len + (verb->name[len] == ' ');
}

/* Verbs of one first word stand together: is this the first of them? */
static bool
begins_group(size_t i)
{
	char before[FIRST_SIZE], first[FIRST_SIZE];

	if (i == 0)
		return true;
	(void)first_word(verbs[i - 1], before);
	(void)first_word(verbs[i], first);

	return strcmp(before, first) != 0;
}

static void
list_first_words(const struct shell *shell)
{
	char first[FIRST_SIZE];
	size_t i;

	shell->open("", false);
	for (i = 0; verbs[i] != NULL; i++) {
		if (!begins_group(i))
			continue;
		shell->entry("", false, first, *first_word(verbs[i],
		    first) == '\0' ? verbs[i]->summary : "more verbs");
	}
	shell->close();
}

static void
list_option(const struct shell *shell, const struct verb *verb, bool more,
    const char *name, const char *what)
{
	char entry[32];

	snprintf(entry, sizeof(entry), "--%s", name);
	shell->entry(verb->name, more, entry, what);
}

static void
list_options(const struct shell *shell, const struct verb *verb, bool more)
{
	const struct verb_option *o;

	for (o = verb->options; o != NULL && o->name != NULL; o++)
		list_option(shell, verb, more, o->name, o->what);
	if (verb->store)
		list_option(shell, verb, more, "config", "firstops.yaml of"
		    " another store");
	if (verb->json)
		list_option(shell, verb, more, "json", "print one JSON"
		    " object");
	list_option(shell, verb, more, "help", "explain the verb");
}

/* Is it a verb, and the first word of those that follow it too? */
static bool
is_verb_and_group(size_t i)
{
	char first[FIRST_SIZE], next[FIRST_SIZE];

	if (*first_word(verbs[i], first) != '\0' || verbs[i + 1] == NULL)
		return false;
	(void)first_word(verbs[i + 1], next);

	return strcmp(first, next) == 0;
}

static void
list_second_words(const struct shell *shell, size_t i)
{
	const bool both = is_verb_and_group(i);
	char group[FIRST_SIZE], first[FIRST_SIZE];
	const char *second;
	size_t k;

	if (*first_word(verbs[i], group) == '\0' && !both)
		return;
	shell->open(group, false);
	for (k = both ? i + 1 : i; verbs[k] != NULL; k++) {
		second = first_word(verbs[k], first);
		if (strcmp(first, group) == 0)
			shell->entry(group, false, second,
			    verbs[k]->summary);
	}
	if (both && shell->first_fits)
		list_options(shell, verbs[i], false);
	shell->close();
}

/* Of verbs with two words, or with one. */
static void
list_all_options(const struct shell *shell, bool two)
{
	size_t i;

	for (i = 0; verbs[i] != NULL; i++) {
		if ((strchr(verbs[i]->name, ' ') != NULL) != two)
			continue;
		shell->open(verbs[i]->name, true);
		list_options(shell, verbs[i], true);
		shell->close();
	}
}

static void
print_script(const struct shell *shell)
{
	size_t i;

	fputs(shell->begin, stdout);
	list_first_words(shell);
	for (i = 0; verbs[i] != NULL; i++)
		if (begins_group(i))
			list_second_words(shell, i);
	/* what begins with "audit seal" also begins with "audit" */
	list_all_options(shell, true);
	list_all_options(shell, false);
	fputs(shell->end, stdout);
}

/* ---- bash and zsh ---------------------------------------------------- */

static void
case_open(const char *words, bool more)
{
	printf("\t'%s '%s) list=(", words, more ? "*" : "");
}

static void
case_close(void)
{
	printf(" ) ;;\n");
}

static void
bash_entry(const char *words, bool more, const char *entry, const char *what)
{
	(void)words;
	(void)more;
	(void)what;
	printf(" %s", entry);
}

static void
zsh_entry(const char *words, bool more, const char *entry, const char *what)
{
	(void)words;
	(void)more;
	printf("\n\t\t'%s:", entry);
	put(what);
	putchar('\'');
}

/* ---- fish ------------------------------------------------------------ */

static void
nothing_open(const char *words, bool more)
{
	(void)words;
	(void)more;
}

static void
nothing_close(void)
{
}

/* Is it a verb of two words, of which these are the first? */
static bool
is_below(const struct verb *verb, const char *words)
{
	const size_t len = strlen(words);

	return len > 0 && strncmp(verb->name, words, len) == 0 &&
	    verb->name[len] == ' ';
}

static void
fish_entry(const char *words, bool more, const char *entry, const char *what)
{
	size_t i;

	printf("complete -c fo -n '__fo_after %s%s%s", more ? "-m" : "",
	    more && *words != '\0' ? " " : "", words);
	for (i = 0; more && verbs[i] != NULL; i++)
		if (is_below(verbs[i], words))
			printf("; and not __fo_after -m %s", verbs[i]->name);
	putchar('\'');
	if (more)
		printf(" -l %s", entry + 2);
	else
		printf(" -f -a %s", entry);
	printf(" -d '");
	put(what);
	printf("'\n");
}

/* ---- the verb -------------------------------------------------------- */

static const struct shell shells[] = {
	{ "bash",
	    "# bash completion for fo\n"
	    "_fo()\n{\n"
	    "\tlocal cur=${COMP_WORDS[COMP_CWORD]} list=()\n"
	    "\tCOMPREPLY=()\n"
	    "\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n"
	    "\t" FILE_OPTIONS ") return ;;\n"
	    "\tesac\n"
	    "\tcase \"${COMP_WORDS[*]:1:COMP_CWORD-1} \" in\n",
	    case_open, bash_entry, case_close, true,
	    "\tesac\n"
	    "\tmapfile -t COMPREPLY < <(compgen -W \"${list[*]}\" --"
	    " \"$cur\")\n"
	    "}\n"
	    "complete -o default -F _fo fo\n" },
	{ "zsh",
	    "#compdef fo\n"
	    "local -a list\n"
	    "case $words[CURRENT-1] in\n"
	    FILE_OPTIONS ") _files; return ;;\n"
	    "esac\n"
	    "case \"${(j: :)words[2,CURRENT-1]} \" in\n",
	    case_open, zsh_entry, case_close, true,
	    "esac\n"
	    "_describe -o fo list || _files\n" },
	{ "fish",
	    "# fish completion for fo\n"
	    "function __fo_after\n"
	    "    set -l said (commandline -opc)[2..-1]\n"
	    "    if test \"$argv[1]\" = -m\n"
	    "        set -e argv[1]\n"
	    "        set said $said[1..(count $argv)]\n"
	    "    end\n"
	    "    test \"$said\" = \"$argv\"\n"
	    "end\n",
	    nothing_open, fish_entry, nothing_close, false, "" },
};

static int
run(const struct call *call)
{
	size_t i;

	for (i = 0; i < sizeof(shells) / sizeof(shells[0]); i++)
		if (strcmp(shells[i].name, call->argv[0]) == 0) {
			print_script(&shells[i]);
			return FO_EXIT_DONE;
		}

	return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "no completion for"
	    " \"%s\": must be bash, zsh or fish", call->argv[0]);
}

const struct verb verb_completion = {
	.name = "completion",
	.synopsis = "bash | zsh | fish",
	.summary = "Print a shell's completion of this command",
	.text =
	    "Print the script by which a shell completes verbs and options."
	    " It is installed\nwith fo; this is for a shell that looks"
	    " elsewhere.\n",
	.example = "  fo completion bash >"
	    " ~/.local/share/bash-completion/completions/fo\n",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
};
