/*
 * Texts for a POSIX shell or bash, taken apart into simple commands.
 */
#include "shell.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "names.h"

#define DEPTH_MAX 32		/* of $(...), ( ), case, "${...}" */
#define COMMANDS_MAX 512
#define WORDS_MAX 2048
#define HEREDOCS_MAX 8

#define BLANKS " \t"
#define META " \t\n;&|<>()"
#define DIGITS "0123456789"
#define NAME "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_" DIGITS

struct heredoc {
	char *end;		/* the line that ends it */
	bool strip;		/* <<-: without leading tabs */
	bool quoted;		/* nothing in it is expanded */
};

/* Whether what is read is a command: not if it is a test or arithmetic. */
enum doubt {
	NO_DOUBT,
	UNLIKELY,		/* no shell is known to run it */
	LIKELY,			/* dash runs what is none for bash */
};

struct parser {
	const char *s;		/* what is left to read */
	struct fo_shell *out;
	fo_err err;
	unsigned int depth;
	unsigned int cases;	/* case commands around */
	bool esac;		/* the innermost of them has ended */
	bool in_test;		/* between [[ and ]] */
	bool test_runs;		/* ... after what dash goes on after */
	unsigned int test_depth;	/* ( ) in it */
	enum doubt doubt;	/* arithmetic, read as commands too */
	struct heredoc heredocs[HEREDOCS_MAX];
	size_t heredocs_count;	/* whose bodies begin at the next line */
};

/* A word while it is read. */
struct draft {
	struct fo_buf text;
	fo_word_kind kind;
	bool started;		/* '' is a word, too */
	bool quoted;		/* some of it */
	bool assigns;		/* begins with NAME= */
	bool matches;		/* has * ? or [ */
	enum { NO_BRACE, OPEN, COMMA, BRACES } brace;
};

static void parse_list(struct parser *p);
static void read_array(struct parser *p, struct draft *w);
static void read_expansions(struct parser *p, const char *text, size_t len);
static void read_dollar(struct parser *p, struct draft *w, bool quoted);

/* ---- ends ------------------------------------------------------------ */

/* Stops all loops: there is nothing left to read. */
static void
give_up(struct parser *p)
{
	p->out->opaque = true;
	p->s += strlen(p->s);
}

static void
fail(struct parser *p, fo_err err)
{
	p->err = err;
	give_up(p);
}

static bool
enter(struct parser *p)
{
	if (++p->depth <= DEPTH_MAX)
		return true;
	give_up(p);
	return false;
}

static void
parser_clear(struct parser *p)
{
	while (p->heredocs_count > 0)
		free(p->heredocs[--p->heredocs_count].end);
}

/* Read a text of its own, whose commands run, or may run, as well. */
static void
parse_inner(struct parser *p, const char *text, enum doubt doubt)
{
	struct parser inner = { .s = text, .out = p->out,
		.depth = p->depth, .doubt = doubt };

	if (enter(&inner))
		parse_list(&inner);
	if (*inner.s != '\0')
		give_up(&inner);
	parser_clear(&inner);
	if (inner.err != FO_OK)
		fail(p, inner.err);
	else if (p->out->opaque)
		give_up(p);
}

/* The same for a part of the text, which has a backslash before some bytes. */
static void
parse_part(struct parser *p, const char *part, size_t len,
    const char *escaped, enum doubt doubt)
{
	struct fo_buf text;
	char *copy = NULL;
	fo_err r;
	size_t i;

	fo_buf_init(&text, FO_SHELL_MAX);
	fo_buf_adds(&text, "");
	for (i = 0; i < len; i++) {
		if (part[i] == '\\' && i + 1 < len &&
		    strchr(escaped, part[i + 1]) != NULL)
			i++;
		fo_buf_add(&text, part + i, 1);
	}
	if ((r = fo_buf_take(&text, &copy)) != FO_OK)
		fail(p, r);
	else
		parse_inner(p, copy, doubt);
	free(copy);
}

/* ---- words ----------------------------------------------------------- */

static void
draft_init(struct draft *w)
{
	*w = (struct draft){ .kind = FO_WORD_PLAIN };
	fo_buf_init(&w->text, FO_SHELL_MAX);
	fo_buf_adds(&w->text, "");
}

/* Something is expanded here; in quotes, to one word. */
static void
draft_expands(struct draft *w, bool quoted)
{
	const fo_word_kind kind = quoted ? FO_WORD_UNKNOWN : FO_WORD_MANY;

	w->started = true;
	if (w->kind < kind)
		w->kind = kind;
}

static bool
draft_is(const struct draft *w, const char *text)
{
	return w->started && !w->quoted && w->kind == FO_WORD_PLAIN &&
	    w->text.data != NULL && strcmp(w->text.data, text) == 0;
}

/* Does a locale, an editor or an eye take the character for a blank? */
static bool
is_odd(const unsigned char *p, size_t n)
{
	const unsigned int c = n == 2 ? (p[0] & 0x1fU) << 6 | (p[1] & 0x3fU) :
	    n == 3 ? (p[0] & 0x0fU) << 12 | (p[1] & 0x3fU) << 6 |
	    (p[2] & 0x3fU) : 0;

	return fo_char_hidden(p, n) || c == 0xa0 || c == 0xad || c == 0x115f ||
	    c == 0x1160 || c == 0x1680 || c == 0x180e ||
	    (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) ||
	    (c >= 0x205f && c <= 0x206f) || c == 0x3000 || c == 0x3164;
}

static void
add_char(struct parser *p, struct draft *w, bool quoted)
{
	const unsigned char *s = (const unsigned char *)p->s;
	size_t n = fo_char_len(s, strnlen(p->s, 4));

	if (n == 0) {
		n = 1;
		draft_expands(w, quoted);
	} else if (is_odd(s, n)) {
		p->out->plain = false;
		if (!quoted)
			draft_expands(w, false);
	}
	fo_buf_add(&w->text, p->s, n);
	w->started = true;
	p->s += n;
}

/* NAME, NAME[...], NAME+ and so on, before the first '='. */
static bool
is_variable(const char *text)
{
	size_t n = strspn(text, NAME);

	if (n == 0 || strchr(DIGITS, text[0]) != NULL)
		return false;
	if (text[n] == '[' && strrchr(text, ']') != NULL)
		n = (size_t)(strrchr(text, ']') - text) + 1;
	if (text[n] == '+')
		n++;
	return text[n] == '\0';
}

/* $(...), <(...): the commands in it, up to and with the parenthesis. */
static void
read_commands(struct parser *p)
{
	const size_t heredocs = p->heredocs_count;
	const unsigned int cases = p->cases;
	const bool in_test = p->in_test, test_runs = p->test_runs;
	const unsigned int test_depth = p->test_depth;
	const enum doubt doubt = p->doubt;

	p->out->plain = false;
	p->in_test = false;
	p->doubt = NO_DOUBT;
	p->cases = 0;
	if (enter(p))
		parse_list(p);
	p->depth--;
	p->cases = cases;
	p->in_test = in_test;
	p->test_runs = test_runs;
	p->test_depth = test_depth;
	p->doubt = doubt;
	if (*p->s != ')' || p->heredocs_count != heredocs)
		give_up(p);
	else
		p->s++;
}

/*
 * May shells differ about where arithmetic ends? Not all of them take quotes
 * off in it; sub: in $(...), where all do.
 */
static bool
is_strange(const char *s, bool sub)
{
	if (*s == '`' || (!sub && strchr("'\"\\", *s) != NULL))
		return true;
	if (s[0] == '$' && s[1] == '{')
		return s[2 + strcspn(s + 2, "}()")] != '}';

	return sub && (*s == '#' || strncmp(s, "case", 4) == 0 ||
	    strncmp(s, "<<", 2) == 0);
}

/*
 * The "))" that ends what "((" began, or NULL: then it is two "(", or, if
 * strange, nobody knows.
 */
static const char *
arithmetic_end(const char *s, bool *strange)
{
	unsigned int depth = 0, sub = 0;	/* sub: where $( began, or 0 */
	char quote = '\0';

	for (; *s != '\0'; s++) {
		if (quote != '\0' && *s == quote) {
			quote = '\0';
		} else if (quote == '\'') {
			continue;
		} else if ((*strange = is_strange(s, sub != 0))) {
			return NULL;
		} else if (*s == '\\' && s[1] != '\0') {
			s++;
		} else if (quote != '\0') {
			*strange = *s == '$' && s[1] == '(';
			if (*strange)
				return NULL;
		} else if (*s == '\'' || *s == '"') {
			quote = *s;
		} else if (*s == '(') {
			depth++;
			if (sub == 0 && s[-1] == '$')
				sub = depth;
		} else if (*s == ')') {
			if (depth == 0)
				return s[1] == ')' ? s : NULL;
			if (depth-- == sub)
				sub = 0;
		}
	}
	return NULL;
}

/*
 * At what follows "((". It is expanded as if in double quotes; another shell
 * takes it for two subshells. Read twice, it must not be deep.
 */
static bool
read_arithmetic(struct parser *p, enum doubt doubt)
{
	bool strange = false;
	const char *end = arithmetic_end(p->s, &strange);
	const unsigned int depth = p->depth;

	if (strange)
		give_up(p);
	if (end == NULL)
		return strange;
	p->out->plain = false;
	p->depth += DEPTH_MAX / 4;
	parse_part(p, p->s, (size_t)(end - p->s), "", doubt);
	if (!p->out->opaque)
		read_expansions(p, p->s, (size_t)(end - p->s));
	p->depth = depth;
	if (!p->out->opaque)
		p->s = end + 2;
	return true;
}

static void
read_backticks(struct parser *p, struct draft *w, bool quoted)
{
	const char *start = ++p->s;

	draft_expands(w, quoted);
	p->out->plain = false;
	for (; *p->s != '\0' && *p->s != '`'; p->s++) {
		if (*p->s == '\\' && p->s[1] != '\0')
			p->s++;
	}
	if (*p->s == '\0') {
		give_up(p);
		return;
	}
	p->s++;
	parse_part(p, start, (size_t)(p->s - 1 - start),
	    quoted ? "$`\\\"" : "$`\\", NO_DOUBT);
}

static void
read_single(struct parser *p, struct draft *w)
{
	w->started = w->quoted = true;
	for (p->s++; *p->s != '\0' && *p->s != '\'';)
		add_char(p, w, true);
	if (*p->s == '\0')
		give_up(p);
	else
		p->s++;
}

static void
read_double(struct parser *p, struct draft *w)
{
	w->started = w->quoted = true;
	for (p->s++; *p->s != '\0' && *p->s != '"';) {
		if (*p->s == '$') {
			read_dollar(p, w, true);
		} else if (*p->s == '`') {
			read_backticks(p, w, true);
		} else if (p->s[0] == '\\' && p->s[1] == '\n') {
			p->s += 2;
		} else {
			if (*p->s == '\\' && p->s[1] != '\0' &&
			    strchr("$`\"\\", p->s[1]) != NULL)
				p->s++;
			add_char(p, w, true);
		}
	}
	if (*p->s == '\0')
		give_up(p);
	else
		p->s++;
}

/* At what follows a backslash in $'...'. */
static void
read_escape(struct parser *p, struct draft *w)
{
	static const char letters[] = "abeEfnrtv\\\"?";
	static const char values[] = "\a\b\033\033\f\n\r\t\v\\\"?";
	static const char hex[] = DIGITS "abcdefABCDEF";
	const bool octal = strchr("01234567", *p->s) != NULL;
	const char *letter = strchr(letters, *p->s);
	const char *digits = octal ? "01234567" : hex;
	const size_t max = octal ? 3 : *p->s == 'x' ? 2 : *p->s == 'u' ? 4 : 8;
	unsigned long value;
	char number[9];
	size_t n;

	if (*p->s == '\0')
		return;
	if (letter != NULL) {
		fo_buf_add(&w->text, values + (letter - letters), 1);
		p->s++;
		return;
	}
	/* Shells without $'...' end it here; \c is rare. */
	if (!octal && strchr("xuU", *p->s) == NULL) {
		give_up(p);
		return;
	}
	p->s += octal ? 0 : 1;
	n = strspn(p->s, digits);
	n = n < max ? n : max;
	memcpy(number, p->s, n);
	number[n] = '\0';
	p->s += n;
	value = strtoul(number, NULL, octal ? 8 : 16);
	if (value == 0 || value > 0x7f)
		draft_expands(w, false);
	else
		fo_buf_add(&w->text, &(char){ (char)value }, 1);
}

static void
read_ansi(struct parser *p, struct draft *w)
{
	w->started = w->quoted = true;
	p->out->plain = false;
	for (p->s += 2; *p->s != '\0' && *p->s != '\'';) {
		if (*p->s == '\\') {
			p->s++;
			read_escape(p, w);
		} else {
			add_char(p, w, true);
		}
	}
	if (*p->s == '\0')
		give_up(p);
	else
		p->s++;
}

/*
 * ${...}. Its words are not kept, but what they run is found. Quotes within
 * quotes are read in more than one way.
 */
static void
read_parameter(struct parser *p, struct draft *w, bool quoted)
{
	p->s += 2;
	/* ${ command;} and ${x@P} run commands that are nowhere to be seen. */
	if (!enter(p) || strchr(BLANKS "\n|(", *p->s) != NULL)
		give_up(p);
	while (*p->s != '\0' && *p->s != '}') {
		if ((quoted && strchr("'\"", *p->s) != NULL) ||
		    strncmp(p->s, "@P}", 3) == 0) {
			give_up(p);
		} else if (*p->s == '\'') {
			read_single(p, w);
		} else if (*p->s == '"') {
			read_double(p, w);
		} else if (*p->s == '$') {
			read_dollar(p, w, quoted);
		} else if (*p->s == '`') {
			read_backticks(p, w, quoted);
		} else if (strchr("<>", *p->s) != NULL && p->s[1] == '(') {
			p->s += 2;
			read_commands(p);
		} else {
			if (*p->s == '@')
				draft_expands(w, false);
			p->s += p->s[0] == '\\' && p->s[1] != '\0' ? 2 : 1;
		}
	}
	p->depth--;
	if (*p->s == '\0')
		give_up(p);
	else
		p->s++;
	draft_expands(w, quoted);
}

static void
read_dollar(struct parser *p, struct draft *w, bool quoted)
{
	const char next = p->s[1];

	if (next == '\'' && !quoted) {
		read_ansi(p, w);
	} else if (next == '"' && !quoted) {
		p->out->plain = false;
		p->s++;
		read_double(p, w);
	} else if (next == '{') {
		read_parameter(p, w, quoted);
	} else if (next == '(') {
		draft_expands(w, quoted);
		p->s += 2;
		if (*p->s == '(') {
			p->s++;
			if (read_arithmetic(p, UNLIKELY))
				return;
			p->s--;
		}
		read_commands(p);
	} else if (next == '[' || (next == '\\' && p->s[2] == '\n')) {
		give_up(p);
	} else if (next != '\0' && strchr(NAME "@*#?-$!", next) != NULL) {
		draft_expands(w, quoted && next != '@');
		p->s += 2;
		if (strchr(DIGITS "@*#?-$!", next) == NULL)
			p->s += strspn(p->s, NAME);
	} else {
		add_char(p, w, quoted);
	}
}

/* What braces, stars and tildes outside of quotes make of the word. */
static void
notice(struct draft *w, const char *s)
{
	const char *text = w->text.data;
	char last = '\0';

	if (w->text.len > 0 && text != NULL)
		last = text[w->text.len - 1];
	if (strchr("*?[", *s) != NULL)
		w->matches = true;
	else if (*s == '{' && w->brace == NO_BRACE)
		w->brace = OPEN;
	else if ((*s == ',' || (s[0] == '.' && s[1] == '.')) &&
	    w->brace == OPEN)
		w->brace = COMMA;
	else if (*s == '}' && w->brace == COMMA)
		w->brace = BRACES;
	else if (*s == '~' && (!w->started || last == '=' || last == ':'))
		draft_expands(w, false);
	else if (*s == '=' && !w->quoted && text != NULL && is_variable(text))
		w->assigns = true;
}

/*
 * bash expands some words once more: what names an element of an array, in
 * builtins and in arithmetic, and prompts, of which it prints PS4 by itself.
 */
static bool
runs_later(const struct draft *w)
{
	const char *text = w->text.data, *at;

	if (text == NULL)
		return false;
	if (text[0] == 'P' && text[1] == 'S' && text[2] != '\0' &&
	    strchr("01234", text[2]) != NULL && (text[3] == '=' ||
	    text[3] == '+'))
		return strpbrk(text, "$`") != NULL ||
		    w->kind != FO_WORD_PLAIN;
	if (strcmp(text, "PS4") == 0)
		return true;
	for (at = text; (at = strchr(at, '[')) != NULL; at++) {
		if (at > text && strchr(NAME, at[-1]) != NULL)
			return strchr(at, '`') != NULL ||
			    strstr(at, "$(") != NULL ||
			    strstr(at, "${") != NULL;
	}
	return false;
}

static void
read_word(struct parser *p, struct draft *w)
{
	draft_init(w);
	while (*p->s != '\0') {
		if (p->s[0] == '\\' && p->s[1] == '\n') {
			p->out->plain = false;
			p->s += 2;
		} else if (strchr("<>", *p->s) != NULL && p->s[1] == '(') {
			p->s += 2;
			draft_expands(w, false);
			read_commands(p);
		} else if (*p->s == '(' && w->assigns && p->s[-1] == '=') {
			read_array(p, w);
		} else if (strchr(META, *p->s) != NULL) {
			break;
		} else if (*p->s == '\'') {
			read_single(p, w);
		} else if (*p->s == '"') {
			read_double(p, w);
		} else if (*p->s == '$') {
			read_dollar(p, w, false);
		} else if (*p->s == '`') {
			read_backticks(p, w, false);
		} else if (*p->s == '\\') {
			w->quoted = w->started = true;
			p->s++;
			if (*p->s != '\0')
				add_char(p, w, true);
			else
				draft_expands(w, true);
		} else {
			notice(w, p->s);
			add_char(p, w, false);
		}
	}
	if (w->brace == BRACES || (w->matches &&
	    (w->text.data == NULL || strcmp(w->text.data, "[") != 0) &&
	    !draft_is(w, "[[")))
		draft_expands(w, false);
	if (w->text.err != FO_OK)
		fail(p, w->text.err);
	else if (runs_later(w))
		give_up(p);
}

/* ---- blanks, lines and here-documents -------------------------------- */

static void
skip_blanks(struct parser *p)
{
	for (;;) {
		p->s += strspn(p->s, BLANKS);
		if (p->s[0] == '#') {
			p->out->plain = false;
			p->s += strcspn(p->s, "\n");
		}
		if (p->s[0] != '\\' || p->s[1] != '\n')
			return;
		p->out->plain = false;
		p->s += 2;
	}
}

/* What runs in a here-document or in arithmetic; the rest of it is data. */
static void
read_expansions(struct parser *p, const char *text, size_t len)
{
	struct parser inner = { .out = p->out, .depth = p->depth };
	struct draft unused;
	char *copy = strndup(text, len);

	if (copy == NULL) {
		fail(p, FO_ERR_NOMEM);
		return;
	}
	draft_init(&unused);
	for (inner.s = copy; *inner.s != '\0';) {
		if (*inner.s == '$')
			read_dollar(&inner, &unused, true);
		else if (*inner.s == '`')
			read_backticks(&inner, &unused, true);
		else
			inner.s += inner.s[0] == '\\' && inner.s[1] != '\0' ?
			    2 : 1;
	}
	fo_buf_clear(&unused.text);
	parser_clear(&inner);
	free(copy);
	if (inner.err != FO_OK)
		fail(p, inner.err);
	else if (p->out->opaque)
		give_up(p);
}

/*
 * Up to and with the line that ends it. Where the end and a line that is
 * continued (a backslash before the newline) meet, shells differ.
 */
static void
read_heredoc(struct parser *p, const struct heredoc *h)
{
	const size_t end_len = strlen(h->end);
	const char *body = p->s, *line;
	bool continued = false, ended = false;
	size_t n;

	for (; *p->s != '\0' && !ended; p->s += p->s[n] == '\n' ? n + 1 : n) {
		line = p->s + (h->strip ? strspn(p->s, "\t") : 0);
		n = strcspn(line, "\n");
		ended = n == end_len && strncmp(line, h->end, n) == 0;
		if (!h->quoted && ((ended && continued) || (n > 0 &&
		    line[n - 1] == '\\' &&
		    strncmp(line, h->end, n - 1) == 0))) {
			give_up(p);
			return;
		}
		continued = n > 0 && line[n - 1] == '\\';
		n += (size_t)(line - p->s);
	}
	if (!h->quoted)
		read_expansions(p, body, (size_t)(p->s - body));
}

static void
read_newline(struct parser *p)
{
	size_t i;

	p->s++;
	for (i = 0; i < p->heredocs_count; i++) {
		read_heredoc(p, &p->heredocs[i]);
		free(p->heredocs[i].end);
	}
	p->heredocs_count = 0;
}

static void
skip_lines(struct parser *p)
{
	for (skip_blanks(p); *p->s == '\n'; skip_blanks(p))
		read_newline(p);
}

/* NAME=(...): words up to the parenthesis. */
static void
read_array(struct parser *p, struct draft *w)
{
	struct draft unused;

	draft_expands(w, true);
	p->out->plain = false;
	p->s++;
	(void)enter(p);
	for (skip_lines(p); *p->s != '\0' && *p->s != ')'; skip_lines(p)) {
		read_word(p, &unused);
		if (!unused.started)
			give_up(p);
		fo_buf_clear(&unused.text);
	}
	p->depth--;
	if (*p->s == '\0')
		give_up(p);
	else
		p->s++;
}

/* The word after <<, of which only quotes are taken off. */
static void
read_heredoc_end(struct parser *p, struct heredoc *h)
{
	struct fo_buf end;
	char quote = '\0';
	const char *start;

	skip_blanks(p);
	fo_buf_init(&end, FO_SHELL_MAX);
	fo_buf_adds(&end, "");
	for (start = p->s; *p->s != '\0'; p->s++) {
		if (quote == '\0' && strchr(META, *p->s) != NULL)
			break;
		if (quote != '\0' && *p->s == quote) {
			quote = '\0';
		} else if (quote == '\0' && strchr("'\"", *p->s) != NULL) {
			quote = *p->s;
			h->quoted = true;
		} else if (strchr("\\$`\n", *p->s) == NULL) {
			fo_buf_add(&end, p->s, 1);
		} else if (*p->s == '\\' && quote == '\0' &&
		    p->s[1] != '\0' && p->s[1] != '\n') {
			fo_buf_add(&end, ++p->s, 1);
			h->quoted = true;
		} else {
			give_up(p);
			break;
		}
	}
	if (p->s == start || quote != '\0')
		give_up(p);
	if (fo_buf_take(&end, &h->end) != FO_OK)
		fail(p, FO_ERR_NOMEM);
}

/* ---- commands -------------------------------------------------------- */

static void
words_clear(struct fo_word **words, size_t *count)
{
	while (*count > 0)
		free((*words)[--*count].text);
	free(*words);
	*words = NULL;
}

static void
simple_clear(struct fo_simple *simple)
{
	words_clear(&simple->words, &simple->count);
	words_clear(&simple->targets.words, &simple->targets.count);
}

/* Takes the text of w over. */
static void
add_word(struct parser *p, struct fo_word **list, size_t *count,
    struct draft *w)
{
	struct fo_word *words;

	/* grown at each power of two */
	if ((*count & (*count - 1)) == 0) {
		words = reallocarray(*list, *count * 2 + 1, sizeof(*words));
		if (words == NULL) {
			fail(p, FO_ERR_NOMEM);
			return;
		}
		*list = words;
	}
	if (fo_buf_take(&w->text, &(*list)[*count].text) != FO_OK)
		fail(p, FO_ERR_NOMEM);
	else
		(*list)[(*count)++].kind = w->kind;
	if (++p->out->words_count > WORDS_MAX)
		give_up(p);
}

/* Takes simple over. */
static void
add_command(struct parser *p, struct fo_simple *simple)
{
	struct fo_shell *out = p->out;
	struct fo_simple *commands;

	if (out->count >= COMMANDS_MAX) {
		give_up(p);
		simple_clear(simple);
		return;
	}
	commands = reallocarray(out->commands, out->count + 1,
	    sizeof(*commands));
	if (commands == NULL) {
		fail(p, FO_ERR_NOMEM);
		simple_clear(simple);
		return;
	}
	commands[out->count] = *simple;
	out->commands = commands;
	out->count++;
}

static void
read_heredoc_start(struct parser *p, struct fo_simple *simple)
{
	struct heredoc h = { .end = NULL };

	p->s += 2;
	h.strip = *p->s == '-';
	p->s += h.strip;
	simple->opaque = true;
	if (p->heredocs_count < HEREDOCS_MAX) {
		read_heredoc_end(p, &h);
		p->heredocs[p->heredocs_count++] = h;
	} else {
		give_up(p);
	}
}

/*
 * The file of a redirection; not a descriptor, not /dev/null, and not what is
 * not known if it is only written.
 */
static void
keep_target(struct parser *p, struct fo_simple *simple, struct draft *w,
    bool reads, bool copies)
{
	struct fo_targets *t = &simple->targets;
	const char *text = w->text.data;

	if (w->kind == FO_WORD_PLAIN ? text == NULL ||
	    strcmp(text, "/dev/null") == 0 || (copies &&
	    text[strspn(text, DIGITS "-")] == '\0') :
	    !reads || copies)
		return;
	add_word(p, &t->words, &t->count, w);
}

static void
read_redirection(struct parser *p, struct fo_simple *simple)
{
	const bool both = *p->s == '&';
	bool reads, copies, is_file;
	struct draft target;

	p->out->plain = false;
	simple->has_redirection = true;
	p->s += both;
	if (strncmp(p->s, "<<", 2) == 0 && p->s[2] != '<') {
		read_heredoc_start(p, simple);
		return;
	}
	reads = *p->s == '<' && p->s[1] != '<';
	copies = !both && p->s[1] == '&';
	is_file = strncmp(p->s, "<<<", 3) != 0;
	if (!is_file)
		p->s += 3;
	else
		p->s += p->s[1] != '\0' &&
		    strchr(reads ? "&>" : "&>|", p->s[1]) != NULL ? 2 : 1;
	skip_blanks(p);
	read_word(p, &target);
	if (!target.started)
		give_up(p);
	else if (is_file)
		keep_target(p, simple, &target, reads, copies);
	fo_buf_clear(&target.text);
}

/* 2 in "2>file", {name} in "{name}>file" */
static bool
is_descriptor(const struct parser *p, const struct draft *w)
{
	const char *text = w->text.data;
	size_t n;

	if (w->quoted || !w->started || text == NULL || *p->s == '\0' ||
	    strchr("<>", *p->s) == NULL)
		return false;
	n = strspn(text, DIGITS);
	if (n > 0 && text[n] == '\0')
		return true;
	n = text[0] == '{' ? 1 + strspn(text + 1, NAME) : 0;
	return n > 1 && text[n] == '}' && text[n + 1] == '\0';
}

/* A word that is not kept: the name of a function or of a loop's variable. */
static void
skip_word(struct parser *p)
{
	struct draft unused;

	skip_blanks(p);
	read_word(p, &unused);
	if (!unused.started)
		give_up(p);
	fo_buf_clear(&unused.text);
}

/* "()" after the name of a function */
static bool
skip_parentheses(struct parser *p)
{
	const char *s = p->s + strspn(p->s, BLANKS);

	if (*s != '(')
		return false;
	s += 1 + strspn(s + 1, BLANKS);
	if (*s != ')')
		return false;
	p->s = s + 1;
	return true;
}

/* At what follows "for" or "select", up to where commands begin again. */
static void
read_loop(struct parser *p)
{
	skip_blanks(p);
	if (strncmp(p->s, "((", 2) == 0) {
		p->s += 2;
		if (!read_arithmetic(p, UNLIKELY))
			give_up(p);
		return;
	}
	skip_word(p);
	skip_lines(p);
	if (strncmp(p->s, "in", 2) != 0 || strchr(META, p->s[2]) == NULL)
		return;
	p->s += 2;
	for (skip_blanks(p); *p->s != '\0' && strchr(";\n", *p->s) == NULL;
	    skip_blanks(p))
		skip_word(p);
}

/* One "pattern | pattern)"; false at "esac". */
static bool
read_patterns(struct parser *p)
{
	bool first = true, ended = false;
	struct draft w;

	skip_lines(p);
	if (*p->s == '(') {
		first = false;
		p->s++;
	}
	while (*p->s != '\0' && !ended) {
		skip_blanks(p);
		read_word(p, &w);
		ended = first && draft_is(&w, "esac");
		first = false;
		fo_buf_clear(&w.text);
		if (ended)
			return false;
		skip_blanks(p);
		ended = *p->s == ')';
		if (!ended && *p->s != '|')
			give_up(p);
		else
			p->s++;
	}
	if (!ended)
		give_up(p);
	return ended;
}

/* At what follows "case". */
static void
read_case(struct parser *p)
{
	struct draft w;

	skip_word(p);
	skip_lines(p);
	read_word(p, &w);
	if (!draft_is(&w, "in"))
		give_up(p);
	fo_buf_clear(&w.text);
	if (!enter(p))
		return;
	p->cases++;
	while (read_patterns(p)) {
		parse_list(p);
		if (p->esac)
			break;
		if (*p->s != ';')
			give_up(p);
		p->s += strspn(p->s, ";&");
	}
	p->esac = false;
	p->cases--;
	p->depth--;
}

enum reserved {
	NO_WORD,		/* an ordinary word */
	BEFORE_COMMAND,
	AFTER_COMMAND,		/* nothing of a simple command follows */
};

/* A word where a command may begin. */
static enum reserved
read_reserved(struct parser *p, const struct draft *w)
{
	static const char *const before[] = { "if", "then", "elif", "else",
		"fi", "while", "until", "do", "done", "{", "}", "!" };
	size_t i;

	for (i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		if (draft_is(w, before[i]))
			return BEFORE_COMMAND;
	}
	if (draft_is(w, "esac")) {
		p->esac = p->cases > 0;
		return p->esac ? AFTER_COMMAND : BEFORE_COMMAND;
	}
	if (draft_is(w, "for") || draft_is(w, "select")) {
		read_loop(p);
		return AFTER_COMMAND;
	}
	if (draft_is(w, "case")) {
		read_case(p);
		return BEFORE_COMMAND;
	}
	if (draft_is(w, "function")) {
		skip_word(p);
		(void)skip_parentheses(p);
		return AFTER_COMMAND;
	}
	return NO_WORD;
}

/* "time" before a compound command: it is none, but a program of that name. */
static bool
is_keyword_time(struct parser *p, const struct fo_simple *simple)
{
	if (simple->count != 1 || simple->has_env || simple->has_redirection ||
	    simple->words[0].kind != FO_WORD_PLAIN ||
	    strcmp(simple->words[0].text, "time") != 0)
		return false;
	skip_blanks(p);
	return *p->s != '-';
}

static bool
is_redirection(const char *s)
{
	if (s[0] == '&' && s[1] == '>')
		return true;
	return (s[0] == '<' || s[0] == '>') && s[1] != '(';
}

/* A word of a simple command; false if none can follow. Takes w over. */
static bool
keep_word(struct parser *p, struct fo_simple *simple, struct draft *w)
{
	const bool begins = simple->count == 0 && draft_is(w, "[[") &&
	    !simple->has_env && !simple->has_redirection;
	const bool ends = draft_is(w, "]]");

	add_word(p, &simple->words, &simple->count, w);
	if (begins) {
		p->test_runs = false;
		p->test_depth = 0;
	}
	p->in_test = begins || (p->in_test && !ends);
	p->out->plain = p->out->plain && !begins;
	return !is_keyword_time(p, simple);
}

/*
 * Words and redirections up to an operator. True if simple is a command: not
 * if it was the head of a compound command or only assignments.
 */
static bool
read_words(struct parser *p, struct fo_simple *simple)
{
	enum reserved reserved = NO_WORD;
	bool more = true, cut = false;
	struct draft w;

	while (more) {
		skip_blanks(p);
		if (is_redirection(p->s)) {
			cut = cut || *p->s == '&';
			read_redirection(p, simple);
			continue;
		}
		if (*p->s == '\0' || (strchr(META, *p->s) != NULL &&
		    (strchr("<>", *p->s) == NULL || p->s[1] != '(')))
			break;
		read_word(p, &w);
		if (is_descriptor(p, &w)) {
			fo_buf_clear(&w.text);
			continue;
		}
		if (simple->count == 0)
			reserved = read_reserved(p, &w);
		/* after A=1 or >x none is reserved */
		if (reserved != NO_WORD && (simple->has_env ||
		    simple->has_redirection))
			give_up(p);
		if (reserved != NO_WORD) {
			p->out->plain = false;
			more = reserved == BEFORE_COMMAND;
		} else if (simple->count == 0 && w.assigns) {
			p->out->plain = false;
			simple->has_env = true;
		} else if (cut) {
			/* dash begins another command at the "&" of "&>" */
			give_up(p);
		} else {
			more = keep_word(p, simple, &w);
		}
		fo_buf_clear(&w.text);
	}
	return simple->count > 0;
}

/* Files of a compound command are those of all commands, if known. */
static void
keep_targets(struct parser *p, struct fo_targets *from)
{
	struct fo_targets *to = &p->out->targets;
	struct draft w;
	size_t i;

	for (i = 0; i < from->count; i++) {
		if (from->words[i].kind != FO_WORD_PLAIN)
			continue;
		draft_init(&w);
		fo_buf_adds(&w.text, from->words[i].text);
		add_word(p, &to->words, &to->count, &w);
		fo_buf_clear(&w.text);
	}
}

/*
 * Where it is in doubt whether a command is one, as after && in [[ ]], it is
 * one if its program is a plain word. If it is not, and dash would run it, it
 * may be any.
 */
static void
read_simple(struct parser *p)
{
	const enum doubt in_test = !p->in_test ? NO_DOUBT :
	    p->test_runs ? LIKELY : UNLIKELY;
	const enum doubt doubt = p->doubt > in_test ? p->doubt : in_test;
	struct fo_simple simple = { .count = 0 };
	bool is_command = read_words(p, &simple);

	if (!is_command)
		keep_targets(p, &simple.targets);
	if (*p->s == '(' && is_command && !p->in_test) {
		if (simple.count == 1 && skip_parentheses(p)) {
			p->out->plain = false;
			is_command = false;	/* defines a function */
		} else if (!is_keyword_time(p, &simple)) {
			give_up(p);
		}
	}
	if (is_command && doubt != NO_DOUBT &&
	    simple.words[0].kind != FO_WORD_PLAIN) {
		is_command = false;
		if (doubt == LIKELY)
			give_up(p);
	}
	if (is_command)
		add_command(p, &simple);
	else
		simple_clear(&simple);
}

static void
read_group(struct parser *p)
{
	if (strncmp(p->s, "((", 2) == 0) {
		p->s += 2;
		if (read_arithmetic(p, LIKELY))
			return;
		p->s -= 2;
	}
	p->s++;
	if (enter(p))
		parse_list(p);
	p->depth--;
	if (*p->s != ')')
		give_up(p);
	else
		p->s++;
}

/*
 * At "(", ")" or an operator in [[ ]]. For dash "[[" is a program that is not
 * there: it goes on after all but "&&", and reads no "(" but after that.
 */
static void
read_test_operator(struct parser *p)
{
	if (*p->s == '(') {
		p->test_depth++;
		p->s++;
	} else if (*p->s == ')') {
		p->test_depth -= p->test_depth > 0;
		p->s++;
	} else if (strncmp(p->s, "&&", 2) == 0) {
		p->s += 2;
		skip_lines(p);
	} else {
		p->out->plain = false;
		p->test_runs = p->test_runs || p->test_depth == 0;
		if (*p->s == '\n')
			read_newline(p);
		else
			p->s++;
	}
}

/* Up to what ends the list: ")", ";;", "esac" or the end of the text. */
static void
parse_list(struct parser *p)
{
	for (skip_blanks(p); *p->s != '\0'; skip_blanks(p)) {
		if (p->in_test && strchr("()\n;|&", *p->s) != NULL &&
		    !is_redirection(p->s)) {
			read_test_operator(p);
		} else if (*p->s == '\n') {
			read_newline(p);
		} else if (*p->s == ')' ||
		    (*p->s == ';' && p->doubt == NO_DOUBT &&
		    (p->s[1] == ';' || p->s[1] == '&'))) {
			return;
		} else if (*p->s == '(') {
			p->out->plain = false;
			read_group(p);
		} else if (strchr(";|&", *p->s) != NULL &&
		    !is_redirection(p->s)) {
			p->out->plain = false;
			p->s++;
		} else {
			read_simple(p);
			if (p->esac)
				return;
		}
	}
}

/* ---- texts ----------------------------------------------------------- */

static bool
is_plain(const struct fo_shell *shell)
{
	size_t i;

	if (!shell->plain || shell->opaque || shell->count != 1)
		return false;
	for (i = 0; i < shell->commands[0].count; i++) {
		if (shell->commands[0].words[i].kind != FO_WORD_PLAIN)
			return false;
	}
	return true;
}

fo_err
fo_shell_parse(const char *text, struct fo_shell **ret_shell)
{
	struct fo_shell *made = calloc(1, sizeof(*made));
	struct parser p = { .s = text, .out = made };
	fo_err r = FO_ERR_NOMEM;

	if (made == NULL)
		return r;
	made->plain = true;
	if (strnlen(text, FO_SHELL_MAX + 1) > FO_SHELL_MAX) {
		made->opaque = true;
	} else {
		parse_list(&p);
		if (*p.s != '\0')
			give_up(&p);
		parser_clear(&p);
	}
	made->plain = is_plain(made);
	if ((r = p.err) != FO_OK)
		goto out;

	*ret_shell = made;
	made = NULL; /* now owned by the caller */
out:
	fo_shell_free(&made);
	return r;
}

fo_err
fo_shell_from_words(const char *const *words, struct fo_shell **ret_shell)
{
	struct fo_shell *made = calloc(1, sizeof(*made));
	struct parser p = { .s = "", .out = made };
	struct fo_simple simple = { .count = 0 };
	size_t size = 0;
	bool fits = true;
	struct draft w;
	fo_err r = FO_ERR_NOMEM;

	if (made == NULL)
		return r;
	for (; *words != NULL && fits; words++) {
		draft_init(&w);
		size += strnlen(*words, FO_SHELL_MAX) + 1;
		fits = size <= FO_SHELL_MAX && simple.count + 1 < WORDS_MAX;
		if (fits)
			fo_buf_adds(&w.text, *words);
		else
			draft_expands(&w, false);
		add_word(&p, &simple.words, &simple.count, &w);
		fo_buf_clear(&w.text);
	}
	if (simple.count > 0)
		add_command(&p, &simple);
	else
		simple_clear(&simple);
	made->plain = true;
	made->plain = is_plain(made);
	if ((r = p.err) != FO_OK)
		goto out;

	*ret_shell = made;
	made = NULL; /* now owned by the caller */
out:
	fo_shell_free(&made);
	return r;
}

void
fo_shell_free(struct fo_shell **shell)
{
	if (shell == NULL || *shell == NULL)
		return;
	while ((*shell)->count > 0)
		simple_clear(&(*shell)->commands[--(*shell)->count]);
	words_clear(&(*shell)->targets.words, &(*shell)->targets.count);
	free((*shell)->commands);
	free(*shell);
	*shell = NULL;
}
