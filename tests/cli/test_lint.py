#!/usr/bin/python3
"""The rules of the house that a program can check: who includes whom, what is
never called, what is exported, how what was built is hardened.
"""

import json
import os
import pathlib
import platform
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
# The module and what it stands on read no environment, make no process, leave
# their host as it is, and call nothing that is unsafe when two threads do.
BANNED_IN_HOST = ("getenv", "secure_getenv", "setenv", "putenv", "unsetenv",
                  "clearenv", "fork", "vfork", "pthread_create", "sleep",
                  "usleep", "setlocale", "openlog", "syslog", "signal",
                  "sigaction", "umask", "chdir", "fchdir", "exit", "_exit",
                  "abort", "dlopen", "dlerror", "getpwnam", "getpwuid",
                  "getgrnam", "getgrgid", "getspnam", "getlogin", "ttyname",
                  "localtime", "gmtime", "ctime", "asctime", "inet_ntoa",
                  "gethostbyname", "rand", "srand", "random", "crypt")

# Folder to the folders that it may include besides its own, by the name that
# stands in the include line; <firstops/...> is open to all.
LAYERS = {
    "sdk/include/firstops": set(),
    "sdk/base": set(),
    "sdk/src": {"base"},
    "sdk/host": {"base"},
    "sdk/node": set(),
    "pam_firstops": {"base", "host"},
    "tools/fo": {"base", "host"},
    "tools/askpass": {"base"},
    "tools/firstopsd": {"base", "host", "src"},
    # the protocol, and proofs composed of what it brings
    "tools/signer": {"base", "host", "src"},
    "tools/sudo": {"base", "host"},
}

# Foreign header to the files, or folders, that alone may include it.
OWNERS = {
    r"jansson\.h": {"tools/fo/json.c", "tools/fo/settings.c"},
    r"yaml\.h": {"sdk/host/node.c"},
    r"node_api\.h": {"sdk/node/addon.c"},
    r"security/.*": {"pam_firstops", "tools/firstopsd/login.c"},
    r"sudo_plugin\.h": {"tools/sudo/plugin.c"},
    r"openssl/.*": {"sdk/src", "sdk/base/program.c",
                    "sdk/base/sha256.c", "sdk/node/addon.c",
                    "tools/signer/ring.c", "tools/signer/sandbox.c",
                    "tools/firstopsd/ticket.c"},
    r"seccomp\.h": {"tools/signer/sandbox.c"},
}

# What our code calls and no fuzz target can make fail (tests/fuzz/faults.c):
# it never does, or only for arguments that we do not give, or what it answers
# is no failure. libyaml fails by its memory, libpam has a stand-in.
NEVER_FAILS = set("""
    _exit bcmp closedir dirfd dirname explicit_bzero free freelocale getegid
    getenv geteuid
    getpid getuid inet_pton memchr memcmp memcpy memmem memmove memrchr memset
    qsort rewinddir secure_getenv sigaddset sigemptyset sigismember snprintf
    strcasecmp strchr strchrnul strcmp strcspn strerror strerrordesc_np strlen
    strncasecmp strncmp strnlen strpbrk strrchr strspn strstr strtod_l strtol
    strtoul strtoull tdelete tdestroy tfind time vsnprintf
    BN_CTX_free BN_CTX_start BN_clear_free BN_cmp BN_free BN_is_negative
    BN_is_zero BN_set_flags BN_ucmp CRYPTO_clear_free CRYPTO_memcmp
    ECDSA_SIG_free ECDSA_SIG_get0_r ECDSA_SIG_get0_s EC_GROUP_free
    EC_GROUP_get0_order EC_GROUP_get_mont_data EC_POINT_free
    EC_POINT_is_at_infinity ERR_pop_to_mark
    ERR_set_mark EVP_DecodeBlock EVP_EncodeBlock EVP_PKEY_CTX_free
    EVP_PKEY_free EVP_PKEY_get0_type_name EVP_sha256 OPENSSL_init_crypto
    OSSL_DECODER_CTX_free OSSL_ENCODER_CTX_free OSSL_LIB_CTX_free
    OSSL_PARAM_construct_BN OSSL_PARAM_construct_end
    OSSL_PARAM_construct_utf8_string OSSL_PARAM_modified
""".split())


# ---- reading the tree -------------------------------------------------------

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


def includes(text):
    """(line, '<' or '"', header) of each include line."""
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if match:
            yield number, match[1], match[2]


def compiled(flags, text, folder, name):
    """A file that gcc makes of C text."""
    if not shutil.which("gcc"):
        tap.skip("gcc is not installed")
    path = pathlib.Path(folder, name)
    subprocess.run(["gcc", "-w", "-x", "c", *flags, "-o", path, "-"],
                   input=text, text=True, check=True, stderr=subprocess.PIPE)
    return path


def none(problems):
    assert not problems, "\n" + "\n".join(problems)


# ---- the tree ---------------------------------------------------------------

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


def macros_that_return(text):
    return [match[0].splitlines()[0] for match in re.finditer(
        r"^[ \t]*#[ \t]*define(?:\\\n|[^\n])*", text, re.M)
        if re.search(r"\b(return|goto)\b", match[0])]


def test_no_macro_returns():
    none([f"{n}: {macro}" for n in sources()
          for macro in macros_that_return(read(n))])


def test_nothing_is_left_to_be_done():
    words = "|".join(("TO" "DO", "FIX" "ME", "X" "XX"))
    none([f"{n}: {word}" for n in tracked() if not n.endswith(".md")
          and "vectors/" not in n
          for word in re.findall(rf"\b(?:{words})\b",
                                 (TOP / n).read_text(errors="replace"))])


def long_lines(text):
    return [number for number, line in enumerate(text.splitlines(), 1)
            if len(line.rstrip().expandtabs(8)) > 80]


def test_lines_of_code_fit_in_80_columns():
    none([f"{n}:{number}" for n in sources()
          for number in long_lines(read(n, True))])


def test_lines_of_scripts_fit_in_80_columns():
    none([f"{n}:{number}" for n in scripts(rb"python3", ".py") + shell()
          for number in long_lines((TOP / n).read_text())])


def wrong_layers(name, text):
    """The include lines that lead up or aside."""
    folder = os.path.dirname(name)
    if folder not in LAYERS:
        return [f"{name}: {folder} has no place in the layers"]
    problems = []
    for line, kind, header in includes(text):
        if kind == '"' and "/" in header:
            if header.split("/")[0] not in LAYERS[folder]:
                problems.append(f"{name}:{line}: {header}")
        elif kind == '"' and not (TOP / folder / header).is_file():
            problems.append(f"{name}:{line}: {header} is not here")
    return problems


def test_folders_include_only_what_stands_below_them():
    none([p for n in sources() for p in wrong_layers(n, read(n, True))])


def wrong_owners(name, text):
    """The include lines of foreign headers that are another file's."""
    return [f"{name}:{line}: <{header}>"
            for line, kind, header in includes(text)
            for pattern, owners in OWNERS.items()
            if kind == "<" and re.fullmatch(pattern, header)
            and not owners & {name, os.path.dirname(name)}]


def test_each_foreign_header_has_one_owner():
    none([p for n in sources() for p in wrong_owners(n, read(n, True))])


def scripts(language, suffix):
    """Files of a language, by what their name or their first line says."""
    found = []
    for name in tracked():
        with open(TOP / name, "rb") as file:
            first = file.readline(80)
        if name.endswith(suffix) \
                or re.match(rb"#!.*\b" + language + rb"\b", first):
            found.append(name)
    return found


def shell():
    return scripts(rb"(ba|da)?sh", ".sh")


def complaints(*argv):
    """What a program that reads files has to say about them."""
    if not shutil.which(argv[0]):
        tap.skip(f"{argv[0]} is not installed")
    done = subprocess.run(argv, cwd=TOP, text=True, capture_output=True)
    assert done.returncode in (0, 1), done.stderr
    assert (done.returncode == 0) == (done.stdout == ""), done
    return done.stdout


def test_shell_scripts_pass_shellcheck():
    assert "tests/run" in shell(), shell()
    none(complaints("shellcheck", *shell()).splitlines())


def test_python_programs_pass_pyflakes():
    programs = scripts(rb"python3", ".py")
    assert "tests/cli/test_lint.py" in programs, programs
    none(complaints("pyflakes3", *programs).splitlines())


def pages():
    return [n for n in tracked() if re.search(r"\.[1-8]$", n)
            and not n.startswith("tests/")]


def mandoc_says(*paths):
    """What mandoc finds in pages of the manual, but that it does not have
    the other pages at hand that they refer to."""
    if not shutil.which("mandoc"):
        tap.skip("mandoc is not installed")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "style", *paths],
                          cwd=TOP, text=True, capture_output=True)
    return [line for line in (done.stdout + done.stderr).splitlines()
            if "referenced manual not found" not in line
            and "outdated mandoc.db" not in line]


def strangers(name, text):
    """References to pages of ours that are not there."""
    there = {os.path.basename(n) for n in pages()}
    return [f"{name}: {page}({number})" for page, number in re.findall(
        r"^\.Xr ((?:pam_)?firstops\S*) (\d)", text, re.M)
        if f"{page}.{number}" not in there]


def test_pages_of_the_manual_pass_mandoc_without_a_word():
    assert len(pages()) >= 4, pages()
    none(mandoc_says(*pages()))


def test_pages_of_the_manual_refer_to_pages_that_are_there():
    none([s for n in pages() for s in strangers(n, (TOP / n).read_text())])


# ---- the public headers -----------------------------------------------------

def public_headers():
    found = sorted((TOP / "sdk/include/firstops").glob("*.h"))
    assert found
    return found


def errors_in(compiler, language, text):
    if not shutil.which(compiler):
        tap.skip(f"{compiler} is not installed")
    done = subprocess.run(
        [compiler, *language, "-pedantic-errors", "-Wall", "-Wextra",
         "-Werror", "-fsyntax-only", f"-I{TOP}/sdk/include", "-"],
        input=text, text=True, capture_output=True)
    return "" if done.returncode == 0 else done.stderr + "!"


def compile_alone(compiler, language):
    problems = {h.name: errors_in(compiler, language,
                                  f"#include <firstops/{h.name}>\n")
                for h in public_headers()}
    none([f"{name}:\n{text}" for name, text in problems.items() if text])


def test_the_readme_has_the_table_of_services_that_the_tests_make():
    none(complaints(sys.executable, "-B", TOP / "tests/support/services.py",
                    "--check").splitlines())


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


# ---- what was built ---------------------------------------------------------

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
    """What the linker finds; files of versions before may lie beside it."""
    if not BUILD.is_dir():
        tap.skip(f"{BUILD} is not built")
    return (BUILD / "sdk" / "libfirstops.so").resolve(strict=True)


def programs():
    return [built("fo"), built("fo-askpass"), built("fo-signer")]


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


def test_sudos_plugin_exports_what_sudo_looks_for():
    names = exported(built("sudo_firstops.so"))
    assert names == {"sudo_firstops"}, names


def test_the_library_needs_openssl_only():
    assert needed(library()) <= {"libcrypto", "libc"}, \
        needed(library())


def test_the_module_needs_no_shared_libfirstops():
    names = needed(built("pam_firstops.so"))
    assert names <= {"libcrypto", "libyaml-0", "libpam", "libc"}, names


def test_sudos_plugin_needs_next_to_nothing():
    """People wait for it to be loaded."""
    names = needed(built("sudo_firstops.so"))
    assert names <= {"libyaml-0", "libc"}, names


def test_the_programs_need_no_shared_libfirstops():
    for path in programs():
        names = needed(path)
        more = {"fo": {"libjansson", "libyaml-0", "libz", "libsystemd"},
                "fo-signer": {"libseccomp"}}
        assert names <= {"libcrypto", "libc"} | more.get(
            path.name, set()), (path, names)


def imported(path):
    """Undefined dynamic symbols, without versions."""
    return {line.split()[-1].split("@")[0] for line in
            output("nm", "-D", "--undefined-only", path).splitlines()}


def test_the_module_imports_nothing_that_it_must_not_call():
    names = imported(built("pam_firstops.so"))
    assert "pam_get_item" in names, names
    assert not names & {*BANNED, *BANNED_IN_HOST}


def soft_spots(path):
    """What is missing of a binary's armour."""
    header = output("readelf", "-hW", path)
    segments = output("readelf", "-lW", path)
    dynamic = output("readelf", "-dW", path)
    names = imported(path)
    stack = re.search(r"GNU_STACK.*", segments)
    return [what for what, missing in (
        ("not position independent", "DYN" not in header),
        ("no relro", "GNU_RELRO" not in segments),
        ("bound late", not re.search(r"\bNOW\b", dynamic)),
        ("executable stack", not stack or "RWE" in stack[0]),
        ("writable code", bool(re.search(r"LOAD.*\bRWE\b", segments))),
        ("text relocations", "TEXTREL" in dynamic),
        ("run path", bool(re.search(r"RPATH|RUNPATH", dynamic))),
        ("no stack protector", "__stack_chk_fail" not in names),
        ("not fortified", not any(re.fullmatch(r"__\w+_chk", n)
                                  for n in names)),
    ) if missing]


def is_debug():
    """Without optimisation there is no _FORTIFY_SOURCE."""
    cache = (built("CMakeCache.txt")).read_text()
    return "CMAKE_BUILD_TYPE:STRING=Debug\n" in cache


def test_what_was_built_is_hardened():
    allowed = {"not fortified"} if is_debug() else set()
    none([f"{path.name}: {what}"
          for path in [library(), built("pam_firstops.so"),
                       built("sudo_firstops.so"), *programs()]
          for what in soft_spots(path) if what not in allowed])


def is_x86():
    return platform.machine() in ("x86_64", "i686")


def bare_objects(paths):
    """Object files without the marks for indirect branches (IBT) and shadow
    stacks (SHSTK). The linker keeps the marks where the C library's own
    start-up objects have them, too."""
    return [str(path) for path in paths if not re.search(
        "x86 feature: IBT, SHSTK", output("readelf", "-nW", path))]


def objects():
    found = [p for p in BUILD.rglob("*.o")
             if p.relative_to(BUILD).parts[0] in OURS]
    if not found:
        tap.skip(f"{BUILD} has no object files")
    return found


def test_every_object_is_marked_for_branch_protection():
    if not is_x86():
        tap.skip("only x86 has it")
    none(bare_objects(objects()))


def unarmed(commands):
    """Compile commands of ours without the flags that harden."""
    want = {"-fstack-protector-strong", "-fstack-clash-protection",
            "-fvisibility=hidden"}
    if is_x86():
        want.add("-fcf-protection")
    if not is_debug():
        want.add("-D_FORTIFY_SOURCE=3")
    problems = []
    for entry in commands:
        name = os.path.relpath(entry["file"], TOP)
        flags = set(entry["command"].split())
        if name.split("/")[0] in OURS and (
                want - flags or not flags & {"-fPIC", "-fPIE"}):
            problems.append(f"{name}: {want - flags}")
    return problems


def test_every_file_is_compiled_with_the_flags_that_harden():
    commands = json.loads(built("compile_commands.json").read_text())
    assert len(commands) >= len([n for n in sources() if n.endswith(".c")])
    none(unarmed(commands))


def unresolved(paths):
    """What objects call and none of them defines, by the name in the source:
    the C library's fortified and versioned ones have others. What begins with
    "__" is the compiler's business."""
    called, defined = set(), set()
    for line in output("nm", "-A", *paths).splitlines():
        kind, name = line.split()[-2:]
        name = re.sub(r"^__(?:isoc\d+_)?(\w+?)(?:_chk)?$",
                      lambda m: m[1] if m[0] != f"__{m[1]}" else m[0], name)
        (called if kind == "U" else defined).add(name)
    return {n for n in called - defined if not n.startswith(("__", "_GL"))}


def fuzzed_objects():
    """Objects of the code that fuzz targets run, which have no devices and
    ask no signer."""
    return [p for p in objects() if re.search(
        r"^(?:sdk/(?!node/|.*/(?:key_device|key_engine|signer|frame)\.)|"
        r"pam_firstops/|"
        r"tools/askpass/.*_parts|"
        r"tools/signer/.*_parts.*/(?:requests|ring)\.|"
        r"tools/fo/.*/(?:targets|file)\.)", str(p.relative_to(BUILD)))]


def never_failed(names):
    """Names that fuzz targets neither make fail nor need to."""
    text = (TOP / "tests/fuzz/fuzz.cmake").read_text()
    wrapped = set(re.search(r"FUZZ_WRAPPED\s([^)]*)\)", text)[1].split())
    assert "malloc" in wrapped, wrapped
    assert not wrapped & NEVER_FAILS, wrapped & NEVER_FAILS
    return sorted(n for n in names - wrapped - NEVER_FAILS
                  if not n.startswith(("pam_", "yaml_", "fo_device_",
                                       "fo_signer_")))


def test_fuzz_targets_make_each_call_fail_that_can():
    none(never_failed(unresolved(fuzzed_objects())))


# ---- the lint itself --------------------------------------------------------

def test_each_fuzz_target_has_words_and_files_to_count():
    text = (TOP / "tests/support/fuzz.py").read_text()
    counted = set(re.findall(r'^    "(\w+)": \("\w+", ', text, re.M))
    seeds = {p.name for p in (TOP / "tests/fuzz/corpus").iterdir()}
    assert counted == seeds, counted ^ seeds


def test_the_lint_sees_a_banned_call_but_not_a_comment_about_one():
    text = '/* strcpy(a) */\nputs("strcpy(b)"); // gets(c)\nstrcpy (d, e);\n'
    assert list(calls(without_comments(text), BANNED)) == [(3, "strcpy")]


def test_the_lint_takes_a_longer_name_for_what_it_is():
    text = "my_system(1); fsprintf(x); snprintf(y);\n"
    assert not list(calls(text, BANNED))


def test_the_lint_sees_macros_that_return_and_lines_that_are_long():
    assert macros_that_return("#define A(x) do { \\\n\treturn x; } \\\n\t"
                              "while (0)\n")
    assert not macros_that_return("#define A(x) (x)\n\treturn;\n")
    assert long_lines("\t" * 10 + "x\n") == [1]
    assert not long_lines("x" * 80 + "\n")


def test_the_lint_sees_includes_that_lead_up_and_headers_of_others():
    assert wrong_layers("sdk/src/jwk.c", '#include "host/store.h"\n')
    assert wrong_layers("sdk/src/jwk.c", '#include "nowhere.h"\n')
    assert wrong_layers("sdk/odd/jwk.c", "")
    assert not wrong_layers("sdk/src/jwk.c", '#include "base/wipe.h"\n')
    assert wrong_owners("sdk/host/decide.c", "#include <yaml.h>\n")
    assert not wrong_owners("sdk/host/node.c", "#include <yaml.h>\n")


def test_the_lint_hears_what_shellcheck_pyflakes_and_compilers_say():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "script")
        path.write_text("#!/bin/sh\nrm $1\n")
        assert "SC2086" in complaints("shellcheck", path)
        path.write_text("print(nobody)\n")
        assert "undefined name" in complaints("pyflakes3", path)
    assert errors_in("gcc", ["-x", "c", "-std=c17"], "static int f(void);\n")


def test_the_lint_hears_what_mandoc_says_and_sees_a_page_that_is_missing():
    good = (TOP / "sdk/man/firstops.yaml.5").read_text()
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "page.5")
        for bad in (good.replace(".El\n", "", 1), good + ".Sh\n",
                    good.replace("Required.\n", "Required. And so on.\n", 1)):
            assert bad != good
            path.write_text(bad)
            assert mandoc_says(path), bad
    assert strangers("a page", ".Xr firstops-nothing 5 ,\n")
    assert not strangers("a page", ".Xr firstops.yaml 5 ,\n.Xr sudo 8\n")


SOFT = """
char *getenv(const char *);
int extra(void);
__asm__(".data\\nd: .text\\n.quad d\\n");
int extra(void) { return *getenv("A"); }
"""


def test_the_lint_sees_what_a_soft_binary_lacks_exports_and_imports():
    bare = ["-O0", "-fno-stack-protector", "-nostdlib"]
    with tempfile.TemporaryDirectory() as folder:
        shared = compiled(
            [*bare, "-shared", "-fPIC", "-Wl,-z,norelro,-z,lazy,-z,execstack,"
             "-z,notext,-rpath,/x"], SOFT, folder, "soft.so")
        program = compiled(
            [*bare, "-no-pie", "-Wl,-N,-e,extra"],
            "int extra(void) { return 0; }", folder, "soft")
        assert set(soft_spots(shared)) == {
            "no relro", "bound late", "executable stack", "text relocations",
            "run path", "no stack protector", "not fortified"}
        assert {"not position independent", "writable code"} <= \
            set(soft_spots(program))
        assert exported(shared) == {"extra"}
        assert imported(shared) == {"getenv"}


def test_the_lint_sees_an_object_and_a_command_without_protection():
    with tempfile.TemporaryDirectory() as folder:
        if is_x86():
            path = compiled(["-c", "-fcf-protection=none"], "int x;",
                            folder, "bare.o")
            assert bare_objects([path])
    commands = json.loads(built("compile_commands.json").read_text())
    entry = next(e for e in commands if e["file"].endswith("/decide.c"))
    bad = entry["command"].replace("-fstack-clash-protection", "")
    assert unarmed([dict(entry, command=bad)])


def test_the_lint_sees_a_call_that_no_fuzz_target_makes_fail():
    text = """int puts(const char *); int mine(void); int fsync(int);
        int __read_chk(int); int __isoc23_strtol(int); int __gcov_exit(int);
        int mine(void) { return puts("") + fsync(1) + __read_chk(1) +
            __isoc23_strtol(1) + __gcov_exit(1); }
        int other(void); int other(void) { return mine(); }"""
    with tempfile.TemporaryDirectory() as folder:
        path = compiled(["-c", "-fno-builtin", "-fno-pic"], text, folder,
                        "calls.o")
        names = unresolved([path])
    assert names == {"puts", "fsync", "read", "strtol"}, names
    assert never_failed(names) == ["puts"]


if __name__ == "__main__":
    tap.main()
