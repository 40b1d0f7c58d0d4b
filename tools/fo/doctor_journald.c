/*
 * The limit of journald: what a service logs beyond it is dropped, and events
 * go with it. journald.conf(5) says which file counts.
 */
#include <ctype.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "file.h"

#define CONFIG_MAX_BYTES 1048576
#define VALUE_SIZE 64

/* Where it looks; of files with one name, the first counts. */
static const char *const folders[] = { "/etc/systemd", "/run/systemd",
	"/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd" };
#define FOLDERS (sizeof(folders) / sizeof(folders[0]))

struct journald {
	const struct doctor *doctor;
	char interval[VALUE_SIZE];
	char burst[VALUE_SIZE];
	char path[DOCTOR_PATH_SIZE];	/* what said so last; "": no file */
};

/* Files below a folder journald.conf.d, by their names. */
struct dropins {
	glob_t found[FOLDERS];
	size_t next[FOLDERS];
};

/* ---- one file ----------------------------------------------------------- */

/* A value that journald cannot read has no effect. */
static void
take(struct journald *journald, const char *path, char value[VALUE_SIZE],
    const char *text)
{
	size_t len = strlen(text);

	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	if (len >= VALUE_SIZE || (!isdigit((unsigned char)text[0]) &&
	    strncmp(text, "infinity", strlen("infinity")) != 0))
		return;
	memcpy(value, text, len);
	value[len] = '\0';
	snprintf(journald->path, sizeof(journald->path), "%s", path);
}

static void
read_setting(struct journald *journald, const char *path, const char *line)
{
	const size_t len = strcspn(line, "= \t");
	const char *value = line + len;

	value += strspn(value, " \t");
	if (*value != '=')
		return;
	value += 1 + strspn(value + 1, " \t");
	if (len == strlen("RateLimitIntervalSec") &&
	    memcmp(line, "RateLimitIntervalSec", len) == 0)
		take(journald, path, journald->interval, value);
	if (len == strlen("RateLimitBurst") &&
	    memcmp(line, "RateLimitBurst", len) == 0)
		take(journald, path, journald->burst, value);
}

static bool
read_config(struct journald *journald, const char *path)
{
	static const char section[] = "[Journal]";
	char *text = NULL, *line, *next;
	bool ours = false;
	size_t len;
	fo_err r;

	r = file_read(path, CONFIG_MAX_BYTES, NULL, &text, &len);
	if (r != FO_OK) {
		(void)finding_short(journald->doctor->findings, r);
		return false;
	}
	for (line = text; line != NULL; line = next) {
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		line += strspn(line, " \t");
		if (*line == '[')
			ours = strncmp(line, section, strlen(section)) == 0;
		else if (ours)
			read_setting(journald, path, line);
	}
	free(text);

	return true;
}

/* ---- all of them -------------------------------------------------------- */

static void
read_main(struct journald *journald)
{
	char path[DOCTOR_PATH_SIZE];

	for (size_t i = 0; i < FOLDERS; i++) {
		snprintf(path, sizeof(path), "%s%s/journald.conf",
		    journald->doctor->root, folders[i]);
		if (read_config(journald, path))
			return;
	}
}

/* The next file of a folder; NULL: there are no more. */
static const char *
peek(const struct dropins *dropins, size_t i)
{
	const glob_t *found = &dropins->found[i];

	return dropins->next[i] < found->gl_pathc ?
	    found->gl_pathv[dropins->next[i]] : NULL;
}

static const char *
name_of(const char *path)
{
	return strrchr(path, '/') + 1;
}

/* The first by name of those that are next; past all that have its name. */
static const char *
next_dropin(struct dropins *dropins)
{
	const char *first = NULL, *path;
	size_t i;

	for (i = 0; i < FOLDERS; i++)
		if ((path = peek(dropins, i)) != NULL && (first == NULL ||
		    strcmp(name_of(path), name_of(first)) < 0))
			first = path;
	if (first == NULL)
		return NULL;
	for (i = 0; i < FOLDERS; i++)
		if ((path = peek(dropins, i)) != NULL &&
		    strcmp(name_of(path), name_of(first)) == 0)
			dropins->next[i]++;

	return first;
}

static void
read_dropins(struct journald *journald)
{
	struct dropins dropins = { 0 };
	char pattern[DOCTOR_PATH_SIZE];
	bool any[FOLDERS];
	const char *path;
	size_t i;

	for (i = 0; i < FOLDERS; i++) {
		snprintf(pattern, sizeof(pattern), "%s%s/journald.conf.d/"
		    "*.conf", journald->doctor->root, folders[i]);
		any[i] = doctor_glob(journald->doctor, pattern,
		    &dropins.found[i]);
		if (!any[i])
			dropins.found[i].gl_pathc = 0;
	}
	while ((path = next_dropin(&dropins)) != NULL)
		(void)read_config(journald, path);
	for (i = 0; i < FOLDERS; i++)
		if (any[i])
			globfree(&dropins.found[i]);
}

/* ---- what that means ---------------------------------------------------- */

/* "0", "0s", "0 min": every number in it is none. */
static bool
is_nothing(const char *value)
{
	const char *digits = value + strcspn(value, "123456789");

	return isdigit((unsigned char)value[0]) && *digits == '\0';
}

void
doctor_journald(const struct doctor *doctor)
{
	struct journald journald = { .doctor = doctor, .interval = "30s",
		.burst = "10000" };

	if (!doctor_syslog(doctor) || !doctor_journald_listens(doctor))
		return;
	read_main(&journald);
	read_dropins(&journald);
	if (is_nothing(journald.interval) || is_nothing(journald.burst))
		finding(doctor->findings, LEVEL_OK, NULL, "journald: drops"
		    " nothing that comes too fast (%s)", journald.path);
	else
		finding(doctor->findings, LEVEL_WARN, "RateLimitIntervalSec=0,"
		    " as etc/systemd/journald.conf.d/firstops.conf has it,"
		    " then: systemctl restart systemd-journald", "journald:"
		    " what a service logs beyond some %s messages in %s is"
		    " dropped, events too (%s)", journald.burst,
		    journald.interval, journald.path[0] != '\0' ?
		    journald.path : "its default");
}
