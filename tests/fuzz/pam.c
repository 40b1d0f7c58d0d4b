/*
 * A libpam for the module alone.
 */
#include "pam.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

int
pam_get_item(const pam_handle_t *pamh, int type, const void **ret_item)
{
	if (type == PAM_CONV) {
		*ret_item = &pamh->conv;
		return PAM_SUCCESS;
	}
	NEED(type > 0 && type < FAKE_ITEMS);
	*ret_item = pamh->items[type];
	return PAM_SUCCESS;
}

int
pam_set_item(pam_handle_t *pamh, int type, const void *item)
{
	char *copy = NULL;

	NEED(type > 0 && type < FAKE_ITEMS && type != PAM_CONV);
	if (item != NULL && (copy = strdup(item)) == NULL)
		return PAM_BUF_ERR;
	free(pamh->items[type]);
	pamh->items[type] = copy;
	return PAM_SUCCESS;
}

int
pam_get_user(pam_handle_t *pamh, const char **ret_user, const char *prompt)
{
	NEED(prompt == NULL);
	if (pamh->items[PAM_USER] == NULL) {
		if (pamh->typed_user == NULL)
			return PAM_CONV_ERR;
		if (pam_set_item(pamh, PAM_USER, pamh->typed_user) !=
		    PAM_SUCCESS)
			return PAM_BUF_ERR;
	}
	*ret_user = pamh->items[PAM_USER];
	return PAM_SUCCESS;
}

/* The module keeps one thing, under one name. */
int
pam_set_data(pam_handle_t *pamh, const char *name, void *data,
    void (*cleanup)(pam_handle_t *, void *, int))
{
	char *copy = NULL;

	if (pamh->data_name == NULL) {
		if ((copy = strdup(name)) == NULL)
			return PAM_BUF_ERR;
		pamh->data_name = copy;
	}
	NEED(strcmp(pamh->data_name, name) == 0);
	if (pamh->cleanup != NULL)
		pamh->cleanup(pamh, pamh->data, PAM_DATA_REPLACE);
	pamh->data = data;
	pamh->cleanup = cleanup;
	return PAM_SUCCESS;
}

int
pam_get_data(const pam_handle_t *pamh, const char *name,
    const void **ret_data)
{
	if (pamh->data_name == NULL || strcmp(pamh->data_name, name) != 0)
		return PAM_NO_MODULE_DATA;
	*ret_data = pamh->data;
	return PAM_SUCCESS;
}

/* The place of a variable, or an empty one for it. */
static char **
find_variable(pam_handle_t *pamh, const char *name, size_t len)
{
	char **empty = NULL;

	for (size_t i = 0; i < FAKE_VARIABLES; i++) {
		char **at = &pamh->variables[i];

		if (*at == NULL && empty == NULL)
			empty = at;
		if (*at != NULL && strncmp(*at, name, len) == 0 &&
		    (*at)[len] == '=')
			return at;
	}
	NEED(empty != NULL);
	return empty;
}

int
pam_putenv(pam_handle_t *pamh, const char *text)
{
	const size_t len = strcspn(text, "=");
	char **at = find_variable(pamh, text, len);
	char *copy = NULL;

	if (text[len] == '\0') {
		if (*at == NULL)
			return PAM_BAD_ITEM;
	} else if ((copy = strdup(text)) == NULL) {
		return PAM_BUF_ERR;
	}
	free(*at);
	*at = copy;
	return PAM_SUCCESS;
}

const char *
pam_getenv(pam_handle_t *pamh, const char *name)
{
	const char *text = *find_variable(pamh, name, strlen(name));

	return text != NULL ? strchr(text, '=') + 1 : NULL;
}

void
fake_pam_forget(struct pam_handle *pamh)
{
	if (pamh->cleanup != NULL)
		pamh->cleanup(pamh, pamh->data, PAM_SUCCESS);
	pamh->data = NULL;
	pamh->cleanup = NULL;
}

void
fake_pam_clear(struct pam_handle *pamh)
{
	fake_pam_forget(pamh);
	for (size_t i = 0; i < FAKE_ITEMS; i++)
		free(pamh->items[i]);
	for (size_t i = 0; i < FAKE_VARIABLES; i++)
		free(pamh->variables[i]);
	free(pamh->data_name);
	*pamh = (struct pam_handle){ .typed_user = NULL };
}
