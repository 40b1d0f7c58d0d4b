/*
 * Policies: how rules are read, and how they are weighed.
 */
#include "support/refusal.h"

#include "host/command.h"
#include "host/policy.h"

#define PATH "/etc/firstops/policies.d/deployers.yaml"

/* Monday 2026-11-23, 12:00:00Z. */
#define MONDAY_NOON INT64_C(1795435200)
#define MIN INT64_C(60)
#define HOUR (60 * MIN)
#define DAY (24 * HOUR)

static const char full[] =
    "---\n"
    "version: 1\n"
    "policy: deployers\n"
    "rules:\n"
    "  - rule: ssh-to-web\n"
    "    effect: allow\n"
    "    channel: login\n"
    "    when:\n"
    "      service: [sshd]\n"
    "      account: [deploy]\n"
    "      host: [\"web-*\"]\n"
    "      source: [10.0.0.0/8, \"fd00::/8\"]\n"
    "      time: {days: [mon, tue], from: \"08:00\", to: \"20:00\", "
    "zone: \"+01:00\"}\n"
    "  - rule: never-wipe\n"
    "    effect: deny\n"
    "    channel: command\n"
    "    when: {command: [\"rm -rf /\"]}\n"
    "...\n";

static struct fo_policy *
accepted(const char *name, const char *text)
{
	struct fo_policy *policy = NULL;
	struct fo_diag diag = { .text = "" };

	cr_assert_eq(fo_policy_parse(PATH, name, text, strlen(text), &diag,
	    &policy), FO_OK, "%s\n%s", diag.text, text);
	return policy;
}

Test(policy, reads_every_field)
{
	struct fo_policy *policy = accepted("deployers", full);
	const struct fo_rule *rule = &policy->rules[0];

	cr_expect_str_eq(policy->name, "deployers");
	cr_assert_eq(policy->rules_count, 2);
	cr_expect_str_eq(rule->name, "ssh-to-web");
	cr_expect_eq(rule->line, 5);
	cr_expect_eq(rule->effect, FO_EFFECT_ALLOW);
	cr_expect_eq(rule->channel, FO_CHANNEL_LOGIN);
	cr_expect_str_eq(rule->services[0], "sshd");
	cr_expect_str_eq(rule->accounts[0], "deploy");
	cr_expect_str_eq(rule->hosts[0], "web-*");
	cr_expect_eq(rule->sources_count, 2);
	cr_assert_not_null(rule->hours);
	cr_expect_eq(rule->hours->days, 3);
	cr_expect_eq(rule->hours->from_min, 480);
	cr_expect_eq(rule->hours->to_min, 1200);
	cr_expect_eq(rule->hours->offset_min, 60);
	rule = &policy->rules[1];
	cr_expect_eq(rule->effect, FO_EFFECT_DENY);
	cr_expect_eq(rule->channel, FO_CHANNEL_COMMAND);
	cr_expect_str_eq(rule->commands[0], "rm -rf /");
	cr_expect_null(rule->services);
	cr_expect_null(rule->hours);
	fo_policy_free(&policy);
	cr_expect_null(policy);
}

Test(policy, reads_the_conditions_of_every_channel)
{
	struct fo_policy *policy = accepted("all", "---\nversion: 1\n"
	    "policy: all\nrules:\n"
	    "  - {rule: a, effect: ask, channel: file,"
	    " when: {path: [\"/etc/*\"], host: [a]}}\n"
	    "  - {rule: b, effect: deny, channel: tool,"
	    " when: {tool: [shell], time: {days: [sun]}}}\n"
	    "  - {rule: c, effect: allow, channel: http, when: {method: [GET],"
	    " url: [\"https://x/*\"], host: [a]}}\n"
	    "  - {rule: d, effect: allow, channel: command,"
	    " when: {command: [ls], account: [a], host: [b]}}\n"
	    "  - {rule: e, effect: deny, channel: login}\n...\n");

	cr_expect_str_eq(policy->rules[0].paths[0], "/etc/*");
	cr_expect_str_eq(policy->rules[1].tools[0], "shell");
	cr_expect_eq(policy->rules[1].hours->days, 0x40);
	cr_expect_str_eq(policy->rules[2].methods[0], "GET");
	cr_expect_str_eq(policy->rules[2].urls[0], "https://x/*");
	cr_expect_str_eq(policy->rules[3].accounts[0], "a");
	fo_policy_free(&policy);
}

Test(policy, one_wrong_field_refuses_the_file_and_says_where_and_how_to_mend)
{
	static const struct {
		const char *from;
		const char *to;
		size_t line;
		const char *what;
	} cases[] = {
		{ "version: 1", "version: 9", 2, "reads version 1" },
		{ "policy: deployers", "policy: deploy", 3,
		    "they must be the same" },
		{ "policy: deployers\n", "", 2, "'policy' is missing" },
		{ "rule: ssh-to-web\n    effect", "effect", 5,
		    "'rule' is missing; add it" },
		{ "rule: ssh-to-web", "rule: SSH", 5, "write a name of" },
		{ "rule: never-wipe", "rule: ssh-to-web", 14,
		    "rule 'ssh-to-web' is there already, in line 5; give" },
		{ "effect: allow", "effect: permit", 6,
		    "write deny, ask or allow" },
		{ "    effect: allow\n", "", 5, "'effect' is missing" },
		{ "effect: allow", "efect: allow", 6,
		    "unknown key 'efect'; did you mean 'effect'?" },
		{ "    channel: login\n", "", 5, "'channel' is missing" },
		{ "channel: login", "channel: logon", 7,
		    "write login, command, file, tool or http" },
		{ "service: [sshd]", "servic: [sshd]", 9,
		    "unknown key 'servic'; did you mean 'service'?" },
		{ "service: [sshd]", "service: sshd", 9, "is no list" },
		{ "service: [sshd]", "service: []", 9,
		    "'service' is an empty list" },
		{ "service: [sshd]", "service:", 9, "has no value" },
		{ "service: [sshd]", "service: [\"a b\"]", 9,
		    "item of 'service' is 'a b'; write a pattern" },
		{ "account: [deploy]", "account: [\"\"]", 10,
		    "item of 'account'" },
		{ "account: [deploy]", "command: [ls]", 10,
		    "condition 'command' does not belong to channel 'login'; "
		    "take it out, or write channel: command" },
		{ "account: [deploy]", "url: [x]", 10,
		    "take it out, or write channel: http" },
		{ "when: {command: [\"rm -rf /\"]}",
		    "when: {command: [x], source: [10.0.0.1]}", 17,
		    "condition 'source' does not belong to channel 'command'" },
		{ "when: {command: [\"rm -rf /\"]}", "when: {}", 17,
		    "'when' has no condition; give it one" },
		{ "when: {command: [\"rm -rf /\"]}", "when:", 17,
		    "'when' is no map of conditions" },
		{ "when: {command: [\"rm -rf /\"]}", "when: [x]", 17,
		    "'when' is no map of conditions" },
		{ "when: {command: [\"rm -rf /\"]}",
		    "when: {command: [\"a\\nb\"]}", 17, "in one line" },
		{ "10.0.0.0/8", "10.0.0.1/8", 12,
		    "no bits set after the prefix" },
		{ "10.0.0.0/8", "web-1", 12, "item of 'source' is 'web-1'" },
		{ "10.0.0.0/8", "10.0.0.0/33", 12, "write an address or" },
		{ "[mon, tue]", "[mon, Tue]", 13, "item of 'days' is 'Tue'" },
		{ "[mon, tue]", "[]", 13, "'days' is an empty list" },
		{ "from: \"08:00\"", "from: \"8:00\"", 13, "time of day" },
		{ "from: \"08:00\"", "from: \"24:00\"", 13, "to \"23:59\"" },
		{ "from: \"08:00\"", "from: \"08:60\"", 13, "time of day" },
		{ "from: \"08:00\"", "from: \"008:0\"", 13, "time of day" },
		{ "from: \"08:00\"", "from: \"08:0\"", 13, "time of day" },
		{ "from: \"08:00\"", "from: \"08-00\"", 13, "time of day" },
		{ "from: \"08:00\"", "from: \"+8:00\"", 13, "time of day" },
		{ "from: \"08:00\"", "from: \"08:00:00\"", 13, "time of" },
		{ "from: \"08:00\"", "from: \"20:00\"", 13,
		    "leave both out for the whole day" },
		{ "from: \"08:00\", ", "", 13, "'from' is missing; add it" },
		{ "to: \"20:00\", ", "", 13, "'to' is missing; add it" },
		{ "to: \"20:00\"", "to: \"24:01\"", 13, "to \"24:00\"" },
		{ "\"+01:00\"", "CET", 13, "write a fixed offset from UTC" },
		{ "\"+01:00\"", "\"01:00\"", 13, "write a fixed offset" },
		{ "\"+01:00\"", "\"+24:00\"", 13, "write a fixed offset" },
		{ "{days: [mon, tue], from: \"08:00\", to: \"20:00\", "
		    "zone: \"+01:00\"}", "{zone: \"+01:00\"}", 13,
		    "neither days nor hours" },
		{ "\n...\n", "\n", 18, "closing \"...\" is missing" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fo_policy *policy = NULL;
		struct fo_diag diag = { .text = "" };
		char *text = changed(full, cases[i].from, cases[i].to);

		cr_expect_eq(fo_policy_parse(PATH, "deployers", text,
		    strlen(text), &diag, &policy), FO_ERR_FORMAT, "%s", text);
		cr_expect_null(policy);
		expect_reason(&diag, PATH, cases[i].line, cases[i].what);
		free(text);
	}
}

/* Is a policy read that has this one condition, for this channel? */
static bool
is_condition(const char *channel, const char *key, const char *value)
{
	struct fo_policy *policy = NULL;
	char text[2048];
	fo_err r;

	(void)snprintf(text, sizeof(text), "---\nversion: 1\npolicy: p\n"
	    "rules:\n  - rule: r\n    effect: deny\n    channel: %s\n"
	    "    when: {%s: [\"%s\"]}\n...\n", channel, key, value);
	r = fo_policy_parse(PATH, "p", text, strlen(text), NULL, &policy);
	cr_expect(r == FO_OK || r == FO_ERR_FORMAT, "%s", fo_err_word(r));
	fo_policy_free(&policy);
	return r == FO_OK;
}

Test(policy, patterns_and_methods_have_their_length)
{
	char text[1026];

	memset(text, 'A', sizeof(text));
	text[1025] = '\0';
	cr_expect_not(is_condition("command", "command", text));
	text[1024] = '\0';
	cr_expect(is_condition("command", "command", text));
	text[33] = '\0';
	cr_expect_not(is_condition("http", "method", text));
	text[32] = '\0';
	cr_expect(is_condition("http", "method", text));
	cr_expect(is_condition("http", "method", "M-SEARCH"));
	cr_expect_not(is_condition("http", "method", ""));
	cr_expect_not(is_condition("http", "method", "Get"));
	cr_expect_not(is_condition("http", "method", "get"));
	cr_expect_not(is_condition("http", "method", "GET "));
}

Test(policy, is_called_by_a_name)
{
	struct fo_policy *policy = NULL;

	cr_expect_eq(fo_policy_parse(PATH, "../p", full, strlen(full), NULL,
	    &policy), FO_ERR_ARG);
	cr_expect_null(policy);
}

Test(policy, a_policy_without_rules_is_refused)
{
	static const char *const texts[] = {
		"---\nversion: 1\npolicy: deployers\nrules: []\n...\n",
		"---\nversion: 1\npolicy: deployers\nrules:\n...\n",
		"---\nversion: 1\npolicy: deployers\n...\n",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fo_policy *policy = NULL;
		struct fo_diag diag = { .text = "" };

		cr_expect_eq(fo_policy_parse(PATH, "deployers", texts[i],
		    strlen(texts[i]), &diag, &policy), FO_ERR_FORMAT);
		cr_expect_not_null(strstr(diag.text, "'rules'"), "%s",
		    diag.text);
	}
}

/* ---- weighing -------------------------------------------------------- */

/* A policy of rules in flow style, each {effect and when} of a login. */
static struct fo_policy *
rules(const char *policy, const char *const *effects,
    const char *const *whens)
{
	struct fo_policy *made;
	char text[4096];
	size_t n;

	n = (size_t)snprintf(text, sizeof(text), "---\nversion: 1\n"
	    "policy: %s\nrules:\n", policy);
	for (size_t i = 0; effects[i] != NULL; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "  - rule: r%zu\n    effect: %s\n    channel: login\n"
		    "%s%s\n", i, effects[i], whens[i][0] == '\0' ? "" :
		    "    when: ", whens[i]);
	(void)snprintf(text + n, sizeof(text) - n, "...\n");
	made = accepted(policy, text);
	return made;
}

static struct fo_action
login(void)
{
	struct fo_action l = { .service = "sshd", .account = "deploy",
		.host = "web-1", .now = MONDAY_NOON };

	fo_source_parse("10.2.3.4", &l.source);
	return l;
}

/* What one rule of this effect and condition says. */
static fo_effect
weigh(const char *effect, const char *when, const struct fo_action *l)
{
	const char *effects[] = { effect, NULL };
	const char *whens[] = { when, NULL };
	struct fo_policy *policy = rules("p", effects, whens);
	const struct fo_policy *list[] = { policy };
	struct fo_verdict verdict;
	fo_effect got;

	fo_policy_weigh(list, 1, l, &verdict);
	got = verdict.effect;
	if (verdict.rule != NULL) {
		cr_expect_str_eq(verdict.policy, "p");
		cr_expect_str_eq(verdict.rule, "r0");
	} else {
		cr_expect_eq(got, FO_EFFECT_DENY);
		cr_expect_null(verdict.policy);
	}
	fo_policy_free(&policy);
	return got;
}

/* Did a deny rule of this condition match? It names itself then. */
static bool
denies(const char *when, const struct fo_action *l)
{
	const char *effects[] = { "deny", NULL };
	const char *whens[] = { when, NULL };
	struct fo_policy *policy = rules("p", effects, whens);
	const struct fo_policy *list[] = { policy };
	struct fo_verdict verdict;
	bool matched;

	fo_policy_weigh(list, 1, l, &verdict);
	cr_expect_eq(verdict.effect, FO_EFFECT_DENY);
	matched = verdict.rule != NULL;
	fo_policy_free(&policy);
	return matched;
}

Test(policy, without_a_matching_rule_the_answer_is_deny_and_names_none)
{
	struct fo_action l = login();
	struct fo_verdict verdict = { .effect = FO_EFFECT_ALLOW,
		.policy = "x", .rule = "x" };

	fo_policy_weigh(NULL, 0, &l, &verdict);
	cr_expect_eq(verdict.effect, FO_EFFECT_DENY);
	cr_expect_null(verdict.policy);
	cr_expect_null(verdict.rule);
	cr_expect_eq(weigh("allow", "{service: [sudo]}", &l),
	    FO_EFFECT_DENY);
}

Test(policy, deny_wins_over_ask_and_ask_over_allow_in_any_order)
{
	static const struct {
		const char *effects[4];
		fo_effect want;
		const char *rule;
	} cases[] = {
		{ { "allow", NULL }, FO_EFFECT_ALLOW, "r0" },
		{ { "ask", NULL }, FO_EFFECT_ASK, "r0" },
		{ { "deny", NULL }, FO_EFFECT_DENY, "r0" },
		{ { "allow", "deny", NULL }, FO_EFFECT_DENY, "r1" },
		{ { "deny", "allow", NULL }, FO_EFFECT_DENY, "r0" },
		{ { "allow", "ask", NULL }, FO_EFFECT_ASK, "r1" },
		{ { "ask", "allow", NULL }, FO_EFFECT_ASK, "r0" },
		{ { "allow", "ask", "deny", NULL }, FO_EFFECT_DENY, "r2" },
		{ { "ask", "deny", "allow", NULL }, FO_EFFECT_DENY, "r1" },
		/* the first of equals is named */
		{ { "allow", "allow", NULL }, FO_EFFECT_ALLOW, "r0" },
		{ { "deny", "deny", NULL }, FO_EFFECT_DENY, "r0" },
	};
	static const char *const whens[] = { "", "", "", "" };
	struct fo_action l = login();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fo_policy *policy = rules("p", cases[i].effects,
		    whens);
		const struct fo_policy *list[] = { policy };
		struct fo_verdict verdict;

		fo_policy_weigh(list, 1, &l, &verdict);
		cr_expect_eq(verdict.effect, cases[i].want, "case %zu", i);
		cr_expect_str_eq(verdict.rule, cases[i].rule, "case %zu", i);
		fo_policy_free(&policy);
	}
}

Test(policy, a_deny_of_another_policy_wins_and_is_named)
{
	static const char *const allow[] = { "allow", NULL };
	static const char *const deny[] = { "deny", NULL };
	static const char *const whens[] = { "" };
	struct fo_policy *first = rules("first", allow, whens);
	struct fo_policy *second = rules("second", deny, whens);
	const struct fo_policy *list[] = { first, second };
	struct fo_action l = login();
	struct fo_verdict verdict;

	fo_policy_weigh(list, 2, &l, &verdict);
	cr_expect_eq(verdict.effect, FO_EFFECT_DENY);
	cr_expect_str_eq(verdict.policy, "second");
	fo_policy_weigh(list, 1, &l, &verdict);
	cr_expect_eq(verdict.effect, FO_EFFECT_ALLOW);
	fo_policy_free(&first);
	fo_policy_free(&second);
}

Test(policy, rules_of_other_channels_say_nothing_about_a_login)
{
	struct fo_policy *policy = accepted("p", "---\nversion: 1\n"
	    "policy: p\nrules:\n"
	    "  - {rule: a, effect: allow, channel: command}\n"
	    "  - {rule: b, effect: allow, channel: file}\n"
	    "  - {rule: c, effect: allow, channel: tool}\n"
	    "  - {rule: d, effect: allow, channel: http}\n...\n");
	const struct fo_policy *list[] = { policy };
	struct fo_action l = login();
	struct fo_verdict verdict;

	fo_policy_weigh(list, 1, &l, &verdict);
	cr_expect_eq(verdict.effect, FO_EFFECT_DENY);
	cr_expect_null(verdict.rule);
	fo_policy_free(&policy);
}

Test(policy, every_condition_must_hold_and_lists_are_alternatives)
{
	static const struct {
		const char *when;
		fo_effect want;
	} cases[] = {
		{ "{service: [sshd]}", FO_EFFECT_ALLOW },
		{ "{service: [sudo, sshd]}", FO_EFFECT_ALLOW },
		{ "{service: [sudo, su]}", FO_EFFECT_DENY },
		{ "{service: [\"ss*\"]}", FO_EFFECT_ALLOW },
		{ "{service: [SSHD]}", FO_EFFECT_DENY },
		{ "{account: [deploy]}", FO_EFFECT_ALLOW },
		{ "{account: [root]}", FO_EFFECT_DENY },
		{ "{host: [\"web-*\"]}", FO_EFFECT_ALLOW },
		{ "{host: [\"db-*\"]}", FO_EFFECT_DENY },
		{ "{source: [10.0.0.0/8]}", FO_EFFECT_ALLOW },
		{ "{source: [192.168.0.0/16]}", FO_EFFECT_DENY },
		{ "{source: [192.168.0.0/16, 10.2.3.4]}", FO_EFFECT_ALLOW },
		{ "{time: {days: [mon]}}", FO_EFFECT_ALLOW },
		{ "{time: {days: [tue]}}", FO_EFFECT_DENY },
		{ "{service: [sshd], account: [deploy], host: [web-1], "
		    "source: [10.2.3.4], time: {days: [mon]}}",
		    FO_EFFECT_ALLOW },
		{ "{service: [su], account: [deploy], host: [web-1], "
		    "source: [10.2.3.4], time: {days: [mon]}}",
		    FO_EFFECT_DENY },
		{ "{service: [sshd], account: [deploy], host: [web-1], "
		    "source: [10.2.3.5], time: {days: [mon]}}",
		    FO_EFFECT_DENY },
		{ "{service: [sshd], account: [deploy], host: [web-1], "
		    "source: [10.2.3.4], time: {days: [tue]}}",
		    FO_EFFECT_DENY },
	};
	struct fo_action l = login();

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(weigh("allow", cases[i].when, &l),
		    cases[i].want, "%s", cases[i].when);
}

/*
 * What is not known speaks against the login: it matches a deny and an ask,
 * never an allow, unless another condition is false.
 */
Test(policy, what_is_not_known_counts_for_deny_and_ask_and_not_for_allow)
{
	static const struct {
		const char *why;
		const char *when;
		bool no_source;
		bool no_host;
		bool no_account;
		bool no_service;
		bool deny_matches;
		bool allow_matches;
	} cases[] = {
		{ "no address", "{source: [10.0.0.0/8]}", true, false, false,
		    false, true, false },
		{ "a known address", "{source: [10.0.0.0/8]}", false, false,
		    false, false, true, true },
		{ "another address", "{source: [11.0.0.0/8]}", false, false,
		    false, false, false, false },
		{ "no address, no condition on it", "{service: [sshd]}", true,
		    false, false, false, true, true },
		{ "no address, a false condition beside it",
		    "{source: [10.0.0.0/8], service: [su]}", true, false,
		    false, false, false, false },
		{ "no address, a true condition beside it",
		    "{source: [10.0.0.0/8], service: [sshd]}", true, false,
		    false, false, true, false },
		{ "no address, wrong day",
		    "{source: [10.0.0.0/8], time: {days: [sun]}}", true,
		    false, false, false, false, false },
		{ "no address, even for all addresses",
		    "{source: [0.0.0.0/0, \"::/0\"]}", true, false, false,
		    false, true, false },
		{ "no host", "{host: [\"*\"]}", false, true, false, false,
		    true, false },
		{ "no account", "{account: [\"*\"]}", false, false, true,
		    false, true, false },
		{ "no service", "{service: [\"*\"]}", false, false, false,
		    true, true, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fo_action l = login();

		if (cases[i].no_source)
			fo_source_parse("some.host.name", &l.source);
		if (cases[i].no_host)
			l.host = NULL;
		if (cases[i].no_account)
			l.account = NULL;
		if (cases[i].no_service)
			l.service = NULL;
		cr_expect_eq(denies(cases[i].when, &l),
		    cases[i].deny_matches, "deny: %s", cases[i].why);
		cr_expect_eq(weigh("ask", cases[i].when, &l) == FO_EFFECT_ASK,
		    cases[i].deny_matches, "ask: %s", cases[i].why);
		cr_expect_eq(weigh("allow", cases[i].when, &l) ==
		    FO_EFFECT_ALLOW, cases[i].allow_matches, "allow: %s",
		    cases[i].why);
	}
}

Test(policy, an_ipv4_mapped_client_is_its_ipv4_address)
{
	struct fo_action l = login();

	fo_source_parse("::ffff:10.2.3.4", &l.source);
	cr_expect_eq(weigh("allow", "{source: [10.0.0.0/8]}", &l),
	    FO_EFFECT_ALLOW);
	cr_expect_not(denies("{source: [\"::/0\"]}", &l));
}

Test(policy, hours_hold_from_their_first_second_to_before_their_end)
{
	static const struct {
		const char *why;
		const char *when;
		int64_t now;
		bool want;
	} cases[] = {
		{ "first second", "{from: \"12:00\", to: \"13:00\"}",
		    MONDAY_NOON, true },
		{ "one before", "{from: \"12:00\", to: \"13:00\"}",
		    MONDAY_NOON - 1, false },
		{ "last second", "{from: \"12:00\", to: \"13:00\"}",
		    MONDAY_NOON + HOUR - 1, true },
		{ "the end", "{from: \"12:00\", to: \"13:00\"}",
		    MONDAY_NOON + HOUR, false },
		{ "to midnight", "{from: \"12:00\", to: \"24:00\"}",
		    MONDAY_NOON + 12 * HOUR - 1, true },
		{ "past midnight", "{from: \"12:00\", to: \"24:00\"}",
		    MONDAY_NOON + 12 * HOUR, false },
		{ "whole day, its last second", "{days: [mon]}",
		    MONDAY_NOON + 12 * HOUR - 1, true },
		{ "whole day, the next", "{days: [mon]}",
		    MONDAY_NOON + 12 * HOUR, false },
		{ "whole day, its first second", "{days: [mon]}",
		    MONDAY_NOON - 12 * HOUR, true },
		{ "whole day, the one before", "{days: [mon]}",
		    MONDAY_NOON - 12 * HOUR - 1, false },
		{ "a day of the week ago", "{days: [mon]}",
		    MONDAY_NOON - 7 * DAY, true },
		/* a window over midnight is its first day's */
		{ "evening of its day",
		    "{days: [mon], from: \"22:00\", to: \"06:00\"}",
		    MONDAY_NOON + 10 * HOUR, true },
		{ "just before the evening",
		    "{days: [mon], from: \"22:00\", to: \"06:00\"}",
		    MONDAY_NOON + 10 * HOUR - 1, false },
		{ "morning after",
		    "{days: [mon], from: \"22:00\", to: \"06:00\"}",
		    MONDAY_NOON + 18 * HOUR - 1, true },
		{ "end of the morning after",
		    "{days: [mon], from: \"22:00\", to: \"06:00\"}",
		    MONDAY_NOON + 18 * HOUR, false },
		{ "morning of its day, which is Sunday's",
		    "{days: [mon], from: \"22:00\", to: \"06:00\"}",
		    MONDAY_NOON - 12 * HOUR, false },
		{ "evening of the next day",
		    "{days: [mon], from: \"22:00\", to: \"06:00\"}",
		    MONDAY_NOON + DAY + 10 * HOUR, false },
		{ "Sunday night reaches into Monday",
		    "{days: [sun], from: \"22:00\", to: \"06:00\"}",
		    MONDAY_NOON - 12 * HOUR, true },
		{ "over midnight, every day",
		    "{from: \"22:00\", to: \"06:00\"}",
		    MONDAY_NOON - 12 * HOUR, true },
		{ "to 00:00 is to the end of the day",
		    "{days: [mon], from: \"22:00\", to: \"00:00\"}",
		    MONDAY_NOON + 12 * HOUR - 1, true },
		{ "and not further",
		    "{days: [mon], from: \"22:00\", to: \"00:00\"}",
		    MONDAY_NOON + 12 * HOUR, false },
		{ "a minute before an hour",
		    "{from: \"12:59\", to: \"13:00\"}",
		    MONDAY_NOON + 59 * MIN, true },
		/* zones */
		{ "noon is 13:00 at +01:00",
		    "{from: \"13:00\", to: \"13:01\", zone: \"+01:00\"}",
		    MONDAY_NOON, true },
		{ "noon is 06:30 at -05:30",
		    "{from: \"06:30\", to: \"06:31\", zone: \"-05:30\"}",
		    MONDAY_NOON, true },
		{ "Monday 23:30Z is Tuesday at +01:00",
		    "{days: [tue], zone: \"+01:00\"}",
		    MONDAY_NOON + 11 * HOUR + 30 * MIN, true },
		{ "Monday 00:30Z is Sunday at -01:00",
		    "{days: [sun], zone: \"-01:00\"}",
		    MONDAY_NOON - 11 * HOUR - 30 * MIN, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fo_action l = login();
		char when[128];

		(void)snprintf(when, sizeof(when), "{time: %s}",
		    cases[i].when);
		l.now = cases[i].now;
		cr_expect_eq(weigh("allow", when, &l) == FO_EFFECT_ALLOW,
		    cases[i].want, "allow: %s", cases[i].why);
		cr_expect_eq(denies(when, &l), cases[i].want, "deny: %s",
		    cases[i].why);
	}
}

Test(policy, a_time_before_1970_is_no_time)
{
	static const struct {
		const char *zone;
		int64_t now;
	} cases[] = {
		{ "+01:00", -1 },
		{ "-01:00", 0 },
		{ "+00:00", -60 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fo_action l = login();
		char when[128];

		(void)snprintf(when, sizeof(when), "{time: {days: [mon, tue, "
		    "wed, thu, fri, sat, sun], zone: \"%s\"}}",
		    cases[i].zone);
		l.now = cases[i].now;
		cr_expect_eq(weigh("allow", when, &l), FO_EFFECT_DENY);
		cr_expect(denies(when, &l));
	}
}

Test(policy, a_rule_without_conditions_always_holds)
{
	struct fo_action l = { .now = MONDAY_NOON };

	cr_expect_eq(weigh("allow", "", &l), FO_EFFECT_ALLOW);
	cr_expect(denies("", &l));
}

/* ---- other channels, and why ------------------------------------------- */

/* What one rule of a channel makes of an action. */
static fo_truth
judge(const char *effect, const char *channel, const char *when,
    const struct fo_action *action, unsigned int *ret_unknown,
    bool *ret_applies)
{
	char text[512];
	struct fo_policy *policy;
	fo_truth truth;

	(void)snprintf(text, sizeof(text), "---\nversion: 1\npolicy: p\n"
	    "rules:\n  - rule: r\n    effect: %s\n    channel: %s\n"
	    "    when: %s\n...\n", effect, channel, when);
	policy = accepted("p", text);
	truth = fo_rule_weigh(&policy->rules[0], action, ret_unknown);
	*ret_applies = fo_rule_applies(&policy->rules[0], truth);
	fo_policy_free(&policy);
	return truth;
}

Test(policy, each_channel_has_its_own_conditions)
{
	static const struct {
		const char *channel, *when;
		struct fo_action action;
		fo_truth want;
	} cases[] = {
		{ "tool", "{tool: [Read]}", { .channel = FO_CHANNEL_TOOL,
		    .tool = "Read" }, FO_TRUE },
		{ "tool", "{tool: [Read]}", { .channel = FO_CHANNEL_TOOL,
		    .tool = "Write" }, FO_FALSE },
		{ "tool", "{tool: [Read]}", { .channel = FO_CHANNEL_TOOL },
		    FO_UNKNOWN },
		{ "tool", "{tool: [Read]}", { .channel = FO_CHANNEL_LOGIN,
		    .tool = "Read" }, FO_FALSE },
		{ "http", "{method: [GET], url: [\"https://a/*\"]}",
		    { .channel = FO_CHANNEL_HTTP, .method = "GET",
		    .url = "https://a/b" }, FO_TRUE },
		{ "http", "{method: [GET], url: [\"https://a/*\"]}",
		    { .channel = FO_CHANNEL_HTTP, .method = "POST",
		    .url = "https://a/b" }, FO_FALSE },
		{ "file", "{path: [\"/srv/*\"]}", { .channel = FO_CHANNEL_FILE,
		    .path = "/srv/a", .resolved = "/srv/a" }, FO_TRUE },
		{ "file", "{path: [\"/srv/*\"]}", { .channel = FO_CHANNEL_FILE,
		    .path = "/home/a", .resolved = "/home/a" }, FO_FALSE },
	};
	unsigned int unknown;
	bool applies;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(judge("deny", cases[i].channel, cases[i].when,
		    &cases[i].action, &unknown, &applies), cases[i].want,
		    "%zu", i);
}

Test(policy, a_file_is_denied_by_its_name_too_and_allowed_by_where_it_is)
{
	const struct fo_action link = { .channel = FO_CHANNEL_FILE,
		.path = "/srv/a", .resolved = "/etc/shadow" };
	const struct fo_action nobody_knows = { .channel = FO_CHANNEL_FILE,
		.path = "/srv/a" };
	static const char srv[] = "{path: [\"/srv/*\"]}";
	static const char etc[] = "{path: [\"/etc/*\"]}";
	unsigned int unknown;
	bool applies;

	cr_expect_eq(judge("deny", "file", srv, &link, &unknown, &applies),
	    FO_TRUE);
	cr_expect_eq(judge("deny", "file", etc, &link, &unknown, &applies),
	    FO_TRUE);
	cr_expect_eq(judge("allow", "file", srv, &link, &unknown, &applies),
	    FO_FALSE);
	cr_expect_eq(judge("allow", "file", etc, &link, &unknown, &applies),
	    FO_TRUE);
	cr_expect_eq(judge("deny", "file", srv, &nobody_knows, &unknown,
	    &applies), FO_TRUE);
	cr_expect_eq(judge("deny", "file", etc, &nobody_knows, &unknown,
	    &applies), FO_UNKNOWN);
	cr_expect(applies);
	cr_expect_eq(unknown, FO_WHEN_PATH);
	cr_expect_eq(judge("allow", "file", srv, &nobody_knows, &unknown,
	    &applies), FO_UNKNOWN);
	cr_expect_not(applies);
}

Test(policy, a_command_is_denied_wide_and_allowed_exactly)
{
	struct fo_command *command = NULL;
	struct fo_action action = { .channel = FO_CHANNEL_COMMAND };
	unsigned int unknown;
	bool applies;

	cr_assert_eq(fo_command_from_shell("sudo /bin/rm -r -f //", NULL,
	    &command), FO_OK);
	action.command = command;
	cr_expect_eq(judge("deny", "command", "{command: [ls, \"rm -rf /\"]}",
	    &action, &unknown, &applies), FO_TRUE);
	cr_expect_eq(judge("ask", "command", "{command: [\"rm -rf /\"]}",
	    &action, &unknown, &applies), FO_TRUE);
	cr_expect_eq(judge("allow", "command", "{command: [\"rm -rf /\"]}",
	    &action, &unknown, &applies), FO_FALSE);
	action.command = NULL;
	cr_expect_eq(judge("allow", "command", "{command: [\"/bin/ls\"]}",
	    &action, &unknown, &applies), FO_UNKNOWN);
	cr_expect_eq(unknown, FO_WHEN_COMMAND);
	cr_expect_not(applies);
	fo_command_free(&command);
	cr_assert_eq(fo_command_from_shell("/bin/ls -l", NULL, &command),
	    FO_OK);
	action.command = command;
	cr_expect_eq(judge("allow", "command", "{command: [\"/bin/ls -l\"]}",
	    &action, &unknown, &applies), FO_TRUE);
	cr_expect(applies);
	fo_command_free(&command);
}

Test(policy, what_is_unknown_has_a_name)
{
	const struct fo_action nothing = { .channel = FO_CHANNEL_LOGIN,
		.now = -1 };
	static const char *const words[] = { "service", "account", "host",
		"source", "time", "command", "path", "tool", "method",
		"url" };
	unsigned int unknown;
	bool applies;

	cr_expect_eq(judge("allow", "login", "{service: [a], account: [a],"
	    " host: [a], source: [10.0.0.0/8], time: {days: [mon]}}",
	    &nothing, &unknown, &applies), FO_UNKNOWN);
	cr_expect_eq(unknown, FO_WHEN_SERVICE | FO_WHEN_ACCOUNT |
	    FO_WHEN_HOST | FO_WHEN_SOURCE | FO_WHEN_TIME);
	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		cr_expect_str_eq(fo_when_word(1U << i), words[i]);
	cr_expect_str_eq(fo_when_word(0), "unknown");
	cr_expect_str_eq(fo_when_word(1U << 10), "unknown");
}
