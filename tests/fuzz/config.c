/*
 * firstops.yaml: what is taken keeps the limits that the decision counts on.
 */
#include "fuzz.h"

#include <string.h>

#include "host/config.h"
#include "host/names.h"

static void
check(const struct fo_config *config)
{
	struct fo_service service;

	NEED(fo_host_ok(config->host));
	for (size_t i = 0; config->aliases[i] != NULL; i++)
		NEED(fo_host_ok(config->aliases[i]));
	NEED(config->max_age_s >= 1 && config->max_age_s <= 300);
	NEED(config->clock_skew_s >= 0 && config->clock_skew_s <= 60);
	NEED(config->replay_folder[0] == '/');
	NEED(config->audit_required != NULL &&
	    config->audit_best_effort != NULL);
	for (size_t i = 0; i < config->services_count; i++) {
		fo_config_service(config, config->services[i].name, &service);
		NEED(service.nonce == FO_NONCE_ALWAYS ||
		    service.nonce == FO_NONCE_AUTO);
		NEED(service.user != NULL && service.user[0] != '\0');
	}
	fo_config_service(config, "cockpit", &service);
	(void)fo_config_reserved(config, "agent-7");
}

void
fuzz_on_config(const uint8_t *data, size_t size)
{
	struct fo_config *config = NULL;
	struct fo_diag diag = { "" };
	fo_err r;

	r = fo_config_parse("/f", (const char *)data, size, &diag, &config);
	if (r == FO_OK) {
		check(config);
	} else {
		NEED(r == FO_ERR_FORMAT || fuzz_faulted());
		NEED(config == NULL);
		NEED(r != FO_ERR_FORMAT || strncmp(diag.text, "/f:", 3) == 0);
	}
	fo_config_free(&config);
}
