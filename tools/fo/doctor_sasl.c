/*
 * saslauthd, which carries no proof: which stacks are its own?
 *
 * It asks PAM by the name of the protocol that it is asked for. So does
 * Dovecot, which carries a proof, where its passdb says args = %s: then the
 * name alone does not tell whose a stack is.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

#define MAX_DEPTH 8

/* ---- Dovecot ------------------------------------------------------------ */

struct dovecot {
	const struct doctor *doctor;
	const char *service;
	int depth;		/* of files */
	int level;		/* of blocks */
	int passdb;		/* level of the one being read; 0: none */
	bool pam;		/* that one asks PAM */
	char name[DOCTOR_WORD_SIZE];	/* by this name */
	bool asks;		/* one asks PAM by the service's name */
};

static void
begin_block(struct dovecot *dovecot, const char *kind, const char *rest)
{
	char name[DOCTOR_WORD_SIZE];

	dovecot->level++;
	if (dovecot->passdb != 0 || strcmp(kind, "passdb") != 0)
		return;
	dovecot->passdb = dovecot->level;
	/* since 2.4 a passdb has a name, which may be its driver's */
	(void)doctor_word(rest, name);
	dovecot->pam = strcmp(name, "pam") == 0;
	(void)snprintf(dovecot->name, sizeof(dovecot->name), "dovecot");
}

static void
end_block(struct dovecot *dovecot)
{
	if (dovecot->level == dovecot->passdb) {
		/* %s, %Ls, %{service}, and * of old: the protocol's name */
		dovecot->asks |= dovecot->pam && (dovecot->name[0] == '%' ||
		    strcmp(dovecot->name, "*") == 0 ||
		    strcmp(dovecot->name, dovecot->service) == 0);
		dovecot->passdb = 0;
	}
	dovecot->level--;
}

/* "session=yes imap": the last word that is no setting, quoted or not. */
static void
take_args(struct dovecot *dovecot, const char *value)
{
	char whole[DOCTOR_WORD_SIZE], word[DOCTOR_WORD_SIZE];

	value += strspn(value, " \t");
	if (*value == '"' || *value == '\'') {
		(void)doctor_word(value, whole);
		value = whole;
	}
	for (;;) {
		value = doctor_word(value, word);
		if (word[0] == '\0')
			return;
		if (strchr(word, '=') == NULL)
			(void)snprintf(dovecot->name, sizeof(dovecot->name),
			    "%s", word);
	}
}

static void
take_setting(struct dovecot *dovecot, const char *key, const char *value)
{
	char word[DOCTOR_WORD_SIZE];

	(void)doctor_word(value, word);
	if (strcmp(key, "driver") == 0 || strcmp(key, "passdb_driver") == 0)
		dovecot->pam = strcmp(word, "pam") == 0;
	else if (strcmp(key, "args") == 0)
		take_args(dovecot, value);
	else if (strcmp(key, "service_name") == 0 ||
	    strcmp(key, "passdb_pam_service_name") == 0)
		memcpy(dovecot->name, word, sizeof(word));
}

static void read_line(char *line, const char *path, void *arg);

/* A path is from the root on, or from the folder of the file that names it. */
static void
include(struct dovecot *dovecot, const char *name, const char *from)
{
	char path[DOCTOR_PATH_SIZE];
	int folder = 0;

	if (dovecot->depth == MAX_DEPTH)
		return;
	if (name[0] != '/')
		folder = (int)(strrchr(from, '/') + 1 - from);
	(void)snprintf(path, sizeof(path), "%.*s%s%s", folder, from,
	    folder == 0 ? dovecot->doctor->root : "", name);
	dovecot->depth++;
	doctor_each_line(dovecot->doctor, path, read_line, dovecot);
	dovecot->depth--;
}

/* The text up to a comment and without the blanks around it, copied to ret. */
static void
trim(const char *line, char ret[DOCTOR_WORD_SIZE])
{
	size_t len = 0;

	line += strspn(line, " \t\r");
	while (line[len] != '\0' && !(line[len] == '#' && (len == 0 ||
	    strchr(" \t", line[len - 1]) != NULL)))
		len++;
	while (len > 0 && strchr(" \t\r", line[len - 1]) != NULL)
		len--;
	(void)snprintf(ret, DOCTOR_WORD_SIZE, "%.*s", (int)len, line);
}

static void
read_line(char *line, const char *path, void *arg)
{
	struct dovecot *dovecot = arg;
	char text[DOCTOR_WORD_SIZE], word[DOCTOR_WORD_SIZE];
	const char *rest;
	char *equals;

	trim(line, text);
	rest = doctor_word(text, word);
	if (strcmp(word, "!include") == 0 ||
	    strcmp(word, "!include_try") == 0) {
		(void)doctor_word(rest, word);
		include(dovecot, word, path);
	} else if (text[0] == '}') {
		end_block(dovecot);
	} else if (text[0] != '\0' && text[strlen(text) - 1] == '{') {
		begin_block(dovecot, word, rest);
	} else if (dovecot->passdb != 0 && dovecot->level == dovecot->passdb &&
	    (equals = strchr(text, '=')) != NULL) {
		*equals = '\0';
		(void)doctor_word(text, word);
		take_setting(dovecot, word, equals + 1);
	}
}

static bool
dovecot_asks(const struct doctor *doctor, const char *service)
{
	struct dovecot dovecot = { .doctor = doctor, .service = service };
	char path[DOCTOR_PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/etc/dovecot/dovecot.conf",
	    doctor->root);
	doctor_each_line(doctor, path, read_line, &dovecot);

	return dovecot.asks;
}

/* ---- NAME = VALUE of others --------------------------------------------- */

/* Is a setting made, somewhere in these files, whose value begins so? */
struct search {
	const char *name;
	const char *value;
	bool found;
};

static void
search_line(char *line, const char *path, void *arg)
{
	struct search *search = arg;
	const char *p = strstr(line, search->name);

	(void)path;
	if (p == NULL || line[strspn(line, " \t")] == '#')
		return;
	p += strlen(search->name);
	p += strspn(p, " \t");
	if (*p++ != '=')
		return;
	p += strspn(p, " \t\"'");
	search->found |= strncmp(p, search->value, strlen(search->value)) == 0;
}

static bool
is_set(const struct doctor *doctor, const char *files, const char *name,
    const char *value)
{
	struct search search = { .name = name, .value = value };
	char path[DOCTOR_PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s%s", doctor->root, files);
	doctor_each_line(doctor, path, search_line, &search);

	return search.found;
}

/* One for each file of such a name; Fedora has another place for its own. */
static bool
saslauthd_asks(const struct doctor *doctor)
{
	return is_set(doctor, "/etc/default/saslauthd*", "MECHANISMS",
	    "pam") || is_set(doctor, "/etc/sysconfig/saslauthd", "MECH",
	    "pam");
}

/* Postfix says smtp, to saslauthd unless it is told to say it to Dovecot. */
static bool
postfix_asks_dovecot(const struct doctor *doctor)
{
	return !doctor_exists(doctor, "/etc/postfix/main.cf") ||
	    is_set(doctor, "/etc/postfix/*.cf", "smtpd_sasl_type", "dovecot");
}

/* ---- the whole ---------------------------------------------------------- */

bool
doctor_saslauthd(const struct doctor *doctor, const char *service)
{
	static const char *const names[] = { "imap", "ldap", "pop", "sieve",
		"smtp" };
	bool its = false;

	if (strcmp(service, "saslauthd") == 0)
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		its |= strcmp(service, names[i]) == 0;
	if (!its || !saslauthd_asks(doctor))
		return false;

	return !dovecot_asks(doctor, service) ||
	    (strcmp(service, "smtp") == 0 && !postfix_asks_dovecot(doctor));
}
