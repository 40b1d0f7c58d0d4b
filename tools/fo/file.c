/*
 * Files of the caller's: read whole, made for a secret, or replaced.
 */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/safeopen.h"

#define HOME_MAX_BYTES 4000

fo_err
file_read(const char *path, size_t max, struct fo_diag *diag,
    char **ret_text, size_t *ret_len)
{
	const bool in = strcmp(path, "-") == 0;
	const char *name = in ? "standard input" : path;
	int fd = STDIN_FILENO;
	fo_err r;

	if (!in && (fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)) == -1) {
		fo_diag_set(diag, "%s: %s", name, strerror(errno));
		return errno == ENOENT ? FO_ERR_NOT_FOUND : FO_ERR_IO;
	}
	r = fo_read_all(fd, max, ret_text, ret_len);
	if (r == FO_ERR_TOO_LONG)
		fo_diag_set(diag, "%s: longer than %zu bytes", name, max);
	else if (r == FO_ERR_IO)
		fo_diag_set(diag, "%s: cannot be read: %s; %s", name,
		    strerror(errno), fo_diag_remedy(errno));
	if (!in)
		close(fd);

	return r;
}

int
file_sync_folder_of(const char *path)
{
	char *copy = strdup(path);
	int fd, r = -1;

	if (copy == NULL)
		return -1;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	if (fd == -1)
		return -1;
	r = fsync(fd);
	close(fd);

	return r;
}

static int
write_whole(int fd, const char *text)
{
	size_t len = strlen(text);
	ssize_t n;

	while (len > 0) {
		n = write(fd, text, len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		text += n;
		len -= (size_t)n;
	}

	return 0;
}

/* A file that is new, and its owner's alone. */
static int
make_new(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
	    O_CLOEXEC, S_IRUSR | S_IWUSR);
}

/* Put the text on disk in a file just made, and close it. */
static int
fill(int fd, const char *text, mode_t mode)
{
	const bool good = fchmod(fd, mode) == 0 &&
	    write_whole(fd, text) == 0 && fsync(fd) == 0;

	return close(fd) == 0 && good ? 0 : -1;
}

fo_err
file_write_secret(const char *path, const char *text, struct fo_diag *diag)
{
	const int fd = make_new(path);

	if (fd == -1 && errno == EEXIST) {
		fo_diag_set(diag, "%s: exists already; choose another name,"
		    " it is not overwritten", path);
		return FO_ERR_EXISTS;
	}
	if (fd == -1) {
		fo_diag_set(diag, "%s: cannot be made: %s; %s", path,
		    strerror(errno), fo_diag_remedy(errno));
		return FO_ERR_IO;
	}
	if (fill(fd, text, S_IRUSR | S_IWUSR) != 0 ||
	    file_sync_folder_of(path) != 0) {
		fo_diag_set(diag, "%s: cannot be written: %s; %s", path,
		    strerror(errno), fo_diag_remedy(errno));
		unlink(path);
		return FO_ERR_IO;
	}

	return FO_OK;
}

/* Whose it was; a group that we are not in cannot be given. */
static int
keep_owner(int fd, const struct stat *was)
{
	struct stat st;

	if (was == NULL)
		return 0;
	if (fstat(fd, &st) != 0)
		return -1;
	if ((st.st_uid == was->st_uid && st.st_gid == was->st_gid) ||
	    fchown(fd, was->st_uid, was->st_gid) == 0)
		return 0;
	return st.st_uid == was->st_uid ? 0 : -1;
}

fo_err
file_replace(const char *path, const char *temporary, const char *text,
    mode_t mode, struct fo_diag *diag)
{
	return file_replace_as(path, temporary, text, mode, NULL, diag);
}

fo_err
file_replace_as(const char *path, const char *temporary, const char *text,
    mode_t mode, const struct stat *was, struct fo_diag *diag)
{
	int fd = -1;

	if ((unlinkat(AT_FDCWD, temporary, 0) != 0 && errno != ENOENT) ||
	    (fd = make_new(temporary)) == -1 || keep_owner(fd, was) != 0 ||
	    fill(fd, text, mode) != 0 ||
	    renameat2(AT_FDCWD, temporary, AT_FDCWD, path, 0) != 0) {
		fo_diag_set(diag, "%s: cannot be written: %s; %s", path,
		    strerror(errno), fo_diag_remedy(errno));
		if (fd != -1)
			(void)unlinkat(AT_FDCWD, temporary, 0);
		return FO_ERR_IO;
	}
	if (file_sync_folder_of(path) != 0) {
		fo_diag_set(diag, "%s was written, but may be lost in a crash"
		    " now: %s; %s", path, strerror(errno),
		    fo_diag_remedy(errno));
		return FO_ERR_IO;
	}

	return FO_OK;
}

fo_err
file_config_home(struct fo_diag *diag, char **ret_path)
{
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	const struct passwd *pw;
	struct fo_buf buf;

	fo_buf_init(&buf, HOME_MAX_BYTES);
	if (xdg != NULL && xdg[0] == '/') {
		fo_buf_adds(&buf, xdg);
		return fo_buf_take(&buf, ret_path);
	}
	if ((home == NULL || home[0] != '/') &&
	    (pw = getpwuid(getuid())) != NULL)
		home = pw->pw_dir;
	if (home == NULL || home[0] != '/') {
		fo_diag_set(diag, "no home folder: set HOME or"
		    " XDG_CONFIG_HOME");
		return FO_ERR_IO;
	}
	fo_buf_addf(&buf, "%s/.config", home);

	return fo_buf_take(&buf, ret_path);
}

char *
text_copy(const char *text, size_t len)
{
	char *copy = malloc(len + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';

	return copy;
}

size_t
line_len(const char *text, size_t len)
{
	if (len > 0 && text[len - 1] == '\n')
		len--;
	if (len > 0 && text[len - 1] == '\r')
		len--;

	return len;
}
