/*
 * Principals: read, written, and asked whether they are in force.
 */
#include "support/refusal.h"

#include "host/principal.h"

#define ID "fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77"
#define USER_ID "fo_user_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77"
#define PATH "/etc/firstops/principals.d/" ID ".yaml"
#define JKT_A "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
#define JKT_B "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
#define JKT_C "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

#define CREATED 1795456800	/* 2026-11-23T18:00:00Z */
#define EXPIRES 1803405600	/* 2027-02-23T18:00:00Z */

static const char full[] =
    "---\n"
    "version: 1\n"
    "status: active\n"
    "id: " ID "\n"
    "kind: agent\n"
    "name: build-bot\n"
    "owner: team-platform\n"
    "groups: [deployers]\n"
    "policies: [own]\n"
    "accounts: [deploy, \"postgresql:etl\"]\n"
    "keys:\n"
    "  - thumbprint: " JKT_A "\n"
    "    created: 2026-11-23T18:00:00Z\n"
    "    expires: 2027-02-23T18:00:00Z\n"
    "  - thumbprint: " JKT_B "\n"
    "    created: 2026-08-01T09:00:00Z\n"
    "    revoked: 2026-11-23T19:00:00Z\n"
    "    reason: rotated\n"
    "...\n";

/* As long as the name of a service can be. */
#define SERVICE_64 \
    "ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss"

static struct fo_principal *
accepted(const char *text)
{
	struct fo_principal *principal = NULL;
	struct fo_diag diag = { .text = "" };

	cr_assert_eq(fo_principal_parse(PATH, ID, text, strlen(text), &diag,
	    &principal), FO_OK, "%s\n%s", diag.text, text);
	return principal;
}

Test(principal, reads_every_field)
{
	struct fo_principal *p = accepted(full);

	cr_expect_eq(p->status, FO_STATUS_ACTIVE);
	cr_expect_str_eq(p->id, ID);
	cr_expect_eq(p->kind, FO_KIND_AGENT);
	cr_expect_str_eq(p->name, "build-bot");
	cr_expect_str_eq(p->owner, "team-platform");
	cr_expect_str_eq(p->groups[0], "deployers");
	cr_expect_str_eq(p->policies[0], "own");
	cr_expect_str_eq(p->accounts[1], "postgresql:etl");
	cr_expect_null(p->accounts[2]);
	cr_assert_eq(p->keys_count, 2);
	cr_expect_str_eq(p->keys[0].jkt, JKT_A);
	cr_expect_eq(p->keys[0].created, CREATED);
	cr_expect_eq(p->keys[0].expires, EXPIRES);
	cr_expect_eq(p->keys[0].revoked, 0);
	cr_expect_null(p->keys[0].reason);
	cr_expect_eq(p->keys[1].revoked, CREATED + 3600);
	cr_expect_str_eq(p->keys[1].reason, "rotated");
	fo_principal_free(&p);
	cr_expect_null(p);
}

Test(principal, groups_policies_and_accounts_may_be_left_out)
{
	struct fo_principal *p = accepted("---\nversion: 1\n"
	    "status: suspended\nid: " ID "\nkind: agent\nname: a\nowner: b\n"
	    "keys: []\n...\n");

	cr_expect_null(p->groups[0]);
	cr_expect_null(p->policies[0]);
	cr_expect_null(p->accounts[0]);
	cr_expect_eq(p->keys_count, 0);
	fo_principal_free(&p);
}

Test(principal, an_account_may_be_of_the_longest_service)
{
	char *text = changed(full, "[deploy, ", "[" SERVICE_64 ":deploy, ");
	struct fo_principal *p = accepted(text);

	cr_expect_str_eq(p->accounts[0], SERVICE_64 ":deploy");
	fo_principal_free(&p);
	free(text);
}

Test(principal, has_keys_even_if_none)
{
	static const char head[] = "---\nversion: 1\nstatus: active\nid: " ID
	    "\nkind: agent\nname: build-bot\nowner: team-platform\n";
	struct fo_principal *p = NULL;
	struct fo_diag diag = { .text = "" };
	char text[512];

	(void)snprintf(text, sizeof(text), "%s...\n", head);
	cr_expect_eq(fo_principal_parse(PATH, ID, text, strlen(text), &diag,
	    &p), FO_ERR_FORMAT);
	expect_reason(&diag, PATH, 2, "'keys' is missing; add it");
	(void)snprintf(text, sizeof(text), "%skeys: []\n...\n", head);
	p = accepted(text);
	cr_expect_eq(p->keys_count, 0);
	fo_principal_free(&p);
}

Test(principal, is_called_by_an_id)
{
	struct fo_principal *p = NULL;

	cr_expect_eq(fo_principal_parse(PATH, "../x", full, strlen(full),
	    NULL, &p), FO_ERR_ARG);
	cr_expect_null(p);
}

Test(principal, a_time_that_cannot_be_written_is_not)
{
	struct fo_principal *p = accepted(full);
	char *text = NULL;

	p->keys[0].created = -1;
	cr_expect_neq(fo_principal_format(p, &text), FO_OK);
	cr_expect_null(text);
	fo_principal_free(&p);
}

Test(principal, of_no_known_status_is_not_in_force)
{
	struct fo_principal *p = accepted(full);

	p->status = (fo_status)99;
	cr_expect_eq(fo_principal_in_force(p, NULL, CREATED),
	    FO_ERR_INTERNAL);
	cr_expect_null(fo_principal_key(p, ""), "there is no key but those");
	fo_principal_free(&p);
}

Test(principal, a_human_has_a_users_id)
{
	struct fo_principal *p = NULL;
	struct fo_diag diag = { .text = "" };
	static const char text[] = "---\nversion: 1\nstatus: active\n"
	    "id: " USER_ID "\nkind: human\nname: ada\nowner: ada\n"
	    "keys: []\n...\n";

	cr_expect_eq(fo_principal_parse(PATH, USER_ID, text, strlen(text),
	    &diag, &p), FO_OK, "%s", diag.text);
	cr_expect_eq(p->kind, FO_KIND_HUMAN);
	fo_principal_free(&p);
}

Test(principal, one_wrong_field_refuses_the_file_and_says_where_and_how_to_mend)
{
	static const struct {
		const char *from;
		const char *to;
		size_t line;
		const char *what;
	} cases[] = {
		{ "version: 1", "version: 3", 2, "reads version 1" },
		{ "status: active\n", "", 2, "'status' is missing; add it" },
		{ "status: active", "status: Active", 3,
		    "write revoked, suspended or active" },
		{ "status: active", "status:", 3, "has no value" },
		{ "status: active", "statsu: active", 3,
		    "unknown key 'statsu'; did you mean 'status'?" },
		{ "status: active", "status: active\nstatus: active", 4,
		    "key 'status' is there already, in line 3; keep one" },
		{ "id: " ID, "id: fo_agent_00000000-7a53-4c0e-9f5a-"
		    "2b1f0c9d8e77", 4, "they must be the same" },
		{ "id: " ID "\n", "", 2, "'id' is missing" },
		{ "kind: agent\n", "", 2, "'kind' is missing" },
		{ "kind: agent", "kind: robot", 5, "write agent or human" },
		{ "kind: agent", "kind: human", 5, "begins with fo_agent_" },
		{ "name: build-bot\n", "", 2, "'name' is missing" },
		{ "name: build-bot", "name: Build Bot", 6,
		    "'name' is 'Build Bot'; write a name of the form" },
		{ "name: build-bot", "name: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaaaaaaaa", 6, "[a-z0-9][a-z0-9._-]{0,47}" },
		{ "owner: team-platform\n", "", 2, "'owner' is missing" },
		{ "owner: team-platform", "owner: a\\b", 7, "'owner' is" },
		{ "[deployers]", "[\"../deployers\"]", 8,
		    "item of 'groups' is '../deployers'; write the name" },
		{ "[deployers]", "deployers", 8, "'groups' is no list" },
		{ "[own]", "[Own]", 9, "item of 'policies'" },
		{ "[deploy, ", "[\"*\", ", 10,
		    "patterns belong in reserved_accounts and policies" },
		{ "[deploy, ", "[\"agent-?\", ", 10, "without '*' and '?'" },
		{ "[deploy, ", "[\"a b\", ", 10, "item of 'accounts'" },
		{ "[deploy, ", "[\"\", ", 10, "item of 'accounts' is ''" },
		{ "[deploy, ", "[\"sshd:\", ", 10, "item of 'accounts'" },
		{ "[deploy, ", "[\":deploy\", ", 10, "item of 'accounts'" },
		{ "[deploy, ", "[\"../x:deploy\", ", 10, "SERVICE:ACCOUNT" },
		{ "[deploy, ", "[\xc3\xa4, ", 10, "item of 'accounts'" },
		{ "thumbprint: " JKT_A "\n", "created: 2026-11-23T18:00:00Z\n",
		    13, "key 'created' is there already" },
		{ "thumbprint: " JKT_A "\n    ", "", 12,
		    "'thumbprint' is missing; add it" },
		{ "[deploy, ", "[" SERVICE_64 "s:deploy, ", 10,
		    "item of 'accounts'" },
		{ "thumbprint: " JKT_A, "thumbprint: short", 12,
		    "write the 43 characters" },
		{ "thumbprint: " JKT_B, "thumbprint: " JKT_A, 15,
		    "is listed above already; keep one" },
		{ "thumbprint: " JKT_B, "thumprint: " JKT_B, 15,
		    "did you mean 'thumbprint'?" },
		{ "    created: 2026-08-01T09:00:00Z\n", "", 15,
		    "'created' is missing; add it" },
		{ "expires: 2027-02-23T18:00:00Z", "expires: never", 14,
		    "write a time in UTC" },
		{ "expires: 2027-02-23T18:00:00Z", "expires:", 14,
		    "has no value" },
		{ "expires: 2027", "expire: 2027", 14,
		    "did you mean 'expires'?" },
		/* these two would leave a revoked key in force */
		{ "revoked: 2026-11-23T19:00:00Z",
		    "revoked: 1970-01-01T00:00:00Z", 17,
		    "write a time in UTC" },
		{ "    revoked: 2026-11-23T19:00:00Z\n", "", 17,
		    "say when the key was revoked" },
		{ "reason: rotated", "reason: \"a\\nb\"", 18,
		    "control bytes; write one line" },
		/* U+2028: what is written anew would not be read again */
		{ "reason: rotated", "reason: \"a\\Lb\"", 18,
		    "control bytes; write one line" },
		{ "keys:\n  - thumbprint: " JKT_A "\n", "keys: x\nkyes:\n"
		    "  - thumbprint: " JKT_A "\n", 12, "did you mean 'keys'" },
		{ "\n...\n", "\n", 19, "closing \"...\" is missing" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fo_principal *p = NULL;
		struct fo_diag diag = { .text = "" };
		char *text = changed(full, cases[i].from, cases[i].to);

		cr_expect_eq(fo_principal_parse(PATH, ID, text, strlen(text),
		    &diag, &p), FO_ERR_FORMAT, "%s", text);
		cr_expect_null(p);
		expect_reason(&diag, PATH, cases[i].line, cases[i].what);
		free(text);
	}
}

Test(principal, sixty_four_keys_are_read_and_one_more_is_not)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklm"
	    "nopqrstuvwxyz0123456789-_";
	char text[16384] = "---\nversion: 1\nstatus: active\nid: " ID "\n"
	    "kind: agent\nname: a\nowner: b\nkeys:\n";
	size_t n = strlen(text);
	struct fo_principal *p = NULL;
	struct fo_diag diag = { .text = "" };

	for (size_t i = 0; i < 64; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "  - thumbprint: B%cAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		    "AA\n    created: 2026-11-23T18:00:00Z\n", digits[i]);
	(void)snprintf(text + n, sizeof(text) - n, "...\n");
	p = accepted(text);
	cr_expect_eq(p->keys_count, 64);
	fo_principal_free(&p);
	(void)snprintf(text + n, sizeof(text) - n, "  - thumbprint: " JKT_A
	    "\n    created: 2026-11-23T18:00:00Z\n...\n");
	cr_expect_eq(fo_principal_parse(PATH, ID, text, strlen(text), &diag,
	    &p), FO_ERR_FORMAT);
	expect_reason(&diag, PATH, 9 + 128, "more than 64 keys; take out");
}

/* What is written is read as the same, and written the same again. */
static void
round_trips(const struct fo_principal *p, const char *why)
{
	char *text = NULL, *again = NULL;
	struct fo_principal *back;

	cr_assert_eq(fo_principal_format(p, &text), FO_OK, "%s", why);
	back = accepted(text);
	cr_assert_eq(fo_principal_format(back, &again), FO_OK);
	cr_expect_str_eq(text, again, "%s", why);
	for (size_t i = 0; p->accounts != NULL && p->accounts[i] != NULL; i++)
		cr_expect_str_eq(back->accounts[i], p->accounts[i]);
	cr_expect_str_eq(back->name, p->name);
	cr_expect_str_eq(back->owner, p->owner);
	cr_expect_eq(back->status, p->status);
	cr_assert_eq(back->keys_count, p->keys_count);
	for (size_t i = 0; i < p->keys_count; i++) {
		cr_expect_str_eq(back->keys[i].jkt, p->keys[i].jkt);
		cr_expect_eq(back->keys[i].created, p->keys[i].created);
		cr_expect_eq(back->keys[i].expires, p->keys[i].expires);
		cr_expect_eq(back->keys[i].revoked, p->keys[i].revoked);
		if (p->keys[i].reason == NULL)
			cr_expect_null(back->keys[i].reason);
		else
			cr_expect_str_eq(back->keys[i].reason,
			    p->keys[i].reason);
	}
	fo_principal_free(&back);
	free(text);
	free(again);
}

Test(principal, what_is_written_is_read_as_the_same)
{
	struct fo_principal *p = accepted(full);
	char *text = NULL;

	round_trips(p, "the sample");
	cr_assert_eq(fo_principal_format(p, &text), FO_OK);
	cr_expect_eq(strncmp(text, "---\nversion: 1\nstatus: active\n", 30),
	    0);
	cr_expect_str_eq(text + strlen(text) - 5, "\n...\n");
	free(text);
	fo_principal_free(&p);
}

Test(principal, names_that_yaml_takes_for_something_else_are_quoted)
{
	static const char *const names[] = { "null", "true", "no", "y", "0",
		"1e5", "0x1f", "12.5", "1970-01-01", "0o7", "on", "a.b" };
	char *accounts[] = { (char[]){ "-" }, (char[]){ "---" },
		(char[]){ "..." }, (char[]){ "[a]" }, (char[]){ "{a}" },
		(char[]){ "#x" }, (char[]){ "a#b" }, (char[]){ "\"'" },
		(char[]){ "\\" }, (char[]){ "DOM\\joe" }, (char[]){ "~" },
		(char[]){ "&a" }, (char[]){ "!a" }, (char[]){ "%a" },
		(char[]){ "@a" }, (char[]){ "`a" }, (char[]){ "a," },
		(char[]){ "svc:a:b" }, (char[]){ "null" }, (char[]){ "|" },
		(char[]){ ">" }, (char[]){ "$x" }, (char[]){ "svc:-" }, NULL };
	struct fo_principal *p = accepted(full);
	char **own = p->accounts;

	p->accounts = accounts;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		memcpy(p->name, names[i], strlen(names[i]) + 1);
		memcpy(p->owner, names[i], strlen(names[i]) + 1);
		round_trips(p, names[i]);
	}
	p->accounts = own;
	fo_principal_free(&p);
}

Test(principal, reasons_in_any_words_survive)
{
	static const char *const reasons[] = { "", "key: value # not a comment",
		"\"quoted\" and \\back\\slash\\", "\xc3\xa4\xe2\x82\xac",
		" spaces around ", "- dash", "null", "a: [b", "'", "%\x41" };
	struct fo_principal *p = accepted(full);

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		free(p->keys[1].reason);
		p->keys[1].reason = strdup(reasons[i]);
		round_trips(p, reasons[i]);
	}
	fo_principal_free(&p);
}

Test(principal, a_principal_without_lists_is_written_with_empty_ones)
{
	struct fo_principal p = { .status = FO_STATUS_REVOKED, .id = ID,
		.name = "a", .owner = "b" };

	round_trips(&p, "no lists");
}

Test(principal, is_in_force_only_while_nothing_speaks_against_it)
{
	static const struct {
		const char *why;
		fo_status status;
		const char *jkt;
		int64_t now;
		fo_err want;
	} cases[] = {
		{ "active, before it expires", FO_STATUS_ACTIVE, JKT_A,
		    EXPIRES - 1, FO_OK },
		{ "at its expiry", FO_STATUS_ACTIVE, JKT_A, EXPIRES,
		    FO_ERR_EXPIRED_KEY },
		{ "long after", FO_STATUS_ACTIVE, JKT_A, INT64_MAX,
		    FO_ERR_EXPIRED_KEY },
		{ "a revoked key", FO_STATUS_ACTIVE, JKT_B, EXPIRES,
		    FO_ERR_REVOKED_KEY },
		{ "a revoked key, by a clock that is behind",
		    FO_STATUS_ACTIVE, JKT_B, 0, FO_ERR_REVOKED_KEY },
		{ "a key that it does not list", FO_STATUS_ACTIVE, JKT_C,
		    CREATED, FO_ERR_UNKNOWN_KEY },
		{ "no key asked about", FO_STATUS_ACTIVE, NULL, EXPIRES,
		    FO_OK },
		{ "suspended, with a good key", FO_STATUS_SUSPENDED, JKT_A,
		    CREATED, FO_ERR_SUSPENDED },
		{ "revoked, with a good key", FO_STATUS_REVOKED, JKT_A,
		    CREATED, FO_ERR_REVOKED },
		{ "revoked before a revoked key", FO_STATUS_REVOKED, JKT_B,
		    CREATED, FO_ERR_REVOKED },
		{ "suspended, no key asked about", FO_STATUS_SUSPENDED, NULL,
		    CREATED, FO_ERR_SUSPENDED },
	};
	struct fo_principal *p = accepted(full);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		p->status = cases[i].status;
		cr_expect_eq(fo_principal_in_force(p, cases[i].jkt,
		    cases[i].now), cases[i].want, "%s", cases[i].why);
	}
	fo_principal_free(&p);
}

Test(principal, has_the_accounts_that_it_lists_exactly_and_where_it_lists_them)
{
	static const struct {
		const char *service;
		const char *account;
		bool want;
	} cases[] = {
		{ "sshd", "deploy", true }, { "anything", "deploy", true },
		{ "postgresql", "etl", true }, { "sshd", "etl", false },
		{ "postgres", "etl", false }, { "postgresql2", "etl", false },
		{ "sshd", "postgresql:etl", false },
		{ "postgresql", "postgresql:etl", false },
		{ "sshd", "deploye", false }, { "sshd", "deployer", false },
		{ "sshd", "Deploy", false }, { "sshd", "", false },
		{ "sshd", "root", false }, { "", "etl", false },
	};
	struct fo_principal *p = accepted(full);
	struct fo_principal none = { .accounts = NULL };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		cr_expect_eq(fo_principal_has_account(p, cases[i].service,
		    cases[i].account), cases[i].want, "%s %s",
		    cases[i].service, cases[i].account);
	cr_expect_not(fo_principal_has_account(&none, "sshd", "deploy"));
	fo_principal_free(&p);
}
