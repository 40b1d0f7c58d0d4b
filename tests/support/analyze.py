#!/usr/bin/python3 -B
"""Run the static analyzers over every C file of the product.

gcc -fanalyzer and clang-tidy (.clang-tidy says which checks) take each file
as the build compiles it, cppcheck takes them all. Whatever they print is a
failure, unless analyze.accepted lists it with its reason; and a line of that
list which nothing printed any more is a failure too.

    python3 tests/support/analyze.py [WORD..]      files named like a word
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
BUILD = pathlib.Path(os.environ.get("FIRSTOPS_BUILD", TOP / "build" / "dev"))
ACCEPTED = HERE / "analyze.accepted"

PRODUCT = ("pam_firstops", "sdk", "tools")
TOOLS = ("gcc", "clang-tidy-14", "cppcheck")

GCC = ["-fanalyzer", "-fdiagnostics-plain-output", "-o", os.devnull]
# -Wno-unknown-warning-option: gcc's flags that clang does not have.
TIDY = ["--quiet", "-p", str(BUILD),
        "--extra-arg=-Wno-unknown-warning-option"]
CPPCHECK = [
    "--enable=warning,performance,portability,style", "--inconclusive",
    "--quiet", "--library=posix,gnu", "--inline-suppr",
    "--template={file}:{line}:{column}: warning: {message} [{id}]",
    # KNF declares at the top of a function.
    "--suppress=variableScope",
    # A local named like another file's function is no hazard in C.
    "--suppress=shadowFunction",
    # readdir is safe for threads that do not share a stream, and readdir_r
    # is deprecated; what reads accounts is fo's, which has one thread.
    "--suppress=readdirCalled", "--suppress=getpwnamCalled",
    "--suppress=getpwuidCalled", "--suppress=fgetpwentCalled",
    "--suppress=fgetspentCalled",
]

# FILE:LINE:COLUMN: warning: TEXT [CHECK]; gcc puts a [CWE-1] before it.
FINDING = re.compile(r"^([^\s:][^:\n]*):(\d+):\d+: (?:warning|error): .*"
                     r"\[([\w.,=+-]+)\]$", re.M)


# ---- what is accepted -------------------------------------------------------

def read_accepted(text):
    """The keys of the list, each "TOOL CHECK FILE:FUNCTION"; an indented
    reason must follow each."""
    keys = []
    reasons = 0
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace():
            reasons = len(keys)
            continue
        assert reasons == len(keys), f"{keys[-1]}: no reason is given"
        assert re.fullmatch(r"\S+ \S+ \S+\.[ch]:\w+", line), line
        keys.append(line)
    assert reasons == len(keys), f"{keys[-1]}: no reason is given"
    return keys


def function_at(path, number):
    """The function around a line, whose name begins a line as KNF has it."""
    lines = pathlib.Path(path).read_text().splitlines()
    for line in reversed(lines[:number]):
        match = re.match(r"(\w+)\(", line)
        if match:
            return match[1]
    return "-"


def findings(tool, output):
    """The key of each finding in what a tool printed."""
    for path, number, check in FINDING.findall(output):
        path = pathlib.Path(path).resolve()
        yield (f"{tool} {check.removesuffix(',-warnings-as-errors')}"
               f" {os.path.relpath(path, TOP)}"
               f":{function_at(path, int(number))}")


# ---- the tools --------------------------------------------------------------

def run_tool(argv, folder):
    done = subprocess.run(argv, cwd=folder, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT,
                          env=dict(os.environ, LC_ALL="C"))
    return done.returncode, done.stdout


def run_gcc(entry):
    """Compile as the build does, with the analyzer and without -Werror."""
    argv = shlex.split(entry["command"])
    at = argv.index("-o")
    del argv[at:at + 2]
    argv = [a for a in argv[1:] if a != "-Werror"]
    return run_tool(["gcc", *argv, *GCC], entry["directory"])


def run_tidy(entry):
    code, output = run_tool(["clang-tidy-14", *TIDY, entry["file"]], TOP)
    # findings are errors to it, so only a run without any can be judged
    return (0 if FINDING.search(output) else code), output


def run_cppcheck(entries):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as project:
        json.dump(entries, project)
        project.flush()
        return run_tool(["cppcheck", *CPPCHECK, "-j2",
                         f"--project={project.name}"], TOP)


def chosen(words):
    """One compile command of each C file of ours."""
    entries = json.loads((BUILD / "compile_commands.json").read_text())
    found = {}
    for entry in entries:
        name = os.path.relpath(entry["file"], TOP)
        if name.split("/")[0] in PRODUCT \
                and (not words or any(w in name for w in words)):
            found.setdefault(name, entry)
    return found


class Verdict:
    """Report what each tool printed, but for what is accepted."""

    def __init__(self, report):
        self.report = report
        self.accepted = read_accepted(ACCEPTED.read_text())
        self.seen = set()

    def add(self, tool, name, code, output, seconds):
        keys = set(findings(tool, output))
        self.seen |= keys
        what = f"analyze/{tool} {name}"
        bad = sorted(keys - set(self.accepted))
        if code != 0:
            self.report.fail(f"{what}: exit code {code}", output)
        elif bad:
            self.report.fail(f"{what}: {', '.join(bad)}", output)
        else:
            self.report.passed(what, seconds)

    def close(self):
        """Nothing stays accepted that no tool finds any more."""
        for key in self.accepted:
            if key not in self.seen:
                self.report.fail(f"analyze.accepted: {key}: found no more")


def timed(check, *args):
    started = time.monotonic()
    return *check(*args), time.monotonic() - started


def run(options, report):
    """Every file (or those named like a word) by each tool, two at a time."""
    missing = [t for t in TOOLS if not shutil.which(t)]
    if missing:
        report.fail(f"analyze: not installed: {', '.join(missing)}")
        return
    if not (BUILD / "compile_commands.json").is_file():
        report.fail(f"analyze: {BUILD} has no compile_commands.json")
        return
    files = chosen(options.words)
    report.heading(f"Analyzing {len(files)} files")
    if not files:
        return
    verdict = Verdict(report)
    verdict.add("cppcheck", "all files",
                *timed(run_cppcheck, list(files.values())))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = {pool.submit(timed, check, entry): (tool, name)
                for tool, check in (("gcc", run_gcc), ("clang-tidy", run_tidy))
                for name, entry in files.items()}
        for done in concurrent.futures.as_completed(runs):
            verdict.add(*runs[done], *done.result())
    if not options.words:
        verdict.close()


def main():
    import runner
    parser = argparse.ArgumentParser()
    parser.add_argument("words", nargs="*")
    report = runner.Report()
    run(parser.parse_args(), report)
    sys.exit(report.close())


if __name__ == "__main__":
    main()
