package doctor

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
)

func goEnvFileCheck() Check {
	return Check{
		ID: "toolchain.go-env-file", Group: Toolchain, Weight: 3,
		Title:  "whether go.env inside the release was edited",
		Why:    "the edit is lost with the next update, and the tree is no longer the verified one",
		Source: "$GOROOT/go.env compared with the published one (since 1.21)",
		Run:    runGoEnvFile,
	}
}

func runGoEnvFile(_ context.Context, m *Machine) Result {
	root := m.GOROOT()
	if root == "" {
		return skip("no Go to check")
	}
	file := filepath.Join(root, "go.env")
	lines := m.goEnvLines(file)
	if v := m.Selected(); !v.IsZero() && v.Major() == 1 && v.Minor() < 21 {
		return skip("Go %s has no go.env yet", v)
	}
	if !m.Exists(file) {
		return warn("%s is missing", file).fixWith("vmgo verify")
	}
	published := publishedGoEnv()
	delete(published, "GOPROXY") // every distributor has its own
	r := ok("go.env is as published")
	for _, s := range lines {
		if want, known := published[s.Name]; (known && s.Value != want) || (!known && s.Name != "GOPROXY") {
			r.worse(Info)
			r = r.at(s.Path, s.Line, "%s=%s", s.Name, s.Value)
		}
		delete(published, s.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(published)) {
		r.worse(Info)
		r = r.at(file, 0, "%s is missing", name)
	}
	if r.Status == OK {
		return r
	}
	if m.inStore(root) {
		r.worse(Warn)
		r = r.fixWith("vmgo install --reinstall %s", m.Selected())
	}
	r.Summary = "go.env was edited"
	return r.means("Distributors do that, too. Put settings into the environment or `go env -w`.")
}
