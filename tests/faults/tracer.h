/*
 * One system call of a traced process goes wrong, or the process is stopped
 * at it.
 *
 * Calls are numbered from 1 while the window is open. The traced process
 * opens and closes it with tracer_window; everything else is let through.
 */
#ifndef FAULTS_TRACER_H
#define FAULTS_TRACER_H

#include <sys/types.h>

#include <stdbool.h>

typedef enum fault_kind {
	FAULT_NONE,	/* change nothing */
	FAULT_LIST,	/* change nothing, name every window and call */
	FAULT_ERROR,	/* the call fails with errno value, undone */
	FAULT_SHORT,	/* it reads or writes only value bytes */
	FAULT_BEFORE,	/* the process is stopped before it */
	FAULT_AFTER	/* the process is stopped after it */
} fault_kind;

struct fault {
	fault_kind kind;
	long at;	/* which call */
	long value;
	/* Called with "NAME PATH" of each call that is named or hit. */
	void (*hit)(const char *call);
	/* Called while the process is stopped; it goes on afterwards. */
	void (*stopped)(void);
};

/* In the process: let yourself be traced by your parent. */
void tracer_follow(void);
/* In the process: open the window, or close it. */
void tracer_window(bool open);

/* In its parent: see it to its end. Returns its wait status. */
int tracer_run(pid_t pid, const struct fault *fault);

#endif
