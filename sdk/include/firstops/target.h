/*
 * What a proof is for: the htu claim (RFC 9449 4.2), built, taken apart and
 * compared.
 *
 * For PAM it is pam://HOST/SERVICE/USER: exactly three parts, every byte but
 * RFC 3986's unreserved characters percent-encoded, none of them empty, "."
 * or "..".
 */
#ifndef FIRSTOPS_TARGET_H
#define FIRSTOPS_TARGET_H

#include <stddef.h>

#include <firstops/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The htm of every proof for a pam: target. */
#define FO_HTM_PAM "PAM"

/* The parts of a pam: target, decoded. Free with fo_target_free. */
struct fo_target {
	char *host;
	char *service;
	char *user;
};

/*
 * Build pam://HOST/SERVICE/USER. The parts are plain bytes, encoded here.
 * The caller frees *ret_htu with free(). FO_ERR_ARG: a part is NULL, empty,
 * "." or "..". FO_ERR_TOO_LONG: no proof could carry it.
 */
FO_API FO_MUST_CHECK fo_err fo_target_format(const char *host,
    const char *service, const char *user, char **ret_htu);

/*
 * Take a pam: target apart: split first, then decoded, so that an encoded
 * slash never makes a part. FO_ERR_FORMAT: not of that form, has a query, a
 * fragment, a character that no URI has, a damaged escape, or %00.
 */
FO_API FO_MUST_CHECK fo_err fo_target_parse(const char *htu,
    struct fo_target **ret_target);

FO_API void fo_target_free(struct fo_target **target);

/*
 * Is the htu of a proof the target that is wanted?
 *
 * http, https  compared after RFC 3986 6.2.2 and 6.2.3 on both sides; query
 *              and fragment of both sides do not count; userinfo and what is
 *              not a URI are refused.
 * pam          compared part by part, decoded, byte for byte.
 * other        byte for byte.
 *
 * FO_OK: the same. FO_ERR_WRONG_HTU: not, or htu is no URI of its scheme.
 * FO_ERR_ARG: want is not. FO_ERR_NOMEM.
 */
FO_API FO_MUST_CHECK fo_err fo_target_match(const char *htu,
    const char *want);

/*
 * The normal form of an http or https target, by RFC 3986 6.2.2 and 6.2.3,
 * without query and fragment: what fo_target_match compares. The caller frees
 * *ret_normal with free(). FO_ERR_FORMAT: it is no such URI, or has userinfo.
 * FO_ERR_ARG: htu is NULL. FO_ERR_TOO_LONG, FO_ERR_NOMEM.
 */
FO_API FO_MUST_CHECK fo_err fo_target_normalise(const char *htu,
    char **ret_normal);

#ifdef __cplusplus
}
#endif

#endif
