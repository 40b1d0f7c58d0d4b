/*
 * fo store index: make the index of thumbprints anew.
 */
#include <stdio.h>

#include "admin.h"
#include "json.h"
#include "out.h"
#include "verb.h"

static int
print(const struct call *call, size_t made)
{
	struct json *json;

	if (!call->json) {
		printf("%zu links made\n", made);
		return FO_EXIT_DONE;
	}
	json = json_object_new();
	json_flag(json, "ok", true);
	json_number(json, "made", (int64_t)made);

	return json_print(&json);
}

static int
run(const struct call *call)
{
	struct fo_store_lock *lock = NULL;
	struct fo_diag diag = { "" };
	struct admin admin;
	size_t made = 0;
	int code;
	fo_err r;

	if ((code = admin_open(call, &admin)) == FO_EXIT_DONE) {
		r = fo_store_lock(admin.store, ADMIN_LOCK_MS, &diag, &lock);
		if (r == FO_OK)
			r = fo_store_index(admin.store, lock, &diag, &made);
		code = r == FO_OK ? print(call, made) :
		    fail_err(call, r, &diag, NULL);
		fo_store_unlock(&lock);
	}
	admin_close(&admin);

	return code;
}

const struct verb verb_store_index = {
	.name = "store index",
	.synopsis = "[--config PATH] [--json]",
	.summary = "Make the index of thumbprints anew",
	.text =
	    "Give every thumbprint that a principal lists its link in keys.d,"
	    " as after copying\nprincipals without it. Links that no principal"
	    " lists stay: a thumbprint is reserved\nfor ever. A thumbprint that"
	    " two principals list is an error, and changes nothing.\n",
	.example = "  sudo fo store index\n",
	.store = true,
	.json = true,
	.run = run,
};
