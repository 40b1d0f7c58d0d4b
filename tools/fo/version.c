/*
 * fo version: which release this is.
 */
#include <stdio.h>

#include <firstops/firstops.h>

#include "json.h"
#include "verb.h"

static int
run(const struct call *call)
{
	struct json *json;

	if (!call->json) {
		printf("fo (FirstOps) %s\n", fo_version());
		return FO_EXIT_DONE;
	}
	json = json_object_new();
	json_flag(json, "ok", true);
	json_text(json, "version", fo_version());

	return json_print(&json);
}

const struct verb verb_version = {
	.name = "version",
	.synopsis = "[--json]",
	.summary = "Print the version",
	.text = "Print the version of fo and of the library in it.\n",
	.example = "  fo version\n",
	.json = true,
	.run = run,
};
