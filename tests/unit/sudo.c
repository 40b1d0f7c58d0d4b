/*
 * What sudo says of a request, and what it leaves out.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "sudo/request.h"

/* Lists as sudo makes them: not const, and never changed. */
static char *
text(const char *constant)
{
	union {
		const char *in;
		char *out;
	} both = { constant };

	return both.out;
}

#define LIST(...) ((char *[]){ __VA_ARGS__, NULL })
#define USER LIST(text("user=deploy"), text("uid=1000"), \
	text("tty=/dev/pts/1"), text("cwd=/home/deploy"), \
	text("groups=1000,27,4"))
#define RM LIST(text("command=/usr/bin/rm"), text("runas_uid=0"))

#define USUAL LIST(text("TERM=xterm"), text("PATH=/usr/sbin:/usr/bin"))

static fo_err
request_read(char *const user[], char *const info[], char *const argv[],
    struct request *ret)
{
	fo_err r;

	if ((r = request_caller(user, ret)) != FO_OK)
		return r;
	if ((r = request_command(user, info, argv, USUAL, ret)) != FO_OK)
		request_clear(ret);
	return r;
}

static void
expect_argv(const struct request *request, const char *joined)
{
	char all[256] = "";
	size_t used = 0;

	for (size_t i = 0; request->argv[i] != NULL; i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used,
		    "%s%s", i > 0 ? "|" : "", request->argv[i]);
	cr_expect_str_eq(all, joined);
}

Test(sudo, a_command_is_the_programs_path_and_its_words)
{
	struct request request;

	cr_assert_eq(request_read(USER, RM, LIST(text("rm"), text("-rf"),
	    text("/")), &request), FO_OK);
	expect_argv(&request, "/usr/bin/rm|-rf|/");
	cr_expect_str_eq(request.what, "/usr/bin/rm -rf /");
	cr_expect_str_eq(request.user, "deploy");
	cr_expect_eq(request.uid, 1000);
	cr_expect_str_eq(request.target, "root");
	cr_expect_str_eq(request.tty, "/dev/pts/1");
	cr_expect_str_eq(request.cwd, "/home/deploy");
	request_clear(&request);
}

Test(sudo, a_login_shell_is_its_path_not_its_dash)
{
	struct request request;

	cr_assert_eq(request_read(USER, LIST(text("command=/bin/bash"),
	    text("runas_uid=0"), text("cwd=/root")), LIST(text("-bash"),
	    text("-c"), text("rm\\ -rf\\ /")), &request), FO_OK);
	expect_argv(&request, "/bin/bash|-c|rm\\ -rf\\ /");
	cr_expect_str_eq(request.cwd, "/root", "sudoers' or -D's counts");
	request_clear(&request);
}

Test(sudo, sudoedit_is_what_it_edits_not_the_editor)
{
	static const char *const counts[] = { "sudoedit_nfiles=2", "x=y" };
	struct request request;

	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(request_read(USER,
		    LIST(text("command=/usr/bin/vim"), text("runas_uid=0"),
		    text("sudoedit=true"), text(counts[i])),
		    LIST(text("vim"), text("-u"), text("x"), text("--"),
		    text("/etc/motd"), text("/etc/issue")), &request), FO_OK);
		expect_argv(&request,
		    "/usr/bin/sudoedit|/etc/motd|/etc/issue");
		request_clear(&request);
	}
}

Test(sudo, a_program_is_found_from_where_sudo_was_called)
{
	struct request request;

	cr_assert_eq(request_read(USER, LIST(text("command=../bin/./x"),
	    text("runas_uid=0"), text("cwd=/elsewhere")), LIST(text("x")),
	    &request), FO_OK);
	expect_argv(&request, "/home/bin/x");
	cr_expect_str_eq(request.cwd, "/elsewhere");
	request_clear(&request);
}

/* What is chosen beside the command is a part of it. */
Test(sudo, another_group_root_or_variable_is_a_word_of_the_command)
{
	struct request request;

	cr_assert_eq(request_caller(USER, &request), FO_OK);
	cr_assert_eq(request_command(USER, LIST(text("command=/bin/id"),
	    text("runas_uid=0"), text("runas_gid=42"),
	    text("chroot=/home/deploy/j")), LIST(text("id"), text("-u")),
	    LIST(text("TERM=xterm"), text("LD_PRELOAD=/home/deploy/x.so"),
	    text("HOME=/home/deploy"), text("USER=root")), &request), FO_OK);
	expect_argv(&request, "/usr/bin/sudo|-g|shadow|/usr/sbin/chroot|"
	    "/home/deploy/j|/usr/bin/env|LD_PRELOAD=/home/deploy/x.so|"
	    "HOME=/home/deploy|/bin/id|-u");
	request_clear(&request);
}

Test(sudo, variables_that_sudo_sets_by_itself_are_no_part_of_it)
{
	static const struct {
		const char *variable;
		bool usual;
	} cases[] = {
		{ "TERM=xterm-256color", true }, { "TERM=/tmp/x", false },
		{ "LANG=de_DE.UTF-8", true }, { "LC_ALL=/tmp/x", false },
		{ "LC_X=../x", false }, { "LC_=x", false },
		{ "TZ=Europe/Berlin", true }, { "TZ=:/etc/shadow", false },
		{ "TERM=%s", false }, { "MAIL=/var/mail/root", true },
		{ "PATH=/usr/local/sbin:/bin:/sbin:/nowhere/bin", true },
		{ "PATH=/usr/bin:", false }, { "PATH=", false },
		{ "PATH=/usr/bin:bin", false }, { "PATH=/tmp", false },
		{ "HOME=/root", true }, { "HOME=/home/deploy", false },
		{ "SHELL=/bin/bash", true }, { "SHELL=/tmp/sh", false },
		{ "SUDO_COMMAND=/bin/id", true }, { "SUDO_EDITOR=x", false },
		{ "BASH_ENV=/tmp/x", false }, { "PERL5OPT=-x", false },
		{ "HOMER=/root", false }, { "LD_PRELOAD", false },
		{ "", false },
	};
	struct request request;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cr_assert_eq(request_caller(USER, &request), FO_OK);
		cr_assert_eq(request_command(USER, RM, LIST(text("rm")),
		    LIST(text(cases[i].variable)), &request), FO_OK);
		cr_expect_str_eq(request.argv[0], cases[i].usual ?
		    "/usr/bin/rm" : "/usr/bin/env", "%s", cases[i].variable);
		request_clear(&request);
	}
}

Test(sudo, a_long_command_is_cut_where_it_is_shown_and_nowhere_else)
{
	static char quotes[100001];
	struct request request;

	memset(quotes, '\'', sizeof(quotes) - 1);
	cr_assert_eq(request_read(USER, RM, LIST(text("rm"), quotes, quotes),
	    &request), FO_OK);
	cr_expect_eq(strlen(request.argv[2]), sizeof(quotes) - 1);
	cr_expect_gt(strlen(request.what), 1000);
	cr_expect_lt(strlen(request.what), 5000);
	request_clear(&request);
	memset(quotes, 'a', sizeof(quotes) - 1);
	cr_assert_eq(request_read(USER, RM, LIST(text("rm"), quotes, quotes),
	    &request), FO_OK);
	cr_expect_lt(strlen(request.what), 5000);
	request_clear(&request);
}

Test(sudo, words_read_as_a_shell_would_have_to_be_given_them)
{
	struct request request;

	cr_assert_eq(request_read(USER, LIST(text("command=/bin/sh"),
	    text("runas_uid=0")), LIST(text("sh"), text("-c"),
	    text("rm -rf /; echo 'done'"), text("")), &request), FO_OK);
	cr_expect_str_eq(request.what,
	    "/bin/sh -c 'rm -rf /; echo '\\''done'\\''' ''");
	request_clear(&request);
}

Test(sudo, a_target_is_its_name_or_its_number)
{
	struct request request;

	cr_assert_eq(request_read(USER, LIST(text("command=/bin/id"),
	    text("runas_uid=0"), text("runas_euid=4123456789")),
	    LIST(text("id")), &request), FO_OK);
	cr_expect_str_eq(request.target, "#4123456789", "effective counts");
	request_clear(&request);
}

Test(sudo, what_sudo_does_not_say_is_no_request)
{
	static const struct {
		const char *user, *uid, *command, *runas;
	} cases[] = {
		{ "user=", "uid=1000", "command=/bin/id", "runas_uid=0" },
		{ "x=y", "uid=1000", "command=/bin/id", "runas_uid=0" },
		{ "user=deploy", "x=y", "command=/bin/id", "runas_uid=0" },
		{ "user=deploy", "uid=", "command=/bin/id", "runas_uid=0" },
		{ "user=deploy", "uid=-1", "command=/bin/id", "runas_uid=0" },
		{ "user=deploy", "uid=1x", "command=/bin/id", "runas_uid=0" },
		{ "user=deploy", "uid=4294967295", "command=/bin/id",
		    "runas_uid=0" },
		{ "user=deploy", "uid=1000", "command=", "runas_uid=0" },
		/* of which folder? */
		{ "user=deploy", "uid=1000", "command=./id", "runas_uid=0" },
		{ "user=deploy", "uid=1000", "x=y", "runas_uid=0" },
		{ "user=deploy", "uid=1000", "command=/bin/id", "x=y" },
		{ "user=deploy", "uid=1000", "command=/bin/id",
		    "runas_uid=99999999999999999999" },
	};
	struct request request;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(request_read(LIST(text(cases[i].user),
		    text(cases[i].uid)), LIST(text(cases[i].command),
		    text(cases[i].runas)), LIST(text("id")), &request),
		    FO_ERR_FORMAT, "case %zu", i);
	cr_expect_eq(request_caller(NULL, &request), FO_ERR_FORMAT);
	cr_expect_eq(request_read(USER, RM, LIST(NULL), &request),
	    FO_ERR_FORMAT);
}

Test(sudo, a_folder_that_is_not_absolute_is_not_known)
{
	struct request request;

	cr_assert_eq(request_read(LIST(text("user=deploy"), text("uid=7"),
	    text("cwd=unknown")), RM, LIST(text("rm")), &request), FO_OK);
	cr_expect_null(request.cwd);
	cr_expect_null(request.tty);
	request_clear(&request);
}

Test(sudo, a_member_is_root_or_in_the_group)
{
	cr_expect(request_is_member(USER, "sudo"), "27 on Debian");
	cr_expect_not(request_is_member(USER, "daemon"));
	cr_expect_not(request_is_member(USER, "no such group"));
	cr_expect(request_is_member(LIST(text("uid=0")), "no such group"));
	cr_expect_not(request_is_member(LIST(text("uid=1000"),
	    text("groups=")), "sudo"));
	cr_expect_not(request_is_member(NULL, "sudo"));
}
