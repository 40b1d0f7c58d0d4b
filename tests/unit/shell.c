/*
 * Shell texts: the simple commands in them, with their words.
 */
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "base/buf.h"
#include "host/shell.h"

/*
 * A text for what was found: words in <>, {} or {*} around one or many that
 * are not known, "env", ">" and "<<" before a command, "opaque" and "plain" at
 * the end.
 */
static char *
show(const char *text)
{
	static const char *const open[] = { "<", "{", "{*" };
	static const char *const shut[] = { ">", "}", "*}" };
	struct fo_shell *shell = NULL;
	const struct fo_simple *simple;
	char *shown = NULL;
	struct fo_buf buf;

	cr_assert_eq(fo_shell_parse(text, &shell), FO_OK);
	fo_buf_init(&buf, 4096);
	fo_buf_adds(&buf, "");
	for (size_t i = 0; i < shell->count; i++) {
		simple = &shell->commands[i];
		fo_buf_adds(&buf, simple->has_env ? "env " : "");
		fo_buf_adds(&buf, simple->has_redirection ? "> " : "");
		fo_buf_adds(&buf, simple->opaque ? "<< " : "");
		for (size_t k = 0; k < simple->count; k++)
			fo_buf_addf(&buf, "%s%s%s", open[simple->words[k].kind],
			    simple->words[k].text,
			    shut[simple->words[k].kind]);
		fo_buf_adds(&buf, " ");
	}
	fo_buf_adds(&buf, shell->opaque ? "opaque" : "");
	fo_buf_adds(&buf, shell->plain ? "plain" : "");
	cr_assert_eq(fo_buf_take(&buf, &shown), FO_OK);
	fo_shell_free(&shell);
	return shown;
}

Test(shell, finds_simple_commands_and_their_words)
{
	static const struct {
		const char *text;
		const char *want;
	} cases[] = {
		{ "", "" }, { "  \n", "" }, { "# a", "" },
		{ "a b", "<a><b> plain" }, { " a\tb \n", "<a><b> plain" },
		{ "a 'b c' \"d e\" f\\ g", "<a><b c><d e><f g> plain" },
		{ "a '' \"\"", "<a><><> plain" }, { "a'b'\"c\"\\d",
		    "<abcd> plain" },
		{ "a#b", "<a#b> plain" }, { "a #b", "<a> " },
		{ "\\a \"\\b\\\"\"", "<a><\\b\"> plain" },
		{ "a\\\nb", "<ab> " }, { "a \\\n b", "<a><b> " },
		{ "$'a\\tb\\x41\\101\\u0042'", "<a\tbAAB> " },
		{ "a $'\\0'", "<a>{**} " },
		/* words that are expanded */
		{ "a $b", "<a>{**} " }, { "a \"$b\"", "<a>{} " },
		{ "a \"$@\"", "<a>{**} " }, { "a x$b", "<a>{*x*} " },
		{ "a \"x${b}y\"", "<a>{xy} " }, { "a *", "<a>{***} " },
		{ "a {b,c}", "<a>{*{b,c}*} " }, { "a {}", "<a><{}> plain" },
		{ "a {b}", "<a><{b}> plain" }, { "a {1..2}",
		    "<a>{*{1..2}*} " },
		{ "a ~", "<a>{*~*} " }, { "a b~", "<a><b~> plain" },
		{ "[ a ]", "<[><a><]> plain" }, { "a $", "<a><$> plain" },
		{ "a $((1+2))", "<1+2> <a>{**} " },
		{ "a $(b c)", "<b><c> <a>{**} " },
		{ "a \"`b`\"", "<b> <a>{} " }, { "a <(b)", "<b> <a>{**} " },
		/* one after the other */
		{ "a;b&c|d&&e||f|&g\nh", "<a> <b> <c> <d> <e> <f> <g> <h> " },
		{ "(a; b)", "<a> <b> " }, { "{ a; }", "<a> " },
		{ "if a; then b; fi", "<a> <b> " },
		{ "for x in a b; do c; done", "<c> " },
		{ "for ((;;)); do c; done", "<c> " },
		{ "case x in a|b) c;; (d) e;; esac; f", "<c> <e> <f> " },
		{ "f() { a; }", "<a> " }, { "function f { a; }", "<a> " },
		{ "[[ a && $b ]] && c", "<[[><a> <c> " },
		{ "time a", "<time> <a> " }, { "! a", "<a> " },
		/* before and after */
		{ "A=1", "" }, { "A=1 b", "env <b> " }, { "b A=1",
		    "<b><A=1> plain" },
		{ "A=(1 2) b", "env <b> " }, { "\"A\"=1", "<A=1> plain" },
		{ "a >b", "> <a> " }, { "2>&1 a", "> <a> " }, { "a 2 >b",
		    "> <a><2> " },
		{ "{x}<b a", "> <a> " }, { ">a", "" },
		{ "a <<E\n$(b)\nE\nc", "> << <a> <b> <c> " },
		/* anything may be in it */
		{ "a '", "<a><> opaque" }, { "a (b)", "<a> opaque" },
		{ "a)", "<a> opaque" }, { "a $(b", "<b> <a>{**} opaque" },
		{ "[[ a || $b ]]", "<[[><a> opaque" }, { "A=1 [[ a; $b",
		    "env <[[><a> {**} " },
		{ "(( $a ))", "opaque" }, { "a $((1 '))'))", "<a>{**} opaque" },
		{ "a 'b[$(c)]' d", "<a><b[$(c)]> opaque" },
		{ "a &>b c", "> <a> opaque" }, { "a;;", "<a> opaque" },
	};
	char *shown;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		shown = show(cases[i].text);
		cr_expect_str_eq(shown, cases[i].want, "'%s': '%s', not '%s'",
		    cases[i].text, shown, cases[i].want);
		free(shown);
	}
}

Test(shell, takes_words_that_no_shell_reads_as_they_are)
{
	static const char *const words[] = { "a", "$b", "c;d", "", NULL };
	struct fo_shell *shell = NULL;

	cr_assert_eq(fo_shell_from_words(words, &shell), FO_OK);
	cr_expect(shell->plain);
	cr_assert_eq(shell->count, 1);
	cr_assert_eq(shell->commands[0].count, 4);
	for (size_t i = 0; i < 4; i++) {
		cr_expect_str_eq(shell->commands[0].words[i].text, words[i]);
		cr_expect_eq(shell->commands[0].words[i].kind, FO_WORD_PLAIN);
	}
	fo_shell_free(&shell);
	cr_expect_null(shell);
	fo_shell_free(&shell);
	fo_shell_free(NULL);
}

Test(shell, keeps_the_files_of_redirections)
{
	struct fo_shell *shell = NULL;

	cr_assert_eq(fo_shell_parse("a <b 2>/dev/null >&2 >c <$d >$e; "
	    "{ f; } <g <<< h", &shell), FO_OK);
	cr_assert_eq(shell->count, 2);
	cr_assert_eq(shell->commands[0].targets.count, 3);
	cr_expect_str_eq(shell->commands[0].targets.words[0].text, "b");
	cr_expect_str_eq(shell->commands[0].targets.words[1].text, "c");
	cr_expect_neq(shell->commands[0].targets.words[2].kind,
	    FO_WORD_PLAIN);
	cr_expect_eq(shell->commands[1].targets.count, 0);
	cr_assert_eq(shell->targets.count, 1);
	cr_expect_str_eq(shell->targets.words[0].text, "g");
	fo_shell_free(&shell);
}
