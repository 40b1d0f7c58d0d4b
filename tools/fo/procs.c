/*
 * The processes of this host, as /proc shows them at one moment.
 */
#include "procs.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/safeopen.h"
#include "host/session.h"

#define FILE_MAX_BYTES 4096

/* /proc/PID/NAME into text; false: the process is gone. */
static bool
read_proc(int proc, const char *pid, const char *name,
    char text[FILE_MAX_BYTES])
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", pid, name);
	if ((fd = openat(proc, path, O_RDONLY | O_CLOEXEC)) < 0)
		return false;
	n = fo_read_once(fd, text, FILE_MAX_BYTES - 1);
	close(fd);
	if (n < 0)
		return false;
	text[n] = '\0';

	return true;
}

/*
 * Fields 3, 4 and 20 of /proc/PID/stat; they follow the command, which is in
 * brackets. A process whose first thread has ended looks like a zombie, and
 * runs as long as it has others.
 */
static bool
read_state(const char *stat, struct proc *ret)
{
	const char *p = strrchr(stat, ')');
	int field;

	if (p == NULL || strlen(p) < sizeof(") S 1") - 1)
		return false;
	ret->state = p[2];
	ret->parent = (pid_t)strtol(p + 4, NULL, 10);
	for (field = 2; field < 20 && p != NULL; field++)
		if ((p = strchr(p, ' ')) != NULL)
			p++;
	if (ret->state == 'Z' && p != NULL && strtol(p, NULL, 10) > 1)
		ret->state = 'R';

	return true;
}

/* False: it is gone, or nobody knows what it is. */
static bool
read_one(int fd, const char *name, struct proc *ret)
{
	char text[FILE_MAX_BYTES];
	struct stat st;

	memset(ret, 0, sizeof(*ret));
	ret->pid = (pid_t)strtol(name, NULL, 10);
	if (fstatat(fd, name, &st, 0) != 0 ||
	    !read_proc(fd, name, "stat", text) ||
	    !fo_stat_start(text, &ret->start) ||
	    !read_state(text, ret))
		return false;
	ret->uid = st.st_uid;
	/* a kernel without audit has no such file */
	ret->audit = read_proc(fd, name, "sessionid", text) ?
	    (uint32_t)strtoul(text, NULL, 10) : UINT32_MAX;

	return true;
}

static int
by_pid(const void *a, const void *b)
{
	const struct proc *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

fo_err
procs_read(struct procs *ret_procs)
{
	struct procs procs = { NULL, 0 };
	struct proc one, *grown;
	const struct dirent *entry;
	fo_err r = FO_OK;
	DIR *dir;

	if ((dir = opendir("/proc")) == NULL)
		return FO_ERR_IO;
	while (r == FO_OK && (entry = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !read_one(dirfd(dir), entry->d_name, &one))
			continue;
		grown = reallocarray(procs.list, procs.count + 1,
		    sizeof(*grown));
		if (grown == NULL) {
			r = FO_ERR_NOMEM;
			break;
		}
		procs.list = grown;
		grown[procs.count++] = one;
	}
	closedir(dir);
	if (r != FO_OK || procs.count == 0) {
		procs_clear(&procs);
		return r != FO_OK ? r : FO_ERR_IO;
	}
	qsort(procs.list, procs.count, sizeof(*procs.list), by_pid);
	*ret_procs = procs;

	return FO_OK;
}

void
procs_clear(struct procs *procs)
{
	free(procs->list);
	procs->list = NULL;
	procs->count = 0;
}

const struct proc *
procs_find(const struct procs *procs, pid_t pid)
{
	const struct proc key = { .pid = pid };

	return procs->count == 0 ? NULL : bsearch(&key, procs->list,
	    procs->count, sizeof(key), by_pid);
}

bool
procs_below(const struct procs *procs, const struct proc *proc,
    pid_t ancestor)
{
	size_t steps;

	/* numbers are used again: a circle has an end */
	for (steps = 0; proc != NULL && steps <= procs->count; steps++) {
		if (proc->pid == ancestor)
			return true;
		proc = procs_find(procs, proc->parent);
	}

	return false;
}

bool
proc_signal(const struct proc *proc, int sig)
{
	const int fd = (int)syscall(SYS_pidfd_open, proc->pid, 0);
	uint64_t start;
	bool sent;

	if (fd < 0)
		return false;
	/* the descriptor holds the process; is it still the one we saw? */
	sent = fo_process_start(proc->pid, &start) == FO_OK &&
	    start == proc->start &&
	    syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0) == 0;
	close(fd);

	return sent;
}
