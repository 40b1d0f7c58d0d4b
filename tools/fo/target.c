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

/* What cannot be read or written is trouble, whatever is wrong with it. */
static int
fail_file(const struct call *call, fo_err r, const struct fo_diag *diag)
{
	return fail(call, FO_EXIT_TROUBLE, r, "%s",
	    diag->text[0] != '\0' ? diag->text : fo_err_text(r));
}

/* ---- list ------------------------------------------------------------ */

static int
print(const struct call *call, const struct targets *targets)
{
	struct json *json, *map;
	struct out_table table = { .columns = 2 };
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
	out_rows(&table, cells, targets->count + 1);
	free(cells);

	return FO_EXIT_DONE;
}

static int
list(const struct call *call)
{
	struct targets targets;
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	if ((r = targets_load(&diag, &targets)) != FO_OK)
		return fail_file(call, r, &diag);
	code = print(call, &targets);
	targets_clear(&targets);

	return code;
}

/* ---- add and remove -------------------------------------------------- */

static int
fail_absent(const struct call *call, const char *dest)
{
	return fail(call, FO_EXIT_DENIED, FO_ERR_NOT_FOUND, "there is no"
	    " target %s; fo target list shows all of them", dest);
}

/* host: NULL takes the entry away. */
static int
change(const struct call *call, const char *dest, const char *host)
{
	struct targets targets;
	struct fo_diag diag = { "" };
	int code = FO_EXIT_DONE;
	fo_err r;

	if ((r = targets_open(&diag, &targets)) != FO_OK)
		return fail_file(call, r, &diag);
	if (host == NULL && !targets_remove(&targets, dest))
		code = fail_absent(call, dest);
	else if ((host != NULL &&
	    (r = targets_set(&targets, dest, host)) != FO_OK) ||
	    (r = targets_save(&targets, &diag)) != FO_OK)
		code = fail_err(call, r, &diag, NULL);
	targets_clear(&targets);

	return code;
}

/* Say what is so now. */
static int
tell(const struct call *call, const char *dest, const char *host)
{
	struct json *json;

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
add(const struct call *call, const char *dest)
{
	const char *host = call->option[OPT_HOST];
	int code;

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
	if ((code = change(call, dest, host)) != FO_EXIT_DONE)
		return code;

	return tell(call, dest, host);
}

static int
take_away(const struct call *call, const char *dest)
{
	struct targets targets;
	struct fo_diag diag = { "" };
	bool there;
	int code;
	fo_err r;

	/* for what is not there, no folder is made and no lock is taken */
	if ((r = targets_load(&diag, &targets)) != FO_OK)
		return fail_file(call, r, &diag);
	there = targets_find(&targets, dest) != NULL;
	targets_clear(&targets);
	if (!there)
		return fail_absent(call, dest);
	if ((code = change(call, dest, NULL)) != FO_EXIT_DONE)
		return code;

	return tell(call, dest, NULL);
}

static int
run(const struct call *call)
{
	const char *what = call->argv[0];
	const char *dest = call->argc > 1 ? call->argv[1] : NULL;

	if (strcmp(what, "list") == 0 && dest == NULL)
		return list(call);
	if (strcmp(what, "add") == 0 && dest != NULL)
		return add(call, dest);
	if (strcmp(what, "remove") == 0 && dest != NULL)
		return take_away(call, dest);

	return fail(call, FO_EXIT_USAGE, FO_ERR_ARG, "usage: fo target %s",
	    call->verb->synopsis);
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
	    "  1  there is no such target, or no room for one more\n"
	    "  2  the command line cannot be understood\n"
	    "  3  trouble: the list cannot be read or written\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
	.json = true,
	.run = run,
};
