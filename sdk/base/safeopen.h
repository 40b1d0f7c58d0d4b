/*
 * Opening a file that decides who gets in.
 *
 * Walks from "/" component by component with openat and O_NOFOLLOW, and
 * judges each descriptor by fstat: the file regular with no second link,
 * every folder a folder; each owned by root or the given owner, none
 * writable by group or others. One exception: a sticky folder owned by root,
 * as /tmp, may be writable, since nobody can rename or remove what others
 * own in it, and what a stranger makes there fails the owner rule. Never
 * blocks on a FIFO, never follows a link, every descriptor is CLOEXEC and
 * above 2.
 */
#ifndef FO_BASE_SAFEOPEN_H
#define FO_BASE_SAFEOPEN_H

#include <sys/types.h>

#include <firstops/error.h>

/*
 * Open an absolute path for reading.
 *
 * owner  who may own file and folders beside root; 0 for root alone.
 * diag   NULL, or the reason: which component, what is wrong, the remedy.
 *
 * FO_ERR_NOT_FOUND: a component does not exist. FO_ERR_FORMAT: one of the
 * rules above is broken. FO_ERR_IO: it cannot be opened.
 * The caller closes *ret_fd.
 */
FO_MUST_CHECK fo_err fo_safe_open_file(const char *path, uid_t owner,
    struct fo_diag *diag, int *ret_fd);
FO_MUST_CHECK fo_err fo_safe_open_folder(const char *path, uid_t owner,
    struct fo_diag *diag, int *ret_fd);

/*
 * Open name (one component) in an open folder, by the same rules. path is
 * only for the reason: the folder's path.
 */
FO_MUST_CHECK fo_err fo_safe_open_at(int dirfd, const char *path,
    const char *name, uid_t owner, struct fo_diag *diag, int *ret_fd);

/*
 * A descriptor just made, moved away from 0, 1 and 2: a host may have closed
 * those, and would then print into our file. A negative fd stays as it is;
 * if it cannot be moved, it is closed, and the answer is -1 with errno.
 */
int fo_above_2(int fd);

/* openat by that rule. flags should have O_CLOEXEC; mode is for O_CREAT. */
int fo_open_above_2(int dirfd, const char *name, int flags, mode_t mode);

/* read, made again when a signal interrupts it. */
ssize_t fo_read_once(int fd, void *buf, size_t size);

/*
 * Read a whole file of at most max bytes. FO_ERR_TOO_LONG: it has more.
 * FO_ERR_IO: errno says why it cannot be read.
 * The caller frees *ret_data, which has a NUL after *ret_len bytes.
 */
FO_MUST_CHECK fo_err fo_read_all(int fd, size_t max, char **ret_data,
    size_t *ret_len);

#endif
