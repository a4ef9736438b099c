package doctor

import (
	"context"
	"strings"

	"github.com/vmgo/vmgo/internal/goenv"
)

func goflagsCheck() Check {
	return Check{
		ID: "toolchain.goflags", Group: Toolchain, Weight: 6,
		Title:  "GOFLAGS",
		Why:    "a malformed flag stops every go command; -mod=vendor fails without a vendor directory",
		Source: "environment, the file of `go env -w`",
		Run:    runGoflags,
	}
}

func runGoflags(_ context.Context, m *Machine) Result {
	s := m.GoEnv("GOFLAGS")
	if s.Value == "" {
		return ok("not set")
	}
	words, err := goenv.Flags(s.Value)
	if err != nil {
		return where(s, fail("GOFLAGS has an %s: every go command stops", err)).unset(m, s)
	}
	for _, word := range words {
		name, value, _ := strings.Cut(strings.TrimLeft(word, "-"), "=")
		switch {
		case !strings.HasPrefix(word, "-") || name == "":
			return where(s, fail("GOFLAGS has the word %q, which is not a flag: every go command stops", word)).unset(m, s)
		case name == "mod" && value == "":
			return where(s, fail("GOFLAGS has -mod without a value: every go command stops")).unset(m, s)
		case name == "mod" && value == "vendor" && s.Path != "":
			return where(s, warn("GOFLAGS has -mod=vendor for every project")).
				means("go install PACKAGE@VERSION fails with \"cannot query module due to -mod=vendor\".").unset(m, s)
		case name == "insecure":
			return where(s, warn("GOFLAGS has -insecure, which go no longer has; use GOINSECURE")).unset(m, s)
		case name == "trimpath" && s.Path != "":
			return where(s, info("GOFLAGS has -trimpath for every project")).
				means("It needs a second build cache and hides the sources from debuggers.")
		}
	}
	return where(s, ok("%s", s.Value))
}
