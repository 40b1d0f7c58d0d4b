/*
 * JSON text (RFC 8259), read strictly and written compactly.
 *
 * Values got from an object are borrowed, and live as long as the root.
 */
#ifndef FO_SRC_JSON_H
#define FO_SRC_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <firstops/error.h>

struct fo_buf;
struct fo_json;

/* Limits of what is read. The root object has depth 1. */
#define FO_JSON_MAX_BYTES 65536
#define FO_JSON_MAX_DEPTH 16
#define FO_JSON_MAX_MEMBERS 64

/*
 * Read one object and nothing else. Refused with FO_ERR_FORMAT: another root
 * value, anything but white space after it, a NUL (escaped or not), bytes
 * that are not UTF-8, a member twice in one object at whatever depth, more
 * than the limits above. Numbers are read as reals, however they are written.
 * FO_ERR_NOMEM if there is no memory for it.
 *
 * what  begins the reason: "the header". The text itself never gets into it.
 */
FO_MUST_CHECK fo_err fo_json_parse(const char *text, size_t len,
    const char *what, struct fo_diag *diag, struct fo_json **ret_root);

/* Wipe and free the root; *root is NULL afterwards; NULLs are fine. */
void fo_json_free(struct fo_json **root);

/* The member of that name; NULL if there is none or object is no object. */
const struct fo_json *fo_json_member(const struct fo_json *object,
    const char *name);

bool fo_json_is_object(const struct fo_json *value);

/* The text of a string, which holds no NUL; NULL if value is anything else. */
const char *fo_json_string(const struct fo_json *value);

/* Is value a string with exactly this text? NULL is not. */
bool fo_json_equals(const struct fo_json *value, const char *text);

bool fo_json_is_empty_array(const struct fo_json *value);

/* Is value an array with a string of exactly this text in it? */
bool fo_json_array_has(const struct fo_json *value, const char *text);

/* The value at place i, from 0; NULL: no array, or it ends before. */
const struct fo_json *fo_json_item(const struct fo_json *array, size_t i);

/* The name of a member that is not one of names, NULL at end; else NULL. */
const char *fo_json_stranger(const struct fo_json *object,
    const char *const *names);

/* Is value true or false? Only then is it written. */
bool fo_json_flag(const struct fo_json *value, bool *ret_flag);

/* Is value a number? Only then is it written. */
bool fo_json_real(const struct fo_json *value, double *ret_real);

/*
 * Append text as a JSON string with its quotes. FO_ERR_FORMAT, and nothing
 * is appended: the text is not UTF-8. Other failures stay in the buffer.
 */
FO_MUST_CHECK fo_err fo_json_add_string(struct fo_buf *buf, const char *text);

#endif
