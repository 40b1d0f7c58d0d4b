/*
 * fo setup: our hook in the settings of a coding agent.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"

#include "file.h"
#include "json.h"
#include "out.h"
#include "settings.h"
#include "verb.h"

#define SETTINGS_MAX_BYTES ((size_t)1024 * 1024)
/* How long somebody who changes settings waits for another. */
#define LOCK_MS 5000
#define LOCK_POLL_MS 10

enum { OPT_SYSTEM, OPT_DRY, OPT_CHECK, OPT_REMOVE };

static const struct verb_option options[] = {
	[OPT_SYSTEM] = { "system", NULL, "for everybody on this machine, in"
	    " a file of root's" },
	[OPT_DRY] = { "dry-run", NULL, "print the settings as they would be,"
	    " change nothing" },
	[OPT_CHECK] = { "check", NULL, "only say whether the hook is there as"
	    " it should be" },
	[OPT_REMOVE] = { "remove", NULL, "take the hook out again" },
	{ NULL, NULL, NULL }
};

/* Where a coding agent reads its settings. */
static const struct place {
	enum settings_of whose;
	const char *home;	/* below the home folder */
	const char *system;
	int system_folders;	/* how many of its folders are made for it */
} claude = { SETTINGS_CLAUDE, ".claude/settings.json",
	"/etc/claude-code/managed-settings.d/firstops.json", 2 },
cursor = { SETTINGS_CURSOR, ".cursor/hooks.json", "/etc/cursor/hooks.json",
	1 };

/* A settings file, and what is kept beside it. */
struct setup {
	const struct call *call;
	const struct place *place;
	bool system;
	bool linked;		/* it is a link to the file */
	char *asked;		/* where the coding agent looks */
	char *path;		/* the same with links followed */
	char *before;		/* a copy of it from before our hook */
	char *temporary;
	char program[PATH_MAX];	/* this fo */
	struct stat was;	/* of the file, if it is there */
	char *text;		/* NULL: it is not */
	size_t len;
	enum settings_state state;
	mode_t mode;
	int lock;
	struct fo_diag diag;
};

/* ---- where it is -------------------------------------------------------- */

static fo_err
join(const char *a, const char *b, const char *c, char **ret)
{
	struct fo_buf buf;

	fo_buf_init(&buf, PATH_MAX);
	fo_buf_addf(&buf, "%s%s%s", a, b, c);
	return fo_buf_take(&buf, ret);
}

static fo_err
cannot(struct setup *setup, const char *path)
{
	fo_diag_set(&setup->diag, "%s: %s; %s", path, strerror(errno),
	    fo_diag_remedy(errno));
	return FO_ERR_IO;
}

/* Whoever is root in another's home would leave files there that are root's. */
static fo_err
name_home(struct setup *setup)
{
	const char *home = getenv("HOME");
	struct stat st;

	if (home == NULL || home[0] != '/') {
		fo_diag_set(&setup->diag, "HOME is not set");
		return FO_ERR_NOT_FOUND;
	}
	if (stat(home, &st) != 0)
		return cannot(setup, home);
	if (st.st_uid != geteuid()) {
		fo_diag_set(&setup->diag, "%s is another user's: run this as"
		    " that user, or with --system", home);
		return FO_ERR_IO;
	}
	return join(home, "/", setup->place->home, &setup->asked);
}

/* A link, to a folder of dotfiles, stays one. */
static fo_err
follow_links(struct setup *setup)
{
	char real[PATH_MAX];
	struct stat st;

	setup->linked = lstat(setup->asked, &st) == 0 && S_ISLNK(st.st_mode);
	if (realpath(setup->asked, real) != NULL)
		return join(real, "", "", &setup->path);
	if (errno != ENOENT && errno != ENOTDIR)
		return cannot(setup, setup->asked);
	if (setup->linked) {
		fo_diag_set(&setup->diag, "%s: a link that leads nowhere",
		    setup->asked);
		return FO_ERR_IO;
	}
	return join(setup->asked, "", "", &setup->path);
}

static fo_err
name_files(struct setup *setup)
{
	fo_err r;

	r = setup->system ? join(setup->place->system, "", "",
	    &setup->asked) : name_home(setup);
	if (r == FO_OK &&
	    (r = follow_links(setup)) == FO_OK &&
	    (r = join(setup->path, ".before-firstops", "", &setup->before)) ==
	    FO_OK)
		r = join(setup->path, ".firstops-new", "", &setup->temporary);
	return r;
}

static fo_err
name_program(struct setup *setup)
{
	const ssize_t n = readlink("/proc/self/exe", setup->program,
	    sizeof(setup->program) - 1);

	if (n <= 0)
		return cannot(setup, "/proc/self/exe");
	setup->program[n] = '\0';
	if (access(setup->program, X_OK) != 0) /* "/usr/bin/fo (deleted)" */
		return cannot(setup, setup->program);
	return FO_OK;
}

/* ---- what is there ------------------------------------------------------ */

/* The folder of a path, in place, and back. */
static char *
cut_name(char *path)
{
	char *slash = strrchr(path, '/');

	*slash = '\0';
	return slash;
}

/* One who changes them at a time. Where there is no folder, nobody does. */
static fo_err
lock(struct setup *setup)
{
	char *slash = cut_name(setup->path);
	int waited_ms = 0;

	setup->lock = open(setup->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*slash = '/';
	if (setup->lock == -1)
		return errno == ENOENT || errno == ENOTDIR ? FO_OK :
		    cannot(setup, setup->path);
	while (flock(setup->lock, LOCK_EX | LOCK_NB) != 0) {
		if (waited_ms >= LOCK_MS) {
			fo_diag_set(&setup->diag, "%s: somebody else changes"
			    " it", setup->path);
			return FO_ERR_IO;
		}
		waited_ms += LOCK_POLL_MS;
		(void)poll(NULL, 0, LOCK_POLL_MS);
	}

	return FO_OK;
}

static fo_err
read_settings(struct setup *setup)
{
	fo_err r;

	setup->mode = setup->system ? 0644 : 0600;
	if (stat(setup->path, &setup->was) == 0)
		setup->mode = setup->was.st_mode & 07777;
	r = file_read(setup->path, SETTINGS_MAX_BYTES, &setup->diag,
	    &setup->text, &setup->len);
	if (r == FO_ERR_NOT_FOUND) {
		setup->state = SETTINGS_WITHOUT;
		return FO_OK;
	}
	if (r == FO_OK && (r = settings_look(setup->place->whose,
	    setup->text, setup->len, setup->program, &setup->diag,
	    &setup->state)) != FO_OK)
		fo_diag_prefix(&setup->diag, "%s: nothing was changed",
		    setup->path);
	return r;
}

static fo_err
look(struct setup *setup)
{
	fo_err r;

	if ((r = name_program(setup)) != FO_OK ||
	    (r = name_files(setup)) != FO_OK ||
	    (r = lock(setup)) != FO_OK)
		return r;
	return read_settings(setup);
}

static void
clear(struct setup *setup)
{
	free(setup->asked);
	free(setup->path);
	free(setup->before);
	free(setup->temporary);
	free(setup->text);
	if (setup->lock != -1)
		(void)close(setup->lock);
}

/* ---- what is done ------------------------------------------------------- */

/* The folders of a file, each that is not there, whatever the umask. */
static fo_err
make_folders(struct setup *setup)
{
	const mode_t mode = setup->system ? 0755 : 0700;

	for (char *at = strchr(setup->path + 1, '/'); at != NULL;
	    at = strchr(at + 1, '/')) {
		fo_err r = FO_OK;

		*at = '\0';
		if (mkdir(setup->path, mode) == 0 ?
		    chmod(setup->path, mode) != 0 : errno != EEXIST)
			r = cannot(setup, setup->path);
		*at = '/';
		if (r != FO_OK)
			return r;
	}

	return FO_OK;
}

/* Who made a file read-only, or another's, meant it. */
static fo_err
write_file(struct setup *setup, const char *path, const char *text)
{
	const bool there = setup->text != NULL;

	if (there && access(setup->path, W_OK) != 0)
		return cannot(setup, setup->path);
	return file_replace_as(path, setup->temporary, text, setup->mode,
	    there ? &setup->was : NULL, &setup->diag);
}

/* Put in. What was there before is kept, so that it can come back as it was. */
static fo_err
put_in(struct setup *setup, const char *text)
{
	fo_err r;

	if ((r = make_folders(setup)) != FO_OK)
		return r;
	if (setup->text != NULL && setup->state == SETTINGS_WITHOUT &&
	    (r = write_file(setup, setup->before, setup->text)) != FO_OK)
		return r;

	return write_file(setup, setup->path, text);
}

/*
 * What it was before, if nobody changed anything since: then putting our hook
 * into that gives just what is there now. NULL: somebody did.
 */
static fo_err
text_before(struct setup *setup, char **ret_text)
{
	char *before = NULL, *then = NULL;
	struct fo_diag diag = { "" };
	size_t len = 0;
	fo_err r;

	r = file_read(setup->before, SETTINGS_MAX_BYTES, &diag, &before,
	    &len);
	if (r == FO_OK)
		r = settings_edit(setup->place->whose, before, len,
		    setup->program, &diag, &then);
	if (r == FO_OK && then != NULL && strlen(before) == len &&
	    strcmp(then, setup->text) == 0) {
		*ret_text = before;
		before = NULL;
	}
	free(then);
	free(before);
	return r == FO_ERR_NOMEM ? r : FO_OK;
}

/* The settings as they would be. NULL: no file is left. */
static fo_err
compose(struct setup *setup, bool removes, char **ret_text)
{
	fo_err r;

	if (removes && ((r = text_before(setup, ret_text)) != FO_OK ||
	    *ret_text != NULL))
		return r;
	r = settings_edit(setup->place->whose, setup->text, setup->len,
	    removes ? NULL : setup->program, &setup->diag, ret_text);
	if (r == FO_OK && *ret_text == NULL && setup->linked &&
	    (*ret_text = strdup("{}\n")) == NULL)
		r = FO_ERR_NOMEM; /* what a link leads to stays */
	if (r == FO_ERR_FORMAT)
		fo_diag_prefix(&setup->diag, "%s: nothing was changed",
		    setup->path);
	return r;
}

/* Folders that are empty now were made for it. */
static void
remove_folders(struct setup *setup)
{
	char *path = setup->asked;

	for (int n = setup->system ? setup->place->system_folders : 1; n > 0;
	    n--) {
		(void)cut_name(path);
		if (rmdir(path) != 0)
			break;
	}
}

static fo_err
take_out(struct setup *setup, const char *text)
{
	fo_err r;

	if (text != NULL) {
		if ((r = write_file(setup, setup->path, text)) != FO_OK)
			return r;
	} else if (unlink(setup->path) != 0 ||
	    file_sync_folder_of(setup->path) != 0) {
		return cannot(setup, setup->path);
	}
	if (unlink(setup->before) != 0 && errno != ENOENT)
		note("fo: %s: %s", setup->before, strerror(errno));
	return FO_OK;
}

/* ---- the whole ---------------------------------------------------------- */

static int
trouble(const struct setup *setup, fo_err r)
{
	return fail(setup->call, FO_EXIT_TROUBLE, r, "%s",
	    setup->diag.text[0] != '\0' ? setup->diag.text : fo_err_text(r));
}

static int
report(const struct setup *setup, const char *state, int code)
{
	struct json *json;

	if (!setup->call->json) {
		printf("%s: %s\n", setup->path, state);
		return code;
	}
	json = json_object_new();
	json_flag(json, "ok", code == FO_EXIT_DONE);
	json_text(json, "file", setup->path);
	json_text(json, "state", state);
	return json_print(&json) == FO_EXIT_DONE ? code : FO_EXIT_TROUBLE;
}

static int
check(const struct setup *setup)
{
	static const char *const words[] = {
		[SETTINGS_WITHOUT] = "the hook is missing: fo setup",
		[SETTINGS_OTHER] = "the hook is changed: fo setup",
		[SETTINGS_OFF] = "the hook is there, and disableAllHooks turns"
		    " it off",
		[SETTINGS_WITH] = "the hook is there",
	};

	return report(setup, words[setup->state], setup->state ==
	    SETTINGS_WITH ? FO_EXIT_DONE : FO_EXIT_DENIED);
}

static int
show(const struct setup *setup, const char *text)
{
	if (setup->call->json)
		return report(setup, text != NULL ? text : "", FO_EXIT_DONE);
	fputs(text != NULL ? text : "", stdout);
	return FO_EXIT_DONE;
}

static int
change(struct setup *setup, bool removes)
{
	const bool dry = setup->call->option[OPT_DRY] != NULL;
	char *text = NULL;
	int code = FO_EXIT_DONE;
	bool gone;
	fo_err r;

	if ((r = compose(setup, removes, &text)) == FO_OK && !dry)
		r = removes ? take_out(setup, text) : put_in(setup, text);
	gone = removes && text == NULL;
	if (r != FO_OK)
		code = trouble(setup, r);
	else if (dry)
		code = show(setup, text);
	else
		code = report(setup, removes ? "the hook is out" :
		    "the hook is in", FO_EXIT_DONE);
	free(text);
	if (r == FO_OK && gone && !dry)
		remove_folders(setup);

	return code;
}

static int
act(struct setup *setup)
{
	const char *const *o = setup->call->option;

	if (o[OPT_CHECK] != NULL)
		return check(setup);
	if (o[OPT_REMOVE] == NULL) {
		if (setup->state < SETTINGS_OFF || o[OPT_DRY] != NULL)
			return change(setup, false);
		return report(setup, "the hook is there already",
		    FO_EXIT_DONE);
	}
	if (setup->state != SETTINGS_WITHOUT)
		return change(setup, true);
	if (o[OPT_DRY] != NULL)
		return show(setup, setup->text);
	(void)unlink(setup->before); /* of one that others took out */
	return report(setup, "there is no hook", FO_EXIT_DONE);
}

static int
setup(const struct call *call, const struct place *place)
{
	struct setup setup = { .call = call, .place = place, .lock = -1,
		.system = call->option[OPT_SYSTEM] != NULL };
	int code;
	fo_err r;

	if (call->option[OPT_CHECK] != NULL && (call->option[OPT_DRY] !=
	    NULL || call->option[OPT_REMOVE] != NULL))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--check goes"
		    " with neither --dry-run nor --remove");
	if ((r = look(&setup)) == FO_OK)
		code = act(&setup);
	else
		code = trouble(&setup, r);
	clear(&setup);

	return code;
}

static int
setup_claude(const struct call *call)
{
	return setup(call, &claude);
}

static int
setup_cursor(const struct call *call)
{
	return setup(call, &cursor);
}

#define SETUP_EXITS							\
	"  0  done; with --check: the hook is there as it should be\n"	\
	"  1  with --check: it is not\n"				\
	"  2  the command line cannot be understood\n"			\
	"  3  trouble: the settings cannot be read or written, and are as\n" \
	"     they were\n"

const struct verb verb_setup_claude = {
	.name = "setup claude",
	.synopsis = "[--system] [--dry-run | --check] [--remove] [--json]",
	.summary = "Let fo decide what Claude Code does",
	.text =
	    "Put a hook into ~/.claude/settings.json, or with --system into"
	    " a file of root's\nbelow /etc/claude-code, which asks fo hook"
	    " claude before each tool is used. What\nothers wrote there stays;"
	    " --remove gives back what was there before.\n",
	.example =
	    "  fo setup claude\n"
	    "  sudo fo setup claude --system\n",
	.exits = SETUP_EXITS,
	.options = options,
	.json = true,
	.run = setup_claude,
};

const struct verb verb_setup_cursor = {
	.name = "setup cursor",
	.synopsis = "[--system] [--dry-run | --check] [--remove] [--json]",
	.summary = "Let fo decide what Cursor does",
	.text =
	    "As fo setup claude, in ~/.cursor/hooks.json or"
	    " /etc/cursor/hooks.json.\n",
	.example = "  fo setup cursor\n",
	.exits = SETUP_EXITS,
	.options = options,
	.json = true,
	.run = setup_cursor,
};
