/*
 * The processes of this host, as /proc shows them at one moment.
 */
#include "procs.h"

#include <sys/stat.h>
#include <sys/syscall.h>

#include <ctype.h>
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/process.h"

/* False: it is gone, or nobody knows what it is. */
static bool
read_one(int fd, const char *name, struct proc *ret)
{
	const pid_t pid = (pid_t)strtol(name, NULL, 10);
	struct fo_process seen;
	struct stat st;

	if (fstatat(fd, name, &st, 0) != 0 ||
	    fo_process_read(pid, &seen) != FO_OK)
		return false;
	ret->pid = pid;
	ret->parent = seen.parent;
	ret->state = seen.state;
	ret->start = seen.start;
	ret->uid = st.st_uid;
	ret->audit = fo_process_audit(pid);

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
