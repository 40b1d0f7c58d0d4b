/*
 * Ending the sessions of a principal that has just been refused.
 *
 * A session is the process that opened it, which is on record, with all that
 * descends from it, and with the other processes of its audit session where
 * it has one of its own, and with all that is in the scope of logind that was
 * made for exactly this session.
 */
#include "sessions.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/kin.h"
#include "host/process.h"
#include "host/session.h"

#include "json.h"
#include "out.h"
#include "procs.h"
#include "remains.h"

/* Where a session has not stopped after so long, its leader is stopped, too, */
#define HURRY_MS 200
/* where it never stops, it is killed as it is, */
#define FREEZE_MS 700
/* and so long may what opened it close it by itself. */
#define GENTLE_MS 1200
/* Looks in a row at which nothing ran and nothing was new. */
#define CALM 2
#define ROUND_MS 20

struct session {
	char sid[FO_SID_SIZE];
	char *service;
	char *user;
	struct proc leader;
	uint32_t audit;	/* its own audit session, or FO_AUDIT_NONE */
	char *scope;	/* of logind, if the leader leads one; or NULL */
	struct proc *members; /* all that were seen, but the leader */
	size_t members_count;
	int calm;	/* looks at which nothing ran */
	bool hurried;	/* the leader has been stopped */
	bool ours;	/* this very command runs in it */
	bool over;
	int64_t ms;	/* when, since the beginning */
};

struct sessions {
	const char *id;
	const char *jkt;
	struct session *list;
	size_t count;
	size_t unread;
	struct fo_diag unread_diag;
};

static void
sessions_clear(struct sessions *all)
{
	size_t i;

	for (i = 0; i < all->count; i++) {
		free(all->list[i].service);
		free(all->list[i].user);
		free(all->list[i].scope);
		free(all->list[i].members);
	}
	free(all->list);
}

/* ---- which ----------------------------------------------------------- */

static fo_err
add_session(const struct fo_login_record *record, void *arg)
{
	struct sessions *all = arg;
	struct session *grown, *one;

	if (strcmp(record->id, all->id) != 0 ||
	    (all->jkt != NULL && strcmp(record->jkt, all->jkt) != 0))
		return FO_OK;
	grown = reallocarray(all->list, all->count + 1, sizeof(*grown));
	if (grown == NULL)
		return FO_ERR_NOMEM;
	all->list = grown;
	one = &grown[all->count];
	memset(one, 0, sizeof(*one));
	memcpy(one->sid, record->sid, sizeof(one->sid));
	one->leader.pid = record->pid;
	one->leader.start = record->pid_start;
	one->service = strdup(record->service);
	one->user = strdup(record->user);
	if (one->service == NULL || one->user == NULL) {
		free(one->service);
		free(one->user);
		return FO_ERR_NOMEM;
	}
	all->count++;

	return FO_OK;
}

static fo_err
find_sessions(const struct admin *admin, struct fo_diag *diag,
    struct sessions *all)
{
	char *folder = NULL;
	fo_err r;

	r = fo_run_folder(admin->config->replay_folder, &folder);
	if (r == FO_OK)
		r = fo_session_each(folder, diag, add_session, all,
		    &all->unread);
	if (r == FO_OK)
		all->unread_diag = *diag;
	free(folder);

	return r;
}

/* ---- logind's scopes ------------------------------------------------- */

/* The first line of a file that begins so, without that; NULL: none. */
static char *
read_line(const char *path, const char *begin)
{
	char *line = NULL, *found = NULL;
	size_t size = 0;
	FILE *file;

	if ((file = fopen(path, "re")) == NULL)
		return NULL;
	while (found == NULL && getline(&line, &size, file) > 0)
		if (strncmp(line, begin, strlen(begin)) == 0)
			found = strndup(line + strlen(begin),
			    strcspn(line + strlen(begin), "\n"));
	free(line);
	(void)fclose(file);

	return found;
}

/* Does logind say that this process leads the session of a scope? */
static bool
leads(const char *scope, pid_t pid)
{
	const char *name = strrchr(scope, '/');
	const size_t len = name != NULL ? strlen(name) : 0;
	char path[128], number[24], *leader;
	bool same;

	if (len <= sizeof("/session-.scope") - 1 || len >= 64 ||
	    strncmp(name, "/session-", 9) != 0 ||
	    strcmp(name + len - 6, ".scope") != 0)
		return false;
	snprintf(path, sizeof(path), "/run/systemd/sessions/%.*s",
	    (int)(len - 9 - 6), name + 9);
	snprintf(number, sizeof(number), "%ld", (long)pid);
	leader = read_line(path, "LEADER=");
	same = leader != NULL && strcmp(leader, number) == 0;
	free(leader);

	return same;
}

/* The control group of a process, as a path below all of them; or NULL. */
static char *
group_of(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/cgroup", (long)pid);

	return read_line(path, "0::");
}

/*
 * The scope of logind that this process leads, or NULL. A scope in which it
 * is a mere guest, as su is in the session of whoever called it, is not its
 * own.
 */
static char *
own_scope(pid_t pid)
{
	char *scope = group_of(pid);

	if (scope != NULL && !leads(scope, pid)) {
		free(scope);
		scope = NULL;
	}

	return scope;
}

/* End all that is in a scope, where the kernel has a way to. */
static void
kill_scope(const char *scope)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cgroup.kill", scope);
	if ((file = fopen(path, "we")) == NULL)
		return;
	(void)fputs("1", file);
	(void)fclose(file); /* what is left in it is seen to one by one */
}

/* ---- its processes --------------------------------------------------- */

/* The process as it was seen, if it still runs. */
static const struct proc *
still_there(const struct procs *procs, const struct proc *seen)
{
	const struct proc *p = procs_find(procs, seen->pid);

	return p != NULL && p->start == seen->start && p->state != 'Z' ? p :
	    NULL;
}

/* Does a process belong to the session, by what is known of it so far? */
static bool
belongs(const struct procs *procs, const struct session *session,
    const struct proc *p)
{
	size_t i;

	if (p->pid == session->leader.pid)
		return false;
	if (session->audit != FO_AUDIT_NONE && p->audit == session->audit)
		return true;
	if (still_there(procs, &session->leader) != NULL &&
	    procs_below(procs, p, session->leader.pid))
		return true;
	for (i = 0; i < session->members_count; i++)
		if (still_there(procs, &session->members[i]) != NULL &&
		    procs_below(procs, p, session->members[i].pid))
			return true;

	return false;
}

/* Remember all that belong to it: parents die, and tell nothing then. */
static fo_err
gather(const struct procs *procs, struct session *session)
{
	const struct proc *p;
	struct proc *grown;
	size_t i;

	for (p = procs->list; p < procs->list + procs->count; p++) {
		for (i = 0; i < session->members_count; i++)
			if (session->members[i].pid == p->pid &&
			    session->members[i].start == p->start)
				break;
		if (i < session->members_count ||
		    !belongs(procs, session, p))
			continue;
		grown = reallocarray(session->members, i + 1,
		    sizeof(*grown));
		if (grown == NULL)
			return FO_ERR_NOMEM;
		session->members = grown;
		grown[i] = *p;
		session->members_count++;
	}

	return FO_OK;
}

/* ---- ending one ------------------------------------------------------ */

/*
 * Stop what still runs, the leader only where it hurries; how much did run.
 * *ret_left: how many members there are.
 */
static size_t
stop_all(const struct procs *procs, struct session *session,
    const struct proc *leader, int64_t ms, size_t *ret_left)
{
	const struct proc *p;
	size_t i, running = 0, left = 0;

	for (i = 0; i < session->members_count; i++) {
		p = still_there(procs, &session->members[i]);
		if (p == NULL)
			continue;
		left++;
		if (p->state != 'T' && proc_signal(p, SIGSTOP))
			running++;
	}
	if (leader != NULL && running > 0 && ms >= HURRY_MS)
		session->hurried = true;
	if (leader != NULL && session->hurried && leader->state != 'T' &&
	    proc_signal(leader, SIGSTOP))
		running++;
	*ret_left = left;

	return running;
}

static void
end_leader(const struct session *session, const struct proc *leader,
    size_t left, int64_t ms)
{
	if (session->hurried || ms >= GENTLE_MS) {
		(void)proc_signal(leader, SIGKILL);
	} else if (left == 0) {
		/* su and sudo stop when what they run is stopped */
		(void)proc_signal(leader, SIGCONT);
		(void)proc_signal(leader, SIGTERM);
	}
}

/*
 * One step towards the end of a session. All are stopped before any is
 * killed: what runs could fork, and what it forked would have no parent that
 * we know. The leader goes last, and gently at first, so that it may close
 * the session. fresh: members were seen for the first time. True: nothing of
 * it is left.
 */
static bool
step(const struct procs *procs, struct session *session, bool fresh,
    int64_t ms)
{
	const struct proc *leader = still_there(procs, &session->leader);
	size_t i, left;

	if (stop_all(procs, session, leader, ms, &left) > 0 || fresh)
		session->calm = 0;
	else
		session->calm++;
	if (session->calm < CALM && ms < FREEZE_MS)
		return false;
	for (i = 0; i < session->members_count; i++)
		(void)proc_signal(&session->members[i], SIGKILL);
	/* also what no parent leads to any more */
	if (session->scope != NULL && leads(session->scope,
	    session->leader.pid))
		kill_scope(session->scope);
	if (leader == NULL)
		return left == 0;
	end_leader(session, leader, left, ms);

	return false;
}

/* ---- ending all ------------------------------------------------------ */

static int64_t
now_ms(void)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
		return INT64_MAX; /* no time is left, as far as we know */

	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Does this very command run in the session, by any of its signs? */
static bool
is_inside(const struct procs *procs, const struct session *session)
{
	const struct proc *self = procs_find(procs, getpid());
	char *group = group_of(getpid());
	const size_t len = session->scope != NULL ? strlen(session->scope) :
	    0;
	bool inside = self == NULL || self->pid == session->leader.pid ||
	    belongs(procs, session, self);

	if (group != NULL && session->scope != NULL &&
	    strncmp(group, session->scope, len) == 0 &&
	    (group[len] == '\0' || group[len] == '/'))
		inside = true;
	free(group);

	return inside;
}

/*
 * What must be known of each before any ends. A session in which this command
 * runs would end it half-way.
 */
static fo_err
look_at(const struct procs *procs, struct sessions *all)
{
	const struct proc *leader;
	struct session *one;
	fo_err r = FO_OK;

	for (one = all->list; one < all->list + all->count && r == FO_OK;
	    one++) {
		one->audit = FO_AUDIT_NONE;
		leader = still_there(procs, &one->leader);
		if (leader != NULL) {
			one->audit = fo_audit_own(leader->pid);
			one->scope = own_scope(leader->pid);
		}
		one->ours = is_inside(procs, one);
		r = gather(procs, one);
	}

	return r;
}

/* One step for each; *ret_open: how many are still open. */
static fo_err
step_all(const struct procs *procs, struct sessions *all, int64_t ms,
    size_t *ret_open)
{
	struct session *one;
	size_t known;
	fo_err r;

	*ret_open = 0;
	for (one = all->list; one < all->list + all->count; one++) {
		if (one->ours || one->over)
			continue;
		known = one->members_count;
		if ((r = gather(procs, one)) != FO_OK)
			return r;
		one->over = step(procs, one, one->members_count > known, ms);
		one->ms = ms;
		*ret_open += !one->over;
	}

	return FO_OK;
}

static fo_err
end_all(struct sessions *all)
{
	const struct timespec pause = { 0, ROUND_MS * 1000000L };
	const int64_t start = now_ms();
	struct procs procs;
	int64_t ms;
	size_t open;
	fo_err r;

	if ((r = procs_read(&procs)) != FO_OK)
		return r;
	r = look_at(&procs, all);
	for (;;) {
		ms = now_ms() - start;
		if (r == FO_OK)
			r = step_all(&procs, all, ms, &open);
		procs_clear(&procs);
		if (r != FO_OK || open == 0 || ms >= SESSIONS_END_MS)
			return r;
		(void)nanosleep(&pause, NULL);
		if ((r = procs_read(&procs)) != FO_OK)
			return r;
	}
}

/* ---- telling --------------------------------------------------------- */

static int
tell(const struct admin *admin, const struct fo_principal *principal,
    const struct session *one)
{
	const struct fo_event event = { .ev = FO_EV_SESSION_CLOSE, .act = "end",
		.sid = one->sid, .svc = one->service, .user = one->user };
	char *folder = NULL;

	/* most often its process has taken the record away itself */
	if (fo_run_folder(admin->config->replay_folder, &folder) == FO_OK)
		fo_session_drop(folder, one->sid, one->leader.pid);
	free(folder);

	return admin_emit(admin, principal, &event);
}

static void
print_session(const struct session *one)
{
	if (one->over)
		printf("ended: %s as %s, session %s, after %" PRId64 " ms\n",
		    one->service, one->user, one->sid, one->ms);
	else
		printf("still open: %s as %s, session %s, process %ld: %s\n",
		    one->service, one->user, one->sid, (long)one->leader.pid,
		    one->ours ? "this command runs in it; log out" :
		    "it does not end; look at it, and end it by hand");
}

static void
put_session(const struct session *one, struct json *list)
{
	struct json *json = json_object_new();

	json_text(json, "sid", one->sid);
	json_text(json, "service", one->service);
	json_text(json, "account", one->user);
	json_number(json, "pid", one->leader.pid);
	json_flag(json, "ended", one->over);
	json_number(json, "ms", one->ms);
	json_append(list, &json);
}

static int
tell_all(const struct admin *admin, const struct fo_principal *principal,
    const struct sessions *all, bool all_known, struct json *json)
{
	struct json *list = json != NULL ? json_list_new() : NULL;
	int code = FO_EXIT_DONE;
	size_t i;

	for (i = 0; i < all->count; i++) {
		const struct session *one = &all->list[i];

		if (!one->over || tell(admin, principal, one) != FO_EXIT_DONE)
			code = FO_EXIT_TROUBLE;
		if (json != NULL)
			put_session(one, list);
		else
			print_session(one);
	}
	if (json != NULL)
		json_put(json, "sessions", &list);
	else if (all->count == 0 && all_known)
		printf("no session of %s is open\n", principal->name);
	if (all->unread > 0) {
		note("fo: %zu session records cannot be read, and may be"
		    " anybody's: %s", all->unread, all->unread_diag.text);
		code = FO_EXIT_TROUBLE;
	}

	return code;
}

int
sessions_end(const struct admin *admin, const struct fo_principal *principal,
    const char *jkt, struct json *json)
{
	struct sessions all = { .id = principal->id, .jkt = jkt };
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	r = find_sessions(admin, &diag, &all);
	if (r == FO_OK && all.count > 0)
		r = end_all(&all);
	/* those that have ended are told, also where others could not be */
	code = tell_all(admin, principal, &all, r == FO_OK, json);
	remains_list(admin, principal, json);
	if (r != FO_OK) {
		note("fo: %s is refused from now on, but not all of its"
		    " sessions could be ended: %s", principal->name,
		    diag.text[0] != '\0' ? diag.text : fo_err_text(r));
		code = FO_EXIT_TROUBLE;
	}
	sessions_clear(&all);

	return code;
}
