/*
 * One loop for all clients: nobody who is slow, vanishes or sends rubbish
 * keeps another waiting.
 *
 * A connection is judged before a byte of it is read: by the user id of its
 * peer, then by the namespace that came along with its first byte
 * (sdk/PROTOCOL.md).
 */
#include "serve.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/wipe.h"
#include "confirm.h"
#include "requests.h"
#include "src/signer.h"

#define CLIENTS_MAX 1024
#define MESSAGE_MS 5000		/* from first byte to last */
#define IDLE_MS 60000
#define ASKING_MS 120000	/* while the person is asked, or others are */
#define REST_MS 100		/* when nobody can be taken in */
#define FDS_MAX 4		/* more in one message are cut off */
#define DESCRIPTORS_MAX 256	/* none of our own is higher */

enum state {
	WAITING,	/* for the first byte of a message */
	READING,
	ASKING,		/* its request waits for the person */
	WRITING,
};

struct client {
	int fd;
	enum state state;
	bool met;		/* a message of it was answered */
	bool known;		/* its namespace is ours */
	bool last;		/* to be closed after what is written */
	int64_t until_ms;
	unsigned char head[FO_FRAME_HEAD];
	char *text;		/* of the message, or of the answer */
	size_t len, at;		/* of text, or of head and text */
	char prompt[PROMPT_SIZE];
};

struct loop {
	const struct server *server;
	struct client *clients[CLIENTS_MAX];
	size_t count;
	size_t max;		/* of clients: as many as there are descriptors */
	int64_t rests_until_ms;	/* nobody is taken in before */
	int confirming;		/* the server's, while that process lives */
	bool asked;		/* the person sees a prompt */
	struct client *asking;	/* whose; NULL: it went away meanwhile */
	bool over;
};

enum { LISTENER, SIGNALS, CONFIRMING, OWN };

/* ---- one client --------------------------------------------------------- */

static void
forget_text(struct client *client)
{
	fo_wipe_free(&client->text, client->len);
	client->len = 0;
	client->at = 0;
}

static void
wait_for(struct client *client, enum state state, int64_t ms)
{
	client->state = state;
	client->until_ms = ring_now() + ms;
}

static void
close_client(struct loop *loop, size_t i)
{
	struct client *client = loop->clients[i];

	if (loop->asking == client) {
		loop->asking = NULL; /* the answer to it will be nobody's */
		confirm_cancel(loop->confirming);
	}
	forget_text(client);
	(void)close(client->fd);
	free(client);
	loop->clients[i] = loop->clients[--loop->count];
}

static void
put_answer(struct client *client, struct answer *answer)
{
	const size_t n = answer->text.len;

	forget_text(client);
	client->last = client->last || answer->last || answer->text.err !=
	    FO_OK;
	if (answer->text.err == FO_OK &&
	    (client->text = malloc(FO_FRAME_HEAD + n)) != NULL) {
		fo_frame_head(n, (unsigned char *)client->text);
		memcpy(client->text + FO_FRAME_HEAD, answer->text.data, n);
		client->len = FO_FRAME_HEAD + n;
	} else {
		client->last = true;
	}
	fo_buf_clear(&answer->text);
	client->met = true;
	wait_for(client, WRITING, MESSAGE_MS);
}

static void
refuse(struct client *client, fo_err why, const char *error)
{
	struct answer answer = { .last = false };

	fo_buf_init(&answer.text, FO_SIGNER_MESSAGE_MAX);
	answer_refusal(why, error, &answer);
	put_answer(client, &answer);
}

/* Refuse, and hear nothing more. */
static void
send_away(struct client *client, fo_err why, const char *error)
{
	client->last = true;
	refuse(client, why, error);
}

/* agreed: the prompt of this very client that the person said yes to. */
static void
answer(struct loop *loop, struct client *client, const char *agreed)
{
	struct answer given;

	answer_request(loop->server->ring, client->text, client->len, agreed,
	    &given);
	if (given.prompt[0] == '\0') {
		put_answer(client, &given);
		return;
	}
	fo_buf_clear(&given.text);
	if (loop->confirming == -1) {
		refuse(client, FO_ERR_REFUSED, "the person is to be asked, "
		    "and nobody asks: start fo-signer with --askpass");
		return;
	}
	memcpy(client->prompt, given.prompt, sizeof(client->prompt));
	wait_for(client, ASKING, ASKING_MS);
}

/* ---- reading ------------------------------------------------------------ */

/* Is one of the descriptors that came along our user namespace? Closes all. */
static bool
shows_namespace(const struct server *server, struct msghdr *message)
{
	struct cmsghdr *c;
	bool shown = false;

	for (c = CMSG_FIRSTHDR(message); c != NULL;
	    c = CMSG_NXTHDR(message, c)) {
		const size_t n = c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_RIGHTS ?
		    (c->cmsg_len - CMSG_LEN(0)) / sizeof(int) : 0;

		for (size_t i = 0; i < n; i++) {
			struct stat st;
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int),
			    sizeof(fd));
			shown = shown || (fstat(fd, &st) == 0 &&
			    st.st_dev == server->ns_dev &&
			    st.st_ino == server->ns_ino);
			(void)close(fd);
		}
	}

	return shown;
}

/* Some bytes, and who came with them. -1: the connection ended. */
static ssize_t
receive(const struct server *server, struct client *client, void *to,
    size_t room)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
	} control;
	struct iovec part = { .iov_base = to, .iov_len = room };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t n;

	/* once is enough: descriptors that come later are not taken at all */
	if (!client->known) {
		message.msg_control = control.room;
		message.msg_controllen = sizeof(control.room);
	}
	n = recvmsg(client->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (!client->known)
		client->known = shows_namespace(server, &message);

	return n == 0 ? -1 : n;
}

/* The length is there: room for so much. */
static void
begin_text(struct client *client)
{
	const size_t n = fo_frame_len(client->head);

	if (n == 0 || n > FO_SIGNER_MESSAGE_MAX)
		send_away(client, FO_ERR_FORMAT, "a message has 1 to 8192 "
		    "bytes");
	else if ((client->text = malloc(n)) == NULL)
		send_away(client, FO_ERR_NOMEM, "out of memory");
	else
		client->len = n;
}

/* False: it is gone. */
static bool
read_client(struct loop *loop, struct client *client)
{
	const bool in_head = client->at < FO_FRAME_HEAD;
	const ssize_t n = in_head ?
	    receive(loop->server, client, client->head + client->at,
	    FO_FRAME_HEAD - client->at) :
	    receive(loop->server, client,
	    client->text + (client->at - FO_FRAME_HEAD),
	    client->len - (client->at - FO_FRAME_HEAD));

	if (n < 0)
		return false;
	if (n == 0)
		return true;
	if (client->state == WAITING && client->met)
		wait_for(client, READING, MESSAGE_MS);
	client->state = READING; /* a first message: from the connection on */
	if (!client->known) {
		send_away(client, FO_ERR_REFUSED, "this connection is from "
		    "another user namespace, or forwarded");
		return true;
	}
	client->at += (size_t)n;
	if (in_head && client->at == FO_FRAME_HEAD)
		begin_text(client);
	else if (!in_head && client->at == FO_FRAME_HEAD + client->len)
		answer(loop, client, NULL);

	return true;
}

static bool
write_client(struct client *client)
{
	const ssize_t n = client->text == NULL ? 0 : send(client->fd,
	    client->text + client->at, client->len - client->at,
	    MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	client->at += (size_t)n;
	if (client->at < client->len)
		return true;
	forget_text(client);
	wait_for(client, WAITING, IDLE_MS);

	return !client->last;
}

/* ---- the loop ----------------------------------------------------------- */

/* As many as there are descriptors for, with those that come along. */
static size_t
room_for_clients(void)
{
	struct rlimit limit = { 0, 0 };
	size_t room = CLIENTS_MAX;
	rlim_t left;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 1;
	left = limit.rlim_cur > FDS_MAX ? limit.rlim_cur - FDS_MAX : 0;
	for (int fd = 0; fd < DESCRIPTORS_MAX && left > 0; fd++)
		left -= fcntl(fd, F_GETFD) != -1;
	if (left < room)
		room = left > 0 ? (size_t)left : 1;

	return room;
}

static void
accept_client(struct loop *loop)
{
	struct ucred peer = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(peer);
	struct client *client;
	int fd;

	if ((fd = accept4(loop->server->listener, NULL, NULL,
	    SOCK_CLOEXEC | SOCK_NONBLOCK)) == -1) {
		/* it would be tried again at once, and again */
		if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
			loop->rests_until_ms = ring_now() + REST_MS;
		return;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 ||
	    peer.uid != loop->server->uid ||
	    (client = calloc(1, sizeof(*client))) == NULL) {
		(void)close(fd);
		return;
	}
	client->fd = fd;
	wait_for(client, WAITING, MESSAGE_MS);
	loop->clients[loop->count++] = client;
}

/* The next one whose request waits for the person. */
static void
ask_next(struct loop *loop)
{
	for (size_t i = 0; !loop->asked && i < loop->count; i++) {
		struct client *client = loop->clients[i];

		if (client->state != ASKING)
			continue;
		if (confirm_ask(loop->confirming, client->prompt)) {
			loop->asked = true;
			loop->asking = client;
		} else {
			refuse(client, FO_ERR_REFUSED, "the person cannot be "
			    "asked");
		}
	}
}

static void
take_confirmation(struct loop *loop)
{
	struct client *client = loop->asking;
	bool yes = false, gone;

	if ((gone = !confirm_answer(loop->confirming, &yes))) {
		(void)close(loop->confirming);
		loop->confirming = -1;
	}
	loop->asked = false;
	loop->asking = NULL;
	if (client == NULL)
		return;
	if (yes)
		answer(loop, client, client->prompt);
	else
		refuse(client, FO_ERR_REFUSED, gone ? "the person cannot be "
		    "asked" : "the person said no");
}

static int
patience(const struct loop *loop)
{
	const int64_t now = ring_now();
	int64_t next = ring_expire(loop->server->ring);

	for (size_t i = 0; i < loop->count; i++) {
		if (next == 0 || loop->clients[i]->until_ms < next)
			next = loop->clients[i]->until_ms;
	}
	if (loop->rests_until_ms > now && (next == 0 ||
	    loop->rests_until_ms < next))
		next = loop->rests_until_ms;
	if (next == 0)
		return -1;

	return next <= now ? 0 : (int)(next - now < 60000 ? next - now :
	    60000);
}

static void
serve_client(struct loop *loop, size_t i, short events)
{
	struct client *client = loop->clients[i];
	bool stays = client->until_ms > ring_now();

	if (client->state == ASKING || client->state == WRITING)
		stays = stays && (events & (POLLHUP | POLLERR)) == 0;
	else if (stays)
		stays = read_client(loop, client);
	/* at once: most answers are gone before anybody waits for it */
	if (stays && client->state == WRITING)
		stays = write_client(client);
	if (!stays)
		close_client(loop, i);
}

static size_t
fill(const struct loop *loop, struct pollfd *polled, int64_t now)
{
	const struct server *server = loop->server;

	polled[LISTENER] = (struct pollfd){ .events = POLLIN,
		.fd = loop->count < loop->max && loop->rests_until_ms <= now ?
		server->listener : -1 };
	polled[SIGNALS] = (struct pollfd){ .fd = server->signals,
		.events = POLLIN };
	polled[CONFIRMING] = (struct pollfd){ .fd = loop->confirming,
		.events = POLLIN };
	for (size_t i = 0; i < loop->count; i++) {
		const struct client *client = loop->clients[i];

		polled[OWN + i] = (struct pollfd){ .fd = client->fd,
			.events = (short)(client->state == WRITING ? POLLOUT :
			client->state == ASKING ? 0 : POLLIN) };
	}

	return OWN + loop->count;
}

static fo_err
turn(struct loop *loop, struct pollfd *polled)
{
	const int64_t now_is = ring_now();
	const size_t n = fill(loop, polled, now_is);

	if (poll(polled, n, patience(loop)) == -1)
		return errno == EINTR || errno == ENOMEM ? FO_OK : FO_ERR_IO;
	if (polled[SIGNALS].revents != 0) {
		loop->over = true;
		return FO_OK;
	}
	/* backwards, since the last one takes the place of one that goes */
	for (size_t i = loop->count; i-- > 0;) {
		if (polled[OWN + i].revents != 0 ||
		    loop->clients[i]->until_ms <= now_is)
			serve_client(loop, i, polled[OWN + i].revents);
	}
	if (polled[CONFIRMING].revents != 0)
		take_confirmation(loop);
	ask_next(loop);
	if (polled[LISTENER].revents != 0)
		accept_client(loop);

	return FO_OK;
}

fo_err
serve(const struct server *server)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	struct pollfd *polled = calloc(OWN + CLIENTS_MAX, sizeof(*polled));
	fo_err r = FO_ERR_NOMEM;

	if (loop == NULL || polled == NULL)
		goto out;
	loop->server = server;
	loop->max = room_for_clients();
	loop->confirming = server->confirming;
	do
		r = turn(loop, polled);
	while (r == FO_OK && !loop->over);
	while (loop->count > 0)
		close_client(loop, loop->count - 1);
out:
	free(polled);
	free(loop);
	return r;
}
