/*
 * Policy files: no rule of what is taken has an empty condition, which would
 * say "never" or "always" where somebody meant something else.
 */
#include "fuzz.h"

#include <string.h>

#include "host/policy.h"

static void
check_list(char *const *list)
{
	NEED(list == NULL || list[0] != NULL);
}

static void
check(const struct fo_rule *rule)
{
	NEED(fo_name_ok(rule->name));
	NEED(rule->effect <= FO_EFFECT_ALLOW);
	NEED(rule->channel <= FO_CHANNEL_HTTP);
	check_list(rule->services);
	check_list(rule->accounts);
	check_list(rule->hosts);
	check_list(rule->commands);
	check_list(rule->paths);
	check_list(rule->tools);
	check_list(rule->methods);
	check_list(rule->urls);
	for (size_t i = 0; i < rule->sources_count; i++) {
		const struct fo_cidr *cidr = &rule->sources[i];

		NEED(cidr->base.bits == 32 || cidr->base.bits == 128);
		NEED(cidr->prefix >= 0 && cidr->prefix <= cidr->base.bits);
		NEED(fo_cidr_contains(cidr, &cidr->base));
	}
	if (rule->hours != NULL) {
		NEED(rule->hours->days != 0 && rule->hours->days <= 0x7f);
		NEED(rule->hours->from_min >= 0 &&
		    rule->hours->from_min < 1440);
		NEED(rule->hours->to_min >= 0 && rule->hours->to_min <= 1440);
		NEED(rule->hours->from_min != rule->hours->to_min);
		NEED(rule->hours->offset_min > -1440 &&
		    rule->hours->offset_min < 1440);
	}
}

void
fuzz_on_policy(const uint8_t *data, size_t size)
{
	struct fo_policy *policy = NULL;
	struct fo_diag diag = { "" };
	fo_err r;

	r = fo_policy_parse("/f", "deployers", (const char *)data, size,
	    &diag, &policy);
	if (r == FO_OK) {
		NEED(strcmp(policy->name, "deployers") == 0);
		for (size_t i = 0; i < policy->rules_count; i++)
			check(&policy->rules[i]);
	} else {
		NEED(r == FO_ERR_FORMAT || fuzz_faulted());
		NEED(policy == NULL);
		NEED(r != FO_ERR_FORMAT || strncmp(diag.text, "/f:", 3) == 0);
	}
	fo_policy_free(&policy);
}
