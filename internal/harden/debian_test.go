package harden

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/vmtest/hosts"
)

// debianPackages make a small system that has everything the items look at.
const debianPackages = "systemd-sysv,systemd-timesyncd,dbus,sudo,libpam-modules,libpam-systemd,util-linux"

// debianTree unpacks a Debian of that suite and gives its root. The archive is
// made once, from the packages of this machine's own apt source, and kept in
// the user's cache directory.
func debianTree(t *testing.T, suite string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("a Debian tree takes half a minute to make and is left out of -short")
	}
	if os.Getuid() != 0 {
		t.Skip("only root can make and unpack a Debian tree")
	}
	archive := debianArchive(t, suite)
	root := filepath.Join(t.TempDir(), suite)
	must(t, os.Mkdir(root, 0o755))
	command(t, "tar", "-C", root, "--numeric-owner", "--xattrs", "-xf", archive)
	return root
}

func debianArchive(t *testing.T, suite string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	must(t, err)
	dir := filepath.Join(cache, "vmgo-test")
	must(t, os.MkdirAll(dir, 0o755))
	sum := sha256.Sum256([]byte(debianPackages))
	archive := filepath.Join(dir, "harden-"+suite+"-"+hex.EncodeToString(sum[:4])+".tar")
	lock, err := os.OpenFile(archive+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	must(t, err)
	defer lock.Close()
	must(t, syscall.Flock(int(lock.Fd()), syscall.LOCK_EX))
	if _, err := os.Stat(archive); err == nil {
		return archive
	}
	mirror := debianMirror(t)
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		if out, err := exec.Command("apt-get", "install", "-y", "--no-install-recommends", "mmdebstrap").CombinedOutput(); err != nil {
			t.Skipf("mmdebstrap is missing and apt-get cannot install it: %v\n%s", err, out)
		}
	}
	args := []string{
		"--variant=minbase", "--include=" + debianPackages, "--aptopt=Acquire::Retries 3",
		"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
		suite, archive + ".new.tar", mirror,
	}
	if out, err := hosts.Mmdebstrap(args...).CombinedOutput(); err != nil {
		t.Skipf("Debian %s cannot be had from this machine's apt source: %v\n%s", suite, err, out)
	}
	must(t, os.Rename(archive+".new.tar", archive))
	return archive
}

// debianMirror is the archive that this machine's own apt uses.
func debianMirror(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)", "Identifier: Packages").Output()
	if err != nil {
		t.Skip("this machine has no apt to take Debian packages from: ", err)
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) == 3 && f[0] == "Debian" && f[1] == "Debian" {
			return f[2]
		}
	}
	t.Skip("apt has no source of Debian's main archive, or apt-get update never ran")
	return ""
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, &out)
	}
	return out.String()
}

const appUnit = "[Unit]\nDescription=an app\n[Service]\nExecStart=/usr/local/bin/app\nUser=www-data\n"

// furnish gives every item of the catalogue something to do: a store with a
// bad mode, a shim, an EL-like secure_path, swap, no time service, a /tmp that
// is a mount.
func furnish(t *testing.T, root string) {
	t.Helper()
	write(t, root+"/opt/go/1.22.5/bin/go", "#!/bin/sh\n")
	must(t, os.Chmod(root+"/opt/go/1.22.5/bin/go", 0o700))
	must(t, os.Chmod(root+"/opt/go/1.22.5", 0o700))
	must(t, os.Chown(root+"/opt/go/1.22.5", 1000, 1000))
	write(t, root+"/usr/local/bin/vmgo-shim", "#!/bin/sh\n")
	must(t, os.Chmod(root+"/usr/local/bin/vmgo-shim", 0o755))
	must(t, os.MkdirAll(root+"/usr/lib/modules/6.1.0/kernel/drivers/block/zram", 0o755))
	write(t, root+"/usr/lib/modules/6.1.0/kernel/drivers/block/zram/zram.ko.xz", "")
	write(t, root+"/etc/fstab", "UUID=1 / ext4 defaults 0 1\nUUID=2 none swap sw 0 0\n/swapfile none swap sw,pri=5 0 0\n/dev/vdb /data xfs defaults 0 2\n")
	write(t, root+"/etc/sudoers.d/10-site", "Defaults secure_path=/sbin:/bin:/usr/sbin:/usr/bin\n")
	must(t, os.Chmod(root+"/etc/sudoers.d/10-site", 0o440))
	for _, link := range []string{"sysinit.target.wants/systemd-timesyncd.service", "dbus-org.freedesktop.timesync1.service"} {
		must(t, os.Remove(root+"/etc/systemd/system/"+link))
	}
	if _, err := os.Stat(root + "/usr/lib/systemd/system/tmp.mount"); err != nil { // Debian 12 ships it as an example
		data, err := os.ReadFile(root + "/usr/share/systemd/tmp.mount")
		must(t, err)
		write(t, root+"/etc/systemd/system/tmp.mount", string(data))
		write(t, root+"/etc/systemd/system/local-fs.target.wants/tmp.mount", string(data))
	}
	write(t, root+"/etc/systemd/system/app.service", appUnit)
	write(t, root+"/usr/local/bin/app", "#!/bin/sh\n")
	must(t, os.Chmod(root+"/usr/local/bin/app", 0o755))
	passwd, err := os.OpenFile(root+"/etc/passwd", os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = passwd.WriteString("dev:x:1000:1000::/home/dev:/bin/bash\n")
	must(t, err)
	must(t, passwd.Close())
	must(t, os.MkdirAll(root+"/home/dev", 0o700))
	must(t, os.Chown(root+"/home/dev", 1000, 1000))
}

// imageEngine is the engine over the tree of an image, with all items.
func imageEngine(root string) (*Engine, Selection, error) {
	h := host.Host{Root: "/", Env: map[string]string{}, UID: os.Getuid(), PID: os.Getpid(), Now: time.Now, Sys: host.OSSys(), Run: func(cmd *exec.Cmd) error { return cmd.Run() }}
	m, err := Image(h, root)
	service, serviceErr := NewService(Service{Name: "app", Memory: 512 << 20, CPUs: 1.5, Sandbox: true, Write: []string{"/var/lib/app"}})
	if serviceErr != nil {
		err = serviceErr
	}
	sel := Selection{Profile: Dev, User: "dev"}
	items := append(Catalogue(), service.Items()...)
	for _, item := range items {
		sel.Only = append(sel.Only, item.ID)
	}
	return &Engine{Machine: m, Items: items}, sel, err
}

func TestDebianImage(t *testing.T) {
	for _, suite := range []string{"bookworm", "trixie"} {
		t.Run(suite, func(t *testing.T) {
			if suite != "bookworm" && os.Getenv("VMGO_LONG") == "" {
				t.Skip("a second tree of Debian takes minutes: ./test.sh --long has it")
			}
			root := debianTree(t, suite)
			furnish(t, root)
			film := photographer{}
			before := film.snapshot(t, root)
			e, sel, err := imageEngine(root)
			must(t, err)

			plan, err := e.Plan(sel)
			must(t, err)
			if got := differences(before, film.snapshot(t, root)); len(got) > 0 {
				t.Fatalf("plan changed %q", got)
			}
			for _, item := range plan.Items {
				want := Pending
				if item.ID == "cgroup-v2" {
					want = NotApplicable
				}
				if item.State != want {
					t.Errorf("%s is %s (%s), want %s", item.ID, item.State, item.Reason, want)
				}
			}
			_, err = e.Apply(t.Context(), sel, &plan, nil)
			must(t, err)
			applied := film.snapshot(t, root)
			onlyPlanned(t, before, applied, plan)
			imageWorks(t, root)

			res, err := e.Apply(t.Context(), sel, nil, nil)
			must(t, err)
			if got := differences(applied, film.snapshot(t, root)); len(got) > 0 || len(res.Plan.Changes) > 0 {
				t.Errorf("the second apply changed %q, planned %d", got, len(res.Plan.Changes))
			}
			imageDrifts(t, e, root)
			_, err = e.Undo(t.Context(), nil, nil)
			must(t, err)
			must(t, os.Remove(root+"/etc/sysctl.d/60-vmgo.conf.vmgo-kept"))
			if before["/etc/sysctl.d"] == "" { // Debian 13 has none: it stayed for the kept file
				must(t, os.Remove(root+"/etc/sysctl.d"))
			}
			for _, dir := range []string{"/etc/sysctl.d", "/etc"} { // the test has just changed them
				if was, err := time.Parse(time.RFC3339Nano, before[dir][strings.LastIndex(before[dir], " ")+1:]); err == nil {
					must(t, os.Chtimes(root+dir, was, was))
				}
			}
			if got := differences(before, film.snapshot(t, root)); len(got) > 0 {
				t.Errorf("undo left %q", got)
			}
			t.Run("visudo", func(t *testing.T) { visudoJudges(t, root, before, film) })
			t.Run("killed", func(t *testing.T) {
				every := 1
				if suite != "bookworm" && os.Getenv(exhaustive) == "" {
					every = 3
				}
				imageKilled(t, root, before, film, every)
			})
		})
	}
}

// onlyPlanned holds the differences of two snapshots against the plan.
func onlyPlanned(t *testing.T, before, after map[string]string, plan Plan) {
	t.Helper()
	for path := range after {
		planned := slices.ContainsFunc(plan.Changes, func(c Change) bool { return c.Target == path })
		ofDir := strings.HasPrefix(after[path], "d") && strings.HasPrefix(before[path], after[path][:strings.LastIndex(after[path], " ")]) // its time
		if before[path] != after[path] && !planned && !ofDir && !strings.HasPrefix(path, "/var/lib/vmgo") {
			t.Errorf("%s changed from %q to %q and was not in the plan", path, before[path], after[path])
		}
	}
}

// imageWorks lets the image's own programs judge what was written.
func imageWorks(t *testing.T, root string) {
	t.Helper()
	if out := command(t, "chroot", root, "bash", "-lc", "printf %s \"$PATH\""); !strings.Contains(out, "/usr/local/bin") || !strings.HasSuffix(out, "/opt/go/default/bin") {
		t.Errorf("a login shell has PATH=%s", out)
	}
	if out := command(t, "chroot", root, "env", "-i", "bash", "-lc", "echo $GOTMPDIR"); out != "/var/tmp/vmgo\n" {
		t.Errorf("a login shell has GOTMPDIR=%s", out)
	}
	command(t, "chroot", root, "visudo", "-c", "-q")
	if out := command(t, "chroot", root, "sudo", "-n", "sh", "-c", "echo PATH=$PATH"); !strings.Contains(out, "PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/bin\n") {
		t.Errorf("sudo gives %s", out)
	}
	units, err := filepath.Glob(root + "/etc/systemd/system/*")
	must(t, err)
	args := []string{root, "systemd-analyze", "verify", "--recursive-errors=no"}
	for _, unit := range units {
		if strings.Contains(unit, "vmgo") || strings.Contains(unit, "home-dev") || strings.HasSuffix(unit, "app.service") {
			args = append(args, strings.TrimPrefix(unit, root))
		}
	}
	out := command(t, "chroot", args...)
	must(t, os.RemoveAll(root+"/run/systemd")) // systemd-analyze leaves a time stamp
	for line := range strings.Lines(out) {
		if strings.Contains(line, "vmgo") || strings.Contains(line, "home-dev") {
			t.Errorf("systemd-analyze verify says %s", line)
		}
	}
	var st syscall.Stat_t
	must(t, syscall.Stat(root+"/etc/sudoers.d/60-vmgo", &st))
	if st.Mode&0o777 != 0o440 {
		t.Errorf("the sudoers file has mode %o", st.Mode&0o777)
	}
}

// imageDrifts changes a file behind vmgo's back and undoes one item over it.
func imageDrifts(t *testing.T, e *Engine, root string) {
	t.Helper()
	path := root + "/etc/sysctl.d/60-vmgo.conf"
	must(t, os.WriteFile(path, []byte("vm.swappiness = 1\n"), 0o644))
	items, err := e.Status(Selection{})
	must(t, err)
	for _, item := range items {
		drifts := slices.Contains([]string{"inotify", "profiling", "swappiness"}, item.ID)
		if drifts != (item.State == Drifted) {
			t.Errorf("%s is %s (%s)", item.ID, item.State, item.Reason)
		}
	}
}

// exhaustive makes the tests kill at every point on every tree. Without it the
// second tree gets every third point: the engine is the same.
const exhaustive = "VMGO_TEST_EXHAUSTIVE"

// imageKilled kills apply and undo at every point, or every n-th, on the real
// tree.
func imageKilled(t *testing.T, root string, before map[string]string, film photographer, every int) {
	for _, verb := range []string{verbApply, verbUndo} {
		started := time.Now()
		for point := 1; ; point += every {
			e, sel, err := imageEngine(root)
			must(t, err)
			if verb == verbUndo {
				_, err := e.Apply(t.Context(), sel, nil, nil)
				must(t, err)
			}
			killed := crash(t, root, verb, point, crashImage+"=1")
			_, err = e.Undo(t.Context(), nil, nil)
			must(t, err)
			if got := differences(unkilled(before), unkilled(film.snapshot(t, root))); len(got) > 0 {
				t.Fatalf("%s killed at point %d, then undo: %q", verb, point, got)
			}
			if !killed {
				t.Logf("%s: %d points, every %d. of them, in %v", verb, point-1, every, time.Since(started).Round(time.Second))
				break
			}
		}
	}
}

// visudoJudges lets sudo's own checker refuse a file.
func visudoJudges(t *testing.T, root string, before map[string]string, film photographer) {
	e, _, err := imageEngine(root)
	must(t, err)
	e.Items = []Item{{ID: "bad", Desired: func(m *Machine) (Desired, error) {
		want := m.file(sudoFile, "Defaults secure_path\n\t= broken (\n")
		want.Check = visudo()
		return Desired{Wants: []Want{want}}, nil
	}}}
	_, err = e.Apply(t.Context(), Selection{Only: []string{"bad"}}, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "visudo refuses") || !strings.Contains(err.Error(), "syntax error") {
		t.Errorf("apply says %v", err)
	}
	if got := differences(before, film.snapshot(t, root)); len(got) > 0 {
		t.Errorf("the refused file left %q", got)
	}
}

// serveAt makes this binary a Go HTTP server, for the sandbox to be tried on.
const serveAt = "VMGO_TEST_SERVE"
