/*
 * Asking the signer (sdk/PROTOCOL.md).
 */
#include "signer.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/b64url.h"
#include "base/buf.h"
#include "base/diag.h"
#include "base/sha256.h"
#include "base/wipe.h"
#include "json.h"
#include "key.h"

#define PATH_TEXT_MAX 4096
#define SEND_LIMIT_S 5
#define REPLY_LIMIT_MS 10000
#define ASKED_LIMIT_MS 130000 /* a person may be asked */

struct fo_signer {
	int fd;		/* -1 once an exchange has failed */
	bool known;	/* the namespace was shown */
};

/* ---- the connection -------------------------------------------------- */

fo_err
fo_signer_path(struct fo_diag *diag, char **ret_path)
{
	const char *folder = secure_getenv("XDG_RUNTIME_DIR");
	struct fo_buf path;

	if (ret_path == NULL)
		return FO_ERR_ARG;
	if (folder == NULL || folder[0] != '/') {
		fo_diag_set(diag, "XDG_RUNTIME_DIR is not set: log in with a "
		    "session of systemd, or name the socket");
		return FO_ERR_NOT_FOUND;
	}
	fo_buf_init(&path, PATH_TEXT_MAX);
	fo_buf_addf(&path, "%s/firstops/signer.sock", folder);

	return fo_buf_take(&path, ret_path);
}

static fo_err
open_socket(const char *path, struct fo_diag *diag, int *ret_fd)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const struct timeval sending = { .tv_sec = SEND_LIMIT_S };
	int fd;

	if (strlen(path) >= sizeof(to.sun_path)) {
		fo_diag_set(diag, "%s: too long for a socket", path);
		return FO_ERR_IO;
	}
	memcpy(to.sun_path, path, strlen(path));
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &sending,
	    sizeof(sending)) != 0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
		const int e = errno;

		if (fd != -1)
			(void)close(fd);
		fo_diag_set(diag, "%s: %s", path, e == ECONNREFUSED ?
		    "no signer listens there: fo signer" : strerrordesc_np(e));
		return e == ENOENT || e == ECONNREFUSED || e == ENOTDIR ?
		    FO_ERR_NOT_FOUND : FO_ERR_IO;
	}

	*ret_fd = fd;
	return FO_OK;
}

/* Whoever listens is asked for by us alone: nobody else gets our requests. */
static fo_err
check_owner(const char *path, int fd, struct fo_diag *diag)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);
	struct stat st;

	if (lstat(path, &st) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) {
		fo_diag_set(diag, "%s: %s", path, strerrordesc_np(errno));
		return FO_ERR_IO;
	}
	if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid() ||
	    peer.uid != geteuid()) {
		fo_diag_set(diag, "%s: belongs to uid %lu, not to you", path,
		    (unsigned long)(st.st_uid != geteuid() ? st.st_uid :
		    peer.uid));
		return FO_ERR_IO;
	}

	return FO_OK;
}

fo_err
fo_signer_connect(const char *path, struct fo_diag *diag,
    struct fo_signer **ret_signer)
{
	struct fo_signer *signer = NULL;
	char *own = NULL;
	fo_err r;
	int fd = -1;

	if (ret_signer == NULL)
		return FO_ERR_ARG;
	if (path == NULL) {
		if ((r = fo_signer_path(diag, &own)) != FO_OK)
			return r;
		path = own;
	}
	if ((r = open_socket(path, diag, &fd)) != FO_OK ||
	    (r = check_owner(path, fd, diag)) != FO_OK)
		goto out;
	if ((signer = calloc(1, sizeof(*signer))) == NULL) {
		r = FO_ERR_NOMEM;
		goto out;
	}
	signer->fd = fd;

	*ret_signer = signer;
	fd = -1; /* now the connection's */
out:
	if (fd != -1)
		(void)close(fd);
	free(own);
	return r;
}

static void
hang_up(struct fo_signer *signer)
{
	if (signer->fd != -1)
		(void)close(signer->fd);
	signer->fd = -1;
}

void
fo_signer_free(struct fo_signer **signer)
{
	if (signer == NULL || *signer == NULL)
		return;
	hang_up(*signer);
	free(*signer);
	*signer = NULL;
}

/* ---- messages -------------------------------------------------------- */

/* Send all; with the first byte a descriptor, unless that is -1. */
static fo_err
send_all(int fd, const unsigned char *data, size_t len, int shown)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };

	while (len > 0) {
		struct iovec part = { .iov_base = (void *)(uintptr_t)data,
			.iov_len = len };
		struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
		ssize_t n;

		if (shown != -1) {
			message.msg_control = control.room;
			message.msg_controllen = sizeof(control.room);
			control.head.cmsg_level = SOL_SOCKET;
			control.head.cmsg_type = SCM_RIGHTS;
			control.head.cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(&control.head), &shown, sizeof(int));
		}
		n = sendmsg(fd, &message, MSG_NOSIGNAL);
		if (n <= 0 && !(n < 0 && errno == EINTR))
			return FO_ERR_IO;
		if (n > 0) {
			shown = -1;
			data += n;
			len -= (size_t)n;
		}
	}

	return FO_OK;
}

static int64_t
now_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The whole of it in time, however many pieces it comes in. */
static fo_err
read_all(int fd, char *data, size_t len, int64_t until_ms)
{
	while (len > 0) {
		struct pollfd polled = { .fd = fd, .events = POLLIN };
		const int64_t left = until_ms - now_ms();
		ssize_t n;

		if (left <= 0 ||
		    (poll(&polled, 1, (int)left) == -1 && errno != EINTR))
			return FO_ERR_IO;
		n = recv(fd, data, len, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
			return FO_ERR_IO;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}

	return FO_OK;
}

static fo_err
put_message(struct fo_signer *signer, const struct fo_buf *request,
    struct fo_diag *diag)
{
	unsigned char whole[FO_FRAME_HEAD + FO_SIGNER_MESSAGE_MAX];
	const size_t n = request->len;
	int shown = -1;
	fo_err r;

	fo_frame_head(n, whole);
	memcpy(whole + FO_FRAME_HEAD, request->data, n);
	if (!signer->known && (shown = open("/proc/self/ns/user",
	    O_RDONLY | O_CLOEXEC)) == -1) {
		fo_diag_set(diag, "/proc/self/ns/user, which the signer wants "
		    "to see: %s", strerrordesc_np(errno));
		fo_wipe(whole, sizeof(whole));
		return FO_ERR_IO;
	}
	r = send_all(signer->fd, whole, FO_FRAME_HEAD + n, shown);
	fo_wipe(whole, sizeof(whole));
	if (shown != -1)
		(void)close(shown);
	signer->known = true;
	return r;
}

static fo_err
get_message(struct fo_signer *signer, int64_t limit_ms,
    struct fo_json **ret_reply)
{
	const int64_t until_ms = now_ms() + limit_ms;
	unsigned char head[FO_FRAME_HEAD];
	char text[FO_SIGNER_MESSAGE_MAX];
	size_t n;
	fo_err r;

	if ((r = read_all(signer->fd, (char *)head, sizeof(head),
	    until_ms)) != FO_OK)
		return r;
	n = fo_frame_len(head);
	if (n > sizeof(text))
		return FO_ERR_FORMAT;
	if ((r = read_all(signer->fd, text, n, until_ms)) == FO_OK)
		r = fo_json_parse(text, n, "the signer's reply", NULL,
		    ret_reply);
	fo_wipe(text, sizeof(text));
	return r;
}

/* A refusal, as the result that it names. */
static fo_err
read_refusal(const struct fo_json *reply, struct fo_diag *diag)
{
	const char *why = fo_json_string(fo_json_member(reply, "why"));
	const char *error = fo_json_string(fo_json_member(reply, "error"));

	fo_diag_set(diag, "the signer: %s", error != NULL ? error :
	    "no reason is given");
	for (int e = -1; why != NULL && e > -256; e--) {
		if (strcmp(fo_err_word((fo_err)e), why) == 0 &&
		    strcmp(why, "unknown") != 0)
			return (fo_err)e;
	}

	return FO_ERR_IO;
}

/*
 * Send, and get what comes back. What fails here ends the connection: a reply
 * that is late must never be taken for the one to a later request.
 */
static fo_err
exchange(struct fo_signer *signer, const struct fo_buf *request,
    int64_t limit_ms, struct fo_diag *diag, struct fo_json **ret_reply)
{
	fo_err r;

	fo_diag_set(diag, "the signer gives no answer");
	if (signer->fd == -1)
		return FO_ERR_IO;
	if ((r = put_message(signer, request, diag)) != FO_OK ||
	    (r = get_message(signer, limit_ms, ret_reply)) != FO_OK)
		hang_up(signer);
	return r;
}

/* Ask, and get a reply that says ok. request is consumed. */
static fo_err
ask(struct fo_signer *signer, struct fo_buf *request, int64_t limit_ms,
    struct fo_diag *diag, struct fo_json **ret_reply)
{
	struct fo_json *reply = NULL;
	struct fo_diag why = { "" };
	fo_err r = request->err;
	bool ok = false;

	if (r == FO_ERR_TOO_LONG)
		fo_diag_set(&why, "more than %d bytes for the signer",
		    FO_SIGNER_MESSAGE_MAX);
	if (r == FO_OK)
		r = exchange(signer, request, limit_ms, &why, &reply);
	fo_buf_clear(request);
	if (r == FO_OK && (!fo_json_flag(fo_json_member(reply, "ok"), &ok) ||
	    !ok))
		r = read_refusal(reply, &why);
	if (r != FO_OK) {
		fo_diag_set(diag, "%s", why.text);
		fo_json_free(&reply);
		return r;
	}

	*ret_reply = reply;
	return FO_OK;
}

static void
begin(struct fo_buf *request, const char *op)
{
	fo_buf_init(request, FO_SIGNER_MESSAGE_MAX);
	fo_buf_addf(request, "{\"op\":\"%s\"", op);
}

/* A member, unless it is NULL. What is not UTF-8 makes the whole fail. */
static void
add(struct fo_buf *request, const char *name, const char *value)
{
	if (value == NULL)
		return;
	fo_buf_addf(request, ",\"%s\":", name);
	if (fo_json_add_string(request, value) == FO_ERR_FORMAT &&
	    request->err == FO_OK)
		request->err = FO_ERR_ARG;
}

/* ---- what it can be asked -------------------------------------------- */

/* The proof in a reply, which has to be by the key that was asked for. */
static fo_err
take_proof(const struct fo_json *reply, const char *jkt,
    struct fo_diag *diag, char **ret_proof)
{
	const char *text = fo_json_string(fo_json_member(reply, "proof"));
	struct fo_proof *proof = NULL;
	fo_err r;

	if (text == NULL) {
		fo_diag_set(diag, "the signer gives no proof");
		return FO_ERR_IO;
	}
	r = fo_proof_parse(text, strlen(text), NULL, &proof);
	if (r == FO_OK && jkt != NULL && strcmp(fo_proof_jkt(proof), jkt) != 0)
		r = FO_ERR_IO;
	fo_proof_free(&proof);
	if (r == FO_ERR_NOMEM)
		return r;
	if (r != FO_OK) {
		fo_diag_set(diag, "what the signer gives is no proof by the "
		    "key that was asked for");
		return FO_ERR_IO;
	}

	return (*ret_proof = strdup(text)) != NULL ? FO_OK : FO_ERR_NOMEM;
}

fo_err
fo_signer_sign(struct fo_signer *signer, const char *jkt,
    const struct fo_request *req, char **ret_proof)
{
	char ath[FO_SHA256_TEXT_SIZE], *proof = NULL;
	struct fo_json *reply = NULL;
	struct fo_buf request;
	fo_err r;

	if (signer == NULL || req == NULL || ret_proof == NULL)
		return FO_ERR_ARG;
	if (req->htm == NULL || req->htu == NULL || req->jti != NULL) {
		fo_diag_set(req->diag, "the signer needs htm and htu, and has "
		    "a jti of its own");
		return FO_ERR_ARG;
	}
	if (req->access_token != NULL && (r = fo_sha256_text(
	    req->access_token, strlen(req->access_token), ath)) != FO_OK)
		return r;

	begin(&request, "sign");
	add(&request, "jkt", jkt);
	add(&request, "htm", req->htm);
	add(&request, "htu", req->htu);
	add(&request, "nonce", req->nonce);
	add(&request, "ath", req->access_token != NULL ? ath : NULL);
	if (req->max_bytes != 0)
		fo_buf_addf(&request, ",\"max_bytes\":%zu", req->max_bytes);
	fo_buf_adds(&request, "}");
	if ((r = ask(signer, &request, ASKED_LIMIT_MS, req->diag, &reply)) !=
	    FO_OK)
		return r;
	r = take_proof(reply, jkt, req->diag, &proof);
	fo_json_free(&reply);
	if (r == FO_OK)
		*ret_proof = proof;
	return r;
}

fo_err
fo_signer_add(struct fo_signer *signer, const char *pem,
    const struct fo_signer_terms *terms, struct fo_diag *diag,
    char ret_jkt[FO_JKT_SIZE])
{
	struct fo_json *reply = NULL;
	struct fo_buf request;
	const char *jkt;
	fo_err r;

	if (signer == NULL || pem == NULL || ret_jkt == NULL)
		return FO_ERR_ARG;
	begin(&request, "add");
	add(&request, "pem", pem);
	if (terms != NULL) {
		add(&request, "name", terms->name);
		add(&request, "targets", terms->targets);
		if (terms->lifetime_s != 0)
			fo_buf_addf(&request, ",\"lifetime_s\":%" PRId64,
			    terms->lifetime_s);
		if (terms->confirm)
			fo_buf_adds(&request, ",\"confirm\":true");
	}
	fo_buf_adds(&request, "}");
	if ((r = ask(signer, &request, REPLY_LIMIT_MS, diag, &reply)) != FO_OK)
		return r;
	jkt = fo_json_string(fo_json_member(reply, "jkt"));
	if (jkt == NULL || strlen(jkt) != FO_JKT_SIZE - 1) {
		fo_diag_set(diag, "the signer does not tell which key it is");
		r = FO_ERR_IO;
	} else {
		memcpy(ret_jkt, jkt, FO_JKT_SIZE);
	}
	fo_json_free(&reply);
	return r;
}

/* A request whose reply says nothing but ok. */
static fo_err
order(struct fo_signer *signer, struct fo_buf *request, struct fo_diag *diag)
{
	struct fo_json *reply = NULL;
	fo_err r;

	fo_buf_adds(request, "}");
	r = ask(signer, request, REPLY_LIMIT_MS, diag, &reply);
	fo_json_free(&reply);
	return r;
}

fo_err
fo_signer_remove(struct fo_signer *signer, const char *jkt,
    struct fo_diag *diag)
{
	struct fo_buf request;

	if (signer == NULL)
		return FO_ERR_ARG;
	begin(&request, "remove");
	add(&request, "jkt", jkt);
	if (jkt == NULL)
		fo_buf_adds(&request, ",\"all\":true");
	return order(signer, &request, diag);
}

static fo_err
lock(struct fo_signer *signer, const char *op, const char *passphrase,
    struct fo_diag *diag)
{
	struct fo_buf request;

	if (signer == NULL || passphrase == NULL)
		return FO_ERR_ARG;
	begin(&request, op);
	add(&request, "passphrase", passphrase);
	return order(signer, &request, diag);
}

fo_err
fo_signer_lock(struct fo_signer *signer, const char *passphrase,
    struct fo_diag *diag)
{
	return lock(signer, "lock", passphrase, diag);
}

fo_err
fo_signer_unlock(struct fo_signer *signer, const char *passphrase,
    struct fo_diag *diag)
{
	return lock(signer, "unlock", passphrase, diag);
}

/* ---- what it holds --------------------------------------------------- */

/* Of what goes to a terminal: printable ASCII, as the signer keeps it. */
static bool
copy_text(const struct fo_json *object, const char *name, char *to,
    size_t size)
{
	const char *text = fo_json_string(fo_json_member(object, name));

	for (const char *c = text; c != NULL && *c != '\0'; c++) {
		if (*c < ' ' || *c > '~')
			return false;
	}

	return text != NULL && (size_t)snprintf(to, size, "%s", text) < size;
}

static bool
copy_coordinate(const struct fo_json *object, const char *name,
    unsigned char ret[FO_COORD_BYTES])
{
	const char *text = fo_json_string(fo_json_member(object, name));
	size_t len = 0;

	return text != NULL && fo_b64url_decode(text, strlen(text), ret,
	    FO_COORD_BYTES, &len) == FO_OK && len == FO_COORD_BYTES;
}

static bool
read_key(const struct fo_json *object, struct fo_signer_key *key)
{
	char jkt[FO_JKT_SIZE];
	double left = 0;

	if (!fo_json_real(fo_json_member(object, "lifetime_s"), &left) ||
	    left < 0 || left > 1e15)
		return false;
	key->lifetime_s = (int64_t)left;
	return fo_json_flag(fo_json_member(object, "confirm"),
	    &key->confirm) &&
	    copy_text(object, "jkt", key->thumbprint,
	    sizeof(key->thumbprint)) &&
	    copy_text(object, "name", key->name, sizeof(key->name)) &&
	    copy_text(object, "targets", key->targets,
	    sizeof(key->targets)) &&
	    copy_coordinate(object, "x", key->jwk.x) &&
	    copy_coordinate(object, "y", key->jwk.y) &&
	    fo_jwk_thumbprint(&key->jwk, jkt) == FO_OK &&
	    strcmp(jkt, key->thumbprint) == 0;
}

static fo_err
read_state(const struct fo_json *reply, struct fo_signer_state *state)
{
	const struct fo_json *keys = fo_json_member(reply, "keys"), *one;

	if (!fo_json_flag(fo_json_member(reply, "locked"), &state->locked))
		return FO_ERR_FORMAT;
	while ((one = fo_json_item(keys, state->count)) != NULL) {
		if (state->count == FO_SIGNER_KEYS_MAX ||
		    !read_key(one, &state->keys[state->count]))
			return FO_ERR_FORMAT;
		state->count++;
	}

	return FO_OK;
}

fo_err
fo_signer_list(struct fo_signer *signer, struct fo_diag *diag,
    struct fo_signer_state *ret_state)
{
	struct fo_signer_state state = { .count = 0 };
	struct fo_json *reply = NULL;
	struct fo_buf request;
	fo_err r;

	if (signer == NULL || ret_state == NULL)
		return FO_ERR_ARG;
	begin(&request, "list");
	fo_buf_adds(&request, "}");
	if ((r = ask(signer, &request, REPLY_LIMIT_MS, diag, &reply)) != FO_OK)
		return r;
	r = read_state(reply, &state);
	fo_json_free(&reply);
	if (r != FO_OK) {
		fo_diag_set(diag, "the signer's list cannot be understood");
		return r;
	}

	*ret_state = state;
	return FO_OK;
}

/* ---- as a key -------------------------------------------------------- */

/* The path in a URI, and the thumbprint behind its "#" or NULL. */
static fo_err
take_apart(const char *uri, char **ret_path, const char **ret_jkt)
{
	const char *path = uri + strlen(FO_SIGNER_SCHEME);
	const char *slash = strrchr(path, '/');
	const char *hash = strchr(slash != NULL ? slash : path, '#');

	*ret_path = strndup(path, hash != NULL ? (size_t)(hash - path) :
	    strlen(path));
	*ret_jkt = hash != NULL ? hash + 1 : NULL;
	return *ret_path != NULL ? FO_OK : FO_ERR_NOMEM;
}

static const struct fo_signer_key *
choose(const struct fo_signer_state *state, const char *jkt)
{
	for (size_t i = 0; i < state->count; i++) {
		if (jkt == NULL ||
		    strcmp(state->keys[i].thumbprint, jkt) == 0)
			return &state->keys[i];
	}

	return NULL;
}

fo_err
fo_signer_load(const char *uri, struct fo_diag *diag,
    struct fo_key **ret_key)
{
	struct fo_signer_state state;
	struct fo_signer *signer = NULL;
	const struct fo_signer_key *chosen;
	const char *jkt = NULL;
	char *path = NULL;
	fo_err r;

	if ((r = take_apart(uri, &path, &jkt)) != FO_OK)
		return r;
	if ((r = fo_signer_connect(path[0] != '\0' ? path : NULL, diag,
	    &signer)) != FO_OK ||
	    (r = fo_signer_list(signer, diag, &state)) != FO_OK)
		goto out;
	if (state.locked) {
		fo_diag_set(diag, "the signer is locked: fo signer unlock");
		r = FO_ERR_LOCKED;
	} else if ((chosen = choose(&state, jkt)) == NULL) {
		fo_diag_set(diag, "the signer has no %skey: fo signer add",
		    jkt != NULL ? "such " : "");
		r = FO_ERR_NOT_FOUND;
	} else {
		r = fo_key_remote(path, &chosen->jwk, ret_key);
	}
out:
	fo_signer_free(&signer);
	free(path);
	return r;
}

fo_err
fo_signer_find(char **ret_uri)
{
	struct fo_signer_state state;
	struct fo_signer *signer = NULL;
	struct fo_buf uri;
	char *path = NULL;
	fo_err r;

	if ((r = fo_signer_path(NULL, &path)) != FO_OK)
		return r;
	if ((r = fo_signer_connect(path, NULL, &signer)) != FO_OK ||
	    (r = fo_signer_list(signer, NULL, &state)) != FO_OK)
		goto out;
	if (!state.locked && state.count == 0) {
		r = FO_ERR_NOT_FOUND;
		goto out;
	}
	fo_buf_init(&uri, PATH_TEXT_MAX + 128);
	fo_buf_addf(&uri, FO_SIGNER_SCHEME "%s%s%s", path,
	    state.count > 0 ? "#" : "",
	    state.count > 0 ? state.keys[0].thumbprint : "");
	r = fo_buf_take(&uri, ret_uri);
out:
	fo_signer_free(&signer);
	free(path);
	return r;
}

fo_err
fo_signer_sign_with(const struct fo_key *key, const struct fo_request *req,
    char **ret_proof)
{
	struct fo_signer *signer = NULL;
	char jkt[FO_JKT_SIZE];
	fo_err r;

	if ((r = fo_jwk_thumbprint(&key->jwk, jkt)) != FO_OK ||
	    (r = fo_signer_connect(key->signer[0] != '\0' ? key->signer :
	    NULL, req->diag, &signer)) != FO_OK)
		return r;
	r = fo_signer_sign(signer, jkt, req, ret_proof);
	fo_signer_free(&signer);
	return r;
}
