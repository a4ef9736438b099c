package vmtest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"
)

func TestWriteDistpack_layout(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{
		"VERSION":                     {Data: []byte("go1.22.5\ntime 2024-06-27T20:11:12Z\n")},
		"bin/go":                      {Data: []byte("#!/bin/sh\n")},
		"src/all.bash":                {Data: []byte("x")},
		"src/a/x.go":                  {Data: []byte("x")},
		"src/a-b/x.go":                {Data: []byte("x")},
		"lib/wasm/go_js_wasm_exec":    {Data: []byte("x")},
		"pkg/tool/linux_amd64/covers": {Data: []byte("x")},
	}
	var b bytes.Buffer
	if err := WriteDistpack(&b, fsys, map[string][]byte{"src/a/x.go": []byte("yy")}); err != nil {
		t.Fatal(err)
	}
	zr, err := gzip.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for tr := tar.NewReader(zr); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, h.Name+" "+fs.FileMode(h.Mode).String())
		if h.Name == "go/src/a/x.go" && h.Size != 2 {
			t.Error("replace had no effect")
		}
	}
	want := `go/ -rwxr-xr-x
go/VERSION -rw-r--r--
go/bin/ -rwxr-xr-x
go/bin/go -rwxr-xr-x
go/lib/ -rwxr-xr-x
go/lib/wasm/ -rwxr-xr-x
go/lib/wasm/go_js_wasm_exec -rwxr-xr-x
go/pkg/ -rwxr-xr-x
go/pkg/tool/ -rwxr-xr-x
go/pkg/tool/linux_amd64/ -rwxr-xr-x
go/pkg/tool/linux_amd64/covers -rwxr-xr-x
go/src/ -rwxr-xr-x
go/src/a/ -rwxr-xr-x
go/src/a/x.go -rw-r--r--
go/src/a-b/ -rwxr-xr-x
go/src/a-b/x.go -rw-r--r--
go/src/all.bash -rwxr-xr-x`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// A GOROOT that came from an official archive gives that archive back, bit for
// bit: the published SHA-256 of go1.26.8.linux-amd64.tar.gz.
func TestWriteDistpack_realArchive(t *testing.T) {
	if testing.Short() || !strings.HasPrefix(runtime.Version(), "go1.26") {
		t.Skip("takes seconds, and needs the compress/flate of Go 1.26")
	}
	goroot, env := OfficialGOROOT(t, "go1.26.8")
	sum := sha256.New()
	if err := WriteDistpack(sum, os.DirFS(goroot), env); err != nil {
		t.Fatal(err)
	}
	const want = "d0f743b33e8d8945e6b1f432edd15785c70507121d6e2a723b21285eddf8b57b"
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		t.Errorf("SHA-256 of the rebuilt archive is %s, published is %s", got, want)
	}
}
