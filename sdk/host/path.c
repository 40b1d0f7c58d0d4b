/*
 * Paths of files as policies see them.
 */
#include "path.h"

#include <sys/stat.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* Folder and path as one absolute text. */
static fo_err
join(const char *folder, const char *path, char **ret_path)
{
	struct fo_buf buf;

	if (path[0] == '\0' || (path[0] != '/' && folder == NULL))
		return FO_ERR_ARG;
	fo_buf_init(&buf, 2 * (size_t)PATH_MAX);
	if (path[0] != '/')
		fo_buf_addf(&buf, "%s/", folder);
	fo_buf_adds(&buf, path);

	return fo_buf_take(&buf, ret_path);
}

/* Take "." and ".." and repeated slashes out of an absolute path, in place. */
static void
normalise(char *path)
{
	const char *from = path;
	char *to = path;
	size_t len;

	while (*from != '\0') {
		from += strspn(from, "/");
		len = strcspn(from, "/");
		if (len == 2 && strncmp(from, "..", 2) == 0) {
			while (to > path && *--to != '/')
				;
		} else if (len > 0 && !(len == 1 && *from == '.')) {
			*to++ = '/';
			memmove(to, from, len);
			to += len;
		}
		from += len;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

fo_err
fo_path_normal(const char *folder, const char *path, char **ret_path)
{
	fo_err r;

	if ((r = join(folder, path, ret_path)) == FO_OK)
		normalise(*ret_path);
	return r;
}

/* Is there a ".." among the parts? */
static bool
has_dot_dot(const char *path)
{
	size_t len;

	for (; *path != '\0'; path += len) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 2 && strncmp(path, "..", 2) == 0)
			return true;
	}
	return false;
}

/* What exists of it, and the rest, which has no say in where it is. */
static fo_err
resolve_new(const char *real, const char *rest, char **ret_path)
{
	struct fo_buf buf;
	fo_err r;

	if (has_dot_dot(rest))
		return FO_ERR_NOT_FOUND;
	fo_buf_init(&buf, 2 * (size_t)PATH_MAX);
	fo_buf_addf(&buf, "%s/%s", real, rest);
	if ((r = fo_buf_take(&buf, ret_path)) == FO_OK)
		normalise(*ret_path);
	return r;
}

/* realpath of the first len bytes; NULL and errno. */
static char *
real_prefix(const char *path, size_t len)
{
	char *prefix, *real;
	struct stat st;
	int e;

	if ((prefix = len == 0 ? strdup("/") : strndup(path, len)) == NULL)
		return NULL;
	real = realpath(prefix, NULL);
	e = errno;
	/* a link that leads nowhere is there, and says nothing */
	if (real == NULL && e == ENOENT && lstat(prefix, &st) == 0)
		e = ELOOP;
	free(prefix);
	errno = e;
	return real;
}

fo_err
fo_path_resolved(const char *folder, const char *path, char **ret_path)
{
	char *whole = NULL, *real;
	size_t len;
	fo_err r;

	if ((r = join(folder, path, &whole)) != FO_OK)
		return r;
	/* part by part back to what exists; "/" does */
	len = strlen(whole);
	for (;;) {
		while (len > 0 && whole[len - 1] == '/')
			len--;
		if ((real = real_prefix(whole, len)) != NULL ||
		    errno != ENOENT)
			break;
		while (len > 0 && whole[len - 1] != '/')
			len--;
	}
	if (real != NULL)
		r = resolve_new(real, whole + len, ret_path);
	else
		r = errno == ENOMEM ? FO_ERR_NOMEM : FO_ERR_NOT_FOUND;
	free(real);
	free(whole);
	return r;
}
