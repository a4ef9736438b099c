package vmtest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// ArchiveName is the file name of the official archive.
func (t Toolchain) ArchiveName() string {
	return t.version().Toolchain() + "." + t.platform().ArchiveName() + ".tar.gz"
}

// TarGz makes the official archive, in the form that t.Variant asks for; the
// variants of archives and of zips are different ones.
func (t Toolchain) TarGz() []byte {
	var b bytes.Buffer
	if err := WriteDistpack(&b, t.GOROOT(), nil); err != nil {
		panic("vmtest: " + err.Error())
	}
	if change, ok := archiveVariants()[t.Variant]; ok {
		return change(b.Bytes())
	}
	return b.Bytes()
}

// ArchiveVariants names the dishonest and damaged archives that there are.
func ArchiveVariants() []string { return slices.Sorted(maps.Keys(archiveVariants())) }

func archiveVariants() map[string]func([]byte) []byte {
	added := func(h tar.Header, content string) func([]byte) []byte {
		return func(data []byte) []byte {
			return rewrite(data, func(w *tar.Writer) error {
				h.Size = int64(len(content))
				if err := w.WriteHeader(&h); err != nil {
					return err
				}
				_, err := io.WriteString(w, content)
				return err
			}, nil)
		}
	}
	return map[string]func([]byte) []byte{
		"byte": func(data []byte) []byte {
			return rewrite(data, nil, func(name string, content []byte) []byte {
				if name == "go/src/fmt/print.go" {
					return append([]byte("q"), content[1:]...)
				}
				return content
			})
		},
		"testdir": func(data []byte) []byte { // where the log does not reach
			return rewrite(data, nil, func(name string, content []byte) []byte {
				if name == "go/test/a.go" {
					return []byte("package evil\n")
				}
				return content
			})
		},
		"testfile":  added(tar.Header{Typeflag: tar.TypeReg, Name: "go/misc/wasm/go_js_wasm_exec", Mode: 0o755}, "#!/bin/sh\n"), // as well
		"device":    added(tar.Header{Typeflag: tar.TypeChar, Name: "go/src/dev", Mode: 0o666}, ""),
		"dotdot":    added(tar.Header{Typeflag: tar.TypeReg, Name: "go/../../evil", Mode: 0o644}, "evil\n"),
		"extra":     added(tar.Header{Typeflag: tar.TypeReg, Name: "go/src/extra.go", Mode: 0o644}, "package src\n"),
		"hardlink":  added(tar.Header{Typeflag: tar.TypeLink, Name: "go/src/link", Linkname: "/etc/passwd", Mode: 0o644}, ""),
		"setuid":    added(tar.Header{Typeflag: tar.TypeReg, Name: "go/bin/su", Mode: 0o4755}, "evil\n"),
		"symlink":   added(tar.Header{Typeflag: tar.TypeSymlink, Name: "go/src/link", Linkname: "/etc/passwd", Mode: 0o777}, ""),
		"trailing":  func(data []byte) []byte { return append(bytes.Clone(data), "hidden"...) },
		"truncated": func(data []byte) []byte { return data[:len(data)*2/3] },
	}
}

// rewrite unpacks and packs an archive with something added or changed.
func rewrite(data []byte, add func(*tar.Writer) error, change func(name string, content []byte) []byte) []byte {
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		panic("vmtest: " + err.Error())
	}
	var b bytes.Buffer
	zw := gzip.NewWriter(&b)
	tr, tw := tar.NewReader(zr), tar.NewWriter(zw)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			panic("vmtest: " + err.Error())
		}
		content, err := io.ReadAll(tr)
		if err == nil && change != nil {
			content = change(h.Name, content)
			h.Size = int64(len(content))
		}
		if err == nil {
			err = tw.WriteHeader(h)
		}
		if err == nil {
			_, err = tw.Write(content)
		}
		if err != nil {
			panic("vmtest: " + err.Error())
		}
	}
	if add != nil {
		err = add(tw)
	}
	if err = errors.Join(err, tw.Close(), zw.Close()); err != nil {
		panic("vmtest: " + err.Error())
	}
	return b.Bytes()
}

func targzCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: vmtargz VERSION[@VARIANT] FILE [OS-ARCH]")
	}
	version, variant, _ := strings.Cut(args[0], "@")
	if _, ok := archiveVariants()[variant]; variant != "" && !ok {
		ts.Check(fmt.Errorf("no variant %s; there are %s", variant, strings.Join(ArchiveVariants(), " ")))
	}
	t := Toolchain{Version: version, Variant: variant}
	if len(args) == 3 {
		t.OS, t.Arch, _ = strings.Cut(args[2], "-")
	}
	file := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o755))
	ts.Check(os.WriteFile(file, t.TarGz(), 0o644))
}
