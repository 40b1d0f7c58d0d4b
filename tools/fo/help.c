/*
 * Finding a verb by its words, and explaining it; the verb `fo help`.
 */
#include "help.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "host/config.h"
#include "host/names.h"

#include "out.h"

/* Room for the longest name of a verb. */
#define NAME_SIZE 48
#define MAX_VERBS 64

static const struct verb *
find(const char *name)
{
	size_t i;

	for (i = 0; verbs[i] != NULL; i++)
		if (strcmp(verbs[i]->name, name) == 0)
			return verbs[i];

	return NULL;
}

/* Is it the first word of verbs with two, as "agent"? */
static bool
is_group(const char *word)
{
	const size_t len = strlen(word);
	size_t i;

	for (i = 0; verbs[i] != NULL; i++)
		if (strncmp(verbs[i]->name, word, len) == 0 &&
		    verbs[i]->name[len] == ' ')
			return true;

	return false;
}

static void
print_group(const char *word, FILE *stream)
{
	const size_t len = strlen(word);
	size_t i;

	for (i = 0; verbs[i] != NULL; i++)
		if (len == 0 || (strncmp(verbs[i]->name, word, len) == 0 &&
		    verbs[i]->name[len] == ' '))
			fprintf(stream, "  %-16s %s\n", verbs[i]->name,
			    verbs[i]->summary);
}

/*
 * Say what was probably meant: name is all the words, first the first one.
 */
static void
unknown(const char *first, const char *name)
{
	const char *names[MAX_VERBS + 1] = { NULL };
	const char *near;
	size_t i;

	for (i = 0; i < MAX_VERBS && verbs[i] != NULL; i++)
		names[i] = verbs[i]->name;
	if (is_group(name)) {
		note("fo: \"%s\" needs one more word:", name);
		print_group(name, stderr);
	} else if ((near = fo_name_nearest(name, names)) != NULL) {
		note("fo: \"%s\" is not a verb; did you mean \"%s\"?",
		    name, near);
	} else if ((near = fo_name_nearest(first, names)) != NULL) {
		note("fo: \"%s\" is not a verb; did you mean \"%s\"?",
		    first, near);
	} else if (is_group(first)) {
		note("fo: \"%s\" is not a verb; there are:", name);
		print_group(first, stderr);
	} else {
		note("fo: \"%s\" is not a verb; see: fo help", first);
	}
}

const struct verb *
help_find(int argc, char *const *argv, int *ret_used)
{
	char name[NAME_SIZE];
	const struct verb *verb;

	/* the longer first: "audit seal" is not audit of a log called seal */
	snprintf(name, sizeof(name), "%s", argv[0]);
	if (argc > 1 && argv[1][0] != '-') {
		snprintf(name, sizeof(name), "%s %s", argv[0], argv[1]);
		if ((verb = find(name)) != NULL) {
			*ret_used = 2;
			return verb;
		}
	}
	if ((verb = find(argv[0])) != NULL) {
		*ret_used = 1;
		return verb;
	}
	unknown(argv[0], name);

	return NULL;
}

void
help_overview(FILE *stream)
{
	fputs("usage: fo VERB [options]\n\n"
	    "Give agents an identity, and check it.\n\n", stream);
	print_group("", stream);
	fputs("\nfo help VERB explains one, with an example.\n", stream);
}

static void
print_options(const struct verb *verb, FILE *stream)
{
	const struct verb_option *o;
	char left[48];

	fputs("\nOptions:\n", stream);
	for (o = verb->options; o != NULL && o->name != NULL; o++) {
		snprintf(left, sizeof(left), "--%s%s%s", o->name,
		    o->value != NULL ? " " : "",
		    o->value != NULL ? o->value : "");
		fprintf(stream, "  %-22s %s\n", left, o->what);
	}
	if (verb->store)
		fprintf(stream, "  %-22s default %s\n", "--config PATH",
		    FO_CONFIG_PATH);
	if (verb->json)
		fprintf(stream, "  %-22s %s\n", "--json",
		    "print one JSON object instead of text");
	fprintf(stream, "  %-22s print this\n", "--help");
}

void
help_verb(const struct verb *verb, FILE *stream)
{
	fprintf(stream, "usage: fo %s%s%s\n\n%s", verb->name,
	    *verb->synopsis != '\0' ? " " : "", verb->synopsis, verb->text);
	print_options(verb, stream);
	fprintf(stream, "\nExample:\n%s", verb->example);
	fprintf(stream, "\nExit codes:\n%s", verb->exits != NULL ?
	    verb->exits : HELP_EXITS);
	if (is_group(verb->name)) {
		fputs("\nMore verbs:\n", stream);
		print_group(verb->name, stream);
	}
}

static int
run(const struct call *call)
{
	const struct verb *verb;
	int used;

	if (call->argc == 0) {
		help_overview(stdout);
		return FO_EXIT_DONE;
	}
	if (call->argc == 1 && is_group(call->argv[0]) &&
	    find(call->argv[0]) == NULL) {
		print_group(call->argv[0], stdout);
		return FO_EXIT_DONE;
	}
	if ((verb = help_find(call->argc, call->argv, &used)) == NULL)
		return FO_EXIT_USAGE;
	help_verb(verb, stdout);

	return FO_EXIT_DONE;
}

const struct verb verb_help = {
	.name = "help",
	.synopsis = "[VERB]",
	.summary = "Explain a verb",
	.text = "Without a verb: list all of them.\n",
	.example = "  fo help agent create\n",
	.max_operands = 2,
	.run = run,
};
