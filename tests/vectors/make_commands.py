#!/usr/bin/python3
"""Make commands.json: which commands a rule's pattern speaks of.

    make_commands.py           write commands.json anew
    make_commands.py --check   exit 1 unless it is what would be written

Each case states two answers: whether the command meets the pattern (wide, for
deny and ask), and whether it is the pattern (exact, for allow). They are
written here by hand, or by a rule that stands beside them, from what POSIX,
bash and the manuals of the programs say. None of this comes from libfirstops.
"""

import json
import pathlib
import sys

FILE = pathlib.Path(__file__).with_name("commands.json")
WIPE = "rm -rf /"
HOME = "/home/u"


class Suite:
    """The cases, in the order in which they are made."""

    def __init__(self):
        self.cases = []
        self.seen = {}

    def add(self, category, command, pattern, meets, is_it=False, cwd=HOME):
        how = "shell" if isinstance(command, str) else "argv"
        key = json.dumps([command, pattern, cwd])
        assert meets or not is_it, key
        if key in self.seen:
            assert self.seen[key] == (meets, is_it), key
            return
        self.seen[key] = (meets, is_it)
        self.cases.append({
            "id": f"{category} {len(self.cases) + 1}", "category": category,
            how: command, "cwd": cwd, "pattern": pattern, "meets": meets,
            "is": is_it})

    def meet(self, category, commands, pattern=WIPE, cwd=HOME):
        for command in commands:
            self.add(category, command, pattern, True, cwd=cwd)

    def miss(self, category, commands, pattern=WIPE, cwd=HOME):
        for command in commands:
            self.add(category, command, pattern, False, cwd=cwd)


# ---- exact --------------------------------------------------------------

RESTART = "/usr/bin/systemctl restart app"
TAIL = "/usr/bin/tail -n * /var/log/*.log"


def allowed_cases(suite):
    c = "allowed"
    for command in (RESTART, f"  {RESTART}", f"{RESTART}\n", f"{RESTART} ",
                    "/usr/bin/systemctl  restart\tapp",
                    "/usr/bin/systemctl 'restart' \"app\"",
                    "/usr/bin/systemctl r\\estart app",
                    ["/usr/bin/systemctl", "restart", "app"]):
        suite.add(c, command, RESTART, True, True)
        suite.add(c, command, RESTART, True, True, cwd=None)
    for n in ("5", "+1", "10"):
        suite.add(c, f"/usr/bin/tail -n {n} /var/log/app.log", TAIL, True,
                  True)
    suite.add(c, ["/usr/bin/tail", "-n", "5; rm", "/var/log/a b.log"], TAIL,
              True, True)
    suite.add(c, "/usr/bin/tail -n '5; rm' '/var/log/a b.log'", TAIL, True,
              True)
    # a line is split at single spaces, and '*' is one word
    suite.add(c, ["/bin/echo", ""], "/bin/echo ", True, True)
    suite.add(c, ["/bin/echo"], "/bin/echo ", True, False)
    suite.add(c, ["/bin/echo", "a", "b"], "/bin/echo *", True, False)
    suite.add(c, ["/bin/echo", "a b"], "/bin/echo *", True, True)
    suite.add(c, ["/bin/echo"], "/bin/echo *", True, False)
    suite.add(c, "/bin/echo a", "/bin/echo ?", True, True)
    suite.add(c, "/bin/echo ab", "/bin/echo ?", False, False)
    suite.add(c, ["/bin/echo", "a"], "/bin/echo  a", True, False)
    # a bracket that is the program, and '*' that is quoted
    suite.add(c, "/usr/bin/[ a = a ]", "/usr/bin/[ a = a ]", True, False)
    suite.add(c, "/bin/echo '*'", "/bin/echo *", True, True)
    # in one order only, and spelled in one way only
    for command in ("/usr/bin/systemctl app restart",
                    "/bin/systemctl restart app", "systemctl restart app",
                    "/usr/bin/systemctl restart app app",
                    "/usr/bin//systemctl restart app",
                    "/usr/bin/../bin/systemctl restart app",
                    "/usr/bin/systemctl restart ./app",
                    "/usr/bin/systemctl --now restart app",
                    "/usr/bin/systemctl restart -- app",
                    ["systemctl", "restart", "app"],
                    ["/bin/sh", "-c", RESTART],
                    ["/usr/bin/sudo", "/usr/bin/systemctl", "restart",
                     "app"],
                    f"/usr/bin/sudo {RESTART}", f"env {RESTART}"):
        suite.add(c, command, RESTART, True, False)


def not_plain_cases(suite):
    """One command, with one thing more: it never is the pattern."""
    more = {
        "operators": ["{};", "{} &", "{}&&true", "{} || true", "true; {}",
                      "true\n{}", "{} | cat", "({})", "{{ {}; }}", "! {}",
                      "if {}; then :; fi", "while {}; do break; done",
                      "{} |& cat", "case a in a) {};; esac", "{} # x",
                      "f() {{ {}; }}", "function f {{ {}; }}; f", "time {}",
                      "{}\ntrue", "{}\r\n"],
        "here-documents": ["{} <<EOF\nx\nEOF", "{} <<< x", "{} <<-E\n\tE",
                           "<<E {}\nE"],
        "environment prefixes": ["A=1 {}", "PATH=/x {}", "A= {}",
                                 "A=1 B=2 {}", "A=$(x) {}", "A+=1 {}",
                                 "PATH=/x; {}", "IFS=x\n{}",
                                 "export PATH=/x; {}"],
        "quoting": ["{} $x", "{} ${{x}}", "{} \"$x\"", "{} $(x)",
                    "{} `x`", "{} *", "{} ?", "{} [a]", "{} ~", "{} {{a,b}}",
                    "{} {{1..3}}", "{} $((1))", "{} <(x)", "{} $'x'",
                    "{} $\"x\"", "{} >x", "{} 2>&1", "{} <x", "{} &>x",
                    "{} >|x", "{} \\\n", "{} a=~"],
        "unparsable": ["{} '", "{} \"", "{} $(", "{} `", "{} )", "{} ;;",
                       "{} ${{", "{} (", "{} x(", "{} <", "{} >", "{} <<",
                       "{} \xa0", "{} \u200b", "{} \x01", "{} \x7f",
                       "{} \u3000"],
        "denied": ["set -f; {}", "shopt -s x; {}", "hash -r; {}",
                   "enable x; {}", "exec {}", "alias a=b; {}",
                   "alias a=b\n{}", "unalias a; {}", "cd /; {}",
                   "{} || alias a=b", "builtin {}", "command {}"],
    }
    for category, shapes in more.items():
        for shape in shapes:
            suite.add(category, shape.format(RESTART), RESTART, True)
            suite.add(category, shape.format("/usr/bin/tail -n 5 /var/log/"
                                             "a.log"), TAIL, True)


def dots_cases(suite):
    """A wildcard stands for no way up."""
    c = "paths"
    for path in ("/var/log/../x.log", "/var/log/a/../../x.log",
                 "/var/log/../../etc/shadow.log", "/var/log/../.log/..log/.."
                 "/a.log"):
        suite.add(c, ["/usr/bin/tail", "-n", "5", path], TAIL, True, False)
    for path in ("/var/log/..a.log", "/var/log/a..b.log", "/var/log/...log",
                 "/var/log/./a.log"):
        suite.add(c, ["/usr/bin/tail", "-n", "5", path], TAIL, True, True)
    suite.add(c, "/bin/cat --file=../x", "/bin/cat --file=*", True, False)
    suite.add(c, "/bin/cat ..", "/bin/cat ..", True, True)
    suite.add(c, "/bin/cat ..", "/bin/cat ?.", True, False)


# ---- wide ---------------------------------------------------------------

def denied_cases(suite):
    c = "denied"
    suite.meet(c, [WIPE, "rm  -rf   /", "rm\t-rf\t/", ["rm", "-rf", "/"],
                   ["/bin/rm", "-rf", "/"], "cd / && rm -rf .",
                   "cd /; rm -rf ./", "pushd / && rm -rf ./*", "rm -rf / /",
                   "rm -rf /tmp/x /", "rm -rf / /tmp/x", "/usr/bin/rm -rf /"])
    suite.miss(c, ["rm -rf /tmp/x", "rm -r /", "rm -f /", "rm /", "rm -rf",
                   "echo rm -rf /", "echo 'rm -rf /'", "rmdir -rf /",
                   "grep \"rm -rf /\" file", "git commit -m \"rm -rf /\"",
                   "ls -rf /", "rm -rf build", "xrm -rf /", "rm.sh -rf /",
                   ["echo", "rm", "-rf", "/"], ["rm -rf /"],
                   ["rm", "-rf /"], "true", "", " ", "\n", "# rm -rf /",
                   "man rm", "a.txt # rm -rf /", "echo a#; echo 'rm' -rf /",
                   "python3 -c 'print(1)'"])
    suite.meet(c, ["rm", "rm -i x", "/bin/rm x", "sudo rm x"], "rm")
    suite.meet(c, ["rm", "rm -i x", "true; rm"], "rm *")
    suite.miss(c, ["rmx", "ls rm", "echo; ls"], "rm")
    suite.meet(c, ["mkfs.ext4 /dev/sda", "/sbin/mkfs.xfs x"], "mkfs*")
    suite.miss(c, ["amkfs x", "ls mkfs"], "mkfs*")
    suite.meet(c, ["ls", "x y", ["a"]], "*")
    suite.meet(c, ["git push --force", "git push -f origin main",
                   "git push origin --force main", "git -C /x push -f",
                   "git push --force=x", "git push --for", "git push -uf",
                   "git push --mirror", "git push -vf x"],
               "git push --force *")
    suite.meet(c, ["git push origin +main", "git push origin +HEAD:main",
                   "git push -- origin +main", "git-push --force",
                   "git push --force-with-lease",
                   "git push --force-with-lease=x:y", "git-push -f x",
                   "/usr/lib/git-core/git-push --force origin",
                   "git-push origin +main", "sudo git-push -f",
                   "git push --force-if-includes"], "git push --force *")
    suite.meet(c, ["git-push", "git push"], "git push")
    suite.miss(c, ["git-pull", "git-push-x", "gitpush", "git x"], "git push")
    suite.miss(c, ["git-push origin main", "git log +x", "git-pull -f",
                   "git push origin a+b", "git-push"], "git push --force")
    suite.meet(c, ["git-push x"], "git-push")
    suite.miss(c, ["git push", "git push origin main", "git pull --force",
                   "git commit -f", "git push -u origin main",
                   "git push -- --force"], "git push --force *")
    suite.meet(c, ["dd if=/dev/zero of=/dev/sda", "dd of=//dev/sda",
                   "dd of=/dev/./sda bs=1M", "dd 'of=/dev/x/../sda'"],
               "dd of=/dev/sda")
    suite.miss(c, ["dd if=/dev/sda of=/tmp/x", "dd of=/dev/sdb"],
               "dd of=/dev/sda")


def option_cases(suite):
    c = "options"
    suite.meet(c, ["rm -fr /", "rm -r -f /", "rm -f -r /", "rm -rfv /",
                   "rm -vrf /", "rm --recursive --force /", "rm / -rf",
                   "rm -r / -f", "rm -R -f /", "rm -Rf /", "rm -fR /",
                   "rm --recurs --forc /", "rm --r --f /", "rm -r --force /",
                   "rm -rf -- /", "rm -rf --one-file-system /",
                   "rm --no-preserve-root -rf /", "rm -v -r -v -f -v /",
                   "rm -rf --preserve-root=all /", "rm / --force -r"])
    suite.miss(c, ["rm -- -rf /", "rm -v /", "rm --verbose /", "rm -r -v /",
                   "rm --recursive /", "rm -- -r -f /"])
    suite.meet(c, ["chmod -R 777 /", "chmod --recursive 777 /",
                   "chmod 777 -R /", "chmod --rec 777 /", "chmod -vR 777 /"],
               "chmod -R 777 /")
    suite.miss(c, ["chmod 777 /", "chmod -R 755 /", "chmod -R 777 /tmp"],
               "chmod -R 777 /")
    suite.meet(c, ["cp -a / x", "cp -R / x", "cp --archive / x",
                   "cp --recursive / x", "cp -r / x"], "cp -r /")
    suite.miss(c, ["cp / x", "cp -f / x"], "cp -r /")
    suite.meet(c, ["chown --no-dereference a b", "chown -h a b"], "chown -h")
    suite.miss(c, ["chown a b", "chown -R a b"], "chown -h")
    suite.meet(c, ["mkdir -p x", "mkdir --parents x", "mkdir --par x"],
               "mkdir --parents")
    suite.miss(c, ["mkdir x", "mkdir -m 7 x"], "mkdir --parents")
    suite.meet(c, ["ln -s a b", "ln --symbolic a b", "ln -sf a b"], "ln -s")
    suite.miss(c, ["ln a b", "ln -f a b"], "ln -s")
    for value in ("--namespace=prod", "--namespace prod", "-n prod",
                  "-nprod", "--names=prod"):
        for pattern in ("kubectl delete --namespace=prod",
                        "kubectl delete --namespace prod"):
            suite.meet(c, [f"kubectl delete {value} pod x"], pattern)
    suite.miss(c, ["kubectl delete --namespace=dev x",
                   "kubectl delete pod prod", "kubectl get -n prod"],
               "kubectl delete --namespace=prod")
    suite.meet(c, ["find / -delete", "find / -name x -delete",
                   "find -delete /"], "find / -delete")
    suite.miss(c, ["find / -depth -type l", "find / -name delete"],
               "find / -delete")
    suite.meet(c, ["ls -x", "ls -abc", "ls --all"], "ls -*")
    suite.miss(c, ["ls", "ls x", "ls -"], "ls -*")


def path_cases(suite):
    c = "paths"
    suite.meet(c, ["rm -rf //", "rm -rf ///", "rm -rf /./", "rm -rf /.",
                   "rm -rf /..", "rm -rf /tmp/..", "rm -rf /tmp/../",
                   "rm -rf /a/b/../..", "rm -rf //./..//", "rm -rf ../..",
                   "rm -rf ../../", "rm -rf ../../../..",
                   "rm -rf x/../../..", "/bin/../bin/rm -rf /",
                   "./rm -rf /", "../rm -rf /", "//bin//rm -rf /",
                   "/proc/self/root/bin/rm -rf /"])
    suite.miss(c, ["rm -rf ..", "rm -rf .", "rm -rf ./..", "rm -rf /home",
                   "rm -rf /tmp/../x", "rm -rf ./build", "rm -rf /...",
                   "rm -rf u/../x"])
    suite.meet(c, ["rm -rf .", "rm -rf ./", "rm -rf .//."], cwd="/")
    suite.miss(c, ["rm -rf x"], cwd="/")
    # where it runs is not known: only how a relative path ends
    suite.meet(c, ["rm -rf .", "rm -rf ./", "rm -rf ../x", "rm -rf x/.."],
               cwd=None)
    suite.miss(c, ["rm -rf /x", "rm -r .", "rm -rf x", "rm -rf ./x/y"],
               cwd=None)
    suite.meet(c, ["rm -rf x", "rm -rf ./x", "rm -rf srv/x", "rm -rf y/../x",
                   "rm -rf ../y"], "rm -rf /srv/x", cwd=None)
    suite.miss(c, ["rm -rf y", "rm -rf v/x", "rm -rf rv/x", "rm -rf x/y",
                   "rm -rf xx"], "rm -rf /srv/x", cwd=None)
    suite.meet(c, ["rm -rf y"], "rm -rf /srv/*", cwd=None)
    suite.meet(c, ["cd x && rm -rf .", "chroot /x rm -rf .", "rm -rf .; cd z",
                   "popd; rm -rf .", "(cd x); rm -rf ..",
                   "env -C / rm -rf .", "sudo -D / rm -rf .",
                   "find / -execdir rm -rf . ;"])
    suite.meet(c, ["cd x && rm -rf y", "chroot /x rm -rf y", "rm -rf y; cd z",
                   "popd; rm -rf y", "(cd x); rm -rf y"], "rm -rf /x/y")
    suite.miss(c, ["cd x && rm -rf y", "chroot /x rm -rf y", "rm -rf y; cd z",
                   "cd x && rm -rf /y", "sudo -i rm -rf /y",
                   "setsid -w rm -rf y", "flock -w 5 x rm -rf y",
                   "bash --rcfile x -c 'rm -rf y'", "sudo -C 3 rm -r -v ."])
    shadow = "cat /etc/shadow"
    suite.meet(c, ["cat /etc/shadow", "cat /etc//shadow", "cat //etc/shadow",
                   "cat /etc/./shadow", "cat /etc/x/../shadow",
                   "cat ../../etc/shadow", "cat x /etc/shadow",
                   "cat /etc/shadow/", "cat -A /etc/shadow",
                   "/bin/cat /etc/shadow", "cat < x /etc/shadow",
                   "cat /etc/sha*", "cat /etc/sh?dow", "cat /etc/[s]hadow",
                   "cat /etc/{shadow,x}", "cat ~/x", "cat \"$x\""], shadow)
    suite.miss(c, ["cat /etc/passwd", "cat etc/shadow", "cat shadow",
                   "cat /etc", "cat /etc/shadow-", "cat /x/etc/shadow",
                   "head /etc/shadow", "ls; cat /etc/shado"], shadow)
    suite.meet(c, ["cat </etc/shadow", "cat < /etc/shadow",
                   "cat 0<../../etc/shadow", "</etc/shadow cat",
                   "cat <>/etc/shadow", "sudo cat </etc/shadow",
                   "exec 3< /etc/shadow; cat <&3", "cat <\"$x\"", "cat <$x",
                   "{ cat; } </etc/shadow", "(cat) </etc/shadow",
                   "sh -c 'cat' </etc/shadow", "cat x >/etc/shadow",
                   "while read -r x; do cat; done </etc/shadow",
                   "cat <<E </etc/passwd </etc/shadow\nE",
                   "cd /etc; cat <shadow",
                   "exec <$x; exec </etc/shadow; cat"], shadow)
    suite.miss(c, ["cat </etc/passwd", "cat <&3", "cat <shadow", "cat >$x",
                   "head </etc/shadow", "cat x >/dev/null 2>&1",
                   "cat x; head </etc/shadow", "cat <<< /etc/shadow",
                   "while read -r x; do cat a; done <\"$x\"",
                   "cat >&2 2>&-", "cat x &>y"], shadow)
    suite.miss(c, ["rm x 2>/dev/null", "rm x </dev/null"], "rm /dev/*")
    suite.add(c, "/bin/cat </etc/shadow", "/bin/cat", True, False)
    suite.add(c, "/bin/cat </x", "/bin/cat /x", True, False)
    suite.meet(c, ["sudo --chd=/etc cat shadow", "pkexec cat shadow",
                   "env --chdi=/etc cat shadow", "env --ch /etc cat shadow",
                   "systemd-run --working-directory=/etc cat shadow",
                   "systemd-run --working-dir /etc cat shadow",
                   "systemd-run -d cat shadow", "bash -lc 'cat shadow'",
                   "bash --login -c 'cat shadow'",
                   "bash -login -c 'cat shadow'",
                   "shopt -s autocd; /etc; cat shadow"], shadow)
    suite.miss(c, ["bash -c 'cat shadow'", "env -u A cat shadow",
                   "sudo -n cat shadow", "ls --color=auto; cat shadow",
                   "shopt -s nullglob; cat shadow", "ls --; cat shadow"],
               shadow)
    suite.meet(c, ["cat shadow", "cat ./shadow", "cat x/../shadow"], shadow,
               cwd="/etc")
    suite.meet(c, ["rm -rf /etc", "rm -rf /etc/", "rm -rf /etc/x",
                   "rm -rf /etc/x/y", "rm -rf /tmp/../etc"],
               "rm -rf /etc/*")
    suite.miss(c, ["rm -rf /etcx", "rm -rf /x/etc"], "rm -rf /etc/*")
    # a program with its path; /usr/bin and /bin are one on most hosts
    suite.add(c, "/usr/bin/rm x", "/usr/bin/rm *", True, True)
    suite.meet(c, ["/bin/rm x", "rm x", "/usr/bin/./rm x",
                   "/usr/../bin/rm x", "../../bin/rm x"], "/usr/bin/rm *")
    suite.miss(c, ["/opt/rm x", "/usr/local/bin/rm x", "./rm x", "ls x"],
               "/usr/bin/rm *")
    suite.meet(c, ["./rm x", "x/rm y"], "/usr/bin/rm *", cwd=None)
    suite.meet(c, ["rm -r build", "rm -r ./build", "rm -r x/build",
                   "rm -r /x/build", "rm -r x/../build"], "rm -r build")
    suite.miss(c, ["rm -r builds", "rm -r build/x", "rm build"],
               "rm -r build")


def quoting_cases(suite):
    c = "quoting"
    suite.meet(c, ["\\rm -rf /", "r''m -rf /", "r\"\"m -rf /", "\"rm\" -rf /",
                   "'rm' '-rf' '/'", "$'rm' -rf /", "$'\\x72m' -rf /",
                   "$'\\162\\155' -rf /", "$'\\u0072m' -rf /",
                   "$'\\U00000072m' -rf /", "$\"rm\" -rf /", "rm -r'f' /",
                   "rm -\"rf\" /", "rm \\-rf \\/", "r\\m -r\\f /",
                   "rm\\\n -rf /", "r\\\nm -rf /", "rm -rf '/'",
                   "rm -rf \"/\"", "rm -rf $'/'", "rm -rf $'\\57'",
                   "'r'\"m\" -rf /", "rm$IFS-rf$IFS/", "rm${IFS}-rf${IFS}/",
                   "$x -rf /", "$(echo rm) -rf /", "`echo rm` -rf /",
                   "{rm,-rf,/}", "/bin/r* -rf /", "/bin/r? -rf /",
                   "/bin/[r]m -rf /", "~/x -rf /", "rm $x", "rm -rf $x",
                   "rm -rf \"$x\"", "rm -rf \"$x\"/b", "rm -rf *",
                   "rm -rf /*", "rm $(x)", "rm `x`", "rm {-rf,/}",
                   "rm -{r,f} /", "\"r\"m -rf /", "\"\\rm\" $x; rm -rf /",
                   "echo ${x:-$(rm -rf /)}", "echo \"${x:-`rm -rf /`}\"",
                   "echo ${x@P}", "echo $'\\''; rm -rf / #'",
                   "echo $'\\'; rm -rf / #'", "echo \"\\\"\"; rm -rf /",
                   "echo '\\'; rm -rf / #'", "echo \\'; rm -rf /",
                   "echo \"'\"; rm -rf /", "echo '\"'; rm -rf / #\"",
                   "rm -rf ${x}", "echo \"$(rm -rf /)\"",
                   "echo \"a`rm -rf /`b\"", "echo `echo \\`rm -rf /\\``",
                   "echo \"$(echo \"$(rm -rf /)\")\""])
    suite.miss(c, ["'rm -rf /'", "\"rm -rf /\"", "rm\\ -rf\\ /",
                   "echo \"; rm -rf /\"", "echo '; rm -rf /'",
                   "echo \\; rm -rf /",
                   "echo '$(rm -rf /)'", "echo '`rm -rf /`'",
                   "echo \"\\$(rm -rf /)\"", "echo \"\\`rm -rf /\\`\"",
                   "echo \"'; rm -rf /'\"", "echo '\"; rm -rf /\"'",
                   "echo $'; rm -rf /'", "echo \"$x\"", "echo $(date)",
                   "echo ${x}", "ls *", "rm '$x'", "\"\" rm -rf /",
                   "echo \\# rm -rf /", "echo a \"#\" ; ls", "echo ${x#rm}",
                   "rm -rf '/*'", "rm -rf '$HOME'", "rm '-rf /'"])


def operator_cases(suite):
    c = "operators"
    suite.meet(c, ["true;rm -rf /", "true; rm -rf /", "true&rm -rf /",
                   "true&&rm -rf /", "true||rm -rf /", "true|rm -rf /",
                   "true|&rm -rf /", "true\nrm -rf /", "true\r\nrm -rf /",
                   "rm -rf /;", "rm -rf /&", "rm -rf / | cat",
                   "(rm -rf /)", "((rm -rf /))", "( ( rm -rf / ) )",
                   "{ rm -rf /; }", "! rm -rf /", "! ! rm -rf /",
                   "!(rm -rf /)", "if true; then rm -rf /; fi",
                   "if rm -rf /; then :; fi", "if(rm -rf /)then :;fi",
                   "if a; then b; elif rm -rf /; then c; fi",
                   "if a; then b; else rm -rf /; fi",
                   "while rm -rf /; do :; done",
                   "until rm -rf /; do :; done",
                   "for i in 1; do rm -rf /; done",
                   "for i do rm -rf /; done", "for i; do rm -rf /; done",
                   "for i in 1 2\ndo rm -rf /\ndone",
                   "for ((i=0;i<1;i++)); do rm -rf /; done",
                   "for i in $(rm -rf /); do :; done",
                   "select x in a; do rm -rf /; done",
                   "case x in x) rm -rf /;; esac",
                   "case x in (x|y) rm -rf / ;; *) ;; esac",
                   "case x in a) :;; b) rm -rf /\nesac",
                   "case x in a) :;& b) rm -rf /;; esac",
                   "case $(rm -rf /) in x) :;; esac",
                   "case x in esac; rm -rf /", "f() { rm -rf /; }",
                   "f () (rm -rf /)", "function f { rm -rf /; }",
                   "function f() { rm -rf /; }", "f(){ rm \"$@\"; }; f x",
                   "[[ -f x ]] && rm -rf /", "[[ a || rm -rf / ]]",
                   "[[ a == (b|c) ]]; rm -rf /", "[[ $(rm -rf /) ]]",
                   "echo $((1+$(rm -rf /)))", "(( $(rm -rf /) ))",
                   "echo $(( '$(rm -rf /)' ))", "(( '`rm -rf /`' ))",
                   "echo $((a <<'E'\n$(rm -rf /)\nE\n))",
                   "x=$(rm -rf /)", "x=`rm -rf /`", "a=(1 $(rm -rf /))",
                   "a[$(rm -rf /)]=1", "echo <(rm -rf /)",
                   "echo >(rm -rf /)", "cat < <(rm -rf /)",
                   "rm -rf / # x", "# x\nrm -rf /", ">x rm -rf /",
                   "rm >x -rf /", "rm -rf / 2>&1", "2>x rm -rf /",
                   "{fd}>x rm -rf /", "rm -rf / &>x", "rm -rf />x",
                   "rm -rf /<x", "<x rm -rf /", "rm &>x -rf /",
                   "echo &>x rm -rf /", "time rm -rf /",
                   "time -p rm -rf /", "time { rm -rf /; }",
                   "time (rm -rf /)", "coproc rm -rf /",
                   "coproc X { rm -rf /; }", "a=rm; $a -rf /",
                   "echo x >$(rm -rf /)", "true && { (rm -rf /) }",
                   "i\\\nf true; then rm -rf /; fi", "A\\\n=1 rm -rf /",
                   "echo $((x)) ; rm -rf /", "$( (rm -rf /) )",
                   "echo $( (a); rm -rf /)", "if a\nthen rm -rf /\nfi | b"])
    suite.miss(c, ["for ((;;)); do ls; done", "true; rm -r /; ls -f /",
                   "rm -r / ; rm -f /",
                   "if rm; then -rf /; fi", "for rm in -rf /; do :; done",
                   "case rm in -rf) / ;; esac", "[[ rm == -rf ]]",
                   "((i++))", "(( i > 3 )) && ls", "echo $((1 + 2))",
                   "echo $(( rm ))", "echo $(( $x * 2 ))", "[[ a &&\n$b ]]",
                   "echo $(( $(wc -l < \"$f\") + 1 ))", "[[ a && ($b) ]]",
                   "echo $(( ${x:-1} + ${#y} ))", "(( i += $x ))",
                   "[[ $x =~ ^($a|$b)$ ]]", "[[ a ]] || ls; ls",
                   "if [[ -f a && -n $b ]]; then ls; fi",
                   "{ ls; } >x; { ls; }",
                   "[[ -f a && $b == x ]] && ls",
                   "[[ $x =~ ^(a|b)$ ]] || ls", "a=(rm -rf /); ls",
                   "ls >rm -rf /", "echo 2>&1 >x", "f() { ls; }; f",
                   "while read -r l; do echo \"$l\"; done < x",
                   "echo a & echo b", "x=1; y=2", "x=rm", "x='rm -rf /'",
                   "echo a # rm -rf /", "ls | sort | uniq -c",
                   "for i in 1 2 3; do echo \"$i\"; done",
                   "case \"$1\" in a) ls;; *) ls -l;; esac",
                   "if [ -n \"$x\" ]; then ls; fi", "make -j4 2>&1 | tee l",
                   "time ls", "{ ls; }", "(ls)", "! ls"])


def heredoc_cases(suite):
    c = "here-documents"
    suite.meet(c, ["cat <<E\nx\nE\nrm -rf /", "cat <<E && rm -rf /\nx\nE",
                   "cat <<E; rm -rf /\nx\nE", "cat <<E\n$(rm -rf /)\nE",
                   "cat <<E\n`rm -rf /`\nE", "cat <<E\n${x:-$(rm -rf /)}\nE",
                   "sh <<E\nrm -rf /\nE", "sh <<'E'\nrm -rf /\nE",
                   "bash -s <<E\nrm -rf /\nE", "sudo sh <<E\nrm -rf /\nE",
                   "ssh host <<E\nrm -rf /\nE", "xargs rm -rf <<E\n/\nE",
                   "xargs rm -rf <<< /", "rm <<E\nx\nE", "sh <<< 'rm -rf /'",
                   "cat <<-E\n\tx\n\tE\nrm -rf /", "cat <<'a b'\nx\na b\n"
                   "rm -rf /", "cat <<\\E\nx\nE\nrm -rf /",
                   "cat <<A <<B\nA\nB\nrm -rf /", "cat <<E\nE \nE\nrm -rf /",
                   "cat <<E\nE\\\n\nrm -rf /\nE",
                   "cat <<E\na\\\nE\nrm -rf /\nE", "cat <<E | sh\nrm\nE",
                   "cat <<\"E\"\n'\nE\nrm -rf / #'", "cat <<E\n'\nE\nrm -rf /",
                   "while read x; do :; done <<E\nE\nrm -rf /"])
    suite.miss(c, ["cat <<E\nrm -rf /\nE", "cat <<'E'\n$(rm -rf /)\nE",
                   "cat <<\\E\n`rm -rf /`\nE", "cat <<E\n\\$(rm -rf /)\nE",
                   "cat <<-E\n\trm -rf /\n\tE", "cat <<E >x\nrm -rf /\nE\nls",
                   "cat <<'a b'\nrm -rf /\na b", "cat <<E\n' \" (\nE\nls",
                   "cat <<E\nrm -rf /", "cat <<< 'rm -rf /'",
                   "cat <<E\nE2\nrm -rf /\n E\nE"])
    # what it reads nobody looked at: every rule about the program
    suite.meet(c, ["cat <<E\nx\nE", "sudo cat <<E\nx\nE"], "cat /etc/shadow")
    suite.miss(c, ["cat <<< x", "ls <<E\nE"], "cat /etc/shadow")


def lookalike_cases(suite):
    c = "look-alikes"
    # other programs, and other files: no shell takes them for these
    suite.miss(c, ["r\u043c -rf /", "\u0433m -rf /", "rm \u2010rf /",
                   "rm -rf \u2215", "RM -rf /", "Rm -rf /", "rn -rf /",
                   "rm \u2212rf /", "\uff52\uff4d -rf /", "rm -rf \uff0f",
                   ["rm\u00a0-rf", "/"], ["rm", "-rf\u200b/"],
                   "echo 'a\u00a0b'", "echo \"\u200b\""])
    # blanks for an eye, an editor or some locale
    blanks = ["\u00a0", "\u200b", "\u2003", "\u3000", "\u2028", "\ufeff",
              "\u2060", "\u00ad", "\u202e", "\u180e", "\u1680", "\u205f",
              "\u0085", "\x0b", "\x0c", "\r", "\x01", "\x1b", "\x7f", "\b"]
    for blank in blanks:
        suite.meet(c, [f"rm{blank}-rf /", f"rm -rf{blank} /",
                       f"rm -rf /{blank}"])
        suite.miss(c, [f"echo{' '}{blank}rm -rf /"])
        suite.add(c, f"/bin/echo a{blank}", "/bin/echo a*", True, False)
        suite.add(c, f"/bin/echo 'a{blank}'", "/bin/echo a*", True, False)
    suite.add(c, "/bin/echo \u00e4", "/bin/echo \u00e4", True, True)
    suite.add(c, "/bin/echo \u0430", "/bin/echo a", False, False)


def env_cases(suite):
    c = "environment prefixes"
    suite.meet(c, ["A=1 rm -rf /", "A= rm -rf /", "A=1 B=2 rm -rf /",
                   "A='x y' rm -rf /", "A=$x rm -rf /", "A=\"$(x)\" rm -rf /",
                   "A+=1 rm -rf /", "A[0]=1 rm -rf /", "a_1=x rm -rf /",
                   "A=1 >x rm -rf /", ">x A=1 rm -rf /", "A=(1 2); rm -rf /",
                   "A=1;rm -rf /", "A=~ rm -rf /", "A=* rm -rf /",
                   "A=`x` rm -rf /", "A=1 sudo rm -rf /", "env A=1 rm -rf /",
                   "env -i A=1 B=2 rm -rf /", "sudo A=1 rm -rf /",
                   "env -u A rm -rf /", "env - rm -rf /",
                   "A=$(rm -rf /) ls", "A=1 $x -rf /"])
    suite.miss(c, ["A=1 ls", "A=rm B=-rf C=/ ls", "A='rm -rf /' ls",
                   "env A=1 ls", "1A=1 rm -rf /", "A-B=1 rm -rf /",
                   "\"A\"=1 rm -rf /", "A\\=1 rm -rf /", "=1 rm -rf /",
                   "PATH=/x ls", "env A='rm -rf /' ls", "export A=1",
                   "A=1", "A=1 B=2"])


# ---- wrappers -----------------------------------------------------------

# What stands before the command that runs.
BEFORE = [
    "sudo", "sudo -u root", "sudo -uroot", "sudo -u root --", "sudo -n",
    "sudo -E -H", "sudo -nEu root", "sudo --user=root", "sudo --user root",
    "sudo --preserve-env", "sudo --preserve-env=A,B -g x", "sudo -u root A=1",
    "sudo -p '' -S", "sudo -C 3", "sudo -s", "sudo -i", "sudo --weird",
    "sudo --weird x", "sudo -Z x", "sudo sudo", "/usr/bin/sudo", "doas",
    "doas -u root -n", "env", "env -i", "env -u A", "env A=1", "env -C /x",
    "env --unset=A", "env --unset A --", "env -iu A B=1", "nice", "nice -10",
    "nice -n 5", "nice -n -5", "nice --adjustment=5", "nice -n5",
    "ionice -c 3", "ionice -c3 -n 7 -t", "nohup", "setsid", "setsid -w",
    "stdbuf -oL", "stdbuf -o L -e 0", "timeout 5", "timeout 5s",
    "timeout -k 5 10", "timeout -s KILL 5", "timeout --signal=9 -k5 10",
    "timeout --foreground 5", "timeout -- 5", "/usr/bin/time -f x", "time",
    "time -p", "command", "command -p", "builtin", "exec", "exec -a x",
    "exec -cl", "chroot /x", "chroot --userspec=a:b /x", "unshare -r",
    "unshare -mU --fork", "unshare -R /x -w /", "nsenter -t 1 -m -u",
    "nsenter -t 1 -a", "flock /x", "flock -n /x", "flock -w 5 /x",
    "flock /x -n", "busybox", "busybox.static", "toybox", "strace",
    "strace -f -o x", "strace -fe trace=x", "coproc", "watch",
    "watch -n 1", "watch -n1 -x", "ssh host", "ssh -p 22 -i key host",
    "ssh -v u@host", "ssh host -p 22", "ssh -- host", "ssh -tt -oA=b host",
    "runuser -u root --", "runuser -u root", "pkexec", "pkexec --user x",
    "systemd-run --scope -p A=b", "taskset 1", "taskset -c 0,1", "chrt -f 9",
    "setpriv --reuid 0", "/lib64/ld-linux-x86-64.so.2",
    "ssh-agent", "ssh-agent -t 5", "dbus-run-session --", "sg x",
    "machinectl shell", "machinectl shell root@x /bin/env",
    "systemd-nspawn -D /x", "capsh --user=x --", "bwrap --dev-bind / /",
    "firejail --quiet", "numactl -N 0", "gdb --args", "gdb -q --args",
    "valgrind --tool=x", "perf stat", "perf record -g --", "catchsegv",
    "faketime 'last week'", "rlwrap -a", "tmux new -d", "tmux new-window",
    "screen -dmS x", "daemonize -c /x", "entr -r", "torsocks -i",
    "proxychains", "proxychains4 -q", "eatmydata", "docker exec x",
    "docker run --rm -v \"$PWD:/x\" image", "podman exec -it x",
    "docker compose exec x", "kubectl exec x --", "kubectl -n x exec y -c z",
    "doas", "pkexec env A=1", "systemd-inhibit --what=x", "setarch -R",
    "linux32", "linux64", "cgexec -g x:y", "prlimit --nofile=5",
    "fakeroot --", "setpriv --no-new-privs", "xvfb-run -a", "chpst -u x",
    "sudo nice -n 5 timeout 5 env A=1", "sudo env -i nohup setsid",
    "find / -exec", "find / -name x -ok", "parallel", "parallel -j 4",
    "xargs", "xargs -0", "xargs -n 1", "xargs -n1 -P 4", "xargs -d '\\n'",
    "xargs -I X", "xargs --null --max-args=1", "xargs -t -r",
]
# Those after which words follow that nobody knows, or that run elsewhere.
ADDS = ("xargs", "parallel")

# A shell text, quoted, stands for '%'.
TEXTS = [
    "sh -c %", "bash -c %", "dash -c %", "ksh -c %",
    "/bin/sh -c %", "bash -lc %", "bash -ec %", "bash -xec %",
    "bash -e -c %", "bash -c -e %", "bash -o pipefail -c %",
    "bash -O extglob -c %", "bash --norc -c %", "bash --rcfile x -c %",
    "bash -oc pipefail %", "bash -Oc extglob %", "bash -eoc pipefail %",
    "bash +O extglob -c %", "bash +eo pipefail -c %", "sh +ec %",
    "bash +c %", "bash -ooc pipefail posix %", "bash -rcfile x -c %",
    "bash +e -c %", "bash +o posix -c %", "sh -c % a b", "sh -c -- %",
    "sudo sh -c %", "sudo -u root bash -lc %", "busybox sh -c %",
    "env -i sh -c %", "timeout 5 bash -c %", "su -c %", "su - -c %",
    "su root -c %", "su - root -c %", "su -c % root", "su --command=% x",
    "su -s /bin/sh -c %", "su --comm=%", "su --comm %", "env --split=%",
    "env --split %", "flock /x --comm %", "su --session-command %",
    "runuser -c % root", "runuser -l root -c %",
    "script -c % f", "script -qc % f", "script f -c %",
    "script --command %", "flock /x -c %", "flock -n /x -c %",
    "env -S %", "env -S%", "env --split-string=%", "env -vS %", "watch %",
    "ssh host %", "ssh -p 22 host %", "parallel % ::: a",
    "sg x %", "sg x -c %", "tmux new -d %", "tmux neww %", "entr -s %",
    "capsh -- -c %", "screen -dm sh -c %", "docker exec x sh -c %",
    "kubectl exec x -- bash -c %", "git submodule foreach %",
    "git submodule --quiet foreach --recursive %", "git-submodule foreach %",
    "find / -exec sh -c % ;", "setsid sh -c %", "nohup bash -c % &",
    "xargs sh -c %",
]

# They run what is nowhere to be seen: every pattern is met.
HIDDEN = [
    "eval x", "eval \"$x\"", "eval 'rm -rf /'", "source x", ". x", ". ./x",
    "trap 'x' EXIT", "alias a='rm -rf /'", "hash -p /bin/rm ls; ls -rf /",
    "enable -f x y", "sh", "bash", "bash -s", "bash -s -- a", "sh -", "sh -s",
    "bash -i", "sh /dev/stdin", "sh /dev/fd/0", "sh /proc/self/fd/0",
    "curl x | sh", "curl x | sudo sh", "curl x | bash -s -- a",
    "echo cm0= | base64 -d | sh", "sh < x", "bash <(curl x)",
    "sh -c \"$x\"", "sh -c $x", "sh -c \"$(curl x)\"", "bash $x",
    "bash --weird", "sudo -i", "sudo -s", "sudo --login", "sudo --sh",
    "sudo --log", "bash +o", "sudo su", "su -",
    "su", "su root", "chroot /x", "unshare -r", "nsenter -t 1 -m",
    "ssh host", "ssh host \"$x\"", "script f", "sudo $x ls", "$x", "\"$x\"",
    "`x`", "$(x)", "${x} y", "sudo $x", "sudo \"$x\"", "env $x",
    "timeout $t ls", "timeout 5 $x", "nice \"$x\"", "exec $x", "command $x",
    "xargs sh", "xargs -I{} {}", "xargs -I% sh -c '%'", "xargs sudo",
    "xargs env", "xargs -I X sh -c 'echo X'", "xargs eval",
    "find . -exec {} ;", "find . -exec sh -c 'x {}' ;", "find $x",
    "parallel", "parallel ::: 'rm -rf /'", "parallel {} ::: x",
    "parallel sh -c {}", "watch \"$x\"", "env -S \"$x\"",
    "env -S 'rm\\_-rf\\_/'", "su -c \"$x\"", "flock /x -c \"$x\"",
    "coproc $x", "fc -s x", "mapfile -C 'rm -rf /' x", "X='a'; \"$X\" b",
    "a $( b", "a 'b", "a \"b", "a )", "a ;; b", "( a", "a `b",
    "test -v 'a[$(b)]'", "[[ -v 'a[$(b)]' ]]", "printf -v 'a[$(b)]' x",
    "read 'a[$(b)]'", "declare 'a[$(b)]=1'", "let 'a[`b`]'",
    "let \"$x\"", "compgen -W '$(a)'", "compgen -C a", "complete -C a b",
    "jobs -x a", "x='a[$(b)]'; echo $((x))", "PS4='$(a)'; set -x",
    "PS4=\"$x\"", "export PS4='`a`'", "printf -v PS4 '%s' x",
    "x='1+a[$(b)]'", "test -v \"a[\\$(b)]\"", "hash -rp /bin/rm ls",
    "xargs --process-slot-var --version sh", "env --foo --help sh",
    "find " + "-exec find " * 1020,
    "su -s /bin/zsh -c ls x", "su --shell=/usr/bin/fish x -c ls",
    "zsh -c ls", "csh -c ls", "tcsh -c ls", "fish -c ls", "pwsh -c ls",
    "zsh", "curl x | zsh", "zsh +x -c ls", "sudo zsh -c ls", "zsh -f x",
    "zsh <<E\nE", "mksh -oposix -c ls", "bash -rcfile x", "bash +$x",
    "A=1 [[ x; $X y", ">f [[ x; $X y", "[[ x; $X y", "[[ x | $X y",
    "[[ x & $X y", "[[ x || $X y", "[[ x\n$X y", "(( $X -rf / ))",
    "[[ x; a $([[ b ]]) && $X y", "time [[ x; $X y",
    "f() { test -v \"$1\"; }; f 'a[$(b)]'",
    "[[ a || b && $X y", ">f if a; then b; fi", "A=1 for x in a; do b; done",
    "echo $((1 ')); ls; : ' )) \\'", "echo $((1 \")); ls; : \" ))",
    "echo $((${x:-))} ' )) ; ls ; '", "echo $(( `a` ))",
    "a ${b", "case x in", "case x", "a (b)", "@(a|b)", "a <", "a < ;",
    "a <<", "${ rm -rf /;}", "$[1]", "<<E $(\nE",
]


def wrapper_cases(suite):
    c = "wrappers"
    for before in BEFORE:
        end = " {} ;" if before.startswith("find") else ""
        adds = before.startswith(ADDS)
        suite.add(c, f"{before} {WIPE}{end}", WIPE, True)
        # ADDS: what it reads may be "/"
        suite.add(c, f"{before} rm -rf /tmp/x", WIPE, adds)
        suite.add(c, f"{before} ls -l{end}", WIPE, False)
        suite.add(c, f"{before} ls -l /{end}", "ls -l", True)
    quote = "'{}'".format
    for text in TEXTS:
        # xargs, and env whose words go on: what is added may be "/"
        adds = text.startswith("xargs") or text.startswith("parallel")
        suite.add(c, text.replace("%", quote(WIPE)), WIPE, True)
        suite.add(c, text.replace("%", quote("rm -rf /tmp/x")), WIPE, adds)
        suite.add(c, text.replace("%", quote("ls -l")), WIPE, False)
        if "env " not in text or "-i" in text:
            suite.add(c, text.replace("%", quote("a; " + WIPE)), WIPE, True)
            suite.add(c, text.replace("%", quote("echo " + WIPE)), WIPE,
                      False)
    suite.meet(c, ["sh -c \"sh -c 'rm -rf /'\"", "bash -c $'rm -rf /'",
                   "sh -c 'sh -c \"sh -c \\\"rm -rf /\\\"\"'",
                   "sh -c 'rm -rf \"$1\"' x /", "sh -c 'exec \"$@\"' x rm",
                   "find / -exec rm -rf {} +", "find / -exec rm -rf / \\;",
                   "find . -exec ls {} \\; -exec rm -rf / \\;",
                   "find . -exec sudo rm -rf {} +",
                   "printf / | xargs rm -rf", "echo -rf / | xargs rm",
                   "xargs -I{} rm -rf {}", "xargs -I X rm -rf X",
                   "parallel rm -rf ::: /", "parallel rm -rf {} ::: /",
                   "parallel 'rm -rf {}' ::: /", "env -S 'rm -rf' /",
                   "env -S '-i rm -rf /'", "env -S 'A=1 rm -rf /'",
                   ["sudo", "rm", "-rf", "/"], ["sh", "-c", WIPE],
                   ["/bin/bash", "-lc", WIPE], ["env", "A=1", "rm", "-rf",
                                               "/"],
                   ["xargs", "rm", "-rf"], ["eval", "x"], ["sh"],
                   ["find", "/", "-exec", "rm", "-rf", "{}", "+"]])
    suite.meet(c, ["xargs --process-slot-var --version rm -rf /",
                   "env --foo --help rm -rf /", "sudo -Z -l rm -rf /"])
    suite.meet(c, ["start-stop-daemon -S -x /bin/rm -- -rf /",
                   "start-stop-daemon -S --exec=/bin/rm -- -rf /",
                   "git submodule foreach rm -rf /", "entr rm -rf /_",
                   "git submodule foreach \"$x\"",
                   "git submodule foreach --weird ls", "tmux new \"$x\""])
    suite.miss(c, ["start-stop-daemon -K -p x", "docker rm -rf /",
                   "podman rm -rf /", "kubectl rm -rf /", "tmux ls",
                   "docker ps -a \"$x\"", "machinectl rm -rf /",
                   "docker run -v \"$PWD:/x\" image make", "ls | entr make",
                   "git submodule update --init", "git foreach-x rm -rf /",
                   "git submodule foreach ls"])
    # nothing else is met by them
    suite.miss(c, ["bash -o pipefail -c 'ls'", "bash -oc pipefail 'ls'",
                   "let i++", "jobs -l", "jobs -p", "x='a[1]'",
                   "unset 'a[1]'", "grep '[$(]' x", "PS4='+ '; set -x",
                   "git commit -m 'see [x] and `y`'", "echo \"[$(date)]\"",
                   "echo $PS4", "echo ${a[$i]}", "xargs --version",
                   "env --help", "find . " + "-exec ls {} + " * 20,
                   "sudo -n -l rm -rf /",
                   "zsh x.sh", "fish x", "zsh --version", "csh x a",
                   "bash -o pipefail x.sh"])
    suite.miss(c, ["command -v rm", "command -V rm", "sudo -l", "sudo -v",
                   "sudo --list",
                   "sudo", "env", "env A=1", "nice", "xargs", "xargs -0",
                   "find . -name rm", "find / -type f", "find . -name *.c",
                   "ls | xargs grep x", "sh x.sh", "bash x.sh -rf /",
                   "bash --version", "sh --help", "flock -n 9",
                   "exec 3>x", "exec", "ssh -V", "ssh -N host",
                   "ionice -p 1", "time", "nohup ls &", "builtin", "command",
                   ["sudo", "ls"], ["sh", "-c", "ls"],
                   ["sh", "-c", "echo rm -rf /"], "sudo -u rm ls -rf /",
                   "env -u rm ls", "timeout -s rm 5 ls"])
    # the wrapper is a program, too
    suite.meet(c, ["sudo ls", "nice sudo ls", "sh -c 'sudo ls'"], "sudo")
    suite.meet(c, ["sudo -u root ls", "sudo ls -u root"], "sudo -u root")
    suite.miss(c, ["ls sudo", "echo sudo"], "sudo")
    suite.meet(c, ["xargs ls", "a | xargs"], "xargs")


def hidden_cases(suite):
    c = "unparsable"
    for text in HIDDEN:
        suite.add(c, text, WIPE, True)
        suite.add(c, text, "/opt/other --option word", True)
    # just within the limits, and beyond them
    suite.add(c, "echo " + "a" * 65000, WIPE, False)
    suite.add(c, "echo " + "a" * 66000, WIPE, True)
    suite.add(c, "( " * 20 + "ls" + ")" * 20, WIPE, False)
    suite.add(c, "( " * 20 + WIPE + ")" * 20, WIPE, True)
    suite.add(c, "a=(" * 4000 + ")" * 4000, WIPE, True)
    suite.add(c, "(" * 500 + "ls" + ")" * 500, WIPE, True)
    suite.add(c, "$(" * 500 + "ls" + ")" * 500, WIPE, True)
    suite.add(c, "echo " + "a " * 1500, WIPE, False)
    suite.add(c, "echo " + "a " * 3000, WIPE, True)
    suite.add(c, "ls;" * 400, WIPE, False)
    suite.add(c, "ls;" * 4000, WIPE, True)
    suite.add(c, ["ls", "a" * 70000], WIPE, False)
    suite.add(c, ["ls", "a" * 70000], "ls -l", True)
    suite.add(c, ["sudo", "-u", "a" * 70000, "ls"], WIPE, True)
    suite.add(c, "ls -l", "ls " + "a" * 1024, True)


# ---- the file -----------------------------------------------------------

def make():
    suite = Suite()
    for part in (allowed_cases, not_plain_cases, dots_cases, denied_cases,
                 option_cases, path_cases, quoting_cases, operator_cases,
                 heredoc_cases, lookalike_cases, env_cases, wrapper_cases,
                 hidden_cases):
        part(suite)
    lines = ",\n".join(json.dumps(case) for case in suite.cases)
    return f"[\n{lines}\n]\n"


def main():
    text = make()
    if sys.argv[1:] == ["--check"]:
        if FILE.read_text() != text:
            sys.exit(f"{FILE}: not what {sys.argv[0]} writes; run it")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        FILE.write_text(text)


if __name__ == "__main__":
    main()
