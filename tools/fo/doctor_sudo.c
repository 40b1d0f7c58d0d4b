/*
 * The approval plugin of sudo: one that cannot be loaded locks everybody out.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "doctor.h"
#include "file.h"

#define SUDO_CONF "/etc/sudo.conf"
#define CONF_MAX_BYTES 1048576
#define PLUGIN "sudo_firstops"
#define FOLDER "/usr/libexec/sudo"
#define WORDS 8

struct sudo_conf {
	char folder[DOCTOR_PATH_SIZE];	/* Path plugin_dir */
	char plugin[DOCTOR_PATH_SIZE];	/* its file, as written; "": none */
};

/* Split a line at blanks, in place; a comment ends it. */
static size_t
split(char *line, char *words[WORDS])
{
	size_t n = 0;

	while (n < WORDS) {
		line += strspn(line, " \t\r");
		if (*line == '\0' || *line == '#')
			break;
		words[n++] = line;
		line += strcspn(line, " \t\r");
		if (*line != '\0')
			*line++ = '\0';
	}

	return n;
}

static void
read_line(char *line, struct sudo_conf *conf)
{
	char *words[WORDS];
	const size_t n = split(line, words);

	if (n >= 3 && strcmp(words[0], "Path") == 0 &&
	    strcmp(words[1], "plugin_dir") == 0)
		snprintf(conf->folder, sizeof(conf->folder), "%s", words[2]);
	if (n >= 3 && strcmp(words[0], "Plugin") == 0 &&
	    strcmp(words[1], PLUGIN) == 0)
		snprintf(conf->plugin, sizeof(conf->plugin), "%s", words[2]);
}

/* A file that is not there says nothing. */
static void
read_conf(const struct doctor *doctor, struct sudo_conf *conf)
{
	char path[DOCTOR_PATH_SIZE], *text = NULL, *line, *next;
	struct fo_diag diag = { "" };
	size_t len;
	fo_err r;

	snprintf(path, sizeof(path), "%s" SUDO_CONF, doctor->root);
	r = file_read(path, CONF_MAX_BYTES, &diag, &text, &len);
	if (r != FO_OK) {
		(void)finding_short(doctor->findings, r);
		return;
	}
	for (line = text; line != NULL; line = next) {
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		read_line(line, conf);
	}
	free(text);
}

/* sudo runs it as root: nobody else may have written it. */
static bool
check_owner(const struct doctor *doctor, const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0) {
		finding(doctor->findings, LEVEL_FAIL, "install it, or take its"
		    " line out of " SUDO_CONF ": until then nobody can use"
		    " sudo", "sudo: %s: %s", path, strerror(errno));
		return false;
	}
	if (S_ISREG(st.st_mode) && st.st_uid == 0 &&
	    (st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return true;
	finding(doctor->findings, LEVEL_FAIL, "chown root and chmod go-w, or"
	    " sudo does not load it and nobody can use sudo", "sudo: %s is not"
	    " a file that only root can write", path);

	return false;
}

/* Load it as sudo does: all its symbols now. */
static void
check_loads(const struct doctor *doctor, const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const bool found = handle != NULL && dlsym(handle, PLUGIN) != NULL;

	if (found)
		finding(doctor->findings, LEVEL_OK, NULL, "sudo: %s loads, and"
		    " commands of principals are weighed", path);
	else
		finding(doctor->findings, LEVEL_FAIL, "install it again, or"
		    " take its line out of " SUDO_CONF ": until then nobody"
		    " can use sudo", "sudo: %s does not load: %s", path,
		    handle == NULL ? dlerror() : "it has no " PLUGIN);
	if (handle != NULL)
		dlclose(handle);
}

void
doctor_sudo(const struct doctor *doctor)
{
	struct sudo_conf conf = { .folder = FOLDER };
	char path[3 * DOCTOR_PATH_SIZE];

	read_conf(doctor, &conf);
	if (conf.plugin[0] == '\0') {
		finding(doctor->findings, LEVEL_OK, NULL, "sudo: " SUDO_CONF
		    " has no line for " PLUGIN ".so, so policies have no say"
		    " in commands");
		return;
	}
	snprintf(path, sizeof(path), "%s%s%s%s", doctor->root,
	    conf.plugin[0] == '/' ? "" : conf.folder,
	    conf.plugin[0] == '/' ? "" : "/", conf.plugin);
	if (!check_owner(doctor, path))
		return;
	/* of another machine's it is not known what it would be loaded by */
	if (doctor->root[0] == '\0')
		check_loads(doctor, path);
	else
		finding(doctor->findings, LEVEL_OK, NULL, "sudo: %s is there",
		    path);
}
