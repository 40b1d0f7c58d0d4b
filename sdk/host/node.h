/*
 * A YAML file of the store as a tree: the strict subset that stores take.
 *
 * One document, opened by nothing or "---" and closed by "..."; block and
 * flow style; no anchors, aliases, tags or directives; no duplicate keys; at
 * most 16 deep, FO_NODE_MAX_KEYS keys a map and FO_FILE_MAX_BYTES long;
 * strict UTF-8 without control bytes; a plain scalar ends on its line. A
 * scalar is text: what it means is the reader's to say. Plain empty, "~" and
 * "null" are the empty text with `plain` set, and no reader takes those: a
 * key that is there has a value.
 */
#ifndef FO_HOST_NODE_H
#define FO_HOST_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <firstops/error.h>

#define FO_FILE_MAX_BYTES 65536
#define FO_NODE_MAX_DEPTH 16
#define FO_NODE_MAX_KEYS 256

typedef enum fo_node_type {
	FO_NODE_SCALAR,
	FO_NODE_LIST,
	FO_NODE_MAP
} fo_node_type;

struct fo_node {
	fo_node_type type;
	size_t line;		/* 1-based, where it begins */
	bool plain;		/* a scalar written without quotes */
	char *text;		/* scalar */
	size_t count;		/* list, map */
	struct fo_node **items;	/* list: items; map: values */
	char **keys;		/* map: key of the same index */
	size_t *key_lines;
};

/*
 * Parse a text. name is the file's path, for reasons "PATH:LINE: what;
 * remedy". FO_ERR_FORMAT, FO_ERR_NOMEM.
 */
FO_MUST_CHECK fo_err fo_node_parse(const char *name, const char *text,
    size_t len, struct fo_diag *diag, struct fo_node **ret_root);
void fo_node_free(struct fo_node **node);

/*
 * A reader of one file's nodes: keeps the first reason and makes everything
 * after it do nothing, so that a reader states its fields one after the other
 * and looks at err once.
 */
struct fo_reader {
	const char *name;
	struct fo_diag *diag;
	fo_err err;
};

/* Fail at a line. */
void fo_reader_fail(struct fo_reader *rd, size_t line, const char *fmt, ...)
    FO_PRINTF(3, 4);

/*
 * Refuse a node that is not a map, and keys of it that are not among known
 * (NULL at end), with the nearest right name.
 */
void fo_reader_map(struct fo_reader *rd, const struct fo_node *map,
    const char *const *known);

/* The value of a key, or NULL; never fails. */
const struct fo_node *fo_node_get(const struct fo_node *map,
    const char *key);

/*
 * The value of a key, checked for its kind; a missing one fails if required.
 * Returned texts are borrowed from the tree; NULL when missing or failed.
 */
const char *fo_reader_text(struct fo_reader *rd, const struct fo_node *map,
    const char *key, bool required);
const struct fo_node *fo_reader_list(struct fo_reader *rd,
    const struct fo_node *map, const char *key, bool required);
int64_t fo_reader_int(struct fo_reader *rd, const struct fo_node *map,
    const char *key, int64_t min, int64_t max, int64_t absent);
int64_t fo_reader_time(struct fo_reader *rd, const struct fo_node *map,
    const char *key, bool required); /* 0: absent; never 0 when given */
/* The index in words (NULL at end) of the value; 0 after a failure. */
size_t fo_reader_word(struct fo_reader *rd, const struct fo_node *map,
    const char *key, const char *const *words);
/* version must be 1; anything else says which versions are read. */
void fo_reader_version(struct fo_reader *rd, const struct fo_node *map);

/*
 * A list of texts, copied: each must pass ok (NULL: any non-empty text),
 * else the reason says "what" it should be. Absent is an empty list. The
 * result is a NULL-terminated array for fo_texts_free, never NULL unless
 * failed.
 */
char **fo_reader_texts(struct fo_reader *rd, const struct fo_node *map,
    const char *key, bool (*ok)(const char *), const char *what);
void fo_texts_free(char ***texts);

#endif
