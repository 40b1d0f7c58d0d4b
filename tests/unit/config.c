/*
 * firstops.yaml: what is read, what is shipped, what is refused.
 */
#include "support/refusal.h"
#include "support/sweep.h"

#include "host/config.h"

#define PATH "/etc/firstops/firstops.yaml"

static const char full[] =
    "---\n"
    "version: 1\n"
    "host: bastion\n"
    "aliases: [bastion.example.com]\n"
    "proof: {max_age_s: 120, clock_skew_s: 0}\n"
    "reserved_accounts: [deploy, \"agent-*\"]\n"
    "services:\n"
    "  sshd: {nonce: auto, ask: all}\n"
    "  postgresql: {user: postgres}\n"
    "  sudo: {}\n"
    "replay: {folder: /run/other/replay}\n"
    "audit: {required: [\"file:/var/log/x.log\"], best_effort: [syslog]}\n"
    "...\n";

static struct fo_config *
accepted(const char *text)
{
	struct fo_config *config = NULL;
	struct fo_diag diag = { .text = "" };

	cr_assert_eq(fo_config_parse(PATH, text, strlen(text), &diag,
	    &config), FO_OK, "%s", diag.text);
	return config;
}

Test(config, reads_every_field)
{
	struct fo_config *config = accepted(full);

	cr_expect_str_eq(config->host, "bastion");
	cr_expect_str_eq(config->aliases[0], "bastion.example.com");
	cr_expect_null(config->aliases[1]);
	cr_expect_eq(config->max_age_s, 120);
	cr_expect_eq(config->clock_skew_s, 0);
	cr_expect_str_eq(config->reserved_accounts[1], "agent-*");
	cr_expect_eq(config->services_count, 3);
	cr_expect_str_eq(config->replay_folder, "/run/other/replay");
	cr_expect_str_eq(config->audit_required[0], "file:/var/log/x.log");
	cr_expect_str_eq(config->audit_best_effort[0], "syslog");
	fo_config_free(&config);
	cr_expect_null(config);
}

Test(config, only_version_and_host_must_be_there)
{
	struct fo_config *config = accepted(
	    "---\nversion: 1\nhost: web-1\n...\n");

	cr_expect_null(config->aliases[0]);
	cr_expect_eq(config->max_age_s, 60);
	cr_expect_eq(config->clock_skew_s, 15);
	cr_expect_null(config->reserved_accounts[0]);
	cr_expect_eq(config->services_count, 0);
	cr_expect_str_eq(config->replay_folder, "/run/firstops/replay");
	cr_expect_str_eq(config->audit_required[0], "syslog");
	cr_expect_null(config->audit_required[1]);
	cr_expect_null(config->audit_best_effort[0]);
	fo_config_free(&config);
}

Test(config, what_is_left_empty_has_what_is_shipped)
{
	struct fo_config *config = accepted("---\nversion: 1\nhost: web-1\n"
	    "aliases: []\nproof: {}\nreserved_accounts: []\nservices: {}\n"
	    "replay: {}\naudit: {}\n...\n");

	cr_expect_null(config->aliases[0]);
	cr_expect_eq(config->max_age_s, 60);
	cr_expect_eq(config->clock_skew_s, 15);
	cr_expect_null(config->reserved_accounts[0]);
	cr_expect_eq(config->services_count, 0);
	cr_expect_str_eq(config->replay_folder, "/run/firstops/replay");
	cr_expect_str_eq(config->audit_required[0], "syslog");
	cr_expect_null(config->audit_required[1]);
	cr_expect_null(config->audit_best_effort[0]);
	fo_config_free(&config);
}

Test(config, events_go_to_one_sink_at_least)
{
	static const char *const sinks[] = {
		"[], best_effort: [syslog]", "[syslog], best_effort: []",
		"[syslog, \"file:/var/log/x.log\"]",
	};

	for (size_t i = 0; i < sizeof(sinks) / sizeof(sinks[0]); i++) {
		char *text = changed(full, "[\"file:/var/log/x.log\"], "
		    "best_effort: [syslog]", sinks[i]);
		struct fo_config *config = accepted(text);

		cr_expect(config->audit_required[0] != NULL ||
		    config->audit_best_effort[0] != NULL);
		fo_config_free(&config);
		free(text);
	}
}

Test(config, dots_are_parts_of_names_but_not_all_of_one)
{
	static const char *const folders[] = { "/run/.x", "/run/x.", "/run/..x",
		"/run/.x.", "/run/...", "/.x/..y", "/a/b", "/run/a b" };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char *text = changed(full, "/run/other/replay", folders[i]);
		struct fo_config *config = accepted(text);

		cr_expect_str_eq(config->replay_folder, folders[i]);
		fo_config_free(&config);
		free(text);
	}
}

Test(config, none_is_freed_as_well)
{
	struct fo_config *config = NULL;

	fo_config_free(NULL);
	fo_config_free(&config);
	cr_expect_null(config);
}

Test(config, a_service_without_an_entry_has_what_is_shipped)
{
	static const struct {
		const char *service;
		fo_nonce_rule nonce;
		fo_ask ask;
	} cases[] = {
		{ "sshd", FO_NONCE_ALWAYS, FO_ASK_RESERVED },
		{ "sudo", FO_NONCE_ALWAYS, FO_ASK_RESERVED },
		{ "sudo-i", FO_NONCE_ALWAYS, FO_ASK_RESERVED },
		{ "su", FO_NONCE_ALWAYS, FO_ASK_RESERVED },
		{ "su-l", FO_NONCE_ALWAYS, FO_ASK_RESERVED },
		{ "login", FO_NONCE_ALWAYS, FO_ASK_RESERVED },
		{ "cockpit", FO_NONCE_ALWAYS, FO_ASK_RESERVED },
		{ "firstops-login", FO_NONCE_ALWAYS, FO_ASK_RESERVED },
		{ "postgresql", FO_NONCE_AUTO, FO_ASK_ALL },
		{ "anything", FO_NONCE_AUTO, FO_ASK_ALL },
		{ "SSHD", FO_NONCE_AUTO, FO_ASK_ALL },
		{ "sshd2", FO_NONCE_AUTO, FO_ASK_ALL },
	};
	struct fo_config *config = accepted(
	    "---\nversion: 1\nhost: web-1\n...\n");
	struct fo_service service;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fo_config_service(config, cases[i].service, &service);
		cr_expect_str_eq(service.name, cases[i].service);
		cr_expect_eq(service.nonce, cases[i].nonce, "%s",
		    cases[i].service);
		cr_expect_eq(service.ask, cases[i].ask, "%s",
		    cases[i].service);
		cr_expect_str_eq(service.user, "root");
	}
	fo_config_free(&config);
}

Test(config, an_entry_changes_what_it_says_and_nothing_else)
{
	struct fo_config *config = accepted(full);
	struct fo_service service;

	fo_config_service(config, "sshd", &service);
	cr_expect_eq(service.nonce, FO_NONCE_AUTO);
	cr_expect_eq(service.ask, FO_ASK_ALL);
	cr_expect_str_eq(service.user, "root");
	fo_config_service(config, "postgresql", &service);
	cr_expect_eq(service.nonce, FO_NONCE_AUTO);
	cr_expect_eq(service.ask, FO_ASK_ALL);
	cr_expect_str_eq(service.user, "postgres");
	fo_config_service(config, "sudo", &service);
	cr_expect_eq(service.nonce, FO_NONCE_ALWAYS);
	cr_expect_eq(service.ask, FO_ASK_RESERVED);
	fo_config_free(&config);
}

Test(config, reserved_accounts_are_patterns)
{
	struct fo_config *config = accepted(full);

	cr_expect(fo_config_reserved(config, "deploy"));
	cr_expect(fo_config_reserved(config, "agent-7"));
	cr_expect_not(fo_config_reserved(config, "deployer"));
	cr_expect_not(fo_config_reserved(config, "root"));
	cr_expect_not(fo_config_reserved(config, ""));
	fo_config_free(&config);
}

Test(config, one_wrong_field_refuses_the_file_and_says_where_and_how_to_mend)
{
	static const struct {
		const char *from;
		const char *to;
		size_t line;
		const char *what;
	} cases[] = {
		{ "version: 1\n", "version: 2\n", 2, "reads version 1" },
		{ "version: 1\n", "", 2, "'version' is missing; add it" },
		{ "host: bastion\n", "", 2, "'host' is missing; add it" },
		{ "host: bastion\n", "host:\n", 3, "give it one" },
		{ "host: bastion\n", "host: \"\"\n", 3, "give it a value" },
		{ "host: bastion\n", "host: localhost\n", 3,
		    "not localhost and not an address" },
		{ "host: bastion\n", "host: 10.0.0.1\n", 3, "write a name" },
		{ "host: bastion\n", "host: \"fd00::1\"\n", 3, "write a" },
		{ "host: bastion\n", "host: a/b\n", 3, "write a name" },
		{ "host: bastion\n", "hots: bastion\n", 3,
		    "unknown key 'hots'; did you mean 'host'?" },
		{ "[bastion.example.com]", "[localhost]", 4,
		    "item of 'aliases' is 'localhost'; write a name" },
		{ "[bastion.example.com]", "bastion", 4,
		    "'aliases' is no list; write its items as [a, b]" },
		{ "max_age_s: 120", "max_age_s: 0", 5, "from 1 to 300" },
		{ "max_age_s: 120", "max_age_s: 301", 5, "from 1 to 300" },
		{ "max_age_s: 120", "max_age_s: 1m", 5, "from 1 to 300" },
		{ "max_age_s: 120", "max_age: 120", 5,
		    "did you mean 'max_age_s'?" },
		{ "clock_skew_s: 0", "clock_skew_s: -1", 5, "from 0 to 60" },
		{ "clock_skew_s: 0", "clock_skew_s: 61", 5, "from 0 to 60" },
		{ "[deploy, \"agent-*\"]", "[\"a b\"]", 6,
		    "item of 'reserved_accounts' is 'a b'; write an account" },
		{ "[deploy, \"agent-*\"]", "", 6, "has no value" },
		{ "nonce: auto", "nonce: never", 8, "write always or auto" },
		{ "ask: all", "ask: none", 8, "write reserved or all" },
		{ "ask: all", "aks: all", 8, "did you mean 'ask'?" },
		{ "user: postgres", "user: \"a b\"", 9, "'user' is 'a b'" },
		{ "  postgresql:", "  ../sshd:", 9,
		    "'../sshd' cannot be a service; write the name of its" },
		{ "  postgresql:", "  sshd:", 9, "key 'sshd' is there" },
		{ "sudo: {}", "sudo:", 10, "a map is expected here" },
		{ "  sshd: {nonce: auto, ask: all}\n"
		    "  postgresql: {user: postgres}\n"
		    "  sudo: {}\n", "  - sshd\n", 8, "'services' is no map; "
		    "write lines of the form \"sshd: {nonce: always}\"" },
		{ "/run/other/replay", "run/replay", 11, "absolute path" },
		{ "/run/other/replay", "/run", 11, "absolute path" },
		{ "/run/other/replay", "/run/../etc", 11, "absolute path" },
		{ "/run/other/replay", "/run//replay", 11, "absolute path" },
		{ "/run/other/replay", "/run/replay/", 11, "absolute path" },
		{ "/run/other/replay", "/run/./replay", 11, "absolute path" },
		{ "/run/other/replay", "/run/.", 11, "absolute path" },
		{ "/run/other/replay", "/run/..", 11, "absolute path" },
		{ "/run/other/replay", "\"/run/a\\tb\"", 11,
		    "absolute path" },
		{ "/run/other/replay", "\"\"", 11, "'folder'" },
		{ "\"file:/var/log/x.log\"", "journal", 12,
		    "item of 'required' is 'journal'; write \"syslog\"" },
		{ "\"file:/var/log/x.log\"", "\"file:x.log\"", 12,
		    "\"file:/absolute/path\"" },
		{ "\"file:/var/log/x.log\"", "\"pipe:/var/log/x.log\"", 12,
		    "\"file:/absolute/path\"" },
		{ "[\"file:/var/log/x.log\"], best_effort: [syslog]",
		    "[], best_effort: []", 12, "write required: [syslog]" },
		{ "\n...\n", "\n", 13, "closing \"...\" is missing" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fo_config *config = NULL;
		struct fo_diag diag = { .text = "" };
		char *text = changed(full, cases[i].from, cases[i].to);

		cr_expect_eq(fo_config_parse(PATH, text, strlen(text), &diag,
		    &config), FO_ERR_FORMAT, "%s", text);
		cr_expect_null(config);
		expect_reason(&diag, PATH, cases[i].line, cases[i].what);
		free(text);
	}
}

Test(config, a_file_that_is_no_map_is_refused)
{
	static const char *const texts[] = { "---\n- a\n...\n",
		"---\nword\n...\n", "---\n...\n" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fo_config *config = NULL;
		struct fo_diag diag = { .text = "" };

		cr_expect_eq(fo_config_parse(PATH, texts[i],
		    strlen(texts[i]), &diag, &config), FO_ERR_FORMAT);
		cr_expect_not_null(strstr(diag.text, "a map is expected"),
		    "%s", diag.text);
	}
}

static fo_err
parse(void *arg)
{
	struct fo_config *config = NULL;
	struct fo_diag diag;
	const fo_err r = fo_config_parse(PATH, arg, strlen(arg), &diag,
	    &config);

	fo_config_free(&config);
	return r;
}

Test(config, without_memory_there_is_none_and_that_is_what_is_said)
{
	static const struct sweep work = { .what = "a configuration",
		.act = parse, .memory = true };
	char given[] = "---\nversion: 1\nhost: web-1\naliases: [web]\n"
	    "reserved_accounts: [deploy]\nservices: {x: {user: y}}\n"
	    "replay: {folder: /run/replay}\naudit: {required: [syslog]}\n"
	    "...\n";
	char shipped[] = "---\nversion: 1\nhost: web-1\n...\n";

	sweep(&work, given);
	sweep(&work, shipped);
}
