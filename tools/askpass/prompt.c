/*
 * Which prompts fo-askpass answers: the judgement alone, without a look at
 * the world.
 */
#include "prompt.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <firstops/target.h>

#include "base/buf.h"
#include "base/diag.h"

#define SSH_PORT 22
#define MAX_PREFIX_BYTES 4096

/* A challenge under judgement. */
struct matter {
	const char *prompt;
	const struct fo_challenge *challenge;
	const struct fo_target *target;	/* the parts of challenge->htu */
	const struct fo_asking *asking;
	struct fo_diag *diag;
};

/* Services whose programs ask on this machine, and what those are called. */
static const struct { const char *service, *program; } local_services[] = {
	{ "sudo", "sudo" },
	{ "sudo", "sudoedit" },
	{ "sudo-i", "sudo" },
	{ "su", "su" },
	{ "su-l", "su" },
};
#define LOCAL_SERVICES (sizeof(local_services) / sizeof(local_services[0]))

static bool
is_local(const char *service)
{
	for (size_t i = 0; i < LOCAL_SERVICES; i++)
		if (strcmp(local_services[i].service, service) == 0)
			return true;

	return false;
}

/* ---- names -------------------------------------------------------------- */

/*
 * A name that can stand in ssh's prefix without imitating one: printable, no
 * space, no parenthesis.
 */
static bool
is_prefix_name(const char *name, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~' || name[i] == '(' ||
		    name[i] == ')')
			return false;

	return len > 0;
}

/* A name that can be shown in a command for somebody to run. */
static bool
is_command_word(const char *word, size_t len)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return len > 0 && len <= 128 && word[0] != '-' &&
	    strspn(word, plain) >= len;
}

/*
 * The HOST of a prefix that is as a whole "(USER@HOST) ", or NULL. A host
 * has no '@', so the last one is where it begins.
 */
static const char *
prefix_host(const char *prefix, size_t len, size_t *ret_len)
{
	const char *at, *end;

	if (len < strlen("(u@h) ") || prefix[0] != '(' ||
	    memcmp(prefix + len - 2, ") ", 2) != 0)
		return NULL;
	end = prefix + len - 2;
	if ((at = memrchr(prefix, '@', len)) == NULL)
		return NULL;
	if (!is_prefix_name(prefix + 1, (size_t)(at - prefix) - 1) ||
	    !is_prefix_name(at + 1, (size_t)(end - at) - 1))
		return NULL;

	*ret_len = (size_t)(end - at) - 1;
	return at + 1;
}

/* ---- refusals ------------------------------------------------------------ */

static fo_err
refuse_other_prompt(const char *prompt, struct fo_diag *diag)
{
	if (strstr(prompt, "(yes/no") != NULL)
		fo_diag_set(diag, "this is ssh's question about a host key, "
		    "not a FirstOps challenge; put the server's key into "
		    "known_hosts first");
	else
		fo_diag_set(diag, "this prompt is not a FirstOps challenge, "
		    "and nothing else is answered; let SSH_ASKPASS, "
		    "SUDO_ASKPASS and GIT_ASKPASS name fo-askpass only where "
		    "FirstOps asks");
	return FO_ERR_NOT_FOUND;
}

/*
 * ssh's prefix and the challenge name different things. The command that
 * mends an alias is shown only if its words are harmless in a shell, since
 * the server chose one of them.
 */
static fo_err
refuse_destination(const struct matter *m)
{
	const struct fo_target *t = m->target;
	const unsigned int port = m->asking->asker_port;
	const char *dest;
	size_t len = 0;

	dest = prefix_host(m->prompt, m->challenge->prefix_len, &len);
	if (dest == NULL || !is_command_word(dest, len) ||
	    !is_command_word(t->host, strlen(t->host)) ||
	    !is_command_word(t->user, strlen(t->user))) {
		fo_diag_set(m->diag, "the challenge is for %.150s, which is "
		    "not where ssh connects to; if the server is the right "
		    "one, tell \"fo target add\" its name and connect with "
		    "\"fo ssh\"", m->challenge->htu);
	} else if (port == SSH_PORT || port == 0) {
		fo_diag_set(m->diag, "the challenge is for %s at %s, which "
		    "is not known to be where ssh connects to; only if you "
		    "know that %.*s is %s: fo target add %.*s --host %s && "
		    "fo ssh %s@%.*s", t->user, t->host, (int)len, dest,
		    t->host, (int)len, dest, t->host, t->user, (int)len,
		    dest);
	} else {
		fo_diag_set(m->diag, "the challenge is for %s at %s, and ssh "
		    "connects to port %u of %.*s, where anybody may listen; "
		    "only if you know that this is %s: "
		    "fo target add %.*s:%u --host %s && "
		    "fo ssh %s@%.*s -p %u", t->user, t->host, port, (int)len,
		    dest, t->host, (int)len, dest, port, t->host, t->user,
		    (int)len, dest, port);
	}
	return FO_ERR_WRONG_HTU;
}

/* ---- judgements ---------------------------------------------------------- */

/*
 * Is the process that asks the program of this service, run by root? Then
 * the prompt comes from this machine's own PAM stack. Whoever could put a
 * text there as root can read the key as well.
 */
static bool
is_asked_by_program(const struct matter *m)
{
	const struct fo_asking *asking = m->asking;

	if (asking->asker_euid != 0)
		return false;
	for (size_t i = 0; i < LOCAL_SERVICES; i++)
		if (strcmp(local_services[i].service,
		    m->target->service) == 0 &&
		    strcmp(local_services[i].program,
		    asking->asker_name) == 0)
			return true;

	return false;
}

/*
 * A challenge of sudo or su is taken from that very program alone: over ssh
 * it would be a relayed one.
 */
static fo_err
judge_local_asker(const struct matter *m)
{
	if (m->challenge->prefix_len == 0 && is_asked_by_program(m))
		return FO_OK;

	fo_diag_set(m->diag, "the challenge is for %s, but it is not %s of "
	    "this machine that asks; it may have been relayed, so it is not "
	    "answered", m->target->service, m->target->service);
	return FO_ERR_WRONG_HTU;
}

/*
 * Is HOST what this machine calls itself, in full or up to the first dot?
 *
 * The configured name is the module's to know, and its file the
 * administrator's to narrow; the kernel's name can be read by everybody and
 * set by root alone. Where the two differ, FO_TARGET says so beforehand.
 */
static bool
is_this_host(const struct matter *m)
{
	const char *host = m->target->host;
	const char *name = m->asking->hostname;
	const size_t label = strcspn(name, ".");

	if (name[0] == '\0')
		return false;
	if (strcmp(host, name) == 0)
		return true;

	return label > 0 && strlen(host) == label &&
	    memcmp(host, name, label) == 0;
}

/* No prefix and no target fixed: only sudo and su of this host. */
static fo_err
judge_local(const struct matter *m)
{
	fo_err r;

	if (!is_local(m->target->service)) {
		fo_diag_set(m->diag, "the challenge is for %.150s, and "
		    "nothing but its own text says so; connect with "
		    "\"fo ssh\", which fixes the target beforehand",
		    m->challenge->htu);
		return FO_ERR_WRONG_HTU;
	}
	if ((r = judge_local_asker(m)) != FO_OK)
		return r;
	if (!is_this_host(m)) {
		fo_diag_set(m->diag, "the challenge is for %.150s, and this "
		    "machine is called \"%.64s\"; if FirstOps knows it by "
		    "that other name, set FO_TARGET to this target for this "
		    "one command", m->challenge->htu, m->asking->hostname);
		return FO_ERR_WRONG_HTU;
	}
	return FO_OK;
}

/*
 * ssh's prefix, by which HOST and USER must be those of the target. ssh
 * shows no port, and on other ports any account of the server's machine may
 * listen, so the connection itself must go to the port of sshd.
 */
static fo_err
judge_ssh(const struct matter *m)
{
	const struct fo_target *t = m->target;
	struct fo_buf want;
	fo_err r;
	bool same;

	if (strcmp(t->service, "sshd") != 0) {
		fo_diag_set(m->diag, "the challenge came over ssh and is for "
		    "%.150s, not for sshd; it may have been relayed, so it "
		    "is not answered", m->challenge->htu);
		return FO_ERR_WRONG_HTU;
	}
	if (!is_prefix_name(t->user, strlen(t->user)) ||
	    !is_prefix_name(t->host, strlen(t->host)) ||
	    strchr(t->host, '@') != NULL)
		return refuse_destination(m);

	fo_buf_init(&want, MAX_PREFIX_BYTES);
	fo_buf_addf(&want, "(%s@%s) ", t->user, t->host);
	if ((r = want.err) == FO_OK) {
		same = want.len == m->challenge->prefix_len &&
		    memcmp(m->prompt, want.data, want.len) == 0;
		if (!same || m->asking->asker_port != SSH_PORT)
			r = refuse_destination(m);
	}
	fo_buf_clear(&want);
	return r;
}

/*
 * A target was fixed before connecting. ssh's prefix then says no more than
 * the alias that was typed, and older clients show none.
 */
static fo_err
judge_expected(const struct matter *m)
{
	const struct fo_asking *asking = m->asking;
	size_t len;

	if (strcmp(m->challenge->htu, asking->target) != 0) {
		fo_diag_set(m->diag, "the challenge is for %.150s, but "
		    "FO_TARGET expects %.150s; if the server is the right "
		    "one, correct its name with \"fo target add\"",
		    m->challenge->htu, asking->target);
		return FO_ERR_WRONG_HTU;
	}
	if (is_local(m->target->service))
		return judge_local_asker(m);

	if (m->challenge->prefix_len > 0 && prefix_host(m->prompt,
	    m->challenge->prefix_len, &len) == NULL) {
		fo_diag_set(m->diag, "other text stands before the "
		    "challenge; it may be imitated, so it is not answered");
		return FO_ERR_FORMAT;
	}
	/* a jump host's ssh inherits FO_TARGET, and is not who it is for */
	if (asking->target_pid != 0 &&
	    asking->target_pid != asking->asker_pid) {
		fo_diag_set(m->diag, "FO_TARGET is for another ssh than the "
		    "one that asks (a jump host?); log in to each host with "
		    "a \"fo ssh\" of its own");
		return FO_ERR_WRONG_HTU;
	}
	return FO_OK;
}

/* FO_TARGET must be able to be met, or whoever set it is misled. */
static fo_err
check_expected(const char *expected, struct fo_diag *diag)
{
	struct fo_target *target = NULL;
	fo_err r;

	if (expected == NULL)
		return FO_OK;
	r = fo_target_parse(expected, &target);
	fo_target_free(&target);
	if (r == FO_OK || r == FO_ERR_NOMEM)
		return r;

	fo_diag_set(diag, "FO_TARGET is \"%.150s\", not of the form "
	    "pam://HOST/SERVICE/USER; unset it, or connect with \"fo ssh\"",
	    expected);
	return FO_ERR_ARG;
}

/* The challenge in the prompt, and its target. */
static fo_err
read_prompt(const char *prompt, struct fo_diag *diag,
    struct fo_challenge **ret_challenge, struct fo_target **ret_target)
{
	fo_err r;

	r = fo_challenge_parse(prompt, ret_challenge);
	if (r == FO_ERR_NOT_FOUND)
		return refuse_other_prompt(prompt, diag);
	if (r == FO_ERR_FORMAT)
		fo_diag_set(diag, "the prompt is not one FirstOps challenge "
		    "as a whole; it may be imitated, so it is not answered");
	if (r != FO_OK)
		return r;

	r = fo_target_parse((*ret_challenge)->htu, ret_target);
	if (r == FO_ERR_FORMAT)
		fo_diag_set(diag, "the challenge is for %.150s, which is not "
		    "of the form pam://HOST/SERVICE/USER; it is not answered",
		    (*ret_challenge)->htu);
	return r;
}

fo_err
fo_prompt_judge(const char *prompt, const struct fo_asking *asking,
    struct fo_diag *diag, struct fo_challenge **ret_challenge)
{
	struct fo_challenge *challenge = NULL;
	struct fo_target *target = NULL;
	struct matter m = { .prompt = prompt, .asking = asking, .diag = diag };
	fo_err r;

	if ((r = check_expected(asking->target, diag)) != FO_OK)
		goto out;
	if ((r = read_prompt(prompt, diag, &challenge, &target)) != FO_OK)
		goto out;
	m.challenge = challenge;
	m.target = target;
	if (asking->target != NULL)
		r = judge_expected(&m);
	else if (challenge->prefix_len > 0)
		r = judge_ssh(&m);
	else
		r = judge_local(&m);
	if (r != FO_OK)
		goto out;

	*ret_challenge = challenge;
	challenge = NULL; /* now owned by the caller */
	r = FO_OK;
out:
	if (r == FO_ERR_NOMEM)
		fo_diag_set(diag, "out of memory");
	fo_target_free(&target);
	fo_challenge_free(&challenge);
	return r;
}
