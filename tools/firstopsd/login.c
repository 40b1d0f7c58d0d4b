/*
 * firstopsd-login: asks PAM for firstopsd, which is not root and holds no
 * password longer than it takes to pass it on (PROTOCOL.md).
 *
 * Each attempt is a process of its own: PAM modules keep state, leak, wait
 * and crash, and none of that outlives the attempt.
 */
#include <getopt.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/frame.h"
#include "base/program.h"
#include "base/wipe.h"
#include "helper.h"
#include "host/clock.h"
#include "limits.h"
#include "src/json.h"
#include "ticket.h"

#define SERVICE "firstops-login"
#define NAME_MAX_BYTES TICKET_USER_MAX
#define ANSWER_MAX_BYTES 1024
#define SAY_MAX 8		/* lines that are kept until the next question */
#define ATTEMPT_S 60
#define ATTEMPTS_AT_ONCE 16
#define FIRST_PASSED 3		/* sd_listen_fds(3) */

#define REAP_MS 200		/* a process that ended is seen so soon */
#define KEY_PATH "/run/firstopsd/ticket.key"

enum { EXIT_USAGE = 2, EXIT_TROUBLE = 3 };

/* What every attempt is judged by. */
struct server {
	int listener;
	struct ticket_key key;
	struct limits *limits;
};

/* One attempt, in its own process. */
struct attempt {
	int fd;
	char *user;
	char *rhost;
	char *say[SAY_MAX];
	size_t says;
	bool broken;	/* the web part is gone, or speaks otherwise */
};

/* ---- speaking to the web part ------------------------------------------- */

static void
add_text(struct fo_buf *buf, const char *name, const char *text)
{
	fo_buf_addf(buf, "\"%s\":", name);
	/* what a module says may be no UTF-8 */
	if (fo_json_add_string(buf, text) == FO_ERR_FORMAT)
		fo_buf_adds(buf, "\"?\"");
}

static void
add_says(struct attempt *attempt, struct fo_buf *buf)
{
	fo_buf_adds(buf, ",\"say\":[");
	for (size_t i = 0; i < attempt->says; i++) {
		fo_buf_adds(buf, i > 0 ? "," : "");
		if (fo_json_add_string(buf, attempt->say[i]) ==
		    FO_ERR_FORMAT)
			fo_buf_adds(buf, "\"?\"");
		free(attempt->say[i]);
	}
	attempt->says = 0;
	fo_buf_adds(buf, "]}");
}

static bool
send_message(struct attempt *attempt, struct fo_buf *buf)
{
	if (buf->err != FO_OK ||
	    fo_frame_put(attempt->fd, buf->data, buf->len) != FO_OK)
		attempt->broken = true;
	fo_buf_clear(buf);
	return !attempt->broken;
}

/* One object, all of whose members are these; else the attempt is broken. */
static struct fo_json *
receive(struct attempt *attempt, const char *const *names)
{
	struct fo_json *root = NULL;
	char *text = NULL;
	size_t len = 0;

	if (fo_frame_get(attempt->fd, FO_FRAME_MAX, &text, &len) != FO_OK ||
	    fo_json_parse(text, len, "a message", NULL, &root) != FO_OK ||
	    fo_json_stranger(root, names) != NULL) {
		attempt->broken = true;
		fo_json_free(&root);
	}
	fo_wipe_free(&text, len);
	return root;
}

/* ---- the conversation --------------------------------------------------- */

static void
remember(struct attempt *attempt, const char *text)
{
	if (attempt->says < SAY_MAX &&
	    (attempt->say[attempt->says] = strdup(text)) != NULL)
		attempt->says++;
}

/* PAM frees what is answered. */
static char *
ask(struct attempt *attempt, const char *prompt, bool echo)
{
	static const char *const names[] = { "answer", NULL };
	struct fo_json *reply;
	struct fo_buf buf;
	const char *text;
	char *answer = NULL;

	fo_buf_init(&buf, FO_FRAME_MAX);
	fo_buf_adds(&buf, "{");
	add_text(&buf, "ask", prompt);
	fo_buf_addf(&buf, ",\"echo\":%s", echo ? "true" : "false");
	add_says(attempt, &buf);
	if (!send_message(attempt, &buf) ||
	    (reply = receive(attempt, names)) == NULL)
		return NULL;
	text = fo_json_string(fo_json_member(reply, "answer"));
	if (text != NULL && strlen(text) <= ANSWER_MAX_BYTES)
		answer = strdup(text);
	else
		attempt->broken = true;
	fo_json_free(&reply);
	return answer;
}

static bool
converse_one(struct attempt *attempt, const struct pam_message *message,
    struct pam_response *response)
{
	switch (message->msg_style) {
	case PAM_PROMPT_ECHO_OFF:
	case PAM_PROMPT_ECHO_ON:
		response->resp = ask(attempt, message->msg,
		    message->msg_style == PAM_PROMPT_ECHO_ON);
		return response->resp != NULL;
	case PAM_ERROR_MSG:
	case PAM_TEXT_INFO:
		remember(attempt, message->msg);
		return true;
	default:
		return false;
	}
}

static int
converse(int count, const struct pam_message **messages,
    struct pam_response **ret_responses, void *arg)
{
	struct pam_response *responses;

	if (count <= 0 || count > PAM_MAX_NUM_MSG ||
	    (responses = calloc((size_t)count, sizeof(*responses))) == NULL)
		return PAM_CONV_ERR;
	for (int i = 0; i < count; i++) {
		if (converse_one(arg, messages[i], &responses[i]))
			continue;
		while (i-- > 0)
			fo_wipe_string(&responses[i].resp);
		free(responses);
		return PAM_CONV_ERR;
	}

	*ret_responses = responses;
	return PAM_SUCCESS;
}

/* ---- the attempt -------------------------------------------------------- */

/* In this order, and nothing is in force but the last one's yes. */
static int
ask_pam(struct attempt *attempt, char ret_user[NAME_MAX_BYTES + 1])
{
	const struct pam_conv conv = { .conv = converse,
		.appdata_ptr = attempt };
	const void *user = NULL;
	pam_handle_t *pamh = NULL;
	int r;

	if ((r = pam_start(SERVICE, attempt->user, &conv, &pamh)) !=
	    PAM_SUCCESS)
		return r;
	if ((r = pam_set_item(pamh, PAM_RHOST, attempt->rhost)) ==
	    PAM_SUCCESS &&
	    (r = pam_set_item(pamh, PAM_TTY, "firstopsd")) == PAM_SUCCESS &&
	    (r = pam_authenticate(pamh, PAM_DISALLOW_NULL_AUTHTOK)) ==
	    PAM_SUCCESS &&
	    (r = pam_acct_mgmt(pamh, PAM_DISALLOW_NULL_AUTHTOK)) ==
	    PAM_SUCCESS)
		r = pam_get_item(pamh, PAM_USER, &user);
	if (r == PAM_SUCCESS && (user == NULL ||
	    snprintf(ret_user, NAME_MAX_BYTES + 1, "%s",
	    (const char *)user) > NAME_MAX_BYTES))
		r = PAM_SYSTEM_ERR;
	(void)pam_end(pamh, r);
	return r;
}

static bool
is_trouble(int r)
{
	return r == PAM_SYSTEM_ERR || r == PAM_SERVICE_ERR ||
	    r == PAM_BUF_ERR || r == PAM_ABORT || r == PAM_AUTHINFO_UNAVAIL;
}

/* A yes is one only with its ticket. */
static int
add_ticket(const struct server *server, struct fo_buf *buf, const char *user)
{
	char ticket[TICKET_SIZE];
	struct fo_now now;

	if (fo_clock_system.now(fo_clock_system.arg, &now) != FO_OK ||
	    ticket_make(&server->key, user, now.s, ticket) != FO_OK)
		return PAM_SYSTEM_ERR;
	fo_buf_adds(buf, "{\"ok\":true,");
	add_text(buf, "user", user);
	fo_buf_addf(buf, ",\"ticket\":\"%s\"", ticket);

	return PAM_SUCCESS;
}

static void
tell_result(const struct server *server, struct attempt *attempt, int r,
    const char *user)
{
	struct fo_buf buf;

	fo_buf_init(&buf, FO_FRAME_MAX);
	if (r == PAM_SUCCESS)
		r = add_ticket(server, &buf, user);
	if (r != PAM_SUCCESS) {
		fo_buf_addf(&buf, "{\"ok\":false,\"why\":\"%s\"",
		    is_trouble(r) ? "trouble" : "denied");
	}
	add_says(attempt, &buf);
	(void)send_message(attempt, &buf);
}

static void
tell_busy(struct attempt *attempt, int wait_s)
{
	struct fo_buf buf;

	fo_buf_init(&buf, FO_FRAME_MAX);
	fo_buf_addf(&buf, "{\"ok\":false,\"why\":\"busy\",\"wait_s\":%d}",
	    wait_s);
	(void)send_message(attempt, &buf);
}

static bool
is_name(const char *text)
{
	return text != NULL && text[0] != '\0' &&
	    strlen(text) <= NAME_MAX_BYTES;
}

/* Who wants in, and from where. */
static bool
begin(struct attempt *attempt)
{
	static const char *const names[] = { "user", "rhost", NULL };
	struct fo_json *request = receive(attempt, names);
	const char *user, *rhost;

	if (request == NULL)
		return false;
	user = fo_json_string(fo_json_member(request, "user"));
	rhost = fo_json_string(fo_json_member(request, "rhost"));
	if (is_name(user) && is_name(rhost)) {
		attempt->user = strdup(user);
		attempt->rhost = strdup(rhost);
	}
	fo_json_free(&request);
	return attempt->user != NULL && attempt->rhost != NULL;
}

/* In the attempt's own process. */
static _Noreturn void
run_attempt(const struct server *server, int fd)
{
	struct attempt attempt = { .fd = fd };
	char user[NAME_MAX_BYTES + 1] = "";
	int wait_s;

	(void)alarm(ATTEMPT_S);
	if (!begin(&attempt))
		_exit(1);
	if ((wait_s = limits_ask(server->limits, attempt.user,
	    attempt.rhost)) > 0)
		tell_busy(&attempt, wait_s);
	else
		tell_result(server, &attempt, ask_pam(&attempt, user), user);
	_exit(0);
}

/* ---- the server --------------------------------------------------------- */

static _Noreturn void
one(int fd, const void *arg)
{
	run_attempt(arg, fd);
}

static bool
parse(int argc, char **argv, const char **web, const char **key)
{
	static const struct option known[] = {
		{ "web-user", required_argument, NULL, 'w' },
		{ "key", required_argument, NULL, 'k' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'w')
			*web = optarg;
		else if (c == 'k')
			*key = optarg;
		else
			return false;
	}

	return *web != NULL && optind == argc;
}

int
main(int argc, char **argv)
{
	struct server server = { .listener = helper_socket() };
	const char *web = NULL, *key = KEY_PATH;
	struct fo_diag diag = { "" };
	const struct passwd *pw;

	if (!parse(argc, argv, &web, &key)) {
		fputs("usage: firstopsd-login --web-user USER [--key FILE]"
		    " (systemd starts it, with its socket)\n", stderr);
		return EXIT_USAGE;
	}
	if ((pw = getpwnam(web)) == NULL)
		fo_diag_set(&diag, "there is no user %s", web);
	else if (server.listener == -1)
		fo_diag_set(&diag, "no socket was passed: systemctl start"
		    " firstopsd-login.socket");
	else if (!fo_program_start())
		fo_diag_set(&diag, "libcrypto cannot be used");
	else if (ticket_key_open(key, &diag, &server.key) == FO_OK &&
	    (server.limits = limits_new()) == NULL)
		fo_diag_set(&diag, "no memory");
	if (diag.text[0] != '\0' || server.limits == NULL) {
		fprintf(stderr, "firstopsd-login: %s\n", diag.text);
		return EXIT_TROUBLE;
	}
	helper_serve(server.listener, pw->pw_uid, ATTEMPTS_AT_ONCE, one,
	    &server);
}
