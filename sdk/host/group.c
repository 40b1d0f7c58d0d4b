/*
 * An access group: a name for a list of policies.
 */
#include "group.h"

#include <stdlib.h>
#include <string.h>

#include "node.h"

static const char *const group_keys[] = { "version", "group", "description",
	"policies", NULL };

static void
read_group(struct fo_reader *rd, const struct fo_node *root,
    const char *group, struct fo_group *ret)
{
	const char *text;

	fo_reader_version(rd, root);
	fo_reader_map(rd, root, group_keys);
	if ((text = fo_reader_text(rd, root, "group", true)) != NULL) {
		if (strcmp(text, group) != 0)
			fo_reader_fail(rd, fo_node_get(root, "group")->line,
			    "group is '%s', but the file is called %s.yaml; "
			    "they must be the same", text, group);
		else
			memcpy(ret->name, text, strlen(text) + 1);
	}
	if ((text = fo_reader_text(rd, root, "description", false)) == NULL)
		text = "";
	if (!fo_prose_ok(text))
		fo_reader_fail(rd, fo_node_get(root, "description")->line,
		    "description has control bytes; write one line of text");
	else if ((ret->description = strdup(text)) == NULL)
		rd->err = FO_ERR_NOMEM;
	(void)fo_reader_list(rd, root, "policies", true);
	ret->policies = fo_reader_texts(rd, root, "policies", fo_name_ok,
	    "the name of a policy, [a-z0-9][a-z0-9._-]{0,47}");
}

fo_err
fo_group_parse(const char *name, const char *group, const char *text,
    size_t len, struct fo_diag *diag, struct fo_group **ret_group)
{
	struct fo_reader rd = { .name = name, .diag = diag, .err = FO_OK };
	struct fo_group *made = NULL;
	struct fo_node *root = NULL;
	fo_err r;

	if (!fo_name_ok(group))
		return FO_ERR_ARG;
	if ((r = fo_node_parse(name, text, len, diag, &root)) != FO_OK)
		return r;
	if ((made = calloc(1, sizeof(*made))) == NULL) {
		r = FO_ERR_NOMEM;
		goto out;
	}
	read_group(&rd, root, group, made);
	if ((r = rd.err) != FO_OK)
		goto out;

	*ret_group = made;
	made = NULL; /* now owned by the caller */
out:
	fo_group_free(&made);
	fo_node_free(&root);
	return r;
}

void
fo_group_free(struct fo_group **group)
{
	if (group == NULL || *group == NULL)
		return;
	free((*group)->description);
	fo_texts_free(&(*group)->policies);
	free(*group);
	*group = NULL;
}
