/*
 * What sudo is about to run.
 */
#include "request.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define SUDOEDIT "/usr/bin/sudoedit"
/* More than any kernel passes to a program. */
#define WHAT_MAX_BYTES ((size_t)4 * 1024 * 1024)

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

/* The name of a user, or "#UID" as sudoers writes it. */
static fo_err
name_of(uid_t uid, char **ret_name)
{
	char buffer[16384];
	struct passwd entry, *found = NULL;
	int n;

	if (getpwuid_r(uid, &entry, buffer, sizeof(buffer), &found) == 0 &&
	    found != NULL)
		return (*ret_name = strdup(found->pw_name)) != NULL ? FO_OK :
		    FO_ERR_NOMEM;
	n = asprintf(ret_name, "#%lu", (unsigned long)uid);

	return n >= 0 ? FO_OK : FO_ERR_NOMEM;
}

/* ---- the command --------------------------------------------------------- */

/* Where the files of sudoedit begin: after the editor and its "--". */
static size_t
first_file(char *const argv[], size_t count, unsigned int files)
{
	size_t i;

	if (files > 0 && files < count)
		return count - files;
	for (i = count; i > 1; i--)
		if (strcmp(argv[i - 1], "--") == 0)
			return i;

	return 1;
}

static fo_err
read_argv(char *const info[], char *const argv[], const char ***ret_argv)
{
	const char *edit = find(info, "sudoedit");
	const char *program = find(info, "command");
	unsigned int files = 0;
	const char **copy;
	size_t i, count = 0, from = 1;

	while (argv[count] != NULL)
		count++;
	if (edit != NULL && strcmp(edit, "true") == 0) {
		(void)find_id(info, "sudoedit_nfiles", &files);
		from = first_file(argv, count, files);
		program = SUDOEDIT;
	}
	if (program == NULL || program[0] != '/' || count == 0)
		return FO_ERR_FORMAT;
	if ((copy = calloc(count + 2, sizeof(*copy))) == NULL)
		return FO_ERR_NOMEM;
	copy[0] = program;
	for (i = from; i < count; i++)
		copy[i - from + 1] = argv[i];

	*ret_argv = copy;
	return FO_OK;
}

/* A word as a shell would have to be given it, so that no word looks like two. */
static void
add_word(struct fo_buf *buf, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";

	if (*word != '\0' && strspn(word, plain) == strlen(word)) {
		fo_buf_adds(buf, word);
		return;
	}
	fo_buf_adds(buf, "'");
	for (; *word != '\0'; word++)
		if (*word == '\'')
			fo_buf_adds(buf, "'\\''");
		else
			fo_buf_add(buf, word, 1);
	fo_buf_adds(buf, "'");
}

static fo_err
write_what(const char *const *argv, char **ret_what)
{
	struct fo_buf buf;
	size_t i;

	fo_buf_init(&buf, WHAT_MAX_BYTES);
	for (i = 0; argv[i] != NULL; i++) {
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
request_read(char *const user_info[], char *const command_info[],
    char *const run_argv[], struct request *ret_request)
{
	struct request request = { .user = find(user_info, "user"),
		.tty = find(user_info, "tty"),
		.cwd = folder_of(user_info, command_info) };
	fo_err r = FO_ERR_FORMAT;

	if (request.user == NULL || request.user[0] == '\0' ||
	    !find_id(user_info, "uid", &request.uid) ||
	    (!find_id(command_info, "runas_euid", &request.target_uid) &&
	    !find_id(command_info, "runas_uid", &request.target_uid)))
		goto out;
	if ((r = name_of(request.target_uid, &request.target)) != FO_OK ||
	    (r = read_argv(command_info, run_argv, &request.argv)) != FO_OK ||
	    (r = write_what(request.argv, &request.what)) != FO_OK)
		goto out;

	*ret_request = request;
	return FO_OK;
out:
	request_clear(&request);
	return r;
}

void
request_clear(struct request *request)
{
	free(request->target);
	free(request->argv);
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
