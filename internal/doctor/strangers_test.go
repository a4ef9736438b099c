package doctor_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/doctor"
	"github.com/vmgo/vmgo/internal/host/hosttest"
	"github.com/vmgo/vmgo/internal/store"
)

// putRelease gives a store the records of a release with these files.
func putRelease(t *testing.T, dir, version string, files map[string]string) {
	t.Helper()
	var m store.Manifest
	for _, path := range slices.Sorted(maps.Keys(files)) {
		text := files[path]
		m = append(m, archive.File{Path: path, Size: int64(len(text)), Mode: 0o644, SHA256: sha256.Sum256([]byte(text))})
	}
	sum := sha256.Sum256(m.Encode())
	receipt, err := json.Marshal(store.Receipt{Version: version, ManifestSHA256: hex.EncodeToString(sum[:])})
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{
		version + "/VERSION": []byte("go" + version + "\n"), ".vmgo/receipts/" + version + ".json": receipt, ".vmgo/manifests/" + version: m.Encode(),
	} {
		writeAll(t, filepath.Join(dir, path), data)
	}
}

func writeAll(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// madeUpRelease is 30 files that all releases have, and those that this one has by itself.
func madeUpRelease(version string, own map[string]string) map[string]string {
	files := map[string]string{"VERSION": "go" + version + "\n", "pkg/tool/asm": version, "src/go.mod": "module std\n"}
	for i := range 30 {
		files["src/fmt/"+strconv.Itoa(i)+".go"] = "package fmt\n"
	}
	maps.Copy(files, own)
	return files
}

// By the manifests of installed releases, the release is named to which the foreign files of
// a tree belong, whatever their times.
func TestMixed_byManifest(t *testing.T) {
	t.Parallel()
	const newer, older, oldest = "1.26.8", "1.25.9", "1.25.3"
	left := map[string]string{}
	for i := range 25 {
		left["src/old/"+strconv.Itoa(i)+".go"] = "package old // " + older + "\n"
	}
	releases := map[string]map[string]string{
		newer:  madeUpRelease(newer, map[string]string{"src/os/a.go": "package os // 26\n", "src/os/go.mod": "module os\n"}),
		older:  madeUpRelease(older, left),
		oldest: madeUpRelease(oldest, map[string]string{"src/old/0.go": left["src/old/0.go"], "src/os/a.go": "package os // 25\n"}),
	}
	for name, c := range map[string]struct {
		under, over map[string]string // what was there before the newer release, and came after it
		want        doctor.Status
		says        []string
	}{
		"one release":           {nil, nil, doctor.OK, []string{"none"}},
		"unpacked over":         {releases[older], nil, doctor.Fail, []string{"has files of two releases", "25 files of go1.25.9", "/usr/local/go/src/old/0.go"}},
		"of the same size":      {nil, map[string]string{"src/os/a.go": "package os // 25\n"}, doctor.Warn, []string{"1 file of go1.25.3", "/usr/local/go/src/os/a.go"}},
		"edited":                {nil, map[string]string{"src/os/a.go": "package os // xx\n", "src/os/b.go": "package os\n"}, doctor.OK, nil},
		"not of the log":        {map[string]string{"test/a.go": "package a\n", "doc/a.html": "a"}, nil, doctor.OK, nil},
		"beside its own go.mod": {nil, map[string]string{"src/os/_go.mod": "module os\n"}, doctor.OK, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := hosttest.New(t, machineFiles(t, "ubuntu-24.04-kvm"))
			if err := os.RemoveAll(h.Path("/opt/go")); err != nil {
				t.Fatal(err)
			}
			for version, files := range releases {
				putRelease(t, h.Path("/opt/go"), version, files)
			}
			for _, files := range []map[string]string{c.under, releases[newer], c.over} {
				for path, text := range files {
					writeAll(t, h.Path("/usr/local/go/"+path), []byte(text))
				}
			}
			o := examine(t, machineWith(t, h, doctor.Options{}), pick(t, "toolchain.mixed")).Outcomes[0]
			if o.Status != c.want {
				t.Errorf("%s, want %s", o.Status, c.want)
			}
			for _, want := range c.says {
				if !strings.Contains(textOf(o), want) {
					t.Errorf("does not say %q", want)
				}
			}
			if strings.Contains(o.Fix, "vmgo install") || o.Bad() && !strings.Contains(o.Fix, "rm -rf /usr/local/go") {
				t.Errorf("fix: %s", o.Fix)
			}
			if t.Failed() {
				t.Log(textOf(o))
			}
		})
	}
}
