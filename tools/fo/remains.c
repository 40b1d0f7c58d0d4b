/*
 * What may still act for a principal whose sessions have been ended.
 */
#include "remains.h"

#include <sys/stat.h>

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/names.h"

#include "json.h"
#include "out.h"
#include "procs.h"

#define CRONTABS "/var/spool/cron/crontabs"
#define JOBS "/var/spool/cron/atjobs"
#define LINGER "/var/lib/systemd/linger"

/* Where findings go: to people, or to a list for machines. */
struct remains {
	struct json *list;	/* NULL: printed */
};

static void
remain(const struct remains *to, const char *what, const char *remedy_fmt,
    ...) FO_PRINTF(3, 4);

static void
remain(const struct remains *to, const char *what, const char *remedy_fmt,
    ...)
{
	struct json *json;
	char remedy[512];
	va_list ap;

	va_start(ap, remedy_fmt);
	(void)vsnprintf(remedy, sizeof(remedy), remedy_fmt, ap);
	va_end(ap);
	if (to->list == NULL) {
		printf("not ended: %s; %s\n", what, remedy);
		return;
	}
	json = json_object_new();
	json_text(json, "what", what);
	json_text(json, "remedy", remedy);
	json_append(to->list, &json);
}

/* Services that open no session, where the principal may be an account. */
static void
list_service(const struct remains *to, const char *service,
    const char *account)
{
	char what[256];

	snprintf(what, sizeof(what), "connections to %s as %s", service,
	    account);
	if (strcmp(service, "postgresql") == 0)
		remain(to, what, "end them: psql -c \"select"
		    " pg_terminate_backend(pid) from pg_stat_activity where"
		    " usename = '%s'\"", account);
	else
		remain(to, what, "%s opens no session that fo could end; end"
		    " them there", service);
}

/* Does the account have a file of its own in a folder? */
static bool
has_file(const char *folder, const char *account)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, account);

	return access(path, F_OK) == 0;
}

/* Does the folder have a file that this user owns? */
static bool
owns_file(const char *folder, uid_t uid)
{
	struct dirent *entry;
	struct stat st;
	bool found = false;
	DIR *dir = opendir(folder);

	while (dir != NULL && !found && (entry = readdir(dir)) != NULL)
		found = entry->d_name[0] != '.' && fstatat(dirfd(dir),
		    entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_uid == uid;
	if (dir != NULL)
		closedir(dir);

	return found;
}

/* Processes of the account: of a session that is over, or of others' work. */
static void
list_processes(const struct remains *to, const char *account, uid_t uid)
{
	char what[256], pids[128] = "";
	struct procs procs = { NULL, 0 };
	size_t i, count = 0, used = 0;

	if (procs_read(&procs) != FO_OK) {
		remain(to, "processes that cannot be counted",
		    "look yourself: ps -u %s", account);
		return;
	}
	for (i = 0; i < procs.count; i++) {
		if (procs.list[i].uid != uid || procs.list[i].state == 'Z')
			continue;
		if (count++ < 8)
			used += (size_t)snprintf(pids + used,
			    sizeof(pids) - used, " %ld",
			    (long)procs.list[i].pid);
	}
	procs_clear(&procs);
	if (count == 0)
		return;
	snprintf(what, sizeof(what), "%zu process%s of %s:%s%s", count,
	    count == 1 ? "" : "es", account, pids, count > 8 ? " ..." : "");
	remain(to, what, "others may use the account too: look at them with"
	    " ps -u %s, and kill what is the principal's", account);
}

static void
list_account(const struct remains *to, const char *account)
{
	const struct passwd *pw = getpwnam(account);
	char what[256];

	if (pw == NULL)
		return; /* nobody on this host: a database role */
	if (has_file(CRONTABS, account)) {
		snprintf(what, sizeof(what), "the crontab of %s", account);
		remain(to, what, "look at it, or remove it: crontab -u %s -r",
		    account);
	}
	if (owns_file(JOBS, pw->pw_uid)) {
		snprintf(what, sizeof(what), "queued jobs of %s", account);
		remain(to, what, "list them with atq, and remove them: atrm"
		    " NUMBER");
	}
	if (has_file(LINGER, account)) {
		snprintf(what, sizeof(what), "lingering units of %s", account);
		remain(to, what, "end them: loginctl disable-linger %s;"
		    " loginctl terminate-user %s", account, account);
	}
	/* what root runs is the host itself */
	if (pw->pw_uid != 0)
		list_processes(to, account, pw->pw_uid);
}

/* Does a service open sessions? Records of them are root's to write. */
static bool
opens_sessions(const struct fo_config *config, const char *name)
{
	struct fo_service service;

	fo_config_service(config, name, &service);

	return strcmp(service.user, "root") == 0;
}

/* "deploy" or "postgresql:etl" without its service. */
static const char *
account_of(const char *text)
{
	const char *colon = strchr(text, ':');

	return colon != NULL ? colon + 1 : text;
}

/* Connections of one entry of accounts: at its service, or at all. */
static void
list_services(const struct remains *to, const struct fo_config *config,
    const char *text)
{
	const char *account = account_of(text);
	char name[FO_SERVICE_MAX + 1];
	size_t i;

	if (account != text) {
		snprintf(name, sizeof(name), "%.*s",
		    (int)(account - 1 - text), text);
		if (!opens_sessions(config, name))
			list_service(to, name, account);
		return;
	}
	for (i = 0; i < config->services_count; i++)
		if (!opens_sessions(config, config->services[i].name))
			list_service(to, config->services[i].name, account);
}

void
remains_list(const struct admin *admin, const struct fo_principal *principal,
    struct json *json)
{
	struct remains to = { json != NULL ? json_list_new() : NULL };
	char *const *accounts = principal->accounts;
	size_t i, k;

	for (i = 0; accounts[i] != NULL; i++) {
		list_services(&to, admin->config, accounts[i]);
		for (k = 0; strcmp(account_of(accounts[k]),
		    account_of(accounts[i])) != 0; k++)
			;
		if (k == i) /* not listed yet */
			list_account(&to, account_of(accounts[i]));
	}
	if (json != NULL)
		json_put(json, "left", &to.list);
}
