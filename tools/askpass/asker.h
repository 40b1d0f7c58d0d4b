/*
 * The process that asks: who it is and where it is connected to, as the
 * kernel tells.
 */
#ifndef FO_ASKPASS_ASKER_H
#define FO_ASKPASS_ASKER_H

#include <sys/types.h>

#include <firstops/error.h>

#define FO_ASKER_NAME_SIZE 64

struct fo_asker {
	uid_t euid;
	char name[FO_ASKER_NAME_SIZE];	/* its command name */
	/*
	 * The remote port of its one established TCP connection; 0 if it has
	 * none, several, or is somebody else's and does not show them.
	 */
	unsigned int port;
};

/*
 * Read /proc/PID. FO_ERR_IO: /proc does not tell (hidepid, no such process);
 * *ret_asker is untouched then. That pid still is the process in question is
 * the caller's to check afterwards.
 */
FO_MUST_CHECK fo_err fo_asker_read(pid_t pid, struct fo_asker *ret_asker);

#endif
