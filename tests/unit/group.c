/*
 * Access groups.
 */
#include "support/refusal.h"

#include "host/group.h"

#define PATH "/etc/firstops/groups.d/deployers.yaml"

static const char full[] =
    "---\n"
    "version: 1\n"
    "group: deployers\n"
    "description: Those who deploy\n"
    "policies: [logins, deploy-hours]\n"
    "...\n";

Test(group, reads_every_field)
{
	struct fo_group *group = NULL;
	struct fo_diag diag = { .text = "" };

	cr_assert_eq(fo_group_parse(PATH, "deployers", full, strlen(full),
	    &diag, &group), FO_OK, "%s", diag.text);
	cr_expect_str_eq(group->name, "deployers");
	cr_expect_str_eq(group->description, "Those who deploy");
	cr_expect_str_eq(group->policies[1], "deploy-hours");
	cr_expect_null(group->policies[2]);
	fo_group_free(&group);
	cr_expect_null(group);
}

Test(group, a_description_may_be_missing_or_empty)
{
	static const char *const to[] = { "", "description: \"\"\n" };

	for (size_t i = 0; i < 2; i++) {
		char *text = changed(full, "description: Those who deploy\n",
		    to[i]);
		struct fo_group *group = NULL;
		struct fo_diag diag = { .text = "" };

		cr_assert_eq(fo_group_parse(PATH, "deployers", text,
		    strlen(text), &diag, &group), FO_OK, "%s", diag.text);
		cr_expect_str_eq(group->description, "");
		fo_group_free(&group);
		free(text);
	}
}

Test(group, one_wrong_field_refuses_the_file)
{
	static const struct {
		const char *from;
		const char *to;
		size_t line;
		const char *what;
	} cases[] = {
		{ "version: 1", "version: 0", 2, "reads version 1" },
		{ "group: deployers", "group: deployer", 3,
		    "the file is called deployers.yaml; they must be" },
		{ "group: deployers\n", "", 2, "'group' is missing; add it" },
		{ "Those who deploy", "\"a\\nb\"", 4, "control bytes" },
		{ "policies: [logins, deploy-hours]\n", "", 2,
		    "'policies' is missing; add it" },
		{ "[logins, deploy-hours]", "", 5, "has no value" },
		{ "[logins, deploy-hours]", "[../x]", 5,
		    "item of 'policies' is '../x'; write the name of a" },
		{ "policies:", "polices:", 5, "did you mean 'policies'?" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fo_group *group = NULL;
		struct fo_diag diag = { .text = "" };
		char *text = changed(full, cases[i].from, cases[i].to);

		cr_expect_eq(fo_group_parse(PATH, "deployers", text,
		    strlen(text), &diag, &group), FO_ERR_FORMAT, "%s", text);
		cr_expect_null(group);
		expect_reason(&diag, PATH, cases[i].line, cases[i].what);
		free(text);
	}
}

Test(group, is_called_by_a_name)
{
	struct fo_group *group = NULL;

	cr_expect_eq(fo_group_parse(PATH, "../x", full, strlen(full), NULL,
	    &group), FO_ERR_ARG);
	cr_expect_null(group);
}
