"""The tests in C, built for other architectures and run under qemu-user.

tests/run --cross and --deep call run(): it builds the presets arm64 and i386,
where every warning is an error, and runs their unit tests, the fuzz targets on
their seeds and the tests of the module in libpam (tests/support/foreign).
Criterion's own runner does not work there; tests/support/quick.c does.
"""

import concurrent.futures
import os
import pathlib
import shutil

import runner

FOREIGN = runner.TESTS / "support" / "foreign"
SYSROOTS = pathlib.Path("/usr/local/lib/firstops-tests")
# Architecture to the programs that it takes.
ARCHITECTURES = {"arm64": ("aarch64-linux-gnu-gcc", "qemu-aarch64"),
                 "i386": ("i686-linux-gnu-gcc", "qemu-i386")}
SUITES = ("fuzz", "unit", "pam")

# What cannot be tested there, and why: suite/program to test to reason.
SKIPPED = {
    "unit/decide": {
        "decide/of_a_hundred_processes_with_one_proof_one_is_permitted":
        "under qemu-user not each of them can tell its event within 2 s"},
    "unit/key_device": {
        "token/is_found_without_the_path_of_its_module":
        "the machine's list of tokens (p11-kit) names its own libraries"},
    "unit/kin": {
        "kin/an_audit_session_is_nobodys_own_who_is_not_its_eldest":
        "qemu-user knows no PR_SET_CHILD_SUBREAPER"},
    "unit/process": {
        "process/a_process_is_its_parents_child":
        "qemu-user makes /proc/self/stat up, with no state in it"},
    "unit/sandbox": {
        "sandbox/ends_or_refuses_what_serving_clients_does_not_take":
        "qemu-user knows no seccomp"},
    "pam/reload": {
        "reload/leaves_nothing_behind_however_often":
        "qemu-user has the kernel start programs, which cannot start this"},
}
SKIPPED["unit/decide_kept"] = SKIPPED["unit/decide"]  # the same source


def missing(architecture):
    """Why nothing can be run, or None."""
    if os.geteuid() != 0:
        return "needs root"
    for name in ARCHITECTURES[architecture]:
        if not shutil.which(name):
            return f"{name} is not installed"
    sysroot = SYSROOTS / f"sysroot-{architecture}"
    return None if sysroot.is_dir() else f"{sysroot} is not there"


def programs(architecture, folder, options):
    """Name and command of each program that is to run, long ones first."""
    found = []
    for suite in SUITES:
        if suite not in options.suites:
            continue
        for name, argv in runner.programs(suite, folder, True):
            name = f"{suite}/{name}"
            if options.words and not any(w in name for w in options.words):
                continue
            skipped = [word for pair in SKIPPED.get(name, {}).items()
                       for word in pair]
            found.append((name, [FOREIGN, architecture, argv[0], "--tap",
                                 *skipped]))
    return sorted(found, key=lambda program: program[0] not in runner.LONG)


def run_for(architecture, options, report):
    label = f"cross/{architecture}"
    why = missing(architecture)
    if why:
        report.leave_out(label, why)
        return
    folder = runner.build(architecture, report)
    if not folder:
        return
    chosen = programs(architecture, folder, options)
    env = runner.environment(folder, options)
    env.pop("FIRSTOPS_DEEP", None)  # an emulator is slow enough
    report.heading(f"Running for {architecture}")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(runner.run_program, f"{label}/{name}", argv, env,
                            runner.DEEP_LIMIT_S) for name, argv in chosen]
        for done in concurrent.futures.as_completed(runs):
            report.add(done.result())


def run(options, report):
    for architecture in ARCHITECTURES:
        run_for(architecture, options, report)
