/*
 * Other ways into the accounts that are reserved for agents: whoever takes one
 * gives no proof, and leaves no event.
 */
#include <errno.h>
#include <pwd.h>
#include <shadow.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"

/* A file below the root that is looked at; NULL: none, or not ours to see. */
static FILE *
open_below(const struct doctor *doctor, const char *path)
{
	char whole[DOCTOR_PATH_SIZE];
	FILE *file;

	snprintf(whole, sizeof(whole), "%s%s", doctor->root, path);
	if ((file = fopen(whole, "re")) == NULL && errno == ENOMEM)
		(void)finding_short(doctor->findings, FO_ERR_NOMEM);

	return file;
}

/* What ended because there was no memory has not ended. */
static void
look_whole(const struct doctor *doctor)
{
	if (errno == ENOMEM)
		(void)finding_short(doctor->findings, FO_ERR_NOMEM);
}

/* ---- each way ----------------------------------------------------------- */

/* Lines of a file of keys that name one. */
static size_t
count_keys(const struct doctor *doctor, FILE *file)
{
	char *line = NULL;
	size_t size = 0, count = 0;

	while (errno = 0, getline(&line, &size, file) > 0) {
		const char *p = line + strspn(line, " \t");

		count += *p != '#' && *p != '\n' && *p != '\0';
	}
	look_whole(doctor);
	free(line);

	return count;
}

static void
check_keys(const struct doctor *doctor, const struct passwd *pw)
{
	static const char *const names[] = { "authorized_keys",
		"authorized_keys2" };
	char path[DOCTOR_PATH_SIZE];
	size_t i, count;
	FILE *file;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/.ssh/%s", pw->pw_dir,
		    names[i]);
		if ((file = open_below(doctor, path)) == NULL)
			continue;
		if ((count = count_keys(doctor, file)) > 0)
			finding(doctor->findings, LEVEL_WARN, "take them over,"
			    " as etc/services/from-ssh-keys.md says, and empty"
			    " the file", "%s: %s has %zu key%s: whoever holds"
			    " one gets in without a proof", pw->pw_name, path,
			    count, count == 1 ? "" : "s");
		(void)fclose(file);
	}
}

/* Files of an account's name that let something run without a login. */
static void
check_files(const struct doctor *doctor, const char *user)
{
	static const struct {
		const char *folder;
		const char *what;
		const char *remedy;
	} ways[] = {
		{ "/var/spool/cron/crontabs", "runs commands that no agent was"
		    " let in for", "look at it, and remove what nobody needs:"
		    " crontab -u USER -e" },
		{ "/var/lib/systemd/linger", "lets processes go on when the"
		    " session has ended", "loginctl disable-linger USER" },
	};
	char path[DOCTOR_PATH_SIZE];

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", ways[i].folder, user);
		if (doctor_exists(doctor, path))
			finding(doctor->findings, LEVEL_WARN, ways[i].remedy,
			    "%s: %s %s", user, path, ways[i].what);
	}
}

/* Locked ones begin with ! or *, which no password becomes. */
static void
check_password(const struct doctor *doctor, const struct spwd *sp)
{
	if (sp->sp_pwdp[0] == '\0')
		finding(doctor->findings, LEVEL_FAIL, "usermod --password '*'"
		    " USER", "%s: its password is empty: anybody gets in where"
		    " pam_unix is asked with nullok", sp->sp_namp);
	else if (strchr("!*", sp->sp_pwdp[0]) == NULL)
		finding(doctor->findings, LEVEL_WARN, "usermod --password '*'"
		    " USER", "%s: it has a password: whoever knows it gets in"
		    " where a stack asks for one", sp->sp_namp);
}

/* ---- each account ------------------------------------------------------- */

static void
check_passwords(const struct doctor *doctor)
{
	const struct fo_config *config = doctor->admin->config;
	const struct spwd *sp;
	FILE *file;

	if ((file = open_below(doctor, "/etc/shadow")) == NULL)
		return;
	while (errno = 0, (sp = fgetspent(file)) != NULL)
		if (fo_config_reserved(config, sp->sp_namp))
			check_password(doctor, sp);
	look_whole(doctor);
	(void)fclose(file);
}

void
doctor_ways(const struct doctor *doctor)
{
	const struct fo_config *config = doctor->admin->config;
	const struct passwd *pw;
	FILE *file;

	if ((file = open_below(doctor, "/etc/passwd")) == NULL)
		return;
	while (errno = 0, (pw = fgetpwent(file)) != NULL) {
		if (!fo_config_reserved(config, pw->pw_name))
			continue;
		check_keys(doctor, pw);
		check_files(doctor, pw->pw_name);
	}
	look_whole(doctor);
	(void)fclose(file);
	check_passwords(doctor);
}
