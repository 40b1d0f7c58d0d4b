#!/usr/bin/python3 -B
"""Change each decision of the verdict path, and see that some test fails.

tests/run --deep calls run(); by itself this is for ending survivors:

  tests/support/mutants.py                       the verdict path
  tests/support/mutants.py --file sdk/host/decide.c   one file, or several
  tests/support/mutants.py --again               those that survived last time
  tests/support/mutants.py --only 17             one, with the tests' output
  tests/support/mutants.py --list                print them, run nothing

One build has all mutants in it (tests/support/mutate.py), in a copy of the
tree below build/mutants; FO_MUTANT=17 in the environment chooses one. Each
test runs once unchanged, which says how long it takes and which mutants it
reaches; a mutant is then given to the tests that reach it, those of its own
file and quick ones first, until one fails. One that loops until its limit is
seen as well. Those that no test can see stand in tests/mutants/equivalent.

All this happens in a cage (tests/mutants/cage): a mutant of what removes a
record may remove any file.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import math
import os
import pathlib
import pickle
import re
import subprocess
import sys
import tempfile
import threading
import time
import uuid

import mutate
import runner

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
CAGE = TOP / "tests" / "mutants" / "cage"
EQUIVALENT = TOP / "tests" / "mutants" / "equivalent"
COPIED = ("CMakeLists.txt", "sdk", "pam_firstops", "tools", "etc", "tests")
FILES = ("sdk/src/proof_check.c", "sdk/src/verifier.c", "sdk/src/target.c",
         "sdk/host/decide.c", "sdk/host/decision.c", "sdk/host/act.c",
         "sdk/host/kin.c", "sdk/host/process.c",
         "sdk/host/policy.c", "sdk/host/store.c",
         "sdk/host/store_file.c", "sdk/host/shelf.c", "sdk/base/stamp.c",
         "sdk/base/safeopen.c", "sdk/host/folder.c", "sdk/host/replay.c",
         "pam_firstops/answer.c", "pam_firstops/auth.c",
         "pam_firstops/account.c", "pam_firstops/session.c",
         "pam_firstops/login.c", "sdk/src/proof_parse.c", "sdk/src/jwk.c",
         "sdk/src/json.c", "sdk/base/b64url.c", "sdk/src/challenge.c",
         "sdk/host/principal.c", "sdk/host/group.c", "sdk/host/glob.c",
         "sdk/host/source.c", "sdk/host/names.c", "sdk/host/rfc3339.c",
         "sdk/host/clock.c", "sdk/host/session.c", "sdk/host/audit.c",
         "pam_firstops/arguments.c", "pam_firstops/call.c",
         "pam_firstops/conversation.c", "pam_firstops/module.c",
         "pam_firstops/report.c", "pam_firstops/setcred.c",
         "sdk/host/node.c", "sdk/host/config.c")
# Off that path, and slow to judge: what changes the store. Hunted if named.
WRITING = ("sdk/host/store_write.c", "sdk/host/lock.c")
# Numbers of a file stay what they are when another file changes.
NUMBERS_A_FILE = 1000
# Many processes at once show by luck, and late, what replay shows.
LEFT_OUT = {"replay_race"}
REACHED_SIZE = 65536
WORKERS = 2
CPU_LIMIT_S = 3
WALL_LIMIT_S = 12
SLOW_S = 1.0
QUICK_S = 3.0
LATE = "out of time"
# So many tests of those that ended others of a function are tried first.
LIKELY = 4
PATIENCE = (1, 4, 16)


# ---- the build --------------------------------------------------------------

def put(path, data):
    """Write what is not there already: what is stays built."""
    if path.is_file() and path.read_bytes() == data:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def make_mutants(named):
    """The mutated texts by file name, and all mutants."""
    files = FILES + tuple(f for f in WRITING if f in named)
    arguments = ["-std=c17", "-D_GNU_SOURCE", f"-I{TOP}/sdk",
                 f"-I{TOP}/sdk/include"]
    texts, mutants = {}, []
    for i, name in enumerate(files):
        text, made = mutate.mutate(TOP / name, name, arguments,
                                   NUMBERS_A_FILE * i + 1)
        assert len(made) < NUMBERS_A_FILE, name
        texts[name] = text.encode()
        mutants += made
    assert NUMBERS_A_FILE * len(files) < REACHED_SIZE
    return texts, mutants


def copy_tree(tree, texts):
    """The tree with the mutated files and the switch."""
    for top in COPIED:
        paths = [TOP / top] if (TOP / top).is_file() else \
            sorted((TOP / top).rglob("*"))
        for path in paths:
            name = str(path.relative_to(TOP))
            if path.is_file() and "/corpus/" not in name \
                    and "__pycache__" not in name:
                put(tree / name, texts.get(name) or path.read_bytes())
    put(tree / "CMakeLists.txt", (TOP / "CMakeLists.txt").read_bytes() + b"""
target_sources(firstops_base PRIVATE tests/mutants/switch.c)
""")


def programs():
    """Suite and name of each test program."""
    return [(suite, name) for suite in ("unit", "pam")
            for name in re.findall(
                rf"^firstops_{suite}\((\w+)",
                (TOP / f"tests/{suite}/tests.cmake").read_text(), re.M)
            if name not in LEFT_OUT]


def targets():
    return [f"{suite}_{name}" for suite, name in programs()]


def build(folder, texts):
    """Build it; what went wrong, or None."""
    tree, out = folder / "tree", folder / "out"
    copy_tree(tree, texts)
    switch = tree / "tests" / "mutants" / "switch.h"
    commands = (["cmake", "-S", tree, "-B", out, "-G", "Ninja",
                 "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DFIRSTOPS_QUICK=ON",
                 f"-DCMAKE_C_FLAGS=-w -O1 -include {switch}"],
                ["ninja", "-C", out, "-j", str(os.cpu_count() or 1),
                 *targets()])
    for command in commands:
        done = subprocess.run(command, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
        if done.returncode != 0:
            return done.stdout
    return None


# ---- tests ------------------------------------------------------------------

@dataclasses.dataclass
class Test:
    """One test of a program, and what it does in the program unchanged."""
    program: pathlib.Path
    name: str
    seconds: float = 0.0
    failed: bool = False
    reached: frozenset = frozenset()


def list_tests(program):
    done = subprocess.run([program, "--list"], text=True, check=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL)
    tests = [Test(program, name) for name in done.stdout.split()]
    assert tests, f"{program} has no tests"
    return tests


def run_tests(program, names, env, cpu, wall, show=False):
    """Run some tests of a program up to the first that fails. Its name, "?"
    if it cannot be told, LATE if time ran out, or None if all passed."""
    token = uuid.uuid4().hex
    env = dict(os.environ, LC_ALL="C.UTF-8", FIRSTOPS_RUN=token, **env)
    argv = ["prlimit", f"--cpu={cpu}", "--as=4294967296", "--core=0",
            str(program), *names]
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, cwd=TOP,
                                   stdout=out, stderr=subprocess.STDOUT,
                                   env=env, start_new_session=True)
        try:
            code = process.wait(wall)
        except subprocess.TimeoutExpired:
            code = None
            runner.end_all(token)
            process.wait()
        out.seek(0)
        text = out.read().decode(errors="replace")
    if show:
        print(text)
    if code == 0:
        return None
    assert code != 2, f"{program}: {names}"
    told = re.search(r"^(failed|late) (\S+)\n\Z", text, re.M)
    if code is None or (told and told[1] == "late"):
        return LATE
    return told[2] if told else "?"


def look(test):
    """Run a test unchanged, and note what it reaches."""
    with tempfile.NamedTemporaryFile() as file:
        file.truncate(REACHED_SIZE)
        started = time.monotonic()
        test.failed = run_tests(test.program, [test.name],
                                {"FO_MUTANT_REACHED": file.name},
                                60, 120) is not None
        test.seconds = time.monotonic() - started
        data = pathlib.Path(file.name).read_bytes()
    test.reached = frozenset(i for i, b in enumerate(data) if b)
    return test


def look_at_all(out):
    """What was seen last time holds as long as program and module stay."""
    seen_before = out / "reached"
    module = out / "pam_firstops" / "pam_firstops.so"
    try:
        before = pickle.loads(seen_before.read_bytes())
    except (OSError, EOFError):
        before = {}
    after = {}

    def see(suite, name):
        program = out / "tests" / suite / name
        key = (name, program.stat().st_mtime_ns, module.stat().st_mtime_ns)
        tests = [Test(*fields) for fields in before.get(key, ())]
        if not tests or any(test.failed for test in tests):
            tests = [look(test) for test in list_tests(program)]
        after[key] = [tuple(vars(test).values()) for test in tests]
        return tests

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        tests = [test for found in pool.map(lambda p: see(*p), programs())
                 for test in found]
    seen_before.write_bytes(pickle.dumps(after))
    return tests


# ---- one mutant -------------------------------------------------------------

def groups(mutant, reaching):
    """Tests to run at once: of the mutant's own file; then by what a whole
    program's take; slow ones last."""
    by_program = collections.defaultdict(list)
    for test in reaching:
        by_program[test.seconds > SLOW_S, test.program].append(test)
    own = pathlib.PurePath(mutant.file).stem

    def rank(item):
        (slow, program), tests = item
        return slow, program.name != own, sum(t.seconds for t in tests)
    return [t for _, t in sorted(by_program.items(), key=rank)]


def halves(mutant, reaching):
    """Groups that mostly decide it, those of its own file among them, and
    the rest: the same two whenever it is asked."""
    own = pathlib.PurePath(mutant.file).stem
    quick, rest, seconds = [], [], 0.0
    for tests in groups(mutant, reaching):
        seconds += sum(t.seconds for t in tests)
        (quick if seconds <= QUICK_S or tests[0].program.name == own
         else rest).append(tests)
    return quick, rest


def attempt(tests, number, patience, show=False):
    """One mutant (0: none) and some tests of a program."""
    expected = sum(t.seconds for t in tests)
    return run_tests(tests[0].program, [t.name for t in tests],
                     {"FO_MUTANT": str(number)},
                     CPU_LIMIT_S + math.ceil(expected),
                     patience * (WALL_LIMIT_S + 4 * expected), show)


def killer_among(tests, mutant, show):
    """Where time runs out, it must not with nothing changed, too: then the
    machine is busy, and more is given."""
    for patience in PATIENCE:
        killer = attempt(tests, mutant.number, patience, show)
        if killer != LATE or not attempt(tests, 0, patience):
            return killer
    return None


def find_killer(mutant, chosen, show=False):
    """The test that fails, or None."""
    for tests in chosen:
        killer = killer_among(tests, mutant, show)
        if killer:
            return killer
    return None


def read_equivalent():
    """Key to reason."""
    found, key = {}, None
    for line in EQUIVALENT.read_text().splitlines():
        if line.startswith("\t") and key:
            found[key] += line.strip() + " "
        elif line and not line.startswith(("#", "\t")):
            key = line
            assert key not in found, f"twice in {EQUIVALENT.name}: {key}"
            found[key] = ""
    return found


# ---- all of them ------------------------------------------------------------

class Hunt:
    """Give each mutant to its tests; remember what became of it."""

    def __init__(self, mutants, tests, equivalent, folder):
        self.mutants = mutants
        self.equivalent = equivalent
        self.folder = folder
        self.reaching = collections.defaultdict(list)
        for test in tests:
            for number in test.reached:
                self.reaching[number].append(test)
        self.survived = {m.number: m for m in mutants}
        self.killers = collections.defaultdict(collections.Counter)
        self.lock = threading.Lock()
        self.done = 0

    def try_one(self, mutant, half):
        """What ended most others of its function may end this one."""
        killers = self.killers[mutant.file, mutant.function]
        reaching = self.reaching[mutant.number]
        with self.lock:
            known = [name for name, _ in killers.most_common(LIKELY)]
        likely = [[test] for name in known for test in reaching
                  if test.name == name]
        killer = find_killer(mutant,
                             likely + halves(mutant, reaching)[half])
        with self.lock:
            self.done += 1
            if killer:
                del self.survived[mutant.number]
                killers[killer] += 1
            if self.done % 500 == 0:
                print(f"{self.done} tried, {len(self.survived)} left",
                      flush=True)

    def run(self):
        """Quick tests for all; for who survives them, the others. What is
        said to be equivalent need only survive the quick ones."""
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for half in (0, 1):
                left = [m for m in self.survived.values() if half == 0
                        or m.key not in self.equivalent]
                list(pool.map(lambda m: self.try_one(m, half), left))
                left = [self.describe(m) + "\n"
                        for m in self.survived.values()
                        if m.key not in self.equivalent]
                (self.folder / "survived").write_text("".join(left))

    def describe(self, mutant):
        reached = "" if self.reaching[mutant.number] else \
            " (no test comes here)"
        return f"{mutant.file}:{mutant.line}: {mutant.key}{reached}"


def judge(hunt, whole):
    """By file: made, killed, equivalent, and what is wrong."""
    table = {}
    for mutant in hunt.mutants:
        row = table.setdefault(mutant.file, [0, 0, 0, []])
        row[0] += 1
        listed = mutant.key in hunt.equivalent
        if mutant.number not in hunt.survived:
            row[1] += 1
            if listed:
                row[3].append(f"not equivalent, a test fails: {mutant.key}")
        elif listed:
            row[2] += 1
        else:
            row[3].append("survived: " + hunt.describe(mutant))
    made = {m.key for m in hunt.mutants}
    for key in hunt.equivalent:
        if whole and key not in made:
            table.setdefault(key.split(" ")[0], [0, 0, 0, []])[3].append(
                f"in the list of equivalent ones, but not made: {key}")
    return table


def show(table, report, seconds):
    total = [0, 0, 0, 0]
    print(f"{'file':32}  made  killed  equivalent  survived")
    for file, (made, killed, equal, wrong) in table.items():
        counts = (made, killed, equal, made - killed - equal)
        total = [a + b for a, b in zip(total, counts)]
        print(f"{file:32} {counts[0]:5} {counts[1]:7} {counts[2]:11}"
              f" {counts[3]:9}")
    print(f"{'all':32} {total[0]:5} {total[1]:7} {total[2]:11}"
          f" {total[3]:9}  ({seconds:.0f} s)")
    for file, (_, _, _, wrong) in table.items():
        report.add(runner.Outcome(f"mutants/{file}", passed=int(not wrong),
                                  failed=wrong))


def prepare(options, report):
    """Mutants and tests, or None and the report says why."""
    texts, mutants = make_mutants(options.file)
    if options.list:
        return mutants, None
    trouble = build(options.folder, texts)
    if trouble:
        report.fail("build mutants", trouble)
        return None, None
    tests = look_at_all(options.folder / "out")
    bad = [t for t in tests if t.failed]
    for test in bad:
        report.fail(f"mutants: {test.program.name}: {test.name} fails with"
                    " nothing changed")
    return mutants, [t for t in tests if not t.failed]


def enter(folder, arguments):
    """Argument vector of this program in the cage."""
    return [str(CAGE), str(folder), "/usr/bin/env", "FIRSTOPS_CAGE=1",
            "/usr/bin/python3", "-B", str(pathlib.Path(__file__).resolve()),
            "--folder", str(folder), *arguments]


def run(_, report):
    """All mutants; what survives is a failure."""
    report.heading("Mutants")
    if os.geteuid() != 0:
        report.leave_out("mutants", "only root can make a cage for them")
        return
    folder = TOP / "build" / "mutants"
    outcomes = folder / "outcomes"
    outcomes.unlink(missing_ok=True)
    subprocess.run(enter(folder, []), stdin=subprocess.DEVNULL, check=False)
    if not outcomes.is_file():
        report.fail("mutants: did not come to their end")
        return
    for fields in json.loads(outcomes.read_text()):
        report.add(runner.Outcome(**fields))


# ---- by itself --------------------------------------------------------------

def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", nargs="+", default=[])
    parser.add_argument("--only", type=int, nargs="+", default=[])
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--folder", type=pathlib.Path,
                        default=TOP / "build" / "mutants")
    return parser.parse_args()


def show_tests(mutants, tests):
    """What the tests say that a mutant is given to."""
    for mutant in mutants:
        reaching = [t for t in tests if mutant.number in t.reached]
        killer = find_killer(mutant, groups(mutant, reaching), show=True)
        print(f"{mutant.key}: " +
              (f"killed by {killer}" if killer else "survived"))


def chosen(options, mutants):
    if options.only:
        return [m for m in mutants if m.number in options.only]
    if options.again:
        last = (options.folder / "survived").read_text()
        mutants = [m for m in mutants if f": {m.key}\n" in last
                   or f": {m.key} (no test" in last]
    return [m for m in mutants
            if not options.file or m.file in options.file]


def main():
    options = parse()
    if "FIRSTOPS_CAGE" not in os.environ:
        options.folder.mkdir(parents=True, exist_ok=True)
        argv = enter(options.folder.resolve(), sys.argv[1:])
        os.execv(argv[0], argv)
    report = runner.Report()
    started = time.monotonic()
    mutants, tests = prepare(options, report)
    mutants = chosen(options, mutants or [])
    if options.list:
        for mutant in mutants:
            print(f"{mutant.number} {mutant.line} {mutant.key}")
    elif options.only:
        show_tests(mutants, tests)
    elif mutants:
        hunt = Hunt(mutants, tests, read_equivalent(), options.folder)
        hunt.run()
        show(judge(hunt, not (options.file or options.again)), report,
             time.monotonic() - started)
    (options.folder / "outcomes").write_text(
        json.dumps([vars(outcome) for outcome in report.outcomes]))
    sys.exit(report.close() if not options.list else 0)


if __name__ == "__main__":
    main()
