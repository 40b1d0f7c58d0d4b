/*
 * ProFTPD: is PAM's no final? Where AuthOrder does not say so, it compares the
 * password with /etc/shadow by itself when PAM has refused.
 *
 * A server's own AuthOrder counts, the first one; without one that of
 * <Global>. What the main server has is nothing to a <VirtualHost>.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

#define MAX_DEPTH 8
#define FINAL "mod_auth_pam.c*"

struct order {
	bool set;
	bool final;
};

struct proftpd {
	const struct doctor *doctor;
	struct order main, global, host;
	struct order *now;		/* of what is being read */
	char name[DOCTOR_WORD_SIZE];	/* of the <VirtualHost> being read */
	/* the last of its kind; "" if there is none */
	char astray[DOCTOR_WORD_SIZE];	/* its own is not final */
	char follower[DOCTOR_WORD_SIZE]; /* has none of its own */
	int depth;
};

/* ---- lines -------------------------------------------------------------- */

static void
take_order(struct order *order, const char *words)
{
	char word[DOCTOR_WORD_SIZE];

	if (order->set)
		return;
	order->set = true;
	for (;;) {
		words = doctor_word(words, word);
		if (word[0] == '\0' || word[0] == '#')
			return;
		if (strcmp(word, FINAL) == 0)
			order->final = true;
	}
}

static void
begin_host(struct proftpd *proftpd, const char *name)
{
	(void)doctor_word(name, proftpd->name);
	proftpd->name[strcspn(proftpd->name, ">")] = '\0';
	proftpd->host = (struct order){ .set = false };
	proftpd->now = &proftpd->host;
}

static void
end_host(struct proftpd *proftpd)
{
	if (!proftpd->host.set)
		memcpy(proftpd->follower, proftpd->name,
		    sizeof(proftpd->name));
	else if (!proftpd->host.final)
		memcpy(proftpd->astray, proftpd->name, sizeof(proftpd->name));
	proftpd->now = &proftpd->main;
}

static void read_line(char *line, const char *path, void *arg);

/* A file, a pattern, or a folder. */
static void
include(struct proftpd *proftpd, const char *words)
{
	char name[DOCTOR_WORD_SIZE], path[DOCTOR_PATH_SIZE];

	if (proftpd->depth == MAX_DEPTH)
		return;
	(void)doctor_word(words, name);
	snprintf(path, sizeof(path), "%s%s", proftpd->doctor->root, name);
	proftpd->depth++;
	doctor_each_line(proftpd->doctor, path, read_line, proftpd);
	proftpd->depth--;
}

static void
read_line(char *line, const char *path, void *arg)
{
	struct proftpd *proftpd = arg;
	char word[DOCTOR_WORD_SIZE];
	const char *rest = doctor_word(line, word);

	(void)path;
	if (strcasecmp(word, "Include") == 0)
		include(proftpd, rest);
	else if (strcasecmp(word, "AuthOrder") == 0)
		take_order(proftpd->now, rest);
	else if (strcasecmp(word, "<Global>") == 0)
		proftpd->now = &proftpd->global;
	else if (strcasecmp(word, "</Global>") == 0)
		proftpd->now = &proftpd->main;
	else if (strcasecmp(word, "<VirtualHost") == 0)
		begin_host(proftpd, rest);
	else if (strcasecmp(word, "</VirtualHost>") == 0)
		end_host(proftpd);
}

/* ---- the whole ---------------------------------------------------------- */

static void
tell(const struct proftpd *proftpd, const char *server, const char *name)
{
	finding(proftpd->doctor->findings, LEVEL_WARN, "write AuthOrder "
	    FINAL " mod_auth_unix.c between <Global> and </Global>, as"
	    " etc/services/proftpd.md says, and take out every other AuthOrder",
	    "proftpd: %s%s: AuthOrder does not make PAM's no final: reserved"
	    " accounts that have a password are open to it", server, name);
}

static void
judge(const struct proftpd *proftpd)
{
	const bool main = proftpd->main.set ? proftpd->main.final :
	    proftpd->global.final;
	const bool followers = proftpd->follower[0] == '\0' ||
	    proftpd->global.final;

	if (!main)
		tell(proftpd, "the main server", "");
	if (proftpd->astray[0] != '\0')
		tell(proftpd, "VirtualHost ", proftpd->astray);
	if (!followers)
		tell(proftpd, "VirtualHost ", proftpd->follower);
	if (main && proftpd->astray[0] == '\0' && followers)
		finding(proftpd->doctor->findings, LEVEL_OK, NULL,
		    "proftpd: PAM's no is final");
}

void
doctor_proftpd(const struct doctor *doctor)
{
	/* Debian's, and what it is where it was built from its source */
	static const char *const paths[] = { "/etc/proftpd/proftpd.conf",
		"/etc/proftpd.conf" };
	struct proftpd proftpd = { .doctor = doctor };
	char path[DOCTOR_PATH_SIZE];

	proftpd.now = &proftpd.main;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (!doctor_exists(doctor, paths[i]))
			continue;
		snprintf(path, sizeof(path), "%s%s", doctor->root, paths[i]);
		doctor_each_line(doctor, path, read_line, &proftpd);
		judge(&proftpd);
		return;
	}
}
