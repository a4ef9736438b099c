package doctor

import (
	"context"
	"path/filepath"
	"strings"
)

func gopathCheck() Check {
	return Check{
		ID: "toolchain.gopath", Group: Toolchain, Weight: 6,
		Title:  "where GOPATH and the module cache are",
		Why:    "inside GOROOT go refuses; inside a module ./... and go mod tidy walk into it",
		Source: "GOPATH, GOMODCACHE; go.mod of the working directory and above",
		Run:    runGopath,
	}
}

func runGopath(_ context.Context, m *Machine) Result {
	s := m.GoEnv("GOPATH")
	if s.Value == "" || m.GoEnv("GOCACHE").Value == "" {
		return fail("HOME is not set: go has no place for modules and builds").
			means("It fails with \"module cache not found\" or \"build cache is required\".").fixWith("export HOME=/your/home")
	}
	root := m.GOROOT()
	for dir := range strings.SplitSeq(s.Value, ":") {
		switch {
		case dir == "":
			continue
		case strings.HasPrefix(dir, "~"):
			return where(s, fail("GOPATH begins with ~, which go does not expand")).unset(m, s)
		case !filepath.IsAbs(dir):
			return where(s, fail("GOPATH is a relative path: go stops")).unset(m, s)
		case root != "" && filepath.Clean(dir) == root:
			r := where(s, fail("GOPATH is GOROOT"))
			if !s.IsSet() { // Go was unpacked where GOPATH is by default
				return r.fixWith("%s", m.setGo("GOPATH", m.HomePath("gopath")))
			}
			return r.unset(m, s)
		case root != "" && inside(dir, root):
			return where(s, fail("GOPATH is inside GOROOT")).at(root, 0, "").unset(m, s)
		}
	}
	module := m.moduleRoot()
	if module == "" {
		return ok("%s", s.Value)
	}
	for _, name := range []string{"GOPATH", "GOMODCACHE"} {
		dir := m.GoEnv(name)
		rest, found := strings.CutPrefix(filepath.Clean(dir.Value), module+"/")
		if !found || hiddenPath(rest) || m.ignored(module, rest) {
			continue
		}
		return where(dir, warn("%s is inside the module %s", name, module)).
			means("go build ./... and go mod tidy walk into it. Go 1.25 and newer can ignore it.").
			fixWith("go mod edit -ignore=./%s", rest)
	}
	return ok("%s", s.Value)
}

func inside(p, dir string) bool {
	return strings.HasPrefix(filepath.Clean(p)+"/", strings.TrimSuffix(dir, "/")+"/")
}

// hiddenPath reports whether ./... passes a directory over by its name.
func hiddenPath(rest string) bool {
	for part := range strings.SplitSeq(rest, "/") {
		if strings.HasPrefix(part, ".") || strings.HasPrefix(part, "_") || part == "testdata" {
			return true
		}
	}
	return false
}

// moduleRoot is the directory of the go.mod in use; empty outside a module.
func (m *Machine) moduleRoot() string { return m.above("go.mod") }
