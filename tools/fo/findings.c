/*
 * What a check found: each finding ok, a warning or a failure, and how to
 * mend it.
 */
#include "findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "out.h"

#define WHAT_SIZE 1024

static const char *
level_word(finding_level level)
{
	switch (level) {
	case LEVEL_OK:
		return "ok";
	case LEVEL_WARN:
		return "warn";
	case LEVEL_FAIL:
		break;
	}

	return "fail";
}

static const char *
level_colour(finding_level level)
{
	switch (level) {
	case LEVEL_OK:
		return "\033[32m";
	case LEVEL_WARN:
		return "\033[33m";
	case LEVEL_FAIL:
		break;
	}

	return "\033[31m";
}

bool
finding_short(struct findings *findings, fo_err r)
{
	if (r == FO_ERR_NOMEM)
		findings->short_of_memory = true;

	return r == FO_ERR_NOMEM;
}

void
finding(struct findings *findings, finding_level level, const char *remedy,
    const char *fmt, ...)
{
	char text[WHAT_SIZE];
	struct finding *grown, one = { .level = level };
	va_list args;

	/* counted first: a failure that cannot be kept is still one */
	findings->warnings += level == LEVEL_WARN;
	findings->failures += level == LEVEL_FAIL;
	va_start(args, fmt);
	if (vsnprintf(text, sizeof(text), fmt, args) < 0)
		text[0] = '\0';
	va_end(args);
	grown = reallocarray(findings->list, findings->count + 1,
	    sizeof(*grown));
	if (grown == NULL) {
		findings->short_of_memory = true;
		return;
	}
	findings->list = grown;
	one.what = strdup(text);
	one.remedy = remedy != NULL ? strdup(remedy) : NULL;
	if (one.what == NULL || (remedy != NULL && one.remedy == NULL))
		findings->short_of_memory = true;
	one.place = findings->count;
	grown[findings->count++] = one;
}

/* What is wrong comes first; else as it was found. */
static int
by_level(const void *a, const void *b)
{
	const struct finding *one = a, *other = b;

	if (one->level != other->level)
		return one->level > other->level ? -1 : 1;
	return one->place < other->place ? -1 : one->place > other->place;
}

static int
print_json(const struct findings *findings)
{
	struct json *json = json_object_new(), *list = json_list_new(), *one;
	size_t i;

	for (i = 0; i < findings->count; i++) {
		one = json_object_new();
		json_text(one, "level", level_word(findings->list[i].level));
		json_text(one, "what", findings->list[i].what);
		json_text(one, "remedy", findings->list[i].remedy);
		json_append(list, &one);
	}
	json_flag(json, "ok", findings->failures == 0);
	json_number(json, "failures", (int64_t)findings->failures);
	json_number(json, "warnings", (int64_t)findings->warnings);
	json_put(json, "findings", &list);

	return json_print(&json);
}

static void
print_text(const struct findings *findings, bool verbose)
{
	const bool colour = out_colour(stdout);
	size_t i;

	for (i = 0; i < findings->count; i++) {
		const struct finding *f = &findings->list[i];

		if (f->level == LEVEL_OK && !verbose)
			continue;
		printf("%s%-4s%s  %s\n", colour ? level_colour(f->level) : "",
		    level_word(f->level), colour ? "\033[m" : "",
		    f->what != NULL ? f->what : "?");
		if (f->remedy != NULL)
			printf("      %s\n", f->remedy);
	}
	printf("%zu failures, %zu warnings\n", findings->failures,
	    findings->warnings);
}

int
findings_print(const struct call *call, struct findings *findings,
    bool verbose)
{
	if (findings->short_of_memory)
		return fail_err(call, FO_ERR_NOMEM, NULL, call->verb->name);
	if (findings->count > 0)
		qsort(findings->list, findings->count,
		    sizeof(findings->list[0]), by_level);
	if (!call->json)
		print_text(findings, verbose);
	else if (print_json(findings) != FO_EXIT_DONE)
		return FO_EXIT_TROUBLE;

	return findings->failures == 0 ? FO_EXIT_DONE : FO_EXIT_DENIED;
}

void
findings_clear(struct findings *findings)
{
	size_t i;

	for (i = 0; i < findings->count; i++) {
		free(findings->list[i].what);
		free(findings->list[i].remedy);
	}
	free(findings->list);
	memset(findings, 0, sizeof(*findings));
}
