/*
 * firstopsd-store: does a fixed set of things with the store for firstopsd,
 * which can write nothing (PROTOCOL.md).
 *
 * Each request brings the ticket of who asks. What they may do is looked up
 * here, now, in the host's groups and in the store; what the web part thinks
 * is not asked. What may be done is then done by fo, by its own rules.
 */
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "authority.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/frame.h"
#include "base/program.h"
#include "base/wipe.h"
#include "helper.h"
#include "host/clock.h"
#include "host/names.h"
#include "run.h"
#include "src/json.h"
#include "ticket.h"

#define KEY_PATH "/run/firstopsd/ticket.key"
#define CONFIG_PATH "/etc/firstops/firstops.yaml"
#define FO_PATH "/usr/bin/fo"
#define VALUE_MAX 512
#define MEMBERS_MAX 16
#define REQUEST_S 60
#define REQUESTS_AT_ONCE 16

enum { EXIT_USAGE = 2, EXIT_TROUBLE = 3 };

struct helper {
	int listener;
	struct ticket_key key;
	const char *fo;
	const char *config;
};

/* One request, in its own process. */
struct request {
	const struct helper *helper;
	struct fo_store *store;
	struct fo_json *root;
	struct actor actor;
	char user[TICKET_USER_MAX + 1];
	struct fo_principal *principal;	/* that it is about, if any */
	const char *argv[RUN_ARGS_MAX];
	size_t args;
	const char *input;
	struct fo_diag diag;
};

/* ---- what it asks for --------------------------------------------------- */

/* Whose request it has to be. */
enum need {
	NEED_ADMIN,
	NEED_MANAGE,	/* of the principal that it names */
	NEED_SEE,	/* the same */
	NEED_OWN_KEY,	/* to manage it, or to end a key of one's own */
	NEED_ANY	/* whoever signed in */
};

/* Options that a request may bring, and their names for fo. */
static const char *const create_options[] = { "owner", "groups", "policies",
	"accounts", "expires", NULL };
static const char *const rotate_options[] = { "overlap", "expires", NULL };
static const char *const reason_options[] = { "reason", NULL };
static const char *const revoke_options[] = { "reason", "key", NULL };
static const char *const explain_options[] = { "principal", "channel",
	"service", "account", "source", "shell", "path", "tool", "method",
	"url", NULL };
static const char *const event_options[] = { "since", "until", "result",
	"why", "service", NULL };
static const char *const list_options[] = { "owner", NULL };
static const char *const none[] = { NULL };

static const struct op {
	const char *name;
	const char *verb[2];	/* of fo; NULL: KIND by the principal's */
	const char *const *options;
	enum need need;
	bool named;		/* a name of something new */
	bool about;		/* an id of something there */
	bool jwk;		/* a public key on standard input */
} ops[] = {
	{ "agents", { "agent", "list" }, list_options, NEED_ADMIN,
	    false, false, false },
	{ "humans", { "human", "list" }, none, NEED_ADMIN,
	    false, false, false },
	{ "create", { "agent", "create" }, create_options, NEED_ADMIN,
	    true, false, true },
	{ "show", { NULL, "show" }, none, NEED_SEE,
	    false, true, false },
	{ "rotate", { NULL, "rotate" }, rotate_options, NEED_MANAGE,
	    false, true, true },
	{ "suspend", { NULL, "suspend" }, reason_options, NEED_MANAGE,
	    false, true, false },
	{ "resume", { NULL, "resume" }, none, NEED_MANAGE,
	    false, true, false },
	{ "revoke", { NULL, "revoke" }, revoke_options, NEED_OWN_KEY,
	    false, true, false },
	{ "explain", { "policy", "explain" }, explain_options, NEED_ADMIN,
	    false, false, false },
	{ "policies", { "policy", "check" }, none, NEED_ADMIN,
	    false, false, false },
	{ "events", { "audit", NULL }, event_options, NEED_ANY,
	    false, false, false },
	{ "whoami", { NULL, NULL }, none, NEED_ANY, false, false, false },
	{ "own-agents", { NULL, NULL }, none, NEED_ANY, false, false, false },
};

static const char *
text_of(const struct request *request, const char *name)
{
	return fo_json_string(fo_json_member(request->root, name));
}

static const struct op *
op_of(const struct request *request)
{
	const char *name = text_of(request, "op");

	for (size_t i = 0; name != NULL && i < sizeof(ops) / sizeof(ops[0]);
	    i++) {
		if (strcmp(name, ops[i].name) == 0)
			return &ops[i];
	}

	return NULL;
}

/*
 * Only members that the op has, and all of them strings: of one that is passed
 * over or misread, the rest of the request would say something else.
 */
static fo_err
check_members(struct request *request, const struct op *op)
{
	const char *names[MEMBERS_MAX + 1] = { "op", "ticket" };
	size_t n = 2;

	if (op->about)
		names[n++] = "id";
	if (op->named)
		names[n++] = "name";
	if (op->jwk)
		names[n++] = "jwk";
	for (size_t i = 0; op->options[i] != NULL && n < MEMBERS_MAX; i++)
		names[n++] = op->options[i];
	if (fo_json_stranger(request->root, names) != NULL) {
		fo_diag_set(&request->diag, "a member is none of this op");
		return FO_ERR_ARG;
	}
	for (size_t i = 0; i < n; i++) {
		if (fo_json_member(request->root, names[i]) != NULL &&
		    text_of(request, names[i]) == NULL) {
			fo_diag_set(&request->diag, "%s has to be a string",
			    names[i]);
			return FO_ERR_ARG;
		}
	}

	return FO_OK;
}

/* ---- who asks, and about whom ------------------------------------------- */

static fo_err
know_actor(struct request *request)
{
	const char *ticket = text_of(request, "ticket");
	struct fo_now now;
	fo_err r;

	if (ticket == NULL)
		return FO_ERR_NO_PROOF;
	if ((r = fo_clock_system.now(fo_clock_system.arg, &now)) != FO_OK ||
	    (r = ticket_check(&request->helper->key, ticket, now.s,
	    request->user)) != FO_OK)
		return r == FO_ERR_FORMAT ? FO_ERR_BAD_SIGNATURE : r;

	return actor_read(request->store, request->user, &request->diag,
	    &request->actor);
}

static fo_err
know_principal(struct request *request, const struct op *op)
{
	const char *id = text_of(request, "id");

	if (!op->about)
		return FO_OK;
	if (id == NULL || !fo_id_ok(id)) {
		fo_diag_set(&request->diag, "id has to be fo_agent_... or"
		    " fo_user_...");
		return FO_ERR_ARG;
	}
	return fo_store_principal(request->store, id, &request->diag,
	    &request->principal);
}

/* Their own keys people may end, one by one, but nothing else of it. */
static bool
ends_own_key(const struct request *request)
{
	return request->actor.id[0] != '\0' &&
	    strcmp(request->actor.id, request->principal->id) == 0 &&
	    text_of(request, "key") != NULL;
}

static bool
may(const struct request *request, const struct op *op)
{
	switch (op->need) {
	case NEED_ADMIN:
		return request->actor.admin;
	case NEED_MANAGE:
		return actor_manages(&request->actor, request->principal);
	case NEED_SEE:
		return actor_sees(&request->actor, request->principal);
	case NEED_OWN_KEY:
		return actor_manages(&request->actor, request->principal) ||
		    ends_own_key(request);
	case NEED_ANY:
		return true;
	}

	return false;
}

/* ---- what fo is told ---------------------------------------------------- */

static void
add_arg(struct request *request, const char *arg)
{
	if (request->args < RUN_ARGS_MAX - 1)
		request->argv[request->args++] = arg;
}

/* No option of fo's, no line of its own, and not without end. */
static bool
is_value(const char *text)
{
	if (text[0] == '\0' || text[0] == '-' || strlen(text) > VALUE_MAX)
		return false;
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return false;
	}

	return true;
}

static fo_err
add_options(struct request *request, const struct op *op)
{
	static const char *const words[] = { "--owner", "--groups",
		"--policies", "--accounts", "--expires", "--overlap",
		"--reason", "--key", "--principal", "--channel", "--service",
		"--account", "--source", "--shell", "--path", "--tool",
		"--method", "--url", "--since", "--until", "--result",
		"--why" };

	for (size_t i = 0; op->options[i] != NULL; i++) {
		const char *value = text_of(request, op->options[i]);

		if (value == NULL)
			continue;
		if (!is_value(value)) {
			fo_diag_set(&request->diag, "%s is empty, too long,"
			    " or begins with \"-\"", op->options[i]);
			return FO_ERR_ARG;
		}
		for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++) {
			if (strcmp(words[k] + 2, op->options[i]) == 0)
				add_arg(request, words[k]);
		}
		add_arg(request, value);
	}

	return FO_OK;
}

/* What only fo's own members see of events: the rest see their own. */
static void
narrow_events(struct request *request)
{
	if (request->actor.admin)
		return;
	add_arg(request, "--principal");
	add_arg(request, request->actor.id);
}

static fo_err
make_argv(struct request *request, const struct op *op)
{
	const char *name = text_of(request, "name");
	fo_err r;

	add_arg(request, request->helper->fo);
	add_arg(request, op->verb[0] != NULL ? op->verb[0] :
	    fo_kind_word(request->principal->kind));
	if (op->verb[1] != NULL)
		add_arg(request, op->verb[1]);
	if (op->named) {
		if (name == NULL || !fo_name_ok(name)) {
			fo_diag_set(&request->diag, "name: lower-case letters,"
			    " digits, \".\", \"_\", \"-\"");
			return FO_ERR_ARG;
		}
		add_arg(request, name);
	}
	if (op->about)
		add_arg(request, request->principal->id);
	if ((r = add_options(request, op)) != FO_OK)
		return r;
	if (op->jwk && (request->input = text_of(request, "jwk")) != NULL) {
		add_arg(request, "--jwk");
		add_arg(request, "-");
	}
	if (strcmp(op->name, "events") == 0)
		narrow_events(request);
	add_arg(request, "--config");
	add_arg(request, request->helper->config);
	add_arg(request, "--json");
	request->argv[request->args] = NULL;

	return FO_OK;
}

/* ---- what it answers ---------------------------------------------------- */

static void
refuse(int fd, fo_err why, const char *error)
{
	struct fo_buf buf;

	fo_buf_init(&buf, FO_FRAME_MAX);
	fo_buf_addf(&buf, "{\"ok\":false,\"why\":\"%s\",\"error\":",
	    fo_err_word(why));
	if (fo_json_add_string(&buf, error) == FO_ERR_FORMAT)
		fo_buf_adds(&buf, "\"\"");
	fo_buf_adds(&buf, "}");
	if (buf.err == FO_OK)
		(void)!fo_frame_put(fd, buf.data, buf.len);
	fo_buf_clear(&buf);
}

static fo_err
answer_whoami(int fd, const struct request *request)
{
	const struct actor *actor = &request->actor;
	struct fo_buf buf;
	fo_err r;

	fo_buf_init(&buf, FO_FRAME_MAX);
	fo_buf_adds(&buf, "{\"ok\":true,\"user\":");
	if ((r = fo_json_add_string(&buf, actor->user)) == FO_OK) {
		fo_buf_addf(&buf, ",\"admin\":%s,\"listed\":%zu,\"id\":\"%s\"}",
		    actor->admin ? "true" : "false", actor->listed,
		    actor->id);
		r = buf.err;
	}
	if (r == FO_OK)
		r = fo_frame_put(fd, buf.data, buf.len);
	fo_buf_clear(&buf);
	return r;
}

/* ---- the agents of one's teams ------------------------------------------ */

struct team {
	const struct request *request;
	struct fo_buf *buf;
	size_t count;
};

static fo_err
add_managed(const char *id, void *arg)
{
	struct team *team = arg;
	struct fo_principal *principal = NULL;
	struct fo_diag diag = { "" };
	fo_err r;

	r = fo_store_principal(team->request->store, id, &diag, &principal);
	if (r != FO_OK)
		return r == FO_ERR_NOMEM ? r : FO_OK;
	if (principal->kind == FO_KIND_AGENT &&
	    actor_manages(&team->request->actor, principal))
		fo_buf_addf(team->buf, "%s{\"id\":\"%s\",\"name\":\"%s\","
		    "\"owner\":\"%s\",\"status\":\"%s\"}",
		    team->count++ > 0 ? "," : "", principal->id,
		    principal->name, principal->owner,
		    fo_status_word(principal->status));
	fo_principal_free(&principal);

	return FO_OK;
}

static fo_err
answer_own_agents(int fd, struct request *request)
{
	struct team team = { .request = request };
	struct fo_buf buf;
	fo_err r;

	fo_buf_init(&buf, RUN_OUTPUT_MAX);
	team.buf = &buf;
	fo_buf_adds(&buf, "{\"ok\":true,\"agents\":[");
	r = fo_store_each(request->store, FO_STORE_PRINCIPALS,
	    &request->diag, add_managed, &team);
	fo_buf_adds(&buf, "]}");
	if (r == FO_OK)
		r = buf.err;
	if (r == FO_OK)
		r = fo_frame_put(fd, buf.data, buf.len);
	fo_buf_clear(&buf);
	return r;
}

/* ---- one request -------------------------------------------------------- */

static fo_err
carry_out(int fd, struct request *request, const struct op *op)
{
	char *text = NULL;
	size_t len = 0;
	fo_err r;

	if (strcmp(op->name, "whoami") == 0)
		return answer_whoami(fd, request);
	if (strcmp(op->name, "own-agents") == 0)
		return answer_own_agents(fd, request);
	if (strcmp(op->name, "events") == 0 && !request->actor.admin &&
	    request->actor.id[0] == '\0') {
		fo_diag_set(&request->diag, "no principal is yours alone");
		return FO_ERR_NOT_FOUND;
	}
	if ((r = make_argv(request, op)) == FO_OK &&
	    (r = run_fo(request->argv, request->user, request->input, &text,
	    &len)) == FO_OK)
		r = fo_frame_put(fd, text, len);
	fo_wipe_free(&text, len);
	return r;
}

/* In this order; nothing is done before the last of it said yes. */
static fo_err
decide(int fd, struct request *request)
{
	const struct op *op = op_of(request);
	fo_err r;

	if (op == NULL) {
		fo_diag_set(&request->diag, "op is none that is known");
		return FO_ERR_ARG;
	}
	if ((r = fo_store_new(request->helper->config, &request->diag,
	    &request->store)) != FO_OK ||
	    (r = know_actor(request)) != FO_OK ||
	    (r = check_members(request, op)) != FO_OK ||
	    (r = know_principal(request, op)) != FO_OK)
		return r;
	if (!may(request, op)) {
		fo_diag_set(&request->diag, "this is not yours to do");
		return FO_ERR_REFUSED;
	}

	return carry_out(fd, request, op);
}

static _Noreturn void
serve_one(const struct helper *helper, int fd)
{
	struct request request = { .helper = helper };
	char *text = NULL;
	size_t len = 0;
	fo_err r;

	(void)alarm(REQUEST_S);
	if (fo_frame_get(fd, FO_FRAME_MAX, &text, &len) != FO_OK ||
	    fo_json_parse(text, len, "the request", NULL, &request.root) !=
	    FO_OK)
		_exit(1);
	if ((r = decide(fd, &request)) != FO_OK)
		refuse(fd, r, request.diag.text[0] != '\0' ?
		    request.diag.text : fo_err_text(r));
	_exit(0);
}

/* ---- the server --------------------------------------------------------- */

static bool
parse(int argc, char **argv, const char **web, const char **key,
    struct helper *helper)
{
	static const struct option known[] = {
		{ "web-user", required_argument, NULL, 'w' },
		{ "key", required_argument, NULL, 'k' },
		{ "fo", required_argument, NULL, 'f' },
		{ "config", required_argument, NULL, 'c' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'w')
			*web = optarg;
		else if (c == 'k')
			*key = optarg;
		else if (c == 'f')
			helper->fo = optarg;
		else if (c == 'c')
			helper->config = optarg;
		else
			return false;
	}

	return *web != NULL && optind == argc;
}

static _Noreturn void
one(int fd, const void *arg)
{
	serve_one(arg, fd);
}

int
main(int argc, char **argv)
{
	struct helper helper = { .listener = helper_socket(), .fo = FO_PATH,
		.config = CONFIG_PATH };
	const char *web = NULL, *key = KEY_PATH;
	struct fo_diag diag = { "" };
	const struct passwd *pw;

	if (!parse(argc, argv, &web, &key, &helper)) {
		fputs("usage: firstopsd-store --web-user USER [--key FILE]"
		    " [--fo PATH] [--config PATH]\n       (systemd starts it,"
		    " with its socket)\n", stderr);
		return EXIT_USAGE;
	}
	if ((pw = getpwnam(web)) == NULL)
		fo_diag_set(&diag, "there is no user %s", web);
	else if (helper.listener == -1)
		fo_diag_set(&diag, "no socket was passed: systemctl start"
		    " firstopsd-store.socket");
	else if (!fo_program_start())
		fo_diag_set(&diag, "libcrypto cannot be used");
	else if (ticket_key_open(key, &diag, &helper.key) == FO_OK) {
		helper_serve(helper.listener, pw->pw_uid, REQUESTS_AT_ONCE,
		    one, &helper);
	}
	fprintf(stderr, "firstopsd-store: %s\n", diag.text);
	return EXIT_TROUBLE;
}
