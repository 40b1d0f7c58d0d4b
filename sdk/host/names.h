/*
 * The grammar of names in the store: what may be a file name, and so what
 * may be opened.
 */
#ifndef FO_HOST_NAMES_H
#define FO_HOST_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define FO_NAME_MAX 48		/* [a-z0-9][a-z0-9._-]{0,47} */
#define FO_ID_SIZE 46		/* of fo_agent_, the longer; and NUL */
#define FO_ACCOUNT_MAX 64
#define FO_SERVICE_MAX 64
#define FO_HOST_MAX 253
#define FO_PATTERN_MAX 1024

/* A name of a principal, owner, group, policy or rule. */
bool fo_name_ok(const char *name);

/* fo_agent_<uuid> or fo_user_<uuid>, the uuid in lower case. */
bool fo_id_ok(const char *id);
/* The same, and of this kind. */
bool fo_id_is_agent(const char *id);

/* 43 characters that can be a thumbprint. */
bool fo_jkt_ok(const char *jkt);

/* A PAM user name: 1 to 64 bytes of printable ASCII without a space. */
bool fo_account_ok(const char *account);

/* A PAM service name: 1 to 64 of [A-Za-z0-9_.-], not "." or "..". */
bool fo_service_ok(const char *service);

/*
 * What a host may be called in targets: 1 to 253 of [A-Za-z0-9._-], not
 * localhost, and nothing that is or looks like an address.
 */
bool fo_host_ok(const char *host);

/* A pattern for one of these: 1 to 1024 bytes of printable ASCII, no space. */
bool fo_pattern_ok(const char *pattern);

/* How long the UTF-8 character at p is (RFC 3629 4); 0: there is none. */
size_t fo_char_len(const unsigned char *p, size_t left);

/*
 * Is the character of n bytes at p one that YAML takes for a line break where
 * an editor shows none, or that no text needs: C0 (but for tab and newline)
 * and C1 controls, DEL, U+2028, U+2029, U+FEFF?
 */
bool fo_char_hidden(const unsigned char *p, size_t n);

/*
 * One line of text for people: UTF-8 without controls and hidden characters,
 * so that what a file's escapes spell can be written as it is. "" is fine.
 */
bool fo_prose_ok(const char *text);

/*
 * The name of candidates (NULL at end) that is nearest to name, or NULL if
 * none is near: at most a third of its letters differ.
 */
const char *fo_name_nearest(const char *name, const char *const *candidates);

#endif
