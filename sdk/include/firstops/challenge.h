/*
 * The challenge: one prompt that carries the target and a nonce to a client.
 *
 *   [FirstOps DPoP htu=pam://bastion/sshd/deploy nonce=Q2hh...] Password or proof: 
 *
 * Printable ASCII; one marker; the closing words are for people.
 */
#ifndef FIRSTOPS_CHALLENGE_H
#define FIRSTOPS_CHALLENGE_H

#include <stddef.h>

#include <firstops/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A nonce as text: 16 base64url characters (12 random bytes) and a NUL. */
#define FO_NONCE_SIZE 17

/* What a challenge says. Free with fo_challenge_free. */
struct fo_challenge {
	char *htu;
	char *nonce;
	size_t prefix_len; /* bytes of the prompt before the marker's '[' */
};

/* Make a fresh nonce. FO_ERR_IO: no randomness. Untouched on failure. */
FO_API FO_MUST_CHECK fo_err fo_nonce_new(char ret_nonce[FO_NONCE_SIZE]);

/*
 * Write the prompt for a target and a nonce. The caller frees *ret_prompt.
 * FO_ERR_ARG: htu or nonce has a byte that is not printable ASCII, a space,
 * or a bracket.
 */
FO_API FO_MUST_CHECK fo_err fo_challenge_format(const char *htu,
    const char *nonce, char **ret_prompt);

/*
 * Find the challenge in a prompt. The prompt must be printable ASCII as a
 * whole (a newline neither), hold exactly one marker, and end with the
 * closing words, white space after them aside. What stands before the marker
 * is the caller's to judge: prefix_len says how much it is.
 *
 * FO_ERR_NOT_FOUND: no marker (some other prompt). FO_ERR_FORMAT: a marker,
 * but not in this form, or more than one.
 */
FO_API FO_MUST_CHECK fo_err fo_challenge_parse(const char *prompt,
    struct fo_challenge **ret_challenge);

FO_API void fo_challenge_free(struct fo_challenge **challenge);

#ifdef __cplusplus
}
#endif

#endif
