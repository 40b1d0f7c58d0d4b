/*
 * What somebody who is in does: one command that is permitted, and each thing
 * about it that can be otherwise, changed alone.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "base/diag.h"
#include "host/act.h"
#include "host/command.h"
#include "support/cee.h"
#include "support/place.h"
#include "support/record.h"

static const char policy[] = "---\nversion: 1\npolicy: logins\nrules:\n"
    "  - rule: services\n    effect: allow\n    channel: command\n"
    "    when: {command: [\"/usr/bin/systemctl restart *\"],"
    " account: [root], host: [bastion],"
    " time: {days: [mon], from: \"18:00\", to: \"19:00\","
    " zone: \"+00:00\"}}\n"
    "  - rule: never-wipe\n    effect: deny\n    channel: command\n"
    "    when: {command: [\"rm -rf /\"]}\n"
    "  - rule: with-a-question\n    effect: ask\n    channel: command\n"
    "    when: {command: [reboot]}\n...\n";

static struct place place;
static struct fo_login_record who;
static struct fo_command *command;
static struct fo_deed deed;
static struct fo_decision decision;

static void
run(const char *const *argv, const char *what)
{
	fo_command_free(&command);
	cr_assert_eq(fo_command_from_argv(argv, "/", &command), FO_OK);
	deed.action.command = command;
	deed.what = what;
}

static void
open_place(void)
{
	static const char *const argv[] = { "/usr/bin/systemctl", "restart",
		"web", NULL };

	place_open(&place);
	store_fixture_put(&place.store, "policies.d/logins.yaml", policy);
	who = record_of(getpid());
	memcpy(who.jkt, FORGE_JKT, sizeof(who.jkt));
	deed = (struct fo_deed){ .who = &who, .act = "command",
		.service = "sudo", .user = "root", .ruser = "deploy",
		.tty = "/dev/pts/1",
		.action = { .channel = FO_CHANNEL_COMMAND,
		    .account = "root" } };
	run(argv, "/usr/bin/systemctl restart web");
}

static void
close_place(void)
{
	fo_command_free(&command);
	place_close(&place);
}

TestSuite(act, .init = open_place, .fini = close_place);

/* Try it; one event tells of it, under the sid of the login if there is one. */
static void
expect(fo_err why, const char *res, const char *pol)
{
	const char *event;

	cr_expect_eq(fo_act(&place.authority, &deed, &decision), why, "%s",
	    decision.diag.text);
	cr_expect_eq(decision.why, why);
	cr_expect_str_eq(fo_res_word(decision.res), res);
	cr_assert_not_null(event = place_event(&place));
	cr_expect_str_eq(cee_get(event, "ev"), "action");
	cr_expect_str_eq(cee_get(event, "res"), res);
	cr_expect_str_eq(cee_get(event, "why"), fo_err_word(why));
	cr_expect_str_eq(cee_get(event, "pol"), pol);
	cr_expect_str_eq(cee_get(event, "name"), deed.who != NULL ?
	    "build-bot" : "-");
	cr_expect_str_eq(cee_get(event, "sid"), decision.sid);
	if (deed.who != NULL)
		cr_expect_str_eq(decision.sid, RECORD_SID);
	cr_expect_null(place_event(&place), "a second event");
}

/* ---- permitted ----------------------------------------------------------- */

Test(act, what_a_rule_allows_is_permitted_and_told)
{
	const char *event;

	cr_assert_eq(fo_act(&place.authority, &deed, &decision), FO_OK, "%s",
	    decision.diag.text);
	cr_expect_eq(decision.why, FO_OK);
	cr_expect_eq(decision.res, FO_RES_PERMIT);
	cr_assert_not_null(event = place_event(&place));
	cr_expect_str_eq(cee_get(event, "msg"), "agent build-bot of "
	    "team-platform permitted command "
	    "/usr/bin/systemctl%20restart%20web from 10.2.3.4");
	cr_expect_str_eq(cee_get(event, "id"), FIXTURE_ID);
	cr_expect_str_eq(cee_get(event, "owner"), "team-platform");
	cr_expect_str_eq(cee_get(event, "kind"), "agent");
	cr_expect_str_eq(cee_get(event, "jkt"), FORGE_JKT);
	cr_expect_str_eq(cee_get(event, "sid"), RECORD_SID);
	cr_expect_str_eq(cee_get(event, "user"), "root");
	cr_expect_str_eq(cee_get(event, "ruser"), "deploy");
	cr_expect_str_eq(cee_get(event, "svc"), "sudo");
	cr_expect_str_eq(cee_get(event, "act"), "command");
	cr_expect_str_eq(cee_get(event, "what"),
	    "/usr/bin/systemctl restart web");
	cr_expect_str_eq(cee_get(event, "src"), "10.2.3.4");
	cr_expect_str_eq(cee_get(event, "tty"), "/dev/pts/1");
	cr_expect_str_eq(cee_get(event, "pol"), "logins/services");
	cr_expect_str_eq(cee_get(event, "rc"), "0");
	cr_expect_str_eq(cee_get(event, "proof"), "-");
}

/* ---- refused ------------------------------------------------------------- */

Test(act, what_no_rule_allows_is_refused)
{
	static const char *const argv[] = { "/usr/bin/id", NULL };

	run(argv, "/usr/bin/id");
	expect(FO_ERR_POLICY, "deny", "-");
}

Test(act, what_a_rule_denies_is_refused_by_its_name)
{
	static const char *const argv[] = { "/usr/bin/rm", "-fr", "/", NULL };

	run(argv, "/usr/bin/rm -fr /");
	expect(FO_ERR_POLICY, "deny", "logins/never-wipe");
	cr_expect_str_eq(decision.diag.text,
	    "rule logins/never-wipe says deny");
}

/* ---- a question ---------------------------------------------------------- */

static void
suspend(struct fo_principal *principal)
{
	principal->status = FO_STATUS_SUSPENDED;
}

static void
reboot(void)
{
	static const char *const argv[] = { "/usr/sbin/reboot", NULL };

	run(argv, "/usr/sbin/reboot");
}

/* Try what is not permitted; the msg of its event. */
static const char *
told(void)
{
	const char *event;

	cr_expect_neq(fo_act(&place.authority, &deed, &decision), FO_OK);
	cr_assert_not_null(event = place_event(&place));
	return cee_get(event, "msg");
}

Test(act, a_question_is_put_back_to_who_can_ask_a_person)
{
	reboot();
	deed.asks = true;
	expect(FO_ERR_ASK, "none", "logins/with-a-question");
	cr_expect_eq(decision.effect, FO_EFFECT_ASK);
	cr_expect_str_eq(decision.rule, "with-a-question");
	cr_expect_str_eq(decision.diag.text,
	    "rule logins/with-a-question says ask");
	cr_expect_str_eq(told(), "agent build-bot of team-platform "
	    "has to ask before command /usr/sbin/reboot from 10.2.3.4: ask "
	    "(rule logins/with-a-question says ask)");
}

Test(act, a_question_that_nobody_can_answer_is_a_no)
{
	reboot();
	expect(FO_ERR_POLICY, "deny", "logins/with-a-question");
	cr_expect_eq(decision.effect, FO_EFFECT_ASK);
	cr_expect_str_eq(decision.diag.text,
	    "rule logins/with-a-question says ask");
}

Test(act, who_can_ask_a_person_is_allowed_and_refused_as_anybody)
{
	static const char *const denied[] = { "/usr/bin/rm", "-fr", "/",
		NULL };
	static const char *const unheard_of[] = { "/usr/bin/id", NULL };

	deed.asks = true;
	expect(FO_OK, "permit", "logins/services");
	cr_expect_eq(decision.effect, FO_EFFECT_ALLOW);
	run(denied, "/usr/bin/rm -fr /");
	expect(FO_ERR_POLICY, "deny", "logins/never-wipe");
	cr_expect_eq(decision.effect, FO_EFFECT_DENY);
	run(unheard_of, "/usr/bin/id");
	expect(FO_ERR_POLICY, "deny", "-");
	cr_expect_eq(decision.effect, FO_EFFECT_DENY);
}

Test(act, who_is_no_longer_in_force_is_not_asked_about)
{
	reboot();
	deed.asks = true;
	store_fixture_edit(&place.store, FIXTURE_ID, suspend);
	expect(FO_ERR_SUSPENDED, "deny", "-");
}

/* ---- what goes on all the same ------------------------------------------- */

static const char open_way[] = "--fail-open";

Test(act, our_own_trouble_goes_on_where_that_was_asked_for_and_says_so)
{
	static const fo_err own[] = { FO_ERR_NOMEM, FO_ERR_CRYPTO, FO_ERR_IO,
		FO_ERR_STORE, FO_ERR_CONFIG };
	struct fo_diag reason = { "" };

	deed.instead = open_way;
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		deed.trouble = own[i];
		expect(own[i], "error", open_way);
		cr_expect(decision.goes_on, "%d", own[i]);
	}
	fo_diag_set(&reason, "the reason");
	deed.trouble = FO_ERR_CONFIG;
	deed.reason = &reason;
	expect(FO_ERR_CONFIG, "error", open_way);
	cr_expect_str_eq(decision.diag.text, "--fail-open: the reason");
	deed.reason = NULL;
	expect(FO_ERR_CONFIG, "error", open_way);
	cr_expect_str_eq(told(), "agent build-bot of team-platform goes on "
	    "undecided with command /usr/bin/systemctl%20restart%20web from "
	    "10.2.3.4: config (--fail-open: the configuration cannot be read)");
	deed.instead = NULL;
	expect(FO_ERR_CONFIG, "error", "-");
	cr_expect_not(decision.goes_on);
	cr_expect_str_eq(told(), "agent build-bot of team-platform refused "
	    "command /usr/bin/systemctl%20restart%20web from 10.2.3.4: "
	    "config");
}

Test(act, nothing_else_goes_on)
{
	static const char *const unheard_of[] = { "/usr/bin/id", NULL };

	deed.instead = open_way;
	for (int why = -128; why < 0; why++) {
		deed.trouble = (fo_err)why;
		if (why == FO_ERR_NOMEM || why == FO_ERR_CRYPTO ||
		    why == FO_ERR_IO || why == FO_ERR_STORE ||
		    why == FO_ERR_CONFIG)
			continue;
		cr_expect_eq(fo_act(&place.authority, &deed, &decision),
		    (fo_err)why);
		cr_expect_not(decision.goes_on, "%d", why);
		cr_expect_str_empty(decision.policy, "%d", why);
		/* but for audit, whose event is that of the permit */
		cr_expect_eq(place_event(&place) == NULL,
		    why == FO_ERR_AUDIT, "%d", why);
	}
	deed.trouble = FO_OK;
	expect(FO_OK, "permit", "logins/services");
	cr_expect_not(decision.goes_on);
	run(unheard_of, "/usr/bin/id");
	expect(FO_ERR_POLICY, "deny", "-");
	cr_expect_str_eq(decision.diag.text, "no rule allows it");
	cr_expect_not(decision.goes_on);
	reboot();
	deed.asks = true;
	expect(FO_ERR_ASK, "none", "logins/with-a-question");
	cr_expect_not(decision.goes_on);
}

Test(act, nothing_goes_on_without_its_event)
{
	deed.instead = open_way;
	deed.trouble = FO_ERR_STORE;
	place.authority.audit_socket = "/none";
	cr_expect_eq(fo_act(&place.authority, &deed, &decision),
	    FO_ERR_STORE);
	cr_expect_not(decision.goes_on);
	cr_expect_not_null(strstr(decision.diag.text,
	    "its event was not delivered"));
}

Test(act, nothing_is_asked_without_its_event)
{
	reboot();
	deed.asks = true;
	place.authority.audit_socket = "/none";
	cr_expect_eq(fo_act(&place.authority, &deed, &decision),
	    FO_ERR_AUDIT);
	cr_expect_eq(decision.why, FO_ERR_AUDIT);
	cr_expect_eq(decision.res, FO_RES_ERROR);
	cr_expect_not_null(strstr(decision.diag.text,
	    "its event was not delivered"));
}

Test(act, what_was_done_before_is_told_as_that)
{
	static const char *const denied[] = { "/usr/bin/rm", "-fr", "/",
		NULL };
	const char *event;

	deed.past = true;
	deed.act = "wrote";
	cr_assert_eq(fo_act(&place.authority, &deed, &decision), FO_OK);
	cr_assert_not_null(event = place_event(&place));
	cr_expect_str_eq(cee_get(event, "msg"), "agent build-bot of "
	    "team-platform wrote /usr/bin/systemctl%20restart%20web from "
	    "10.2.3.4");
	run(denied, "/x");
	expect(FO_ERR_POLICY, "deny", "logins/never-wipe");
	cr_expect_str_eq(told(), "agent build-bot of team-platform wrote /x, "
	    "which is refused from 10.2.3.4: policy (rule logins/never-wipe "
	    "says deny)");
	deed.instead = open_way;
	deed.trouble = FO_ERR_STORE;
	expect(FO_ERR_STORE, "error", open_way);
	cr_expect_str_eq(told(), "agent build-bot of team-platform wrote /x, "
	    "undecided from 10.2.3.4: store (--fail-open: the store cannot be "
	    "read)");
}

/* ---- who, where and when ------------------------------------------------- */

Test(act, it_is_the_targets_account_that_counts)
{
	deed.action.account = "postgres";
	expect(FO_ERR_POLICY, "deny", "-");
	deed.action.account = NULL;
	expect(FO_ERR_POLICY, "deny", "-");
}

Test(act, it_is_now_that_counts)
{
	machine_pass(&place.machine, 1799);
	expect(FO_OK, "permit", "logins/services");
	machine_pass(&place.machine, 1);
	expect(FO_ERR_POLICY, "deny", "-");
}

static void
revoke_key(struct fo_principal *principal)
{
	principal->keys[0].revoked = MACHINE_NOW - 1;
}

static void
expire_key(struct fo_principal *principal)
{
	principal->keys[0].expires = MACHINE_NOW - 7;
}

Test(act, who_is_no_longer_in_force_does_nothing_more)
{
	static const struct {
		void (*edit)(struct fo_principal *principal);
		fo_err want;
	} cases[] = {
		{ expire_key, FO_ERR_EXPIRED_KEY },
		{ revoke_key, FO_ERR_REVOKED_KEY },
		{ suspend, FO_ERR_SUSPENDED },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		store_fixture_edit(&place.store, FIXTURE_ID, cases[i].edit);
		expect(cases[i].want, "deny", "-");
	}
}

Test(act, a_key_that_is_not_the_principals_does_nothing)
{
	memcpy(who.jkt, FIXTURE_JKT, sizeof(who.jkt));
	expect(FO_ERR_UNKNOWN_KEY, "deny", "-");
}

Test(act, a_principal_that_is_gone_was_revoked)
{
	char *path = store_fixture_path(&place.store, "principals.d/"
	    FIXTURE_ID ".yaml");

	cr_assert_eq(unlink(path), 0);
	free(path);
	expect(FO_ERR_REVOKED, "deny", "-");
}

/* ---- nobody -------------------------------------------------------------- */

Test(act, where_nobody_is_found_the_reason_is_told)
{
	struct fo_diag reason = { "" };

	fo_diag_set(&reason, "the reason");
	deed.who = NULL;
	deed.trouble = FO_ERR_RESERVED;
	expect(FO_ERR_RESERVED, "deny", "-");
	deed.trouble = FO_ERR_SESSION;
	deed.reason = &reason;
	expect(FO_ERR_SESSION, "error", "-");
	cr_expect_str_eq(decision.diag.text, "the reason");
	cr_expect_eq(strlen(decision.sid), FO_SID_SIZE - 1);
}

Test(act, what_speaks_against_it_from_the_start_is_told_of_whom_it_is)
{
	struct fo_diag reason = { "" };

	fo_diag_set(&reason, "the command cannot be read");
	deed.trouble = FO_ERR_FORMAT;
	deed.reason = &reason;
	expect(FO_ERR_FORMAT, "error", "-");
	cr_expect_str_eq(decision.diag.text, "the command cannot be read");
}

Test(act, nobody_for_no_reason_is_still_nobody)
{
	deed.who = NULL;
	expect(FO_ERR_INTERNAL, "error", "-");
}

Test(act, without_a_configuration_the_refusal_is_told_to_syslog)
{
	deed.who = NULL;
	deed.trouble = FO_ERR_CONFIG;
	place.authority.config = NULL;
	expect(FO_ERR_CONFIG, "error", "-");
}

/* ---- trouble ------------------------------------------------------------- */

Test(act, a_policy_that_cannot_be_read_is_no_permit)
{
	store_fixture_put(&place.store, "policies.d/logins.yaml", "---\n");
	expect(FO_ERR_STORE, "error", "-");
}

Test(act, a_principal_that_cannot_be_read_is_no_permit)
{
	store_fixture_put(&place.store, "principals.d/" FIXTURE_ID ".yaml",
	    "---\n");
	expect(FO_ERR_STORE, "error", "-");
}

Test(act, a_permit_that_nobody_can_be_told_of_is_none)
{
	place_configure(&place, "{required: [syslog, \"file:/nowhere/x\"]}");
	cr_expect_eq(fo_act(&place.authority, &deed, &decision),
	    FO_ERR_AUDIT);
	cr_expect_eq(decision.res, FO_RES_ERROR);
	/* the sink that works heard of the permit, and then that it is none */
	cr_expect_str_eq(cee_get(place_event(&place), "res"), "permit");
	cr_expect_str_eq(cee_get(place_event(&place), "why"), "audit");
}

Test(act, without_the_time_nothing_is_permitted)
{
	place.machine.now_with = FO_ERR_IO;
	cr_expect_eq(fo_act(&place.authority, &deed, &decision), FO_ERR_IO);
	cr_expect_eq(decision.res, FO_RES_ERROR);
	cr_expect_str_eq(cee_get(place_event(&place), "t"), "-");
}
