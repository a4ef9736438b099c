package doctor

import (
	"context"
	"fmt"

	"github.com/vmgo/vmgo/internal/diag"
)

func buildDirsCheck() Check {
	return Check{
		ID: "toolchain.build-dirs", Group: Toolchain, Weight: 8,
		Title:  "whether go can write to its build cache and temporary directory",
		Why:    "without them every go build, go run and go test stops",
		Source: "GOCACHE, GOTMPDIR; stat and mount options of those directories",
		Run:    runBuildDirs,
	}
}

func runBuildDirs(_ context.Context, m *Machine) Result {
	r := ok("go can write there")
	for _, judge := range []func(Result) Result{m.judgeCache, m.judgeBuildTemp} {
		r = judge(r)
	}
	if r.Status == Fail {
		r.Summary = "go build stops: " + r.Evidence[0].String()
	}
	return r
}

// judgeCache adds what is wrong with GOCACHE. Since Go 1.12 it cannot be off.
func (m *Machine) judgeCache(r Result) Result {
	s := m.GoEnv("GOCACHE")
	switch {
	case s.Value == "off" && !s.IsSet():
		r.worse(Fail)
		return r.at("", 0, "the build cache has no place: neither HOME nor XDG_CACHE_HOME is an absolute path").
			fixWith(`export HOME="$(getent passwd "$(id -u)" | cut -d: -f6)"`)
	case s.Value == "off":
		r.worse(Fail)
		return r.at(s.Origin(), s.Line, "GOCACHE=off, but the build cache is required since Go 1.12").unset(m, s)
	}
	reason := m.unwritable(m.Nearest(s.Value))
	if reason == "" {
		return r
	}
	r.worse(Fail)
	r = r.at(s.Value, 0, "GOCACHE: %s", reason)
	switch {
	case s.IsSet():
		return r.unset(m, s)
	case m.Exists(s.Value) && m.UID != 0:
		return r.because("security.owner").fixWith("sudo chown -R %s %s", diag.Word(m.userName()+":"), diag.Word(s.Value))
	}
	return r.fixWith("%s", m.setGo("GOCACHE", m.movedTo("go-build")))
}

// judgeBuildTemp adds what is wrong with GOTMPDIR, which go does not create.
func (m *Machine) judgeBuildTemp(r Result) Result {
	s := m.GoEnv("GOTMPDIR")
	if s.Value == "" {
		return r
	}
	reason := "does not exist"
	if m.Exists(s.Value) {
		reason = m.unwritable(s.Value)
	}
	if reason == "" {
		return r
	}
	r.worse(Fail)
	return where(s, r.at(s.Value, 0, "GOTMPDIR: %s", reason)).unset(m, s)
}

// unwritable returns why this user cannot write in a directory; empty if they can.
func (m *Machine) unwritable(dir string) string {
	if mount, known := m.MountOf(dir); known && mount.Has("ro") {
		return mount.Point + " is mounted read-only"
	}
	info, err := m.Stat(dir)
	switch {
	case err != nil:
		return "" // machine.space and security.owner look at it
	case !info.IsDir():
		return dir + " is not a directory"
	case !m.Sys.MayWrite(m.Path(dir), info):
		uid, _ := m.Owner(dir)
		return fmt.Sprintf("%s belongs to %s and has mode %04o: you cannot write there", dir, m.nameOf(uid), modeBits(info.Mode()))
	}
	return ""
}
