/*
 * The arguments of the module's line in a pam.d file.
 */
#include "arguments.h"

#include <stddef.h>
#include <string.h>

#include "base/diag.h"
#include "host/config.h"

static const char config_key[] = "config=";

static fo_err
parse_config(const char *path, struct fo_diag *diag,
    struct fo_pam_arguments *arguments)
{
	if (path[0] != '/') {
		fo_diag_set(diag, "pam_firstops.so: config=%s: write an "
		    "absolute path", path);
		return FO_ERR_ARG;
	}
	if (arguments->config_path != NULL) {
		fo_diag_set(diag, "pam_firstops.so: config= is given twice; "
		    "keep one");
		return FO_ERR_ARG;
	}

	arguments->config_path = path;
	return FO_OK;
}

static fo_err
parse_one(const char *text, struct fo_diag *diag,
    struct fo_pam_arguments *arguments)
{
	size_t n = sizeof(config_key) - 1;

	if (strncmp(text, config_key, n) == 0)
		return parse_config(text + n, diag, arguments);
	if (strcmp(text, "debug") == 0) {
		arguments->debug = true;
		return FO_OK;
	}
	if (strcmp(text, "lax") == 0) {
		arguments->lax = true;
		return FO_OK;
	}

	fo_diag_set(diag, "pam_firstops.so: unknown argument '%s'; there are "
	    "config=PATH, debug and lax", text);
	return FO_ERR_ARG;
}

fo_err
fo_pam_arguments_parse(int argc, const char *const *argv,
    struct fo_diag *diag, struct fo_pam_arguments *ret_arguments)
{
	struct fo_pam_arguments arguments = { 0 };
	fo_err r = FO_OK;

	for (int i = 0; i < argc; i++) {
		fo_err one = parse_one(argv[i],
		    r == FO_OK ? diag : NULL, &arguments);

		if (r == FO_OK)
			r = one; /* the first mistake is the one reported */
	}
	if (arguments.config_path == NULL)
		arguments.config_path = FO_CONFIG_PATH;

	*ret_arguments = arguments;
	return r;
}
