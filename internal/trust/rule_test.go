package trust_test

import (
	"crypto/sha256"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"testing"

	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/trust"
	"github.com/vmgo/vmgo/internal/vmtest"
)

func TestModuleName(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"VERSION": "VERSION", "src/fmt/print.go": "src/fmt/print.go", "src/go.mod": "src/_go.mod", "go.mod": "_go.mod",
		"src/_go.mod": "src/_go.mod", "src/xgo.mod": "src/xgo.mod", "src/go.mod/x": "src/go.mod/x", "src/test/a": "src/test/a",
		"test": "test", "testing/a": "testing/a",
		"test/a.go": "", "api/x": "", "doc/x": "", "misc/wasm/go.mod": "", ".github/x": "",
	} {
		name, ok := trust.ModuleName(path)
		if name != want || ok != (want != "") {
			t.Errorf("%s gave %q %v", path, name, ok)
		}
	}
}

func digests(files map[string]string) iter.Seq2[string, [sha256.Size]byte] {
	sums := map[string][sha256.Size]byte{}
	for name, content := range files {
		sums[name] = sha256.Sum256([]byte(content))
	}
	return maps.All(sums)
}

// The hash over an installed tree is the hash that the zip of the same release
// has, computed by the library of the go command.
func TestHash1(t *testing.T) {
	t.Parallel()
	v := version(t, "1.22.5")
	files := map[string]string{}
	for name, file := range toolchain("1.22.5").GOROOT() {
		files[name] = string(file.Data)
	}
	want := toolchain("1.22.5").H1()
	if got, err := trust.Hash1(v, linux, digests(files)); err != nil || got != want {
		t.Errorf("%s %v, want %s", got, err, want)
	}
	files["src/_go.mod"] = files["src/go.mod"]
	if got, err := trust.Hash1(v, linux, digests(files)); err != nil || got != want {
		t.Errorf("with both go.mod and _go.mod: %s %v", got, err)
	}
	files["src/_go.mod"] = "other"
	if _, err := trust.Hash1(v, linux, digests(files)); err == nil {
		t.Error("two go.mod that differ")
	}
	delete(files, "src/_go.mod")
	files["src/new\nline"] = ""
	if _, err := trust.Hash1(v, linux, digests(files)); err == nil {
		t.Error("a name with a newline")
	}
	delete(files, "src/new\nline")
	if got, _ := trust.Hash1(v, gover.Platform{OS: "linux", Arch: "arm64"}, digests(files)); got == want {
		t.Error("the platform does not count")
	}
}

// A real official tree has the hash that the public log has for it.
func TestHash1_official(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("reads a whole GOROOT")
	}
	goroot, replace := vmtest.OfficialGOROOT(t, "go1.26.8")
	fsys := os.DirFS(goroot)
	sums := map[string][sha256.Size]byte{}
	err := fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if data, ok := replace[path]; ok {
			sums[path] = sha256.Sum256(data)
			return nil
		}
		f, err := fsys.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		h := sha256.New()
		if _, err := io.Copy(h, f); err != nil {
			return err
		}
		sums[path] = [sha256.Size]byte(h.Sum(nil))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = "h1:ZOmGe1OnfREDMIdb1Qi4G9JSuDPBLGExZMQ4nis1RXM="
	if got, err := trust.Hash1(version(t, "1.26.8"), linux, maps.All(sums)); err != nil || got != want {
		t.Error(got, err)
	}
}

func TestProofs_Vouched(t *testing.T) {
	t.Parallel()
	p := trust.NewProofs()
	p[trust.SHA256] = trust.Passed
	if p.Vouched() {
		t.Error("a checksum alone vouches for nothing")
	}
	p[trust.ChecksumDB] = trust.Passed
	if !p.Vouched() {
		t.Error("the log does")
	}
}
