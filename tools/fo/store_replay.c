/*
 * fo store replay: make the folders in which used proofs are remembered.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "host/clock.h"
#include "host/replay.h"

#include "admin.h"
#include "json.h"
#include "out.h"
#include "verb.h"

/* Make the folder of one user. */
static int
make(const struct admin *admin, const char *user)
{
	const struct call *call = admin->call;
	struct fo_diag diag = { "" };
	const struct passwd *pw;
	fo_err r;

	errno = 0;
	pw = getpwnam(user);
	/* the last two are how some sources of users say "none" */
	if (pw == NULL && errno != 0 && errno != ENOENT && errno != ESRCH)
		return fail(call, FO_EXIT_TROUBLE, FO_ERR_IO, "user %s cannot"
		    " be looked up: %s; %s", user, strerror(errno),
		    fo_diag_remedy(errno));
	if (pw == NULL)
		return fail(call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND, "there is"
		    " no user %s, whom %s names at \"services\"; create the"
		    " user, or correct the name", user,
		    admin->store->config_path);
	if ((r = fo_replay_make(admin->config->replay_folder, pw->pw_uid,
	    pw->pw_gid, &fo_clock_system, &diag)) != FO_OK)
		return fail_err(call, r, &diag, NULL);
	if (!call->json)
		printf("%s/%lu is there, for services that run as %s\n",
		    admin->config->replay_folder, (unsigned long)pw->pw_uid,
		    user);

	return FO_EXIT_DONE;
}

/* Did an earlier service name this user already? */
static bool
is_repeated(const struct fo_config *config, size_t index)
{
	const char *user = config->services[index].user;

	if (strcmp(user, "root") == 0)
		return true;
	for (size_t i = 0; i < index; i++)
		if (strcmp(config->services[i].user, user) == 0)
			return true;

	return false;
}

/* Root's first, then those of the services; one that fails stops none. */
static int
make_all(const struct admin *admin)
{
	const struct fo_config *config = admin->config;
	int worst = make(admin, "root");

	for (size_t i = 0; i < config->services_count; i++) {
		int code;

		if (is_repeated(config, i))
			continue;
		code = make(admin, config->services[i].user);
		if (code > worst)
			worst = code;
	}

	return worst;
}

static int
run(const struct call *call)
{
	struct admin admin;
	struct json *json;
	int code;

	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE)
		code = make_all(&admin);
	if (code == FO_EXIT_DONE && call->json) {
		json = json_object_new();
		json_flag(json, "ok", true);
		json_text(json, "folder", admin.config->replay_folder);
		code = json_print(&json);
	}
	admin_close(&admin);

	return code;
}

const struct verb verb_store_replay = {
	.name = "store replay",
	.synopsis = "[--config PATH] [--json]",
	.summary = "Make the folders of used proofs",
	.text =
	    "Make the folder in which used proofs are remembered, for root and"
	    " for every user\nthat firstops.yaml names at services. Each is"
	    " named by the user's number, and\nremembers since when it is"
	    " there: a proof from before that moment is refused\n"
	    "(replay_newborn). So it is made at each boot, by"
	    " firstops-replay.service, before\nthe first login asks for it."
	    " What exists already is left as it is.\n",
	.example = "  sudo fo store replay\n",
	.exits =
	    "  0  they are all there\n"
	    "  1  a user does not exist\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: a folder cannot be made\n",
	.store = true,
	.json = true,
	.run = run,
};
