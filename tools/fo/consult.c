/*
 * An action of whoever runs this, decided: who by a proof, then as fo_act
 * does for sudo.
 */
#include "consult.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <firstops/challenge.h>
#include <firstops/key.h>
#include <firstops/proof.h>
#include <firstops/target.h>

#include "base/diag.h"
#include "host/act.h"
#include "host/audit.h"

#define AGENT_PREFIX "fo_agent_"

/* All that is got on the way, and let go of at its end. */
struct consultation {
	const struct question *question;
	struct fo_store *store;
	struct fo_config *config;
	struct fo_principal *principal;
	struct fo_login_record who;
	struct action action;
	char user[64];
	struct fo_diag diag;
};

/* ---- who ---------------------------------------------------------------- */

/* A proof for a nonce that was made here is nobody's old one. */
static fo_err
sign(struct consultation *c, const struct fo_key *key, const char *htu,
    char nonce[FO_NONCE_SIZE], char **ret_proof)
{
	struct fo_request request = { .htm = FO_HTM_PAM, .htu = htu,
		.nonce = nonce, .diag = &c->diag };
	struct fo_now now;
	fo_err r;

	if ((r = fo_nonce_new(nonce)) != FO_OK ||
	    (r = fo_clock_system.now(fo_clock_system.arg, &now)) != FO_OK)
		return r;
	request.iat = now.s;

	return fo_proof_sign(key, &request, ret_proof);
}

static fo_err
prove(struct consultation *c, const char *htu, char ret_jkt[FO_JKT_SIZE])
{
	char nonce[FO_NONCE_SIZE], *uri = NULL, *text = NULL;
	struct fo_proof *proof = NULL;
	struct fo_key *key = NULL;
	struct fo_expect want = { .htm = FO_HTM_PAM, .htu = htu,
		.nonce = nonce, .max_age_s = FO_MAX_AGE_S, .clock_skew_s = 1,
		.diag = &c->diag };
	struct fo_now now;
	fo_err r;

	if ((r = fo_key_find(NULL, &c->diag, &uri)) != FO_OK ||
	    (r = fo_key_load(uri, NULL, NULL, &c->diag, &key)) != FO_OK ||
	    (r = sign(c, key, htu, nonce, &text)) != FO_OK ||
	    (r = fo_clock_system.now(fo_clock_system.arg, &now)) != FO_OK)
		goto out;
	want.now = now.s;
	if ((r = fo_proof_verify(text, strlen(text), &want, &proof)) == FO_OK)
		memcpy(ret_jkt, fo_proof_jkt(proof), FO_JKT_SIZE);
out:
	fo_proof_free(&proof);
	fo_proof_text_free(&text);
	fo_key_free(&key);
	free(uri);
	return r;
}

/* Whoever says which agent it is has to be that one. */
static fo_err
check_said(struct consultation *c)
{
	const char *said = getenv("FO_AGENT_ID");
	const char *id = c->principal->id;

	if (said == NULL || said[0] == '\0' || strcmp(said, id) == 0 ||
	    (strncmp(id, AGENT_PREFIX, strlen(AGENT_PREFIX)) == 0 &&
	    strcmp(said, id + strlen(AGENT_PREFIX)) == 0))
		return FO_OK;
	fo_diag_set(&c->diag, "the key is %s's, and FO_AGENT_ID says %.64s",
	    id, said);
	return FO_ERR_UNKNOWN_KEY;
}

static void
name_user(struct consultation *c)
{
	const struct passwd *pw = getpwuid(getuid());

	if (pw != NULL)
		(void)snprintf(c->user, sizeof(c->user), "%s", pw->pw_name);
	else
		(void)snprintf(c->user, sizeof(c->user), "uid:%lu",
		    (unsigned long)getuid());
}

static fo_err
identify(struct consultation *c)
{
	char id[FO_ID_SIZE], jkt[FO_JKT_SIZE], *htu = NULL;
	fo_err r;

	if ((r = fo_target_format(c->config->host, c->question->service,
	    c->user, &htu)) != FO_OK ||
	    (r = prove(c, htu, jkt)) != FO_OK ||
	    (r = fo_store_find(c->store, jkt, &c->diag, id)) != FO_OK ||
	    (r = fo_store_principal(c->store, id, &c->diag,
	    &c->principal)) != FO_OK ||
	    (r = check_said(c)) != FO_OK)
		goto out;
	fo_decision_text(id, c->who.id, sizeof(c->who.id));
	fo_decision_text(jkt, c->who.jkt, sizeof(c->who.jkt));
	fo_decision_text(c->principal->name, c->who.name,
	    sizeof(c->who.name));
	fo_decision_text(c->principal->owner, c->who.owner,
	    sizeof(c->who.owner));
	fo_decision_text(fo_kind_word(c->principal->kind), c->who.kind,
	    sizeof(c->who.kind));
	r = fo_sid_new(c->who.sid);
out:
	free(htu);
	return r;
}

/* ---- the whole ---------------------------------------------------------- */

static fo_err
prepare(const char *config_path, struct consultation *c)
{
	struct fo_now now;
	fo_err r;

	if ((r = fo_store_new(config_path, &c->diag, &c->store)) != FO_OK ||
	    (r = fo_store_config(c->store, &c->diag, &c->config)) != FO_OK ||
	    (r = identify(c)) != FO_OK)
		return r;
	if (c->question->trouble != FO_OK) {
		c->diag = c->question->reason;
		return c->question->trouble;
	}
	if ((r = fo_clock_system.now(fo_clock_system.arg, &now)) != FO_OK)
		return r;

	return action_read(&c->question->action, c->config->host, now.s,
	    &c->diag, &c->action);
}

void
consult(const char *config_path, const struct question *question,
    struct fo_decision *ret_decision)
{
	struct consultation c = { .question = question };
	fo_err trouble;

	name_user(&c);
	trouble = prepare(config_path, &c);

	const struct fo_authority authority = { .store = c.store,
		.config = c.config, .clock = &fo_clock_system,
		.audit_tag = "fo", .audit_socket = FO_AUDIT_SOCKET };
	const struct fo_deed deed = {
		.who = c.who.sid[0] != '\0' ? &c.who : NULL,
		.trouble = trouble,
		.reason = &c.diag,
		.action = c.action.of,
		.asks = question->asks,
		.aside = question->fail_open ?
		    "it goes on: --fail-open" : NULL,
		.act = question->act,
		.what = question->what,
		.service = question->service,
		.user = c.user,
		.ruser = c.user,
	};
	if (fo_act(&authority, &deed, ret_decision) != ret_decision->why)
		ret_decision->why = FO_ERR_INTERNAL;
	action_clear(&c.action);
	fo_principal_free(&c.principal);
	fo_config_free(&c.config);
	fo_store_free(&c.store);
}
