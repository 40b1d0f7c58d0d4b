/*
 * Paths of files: absolute by their text, and by what links lead to.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "host/path.h"

Test(path, is_absolute_and_without_dots_by_its_text_alone)
{
	static const struct {
		const char *folder;
		const char *path;
		const char *want;
	} cases[] = {
		{ NULL, "/", "/" }, { NULL, "//", "/" }, { NULL, "/a", "/a" },
		{ NULL, "/a/", "/a" }, { NULL, "//a///b//", "/a/b" },
		{ NULL, "/a/./b/.", "/a/b" }, { NULL, "/a/../b", "/b" },
		{ NULL, "/..", "/" }, { NULL, "/../../a", "/a" },
		{ NULL, "/a/b/../../..", "/" }, { NULL, "/a/..b", "/a/..b" },
		{ NULL, "/a/b..", "/a/b.." }, { NULL, "/.a", "/.a" },
		{ NULL, "/...", "/..." }, { "/home/x", "a", "/home/x/a" },
		{ "/home/x", ".", "/home/x" }, { "/home/x", "..", "/home" },
		{ "/home/x", "../../..", "/" }, { "/", "a", "/a" },
		{ "/home/x", "/a", "/a" }, { "/home/x/", "./a//b", "/home/x/a/b" },
		{ NULL, "/a b\n", "/a b\n" },
	};
	char *got;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		got = NULL;
		cr_assert_eq(fo_path_normal(cases[i].folder, cases[i].path,
		    &got), FO_OK, "%s", cases[i].path);
		cr_expect_str_eq(got, cases[i].want, "%s", cases[i].path);
		free(got);
	}
}

Test(path, a_relative_one_needs_a_folder)
{
	char *got = NULL;

	cr_expect_eq(fo_path_normal(NULL, "a", &got), FO_ERR_ARG);
	cr_expect_eq(fo_path_normal(NULL, "", &got), FO_ERR_ARG);
	cr_expect_eq(fo_path_normal("/home", "", &got), FO_ERR_ARG);
	cr_expect_eq(fo_path_resolved(NULL, "./a", &got), FO_ERR_ARG);
	cr_expect_null(got);
}

Test(path, a_longer_one_than_there_can_be_is_refused)
{
	char *got = NULL, *text = malloc(20001);

	cr_assert_not_null(text);
	memset(text, 'a', 20000);
	text[0] = '/';
	text[20000] = '\0';
	cr_expect_eq(fo_path_normal(NULL, text, &got), FO_ERR_TOO_LONG);
	cr_expect_eq(fo_path_resolved(NULL, text, &got), FO_ERR_TOO_LONG);
	text[5000] = '\0';
	cr_expect_eq(fo_path_resolved(NULL, text, &got), FO_ERR_NOT_FOUND);
	cr_expect_null(got);
	free(text);
}

/* ---- links ------------------------------------------------------------- */

static char top[] = "/tmp/fo-path-XXXXXX";

static void
setup(void)
{
	static const char *const links[][2] = { { "web/page", "out" },
		{ "web", "in" }, { "gone", "nowhere" }, { "loop", "loop" },
		{ "/etc/passwd", "away" }, { "../fo-none/x", "apart" } };

	cr_assert_not_null(mkdtemp(top));
	cr_assert_eq(chdir(top), 0);
	cr_assert_eq(mkdir("web", 0755), 0);
	close(open("web/page", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		cr_assert_eq(symlink(links[i][0], links[i][1]), 0);
}

static void
teardown(void)
{
	static const char *const names[] = { "out", "in", "nowhere", "loop",
		"away", "apart", "web/page" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(names[i]);
	(void)rmdir("web");
	(void)rmdir(top);
}

TestSuite(resolved, .init = setup, .fini = teardown);

Test(resolved, is_where_opening_it_would_lead)
{
	static const struct {
		const char *path;
		const char *want;	/* below the folder, unless absolute */
	} cases[] = {
		{ "web/page", "web/page" }, { "out", "web/page" },
		{ "in/page", "web/page" }, { "in/../web/page", "web/page" },
		{ ".", "" }, { "in", "web" }, { "in/", "web" },
		{ "web//./page", "web/page" }, { "away", "/etc/passwd" },
		/* what is not there yet is below what is */
		{ "new", "new" }, { "in/new", "web/new" },
		{ "in/a/b", "web/a/b" }, { "new/", "new" },
		{ "in/a//./b", "web/a/b" }, { "/", "/" },
	};
	char want[256], *got;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		got = NULL;
		cr_assert_eq(fo_path_resolved(top, cases[i].path, &got),
		    FO_OK, "%s", cases[i].path);
		(void)snprintf(want, sizeof(want), "%s%s%s",
		    cases[i].want[0] == '/' ? "" : top,
		    cases[i].want[0] == '/' || cases[i].want[0] == '\0' ?
		    "" : "/", cases[i].want);
		cr_expect_str_eq(got, want, "%s", cases[i].path);
		free(got);
	}
}

/* Where a link leads to nothing, what opens it makes something elsewhere. */
Test(resolved, is_unknown_where_nobody_can_say)
{
	static const char *const paths[] = { "nowhere", "nowhere/", "loop",
		"loop/x", "nowhere/x", "apart", "new/../web/page",
		"in/new/../page", "web/page/x" };
	char *got = NULL;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		cr_expect_eq(fo_path_resolved(top, paths[i], &got),
		    FO_ERR_NOT_FOUND, "%s", paths[i]);
	cr_expect_null(got);
}
