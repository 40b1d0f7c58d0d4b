/*
 * firstops.yaml: what this host is called and how it decides.
 */
#ifndef FO_HOST_CONFIG_H
#define FO_HOST_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <firstops/error.h>
#include <firstops/proof.h>

#define FO_CONFIG_PATH "/etc/firstops/firstops.yaml"

typedef enum fo_ask { FO_ASK_RESERVED, FO_ASK_ALL } fo_ask;

/* One entry of services. */
struct fo_service {
	const char *name;
	fo_nonce_rule nonce;	/* FO_NONCE_ALWAYS or FO_NONCE_AUTO */
	fo_ask ask;
	const char *user;	/* whom its PAM stack runs as */
};

struct fo_config {
	char *host;
	char **aliases;			/* NULL at end */
	int64_t max_age_s;
	int64_t clock_skew_s;
	char **reserved_accounts;	/* patterns, NULL at end */
	struct fo_service *services;
	size_t services_count;
	char *replay_folder;		/* absolute */
	char **audit_required;		/* "syslog", "file:/path"; */
	char **audit_best_effort;	/* NULL at end */
};

/* Parse a text; name is its path, for reasons. FO_ERR_FORMAT, NOMEM. */
FO_MUST_CHECK fo_err fo_config_parse(const char *name, const char *text,
    size_t len, struct fo_diag *diag, struct fo_config **ret_config);
void fo_config_free(struct fo_config **config);

/*
 * What holds for a service: its entry; for one that has none, what is
 * shipped: nonce always and ask reserved for sshd, sudo, su, login, cockpit
 * (and sudo-i, su-l), otherwise auto and all; user root. *ret is borrowed
 * texts, valid as long as config and service.
 */
void fo_config_service(const struct fo_config *config, const char *service,
    struct fo_service *ret);

/* Does a pattern of reserved_accounts match? */
bool fo_config_reserved(const struct fo_config *config, const char *account);

#endif
