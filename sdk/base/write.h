/*
 * Writing to a file in a process that is not ours to end.
 */
#ifndef FO_BASE_WRITE_H
#define FO_BASE_WRITE_H

#include <sys/types.h>

/*
 * write(2), again when a signal interrupted it, and with SIGXFSZ kept from
 * the process: where a file may not grow (RLIMIT_FSIZE) that is EFBIG alone.
 * Signal mask and pending signals are afterwards what they were before.
 */
ssize_t fo_write_quietly(int fd, const void *data, size_t len);

#endif
