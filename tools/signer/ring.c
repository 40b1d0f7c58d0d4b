/*
 * The keys that the signer holds. What is let go of is wiped.
 */
#include "ring.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <firstops/key.h>

#include "base/diag.h"
#include "base/wipe.h"
#include "host/glob.h"

/* A guess costs this much, and each wrong one a second more before the next. */
#define ROUNDS 100000
#define WRONG_MAX 30
#define LIFETIME_MAX_S ((int64_t)366 * 24 * 3600)

int64_t
ring_now(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Printable, and nothing that JSON would escape. */
static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text < ' ' || *text > '~' || *text == '"' ||
		    *text == '\\')
			return false;
	}

	return true;
}

static fo_err
keep_terms(const struct fo_signer_terms *terms, struct held *held,
    struct fo_diag *diag)
{
	const char *name = terms->name != NULL ? terms->name : "";
	const char *targets = terms->targets != NULL ? terms->targets : "";

	if (strlen(name) >= sizeof(held->name) || !is_plain(name)) {
		fo_diag_set(diag, "name: at most %d printable ASCII "
		    "characters", FO_SIGNER_NAME_SIZE - 1);
		return FO_ERR_ARG;
	}
	if (strlen(targets) >= sizeof(held->targets) || !is_plain(targets) ||
	    (terms->targets != NULL && targets[strspn(targets, " ")] ==
	    '\0')) {
		fo_diag_set(diag, "targets: patterns such as pam://bastion/*, "
		    "apart by spaces, at most %d characters",
		    FO_SIGNER_TARGETS_SIZE - 1);
		return FO_ERR_ARG;
	}
	if (terms->lifetime_s < 0 || terms->lifetime_s > LIFETIME_MAX_S) {
		fo_diag_set(diag, "lifetime: seconds, at most a year");
		return FO_ERR_ARG;
	}
	(void)snprintf(held->name, sizeof(held->name), "%s", name);
	(void)snprintf(held->targets, sizeof(held->targets), "%s", targets);
	held->confirm = terms->confirm;
	held->ends_ms = terms->lifetime_s == 0 ? 0 :
	    ring_now() + terms->lifetime_s * 1000;

	return FO_OK;
}

fo_err
ring_add(struct ring *ring, struct fo_key **key,
    const struct fo_signer_terms *terms, struct fo_diag *diag,
    char ret_jkt[FO_JKT_SIZE])
{
	struct held held = { .key = *key };
	const struct held *same;
	struct held *place;
	fo_err r;

	*key = NULL;
	if ((r = fo_key_jwk(held.key, &held.jwk)) != FO_OK ||
	    (r = fo_key_thumbprint(held.key, held.jkt)) != FO_OK ||
	    (r = keep_terms(terms, &held, diag)) != FO_OK)
		goto out;
	if ((same = ring_find(ring, held.jkt)) != NULL) {
		place = &ring->keys[same - ring->keys];
		fo_key_free(&place->key);
	} else if (ring->count < FO_SIGNER_KEYS_MAX) {
		place = &ring->keys[ring->count++];
	} else {
		fo_diag_set(diag, "there are %d keys already: fo signer "
		    "remove", FO_SIGNER_KEYS_MAX);
		r = FO_ERR_TOO_LONG;
		goto out;
	}
	*place = held;
	memcpy(ret_jkt, held.jkt, FO_JKT_SIZE);
	return FO_OK;
out:
	fo_key_free(&held.key);
	return r;
}

const struct held *
ring_find(const struct ring *ring, const char *jkt)
{
	for (size_t i = 0; i < ring->count; i++) {
		if (jkt == NULL || strcmp(ring->keys[i].jkt, jkt) == 0)
			return &ring->keys[i];
	}

	return NULL;
}

bool
ring_allows(const struct held *held, const char *htu)
{
	const char *at = held->targets;
	char pattern[FO_SIGNER_TARGETS_SIZE];

	if (at[0] == '\0')
		return true;
	for (at += strspn(at, " "); *at != '\0'; at += strspn(at, " ")) {
		const size_t len = strcspn(at, " ");

		memcpy(pattern, at, len);
		pattern[len] = '\0';
		if (fo_glob_match(pattern, htu))
			return true;
		at += len;
	}

	return false;
}

static void
drop(struct ring *ring, size_t i)
{
	fo_key_free(&ring->keys[i].key);
	ring->count--;
	memmove(&ring->keys[i], &ring->keys[i + 1],
	    (ring->count - i) * sizeof(ring->keys[0]));
	fo_wipe(&ring->keys[ring->count], sizeof(ring->keys[0]));
}

fo_err
ring_remove(struct ring *ring, const char *jkt)
{
	const struct held *held;

	if ((held = ring_find(ring, jkt)) == NULL)
		return FO_ERR_NOT_FOUND;
	drop(ring, (size_t)(held - ring->keys));

	return FO_OK;
}

void
ring_clear(struct ring *ring)
{
	while (ring->count > 0)
		drop(ring, ring->count - 1);
}

int64_t
ring_expire(struct ring *ring)
{
	const int64_t now = ring_now();
	int64_t next = 0;
	size_t i = 0;

	while (i < ring->count) {
		const int64_t ends = ring->keys[i].ends_ms;

		if (ends != 0 && ends <= now) {
			drop(ring, i);
			continue;
		}
		if (ends != 0 && (next == 0 || ends < next))
			next = ends;
		i++;
	}

	return next;
}

/* ---- the lock ----------------------------------------------------------- */

static fo_err
stretch(const struct ring *ring, const char *passphrase,
    unsigned char ret[FO_SHA256_BYTES])
{
	return PKCS5_PBKDF2_HMAC(passphrase, (int)strlen(passphrase),
	    ring->salt, RING_SALT_BYTES, ROUNDS, EVP_sha256(),
	    FO_SHA256_BYTES, ret) == 1 ? FO_OK : FO_ERR_CRYPTO;
}

fo_err
ring_lock(struct ring *ring, const char *passphrase, struct fo_diag *diag)
{
	fo_err r;

	if (ring->locked) {
		fo_diag_set(diag, "it is locked already");
		return FO_ERR_LOCKED;
	}
	if (passphrase[0] == '\0') {
		fo_diag_set(diag, "an empty passphrase locks nothing");
		return FO_ERR_ARG;
	}
	if (RAND_bytes(ring->salt, sizeof(ring->salt)) != 1)
		return FO_ERR_CRYPTO;
	if ((r = stretch(ring, passphrase, ring->lock)) != FO_OK)
		return r;
	ring->locked = true;

	return FO_OK;
}

fo_err
ring_unlock(struct ring *ring, const char *passphrase, struct fo_diag *diag)
{
	unsigned char given[FO_SHA256_BYTES];
	const int64_t now = ring_now();
	bool same;
	fo_err r;

	if (!ring->locked) {
		fo_diag_set(diag, "it is not locked");
		return FO_ERR_ARG;
	}
	if (now < ring->try_again_ms) {
		fo_diag_set(diag, "too many wrong passphrases: try again in "
		    "%lld s", (long long)(ring->try_again_ms - now + 999) /
		    1000);
		return FO_ERR_REFUSED;
	}
	if ((r = stretch(ring, passphrase, given)) != FO_OK)
		return r;
	same = CRYPTO_memcmp(given, ring->lock, sizeof(given)) == 0;
	fo_wipe(given, sizeof(given));
	if (!same) {
		ring->wrong += ring->wrong < WRONG_MAX ? 1 : 0;
		/* from now on: to stretch it took its time, too */
		ring->try_again_ms = ring_now() + (int64_t)ring->wrong * 1000;
		fo_diag_set(diag, "the passphrase is wrong");
		return FO_ERR_REFUSED;
	}
	ring->locked = false;
	ring->wrong = 0;
	fo_wipe(ring->lock, sizeof(ring->lock));

	return FO_OK;
}
