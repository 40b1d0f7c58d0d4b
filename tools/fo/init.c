/*
 * fo init: a store that works.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/store.h"

#include "json.h"
#include "out.h"
#include "verb.h"

enum { OPT_HOST };

static const struct verb_option options[] = {
	[OPT_HOST] = { "host", "NAME", "what this host is called in targets;"
	    " default its name" },
	{ NULL, NULL, NULL }
};

#define HOST_SIZE 256

/* The machine's own name up to its first dot. */
static int
own_name(const struct call *call, char ret_host[HOST_SIZE])
{
	if (gethostname(ret_host, HOST_SIZE - 1) != 0)
		ret_host[0] = '\0';
	ret_host[HOST_SIZE - 1] = '\0';
	ret_host[strcspn(ret_host, ".")] = '\0';
	if (ret_host[0] == '\0' || strcmp(ret_host, "localhost") == 0)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "this machine is"
		    " called \"%s\", which tells no host from another; give"
		    " the name that clients use: --host NAME", ret_host);

	return FO_EXIT_DONE;
}

static int
print(const struct call *call, const struct fo_store *store, const char *host)
{
	struct json *json;

	if (!call->json) {
		printf("made a store in %s for host %s\n"
		    "next: fo agent create NAME --owner OWNER\n",
		    store->folder, host);
		return FO_EXIT_DONE;
	}
	json = json_object_new();
	json_flag(json, "ok", true);
	json_text(json, "folder", store->folder);
	json_text(json, "host", host);

	return json_print(&json);
}

static int
run(const struct call *call)
{
	const char *host = call->option[OPT_HOST];
	struct fo_store *store = NULL;
	struct fo_diag diag = { "" };
	char own[HOST_SIZE];
	int code;
	fo_err r;

	if (host == NULL) {
		if ((code = own_name(call, own)) != FO_EXIT_DONE)
			return code;
		host = own;
	}
	if ((r = fo_store_new(call->config, &diag, &store)) == FO_OK)
		r = fo_store_init(store, host, &diag);
	code = r == FO_OK ? print(call, store, host) :
	    fail_err(call, r, &diag, NULL);
	fo_store_free(&store);

	return code;
}

const struct verb verb_init = {
	.name = "init",
	.synopsis = "[--host NAME] [--config PATH]",
	.summary = "Make a store for this host",
	.text =
	    "Make the store's folders, firstops.yaml, and an empty default"
	    " group and policy.\nNothing that exists is overwritten.\n\n"
	    "NAME is the host in targets such as pam://NAME/sshd/deploy: what"
	    " clients type\nafter ssh. It is never taken from the network.\n",
	.example = "  sudo fo init --host bastion\n",
	.exits =
	    "  0  done\n"
	    "  1  there is a firstops.yaml already\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: the folder cannot be written\n",
	.options = options,
	.store = true,
	.json = true,
	.run = run,
};
