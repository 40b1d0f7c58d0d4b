/*
 * Folders below /tmp for targets of code that opens files by their path.
 */
#include "folder.h"

#include <sys/stat.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fuzz.h"

#define FOLDERS_MAX 4

static struct {
	char list[FOLDERS_MAX][FOLDER_SIZE];
	size_t count;
} folders;

void
folder_path(const char *folder, const char *name, char ret[FOLDER_PATH_SIZE])
{
	const int n = snprintf(ret, FOLDER_PATH_SIZE, "%s/%s", folder, name);

	NEED(n > 0 && n < FOLDER_PATH_SIZE);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
folder_remove(const char *folder, const char *name)
{
	const bool held = fuzz_faults_hold();
	char path[FOLDER_PATH_SIZE];

	folder_path(folder, name, path);
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	fuzz_faults_release(held);
}

static void
remove_all(void)
{
	while (folders.count > 0)
		folder_remove(folders.list[--folders.count], "");
}

void
folder_make(char ret_folder[FOLDER_SIZE])
{
	const bool held = fuzz_faults_hold();
	char *folder = folders.list[folders.count];

	NEED(folders.count < FOLDERS_MAX);
	if (folders.count++ == 0)
		NEED(atexit(remove_all) == 0);
	(void)umask(022);
	(void)snprintf(folder, FOLDER_SIZE, "/tmp/fo-fuzz-XXXXXX");
	NEED(mkdtemp(folder) != NULL);
	NEED(chmod(folder, 0755) == 0);
	(void)snprintf(ret_folder, FOLDER_SIZE, "%s", folder);
	fuzz_faults_release(held);
}

void
folder_add(const char *folder, const char *name, mode_t mode)
{
	const bool held = fuzz_faults_hold();
	char path[FOLDER_PATH_SIZE];

	folder_path(folder, name, path);
	NEED(mkdir(path, mode) == 0);
	fuzz_faults_release(held);
}

/* To truncate a file that is there would write it to the disk. */
void
folder_put(const char *folder, const char *name, mode_t mode,
    const void *data, size_t size)
{
	const bool held = fuzz_faults_hold();
	char path[FOLDER_PATH_SIZE];
	int fd;

	folder_path(folder, name, path);
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	NEED(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	NEED(close(fd) == 0);
	fuzz_faults_release(held);
}
