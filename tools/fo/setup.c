/*
 * fo setup: our hook in the settings of a coding agent.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
} claude = { SETTINGS_CLAUDE, ".claude/settings.json",
	"/etc/claude-code/managed-settings.d/firstops.json" },
cursor = { SETTINGS_CURSOR, ".cursor/hooks.json", "/etc/cursor/hooks.json" };

/* A settings file, and what is kept beside it. */
struct setup {
	const struct call *call;
	const struct place *place;
	char *path;		/* links followed, if it is there */
	char *before;		/* a copy of it from before our hook */
	char *temporary;
	char program[PATH_MAX];	/* this fo */
	char *text;		/* NULL: there is none */
	size_t len;
	mode_t mode;
	struct fo_diag diag;
};

/* ---- what is there ------------------------------------------------------ */

static fo_err
join(const char *a, const char *b, char **ret)
{
	struct fo_buf buf;

	fo_buf_init(&buf, PATH_MAX);
	fo_buf_addf(&buf, "%s%s", a, b);
	return fo_buf_take(&buf, ret);
}

static fo_err
name_files(struct setup *setup)
{
	const bool whole = setup->call->option[OPT_SYSTEM] != NULL;
	const char *home = getenv("HOME");
	char *asked = NULL, real[PATH_MAX];
	fo_err r;

	if (!whole && (home == NULL || home[0] != '/')) {
		fo_diag_set(&setup->diag, "HOME is not set");
		return FO_ERR_NOT_FOUND;
	}
	if (whole) {
		r = join(setup->place->system, "", &asked);
	} else {
		struct fo_buf buf;

		fo_buf_init(&buf, PATH_MAX);
		fo_buf_addf(&buf, "%s/%s", home, setup->place->home);
		r = fo_buf_take(&buf, &asked);
	}
	if (r != FO_OK)
		return r;
	/* a link, to a folder of dotfiles, stays one */
	if (realpath(asked, real) != NULL) {
		free(asked);
		asked = NULL;
		r = join(real, "", &asked);
	}
	setup->path = asked;
	if (r == FO_OK)
		r = join(setup->path, ".before-firstops", &setup->before);
	if (r == FO_OK)
		r = join(setup->path, ".firstops-new", &setup->temporary);
	return r;
}

static fo_err
look(struct setup *setup)
{
	const ssize_t n = readlink("/proc/self/exe", setup->program,
	    sizeof(setup->program) - 1);
	struct stat st;
	fo_err r;

	if (n <= 0) {
		fo_diag_set(&setup->diag, "/proc/self/exe: %s",
		    strerror(errno));
		return FO_ERR_IO;
	}
	setup->program[n] = '\0';
	if ((r = name_files(setup)) != FO_OK)
		return r;
	setup->mode = setup->call->option[OPT_SYSTEM] != NULL ? 0644 : 0600;
	if (stat(setup->path, &st) == 0)
		setup->mode = st.st_mode & 07777;
	r = file_read(setup->path, SETTINGS_MAX_BYTES, &setup->diag,
	    &setup->text, &setup->len);

	return r == FO_ERR_NOT_FOUND ? FO_OK : r;
}

static void
clear(struct setup *setup)
{
	free(setup->path);
	free(setup->before);
	free(setup->temporary);
	free(setup->text);
}

/* ---- what is done ------------------------------------------------------- */

/* The folders of a file, each that is not there. */
static fo_err
make_folders(struct setup *setup, mode_t mode)
{
	for (char *at = strchr(setup->path + 1, '/'); at != NULL;
	    at = strchr(at + 1, '/')) {
		int failed;

		*at = '\0';
		failed = mkdir(setup->path, mode) != 0 && errno != EEXIST;
		if (failed)
			fo_diag_set(&setup->diag, "%s: %s; %s", setup->path,
			    strerror(errno), fo_diag_remedy(errno));
		*at = '/';
		if (failed)
			return FO_ERR_IO;
	}

	return FO_OK;
}

/* Put in. What was there before is kept, so that it can come back as it was. */
static fo_err
put_in(struct setup *setup, const char *text)
{
	fo_err r;

	if ((r = make_folders(setup, setup->mode == 0644 ? 0755 : 0700)) !=
	    FO_OK)
		return r;
	if (setup->text != NULL && access(setup->before, F_OK) != 0 &&
	    (r = file_replace(setup->before, setup->temporary, setup->text,
	    setup->mode, &setup->diag)) != FO_OK)
		return r;

	return file_replace(setup->path, setup->temporary, text, setup->mode,
	    &setup->diag);
}

/*
 * What it was before, if nobody changed anything since: then taking our hook
 * out of what it was with it gives just that, and its own bytes are used.
 */
static fo_err
text_before(struct setup *setup, char **ret_text)
{
	char *before = NULL, *then = NULL;
	size_t len = 0;
	fo_err r;

	r = file_read(setup->before, SETTINGS_MAX_BYTES, &setup->diag,
	    &before, &len);
	if (r == FO_OK)
		r = settings_edit(setup->place->whose, before, len,
		    setup->program, &setup->diag, &then);
	if (r == FO_OK && then != NULL && setup->text != NULL &&
	    strcmp(then, setup->text) == 0) {
		*ret_text = before;
		before = NULL;
	}
	free(then);
	free(before);
	return r == FO_ERR_NOT_FOUND || r == FO_ERR_FORMAT ? FO_OK : r;
}

static fo_err
take_out(struct setup *setup, const char *text)
{
	char *before = NULL, *slash;
	fo_err r;

	if ((r = text_before(setup, &before)) != FO_OK)
		return r;
	if (before != NULL)
		text = before;
	if (text != NULL)
		r = file_replace(setup->path, setup->temporary, text,
		    setup->mode, &setup->diag);
	else if (unlink(setup->path) != 0 && errno != ENOENT) {
		fo_diag_set(&setup->diag, "%s: %s; %s", setup->path,
		    strerror(errno), fo_diag_remedy(errno));
		r = FO_ERR_IO;
	}
	free(before);
	if (r == FO_OK && text == NULL && (slash = strrchr(setup->path,
	    '/')) != NULL) {
		*slash = '\0'; /* a folder that is empty now was made for it */
		(void)rmdir(setup->path);
		*slash = '/';
	}
	if (r == FO_OK && unlink(setup->before) != 0 && errno != ENOENT)
		note("fo: %s: %s", setup->before, strerror(errno));
	return r;
}

/* ---- the whole ---------------------------------------------------------- */

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
act(struct setup *setup)
{
	const char *const *o = setup->call->option;
	const bool removes = o[OPT_REMOVE] != NULL;
	const bool has = setup->text != NULL && settings_have(
	    setup->place->whose, setup->text, setup->len, setup->program);
	char *text = NULL;
	fo_err r;

	if (o[OPT_CHECK] != NULL)
		return has ? report(setup, "the hook is there",
		    FO_EXIT_DONE) : report(setup, "the hook is missing or"
		    " changed: fo setup", FO_EXIT_DENIED);
	if (has && !removes && o[OPT_DRY] == NULL)
		return report(setup, "the hook is there already",
		    FO_EXIT_DONE);
	r = settings_edit(setup->place->whose, setup->text, setup->len,
	    removes ? NULL : setup->program, &setup->diag, &text);
	if (r == FO_ERR_FORMAT)
		fo_diag_prefix(&setup->diag, "%s: nothing was changed",
		    setup->path);
	if (r == FO_OK && o[OPT_DRY] != NULL) {
		fputs(text != NULL ? text : "", stdout);
		free(text);
		return FO_EXIT_DONE;
	}
	if (r == FO_OK)
		r = removes ? take_out(setup, text) : put_in(setup, text);
	free(text);
	if (r != FO_OK)
		return fail_err(setup->call, r, &setup->diag, NULL);

	return report(setup, removes ? "the hook is out" : "the hook is in",
	    FO_EXIT_DONE);
}

static int
setup(const struct call *call, const struct place *place)
{
	struct setup setup = { .call = call, .place = place };
	int code;
	fo_err r;

	if ((call->option[OPT_DRY] != NULL) + (call->option[OPT_CHECK] !=
	    NULL) + (call->option[OPT_REMOVE] != NULL && call->option[
	    OPT_CHECK] != NULL) > 1)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--check goes"
		    " with neither --dry-run nor --remove");
	if ((r = look(&setup)) == FO_OK)
		code = act(&setup);
	else
		code = fail_err(call, r, &setup.diag, NULL);
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
