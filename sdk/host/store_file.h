/*
 * One file of the store: opened without trust, read, parsed.
 */
#ifndef FO_HOST_STORE_FILE_H
#define FO_HOST_STORE_FILE_H

#define FO_YAML_SUFFIX ".yaml"

#include <sys/stat.h>

#include <stdbool.h>
#include <stddef.h>

#include <firstops/error.h>

#include "store.h"

/* Room for an id and for a name. */
#define FO_FILE_NAME_SIZE 64

/* A part's folder, and which of the names in it count. */
struct fo_part {
	const char *folder;
	bool (*ok)(const char *name);
	bool yaml;		/* its files are NAME.yaml */
	const char *what;	/* such a name, in words */
};

const struct fo_part *fo_part(fo_store_part part);

/* Whoever got it holds it, until let go; what it says is nobody's to change. */
struct fo_file {
	size_t holders;
	fo_store_part part;
	char name[FO_FILE_NAME_SIZE];
	char *path;
	struct stat stamp;	/* before it was read */
	bool ripe;		/* a change since then would show */
	/* the one of its part */
	struct fo_principal *principal;
	struct fo_group *group;
	struct fo_policy *policy;
};

/*
 * Read and parse a file of principals, groups or policies, as the functions
 * of store.h that are named so.
 */
FO_MUST_CHECK fo_err fo_file_read(const struct fo_store *store,
    fo_store_part part, const char *name, struct fo_diag *diag,
    struct fo_file **ret_file);
/* The last to let go frees it. *file is NULL afterwards. */
void fo_file_let_go(struct fo_file **file);

/*
 * The text of any file that is safe to trust. The caller frees. What
 * fo_safe_open_file says, and FO_ERR_TOO_LONG, FO_ERR_IO, FO_ERR_NOMEM.
 */
FO_MUST_CHECK fo_err fo_file_text(const struct fo_store *store,
    const char *path, struct fo_diag *diag, struct stat *ret_stamp,
    bool *ret_ripe, char **ret_text, size_t *ret_len);

#endif
