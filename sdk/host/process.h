/*
 * Processes as /proc shows them: by what a number that is used again is told
 * from the process that had it before.
 */
#ifndef FO_HOST_PROCESS_H
#define FO_HOST_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <firstops/error.h>

/* No audit session: what the kernel says where none was begun. */
#define FO_AUDIT_NONE UINT32_MAX

struct fo_process {
	pid_t pid;
	pid_t parent;
	char state;		/* R, S, D, T, t, Z ...: proc_pid_stat(5) */
	uint64_t start;		/* clock ticks after boot: field 22 */
};

/*
 * Read the text of a /proc/PID/stat (proc_pid_stat(5)). Field 2 is the
 * command in brackets, and may hold any byte but is followed by the last ')';
 * field 22 is the twentieth after it. A process whose first thread has ended
 * looks like a zombie, and runs as long as it has others: its state is R.
 * pid stays as it is.
 */
bool fo_process_parse(const char *stat, struct fo_process *ret);

/*
 * A process that runs. FO_ERR_NOT_FOUND: no such process. FO_ERR_IO: nobody
 * knows.
 */
FO_MUST_CHECK fo_err fo_process_read(pid_t pid, struct fo_process *ret);
FO_MUST_CHECK fo_err fo_process_start(pid_t pid, uint64_t *ret_start);

/* Its audit session, or FO_AUDIT_NONE: also where nobody knows. */
uint32_t fo_process_audit(pid_t pid);

#endif
