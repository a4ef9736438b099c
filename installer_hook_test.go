package main_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// What --hook writes, --uninstall takes away to the byte, whatever was there.
func TestInstaller_hookAndBack(t *testing.T) {
	t.Parallel()
	rcs := map[string]string{
		"absent":          "\x00",
		"empty":           "",
		"ordinary":        "alias x=y\n",
		"no last newline": "alias x=y",
		"only a newline":  "\n",
		"one byte":        "x",
		"blank lines":     "\n\na\n\n\n",
		"CRLF, not UTF-8": "a\r\nb \xff\xfe\r\n",
		"backslashes":     "PS1='\\u\\n%s'\n# \\",
	}
	files := map[string]string{"bash": ".bashrc", "zsh": ".zshrc", "fish": ".config/fish/config.fish", "nu": ".config/nushell/config.nu", "elvish": ".config/elvish/rc.elv", "xonsh": ".xonshrc"}
	eachShell(t, func(t *testing.T, in *installer) {
		in.write(filepath.Join(in.home, ".local/bin/.keep"), "")
		for name, text := range rcs {
			for shell, rc := range files {
				if shell != "bash" && (in.shell[0] != "dash" || name != "absent" && name != "no last newline") {
					continue // only the file and its line differ
				}
				in.env = append(in.env, "SHELL=/usr/bin/"+shell)
				rc = filepath.Join(in.home, rc)
				os.Remove(rc)
				if name != "absent" {
					in.write(rc, text)
				} else if err := os.MkdirAll(filepath.Dir(rc), 0o755); err != nil {
					t.Fatal(err)
				}
				before := in.tree()
				in.run(0, "--programs-only", "--hook")
				with := in.read(rc)
				if name != "absent" && !strings.HasPrefix(with, text) || strings.Count(strings.NewReplacer(`")`, "'", `"`, "'").Replace(with), "vmgo' hook "+shell) != 1 {
					t.Fatalf("%s, %s: %q", name, shell, with)
				}
				in.run(0, "--uninstall")
				if in.tree() != before {
					t.Fatalf("%s, %s: before\n%safter\n%s", name, shell, before, in.tree())
				}
			}
		}
	})
}

// The line in config.nu saves the hook's script where nushell loads files.
func TestInstaller_uninstallRemovesTheScriptOfNushell(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.env = append(in.env, "SHELL=/usr/bin/nu")
	in.run(0, "--programs-only", "--hook")
	saved := filepath.Join(in.home, ".local/share/nushell/vendor/autoload/vmgo.nu")
	for text, stays := range map[string]bool{"def --env _vmgo_prompt [] {\n": false, "# another's\n": true} {
		in.write(saved, text)
		in.run(0, "--uninstall")
		if _, err := os.Lstat(saved); (err == nil) != stays {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestInstaller_hookOnce(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, in *installer) {
		in.run(0, "--programs-only", "--hook")
		once := in.tree()
		_, stderr := in.run(0, "--programs-only", "--hook")
		wants(t, stderr, "already")
		if in.tree() != once {
			t.Errorf("not the same:\n%s", in.tree())
		}
	})
}

// Lines that the user wrote after the hook stay, on lines of their own.
func TestInstaller_hookThenMoreLines(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	rc := filepath.Join(in.home, ".bashrc")
	in.write(rc, "first")
	in.run(0, "--programs-only", "--hook")
	in.write(rc, in.read(rc)+"second")
	in.run(0, "--uninstall")
	if got := in.read(rc); got != "first\nsecond" {
		t.Errorf("%q", got)
	}
	// A file that --hook made but the user wrote to is the user's.
	os.Remove(rc)
	in.run(0, "--programs-only", "--hook")
	in.write(rc, "mine\n"+in.read(rc))
	in.run(0, "--uninstall")
	if got := in.read(rc); got != "mine\n" {
		t.Errorf("%q", got)
	}
}

// An rc file of a dotfiles repository is a link: the file behind it changes
// and the link stays.
func TestInstaller_hookThroughALink(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, in *installer) {
		in.write(filepath.Join(in.home, "dotfiles/bashrc"), "alias x=y")
		if err := os.Chmod(filepath.Join(in.home, "dotfiles/bashrc"), 0o640); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("dotfiles/bashrc", filepath.Join(in.home, ".bashrc")); err != nil {
			t.Fatal(err)
		}
		in.run(0, "--programs-only")
		before := in.tree()
		in.run(0, "--programs-only", "--hook")
		wants(t, in.read(filepath.Join(in.home, "dotfiles/bashrc")), "alias x=y\n# >>> vmgo", "hook bash")
		in.run(0, "--uninstall")
		in.run(0, "--programs-only")
		if in.tree() != before {
			t.Errorf("before\n%safter\n%s", before, in.tree())
		}
	})
}

// The line works in the shell that it is for, wherever vmgo is.
func TestInstaller_hookRuns(t *testing.T) {
	t.Parallel()
	for shell, reads := range map[string]string{"bash": ". ./.bashrc", "zsh": ". ./.zshrc", "fish": "# its rc file always"} {
		for _, prefix := range []string{"plain", "it's \\ a $(touch x) \"place\""} {
			t.Run(shell+" "+prefix, func(t *testing.T) {
				t.Parallel()
				real, err := exec.LookPath(shell)
				if err != nil {
					t.Skip(err)
				}
				in := newInstaller(t, "dash")
				in.env = append(in.env, "SHELL="+real)
				in.run(0, "--programs-only", "--hook", "--prefix", filepath.Join(in.home, prefix))
				in.write(filepath.Join(in.home, prefix, "bin/vmgo"), "#!/bin/sh\necho echo \"$1 $2\"\n")
				cmd := exec.Command(real, "-c", reads)
				cmd.Dir, cmd.Env = in.home, append(in.env, "PATH="+in.path)
				if out, err := cmd.CombinedOutput(); string(out) != "hook "+shell+"\n" {
					t.Errorf("%s%v\n%s", out, err, in.tree())
				}
			})
		}
	}
}

func TestInstaller_hookFollowsThePrefix(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.run(0, "--programs-only", "--hook")
	in.run(0, "--programs-only", "--hook", "--prefix", filepath.Join(in.home, "$(touch x)"))
	text := in.read(filepath.Join(in.home, ".bashrc"))
	if strings.Count(text, "# >>> vmgo") != 1 {
		t.Error(text)
	}
	wants(t, text, `$(touch x)/bin/vmgo' hook bash)"`)
}

func TestInstaller_hookLeavesTheUsersOwnLine(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	rc := filepath.Join(in.home, ".bashrc")
	in.write(rc, "eval \"$(vmgo hook bash)\"\n")
	_, stderr := in.run(0, "--programs-only", "--hook")
	wants(t, stderr, "left alone")
	if got := in.read(rc); got != "eval \"$(vmgo hook bash)\"\n" {
		t.Errorf("%q", got)
	}
}

// Shims of programs that are gone would hide every go behind them on PATH.
func TestInstaller_uninstallLeavesNoDanglingShims(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, in *installer) {
		in.run(0, "--programs-only")
		bin := filepath.Join(in.home, ".local/bin")
		other, tools := filepath.Join(in.home, "other dir"), in.path
		in.write(filepath.Join(other, "vmgo-shim"), "somebody else's")
		in.path = other + ":" + tools + ":relative:" + other + "/"
		for link, target := range map[string]string{
			bin + "/go": bin + "/vmgo-shim", bin + "/gofmt": "vmgo", other + "/go": "../.local/bin/vmgo-shim",
			other + "/gofmt": "vmgo-shim", in.home + "/go": bin + "/vmgo-shim",
		} {
			if err := os.Symlink(target, link); err != nil {
				t.Fatal(err)
			}
		}
		stdout, _ := in.run(0, "--uninstall", "--dry-run")
		wants(t, stdout, "would remove "+bin+"/go\n", "would remove "+bin+"/gofmt\n", "would remove "+other+"/go\n")
		in.run(0, "--uninstall")
		for link, stays := range map[string]bool{
			bin + "/go": false, bin + "/gofmt": false, other + "/go": false,
			other + "/gofmt": true, in.home + "/go": true, // another's, and one that nobody calls
		} {
			if _, err := os.Lstat(link); (err == nil) != stays {
				t.Errorf("%s: %v", link, err)
			}
		}
		// The programs went by other ways: the links still go.
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(bin+"/vmgo-shim", bin+"/go"); err != nil {
			t.Fatal(err)
		}
		in.run(0, "--uninstall")
		if _, err := os.Lstat(bin + "/go"); err == nil {
			t.Error("a link that led nowhere already stays")
		}
	})
}

func TestInstaller_uninstallLeavesABrokenBlock(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	rc := filepath.Join(in.home, ".bashrc")
	in.write(rc, "a\n# >>> vmgo\nb\n")
	_, stderr := in.run(1, "--uninstall")
	wants(t, stderr, "take that part out yourself")
	if got := in.read(rc); got != "a\n# >>> vmgo\nb\n" {
		t.Errorf("%q", got)
	}
}

func TestInstaller_readOnlyRC(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.write(filepath.Join(in.home, ".bashrc"), "a\n")
	if err := os.Chmod(filepath.Join(in.home, ".bashrc"), 0o444); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // who may write to any file
		in.giveTo(65534)
	}
	_, stderr := in.run(1, "--programs-only", "--hook")
	wants(t, stderr, "is read-only", `eval "$(`)
	if got := in.read(filepath.Join(in.home, ".bashrc")); got != "a\n" {
		t.Errorf("%q", got)
	}
}

// giveTo makes another user the owner of all and the one who runs install.sh.
func (in *installer) giveTo(uid int) {
	in.t.Helper()
	top := filepath.Dir(in.t.TempDir())
	err := filepath.WalkDir(top, func(name string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(name, uid, uid))
	})
	if err != nil {
		in.t.Fatal(err)
	}
	in.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
}

func TestInstaller_noHOME(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.env = in.env[1:]
	in.hasGo("1.99.0")
	in.run(0, "--programs-only", "--prefix", filepath.Join(in.home, "p"))
	if _, err := os.Stat(filepath.Join(in.home, "p/bin/vmgo")); err != nil {
		t.Error(err)
	}
	account, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	wants(t, in.read(in.trace), "\nHOME="+account.HomeDir+"\n")
}

// Modes do not depend on the umask: a colleague can run what root installed.
func TestInstaller_umask(t *testing.T) {
	t.Parallel()
	for _, mask := range []string{"000", "077", "777"} {
		in := newInstaller(t, "dash")
		in.shell = []string{"dash", "-c", `umask "$0"; exec dash "$@"`, mask}
		in.run(0, "--programs-only", "--prefix", filepath.Join(in.home, "p"))
		for _, name := range []string{"p", "p/bin", "p/bin/vmgo", "p/bin/vmgo-shim"} {
			info, err := os.Stat(filepath.Join(in.home, name))
			if err != nil || info.Mode().Perm() != 0o755 {
				t.Errorf("umask %s, %s: %v %v", mask, name, info, err)
			}
		}
	}
}

// A release that fails to install fails the whole, with its own status; a
// directory that asks for none does not.
func TestInstaller_statusOfTheInstall(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.env = append(in.env, "FAKE_INSTALL=3")
	_, stderr := in.run(0)
	wants(t, stderr, "nothing here says which Go")
	in.run(3, "1.22.5")
	in.env = append(in.env, "FAKE_INSTALL=5")
	in.run(5)
}

func TestInstaller_notACheckout(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	_, stderr := in.run(1, "--release") // though it is one
	wants(t, stderr, "this install.sh has no release key")
	in.write(filepath.Join(in.checkout, "go.mod"), "module example.com/other\n")
	_, stderr = in.run(1)
	if wants(t, stderr, "this install.sh has no release key", "hint: git clone"); strings.Contains(stderr, "lacks") {
		t.Errorf("and goes on: %s", stderr)
	}
	_, stderr = in.run(1, "--find-go", in.home)
	wants(t, stderr, "--find-go is for a checkout")
}

// Programs in use are replaced by a rename: their inode is a new one and a
// failure leaves the old ones whole.
func TestInstaller_replacesByRename(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	program := filepath.Join(in.home, ".local/bin/vmgo")
	args := []string{"--programs-only", "--prefix", filepath.Join(in.home, ".local")}
	inode := func() uint64 {
		info, err := os.Stat(program)
		if err != nil {
			t.Fatal(err)
		}
		return info.Sys().(*syscall.Stat_t).Ino
	}
	in.run(0, args...)
	held, err := os.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	before := inode()
	in.run(0, args...)
	if inode() == before {
		t.Error("written in place")
	}
}

// A fetched Go runs from the temporary directory, so one that lets no program
// run will not do.
func TestInstaller_noexec(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	if err := syscall.Mount("none", in.temp, "tmpfs", syscall.MS_NOEXEC, "size=1g"); err != nil {
		t.Skipf("mounting a file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(in.temp, 0); err != nil {
			t.Error(err)
		}
	})
	in.write(filepath.Join(in.temp, ".keep"), "")
	_, stderr := in.run(0, "--programs-only")
	wants(t, stderr, "no programs may run in "+in.temp+" (noexec): looking elsewhere")
}
