/*
 * Folders of our own: made whole or not at all, and opened if they are ours.
 */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "host/folder.h"
#include "support/failing.h"
#include "support/machine.h"

static struct machine m;
static struct fo_diag diag;
static int top;		/* the machine's folder, open */

static void
setup(void)
{
	machine_open(&m);
	top = open(m.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cr_assert_geq(top, 0);
}

static void
teardown(void)
{
	failing_none();
	close(top);
	machine_close(&m);
}

TestSuite(folder, .init = setup, .fini = teardown);

static fo_err
make(void)
{
	diag.text[0] = '\0';
	return fo_folder_make(top, m.folder, "made", 0750, geteuid(),
	    getegid(), &diag);
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	cr_assert_eq(fstatat(top, name, &st, AT_SYMLINK_NOFOLLOW), 0,
	    "%s", name);
	return st.st_mode & 07777;
}

/* ---- made --------------------------------------------------------------- */

Test(folder, is_made_with_its_mode_and_nothing_else_is_left)
{
	const mode_t mask = umask(0777);

	cr_expect_eq(make(), FO_OK, "%s", diag.text);
	failing("mkdirat", 0, EROFS);
	cr_expect_eq(make(), FO_OK, "and is there: %s", diag.text);
	cr_expect_eq(failing_calls("mkdirat"), 0);
	(void)umask(mask);
	cr_expect_eq(mode_of("made"), 0750);
	cr_expect_eq(machine_count(&m, "."), 1);
}

Test(folder, is_made_for_another_user)
{
	struct stat st;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_expect_eq(fo_folder_make(top, m.folder, "made", 0755, 1234, 4321,
	    &diag), FO_OK, "%s", diag.text);
	cr_assert_eq(fstatat(top, "made", &st, 0), 0);
	cr_expect_eq(st.st_uid, 1234);
	cr_expect_eq(st.st_gid, 4321);
	failing("fchown", 0, EPERM);
	cr_expect_eq(fo_folder_make(top, m.folder, "other", 0755, 1234, 4321,
	    &diag), FO_ERR_IO);
	cr_expect_eq(machine_count(&m, "."), 1);
}

Test(folder, is_made_of_what_another_left_unfinished)
{
	cr_assert_eq(mkdirat(top, ".new-made", 0700), 0);
	cr_expect_eq(make(), FO_OK, "%s", diag.text);
	cr_expect_eq(mode_of("made"), 0750);
}

Test(folder, is_made_whole_or_not_at_all)
{
	static const struct {
		const char *call;
		int error;
	} cases[] = {
		{ "mkdirat", EROFS }, { "mkdirat", ENOSPC },
		{ "openat", EMFILE },
		{ "fchmod", EPERM }, { "renameat2", EACCES },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		failing_none();
		failing(cases[i].call, 0, cases[i].error);
		cr_expect_eq(make(), FO_ERR_IO, "%s", cases[i].call);
		cr_expect_not_null(strstr(diag.text,
		    strerror(cases[i].error)), "%s", diag.text);
		cr_expect_eq(machine_count(&m, "."), 0, "%s", cases[i].call);
	}
	failing_none();
	failing("fsync", 1, ENOSPC);
	cr_expect_eq(make(), FO_ERR_IO);
	cr_expect_eq(machine_count(&m, "."), 0);
	failing("fsync", 2, ENOSPC);
	cr_expect_eq(make(), FO_ERR_IO, "nobody knows whether it stays");
	cr_expect_not_null(strstr(diag.text, strerror(ENOSPC)));
}

/* What undoing it says is not the reason. */
Test(folder, says_what_failed_first)
{
	failing("fchmod", 0, EPERM);
	failing("unlinkat", 0, EROFS);
	cr_expect_eq(make(), FO_ERR_IO);
	cr_expect_not_null(strstr(diag.text, strerror(EPERM)), "%s",
	    diag.text);
}

Test(folder, is_made_where_the_file_system_cannot_be_asked_for_a_free_name)
{
	static const int errors[] = { EINVAL, ENOSYS };

	for (size_t i = 0; i < 2; i++) {
		failing("renameat2", 0, errors[i]);
		cr_expect_eq(make(), FO_OK, "%s", diag.text);
		cr_expect_eq(mode_of("made"), 0750);
		machine_remove(&m, "made");
	}
	failing("renameat", 0, EACCES);
	cr_expect_eq(make(), FO_ERR_IO);
	cr_expect_eq(machine_count(&m, "."), 0);
}

Test(folder, that_another_made_meanwhile_is_there)
{
	/* it is not there at the first look */
	cr_assert_eq(mkdirat(top, "made", 0755), 0);
	failing("fstatat", 1, ENOENT);
	cr_expect_eq(make(), FO_OK, "%s", diag.text);
	failing_none();
	cr_expect_eq(mode_of("made"), 0755, "the other's");
	cr_expect_eq(machine_count(&m, "."), 1);
}

Test(folder, has_a_name_that_fits)
{
	char name[NAME_MAX + 2];

	memset(name, 'x', sizeof(name));
	name[NAME_MAX + 1] = '\0';
	for (size_t len = NAME_MAX + 1; len > NAME_MAX - 5; len--) {
		name[len] = '\0';
		cr_expect_eq(fo_folder_make(top, m.folder, name, 0755,
		    geteuid(), getegid(), &diag), FO_ERR_IO, "%zu", len);
		cr_expect_eq(machine_count(&m, "."), 0);
	}
	name[NAME_MAX - 5] = '\0';
	cr_expect_eq(fo_folder_make(top, m.folder, name, 0755, geteuid(),
	    getegid(), &diag), FO_OK, "%s", diag.text);
}

/* ---- opened ------------------------------------------------------------- */

static void
expect_refused(const char *name, uid_t owner, fo_err want, const char *words)
{
	int fd = -7;

	diag.text[0] = '\0';
	cr_expect_eq(fo_folder_open_at(top, m.folder, name, owner, 0, &diag,
	    &fd), want, "%s", diag.text);
	cr_expect_eq(fd, -7, "untouched on failure");
	cr_expect_not_null(strstr(diag.text, words), "%s", diag.text);
}

Test(folder, is_opened_if_it_is_its_owners_alone)
{
	int fd = -1;

	cr_assert_eq(make(), FO_OK);
	cr_expect_eq(fo_folder_open_at(top, m.folder, "made", geteuid(), 0,
	    &diag, &fd), FO_OK, "%s", diag.text);
	close(fd);
	expect_refused("made", geteuid() + 1, FO_ERR_FORMAT, "chown it");
	cr_assert_eq(fchmodat(top, "made", 0775, 0), 0);
	expect_refused("made", geteuid(), FO_ERR_FORMAT, "chmod go-w");
	cr_assert_eq(fchmodat(top, "made", 0757, 0), 0);
	expect_refused("made", geteuid(), FO_ERR_FORMAT, "chmod go-w");
	expect_refused("none", geteuid(), FO_ERR_NOT_FOUND, "does not exist");
	machine_write(&m, "file", "x");
	expect_refused("file", geteuid(), FO_ERR_FORMAT, "is not a folder");
	cr_assert_eq(symlinkat("made", top, "link"), 0);
	expect_refused("link", geteuid(), FO_ERR_FORMAT, "is not a folder");
	cr_assert_eq(fchmodat(top, "made", 0755, 0), 0);
	failing("fstat", 0, EIO);
	expect_refused("made", geteuid(), FO_ERR_IO, strerror(EIO));
}

Test(folder, is_made_when_it_is_opened_and_may_be)
{
	int fd = -1;

	cr_expect_eq(fo_folder_open_at(top, m.folder, "made", geteuid(), 0700,
	    &diag, &fd), FO_OK, "%s", diag.text);
	cr_expect_eq(mode_of("made"), 0700);
	close(fd);
	fd = -7;
	failing("mkdirat", 0, EROFS);
	cr_expect_eq(fo_folder_open_at(top, m.folder, "other", geteuid(),
	    0700, &diag, &fd), FO_ERR_IO);
	cr_expect_not_null(strstr(diag.text, strerror(EROFS)), "%s",
	    diag.text);
	cr_expect_eq(fd, -7);
	failing_none();
	failing("openat", 1, EACCES);
	cr_expect_eq(fo_folder_open_at(top, m.folder, "made", geteuid(), 0700,
	    &diag, &fd), FO_ERR_IO);
	cr_expect_eq(fd, -7);
}

Test(folder, has_its_missing_parents_made_by_root_alone)
{
	char *path = machine_path(&m, "a/b/c"), *before = strdup(path);
	int fd = -1;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	cr_expect_eq(fo_folder_open(path, 0, &diag, &fd), FO_OK, "%s",
	    diag.text);
	close(fd);
	cr_expect_eq(mode_of("a/b/c"), 0755);
	cr_expect_str_eq(path, before);
	machine_remove(&m, "a");
	failing("mkdirat", 3, EROFS);
	cr_expect_eq(fo_folder_open(path, 0, &diag, &fd), FO_ERR_IO);
	cr_expect_not_null(strstr(diag.text, "/a/b/c: "), "%s", diag.text);
	failing_none();
	machine_remove(&m, "a");
	cr_assert_eq(seteuid(12345), 0);
	cr_expect_eq(fo_folder_open(path, 0, &diag, &fd), FO_ERR_NOT_FOUND);
	cr_assert_eq(seteuid(0), 0);
	free(path);
	free(before);
	path = machine_path(&m, "a/b/c/d");
	fd = -7;
	cr_expect_eq(fo_folder_open(path, 0, &diag, &fd), FO_ERR_NOT_FOUND,
	    "four are too many");
	cr_expect_eq(fd, -7);
	free(path);
}

/* ---- listed ------------------------------------------------------------- */

Test(folder, is_listed_or_not_and_leaves_nothing_open)
{
	const size_t open_before = machine_descriptors();
	DIR *dir = fo_folder_list(top, ".");

	cr_assert_not_null(dir);
	cr_expect_eq(closedir(dir), 0);
	cr_expect_null(fo_folder_list(top, "missing"));
	failing("fdopendir", 0, ENOMEM);
	cr_expect_null(fo_folder_list(top, "."));
	failing_none();
	cr_expect_eq(machine_descriptors(), open_before);
}
