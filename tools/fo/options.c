/*
 * The command line of a verb.
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/config.h"
#include "host/names.h"

#include "out.h"

/* What getopt_long answers for options that verbs do not list themselves. */
enum { OPTION_HELP = 1000, OPTION_JSON, OPTION_CONFIG };

/* A verb's own options, --config, --json, --help and the end. */
#define TABLE_SIZE (VERB_MAX_OPTIONS + 4)

/* The verb's options as getopt_long wants them, and their names alone. */
struct table {
	struct option longs[TABLE_SIZE];
	const char *names[TABLE_SIZE];
	size_t count;
};

static void
table_add(struct table *table, const char *name, bool has_value, int answer)
{
	struct option *o = &table->longs[table->count];

	o->name = name;
	o->has_arg = has_value ? required_argument : no_argument;
	o->flag = NULL;
	o->val = answer;
	table->names[table->count++] = name;
}

static void
table_fill(struct table *table, const struct verb *verb)
{
	const struct verb_option *o;
	int i;

	memset(table, 0, sizeof(*table));
	for (i = 0, o = verb->options; o != NULL && o->name != NULL; i++, o++)
		table_add(table, o->name, o->value != NULL, i);
	if (verb->json)
		table_add(table, "json", false, OPTION_JSON);
	if (verb->store)
		table_add(table, "config", true, OPTION_CONFIG);
	table_add(table, "help", false, OPTION_HELP);
}

/* Say which option is not known, and which one was probably meant. */
static int
unknown_option(const struct call *call, const struct table *table,
    const char *word)
{
	char name[64];
	const char *near;

	if (strncmp(word, "--", 2) != 0)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
		    "unknown option %s; see: fo help %s", word,
		    call->verb->name);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="),
	    word + 2);
	near = fo_name_nearest(name, table->names);
	if (near != NULL && strcmp(near, name) != 0)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
		    "unknown option --%s; did you mean --%s?", name, near);

	return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
	    "option --%s is not known or takes no value; see: fo help %s",
	    name, call->verb->name);
}

/* One of the verb's own options, which may be given once. */
static int
own_option(struct call *call, int index)
{
	const struct verb_option *o = &call->verb->options[index];

	if (call->option[index] != NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
		    "--%s is given twice", o->name);
	call->option[index] = o->value != NULL ? optarg : "";

	return FO_EXIT_DONE;
}

static int
check_operands(const struct call *call)
{
	const struct verb *verb = call->verb;

	if (call->argc < verb->min_operands)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
		    "something is missing\nusage: fo %s %s", verb->name,
		    verb->synopsis);
	if (verb->max_operands >= 0 && call->argc > verb->max_operands)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
		    "\"%s\" is one word too many\nusage: fo %s %s",
		    call->argv[verb->max_operands], verb->name,
		    verb->synopsis);

	return FO_EXIT_DONE;
}

/*
 * The next option, as getopt_long answers. Where the words of another program
 * begin, ours have ended, and its -- is left to it.
 */
static int
next_option(const struct verb *verb, int argc, char **argv,
    const struct option *longs)
{
	const int at = optind > 0 ? optind : 1;
	const int answer = getopt_long(argc, argv, verb->rest ? "+:h" : ":h",
	    longs, NULL);
	const bool ended = answer == -1 ||
	    (answer == '?' && strncmp(argv[at], "--", 2) != 0);

	if (!verb->foreign || !ended)
		return answer;
	optind = at;

	return -1;
}

int
options_parse(const struct verb *verb, int argc, char **argv,
    struct call *ret_call, bool *ret_help)
{
	struct call call = { .verb = verb, .config = FO_CONFIG_PATH };
	struct table table;
	int answer;

	table_fill(&table, verb);
	opterr = 0;
	optind = 0; /* glibc: start anew */
	while ((answer = next_option(verb, argc, argv, table.longs)) != -1) {
		if (answer == OPTION_JSON)
			call.json = true;
		else if (answer == OPTION_CONFIG)
			call.config = optarg;
		else if (answer == OPTION_HELP || answer == 'h')
			*ret_help = true;
		else if (answer == ':')
			return fail(&call, FO_EXIT_USAGE, FO_ERR_ARG,
			    "%s needs a value", argv[optind - 1]);
		else if (answer == '?')
			return unknown_option(&call, &table,
			    argv[optind - 1]);
		else if (own_option(&call, answer) != FO_EXIT_DONE)
			return FO_EXIT_USAGE;
	}
	call.argc = argc - optind;
	call.argv = argv + optind;
	if (!*ret_help && check_operands(&call) != FO_EXIT_DONE)
		return FO_EXIT_USAGE;
	*ret_call = call;

	return FO_EXIT_DONE;
}

bool
number_parse(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	long long n;

	if (*digits == '\0' ||
	    strspn(digits, "0123456789") != strlen(digits))
		return false;
	errno = 0;
	n = strtoll(text, NULL, 10);
	if (errno != 0 || n < min || n > max)
		return false;
	*ret = n;

	return true;
}

fo_err
list_parse(const char *text, char ***ret_list)
{
	const char *p;
	char **list;
	size_t n = 0, size = 2, len;

	for (p = text; p != NULL && *p != '\0'; p++)
		size += *p == ',';
	if ((list = calloc(size, sizeof(*list))) == NULL)
		return FO_ERR_NOMEM;
	for (p = text; p != NULL; p = p[len] == ',' ? p + len + 1 : NULL) {
		len = strcspn(p, ",");
		if (len == 0 || (list[n++] = strndup(p, len)) == NULL) {
			list_free(&list);
			return len == 0 ? FO_ERR_FORMAT : FO_ERR_NOMEM;
		}
	}

	*ret_list = list;
	return FO_OK;
}

void
list_free(char ***list)
{
	size_t i;

	if (list == NULL || *list == NULL)
		return;
	for (i = 0; (*list)[i] != NULL; i++)
		free((*list)[i]);
	free(*list);
	*list = NULL;
}

bool
list_has(char *const *list, const char *text)
{
	for (; *list != NULL; list++)
		if (strcmp(*list, text) == 0)
			return true;

	return false;
}
