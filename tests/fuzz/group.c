/*
 * Group files: what is taken is called what its file is, and names policies
 * that can be opened.
 */
#include "fuzz.h"

#include <string.h>

#include "host/group.h"

void
fuzz_on_group(const uint8_t *data, size_t size)
{
	struct fo_group *group = NULL;
	struct fo_diag diag = { "" };
	fo_err r;

	r = fo_group_parse("/f", "deployers", (const char *)data, size, &diag,
	    &group);
	if (r == FO_OK) {
		NEED(strcmp(group->name, "deployers") == 0);
		NEED(fo_prose_ok(group->description));
		for (size_t i = 0; group->policies[i] != NULL; i++)
			NEED(fo_name_ok(group->policies[i]));
	} else {
		NEED(r == FO_ERR_FORMAT || fuzz_faulted());
		NEED(group == NULL);
		NEED(r != FO_ERR_FORMAT || strncmp(diag.text, "/f:", 3) == 0);
	}
	fo_group_free(&group);
}
