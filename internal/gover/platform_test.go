package gover_test

import (
	"testing"

	"github.com/vmgo/vmgo/internal/gover"
)

func TestParseModuleVersion(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"v0.0.1-go1.22.5.linux-amd64", "v0.0.1-go1.20.linux-arm", "v0.0.1-go1.26rc1.darwin-arm64",
		"v0.0.1-go1.9.2.windows-386", "v0.0.1-go1.18beta1.linux-amd64",
	} {
		v, p, ok := gover.ParseModuleVersion(s)
		if !ok || gover.ModuleVersion(v, p) != s {
			t.Errorf("%s gave %v %v %v", s, v, p, ok)
		}
	}
	for _, s := range []string{
		"", "v0.0.1-go", "v0.0.2-go1.22.5.linux-amd64", "v0.0.1-go1.22.5", "v0.0.1-go1.22.5.linux",
		"v0.0.1-go1.22.5.-amd64", "v0.0.1-go1.22.5.linux-", "v0.0.1-go1.9.2rc2.linux-amd64",
		"v0.0.1-go1.20.0.linux-amd64", "v0.0.1-go01.20.linux-amd64", "v0.0.1-go.linux-amd64",
	} {
		if v, p, ok := gover.ParseModuleVersion(s); ok {
			t.Errorf("%q taken as %v %v", s, v, p)
		}
	}
}

func TestPlatform_ArchiveName(t *testing.T) {
	t.Parallel()
	arm := gover.Platform{OS: "linux", Arch: "arm"}
	if arm.String() != "linux-arm" || arm.ArchiveName() != "linux-armv6l" {
		t.Error(arm.String(), arm.ArchiveName())
	}
	bsd := gover.Platform{OS: "freebsd", Arch: "arm"}
	if bsd.ArchiveName() != "freebsd-arm" {
		t.Error(bsd.ArchiveName())
	}
}

func FuzzParseModuleVersion(f *testing.F) {
	f.Add("v0.0.1-go1.22.5.linux-amd64")
	f.Add("v0.0.1-go1.9.2rc2.linux-amd64")
	f.Fuzz(func(t *testing.T, s string) {
		if v, p, ok := gover.ParseModuleVersion(s); ok && gover.ModuleVersion(v, p) != s {
			t.Errorf("%q is read as %v %v", s, v, p)
		}
	})
}
