"""Tell how much of sdk/ and pam_firstops/ the tests ran, by gcov.

prepare() comes between the build and the suites, table() after them. What
gcov knows of a source file's several objects (static and shared library,
module, parts of test programs) is added up.
"""

import collections
import concurrent.futures
import json
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent.parent

# Parts of the tree, and how many of a hundred lines must have run.
PARTS = ("sdk", "pam_firstops")
LEAST_LINES = 95

# Here nothing may be left out: whoever is let in, is let in here.
WHOLE = ("sdk/host/decide.c", "sdk/host/decision.c", "sdk/host/act.c",
         "pam_firstops/answer.c")


class Source:
    """What ran of one file: counts by line, and by line and branch."""

    def __init__(self):
        self.lines = collections.Counter()
        self.branches = collections.Counter()

    def add(self, record):
        for line in record["lines"]:
            number = line["line_number"]
            self.lines[number] += line["count"]
            # one line of text may stand in several functions (inlined ones)
            where = line.get("function_name", "")
            for i, branch in enumerate(line["branches"]):
                self.branches[number, where, i] += branch["count"]

    def missing(self):
        """What never happened, as texts "LINE: what"."""
        for number in sorted(self.lines):
            if self.lines[number] == 0:
                yield f"{number}: never run"
                continue
            outcomes = [count for (line, _, _), count
                        in sorted(self.branches.items()) if line == number]
            for i, count in enumerate(outcomes):
                if count == 0:
                    yield (f"{number}: outcome {i + 1} of"
                           f" {len(outcomes)} never taken")


def notes(folder):
    """The compiler's notes of each object of the parts."""
    return sorted(path for path in folder.rglob("*.gcno")
                  if any(f"{part}/" in str(path.relative_to(folder))
                         for part in PARTS))


def prepare(folder):
    """Forget earlier runs, and let processes of every user count."""
    for note in notes(folder):
        counts = note.with_suffix(".gcda")
        counts.unlink(missing_ok=True)
        counts.touch()
        counts.chmod(0o666)


def read_note(note):
    """gcov's records of the files that one object was made from."""
    counts = note.with_suffix(".gcda")
    if counts.exists() and counts.stat().st_size == 0:
        counts.unlink()  # nobody ran it
    done = subprocess.run(["gcov", "--json-format", "--branch-probabilities",
                           "--stdout", str(note)], cwd=note.parent,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=True)
    document = json.loads(done.stdout)
    for record in document["files"]:
        path = pathlib.Path(document["current_working_directory"],
                            record["file"]).resolve()
        if path.is_relative_to(TOP):
            yield str(path.relative_to(TOP)), record


def read(folder):
    """Every source file of the parts, by its path from the top."""
    sources = collections.defaultdict(Source)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for records in pool.map(lambda n: list(read_note(n)), notes(folder)):
            for path, record in records:
                if path.split("/")[0] in PARTS:
                    sources[path].add(record)
    return sources


def share(counter):
    """How many of a hundred ran; all of nothing."""
    ran = sum(count > 0 for count in counter.values())
    return 100.0 * ran / len(counter) if counter else 100.0


def print_row(name, lines, branches):
    print(f"{name:<36}{len(lines):>7}{share(lines):>9.1f} %"
          f"{len(branches):>10}{share(branches):>9.1f} %")


def print_part(part, sources):
    """The rows of one part and its sum; the share of its lines."""
    lines, branches = {}, {}
    for path, source in sorted(sources.items()):
        if path.split("/")[0] != part:
            continue
        print_row(path, source.lines, source.branches)
        lines.update({(path, n): c for n, c in source.lines.items()})
        branches.update({(path, n): c for n, c in source.branches.items()})
    print_row(f"{part}/", lines, branches)
    return share(lines) if lines else 0.0


def table(folder, report):
    """Print the table, and fail where too little ran."""
    report.heading("Coverage")
    print(f"{'':<36}{'lines':>7}{'run':>11}{'branches':>10}{'taken':>11}")
    sources = read(folder)
    for part in PARTS:
        ran = print_part(part, sources)
        if ran < LEAST_LINES:
            report.fail(f"coverage: {ran:.1f} % of the lines of {part}/,"
                        f" at least {LEAST_LINES} % are wanted")
    for path in WHOLE:
        missing = [f"{path}:{what}" for what in sources[path].missing()]
        if missing or not sources[path].lines:
            report.fail(f"coverage: {path} has to be tested whole",
                        "\n".join(missing))
