/*
 * Options of sudoers that keep the challenge from a client, or let one in
 * without it: where the stack of sudo calls the module.
 */
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "pamd.h"

#define DEFAULTS "Defaults"

struct sudoers {
	const struct doctor *doctor;
	bool no_tickets;	/* a line sets timestamp_timeout=0 */
};

/* ---- one line ----------------------------------------------------------- */

static void
read_option(struct sudoers *sudoers, const char *path, char *option)
{
	option += strspn(option, " \t");
	option[strcspn(option, " \t#")] = '\0';
	if (strcmp(option, "timestamp_timeout=0") == 0)
		sudoers->no_tickets = true;
	if (strcmp(option, "passprompt_override") == 0)
		finding(sudoers->doctor->findings, LEVEL_FAIL, "take"
		    " passprompt_override out of it", "sudo: %s puts a prompt"
		    " of its own in the place of the challenge: no agent can"
		    " answer it", path);
}

/* "Defaults[:USERS] option, option=value, ..." */
static void
read_line(char *line, const char *path, void *sudoers)
{
	char *option, *rest;

	line += strspn(line, " \t");
	if (strncmp(line, DEFAULTS, strlen(DEFAULTS)) != 0)
		return;
	line += strlen(DEFAULTS);
	line += strcspn(line, " \t"); /* whom it is for */
	for (option = line; option != NULL; option = rest) {
		if ((rest = strchr(option, ',')) != NULL)
			*rest++ = '\0';
		read_option(sudoers, path, option);
	}
}

/* ---- all of them -------------------------------------------------------- */

/* sudo leaves out names with a dot or a tilde at their end. */
static void
read_folder(struct sudoers *sudoers)
{
	char pattern[DOCTOR_PATH_SIZE];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/etc/sudoers.d/*",
	    sudoers->doctor->root);
	if (!doctor_glob(sudoers->doctor, pattern, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *name = strrchr(found.gl_pathv[i], '/') + 1;

		if (strchr(name, '.') == NULL &&
		    name[strlen(name) - 1] != '~')
			doctor_each_line(sudoers->doctor,
			    found.gl_pathv[i], read_line, sudoers);
	}
	globfree(&found);
}

static bool
asks_us(const struct doctor *doctor)
{
	char folder[DOCTOR_PATH_SIZE];
	struct pamd stack = { 0 };
	bool ours = false;

	snprintf(folder, sizeof(folder), "%s/etc/pam.d", doctor->root);
	/* want of memory is told where the stack itself is examined */
	if (pamd_load(folder, "sudo", &stack) == FO_OK)
		for (size_t i = 0; i < stack.count; i++)
			ours |= strcmp(stack.list[i].module,
			    "pam_firstops.so") == 0;
	pamd_clear(&stack);

	return ours;
}

void
doctor_sudoers(const struct doctor *doctor)
{
	char *const *reserved = doctor->admin->config->reserved_accounts;
	struct sudoers sudoers = { .doctor = doctor };
	char path[DOCTOR_PATH_SIZE];

	if (!asks_us(doctor))
		return;
	snprintf(path, sizeof(path), "%s/etc/sudoers", doctor->root);
	doctor_each_line(doctor, path, read_line, &sudoers);
	read_folder(&sudoers);
	if (reserved != NULL && reserved[0] != NULL && !sudoers.no_tickets)
		finding(doctor->findings, LEVEL_WARN, "as"
		    " etc/sudoers.d/firstops has it: Defaults:ACCOUNT"
		    " timestamp_timeout=0", "sudo: no line of sudoers sets"
		    " timestamp_timeout=0 for reserved accounts: for minutes"
		    " after a proof, a command asks for none");
}
