/*
 * A service that calls the module: its host with one agent, its handle of the
 * stand-in libpam (fuzz/pam.h), and a client that signs what it is asked to.
 * The module's own calls can be made to fail (fuzz/fuzz.h).
 *
 * Every step that fails ends the test (Criterion's cr_assert).
 */
#ifndef FO_TEST_SERVICE_H
#define FO_TEST_SERVICE_H

#include <stddef.h>

#include "fuzz/pam.h"
#include "machine.h"
#include "store_fixture.h"

#define SERVICE_VARIABLES 5	/* that a login exports as root */

struct service {
	struct machine machine;
	struct store_fixture store;
	struct pam_handle handle;
	char config[128];	/* the module's argument */
	char *events;

	/* the client: what it answers; NULL: it signs */
	const char *says;
	/* what happens before it answers, or NULL */
	void (*meanwhile)(struct service *service);
	/* what it saw since service_start; "": nothing */
	char prompt[1024];
	char told[256];
};

/*
 * deploy is reserved for principals; sshd wants a nonce, db asks everybody.
 * Skips the test without root.
 */
void service_open(struct service *service);
void service_close(struct service *service);
/* Write firstops.yaml with these sinks, "events" and others below FOLDER. */
void service_configure(const struct service *service, const char *required,
    const char *best_effort);

/*
 * A new handle, as deploy at sshd, from 10.2.3.4 by ssh; no record and no
 * event is left of earlier ones.
 */
void service_start(struct service *service);
/* Set an item of the handle; NULL: it has none. */
void service_item(struct service *service, int item, const char *text);
/* Call the module with its configuration and this argument, or NULL. */
int service_phase(struct service *service,
    int (*phase)(pam_handle_t *, int, int, const char **), int flags,
    const char *argument);

/* The last event of a kind, or NULL; valid until the next call. */
const char *service_event(struct service *service, const char *ev);
/* How many files there are in a folder; 0 if there is none. */
size_t service_files(const struct service *service, const char *folder);
/* How many of our variables the handle has. */
size_t service_variables(struct service *service);

#endif
