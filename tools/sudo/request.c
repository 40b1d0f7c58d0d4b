/*
 * What sudo is about to run.
 */
#include "request.h"

#include <sys/stat.h>

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/safeopen.h"
#include "host/path.h"

#define SUDOEDIT "/usr/bin/sudoedit"
/* More than an event has room for. */
#define WHAT_MAX_BYTES ((size_t)2048)

/* ---- lists of "key=value" ------------------------------------------------ */

static const char *
find(char *const info[], const char *key)
{
	const size_t len = strlen(key);
	size_t i;

	for (i = 0; info != NULL && info[i] != NULL; i++)
		if (strncmp(info[i], key, len) == 0 && info[i][len] == '=')
			return info[i] + len + 1;

	return NULL;
}

/* A number that a kernel could have for a user or a group. */
static bool
find_id(char *const info[], const char *key, unsigned int *ret)
{
	const char *text = find(info, key);
	unsigned long value;
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || *end != '\0' || value >= UINT_MAX)
		return false;

	*ret = (unsigned int)value;
	return true;
}

/* ---- the target ---------------------------------------------------------- */

/* Whom the command will run as, as far as there is such a user. */
struct target {
	struct passwd *user;	/* NULL: there is none of this number */
	struct passwd entry;
	char buffer[16384];
};

static fo_err
find_target(uid_t uid, struct target *target)
{
	return getpwuid_r(uid, &target->entry, target->buffer,
	    sizeof(target->buffer), &target->user) == 0 ? FO_OK : FO_ERR_IO;
}

/* The name of a user, or "#UID" as sudoers writes it. */
static fo_err
name_target(const struct target *target, uid_t uid, char **ret_name)
{
	int n;

	if (target->user != NULL)
		return (*ret_name = strdup(target->user->pw_name)) != NULL ?
		    FO_OK : FO_ERR_NOMEM;
	n = asprintf(ret_name, "#%lu", (unsigned long)uid);

	return n >= 0 ? FO_OK : FO_ERR_NOMEM;
}

/* ---- words --------------------------------------------------------------- */

/* A list of words that grows. */
struct words {
	char **list;
	size_t count;
	fo_err err;
};

static void
add(struct words *words, const char *text)
{
	char **grown;

	if (words->err != FO_OK)
		return;
	grown = reallocarray(words->list, words->count + 2, sizeof(*grown));
	if (grown != NULL)
		words->list = grown;
	if (grown == NULL || (grown[words->count] = strdup(text)) == NULL) {
		words->err = FO_ERR_NOMEM;
		return;
	}
	grown[++words->count] = NULL;
}

static void
free_words(char **list)
{
	size_t i;

	for (i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

/* ---- the environment ----------------------------------------------------- */

static bool
is_one_of(const char *name, size_t len, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strlen(*names) == len && memcmp(*names, name, len) == 0)
			return true;

	return false;
}

/* The system's, or one that only root can write to. */
static bool
is_roots_folder(const char *path, size_t len)
{
	static const char *const systems[] = { "/usr/local/sbin",
		"/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
		NULL };
	char folder[PATH_MAX];
	struct stat st;
	bool only_root;
	fo_err r;
	int fd;

	if (is_one_of(path, len, systems))
		return true;
	if (len == 0 || len >= sizeof(folder) || path[0] != '/')
		return false;
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)len, path);
	if ((r = fo_safe_open_folder(folder, 0, NULL, &fd)) != FO_OK)
		return r == FO_ERR_NOT_FOUND;
	only_root = fstat(fd, &st) == 0 &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
	close(fd);

	return only_root;
}

static bool
is_roots_path(const char *path)
{
	size_t len;

	for (;; path += len + 1) {
		len = strcspn(path, ":");
		if (!is_roots_folder(path, len))
			return false;
		if (path[len] == '\0')
			return true;
	}
}

/*
 * Is a variable one that sudo sets or keeps by itself, and its value harmless?
 * No program takes one of these for something to run or to read.
 */
static bool
is_usual(const char *variable, const struct target *target)
{
	static const char *const any[] = { "USER", "LOGNAME", "USERNAME",
		"MAIL", "COLORS", "LS_COLORS", "DISPLAY", "HOSTNAME", "PS1",
		"PS2", "SUDO_COMMAND", "SUDO_USER", "SUDO_UID", "SUDO_GID",
		"SUDO_TTY", "SUDO_HOME", NULL };
	static const char *const words[] = { "TERM", "COLORTERM", "TZ",
		"LANG", "LANGUAGE", "LINGUAS", "XDG_CURRENT_DESKTOP", NULL };
	const size_t len = strcspn(variable, "=");
	const char *value = variable + len + (variable[len] == '=');

	if (is_one_of(variable, len, any))
		return true;
	if (is_one_of(variable, len, words) ||
	    (len > 3 && memcmp(variable, "LC_", 3) == 0))
		return value[0] != '/' && value[0] != ':' &&
		    strstr(value, "..") == NULL && strchr(value, '%') == NULL;
	if (len == 4 && memcmp(variable, "PATH", 4) == 0)
		return is_roots_path(value);
	if (target->user == NULL)
		return false;
	if (len == 4 && memcmp(variable, "HOME", 4) == 0)
		return strcmp(value, target->user->pw_dir) == 0;

	return len == 5 && memcmp(variable, "SHELL", 5) == 0 &&
	    strcmp(value, target->user->pw_shell) == 0;
}

/* "/usr/bin/env NAME=VALUE..." for what the caller chose. */
static void
add_environment(struct words *words, char *const envp[],
    const struct target *target)
{
	bool any = false;
	size_t i;

	for (i = 0; envp != NULL && envp[i] != NULL; i++) {
		if (is_usual(envp[i], target))
			continue;
		if (!any)
			add(words, "/usr/bin/env");
		add(words, envp[i]);
		any = true;
	}
}

/* ---- the command --------------------------------------------------------- */

/* Another group than the target's own. */
static void
add_group(struct words *words, char *const info[],
    const struct target *target)
{
	char buffer[65536], number[24];
	struct group entry, *found = NULL;
	unsigned int gid;

	if (!find_id(info, "runas_egid", &gid) &&
	    !find_id(info, "runas_gid", &gid))
		return;
	if (target->user != NULL && target->user->pw_gid == gid)
		return;
	(void)snprintf(number, sizeof(number), "#%u", gid);
	add(words, "/usr/bin/sudo");
	add(words, "-g");
	add(words, getgrgid_r(gid, &entry, buffer, sizeof(buffer), &found) ==
	    0 && found != NULL ? found->gr_name : number);
}

static void
add_root(struct words *words, char *const info[])
{
	const char *root = find(info, "chroot");

	if (root == NULL || strcmp(root, "/") == 0)
		return;
	add(words, "/usr/sbin/chroot");
	add(words, root);
}

/* Where the files of sudoedit begin: after the editor and its "--". */
static size_t
first_file(char *const argv[], size_t count, unsigned int files)
{
	size_t i;

	if (files > 0 && files < count)
		return count - files;
	for (i = 1; i < count; i++)
		if (strcmp(argv[i], "--") == 0)
			return i + 1;

	return 1;
}

/* The program by its whole path; sudo gives it as it was typed. */
static void
add_program(struct words *words, char *const info[], const char *cwd)
{
	const char *program = find(info, "command");
	char *path = NULL;
	fo_err r = FO_ERR_FORMAT;

	if (program != NULL && program[0] != '\0')
		r = fo_path_normal(cwd, program, &path);
	if (r == FO_OK)
		add(words, path);
	else if (words->err == FO_OK)
		words->err = r == FO_ERR_NOMEM ? r : FO_ERR_FORMAT;
	free(path);
}

static fo_err
read_argv(char *const user_info[], char *const info[], char *const argv[],
    char *const envp[], const struct target *target, char ***ret_argv)
{
	const char *edit = find(info, "sudoedit");
	struct words words = { .err = FO_OK };
	unsigned int files = 0;
	size_t i, count = 0, from = 1;

	while (argv[count] != NULL)
		count++;
	if (edit != NULL && strcmp(edit, "true") == 0) {
		(void)find_id(info, "sudoedit_nfiles", &files);
		from = first_file(argv, count, files);
		add(&words, SUDOEDIT);
	} else {
		add_group(&words, info, target);
		add_root(&words, info);
		add_environment(&words, envp, target);
		/* sudo looked for it before it changed its folder */
		add_program(&words, info, find(user_info, "cwd"));
	}
	for (i = from; i < count; i++)
		add(&words, argv[i]);
	if (words.err == FO_OK && count == 0)
		words.err = FO_ERR_FORMAT;
	if (words.err != FO_OK) {
		free_words(words.list);
		return words.err;
	}

	*ret_argv = words.list;
	return FO_OK;
}

/* A word as a shell has to be given it, so that no word looks like two. */
static void
add_word(struct fo_buf *buf, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";

	if (*word != '\0' && strspn(word, plain) == strlen(word)) {
		fo_buf_add(buf, word, strnlen(word, WHAT_MAX_BYTES));
		return;
	}
	fo_buf_adds(buf, "'");
	for (; *word != '\0' && buf->len < WHAT_MAX_BYTES; word++)
		if (*word == '\'')
			fo_buf_adds(buf, "'\\''");
		else
			fo_buf_add(buf, word, 1);
	fo_buf_adds(buf, "'");
}

/* As much of it as an event can have, and more. */
static fo_err
write_what(char *const *argv, char **ret_what)
{
	struct fo_buf buf;
	size_t i;

	fo_buf_init(&buf, 2 * WHAT_MAX_BYTES + 16);
	for (i = 0; argv[i] != NULL && buf.len < WHAT_MAX_BYTES; i++) {
		if (i > 0)
			fo_buf_adds(&buf, " ");
		add_word(&buf, argv[i]);
	}

	return fo_buf_take(&buf, ret_what);
}

/* ---- the whole ----------------------------------------------------------- */

/* The folder that it will run in: sudoers' or -D's, or the caller's. */
static const char *
folder_of(char *const user_info[], char *const command_info[])
{
	const char *cwd = find(command_info, "cwd");

	if (cwd == NULL)
		cwd = find(user_info, "cwd");

	return cwd != NULL && cwd[0] == '/' && strlen(cwd) < PATH_MAX ? cwd :
	    NULL;
}

fo_err
request_caller(char *const user_info[], struct request *ret_request)
{
	struct request request = { .user = find(user_info, "user"),
		.tty = find(user_info, "tty") };
	unsigned int uid;

	if (request.user == NULL || request.user[0] == '\0' ||
	    !find_id(user_info, "uid", &uid))
		return FO_ERR_FORMAT;
	request.uid = uid;

	*ret_request = request;
	return FO_OK;
}

fo_err
request_command(char *const user_info[], char *const command_info[],
    char *const run_argv[], char *const run_envp[], struct request *request)
{
	struct target target = { .user = NULL };
	unsigned int uid;
	fo_err r;

	if (!find_id(command_info, "runas_euid", &uid) &&
	    !find_id(command_info, "runas_uid", &uid))
		return FO_ERR_FORMAT;
	request->target_uid = uid;
	request->cwd = folder_of(user_info, command_info);
	if ((r = find_target(uid, &target)) != FO_OK ||
	    (r = name_target(&target, uid, &request->target)) != FO_OK ||
	    (r = read_argv(user_info, command_info, run_argv, run_envp,
	    &target, &request->argv)) != FO_OK)
		return r;

	return write_what(request->argv, &request->what);
}

void
request_clear(struct request *request)
{
	free(request->target);
	free_words(request->argv);
	free(request->what);
	memset(request, 0, sizeof(*request));
}

/* Is a group's number in sudo's "groups=4,24,1000"? */
static bool
has_group(char *const user_info[], gid_t gid)
{
	const char *list = find(user_info, "groups");
	unsigned long value;
	char *end;

	while (list != NULL && *list >= '0' && *list <= '9') {
		value = strtoul(list, &end, 10);
		if (value == gid)
			return true;
		list = *end == ',' ? end + 1 : NULL;
	}

	return false;
}

bool
request_is_member(char *const user_info[], const char *group)
{
	char buffer[65536];
	struct group entry, *found = NULL;
	unsigned int uid;

	if (find_id(user_info, "uid", &uid) && uid == 0)
		return true;

	return getgrnam_r(group, &entry, buffer, sizeof(buffer), &found) ==
	    0 && found != NULL && has_group(user_info, found->gr_gid);
}
