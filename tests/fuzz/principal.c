/*
 * Principal files: what is taken is written and read back as the same, and a
 * file that lost its end is refused or means the same.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "host/principal.h"

#define ID "fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77"

static fo_err
parse(const char *text, size_t len, struct fo_principal **ret)
{
	struct fo_diag diag = { "" };
	fo_err r = fo_principal_parse("/f", ID, text, len, &diag, ret);

	if (r != FO_OK) {
		NEED(r == FO_ERR_FORMAT || fuzz_faulted());
		NEED(*ret == NULL);
		NEED(r != FO_ERR_FORMAT || strncmp(diag.text, "/f:", 3) == 0);
	}
	return r;
}

/* What a principal is written as; parsed and written again it is the same. */
static char *
check(const struct fo_principal *principal)
{
	struct fo_principal *again = NULL;
	char *text = NULL, *text_again = NULL;

	NEED(strcmp(principal->id, ID) == 0);
	NEED(principal->kind == FO_KIND_AGENT);
	NEED(principal->keys_count <= FO_PRINCIPAL_MAX_KEYS);
	for (size_t i = 0; i < principal->keys_count; i++)
		NEED(fo_jkt_ok(principal->keys[i].jkt) &&
		    principal->keys[i].created != 0);
	if (fuzz_worked(fo_principal_format(principal, &text)) &&
	    fuzz_worked(parse(text, strlen(text), &again)) &&
	    fuzz_worked(fo_principal_format(again, &text_again)))
		NEED(strcmp(text, text_again) == 0);
	free(text_again);
	fo_principal_free(&again);
	return text;
}

/* Cut where the file has an end of a line, the likely place of a torn one. */
static void
check_torn(const char *data, size_t size, const char *whole)
{
	struct fo_principal *torn = NULL;
	char *text = NULL;

	for (size_t i = 0; i + 1 < size; i++) {
		if (data[i] != '\n' || parse(data, i + 1, &torn) != FO_OK)
			continue;
		if (fuzz_worked(fo_principal_format(torn, &text)))
			NEED(strcmp(text, whole) == 0);
		free(text);
		text = NULL;
		fo_principal_free(&torn);
	}
}

void
fuzz_on_principal(const uint8_t *data, size_t size)
{
	struct fo_principal *principal = NULL;
	char *text;

	if (parse((const char *)data, size, &principal) != FO_OK)
		return;
	text = check(principal);
	if (text != NULL)
		check_torn((const char *)data, size, text);
	free(text);
	fo_principal_free(&principal);
}
