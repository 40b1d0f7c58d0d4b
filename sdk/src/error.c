/*
 * Results in words and sentences.
 */
#include <firstops/error.h>

#include <stddef.h>

struct entry {
	fo_err err;
	const char *word;
	const char *text;
};

static const struct entry entries[] = {
	{ FO_OK, "ok", "ok" },

	{ FO_ERR_ARG, "arg", "an argument cannot be used" },
	{ FO_ERR_NOMEM, "nomem", "out of memory" },
	{ FO_ERR_CRYPTO, "crypto", "the cryptographic library failed" },
	{ FO_ERR_IO, "io", "reading, writing or randomness failed" },
	{ FO_ERR_FORMAT, "format", "the input does not have the right form" },
	{ FO_ERR_NOT_FOUND, "not_found", "there is no such thing" },
	{ FO_ERR_EXISTS, "exists", "it exists already" },
	{ FO_ERR_TOO_LONG, "too_long", "it would be too long" },
	{ FO_ERR_INTERNAL, "internal", "internal error" },

	{ FO_ERR_NO_PROOF, "no_proof", "no proof was offered" },
	{ FO_ERR_MALFORMED, "malformed",
	    "the proof does not have the form of one" },
	{ FO_ERR_CUT, "cut", "the proof was cut short on its way" },
	{ FO_ERR_BAD_TYP, "bad_typ", "the proof's typ is not dpop+jwt" },
	{ FO_ERR_BAD_ALG, "bad_alg", "the proof's alg is not ES256" },
	{ FO_ERR_BAD_CRIT, "bad_crit",
	    "the proof demands extensions that are not understood" },
	{ FO_ERR_BAD_KEY, "bad_key", "the key is not a public P-256 key" },

	{ FO_ERR_UNKNOWN_KEY, "unknown_key", "the key is not registered" },
	{ FO_ERR_BAD_SIGNATURE, "bad_signature",
	    "the signature is not by the key in the proof" },
	{ FO_ERR_WRONG_HTM, "wrong_htm", "the proof is for another method" },
	{ FO_ERR_WRONG_HTU, "wrong_htu", "the proof is for another target" },
	{ FO_ERR_STALE, "stale", "the proof is too old" },
	{ FO_ERR_FUTURE, "future", "the proof comes from the future" },
	{ FO_ERR_NO_NONCE, "no_nonce",
	    "the proof does not answer the challenge" },
	{ FO_ERR_WRONG_NONCE, "wrong_nonce",
	    "the proof answers another challenge" },
	{ FO_ERR_NO_ATH, "no_ath", "the proof names no access token" },
	{ FO_ERR_WRONG_ATH, "wrong_ath",
	    "the proof is for another access token" },

	{ FO_ERR_REVOKED, "revoked", "the principal is revoked" },
	{ FO_ERR_SUSPENDED, "suspended", "the principal is suspended" },
	{ FO_ERR_EXPIRED_KEY, "expired_key", "the key has expired" },
	{ FO_ERR_REVOKED_KEY, "revoked_key", "the key is revoked" },
	{ FO_ERR_NOT_AN_ACCOUNT, "not_an_account",
	    "the account is not one of the principal's" },
	{ FO_ERR_POLICY, "policy", "no policy permits it" },
	{ FO_ERR_ASK, "ask", "a person is to be asked first" },

	{ FO_ERR_REPLAY, "replay", "the proof was used before" },
	{ FO_ERR_REPLAY_NEWBORN, "replay_newborn",
	    "the proof is older than the record of used proofs" },
	{ FO_ERR_REPLAY_STORE, "replay_store",
	    "the record of used proofs cannot be kept" },

	{ FO_ERR_STORE, "store", "the store cannot be read" },
	{ FO_ERR_CONFIG, "config", "the configuration cannot be read" },
	{ FO_ERR_AUDIT, "audit", "the event could not be recorded" },
	{ FO_ERR_SESSION, "session", "the session record cannot be kept" },

	{ FO_ERR_RESERVED, "reserved",
	    "the account is reserved for principals" },
	{ FO_ERR_USER_CHANGED, "user_changed",
	    "the user or the service is not that of the login" },

	{ FO_ERR_LOCKED, "locked", "the signer is locked" },
	{ FO_ERR_REFUSED, "refused", "the signer does not sign this" },
};

static const struct entry *
find(fo_err err)
{
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (entries[i].err == err)
			return &entries[i];

	return NULL;
}

const char *
fo_err_word(fo_err err)
{
	const struct entry *entry = find(err);

	return entry != NULL ? entry->word : "unknown";
}

const char *
fo_err_text(fo_err err)
{
	const struct entry *entry = find(err);

	return entry != NULL ? entry->text : "unknown result";
}
