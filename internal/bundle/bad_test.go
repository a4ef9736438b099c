package bundle_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vmgo/vmgo/internal/bundle"
	"github.com/vmgo/vmgo/internal/diag"
)

func wantCode(t *testing.T, err error, want diag.Code) {
	t.Helper()
	if got := diag.CodeOf(err); got != want {
		t.Errorf("the code is %q, not %q: %v", got, want, err)
	}
}

// entry is a file of a tar.
type entry struct {
	header tar.Header
	data   []byte
}

func unpack(t *testing.T, path string) (list []entry) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := tar.NewReader(bytes.NewReader(data))
	for {
		h, err := r.Next()
		if err == io.EOF {
			return list
		}
		content, errRead := io.ReadAll(r)
		if err != nil || errRead != nil {
			t.Fatal(err, errRead)
		}
		list = append(list, entry{*h, content})
	}
}

// forge writes a bundle again whose manifest fits its files, as somebody who
// wants to be believed would.
func forge(t *testing.T, list []entry, change func(*bundle.Manifest)) string {
	t.Helper()
	var m bundle.Manifest
	if err := json.Unmarshal(list[0].data, &m); err != nil {
		t.Fatal(err)
	}
	m.Files = nil
	for _, e := range list[1:] {
		sum := sha256.Sum256(e.data)
		m.Files = append(m.Files, bundle.File{Path: e.header.Name, Size: int64(len(e.data)), SHA256: hex.EncodeToString(sum[:])})
	}
	if change != nil {
		change(&m)
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	list[0].data = data
	return pack(t, list)
}

func pack(t *testing.T, list []entry) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bad.tar")
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, e := range list {
		h := e.header
		h.Size, h.ModTime = int64(len(e.data)), time.Unix(0, 0)
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func at(t *testing.T, list []entry, part string) int {
	t.Helper()
	i := slices.IndexFunc(list, func(e entry) bool { return strings.Contains(e.header.Name, part) })
	if i < 0 {
		t.Fatalf("no entry %s", part)
	}
	return i
}

// Whatever is done to a bundle, it is refused with a code, and nothing of it is
// installed.
func TestBundle_refusesBadOnes(t *testing.T) {
	t.Parallel()
	s := newSide(t)
	path := s.create("good.tar", nil)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := func(data []byte) string {
		bad := filepath.Join(t.TempDir(), "bad.tar")
		if err := os.WriteFile(bad, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return bad
	}
	flipped := bytes.Clone(good)
	flipped[bytes.Index(good, []byte("module example.com/lib\n"))+20] ^= 1
	for name, bad := range map[string]struct {
		path string
		code diag.Code
	}{
		"one byte":          {file(flipped), diag.ChecksumMismatch},
		"truncated":         {file(good[:len(good)/2]), diag.BadBundle},
		"end cut off":       {file(good[:len(good)-1024-512]), diag.BadBundle},
		"not a tar":         {file([]byte("hello")), diag.BadBundle},
		"empty":             {file(nil), diag.BadBundle},
		"something behind":  {file(append(bytes.Clone(good), "more"...)), diag.BadBundle},
		"no such file":      {filepath.Join(t.TempDir(), "none"), diag.Usage},
		"a newer format":    {forge(t, unpack(t, path), func(m *bundle.Manifest) { m.Format = 9 }), diag.NewerFormat},
		"path escapes":      {s.escapes(path, "../../etc/passwd"), diag.ArchiveUnsafe},
		"hidden file":       {s.escapes(path, "example.com/.git/config"), diag.ArchiveUnsafe},
		"link":              {s.link(path), diag.ArchiveUnsafe},
		"a file more":       {s.more(path), diag.BadBundle},
		"a file less":       {s.less(path), diag.BadBundle},
		"a module more":     {s.moduleMore(path), diag.Unproven},
		"false zip":         {s.replaced(path, "lib/@v/v1.0.0.zip", "dep/@v/"), diag.ProofInvalid},
		"false go.mod":      {s.replaced(path, "lib/@v/v1.0.0.mod", "test/@v/v1.0.0.mod"), diag.ProofInvalid},
		"forged record":     {s.edited(path, "lookup/example.com/lib@v1.0.0", "h1:", "h1:A"), diag.ProofInvalid},
		"record of another": {s.replaced(path, "lookup/example.com/lib@v1.0.0", "lookup/example.com/test@v1.0.0"), diag.ProofInvalid},
		"forged tree head":  {s.edited(path, "lookup/example.com/lib@v1.0.0", "go.sum database tree\n3", "go.sum database tree\n4"), diag.ProofInvalid},
		"forged tile":       {s.edited(path, "tile/8/0/", "\x00", "\x01"), diag.ProofInvalid},
		"swapped platform":  {s.platform(path), diag.ProofInvalid},
		"false list":        {s.edited(path, "lib/@v/list", "v1.0.0", "v1.0.1"), diag.BadBundle},
		"false info":        {s.edited(path, "lib/@v/v1.0.0.info", "v1.0.0", "v1.0.1"), diag.BadBundle},
	} {
		dir := filepath.Join(t.TempDir(), "modules")
		err := s.install(bad.path, dir)
		if got := diag.CodeOf(err); got != bad.code {
			t.Errorf("%s: the code is %q, not %q: %v", name, got, bad.code, err)
		}
		if left, _ := filepath.Glob(dir + "/[^.]*"); len(left) > 0 {
			t.Errorf("%s left %q", name, left)
		}
	}
	if err := s.install(path, filepath.Join(t.TempDir(), "modules")); err != nil {
		t.Errorf("the good one: %v", err)
	}
}

func (s *side) escapes(path, name string) string {
	list := unpack(s.t, path)
	list[at(s.t, list, "@v/list")].header.Name = name
	return forge(s.t, list, nil)
}

func (s *side) link(path string) string {
	list := unpack(s.t, path)
	list[at(s.t, list, "lib/@v/list")] = entry{header: tar.Header{Name: "example.com/lib/@v/list", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}}
	return pack(s.t, list)
}

func (s *side) more(path string) string {
	list := unpack(s.t, path)
	more := list[at(s.t, list, "lib/@v/list")]
	more.header.Name = "zz/@v/list"
	return pack(s.t, append(list, more))
}

func (s *side) less(path string) string {
	list := unpack(s.t, path)
	i := at(s.t, list, "lib/@v/v1.0.0.zip")
	return forge(s.t, slices.Delete(list, i, i+1), nil)
}

// moduleMore has a module that the manifest names, too, and no record.
func (s *side) moduleMore(path string) string {
	list := unpack(s.t, path)
	more := list[at(s.t, list, "lib/@v/v1.0.0.mod")]
	more.header.Name = "example.com/evil/@v/v1.0.0.mod"
	i := at(s.t, list, "example.com/lib/")
	return forge(s.t, slices.Insert(list, i, more), func(m *bundle.Manifest) {
		m.Modules = append(m.Modules, bundle.Module{Path: "example.com/evil", Version: "v1.0.0"})
	})
}

func (s *side) replaced(path, part, by string) string {
	list := unpack(s.t, path)
	from := at(s.t, list, by)
	if strings.HasSuffix(part, ".zip") {
		from = at(s.t, list, ".zip")
	}
	list[at(s.t, list, part)].data = list[from].data
	return forge(s.t, list, nil)
}

func (s *side) edited(path, part, old, text string) string {
	list := unpack(s.t, path)
	e := &list[at(s.t, list, part)]
	changed := bytes.Replace(e.data, []byte(old), []byte(text), 1)
	if bytes.Equal(changed, e.data) {
		s.t.Fatalf("%s has no %q", part, old)
	}
	e.data = changed
	return forge(s.t, list, nil)
}

// platform has the release for amd64 under the name of arm64.
func (s *side) platform(path string) string {
	list := unpack(s.t, path)
	for i := range list {
		list[i].header.Name = strings.ReplaceAll(list[i].header.Name, "linux-amd64", "linux-arm64")
		if strings.HasSuffix(list[i].header.Name, ".info") || strings.HasSuffix(list[i].header.Name, "/list") {
			list[i].data = bytes.ReplaceAll(list[i].data, []byte("linux-amd64"), []byte("linux-arm64"))
		}
	}
	return forge(s.t, list, func(m *bundle.Manifest) {
		for i := range m.Modules {
			m.Modules[i].Version = strings.Replace(m.Modules[i].Version, "linux-amd64", "linux-arm64", 1)
		}
		m.Releases[0].Platform = "linux-arm64"
	})
}
