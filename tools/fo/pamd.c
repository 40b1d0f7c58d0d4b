/*
 * A pam.d file, read as libpam reads it: includes in place, comments gone.
 */
#include "pamd.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

#define FILE_MAX_BYTES 1048576
#define PATH_SIZE 4096
#define MAX_DEPTH 8
#define BLANK " \t\r"

static fo_err read_service(const char *folder, const char *service,
    const char *kind, int depth, struct pamd *stack);

static void
line_clear(struct pamd_line *line)
{
	free(line->kind);
	free(line->control);
	free(line->module);
	free(line->args);
	memset(line, 0, sizeof(*line));
}

/*
 * The word at *p, which moves behind it and the blanks that follow. A word in
 * square brackets reaches to the closing one.
 */
static char *
next_word(const char **p)
{
	const char *start = *p;
	size_t len;

	if (*start == '[') {
		len = strcspn(start, "]");
		len += start[len] == ']';
	} else {
		len = strcspn(start, BLANK);
	}
	*p = start + len;
	*p += strspn(*p, BLANK);

	return strndup(start, len);
}

static char *
without_folder(char *path)
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;

	if (slash != NULL)
		memmove(path, slash + 1, strlen(slash + 1) + 1);

	return path;
}

static fo_err
add(struct pamd *stack, struct pamd_line *line)
{
	struct pamd_line *grown;

	grown = reallocarray(stack->list, stack->count + 1, sizeof(*grown));
	if (grown == NULL)
		return FO_ERR_NOMEM;
	stack->list = grown;
	grown[stack->count++] = *line;
	memset(line, 0, sizeof(*line));

	return FO_OK;
}

/* "kind control module args"; kind wanted NULL takes every kind. */
static fo_err
read_rule(const char *folder, const char *text, const char *wanted,
    int depth, struct pamd *stack)
{
	struct pamd_line line = { 0 };
	const char *p = text + (*text == '-');
	fo_err r = FO_ERR_NOMEM;

	line.kind = next_word(&p);
	line.control = next_word(&p);
	line.module = without_folder(next_word(&p));
	line.args = strdup(p);
	if (line.kind == NULL || line.control == NULL ||
	    line.module == NULL || line.args == NULL)
		goto out;
	r = FO_OK;
	if (*line.module == '\0' ||
	    (wanted != NULL && strcasecmp(line.kind, wanted) != 0))
		goto out;
	if (strcmp(line.control, "include") == 0 ||
	    strcmp(line.control, "substack") == 0)
		r = read_service(folder, line.module, line.kind, depth + 1,
		    stack);
	else
		r = add(stack, &line);
out:
	line_clear(&line);
	return r;
}

static fo_err
read_line(const char *folder, char *text, const char *wanted, int depth,
    struct pamd *stack)
{
	const char *p = text;
	char *name;
	fo_err r;

	text[strcspn(text, "#")] = '\0';
	p += strspn(p, BLANK);
	if (*p == '\0')
		return FO_OK;
	if (strncmp(p, "@include", strlen("@include")) != 0)
		return read_rule(folder, p, wanted, depth, stack);
	p += strlen("@include");
	p += strspn(p, BLANK);
	if ((name = next_word(&p)) == NULL)
		return FO_ERR_NOMEM;
	r = read_service(folder, name, wanted, depth + 1, stack);
	free(name);

	return r;
}

/* Split into lines, those that end in a back slash joined. */
static fo_err
read_text(const char *folder, char *text, const char *wanted, int depth,
    struct pamd *stack)
{
	char *line = text, *end;
	fo_err r = FO_OK;

	while (r == FO_OK && *line != '\0') {
		end = line + strcspn(line, "\n");
		while (end > line && *end == '\n' && end[-1] == '\\') {
			end[-1] = *end = ' ';
			end += strcspn(end, "\n");
		}
		const bool last = *end == '\0';

		*end = '\0';
		r = read_line(folder, line, wanted, depth, stack);
		line = last ? end : end + 1;
	}

	return r;
}

static fo_err
read_service(const char *folder, const char *service, const char *kind,
    int depth, struct pamd *stack)
{
	char path[PATH_SIZE], *text = NULL;
	size_t len;
	fo_err r;

	if (depth > MAX_DEPTH)
		return FO_OK;
	snprintf(path, sizeof(path), "%s/%s", folder, service);
	r = file_read(path, FILE_MAX_BYTES, NULL, &text, &len);
	if (r != FO_OK)
		return depth > 0 && r != FO_ERR_NOMEM ? FO_OK : r;
	r = read_text(folder, text, kind, depth, stack);
	free(text);

	return r;
}

fo_err
pamd_load(const char *folder, const char *service, struct pamd *ret_stack)
{
	struct pamd stack = { 0 };
	fo_err r;

	if ((r = read_service(folder, service, NULL, 0, &stack)) != FO_OK) {
		pamd_clear(&stack);
		return r;
	}
	*ret_stack = stack;

	return FO_OK;
}

void
pamd_clear(struct pamd *stack)
{
	size_t i;

	for (i = 0; i < stack->count; i++)
		line_clear(&stack->list[i]);
	free(stack->list);
	memset(stack, 0, sizeof(*stack));
}
