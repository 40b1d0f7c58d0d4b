/*
 * The process that asks, as /proc tells (proc(5)).
 */
#include "asker.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/safeopen.h"

#define MAX_STATUS_BYTES 16384
/* One line is 150 to 180 bytes: some 25,000 connections. */
#define MAX_TABLE_BYTES ((size_t)4 << 20)
#define MAX_SOCKETS 64
#define INODE_SIZE 24

/* Columns of /proc/net/tcp. */
#define COLUMN_REMOTE 2
#define COLUMN_STATE 3
#define COLUMN_INODE 9
#define ESTABLISHED "01"

/* The inode numbers of a process' sockets, as text. */
struct sockets {
	char inode[MAX_SOCKETS][INODE_SIZE];
	size_t count;
};

static fo_err
read_file(int proc, const char *name, size_t max, char **ret_text)
{
	size_t len;
	fo_err r;
	int fd;

	if ((fd = openat(proc, name, O_RDONLY | O_CLOEXEC)) < 0)
		return FO_ERR_IO;
	r = fo_read_all(fd, max, ret_text, &len);
	close(fd);
	return r;
}

/* "Uid:", then the real, the effective, ... user id. */
static fo_err
read_euid(int proc, uid_t *ret_euid)
{
	unsigned long uid;
	char *text = NULL, *at, *end;
	fo_err r;

	if ((r = read_file(proc, "status", MAX_STATUS_BYTES, &text)) != FO_OK)
		return r;
	r = FO_ERR_IO;
	if ((at = strstr(text, "\nUid:\t")) == NULL)
		goto out;
	at += strlen("\nUid:\t");
	at += strspn(at, "0123456789");
	if (*at++ != '\t')
		goto out;
	uid = strtoul(at, &end, 10);
	if (end == at || *end != '\t' || uid >= UINT_MAX)
		goto out;

	*ret_euid = (uid_t)uid;
	r = FO_OK;
out:
	free(text);
	return r;
}

static fo_err
read_name(int proc, char name[FO_ASKER_NAME_SIZE])
{
	char *text = NULL;
	size_t len;
	fo_err r;

	if ((r = read_file(proc, "comm", FO_ASKER_NAME_SIZE, &text)) != FO_OK)
		return r;
	len = strlen(text);
	if (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	r = FO_ERR_IO;
	if (len < FO_ASKER_NAME_SIZE) {
		memcpy(name, text, len + 1);
		r = FO_OK;
	}
	free(text);
	return r;
}

/* Its descriptors that are sockets. None, if we may not look. */
static fo_err
read_sockets(int proc, struct sockets *ret_sockets)
{
	static const char prefix[] = "socket:[";
	char link[64];
	struct dirent *entry;
	DIR *dir;
	ssize_t n;
	size_t len;
	int fd;

	ret_sockets->count = 0;
	fd = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return FO_ERR_IO;
	if ((dir = fdopendir(fd)) == NULL) {
		close(fd);
		return FO_ERR_IO;
	}
	while ((entry = readdir(dir)) != NULL) {
		n = readlinkat(fd, entry->d_name, link, sizeof(link) - 1);
		if (n <= (ssize_t)strlen(prefix) || link[n - 1] != ']' ||
		    memcmp(link, prefix, strlen(prefix)) != 0)
			continue;
		len = (size_t)n - strlen(prefix) - 1;
		if (len >= INODE_SIZE || ret_sockets->count == MAX_SOCKETS)
			continue;
		memcpy(ret_sockets->inode[ret_sockets->count],
		    link + strlen(prefix), len);
		ret_sockets->inode[ret_sockets->count++][len] = '\0';
	}
	closedir(dir);
	return FO_OK;
}

/* Column number n of a line; it ends at a space or a newline. */
static const char *
column(const char *line, unsigned int n, size_t *ret_len)
{
	line += strspn(line, " ");
	while (n-- > 0) {
		line += strcspn(line, " \n");
		line += strspn(line, " ");
	}
	*ret_len = strcspn(line, " \n");
	return line;
}

/* Is this line an established connection of one of the sockets? */
static bool
is_theirs(const char *line, const struct sockets *sockets)
{
	const char *state, *inode;
	size_t state_len, inode_len;

	state = column(line, COLUMN_STATE, &state_len);
	inode = column(line, COLUMN_INODE, &inode_len);
	if (state_len != strlen(ESTABLISHED) ||
	    memcmp(state, ESTABLISHED, state_len) != 0)
		return false;
	for (size_t i = 0; i < sockets->count; i++)
		if (strlen(sockets->inode[i]) == inode_len &&
		    memcmp(sockets->inode[i], inode, inode_len) == 0)
			return true;

	return false;
}

/* Count their connections in one table; *port is the last one's. */
static fo_err
count_connections(int proc, const char *table, const struct sockets *sockets,
    unsigned int *count, unsigned int *port)
{
	const char *line, *next, *remote, *colon;
	char *text = NULL;
	size_t len;
	fo_err r;

	if ((r = read_file(proc, table, MAX_TABLE_BYTES, &text)) != FO_OK)
		return r;
	for (line = text; *line != '\0'; line = next) {
		next = strchrnul(line, '\n');
		next += *next == '\n';
		if (!is_theirs(line, sockets))
			continue;
		(*count)++;
		remote = column(line, COLUMN_REMOTE, &len);
		colon = memchr(remote, ':', len);
		*port = colon == NULL ? 0 :
		    (unsigned int)strtoul(colon + 1, NULL, 16);
	}
	free(text);
	return FO_OK;
}

/* 0 unless everything is known and there is exactly one connection. */
static unsigned int
read_port(int proc)
{
	struct sockets sockets;
	unsigned int count = 0, port = 0;

	if (read_sockets(proc, &sockets) != FO_OK ||
	    sockets.count == MAX_SOCKETS)
		return 0;
	if (count_connections(proc, "net/tcp", &sockets, &count, &port) !=
	    FO_OK)
		return 0;
	/* a kernel without IPv6 has no such table, and no such connection */
	if (faccessat(proc, "net/tcp6", F_OK, 0) == 0 &&
	    count_connections(proc, "net/tcp6", &sockets, &count, &port) !=
	    FO_OK)
		return 0;

	return count == 1 ? port : 0;
}

fo_err
fo_asker_read(pid_t pid, struct fo_asker *ret_asker)
{
	char path[32];
	struct fo_asker asker = { .euid = (uid_t)-1 };
	fo_err r = FO_ERR_IO;
	int proc;

	(void)snprintf(path, sizeof(path), "/proc/%ld", (long)pid);
	if ((proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		return FO_ERR_IO;
	if ((r = read_euid(proc, &asker.euid)) != FO_OK)
		goto out;
	if ((r = read_name(proc, asker.name)) != FO_OK)
		goto out;
	asker.port = read_port(proc);

	*ret_asker = asker;
	r = FO_OK;
out:
	close(proc);
	return r;
}
