#!/usr/bin/python3
"""Where cmake --install puts things, how packaging/uninstall takes them away,
and that installing packages starts nothing.
"""

import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import tap

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(os.environ.get("FIRSTOPS_BUILD", TOP / "build" / "dev"))
UNINSTALL = TOP / "packaging" / "uninstall"
INSTALL_PACKAGES = TOP / "packaging" / "install-packages"


def run(*argv, **env):
    return subprocess.run([str(a) for a in argv], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT,
                          env=dict(os.environ, **env))


def good(*argv, **env):
    done = run(*argv, **env)
    assert done.returncode == 0, done.stdout
    return done.stdout


def folder():
    return tempfile.TemporaryDirectory(prefix="firstops-install-")


def cache(name):
    text = (BUILD / "CMakeCache.txt").read_text()
    found = re.search(rf"^{name}:\w+=(.*)$", text, re.M)
    return found[1] if found else ""


class Installed:
    """The build, installed below a DESTDIR; the build folder's own manifest
    is left alone."""

    def __init__(self, dest, prefix="/usr"):
        if not (BUILD / "cmake_install.cmake").is_file():
            tap.skip(f"{BUILD} is not built")
        self.dest = pathlib.Path(dest)
        self.manifest = BUILD / "install_manifest.txt"
        kept = self.manifest.read_bytes() if self.manifest.exists() else None
        good("cmake", "--install", BUILD, "--prefix", prefix,
             DESTDIR=str(dest))
        self.listed = self.manifest.read_text().splitlines()
        self.build = self.dest.parent / "build"
        self.build.mkdir(exist_ok=True)
        shutil.copy(self.manifest, self.build)
        if kept is None:
            self.manifest.unlink()
        else:
            self.manifest.write_bytes(kept)

    def files(self):
        return sorted(str(p.relative_to(self.dest))
                      for p in self.dest.rglob("*") if not p.is_dir())


# ---- install ----------------------------------------------------------------

def test_the_module_goes_where_libpam_finds_its_own():
    with folder() as top:
        files = Installed(f"{top}/root").files()
        module = [f for f in files if f.endswith("pam_firstops.so")]
        assert len(module) == 1, files
        beside = pathlib.Path("/", module[0]).parent / "pam_permit.so"
        assert beside.exists(), f"{beside} is not there, {module}"


def test_everything_else_goes_to_the_gnu_folders():
    with folder() as top:
        lib = "usr/" + cache("CMAKE_INSTALL_LIBDIR")
        places = re.compile(
            r"usr/bin/(fo|fo-askpass|fo-signer)"
            r"|usr/include/firstops/\w+\.h"
            rf"|{lib}/libfirstops\.so[.0-9]*"
            rf"|{lib}/pkgconfig/libfirstops\.pc"
            rf"|{lib}/cmake/firstops/firstops-config[\w-]*\.cmake"
            rf"|{lib}/nodejs/firstops/(index\.js|index\.d\.ts|package\.json"
            r"|README\.md|firstops\.node)"
            r"|usr/share/doc/firstops/.*"
            r"|usr/share/man/man[1-8]/[\w.-]+\.[1-8]"
            r"|usr/share/bash-completion/completions/fo"
            r"|usr/share/fish/vendor_completions\.d/fo\.fish"
            r"|usr/share/zsh/site-functions/_fo"
            r"|usr/lib/tmpfiles\.d/firstops\.conf"
            r"|usr/lib/systemd/system/run-firstops\.mount"
            r"|usr/lib/systemd/system/firstops-(replay|seal)\.service"
            r"|usr/lib/systemd/system/firstopsd-(login|store)\.(service|socket)"
            r"|usr/lib/systemd/system/firstops-expiring\.(service|timer)"
            r"|usr/lib/systemd/user/firstops-signer\.(service|socket)"
            r"|usr/libexec/firstops/firstopsd-(login|store)"
            r"|.*/security/pam_firstops\.so"
            r"|.*/sudo/sudo_firstops\.so")
        files = Installed(f"{top}/root").files()
        strange = [f for f in files if not places.fullmatch(f)]
        assert not strange, strange
        for want in ("usr/bin/fo", "usr/bin/fo-askpass",
                     "usr/include/firstops/firstops.h",
                     f"{lib}/libfirstops.so", f"{lib}/libfirstops.so.1",
                     f"{lib}/pkgconfig/libfirstops.pc",
                     "usr/lib/tmpfiles.d/firstops.conf",
                     "usr/lib/systemd/system/run-firstops.mount",
                     "usr/lib/systemd/system/firstops-replay.service",
                     "usr/lib/systemd/system/firstops-seal.service",
                     "usr/lib/systemd/user/firstops-signer.service",
                     "usr/lib/systemd/user/firstops-signer.socket",
                     "usr/share/man/man1/fo-signer.1",
                     "usr/share/man/man8/fo-signer.8",
                     "usr/share/man/man5/firstops.yaml.5",
                     "usr/share/man/man5/firstops-policy.5",
                     "usr/share/man/man5/firstops-principal.5",
                     "usr/share/man/man8/pam_firstops.8",
                     "usr/share/doc/firstops/examples/pam.d/sshd",
                     "usr/share/doc/firstops/services/sshd.md"):
            assert want in files, (want, files)


def test_nothing_is_installed_into_the_live_etc():
    with folder() as top:
        files = Installed(f"{top}/root").files()
        assert not [f for f in files if not f.startswith("usr/")], files


def test_no_static_library_and_no_private_header_is_installed():
    with folder() as top:
        for name in Installed(f"{top}/root").files():
            assert not name.endswith(".a"), name
            assert not re.search(r"include/(base|host)/", name), name


def test_nothing_installed_can_be_written_by_others():
    with folder() as top:
        for name in Installed(f"{top}/root").files():
            path = pathlib.Path(top, "root", name)
            mode = path.lstat().st_mode
            assert stat.S_ISLNK(mode) or not mode & 0o022, (name, oct(mode))
            assert not mode & (stat.S_ISUID | stat.S_ISGID), (name, oct(mode))


def configured(top, *options):
    """Configure the tree anew with options; where the module would go."""
    text = good("cmake", "-S", TOP, "-B", f"{top}/build", "-G", "Ninja",
                "-DFIRSTOPS_TESTS=OFF", *options)
    script = pathlib.Path(
        top, "build/pam_firstops/cmake_install.cmake").read_text()
    found = re.search(r'"(\S*)/pam_firstops\.so"', script)
    assert found, text
    return found[1]


def test_the_module_folder_can_be_chosen():
    with folder() as top:
        where = configured(top, "-DPAM_MODULE_DIR=/opt/pam/security")
        assert where.endswith("/opt/pam/security"), where


def test_below_usr_local_the_module_still_goes_to_libpams_folder():
    with folder() as top:
        where = configured(top, "-DCMAKE_INSTALL_PREFIX=/usr/local")
        assert pathlib.Path(where.replace("$ENV{DESTDIR}", ""),
                            "pam_permit.so").exists(), where


def test_below_another_prefix_the_module_stays_with_the_rest():
    with folder() as top:
        where = configured(top, "-DCMAKE_INSTALL_PREFIX=/opt/firstops")
        assert "/opt/firstops/" in where, where
        assert where.endswith("/security"), where


def test_built_for_another_machine_the_module_goes_to_that_ones_folder():
    sysroot = pathlib.Path("/usr/local/lib/firstops-tests/sysroot-arm64")
    if not sysroot.is_dir() or not shutil.which("aarch64-linux-gnu-gcc"):
        tap.skip("packaging/install-packages cross was not run")
    with folder() as top:
        where = configured(top, "--toolchain",
                           TOP / "packaging/cross/arm64.cmake")
        assert where.endswith("/lib/aarch64-linux-gnu/security"), where
        assert "sysroot" not in where, where


def test_a_program_outside_the_tree_builds_with_pkg_config():
    with folder() as top:
        prefix = cache("CMAKE_INSTALL_PREFIX")
        Installed(f"{top}/root", prefix)
        source = pathlib.Path(top, "program.c")
        source.write_text(
            "#include <stdio.h>\n#include <firstops/firstops.h>\n"
            "int main(void) { puts(fo_err_word(FO_OK)); return 0; }\n")
        lib = f"{top}/root{prefix}/" + cache("CMAKE_INSTALL_LIBDIR")
        flags = good("pkg-config", "--cflags", "--libs", "libfirstops",
                     PKG_CONFIG_PATH=f"{lib}/pkgconfig",
                     PKG_CONFIG_SYSROOT_DIR=f"{top}/root").split()
        good("cc", "-std=c17", "-Wall", "-Werror", "-o", f"{top}/program",
             source, *flags)
        assert good(f"{top}/program", LD_LIBRARY_PATH=lib) == "ok\n"


# ---- uninstall --------------------------------------------------------------

def test_uninstall_removes_what_was_installed_and_leaves_the_store():
    with folder() as top:
        installed = Installed(f"{top}/root")
        store = installed.dest / "etc/firstops/firstops.yaml"
        store.parent.mkdir(parents=True)
        store.write_text("---\n")
        other = installed.dest / "usr/bin/other"
        other.write_text("")
        text = good(UNINSTALL, installed.build, DESTDIR=str(installed.dest))
        assert installed.files() == ["etc/firstops/firstops.yaml",
                                     "usr/bin/other"], installed.files()
        assert "/etc/firstops" in text, text
        left = [p for p in installed.dest.rglob("firstops") if p.is_dir()]
        assert left == [store.parent], left


def refused_with(line, name="pam.d/sshd"):
    """Is it refused with that line in a file of /etc? Then nothing is
    gone."""
    with folder() as top:
        installed = Installed(f"{top}/root")
        stack = installed.dest / "etc" / name
        stack.parent.mkdir(parents=True)
        stack.write_text(f"auth required pam_unix.so\n{line}\n")
        before = installed.files()
        done = run(UNINSTALL, installed.build, DESTDIR=str(installed.dest))
        if done.returncode == 0:
            return False
        assert done.returncode == 1, done.stdout
        assert str(stack) in done.stdout, done.stdout
        assert installed.files() == before
        return True


def test_uninstall_refuses_while_a_stack_names_the_module():
    assert refused_with("auth required pam_firstops.so")


def test_uninstall_refuses_whatever_the_line_looks_like():
    assert refused_with("\t-account [default=die] "
                        "/usr/lib/security/pam_firstops.so lax",
                        "pam.d/postgresql")


def test_uninstall_refuses_while_sudo_loads_the_plugin():
    assert refused_with("Plugin sudo_firstops sudo_firstops.so", "sudo.conf")


def test_uninstall_passes_over_a_comment_about_the_module():
    assert not refused_with("  # auth required pam_firstops.so")
    assert not refused_with("# Plugin sudo_firstops sudo_firstops.so",
                            "sudo.conf")


def test_uninstall_without_a_manifest_says_what_is_missing():
    with folder() as top:
        done = run(UNINSTALL, top, DESTDIR=f"{top}/root")
        assert done.returncode == 1
        assert "install_manifest.txt" in done.stdout, done.stdout


def test_uninstall_takes_no_path_with_dots():
    with folder() as top:
        victim = pathlib.Path(top, "victim")
        victim.write_text("")
        (pathlib.Path(top) / "root").mkdir()
        pathlib.Path(top, "install_manifest.txt").write_text("/../victim\n")
        run(UNINSTALL, top, DESTDIR=f"{top}/root")
        assert victim.exists()


def test_a_dry_run_of_uninstall_removes_nothing():
    with folder() as top:
        installed = Installed(f"{top}/root")
        before = installed.files()
        text = good(UNINSTALL, "--dry-run", installed.build,
                    DESTDIR=str(installed.dest))
        assert installed.files() == before
        assert "usr/bin/fo" in text, text


# ---- installing packages ----------------------------------------------------

# Stands in for apt-get: writes down what it meets when packages are installed.
FAKE_APT = """#!/bin/sh
case "$*" in
*install*)
	{
		echo "packages $*"
		/usr/sbin/policy-rc.d ssh start; echo "policy $?"
		cat /etc/postgresql-common/createcluster.conf | sed 's/^/conf /'
		echo "needrestart $NEEDRESTART_SUSPEND"
	} >>"$SEEN" 2>&1
	exit "${APT_FAILS:-0}" ;;
esac
"""

# Nothing is installed, as dpkg-query tells it.
FAKE_DPKG = "#!/bin/sh\nexit 1\n"

# The machine's /usr/sbin and /etc/postgresql-common are covered for the test.
INSIDE = """
set -e
mkdir "$TOP/sbin"
mount -t tmpfs tmpfs "$TOP/sbin"
mount --bind "$TOP/sbin" /usr/sbin
mkdir -p "$TOP/pg"
echo '# as shipped' >"$TOP/pg/createcluster.conf"
[ ! -d /etc/postgresql-common ] || mount --bind "$TOP/pg" /etc/postgresql-common
[ -z "$POLICY" ] || { printf '%s\\n' "$POLICY" >/usr/sbin/policy-rc.d
	chmod 755 /usr/sbin/policy-rc.d; }
rc=0
PATH="$TOP/fake:$PATH" "$@" || rc=$?
cp /usr/sbin/policy-rc.d "$TOP/policy-after" 2>/dev/null || :
cp /etc/postgresql-common/createcluster.conf "$TOP/conf-after"
exit $rc
"""


def install(top, policy="", apt_fails=""):
    """install-packages with a fake apt-get; what apt met, and the result."""
    if os.geteuid() != 0:
        tap.skip("needs root for a mount namespace")
    if not os.path.isdir("/etc/postgresql-common"):
        tap.skip("needs a /etc/postgresql-common to cover")
    top = pathlib.Path(top)
    (top / "fake").mkdir()
    for name, text in (("apt-get", FAKE_APT), ("dpkg-query", FAKE_DPKG)):
        (top / "fake" / name).write_text(text)
        (top / "fake" / name).chmod(0o755)
    done = run("unshare", "--mount", "bash", "-c", INSIDE, "bash",
               INSTALL_PACKAGES, "build", "test", TOP=str(top),
               POLICY=policy, APT_FAILS=apt_fails, SEEN=str(top / "seen"))
    return done, (top / "seen").read_text()


def test_while_packages_are_installed_no_service_may_start():
    with folder() as top:
        done, seen = install(top)
        assert done.returncode == 0, done.stdout
        assert "policy 101" in seen, seen
        assert "needrestart 1" in seen, seen
        assert "openssh-server" in seen and "libpam0g-dev" in seen, seen


def test_the_policy_is_gone_afterwards():
    with folder() as top:
        install(top)
        assert not pathlib.Path(top, "policy-after").exists()


def test_the_policy_is_gone_when_the_install_fails():
    with folder() as top:
        done, _ = install(top, apt_fails="100")
        assert done.returncode != 0, done.stdout
        assert not pathlib.Path(top, "policy-after").exists()


def test_a_policy_of_the_admins_is_covered_and_left_as_it_was():
    theirs = "#!/bin/sh\n# theirs\nexit 0"
    with folder() as top:
        _, seen = install(top, policy=theirs)
        assert "policy 101" in seen, seen
        assert pathlib.Path(top, "policy-after").read_text() == theirs + "\n"


def test_postgresql_is_told_to_make_no_cluster_and_its_file_is_unchanged():
    with folder() as top:
        _, seen = install(top)
        assert "conf create_main_cluster = false" in seen, seen
        assert pathlib.Path(top, "conf-after").read_text() == "# as shipped\n"


def missing_for_cross(top, packages):
    """What is missing where nothing is installed, and the libraries of each
    other architecture were unpacked for these packages."""
    if os.geteuid() != 0:
        tap.skip("needs root for a mount namespace")
    if not os.path.isdir("/usr/local/lib"):
        tap.skip("needs a /usr/local/lib to cover")
    top = pathlib.Path(top)
    (top / "fake").mkdir()
    for name, text in (("dpkg-query", FAKE_DPKG),
                       ("dpkg", "#!/bin/sh\necho amd64\n")):
        (top / "fake" / name).write_text(text)
        (top / "fake" / name).chmod(0o755)
    for name in ("arm64", "i386"):
        there = top / "lib/firstops-tests" / f"sysroot-{name}"
        there.mkdir(parents=True)
        (there / "packages").write_text(packages)
    return good("unshare", "--mount", "bash", "-c",
                'mount --bind "$TOP/lib" /usr/local/lib\n'
                'PATH="$TOP/fake:$PATH" exec "$@"', "bash",
                INSTALL_PACKAGES, "--missing", "cross",
                TOP=str(top)).splitlines()


def test_libraries_of_others_are_missing_until_they_are_those_asked_for():
    text = INSTALL_PACKAGES.read_text()
    build = re.search(r"^BUILD='([^']*)'", text, re.M)[1]
    more = re.search(r'^SYSROOT="[^)]*\)\s([^"]*)"', text, re.M)[1]
    packages = "\n".join(w for w in build.split() if w.endswith("-dev"))
    tools = {"gcc-aarch64-linux-gnu", "gcc-i686-linux-gnu", "qemu-user"}
    with folder() as top:
        assert set(missing_for_cross(top, f"{packages} {more}\n")) == tools
    with folder() as top:
        assert set(missing_for_cross(top, f"{packages} {more} one\n")) == {
            *tools, "sysroot-arm64", "sysroot-i386"}


def test_what_is_missing_can_be_asked_without_installing():
    text = good(INSTALL_PACKAGES, "--missing", "build")
    assert "apt-get" not in text, text


if __name__ == "__main__":
    tap.main()
