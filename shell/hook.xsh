# vmgo's hook for xonsh: execx($(vmgo hook xonsh)) in ~/.xonshrc.
# The program answers with JSON, and this class applies it: nothing of an answer is
# evaluated. All of this file is plain Python.


class _VmgoHook:
    import json, os, subprocess, sys

    def __init__(self):
        self.flags, self.said = "f", ""
        self.watch = None  # what has to be as it is; without it the program is asked
        self.undo = {"vars": [], "path": []}
        self.lost = self.off = False

    # What programs get: numbers and lists of xonsh are text there.
    def env(self):
        return __xonsh__.env.detype()

    # Sets a variable, or unsets it for None.
    def put(self, name, value):
        if value is not None:
            __xonsh__.env[name] = value
        elif name in self.env():
            del __xonsh__.env[name]

    # The values of the variables that decide.
    def key(self):
        return "|".join(self.env().get(name, "") for name in "@KEY@".split())

    # Reports whether a directory of a chain has a file that should not be there.
    def appears(self, above, names, files):
        for name in names:
            above += "/" + name
            if any(self.os.path.exists(above + "/" + file) for file in files):
                return True
        return False

    # What a regular file holds; a prompt must not wait for a fifo.
    def text(self, path):
        if self.os.path.isfile(path):
            with open(path, encoding="utf-8", newline="") as f:
                return f.read(1 << 17)

    # Reports whether everything is as the last answer found it.
    def is_unchanged(self):
        path, w, env = self.os.path, self.watch, self.env()
        if self.off:
            return True
        if w is None or env.get("PWD") != w["dir"] or self.key() != w["key"]:
            return False
        entries = env.get("PATH", "").split(":")
        return (
            all(env.get(name) == value for name, value in w["equal"].items())
            and all(entry in entries for entry in w["holds"])
            and not any(path.exists(file) for file in w["absent"])
            and not any(self.appears(*level) for level in w["levels"])
            and all(path.exists(file) for file in w["present"])
            and all(self.text(file) == text for file, text in w["texts"])
            and all(
                sorted(name for name in self.os.listdir(d) if name[0] != ".") == sorted(names)
                for d, names in w["lists"]
            )
            and all(path.realpath(link) == target for link, target in w["links"])
        )

    # Finds a program on PATH. It is started without being asked for, so it must
    # not be one of a project nor of go install, and it and the directories above it
    # must belong to the user or root with nobody else able to write there.
    def find(self, name):
        env, path = self.env(), self.os.path
        data = env.get("XDG_DATA_HOME") or env.get("HOME", "") + "/.local/share"
        mine = []
        if "__VMGO_SESSION" in env:
            mine = [env.get("GOROOT"), *env.get("GOPATH", "").split(":")]
        for entry in env.get("PATH", "").split(":"):
            program = entry + "/" + name
            if not entry.startswith("/") or not path.isfile(program):
                continue
            if path.realpath(entry) == path.realpath(data + "/vmgo/gobin") or path.dirname(entry) in mine:
                continue
            at, sound = program, self.is_ours(program)
            while sound and at != "/":
                at = path.dirname(at)
                sound = self.is_ours(at)
            if sound:
                return program
        return None

    def is_ours(self, path):
        stat = self.os.stat(path)
        writable = stat.st_mode & 0o002 or stat.st_mode & 0o020 and stat.st_gid != self.os.getuid()
        sticky = stat.st_mode & 0o170000 == 0o040000 and stat.st_mode & 0o1000
        return stat.st_uid in (0, self.os.getuid()) and (not writable or bool(sticky))

    # The program and the word by which it is asked.
    def program(self):
        for program, word in (@SHIM@, "hook"), (@VMGO@, "__hook"):
            if self.os.path.isfile(program):
                return program, word
        for name, word in ("vmgo-shim", "hook"), ("vmgo", "__hook"):
            program = self.find(name)
            if program:
                return program, word
        return None, ""

    # Undoes what the program set, where it cannot be asked, and says why once.
    def lose(self, program, why):
        if not self.lost:
            print(f"vmgo: {program} {why}: what vmgo set in this shell is undone\nhint: which -a vmgo", file=self.sys.stderr)
        env = self.env()
        for name, ours, before in self.undo["vars"]:
            if env.get(name) == ours:
                self.put(name, before)
        entries = env.get("PATH", "").split(":")
        for entry in self.undo["path"]:
            if entry in entries:
                entries.remove(entry)
        self.put("PATH", ":".join(entries))
        self.put("__VMGO_SESSION", None)
        self.lost, self.watch, self.undo = True, None, {"vars": [], "path": []}

    # Makes the changes in an order that can stop anywhere: the journal knows both
    # states of each variable.
    def apply(self, answer):
        if answer["set"] or answer["unset"] or answer["path"] is not None:
            self.put("__VMGO_SESSION", answer["journal"])
        for name, value in answer["set"].items():
            self.put(name, value)
        for name in answer["unset"]:
            self.put(name, None)
        if answer["path"] is not None:
            self.put("PATH", ":".join(answer["path"]))
        self.put("__VMGO_SESSION", answer["session"] or None)

    # Asks the program what to change, and does it. An answer that is cut short is no
    # JSON, and nothing is done. The status 2 says that the program does not
    # understand the question.
    def update(self):
        program, word = self.program()
        if program is None:
            self.lose(@VMGO@, "is gone, and PATH has no other that only you and root can change")
            return
        where, key = self.env().get("PWD", ""), self.key()
        answered = self.subprocess.run(
            [program, word, "xonsh", self.flags, where, key, self.said, "2"],
            stdout=self.subprocess.PIPE, env={**self.env(), "GOMAXPROCS": "1"},
        )
        if answered.returncode == 2:
            self.off = True
            self.lose(program, "does not understand the hook of this shell, which is off now")
        if answered.returncode != 0 or not answered.stdout:
            return
        answer = self.json.loads(answered.stdout)
        self.apply(answer)
        self.flags, self.lost, self.said, self.undo = "", False, answer["said"], answer["undo"]
        self.watch = answer["watch"] and {**answer["watch"], "dir": where, "key": key}

    # What is caught is Ctrl-C, or a file that went while it was compared.
    def prompt(self):
        try:
            same = self.is_unchanged()
        except (Exception, KeyboardInterrupt):
            same = False
        if not same:
            try:
                self.update()
            except (OSError, ValueError, KeyboardInterrupt):
                pass

    # "vmgo shell" changes this shell.
    def command(self, words):
        program = @VMGO@
        if not self.os.path.isfile(program):
            program = "vmgo"
        answered = self.subprocess.run(
            [program, "shell", "--emit=json", *words], stdout=self.subprocess.PIPE, env=self.env()
        )
        if answered.returncode == 0:
            self.put("VMGO_VERSION", self.json.loads(answered.stdout)["VMGO_VERSION"])
        return answered.returncode


# Registered once, however often this file is loaded.
if not any(handler.__name__ == "_vmgo_prompt" for handler in events.on_pre_prompt):
    _vmgo_hook = _VmgoHook()

    @events.on_pre_prompt
    def _vmgo_prompt(hook=_vmgo_hook, **_):
        hook.prompt()

    # A function in place of the program could not stand in a pipeline (xonsh 0.13), so
    # only these lines call one.
    @events.on_transform_command
    def _vmgo_line(cmd, **_):
        if cmd.split(None, 2)[:2] == ["vmgo", "shell"]:
            return "_vmgo_shell" + cmd.lstrip()[4:].lstrip()[5:]
        return cmd

    aliases["_vmgo_shell"] = _vmgo_hook.command
