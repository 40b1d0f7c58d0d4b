/*
 * A private key's file: where it is, and how it is read.
 */
#include <firstops/key.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/safeopen.h"
#include "base/wipe.h"
#include "key_device.h"
#include "signer.h"

/* A key and a few certificates beside it; nothing that we read is longer. */
#define FILE_MAX 65536
#define PATH_TEXT_MAX 4096

/* ---- file: URIs (RFC 8089) ------------------------------------------- */

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;

	return -1;
}

/* Decode %XX in place of copying it; %00 and damaged ones are refused. */
static fo_err
decode_path(const char *s, struct fo_buf *path)
{
	char c;

	for (; *s != '\0'; s++) {
		c = *s;
		if (c == '%') {
			/* hex_value of a NUL is -1, so nothing is overrun */
			const int high = hex_value(s[1]);
			const int low = high < 0 ? -1 : hex_value(s[2]);

			if (low < 0 || (high == 0 && low == 0))
				return FO_ERR_FORMAT;
			c = (char)(high * 16 + low);
			s += 2;
		}
		fo_buf_add(path, &c, 1);
	}

	return FO_OK;
}

static fo_err
path_of(const char *uri, struct fo_diag *diag, char **ret_path)
{
	static const char *const prefixes[] = { "file://localhost/",
		"file:///", "file:" };
	struct fo_buf path;
	fo_err r = FO_OK;
	const char *rest = NULL;

	fo_buf_init(&path, PATH_TEXT_MAX);
	for (size_t i = 0; rest == NULL && i < 3; i++) {
		const size_t n = strlen(prefixes[i]);

		/* the path begins with the slash that ends the prefix */
		if (strncmp(uri, prefixes[i], n) == 0)
			rest = uri + n - (prefixes[i][n - 1] == '/' ? 1 : 0);
	}
	if (rest == NULL)
		fo_buf_adds(&path, uri);
	else if (strncmp(rest, "//", 2) == 0)
		r = FO_ERR_FORMAT; /* another host's file */
	else
		r = decode_path(rest, &path);
	if (r == FO_OK)
		r = fo_buf_take(&path, ret_path);
	fo_buf_clear(&path);
	if (r != FO_OK && r != FO_ERR_NOMEM) {
		fo_diag_set(diag, "%s: not a path, and no file: URI of this "
		    "machine", uri);
		r = FO_ERR_FORMAT;
	}

	return r;
}

/* ---- reading --------------------------------------------------------- */

/* Why open(2) failed, and what to do about it. */
static fo_err
open_failed(const char *path, int e, struct fo_diag *diag)
{
	if (e == ENOENT || e == ENOTDIR) {
		fo_diag_set(diag, "%s: no such file; fo key generate makes a "
		    "key", path);
		return FO_ERR_NOT_FOUND;
	}
	if (e == EACCES || e == EPERM)
		fo_diag_set(diag, "%s: %s for uid %lu; check the mode of it "
		    "and of its folders", path, strerrordesc_np(e),
		    (unsigned long)geteuid());
	else
		fo_diag_set(diag, "%s: %s", path, strerrordesc_np(e));

	return FO_ERR_IO;
}

/*
 * Not to be read by others, as ssh wants it, but only of the caller's own
 * file: a service may well be given root's key through a group.
 */
static fo_err
check_file(int fd, const char *path, struct fo_diag *diag)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		fo_diag_set(diag, "%s: %s", path, strerrordesc_np(errno));
		return FO_ERR_IO;
	}
	if (!S_ISREG(st.st_mode)) {
		fo_diag_set(diag, "%s: not a regular file; name the key's own "
		    "file", path);
		return FO_ERR_FORMAT;
	}
	if (st.st_uid == geteuid() && (st.st_mode & 077) != 0) {
		fo_diag_set(diag, "%s: others may use this private key (mode "
		    "%04o): chmod 600 %s", path,
		    (unsigned int)(st.st_mode & 07777), path);
		return FO_ERR_FORMAT;
	}

	return FO_OK;
}

static fo_err
read_file(const char *path, struct fo_diag *diag, char **ret_data,
    size_t *ret_len)
{
	/* non-blocking: a FIFO must not hold us */
	const int fd = open(path,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	fo_err r;

	if (fd < 0)
		return open_failed(path, errno, diag);
	if ((r = check_file(fd, path, diag)) != FO_OK)
		goto out;
	r = fo_read_all(fd, FILE_MAX, ret_data, ret_len);
	if (r == FO_ERR_TOO_LONG) {
		fo_diag_set(diag, "%s: longer than %d bytes, so no key file",
		    path, FILE_MAX);
		r = FO_ERR_FORMAT;
	} else if (r == FO_ERR_IO) {
		fo_diag_set(diag, "%s: it cannot be read", path);
	}
out:
	(void)close(fd);
	return r;
}

/* How much of a device's URI may be shown: a PIN may stand in the rest. */
static size_t
public_len(const char *uri)
{
	const size_t len = strcspn(uri, "?;");
	const char *pin = strstr(uri, "pin-");

	return pin != NULL && pin < uri + len ? strcspn(uri, ":") : len;
}

fo_err
fo_key_load(const char *uri, fo_passphrase_cb ask, void *arg,
    struct fo_diag *diag, struct fo_key **ret_key)
{
	char *path = NULL, *data = NULL;
	size_t len = 0;
	fo_err r;

	if (uri == NULL || ret_key == NULL)
		return FO_ERR_ARG;
	if (strncmp(uri, FO_SIGNER_SCHEME, strlen(FO_SIGNER_SCHEME)) == 0)
		return fo_signer_load(uri, diag, ret_key);
	if (fo_device_uri(uri)) {
		r = fo_device_load(uri, ask, arg, diag, ret_key);
		if (r != FO_OK)
			fo_diag_prefix(diag, "%.*s", (int)public_len(uri),
			    uri);
		return r;
	}
	if ((r = path_of(uri, diag, &path)) != FO_OK ||
	    (r = read_file(path, diag, &data, &len)) != FO_OK)
		goto out;
	if ((r = fo_key_from_pem(data, len, ask, arg, diag, ret_key)) != FO_OK)
		fo_diag_prefix(diag, "%s", path);
out:
	fo_wipe(data, len);
	free(data);
	free(path);
	return r;
}

/* ---- finding --------------------------------------------------------- */

/* secure_getenv: a set-uid program does not take its caller's word. */
static const char *
from_environment(const char *name)
{
	const char *value = secure_getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

static fo_err
default_path(char **ret_path)
{
	const char *config = from_environment("XDG_CONFIG_HOME");
	const char *home = from_environment("HOME");
	struct fo_buf path;

	fo_buf_init(&path, PATH_TEXT_MAX);
	/* the XDG specification ignores a path that is not absolute */
	if (config != NULL && config[0] == '/')
		fo_buf_addf(&path, "%s/firstops/key.pem", config);
	else if (home != NULL)
		fo_buf_addf(&path, "%s/.config/firstops/key.pem", home);
	else
		return FO_ERR_NOT_FOUND;

	return fo_buf_take(&path, ret_path);
}

fo_err
fo_key_find(const char *path, struct fo_diag *diag, char **ret_uri)
{
	char *uri = NULL;
	fo_err r = FO_ERR_NOMEM;

	if (ret_uri == NULL)
		return FO_ERR_ARG;
	if (path == NULL)
		path = from_environment("FO_PRIVATE_KEY_PATH");
	if (path != NULL) {
		if ((uri = strdup(path)) == NULL)
			return FO_ERR_NOMEM;
		*ret_uri = uri;
		return FO_OK;
	}

	/* one that has no key, or cannot be asked, is passed over */
	if (fo_signer_find(&uri) == FO_OK) {
		*ret_uri = uri;
		return FO_OK;
	}
	r = default_path(&uri);
	if (r == FO_OK && access(uri, F_OK) != 0 && errno != EACCES)
		r = FO_ERR_NOT_FOUND;
	if (r == FO_ERR_NOT_FOUND)
		fo_diag_set(diag, "no private key: give its path, or set "
		    "FO_PRIVATE_KEY_PATH, or put it at %s",
		    uri != NULL ? uri : "~/.config/firstops/key.pem");
	if (r != FO_OK)
		goto out;

	*ret_uri = uri;
	uri = NULL; /* now owned by the caller */
out:
	free(uri);
	return r;
}
