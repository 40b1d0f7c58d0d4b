/*
 * Configuration files of services, line by line.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "file.h"

#define FILE_MAX_BYTES 1048576

/* A backslash at the end of a line joins it with the next. */
static void
join_lines(char *text)
{
	for (char *p = text; (p = strstr(p, "\\\n")) != NULL;)
		p[0] = p[1] = ' ';
}

static void
read_file(const struct doctor *doctor, const char *path,
    void (*take)(char *line, const char *path, void *arg), void *arg)
{
	char *text = NULL, *line, *next;
	size_t len;
	fo_err r;

	r = file_read(path, FILE_MAX_BYTES, NULL, &text, &len);
	if (r != FO_OK) {
		(void)finding_short(doctor->findings, r);
		return;
	}
	join_lines(text);
	for (line = text; line != NULL; line = next) {
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		take(line, path, arg);
	}
	free(text);
}

static void
read_files(const struct doctor *doctor, const char *pattern,
    void (*take)(char *line, const char *path, void *arg), void *arg)
{
	glob_t found;

	if (!doctor_glob(doctor, pattern, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++)
		read_file(doctor, found.gl_pathv[i], take, arg);
	globfree(&found);
}

void
doctor_each_line(const struct doctor *doctor, const char *pattern,
    void (*take)(char *line, const char *path, void *arg), void *arg)
{
	char inside[DOCTOR_PATH_SIZE];

	/* a folder cannot be read as a file, nor a file have some in it */
	read_files(doctor, pattern, take, arg);
	snprintf(inside, sizeof(inside), "%s/*", pattern);
	read_files(doctor, inside, take, arg);
}

const char *
doctor_word(const char *text, char ret[DOCTOR_WORD_SIZE])
{
	const char *p = text + strspn(text, " \t\r"), *end;
	size_t len;

	if (*p == '"' || *p == '\'') {
		const char quote[] = { *p, '\0' };

		len = strcspn(++p, quote);
		end = p + len + (p[len] != '\0');
	} else {
		len = strcspn(p, " \t\r");
		end = p + len;
	}
	snprintf(ret, DOCTOR_WORD_SIZE, "%.*s", (int)len, p);

	return end;
}
