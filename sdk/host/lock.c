/*
 * One writer at a time in a folder: FOLDER/.lock, held by flock.
 */
#include "lock.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/safeopen.h"

#define LOCK_NAME ".lock"
#define LOCK_POLL_MS 10

/*
 * The lock file is its owner's alone: whoever could open it, if only for
 * reading, could hold the lock for ever.
 */
static fo_err
judge_lock(const char *folder, uid_t owner, int fd, struct fo_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) == 0) {
		if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
		    (st.st_uid != 0 && st.st_uid != owner)) {
			fo_diag_set(diag, "%s/" LOCK_NAME " is not a plain "
			    "file of its folder's owner; remove it", folder);
			return FO_ERR_IO;
		}
		if (fchmod(fd, 0600) == 0)
			return FO_OK;
	}
	fo_diag_set(diag, "%s/" LOCK_NAME ": %s; %s", folder, strerror(errno),
	    fo_diag_remedy(errno));
	return FO_ERR_IO;
}

static fo_err
open_lock(const char *folder, uid_t owner, struct fo_diag *diag, int *ret_fd)
{
	int dirfd, fd;
	fo_err r;

	if (fo_safe_open_folder(folder, owner, diag, &dirfd) != FO_OK)
		return FO_ERR_IO;
	fd = openat(dirfd, LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd < 0) {
		fo_diag_set(diag, "%s/" LOCK_NAME ": %s; %s", folder,
		    strerror(errno), fo_diag_remedy(errno));
		close(dirfd);
		return FO_ERR_IO;
	}
	close(dirfd);
	if ((r = judge_lock(folder, owner, fd, diag)) != FO_OK) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return FO_OK;
}

fo_err
fo_lock_folder(const char *folder, uid_t owner, int deadline_ms,
    struct fo_diag *diag, int *ret_fd)
{
	int64_t waited_ms;
	fo_err r;
	int fd = -1, e;

	if ((r = open_lock(folder, owner, diag, &fd)) != FO_OK)
		return r;
	for (waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) != 0;
	    waited_ms += LOCK_POLL_MS) {
		e = errno;
		if (e != EINTR && e != EWOULDBLOCK) {
			fo_diag_set(diag, "%s/" LOCK_NAME ": %s; %s", folder,
			    strerror(e), fo_diag_remedy(e));
			close(fd);
			return FO_ERR_IO;
		}
		if (waited_ms >= deadline_ms) {
			fo_diag_set(diag, "%s/" LOCK_NAME " is held by another "
			    "writer; try again when it is done (\"fuser\" "
			    "names it)", folder);
			close(fd);
			return FO_ERR_IO;
		}
		(void)poll(NULL, 0, LOCK_POLL_MS);
	}
	*ret_fd = fd;
	return FO_OK;
}
