/*
 * JSON for machines: what --json prints, and what a batch reads.
 *
 * A value that could not be built remembers it, and json_print fails; so
 * callers state their members one after the other and look once.
 */
#ifndef FO_TOOL_JSON_H
#define FO_TOOL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <firstops/error.h>

struct json;

/* Call once, first: memory of JSON values is wiped before it is freed. */
void json_start(void);

/* NULL when memory is short; every function here takes that NULL. */
struct json *json_object_new(void);
struct json *json_list_new(void);
void json_free(struct json **json);

/* Members of an object. A NULL text is null. */
void json_text(struct json *object, const char *key, const char *value);
void json_flag(struct json *object, const char *key, bool value);
void json_number(struct json *object, const char *key, int64_t value);
/* NULL at end. */
void json_texts(struct json *object, const char *key,
    const char *const *values);
/* Takes *value, which is NULL afterwards. */
void json_put(struct json *object, const char *key, struct json **value);
void json_append(struct json *list, struct json **value);

/*
 * Print a value as one line, straight to the descriptor, and free it.
 * Returns FO_EXIT_DONE, or FO_EXIT_TROUBLE after saying why on standard
 * error.
 */
int json_print(struct json **json);

/* A text as a JSON string, in its quotes; NULL: no memory, or not UTF-8. */
char *json_quoted(const char *text);

/*
 * Read one object: no member twice, nothing after it. NULL: it is none, or
 * memory is short; the reason says where.
 */
struct json *json_read(const char *text, size_t len, struct fo_diag *diag);

/*
 * The text of a member, or of the member of a member where within is not
 * NULL. Borrowed; NULL: there is none, or it is no text.
 */
const char *json_get(const struct json *object, const char *within,
    const char *name);

/* Is there such a member, of whatever kind? */
bool json_has(const struct json *object, const char *within,
    const char *name);

/* One line of a batch: texts are NULL where they are absent or null. */
struct batch_line {
	char *proof;
	char *htm;
	char *htu;
	char *jkt;
	char *nonce;
	char *access_token;
	int64_t at;		/* -1: absent */
	int64_t max_age_s;	/* -1: absent */
	int64_t clock_skew_s;	/* -1: absent */
};

/*
 * Read one line. FO_ERR_ARG: not an object of these members; the reason says
 * which one is wrong. *ret_line is untouched then.
 */
FO_MUST_CHECK fo_err batch_line_parse(const char *text, size_t len,
    struct fo_diag *diag, struct batch_line *ret_line);
void batch_line_clear(struct batch_line *line);

#endif
