/*
 * What fo doctor looks at, one file a part of the machine.
 */
#ifndef FO_TOOL_DOCTOR_H
#define FO_TOOL_DOCTOR_H

#include <glob.h>
#include <stdbool.h>

#include "admin.h"
#include "findings.h"

/* Longest path that doctor composes. */
#define DOCTOR_PATH_SIZE 4096
/* And the longest word that it looks at. */
#define DOCTOR_WORD_SIZE 512

struct doctor {
	const struct admin *admin;
	const char *root;	/* before /etc and /usr; "" is the machine */
	struct findings *findings;
};

/*
 * What matches a pattern, for globfree; false: nothing. Want of memory is a
 * finding_short, where glob(3) would take a folder for an empty one.
 */
bool doctor_glob(const struct doctor *doctor, const char *pattern,
    glob_t *ret_found);
/* Is there a file of this path below the root? */
bool doctor_exists(const struct doctor *doctor, const char *path);
/*
 * Give each line of the files that match a pattern, which begins with the
 * root, to take; of a folder, its files are read. A line that ends in a
 * backslash is joined with the next. Want of memory is a finding_short.
 */
void doctor_each_line(const struct doctor *doctor, const char *pattern,
    void (*take)(char *line, const char *path, void *arg), void *arg);
/* The first word, cut if it is long, or what stands in quotes; the rest. */
const char *doctor_word(const char *text, char ret[DOCTOR_WORD_SIZE]);

/* The stacks of pam.d that name the module, and services without one. */
void doctor_pam(const struct doctor *doctor);
/* Is it saslauthd that asks PAM by this name? */
bool doctor_saslauthd(const struct doctor *doctor, const char *service);
/* ProFTPD, where its stack calls the module: is PAM's no final? */
void doctor_proftpd(const struct doctor *doctor);
/* The options of sshd that decide whether a challenge reaches a client. */
void doctor_sshd(const struct doctor *doctor);
/* sudo's approval plugin: does it load, where sudo.conf names it? */
void doctor_sudo(const struct doctor *doctor);
/* Options of sudoers that work against the module's lines of pam.d/sudo. */
void doctor_sudoers(const struct doctor *doctor);
/* Is the module where libpam looks? */
void doctor_module(const struct doctor *doctor);
/* The replay folder of each user that a configured service runs as. */
void doctor_replay(const struct doctor *doctor);
/* Ways into reserved accounts that ask for no proof. */
void doctor_ways(const struct doctor *doctor);
/* Does the machine know what time it is? */
void doctor_clock(const struct doctor *doctor);
/* How old the store is. */
void doctor_store(const struct doctor *doctor);

/* Do events go to syslog, and so through what is examined below? */
bool doctor_syslog(const struct doctor *doctor);
/* Is it journald that has the socket? */
bool doctor_journald_listens(const struct doctor *doctor);
/* Its path, below the root if there is one. */
void doctor_log_path(const struct doctor *doctor, char ret[DOCTOR_PATH_SIZE]);
/*
 * Is what is sent there read? A message of priority debug is sent; this takes
 * no longer than an event may.
 */
void doctor_log(const struct doctor *doctor);
/* Does journald drop what comes fast? */
void doctor_journald(const struct doctor *doctor);
/* Does rsyslog? */
void doctor_rsyslog(const struct doctor *doctor);

#endif
