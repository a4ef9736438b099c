package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

// failing lets a tool fail where its arguments match a pattern of the shell.
func (in *installer) failing(name, pattern string) {
	in.t.Helper()
	real, err := os.Readlink(filepath.Join(in.path, name))
	if err != nil {
		in.t.Fatal(err)
	}
	in.fakeTool(name, fmt.Sprintf("#!/bin/sh\ncase \"$*\" in %s) exit 1 ;; esac\nexec %s \"$@\"\n", pattern, real))
}

// hasGo gives the user a go whose version is this one.
func (in *installer) hasGo(version string) {
	in.t.Helper()
	name := filepath.Join(in.home, "sdk/bin/go")
	in.write(name, strings.ReplaceAll(fakeGo, "go1.99.0 X:fake", "go"+version))
	in.write(filepath.Join(in.home, "sdk/src/go.mod"), "module std\n")
	if err := os.Chmod(name, 0o755); err != nil {
		in.t.Fatal(err)
	}
	in.path += ":" + filepath.Dir(name)
}

// What goes wrong half-way stops the script, which says what it was, and leaves nothing
// that is not whole.
func TestInstaller_stops(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		prepare func(in *installer)
		says    string
	}{
		"no room anywhere":  {func(in *installer) { in.fakeTool("df", "#!/bin/sh\nprintf 'x\\nx x x 1\\n'\n") }, "found no directory for temporary files"},
		"unzip fails":       {func(in *installer) { in.failing("unzip", "*") }, "could not unpack "},
		"Go does not run":   {func(in *installer) { in.env = append(in.env, "FAKE_BROKEN=go") }, "the fetched Go does not run on this machine"},
		"vmgo does not run": {func(in *installer) { in.hasGo("1.99.0"); in.env = append(in.env, "FAKE_BROKEN=vmgo") }, "what was built does not run"},
		"the build fails":   {func(in *installer) { in.hasGo("1.99.0"); in.env = append(in.env, "FAKE_BROKEN=build") }, "the build failed"},
		"mv fails":          {func(in *installer) { in.failing("mv", "*/bin/vmgo-shim"); in.hasGo("1.99.0") }, "could not write "},
		"a file in the way": {func(in *installer) { in.hasGo("1.99.0"); in.write(filepath.Join(in.home, ".local"), "") }, "could not make "},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			in := newInstaller(t, "dash")
			c.prepare(in)
			before := in.files()
			_, stderr := in.run(1, "--programs-only")
			wants(t, stderr, c.says)
			if after := in.files(); after != before {
				t.Errorf("before\n%safter\n%s", before, after)
			}
		})
	}
}

// files lists what is beneath the home directory and is no directory.
func (in *installer) files() string {
	var list strings.Builder
	for line := range strings.Lines(in.tree()) {
		if !strings.HasPrefix(line, "d") {
			list.WriteString(line)
		}
	}
	return list.String()
}

// So does what goes wrong after the programs are there.
func TestInstaller_stopsAfterThePrograms(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.failing("cp", `"-R "*/full/*`)
	in.hasGo("1.99.0")
	in.env = append(in.env, "FAKE_PROXY=https://proxy.example")
	lib := filepath.Join(in.home, ".local/lib/vmgo")
	in.write(filepath.Join(lib, "go.env/x"), "")
	_, stderr := in.run(1, "--programs-only")
	wants(t, stderr, "could not write "+lib+"/go.env")
	other := filepath.Join(in.home, "other")
	in.write(filepath.Join(other, "lib/vmgo/made/x"), "")
	_, stderr = in.run(1, "--programs-only", "--prefix", other)
	wants(t, stderr, "could not write "+other+"/lib/vmgo/made")
	full := filepath.Join(in.home, "full")
	_, stderr = in.run(1, "--programs-only", "--prefix", full)
	wants(t, stderr, "could not write "+full+"/lib/vmgo/share")
	in.write(filepath.Join(in.checkout, "packaging/share.sh"), "exit 1\n")
	_, stderr = in.run(1, "--programs-only")
	wants(t, stderr, "could not make completions and manual pages")
}

// A step that fails without a word of its own stops the script, too.
func TestInstaller_stopsAtAnyFailure(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.failing("find", "*")
	before := in.tree()
	if stdout, _ := in.run(1, "--find-go", "go"); stdout != "" || in.tree() != before {
		t.Errorf("%s%s", stdout, in.tree())
	}
}

// Settings of this shell that are for other builds have no part in this one, nor has a go
// of the directory that the user happens to be in.
func TestInstaller_environmentOfTheBuild(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.hasGo("1.99.0")
	in.write(filepath.Join(in.home, "go"), "#!/bin/sh\necho ran >>\"$TRACE\"\n")
	if err := os.Chmod(filepath.Join(in.home, "go"), 0o755); err != nil {
		t.Fatal(err)
	}
	in.path = ".::" + in.path
	in.env = append(in.env, "GOROOT=/absent", "GOOS=plan9", "GOARCH=mips", "GO111MODULE=off", "GOFLAGS=-mod=vendor", "GOWORK=/absent", "GOTOOLCHAIN=auto")
	in.run(0, "--programs-only", "--prefix", "p q")
	trace := in.read(in.trace)
	wants(t, trace, "GOROOT="+filepath.Join(in.home, "sdk")+" GOFLAGS=-mod=readonly -buildvcs=false GOOS= GOARCH= GO111MODULE= GOWORK=off\n")
	if strings.Contains(trace, "ran\n") {
		t.Error(trace)
	}
	if _, stderr := in.run(0, "--dry-run", "--programs-only", "--prefix", "p q"); !strings.Contains(stderr, filepath.Join("home", "p q", "bin/vmgo")) {
		t.Error(stderr)
	}
}

// Where HOME is not set, it is the one of the account; where there is none, nothing is
// guessed.
func TestInstaller_homeOfTheAccount(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	root, err := user.LookupId("0")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ id, getent, want, prefix string }{
		{"54321", "echo 'x:x:54321:54321::/the home:/bin/zsh'", "/the home/.zshrc", "/the home/.local"},
		{"54321", "echo 'x:x:1:1::/other:/bin/sh'", "use --prefix DIR", ""},
		{"54321", "exit 2", "use --prefix DIR", ""},
		{"0", "exit 127", root.HomeDir + "/.bashrc", "/usr/local"}, // from /etc/passwd
	} {
		in.fakeTool("id", "#!/bin/sh\necho "+c.id+"\n")
		in.fakeTool("getent", "#!/bin/sh\n"+c.getent+"\n")
		cmd := exec.Command("dash", filepath.Join(in.checkout, "install.sh"), "--dry-run", "--programs-only")
		cmd.Env = []string{"PATH=" + in.path, "TMPDIR=" + in.temp}
		out, err := cmd.CombinedOutput()
		if c.prefix != "" {
			wants(t, string(out), "would install "+c.prefix+"/bin/vmgo\n")
		}
		if wants(t, string(out), c.want); (err == nil) != strings.HasPrefix(c.want, "/") {
			t.Error(err)
		}
	}
}

// A block that cannot be taken out of the rc file leaves it as it was.
func TestInstaller_uninstallThatFails(t *testing.T) {
	t.Parallel()
	text := "a\nb\nc\n# >>> vmgo\nx\n# <<< vmgo\n# >>> vmgo\ny\n# <<< vmgo\nd\n"
	for tool, pattern := range map[string]string{"cp": "*", "head": `"-n 3"*`, "tail": "*", "mv": "*", "": ""} {
		in := newInstaller(t, "dash")
		rc := filepath.Join(in.home, ".bashrc")
		in.write(rc, text)
		before := in.tree()
		if tool == "" { // and both go where nothing fails
			in.run(0, "--uninstall")
			if got := in.read(rc); got != "a\nb\nc\nd\n" {
				t.Errorf("%q", got)
			}
			continue
		}
		in.failing(tool, pattern)
		_, stderr := in.run(1, "--uninstall")
		if wants(t, stderr, "could not write "+rc); in.tree() != before {
			t.Errorf("%s fails: %s", tool, in.tree())
		}
	}
	in := newInstaller(t, "dash")
	in.write(filepath.Join(in.home, ".local/bin/vmgo"), "")
	bin := filepath.Join(in.home, ".local/bin")
	in.write(filepath.Join(bin, "vmgo-shim"), "")
	if err := os.Symlink("vmgo-shim", filepath.Join(bin, "go")); err != nil {
		t.Fatal(err)
	}
	in.failing("rm", "*bin/go | *bin/vmgo")
	_, stderr := in.run(1, "--uninstall")
	wants(t, stderr, "could not remove "+bin+"/go\n")
	if err := os.Remove(filepath.Join(bin, "go")); err != nil {
		t.Fatal(err)
	}
	_, stderr = in.run(1, "--uninstall")
	wants(t, stderr, "could not remove "+bin+"/vmgo\n")
}

// A hook that cannot be written is no success.
func TestInstaller_hookThatFails(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.fakeTool("id", "#!/bin/sh\necho 0\n")
	in.hasGo("1.99.0")
	script := filepath.Join(in.checkout, "install.sh")
	in.write(script, strings.Replace(in.read(script), "profile=/etc/", "profile=$HOME/none/", 1))
	in.write(filepath.Join(in.home, ".bashrc/x"), "")
	_, stderr := in.run(1, "--programs-only", "--hook")
	wants(t, stderr, "could not write "+in.home+"/.bashrc\n")
	_, stderr = in.run(1, "--programs-only", "--hook-all")
	wants(t, stderr, "could not write "+in.home+"/none/profile.d/vmgo.sh\n")
}

// Shells that have no hook are named, and the lines of the others.
func TestInstaller_otherShells(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	in.hasGo("1.99.0")
	in.env = append(in.env, "SHELL=/bin/tcsh")
	_, stderr := in.run(1, "--dry-run", "--programs-only", "--hook")
	wants(t, stderr, "no hook for tcsh")
	_, stderr = in.run(0, "--dry-run", "--programs-only")
	wants(t, stderr, "/.bashrc: eval ", "/.zshrc: eval ", "/config.fish: ", "/rc.elv: eval ", "/config.nu: mkdir ", "/.xonshrc: execx(")
}

// isCurrent makes a release the one that is installed.
func (in *installer) isCurrent(version string) {
	in.t.Helper()
	lib := filepath.Join(in.home, ".local/lib/vmgo")
	in.write(filepath.Join(lib, version, "bin/vmgo"), "")
	if err := os.Symlink(version, filepath.Join(lib, "current")); err != nil {
		in.t.Fatal(err)
	}
}

// A release that cannot be put in its place leaves the one before it.
func TestInstaller_releaseStops(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		prepare func(in *installer, archive string) []string // which returns more arguments
		says    string
	}{
		"cp fails":  {func(in *installer, _ string) []string { in.failing("cp", "*/.new.*"); return nil }, "could not write "},
		"mv fails":  {func(in *installer, _ string) []string { in.failing("mv", "*/lib/vmgo/0.2.0"); return nil }, "could not write "},
		"ln fails":  {func(in *installer, _ string) []string { in.failing("ln", "*/current.*"); return nil }, "could not write "},
		"tar fails": {func(in *installer, _ string) []string { in.failing("tar", "*"); return nil }, "could not unpack "},
		"no lines":  {func(in *installer, _ string) []string { in.failing("cp", `*"checksums.txt /"*`); return nil }, "could not read "},
		"another name": {func(in *installer, archive string) []string {
			name := filepath.Join(filepath.Dir(archive), "other.tar.gz")
			in.write(name, in.read(archive))
			return []string{"--from", name}
		}, "the signed checksums are for vmgo-0.2.0-linux-"},
		"another version": {func(in *installer, archive string) []string {
			in.fails = "lies"
			in.release(filepath.Dir(archive), "0.2.0", "release")
			return nil
		}, "the release calls itself vmgo v9.9.9"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			in := newReleaseInstaller(t, "dash")
			lib, next := filepath.Join(in.home, ".local/lib/vmgo"), filepath.Join(in.checkout, "next")
			in.isCurrent("0.1.0")
			args := append([]string{"--programs-only", "--from", next}, c.prepare(in, in.release(next, "0.2.0", "release"))...)
			_, stderr := in.run(1, args...)
			wants(t, stderr, c.says)
			if now, _ := os.Readlink(filepath.Join(lib, "current")); now != "0.1.0" {
				t.Errorf("the current release is %q", now)
			}
			if left, _ := filepath.Glob(filepath.Join(lib, ".new.*")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// What stands in the way of a release is named, and stays.
func TestInstaller_releaseInTheWay(t *testing.T) {
	t.Parallel()
	in := newReleaseInstaller(t, "dash")
	dir := filepath.Join(in.checkout, "release")
	in.release(dir, "0.1.0", "release")
	file := filepath.Join(in.home, ".local/bin/vmgo-shim/file")
	in.write(file, "mine")
	_, stderr := in.run(1, "--programs-only", "--from", dir)
	wants(t, stderr, "bin/vmgo-shim is a directory")
	wants(t, in.read(file), "mine")
	if err := os.RemoveAll(filepath.Dir(file)); err != nil {
		t.Fatal(err)
	}
	in.run(0, "--programs-only", "--from", dir)
	_, stderr = in.run(1, "--rollback")
	wants(t, stderr, "has no release before the current one")
	if err := os.Symlink("../0.0.9", filepath.Join(in.home, ".local/lib/vmgo/current/previous")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(in.home, ".local/bin"), 0o555); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // who may write anywhere
		in.giveTo(65534)
	}
	for _, args := range [][]string{{"--from", dir}, {"--rollback"}, {"--uninstall"}} {
		_, stderr = in.run(1, args...)
		if wants(t, stderr, "you may not write in "+in.home+"/.local/bin", "hint: sudo "); strings.Count(stderr, "\n") != 2 {
			t.Errorf("and goes on: %s", stderr)
		}
	}
}

// vmgo's module needs a Go to build it, one that is new enough for it.
func TestInstaller_moduleWithoutItsGo(t *testing.T) {
	t.Parallel()
	in := newReleaseInstaller(t, "dash")
	_, stderr := in.run(1, "--source", "goproxy")
	wants(t, stderr, "there is no Go here to build vmgo with", "hint: vmgo install latest")
	in.hasGo("1.99.0")
	name := filepath.Join(in.home, "sdk/bin/go")
	in.write(name, strings.Replace(in.read(name), "list:*)", `list:-m) echo "GOSUMDB=$GOSUMDB GOFLAGS=$GOFLAGS GOENV=$GOENV" >>"$TRACE" && echo v0.5.0 ;;
mod:download) mkdir -p "$GOMODCACHE/$3" && echo "go 1.100.0" >"$GOMODCACHE/$3/go.mod" ;;
list:*)`, 1))
	in.env = append(in.env, "GOSUMDB=off", "GOFLAGS=-mod=vendor")
	_, stderr = in.run(1, "--source", "goproxy")
	wants(t, in.read(in.trace), "GOSUMDB=sum.golang.org GOFLAGS=-modcacherw GOENV=off\n")
	wants(t, stderr, "vmgo 0.5.0 is built with Go 1.100.0 or newer", "hint: vmgo install latest")
	in.isCurrent("0.6.0")
	in.write(name, strings.Replace(in.read(name), "go 1.100.0", "go 1.99.0", 1))
	_, stderr = in.run(5, "--source", "goproxy")
	wants(t, stderr, "the server offers vmgo 0.5.0, which is older than 0.6.0")
	_, stderr = in.run(2, "--source", "elsewhere")
	wants(t, stderr, "--source is release, goproxy or release,goproxy")
}
