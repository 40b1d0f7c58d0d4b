"""Build, run every test program, add up what they print in TAP.

tests/run prepares the machine and starts this; its --help is the reference.

A program's exit code counts as much as what it prints: one that ends with
anything but 0 without a "not ok", that prints fewer tests than it planned, or
that runs no test at all is a failure. So a crash, a leak that the sanitizer
finds at the end, and a program that silently does nothing are all seen.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid

import coverage
import fuzz

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
TESTS = TOP / "tests"
PROGRAM_LIMIT_S = 420
DEEP_LIMIT_S = 1200

SUITES = ("unit", "fuzz", "pam", "cli", "sdk", "faults", "e2e")
# Of real processes, in machines of their own: sanitizers' runtimes would be
# one more thing in them, and the machines need root.
WORLDS = ("faults", "e2e")
# The others run side by side: the replay of all seeds is one long program.
LONGEST_FIRST = ("fuzz", "unit", "pam", "cli", "sdk")
# And of their programs these, so that nobody waits for one of them at the end.
LONG = ("fuzz/replay", "unit/decide", "unit/sweep_host", "cli/test_seal.py",
        "pam/guest", "cli/test_lifecycle.py", "e2e/test_auditor.py")

# These measure how long something takes.
TIMED = {"e2e/test_revocation.py", "e2e/test_scale.py"}

# In their long form these use all processors themselves.
WIDE = {f"faults/test_{name}.py" for name in
        ("allocations", "kill", "login_calls", "stopped", "tool_allocations",
         "torn", "verb_calls")}

# These look at the tree and at what is installed, not at code that runs: a
# second time, with sanitizers, they would show nothing new.
ONCE = {"test_install.py", "test_lint.py", "test_manual.py",
        "test_readme.py", "test_samples.py"}

SANITIZER_ENV = {
    "ASAN_OPTIONS": "abort_on_error=1:detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


# ---- one program's TAP ------------------------------------------------------

@dataclasses.dataclass
class Outcome:
    """What one program came to."""
    name: str
    passed: int = 0
    skipped: list = dataclasses.field(default_factory=list)
    failed: list = dataclasses.field(default_factory=list)
    output: str = ""
    seconds: float = 0.0


LINE = re.compile(r"^(not ok|ok)\b\s*\d*\s*-?\s*(.*?)\s*(?:#\s*(.*))?$")
PLAN = re.compile(r"^1\.\.(\d+)\s*(?:#\s*(.*))?$")


def limit(env):
    """How long a program may take."""
    return DEEP_LIMIT_S if "FIRSTOPS_DEEP" in env else PROGRAM_LIMIT_S


def read_tap(name, output, code, seconds=PROGRAM_LIMIT_S):
    """Judge a program by its TAP and its exit code (None: it was ended)."""
    outcome = Outcome(name, output=output)
    planned = None
    seen = 0
    for line in output.splitlines():
        plan = PLAN.match(line)
        if plan:
            planned = int(plan[1])
            if planned == 0 and re.match(r"(?i)skip", plan[2] or ""):
                outcome.skipped.append(f"{name}: {plan[2][4:].strip(' :')}")
            continue
        match = LINE.match(line)
        if not match:
            continue
        seen += 1
        verdict, what, directive = match.groups()
        if re.match(r"(?i)skip", directive or ""):
            outcome.skipped.append(f"{name}: {what}: {directive[4:].strip()}")
        elif verdict == "ok":
            outcome.passed += 1
        else:
            outcome.failed.append(f"{name}: {what}")

    if code is None:
        outcome.failed.append(f"{name}: still running after"
                              f" {seconds} s, ended")
    elif code != 0 and not outcome.failed:
        how = (f"killed by signal {-code}" if code < 0
               else f"exit code {code}")
        outcome.failed.append(f"{name}: {how}, though no test failed")
    elif planned is None and not outcome.failed:
        outcome.failed.append(f"{name}: printed no plan")
    elif planned is not None and seen != planned:
        outcome.failed.append(f"{name}: {planned} tests planned,"
                              f" {seen} reported")
    elif seen == 0 and not outcome.skipped:
        outcome.failed.append(f"{name}: ran no test")
    return outcome


# ---- running ----------------------------------------------------------------

def end_all(token):
    """End what a program left behind, in whatever process group: those whose
    environment holds its token."""
    mark = f"FIRSTOPS_RUN={token}".encode()
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
        except OSError:
            continue  # ended meanwhile, or another user's


def run_program(name, argv, env, seconds=None):
    """Run one program to its end or its limit; leave none of it running."""
    started = time.monotonic()
    seconds = seconds or limit(env)
    token = uuid.uuid4().hex
    env = dict(env, FIRSTOPS_RUN=token)
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT, env=env,
                                   cwd=TOP, start_new_session=True)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            end_all(token)
            process.wait()
        out.seek(0)
        text = out.read().decode(errors="replace")
    outcome = read_tap(name, text, code, seconds)
    outcome.seconds = time.monotonic() - started
    return outcome


class Report:
    """Print what ends, and remember it for the sum."""

    def __init__(self):
        self.outcomes = []
        self.left_out = []
        self.lock = threading.Lock()
        self.color = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def paint(self, code, text):
        return f"\033[{code}m{text}\033[0m" if self.color else text

    def heading(self, text):
        print(self.paint("1", f"== {text}"), flush=True)

    def add(self, outcome):
        with self.lock:
            self.outcomes.append(outcome)
            word = (self.paint("31", "FAIL") if outcome.failed else
                    self.paint("33", "skip") if not outcome.passed else
                    self.paint("32", "ok  "))
            counts = f"{outcome.passed} passed"
            if outcome.failed:
                counts += f", {len(outcome.failed)} failed"
            if outcome.skipped:
                counts += f", {len(outcome.skipped)} skipped"
            print(f"{word}  {outcome.name}: {counts}"
                  f" ({outcome.seconds:.1f} s)", flush=True)
            if outcome.failed:
                for line in outcome.output.splitlines():
                    print(f"      {line}")
                sys.stdout.flush()

    def leave_out(self, what, why):
        """A program that was not run counts as one test skipped."""
        self.left_out.append(f"{what}: {why}")

    def fail(self, what, output=""):
        self.add(Outcome(what, failed=[what], output=output))

    def passed(self, what, seconds):
        self.add(Outcome(what, passed=1, seconds=seconds))

    def close(self):
        """Print the sum; the exit code."""
        passed = sum(o.passed for o in self.outcomes)
        failed = [f for o in self.outcomes for f in o.failed]
        skipped = [s for o in self.outcomes for s in o.skipped]
        skipped += self.left_out
        if not passed and not failed:
            failed.append("no test ran")
        if skipped:
            self.heading("Left out")
            for line in skipped:
                print(f"  {line}")
        if failed:
            self.heading("Failed")
            for line in failed:
                print(f"  {line}")
        print(f"{passed} passed, {len(failed)} failed,"
              f" {len(skipped)} skipped", flush=True)
        return 1 if failed else 0


# ---- what there is to run ---------------------------------------------------

def build(preset, report):
    """Configure and build a preset; its folder, or None."""
    report.heading(f"Building {preset}")
    folder = TOP / "build" / preset
    commands = (["cmake", "--preset", preset],
                ["cmake", "--build", "--preset", preset, "-j",
                 str(os.cpu_count() or 1)])
    for command in commands:
        try:
            done = subprocess.run(command, cwd=TOP, text=True,
                                  stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
        except FileNotFoundError:
            report.fail(f"build {preset}", f"{command[0]}: not installed")
            return None
        if done.returncode != 0:
            report.fail(f"build {preset}", done.stdout)
            return None
    return folder


def programs(suite, folder, sanitized):
    """Name and command of each test program of a suite."""
    found = []
    if suite in ("unit", "fuzz", "pam"):
        for path in sorted((folder / "tests" / suite).glob("*")):
            if path.is_file() and os.access(path, os.X_OK) \
                    and path.suffix == "":
                found.append((path.name, [str(path), "--tap", "-j1"]))
    for path in sorted((TESTS / suite).glob("test_*.py")):
        if not (sanitized and path.name in ONCE):
            found.append((path.name, [sys.executable, "-B", str(path)]))
    return found


def choose(suite, folder, options, report, sanitized):
    """A suite's programs that are to run, each with its whole name."""
    chosen = [(f"{suite}/{name}", argv)
              for name, argv in programs(suite, folder,
                                         sanitized or options.coverage)
              if not options.words or any(w in name for w in options.words)]
    if suite in WORLDS and os.geteuid() != 0:
        for name, _ in chosen:
            report.leave_out(name, "needs root")
        return []
    if not chosen and not options.words:
        report.fail(f"{suite}: no test program")
    return chosen


def run_together(suites, folder, env, options, report, sanitized=False):
    """Run some suites' programs, two at a time; what measures time, or uses
    all processors, by itself."""
    chosen = [program for suite in suites for program in
              choose(suite, folder, options, report, sanitized)]
    if not chosen:
        return
    chosen.sort(key=lambda program: program[0] not in LONG)
    report.heading("Running " + ", ".join(suites) +
                   (" (sanitizers)" if sanitized else ""))
    label = "asan/" if sanitized else ""
    alone = [program for program in chosen if program[0] in TIMED
             or (options.deep and program[0] in WIDE)]
    others = [program for program in chosen if program not in alone]
    for some, workers in ((alone, 1), (others, 2)):
        with concurrent.futures.ThreadPoolExecutor(workers) as pool:
            runs = [pool.submit(run_program, label + name, argv, env)
                    for name, argv in some]
            for run in concurrent.futures.as_completed(runs):
                report.add(run.result())


def run_canary(env, report):
    """A leaking test must be seen to fail, or a clean run shows nothing."""
    name = "asan/the runner sees a leak that Criterion passes over"
    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/canary"
        flags = subprocess.run(["pkg-config", "--cflags", "--libs",
                                "criterion"], text=True, check=True,
                               stdout=subprocess.PIPE).stdout.split()
        subprocess.run([os.environ.get("CC", "cc"), "-fsanitize=address",
                        "-O0", "-o", program, TESTS / "support" / "canary.c",
                        *flags], check=True)
        outcome = run_program("canary", [program, "--tap", "-j1"], env)
    if outcome.failed:
        report.add(Outcome(name, passed=1, seconds=outcome.seconds))
    else:
        report.fail(name, outcome.output)


def parse(argv):
    parser = argparse.ArgumentParser(prog="tests/run", add_help=False)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--only", default=",".join(SUITES))
    for suite in (*SUITES, "asan"):
        parser.add_argument(f"--no-{suite}", action="store_true")
    parser.add_argument("--deep", action="store_true")
    parser.add_argument("--cross", action="store_true")
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--no-install", action="store_true")
    parser.add_argument("--fuzz", type=float, metavar="MINUTES")
    options = parser.parse_args(argv)
    options.suites = options.only.split(",")
    for suite in options.suites:
        if suite not in SUITES:
            parser.error(f"--only {suite}: one of " + ", ".join(SUITES))
    options.suites = [s for s in options.suites
                      if not getattr(options, f"no_{s}")]
    return options


def environment(folder, options, more=()):
    env = dict(os.environ, FIRSTOPS_BUILD=str(folder),
               PYTHONDONTWRITEBYTECODE="1", LC_ALL="C.UTF-8")
    # nobody's own key is used, nor their signer
    env.pop("FO_PRIVATE_KEY_PATH", None)
    env.pop("XDG_RUNTIME_DIR", None)
    if options.deep:
        env["FIRSTOPS_DEEP"] = "1"
    env.update(more)
    return env


def give_back():
    """Under sudo: let what was built belong to whoever called."""
    uid, gid = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if os.geteuid() == 0 and uid and gid and (TOP / "build").is_dir():
        subprocess.run(["chown", "-R", "-h", f"{uid}:{gid}", TOP / "build"],
                       check=False)


def run_suites(preset, options, report, prepare=lambda folder: None):
    """Build a preset and run all suites in it; its folder, or None."""
    folder = build(preset, report)
    if folder:
        prepare(folder)
        env = environment(folder, options)
        run_together([s for s in LONGEST_FIRST if s in options.suites],
                     folder, env, options, report)
        for suite in WORLDS:
            if suite in options.suites:
                run_together([suite], folder, env, options, report)
    return folder


def run_sanitized(options, report):
    """Tools are many short processes, each of which the sanitizers make
    slow: they are run by the long form alone."""
    left_out = {"sdk"} if options.deep else {"sdk", "cli"}
    suites = [s for s in LONGEST_FIRST
              if s in options.suites and s not in left_out]
    folder = build("asan-ubsan", report) if suites else None
    if not folder:
        return
    env = environment(folder, options, SANITIZER_ENV)
    env.pop("FIRSTOPS_DEEP", None)  # more of the same, and several times slower
    if shutil.which("pkg-config"):
        run_canary(env, report)
    run_together(suites, folder, env, options, report, True)


def run_fuzzers(options, report):
    folder = build("fuzz", report)
    if folder:
        fuzz.run(folder, options, report)


def run_coverage(options, report):
    """What runs as other users and in namespaces leaves no counts."""
    options.suites = [s for s in options.suites if s not in WORLDS]
    folder = run_suites("coverage", options, report, coverage.prepare)
    if folder:
        coverage.table(folder, report)


def run_all(options, report):
    run_suites("dev", options, report)
    if not options.no_asan:
        run_sanitized(options, report)
    if options.deep and not options.words:
        import analyze
        import cross
        import mutants
        cross.run(options, report)
        analyze.run(options, report)
        mutants.run(options, report)


def main():
    options = parse(sys.argv[1:])
    report = Report()
    try:
        if options.fuzz is not None:
            run_fuzzers(options, report)
        elif options.coverage:
            run_coverage(options, report)
        elif options.cross:
            import cross
            cross.run(options, report)
        else:
            run_all(options, report)
    finally:
        give_back()
    sys.exit(report.close())


if __name__ == "__main__":
    main()
