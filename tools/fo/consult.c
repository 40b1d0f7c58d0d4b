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
#include <firstops/proof.h>
#include <firstops/target.h>

#include "base/diag.h"
#include "host/act.h"
#include "host/audit.h"

#include "signing.h"

#define AGENT_PREFIX "fo_agent_"
#define HOST_SIZE 65

/* All that is got on the way, and let go of at its end. */
struct consultation {
	const struct question *question;
	struct fo_store *store;
	struct fo_config *config;
	struct fo_principal *principal;
	struct fo_login_record who;
	struct action action;
	char user[64];
	bool may_go_on;
	struct fo_diag diag;
};

/* ---- who ---------------------------------------------------------------- */

/* The name of this host where the store cannot say it. */
static const char *
host_of(const struct consultation *c, char own[HOST_SIZE])
{
	if (c->config != NULL)
		return c->config->host;
	if (gethostname(own, HOST_SIZE) != 0)
		return "localhost";
	own[HOST_SIZE - 1] = '\0';
	own[strcspn(own, ".")] = '\0';
	return own;
}

/*
 * Whoever asks holds a key: it signs for this question, to a nonce that was
 * made here and so in nobody's old proof.
 */
static fo_err
prove(struct consultation *c)
{
	char nonce[FO_NONCE_SIZE], host[HOST_SIZE], *htu = NULL, *text = NULL;
	struct fo_proof *proof = NULL;
	struct fo_request request = { .htm = FO_HTM_PAM, .nonce = nonce,
		.diag = &c->diag };
	struct fo_expect want = { .htm = FO_HTM_PAM, .nonce = nonce,
		.max_age_s = FO_MAX_AGE_S, .clock_skew_s = 1,
		.diag = &c->diag };
	struct fo_now now;
	fo_err r;

	if ((r = fo_target_format(host_of(c, host), c->question->service,
	    c->user, &htu)) != FO_OK ||
	    (r = fo_nonce_new(nonce)) != FO_OK ||
	    (r = fo_clock_system.now(fo_clock_system.arg, &now)) != FO_OK)
		goto out;
	request.htu = htu;
	request.iat = now.s;
	if ((r = signing_proof(&request, c->question->limit_ms, &text)) !=
	    FO_OK ||
	    (r = fo_clock_system.now(fo_clock_system.arg, &now)) != FO_OK)
		goto out;
	want.htu = htu;
	want.now = now.s;
	if ((r = fo_proof_verify(text, strlen(text), &want, &proof)) == FO_OK)
		fo_decision_text(fo_proof_jkt(proof), c->who.jkt,
		    sizeof(c->who.jkt));
out:
	fo_proof_free(&proof);
	fo_proof_text_free(&text);
	free(htu);
	return r;
}

/* Whoever says which agent it is has to be that one. */
static fo_err
check_said(const char *id, struct fo_diag *diag)
{
	const char *said = getenv("FO_AGENT_ID");

	if (said == NULL || said[0] == '\0' || strcmp(said, id) == 0 ||
	    (strncmp(id, AGENT_PREFIX, strlen(AGENT_PREFIX)) == 0 &&
	    strcmp(said, id + strlen(AGENT_PREFIX)) == 0))
		return FO_OK;
	fo_diag_set(diag, "FO_AGENT_ID says %.64s, and the key is another's",
	    said);
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

/* Whose key it is, by the store. */
static fo_err
identify(struct consultation *c, struct fo_diag *diag)
{
	char id[FO_ID_SIZE];
	fo_err r;

	if ((r = fo_store_find(c->store, c->who.jkt, diag, id)) != FO_OK)
		return r;
	r = fo_store_principal(c->store, id, diag, &c->principal);
	if (r == FO_ERR_NOT_FOUND) {
		fo_diag_set(diag, "keys.d/%s leads to a principal that is no"
		    " longer registered", c->who.jkt);
		return FO_ERR_UNKNOWN_KEY;
	}
	if (r != FO_OK)
		return r;
	fo_decision_text(id, c->who.id, sizeof(c->who.id));
	fo_decision_text(c->principal->name, c->who.name,
	    sizeof(c->who.name));
	fo_decision_text(c->principal->owner, c->who.owner,
	    sizeof(c->who.owner));
	fo_decision_text(fo_kind_word(c->principal->kind), c->who.kind,
	    sizeof(c->who.kind));
	return check_said(id, diag);
}

/* ---- what --------------------------------------------------------------- */

static fo_err
read_question(struct consultation *c)
{
	struct fo_now now;
	fo_err r;

	if (c->question->trouble != FO_OK) {
		c->diag = c->question->reason;
		return c->question->trouble;
	}
	if ((r = fo_clock_system.now(fo_clock_system.arg, &now)) != FO_OK)
		return r;

	return action_read(&c->question->action, c->config != NULL ?
	    c->config->host : NULL, now.s, &c->diag, &c->action);
}

/* A file by its own path: a relative one, or a link's, says little later. */
static const char *
name_deed(const struct consultation *c)
{
	return c->action.resolved != NULL ? c->action.resolved :
	    c->action.path != NULL ? c->action.path : c->question->what;
}

/* ---- the whole ---------------------------------------------------------- */

static fo_err
open_store(const char *config_path, struct consultation *c,
    struct fo_diag *diag)
{
	fo_err r;

	if ((r = fo_store_new(config_path, diag, &c->store)) != FO_OK)
		return r;
	return fo_store_config(c->store, diag, &c->config);
}

/*
 * What is wrong with the store is told before anything else, and yet both key
 * and question are looked at: without them nothing goes on.
 */
static fo_err
prepare(const char *config_path, struct consultation *c)
{
	struct fo_diag diag = { "" };
	fo_err signs, asks, store;

	store = open_store(config_path, c, &diag);
	if ((signs = prove(c)) == FO_OK && store == FO_OK)
		store = identify(c, &diag);
	if (signs != FO_OK && store == FO_OK)
		return signs;
	asks = read_question(c);
	c->may_go_on = signs == FO_OK && asks == FO_OK;
	if (store != FO_OK) {
		c->diag = diag;
		return store;
	}

	return asks;
}

void
consult(const char *config_path, const struct question *question,
    struct fo_decision *ret_decision)
{
	struct consultation c = { .question = question };
	fo_err trouble;

	name_user(&c);
	if ((trouble = fo_sid_new(c.who.sid)) == FO_OK)
		trouble = prepare(config_path, &c);

	const struct fo_authority authority = { .store = c.store,
		.config = c.config, .clock = &fo_clock_system,
		.audit_tag = "fo", .audit_socket = FO_AUDIT_SOCKET };
	const struct fo_deed deed = {
		.who = c.who.jkt[0] != '\0' ? &c.who : NULL,
		.trouble = trouble,
		.reason = &c.diag,
		.action = c.action.of,
		.asks = question->asks,
		.instead = c.may_go_on ? question->instead : NULL,
		.past = question->past,
		.act = question->act,
		.what = name_deed(&c),
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
