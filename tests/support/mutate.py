"""Write a C file anew with all its mutants in it.

Each is a place where the program asks fo_mutant(NUMBER) which way to go (see
tests/mutants/switch.h). What is changed:

  a comparison           negated; < <= > >= moved by one in each direction
  && and ||              the one for the other
  any other condition    negated
  return, goto, break, continue below an if       left out
  an assignment as a statement                    left out
  FO_OK                  an error
  an error               FO_OK; and trouble of ours a verdict, or a verdict
                         trouble of ours
  a PAM code             PAM_SUCCESS; that PAM_ABORT
  what a function of results returns, or a call's result assigned   FO_OK
  true and false         the one for the other
  a case of a switch     taken for none of them
  a row of a table       the same as for the constants in it

Left alone: the comparison of an int with 0 is only negated, since what is
asked is whether a call failed.

clang's syntax tree says where everything stands; the text is changed only by
what is put before, after and between, so that all mutants of nested
expressions stand side by side.
"""

import dataclasses
import re

from clang.cindex import Config, CursorKind as K, Index, TranslationUnit, \
    TypeKind

Config.set_library_file("libclang-14.so.1")

RELATIONAL = {"<": ("<=", ">="), "<=": ("<", ">"),
              ">": (">=", "<="), ">=": (">", "<")}
EQUALITY = {"==": "!=", "!=": "=="}
LOGICAL = {"&&": "||", "||": "&&"}
JUMPS = {K.RETURN_STMT, K.GOTO_STMT, K.BREAK_STMT, K.CONTINUE_STMT}
INTEGERS = {TypeKind.BOOL, TypeKind.INT, TypeKind.UINT, TypeKind.LONG,
            TypeKind.ULONG, TypeKind.ENUM, TypeKind.LONGLONG,
            TypeKind.ULONGLONG, TypeKind.SHORT, TypeKind.USHORT,
            TypeKind.CHAR_S, TypeKind.SCHAR, TypeKind.UCHAR}
# Our own trouble, that must not be taken for a verdict.
TROUBLE = {f"FO_ERR_{word}" for word in (
    "ARG", "NOMEM", "CRYPTO", "IO", "FORMAT", "NOT_FOUND", "EXISTS",
    "TOO_LONG", "INTERNAL", "REPLAY_STORE", "STORE", "CONFIG", "AUDIT",
    "SESSION")}
SNIPPET_MAX = 100


@dataclasses.dataclass
class Mutant:
    """One change, named by what stays when lines move."""
    number: int
    file: str
    line: int
    function: str
    change: str

    @property
    def key(self):
        return f"{self.file} {self.function}: {self.change}"


class Rewriter:
    """One file and its mutants."""

    def __init__(self, path, name, arguments, first):
        self.name = name
        self.text = path.read_bytes()
        self.next = first
        self.mutants = []
        self.seen = {}
        self.before = {}	# offset to texts, outermost first
        self.after = {}		# offset to texts, outermost first
        self.instead = {}	# offset of a token to (length, text)
        self.function = ""
        self.returns = ""
        self.unit = Index.create().parse(
            str(path), arguments,
            options=TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD)
        bad = [d for d in self.unit.diagnostics if d.severity >= 3]
        assert not bad, f"{name}: {bad[0]}"
        self.path = str(path)
        self.macros = {}
        for node in self.unit.cursor.get_children():
            if node.kind == K.MACRO_INSTANTIATION and self.is_here(node):
                start, end = self.span(node)
                self.macros[start] = end

    # ---- places -------------------------------------------------------------

    def is_here(self, node):
        file = node.location.file
        return file is not None and file.name == self.path

    def span(self, node):
        return node.extent.start.offset, node.extent.end.offset

    def source(self, node):
        start, end = self.span(node)
        return self.text[start:end].decode()

    def in_macro(self, node):
        """Is the whole of it what a macro stands for?"""
        start, end = self.span(node)
        return start in self.macros and end <= self.macros[start]

    def snippet(self, text):
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        text = " ".join(text.split())
        if len(text) > SNIPPET_MAX:
            text = text[:SNIPPET_MAX - 3] + "..."
        return text

    def add(self, node, change):
        """A new mutant at node; the question whether it is the one."""
        count = self.seen[self.function, change] = self.seen.get(
            (self.function, change), 0) + 1
        if count > 1:
            change += f" #{count}"
        number = self.next
        self.next += 1
        self.mutants.append(Mutant(number, self.name,
                                   node.extent.start.line, self.function,
                                   change))
        return f"fo_mutant({number})"

    def wrap(self, node, before, after):
        start, end = self.span(node)
        self.before.setdefault(start, []).append(before)
        self.after.setdefault(end, []).append(after)

    def replace(self, start, length, text):
        self.instead[start] = (length, text)

    # ---- what is changed ----------------------------------------------------

    def negate(self, node):
        text = self.snippet(self.source(node))
        asked = self.add(node, f"negate `{text}`")
        self.wrap(node, f"({asked} != !!(", "))")

    def operator(self, node):
        """The operator of a binary expression and where it stands."""
        left, right = list(node.get_children())
        gap_start = self.span(left)[1]
        gap_end = self.span(right)[0]
        gap = re.sub(rb"/\*.*?\*/", lambda m: b" " * len(m[0]),
                     self.text[gap_start:gap_end], flags=re.S).decode()
        found = re.search(r"[^\s()]+", gap)
        if not found:
            return None, 0
        return found[0], gap_start + found.start()

    def relate(self, node, sign, at):
        """A comparison with its operands evaluated once, whichever way it
        goes."""
        left, right = list(node.get_children())
        text = self.snippet(self.source(node))
        asked = self.add(node, f"negate `{text}`")
        self.wrap(node, f"({asked} != (", "))")
        if self.source(right) == "0" and \
                left.type.get_canonical().kind in (TypeKind.INT,
                                                   TypeKind.LONG,
                                                   TypeKind.BOOL):
            return
        near, _ = RELATIONAL[sign]
        a, b = f"a{self.next}_", f"b{self.next}_"
        asked = self.add(node, f"`{sign}` to `{near}` in `{text}`")
        ways = f"{asked} ? {a} {near} {b} : "
        if self.is_limit(right):
            step = "+ 1" if sign in ("<", ">=") and near in ("<=", ">") \
                else "- 1"
            step = {"<": "- 1", "<=": "+ 1", ">": "+ 1", ">=": "- 1"}[sign]
            asked = self.add(node, f"limit {step} in `{text}`")
            ways += f"{asked} ? {a} {sign} {b} {step} : "
        self.wrap(node, f"({{ __auto_type {a} = (",
                  f"); {ways}{a} {sign} {b}; }})")
        self.replace(at, len(sign), f"); __auto_type {b} = (")

    def is_limit(self, node):
        """A number other than 0, by itself or by name."""
        text = self.source(node)
        return bool(re.fullmatch(r"[1-9][0-9]*|'.'|[A-Z][A-Z0-9_]+", text)) \
            and text != "NULL"

    def logical(self, node, sign, at):
        text = self.snippet(self.source(node))
        a = f"a{self.next}_"
        asked = self.add(node, f"`{sign}` to `{LOGICAL[sign]}` in `{text}`")
        other = "" if sign == "&&" else "!"
        self.wrap(node, f"({{ int {a} = !!(",
                  f") : {a}; }})")
        self.replace(at, len(sign),
                     f"); {other}({a} != {asked}) ? !!(")

    def constant(self, node):
        """A result or a PAM code, in place of which another may stand."""
        text = self.source(node)
        if text == "FO_OK":
            others = ["FO_ERR_INTERNAL"]
        elif text.startswith("FO_ERR_"):
            others = ["FO_OK", "FO_ERR_REPLAY" if text in TROUBLE
                      else "FO_ERR_IO"]
        elif text == "PAM_SUCCESS":
            others = ["PAM_ABORT"]
        elif re.fullmatch(r"PAM_[A-Z_]+", text):
            others = ["PAM_SUCCESS"]
        elif text in ("true", "false"):
            others = ["false" if text == "true" else "true"]
        else:
            return []
        return others

    def swap(self, node):
        ways = ""
        text = self.source(node)
        for other in self.constant(node):
            context = self.snippet(self.line_of(node))
            asked = self.add(node, f"`{text}` to `{other}` in `{context}`")
            ways += f"{asked} ? {other} : "
        if ways:
            self.wrap(node, f"({ways}", ")")

    def line_of(self, node):
        start = self.span(node)[0]
        begin = self.text.rfind(b"\n", 0, start) + 1
        end = self.text.find(b"\n", start)
        return self.text[begin:end].decode()

    def result(self, node, kind):
        """An expression whose value may be taken for FO_OK."""
        text = self.snippet(self.source(node))
        v = f"v{self.next}_"
        asked = self.add(node, f"{kind} FO_OK for `{text}`")
        self.wrap(node, f"({{ __auto_type {v} = (",
                  f"); {asked} ? 0 : {v}; }})")

    def leave_out(self, node, context):
        text = self.snippet(self.source(node))
        if context:
            text += f"` after `{context}"
        asked = self.add(node, f"leave out `{text}`")
        start, end = self.span(node)
        end = self.text.index(b";", end) + 1
        self.before.setdefault(start, []).append(f"{{ if (!{asked}) ")
        self.after.setdefault(end, []).append(" }")

    # ---- the walk -----------------------------------------------------------

    def is_comparison(self, node):
        while node.kind in (K.PAREN_EXPR, K.UNEXPOSED_EXPR) and \
                not self.in_macro(node):
            inner = list(node.get_children())
            if len(inner) != 1:
                return False
            node = inner[0]
        if node.kind == K.UNARY_OPERATOR and \
                self.source(node).startswith("!"):
            return self.is_comparison(next(node.get_children()))
        if node.kind != K.BINARY_OPERATOR or self.in_macro(node):
            return False
        sign, _ = self.operator(node)
        return sign in RELATIONAL or sign in EQUALITY or sign in LOGICAL

    def condition(self, node):
        """A condition that is no comparison is negated as it is."""
        if not self.is_comparison(node) and \
                self.source(node) not in ("true", "false"):
            self.negate(node)

    def expression(self, node):
        """Changes in an expression, outermost first."""
        if self.in_macro(node):
            if self.constant(node):
                self.swap(node)
            return
        if node.kind == K.UNEXPOSED_EXPR:
            for child in node.get_children():
                self.expression(child)
            return
        if node.kind in (K.CXX_UNARY_EXPR, K.INTEGER_LITERAL,
                         K.STRING_LITERAL, K.TYPE_REF):
            return
        if node.kind == K.DECL_REF_EXPR:
            if self.constant(node):
                self.swap(node)
            return
        children = list(node.get_children())
        if node.kind == K.BINARY_OPERATOR:
            sign, at = self.operator(node)
            if sign in RELATIONAL:
                self.relate(node, sign, at)
            elif sign in EQUALITY:
                self.negate(node)
                for child in children:
                    if child.kind != K.DECL_REF_EXPR and \
                            not self.constant(child):
                        self.expression(child)
                return
            elif sign in LOGICAL:
                self.logical(node, sign, at)
                for child in children:
                    self.condition(child)
        elif node.kind == K.CONDITIONAL_OPERATOR:
            self.condition(children[0])
        elif node.kind == K.UNARY_OPERATOR and \
                self.source(node).startswith("!"):
            pass	# negated as a whole, by whoever takes it as condition
        for child in children:
            self.expression(child)

    def is_result(self, node):
        """Of type fo_err?"""
        return node.type.spelling == "fo_err" or \
            node.type.get_canonical().spelling in ("fo_err", "enum fo_err")

    def is_call(self, node):
        return "(" in self.source(node) and not self.constant(node) and \
            node.kind in (K.CALL_EXPR, K.UNEXPOSED_EXPR)

    def assignment(self, node, context):
        left, right = list(node.get_children())
        if self.is_result(left) and self.is_call(right):
            self.result(right, "assign")
        else:
            self.leave_out(node, context)
        self.expression(right)

    def returned(self, node):
        for child in node.get_children():
            text = self.source(child)
            if self.constant(child):
                self.swap(child)
                return
            if self.returns == "fo_err" and child.kind != \
                    K.CONDITIONAL_OPERATOR:
                self.result(child, "return")
            elif self.returns == "bool":
                self.condition(child)
            elif self.returns == "int" and "(" in text and \
                    child.kind != K.CONDITIONAL_OPERATOR:
                self.result(child, "return")
            self.expression(child)

    def choice(self, node):
        """switch: each case may be taken for none of them."""
        selector, body = list(node.get_children())
        labels = []
        todo = [body]
        while todo:
            for child in todo.pop().get_children():
                if child.kind == K.CASE_STMT:
                    labels.append(next(child.get_children()))
                elif child.kind == K.SWITCH_STMT:
                    continue
                todo.append(child)
        s = f"s{self.next}_"
        ways = ""
        for label in sorted(labels, key=self.span):
            text = self.source(label)
            asked = self.add(label, f"no case `{text}`")
            ways += f"{asked} && {s} == {text} ? -99 : "
        self.wrap(selector, f"({{ __auto_type {s} = (",
                  f"); {ways}{s}; }})")
        self.expression(selector)
        self.statement(body, None)

    def statement(self, node, context):
        """context: the condition of the if that this is what is done in."""
        kind = node.kind
        children = list(node.get_children())
        if self.in_macro(node):
            return
        if kind == K.IF_STMT:
            self.condition(children[0])
            self.expression(children[0])
            text = self.snippet("if (" + self.source(children[0]) + ")")
            for child in children[1:]:
                self.statement(child, text)
                text = "else of " + text
        elif kind == K.WHILE_STMT:
            self.condition(children[0])
            self.expression(children[0])
            self.statement(children[1], None)
        elif kind == K.DO_STMT:
            self.statement(children[0], None)
            self.condition(children[1])
            self.expression(children[1])
        elif kind == K.FOR_STMT:
            self.loop(node, children)
        elif kind == K.SWITCH_STMT:
            self.choice(node)
        elif kind in (K.CASE_STMT, K.DEFAULT_STMT, K.LABEL_STMT):
            self.statement(children[-1], None)
        elif kind == K.COMPOUND_STMT:
            for child in children:
                self.statement(child, context)
        elif kind in JUMPS:
            if context:
                self.leave_out(node, context)
            if kind == K.RETURN_STMT:
                self.returned(node)
        elif kind == K.DECL_STMT:
            for child in children:
                self.declaration(child, node)
        elif kind == K.BINARY_OPERATOR and self.operator(node)[0] == "=":
            self.assignment(node, context)
        elif kind == K.COMPOUND_ASSIGNMENT_OPERATOR:
            self.leave_out(node, context)
            self.expression(children[1])
        elif kind.is_expression():
            self.expression(node)

    def loop(self, node, children):
        """for: which of its parts are there, the tree does not say."""
        start = self.span(node)[0]
        head = self.text.index(b"(", start)
        depth, parts, i = 0, [head + 1], head
        while True:
            char = self.text[i:i + 1]
            depth += (char == b"(") - (char == b")")
            if char == b";" and depth == 1:
                parts.append(i + 1)
            if depth == 0:
                break
            i += 1
        for child in children[:-1]:
            at = self.span(child)[0]
            if at >= parts[2]:
                continue
            if at >= parts[1]:
                self.condition(child)
                self.expression(child)
            elif child.kind == K.DECL_STMT:
                for inner in child.get_children():
                    self.declaration(inner, child)
        self.statement(children[-1], None)

    # ---- variables and tables -----------------------------------------------

    def declaration(self, node, statement):
        if node.kind != K.VAR_DECL:
            return
        if node.storage_class.name == "STATIC":
            self.table(node, statement)
            return
        for child in node.get_children():
            if child.kind == K.INIT_LIST_EXPR:
                self.members(child)
            elif child.kind.is_expression():
                if self.constant(child):
                    self.swap(child)
                elif self.is_result(node) and self.is_call(child):
                    self.result(child, "assign")
                    self.expression(child)
                else:
                    self.expression(child)

    def members(self, node):
        """{ .a = x, ... } of an automatic variable: 0 in place of each."""
        for child in node.get_children():
            value = child
            if child.kind == K.INIT_LIST_EXPR:
                self.members(child)
                continue
            if child.kind == K.UNEXPOSED_EXPR and \
                    self.source(child).startswith("."):
                inner = [c for c in child.get_children()
                         if c.kind != K.MEMBER_REF]
                if not inner:
                    continue
                value = inner[-1]
            if value.kind == K.INIT_LIST_EXPR:
                self.members(value)
                continue
            if self.constant(value):
                self.swap(value)
                continue
            self.expression(value)

    def table(self, node, statement):
        """A constant table: its rows are changed before anything runs."""
        changes = []
        for child in node.get_children():
            if child.kind == K.INIT_LIST_EXPR:
                self.rows(child, node.type, node.spelling, changes)
        if not changes:
            return
        start = self.span(statement or node)[0]
        const = re.compile(rb"\bconst\b").search(self.text, start)
        self.replace(const.start(), 5, "")
        end = self.text.index(b";", self.span(node)[1]) + 1
        text = " ".join(changes)
        if statement is None:
            text = (" __attribute__((constructor)) static void"
                    f" mutate_{node.spelling}(void) {{ {text} }}")
        self.after.setdefault(end, []).append(text)

    def rows(self, node, kind, place, changes):
        children = list(node.get_children())
        kind = kind.get_canonical()
        fields = list(kind.get_fields()) if kind.kind == TypeKind.RECORD \
            else None
        for i, child in enumerate(children):
            here = f"{place}.{fields[i].spelling}" if fields else \
                f"{place}[{i}]"
            inner = fields[i].type if fields else kind.element_type
            if child.kind == K.INIT_LIST_EXPR:
                self.rows(child, inner, here, changes)
                continue
            row = self.snippet(self.source(node))
            for other in self.constant(child):
                asked = self.add(child, f"`{self.source(child)}` to "
                                        f"`{other}` in `{row}`")
                changes.append(f"if ({asked}) {here} = {other};")

    # ---- the whole ----------------------------------------------------------

    def run(self):
        for node in self.unit.cursor.get_children():
            if not self.is_here(node):
                continue
            if node.kind == K.VAR_DECL:
                self.table(node, None)
            if node.kind != K.FUNCTION_DECL or not node.is_definition():
                continue
            self.function = node.spelling
            self.returns = node.result_type.spelling
            if self.returns in ("_Bool", "bool"):
                self.returns = "bool"
            for child in node.get_children():
                if child.kind == K.COMPOUND_STMT:
                    self.statement(child, None)
            self.function = ""
        return self.written()

    def written(self):
        out = []
        at = 0
        places = sorted({*self.before, *self.after, *self.instead})
        for place in places:
            if place < at:
                continue
            out.append(self.text[at:place].decode())
            at = place
            out.extend(reversed(self.after.get(place, [])))
            out.extend(self.before.get(place, []))
            if place in self.instead:
                length, text = self.instead[place]
                out.append(text)
                at += length
        out.append(self.text[at:].decode())
        return "".join(out)


def mutate(path, name, arguments, first):
    """The text of a file with its mutants, and these; numbered from first."""
    rewriter = Rewriter(path, name, arguments, first)
    return rewriter.run(), rewriter.mutants
