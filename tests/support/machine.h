/*
 * A machine of a test's own: a clock that the test turns, a boot id that it
 * changes, and a private folder below /tmp.
 */
#ifndef FO_TEST_MACHINE_H
#define FO_TEST_MACHINE_H

#include <stddef.h>
#include <stdint.h>

#include "host/clock.h"

/* 2026-11-23T18:30:00Z, the first second of a minute. */
#define MACHINE_NOW INT64_C(1795458600)

struct machine {
	struct fo_clock clock;
	struct fo_now now;
	char boot_id[FO_BOOT_ID_SIZE];
	fo_err now_with;	/* what reading the clock comes to, */
	fo_err boot_id_with;	/* and the boot id: FO_OK */
	char folder[64];
	/*
	 * Called before the clock is read for the nth time since calls was
	 * set to 0: what others do, or what happens to a caller, just then.
	 */
	void (*meanwhile)(struct machine *machine, int nth);
	int calls;
	void *arg;
};

/* Started an hour ago, now MACHINE_NOW; the folder is 0755. */
void machine_open(struct machine *machine);
/* Remove the folder with all that is in it. */
void machine_close(struct machine *machine);

/* Time goes by, for CLOCK_REALTIME and CLOCK_BOOTTIME alike. */
void machine_pass(struct machine *machine, int64_t seconds);
/* Somebody sets CLOCK_REALTIME. */
void machine_set(struct machine *machine, int64_t now_s);

/* FOLDER/name; the caller frees. */
char *machine_path(const struct machine *machine, const char *name);
/* Remove FOLDER/name with all that is in it, if it is there. */
void machine_remove(const struct machine *machine, const char *name);
/* Does FOLDER/name exist? */
int machine_has(const struct machine *machine, const char *name);
/* The whole of FOLDER/name, "" if it is not there; the caller frees. */
char *machine_read(const struct machine *machine, const char *name);
/* Write FOLDER/name, replacing what is there. */
void machine_write(const struct machine *machine, const char *name,
    const char *text);
/* How many names are in FOLDER/name. */
size_t machine_count(const struct machine *machine, const char *name);
/* Descriptors that this process has open. */
size_t machine_descriptors(void);

#endif
