/*
 * A small world for the module: a store with one agent, a pam.d folder, a
 * client at the other end of the conversation, and the events that came of
 * it. All below one temporary folder.
 *
 * In every pam.d file the module stands between two lines of probe.so, which
 * put into a handle what other modules could, and show what is left in it.
 */
#ifndef TEST_PAM_FIXTURE_H
#define TEST_PAM_FIXTURE_H

#include <security/pam_appl.h>
#include <stdbool.h>
#include <stddef.h>

#include <firstops/firstops.h>

#define AGENT_ID "fo_agent_5f0e1c2a-7a53-4c0e-9f5a-2b1f0c9d8e77"
#define EVENTS_MAX 32
/* What libpam answers where the module said PAM_IGNORE. */
#define IGNORED PAM_MODULE_UNKNOWN

struct world {
	char folder[64];
	char confdir[96];
	char module[96];		/* for lines of pam.d */
	char probe[96];
	struct fo_key *key;		/* the agent's */
	char jkt[FO_JKT_SIZE];
	char *events_text;
	char *events[EVENTS_MAX];	/* after world_events */
	size_t events_count;
	int syslog_fd;			/* after world_private_dev */
};

/* What the client does when it is asked. */
typedef enum client_way {
	CLIENT_SAYS,			/* gives client.text */
	CLIENT_SIGNS,			/* signs what the challenge asks for;
					   without one gives client.text */
	CLIENT_FAILS,			/* PAM_CONV_ERR */
	CLIENT_SAYS_NOTHING		/* success, without an answer */
} client_way;

struct client {
	client_way way;
	const char *text;
	struct world *world;
	bool refuses_texts;		/* answers them by PAM_CONV_ERR */
	const char *htu;		/* signs for this instead */
	bool omits_nonce;
	void (*meanwhile)(struct world *world); /* before it answers */
	const char *name;		/* its answer to libpam's "login:" */
	/* what it saw */
	int asked;
	char prompt[1024];
	int told;
	char message[512];
	/* what it gave, when it signed; "" before */
	char proof[1024];
};

void world_open(struct world *w);
void world_close(struct world *w);

/* Write a file of the store, or of the pam.d folder by its whole path. */
void world_put(const struct world *w, const char *name, const char *fmt, ...)
    FO_PRINTF(3, 4);
/* firstops.yaml; skew 15, sinks as given: "file:/x" in quotes. */
void world_config(const struct world *w, const char *sinks);
/* The agent's file, with this status and key line ending. */
void world_agent(const struct world *w, const char *status,
    const char *key_more);
/* The pam.d file of a service, with these arguments after config=. */
void world_service(const struct world *w, const char *service,
    const char *arguments);

/* A proof by the agent's key for this target, made now. */
char *world_proof(const struct world *w, const char *htu, const char *nonce);

pam_handle_t *world_start(const struct world *w, const char *service,
    const char *user, struct client *client);
/*
 * One of the five calls of libpam, which answers within 3 s however the
 * client and everything else behaves.
 */
int world_phase(int (*phase)(pam_handle_t *, int), pam_handle_t *pamh,
    int flags);
/* Let another module's token be there before ours is called. */
void world_token(pam_handle_t *pamh, const char *token);
/* PAM_AUTHTOK as the next module met it; NULL: none. */
const char *world_left(pam_handle_t *pamh);

/* Read the events of the file sink again. */
void world_events(struct world *w);
/* Does event i have all these texts? NULL at end. */
bool world_event_has(const struct world *w, size_t i, ...);

/*
 * Neither proof nor nonce of what the client was asked and gave is in the
 * events, or in what the client was told.
 */
void world_keeps_secrets(struct world *w, const struct client *client);

/* How many files there are in a folder below the world's. */
size_t world_files(const struct world *w, const char *folder);
/* Remove them. */
void world_empty(const struct world *w, const char *folder);

/*
 * A /dev of the test's own with nothing but null, random and a /dev/log that
 * the test reads. Skips the test without root.
 */
void world_private_dev(struct world *w);
/* The next datagram to /dev/log, or "" if there is none. */
const char *world_syslog(struct world *w, char *buf, size_t size);

#endif
