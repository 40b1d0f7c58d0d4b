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

#include "host/session.h"

#include "json.h"
#include "out.h"
#include "procs.h"
#include "remains.h"

/* So long until everything of a session must have been stopped, */
#define FREEZE_MS 400
/* and so long may what opened it close it by itself. */
#define GENTLE_MS 1000
#define ROUND_MS 20

struct session {
	char sid[FO_SID_SIZE];
	char *service;
	char *user;
	struct proc leader;
	char *scope;	/* of logind, if the leader leads one; or NULL */
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
	all->count++;

	return one->service != NULL && one->user != NULL ? FO_OK :
	    FO_ERR_NOMEM;
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

/* ---- ending one ------------------------------------------------------ */

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
	fclose(file);

	return found;
}

/*
 * The scope of logind that this process leads, as a path below the cgroups;
 * NULL: there is none. A scope in which it is a mere guest, as su is in the
 * session of whoever called it, is not its own.
 */
static char *
own_scope(pid_t pid)
{
	char path[128], number[24];
	char *scope, *name, *leader = NULL;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%ld/cgroup", (long)pid);
	if ((scope = read_line(path, "0::")) == NULL)
		return NULL;
	name = strrchr(scope, '/');
	len = name != NULL ? strlen(name) : 0;
	if (len > sizeof("/session-.scope") - 1 && len < 64 &&
	    strncmp(name, "/session-", 9) == 0 &&
	    strcmp(name + len - 6, ".scope") == 0) {
		snprintf(path, sizeof(path), "/run/systemd/sessions/%.*s",
		    (int)(len - 9 - 6), name + 9);
		leader = read_line(path, "LEADER=");
	}
	snprintf(number, sizeof(number), "%ld", (long)pid);
	if (leader == NULL || strcmp(leader, number) != 0) {
		free(scope);
		scope = NULL;
	}
	free(leader);

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
	fputs("1", file);
	fclose(file); /* what is left in it is seen to one by one */
}

/* Does the session's leader have an audit session that began with it? */
static bool
has_audit(const struct procs *procs, const struct proc *leader)
{
	const struct proc *parent = procs_find(procs, leader->parent);

	return leader->audit != UINT32_MAX && leader->audit != 0 &&
	    (parent == NULL || parent->audit != leader->audit);
}

static bool
is_member(const struct procs *procs, const struct proc *leader, bool audit,
    const struct proc *p)
{
	return p != leader && p->state != 'Z' &&
	    (procs_below(procs, p, leader->pid) ||
	    (audit && p->audit == leader->audit));
}

/*
 * One step towards the end of a session. All but the leader are stopped
 * before they are killed: what runs could fork, and what it forked would
 * have no parent that we know. The leader goes last, and gently at first, so
 * that it may close the session. True: it is over.
 */
static bool
step(const struct procs *procs, const struct session *session, int64_t ms)
{
	const struct proc *leader = procs_find(procs, session->leader.pid);
	const struct proc *p;
	size_t running = 0, members = 0;
	bool audit;

	if (leader == NULL || leader->start != session->leader.start ||
	    leader->state == 'Z')
		return true;
	audit = has_audit(procs, leader);
	for (p = procs->list; p < procs->list + procs->count; p++) {
		if (!is_member(procs, leader, audit, p))
			continue;
		members++;
		if (p->state != 'T' && proc_signal(p, SIGSTOP))
			running++;
	}
	if (running > 0 && ms < FREEZE_MS)
		return false;
	for (p = procs->list; p < procs->list + procs->count; p++)
		if (is_member(procs, leader, audit, p))
			(void)proc_signal(p, SIGKILL);
	/* also what no parent leads to any more */
	if (session->scope != NULL)
		kill_scope(session->scope);
	if (ms >= GENTLE_MS) {
		(void)proc_signal(leader, SIGKILL);
	} else if (members == 0) {
		/* su and sudo stop when what they run is stopped */
		(void)proc_signal(leader, SIGCONT);
		(void)proc_signal(leader, SIGTERM);
	}

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

/*
 * What must be known of each before any ends. A session in which this command
 * runs would end it half-way.
 */
static void
look_at(const struct procs *procs, struct sessions *all)
{
	const struct proc *self = procs_find(procs, getpid());
	struct session *one;

	for (one = all->list; one < all->list + all->count; one++) {
		one->ours = self == NULL ||
		    procs_below(procs, self, one->leader.pid);
		one->scope = own_scope(one->leader.pid);
	}
}

/* One step for each; how many are still open. */
static size_t
step_all(const struct procs *procs, struct sessions *all, int64_t ms)
{
	struct session *one;
	size_t open = 0;

	for (one = all->list; one < all->list + all->count; one++) {
		if (one->ours || one->over)
			continue;
		one->over = step(procs, one, ms);
		one->ms = ms;
		open += !one->over;
	}

	return open;
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
	look_at(&procs, all);
	for (;;) {
		ms = now_ms() - start;
		open = step_all(&procs, all, ms);
		procs_clear(&procs);
		if (open == 0 || ms >= SESSIONS_END_MS)
			return FO_OK;
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
		fo_session_drop(folder, one->sid);
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
    const struct sessions *all, struct json *json)
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
	else if (all->count == 0)
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
	if (r == FO_OK) {
		code = tell_all(admin, principal, &all, json);
		remains_list(admin, principal, json);
	} else {
		note("fo: %s is refused from now on, but its sessions could"
		    " not be ended: %s", principal->name,
		    diag.text[0] != '\0' ? diag.text : fo_err_text(r));
		code = FO_EXIT_TROUBLE;
	}
	sessions_clear(&all);

	return code;
}
