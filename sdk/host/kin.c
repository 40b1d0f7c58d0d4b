/*
 * Whose login a process belongs to.
 *
 * A process cannot choose its ancestors, and leaves them only by outliving
 * them. Its audit session it cannot choose at all.
 */
#include "kin.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "folder.h"
#include "process.h"

/* Deeper than this no shell goes; the rest is nobody's. */
#define MAX_ANCESTORS 256

struct search {
	struct fo_process line[MAX_ANCESTORS]; /* itself, its parent, ... */
	size_t count;
	uint32_t audit;		/* of itself */
	size_t best;		/* index of who made *ret; SIZE_MAX: nobody */
	struct fo_login_record *ret;
};

/* ---- the line of ancestors ----------------------------------------------- */

/* Whoever outlives its parents is init's; 0 stands for a parent outside. */
static bool
is_top(pid_t pid)
{
	return pid == 0 || pid == 1;
}

/* An ancestor is never younger: whoever is has the number of one that ended. */
static fo_err
read_line(pid_t pid, struct search *search)
{
	struct fo_process *next;
	fo_err r;

	while (!is_top(pid) && search->count < MAX_ANCESTORS) {
		next = &search->line[search->count];
		r = fo_process_read(pid, next);
		if (r == FO_ERR_NOT_FOUND && search->count > 0)
			break;
		if (r != FO_OK)
			return r;
		if (search->count > 0 && next->start > next[-1].start)
			break;
		search->count++;
		pid = next->parent;
	}

	return FO_OK;
}

/* The place of a process in the line; count: it has none. */
static size_t
place_of(const struct search *search, pid_t pid)
{
	size_t i;

	for (i = 0; i < search->count; i++)
		if (search->line[i].pid == pid)
			break;

	return i;
}

/* ---- the audit session --------------------------------------------------- */

/* Does a process that is older than the leader share its audit session? */
static bool
is_older(const struct fo_process *leader, uint32_t audit, const char *name)
{
	struct fo_process other;
	const pid_t pid = (pid_t)strtol(name, NULL, 10);

	return fo_process_audit(pid) == audit &&
	    fo_process_read(pid, &other) == FO_OK &&
	    other.start < leader->start;
}

uint32_t
fo_audit_own(pid_t leader)
{
	const uint32_t audit = fo_process_audit(leader);
	const struct dirent *entry;
	struct fo_process process;
	bool own = true;
	DIR *dir;

	if (audit == FO_AUDIT_NONE ||
	    fo_process_read(leader, &process) != FO_OK ||
	    is_top(process.parent) ||
	    fo_process_audit(process.parent) == audit)
		return FO_AUDIT_NONE;
	if ((dir = fo_folder_list(AT_FDCWD, "/proc")) == NULL)
		return FO_AUDIT_NONE;
	while (own && (entry = readdir(dir)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]))
			own = !is_older(&process, audit, entry->d_name);
	closedir(dir);

	return own ? audit : FO_AUDIT_NONE;
}

/* ---- records ------------------------------------------------------------- */

/* Is a record of this process worth a look? */
static bool
may_be_kin(pid_t pid, void *arg)
{
	const struct search *search = arg;

	return place_of(search, pid) < search->count ||
	    (search->audit != FO_AUDIT_NONE &&
	    fo_process_audit(pid) == search->audit);
}

static bool
is_itself(pid_t pid, void *arg)
{
	const struct search *search = arg;

	return pid == search->line[0].pid;
}

static fo_err
keep(struct search *search, const struct fo_login_record *record, size_t place)
{
	struct fo_login_record copy;
	fo_err r;

	if ((r = fo_login_record_copy(record, &copy)) != FO_OK)
		return r;
	fo_login_record_clear(search->ret);
	*search->ret = copy;
	search->best = place;

	return FO_OK;
}

/* Of those that one process opened, the one opened last counts. */
static bool
is_nearer(const struct search *search, const struct fo_login_record *record,
    size_t place)
{
	return search->best == SIZE_MAX || place < search->best ||
	    (place == search->best && record->since > search->ret->since);
}

/*
 * A session of an ancestor, or else of who began the audit session. A number
 * that was taken over since the record was read is younger than whom we look
 * for, and so began nothing.
 */
static bool
is_kin(const struct search *search, const struct fo_login_record *record,
    size_t place)
{
	if (place < search->count)
		return search->line[place].start == record->pid_start;

	return search->audit != FO_AUDIT_NONE &&
	    fo_audit_own(record->pid) == search->audit;
}

static fo_err
weigh(const struct fo_login_record *record, void *arg)
{
	struct search *search = arg;
	const size_t place = place_of(search, record->pid);

	if (!is_nearer(search, record, place) ||
	    !is_kin(search, record, place))
		return FO_OK;

	return keep(search, record, place);
}

fo_err
fo_login_of(const char *run_folder, pid_t pid, struct fo_diag *diag,
    struct fo_login_record *ret_record)
{
	struct fo_login_record record = { 0 };
	struct search search = { .best = SIZE_MAX, .ret = &record };
	size_t unread = 0;
	fo_err r;

	if ((r = read_line(pid, &search)) != FO_OK) {
		fo_diag_set(diag, "/proc/%ld/stat cannot be read; mount /proc",
		    (long)pid);
		return r == FO_ERR_NOT_FOUND ? FO_ERR_IO : r;
	}
	search.audit = fo_process_audit(pid);
	r = fo_pending_each_by(run_folder, diag, is_itself, weigh, &search,
	    &unread);
	if (r == FO_OK && search.best == SIZE_MAX)
		r = fo_session_each_by(run_folder, diag, may_be_kin, weigh,
		    &search, &unread);
	if (r == FO_OK && search.best == SIZE_MAX)
		r = unread > 0 ? FO_ERR_SESSION : FO_ERR_NOT_FOUND;
	if (r != FO_OK) {
		fo_login_record_clear(&record);
		return r;
	}

	*ret_record = record;
	return FO_OK;
}
