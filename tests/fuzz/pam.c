/*
 * A libpam for the module alone.
 */
#include "pam.h"

#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

/* Where nothing is promised: no caller may look at what is there. */
#define NOTHING ((void *)1)

int
pam_get_item(const pam_handle_t *pamh, int type, const void **ret_item)
{
	if (pamh->no_item != 0 && type == pamh->no_item) {
		*ret_item = NOTHING;
		return PAM_BAD_ITEM;
	}
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
	if (type == pamh->kept_item)
		return PAM_BUF_ERR;
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

static bool
is(const char *failing, const char *name)
{
	return failing != NULL && strcmp(failing, name) == 0;
}

/* The data of this name, or a place for it. */
static const struct fake_data *
find_data(const pam_handle_t *pamh, const char *name)
{
	for (size_t i = 0; i < FAKE_DATA; i++) {
		const struct fake_data *at = &pamh->data[i];

		if (at->name == NULL || strcmp(at->name, name) == 0)
			return at;
	}
	NEED(!"more data than the module keeps");
	return NULL;
}

int
pam_set_data(pam_handle_t *pamh, const char *name, void *data,
    void (*cleanup)(pam_handle_t *, void *, int))
{
	struct fake_data *at = &pamh->data[find_data(pamh, name) -
	    pamh->data];

	if (is(pamh->no_data, name) || (data == NULL &&
	    is(pamh->kept_data, name)))
		return PAM_BUF_ERR;
	if (at->name == NULL && (at->name = strdup(name)) == NULL)
		return PAM_BUF_ERR;
	if (at->cleanup != NULL)
		at->cleanup(pamh, at->data, PAM_DATA_REPLACE);
	at->data = data;
	at->cleanup = cleanup;
	return PAM_SUCCESS;
}

int
pam_get_data(const pam_handle_t *pamh, const char *name,
    const void **ret_data)
{
	const struct fake_data *at = find_data(pamh, name);

	if (at->name == NULL) {
		*ret_data = NOTHING;
		return PAM_NO_MODULE_DATA;
	}
	*ret_data = at->data;
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

	if (pamh->no_variable != NULL &&
	    strlen(pamh->no_variable) == len &&
	    strncmp(text, pamh->no_variable, len) == 0)
		return PAM_BUF_ERR;
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
	for (size_t i = 0; i < FAKE_DATA; i++) {
		struct fake_data *at = &pamh->data[i];

		if (at->cleanup != NULL)
			at->cleanup(pamh, at->data, PAM_SUCCESS);
		at->data = NULL;
		at->cleanup = NULL;
	}
}

void
fake_pam_clear(struct pam_handle *pamh)
{
	fake_pam_forget(pamh);
	for (size_t i = 0; i < FAKE_ITEMS; i++)
		free(pamh->items[i]);
	for (size_t i = 0; i < FAKE_VARIABLES; i++)
		free(pamh->variables[i]);
	for (size_t i = 0; i < FAKE_DATA; i++)
		free(pamh->data[i].name);
	*pamh = (struct pam_handle){ .typed_user = NULL };
}
