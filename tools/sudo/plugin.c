/*
 * sudo_firstops.so: an approval plugin of sudo (sudo_plugin(5), API 1.15).
 *
 * sudoers has said yes when sudo asks here. A command that a principal runs
 * is weighed by the policies' channel "command"; people on accounts that are
 * not reserved for principals are none of our business.
 *
 * check() starts as a refusal, and says yes in one place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sudo_plugin.h>

#include <firstops/firstops.h>

#include "base/diag.h"
#include "host/act.h"
#include "host/command.h"
#include "host/kin.h"

#include "request.h"

#define TAG "sudo_firstops"
#define BREAKGLASS "firstops-breakglass"
#define API_MINOR 15	/* the first with approval plugins */

/* What sudo's plugins answer. */
enum { YES = 1, NO = 0, TROUBLE = -1 };

/* One run of sudo, from open to close; sudo has one at a time. */
static struct {
	sudo_conv_t conversation;
	sudo_printf_t print;
	char *const *user_info;
	const char *config_path;
} run;

static struct fo_diag why;	/* what errstr points at, for sudo's own log */

/* ---- saying no ----------------------------------------------------------- */

/* sudo keeps errstr to its own log, and shows what is told here. */
static void
tell(const char *text)
{
	const struct sudo_conv_message message = {
		.msg_type = SUDO_CONV_ERROR_MSG, .msg = text };
	struct sudo_conv_reply reply = { NULL };

	(void)run.conversation(1, &message, &reply, NULL);
}

/* One sentence and a reference for the caller; the event has the reason. */
static void
tell_refused(const char *sid)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "FirstOps: command refused (ref "
	    "%.*s). Ask your administrator.\n", FO_REF_CHARS, sid);
	tell(text);
}

/* The admin's mistake: sudo runs nothing until it is mended. */
static int
complain(const char **errstr)
{
	tell(why.text);
	tell("\n");
	*errstr = why.text;

	return TROUBLE;
}

/* ---- opening ------------------------------------------------------------- */

/* config=PATH is the only option. */
static fo_err
read_options(char *const options[], struct fo_diag *diag, const char **ret)
{
	static const char key[] = "config=";
	const char *path = NULL;
	size_t i;

	for (i = 0; options != NULL && options[i] != NULL; i++) {
		if (strncmp(options[i], key, sizeof(key) - 1) != 0) {
			fo_diag_set(diag, TAG ".so: unknown option '%s'; there"
			    " is config=PATH", options[i]);
			return FO_ERR_ARG;
		}
		if (path != NULL) {
			fo_diag_set(diag, TAG ".so: config= is given twice;"
			    " keep one");
			return FO_ERR_ARG;
		}
		path = options[i] + sizeof(key) - 1;
		if (path[0] != '/') {
			fo_diag_set(diag, TAG ".so: config=%s is not an"
			    " absolute path", path);
			return FO_ERR_ARG;
		}
	}
	*ret = path != NULL ? path : FO_CONFIG_PATH;

	return FO_OK;
}

static int
plugin_open(unsigned int version, sudo_conv_t conversation,
    sudo_printf_t plugin_printf, char *const settings[],
    char *const user_info[], int submit_optind, char *const submit_argv[],
    char *const submit_envp[], char *const plugin_options[],
    const char **errstr)
{
	(void)settings;
	(void)submit_optind;
	(void)submit_argv;
	(void)submit_envp;

	run.conversation = conversation;
	run.print = plugin_printf;
	run.user_info = user_info;
	run.config_path = NULL;
	if (SUDO_API_VERSION_GET_MAJOR(version) != SUDO_API_VERSION_MAJOR ||
	    SUDO_API_VERSION_GET_MINOR(version) < API_MINOR) {
		fo_diag_set(&why, TAG ".so: needs sudo's plugin API %d.%d or"
		    " newer", SUDO_API_VERSION_MAJOR, API_MINOR);
		return complain(errstr);
	}
	if (read_options(plugin_options, &why, &run.config_path) != FO_OK)
		return complain(errstr);

	return YES;
}

static void
plugin_close(void)
{
	memset(&run, 0, sizeof(run));
}

static int
plugin_show_version(int verbose)
{
	(void)verbose;
	if (run.print == NULL)
		return TROUBLE;
	(void)run.print(SUDO_CONV_INFO_MSG, "FirstOps approval plugin version"
	    " %s\n", fo_version());

	return YES;
}

/* ---- deciding ------------------------------------------------------------ */

/* A request, and all that it takes to judge it. */
struct judgement {
	struct request request;
	struct fo_store *store;
	struct fo_config *config;
	struct fo_command *command;
	struct fo_login_record who;
	struct fo_diag diag;
};

/* What sudo hands to check(). */
struct asked {
	char *const *info;
	char *const *argv;
	char *const *envp;
};

static void
judgement_clear(struct judgement *j)
{
	fo_login_record_clear(&j->who);
	fo_command_free(&j->command);
	fo_config_free(&j->config);
	fo_store_free(&j->store);
	request_clear(&j->request);
}

static fo_err
read_config(struct judgement *j)
{
	fo_err r;

	if ((r = fo_store_new(run.config_path, &j->diag, &j->store)) != FO_OK)
		return r;

	return fo_store_config(j->store, &j->diag, &j->config);
}

static fo_err
search_login(struct judgement *j)
{
	char *folder = NULL;
	fo_err r;

	if ((r = read_config(j)) != FO_OK)
		return r == FO_ERR_NOMEM ? r : FO_ERR_CONFIG;
	if ((r = fo_run_folder(j->config->replay_folder, &folder)) == FO_OK)
		r = fo_login_of(folder, getpid(), &j->diag, &j->who);
	free(folder);

	return r;
}

/*
 * Whose login does this sudo belong to? FO_ERR_NOT_FOUND: a person's, as far
 * as anybody knows; a record that cannot be read makes nobody an agent who is
 * in no reserved account. Where it could not be looked for at all, nobody is
 * known to be a person: then there are root and the break-glass group.
 */
static fo_err
find_login(struct judgement *j)
{
	const fo_err r = search_login(j);

	if (r == FO_OK)
		return FO_OK;
	if (r == FO_ERR_NOT_FOUND || r == FO_ERR_SESSION) {
		if (!fo_config_reserved(j->config, j->request.user))
			return FO_ERR_NOT_FOUND;
		return r == FO_ERR_NOT_FOUND ? FO_ERR_RESERVED : r;
	}

	return request_is_member(run.user_info, BREAKGLASS) ?
	    FO_ERR_NOT_FOUND : r;
}

static fo_err
read_command(struct judgement *j, const struct asked *asked)
{
	struct request *request = &j->request;
	fo_err r;

	r = request_command(run.user_info, asked->info, asked->argv,
	    asked->envp, request);
	if (r == FO_OK)
		r = fo_command_from_argv((const char *const *)request->argv,
		    request->cwd, &j->command);
	if (r != FO_OK)
		fo_diag_set(&j->diag, "the command cannot be read: %s",
		    fo_err_text(r));

	return r;
}

/* Ask the policies; trouble: why it is refused without. */
static fo_err
ask(struct judgement *j, fo_err trouble)
{
	const struct request *request = &j->request;
	const struct fo_authority authority = {
		.store = j->store, .config = j->config,
		.clock = &fo_clock_system, .audit_tag = TAG,
		.audit_socket = FO_AUDIT_SOCKET };
	const struct fo_deed deed = {
		.who = j->who.id[0] != '\0' ? &j->who : NULL,
		.trouble = trouble, .reason = &j->diag,
		.action = { .channel = FO_CHANNEL_COMMAND,
		    .account = request->target, .command = j->command },
		.act = "command", .what = request->what, .service = "sudo",
		.user = request->target, .ruser = request->user,
		.tty = request->tty };
	struct fo_decision decision;
	const fo_err r = fo_act(&authority, &deed, &decision);

	if (r != FO_OK) {
		tell_refused(decision.sid);
		why = decision.diag;
	}
	return r;
}

/* FO_OK: it may be run. People are let alone before anything else is read. */
static fo_err
judge(struct judgement *j, const struct asked *asked)
{
	fo_err r, read;

	if ((r = request_caller(run.user_info, &j->request)) != FO_OK)
		return ask(j, r);
	if ((r = find_login(j)) == FO_ERR_NOT_FOUND)
		return FO_OK;
	if ((read = read_command(j, asked)) != FO_OK && r == FO_OK)
		r = read;

	return ask(j, r);
}

static int
plugin_check(char *const command_info[], char *const run_argv[],
    char *const run_envp[], const char **errstr)
{
	const struct asked asked = { command_info, run_argv, run_envp };
	struct judgement j = { .diag = { "" } };
	int answer = NO;
	fo_err r;

	memset(&why, 0, sizeof(why));
	r = judge(&j, &asked);
	judgement_clear(&j);
	if (r != FO_OK) {
		if (why.text[0] == '\0')
			fo_diag_set(&why, TAG ": %s", fo_err_text(r));
		*errstr = why.text;
		goto out;
	}

	answer = YES;
out:
	return answer;
}

__attribute__((visibility("default"))) struct approval_plugin sudo_firstops = {
	SUDO_APPROVAL_PLUGIN,
	SUDO_API_VERSION,
	plugin_open,
	plugin_close,
	plugin_check,
	plugin_show_version
};
