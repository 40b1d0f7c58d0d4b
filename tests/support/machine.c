/*
 * A machine of a test's own.
 */
#include "machine.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define BOOT_ID "11111111-2222-4333-8444-555555555555"

static fo_err
machine_now(void *arg, struct fo_now *ret)
{
	struct machine *machine = arg;

	machine->calls++;
	if (machine->meanwhile != NULL)
		machine->meanwhile(machine, machine->calls);
	if (machine->now_with == FO_OK)
		*ret = machine->now;
	return machine->now_with;
}

static fo_err
machine_boot_id(void *arg, char ret[FO_BOOT_ID_SIZE])
{
	const struct machine *machine = arg;

	if (machine->boot_id_with == FO_OK)
		memcpy(ret, machine->boot_id, FO_BOOT_ID_SIZE);
	return machine->boot_id_with;
}

void
machine_open(struct machine *machine)
{
	*machine = (struct machine){
		.clock = { machine_now, machine_boot_id, machine },
		.now = { MACHINE_NOW, 0, 3600 * 1000 },
		.boot_id = BOOT_ID,
		.folder = "/tmp/fo-machine-XXXXXX",
	};
	cr_assert_not_null(mkdtemp(machine->folder));
	cr_assert_eq(chmod(machine->folder, 0755), 0);
}

static int
remove_one(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void
machine_close(struct machine *machine)
{
	cr_expect_eq(nftw(machine->folder, remove_one, 16,
	    FTW_DEPTH | FTW_PHYS), 0);
}

void
machine_pass(struct machine *machine, int64_t seconds)
{
	machine->now.s += seconds;
	machine->now.boot_ms += seconds * 1000;
}

void
machine_set(struct machine *machine, int64_t now_s)
{
	machine->now.s = now_s;
}

char *
machine_path(const struct machine *machine, const char *name)
{
	char *path;

	cr_assert_geq(asprintf(&path, "%s/%s", machine->folder, name), 0);
	return path;
}

void
machine_remove(const struct machine *machine, const char *name)
{
	char *path = machine_path(machine, name);

	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(path);
}

int
machine_has(const struct machine *machine, const char *name)
{
	char *path = machine_path(machine, name);
	struct stat st;
	const int there = lstat(path, &st) == 0;

	free(path);
	return there;
}

char *
machine_read(const struct machine *machine, const char *name)
{
	char *path = machine_path(machine, name);
	char *text = calloc(1, 65536);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	cr_assert_not_null(text);
	if (fd >= 0) {
		cr_assert_geq(read(fd, text, 65535), 0);
		close(fd);
	}
	free(path);
	return text;
}

void
machine_write(const struct machine *machine, const char *name,
    const char *text)
{
	char *path = machine_path(machine, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	free(path);
}

static size_t
count_names(const char *path)
{
	DIR *dir = opendir(path);
	size_t n = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n - 2; /* "." and ".." */
}

size_t
machine_count(const struct machine *machine, const char *name)
{
	char *path = machine_path(machine, name);
	const size_t n = count_names(path);

	free(path);
	return n;
}

size_t
machine_descriptors(void)
{
	return count_names("/proc/self/fd");
}
