"""A TPM 2.0 for a test: swtpm, on a socket below a folder of its own."""

import pathlib
import shutil
import socket
import subprocess
import tempfile
import time


def missing():
    """What of it is not installed, or None."""
    modules = pathlib.Path("/usr/lib").glob("*/ossl-modules/tpm2.so")
    if not shutil.which("swtpm"):
        return "swtpm"
    return None if list(modules) else "tpm2-openssl"


class Tpm:
    """with Tpm() as tpm: run(..., **tpm.env)"""

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tpm-"))
        path = self.folder / "tpm"
        # the control channel has the name that TPM2OPENSSL_TCTI implies
        control = self.folder / "tpm.ctrl"
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.folder}",
             "--server", f"type=unixio,path={path},mode=0666",
             "--ctrl", f"type=unixio,path={control},mode=0666",
             "--flags", "not-need-init,startup-clear"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.folder.chmod(0o755)
        self.env = {"TPM2OPENSSL_TCTI": f"swtpm:path={path}"}
        deadline = time.monotonic() + 10
        while not (self.listens(control) and self.listens(path)):
            assert time.monotonic() < deadline, "swtpm does not start"
            time.sleep(0.01)
        return self

    @staticmethod
    def listens(path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            return probe.connect_ex(str(path)) == 0

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)
