#!/usr/bin/python3
"""libfirstops as others use it: found by CMake and pkg-config, documented
function by function with examples that compile and run, the same for a program
that was linked with an older one, and safe in threads.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "tests" / "cli"), str(TOP / "tests" / "support")]
import tap  # noqa: E402
from test_install import BUILD, Installed, cache, good, run  # noqa: E402

SDK = TOP / "sdk"
FO = BUILD.resolve() / "tools" / "fo" / "fo"
LIBRARY = BUILD.resolve() / "sdk" / "libfirstops.so.1"
BASELINE = TOP / "packaging" / "abi" / "libfirstops.so.1.xml"
STRICT = ("-std=c17", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror")
RPATH = f"-Wl,-rpath,{LIBRARY.parent}"


def exported():
    text = (SDK / "libfirstops.map").read_text()
    return set(re.findall(r"^\t(fo_\w+);$", text, re.M))


def pages():
    return sorted((SDK / "man").glob("*.3"))


def names_of(page):
    """The functions that a page is about."""
    head = page.read_text().partition(".Sh LIBRARY")[0]
    return re.findall(r"^\.Nm (fo_\w+)", head, re.M)


def example(page):
    """Its program, as a reader of the page sees it."""
    text = page.read_text().partition(".Sh EXAMPLES")[2]
    found = re.search(r"\.Bd -literal\n(.*?)\.Ed\n", text, re.S)
    assert found, f"{page.name} has no example"
    return found[1].replace("\\e", "\\").replace("\\&", "")


class Folder(tempfile.TemporaryDirectory):
    def __enter__(self):
        return pathlib.Path(super().__enter__())


class Signer:
    """A new key, which a signer below a folder holds as well."""

    def __init__(self, folder):
        self.folder, self.key = folder, folder / "key.pem"

    def __enter__(self):
        good(FO, "key", "generate", "--out", self.key)
        self.process = subprocess.Popen(
            [FO.parent.parent / "signer/fo-signer", "--load", self.key],
            env={**os.environ, "XDG_RUNTIME_DIR": str(self.folder)},
            stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while not (self.folder / "firstops/signer.sock").exists():
            assert time.monotonic() < deadline, "no signer"
            time.sleep(0.01)
        return self.key

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def compiled(folder, name, text):
    """A program of somebody else's."""
    source = folder / f"{name}.c"
    source.write_text(text)
    good("cc", *STRICT, f"-I{SDK / 'include'}", "-o", folder / name, source,
         f"-L{LIBRARY.parent}", "-lfirstops", RPATH)
    return folder / name


# ---- the manual -------------------------------------------------------------

def test_each_function_has_a_page():
    told = [name for page in pages() for name in names_of(page)]
    assert sorted(told) == sorted(exported()), set(told) ^ exported()
    for page in pages():
        assert names_of(page)[0] == page.stem, page.name


def test_each_page_has_the_functions_as_the_headers_declare_them():
    headers = "".join(p.read_text() for p in
                      (SDK / "include/firstops").glob("*.h"))
    headers = re.sub(r"/\*.*?\*/", "", headers, flags=re.S)
    for page in pages():
        synopsis = re.search(r"^\.Sh SYNOPSIS\n(.*?)^\.Sh ", page.read_text(),
                             re.S | re.M)[1]
        for name in names_of(page):
            declared = re.search(rf"\b{name}\(([^;]*)\);", headers)[1]
            want = [" ".join(a.split()) for a in declared.split(",")]
            block = re.search(rf"^\.Fo {name}\n(.*?)\.Fc", synopsis,
                              re.S | re.M)
            line = re.search(rf"^\.Fn {name} (.*)$", synopsis, re.M)
            have = re.findall(r'"([^"]*)"|(\bvoid)\b',
                              block[1] if block else line[1])
            assert [a or b for a, b in have] == want, (name, have, want)


def test_each_page_is_clean():
    for page in pages():
        assert good("mandoc", "-T", "lint", "-W", "warning", page) == ""


def test_each_name_leads_to_its_page_where_it_is_installed():
    with Folder() as folder:
        files = Installed(folder / "root").files()
        for name in exported():
            assert f"usr/share/man/man3/{name}.3" in files, name


def test_each_example_compiles_and_does_what_it_says():
    with Folder() as folder, Signer(folder) as key:
        jkt = good(FO, "key", "thumbprint", key)
        proof = good(FO, "proof", "sign", "--key", key, "--htm", "GET",
                     "--htu", "https://api.example.com/builds").strip()
        target = "pam://bastion/sshd/deploy"
        prompt = (f"[FirstOps DPoP htu={target} nonce=Q2hhbGxlbmdlMTIz] "
                  "Password or proof: ")
        runs = {
            "fo_challenge_parse": ((prompt, target), "Q2hhbGxlbmdlMTIz\n"),
            "fo_err_word": ((), "stale: "),
            "fo_jwk_parse": (
                (), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I\n"),
            "fo_key_load": ((), jkt),
            "fo_proof_sign": ((), "eyJ"),
            "fo_proof_verify": ((proof,), jkt),
            "fo_signer_connect": ((), f"{jkt}eyJ"),
            "fo_target_format": ((), f"{target} is deploy at bastion\n"),
        }
        assert set(runs) == {page.stem for page in pages()}
        for page in pages():
            program = compiled(folder, page.stem, example(page))
            words, want = runs[page.stem]
            said = good(program, *words, FO_PRIVATE_KEY_PATH=str(key),
                        XDG_RUNTIME_DIR=str(folder))
            assert said.startswith(want), (page.name, said)


def test_an_example_that_fails_says_why():
    with Folder() as folder:
        program = compiled(folder, "load", example(SDK / "man/fo_key_load.3"))
        done = run(program, FO_PRIVATE_KEY_PATH="/none.pem")
        assert done.returncode == 1, done
        assert done.stdout.startswith("not_found: /none.pem"), done


# ---- found by others --------------------------------------------------------

def test_a_project_of_somebody_else_finds_it_with_cmake():
    with Folder() as folder:
        prefix = cache("CMAKE_INSTALL_PREFIX")
        Installed(folder / "root", prefix)
        project = folder / "project"
        project.mkdir()
        (project / "main.c").write_text(
            example(SDK / "man/fo_err_word.3"))
        (project / "CMakeLists.txt").write_text("""\
cmake_minimum_required(VERSION 3.22)
project(other LANGUAGES C)
find_package(firstops 1.0 REQUIRED)
add_executable(other main.c)
target_link_libraries(other PRIVATE firstops::firstops)
""")
        good("cmake", "-S", project, "-B", folder / "out",
             f"-DCMAKE_PREFIX_PATH={folder}/root{prefix}")
        good("cmake", "--build", folder / "out")
        assert good(folder / "out" / "other").startswith("stale: ")
        done = run("cmake", "-S", project, "-B", folder / "none",
                   "-DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF")
        assert done.returncode != 0 and "firstops" in done.stdout, done


# ---- what a released one promises -------------------------------------------

def test_every_symbol_has_the_version_that_it_came_with():
    lines = good("nm", "-D", "--defined-only", LIBRARY).splitlines()
    found = {line.split()[-1] for line in lines if " A " not in line}
    assert found == {f"{name}@@FIRSTOPS_1.0" for name in exported()}, found
    text = good("readelf", "-d", LIBRARY)
    assert "soname: [libfirstops.so.1]" in text, text


def test_a_program_that_was_linked_with_the_released_one_still_runs():
    """packaging/abi has what the released library promised: functions may be
    added to it. It is what "abidw --no-show-locs --no-corpus-path
    --no-comp-dir-path --headers-dir sdk/include libfirstops.so" prints."""
    if not shutil.which("abidiff"):
        tap.skip("needs abidiff of abigail-tools")
    done = run("abidiff", "--no-added-syms", "--headers-dir2",
               SDK / "include", BASELINE, LIBRARY)
    assert done.returncode == 0, done.stdout


def test_abidiff_sees_a_change():
    """Else the one above shows nothing."""
    if not shutil.which("abidiff"):
        tap.skip("needs abidiff of abigail-tools")
    with Folder() as folder:
        text = BASELINE.read_text()
        changed = text.replace("name='nonce' type-id", "name='nonse' type-id")
        changed = changed.replace("fo_proof_iat", "fo_proof_tai")
        assert changed != text
        (folder / "other.xml").write_text(changed)
        done = run("abidiff", "--no-added-syms", folder / "other.xml",
                   LIBRARY)
        assert done.returncode != 0, done


# ---- threads ----------------------------------------------------------------

def sanitized(folder, *more):
    """The program threads and all of the library, as ThreadSanitizer wants
    them."""
    sources = [*(SDK / "src").glob("*.c"), *(SDK / "base").glob("*.c")]
    good("cc", "-std=c17", "-D_GNU_SOURCE", "-g", "-O1", "-fsanitize=thread",
         f"-I{SDK}", f"-I{SDK / 'include'}", "-o", folder / "threads",
         *more, *sources, "-lcrypto", "-pthread")
    # where memory is laid out at random, it may be in the sanitizer's way
    return run("setarch", "-R", folder / "threads",
               TSAN_OPTIONS="halt_on_error=1")


def test_threads_sign_and_verify_at_once():
    with Folder() as folder:
        done = sanitized(folder, TOP / "tests/sdk/threads.c")
        assert (done.returncode, done.stdout) == (0, "done\n"), done.stdout


def test_the_sanitizer_sees_a_race():
    """Else the one above shows nothing."""
    with Folder() as folder:
        source = folder / "race.c"
        text = (TOP / "tests/sdk/threads.c").read_text()
        assert "static struct fo_key *key;" in text
        source.write_text(text.replace(
            "static struct fo_key *key;",
            "static struct fo_key *key;\nstatic int met;").replace(
            "need(fo_nonce_new(nonce)", "met++;\n\t\tneed(fo_nonce_new(nonce)"))
        done = sanitized(folder, source)
        assert done.returncode != 0 and "data race" in done.stdout, done


if __name__ == "__main__":
    tap.main()
