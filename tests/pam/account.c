/*
 * The account phase: our own logins while they are in force, and reserved
 * accounts against everybody else.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct world w;

static void
open_world(void)
{
	world_open(&w);
}

static void
close_world(void)
{
	world_close(&w);
}

TestSuite(account, .init = open_world, .fini = close_world);

static struct client agent = { .way = CLIENT_SIGNS, .world = &w };
static struct client person = { .way = CLIENT_SAYS, .text = "secret" };

/* A handle in which the agent has just logged in, events read away. */
static pam_handle_t *
logged_in(const char *service, const char *user)
{
	pam_handle_t *pamh = world_start(&w, service, user, &agent);

	cr_assert_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
	world_put(&w, "events", "%s", "");
	return pamh;
}

static int
account_of(const char *service, const char *user)
{
	pam_handle_t *pamh = world_start(&w, service, user, &person);
	int r = pam_acct_mgmt(pamh, 0);

	(void)pam_end(pamh, r);
	return r;
}

static void
expect_denied(pam_handle_t *pamh, const char *why, const char *id)
{
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
	world_events(&w);
	cr_assert_eq(w.events_count, 1);
	cr_expect(world_event_has(&w, 0, "\"ev\":\"account\"",
	    "\"res\":\"deny\"", "\"rc\":6", why, id, NULL));
	(void)pam_end(pamh, PAM_PERM_DENIED);
}

Test(account, permits_our_login_without_an_event_of_its_own)
{
	pam_handle_t *pamh = logged_in("sshd", "deploy");

	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_SUCCESS);
	world_events(&w);
	cr_expect_eq(w.events_count, 0);
	(void)pam_end(pamh, PAM_SUCCESS);
}

Test(account, denies_our_login_under_another_user)
{
	pam_handle_t *pamh = logged_in("sshd", "deploy");

	cr_assert_eq(pam_set_item(pamh, PAM_USER, "robot"), PAM_SUCCESS);
	expect_denied(pamh, "\"why\":\"user_changed\"", AGENT_ID);
}

Test(account, denies_our_login_once_the_principal_is_revoked)
{
	pam_handle_t *pamh = logged_in("sshd", "deploy");

	world_agent(&w, "revoked", "");
	expect_denied(pamh, "\"why\":\"revoked\"", AGENT_ID);
}

Test(account, denies_our_login_once_its_key_is_revoked)
{
	pam_handle_t *pamh = logged_in("sshd", "deploy");

	world_agent(&w, "active", "    revoked: 2026-01-02T00:00:00Z\n");
	expect_denied(pamh, "\"why\":\"revoked_key\"", AGENT_ID);
}

Test(account, denies_our_login_once_no_policy_permits_it)
{
	pam_handle_t *pamh = logged_in("sshd", "deploy");

	world_put(&w, "policies.d/deployers.yaml", "---\nversion: 1\n"
	    "policy: deployers\nrules:\n  - rule: log-in\n    effect: allow\n"
	    "    channel: login\n    when:\n      service: [sudo]\n...\n");
	expect_denied(pamh, "\"why\":\"policy\"", AGENT_ID);
}

Test(account, ignores_people_in_accounts_of_their_own)
{
	cr_expect_eq(account_of("sshd", "alice"), IGNORED);
	world_events(&w);
	cr_expect_eq(w.events_count, 0);
}

Test(account, denies_a_reserved_account_to_whoever_came_another_way)
{
	static const char *const users[] = { "deploy", "agent-7" };

	for (size_t i = 0; i < 2; i++) {
		world_put(&w, "events", "%s", "");
		expect_denied(world_start(&w, "sshd", users[i], &person),
		    "\"why\":\"reserved\"", "\"id\":\"-\"");
	}
}

Test(account, denies_a_reserved_account_after_a_refused_proof)
{
	pam_handle_t *pamh;

	agent.omits_nonce = true;
	pamh = world_start(&w, "sshd", "deploy", &agent);
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_AUTH_ERR);
	world_put(&w, "events", "%s", "");
	expect_denied(pamh, "\"why\":\"reserved\"", "\"id\":\"-\"");
}

Test(account, leaves_reserved_accounts_alone_where_the_line_says_lax)
{
	world_service(&w, "sshd", "lax");
	cr_expect_eq(account_of("sshd", "deploy"), IGNORED);
}

Test(account, checks_our_own_login_where_the_line_says_lax_too)
{
	pam_handle_t *pamh;

	world_service(&w, "sshd", "lax");
	pamh = logged_in("sshd", "deploy");
	world_agent(&w, "suspended", "");
	expect_denied(pamh, "\"why\":\"suspended\"", AGENT_ID);
}

Test(account, denies_a_name_that_does_not_fit_as_patterns_cannot_match_it)
{
	char user[400] = "agent-";

	memset(user + 6, 'a', sizeof(user) - 7);
	cr_expect_eq(account_of("sshd", user), PAM_SERVICE_ERR);
	cr_expect_eq(account_of("sshd", ""), PAM_SERVICE_ERR);
}

Test(account, does_not_believe_variables_of_a_login)
{
	pam_handle_t *pamh = world_start(&w, "sshd", "deploy", &person);

	cr_assert_eq(pam_putenv(pamh, "FIRSTOPS_ID=" AGENT_ID), PAM_SUCCESS);
	cr_assert_eq(pam_putenv(pamh, "FIRSTOPS_PENDING="
	    "AAAAAAAAAAAAAAAAAAAAAA"), PAM_SUCCESS);
	expect_denied(pamh, "\"why\":\"reserved\"", "\"id\":\"-\"");
}

Test(account, denies_everybody_without_its_configuration_and_tells_syslog)
{
	char line[2048];

	world_private_dev(&w);
	world_put(&w, "firstops.yaml", "---\nversion: 1\nhost: bas");
	cr_expect_eq(account_of("sshd", "alice"), PAM_PERM_DENIED);
	cr_expect_not_null(strstr(world_syslog(&w, line, sizeof(line)),
	    "\"why\":\"config\""), "%s", line);
}
