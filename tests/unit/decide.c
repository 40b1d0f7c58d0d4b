/*
 * The decision: one login that is permitted, and each thing about it that can
 * be otherwise, changed alone.
 */
#include <sys/wait.h>

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "support/cee.h"
#include "support/place.h"

#define CREATED 1767225600 /* as the fixture says */

/* A header for any key, and the right one. */
#define HEADER_OF(x, y) "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"," \
	"\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" x "\"," \
	"\"y\":\"" y "\"}}"

/* One event of this kind, and no other. */
static void
expect_event(const struct place *p, const char *res, fo_err why,
    const char *name)
{
	const char *event = place_event(p);

	cr_assert_not_null(event, "no event");
	cr_expect_str_eq(cee_get(event, "ev"), "auth");
	cr_expect_str_eq(cee_get(event, "res"), res, "%s", event);
	cr_expect_str_eq(cee_get(event, "why"), fo_err_word(why), "%s",
	    event);
	cr_expect_str_eq(cee_get(event, "name"), name, "%s", event);
	cr_expect_str_eq(cee_get(event, "rc"), why == FO_OK ? "0" : "7");
	cr_expect_str_eq(cee_get(event, "sid"), p->decision.sid);
	cr_expect_null(place_event(p), "a second event");
}

/* ---- permitted -------------------------------------------------------------- */

Test(decide, a_right_proof_is_permitted_recorded_and_told)
{
	const struct fo_decision *d;
	struct place p;

	place_open(&p);
	d = &p.decision;
	cr_assert_eq(place_offer(&p), FO_OK, "%s", d->diag.text);
	cr_expect_eq(d->why, FO_OK);
	cr_expect_eq(d->res, FO_RES_PERMIT);
	cr_expect_str_eq(d->id, FIXTURE_ID);
	cr_expect_str_eq(d->name, "build-bot");
	cr_expect_str_eq(d->owner, "team-platform");
	cr_expect_str_eq(d->kind, "agent");
	cr_expect_str_eq(d->jkt, FORGE_JKT);
	cr_expect_str_eq(d->policy, "logins");
	cr_expect_str_eq(d->rule, "agents-in");
	cr_expect_eq(d->at.s, MACHINE_NOW);
	cr_expect_eq(strlen(d->sid), 22);
	cr_expect_eq(p.prepared, 1);
	cr_expect_eq(place_spent(&p), 1);
	expect_event(&p, "permit", FO_OK, "build-bot");
	place_close(&p);
}

Test(decide, its_event_says_all_that_is_known)
{
	const char *event;
	struct place p;

	place_open(&p);
	p.attempt.ruser = "root";
	cr_assert_eq(place_offer(&p), FO_OK);
	event = place_event(&p);
	cr_assert_not_null(event);
	cr_expect_str_eq(cee_get(event, "msg"), "agent build-bot of "
	    "team-platform permitted to sshd as deploy from 10.2.3.4");
	cr_expect_str_eq(cee_get(event, "t"), "2026-11-23T18:30:00.000000Z");
	cr_expect_str_eq(cee_get(event, "host"), "bastion");
	cr_expect_str_eq(cee_get(event, "id"), FIXTURE_ID);
	cr_expect_str_eq(cee_get(event, "jkt"), FORGE_JKT);
	cr_expect_eq(strncmp(cee_get(event, "proof"), p.decision.hash, 22),
	    0);
	cr_expect_str_eq(cee_get(event, "ruser"), "root");
	cr_expect_str_eq(cee_get(event, "svc"), "sshd");
	cr_expect_str_eq(cee_get(event, "act"), "login");
	cr_expect_str_eq(cee_get(event, "tty"), "ssh");
	cr_expect_str_eq(cee_get(event, "pol"), "logins/agents-in");
	cr_expect_null(strstr(event, PLACE_NONCE), "a nonce is not logged");
	cr_expect_null(strstr(event, "eyJ"), "nor is a proof");
	place_close(&p);
}

Test(decide, an_alias_in_the_target_is_this_host_all_the_same)
{
	const char *event;
	struct place p;

	place_open(&p);
	p.claims.htu = "pam://bastion.example.com/sshd/deploy";
	cr_expect_eq(place_offer(&p), FO_OK, "%s", p.decision.diag.text);
	event = place_event(&p);
	cr_assert_not_null(event);
	cr_expect_str_eq(cee_get(event, "host"), "bastion");
	place_close(&p);
}

static void
allow_postgresql(struct fo_principal *principal)
{
	free(principal->accounts[0]);
	principal->accounts[0] = strdup("postgresql:etl");
}

Test(decide, a_service_of_nonce_auto_takes_a_proof_without_one)
{
	struct place p;

	place_open(&p);
	store_fixture_edit(&p.store, FIXTURE_ID, allow_postgresql);
	p.attempt.service = "postgresql";
	p.attempt.account = "etl";
	p.attempt.nonce = NULL;
	p.claims.htu = "pam://bastion/postgresql/etl";
	p.claims.nonce = NULL;
	cr_expect_eq(place_offer(&p), FO_OK, "%s", p.decision.diag.text);
	p.claims.jti = "bbbbbbbbbbbbbbbb";
	p.claims.nonce = PLACE_NONCE;
	cr_expect_eq(place_offer(&p), FO_ERR_WRONG_NONCE, "none was issued");
	place_close(&p);
}

/* ---- what a result is ------------------------------------------------------- */

Test(decide, only_ok_is_a_permit_and_only_our_own_trouble_an_error)
{
	static const fo_err trouble[] = { FO_ERR_ARG, FO_ERR_NOMEM,
		FO_ERR_CRYPTO, FO_ERR_IO, FO_ERR_FORMAT, FO_ERR_NOT_FOUND,
		FO_ERR_EXISTS, FO_ERR_TOO_LONG, FO_ERR_INTERNAL,
		FO_ERR_REPLAY_STORE, FO_ERR_STORE, FO_ERR_CONFIG,
		FO_ERR_AUDIT, FO_ERR_SESSION };

	cr_expect_eq(fo_event_res(FO_OK), FO_RES_PERMIT);
	for (int why = -128; why < 0; why++) {
		fo_res want = why == FO_ERR_NO_PROOF || why == FO_ERR_ASK ?
		    FO_RES_NONE : FO_RES_DENY;

		for (size_t i = 0; i < sizeof(trouble) / sizeof(trouble[0]);
		    i++)
			if (trouble[i] == (fo_err)why)
				want = FO_RES_ERROR;
		cr_expect_eq(fo_event_res((fo_err)why), want, "%d", why);
	}
}

/* ---- refused ---------------------------------------------------------------- */

static void
no_proof(struct place *p)
{
	place_sign(p);
	p->attempt.proof = NULL;
	p->attempt.proof_len = 0;
}

static void
malformed(struct place *p)
{
	place_sign(p);
	p->proof[0] = '!';
}

static void
cut(struct place *p)
{
	static char jti[200];

	memset(jti, 'a', sizeof(jti) - 1);
	p->claims.jti = jti;
	place_sign(p);
	cr_assert_gt(p->attempt.proof_len, 511);
	p->attempt.proof_len = 511;
	p->proof[511] = '\0';
}

static void
bad_typ(struct place *p)
{
	p->claims.header = "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"jwk\":"
	    FORGE_JWK "}";
	place_sign(p);
}

static void
bad_alg(struct place *p)
{
	p->claims.header = "{\"typ\":\"dpop+jwt\",\"alg\":\"none\",\"jwk\":"
	    FORGE_JWK "}";
	place_sign(p);
}

static void
bad_crit(struct place *p)
{
	p->claims.header = "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\","
	    "\"crit\":[\"b64\"],\"jwk\":" FORGE_JWK "}";
	place_sign(p);
}

static void
bad_key(struct place *p)
{
	p->claims.header = "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\","
	    "\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-256\",\"d\":\"AA\","
	    FORGE_XY "}}";
	place_sign(p);
}

static void
unknown_key(struct place *p)
{
	p->claims.header = HEADER_OF(FORGE_Y, FORGE_X);
	place_sign(p);
}

static void
no_index(struct place *p)
{
	char *path = store_fixture_path(&p->store, "keys.d");
	char *away = store_fixture_path(&p->store, "keys.away");

	cr_assert_eq(rename(path, away), 0);
	free(path);
	free(away);
	place_sign(p);
}

static void
bad_signature(struct place *p)
{
	char *last;

	place_sign(p);
	last = p->proof + p->attempt.proof_len - 10;
	*last = *last == 'A' ? 'B' : 'A';
}

static void
wrong_htm(struct place *p)
{
	p->claims.htm = "POST";
	place_sign(p);
}

static void
wrong_host(struct place *p)
{
	p->claims.htu = "pam://bastion2/sshd/deploy";
	place_sign(p);
}

static void
wrong_service(struct place *p)
{
	p->claims.htu = "pam://bastion/postgresql/deploy";
	place_sign(p);
}

static void
wrong_user(struct place *p)
{
	p->claims.htu = "pam://bastion/sshd/root";
	place_sign(p);
}

static void
no_target_for_the_account(struct place *p)
{
	p->attempt.account = "..";
	place_sign(p);
}

static void
stale(struct place *p)
{
	p->claims.iat = MACHINE_NOW - 61;
	place_sign(p);
}

static void
future(struct place *p)
{
	p->claims.iat = MACHINE_NOW + 16;
	place_sign(p);
}

static void
no_nonce(struct place *p)
{
	p->claims.nonce = NULL;
	place_sign(p);
}

static void
wrong_nonce(struct place *p)
{
	p->claims.nonce = "Q2hhbGxlbmdlMTI0";
	place_sign(p);
}

static void
nonce_never_issued(struct place *p)
{
	p->attempt.nonce = NULL;
	place_sign(p);
}

static void
revoke_it(struct fo_principal *principal)
{
	principal->status = FO_STATUS_REVOKED;
}

static void
revoked(struct place *p)
{
	store_fixture_edit(&p->store, FIXTURE_ID, revoke_it);
	place_sign(p);
}

static void
suspend_it(struct fo_principal *principal)
{
	principal->status = FO_STATUS_SUSPENDED;
}

static void
suspended(struct place *p)
{
	store_fixture_edit(&p->store, FIXTURE_ID, suspend_it);
	place_sign(p);
}

static void
expire_key(struct fo_principal *principal)
{
	principal->keys[0].expires = MACHINE_NOW;
}

static void
expired_key(struct place *p)
{
	store_fixture_edit(&p->store, FIXTURE_ID, expire_key);
	place_sign(p);
}

static void
revoke_key(struct fo_principal *principal)
{
	principal->keys[0].revoked = CREATED + 60;
}

static void
revoked_key(struct place *p)
{
	store_fixture_edit(&p->store, FIXTURE_ID, revoke_key);
	place_sign(p);
}

static void
other_account(struct fo_principal *principal)
{
	free(principal->accounts[0]);
	principal->accounts[0] = strdup("postgresql:deploy");
}

static void
not_an_account(struct place *p)
{
	store_fixture_edit(&p->store, FIXTURE_ID, other_account);
	place_sign(p);
}

static void
put_rule(struct place *p, const char *effect, const char *service)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "---\nversion: 1\npolicy: logins\n"
	    "rules:\n  - rule: agents-in\n    effect: %s\n"
	    "    channel: login\n    when: {service: [%s]}\n...\n", effect,
	    service);
	store_fixture_put(&p->store, "policies.d/logins.yaml", text);
}

static void
no_rule(struct place *p)
{
	put_rule(p, "allow", "sudo");
	place_sign(p);
}

static void
rule_denies(struct place *p)
{
	put_rule(p, "deny", "sshd");
	place_sign(p);
}

static void
rule_asks(struct place *p)
{
	put_rule(p, "ask", "sshd");
	place_sign(p);
}

static void
used_before(struct place *p)
{
	place_sign(p);
	cr_assert_eq(place_decide(p), FO_OK, "%s", p->decision.diag.text);
	cr_assert_not_null(place_event(p));
	p->prepared = 0;
}

static void
newborn(struct place *p)
{
	p->machine.now.boot_ms = 10000;
	place_sign(p);
}

/* A file where the replay folder should be: nobody can use or make it. */
static void
replay_store(struct place *p)
{
	machine_remove(&p->machine, "run/replay");
	machine_write(&p->machine, "run/replay", "");
	place_sign(p);
}

static void
torn_principal(struct place *p)
{
	store_fixture_put(&p->store, "principals.d/" FIXTURE_ID ".yaml",
	    "---\nversion: 1\nstatus: active\n");
	place_sign(p);
}

static void
torn_policy(struct place *p)
{
	store_fixture_put(&p->store, "policies.d/logins.yaml",
	    "---\nversion: 1\npolicy: logins\n");
	place_sign(p);
}

static void
no_session(struct place *p)
{
	p->prepare_with = FO_ERR_SESSION;
	place_sign(p);
}

static fo_err
no_clock(void *arg, struct fo_now *ret)
{
	(void)arg;
	(void)ret;
	return FO_ERR_IO;
}

static void
clock_fails(struct place *p)
{
	p->machine.clock.now = no_clock;
	place_sign(p);
}

static void
account_missing(struct place *p)
{
	p->attempt.account = NULL;
	place_sign(p);
}

/* Up to which step it came. */
enum reach {
	UNNAMED,	/* the signature was not verified: nobody is named */
	NAMED,
	SPENT,		/* the proof cannot be used again */
	PREPARED
};

static const struct {
	const char *what;
	void (*change)(struct place *p);
	fo_err want;
	const char *res;
	enum reach reach;
} refusals[] = {
	{ "no proof", no_proof, FO_ERR_NO_PROOF, "none", UNNAMED },
	{ "no account", account_missing, FO_ERR_ARG, "error", UNNAMED },
	{ "no clock", clock_fails, FO_ERR_IO, "error", UNNAMED },
	{ "malformed", malformed, FO_ERR_MALFORMED, "deny", UNNAMED },
	{ "cut", cut, FO_ERR_CUT, "deny", UNNAMED },
	{ "typ", bad_typ, FO_ERR_BAD_TYP, "deny", UNNAMED },
	{ "alg", bad_alg, FO_ERR_BAD_ALG, "deny", UNNAMED },
	{ "crit", bad_crit, FO_ERR_BAD_CRIT, "deny", UNNAMED },
	{ "private key in jwk", bad_key, FO_ERR_BAD_KEY, "deny", UNNAMED },
	{ "no index", no_index, FO_ERR_STORE, "error", UNNAMED },
	{ "unknown key", unknown_key, FO_ERR_UNKNOWN_KEY, "deny", UNNAMED },
	{ "signature", bad_signature, FO_ERR_BAD_SIGNATURE, "deny", UNNAMED },
	{ "htm", wrong_htm, FO_ERR_WRONG_HTM, "deny", UNNAMED },
	{ "host", wrong_host, FO_ERR_WRONG_HTU, "deny", UNNAMED },
	{ "service", wrong_service, FO_ERR_WRONG_HTU, "deny", UNNAMED },
	{ "user", wrong_user, FO_ERR_WRONG_HTU, "deny", UNNAMED },
	{ "PAM_USER ..", no_target_for_the_account, FO_ERR_WRONG_HTU, "deny",
	    UNNAMED },
	{ "stale", stale, FO_ERR_STALE, "deny", UNNAMED },
	{ "future", future, FO_ERR_FUTURE, "deny", UNNAMED },
	{ "no nonce", no_nonce, FO_ERR_NO_NONCE, "deny", UNNAMED },
	{ "other nonce", wrong_nonce, FO_ERR_WRONG_NONCE, "deny", UNNAMED },
	{ "nonce that nobody issued", nonce_never_issued, FO_ERR_WRONG_NONCE,
	    "deny", UNNAMED },
	{ "revoked", revoked, FO_ERR_REVOKED, "deny", NAMED },
	{ "suspended", suspended, FO_ERR_SUSPENDED, "deny", NAMED },
	{ "expired key", expired_key, FO_ERR_EXPIRED_KEY, "deny", NAMED },
	{ "revoked key", revoked_key, FO_ERR_REVOKED_KEY, "deny", NAMED },
	{ "account", not_an_account, FO_ERR_NOT_AN_ACCOUNT, "deny", NAMED },
	{ "no rule", no_rule, FO_ERR_POLICY, "deny", NAMED },
	{ "a rule denies", rule_denies, FO_ERR_POLICY, "deny", NAMED },
	{ "a rule asks", rule_asks, FO_ERR_POLICY, "deny", NAMED },
	{ "torn policy", torn_policy, FO_ERR_STORE, "error", NAMED },
	{ "newborn", newborn, FO_ERR_REPLAY_NEWBORN, "deny", NAMED },
	{ "replay store", replay_store, FO_ERR_REPLAY_STORE, "error", NAMED },
	{ "used before", used_before, FO_ERR_REPLAY, "deny", SPENT },
	{ "session", no_session, FO_ERR_SESSION, "error", PREPARED },
};

#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

Test(decide, each_thing_wrong_has_its_own_why_and_one_event, .timeout = 60)
{
	const char *name;
	struct place p;

	for (size_t i = 0; i < REFUSALS; i++) {
		place_open(&p);
		refusals[i].change(&p);
		cr_expect_eq(place_decide(&p), refusals[i].want, "%s: %s (%s)",
		    refusals[i].what, fo_err_word(p.decision.why),
		    p.decision.diag.text);
		cr_expect_eq(p.decision.why, refusals[i].want);
		cr_expect_str_eq(fo_res_word(p.decision.res),
		    refusals[i].res, "%s", refusals[i].what);
		name = refusals[i].reach == UNNAMED ? "" : "build-bot";
		cr_expect_str_eq(p.decision.name, name, "%s",
		    refusals[i].what);
		cr_expect_eq(p.decision.id[0] != '\0', name[0] != '\0');
		cr_expect_null(strstr(p.decision.diag.text, "delivered"));
		cr_expect_eq(p.prepared, refusals[i].reach == PREPARED,
		    "%s", refusals[i].what);
		cr_expect_eq(place_spent(&p), refusals[i].reach >= SPENT, "%s",
		    refusals[i].what);
		expect_event(&p, refusals[i].res, refusals[i].want,
		    name[0] != '\0' ? name : "-");
		place_close(&p);
	}
}

Test(decide, a_preview_answers_the_same_and_leaves_no_trace, .timeout = 60)
{
	struct fo_decision preview;
	struct place p;
	size_t before;

	for (size_t i = 0; i < REFUSALS; i++) {
		if (refusals[i].want == FO_ERR_SESSION)
			continue; /* step 6 is the caller's */
		place_open(&p);
		refusals[i].change(&p);
		before = place_spent(&p);
		cr_expect_eq(fo_decide_preview(&p.authority, &p.attempt,
		    &preview), refusals[i].want, "%s: %s", refusals[i].what,
		    preview.diag.text);
		cr_expect_eq(preview.why, refusals[i].want);
		cr_expect_str_eq(fo_res_word(preview.res), refusals[i].res);
		cr_expect_eq(place_spent(&p), before);
		cr_expect_null(place_event(&p));
		place_close(&p);
	}
	place_open(&p);
	place_sign(&p);
	for (int i = 0; i < 2; i++)
		cr_expect_eq(fo_decide_preview(&p.authority, &p.attempt,
		    &preview), FO_OK, "%s", preview.diag.text);
	cr_expect_eq(p.prepared, 0);
	cr_expect_eq(place_spent(&p), 0);
	cr_expect_null(place_event(&p));
	cr_expect_eq(place_decide(&p), FO_OK);
	place_close(&p);
}

/* ---- nobody is named who has not signed --------------------------------------- */

Test(decide, trouble_with_a_principals_file_is_told_to_its_key_alone)
{
	const char *event;
	struct place p;

	place_open(&p);
	torn_principal(&p);
	cr_expect_eq(place_decide(&p), FO_ERR_STORE);
	event = place_event(&p);
	cr_assert_not_null(event);
	cr_expect_str_eq(cee_get(event, "res"), "error");
	cr_expect_not_null(strstr(cee_get(event, "msg"), FIXTURE_ID ".yaml"),
	    "the admin sees which file: %s", event);
	cr_expect_str_eq(cee_get(event, "name"), "-");
	bad_signature(&p);
	cr_expect_eq(place_decide(&p), FO_ERR_BAD_SIGNATURE);
	event = place_event(&p);
	cr_assert_not_null(event);
	cr_expect_null(strstr(event, FIXTURE_ID), "%s", event);
	place_close(&p);
}

static void
take_key_away(struct fo_principal *principal)
{
	memcpy(principal->keys[0].jkt, FIXTURE_JKT,
	    sizeof(principal->keys[0].jkt));
}

Test(decide, a_link_to_a_principal_that_does_not_list_the_key_is_worth_nothing)
{
	const char *event;
	struct place p;

	place_open(&p);
	store_fixture_edit(&p.store, FIXTURE_ID, take_key_away);
	cr_expect_eq(place_offer(&p), FO_ERR_UNKNOWN_KEY, "%s",
	    p.decision.diag.text);
	event = place_event(&p);
	cr_assert_not_null(event);
	cr_expect_null(strstr(event, FIXTURE_ID), "%s", event);
	cr_expect_null(strstr(event, "build-bot"), "%s", event);
	place_close(&p);
}

Test(decide, a_principal_whose_file_is_gone_is_an_unknown_key)
{
	const char *event;
	struct place p;
	char *path;

	place_open(&p);
	path = store_fixture_path(&p.store, "principals.d/" FIXTURE_ID
	    ".yaml");
	cr_assert_eq(unlink(path), 0);
	free(path);
	cr_expect_eq(place_offer(&p), FO_ERR_UNKNOWN_KEY);
	event = place_event(&p);
	cr_assert_not_null(event);
	cr_expect_null(strstr(event, FIXTURE_ID), "%s", event);
	place_close(&p);
}

/* A user's name with slashes is one part of the target, not three. */
Test(decide, a_user_named_like_a_path_is_no_other_service)
{
	struct place p;

	place_open(&p);
	p.attempt.service = "postgresql";
	p.attempt.account = "../sshd/deploy";
	cr_expect_eq(place_offer(&p), FO_ERR_WRONG_HTU);
	p.claims.htu = "pam://bastion/postgresql/../sshd/deploy";
	cr_expect_eq(place_offer(&p), FO_ERR_WRONG_HTU);
	p.claims.htu = "pam://bastion/postgresql/..%2Fsshd%2Fdeploy";
	cr_expect_eq(place_offer(&p), FO_ERR_NOT_AN_ACCOUNT);
	place_close(&p);
}

/* Whoever names an account that long is wrong; nothing of ours is. */
Test(decide, a_user_whom_no_target_can_name_is_another_target)
{
	char account[2048];
	struct place p;

	place_open(&p);
	memset(account, '/', sizeof(account) - 1);
	account[sizeof(account) - 1] = '\0';
	p.attempt.account = account;
	cr_expect_eq(place_offer(&p), FO_ERR_WRONG_HTU, "%s",
	    fo_err_word(p.decision.why));
	cr_expect_not_null(strstr(p.decision.diag.text, "no target can"));
	expect_event(&p, "deny", FO_ERR_WRONG_HTU, "-");
	p.attempt.account = "..";
	cr_expect_eq(place_offer(&p), FO_ERR_WRONG_HTU, "%s",
	    fo_err_word(p.decision.why));
	cr_expect_not_null(strstr(p.decision.diag.text, "no target can"));
	expect_event(&p, "deny", FO_ERR_WRONG_HTU, "-");
	place_close(&p);
}

/* What msg says between its values are our words alone. */
Test(decide, no_text_of_a_client_goes_on_with_words_of_ours)
{
	static const char said[] = "x) agent root of ops permitted to sshd as "
	    "root from 10.9.9.9 (";
	const char *event;
	struct place p;

	for (int i = 0; i < 3; i++) {
		place_open(&p);
		if (i == 0)
			p.claims.htm = said;
		else
			p.claims.htu = i == 1 ? said :
			    "pam://bastion/sshd/x)%20permitted%20to%20(";
		if (i == 2)
			p.attempt.account = "x) permitted to (";
		cr_expect_neq(place_offer(&p), FO_OK);
		event = place_event(&p);
		cr_assert_not_null(event);
		cr_expect_null(strstr(cee_get(event, "msg"), "permitted to"),
		    "%s", event);
		place_close(&p);
	}
}

/* ---- audit -------------------------------------------------------------------- */

Test(decide, a_permit_that_the_required_sink_does_not_take_is_none)
{
	struct place p;

	place_open(&p);
	cr_assert_eq(unlink(p.log_path), 0);
	cr_expect_eq(place_offer(&p), FO_ERR_AUDIT);
	cr_expect_eq(p.decision.res, FO_RES_ERROR);
	cr_expect_eq(p.prepared, 1, "the caller undoes it");
	cr_expect_not_null(strstr(p.decision.diag.text, p.log_path), "%s",
	    p.decision.diag.text);
	place_close(&p);
}

Test(decide, a_permit_that_one_sink_of_two_took_is_taken_back_there)
{
	const char *event;
	char sid[23];
	struct place p;

	place_open(&p);
	place_configure(&p, "{required: [syslog, \"file:/nowhere/at/all\"]}");
	cr_expect_eq(place_offer(&p), FO_ERR_AUDIT);
	event = place_event(&p);
	cr_assert_not_null(event);
	cr_expect_str_eq(cee_get(event, "res"), "permit");
	memcpy(sid, cee_get(event, "sid"), sizeof(sid));
	event = place_event(&p);
	cr_assert_not_null(event);
	cr_expect_str_eq(cee_get(event, "res"), "error");
	cr_expect_str_eq(cee_get(event, "why"), "audit");
	cr_expect_str_eq(cee_get(event, "sid"), sid);
	cr_expect_null(place_event(&p));
	place_close(&p);
}

Test(decide, a_refusal_that_nobody_hears_of_stays_what_it_is)
{
	struct place p;

	place_open(&p);
	cr_assert_eq(unlink(p.log_path), 0);
	revoked(&p);
	cr_expect_eq(place_decide(&p), FO_ERR_REVOKED);
	cr_expect_eq(strncmp(p.decision.diag.text, "(its event was not "
	    "delivered: ", 30), 0, "%s", p.decision.diag.text);
	stale(&p);
	cr_expect_eq(place_decide(&p), FO_ERR_STALE);
	cr_expect_not_null(strstr(p.decision.diag.text, " (its event was not "
	    "delivered: "), "%s", p.decision.diag.text);
	place_close(&p);
}

/* ---- order --------------------------------------------------------------------- */

static fo_err
look_for_file(void *arg, const struct fo_decision *decision,
    struct fo_diag *diag)
{
	struct place *p = arg;

	(void)diag;
	cr_expect_eq(place_spent(p), 1, "5 comes before 6");
	cr_expect_null(place_event(p), "6 comes before 7");
	cr_expect_str_eq(decision->name, "build-bot");
	cr_expect_neq(decision->why, FO_OK);
	p->prepared++;
	return FO_OK;
}

Test(decide, preparing_comes_after_replay_and_before_audit)
{
	struct place p;

	place_open(&p);
	p.attempt.prepare = look_for_file;
	cr_expect_eq(place_offer(&p), FO_OK, "%s", p.decision.diag.text);
	cr_expect_eq(p.prepared, 1);
	cr_expect_not_null(place_event(&p));
	place_close(&p);
}

static void
stop_for_100_s(struct machine *m, int nth)
{
	/* the decision's own look, the first of the replay folder, then: */
	if (nth == 3)
		machine_pass(m, 100);
}

Test(decide, a_caller_stopped_past_the_window_is_refused)
{
	struct place p;

	place_open(&p);
	p.machine.meanwhile = stop_for_100_s;
	cr_expect_eq(place_offer(&p), FO_ERR_STALE, "%s", p.decision.diag.text);
	cr_expect_eq(p.prepared, 0);
	expect_event(&p, "deny", FO_ERR_STALE, "build-bot");
	place_close(&p);
}

/* ---- a crowd --------------------------------------------------------------------- */

#define CROWD 100
#define ROUNDS 20

/* Read events until all have come; return how many of them permit. */
static int
read_events(const struct place *p, int count)
{
	struct pollfd poller = { .fd = p->log_fd, .events = POLLIN };
	const char *event;
	int permits = 0;

	while (count > 0) {
		cr_assert_eq(poll(&poller, 1, 20000), 1, "%d missing", count);
		while ((event = place_event(p)) != NULL) {
			count--;
			if (strcmp(cee_get(event, "res"), "permit") == 0)
				permits++;
		}
	}
	cr_expect_eq(count, 0);
	return permits;
}

/*
 * A child that decides once the gate is closed: all at once, and when
 * somebody reads what they tell.
 */
static pid_t
fork_decider(struct place *p, const int gate[2])
{
	const pid_t pid = fork();
	char byte;

	if (pid == 0) {
		close(gate[1]);
		_exit(read(gate[0], &byte, 1) == 0 &&
		    place_decide(p) == FO_OK);
	}
	cr_assert_gt(pid, 0);
	return pid;
}

Test(decide, of_a_hundred_processes_with_one_proof_one_is_permitted,
    .timeout = 240)
{
	pid_t pids[CROWD];
	char jti[17];
	int status, permitted, gate[2];
	struct place p;

	place_open(&p);
	for (int round = 0; round < ROUNDS; round++) {
		(void)snprintf(jti, sizeof(jti), "round-%010d", round);
		p.claims.jti = jti;
		place_sign(&p);
		cr_assert_eq(pipe(gate), 0);
		for (int i = 0; i < CROWD; i++)
			pids[i] = fork_decider(&p, gate);
		close(gate[0]);
		close(gate[1]);
		cr_expect_eq(read_events(&p, CROWD), 1, "round %d", round);
		permitted = 0;
		for (int i = 0; i < CROWD; i++) {
			cr_assert_eq(waitpid(pids[i], &status, 0), pids[i]);
			cr_assert(WIFEXITED(status));
			permitted += WEXITSTATUS(status);
		}
		cr_expect_eq(permitted, 1, "round %d", round);
	}
	place_close(&p);
}

Test(decide, a_policy_says_which_of_its_rules_refused)
{
	static const struct {
		void (*change)(struct place *p);
		const char *text;
	} cases[] = {
		{ no_rule, "no rule allows it" },
		{ rule_denies, " says deny" },
		{ rule_asks, " says ask" },
	};
	struct place p;

	place_open(&p);
	cr_expect_eq(place_offer(&p), FO_OK);
	cr_expect_str_eq(p.decision.diag.text, "");
	place_close(&p);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		place_open(&p);
		cases[i].change(&p);
		cr_expect_eq(place_decide(&p), FO_ERR_POLICY);
		cr_expect_not_null(strstr(p.decision.diag.text,
		    cases[i].text), "%s", p.decision.diag.text);
		place_close(&p);
	}
}

/* ---- afterwards ---------------------------------------------------------- */

static fo_err
still(struct place *p, const char *service, const char *account)
{
	struct fo_diag diag = { .text = "" };
	const fo_err r = fo_still_permitted(&p->authority, FIXTURE_ID,
	    FORGE_JKT, service, account, "10.2.3.4", &diag);

	if (r == FO_OK)
		cr_expect_str_eq(diag.text, "");
	if (r == FO_ERR_POLICY || r == FO_ERR_STORE)
		cr_expect_str_neq(diag.text, "", "%s", fo_err_word(r));
	return r;
}

Test(decide, a_login_is_still_permitted_as_long_as_nothing_changed)
{
	struct place p;

	place_open(&p);
	cr_expect_eq(still(&p, "sshd", "deploy"), FO_OK);
	cr_expect_eq(still(&p, NULL, NULL), FO_OK);
	cr_expect_eq(still(&p, "sshd", "root"), FO_ERR_NOT_AN_ACCOUNT);
	cr_expect_eq(still(&p, "sudo", "deploy"), FO_ERR_POLICY);
	cr_expect_null(place_event(&p), "it emits nothing");
	place_close(&p);
}

Test(decide, a_login_whose_principal_changed_is_permitted_no_more)
{
	static const struct {
		const char *what;
		void (*change)(struct place *p);
		fo_err login;		/* for the login */
		fo_err in_force;	/* for the principal alone */
	} cases[] = {
		{ "revoked", revoked, FO_ERR_REVOKED, FO_ERR_REVOKED },
		{ "suspended", suspended, FO_ERR_SUSPENDED,
		    FO_ERR_SUSPENDED },
		{ "expired key", expired_key, FO_ERR_EXPIRED_KEY,
		    FO_ERR_EXPIRED_KEY },
		{ "revoked key", revoked_key, FO_ERR_REVOKED_KEY,
		    FO_ERR_REVOKED_KEY },
		{ "account", not_an_account, FO_ERR_NOT_AN_ACCOUNT, FO_OK },
		{ "policy", no_rule, FO_ERR_POLICY, FO_OK },
		{ "unreadable", torn_principal, FO_ERR_STORE, FO_ERR_STORE },
	};
	struct place p;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		place_open(&p);
		cases[i].change(&p);
		cr_expect_eq(still(&p, "sshd", "deploy"), cases[i].login,
		    "%s", cases[i].what);
		cr_expect_eq(still(&p, NULL, NULL), cases[i].in_force, "%s",
		    cases[i].what);
		place_close(&p);
	}
}

Test(decide, a_login_whose_principal_is_gone_or_lost_its_key_is_refused)
{
	struct place p;
	char *path;

	place_open(&p);
	store_fixture_edit(&p.store, FIXTURE_ID, take_key_away);
	cr_expect_eq(still(&p, NULL, NULL), FO_ERR_UNKNOWN_KEY);
	path = store_fixture_path(&p.store, "principals.d/" FIXTURE_ID
	    ".yaml");
	cr_assert_eq(unlink(path), 0);
	free(path);
	cr_expect_eq(still(&p, NULL, NULL), FO_ERR_REVOKED);
	place_close(&p);
}

#define OFFERS 40
#define BLOCK 32 /* the least that a lost allocation takes */

static void *
offer_often(void *arg)
{
	for (int i = 0; i < OFFERS; i++) {
		cr_expect_eq(place_offer(arg), FO_ERR_REPLAY);
		cr_expect_not_null(place_event(arg));
	}
	return NULL;
}

/* What a thread has set aside for later is given back when it ends. */
static size_t
memory_after(struct place *p)
{
	pthread_t thread;

	cr_assert_eq(pthread_create(&thread, NULL, offer_often, p), 0);
	cr_assert_eq(pthread_join(thread, NULL), 0);
	return mallinfo2().uordblks;
}

Test(decide, no_memory_stays_behind)
{
	struct place p;
	size_t before, after;

	place_open(&p);
	cr_assert_eq(place_offer(&p), FO_OK);
	before = memory_after(&p);
	after = memory_after(&p);
	cr_expect_lt(after, before + OFFERS * BLOCK, "%zu %zu", after, before);
	after = memory_after(&p);
	cr_expect_lt(after, before + OFFERS * BLOCK, "%zu %zu", after, before);
	place_close(&p);
}

Test(decide, no_descriptor_stays_open)
{
	struct place p;
	size_t before;

	place_open(&p);
	before = machine_descriptors();
	cr_expect_eq(place_offer(&p), FO_OK);
	if (place_keeps)
		before = machine_descriptors();
	cr_expect_eq(place_offer(&p), FO_ERR_REPLAY);
	torn_principal(&p);
	cr_expect_eq(place_decide(&p), FO_ERR_STORE);
	cr_expect_eq(machine_descriptors(), before);
	place_close(&p);
}

/* ---- what callers leave out, and what hosts lack -------------------------- */

Test(decide, nobody_is_decided_about_without_a_service_and_an_account)
{
	struct place p;

	place_open(&p);
	p.attempt.service = NULL;
	cr_expect_eq(place_offer(&p), FO_ERR_ARG);
	p.attempt.service = "sshd";
	p.attempt.account = NULL;
	cr_expect_eq(place_offer(&p), FO_ERR_ARG);
	cr_expect_eq(place_spent(&p), 0);
	place_close(&p);
}

Test(decide, a_proof_of_no_bytes_is_no_proof)
{
	struct place p;

	place_open(&p);
	place_sign(&p);
	p.attempt.proof_len = 0;
	cr_expect_eq(place_decide(&p), FO_ERR_NO_PROOF);
	place_close(&p);
}

/* fo verify has nothing to prepare, and answers no service. */
Test(decide, a_caller_may_have_nothing_to_prepare_and_no_code_to_tell)
{
	const char *event;
	struct place p;

	place_open(&p);
	p.attempt.prepare = NULL;
	p.attempt.rc = NULL;
	cr_expect_eq(place_offer(&p), FO_OK, "%s", p.decision.diag.text);
	cr_assert_not_null(event = place_event(&p));
	cr_expect_str_eq(cee_get(event, "rc"), "0");
	cr_expect_eq(place_offer(&p), FO_ERR_REPLAY);
	cr_assert_not_null(event = place_event(&p));
	cr_expect_str_eq(cee_get(event, "rc"), "0");
	place_close(&p);
}

static void
revoke_with_reason(struct fo_principal *principal)
{
	principal->keys[0].revoked = CREATED + 1;
	principal->keys[0].reason = strdup("left on a train");
}

Test(decide, the_reason_why_a_key_was_revoked_is_told_to_the_admin)
{
	const char *event;
	struct place p;

	place_open(&p);
	store_fixture_edit(&p.store, FIXTURE_ID, revoke_with_reason);
	cr_expect_eq(place_offer(&p), FO_ERR_REVOKED_KEY);
	cr_assert_not_null(event = place_event(&p));
	cr_expect_not_null(strstr(cee_get(event, "msg"), "left on a train"),
	    "%s", event);
	place_close(&p);
}

Test(decide, nobody_is_let_in_where_the_clock_cannot_be_read)
{
	struct place p;

	place_open(&p);
	p.machine.now_with = FO_ERR_IO;
	cr_expect_eq(place_offer(&p), FO_ERR_IO);
	cr_expect_eq(fo_decide_preview(&p.authority, &p.attempt,
	    &p.decision), FO_ERR_IO);
	cr_expect_eq(still(&p, "sshd", "deploy"), FO_ERR_IO);
	cr_expect_eq(place_spent(&p), 0);
	cr_expect_null(strstr(place_event(&p), "permit"));
	place_close(&p);
}

static void
lose_the_clock(struct machine *m, int nth)
{
	/* the decision's look, two of the replay folder, then the event's: */
	if (nth == 4)
		m->now_with = FO_ERR_IO;
}

Test(decide, a_permit_whose_event_has_no_time_is_none)
{
	struct place p;

	place_open(&p);
	p.machine.meanwhile = lose_the_clock;
	cr_expect_eq(place_offer(&p), FO_ERR_AUDIT, "%s",
	    fo_err_word(p.decision.why));
	cr_expect_eq(p.decision.res, FO_RES_ERROR);
	cr_expect_null(place_event(&p), "of a permit nobody was told");
	place_close(&p);
}

Test(decide, a_reason_is_given_where_there_is_one)
{
	struct place p;

	place_open(&p);
	no_rule(&p);
	cr_expect_eq(place_decide(&p), FO_ERR_POLICY);
	cr_expect_str_eq(p.decision.diag.text, "no rule allows it");
	place_close(&p);
	place_open(&p);
	revoked_key(&p);
	cr_expect_eq(place_decide(&p), FO_ERR_REVOKED_KEY);
	cr_expect_str_eq(p.decision.diag.text, "");
	place_close(&p);
}

Test(decide, without_an_account_only_the_principal_is_looked_at_again)
{
	struct place p;

	place_open(&p);
	cr_expect_eq(still(&p, "sshd", NULL), FO_OK);
	cr_expect_eq(still(&p, NULL, "root"), FO_OK);
	place_close(&p);
}
