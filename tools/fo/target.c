/*
 * fo target: tell fo ssh which host a destination is.
 */
#include <stdio.h>
#include <string.h>
#include <stdlib.h>

#include "json.h"
#include "out.h"
#include "targets.h"
#include "verb.h"

enum { OPT_HOST };

static const struct verb_option options[] = {
	[OPT_HOST] = { "host", "NAME", "the host as its firstops.yaml calls"
	    " it" },
	{ NULL, NULL, NULL }
};

static int
list(const struct call *call, const struct targets *targets)
{
	struct json *json, *map;
	const char **cells;
	size_t i;

	if (call->json) {
		json = json_object_new();
		map = json_object_new();
		for (i = 0; i < targets->count; i++)
			json_text(map, targets->list[i].dest,
			    targets->list[i].host);
		json_flag(json, "ok", true);
		json_put(json, "targets", &map);
		return json_print(&json);
	}
	cells = calloc((targets->count + 1) * 2, sizeof(*cells));
	if (cells == NULL)
		return fail_err(call, FO_ERR_NOMEM, NULL, NULL);
	cells[0] = "DEST";
	cells[1] = "HOST";
	for (i = 0; i < targets->count; i++) {
		cells[2 * i + 2] = targets->list[i].dest;
		cells[2 * i + 3] = targets->list[i].host;
	}
	out_table(cells, targets->count + 1, 2);
	free(cells);

	return FO_EXIT_DONE;
}

/* Write it, and say what is so now. */
static int
save(const struct call *call, const struct targets *targets,
    const char *dest, const char *host)
{
	struct fo_diag diag = { "" };
	struct json *json;
	fo_err r;

	if ((r = targets_save(targets, &diag)) != FO_OK)
		return fail_err(call, r, &diag, NULL);
	if (!call->json) {
		printf("%s %s%s\n", dest, host != NULL ? "is " : "removed",
		    host != NULL ? host : "");
		return FO_EXIT_DONE;
	}
	json = json_object_new();
	json_flag(json, "ok", true);
	json_text(json, "dest", dest);
	json_text(json, "host", host);

	return json_print(&json);
}

static int
add(const struct call *call, struct targets *targets, const char *dest)
{
	const char *host = call->option[OPT_HOST];
	fo_err r;

	if (host == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "--host is"
		    " missing: give the host that %s is, as its"
		    " firstops.yaml calls it", dest);
	if (!target_host_ok(host))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
		    "--host \"%s\": not a host name", host);
	if (!target_dest_ok(dest))
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "\"%s\": must be"
		    " HOST:PORT or an alias of ssh_config, without a user",
		    dest);
	if ((r = targets_set(targets, dest, host)) != FO_OK)
		return fail_err(call, r, NULL, NULL);

	return save(call, targets, dest, host);
}

static int
act(const struct call *call, struct targets *targets)
{
	const char *what = call->argv[0];
	const char *dest = call->argc > 1 ? call->argv[1] : NULL;

	if (strcmp(what, "list") == 0 && dest == NULL)
		return list(call, targets);
	if (strcmp(what, "add") == 0 && dest != NULL)
		return add(call, targets, dest);
	if (strcmp(what, "remove") != 0 || dest == NULL)
		return fail(call, FO_EXIT_USAGE, FO_ERR_ARG,
		    "usage: fo target %s", call->verb->synopsis);
	if (!targets_remove(targets, dest))
		return fail(call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND, "there is"
		    " no target %s; fo target list shows all of them", dest);

	return save(call, targets, dest, NULL);
}

static int
run(const struct call *call)
{
	struct targets targets = { 0 };
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	if ((r = targets_load(&diag, &targets)) != FO_OK)
		return fail(call, FO_EXIT_TROUBLE, r, "%s",
		    diag.text[0] != '\0' ? diag.text : fo_err_text(r));
	code = act(call, &targets);
	targets_clear(&targets);

	return code;
}

const struct verb verb_target = {
	.name = "target",
	.synopsis = "add DEST --host NAME | list | remove DEST",
	.summary = "Say which host an ssh destination is",
	.text =
	    "A proof names the host that it is for, so fo ssh has to know"
	    " beforehand which host\nit is about to meet. Where what you type"
	    " after ssh is that name, and the port 22,\nit knows; for another"
	    " port or an alias, say it once here. DEST is HOST:PORT, as\ntyped"
	    " or as it resolves, or for port 22 an alias of ssh_config alone;"
	    " NAME is what\nthe host's own firstops.yaml calls it. The list"
	    " is kept in\n~/.config/firstops/targets.yaml.\n",
	.example = "  fo target add 127.0.0.1:2222 --host bastion\n",
	.exits =
	    "  0  done\n"
	    "  1  there is no such target\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: the list cannot be read or written\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
	.json = true,
	.run = run,
};
