/*
 * Processes as /proc shows them.
 */
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/safeopen.h"

/* The fields after the command: what is where, counted from "state". */
enum { STATE = 3, PARENT = 4, THREADS = 20, START = 22 };

/* The number that a text begins with. */
static bool
read_number(const char *text, uint64_t *ret)
{
	const size_t digits = strspn(text, "0123456789");

	if (digits == 0)
		return false;
	errno = 0;
	*ret = strtoull(text, NULL, 10);
	return errno == 0;
}

bool
fo_process_parse(const char *stat, struct fo_process *ret)
{
	const char *p = strrchr(stat, ')');
	uint64_t parent = 0, threads = 0, start = 0;
	char state = '\0';

	for (int field = STATE; p != NULL && field <= START; field++) {
		if ((p = strchr(p, ' ')) == NULL)
			break;
		p++;
		if (field == STATE)
			state = *p;
		else if ((field == PARENT && !read_number(p, &parent)) ||
		    (field == THREADS && !read_number(p, &threads)) ||
		    (field == START && !read_number(p, &start)))
			return false;
	}
	if (p == NULL || parent > INT32_MAX)
		return false;

	ret->parent = (pid_t)parent;
	ret->state = state;
	if (state == 'Z' && threads > 1)
		ret->state = 'R';
	ret->start = start;
	return true;
}

/* The first bytes of /proc/PID/NAME. FO_ERR_NOT_FOUND: no such process. */
static fo_err
read_text(pid_t pid, const char *name, char *text, size_t size)
{
	fo_err r = FO_OK;
	char path[64];
	int fd;

	memset(text, 0, size);
	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, name);
	if ((fd = fo_open_above_2(AT_FDCWD, path, O_RDONLY | O_CLOEXEC,
	    0)) < 0)
		return errno == ENOENT ? FO_ERR_NOT_FOUND : FO_ERR_IO;
	if (fo_read_once(fd, text, size - 1) < 0)
		r = errno == ESRCH ? FO_ERR_NOT_FOUND : FO_ERR_IO;
	close(fd);

	return r;
}

fo_err
fo_process_read(pid_t pid, struct fo_process *ret)
{
	struct fo_process process = { .pid = pid };
	char text[1024];
	fo_err r;

	if ((r = read_text(pid, "stat", text, sizeof(text))) != FO_OK)
		return r;
	if (!fo_process_parse(text, &process))
		return FO_ERR_IO;

	*ret = process;
	return FO_OK;
}

fo_err
fo_process_start(pid_t pid, uint64_t *ret_start)
{
	struct fo_process process;
	fo_err r;

	if ((r = fo_process_read(pid, &process)) == FO_OK)
		*ret_start = process.start;
	return r;
}

uint32_t
fo_process_audit(pid_t pid)
{
	uint64_t value = 0;
	char text[16];

	/* %u, the kernel writes */
	return read_text(pid, "sessionid", text, sizeof(text)) == FO_OK &&
	    read_number(text, &value) ? (uint32_t)value : FO_AUDIT_NONE;
}
