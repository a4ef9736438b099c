//go:build bench

package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// storeCase is one thing that people ask of a store.
type storeCase struct {
	name     string
	title    string
	before   []string // what is installed already
	releases []string // what is installed
	runs     int      // by default
	warm     bool     // a first run that does not count
	tar      bool     // measure tar too, whose archives are slow to make
}

func storeCases() []storeCase {
	seven := []string{"1.21.13", "1.22.12", "1.23.12", "1.24.13", "1.25.14", "1.26.11", "1.27.4"}
	sixteen := []string{"1.21.0", "1.21.13", "1.22.0", "1.22.5", "1.22.12", "1.23.0", "1.23.12", "1.24.13",
		"1.25.5", "1.25.14", "1.26.0", "1.26.7", "1.26.8", "1.26.11", "1.27.0", "1.27.4"}
	return []storeCase{
		{"one", "one release, cold: 1.26.8", nil, []string{"1.26.8"}, 5, true, true},
		{"patch", "a patch beside its neighbour: 1.26.8 where 1.26.7 is", []string{"1.26.7"}, []string{"1.26.8"}, 5, true, true},
		{"minor", "a new minor: 1.27.0 where 1.26.8 is", []string{"1.26.8"}, []string{"1.27.0"}, 5, true, true},
		{"seven", "seven releases: " + strings.Join(seven, " "), nil, seven, 2, false, true},
		{"sixteen", "sixteen releases: " + strings.Join(sixteen, " "), nil, sixteen, 1, false, false},
	}
}

// store compares installs of one and of many releases, all from one loopback
// mirror, which gets what it serves from GOPROXY once.
func (b *bench) store() error {
	m, err := b.startMirror()
	if err != nil {
		return err
	}
	defer m.close()
	mise, err := b.miseInstaller(m)
	if err != nil {
		return err
	}
	known := storeCases()
	for _, name := range b.cases {
		i := slices.IndexFunc(known, func(c storeCase) bool { return c.name == name })
		if i < 0 {
			return fmt.Errorf("no case %q", name)
		}
		if err := b.storeCase(known[i], m, mise); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// storeRun is one way to install the releases of a case: a command that writes
// beneath dir, and what it needs to be there before.
type storeRun struct {
	name    string
	prepare func(dir string) error // may be nil
	command func(dir string) *exec.Cmd
}

func (b *bench) storeCase(c storeCase, m *mirror, mise string) error {
	ways := []storeRun{b.plainUnzip(c, m)}
	archives := append(slices.Clone(c.before), c.releases...)
	if err := m.prepare(archives, c.tar || mise != ""); err != nil {
		return err
	}
	// The checksum database is asked here, so that no run waits for it.
	if _, err := timed(b.vmgo(m, b.path("warm"), archives)); err != nil {
		return err
	}
	if c.tar {
		ways = append(ways, b.plainTar(c, m))
	}
	ways = append(ways, b.goToolchain(c, m))
	if mise != "" {
		ways = append(ways, b.miseInstall(c, m, mise))
	}
	ways = append(ways, b.vmgoInstall(c, m))
	var list []contender
	for i, way := range ways {
		list = append(list, contender{way.name, func(round int) (sample, error) {
			return b.storeOnce(way, b.path("runs", strconv.Itoa(os.Getpid()), c.name, fmt.Sprintf("%d-%d", i, round)))
		}})
	}
	runs, first := cmp.Or(b.runs, c.runs), 0
	if c.warm {
		first = -1
	}
	samples, err := inTurn(first, runs, list)
	if err == nil {
		storeTable(c.title, runs, list, samples)
	}
	return err
}

// storeOnce measures one run in a new directory. What an install added to the
// disk is what du says after it and did not say before.
func (b *bench) storeOnce(way storeRun, dir string) (sample, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return sample{}, err
	}
	if way.prepare != nil {
		if err := way.prepare(dir); err != nil {
			return sample{}, err
		}
	}
	before, err := diskUse(dir)
	if err != nil {
		return sample{}, err
	}
	syscall.Sync()
	s, err := apart(way.command(dir))
	if err != nil {
		return sample{}, err
	}
	after, err := diskUse(dir)
	s.disk = after - before
	return s, errors.Join(err, b.discard(dir), b.discard(dir+".downloads"))
}

// discard deletes what a run wrote if it lies in memory: there deletions slow
// nothing down, and sixteen releases of every contender would not fit.
func (b *bench) discard(dir string) error {
	const tmpfs = 0x01021994 // linux/magic.h
	var fs syscall.Statfs_t
	if err := syscall.Statfs(b.dir, &fs); err != nil || fs.Type != tmpfs {
		return err
	}
	if err := exec.Command("chmod", "-Rf", "u+w", dir).Run(); err != nil {
		return nil // there is no such directory
	}
	return os.RemoveAll(dir)
}

// plainUnzip is what a careful person types, with the toolchain's zips. The
// archives go elsewhere, and stay.
func (b *bench) plainUnzip(c storeCase, m *mirror) storeRun {
	return b.plain("curl, sha256sum -c, unzip", c, func(v string) (url, sum, extract string) {
		return m.url + "/" + m.zipPath(v), m.sum(m.zipFile(v)), "unzip -q"
	})
}

// plainTar is the same with archives like the official ones.
func (b *bench) plainTar(c storeCase, m *mirror) storeRun {
	return b.plain("curl, sha256sum -c, tar -xzf", c, func(v string) (url, sum, extract string) {
		return m.url + "/dl/" + tarName(v), m.sum(m.tarFile(v)), "tar -xzf"
	})
}

func (b *bench) plain(name string, c storeCase, of func(v string) (url, sum, extract string)) storeRun {
	return storeRun{name: name, command: func(dir string) *exec.Cmd {
		var script strings.Builder
		downloads := dir + ".downloads"
		for _, v := range c.releases {
			url, sum, extract := of(v)
			fmt.Fprintf(&script, "mkdir -p %[1]s %[2]s/%[3]s; cd %[2]s/%[3]s\ncurl -fsSo %[1]s/%[3]s %[4]s\necho '%[5]s  %[1]s/%[3]s' | sha256sum -c --quiet\n%[6]s %[1]s/%[3]s\n",
				downloads, dir, v, url, sum, extract)
		}
		return b.command("sh", "-ec", script.String())
	}}
}

// goToolchain lets the go command bring the releases, one after the other, as
// it has no other way. Its module cache keeps the zips, which count: nothing
// but cleaning the whole cache removes them.
func (b *bench) goToolchain(c storeCase, m *mirror) storeRun {
	return storeRun{name: "GOTOOLCHAIN=go1.N.P go version", command: func(dir string) *exec.Cmd {
		var script strings.Builder
		for _, v := range c.releases {
			if "go"+v == runtime.Version() { // the go command has that one; this is the same download
				fmt.Fprintf(&script, "GOTOOLCHAIN=local %s/bin/go mod download %s\n", b.goroot, b.module(v))
				continue
			}
			fmt.Fprintf(&script, "GOTOOLCHAIN=go%s %s/bin/go version\n", v, b.goroot)
		}
		cmd := b.command("sh", "-ec", script.String())
		cmd.Env = append(cmd.Env, "GOMODCACHE="+dir, "GOFLAGS=-modcacherw", "GOPATH="+b.path("gopath"), "GOPROXY="+m.url)
		return cmd
	}}
}

// vmgo is an install into a store of its own.
func (b *bench) vmgo(m *mirror, dir string, releases []string) *exec.Cmd {
	cmd := b.command(b.path("bin/vmgo"), append([]string{"install"}, releases...)...)
	cmd.Env = append(cmd.Env, "VMGO_ROOT="+dir, "VMGO_SOURCE=goproxy", "GOPROXY="+m.url)
	return cmd
}

func (b *bench) vmgoInstall(c storeCase, m *mirror) storeRun {
	install := func(dir string, releases []string) *exec.Cmd { return b.vmgo(m, dir, releases) }
	return storeRun{
		name:    "vmgo install",
		prepare: before(c, install),
		command: func(dir string) *exec.Cmd { return install(dir, c.releases) },
	}
}

// miseInstall lets mise take archives from the mirror.
func (b *bench) miseInstall(c storeCase, m *mirror, mise string) storeRun {
	install := func(dir string, releases []string) *exec.Cmd {
		args := []string{"install", "-q"}
		for _, v := range releases {
			args = append(args, "go@"+v)
		}
		cmd := b.command(mise, args...)
		cmd.Env = append(cmd.Env, "MISE_DATA_DIR="+dir, "MISE_CACHE_DIR="+b.path("mise-cache"), "MISE_STATE_DIR="+b.path("mise-state"))
		return cmd
	}
	return storeRun{
		name:    "mise install",
		prepare: before(c, install),
		command: func(dir string) *exec.Cmd { return install(dir, c.releases) },
	}
}

// before installs what a case finds installed.
func before(c storeCase, install func(dir string, releases []string) *exec.Cmd) func(dir string) error {
	return func(dir string) error {
		if len(c.before) == 0 {
			return nil
		}
		_, err := timed(install(dir, c.before))
		return err
	}
}

// miseInstaller finds mise, by MISE or on PATH, and points it at the mirror: at
// its archives, and at a repository whose tags are all the releases there are.
// It is empty where there is no mise.
func (b *bench) miseInstaller(m *mirror) (string, error) {
	mise, err := exec.LookPath(cmp.Or(os.Getenv("MISE"), "mise"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: mise is not measured:", err)
		return "", nil
	}
	repo := b.path("gorepo")
	if _, err := os.Stat(repo); errors.Is(err, os.ErrNotExist) {
		script := "git init -q " + repo + "; cd " + repo + "; git -c user.email=a@b -c user.name=x commit -q --allow-empty -m x\n"
		tags := map[string]bool{}
		for _, c := range storeCases() {
			for _, v := range append(slices.Clone(c.before), c.releases...) {
				if !tags[v] {
					script += "git tag go" + v + "\n"
				}
				tags[v] = true
			}
		}
		if _, err := timed(b.command("sh", "-ec", script)); err != nil {
			return "", err
		}
	}
	return mise, b.write("home/.config/mise/config.toml", fmt.Sprintf(
		"[settings]\ngo.download_mirror = %q\ngo.repo = %q\nuse_versions_host = false\ndisable_update_warning = true\n", m.url+"/dl", "file://"+repo))
}
