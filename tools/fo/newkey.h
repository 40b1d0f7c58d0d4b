/*
 * The key that a principal gets: one made elsewhere, whose public half is
 * registered, or a new pair, whose private half is handed over once.
 */
#ifndef FO_TOOL_NEWKEY_H
#define FO_TOOL_NEWKEY_H

#include <stdbool.h>

#include <firstops/jwk.h>

#include "verb.h"

struct json;

/* The options that verbs with a new key have, by what help says of them. */
#define NEWKEY_OUT { "out", "FILE", "write the private key to a new file," \
    " mode 0600" }
#define NEWKEY_JWK { "jwk", "FILE", "register this public key (- for" \
    " standard input)" }
#define NEWKEY_SSH { "ssh-key", "FILE", "register this ecdsa-sha2-nistp256" \
    " public key" }

struct newkey {
	const char *out;	/* --out, --jwk and --ssh-key, or NULL */
	const char *jwk;
	const char *ssh;
	char jkt[FO_JKT_SIZE];
	char *pem;		/* the private half, if it is ours to hand over */
};

/*
 * Fill jkt, and pem for a new pair. Reports what is wrong and returns the
 * exit code. newkey_clear in every case.
 */
int newkey_get(const struct call *call, struct newkey *key);
void newkey_clear(struct newkey *key);

/*
 * Write the private half to --out, if that is given, so that it is on disk
 * before the store knows its thumbprint: no principal has a key that is
 * nowhere. newkey_unsave takes it back where the store refuses.
 */
int newkey_save(const struct call *call, const struct newkey *key);
void newkey_unsave(const struct newkey *key);

/* What --json says of it: thumbprint, and file or private_key. */
void newkey_json(const struct newkey *key, struct json *object);

/* Print the private half, unless it is in a file or elsewhere. */
bool newkey_print(const struct newkey *key);

/* Is the private half lost where standard output cannot be written? */
bool newkey_on_stdout(const struct newkey *key);

#endif
