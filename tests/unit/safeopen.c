/*
 * Opening files that decide who gets in: each rule, broken alone.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/safeopen.h"
#include "support/failing.h"

/* A folder of the test's own, and one file in it that may be opened. */
struct place {
	char folder[PATH_MAX];
	char file[PATH_MAX + 16];
};

static void
make_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);

	cr_assert_geq(fd, 0, "%s", path);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	cr_assert_eq(fchmod(fd, 0644), 0);
	close(fd);
}

static void
make_place(struct place *p)
{
	const char *base = getenv("TMPDIR");
	char real[PATH_MAX];

	cr_assert_not_null(realpath(base != NULL ? base : "/tmp", real));
	cr_assert_lt(snprintf(p->folder, sizeof(p->folder),
	    "%.4000s/safeopen.XXXXXX", real), PATH_MAX);
	cr_assert_not_null(mkdtemp(p->folder));
	cr_assert_eq(chmod(p->folder, 0755), 0);
	(void)snprintf(p->file, sizeof(p->file), "%s/x.yaml", p->folder);
	make_file(p->file, "text");
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void
remove_place(const struct place *p)
{
	cr_expect_eq(nftw(p->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* The path of a name in the place; valid until the next call. */
static const char *
in(const struct place *p, const char *name)
{
	static char path[PATH_MAX + NAME_MAX + 2];

	(void)snprintf(path, sizeof(path), "%s/%s", p->folder, name);
	return path;
}

/* Refused, with this result and these words in the reason. */
static void
expect_refused(const char *path, fo_err want, const char *words)
{
	struct fo_diag diag = { "" };
	int fd = -7;

	cr_expect_eq(fo_safe_open_file(path, geteuid(), &diag, &fd), want,
	    "%s: %s", path, diag.text);
	cr_expect_eq(fd, -7, "untouched on failure");
	cr_expect_not_null(strstr(diag.text, words), "\"%s\" has no \"%s\"",
	    diag.text, words);
}

Test(safeopen, opens_a_file_that_follows_the_rules)
{
	struct place p;
	struct fo_diag diag = { "" };
	char *text = NULL;
	size_t len = 0;
	int fd = -1;

	make_place(&p);
	cr_assert_eq(fo_safe_open_file(p.file, geteuid(), &diag, &fd), FO_OK,
	    "%s", diag.text);
	cr_expect_str_eq(diag.text, "");
	cr_expect_gt(fd, 2);
	cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	cr_assert_eq(fo_read_all(fd, 4, &text, &len), FO_OK);
	cr_expect_eq(len, 4);
	cr_expect_str_eq(text, "text");
	free(text);
	close(fd);
	remove_place(&p);
}

Test(safeopen, opens_a_folder_and_a_file_in_it)
{
	struct place p;
	int folder = -1, fd = -1;

	make_place(&p);
	cr_assert_eq(fo_safe_open_folder(p.folder, geteuid(), NULL, &folder),
	    FO_OK);
	cr_expect_gt(folder, 2);
	cr_expect_eq(fcntl(folder, F_GETFD), FD_CLOEXEC);
	cr_assert_eq(fo_safe_open_at(folder, p.folder, "x.yaml", geteuid(),
	    NULL, &fd), FO_OK);
	cr_expect_gt(fd, 2);
	close(fd);
	close(folder);
	remove_place(&p);
}

Test(safeopen, stays_away_from_standard_descriptors_that_are_closed)
{
	struct place p;
	int fd = -1;

	make_place(&p);
	close(0);
	cr_assert_eq(fo_safe_open_file(p.file, geteuid(), NULL, &fd), FO_OK);
	cr_expect_gt(fd, 2);
	cr_expect_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	cr_expect_eq(fcntl(0, F_GETFD), -1, "0 is as closed as it was");
	close(fd);
	remove_place(&p);
}

Test(safeopen, leaves_no_descriptor_behind)
{
	struct place p;
	int before, after, fd = -1;

	make_place(&p);
	cr_assert_eq(chmod(p.file, 0666), 0);
	cr_assert_geq(before = dup(2), 0);
	close(before);
	expect_refused(p.file, FO_ERR_FORMAT, "writable");
	expect_refused(in(&p, "none"), FO_ERR_NOT_FOUND, "does not exist");
	cr_assert_eq(chmod(p.file, 0644), 0);
	cr_assert_eq(fo_safe_open_file(p.file, geteuid(), NULL, &fd), FO_OK);
	close(fd);
	cr_assert_geq(after = dup(2), 0);
	close(after);
	cr_expect_eq(after, before);
	remove_place(&p);
}

Test(safeopen, takes_plain_absolute_paths_only)
{
	static const char *const bad[] = {
		"", "x.yaml", "./x", "/", "//etc/passwd", "/etc//passwd",
		"/etc/./passwd", "/etc/../etc/passwd", "/etc/passwd/",
		"/etc/..", "/.", "../etc/passwd",
	};
	char name[NAME_MAX + 3];
	int fd = -1;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_refused(bad[i], FO_ERR_FORMAT, "path");
	memset(name, 'x', sizeof(name));
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	expect_refused(name, FO_ERR_FORMAT, "path");
	cr_expect_eq(fo_safe_open_file(NULL, 0, NULL, &fd), FO_ERR_FORMAT);
	expect_refused("", FO_ERR_FORMAT, "an empty text is not");
	expect_refused("x.yaml", FO_ERR_FORMAT, "x.yaml is not");
}

Test(safeopen, takes_paths_and_names_up_to_the_systems_length)
{
	char path[PATH_MAX + 1], name[NAME_MAX + 2];
	struct place p;

	make_place(&p);
	memset(name, 'x', sizeof(name));
	name[NAME_MAX + 1] = '\0';
	expect_refused(in(&p, name), FO_ERR_FORMAT, "component");
	name[NAME_MAX] = '\0';
	expect_refused(in(&p, name), FO_ERR_NOT_FOUND, "does not exist");
	expect_refused(in(&p, "a."), FO_ERR_NOT_FOUND, "does not exist");
	expect_refused(in(&p, "..x"), FO_ERR_NOT_FOUND, "does not exist");
	expect_refused(in(&p, ".x"), FO_ERR_NOT_FOUND, "does not exist");
	memset(path, 'x', sizeof(path));
	for (size_t i = 0; i < sizeof(path); i += 128)
		path[i] = '/';
	path[PATH_MAX] = '\0';
	expect_refused(path, FO_ERR_FORMAT, "cannot be opened");
	path[PATH_MAX - 1] = '\0';
	expect_refused(path, FO_ERR_NOT_FOUND, "does not exist");
	remove_place(&p);
}

Test(safeopen, takes_a_plain_name_in_a_folder_only)
{
	static const char *const bad[] = { "", ".", "..", "a/b", "/x" };
	struct fo_diag diag = { "" };
	int fd = -1;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_expect_eq(fo_safe_open_at(AT_FDCWD, "/etc", bad[i], 0,
		    NULL, &fd), FO_ERR_FORMAT, "%s", bad[i]);
	cr_expect_eq(fo_safe_open_at(AT_FDCWD, "/etc", NULL, 0, NULL, &fd),
	    FO_ERR_FORMAT);
	cr_expect_eq(fo_safe_open_at(AT_FDCWD, "/etc", "a/b", 0, &diag, &fd),
	    FO_ERR_FORMAT);
	cr_expect_not_null(strstr(diag.text, "\"a/b\" is not the name"));
	cr_expect_eq(fo_safe_open_at(AT_FDCWD, "/etc", NULL, 0, &diag, &fd),
	    FO_ERR_FORMAT);
	cr_expect_not_null(strstr(diag.text, "\"\" is not the name"));
	cr_expect_eq(fo_safe_open_at(-1, "/etc", "x", 0, &diag, &fd),
	    FO_ERR_IO);
	cr_expect_eq(fd, -1, "untouched on failure");
}

Test(safeopen, refuses_a_socket)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	struct place p;
	int fd;

	make_place(&p);
	cr_assert_lt(snprintf(to.sun_path, sizeof(to.sun_path), "%.80s/socket",
	    p.folder), (int)sizeof(to.sun_path));
	cr_assert_geq(fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	expect_refused(to.sun_path, FO_ERR_FORMAT, "not a regular file");
	close(fd);
	remove_place(&p);
}

Test(safeopen, follows_no_symbolic_link_to_a_file)
{
	struct place p;

	make_place(&p);
	cr_assert_eq(symlink("x.yaml", in(&p, "link")), 0);
	expect_refused(in(&p, "link"), FO_ERR_FORMAT, "put the file itself");
	remove_place(&p);
}

Test(safeopen, follows_no_symbolic_link_to_a_folder)
{
	struct place p;

	make_place(&p);
	cr_assert_eq(mkdir(in(&p, "real"), 0755), 0);
	make_file(in(&p, "real/y"), "");
	cr_assert_eq(symlink("real", in(&p, "link")), 0);
	expect_refused(in(&p, "link/y"), FO_ERR_FORMAT, "put the folder itself");
	remove_place(&p);
}

Test(safeopen, refuses_a_second_hard_link)
{
	struct place p;
	char other[PATH_MAX + 64];

	make_place(&p);
	memcpy(other, in(&p, "other"), sizeof(other));
	cr_assert_eq(link(p.file, other), 0);
	expect_refused(p.file, FO_ERR_FORMAT, "2 hard links");
	remove_place(&p);
}

Test(safeopen, does_not_wait_for_a_fifo, .timeout = 10)
{
	struct place p;

	make_place(&p);
	cr_assert_eq(mkfifo(in(&p, "fifo"), 0644), 0);
	expect_refused(in(&p, "fifo"), FO_ERR_FORMAT, "not a regular file");
	remove_place(&p);
}

Test(safeopen, refuses_a_device)
{
	expect_refused("/dev/null", FO_ERR_FORMAT, "not a regular file");
}

Test(safeopen, refuses_a_folder_for_a_file_and_a_file_for_a_folder)
{
	struct place p;
	struct fo_diag diag = { "" };
	int fd = -1;

	make_place(&p);
	cr_assert_eq(mkdir(in(&p, "sub"), 0755), 0);
	expect_refused(in(&p, "sub"), FO_ERR_FORMAT, "not a regular file");
	expect_refused(in(&p, "x.yaml/y"), FO_ERR_FORMAT, "not a folder");
	cr_expect_eq(fo_safe_open_folder(p.file, geteuid(), &diag, &fd),
	    FO_ERR_FORMAT);
	cr_expect_not_null(strstr(diag.text, "not a folder"));
	remove_place(&p);
}

Test(safeopen, refuses_a_file_that_others_may_write)
{
	struct place p;
	char words[PATH_MAX + 80];

	make_place(&p);
	(void)snprintf(words, sizeof(words),
	    "%s is writable by group or others; chmod go-w", p.file);
	cr_assert_eq(chmod(p.file, 0664), 0);
	expect_refused(p.file, FO_ERR_FORMAT, words);
	cr_assert_eq(chmod(p.file, 0646), 0);
	expect_refused(p.file, FO_ERR_FORMAT, words);
	remove_place(&p);
}

Test(safeopen, refuses_any_parent_that_others_may_write)
{
	struct place p;
	static const mode_t bad[] = { 0775, 0757, 0777 };

	make_place(&p);
	cr_assert_eq(mkdir(in(&p, "a"), 0755), 0);
	cr_assert_eq(mkdir(in(&p, "a/b"), 0755), 0);
	make_file(in(&p, "a/b/y"), "");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_assert_eq(chmod(in(&p, "a"), bad[i]), 0);
		expect_refused(in(&p, "a/b/y"), FO_ERR_FORMAT,
		    "/a is writable by group or others; chmod go-w");
	}
	remove_place(&p);
}

Test(safeopen, takes_a_sticky_folder_of_root_as_tmp_is)
{
	struct place p;
	int fd = -1;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	make_place(&p);
	cr_assert_eq(chmod(p.folder, 01777), 0);
	cr_expect_eq(fo_safe_open_file(p.file, 0, NULL, &fd), FO_OK);
	close(fd);
	cr_assert_eq(chown(p.folder, 12345, 0), 0);
	cr_assert_eq(chmod(p.folder, 01777), 0);
	cr_expect_eq(fo_safe_open_file(p.file, 12345, NULL, &fd),
	    FO_ERR_FORMAT, "sticky, but not root's");
	remove_place(&p);
}

Test(safeopen, refuses_what_a_stranger_owns)
{
	struct place p;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	make_place(&p);
	cr_assert_eq(chown(p.file, 12345, 0), 0);
	expect_refused(p.file, FO_ERR_FORMAT, "owned by uid 12345, not by "
	    "root; chown it to root");
	cr_assert_eq(chown(p.file, 0, 0), 0);
	cr_assert_eq(chown(p.folder, 12345, 0), 0);
	expect_refused(p.file, FO_ERR_FORMAT, "owned by uid 12345");
	remove_place(&p);
}

Test(safeopen, takes_what_the_given_owner_owns)
{
	struct place p;
	int fd = -1;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	make_place(&p);
	cr_assert_eq(chown(p.file, 12345, 0), 0);
	cr_expect_eq(fo_safe_open_file(p.file, 12345, NULL, &fd), FO_OK);
	close(fd);
	cr_expect_eq(fo_safe_open_file(p.file, 12346, NULL, &fd),
	    FO_ERR_FORMAT);
	remove_place(&p);
}

Test(safeopen, says_which_component_does_not_exist)
{
	struct place p;

	make_place(&p);
	expect_refused(in(&p, "none"), FO_ERR_NOT_FOUND,
	    "/none does not exist");
	expect_refused(in(&p, "gone/x"), FO_ERR_NOT_FOUND,
	    "/gone does not exist");
	remove_place(&p);
}

Test(safeopen, says_who_may_not_read_a_file)
{
	struct place p;
	struct fo_diag diag = { "" };
	int fd = -1;

	if (geteuid() != 0)
		cr_skip_test("needs root");
	make_place(&p);
	cr_assert_eq(chmod(p.file, 0600), 0);
	cr_assert_eq(seteuid(12345), 0);
	cr_expect_eq(fo_safe_open_file(p.file, 0, &diag, &fd), FO_ERR_IO);
	cr_assert_eq(seteuid(0), 0);
	cr_expect_not_null(strstr(diag.text, "uid 12345"), "%s", diag.text);
	cr_assert_eq(chmod(p.folder, 0700), 0);
	cr_assert_eq(seteuid(12345), 0);
	cr_expect_eq(fo_safe_open_folder(p.folder, 0, &diag, &fd), FO_ERR_IO);
	cr_assert_eq(seteuid(0), 0);
	cr_expect_not_null(strstr(diag.text, "uid 12345"), "%s", diag.text);
	remove_place(&p);
}

Test(safeopen, reads_at_most_what_was_asked_for)
{
	struct place p;
	char *text = NULL;
	size_t len = 99;
	int fd = -1;

	make_place(&p);
	cr_assert_eq(fo_safe_open_file(p.file, geteuid(), NULL, &fd), FO_OK);
	cr_expect_eq(fo_read_all(fd, 3, &text, &len), FO_ERR_TOO_LONG);
	close(fd);
	cr_expect_null(text);
	cr_expect_eq(len, 99, "untouched on failure");
	remove_place(&p);
}

Test(safeopen, reads_an_empty_file_as_an_empty_text)
{
	char *text = NULL;
	size_t len = 99;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	cr_assert_eq(fo_read_all(fd, 10, &text, &len), FO_OK);
	cr_expect_eq(len, 0);
	cr_expect_str_eq(text, "");
	free(text);
	close(fd);
}

Test(safeopen, reports_that_reading_failed)
{
	char *text = NULL;
	size_t len = 99;
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	cr_expect_eq(fo_read_all(fd, 10, &text, &len), FO_ERR_IO);
	cr_expect_eq(fo_read_all(-1, 10, &text, &len), FO_ERR_IO);
	cr_expect_null(text);
	close(fd);
}

Test(safeopen, takes_the_place_of_no_standard_descriptor)
{
	struct place p;

	make_place(&p);
	for (int i = 0; i < 3; i++) {
		const int kept = fcntl(i, F_DUPFD_CLOEXEC, 10);
		int fd = -1;

		close(i);
		cr_expect_eq(fo_safe_open_file(p.file, geteuid(), NULL, &fd),
		    FO_OK);
		cr_expect_gt(fd, 2);
		close(fd);
		cr_expect_eq(fcntl(i, F_GETFD), -1);
		cr_assert_eq(dup2(kept, i), i);
		close(kept);
	}
	remove_place(&p);
}

/* Of a folder on the way, or of the file itself. */
Test(safeopen, what_cannot_be_looked_at_is_refused)
{
	static const char *const calls[] = { "fstat", "openat" };
	struct place p;
	int nth;

	make_place(&p);
	for (size_t i = 0; i < 2; i++) {
		for (nth = 1; nth < 30; nth++) {
			struct fo_diag diag = { "" };
			int fd = -7;
			fo_err r;

			failing(calls[i], nth, EMFILE);
			r = fo_safe_open_file(p.file, geteuid(), &diag, &fd);
			if (failing_calls(calls[i]) < nth) {
				cr_expect_eq(r, FO_OK, "%s", diag.text);
				close(fd);
				break;
			}
			cr_expect_eq(r, FO_ERR_IO, "%s %d", calls[i], nth);
			cr_expect_eq(fd, -7);
			cr_expect_not_null(strstr(diag.text,
			    strerror(EMFILE)), "%s", diag.text);
		}
		cr_expect_gt(nth, 3);
		failing_none();
	}
	remove_place(&p);
}

Test(safeopen, what_is_opened_never_stands_in_for_standard_output)
{
	for (int taken = 0; taken <= 2; taken++) {
		const int kept = fcntl(taken, F_DUPFD_CLOEXEC, 10);
		int fd;

		close(taken);
		fd = fo_open_above_2(AT_FDCWD, "/", O_PATH, 0);
		cr_expect_gt(fd, 2);
		cr_expect_eq(fcntl(taken, F_GETFD), -1);
		close(fd);
		cr_assert_eq(dup2(kept, taken), taken);
		close(kept);
	}
}
