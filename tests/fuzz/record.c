/*
 * Login records: what is taken names somebody who can be, is written and read
 * back as the same, and is taken from its folder once, in time, by its
 * service.
 */
#include "fuzz.h"

#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"
#include "host/names.h"
#include "host/session.h"

#define RECORD_MAX_BYTES 16384
#define NAME "4f9c2a1bq0T9b2c7dE1xYw.4711"
#define BOOT_MS INT64_C(1000000)
#define POISON 0xa5

/* A record and when it was made; what is in it before it is read. */
struct made {
	struct fo_login_record record;
	int64_t boot_ms;
};

static void
poison(struct made *made)
{
	memset(&made->record, POISON, sizeof(made->record));
	made->boot_ms = POISON;
}

static bool
is_poison(const struct made *made)
{
	const unsigned char *bytes = (const unsigned char *)&made->record;

	for (size_t i = 0; i < sizeof(made->record); i++)
		if (bytes[i] != POISON)
			return false;
	return made->boot_ms == POISON;
}

static fo_err
parse(const char *text, size_t len, struct made *ret)
{
	struct fo_diag diag = { "" };
	fo_err r;

	poison(ret);
	r = fo_login_record_parse("/f", text, len, &diag, &ret->record,
	    &ret->boot_ms);
	if (r != FO_OK) {
		NEED(r == FO_ERR_FORMAT || fuzz_faulted());
		NEED(is_poison(ret));
		NEED(r != FO_ERR_FORMAT || strncmp(diag.text, "/f:", 3) == 0);
	}
	return r;
}

static void
check(const struct made *made)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	const struct fo_login_record *record = &made->record;

	NEED(strnlen(record->sid, sizeof(record->sid)) == FO_SID_SIZE - 1);
	NEED(strspn(record->sid, letters) == FO_SID_SIZE - 1);
	NEED(fo_id_ok(record->id));
	NEED(strcmp(record->kind, fo_id_is_agent(record->id) ? "agent" :
	    "human") == 0);
	NEED(fo_name_ok(record->name) && fo_name_ok(record->owner));
	NEED(fo_jkt_ok(record->jkt));
	NEED(record->service != NULL && record->user != NULL);
	NEED(record->since > 0 && record->pid > 0 && made->boot_ms >= 0);
}

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
check_same(const struct made *made, const struct made *again)
{
	const struct fo_login_record *a = &made->record, *b = &again->record;

	NEED(strcmp(a->sid, b->sid) == 0 && strcmp(a->id, b->id) == 0);
	NEED(strcmp(a->kind, b->kind) == 0 && strcmp(a->jkt, b->jkt) == 0);
	NEED(strcmp(a->name, b->name) == 0 && strcmp(a->owner, b->owner) ==
	    0);
	NEED(is_same_text(a->service, b->service));
	NEED(is_same_text(a->user, b->user));
	NEED(is_same_text(a->ruser, b->ruser));
	NEED(is_same_text(a->src, b->src));
	NEED(is_same_text(a->tty, b->tty));
	NEED(a->since == b->since && a->pid == b->pid);
	NEED(a->pid_start == b->pid_start && made->boot_ms == again->boot_ms);
}

/* Texts that need escapes are longer when they are written. */
static void
check_written(const struct made *made)
{
	struct made again;
	char *text = NULL;
	fo_err r;

	r = fo_login_record_format(&made->record, made->boot_ms, &text);
	if (r == FO_ERR_TOO_LONG || !fuzz_worked(r))
		return;
	if (fuzz_worked(parse(text, strlen(text), &again))) {
		check_same(made, &again);
		fo_login_record_clear(&again.record);
	}
	free(text);
}

/* ---- taken from its folder ---------------------------------------------- */

static fo_err
at_boot_ms(void *arg, struct fo_now *ret)
{
	(void)arg;
	*ret = (struct fo_now){ .s = 1795458600, .boot_ms = BOOT_MS };
	return FO_OK;
}

static const char *
world(void)
{
	static char folder[FOLDER_SIZE] = "";

	if (folder[0] == '\0') {
		folder_make(folder);
		folder_add(folder, "pending", 0700);
	}
	return folder;
}

static fo_err
take(const char *service, struct made *ret)
{
	const struct fo_clock clock = { .now = at_boot_ms };
	struct fo_diag diag = { "" };
	fo_err r;

	poison(ret);
	r = fo_pending_take(world(), NAME, service, &clock, &diag,
	    &ret->record);
	NEED(r == FO_OK || (is_poison(ret) && diag.text[0] != '\0') ||
	    fuzz_faulted());
	NEED(r == FO_OK || is_poison(ret));
	return r;
}

/* made: what the text says; NULL: it is none. */
static void
check_taken(const void *data, size_t size, const struct made *made)
{
	const char *service = made != NULL ? made->record.service : "sshd";
	const bool in_time = made != NULL && made->boot_ms <= BOOT_MS &&
	    BOOT_MS - made->boot_ms <= FO_PENDING_VALID_S * 1000;
	struct made taken;

	if (made != NULL && strcmp(service, "another") != 0) {
		folder_put(world(), "pending/" NAME, 0600, data, size);
		NEED(take("another", &taken) != FO_OK);
	}
	folder_put(world(), "pending/" NAME, 0600, data, size);
	if (take(service, &taken) == FO_OK) {
		NEED(in_time);
		taken.boot_ms = made->boot_ms;
		check_same(made, &taken);
		fo_login_record_clear(&taken.record);
		if (take(service, &taken) == FO_OK)
			NEED(!"taken twice");
	} else {
		NEED(!in_time || fuzz_faulted());
	}
}

void
fuzz_on_record(const uint8_t *data, size_t size)
{
	struct made made;
	fo_err r;

	r = parse((const char *)data, size, &made);
	if (r == FO_OK) {
		check(&made);
		check_written(&made);
	}
	/* one that could not be read for a failure may be a record yet */
	if (geteuid() == 0 && size <= RECORD_MAX_BYTES &&
	    (r == FO_OK || r == FO_ERR_FORMAT))
		check_taken(data, size, r == FO_OK ? &made : NULL);
	if (r == FO_OK)
		fo_login_record_clear(&made.record);
}
