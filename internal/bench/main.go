//go:build bench

// Bench measures vmgo side by side with what it replaces, in one run and in
// turn, and prints Markdown tables. It is no part of the tests and judges
// nothing: read the ratios.
//
//	go run -tags bench ./internal/bench [flags] prompt|cd|shim|install|store|proxy...
//
// Without names it measures the first four. proxy compares with nginx. store takes its releases from
// GOPROXY once, by a mirror on this machine, which -keep -dir DIR keeps for
// the next time. All of its cases together write some 60 GB, so name them one
// by one (-cases seven) where there is less room; -runs 1 -cases patch is quick.
// In a -dir on tmpfs each run is deleted at once, and 12 GB of memory suffice.
//
// Other tools (mise, direnv) are measured where they are on PATH; mise also
// where MISE names it. The first run fetches two Go releases through GOPROXY.
// Nothing is deleted before the end, since ext4 makes files slowly where many
// were just deleted; for the same reason wait some minutes after an `install`
// before another one.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// The releases that the projects of the measurements ask for.
const release, otherRelease = "1.22.5", "1.21.13"

// bench is one run of this program.
type bench struct {
	runs    int
	dir     string // scratch
	repo    string
	goroot  string // of the go that runs this
	shells  []string
	cases   []string // of store
	proxies string   // what GOPROXY was
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == launchWord {
		must(launch(os.Args[2:]))
		return
	}
	b := bench{}
	var shells, cases string
	keep := flag.Bool("keep", false, "keep the scratch directory")
	flag.IntVar(&b.runs, "runs", 0, "measured runs of each command (default: by measurement)")
	flag.StringVar(&b.dir, "dir", "", "scratch directory, on the disk to be measured (default: a new one in TMPDIR)")
	flag.StringVar(&shells, "shells", "bash,zsh,fish", "shells for prompt and cd")
	flag.StringVar(&cases, "cases", "one,patch,minor,seven,sixteen", "what store measures")
	flag.Parse()
	b.shells, b.cases = strings.Split(shells, ","), strings.Split(cases, ",")
	if err := b.main(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		fmt.Fprintln(os.Stderr, "scratch directory:", b.dir)
		os.Exit(1)
	}
	if !*keep {
		must(exec.Command("chmod", "-R", "u+w", b.dir).Run())
		must(os.RemoveAll(b.dir))
	}
}

func (b *bench) main(names []string) error {
	measurements := map[string]func() error{"prompt": b.prompt, "cd": b.cd, "shim": b.shim, "install": b.install, "store": b.store, "proxy": b.proxy}
	if len(names) == 0 {
		names = []string{"prompt", "cd", "shim", "install"}
	}
	for _, name := range names {
		if measurements[name] == nil {
			return fmt.Errorf("no measurement %q: prompt, cd, shim, install, store or proxy", name)
		}
	}
	if err := b.prepare(); err != nil {
		return err
	}
	if slices.ContainsFunc(names, func(name string) bool { return name != "store" && name != "proxy" }) {
		if err := b.fetch(); err != nil {
			return err
		}
	}
	fmt.Printf("%s, %d cores, load %s, %s\n", runtime.Version(), runtime.NumCPU(), load(), kernel())
	for _, name := range names {
		if err := measurements[name](); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	fmt.Printf("\nload at the end %s\n", load())
	return nil
}

// prepare builds the programs and the probes, and copies them into place as
// install.sh does. What the linker itself has written lies in single pages of the cache
// until it is read from the disk again: such a program starts 0.2 ms later.
func (b *bench) prepare() error {
	var err error
	if b.dir == "" {
		if b.dir, err = os.MkdirTemp("", "vmgo-bench-"); err != nil {
			return err
		}
	}
	if b.dir, err = filepath.Abs(b.dir); err != nil {
		return err
	}
	if b.repo, err = output("go", "list", "-m", "-f", "{{.Dir}}"); err != nil {
		return err
	}
	if b.goroot, err = output("go", "env", "GOROOT"); err != nil {
		return err
	}
	if b.proxies, err = output("go", "env", "GOPROXY"); err != nil {
		return err
	}
	for _, dir := range []string{"bin", "out", "home", "store", "state", "a", "b"} {
		if err := os.MkdirAll(b.path(dir), 0o755); err != nil {
			return err
		}
	}
	build := exec.Command(b.goroot+"/bin/go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w",
		"-tags", "urfave_cli_no_docs,urfave_cli_no_suggest", "-o", b.path("out")+"/",
		".", "./shims/vmgo-shim", "./internal/bench/testdata/hello", "./internal/bench/testdata/exec")
	build.Dir, build.Stderr, build.Env = b.repo, os.Stderr, append(os.Environ(), "CGO_ENABLED=0")
	if err := build.Run(); err != nil {
		return fmt.Errorf("building: %w", err)
	}
	if _, err := output("cp", "-r", b.path("out")+"/.", b.path("bin")); err != nil {
		return err
	}
	return nil
}

// fetch brings the releases of the projects into a module cache, which is a
// proxy of its own by file://.
func (b *bench) fetch() error {
	for name, version := range map[string]string{"a": release, "b": otherRelease} {
		if err := os.WriteFile(b.path(name, ".go-version"), []byte(version+"\n"), 0o644); err != nil {
			return err
		}
		fetch := exec.Command(b.goroot+"/bin/go", "mod", "download", b.module(version))
		fetch.Dir, fetch.Stderr = b.dir, os.Stderr
		fetch.Env = append(os.Environ(), "GOMODCACHE="+b.path("modcache"), "GOFLAGS=-modcacherw", "GOTOOLCHAIN=local")
		if err := fetch.Run(); err != nil {
			return fmt.Errorf("fetching go%s: %w", version, err)
		}
	}
	return nil
}

func (b *bench) module(version string) string {
	return "golang.org/toolchain@v0.0.1-go" + version + "." + runtime.GOOS + "-" + runtime.GOARCH
}

// installed makes sure that both releases are in the store.
func (b *bench) installed() error {
	install := b.command(b.path("bin/vmgo"), "install", release, otherRelease)
	install.Stderr = os.Stderr
	if err := install.Run(); err != nil {
		return fmt.Errorf("vmgo install: %w", err)
	}
	return nil
}

func (b *bench) path(elem ...string) string {
	return filepath.Join(append([]string{b.dir}, elem...)...)
}

// environ is a small environment with no Go on PATH, and a store and a home
// of its own.
func (b *bench) environ(more ...string) []string {
	return append([]string{
		"PATH=" + b.path("bin") + ":/usr/local/bin:/usr/bin:/bin", "HOME=" + b.path("home"), "LC_ALL=C.UTF-8", "TERM=dumb",
		"VMGO_ROOT=" + b.path("store"), "XDG_STATE_HOME=" + b.path("state"),
		"GOPROXY=file://" + b.path("modcache/cache/download") + "," + b.proxies,
	}, more...)
}

func (b *bench) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Env = b.environ()
	cmd.Dir = b.dir
	return cmd
}

func output(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %q: %w", name, args, err)
	}
	return strings.TrimSpace(string(out)), nil
}

func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	must(err)
	return strings.Join(strings.Fields(string(text))[:3], " ")
}

func kernel() string {
	text, err := os.ReadFile("/proc/sys/kernel/osrelease")
	must(err)
	return "Linux " + strings.TrimSpace(string(text))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}
