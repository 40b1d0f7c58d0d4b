#!/usr/bin/python3
"""The package for Node, in tests/sdk/node.mjs, and what of it Python can see:
that nothing is compiled or fetched when it is installed."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("FIRSTOPS_BUILD", TOP / "build" / "dev"))
FO = BUILD.resolve() / "tools" / "fo" / "fo"
PACKAGE = BUILD.resolve() / "sdk" / "node" / "firstops"
MODULES = pathlib.Path("/usr/local/lib/firstops-tests/node-modules/"
                       "node_modules")
PASSPHRASE = "a passphrase"
POLICY = TOP / "tests/sdk/policy.yaml"
# Only root can be without a network.
OFFLINE = ("unshare", "-n") if os.geteuid() == 0 else ()


def good(*argv, **more):
    done = subprocess.run([str(a) for a in argv], text=True,
                          capture_output=True, timeout=120, **more)
    assert done.returncode == 0, done
    return done.stdout


def check_install(folder):
    """npm links the folder; no script runs, and there is no network."""
    project = folder / "project"
    project.mkdir()
    (project / "package.json").write_text('{"private": true}\n')
    good(*OFFLINE, "npm", "install", "--offline", "--no-audit",
         "--no-fund", PACKAGE, cwd=project,
         env={**os.environ, "HOME": str(folder)})
    said = good("node", "--input-type=module", "-e",
                "import { libraryVersion } from 'firstops';"
                "console.log(libraryVersion());", cwd=project)
    assert said.startswith("1."), said


def make_store(folder, key):
    """In which the key is an agent's; its firstops.yaml."""
    config = folder / "etc/firstops.yaml"
    good(FO, "init", "--host", "bastion", "--config", config)
    config.write_text(re.sub(
        r"^audit:.*$", f'audit: {{required: ["file:{folder}/log"]}}',
        config.read_text(), flags=re.M))
    policy = config.parent / "policies.d/agents.yaml"
    policy.write_text(POLICY.read_text())
    for path in (config, policy):
        path.chmod(0o644)
    good(FO, "agent", "create", "bot", "--owner", "team", "--policies",
         "agents", "--jwk", key, "--config", config)
    return config


def main():
    if not shutil.which("node") or not (MODULES / "jose").is_dir():
        print("1..0 # SKIP needs node, and jose from npm")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        key, locked = folder / "key.pem", folder / "locked.pem"
        good(FO, "key", "generate", "--out", key)
        good("openssl", "pkcs8", "-topk8", "-in", key, "-passout",
             f"pass:{PASSPHRASE}", "-out", locked)
        check_install(folder)
        config = make_store(folder, key)
        return subprocess.run(
            ["node", "--expose-gc", TOP / "tests/sdk/node.mjs", PACKAGE,
             key, locked, PASSPHRASE, MODULES, config],
            env={**os.environ, "FO_PRIVATE_KEY_PATH": str(key),
                 "PATH": f"{FO.parent}:{os.environ['PATH']}"}).returncode


if __name__ == "__main__":
    sys.exit(main())
