"""Run the libFuzzer programs of the preset fuzz, and print what came of it.

Each target runs for the given minutes on a copy of its seeds, then once more
on each input that showed something new, to see which lines of the files that
it is there for they reach. An input that breaks something is a failure; it is
kept beside the build, and belongs into tests/fuzz/corpus/TARGET once what it
broke is mended.
"""

import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
CORPUS = TOP / "tests" / "fuzz" / "corpus"
WORDS = TOP / "tests" / "fuzz" / "words"

STORE = ("host/node.c", "host/names.c", "base/buf.c")
PROOF = ("src/proof_parse.c", "src/proof_check.c", "src/json.c", "src/jwk.c",
         "src/target.c", "src/verifier.c", "base/b64url.c")

# What a target is there for: the words of what it makes up, and the files,
# below sdk/ unless they begin with "/", that read it.
TARGETS = {
    "askpass": ("prompt", ("/tools/askpass/prompt.c", "src/challenge.c")),
    "challenge": ("prompt", ("src/challenge.c",)),
    "claims": ("proof", PROOF),
    "command": ("command", ("host/shell.c", "host/candidate.c",
                            "host/command.c")),
    "config": ("store", ("host/config.c", *STORE)),
    "event": ("prompt", ("host/event.c",)),
    "glob": ("prompt", ("host/glob.c",)),
    "group": ("store", ("host/group.c", *STORE)),
    "jwk": ("proof", ("src/jwk.c", "src/json.c", "base/b64url.c")),
    "line": ("event", ("host/event_read.c",)),
    "login": ("store", ("host/policy.c", "host/source.c", "host/glob.c")),
    "module": ("store", (
        "/pam_firstops/account.c", "/pam_firstops/answer.c",
        "/pam_firstops/arguments.c", "/pam_firstops/auth.c",
        "/pam_firstops/call.c", "/pam_firstops/conversation.c",
        "/pam_firstops/login.c", "/pam_firstops/module.c",
        "/pam_firstops/report.c", "/pam_firstops/session.c",
        "/pam_firstops/setcred.c", "host/decide.c", "host/decision.c",
        "host/store.c", "host/replay.c", "host/session.c", "host/audit.c",
        "base/safeopen.c")),
    "pem": ("proof", ("src/key_pem.c", "src/key.c")),
    "policy": ("store", ("host/policy.c", "host/source.c", *STORE)),
    "principal": ("store", ("host/principal.c", "host/rfc3339.c", *STORE)),
    "proof": ("proof", PROOF),
    "record": ("store", ("host/session.c", *STORE)),
    "signer": ("signer", ("/tools/signer/requests.c",
                          "/tools/signer/ring.c", "src/json.c",
                          "src/target.c")),
    "target": ("prompt", ("src/target.c",)),
    "targets": ("store", ("/tools/fo/targets.c", *STORE)),
}

# An answer comes within 3 s, and what takes longer is as much a find as a
# crash. libFuzzer counts by the wall clock, for an input as a whole: both runs
# of it, under sanitizers, and in "module" a login, its proof once more and the
# later phases in each. So an answer has a fraction of this even on a busy
# machine, where the usual one takes milliseconds.
INPUT_LIMIT_S = 3
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
    lines: int
    reached: int
    finds: list
    output: str


def last_number(pattern, text):
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def start(program, profile, *words):
    """Run a target's program; its exit code and all that it printed."""
    done = subprocess.run(
        [str(program), f"-timeout={INPUT_LIMIT_S}",
         f"-rss_limit_mb={MEMORY_LIMIT_MB}",
         f"-artifact_prefix={program}.finds/", *words, f"{program}.work"],
        env=dict(os.environ, **ENV, LLVM_PROFILE_FILE=str(profile)),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode(errors="replace")


def count_lines(program):
    """Lines of the target's files, and how many its inputs reach."""
    counts = program.with_suffix(".profraw")
    merged = program.with_suffix(".profdata")
    code, output = start(program, counts, "-runs=0")
    if code != 0:
        raise RuntimeError(f"{program.name} on its own inputs: {output}")
    subprocess.run(["llvm-profdata-14", "merge", "-o", merged, counts],
                   check=True)
    wanted = [TOP / (name[1:] if name[0] == "/" else f"sdk/{name}")
              for name in TARGETS[program.name][1]]
    exported = subprocess.run(
        ["llvm-cov-14", "export", "-summary-only", program,
         f"-instr-profile={merged}", *wanted], check=True,
        stdout=subprocess.PIPE).stdout
    seen = {pathlib.Path(file["filename"]): file["summary"]["lines"]
            for file in json.loads(exported)["data"][0]["files"]}
    return (sum(seen[path]["count"] for path in wanted),
            sum(seen[path]["covered"] for path in wanted))


def run_target(program, seconds):
    """One target to its end or its first find."""
    work = program.parent / f"{program.name}.work"
    finds = program.parent / f"{program.name}.finds"
    work.mkdir(exist_ok=True)
    finds.mkdir(exist_ok=True)
    before = set(finds.iterdir())
    for seed in (CORPUS / program.name).iterdir():
        shutil.copyfile(seed, work / f"seed-{seed.name}")
    code, output = start(
        program, "/dev/null", f"-max_total_time={seconds}",
        f"-max_len={INPUT_MAX_BYTES}", "-print_final_stats=1",
        f"-dict={WORDS / TARGETS[program.name][0]}")
    new = sorted(set(finds.iterdir()) - before)
    if code != 0 and not new:
        new = [f"exit code {code}, no input kept"]
    return Result(program.name,
                  last_number(r"stat::number_of_executed_units:\s+(\d+)",
                              output) or last_number(r"#(\d+)\s", output),
                  *count_lines(program), new, output)


def print_table(results):
    print(f"{'target':<12}{'executions':>12}{'lines':>8}{'reached':>11}"
          f"{'finds':>7}")
    for r in results:
        print(f"{r.target:<12}{r.executions:>12}{r.lines:>8}"
              f"{100 * r.reached / r.lines:>9.1f} %{len(r.finds):>7}")


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
