package release

import (
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
)

func TestParseFileName(t *testing.T) {
	t.Parallel()
	arm := gover.Platform{OS: "linux", Arch: "arm"}
	for _, tt := range []struct {
		name, version string
		platform      gover.Platform
		kind          Kind
	}{
		{"go1.22.5.linux-amd64.tar.gz", "1.22.5", linux, TarGz},
		{"go1.23rc1.linux-armv6l.tar.gz", "1.23rc1", arm, TarGz},
		{"go1.20.linux-amd64.tar.gz", "1.20", linux, TarGz},
		{"v0.0.1-go1.22.5.linux-arm.zip", "1.22.5", arm, Zip},
	} {
		a, ok := ParseFileName(tt.name)
		if !ok || a.Version != version(t, tt.version) || a.Platform != tt.platform || a.Kind != tt.kind ||
			a.Module != gover.ModuleVersion(a.Version, a.Platform) {
			t.Errorf("%s: %+v, %v", tt.name, a, ok)
		}
	}
	for _, name := range []string{
		"", "go.tar.gz", "go1.22.5.tar.gz", "go1.22.5.linux-amd64.zip", "go1.22.5.linux-arm.tar.gz", "go1.22.5.src.tar.gz",
		"go1.22.5.linux-amd64.tar.gz.asc", "1.22.5.linux-amd64.tar.gz", "go1.22.5.linux-amd64(1).tar.gz", "v0.0.1-go1.22.5.linux-amd64.tar.gz",
		"xgo1.22.5.linux-amd64.tar.gz", "go1.22.5.windows-amd64.tar.gz", "go1.22.5.linux-Amd64.tar.gz", "go1.22.5.linux-amd64",
		"x.zip", "v0.0.1-go1.22.5.linux-Amd64.zip", ".tar.gz",
	} {
		if a, ok := ParseFileName(name); ok {
			t.Errorf("%q taken as %+v", name, a)
		}
	}
}

func TestFile_Locate(t *testing.T) {
	t.Parallel()
	const path = "/a dir/go1.22.5.linux-amd64.tar.gz"
	f, err := NewFile(path, "go1.22.5.linux-amd64.tar.gz", sum1, []string{"file:///x.asc"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := f.Locate(t.Context(), version(t, "1.22.5"), linux)
	if err != nil || a.URLs[0] != "file:///a%20dir/go1.22.5.linux-amd64.tar.gz" || a.SHA256 != sum1 || len(a.Signatures) != 1 {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := f.Locate(t.Context(), version(t, "1.22.4"), linux); diag.CodeOf(err) != diag.NoSuchRelease {
		t.Errorf("another version: %v", err)
	}
	if _, err := f.Locate(t.Context(), version(t, "1.22.5"), gover.Platform{OS: "linux", Arch: "arm64"}); diag.CodeOf(err) != diag.UnsupportedPlatform {
		t.Errorf("another platform: %v", err)
	}
	if _, err := NewFile("/x.tar.gz", "x.tar.gz", "", nil); diag.CodeOf(err) != diag.Usage {
		t.Errorf("another name: %v", err)
	}
	// Neither checksum nor signature of an archive says anything of a zip.
	f, err = NewFile("/v.zip", "v0.0.1-go1.22.5.linux-amd64.zip", sum1, []string{"file:///x.asc"})
	if err != nil {
		t.Fatal(err)
	}
	if a, err := f.Locate(t.Context(), version(t, "1.22.5"), linux); err != nil || a.SHA256 != "" || a.Signatures != nil {
		t.Errorf("%+v, %v", a, err)
	}
}
