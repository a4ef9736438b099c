package release

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/gover"
)

func snapshot(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zr)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The real answer of the official server on 2021-11-08: 202 releases, 2971
// files, with all its quirks.
func TestDecodeIndex_official(t *testing.T) {
	t.Parallel()
	x, err := DecodeIndex(snapshot(t, "index-all-2021-11-08.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	archives := 0
	for _, r := range x.Releases {
		archives += len(r.Archives)
		if r.Stable == r.Version.IsPrerelease() {
			t.Errorf("%s: stable is %v", r.Version, r.Stable)
		}
	}
	if archives != 1908 || x.Skipped[skipChecksum] != 130 || x.Skipped[skipName] != 1 || x.Skipped[skipMacOS] != 52 || x.Skipped[skipVersion] != 2 {
		t.Errorf("%d archives, skipped %v", archives, x.Skipped)
	}
	if len(x.Releases) != 200 || x.Releases[0].Version.String() != "1.17.3" || x.Releases[199].Version.String() != "1.2.2" {
		t.Errorf("%d releases, first %v", len(x.Releases), x.Releases[0].Version)
	}
	r, _ := x.Release(version(t, "1.17.3"))
	arm := gover.Platform{OS: "linux", Arch: "arm"}
	a, ok := r.Archive(arm)
	if !ok || a.Name != "go1.17.3.linux-armv6l.tar.gz" || a.Platform != arm || len(a.SHA256) != 64 || a.Size < 1e8 {
		t.Errorf("linux/arm: %+v", a)
	}
}

func version(t testing.TB, s string) gover.Version {
	t.Helper()
	v, err := gover.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDecodeIndex_rows(t *testing.T) {
	t.Parallel()
	const sum = "705c64251e5b25d5d55ede1039c6aa22bea40a7a931d14c370339853643c3df0"
	row := func(file, goos, arch, version, sha string) string {
		return `{"filename":"` + file + `","os":"` + goos + `","arch":"` + arch + `","version":"` + version +
			`","sha256":"` + sha + `","size":7,"kind":"archive"}`
	}
	good := row("go1.22.5.linux-amd64.tar.gz", "linux", "amd64", "go1.22.5", sum)
	tests := []struct {
		name, file string
		want       string // reason, or empty for a row that counts
	}{
		{"good", row("go1.22.5.linux-arm64.tar.gz", "linux", "arm64", "go1.22.5", sum), ""},
		{"arm", row("go1.22.5.linux-armv6l.tar.gz", "linux", "armv6l", "go1.22.5", sum), ""},
		{"arm elsewhere", row("go1.22.5.freebsd-arm.tar.gz", "freebsd", "arm", "go1.22.5", sum), ""},
		{"windows", row("go1.22.5.windows-amd64.zip", "windows", "amd64", "go1.22.5", sum), ""},
		{"arm6", row("go1.22.5.linux-arm6.tar.gz", "linux", "arm6", "go1.22.5", sum), skipName},
		{"the same again", good, skipDuplicate},
		{"a name of macOS elsewhere", row("go1.22.5.linux-386-osx10.8.tar.gz", "linux", "386", "go1.22.5", sum), skipName},
		{"no platform, and a name without one", row("go1.22.5.linux/../x-.tar.gz", "linux/../x", "386", "go1.22.5", sum), skipName},
		{"more than a checksum", row("go1.22.5.linux-386.tar.gz", "linux", "386", "go1.22.5", sum+"0"), skipChecksum},
		{"no checksum", row("go1.22.5.linux-386.tar.gz", "linux", "386", "go1.22.5", ""), skipChecksum},
		{"SHA-1", row("go1.22.5.linux-386.tar.gz", "linux", "386", "go1.22.5", sum[:40]), skipChecksum},
		{"upper case", row("go1.22.5.linux-386.tar.gz", "linux", "386", "go1.22.5", strings.ToUpper(sum)), skipChecksum},
		{"an older release", row("go1.22.4.linux-386.tar.gz", "linux", "386", "go1.22.5", sum), skipName},
		{"version of another", row("go1.22.5.linux-386.tar.gz", "linux", "386", "go1.22.4", sum), skipName},
		{"another platform", row("go1.22.5.linux-386.tar.gz", "linux", "ppc64", "go1.22.5", sum), skipName},
		{"a path", row("../../etc/go1.22.5.linux-386.tar.gz", "linux", "386", "go1.22.5", sum), skipName},
		{"a path as platform", row("go1.22.5.linux/../x-386.tar.gz", "linux/../x", "386", "go1.22.5", sum), skipName},
		{"macOS release", row("go1.22.5.darwin-amd64-osx10.8.tar.gz", "darwin", "amd64", "go1.22.5", sum), skipMacOS},
		{"not an object", `"x"`, skipUnreadable},
		{"size as text", `{"filename":"x","kind":"archive","size":"7"}`, skipUnreadable},
	}
	for _, tt := range tests {
		x, err := DecodeIndex([]byte(`[{"version":"go1.22.5","stable":true,"files":[` + good + "," + tt.file + `]}]`))
		if err != nil || len(x.Releases) != 1 {
			t.Fatalf("%s: %v", tt.name, err)
		}
		switch n := len(x.Releases[0].Archives); {
		case tt.want == "" && (n != 2 || len(x.Skipped) != 0):
			t.Errorf("%s: %d archives, skipped %v", tt.name, n, x.Skipped)
		case tt.want != "" && (n != 1 || x.Skipped[tt.want] != 1):
			t.Errorf("%s: %d archives, skipped %v, want %q", tt.name, n, x.Skipped, tt.want)
		}
	}
}

func TestDecodeIndex_releases(t *testing.T) {
	t.Parallel()
	x, err := DecodeIndex([]byte(`[{"version":"go1.22.5","stable":true,"files":[]}, {"version":"go1"}, {"version":"go1.9.2rc2"}, {"version":"go1.22"}, {},
		{"version":"1.22.4"}, {"version":"go1.22.5"}, 7, {"version":"go1.23rc1","new_field":{}}]`))
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Releases) != 2 || x.Skipped[skipVersion] != 5 || x.Skipped[skipDuplicate] != 1 || x.Skipped[skipUnreadable] != 1 {
		t.Errorf("%+v", x)
	}
	for _, text := range []string{"", "<!DOCTYPE html>", "{}", `{"version":"go1.22.5"}`, "[", "null x"} {
		if _, err := DecodeIndex([]byte(text)); err == nil {
			t.Errorf("%q was taken for an index", text)
		}
	}
	many := strings.Repeat("7,", maxIndexReleases-1)
	if x, err := DecodeIndex([]byte("[" + many + "7]")); err != nil || x.Skipped[skipUnreadable] != maxIndexReleases {
		t.Error(err)
	}
	if _, err := DecodeIndex([]byte("[" + many + "7,7]")); err == nil || !strings.Contains(err.Error(), "lists 20001 releases") {
		t.Errorf("too many: %v", err)
	}
}

func FuzzDecodeIndex(f *testing.F) {
	f.Add([]byte(`[{"version":"go1.22.5","stable":true,"files":[{"filename":"go1.22.5.linux-amd64.tar.gz","os":"linux","arch":"amd64","version":"go1.22.5","sha256":"705c64251e5b25d5d55ede1039c6aa22bea40a7a931d14c370339853643c3df0","size":1,"kind":"archive"}]}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, err := DecodeIndex(data)
		if err != nil {
			return
		}
		for _, r := range x.Releases {
			for _, a := range r.Archives {
				if strings.ContainsAny(a.Name, "/\\ \n") || !strings.HasPrefix(a.Name, r.Version.Toolchain()+".") {
					t.Errorf("%s: name %q", r.Version, a.Name)
				}
			}
		}
	})
}
