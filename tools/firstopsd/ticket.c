/*
 * Tickets, sealed with HMAC-SHA-256 (RFC 2104).
 */
#include "ticket.h"

#include <sys/random.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/b64url.h"
#include "base/diag.h"
#include "base/sha256.h"
#include "base/wipe.h"

#define DOMAIN "firstopsd ticket"	/* what else the key could be used for */
#define CLAIM_SIZE 128

/* ---- the key ------------------------------------------------------------ */

static fo_err
read_key(const char *path, struct fo_diag *diag, struct ticket_key *ret_key)
{
	const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	fo_err r = FO_ERR_IO;

	if (fd == -1)
		return errno == ENOENT ? FO_ERR_NOT_FOUND : FO_ERR_IO;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		fo_diag_set(diag, "%s: has to be a file that root alone can "
		    "read", path);
	else if (read(fd, ret_key->bytes, sizeof(ret_key->bytes)) ==
	    (ssize_t)sizeof(ret_key->bytes))
		r = FO_OK;
	(void)close(fd);
	return r;
}

/* Whoever links first makes it; the other one reads that. */
static fo_err
make_key(const char *path)
{
	unsigned char bytes[TICKET_KEY_BYTES];
	char temporary[256];
	fo_err r = FO_ERR_IO;
	int fd;

	if (snprintf(temporary, sizeof(temporary), "%s.%ld", path,
	    (long)getpid()) >= (int)sizeof(temporary))
		return FO_ERR_TOO_LONG;
	if ((fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0600)) == -1)
		return FO_ERR_IO;
	if (getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes) &&
	    write(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes) &&
	    (link(temporary, path) == 0 || errno == EEXIST))
		r = FO_OK;
	fo_wipe(bytes, sizeof(bytes));
	(void)close(fd);
	(void)unlink(temporary);
	return r;
}

fo_err
ticket_key_open(const char *path, struct fo_diag *diag,
    struct ticket_key *ret_key)
{
	fo_err r = read_key(path, diag, ret_key);

	if (r == FO_ERR_NOT_FOUND && (r = make_key(path)) == FO_OK)
		r = read_key(path, diag, ret_key);
	if (r != FO_OK && diag->text[0] == '\0')
		fo_diag_set(diag, "%s: %s", path, strerror(errno));
	return r;
}

/* ---- tickets ------------------------------------------------------------ */

static fo_err
seal(const struct ticket_key *key, const char *claim,
    unsigned char ret_mac[FO_SHA256_BYTES])
{
	char text[sizeof(DOMAIN) + CLAIM_SIZE];
	size_t len = 0;

	(void)snprintf(text, sizeof(text), "%s:%s", DOMAIN, claim);
	return EVP_Q_mac(NULL, "HMAC", NULL, "SHA256", NULL, key->bytes,
	    sizeof(key->bytes), (const unsigned char *)text, strlen(text),
	    ret_mac, FO_SHA256_BYTES, &len) != NULL &&
	    len == FO_SHA256_BYTES ? FO_OK : FO_ERR_CRYPTO;
}

fo_err
ticket_make(const struct ticket_key *key, const char *user, int64_t now,
    char ret_ticket[TICKET_SIZE])
{
	char name[FO_B64URL_LEN(TICKET_USER_MAX) + 1], claim[CLAIM_SIZE];
	char text[FO_B64URL_LEN(FO_SHA256_BYTES) + 1];
	unsigned char mac[FO_SHA256_BYTES];
	const size_t len = strlen(user);
	fo_err r;

	if (len == 0 || len > TICKET_USER_MAX)
		return FO_ERR_ARG;
	fo_b64url_encode(user, len, name);
	(void)snprintf(claim, sizeof(claim), "%s.%" PRId64, name,
	    now + TICKET_VALID_S);
	if ((r = seal(key, claim, mac)) != FO_OK)
		return r;
	fo_b64url_encode(mac, sizeof(mac), text);
	(void)snprintf(ret_ticket, TICKET_SIZE, "%s.%s", claim, text);

	return FO_OK;
}

/* The seal first: what has none of ours is not looked into. */
static fo_err
check_seal(const struct ticket_key *key, const char *claim, const char *mac)
{
	unsigned char given[FO_SHA256_BYTES], want[FO_SHA256_BYTES];
	size_t len = 0;
	fo_err r;

	if (fo_b64url_decode(mac, strlen(mac), given, sizeof(given), &len) !=
	    FO_OK || len != sizeof(given))
		return FO_ERR_FORMAT;
	if ((r = seal(key, claim, want)) != FO_OK)
		return r;

	return CRYPTO_memcmp(given, want, sizeof(want)) == 0 ? FO_OK :
	    FO_ERR_BAD_SIGNATURE;
}

fo_err
ticket_check(const struct ticket_key *key, const char *ticket, int64_t now,
    char ret_user[TICKET_USER_MAX + 1])
{
	const char *mac = strrchr(ticket, '.');
	char claim[CLAIM_SIZE], user[TICKET_USER_MAX + 1], *end, *expires;
	size_t len = 0;
	long long until;
	fo_err r;

	if (mac == NULL || (size_t)(mac - ticket) >= sizeof(claim))
		return FO_ERR_FORMAT;
	memcpy(claim, ticket, (size_t)(mac - ticket));
	claim[mac - ticket] = '\0';
	if ((r = check_seal(key, claim, mac + 1)) != FO_OK)
		return r;
	if ((expires = strchr(claim, '.')) == NULL)
		return FO_ERR_FORMAT;
	until = strtoll(expires + 1, &end, 10);
	if (*end != '\0' || fo_b64url_decode(claim,
	    (size_t)(expires - claim), user, TICKET_USER_MAX, &len) != FO_OK)
		return FO_ERR_FORMAT;
	if (until <= now)
		return FO_ERR_STALE;
	user[len] = '\0';
	memcpy(ret_user, user, len + 1);

	return FO_OK;
}
