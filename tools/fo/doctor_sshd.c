/*
 * The options of sshd that decide whether a challenge reaches a client.
 */
#include <ctype.h>
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "file.h"
#include "process.h"

#define SSHD "/usr/sbin/sshd"
#define SSHD_CONFIG "/etc/ssh/sshd_config"
#define CONFIG_MAX_BYTES 1048576
#define MAX_DEPTH 8
#define VALUE_SIZE 32

/* What was found; "" is not set. The first value counts, as in sshd. */
struct sshd {
	const struct doctor *doctor;
	char use_pam[VALUE_SIZE];
	char interactive[VALUE_SIZE];
};

static void
take(char value[VALUE_SIZE], const char *text, size_t len)
{
	size_t i;

	if (value[0] != '\0')
		return;
	for (i = 0; i < len && i + 1 < VALUE_SIZE; i++)
		value[i] = (char)tolower((unsigned char)text[i]);
	value[i] = '\0';
}

static bool
is(const char *word, size_t len, const char *keyword)
{
	return strlen(keyword) == len && strncasecmp(word, keyword, len) == 0;
}

static void read_config(const char *root, const char *path, int depth,
    struct sshd *sshd);

static void
include(const char *root, const char *pattern, size_t len, int depth,
    struct sshd *sshd)
{
	char path[DOCTOR_PATH_SIZE];
	glob_t found;
	size_t i;

	snprintf(path, sizeof(path), "%s%s%.*s", root,
	    *pattern == '/' ? "" : "/etc/ssh/", (int)len, pattern);
	if (!doctor_glob(sshd->doctor, path, &found))
		return;
	for (i = 0; i < found.gl_pathc; i++)
		read_config(root, found.gl_pathv[i], depth + 1, sshd);
	globfree(&found);
}

/* One line; false at a Match block, whose options hold for some only. */
static bool
read_line(const char *root, const char *line, int depth, struct sshd *sshd)
{
	const char *word = line + strspn(line, " \t");
	const size_t word_len = strcspn(word, " \t=\r\n");
	const char *value = word + word_len;
	size_t len;

	value += strspn(value, " \t=\"");
	len = strcspn(value, " \t\"\r\n");
	if (is(word, word_len, "Match"))
		return false;
	if (is(word, word_len, "Include"))
		include(root, value, len, depth, sshd);
	else if (is(word, word_len, "UsePAM"))
		take(sshd->use_pam, value, len);
	else if (is(word, word_len, "KbdInteractiveAuthentication") ||
	    is(word, word_len, "ChallengeResponseAuthentication"))
		take(sshd->interactive, value, len);

	return true;
}

static void
read_text(const char *root, const char *text, int depth, struct sshd *sshd)
{
	const char *line = text;

	while (line != NULL && *line != '\0') {
		if (!read_line(root, line, depth, sshd))
			return;
		if ((line = strchr(line, '\n')) != NULL)
			line++;
	}
}

static void
read_config(const char *root, const char *path, int depth,
    struct sshd *sshd)
{
	char *text = NULL;
	size_t len;
	fo_err r;

	if (depth > MAX_DEPTH)
		return;
	r = file_read(path, CONFIG_MAX_BYTES, NULL, &text, &len);
	if (r != FO_OK) {
		(void)finding_short(sshd->doctor->findings, r);
		return;
	}
	read_text(root, text, depth, sshd);
	free(text);
}

/*
 * Ask sshd itself where that is possible: it knows its own defaults. It
 * needs its host keys, so only root's question is answered.
 */
static bool
ask_sshd(const struct doctor *doctor, struct sshd *sshd)
{
	char name[] = SSHD, option[] = "-T", *argv[] = { name, option, NULL };
	char *text = NULL;
	fo_err r;

	if (*doctor->root != '\0' || geteuid() != 0)
		return false;
	if ((r = process_read(argv, true, &text)) != FO_OK) {
		(void)finding_short(doctor->findings, r);
		return false;
	}
	read_text("", text, 0, sshd);
	free(text);

	return true;
}

/* Does it matter here? Only where firstops.yaml names sshd. */
static bool
concerns(const struct doctor *doctor)
{
	const struct fo_config *config = doctor->admin->config;
	size_t i;

	for (i = 0; i < config->services_count; i++)
		if (strcmp(config->services[i].name, "sshd") == 0)
			return true;

	return false;
}

static void
judge(const struct doctor *doctor, const struct sshd *sshd)
{
	struct findings *findings = doctor->findings;
	struct fo_service service;

	fo_config_service(doctor->admin->config, "sshd", &service);
	if (strcmp(sshd->use_pam, "yes") == 0)
		finding(findings, LEVEL_OK, NULL, "sshd: UsePAM yes");
	else
		finding(findings, LEVEL_FAIL, "set UsePAM yes in sshd_config"
		    " and reload sshd", "sshd: UsePAM is not yes, so no"
		    " module is ever called");
	/* not set means yes, in every version of OpenSSH */
	if (sshd->interactive[0] == '\0' ||
	    strcmp(sshd->interactive, "yes") == 0)
		finding(findings, LEVEL_OK, NULL,
		    "sshd: KbdInteractiveAuthentication yes");
	else
		finding(findings, service.nonce == FO_NONCE_ALWAYS ?
		    LEVEL_FAIL : LEVEL_WARN, "set KbdInteractiveAuthentication"
		    " yes in sshd_config and reload sshd", "sshd:"
		    " KbdInteractiveAuthentication is %s, so no challenge"
		    " reaches a client%s", sshd->interactive,
		    service.nonce == FO_NONCE_ALWAYS ?
		    ", and a proof without its nonce is refused" : "");
}

void
doctor_sshd(const struct doctor *doctor)
{
	char path[DOCTOR_PATH_SIZE];
	struct sshd sshd = { doctor, "", "" };

	if (!concerns(doctor))
		return;
	snprintf(path, sizeof(path), "%s%s", doctor->root, SSHD_CONFIG);
	if (access(path, F_OK) != 0) {
		finding(doctor->findings, LEVEL_WARN, "install openssh-server,"
		    " or take sshd out of services in firstops.yaml",
		    "sshd: %s does not exist", path);
		return;
	}
	if (!ask_sshd(doctor, &sshd))
		read_config(doctor->root, path, 0, &sshd);
	judge(doctor, &sshd);
}
