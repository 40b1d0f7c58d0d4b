/*
 * Login records below the run folder (the parent of the replay folder, so
 * /run/firstops): pending/<random>.<pid> from auth to setcred,
 * sessions/<sid>.<pid> while a session is open, the pid that of who made it.
 * 0600 files in 0700 folders, written by root alone, in the store's YAML
 * subset.
 */
#ifndef FO_HOST_SESSION_H
#define FO_HOST_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <firstops/error.h>
#include <firstops/jwk.h>

#include "clock.h"
#include "event.h"
#include "principal.h"

#define FO_PENDING_VALID_S 120	/* to be taken; */
#define FO_PENDING_HELD_S 86400	/* kept so long while its maker runs */
/* 16 random bytes as base64url, a dot, a pid and NUL */
#define FO_PENDING_NAME_SIZE 34

/* Who logged in, to what, as whom, from where. Owned texts. */
struct fo_login_record {
	char sid[FO_SID_SIZE];
	char id[FO_ID_SIZE];
	char kind[8];
	char name[FO_NAME_MAX + 1];
	char owner[FO_NAME_MAX + 1];
	char jkt[FO_JKT_SIZE];
	char *service;
	char *user;		/* PAM_USER of auth */
	char *ruser;		/* NULL: missing, like the next two */
	char *src;
	char *tty;
	int64_t since;		/* seconds since 1970 */
	pid_t pid;		/* who made the record, */
	uint64_t pid_start;	/* field 22 of /proc/PID/stat */
};

void fo_login_record_clear(struct fo_login_record *record);
FO_MUST_CHECK fo_err fo_login_record_copy(
    const struct fo_login_record *record, struct fo_login_record *ret_copy);

/*
 * A record as its file reads. made_boot_ms is when by CLOCK_BOOTTIME, which
 * nobody sets: how long a pending record holds is counted by it.
 * FO_ERR_ARG: a time that cannot be written; FO_ERR_TOO_LONG, NOMEM.
 */
FO_MUST_CHECK fo_err fo_login_record_format(
    const struct fo_login_record *record, int64_t made_boot_ms,
    char **ret_text);
/* And back; name is for reasons. FO_ERR_FORMAT, NOMEM. */
FO_MUST_CHECK fo_err fo_login_record_parse(const char *name, const char *text,
    size_t len, struct fo_diag *diag, struct fo_login_record *ret_record,
    int64_t *ret_made_boot_ms);

/* The folder that holds the records: replay_folder's parent. Free it. */
FO_MUST_CHECK fo_err fo_run_folder(const char *replay_folder,
    char **ret_folder);

/*
 * Write a pending record, euid 0 only; expired ones are swept on the way.
 * ret_name is its unguessable name. FO_ERR_SESSION.
 */
FO_MUST_CHECK fo_err fo_pending_put(const char *run_folder,
    const struct fo_login_record *record, const struct fo_clock *clock,
    struct fo_diag *diag, char ret_name[FO_PENDING_NAME_SIZE]);

/*
 * Take a pending record: whoever unlinks it has it. Checked: the name's
 * grammar, a root-owned 0600 file of one link, its age, its service.
 * FO_ERR_NOT_FOUND: no such record; FO_ERR_SESSION: it cannot be had, or is
 * not to be trusted; FO_ERR_NOMEM.
 */
FO_MUST_CHECK fo_err fo_pending_take(const char *run_folder, const char *name,
    const char *service, const struct fo_clock *clock, struct fo_diag *diag,
    struct fo_login_record *ret_record);

/* Remove a pending record that will not be used; never fails. */
void fo_pending_drop(const char *run_folder, const char *name);

/*
 * Write its file in sessions; pid and pid_start are the caller's. There is one
 * session of a sid, whoever made it.
 */
FO_MUST_CHECK fo_err fo_session_put(const char *run_folder,
    const struct fo_login_record *record, struct fo_diag *diag);
/*
 * Call each with every session on record whose process runs, in no order;
 * stops at, and returns, the first result that is not FO_OK. Records that
 * cannot be read are counted in *ret_unread, and diag says of the last one
 * why: they may be anybody's. No folder means no session.
 */
FO_MUST_CHECK fo_err fo_session_each(const char *run_folder,
    struct fo_diag *diag, fo_err (*each)(const struct fo_login_record *record,
    void *arg), void *arg, size_t *ret_unread);

/*
 * The same of those that were made by processes that by says yes to; others
 * are not opened, so this is for who looks for one among many.
 */
FO_MUST_CHECK fo_err fo_session_each_by(const char *run_folder,
    struct fo_diag *diag, bool (*by)(pid_t pid, void *arg),
    fo_err (*each)(const struct fo_login_record *record, void *arg),
    void *arg, size_t *ret_unread);
/*
 * And of pending records, however old: whoever made one is still who it says,
 * and a process that was stopped for long is not nobody.
 */
FO_MUST_CHECK fo_err fo_pending_each_by(const char *run_folder,
    struct fo_diag *diag, bool (*by)(pid_t pid, void *arg),
    fo_err (*each)(const struct fo_login_record *record, void *arg),
    void *arg, size_t *ret_unread);

/*
 * Remove the record of the session that has this sid and was opened by pid;
 * FO_ERR_NOT_FOUND if it is not there.
 */
FO_MUST_CHECK fo_err fo_session_remove(const char *run_folder,
    const char *sid, pid_t pid, struct fo_diag *diag);
/* Remove it if it is still there; never fails. */
void fo_session_drop(const char *run_folder, const char *sid, pid_t pid);

#endif
