/*
 * Folders of our own below /run.
 */
#include "folder.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/safeopen.h"

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define MODE_SHARED 0755
/* Begins with '.', which no folder of ours does. */
#define NEW_PREFIX ".new-"
#define MAKE_MAX 3

/* Is what was opened the owner's folder, and nobody else's to write? */
static fo_err
judge(int fd, const char *path, const char *name, uid_t owner,
    struct fo_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		fo_diag_set(diag, "%s/%s: %s; %s", path, name,
		    strerror(errno), fo_diag_remedy(errno));
		return FO_ERR_IO;
	}
	if (st.st_uid != owner) {
		fo_diag_set(diag, "%s/%s is owned by uid %lu, not by uid %lu; "
		    "chown it", path, name, (unsigned long)st.st_uid,
		    (unsigned long)owner);
		return FO_ERR_FORMAT;
	}
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		fo_diag_set(diag, "%s/%s is writable by group or others; "
		    "chmod go-w it", path, name);
		return FO_ERR_FORMAT;
	}
	return FO_OK;
}

static fo_err
explain(const char *path, const char *name, int e, struct fo_diag *diag)
{
	if (e == ENOENT) {
		fo_diag_set(diag, "%s/%s does not exist", path, name);
		return FO_ERR_NOT_FOUND;
	}
	if (e == ENOTDIR || e == ELOOP) {
		fo_diag_set(diag, "%s/%s is not a folder; remove it", path,
		    name);
		return FO_ERR_FORMAT;
	}
	fo_diag_set(diag, "%s/%s: %s; %s", path, name, strerror(e),
	    fo_diag_remedy(e));
	return FO_ERR_IO;
}

/* Give an unfinished folder its mode and owner, on disk. */
static int
finish(int dirfd, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	int fd, r = -1;

	if ((fd = fo_open_above_2(dirfd, name, FOLDER_FLAGS, 0)) < 0)
		return -1;
	if (fchmod(fd, mode) == 0 &&
	    (uid == geteuid() || fchown(fd, uid, gid) == 0) &&
	    fsync(fd) == 0)
		r = 0;
	close(fd);
	return r;
}

/* Rename a folder to a name that is free; not every file system is asked. */
static int
rename_new(int dirfd, const char *from, const char *to)
{
	if (renameat2(dirfd, from, dirfd, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;

	/* the worst that this replaces is an empty folder */
	return renameat(dirfd, from, dirfd, to);
}

/* Is there something of this name, made by us or by another meanwhile? */
static bool
is_there(int dirfd, const char *name)
{
	struct stat st;

	return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

fo_err
fo_folder_make(int dirfd, const char *path, const char *name, mode_t mode,
    uid_t uid, gid_t gid, struct fo_diag *diag)
{
	char new[NAME_MAX + 1];
	const int n = snprintf(new, sizeof(new), NEW_PREFIX "%s", name);
	int e;

	if (n < 0 || (size_t)n >= sizeof(new))
		return explain(path, name, ENAMETOOLONG, diag);
	if (is_there(dirfd, name))
		return FO_OK;
	if ((mkdirat(dirfd, new, S_IRWXU) != 0 && errno != EEXIST) ||
	    finish(dirfd, new, mode, uid, gid) != 0 ||
	    rename_new(dirfd, new, name) != 0) {
		e = errno;
		(void)unlinkat(dirfd, new, AT_REMOVEDIR);
		if (is_there(dirfd, name))
			return FO_OK; /* another was faster */
		return explain(path, name, e, diag);
	}
	return fsync(dirfd) == 0 ? FO_OK : explain(path, name, errno, diag);
}

fo_err
fo_folder_open_at(int dirfd, const char *path, const char *name, uid_t owner,
    mode_t make, struct fo_diag *diag, int *ret_fd)
{
	fo_err r;
	int fd;

	fd = fo_open_above_2(dirfd, name, FOLDER_FLAGS, 0);
	if (fd < 0 && errno == ENOENT && make != 0) {
		r = fo_folder_make(dirfd, path, name, make, geteuid(),
		    getegid(), diag);
		if (r != FO_OK)
			return r;
		fd = fo_open_above_2(dirfd, name, FOLDER_FLAGS, 0);
	}
	if (fd < 0)
		return explain(path, name, errno, diag);
	if ((r = judge(fd, path, name, owner, diag)) != FO_OK) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return FO_OK;
}

/*
 * Make the missing end of path, which is changed on the way and whole again
 * afterwards. depth: how many more folders may be made.
 */
static fo_err
make_path(char *path, uid_t owner, int depth, struct fo_diag *diag,
    int *ret_fd)
{
	char *slash = strrchr(path, '/');
	int parent = -1;
	fo_err r;

	r = fo_safe_open_folder(path, owner, diag, ret_fd);
	if (r != FO_ERR_NOT_FOUND || depth == 0 || slash == NULL ||
	    slash == path)
		return r;
	*slash = '\0';
	if ((r = make_path(path, owner, depth - 1, diag, &parent)) == FO_OK) {
		r = fo_folder_open_at(parent, path, slash + 1, owner,
		    MODE_SHARED, diag, ret_fd);
		close(parent);
	}
	*slash = '/';
	return r;
}

fo_err
fo_folder_open(const char *path, uid_t owner, struct fo_diag *diag,
    int *ret_fd)
{
	char *copy;
	fo_err r;

	if (geteuid() != 0)
		return fo_safe_open_folder(path, owner, diag, ret_fd);
	if ((copy = strdup(path)) == NULL)
		return FO_ERR_NOMEM;
	r = make_path(copy, owner, MAKE_MAX, diag, ret_fd);
	free(copy);
	return r;
}

DIR *
fo_folder_list(int dirfd, const char *name)
{
	const int fd = fo_open_above_2(dirfd, name, FOLDER_FLAGS, 0);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir == NULL && fd >= 0)
		close(fd);
	return dir;
}
