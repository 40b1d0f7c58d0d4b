/*
 * The module in its folder, and the replay folders.
 */
#include <errno.h>
#include <inttypes.h>
#include <glob.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>

#include "host/clock.h"
#include "host/replay.h"
#include "host/rfc3339.h"

#include "doctor.h"

static int
stop_without_memory(const char *path, int e)
{
	(void)path;
	return e == ENOMEM;
}

bool
doctor_glob(const struct doctor *doctor, const char *pattern,
    glob_t *ret_found)
{
	const int r = glob(pattern, 0, stop_without_memory, ret_found);

	if (r == GLOB_NOSPACE || r == GLOB_ABORTED) {
		(void)finding_short(doctor->findings, FO_ERR_NOMEM);
		globfree(ret_found);
	}
	return r == 0;
}

bool
doctor_exists(const struct doctor *doctor, const char *path)
{
	char whole[DOCTOR_PATH_SIZE];
	struct stat st;

	snprintf(whole, sizeof(whole), "%s%s", doctor->root, path);
	return stat(whole, &st) == 0;
}

void
doctor_module(const struct doctor *doctor)
{
	/* where distributions' libpam looks for modules */
	static const char *const places[] = {
		"/lib/security", "/lib64/security", "/lib/*/security",
		"/usr/lib/security", "/usr/lib64/security",
		"/usr/lib/*/security", "/usr/local/lib/security",
		"/usr/local/lib/*/security",
	};
	char pattern[DOCTOR_PATH_SIZE];
	glob_t found;
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(pattern, sizeof(pattern), "%s%s/pam_firstops.so",
		    doctor->root, places[i]);
		if (!doctor_glob(doctor, pattern, &found))
			continue;
		finding(doctor->findings, LEVEL_OK, NULL, "module: %s",
		    found.gl_pathv[0]);
		globfree(&found);
		return;
	}
	finding(doctor->findings, LEVEL_FAIL, "install it before any pam.d"
	    " file names it: cmake --install BUILD", "module:"
	    " pam_firstops.so is not where libpam looks");
}

static void
check_user(const struct doctor *doctor, const char *user)
{
	const struct fo_config *config = doctor->admin->config;
	struct fo_diag diag = { "" };
	const struct passwd *pw;
	char text[FO_TIME_SIZE];
	int64_t since;
	fo_err r;

	errno = 0;
	if ((pw = getpwnam(user)) == NULL) {
		if (finding_short(doctor->findings, errno == ENOMEM ?
		    FO_ERR_NOMEM : FO_ERR_NOT_FOUND))
			return;
		finding(doctor->findings, LEVEL_FAIL, "correct services.*.user"
		    " in firstops.yaml", "replay: there is no user %s", user);
		return;
	}
	r = fo_replay_check(config->replay_folder, pw->pw_uid,
	    &fo_clock_system, &diag, &since);
	if (r == FO_OK && fo_time_format(since, text) == FO_OK)
		finding(doctor->findings, LEVEL_OK, NULL, "replay: %s/%lu for"
		    " %s, since %s", config->replay_folder,
		    (unsigned long)pw->pw_uid, user, text);
	else if (!finding_short(doctor->findings, r))
		finding(doctor->findings, LEVEL_FAIL, "fo store replay, and at"
		    " each boot: systemctl enable firstops-replay.service",
		    "replay: %s/%lu for %s: %s",
		    config->replay_folder, (unsigned long)pw->pw_uid, user,
		    diag.text[0] != '\0' ? diag.text : fo_err_text(r));
}

/*
 * Folders that are right stand on a file system that may take nothing more.
 * Where there is no folder, the check of each user's says so.
 */
static void
check_room(const struct doctor *doctor)
{
	const char *folder = doctor->admin->config->replay_folder;
	struct statvfs fs;

	if (statvfs(folder, &fs) != 0)
		return;
	if ((fs.f_flag & ST_RDONLY) != 0)
		finding(doctor->findings, LEVEL_FAIL, "mount it writable:"
		    " mount -o remount,rw", "replay: %s is on a read-only file"
		    " system", folder);
	/* no blocks or no files at all: without a limit */
	else if ((fs.f_blocks != 0 && fs.f_bavail == 0) ||
	    (fs.f_files != 0 && fs.f_favail == 0))
		finding(doctor->findings, LEVEL_FAIL, "enlarge it: mount -o"
		    " remount,size=SIZE,nr_inodes=NUMBER", "replay: %s is on a"
		    " file system that is full", folder);
	else if (fs.f_bavail < fs.f_blocks / 10 ||
	    fs.f_favail < fs.f_files / 10)
		finding(doctor->findings, LEVEL_WARN, "enlarge it: mount -o"
		    " remount,size=SIZE,nr_inodes=NUMBER", "replay: %s is on a"
		    " file system with less than a tenth left", folder);
}

void
doctor_replay(const struct doctor *doctor)
{
	const struct fo_config *config = doctor->admin->config;
	size_t i, k;

	check_room(doctor);
	check_user(doctor, "root");
	for (i = 0; i < config->services_count; i++) {
		const char *user = config->services[i].user;
		bool seen = strcmp(user, "root") == 0;

		for (k = 0; k < i && !seen; k++)
			seen = strcmp(user, config->services[k].user) == 0;
		if (!seen)
			check_user(doctor, user);
	}
}

/*
 * A proof is fresh for a minute by this clock and by its signer's. Who keeps
 * it is asked of the kernel: it knows no error where nobody does.
 */
void
doctor_clock(const struct doctor *doctor)
{
	struct timex clock = { .modes = 0 };
	int64_t wrong_us;
	int state;

	/* of another root, it is not this machine's; a container may not ask */
	if (doctor->root[0] != '\0' || (state = adjtimex(&clock)) < 0)
		return;
	wrong_us = clock.maxerror;
	if (state == TIME_ERROR || (clock.status & STA_UNSYNC) != 0)
		finding(doctor->findings, LEVEL_WARN, "timedatectl set-ntp"
		    " true, or another keeper of time", "clock: nobody keeps"
		    " it: proofs are refused as stale or future once it is"
		    " wrong by more than %" PRId64 " s",
		    doctor->admin->config->clock_skew_s);
	else
		finding(doctor->findings, LEVEL_OK, NULL, "clock: kept, and"
		    " right to %" PRId64 " ms", wrong_us / 1000);
}

/*
 * When the store last changed: where it is copied from another host, a
 * revocation is in force here no earlier than its copy. A folder changes
 * with each file in it, and rsync -a keeps the time.
 */
void
doctor_store(const struct doctor *doctor)
{
	static const char *const parts[] = { "firstops.yaml", "principals.d",
		"groups.d", "policies.d" };
	const struct admin *admin = doctor->admin;
	char path[DOCTOR_PATH_SIZE], text[FO_TIME_SIZE];
	int64_t newest = 0, age;
	struct stat st;
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", admin->store->folder,
		    parts[i]);
		if (stat(path, &st) == 0 && st.st_mtime > newest)
			newest = st.st_mtime;
	}
	age = admin->now - newest;
	if (fo_time_format(newest, text) != FO_OK)
		return;
	finding(doctor->findings, LEVEL_OK, NULL, "store: changed last at"
	    " %s, %" PRId64 " %s ago", text, age < 7200 ? age / 60 :
	    age < 172800 ? age / 3600 : age / 86400, age < 7200 ? "min" :
	    age < 172800 ? "h" : "days");
}
