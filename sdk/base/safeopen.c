/*
 * Opening a file that decides who gets in: each component of its path is
 * opened in its parent and judged by what was opened, never by name.
 */
#include "safeopen.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "diag.h"
#include "wipe.h"

#define FOLDER_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define LIST_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define FILE_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

int
fo_above_2(int fd)
{
	int high;

	if (fd < 0 || fd > 2)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	close(fd);
	return high;
}

int
fo_open_above_2(int dirfd, const char *name, int flags, mode_t mode)
{
	return fo_above_2(openat(dirfd, name, flags, mode));
}

ssize_t
fo_read_once(int fd, void *buf, size_t size)
{
	ssize_t n;

	do {
		n = read(fd, buf, size);
	} while (n < 0 && errno == EINTR);

	return n;
}

/* Who but root, in words for the reason. */
static void
refuse_owner(const char *shown, const struct stat *st, uid_t owner,
    struct fo_diag *diag)
{
	if (owner == 0)
		fo_diag_set(diag, "%s is owned by uid %lu, not by root; "
		    "chown it to root", shown, (unsigned long)st->st_uid);
	else
		fo_diag_set(diag, "%s is owned by uid %lu, not by root or "
		    "uid %lu; chown it to %lu", shown,
		    (unsigned long)st->st_uid, (unsigned long)owner,
		    (unsigned long)owner);
}

/* The rules of the header for an open descriptor. */
static fo_err
judge(int fd, const char *shown, bool folder, uid_t owner,
    struct fo_diag *diag)
{
	struct stat st;
	bool sticky;

	if (fstat(fd, &st) != 0) {
		fo_diag_set(diag, "%s: %s; %s", shown, strerror(errno),
		    fo_diag_remedy(errno));
		return FO_ERR_IO;
	}
	/* that a folder is one was said by O_DIRECTORY */
	if (!folder && !S_ISREG(st.st_mode)) {
		fo_diag_set(diag, "%s is not a regular file; put one in its "
		    "place", shown);
		return FO_ERR_FORMAT;
	}
	/* None at all is fine: it was replaced since it was opened. */
	if (!folder && st.st_nlink > 1) {
		fo_diag_set(diag, "%s has %lu hard links, so it can be "
		    "changed under another name; replace it by a copy of its "
		    "own", shown, (unsigned long)st.st_nlink);
		return FO_ERR_FORMAT;
	}
	if (st.st_uid != 0 && st.st_uid != owner) {
		refuse_owner(shown, &st, owner, diag);
		return FO_ERR_FORMAT;
	}
	sticky = folder && st.st_uid == 0 && (st.st_mode & S_ISVTX) != 0;
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky) {
		fo_diag_set(diag, "%s is writable by group or others; chmod "
		    "go-w it", shown);
		return FO_ERR_FORMAT;
	}
	return FO_OK;
}

/* Why openat refused: the same rules, told by errno. */
static fo_err
explain(int dirfd, const char *name, const char *shown, bool folder, int e,
    struct fo_diag *diag)
{
	struct stat st;

	if (e == ENOENT) {
		fo_diag_set(diag, "%s does not exist", shown);
		return FO_ERR_NOT_FOUND;
	}
	if ((e == ELOOP || e == ENOTDIR) &&
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode)) {
		fo_diag_set(diag, "%s is a symbolic link, and none is "
		    "followed; put the %s itself there", shown,
		    folder ? "folder" : "file");
		return FO_ERR_FORMAT;
	}
	if (e == ENOTDIR) {
		fo_diag_set(diag, "%s is not a folder; put one in its place",
		    shown);
		return FO_ERR_FORMAT;
	}
	if (e == ENXIO) {
		fo_diag_set(diag, "%s is not a regular file; put one in its "
		    "place", shown);
		return FO_ERR_FORMAT;
	}
	if (e == EACCES)
		fo_diag_set(diag, "%s: %s for uid %lu; check the mode of it "
		    "and of its folders", shown, strerror(e),
		    (unsigned long)geteuid());
	else
		fo_diag_set(diag, "%s: %s; %s", shown, strerror(e),
		    fo_diag_remedy(e));
	return FO_ERR_IO;
}

/* Open one component and judge it. shown is its whole path. */
static fo_err
step(int dirfd, const char *name, const char *shown, int flags, uid_t owner,
    struct fo_diag *diag, int *ret_fd)
{
	const bool folder = (flags & O_DIRECTORY) != 0;
	fo_err r;
	int fd;

	if ((fd = fo_open_above_2(dirfd, name, flags, 0)) < 0)
		return explain(dirfd, name, shown, folder, errno, diag);
	if ((r = judge(fd, shown, folder, owner, diag)) != FO_OK) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return FO_OK;
}

/* A component that names something in its folder, and nothing else. */
static bool
is_plain(const char *name, size_t len)
{
	if (len == 0 || len > NAME_MAX || memchr(name, '/', len) != NULL)
		return false;
	if (len == 1 && name[0] == '.')
		return false;

	return !(len == 2 && name[0] == '.' && name[1] == '.');
}

/* Is this an absolute path of plain components, short enough to open? */
static fo_err
check_path(const char *path, struct fo_diag *diag)
{
	const char *name, *end;

	if (path == NULL || path[0] != '/') {
		fo_diag_set(diag, "%s is not an absolute path; write it from "
		    "/ on", path == NULL || path[0] == '\0' ? "an empty text" :
		    path);
		return FO_ERR_FORMAT;
	}
	if (strlen(path) >= PATH_MAX) {
		fo_diag_set(diag, "a path of more than %d bytes cannot be "
		    "opened", PATH_MAX - 1);
		return FO_ERR_FORMAT;
	}
	for (name = path + 1;; name = end + 1) {
		end = strchrnul(name, '/');
		if (!is_plain(name, (size_t)(end - name))) {
			fo_diag_set(diag, "%s has a component that is empty, "
			    "\".\", \"..\" or over %d bytes; write the plain "
			    "path", path, NAME_MAX);
			return FO_ERR_FORMAT;
		}
		if (*end == '\0')
			return FO_OK;
	}
}

/*
 * Walk from "/" to the last component, which is opened with last_flags.
 * shown is path cut after the component that is being opened.
 */
static fo_err
walk(const char *path, int last_flags, uid_t owner, struct fo_diag *diag,
    int *ret_fd)
{
	char shown[PATH_MAX];
	char *name, *slash;
	fo_err r;
	int fd = -1, next = -1;

	if ((r = check_path(path, diag)) != FO_OK)
		return r;
	memcpy(shown, path, strlen(path) + 1);
	if ((r = step(AT_FDCWD, "/", "/", FOLDER_FLAGS, owner, diag,
	    &fd)) != FO_OK)
		return r;
	for (name = shown + 1; (slash = strchr(name, '/')) != NULL;
	    name = slash + 1) {
		*slash = '\0';
		r = step(fd, name, shown, FOLDER_FLAGS, owner, diag, &next);
		*slash = '/';
		close(fd);
		if (r != FO_OK)
			return r;
		fd = next;
	}
	r = step(fd, name, shown, last_flags, owner, diag, ret_fd);
	close(fd);
	return r;
}

fo_err
fo_safe_open_file(const char *path, uid_t owner, struct fo_diag *diag,
    int *ret_fd)
{
	return walk(path, FILE_FLAGS, owner, diag, ret_fd);
}

fo_err
fo_safe_open_folder(const char *path, uid_t owner, struct fo_diag *diag,
    int *ret_fd)
{
	return walk(path, LIST_FLAGS, owner, diag, ret_fd);
}

fo_err
fo_safe_open_at(int dirfd, const char *path, const char *name, uid_t owner,
    struct fo_diag *diag, int *ret_fd)
{
	struct fo_buf shown;
	fo_err r;

	if (name == NULL || !is_plain(name, strlen(name))) {
		fo_diag_set(diag, "%s: \"%s\" is not the name of a file",
		    path, name == NULL ? "" : name);
		return FO_ERR_FORMAT;
	}
	fo_buf_init(&shown, (size_t)PATH_MAX + NAME_MAX);
	fo_buf_addf(&shown, "%s/%s", path, name);
	if ((r = shown.err) == FO_OK)
		r = step(dirfd, name, shown.data, FILE_FLAGS, owner, diag,
		    ret_fd);
	fo_buf_clear(&shown);
	return r;
}

fo_err
fo_read_all(int fd, size_t max, char **ret_data, size_t *ret_len)
{
	char chunk[4096];
	struct fo_buf text;
	ssize_t n = 0;
	size_t len;
	fo_err r;

	fo_buf_init(&text, max);
	while (text.err == FO_OK &&
	    (n = fo_read_once(fd, chunk, sizeof(chunk))) > 0)
		fo_buf_add(&text, chunk, (size_t)n);
	len = text.len;
	r = n < 0 ? FO_ERR_IO : fo_buf_take(&text, ret_data);
	if (r == FO_OK)
		*ret_len = len;
	fo_buf_clear(&text);
	fo_wipe(chunk, sizeof(chunk));
	return r;
}
