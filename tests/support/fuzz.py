"""Run the libFuzzer programs of the preset fuzz, and print what came of it.

Each target runs for the given minutes on a copy of its seeds. An input that
breaks something is a failure; it is kept beside the build, and belongs into
tests/fuzz/corpus/TARGET once what it broke is mended.
"""

import concurrent.futures
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess

CORPUS = pathlib.Path(__file__).resolve().parent.parent / "fuzz" / "corpus"

# No input needs more; what does is as much a find as a crash.
INPUT_LIMIT_S = 10
INPUT_MAX_BYTES = 8192
MEMORY_LIMIT_MB = 2048

ENV = {
    "ASAN_OPTIONS": "detect_leaks=1:strict_string_checks=1"
                    ":allocator_may_return_null=1",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
}


@dataclasses.dataclass
class Result:
    target: str
    executions: int
    edges: int
    all_edges: int
    finds: list
    output: str


def last_number(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def run_target(program, seconds):
    """One target to its end or its first find."""
    work = program.parent / f"{program.name}.work"
    finds = program.parent / f"{program.name}.finds"
    work.mkdir(exist_ok=True)
    finds.mkdir(exist_ok=True)
    before = set(finds.iterdir())
    seeds = CORPUS / program.name
    for seed in seeds.iterdir():
        shutil.copyfile(seed, work / f"seed-{seed.name}")
    done = subprocess.run(
        [str(program), f"-max_total_time={seconds}",
         f"-timeout={INPUT_LIMIT_S}", f"-max_len={INPUT_MAX_BYTES}",
         f"-rss_limit_mb={MEMORY_LIMIT_MB}", f"-artifact_prefix={finds}/",
         "-print_final_stats=1", str(work)],
        env=dict(os.environ, **ENV), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = done.stdout.decode(errors="replace")
    new = sorted(set(finds.iterdir()) - before)
    if done.returncode != 0 and not new:
        new = [f"exit code {done.returncode}, no input kept"]
    return Result(program.name,
                  last_number(r"stat::number_of_executed_units:\s+(\d+)",
                              output) or last_number(r"#(\d+)\s", output),
                  last_number(r"\bcov: (\d+)", output),
                  last_number(r"INFO: Loaded \d+ modules?\s+\((\d+) inline",
                              output),
                  new, output)


def print_table(results):
    print(f"{'target':<12}{'executions':>12}{'edges':>8}{'of':>8}"
          f"{'finds':>7}")
    for r in results:
        print(f"{r.target:<12}{r.executions:>12}{r.edges:>8}{r.all_edges:>8}"
              f"{len(r.finds):>7}")


def run(folder, options, report):
    """Every target (or those named like a word), two at a time."""
    programs = sorted(p for p in (folder / "tests" / "fuzz").iterdir()
                      if p.is_file() and p.suffix == ""
                      and (not options.words
                           or any(w in p.name for w in options.words)))
    report.heading(f"Fuzzing {len(programs)} targets, {options.fuzz:g}"
                   " minutes each")
    seconds = max(1, round(options.fuzz * 60))
    results = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for result in pool.map(lambda p: run_target(p, seconds), programs):
            results.append(result)
            if result.finds:
                report.fail(f"fuzz/{result.target}: "
                            + ", ".join(map(str, result.finds)),
                            result.output[-8000:])
            else:
                report.passed(f"fuzz/{result.target}", seconds)
    print_table(results)
