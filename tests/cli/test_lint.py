#!/usr/bin/python3
"""The rules of the house that a program can check: who includes whom, what is
never called, what is exported, how what was built is hardened.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import tap

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("FIRSTOPS_BUILD", TOP / "build" / "dev"))

OURS = ("pam_firstops", "sdk", "tools")

BANNED = ("sscanf", "atoi", "atol", "atoll", "strtok", "strtok_r", "strncpy",
          "sprintf", "vsprintf", "strcat", "strcpy", "gets", "alloca",
          "system", "popen")
# The module and what it stands on read no environment, and make no process.
BANNED_IN_HOST = ("getenv", "secure_getenv", "setenv", "putenv", "unsetenv",
                  "clearenv", "fork", "vfork", "pthread_create", "sleep",
                  "usleep", "setlocale", "openlog", "syslog", "signal")

# Folder to the folders that it may include besides its own, by the name that
# stands in the include line; <firstops/...> is open to all.
LAYERS = {
    "sdk/include/firstops": set(),
    "sdk/base": set(),
    "sdk/src": {"base"},
    "sdk/host": {"base"},
    "pam_firstops": {"base", "host"},
    "tools/fo": {"base", "host"},
    "tools/askpass": {"base"},
}

# Foreign header to the files, or folders, that alone may include it.
OWNERS = {
    r"jansson\.h": {"tools/fo/json.c"},
    r"yaml\.h": {"sdk/host/node.c"},
    r"security/.*": {"pam_firstops"},
    r"openssl/.*": {"sdk/src", "sdk/base/program.c", "sdk/base/wipe.c"},
}


# ---- reading the tree -----------------------------------------------------------

def tracked():
    """All files of the tree: what git knows, or without git what is there."""
    done = subprocess.run(["git", "-c", f"safe.directory={TOP}", "-C", TOP,
                           "ls-files", "-co", "--exclude-standard"],
                          capture_output=True, text=True)
    if done.returncode == 0:
        names = [n for n in done.stdout.splitlines() if (TOP / n).is_file()]
    else:
        names = [str(p.relative_to(TOP)) for p in TOP.rglob("*")
                 if p.is_file() and not p.relative_to(TOP).parts[0]
                 in ("build", ".git")]
    assert len(names) > 20, f"only {len(names)} files found in {TOP}"
    return sorted(names)


def sources():
    return [n for n in tracked()
            if n.endswith((".c", ".h")) and n.split("/")[0] in OURS]


def without_comments(text, strings=False):
    """C text with comments blanked (and strings, unless they are wanted),
    line numbers kept."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def blank(match):
        if match[0][0] in "\"'":
            return match[0] if strings else match[0][0] * 2
        return "\n" * match[0].count("\n")
    return re.sub(pattern, blank, text, flags=re.S)


def read(name, strings=False):
    return without_comments((TOP / name).read_text(), strings)


def calls(text, names):
    """(line, name) of each call of one of the names."""
    pattern = re.compile(r"\b(" + "|".join(names) + r")\s*\(")
    for number, line in enumerate(text.splitlines(), 1):
        for match in pattern.finditer(line):
            yield number, match[1]


def includes(name):
    """(line, '<' or '"', header) of each include line."""
    for number, line in enumerate(read(name, True).splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match[1], match[2]


def none(problems):
    assert not problems, "\n" + "\n".join(problems)


# ---- the tree -------------------------------------------------------------------

def test_the_top_folders_are_those_of_the_house():
    folders = {n.split("/")[0] for n in tracked() if "/" in n}
    want = {"pam_firstops", "sdk", "tools", "etc", "tests", "packaging"}
    assert {f for f in folders if not f.startswith(".")} == want, folders


def test_no_function_is_called_that_is_banned():
    none([f"{n}:{line}: {word}" for n in sources()
          for line, word in calls(read(n), BANNED)])


def test_the_module_reads_no_environment_and_makes_no_process():
    none([f"{n}:{line}: {word}" for n in sources()
          if n.startswith(("pam_firstops/", "sdk/host/", "sdk/base/"))
          for line, word in calls(read(n), BANNED_IN_HOST)])


def test_no_macro_returns():
    none([f"{n}: {match[0].splitlines()[0]}" for n in sources()
          for match in re.finditer(
              r"^[ \t]*#[ \t]*define[^\n]*(?:\\\n[^\n]*)*", read(n), re.M)
          if re.search(r"\b(return|goto)\b", match[0])])


def test_nothing_is_left_to_be_done():
    words = "|".join(("TO" "DO", "FIX" "ME", "X" "XX"))
    none([f"{n}: {word}" for n in tracked() if not n.endswith(".md")
          and "vectors/" not in n
          for word in re.findall(rf"\b(?:{words})\b",
                                 (TOP / n).read_text(errors="replace"))])


def test_lines_of_code_fit_in_80_columns():
    none([f"{n}:{number}" for n in sources()
          for number, line in enumerate(read(n, True).splitlines(), 1)
          if len(line.rstrip().expandtabs(8)) > 80])


def test_folders_include_only_what_stands_below_them():
    problems = []
    for name in sources():
        folder = os.path.dirname(name)
        if folder not in LAYERS:
            problems.append(f"{name}: {folder} has no place in the layers")
            continue
        for line, kind, header in includes(name):
            if kind == '"' and "/" in header:
                if header.split("/")[0] not in LAYERS[folder]:
                    problems.append(f"{name}:{line}: {header}")
            elif kind == '"' and not (TOP / folder / header).is_file():
                problems.append(f"{name}:{line}: {header} is not here")
    none(problems)


def test_each_foreign_header_has_one_owner():
    problems = []
    for name in sources():
        for line, kind, header in includes(name):
            for pattern, owners in OWNERS.items():
                if kind == "<" and re.fullmatch(pattern, header) \
                        and not owners & {name, os.path.dirname(name)}:
                    problems.append(f"{name}:{line}: <{header}>")
    none(problems)


def test_shell_scripts_pass_shellcheck():
    if not shutil.which("shellcheck"):
        tap.skip("shellcheck is not installed")
    scripts = []
    for name in tracked():
        with open(TOP / name, "rb") as file:
            first = file.readline(80)
        if name.endswith(".sh") or re.match(rb"#!.*\b(ba|da)?sh\b", first):
            scripts.append(name)
    assert "tests/run" in scripts, scripts
    done = subprocess.run(["shellcheck", *scripts], cwd=TOP, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stdout + done.stderr


# ---- the public headers -----------------------------------------------------------

def public_headers():
    found = sorted((TOP / "sdk/include/firstops").glob("*.h"))
    assert found
    return found


def compile_alone(compiler, language):
    if not shutil.which(compiler):
        tap.skip(f"{compiler} is not installed")
    problems = []
    for header in public_headers():
        done = subprocess.run(
            [compiler, *language, "-pedantic-errors", "-Wall", "-Wextra",
             "-Werror", "-fsyntax-only", f"-I{TOP}/sdk/include", "-"],
            input=f"#include <firstops/{header.name}>\n",
            text=True, capture_output=True)
        if done.returncode != 0:
            problems.append(f"{header.name}:\n{done.stderr}")
    none(problems)


def test_each_public_header_compiles_alone_as_c17():
    compile_alone("gcc", ["-x", "c", "-std=c17"])


def test_each_public_header_compiles_alone_as_c_plus_plus_17():
    compile_alone("g++", ["-x", "c++", "-std=c++17"])


def test_the_symbol_map_lists_what_the_headers_declare():
    declared = set()
    for header in public_headers():
        text = without_comments(header.read_text())
        for match in re.finditer(r"\bFO_API\b([^;{]*?)\b(fo_\w+)\s*\(",
                                 text):
            declared.add(match[2])
    assert declared == map_names("sdk/libfirstops.map"), \
        declared ^ map_names("sdk/libfirstops.map")


# ---- what was built -----------------------------------------------------------------

def map_names(name):
    """The symbols of a version script; it has to end in local: *."""
    text = read(name)
    text = re.sub(r"^\s*#.*$", "", text, flags=re.M)
    assert re.search(r"local:\s*\*;\s*\}\s*;\s*$", text), \
        f"{name}: everything else has to be local"
    listed = re.search(r"global:(.*?)local:", text, re.S)[1]
    return set(re.findall(r"\w+", listed))


def built(name):
    """The one file of that name in the build folder."""
    if not BUILD.is_dir():
        tap.skip(f"{BUILD} is not built")
    found = [p for p in BUILD.rglob(name)
             if p.is_file() and not p.is_symlink()
             and "CMakeFiles" not in p.parts]
    assert len(found) == 1, f"{name}: {found}"
    return found[0]


def output(*argv):
    if not shutil.which(argv[0]):
        tap.skip(f"{argv[0]} is not installed")
    return subprocess.run(argv, text=True, check=True,
                          capture_output=True).stdout


def exported(path):
    """Defined dynamic symbols, without versions and version nodes."""
    found = set()
    for line in output("nm", "-D", "--defined-only", path).splitlines():
        kind, name = line.split()[-2:]
        if kind != "A":
            found.add(name.split("@")[0])
    return found


def needed(path):
    """DT_NEEDED without the numbers of the versions."""
    text = output("readelf", "-dW", path)
    return {re.sub(r"\.so.*", "", n)
            for n in re.findall(r"NEEDED.*\[(.*?)\]", text)}


def library():
    return built("libfirstops.so.[0-9]*.[0-9]*.[0-9]*")


def programs():
    return [built("fo"), built("fo-askpass")]


def test_the_library_exports_its_map_and_nothing_else():
    names = exported(library())
    assert names == map_names("sdk/libfirstops.map"), \
        names ^ map_names("sdk/libfirstops.map")


def test_the_module_exports_six_functions_of_pam_at_most():
    names = exported(built("pam_firstops.so"))
    assert names == map_names("pam_firstops/pam_firstops.map"), names
    assert names <= {"pam_sm_authenticate", "pam_sm_setcred",
                     "pam_sm_acct_mgmt", "pam_sm_open_session",
                     "pam_sm_close_session", "pam_sm_chauthtok"}, names


def test_the_library_needs_openssl_only():
    assert needed(library()) <= {"libcrypto", "libc"}, \
        needed(library())


def test_the_module_needs_no_shared_libfirstops():
    names = needed(built("pam_firstops.so"))
    assert names <= {"libcrypto", "libyaml-0", "libpam", "libc"}, names


def test_the_programs_need_no_shared_libfirstops():
    for path in programs():
        names = needed(path)
        assert names <= {"libcrypto", "libjansson", "libyaml-0", "libc"}, \
            (path, names)


def test_what_was_built_is_hardened():
    problems = []
    for path in [library(), built("pam_firstops.so"), *programs()]:
        segments = output("readelf", "-lW", path)
        dynamic = output("readelf", "-dW", path)
        if "GNU_RELRO" not in segments:
            problems.append(f"{path.name}: no relro")
        if not re.search(r"BIND_NOW|\bNOW\b", dynamic):
            problems.append(f"{path.name}: not bound at start (-z now)")
        stack = re.search(r"GNU_STACK.*", segments)
        if not stack or re.search(r"\bRWE\b", stack[0]):
            problems.append(f"{path.name}: the stack is executable")
        if re.search(r"LOAD.*\bRWE\b", segments):
            problems.append(f"{path.name}: memory writable and executable")
        if re.search(r"TEXTREL|RPATH|RUNPATH", dynamic):
            problems.append(f"{path.name}: text relocations or a run path")
        if "__stack_chk_fail" not in output("nm", "-D", path):
            problems.append(f"{path.name}: no stack protector")
    for path in programs():
        if "DYN" not in output("readelf", "-hW", path):
            problems.append(f"{path.name}: not position independent")
    none(problems)


# ---- the lint itself ----------------------------------------------------------------

def test_the_lint_sees_a_banned_call_but_not_a_comment_about_one():
    text = '/* strcpy(a) */\nputs("strcpy(b)"); // gets(c)\nstrcpy (d, e);\n'
    assert list(calls(without_comments(text), BANNED)) == [(3, "strcpy")]


def test_the_lint_takes_a_longer_name_for_what_it_is():
    text = "my_system(1); fsprintf(x); snprintf(y);\n"
    assert not list(calls(text, BANNED))


if __name__ == "__main__":
    tap.main()
