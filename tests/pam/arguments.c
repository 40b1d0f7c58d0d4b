/*
 * The arguments of the module's line.
 */
#include "arguments.h"

#include <criterion/criterion.h>
#include <string.h>

#include "host/config.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

Test(arguments, default_to_the_systems_store)
{
	struct fo_pam_arguments got;

	cr_assert_eq(fo_pam_arguments_parse(0, NULL, NULL, &got), FO_OK);
	cr_expect_str_eq(got.config_path, FO_CONFIG_PATH);
	cr_expect_not(got.debug);
	cr_expect_not(got.lax);
}

Test(arguments, are_read_in_any_order)
{
	static const char *const argv[] = { "lax", "config=/x/y.yaml",
		"debug" };
	struct fo_pam_arguments got;

	cr_assert_eq(fo_pam_arguments_parse(COUNT(argv), argv, NULL, &got),
	    FO_OK);
	cr_expect_str_eq(got.config_path, "/x/y.yaml");
	cr_expect(got.debug);
	cr_expect(got.lax);
}

Test(arguments, that_are_unknown_or_malformed_are_refused_by_name)
{
	static const char *const wrong[] = { "", "nullok", "Debug", "debug=1",
		"config", "config=", "config=relative.yaml", "CONFIG=/x",
		" lax", "no_replay" };

	for (int i = 0; i < COUNT(wrong); i++) {
		const char *const argv[] = { "config=/ok.yaml", wrong[i] };
		struct fo_pam_arguments got;
		struct fo_diag diag = { "" };

		cr_expect_eq(fo_pam_arguments_parse(2, argv, &diag, &got),
		    FO_ERR_ARG, "'%s'", wrong[i]);
		cr_expect(strstr(diag.text, wrong[i]) != NULL, "%s",
		    diag.text);
		cr_expect_str_eq(got.config_path, "/ok.yaml");
	}
}

Test(arguments, name_one_configuration)
{
	static const char *const argv[] = { "config=/a", "config=/b" };
	struct fo_pam_arguments got;

	cr_expect_eq(fo_pam_arguments_parse(2, argv, NULL, &got), FO_ERR_ARG);
}

Test(arguments, report_the_first_of_two_mistakes)
{
	static const char *const argv[] = { "first", "second" };
	struct fo_pam_arguments got;
	struct fo_diag diag = { "" };

	cr_assert_eq(fo_pam_arguments_parse(2, argv, &diag, &got), FO_ERR_ARG);
	cr_expect(strstr(diag.text, "'first'") != NULL, "%s", diag.text);
}
