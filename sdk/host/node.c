/*
 * A YAML file of the store as a tree: the strict subset that stores take.
 *
 * libyaml's events are judged as they come, so that nothing deep or long is
 * ever built; its composer, which resolves aliases and tags, is not used.
 */
#include "node.h"

#include <yaml.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/diag.h"

#include "names.h"
#include "rfc3339.h"

#define TORN_REMEDY "restore it from a copy, or, if nothing is missing, add " \
	"a last line \"...\""

/* ---- the tree -------------------------------------------------------- */

/* Depth is at most FO_NODE_MAX_DEPTH, and so is the recursion. */
void
fo_node_free(struct fo_node **node)
{
	struct fo_node *n;
	size_t i;

	if (node == NULL || (n = *node) == NULL)
		return;
	for (i = 0; i < n->count; i++) {
		fo_node_free(&n->items[i]);
		if (n->keys != NULL)
			free(n->keys[i]);
	}
	free(n->items);
	free(n->keys);
	free(n->key_lines);
	free(n->text);
	free(n);
	*node = NULL;
}

/*
 * An array with room for one item more than count: doubled whenever count is
 * a power of two. NULL without memory, and the array is as it was.
 */
static void *
grown(void *array, size_t count, size_t size)
{
	if ((count & (count - 1)) == 0)
		array = reallocarray(array, count == 0 ? 1 : count * 2, size);

	return array;
}

/* Room for one item more in a list or map. */
static bool
make_room(struct fo_node *in)
{
	struct fo_node **items;
	size_t *key_lines;
	char **keys;

	/* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
	if ((items = grown(in->items, in->count, sizeof(*items))) == NULL)
		return false;
	in->items = items;
	if (in->type != FO_NODE_MAP)
		return true;
	if ((keys = grown(in->keys, in->count, sizeof(*keys))) == NULL)
		return false;
	in->keys = keys;
	if ((key_lines = grown(in->key_lines, in->count,
	    sizeof(*key_lines))) == NULL)
		return false;
	in->key_lines = key_lines;
	return true;
}

/* The index of a key in a map; the count of keys if it has none such. */
static size_t
find_key(const struct fo_node *map, const char *key)
{
	size_t i = 0;

	while (i < map->count && strcmp(map->keys[i], key) != 0)
		i++;

	return i;
}

/* ---- building it ----------------------------------------------------- */

/* A list or map that has begun and not ended. */
struct frame {
	struct fo_node *node;
	char *key;		/* map: its value is still to come */
	size_t key_line;
};

struct builder {
	struct fo_reader *rd;
	struct fo_node *root;
	struct frame stack[FO_NODE_MAX_DEPTH];
	size_t depth;
	bool closed;		/* by "..." */
	bool ended;		/* its last event was taken */
};

static size_t
line_of(yaml_mark_t mark)
{
	return mark.line + 1;
}

/*
 * Take a node into the frame that is open, or as the root. It is the tree's
 * or gone afterwards.
 */
static void
attach(struct builder *b, struct fo_node *node)
{
	struct frame *top;
	struct fo_node *in;

	if (b->depth == 0) {
		b->root = node;
		return;
	}
	top = &b->stack[b->depth - 1];
	in = top->node;
	if (!make_room(in)) {
		b->rd->err = FO_ERR_NOMEM;
		fo_node_free(&node);
		return;
	}
	if (in->type == FO_NODE_MAP) {
		in->keys[in->count] = top->key;
		in->key_lines[in->count] = top->key_line;
		top->key = NULL;
	}
	in->items[in->count++] = node;
}

/* Is the next node the key of a map? */
static bool
wants_key(const struct builder *b)
{
	return b->depth > 0 &&
	    b->stack[b->depth - 1].node->type == FO_NODE_MAP &&
	    b->stack[b->depth - 1].key == NULL;
}

static void
take_key(struct builder *b, const char *text, size_t line)
{
	struct frame *top = &b->stack[b->depth - 1];
	const struct fo_node *map = top->node;
	const size_t same = find_key(map, text);

	if (map->count == FO_NODE_MAX_KEYS)
		fo_reader_fail(b->rd, line, "more than %d keys in one map; "
		    "take some out", FO_NODE_MAX_KEYS);
	else if (same != map->count)
		fo_reader_fail(b->rd, line, "key '%s' is there already, in "
		    "line %zu; keep one of the two", text,
		    map->key_lines[same]);
	else if ((top->key = strdup(text)) == NULL)
		b->rd->err = FO_ERR_NOMEM;
	top->key_line = line;
}

static struct fo_node *
new_node(struct builder *b, fo_node_type type, size_t line)
{
	struct fo_node *node = calloc(1, sizeof(*node));

	if (node == NULL) {
		b->rd->err = FO_ERR_NOMEM;
		return NULL;
	}
	node->type = type;
	node->line = line;
	return node;
}

static void
begin(struct builder *b, fo_node_type type, size_t line)
{
	struct fo_node *node;

	if (wants_key(b))
		fo_reader_fail(b->rd, line, "a key is a list or a map; write "
		    "a plain word");
	else if (b->depth == FO_NODE_MAX_DEPTH)
		fo_reader_fail(b->rd, line, "more than %d levels deep; no "
		    "file of the store needs that, so write it anew",
		    FO_NODE_MAX_DEPTH);
	else if ((node = new_node(b, type, line)) != NULL)
		b->stack[b->depth++] = (struct frame){ .node = node };
}

/* libyaml's events are balanced: what ends has begun. */
static void
end(struct builder *b)
{
	b->depth--;
	attach(b, b->stack[b->depth].node);
}

static void
take_value(struct builder *b, const char *text, bool plain, size_t line)
{
	struct fo_node *node;

	if (plain && (strcmp(text, "~") == 0 || strcmp(text, "null") == 0))
		text = "";
	if ((node = new_node(b, FO_NODE_SCALAR, line)) == NULL)
		return;
	node->plain = plain;
	if ((node->text = strdup(text)) == NULL)
		b->rd->err = FO_ERR_NOMEM;
	attach(b, node);
}

static void
take_scalar(struct builder *b, const yaml_event_t *event)
{
	const size_t line = line_of(event->start_mark);
	const size_t len = event->data.scalar.length;
	const bool plain =
	    event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	const char *text = (const char *)event->data.scalar.value;

	if (memchr(text, '\0', len) != NULL)
		fo_reader_fail(b->rd, line, "a NUL byte in a text; take it "
		    "out");
	/* a lost indent would change what it says */
	else if (plain && event->start_mark.line != event->end_mark.line)
		fo_reader_fail(b->rd, line, "a plain text goes on in the next "
		    "line; put it in one line, or in quotes");
	else if (wants_key(b))
		take_key(b, text, line);
	else
		take_value(b, text, plain, line);
}

/* ---- events ---------------------------------------------------------- */

/*
 * Anchors, aliases and tags let a file say one thing to a reader and another
 * to a reviewer.
 */
static bool
refuse_properties(struct builder *b, const yaml_event_t *event)
{
	const void *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		break;
	default:
		break;
	}
	if (anchor != NULL)
		fo_reader_fail(b->rd, line_of(event->start_mark), "an anchor "
		    "(&name) is not allowed; write the value out in each "
		    "place");
	else if (tag != NULL)
		fo_reader_fail(b->rd, line_of(event->start_mark), "a tag is "
		    "not allowed; take out the word with '!'");
	return b->rd->err != FO_OK;
}

static void
check_document_start(struct builder *b, const yaml_event_t *event)
{
	const size_t line = line_of(event->start_mark);

	if (b->root != NULL)
		fo_reader_fail(b->rd, line, "a second document begins after "
		    "the closing \"...\"; keep one document a file");
	else if (event->data.document_start.version_directive != NULL ||
	    event->data.document_start.tag_directives.start !=
	    event->data.document_start.tag_directives.end)
		fo_reader_fail(b->rd, line, "a directive (%%YAML, %%TAG) is "
		    "not allowed; begin the file with \"---\"");
}

static void
take_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_STREAM_START_EVENT:
		break;
	case YAML_DOCUMENT_START_EVENT:
		check_document_start(b, event);
		break;
	case YAML_DOCUMENT_END_EVENT:
		if (event->data.document_end.implicit)
			fo_reader_fail(b->rd, line_of(event->end_mark),
			    "the closing \"...\" is missing, so this file is "
			    "torn; " TORN_REMEDY);
		b->closed = true;
		break;
	case YAML_SCALAR_EVENT:
		take_scalar(b, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		begin(b, FO_NODE_LIST, line_of(event->start_mark));
		break;
	case YAML_MAPPING_START_EVENT:
		begin(b, FO_NODE_MAP, line_of(event->start_mark));
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		end(b);
		break;
	case YAML_STREAM_END_EVENT:
		if (b->root == NULL)
			fo_reader_fail(b->rd, 1, "the file is empty, so it "
			    "is torn; restore it from a copy");
		b->ended = true;
		break;
	default:
		fo_reader_fail(b->rd, line_of(event->start_mark), "an alias "
		    "(*name) is not allowed; write the value out");
		break;
	}
}

/* How many characters there are in UTF-8 text. */
static size_t
characters(const char *text, size_t len)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;

	return n;
}

/* What libyaml said of a text that is not YAML. */
static void
explain(struct builder *b, const yaml_parser_t *parser, size_t characters_all)
{
	const char *problem = parser->problem; /* NULL without memory only */

	if (parser->error == YAML_MEMORY_ERROR)
		b->rd->err = FO_ERR_NOMEM;
	else if (parser->problem_mark.index >= characters_all)
		fo_reader_fail(b->rd, line_of(parser->problem_mark), "the "
		    "file ends too early (%s), so it is torn; restore it from "
		    "a copy, or mend it and end it with a line \"...\"",
		    problem);
	else if (b->closed)
		fo_reader_fail(b->rd, line_of(parser->problem_mark), "more "
		    "text after the closing \"...\"; take it out, or keep "
		    "one document a file");
	else
		fo_reader_fail(b->rd, line_of(parser->problem_mark), "not "
		    "YAML (%s); mend this line or the one before it", problem);
}

static void
take_events(struct builder *b, yaml_parser_t *parser, size_t characters_all)
{
	yaml_event_t event;

	while (!b->ended && b->rd->err == FO_OK) {
		if (!yaml_parser_parse(parser, &event)) {
			explain(b, parser, characters_all);
		} else {
			if (!refuse_properties(b, &event))
				take_event(b, &event);
			yaml_event_delete(&event);
		}
	}
}

static void
build(struct builder *b, const char *text, size_t len)
{
	yaml_parser_t parser;

	if (yaml_parser_initialize(&parser)) {
		yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
		yaml_parser_set_input_string(&parser,
		    (const unsigned char *)text, len);
		take_events(b, &parser, characters(text, len));
		yaml_parser_delete(&parser);
	} else {
		b->rd->err = FO_ERR_NOMEM;
	}
}

/* ---- bytes ----------------------------------------------------------- */

/* The carriage return of a line that ends as in DOS. */
static bool
is_dos_end(const unsigned char *p, size_t left)
{
	return left >= 2 && p[0] == '\r' && p[1] == '\n';
}

static void
check_characters(struct fo_reader *rd, const unsigned char *p, size_t len)
{
	size_t i, n, line = 1;

	for (i = 0; rd->err == FO_OK && i < len; i += n) {
		n = fo_char_len(p + i, len - i);
		if (n == 0)
			fo_reader_fail(rd, line, "byte 0x%02x is not UTF-8; "
			    "save the file as UTF-8", p[i]);
		else if (!is_dos_end(p + i, len - i) &&
		    fo_char_hidden(p + i, n))
			fo_reader_fail(rd, line, "a control character "
			    "(byte 0x%02x); take it out", p[i]);
		line += p[i] == '\n';
	}
}

static void
check_bytes(struct fo_reader *rd, const char *text, size_t len)
{
	if (len > FO_FILE_MAX_BYTES)
		fo_reader_fail(rd, 1, "the file is larger than %d bytes; take "
		    "something out", FO_FILE_MAX_BYTES);
	else if (len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 ||
	    memcmp(text, "\xfe\xff", 2) == 0))
		fo_reader_fail(rd, 1, "the file is in UTF-16; save it as "
		    "UTF-8");
	else
		check_characters(rd, (const unsigned char *)text, len);
}

fo_err
fo_node_parse(const char *name, const char *text, size_t len,
    struct fo_diag *diag, struct fo_node **ret_root)
{
	struct fo_reader rd = { .name = name, .diag = diag, .err = FO_OK };
	struct builder b = { .rd = &rd };

	check_bytes(&rd, text, len);
	if (rd.err == FO_OK)
		build(&b, text, len);
	while (b.depth > 0) {
		b.depth--;
		free(b.stack[b.depth].key);
		fo_node_free(&b.stack[b.depth].node);
	}
	if (rd.err != FO_OK) {
		fo_node_free(&b.root);
		return rd.err;
	}
	*ret_root = b.root;
	return FO_OK;
}

/* ---- reading the tree ------------------------------------------------ */

void
fo_reader_fail(struct fo_reader *rd, size_t line, const char *fmt, ...)
{
	char reason[FO_DIAG_SIZE] = "";
	va_list args;

	if (rd->err != FO_OK)
		return;
	rd->err = FO_ERR_FORMAT;
	va_start(args, fmt);
	(void)vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	fo_diag_set(rd->diag, "%s:%zu: %s", rd->name, line, reason);
}

static void
require_map(struct fo_reader *rd, const struct fo_node *map)
{
	if (map->type != FO_NODE_MAP)
		fo_reader_fail(rd, map->line, "a map is expected here; write "
		    "lines of the form \"key: value\"");
}

void
fo_reader_map(struct fo_reader *rd, const struct fo_node *map,
    const char *const *known)
{
	const char *near;
	size_t i, j;

	if (map == NULL)
		return;
	require_map(rd, map);
	for (i = 0; rd->err == FO_OK && i < map->count; i++) {
		for (j = 0; known[j] != NULL; j++) {
			if (strcmp(map->keys[i], known[j]) == 0)
				break;
		}
		if (known[j] != NULL)
			continue;
		near = fo_name_nearest(map->keys[i], known);
		if (near != NULL)
			fo_reader_fail(rd, map->key_lines[i], "unknown key "
			    "'%.64s'; did you mean '%s'?", map->keys[i], near);
		else
			fo_reader_fail(rd, map->key_lines[i], "unknown key "
			    "'%.64s'; take it out", map->keys[i]);
	}
}

const struct fo_node *
fo_node_get(const struct fo_node *map, const char *key)
{
	size_t i;

	if (map == NULL || map->type != FO_NODE_MAP)
		return NULL;
	i = find_key(map, key);

	return i != map->count ? map->items[i] : NULL;
}

/* The value of a key, given that nothing failed; it must have one. */
static const struct fo_node *
value_of(struct fo_reader *rd, const struct fo_node *map, const char *key,
    bool required)
{
	const struct fo_node *node;

	if (rd->err != FO_OK || map == NULL)
		return NULL;
	require_map(rd, map);
	if ((node = fo_node_get(map, key)) == NULL) {
		if (required)
			fo_reader_fail(rd, map->line, "required key '%s' is "
			    "missing; add it", key);
		return NULL;
	}
	if (node->type == FO_NODE_SCALAR && node->plain &&
	    node->text[0] == '\0') {
		fo_reader_fail(rd, node->line, "'%s' has no value; give it "
		    "one%s", key, required ? "" : " or take the key out");
		return NULL;
	}
	return node;
}

/* The same, and it must be a single value. */
static const struct fo_node *
scalar_of(struct fo_reader *rd, const struct fo_node *map, const char *key,
    bool required)
{
	const struct fo_node *node = value_of(rd, map, key, required);

	if (node == NULL)
		return NULL;
	if (node->type != FO_NODE_SCALAR) {
		fo_reader_fail(rd, node->line, "'%s' is a %s; write a single "
		    "value", key, node->type == FO_NODE_LIST ? "list" : "map");
		return NULL;
	}
	if (required && node->text[0] == '\0') {
		fo_reader_fail(rd, node->line, "'%s' is empty; give it a "
		    "value", key);
		return NULL;
	}
	return node;
}

const char *
fo_reader_text(struct fo_reader *rd, const struct fo_node *map,
    const char *key, bool required)
{
	const struct fo_node *node = scalar_of(rd, map, key, required);

	return node != NULL ? node->text : NULL;
}

const struct fo_node *
fo_reader_list(struct fo_reader *rd, const struct fo_node *map,
    const char *key, bool required)
{
	const struct fo_node *node = value_of(rd, map, key, required);

	if (node != NULL && node->type != FO_NODE_LIST) {
		fo_reader_fail(rd, node->line, "'%s' is no list; write its "
		    "items as [a, b], and none as []", key);
		return NULL;
	}
	return node;
}

/* Decimal, no sign but '-', no leading zero, at most 18 digits. */
static bool
parse_int(const char *text, int64_t *ret)
{
	const bool negative = text[0] == '-';
	const char *digits = text + negative;
	const size_t n = strspn(digits, "0123456789");
	int64_t v = 0;
	size_t i;

	if (n < 1 || n > 18 || digits[n] != '\0' ||
	    (digits[0] == '0' && n > 1))
		return false;
	for (i = 0; i < n; i++)
		v = v * 10 + (digits[i] - '0');

	*ret = negative ? -v : v;
	return true;
}

int64_t
fo_reader_int(struct fo_reader *rd, const struct fo_node *map,
    const char *key, int64_t min, int64_t max, int64_t absent)
{
	const struct fo_node *node = scalar_of(rd, map, key, false);
	int64_t v;

	if (node == NULL)
		return absent;
	if (!parse_int(node->text, &v) || v < min || v > max) {
		fo_reader_fail(rd, node->line, "'%s' is '%.64s'; write a "
		    "whole number from %lld to %lld", key, node->text,
		    (long long)min, (long long)max);
		return absent;
	}
	return v;
}

int64_t
fo_reader_time(struct fo_reader *rd, const struct fo_node *map,
    const char *key, bool required)
{
	const struct fo_node *node = scalar_of(rd, map, key, required);
	int64_t s = 0;

	if (node == NULL)
		return 0;
	/* 0 means absent, so the first second of 1970 cannot be written. */
	if (fo_time_parse(node->text, &s) != FO_OK || s == 0)
		fo_reader_fail(rd, node->line, "'%s' is '%.64s'; write a "
		    "time in UTC as 2026-11-23T18:00:00Z", key, node->text);
	return s;
}

/* "a, b or c" */
static void
add_words(struct fo_buf *buf, const char *const *words)
{
	size_t i;

	for (i = 0; words[i] != NULL; i++) {
		if (i > 0)
			fo_buf_adds(buf, words[i + 1] == NULL ? " or " : ", ");
		fo_buf_adds(buf, words[i]);
	}
}

size_t
fo_reader_word(struct fo_reader *rd, const struct fo_node *map,
    const char *key, const char *const *words)
{
	const struct fo_node *node = scalar_of(rd, map, key, true);
	struct fo_buf buf;
	size_t i;

	if (node == NULL)
		return 0;
	for (i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], node->text) == 0)
			return i;
	}
	fo_buf_init(&buf, FO_DIAG_SIZE);
	add_words(&buf, words);
	fo_reader_fail(rd, node->line, "'%s' is '%.64s'; write %s", key,
	    node->text, buf.err == FO_OK ? buf.data : "a known word");
	fo_buf_clear(&buf);
	return 0;
}

void
fo_reader_version(struct fo_reader *rd, const struct fo_node *map)
{
	const struct fo_node *node = scalar_of(rd, map, "version", true);

	if (node != NULL && strcmp(node->text, "1") != 0)
		fo_reader_fail(rd, node->line, "version is '%.64s', and this "
		    "release reads version 1; write 1, or install the "
		    "release that wrote this file", node->text);
}

char **
fo_reader_texts(struct fo_reader *rd, const struct fo_node *map,
    const char *key, bool (*ok)(const char *), const char *what)
{
	const struct fo_node *list = fo_reader_list(rd, map, key, false);
	const struct fo_node *item;
	char **texts;
	size_t i;

	if (rd->err != FO_OK)
		return NULL;
	texts = calloc(list == NULL ? 1 : list->count + 1, sizeof(*texts));
	if (texts == NULL)
		goto nomem;
	for (i = 0; list != NULL && i < list->count; i++) {
		item = list->items[i];
		if (item->type != FO_NODE_SCALAR || item->text[0] == '\0' ||
		    (ok != NULL && !ok(item->text))) {
			fo_reader_fail(rd, item->line, "an item of '%s' is "
			    "'%.64s'; write %s", key,
			    item->type == FO_NODE_SCALAR ? item->text :
			    "a list or map", what);
			fo_texts_free(&texts);
			return NULL;
		}
		if ((texts[i] = strdup(item->text)) == NULL)
			goto nomem;
	}
	return texts;
nomem:
	rd->err = FO_ERR_NOMEM;
	fo_texts_free(&texts);
	return NULL;
}

void
fo_texts_free(char ***texts)
{
	size_t i;

	if (texts == NULL || *texts == NULL)
		return;
	for (i = 0; (*texts)[i] != NULL; i++)
		free((*texts)[i]);
	free(*texts);
	*texts = NULL;
}
