/*
 * fo manual: the manual pages of fo in mdoc(7), out of the table of verbs.
 *
 * The same texts as fo help, so that neither can be older than the other.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "host/config.h"

#include "help.h"
#include "out.h"
#include "verb.h"

/* When the table of verbs last changed. */
#define DATE "November 27, 2026"
#define WIDTH 72

/* ---- text ------------------------------------------------------------ */

/* A text on a line of its own, or as the rest of one. */
static void
put(const char *text, size_t len)
{
	if (len > 0 && (text[0] == '.' || text[0] == '\''))
		fputs("\\&", stdout);
	for (; len > 0; len--, text++) {
		if (*text == '\\')
			fputs("\\e", stdout);
		else if (*text == '-')
			fputs("\\-", stdout);
		else
			putchar(*text);
	}
}

/* Is the line one that stands as it is, which help indents? */
static bool
is_literal(const char *line)
{
	return strncmp(line, "  ", 2) == 0;
}

/*
 * A paragraph of len bytes, word by word: a sentence begins a line, and no
 * line is long.
 */
static void
put_paragraph(const char *text, size_t len)
{
	const char *end = text + len;
	size_t column = 0, n;
	bool stop = false;

	while (text < end) {
		n = strcspn(text, " \n");
		if (n > 0 && column > 0 && (stop || column + n > WIDTH)) {
			putchar('\n');
			column = 0;
		}
		if (n > 0 && column > 0)
			putchar(' ');
		if (n > 0) {
			put(text, n);
			column += n + 1;
			stop = strchr(".?!", text[n - 1]) != NULL;
		}
		text += n + (text + n < end);
	}
	putchar('\n');
}

static size_t
literal_len(const char *text)
{
	size_t len = 0;

	/* an empty line belongs to it only if it goes on */
	while (is_literal(text + len) ||
	    (text[len] == '\n' && is_literal(text + len + 1))) {
		len += strcspn(text + len, "\n");
		len += text[len] == '\n';
	}

	return len;
}

static void
put_literal(const char *text, size_t len)
{
	const char *end = text + len;
	size_t n;

	puts(".Bd -literal -offset indent");
	while (text < end) {
		n = strcspn(text, "\n");
		put(n > 2 ? text + 2 : text, n > 2 ? n - 2 : 0);
		putchar('\n');
		text += n + 1;
	}
	puts(".Ed");
}

/*
 * A text of help: paragraphs with an empty line between them, and blocks of
 * indented lines.
 */
static void
put_prose(const char *text)
{
	const char *end;
	size_t len;
	bool first = true;

	while (*text != '\0') {
		text += strspn(text, "\n");
		if ((len = literal_len(text)) > 0) {
			put_literal(text, len);
		} else if (*text != '\0') {
			end = strstr(text, "\n\n");
			len = end != NULL ? (size_t)(end - text) :
			    strlen(text);
			if (!first)
				puts(".Pp");
			put_paragraph(text, len);
		}
		first = false;
		text += len;
	}
}

/* ---- a verb ---------------------------------------------------------- */

static void
put_option(const char *name, const char *value, const char *what)
{
	/* what help calls a value may have marks of its own */
	fputs(".It Fl \\-", stdout);
	put(name, strlen(name));
	if (value != NULL) {
		fputs(" Ar ", stdout);
		put(value, strlen(value));
	}
	putchar('\n');
	put_paragraph(what, strlen(what));
}

static void
put_options(const struct verb *verb)
{
	const struct verb_option *o;

	puts(".Bl -tag -width Ds");
	for (o = verb->options; o != NULL && o->name != NULL; o++)
		put_option(o->name, o->value, o->what);
	if (verb->store)
		put_option("config", "PATH", "default " FO_CONFIG_PATH);
	if (verb->json)
		put_option("json", NULL, "print one JSON object instead of"
		    " text");
	put_option("help", NULL, "print the help text");
	puts(".El");
}

/* "  0  done" and lines that go on with the one before. */
static void
put_exits(const char *exits)
{
	const char *list = strpbrk(exits, "0123");
	size_t len, indent;

	puts("Exit codes:");
	/* what comes before the first of them */
	exits += strspn(exits, " ");
	if (list > exits) {
		put_paragraph(exits, (size_t)(list - exits));
		exits = list;
	}
	puts(".Bl -tag -width Ds -compact");
	for (; *exits != '\0'; exits += len + (exits[len] == '\n')) {
		len = strcspn(exits, "\n");
		indent = strspn(exits, " ");
		if (isdigit((unsigned char)exits[indent])) {
			printf(".It %c\n", exits[indent]);
			indent += 1 + strspn(exits + indent + 1, " ");
		}
		put_paragraph(exits + indent, len - indent);
	}
	puts(".El");
}

static void
put_verb(const struct verb *verb)
{
	printf(".Ss fo %s\n.Bd -literal -offset indent\nfo ", verb->name);
	put(verb->name, strlen(verb->name));
	if (verb->synopsis[0] != '\0')
		putchar(' ');
	put(verb->synopsis, strlen(verb->synopsis));
	puts("\n.Ed\n.Pp");
	put_prose(verb->text);
	puts(".Pp\nOptions:");
	put_options(verb);
	puts(".Pp\nExample:");
	put_prose(verb->example);
	puts(".Pp");
	put_exits(verb->exits != NULL ? verb->exits : HELP_EXITS);
}

/* ---- pages ----------------------------------------------------------- */

/* Verbs by their first word: a page each; in the alphabet's order. */
static const struct group {
	const char *word;
	const char *what;
} groups[] = {
	{ "agent", "create, change and end agents" },
	{ "audit", "say who did what, where and when" },
	{ "auth", "a person's own key, on this machine" },
	{ "hook", "decide what a coding agent is about to do" },
	{ "human", "register, change and end people" },
	{ "key", "make keys and name them" },
	{ "policy", "check, try and explain policies" },
	{ "proof", "sign and verify DPoP proofs" },
	{ "setup", "put hooks into coding agents" },
	{ "signer", "hold keys, and sign with them" },
	{ "store", "check and mend the store" },
	{ "who", "say who is in now" },
};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

static bool
is_of(const struct verb *verb, const char *word)
{
	const size_t len = strlen(word);

	return strncmp(verb->name, word, len) == 0 &&
	    (verb->name[len] == ' ' || verb->name[len] == '\0');
}

/* Has it a page beside that of fo itself? */
static bool
has_page(const struct verb *verb)
{
	size_t i;

	for (i = 0; i < GROUPS; i++)
		if (is_of(verb, groups[i].word))
			return true;

	return false;
}

/* Is there more of it than the word alone? */
static bool
has_verbs(const char *word)
{
	size_t i;

	for (i = 0; verbs[i] != NULL; i++)
		if (is_of(verbs[i], word) &&
		    verbs[i]->name[strlen(word)] == ' ')
			return true;

	return false;
}

static void
put_see_also(const char *but)
{
	size_t i;

	puts(".Sh SEE ALSO");
	if (*but != '\0')
		puts(".Xr fo 1 ,");
	for (i = 0; i < GROUPS; i++)
		if (strcmp(groups[i].word, but) != 0)
			printf(".Xr fo-%s 1 ,\n", groups[i].word);
	puts(".Xr firstops-policy 5 ,\n.Xr firstops-principal 5 ,\n"
	    ".Xr firstops.yaml 5 ,\n.Xr firstops-events 7 ,\n"
	    ".Xr fo-signer 8 ,\n.Xr pam_firstops 8 ,\n.Xr sudo_firstops 8");
}

static void
put_group(const struct group *group)
{
	const char *p;
	size_t i;

	printf(".Dd " DATE "\n.Dt FO-");
	for (p = group->word; *p != '\0'; p++)
		putchar(toupper((unsigned char)*p));
	printf(" 1\n.Os\n.Sh NAME\n.Nm fo-%s\n.Nd %s\n.Sh SYNOPSIS\n",
	    group->word, group->what);
	printf(".Nm fo\n.Cm %s\n%s.Op Ar options\n.Sh DESCRIPTION\n",
	    group->word, has_verbs(group->word) ? ".Op Ar verb\n" : "");
	for (i = 0; verbs[i] != NULL; i++)
		if (is_of(verbs[i], group->word))
			put_verb(verbs[i]);
	put_see_also(group->word);
}

/* The verbs of a page, by their summaries; "": those without a page. */
static void
put_summaries(const char *word)
{
	size_t i;

	puts(".Bl -tag -width policy_explain -compact");
	for (i = 0; verbs[i] != NULL; i++) {
		if (*word != '\0' ? !is_of(verbs[i], word) :
		    has_page(verbs[i]))
			continue;
		printf(".It Cm %s\n", verbs[i]->name);
		put(verbs[i]->summary, strlen(verbs[i]->summary));
		putchar('\n');
	}
	puts(".El");
}

static const char environment[] =
    ".Sh ENVIRONMENT\n"
    ".Bl -tag -width FO_PRIVATE_KEY_PATH\n"
    ".It Ev FO_PRIVATE_KEY_PATH\n"
    "The private key to sign with, where no\n.Fl \\-key\nis given.\n"
    ".It Ev XDG_RUNTIME_DIR\n"
    "Where the signer is found, which signs where neither is.\n"
    ".It Ev NO_COLOR\n"
    "Print no colour, on a terminal neither.\n"
    ".El\n"
    ".Sh FILES\n"
    ".Bl -tag -width Ds\n"
    ".It Pa " FO_CONFIG_PATH "\n"
    "What this host is called and how it decides; beside it are principals,"
    " keys,\ngroups and policies.\n"
    ".It Pa ~/.config/firstops/key.pem\n"
    "The private key to sign with, where no other is named and no signer"
    " runs.\n"
    ".It Pa ~/.config/firstops/targets.yaml\n"
    "What\n.Cm fo target\nkeeps.\n"
    ".El\n"
    ".Sh EXIT STATUS\n"
    "0 if it is done, 1 if it was refused or not found, 2 if the command line"
    " cannot\nbe understood, 3 in trouble.\n.Cm fo ssh\nand\n.Cm fo run\n"
    "exit with what they ran exits with.\n";

static void
put_overview(void)
{
	size_t i;

	puts(".Dd " DATE "\n.Dt FO 1\n.Os\n.Sh NAME\n.Nm fo\n"
	    ".Nd give agents an identity, and check it\n.Sh SYNOPSIS\n.Nm\n"
	    ".Ar verb\n.Op Ar options\n.Sh DESCRIPTION\n"
	    "An agent proves who it is by signing a fresh DPoP proof (RFC"
	    " 9449) with a key\nthat only it holds.\n.Nm\n"
	    "keeps the store of those who may, and makes and checks proofs."
	    "\n.Pp");
	for (i = 0; i < GROUPS; i++) {
		printf("To %s\n.Pq Xr fo-%s 1 :\n", groups[i].what,
		    groups[i].word);
		put_summaries(groups[i].word);
		puts(".Pp");
	}
	puts("Verbs of their own, explained below:");
	put_summaries("");
	for (i = 0; verbs[i] != NULL; i++)
		if (!has_page(verbs[i]))
			put_verb(verbs[i]);
	fputs(environment, stdout);
	put_see_also("");
	puts(".Sh STANDARDS\n"
	    ".Rs\n.%R RFC 9449\n.%T OAuth 2.0 Demonstrating Proof of"
	    " Possession (DPoP)\n.Re\n"
	    ".Pp\n.Rs\n.%R RFC 7638\n.%T JSON Web Key (JWK) Thumbprint"
	    "\n.Re");
}

static int
run(const struct call *call)
{
	size_t i;

	if (call->argc == 0) {
		put_overview();
		return FO_EXIT_DONE;
	}
	for (i = 0; i < GROUPS; i++)
		if (strcmp(groups[i].word, call->argv[0]) == 0) {
			put_group(&groups[i]);
			return FO_EXIT_DONE;
		}

	return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "no page for \"%s\":"
	    " must be agent, audit, auth, hook, human, key, policy, proof,"
	    " setup, signer, store or who",
	    call->argv[0]);
}

const struct verb verb_manual = {
	.name = "manual",
	.synopsis = "[GROUP]",
	.summary = "Print a manual page of this command, in mdoc",
	.text =
	    "Print the manual page of a group of verbs, or of fo itself, in"
	    " mdoc(7). The pages\nare installed with fo; this is for a reader"
	    " where they are not.\n",
	.example = "  fo manual agent | man -l -\n",
	.max_operands = 1,
	.run = run,
};
