package main_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestInstaller_hookForAll adds the hook for all users, which only root may, and
// wants nothing of it after --uninstall.
func TestInstaller_hookForAll(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, in *installer) {
		script := filepath.Join(in.checkout, "install.sh")
		in.write(script, strings.Replace(in.read(script), "profile=/etc/", "profile=$HOME/etc/", 1))
		in.write(filepath.Join(in.home, "etc/profile.d/.keep"), "")
		before := in.tree()
		in.fakeTool("id", "#!/bin/sh\necho 1000\n")
		_, stderr := in.run(1, "--programs-only", "--hook-all")
		wants(t, stderr, "only root may write "+in.home+"/etc/profile.d/vmgo.sh")
		in.fakeTool("id", "#!/bin/sh\necho 0\n")
		stdout, _ := in.run(0, "--programs-only", "--hook-all", "--dry-run")
		wants(t, stdout, "would add the hook for all users, "+in.home+"/etc/profile.d/vmgo.sh\n")
		in.run(0, "--programs-only", "--hook-all")
		in.write(filepath.Join(in.home, ".local/bin/vmgo"), "#!/bin/sh\necho echo \"$1 $2\"\n")
		for flags, want := range map[string]string{"bash --norc -ic": "hook bash\n", "zsh -fic": "hook zsh\n", "bash --norc -c": ""} {
			words := append(strings.Fields(flags), ". etc/profile.d/vmgo.sh")
			cmd := exec.Command(words[0], words[1:]...)
			cmd.Dir, cmd.Env = in.home, append(in.env, "PATH="+in.path)
			if out, err := cmd.Output(); string(out) != want {
				t.Errorf("%s: %q, %v", flags, out, err)
			}
		}
		in.run(0, "--uninstall")
		if after := in.tree(); after != before {
			t.Errorf("before\n%safter\n%s", before, after)
		}
	})
}

// TestInstaller_purge removes what vmgo has made, and of a store that has files of
// others nothing else.
func TestInstaller_purge(t *testing.T) {
	t.Parallel()
	eachShell(t, func(t *testing.T, in *installer) {
		for _, dir := range []string{".local/share", ".local/state", ".config", ".cache", ".local/share/vmgo/go", "other store"} {
			in.write(filepath.Join(in.home, dir, "mine"), "")
		}
		before := in.tree()
		in.run(0, "--programs-only", "--hook")
		other := filepath.Join(in.home, "other store")
		in.env = append(in.env, "VMGO_ROOT="+other)
		own := filepath.Join(in.home, ".local/share/vmgo/go")
		for _, store := range []string{own, other} {
			in.write(filepath.Join(store, ".vmgo/receipts/1.22.5.json"), "{}")
			in.write(filepath.Join(store, "1.22.5/bin/go"), "")
			if err := os.Symlink("1.22.5", filepath.Join(store, "default")); err != nil {
				t.Fatal(err)
			}
		}
		readOnly := filepath.Join(in.home, ".cache/vmgo/bundle/mod/x@v1")
		for _, name := range []string{filepath.Join(readOnly, "go.mod"), filepath.Join(in.home, ".config/vmgo/env"), filepath.Join(in.home, ".local/state/vmgo/projects")} {
			in.write(name, "")
		}
		if err := os.Chmod(readOnly, 0o555); err != nil {
			t.Fatal(err)
		}
		full := in.tree()
		stdout, _ := in.run(0, "--uninstall", "--purge", "--dry-run")
		wants(t, stdout, "would remove "+other+"/1.22.5\n", "would remove "+in.home+"/.config/vmgo\n")
		if in.tree() != full {
			t.Error("a dry run removes something")
		}
		_, stderr := in.run(0, "--uninstall", "--purge")
		wants(t, stderr, other+" has files that vmgo has not made: left there", own+" has files that vmgo has not made: left there")
		if after := in.tree(); after != before {
			t.Errorf("before\n%safter\n%s", before, after)
		}
	})
}

// Programs, pages and directories of others that have names like ours stay.
func TestInstaller_uninstallLeavesOthers(t *testing.T) {
	t.Parallel()
	in := newInstaller(t, "dash")
	local, store, system := filepath.Join(in.home, ".local"), filepath.Join(in.home, "store"), filepath.Join(in.home, "system")
	for _, name := range []string{local + "/bin/vmgo-mine", local + "/share/man/man1/vmgo.1.gz", local + "/bin/.keep", store + "/default", store + "/toolchains", system + "/.keep"} {
		in.write(name, "mine")
	}
	if err := os.Symlink("../other/vmgo", local+"/bin/vmgo-other"); err != nil {
		t.Fatal(err)
	}
	before := in.tree()
	in.env = append(in.env, "VMGO_ROOT="+store)
	in.run(0, "--uninstall", "--purge")
	if after := in.tree(); after != before {
		t.Errorf("before\n%safter\n%s", before, after)
	}
	in.write(local+"/bin/vmgo-shim", "")
	link := system + "/go"
	if err := errors.Join(os.Symlink(local+"/bin/vmgo-shim", link), os.Chmod(system, 0o555)); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() == 0 { // who may write anywhere
		in.giveTo(65534)
	}
	in.path += ":" + system
	_, stderr := in.run(0, "--uninstall")
	wants(t, stderr, link+" leads to vmgo-shim, and you may not write in "+system, "hint: sudo rm ")
}

// TestInstaller_linksFitTheRelease goes to a release that has a program and a page
// more, and back.
func TestInstaller_linksFitTheRelease(t *testing.T) {
	t.Parallel()
	in := newReleaseInstaller(t, "dash")
	before := in.tree()
	old, next := filepath.Join(in.checkout, "old"), filepath.Join(in.checkout, "next")
	in.release(old, "0.1.0", "release")
	in.more = []string{"bin/vmgo-fleet", "share/man/man1/vmgo-fleet.1.gz"}
	in.release(next, "0.2.0", "release")
	for i, args := range [][]string{{"--programs-only", "--from", old}, {"--programs-only", "--from", next}, {"--rollback"}, {"--rollback"}} {
		in.run(0, args...)
		for _, link := range in.more {
			path := filepath.Join(in.home, ".local", link)
			_, err1 := os.Lstat(path)
			_, err2 := os.Stat(path)
			if has := i%2 == 1; (err1 == nil) != has || (err2 == nil) != has {
				t.Errorf("%v: %s: %v, %v", args, link, err1, err2)
			}
		}
	}
	in.run(0, "--uninstall")
	if after := in.tree(); after != before {
		t.Errorf("before\n%safter\n%s", before, after)
	}
}
