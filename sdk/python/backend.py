"""How the package is built (PEP 517), with nothing but Python itself: so that
it installs on a machine without a network.

The package is Python alone; libfirstops is found when it is imported.
"""

import base64
import hashlib
import io
import pathlib
import re
import tarfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = "firstops"
TAG = "py3-none-any"
SOURCES = ("pyproject.toml", "backend.py", "README.md")


def _field(name):
    """A text of [project]: one a line, in double quotes."""
    text = (HERE / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(rf'^{name} = "(.*)"$', text, re.M)
    if not found:
        raise ValueError(f"pyproject.toml: no {name}")
    return found[1]


def _name():
    return f"{PACKAGE}-{_field('version')}"


def _metadata():
    return (f"Metadata-Version: 2.1\nName: {PACKAGE}\n"
            f"Version: {_field('version')}\n"
            f"Summary: {_field('description')}\n"
            f"Requires-Python: {_field('requires-python')}\n"
            "Description-Content-Type: text/markdown\n\n"
            + (HERE / "README.md").read_text(encoding="utf-8"))


def _files():
    """What is installed: name and bytes."""
    info = f"{_name()}.dist-info"
    found = {str(path.relative_to(HERE)): path.read_bytes()
             for path in sorted((HERE / PACKAGE).rglob("*"))
             if path.suffix == ".py" or path.name == "py.typed"}
    found[f"{info}/METADATA"] = _metadata().encode()
    found[f"{info}/WHEEL"] = (
        "Wheel-Version: 1.0\nGenerator: firstops\nRoot-Is-Purelib: true\n"
        f"Tag: {TAG}\n").encode()
    return found


def _digest(data):
    text = base64.urlsafe_b64encode(hashlib.sha256(data).digest())
    return f"sha256={text.decode().rstrip('=')},{len(data)}"


def build_wheel(wheel_directory, config_settings=None,
                metadata_directory=None):
    """Write the wheel; its name."""
    del config_settings, metadata_directory
    files = _files()
    record = f"{_name()}.dist-info/RECORD"
    lines = [f"{name},{_digest(data)}\n" for name, data in files.items()]
    files[record] = "".join([*lines, f"{record},,\n"]).encode()
    wheel = f"{_name()}-{TAG}.whl"
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / wheel, "w",
                         zipfile.ZIP_DEFLATED) as out:
        for name, data in files.items():
            # the same bytes whenever it is built
            out.writestr(zipfile.ZipInfo(name), data)
    return wheel


def build_sdist(sdist_directory, config_settings=None):
    """Write the sources; the archive's name."""
    del config_settings
    paths = [HERE / name for name in SOURCES]
    paths += [path for path in sorted((HERE / PACKAGE).rglob("*"))
              if path.suffix == ".py" or path.name == "py.typed"]
    files = {str(path.relative_to(HERE)): path.read_bytes() for path in paths}
    files["PKG-INFO"] = _metadata().encode()
    archive = f"{_name()}.tar.gz"
    with tarfile.open(pathlib.Path(sdist_directory) / archive, "w:gz") as out:
        for name, data in files.items():
            member = tarfile.TarInfo(f"{_name()}/{name}")
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
    return archive
