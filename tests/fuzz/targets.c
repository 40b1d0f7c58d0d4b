/*
 * targets.yaml: what is taken can be typed and written, is read back as the
 * same, and a file that cannot be written anew stays what it was.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "fo/targets.h"
#include "folder.h"

#define FILE_NAME "firstops/targets.yaml"
#define TEXT_MAX 65536

static const char *
world(void)
{
	static char folder[FOLDER_SIZE] = "";

	if (folder[0] == '\0') {
		folder_make(folder);
		NEED(setenv("XDG_CONFIG_HOME", folder, 1) == 0);
		folder_add(folder, "firstops", 0700);
	}
	return folder;
}

/* What is refused is said of the file, and leaves what was there. */
static fo_err
load(fo_err (*how)(struct fo_diag *, struct targets *), struct targets *ret)
{
	struct fo_diag diag = { "" };
	fo_err r;

	*ret = (struct targets){ .count = TEXT_MAX };
	r = how(&diag, ret);
	if (r != FO_OK) {
		NEED(r == FO_ERR_FORMAT || fuzz_faulted());
		NEED(ret->count == TEXT_MAX && ret->list == NULL);
		NEED(ret->path == NULL && ret->folder == NULL);
		NEED(r != FO_ERR_FORMAT || strstr(diag.text, FILE_NAME ":") !=
		    NULL);
	}
	return r;
}

static void
check(const struct targets *targets)
{
	const struct target_entry *entry;

	for (size_t i = 0; i < targets->count; i++) {
		entry = &targets->list[i];
		NEED(target_dest_ok(entry->dest));
		NEED(target_host_ok(entry->host));
		/* the one of this name, or it would be twice in the file */
		NEED(targets_find(targets, entry->dest) == entry->host);
	}
	NEED(targets_find(targets, "") == NULL);
}

static bool
is_same(const struct targets *a, const struct targets *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->list[i].dest, b->list[i].dest) != 0 ||
		    strcmp(a->list[i].host, b->list[i].host) != 0)
			return false;
	return true;
}

/* The file is read as one of two lists; held, since it has to be readable. */
static void
check_file(const struct targets *one, const struct targets *other)
{
	const bool held = fuzz_faults_hold();
	struct targets found;
	struct fo_diag diag = { "" };

	NEED(targets_load(&diag, &found) == FO_OK);
	NEED(is_same(one, &found) || is_same(other, &found));
	targets_clear(&found);
	fuzz_faults_release(held);
}

/* Write the list; whatever fails, the file is the old one or the new. */
static void
check_written(const struct targets *targets, const struct targets *before)
{
	struct fo_diag diag = { "" };

	if (fuzz_worked(targets_save(targets, &diag)))
		check_file(targets, targets);
	else
		check_file(before, targets);
}

static void
check_changed(struct targets *targets, const struct targets *before)
{
	if (!fuzz_worked(targets_set(targets, "[::1]:2222", "bastion")))
		return;
	NEED(strcmp(targets_find(targets, "[::1]:2222"), "bastion") == 0);
	check(targets);
	check_written(targets, before);
	NEED(targets_remove(targets, "[::1]:2222"));
	NEED(targets_find(targets, "[::1]:2222") == NULL);
	NEED(!targets_remove(targets, "[::1]:2222"));
	check(targets);
}

void
fuzz_on_targets(const uint8_t *data, size_t size)
{
	struct targets before, targets;

	if (size > TEXT_MAX)
		return;
	folder_put(world(), FILE_NAME, 0600, data, size);
	if (load(targets_load, &before) != FO_OK)
		return;
	check(&before);
	if (load(targets_open, &targets) == FO_OK) {
		NEED(is_same(&before, &targets));
		check_changed(&targets, &before);
		targets_clear(&targets);
	}
	targets_clear(&before);
	folder_remove(world(), "firstops");
	folder_add(world(), "firstops", 0700);
}
