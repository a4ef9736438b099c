package vmtest

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
	"golang.org/x/mod/sumdb/dirhash"
)

// Module is a made-up version of a Go module.
type Module struct {
	Path, Version string
	Time          time.Time
	Files         map[string]string // go.mod among them; by default a package that returns the version
	Size          int               // of one more file, which does not compress; 0: none
}

// files returns the content of the module.
func (m Module) files() map[string]string {
	files := maps.Clone(m.Files)
	if files == nil {
		name := m.Path[strings.LastIndexByte(m.Path, '/')+1:]
		files = map[string]string{name + ".go": "package " + name + "\n\n// Version is this module's own.\nconst Version = \"" + m.Version + "\"\n"}
	}
	if files["go.mod"] == "" {
		files["go.mod"] = "module " + m.Path + "\n\ngo 1.21\n"
	}
	if m.Size > 0 {
		files["large.bin"] = string(noise(m.Size, "large.bin"))
	}
	return files
}

// Zip returns the module zip.
func (m Module) Zip() []byte {
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	files := m.files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f, err := w.CreateHeader(&zip.FileHeader{Name: m.Path + "@" + m.Version + "/" + name, Method: zip.Deflate})
		if err == nil {
			_, err = io.WriteString(f, files[name])
		}
		if err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return buf.Bytes()
}

// sums returns the two hashes that a checksum database has.
func (m Module) sums() (zipSum, modSum string) {
	files := m.files()
	open := func(name string) (io.ReadCloser, error) {
		_, inside, _ := strings.Cut(name, "@"+m.Version+"/")
		if inside == "" {
			inside = name
		}
		return io.NopCloser(strings.NewReader(files[inside])), nil
	}
	var names []string
	for name := range files {
		names = append(names, m.Path+"@"+m.Version+"/"+name)
	}
	zipSum, _ = dirhash.Hash1(names, open)
	modSum, _ = dirhash.Hash1([]string{"go.mod"}, open)
	return zipSum, modSum
}

// AddModule publishes a module: its files, its place in the list of versions and,
// once somebody asks for it, its record in the checksum database.
func (s *Server) AddModule(m Module) {
	path, err := module.EscapePath(m.Path)
	if err != nil {
		panic(err)
	}
	if m.Time.IsZero() {
		m.Time = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	info, err := json.Marshal(map[string]any{"Version": m.Version, "Time": m.Time})
	if err != nil {
		panic(err)
	}
	base := "/" + path + "/@v/"
	s.Serve(base+m.Version+".info", info)
	s.Serve(base+m.Version+".mod", []byte(m.files()["go.mod"]))
	s.Serve(base+m.Version+".zip", m.Zip())
	zipSum, modSum := m.sums()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sums[m.Path+"@"+m.Version] = [2]string{zipSum, modSum}
	s.files[base+"list"] = append(s.files[base+"list"], m.Version+"\n"...)
	latest := s.files["/"+path+"/@latest"]
	var known struct{ Version string }
	if latest == nil || json.Unmarshal(latest, &known) == nil && semver.Compare(m.Version, known.Version) > 0 {
		s.files["/"+path+"/@latest"] = info
	}
}

// moduleSums returns the hashes of a module that was added.
func (s *Server) moduleSums(path, version string) (sums [2]string, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sums, known = s.sums[path+"@"+version]
	return sums, known
}
