/*
 * An action that a policy is asked about, out of texts.
 */
#include "action.h"

#include <stdlib.h>
#include <string.h>

#include <firstops/target.h>

#include "base/diag.h"
#include "host/command.h"
#include "host/path.h"
#include "host/rfc3339.h"

static const char *const channels[] = { "login", "command", "file", "tool",
	"http", NULL };

/* Whatever is wrong with a text is the asker's to mend, but want of memory. */
static fo_err
wrong(fo_err r)
{
	return r == FO_OK || r == FO_ERR_NOMEM ? r : FO_ERR_ARG;
}

static fo_err
read_channel(const char *word, struct fo_diag *diag, fo_channel *ret)
{
	const char *near;
	size_t i;

	for (i = 0; channels[i] != NULL; i++)
		if (word == NULL || strcmp(channels[i], word) == 0) {
			*ret = (fo_channel)i;
			return FO_OK;
		}
	near = fo_name_nearest(word, channels);
	fo_diag_set(diag, "channel \"%.32s\": must be login, command, file,"
	    " tool or http%s%s%s", word, near != NULL ? "; did you mean " : "",
	    near != NULL ? near : "", near != NULL ? "?" : "");

	return FO_ERR_ARG;
}

/* A text belongs to one channel, which needs it. */
static fo_err
check_texts(const struct action_text *text, fo_channel channel,
    struct fo_diag *diag)
{
	const struct {
		const char *name;
		bool there;
		fo_channel channel;
	} all[] = {
		{ "service", text->service != NULL, FO_CHANNEL_LOGIN },
		{ "account", text->account != NULL, FO_CHANNEL_LOGIN },
		{ "shell or words", text->shell != NULL ||
		    text->argv != NULL, FO_CHANNEL_COMMAND },
		{ "path", text->path != NULL, FO_CHANNEL_FILE },
		{ "tool", text->tool != NULL, FO_CHANNEL_TOOL },
		{ "method", text->method != NULL, FO_CHANNEL_HTTP },
		{ "url", text->url != NULL, FO_CHANNEL_HTTP },
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].there == (all[i].channel == channel))
			continue;
		/* a command is run as somebody */
		if (all[i].there && channel == FO_CHANNEL_COMMAND &&
		    strcmp(all[i].name, "account") == 0)
			continue;
		fo_diag_set(diag, all[i].there ?
		    "%s does not belong to channel %s" :
		    "%s is missing for channel %s", all[i].name,
		    fo_channel_word(channel));
		return FO_ERR_ARG;
	}
	if (text->shell != NULL && text->argv != NULL) {
		fo_diag_set(diag, "a command is either a shell text or"
		    " words, not both");
		return FO_ERR_ARG;
	}

	return FO_OK;
}

static fo_err
read_command(const struct action_text *text, struct fo_diag *diag,
    struct action *action)
{
	fo_err r;

	r = text->shell != NULL ?
	    fo_command_from_shell(text->shell, text->cwd, &action->command) :
	    fo_command_from_argv(text->argv, text->cwd, &action->command);
	if (r != FO_OK)
		fo_diag_set(diag, "the command cannot be read: %s",
		    fo_err_text(r));
	action->of.command = action->command;

	return wrong(r);
}

static fo_err
read_path(const struct action_text *text, struct fo_diag *diag,
    struct action *action)
{
	fo_err r;

	r = fo_path_normal(text->cwd, text->path, &action->path);
	if (r == FO_OK)
		r = fo_path_resolved(text->cwd, text->path,
		    &action->resolved);
	/* then nobody knows, and the policy weighs that */
	if (r == FO_ERR_NOT_FOUND)
		r = FO_OK;
	if (r != FO_OK)
		fo_diag_set(diag, "path \"%.128s\": %s", text->path,
		    r == FO_ERR_ARG ? "is relative; say to what, with cwd" :
		    fo_err_text(r));
	action->of.path = action->path;
	action->of.resolved = action->resolved;

	return wrong(r);
}

static fo_err
read_url(const struct action_text *text, struct fo_diag *diag,
    struct action *action)
{
	fo_err r = fo_target_normalise(text->url, &action->url);

	if (r != FO_OK)
		fo_diag_set(diag, "url \"%.128s\": %s", text->url,
		    r == FO_ERR_FORMAT ? "must be an http or https URI of RFC"
		    " 3986 without a user in it" : fo_err_text(r));
	action->of.url = action->url;
	action->of.method = text->method;

	return wrong(r);
}

fo_err
action_read(const struct action_text *text, const char *host, int64_t now,
    struct fo_diag *diag, struct action *ret_action)
{
	struct fo_action *of = &ret_action->of;
	fo_channel channel;
	fo_err r;

	memset(ret_action, 0, sizeof(*ret_action));
	if ((r = read_channel(text->channel, diag, &channel)) != FO_OK ||
	    (r = check_texts(text, channel, diag)) != FO_OK)
		return r;
	of->channel = channel;
	of->service = text->service;
	of->account = text->account;
	of->host = host;
	of->tool = text->tool;
	of->now = now;
	fo_source_parse(text->source, &of->source);
	if (text->source != NULL && of->source.bits == 0) {
		fo_diag_set(diag, "source \"%.64s\": is no address",
		    text->source);
		return FO_ERR_ARG;
	}
	if (text->at != NULL && fo_time_parse(text->at, &of->now) != FO_OK) {
		fo_diag_set(diag, "at \"%.64s\": must be a time as"
		    " 2026-11-23T18:00:00Z", text->at);
		return FO_ERR_ARG;
	}
	switch (channel) {
	case FO_CHANNEL_COMMAND:
		return read_command(text, diag, ret_action);
	case FO_CHANNEL_FILE:
		return read_path(text, diag, ret_action);
	case FO_CHANNEL_HTTP:
		return read_url(text, diag, ret_action);
	case FO_CHANNEL_LOGIN:
	case FO_CHANNEL_TOOL:
		break;
	}

	return FO_OK;
}

void
action_clear(struct action *action)
{
	fo_command_free(&action->command);
	free(action->path);
	free(action->resolved);
	free(action->url);
	memset(action, 0, sizeof(*action));
}

/* ---- asking ---------------------------------------------------------- */

fo_err
action_ask(const struct fo_store *store,
    const struct fo_principal *principal, const struct fo_action *action,
    struct fo_diag *diag, struct answer *ret_answer)
{
	fo_err r;

	memset(ret_answer, 0, sizeof(*ret_answer));
	ret_answer->why = fo_principal_in_force(principal, NULL, action->now);
	if (ret_answer->why == FO_OK && action->channel == FO_CHANNEL_LOGIN &&
	    !fo_principal_has_account(principal, action->service,
	    action->account))
		ret_answer->why = FO_ERR_NOT_AN_ACCOUNT;
	r = fo_store_policies(store, principal, diag, &ret_answer->policies);
	if (r != FO_OK)
		return r;
	fo_policy_weigh(ret_answer->policies.list,
	    ret_answer->policies.count, action, &ret_answer->verdict);
	if (ret_answer->why == FO_OK &&
	    ret_answer->verdict.effect != FO_EFFECT_ALLOW)
		ret_answer->why = FO_ERR_POLICY;

	return FO_OK;
}

void
answer_clear(struct answer *answer)
{
	fo_policies_clear(&answer->policies);
}

const char *
answer_word(const struct answer *answer)
{
	if (answer->why != FO_OK && answer->why != FO_ERR_POLICY)
		return "deny";

	return fo_effect_word(answer->verdict.effect);
}
