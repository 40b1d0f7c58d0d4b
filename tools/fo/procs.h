/*
 * The processes of this host, as /proc shows them at one moment.
 */
#ifndef FO_TOOL_PROCS_H
#define FO_TOOL_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <firstops/error.h>

struct proc {
	pid_t pid;
	pid_t parent;
	char state;		/* R, S, D, T, t, Z ...: proc_pid_stat(5) */
	uint64_t start;		/* as in host/process.h */
	uid_t uid;		/* the owner of /proc/PID: the effective one */
	uint32_t audit;		/* audit session: process.h */
};

struct procs {
	struct proc *list;	/* by pid */
	size_t count;
};

/* FO_ERR_IO: /proc cannot be read. */
FO_MUST_CHECK fo_err procs_read(struct procs *ret_procs);
void procs_clear(struct procs *procs);

/* The process of this number, or NULL. */
const struct proc *procs_find(const struct procs *procs, pid_t pid);

/* Does it descend from, or is it, the process of that number? */
bool procs_below(const struct procs *procs, const struct proc *proc,
    pid_t ancestor);

/*
 * Send a signal to the process that was seen, and to no other that has its
 * number now. False: it is gone, or may not be signalled.
 */
bool proc_signal(const struct proc *proc, int sig);

#endif
