/*
 * The limits of rsyslog: what comes faster is dropped, and events go with it.
 *
 * They are parameters of the modules by which messages come in, or directives
 * of the older language, which may stand side by side in a file.
 */
#include <ctype.h>
#include <glob.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "file.h"
#include "options.h"

#define CONFIG_MAX_BYTES 1048576
#define WORD_SIZE 64
/* The highest number that an event has: info, of permits. */
#define SEVERITY_INFO 6
#define NUMBER_MAX 4294967295

/* A module that reads messages, and what rsyslog takes where nobody says. */
static const struct input {
	const char *module;
	const char *parameter;	/* before Interval, Burst and Severity */
	const char *directive;	/* the same, where it is one */
	const char *whose;
	int64_t interval_s;	/* 0: no limit */
	int64_t burst;
} inputs[] = {
	{ "imuxsock", "SysSock.RateLimit.", "SystemLogRateLimit",
	    "of one process", 0, 200 },
	{ "imjournal", "Ratelimit.", "imjournalRatelimit", "of all services"
	    " together", 600, 20000 },
};
#define INPUTS (sizeof(inputs) / sizeof(inputs[0]))

/* What the files say of one. */
struct limit {
	bool loaded;
	int64_t interval_s;
	int64_t burst;
	int64_t severity;	/* what is worse is never dropped */
	char path[DOCTOR_PATH_SIZE];
};

struct rsyslog {
	const struct doctor *doctor;
	const char *path;	/* being read */
	struct limit limits[INPUTS];
};

/* ---- a setting ---------------------------------------------------------- */

/* "Interval", "Burst" or "Severity" of one input. */
static void
set_limit(struct rsyslog *rsyslog, size_t i, const char *which,
    const char *value)
{
	struct limit *limit = &rsyslog->limits[i];
	int64_t n;

	if (!number_parse(value, 0, NUMBER_MAX, &n))
		return;
	if (strcasecmp(which, "Interval") == 0)
		limit->interval_s = n;
	else if (strcasecmp(which, "Burst") == 0)
		limit->burst = n;
	else if (strcasecmp(which, "Severity") == 0)
		limit->severity = n;
	else
		return;
	snprintf(limit->path, sizeof(limit->path), "%s", rsyslog->path);
}

static void
load(struct rsyslog *rsyslog, const char *module)
{
	struct limit *limit;

	for (size_t i = 0; i < INPUTS; i++) {
		limit = &rsyslog->limits[i];
		if (strcasecmp(module, inputs[i].module) != 0)
			continue;
		limit->loaded = true;
		if (limit->path[0] == '\0')
			snprintf(limit->path, sizeof(limit->path), "%s",
			    rsyslog->path);
	}
}

/* What follows the prefix in a name; NULL: it begins otherwise. */
static const char *
after(const char *name, const char *prefix)
{
	const size_t len = strlen(prefix);

	return strncasecmp(name, prefix, len) == 0 ? name + len : NULL;
}

/* ---- the older language: $Name value ------------------------------------ */

static const char *
read_word(const char *p, const char *end_at, char ret[WORD_SIZE])
{
	const size_t len = strcspn(p, end_at);

	snprintf(ret, WORD_SIZE, "%.*s", (int)len, p);

	return p + len;
}

static const char *
read_directive(struct rsyslog *rsyslog, const char *p)
{
	char name[WORD_SIZE], value[WORD_SIZE];
	const char *which;

	p = read_word(p + 1, " \t\n", name);
	p = read_word(p + strspn(p, " \t"), " \t\r\n#", value);
	if (strcasecmp(name, "ModLoad") == 0)
		load(rsyslog, value);
	for (size_t i = 0; i < INPUTS; i++)
		if ((which = after(name, inputs[i].directive)) != NULL)
			set_limit(rsyslog, i, which, value);

	return p + strcspn(p, "\n");
}

/* ---- module(name="value" ...) ------------------------------------------- */

/* Past blanks, line ends and comments. */
static const char *
skip_space(const char *p)
{
	const char *end;

	for (;;) {
		p += strspn(p, " \t\r\n");
		if (*p == '#') {
			p += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*') {
			end = strstr(p + 2, "*/");
			p = end != NULL ? end + 2 : p + strlen(p);
		} else {
			return p;
		}
	}
}

/* Past a text in quotes, or to the end of its line; it may be ret. */
static const char *
read_quoted(const char *p, char ret[WORD_SIZE])
{
	const char quote = *p++;
	size_t len = 0;

	for (; *p != quote && *p != '\0' && *p != '\n'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		if (len < WORD_SIZE - 1)
			ret[len++] = *p;
	}
	ret[len] = '\0';

	return *p == quote ? p + 1 : p;
}

/* One parameter; NULL: there are no more. */
static const char *
read_parameter(const char *p, char name[WORD_SIZE], char value[WORD_SIZE])
{
	p = skip_space(p);
	if (!isalpha((unsigned char)*p))
		return NULL;
	p = read_word(p, "= \t\r\n)", name);
	p = skip_space(p);
	if (*p != '=')
		return NULL;
	p = skip_space(p + 1);

	return *p == '"' ? read_quoted(p, value) : NULL;
}

/* What stands in the parentheses; load may be its last word. */
static void
read_module(struct rsyslog *rsyslog, const char *p)
{
	char name[WORD_SIZE], value[WORD_SIZE], module[WORD_SIZE] = "";
	const char *q, *which;

	for (q = p; (q = read_parameter(q, name, value)) != NULL;)
		if (strcasecmp(name, "load") == 0)
			snprintf(module, sizeof(module), "%s", value);
	load(rsyslog, module);
	while ((p = read_parameter(p, name, value)) != NULL)
		for (size_t i = 0; i < INPUTS; i++)
			if (strcasecmp(module, inputs[i].module) == 0 &&
			    (which = after(name, inputs[i].parameter)) != NULL)
				set_limit(rsyslog, i, which, value);
}

/* A word, which may be module and its parenthesis. */
static const char *
read_statement(struct rsyslog *rsyslog, const char *p)
{
	char word[WORD_SIZE];
	const char *q;
	size_t len;

	for (len = 0; isalnum((unsigned char)p[len]) || p[len] == '_'; len++)
		;
	snprintf(word, sizeof(word), "%.*s", (int)len, p);
	q = skip_space(p + len);
	if (strcasecmp(word, "module") != 0 || *q != '(')
		return p + len;
	read_module(rsyslog, q + 1);

	return q + 1;
}

/* ---- files -------------------------------------------------------------- */

static void
read_text(struct rsyslog *rsyslog, const char *text)
{
	const char *p = text;
	char ignored[WORD_SIZE];

	while (*(p = skip_space(p)) != '\0') {
		if (*p == '$')
			p = read_directive(rsyslog, p);
		else if (isalnum((unsigned char)*p))
			p = read_statement(rsyslog, p);
		else if (*p == '"' || *p == '\'')
			p = read_quoted(p, ignored);
		else
			p++;
	}
}

static bool
read_config(struct rsyslog *rsyslog, const char *path)
{
	char *text = NULL;
	size_t len;
	fo_err r;

	r = file_read(path, CONFIG_MAX_BYTES, NULL, &text, &len);
	if (r != FO_OK) {
		(void)finding_short(rsyslog->doctor->findings, r);
		return false;
	}
	rsyslog->path = path;
	read_text(rsyslog, text);
	rsyslog->path = NULL;
	free(text);

	return true;
}

/* false: rsyslog is not installed. */
static bool
read_all(struct rsyslog *rsyslog)
{
	char path[DOCTOR_PATH_SIZE];
	glob_t found;

	snprintf(path, sizeof(path), "%s/etc/rsyslog.conf",
	    rsyslog->doctor->root);
	if (!read_config(rsyslog, path))
		return false;
	snprintf(path, sizeof(path), "%s/etc/rsyslog.d/*.conf",
	    rsyslog->doctor->root);
	if (!doctor_glob(rsyslog->doctor, path, &found))
		return true;
	for (size_t i = 0; i < found.gl_pathc; i++)
		(void)read_config(rsyslog, found.gl_pathv[i]);
	globfree(&found);

	return true;
}

/* Does it drop events? */
static bool
judge(const struct doctor *doctor, const struct input *input,
    const struct limit *limit)
{
	char remedy[256];

	if (!limit->loaded || limit->interval_s == 0 ||
	    limit->severity > SEVERITY_INFO)
		return false;
	snprintf(remedy, sizeof(remedy), "write %sInterval=\"0\" where the"
	    " module is loaded, then: systemctl restart rsyslog",
	    input->parameter);
	finding(doctor->findings, LEVEL_WARN, remedy, "rsyslog: what %s comes"
	    " by %s beyond %" PRId64 " messages in %" PRId64 " s is"
	    " dropped, events too (%s)", input->whose, input->module,
	    limit->burst, limit->interval_s, limit->path);

	return true;
}

void
doctor_rsyslog(const struct doctor *doctor)
{
	struct rsyslog rsyslog = { .doctor = doctor };
	bool drops = false;

	for (size_t i = 0; i < INPUTS; i++) {
		rsyslog.limits[i].interval_s = inputs[i].interval_s;
		rsyslog.limits[i].burst = inputs[i].burst;
	}
	if (!doctor_syslog(doctor) || !read_all(&rsyslog))
		return;
	for (size_t i = 0; i < INPUTS; i++)
		drops |= judge(doctor, &inputs[i], &rsyslog.limits[i]);
	if (!drops)
		finding(doctor->findings, LEVEL_OK, NULL, "rsyslog: drops"
		    " nothing that comes too fast");
}
