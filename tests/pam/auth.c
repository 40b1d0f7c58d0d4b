/*
 * The auth phase, through libpam: who is asked, what is taken for a proof,
 * what is left for the next module, and which code and event come of it.
 */
#include "fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* openssl passwd -6 -salt firstops 'a.b.c' */
#define HASH_A_B_C \
	"$6$firstops$/rPs4AJilt3loHeU.S0LaBlGBQ9bS7ZOzDiIqf" \
	"U2Iv8H2GnugupXu5BaHah2qa/2XEU70lKT7GNTzRHrjARjz0"

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

TestSuite(auth, .init = open_world, .fini = close_world);

/* One handle, one try; returns the code and ends the handle. */
static int
try(const char *service, const char *user, struct client *client,
    const char *token)
{
	pam_handle_t *pamh = world_start(&w, service, user, client);
	int r;

	if (token != NULL)
		world_token(pamh, token);
	r = pam_authenticate(pamh, 0);
	cr_expect_eq(pam_end(pamh, r), PAM_SUCCESS);
	return r;
}

static struct client
signs(void)
{
	return (struct client) { .way = CLIENT_SIGNS, .world = &w };
}

/* ---- permitted ----------------------------------------------------------- */

Test(auth, permits_a_proof_that_answers_the_challenge)
{
	struct client client = signs();
	pam_handle_t *pamh = world_start(&w, "sshd", "deploy", &client);

	cr_expect_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
	cr_expect_eq(client.asked, 1);
	cr_expect_eq(strncmp(client.prompt, "[FirstOps DPoP "
	    "htu=pam://bastion/sshd/deploy nonce=", 51), 0, "%s",
	    client.prompt);
	cr_expect_null(world_left(pamh));
	cr_expect_eq(client.told, 0);
	cr_expect_str_eq(pam_getenv(pamh, "FIRSTOPS_ID"), AGENT_ID);
	cr_expect_str_eq(pam_getenv(pamh, "FIRSTOPS_NAME"), "build-bot");
	cr_expect_str_eq(pam_getenv(pamh, "FIRSTOPS_OWNER"), "team-platform");
	cr_expect_eq(strlen(pam_getenv(pamh, "FIRSTOPS_SID")), 22);
	world_events(&w);
	cr_assert_eq(w.events_count, 1);
	cr_expect(world_event_has(&w, 0, "\"ev\":\"auth\"",
	    "\"res\":\"permit\"", "\"why\":\"ok\"", "\"rc\":0",
	    "\"id\":\"" AGENT_ID "\"", "\"user\":\"deploy\"",
	    "\"svc\":\"sshd\"", pam_getenv(pamh, "FIRSTOPS_SID"), NULL));
	cr_expect_eq(pam_end(pamh, PAM_SUCCESS), PAM_SUCCESS);
}

Test(auth, permits_a_proof_that_is_there_already_and_never_asks_then)
{
	struct client client = { .way = CLIENT_FAILS };
	char *proof = world_proof(&w, "pam://bastion/db/robot", NULL);

	cr_expect_eq(try("db", "robot", &client, proof), PAM_SUCCESS);
	cr_expect_eq(client.asked, 0);
	fo_proof_text_free(&proof);
}

/* ---- no proof offered ---------------------------------------------------- */

Test(auth, leaves_a_typed_password_to_the_next_module_dots_and_all)
{
	static const char *const passwords[] = { "secret", "a.b.c", "",
		"eyJ.looks.likeone", "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln",
		"pass word with spaces", "p\xc3\xa4sswort" };

	for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
		struct client client = { .way = CLIENT_SAYS,
			.text = passwords[i] };
		pam_handle_t *pamh = world_start(&w, "db", "alice", &client);

		cr_expect_eq(pam_authenticate(pamh, 0), PAM_CRED_INSUFFICIENT);
		cr_expect_eq(client.asked, 1);
		cr_assert_not_null(world_left(pamh));
		cr_expect_str_eq(world_left(pamh), passwords[i]);
		cr_expect_eq(client.told, 0);
		(void)pam_end(pamh, PAM_SUCCESS);
	}
	world_events(&w);
	cr_expect_eq(w.events_count, 0);
}

Test(auth, leaves_a_password_that_is_there_already)
{
	struct client client = { .way = CLIENT_FAILS };
	pam_handle_t *pamh = world_start(&w, "db", "alice", &client);

	world_token(pamh, "a.b.c");
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_CRED_INSUFFICIENT);
	cr_expect_eq(client.asked, 0);
	cr_assert_not_null(world_left(pamh));
	cr_expect_str_eq(world_left(pamh), "a.b.c");
	(void)pam_end(pamh, PAM_SUCCESS);
}

Test(auth, does_not_ask_people_where_only_reserved_accounts_are_asked)
{
	struct client client = { .way = CLIENT_SAYS, .text = "secret" };
	pam_handle_t *pamh = world_start(&w, "sshd", "alice", &client);

	cr_expect_eq(pam_authenticate(pamh, 0), PAM_CRED_INSUFFICIENT);
	cr_expect_eq(client.asked, 0);
	cr_expect_null(world_left(pamh));
	(void)pam_end(pamh, PAM_SUCCESS);
	world_events(&w);
	cr_expect_eq(w.events_count, 0);
}

Test(auth, says_no_proof_when_the_conversation_fails_or_gives_nothing)
{
	static const client_way ways[] = { CLIENT_FAILS, CLIENT_SAYS_NOTHING };

	for (size_t i = 0; i < 2; i++) {
		struct client client = { .way = ways[i] };

		cr_expect_eq(try("db", "alice", &client, NULL),
		    PAM_CRED_INSUFFICIENT);
		cr_expect_eq(client.asked, 1);
	}
}

Test(auth, reports_no_proof_for_a_reserved_account)
{
	struct client client = { .way = CLIENT_SAYS, .text = "guess" };

	cr_expect_eq(try("sshd", "agent-7", &client, NULL),
	    PAM_CRED_INSUFFICIENT);
	world_events(&w);
	cr_assert_eq(w.events_count, 1);
	cr_expect(world_event_has(&w, 0, "\"res\":\"none\"",
	    "\"why\":\"no_proof\"", "\"rc\":8", "\"user\":\"agent-7\"",
	    "\"id\":\"-\"", NULL));
	cr_expect_null(strstr(w.events[0], "guess"));
}

Test(auth, reports_no_proof_for_anybody_with_debug)
{
	struct client client = { .way = CLIENT_SAYS, .text = "secret" };

	world_service(&w, "sshd", "debug");
	cr_expect_eq(try("sshd", "alice", &client, NULL),
	    PAM_CRED_INSUFFICIENT);
	world_events(&w);
	cr_assert_eq(w.events_count, 1);
	cr_expect(world_event_has(&w, 0, "\"res\":\"none\"",
	    "\"user\":\"alice\"", NULL));
	cr_expect_null(strstr(w.events[0], "secret"));
}

Test(auth, says_no_proof_without_reading_principals_or_policies)
{
	struct client client = { .way = CLIENT_SAYS, .text = "secret" };

	world_put(&w, "principals.d/" AGENT_ID ".yaml", "torn: [");
	world_put(&w, "policies.d/deployers.yaml", "torn: [");
	world_put(&w, "groups.d/default.yaml", "torn: [");
	cr_expect_eq(try("db", "alice", &client, NULL), PAM_CRED_INSUFFICIENT);
	world_events(&w);
	cr_expect_eq(w.events_count, 0);
}

/* ---- refused ------------------------------------------------------------- */

/* The one event of a refusal, and what the client was told. */
static void
expect_refused(const struct client *client, const char *res, const char *why)
{
	char want_res[32], want_why[48], ref[9] = "";
	const char *sid;

	world_events(&w);
	cr_assert_eq(w.events_count, 1);
	(void)snprintf(want_res, sizeof(want_res), "\"res\":\"%s\"", res);
	(void)snprintf(want_why, sizeof(want_why), "\"why\":\"%s\"", why);
	cr_expect(world_event_has(&w, 0, "\"ev\":\"auth\"", want_res,
	    want_why, NULL));
	cr_assert_not_null(sid = strstr(w.events[0], "\"sid\":\""));
	memcpy(ref, sid + 7, 8);
	cr_expect_eq(client->told, 1);
	cr_expect_eq(strncmp(client->message,
	    "FirstOps: access refused (ref ", 30), 0);
	cr_expect_eq(strncmp(client->message + 30, ref, 8), 0);
	cr_expect_str_eq(client->message + 38, "). Ask your administrator.");
}

/* Nothing of a login may be left in the handle. */
static void
expect_nothing_left(pam_handle_t *pamh)
{
	cr_expect_null(world_left(pamh));
	cr_expect_null(pam_getenv(pamh, "FIRSTOPS_ID"));
	cr_expect_null(pam_getenv(pamh, "FIRSTOPS_NAME"));
	cr_expect_null(pam_getenv(pamh, "FIRSTOPS_OWNER"));
	cr_expect_null(pam_getenv(pamh, "FIRSTOPS_SID"));
	cr_expect_null(pam_getenv(pamh, "FIRSTOPS_PENDING"));
	cr_expect_eq(world_files(&w, "run/pending"), 0);
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_PERM_DENIED);
}

static void
expect_denied(struct client *client, int want, const char *res,
    const char *why)
{
	pam_handle_t *pamh = world_start(&w, "sshd", "deploy", client);

	cr_expect_eq(pam_authenticate(pamh, 0), want);
	expect_refused(client, res, why);
	expect_nothing_left(pamh);
	(void)pam_end(pamh, want);
}

Test(auth, refuses_a_proof_for_another_target)
{
	struct client client = signs();

	client.htu = "pam://bastion/sudo/deploy";
	expect_denied(&client, PAM_AUTH_ERR, "deny", "wrong_htu");
}

Test(auth, refuses_a_proof_without_the_nonce)
{
	struct client client = signs();

	client.omits_nonce = true;
	expect_denied(&client, PAM_AUTH_ERR, "deny", "no_nonce");
}

Test(auth, refuses_a_proof_that_came_before_our_challenge)
{
	struct client client = { .way = CLIENT_FAILS };
	char *proof = world_proof(&w, "pam://bastion/sshd/deploy",
	    "AAAAAAAAAAAAAAAA");

	cr_expect_eq(try("sshd", "deploy", &client, proof), PAM_AUTH_ERR);
	expect_refused(&client, "deny", "wrong_nonce");
	fo_proof_text_free(&proof);
}

Test(auth, refuses_a_revoked_principal)
{
	struct client client = signs();

	world_agent(&w, "revoked", "");
	expect_denied(&client, PAM_AUTH_ERR, "deny", "revoked");
}

Test(auth, refuses_a_revoked_key)
{
	struct client client = signs();

	world_agent(&w, "active", "    revoked: 2026-01-02T00:00:00Z\n");
	expect_denied(&client, PAM_AUTH_ERR, "deny", "revoked_key");
}

static void
rename_host(struct world *world)
{
	world_put(world, "firstops.yaml", "---\nversion: 1\nhost: bulwark\n"
	    "services:\n  sshd: {nonce: always, ask: all}\n"
	    "replay: {folder: %s/run/replay}\n"
	    "audit: {required: [\"file:%s/events\"], best_effort: []}\n...\n",
	    world->folder, world->folder);
}

Test(auth, goes_by_the_configuration_of_after_the_answer)
{
	struct client client = signs();

	client.meanwhile = rename_host;
	cr_expect_eq(try("sshd", "deploy", &client, NULL), PAM_AUTH_ERR);
	expect_refused(&client, "deny", "wrong_htu");
}

Test(auth, refuses_an_unknown_key)
{
	struct client client = signs();

	fo_key_free(&w.key);
	cr_assert_eq(fo_key_generate(&w.key), FO_OK);
	expect_denied(&client, PAM_AUTH_ERR, "deny", "unknown_key");
}

Test(auth, refuses_an_account_that_is_not_the_principals)
{
	struct client client = signs();

	cr_expect_eq(try("db", "alice", &client, NULL), PAM_AUTH_ERR);
	expect_refused(&client, "deny", "not_an_account");
}

Test(auth, takes_a_user_with_slashes_for_one_part_of_the_target)
{
	struct client client = signs();

	cr_expect_eq(try("db", "../sshd/deploy", &client, NULL),
	    PAM_AUTH_ERR);
	cr_expect_not_null(strstr(client.prompt,
	    "htu=pam://bastion/db/..%2Fsshd%2Fdeploy "));
	expect_refused(&client, "deny", "not_an_account");
}

Test(auth, refuses_the_same_proof_the_second_time)
{
	struct client client = { .way = CLIENT_FAILS };
	char *proof = world_proof(&w, "pam://bastion/db/robot", NULL);

	cr_expect_eq(try("db", "robot", &client, proof), PAM_SUCCESS);
	world_put(&w, "events", "%s", "");
	cr_expect_eq(try("db", "robot", &client, proof), PAM_AUTH_ERR);
	expect_refused(&client, "deny", "replay");
	fo_proof_text_free(&proof);
}

Test(auth, wipes_a_proof_from_the_token_whatever_comes_of_it)
{
	static const char *const targets[] = { "pam://bastion/db/robot",
		"pam://bastion/sshd/robot", "pam://elsewhere/db/robot" };

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		struct client client = { .way = CLIENT_FAILS };
		pam_handle_t *pamh = world_start(&w, "db", "robot", &client);
		char *proof = world_proof(&w, targets[i], NULL);

		world_token(pamh, proof);
		cr_expect_eq(pam_authenticate(pamh, 0),
		    i == 0 ? PAM_SUCCESS : PAM_AUTH_ERR);
		cr_expect_null(world_left(pamh));
		fo_proof_text_free(&proof);
		(void)pam_end(pamh, PAM_SUCCESS);
	}
}

Test(auth, reports_a_proof_that_a_transport_cut_as_cut)
{
	static const size_t lengths[] = { 511, 512, 1023, 1024, 2047 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct client client = { .way = CLIENT_SAYS };
		char *text = malloc(lengths[i] + 1);

		cr_assert_not_null(text);
		memset(text, 'A', lengths[i]);
		memcpy(text, "eyJ", 3);
		text[40] = text[80] = '.';
		text[lengths[i]] = '\0';
		client.text = text;
		world_put(&w, "events", "%s", "");
		cr_expect_eq(try("db", "robot", &client, NULL), PAM_AUTH_ERR);
		expect_refused(&client, "deny", "cut");
		free(text);
	}
}

Test(auth, keeps_proofs_and_nonces_out_of_events)
{
	struct client client = signs();
	struct fo_challenge *challenge = NULL;

	cr_expect_eq(try("sshd", "deploy", &client, NULL), PAM_SUCCESS);
	cr_assert_eq(fo_challenge_parse(client.prompt, &challenge), FO_OK);
	world_events(&w);
	cr_expect_null(strstr(w.events_text, challenge->nonce));
	cr_expect_null(strstr(w.events_text, "eyJ"));
	fo_challenge_free(&challenge);
}

Test(auth, asks_with_a_new_nonce_each_time)
{
	struct client one = { .way = CLIENT_FAILS }, two = one;

	cr_expect_eq(try("sshd", "deploy", &one, NULL), PAM_CRED_INSUFFICIENT);
	cr_expect_eq(try("sshd", "deploy", &two, NULL), PAM_CRED_INSUFFICIENT);
	cr_expect_str_neq(one.prompt, two.prompt);
}

Test(auth, shows_no_text_to_a_service_that_wants_silence)
{
	struct client client = signs();
	pam_handle_t *pamh = world_start(&w, "sshd", "deploy", &client);

	client.omits_nonce = true;
	cr_expect_eq(pam_authenticate(pamh, PAM_SILENT), PAM_AUTH_ERR);
	cr_expect_eq(client.told, 0);
	(void)pam_end(pamh, PAM_AUTH_ERR);
}

Test(auth, does_not_mind_a_service_that_refuses_texts)
{
	struct client client = signs();

	client.omits_nonce = client.refuses_texts = true;
	cr_expect_eq(try("sshd", "deploy", &client, NULL), PAM_AUTH_ERR);
	cr_expect_eq(client.told, 1);
}

Test(auth, forgets_an_earlier_login_of_the_handle)
{
	struct client client = signs();
	pam_handle_t *pamh = world_start(&w, "sshd", "deploy", &client);

	cr_expect_eq(pam_authenticate(pamh, 0), PAM_SUCCESS);
	client.way = CLIENT_FAILS;
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_CRED_INSUFFICIENT);
	expect_nothing_left(pamh);
	(void)pam_end(pamh, PAM_SUCCESS);
}

/* ---- our own trouble ----------------------------------------------------- */

Test(auth, says_unavailable_when_the_principal_cannot_be_read)
{
	struct client client = signs();

	world_put(&w, "principals.d/" AGENT_ID ".yaml", "---\nversion: 1\n");
	expect_denied(&client, PAM_AUTHINFO_UNAVAIL, "error", "store");
}

Test(auth, says_unavailable_when_a_policy_cannot_be_read)
{
	struct client client = signs();

	world_put(&w, "policies.d/deployers.yaml", "---\nversion: 1\n");
	expect_denied(&client, PAM_AUTHINFO_UNAVAIL, "error", "store");
}

Test(auth, says_unavailable_when_there_is_no_replay_folder_to_write_to)
{
	struct client client = signs();
	char from[96], to[96];

	(void)snprintf(from, sizeof(from), "%s/run/replay", w.folder);
	(void)snprintf(to, sizeof(to), "%s/run/away", w.folder);
	cr_assert_eq(rename(from, to), 0);
	world_put(&w, "run/replay", "%s", "a file in its place\n");
	expect_denied(&client, PAM_AUTHINFO_UNAVAIL, "error", "replay_store");
}

Test(auth, says_unavailable_when_a_required_sink_does_not_take_the_event)
{
	struct client client = signs();
	pam_handle_t *pamh = world_start(&w, "sshd", "deploy", &client);
	char sinks[200];

	(void)snprintf(sinks, sizeof(sinks),
	    "\"file:%s/events\", \"file:%s/none/events\"", w.folder, w.folder);
	world_config(&w, sinks);
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_AUTHINFO_UNAVAIL);
	expect_nothing_left(pamh);
	(void)pam_end(pamh, PAM_AUTHINFO_UNAVAIL);
}

Test(auth, refuses_a_line_with_an_unknown_argument_and_says_so)
{
	struct client client = signs();
	pam_handle_t *pamh;
	char *proof = world_proof(&w, "pam://bastion/db/robot", NULL);

	world_service(&w, "db", "no_replay");
	pamh = world_start(&w, "db", "robot", &client);
	world_token(pamh, proof);
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_SERVICE_ERR);
	cr_expect_eq(client.asked, 0);
	cr_expect_null(world_left(pamh));
	world_events(&w);
	cr_assert_eq(w.events_count, 1);
	cr_expect(world_event_has(&w, 0, "\"ev\":\"auth\"",
	    "\"res\":\"error\"", "\"rc\":3", "no_replay", NULL));
	cr_expect_eq(pam_acct_mgmt(pamh, 0), PAM_SERVICE_ERR);
	cr_expect_eq(pam_open_session(pamh, 0), PAM_SERVICE_ERR);
	cr_expect_eq(pam_close_session(pamh, 0), PAM_SERVICE_ERR);
	fo_proof_text_free(&proof);
	(void)pam_end(pamh, PAM_SERVICE_ERR);
}

Test(auth, asks_nobody_under_a_line_with_an_unknown_argument)
{
	struct client client = { .way = CLIENT_SAYS, .text = "secret" };

	world_service(&w, "db", "no_replay");
	cr_expect_eq(try("db", "alice", &client, NULL), PAM_SERVICE_ERR);
	cr_expect_eq(client.asked, 0);
}

/* ---- names that cannot be used ------------------------------------------- */

Test(auth, asks_plainly_for_a_user_that_no_target_can_name)
{
	static const char *const users[] = { ".", ".." };

	for (size_t i = 0; i < 2; i++) {
		struct client client = { .way = CLIENT_SAYS, .text = "secret" };

		cr_expect_eq(try("db", users[i], &client, NULL),
		    PAM_CRED_INSUFFICIENT);
		cr_expect_str_eq(client.prompt, "Password: ");
	}
}

Test(auth, never_lets_in_under_a_name_that_is_missing_or_too_long)
{
	char longest[400];
	const char *const users[] = { "", longest };

	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < 2; i++) {
		struct client client = { .way = CLIENT_FAILS };
		char *proof = world_proof(&w, "pam://bastion/db/robot", NULL);

		cr_expect_eq(try("db", users[i], &client, proof),
		    PAM_AUTH_ERR);
		cr_expect_eq(client.asked, 0);
		cr_expect_eq(try("db", users[i], &client, NULL),
		    PAM_CRED_INSUFFICIENT);
		cr_expect_eq(client.asked, 0);
		fo_proof_text_free(&proof);
	}
}

Test(auth, has_libpam_ask_for_a_user_that_the_service_left_out)
{
	struct client client = { .way = CLIENT_FAILS };
	pam_handle_t *pamh = world_start(&w, "db", NULL, &client);

	client.name = "robot";
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_CRED_INSUFFICIENT);
	cr_expect_eq(client.asked, 1);
	cr_expect_not_null(strstr(client.prompt, "pam://bastion/db/robot"));
	(void)pam_end(pamh, PAM_SUCCESS);
}

/* ---- firstops.yaml cannot be read ---------------------------------------- */

Test(auth, asks_plainly_without_its_configuration_and_passes_the_password_on)
{
	struct client client = { .way = CLIENT_SAYS, .text = "secret" };
	pam_handle_t *pamh;
	char line[2048];

	world_private_dev(&w);
	world_put(&w, "firstops.yaml", "---\nversion: 1\nhost: bas");
	pamh = world_start(&w, "sshd", "alice", &client);
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_CRED_INSUFFICIENT);
	cr_expect_str_eq(client.prompt, "Password: ");
	cr_expect_str_eq(world_left(pamh), "secret");
	cr_expect_str_empty(world_syslog(&w, line, sizeof(line)));
	(void)pam_end(pamh, PAM_SUCCESS);
}

Test(auth, refuses_a_proof_without_its_configuration_and_tells_syslog)
{
	struct client client = { .way = CLIENT_FAILS };
	char *proof = world_proof(&w, "pam://bastion/db/robot", NULL);
	pam_handle_t *pamh;
	char line[2048];

	world_private_dev(&w);
	world_put(&w, "firstops.yaml", "---\nversion: 1\nhost: bas");
	pamh = world_start(&w, "db", "robot", &client);
	world_token(pamh, proof);
	cr_expect_eq(pam_authenticate(pamh, 0), PAM_SERVICE_ERR);
	cr_expect_null(world_left(pamh));
	cr_expect_not_null(strstr(world_syslog(&w, line, sizeof(line)),
	    "\"why\":\"config\""), "%s", line);
	cr_expect_eq(client.told, 1);
	fo_proof_text_free(&proof);
	(void)pam_end(pamh, PAM_SUCCESS);
}

static void
bind_over(const char *name, const char *path)
{
	char source[128];

	(void)snprintf(source, sizeof(source), "%s/%s", w.folder, name);
	cr_assert_eq(mount(source, path, NULL, MS_BIND, NULL), 0);
}

/*
 * The whole point of leaving the password in PAM_AUTHTOK: Debian's own
 * pam_unix, as common-auth calls it, takes it from there.
 */
Test(auth, lets_a_person_in_who_types_the_password_at_our_prompt_once)
{
	static const char *const broken[] = { NULL, "---\nversion: 1\n" };

	world_private_dev(&w);
	world_put(&w, "passwd", "root:x:0:0::/:/bin/sh\n"
	    "alice:x:4242:4242::/:/bin/sh\n");
	world_put(&w, "shadow", "alice:%s:20000:0:99999:7:::\n", HASH_A_B_C);
	bind_over("passwd", "/etc/passwd");
	bind_over("shadow", "/etc/shadow");
	for (size_t i = 0; i < 2; i++) {
		struct client client = { .way = CLIENT_SAYS, .text = "a.b.c" };

		if (broken[i] != NULL)
			world_put(&w, "firstops.yaml", "%s", broken[i]);
		world_put(&w, "pam.d/db", "auth [success=done "
		    "cred_insufficient=ignore default=die] "
		    "%s config=%s/firstops.yaml\n"
		    "auth [success=1 default=ignore] pam_unix.so nullok\n"
		    "auth requisite pam_deny.so\n"
		    "auth required pam_permit.so\n", w.module, w.folder);
		cr_expect_eq(try("db", "alice", &client, NULL), PAM_SUCCESS);
		cr_expect_eq(client.asked, 1);
	}
}
