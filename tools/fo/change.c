/*
 * One change of one principal.
 */
#include "change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/names.h"

#include "describe.h"
#include "json.h"
#include "out.h"
#include "principal.h"

/* A change on its way, and how far it came. */
struct progress {
	struct fo_principal *before;
	struct fo_principal *after;
	char *text_before;	/* of the two files */
	char *text_after;
	bool differs;
	bool there;		/* written, also after trouble */
};

static void
progress_clear(struct progress *progress)
{
	fo_principal_free(&progress->before);
	fo_principal_free(&progress->after);
	free(progress->text_before);
	free(progress->text_after);
}

/* ---- changing -------------------------------------------------------- */

/*
 * A reason goes into the file and the event: whatever its reader would not
 * take is refused before anything is done.
 */
static int
check_reason(const struct change *change)
{
	if (change->what == NULL || (fo_prose_ok(change->what) &&
	    strlen(change->what) <= CHANGE_REASON_MAX))
		return FO_EXIT_DONE;

	return fail(change->call, FO_EXIT_USAGE, FO_ERR_ARG, "--reason: must"
	    " be one line of text of at most %d bytes", CHANGE_REASON_MAX);
}

/* Read it under the lock, and make of a copy what it is to be. */
static int
work_out(const struct admin *admin, struct change *change, const char *id,
    struct progress *progress)
{
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	code = principal_find(admin,
	    PRINCIPALS_OF(change->call->verb->kind), id, &progress->before);
	if (code != FO_EXIT_DONE)
		return code;
	r = principal_copy(progress->before, &diag, &progress->after);
	if (r != FO_OK)
		return fail_err(change->call, r, &diag, NULL);
	code = change->apply(admin, change, progress->before,
	    progress->after);
	if (code == FO_EXIT_DONE)
		code = describe_readable(change->call, progress->after);
	if (code != FO_EXIT_DONE)
		return code;
	if ((r = fo_principal_format(progress->before,
	    &progress->text_before)) != FO_OK ||
	    (r = fo_principal_format(progress->after,
	    &progress->text_after)) != FO_OK)
		return fail_err(change->call, r, NULL, NULL);
	progress->differs = change->removes ||
	    strcmp(progress->text_before, progress->text_after) != 0;

	return FO_EXIT_DONE;
}

static int
write_it(const struct admin *admin, const struct change *change,
    const struct fo_store_lock *lock, struct progress *progress)
{
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	if (change->prepare != NULL &&
	    (code = change->prepare(change)) != FO_EXIT_DONE)
		return code;
	r = change->removes ?
	    fo_store_remove(admin->store, lock, progress->before, &diag,
	    &progress->there) :
	    fo_store_replace(admin->store, lock, progress->before,
	    progress->after, &diag, &progress->there);
	if (r == FO_OK)
		return FO_EXIT_DONE;
	if (progress->there) {
		note("fo: %s", diag.text);
		return FO_EXIT_TROUBLE;
	}
	if (change->undo != NULL)
		change->undo(change);

	return fail_err(change->call, r, &diag, NULL);
}

static int
change_locked(const struct admin *admin, struct change *change,
    const char *id, struct progress *progress)
{
	struct fo_store_lock *lock = NULL;
	struct fo_diag diag = { "" };
	int code;
	fo_err r;

	r = fo_store_lock(admin->store, ADMIN_LOCK_MS, &diag, &lock);
	if (r != FO_OK)
		return fail_err(change->call, r, &diag, NULL);
	code = work_out(admin, change, id, progress);
	if (code == FO_EXIT_DONE && progress->differs && !change->dry_run)
		code = write_it(admin, change, lock, progress);
	fo_store_unlock(&lock);

	return code;
}

/* ---- telling --------------------------------------------------------- */

static void
print_lines(const char *sign, const char *from, const char *to)
{
	while (from < to) {
		const size_t len = strcspn(from, "\n");

		printf("%s %.*s\n", sign, (int)len, from);
		from += len + 1;
	}
}

/* The lines of both texts between what both begin and what both end with. */
static void
print_difference(const char *before, const char *after)
{
	const char *b = before, *a = after;
	const char *b_end = before + strlen(before);
	const char *a_end = after + strlen(after);
	size_t n, start = 0;

	for (n = 0; b[n] != '\0' && b[n] == a[n]; n++)
		if (b[n] == '\n')
			start = n + 1;
	b += start;
	a += start;
	while (b_end > b && a_end > a && b_end[-1] == a_end[-1]) {
		b_end--;
		a_end--;
	}
	/* whole lines: what both end with may begin within one */
	if ((b_end > b && b_end[-1] != '\n') ||
	    (a_end > a && a_end[-1] != '\n')) {
		n = strcspn(b_end, "\n");
		b_end += n;
		a_end += n;
	}
	print_lines("-", b, b_end);
	print_lines("+", a, a_end);
}

static void
print_text(const struct change *change, const struct progress *progress)
{
	const struct fo_principal *p = progress->after;

	if (!progress->differs) {
		printf("%s: %s (%s)\n", change->already, p->name, p->id);
	} else if (!change->dry_run) {
		printf("%s %s (%s)\n", change->done, p->name, p->id);
	} else {
		printf("would be %s: %s (%s)\n", change->done, p->name,
		    p->id);
		print_difference(progress->text_before, change->removes ?
		    "" : progress->text_after);
	}
}

/* What follows, and the answer; the exit code. */
static int
finish(const struct admin *admin, const struct change *change,
    const struct progress *progress)
{
	const struct fo_principal *p = progress->after;
	struct json *json = NULL, *one;
	int code = FO_EXIT_DONE, printed = FO_EXIT_DONE;

	if (!change->call->json) {
		print_text(change, progress);
	} else {
		json = json_object_new();
		one = principal_json(p, admin->now);
		json_flag(json, "ok", true);
		json_text(json, "id", p->id);
		json_text(json, "name", p->name);
		json_text(json, "status", fo_status_word(p->status));
		json_flag(json, "changed", progress->differs);
		json_flag(json, "dry_run", change->dry_run);
		json_put(json, fo_kind_word(p->kind), &one);
	}
	if (change->follow != NULL && !change->dry_run)
		code = change->follow(admin, change, p, json);
	if (code != FO_EXIT_DONE)
		json_flag(json, "ok", false);
	if (change->call->json)
		printed = json_print(&json);
	if (printed != FO_EXIT_DONE && change->lost != NULL)
		printed = fail(change->call, FO_EXIT_TROUBLE, FO_ERR_IO,
		    "standard output: %s", change->lost);

	return code != FO_EXIT_DONE ? code : printed;
}

/*
 * To find a name all files are read, which takes long in a large store: that
 * comes before the lock, and its id is what is changed.
 */
static int
find_and_change(const struct admin *admin, struct change *change,
    struct progress *progress)
{
	struct fo_principal *found = NULL;
	int code;

	code = principal_find(admin,
	    PRINCIPALS_OF(change->call->verb->kind), change->call->argv[0],
	    &found);
	if (code == FO_EXIT_DONE)
		code = change_locked(admin, change, found->id, progress);
	fo_principal_free(&found);

	return code;
}

int
change_run(struct change *change)
{
	struct progress progress = { 0 };
	struct admin admin;
	int code, told = FO_EXIT_DONE, finished = FO_EXIT_DONE;

	if ((code = check_reason(change)) != FO_EXIT_DONE)
		return code;
	if ((code = admin_open(change->call, &admin)) == FO_EXIT_DONE)
		code = find_and_change(&admin, change, &progress);
	/* done: whatever follows, it is told and printed */
	if (progress.there)
		told = admin_event(&admin, change->ev, change->act,
		    progress.after, change->jkt, change->what);
	if (progress.there || code == FO_EXIT_DONE)
		finished = finish(&admin, change, &progress);
	progress_clear(&progress);
	admin_close(&admin);
	if (code != FO_EXIT_DONE)
		return code;

	return finished != FO_EXIT_DONE ? finished : told;
}
