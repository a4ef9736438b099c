package vmtest

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
)

// WriteDistpack writes the official archive of the GOROOT in fsys by the rule
// of the Go distribution's own packer: order, modes, times and directory
// entries included. With an untouched GOROOT from an official archive the
// result is that archive bit for bit, if this program is built by a Go line
// whose compress/flate gives the same output (it changed in 1.27).
// replace returns files whose content is to differ from fsys: packagers edit
// go.env.
func WriteDistpack(w io.Writer, fsys fs.FS, replace map[string][]byte) error {
	names, err := regularFiles(fsys)
	if err != nil {
		return err
	}
	slices.SortFunc(names, compareSlashLowest)
	version, err := content(fsys, "VERSION", replace)
	if err != nil {
		return err
	}
	stamp, err := versionTime(string(version))
	if err != nil {
		return err
	}
	zw, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	p := packer{tw: tar.NewWriter(zw), stamp: stamp, made: map[string]bool{".": true}}
	for _, name := range names {
		data, err := content(fsys, name, replace)
		if err != nil {
			return err
		}
		if err := p.file(name, data); err != nil {
			return err
		}
	}
	if err := p.tw.Close(); err != nil {
		return err
	}
	return zw.Close()
}

// packer writes tar entries beneath "go/", each directory before its first
// file.
type packer struct {
	tw    *tar.Writer
	stamp time.Time
	made  map[string]bool
}

func (p *packer) file(name string, data []byte) error {
	full := "go/" + name
	if err := p.dir(path.Dir(full)); err != nil {
		return err
	}
	header := &tar.Header{Typeflag: tar.TypeReg, Name: full, Mode: distpackMode(name), Size: int64(len(data)), ModTime: p.stamp}
	if err := p.tw.WriteHeader(header); err != nil {
		return err
	}
	_, err := p.tw.Write(data)
	return err
}

func (p *packer) dir(name string) error {
	if p.made[name] {
		return nil
	}
	if err := p.dir(path.Dir(name)); err != nil {
		return err
	}
	p.made[name] = true
	return p.tw.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: name + "/", Mode: 0o755, ModTime: p.stamp})
}

func content(fsys fs.FS, name string, replace map[string][]byte) ([]byte, error) {
	if data, ok := replace[name]; ok {
		return data, nil
	}
	return fs.ReadFile(fsys, name)
}

func regularFiles(fsys fs.FS) ([]string, error) {
	var names []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is not a regular file", name)
		}
		names = append(names, name)
		return nil
	})
	return names, err
}

// compareSlashLowest orders names so that a directory's files come before
// those of a directory whose name merely begins alike.
func compareSlashLowest(a, b string) int {
	for i := range min(len(a), len(b)) {
		switch {
		case a[i] == b[i]:
			continue
		case a[i] == '/':
			return -1
		case b[i] == '/':
			return 1
		default:
			return int(a[i]) - int(b[i])
		}
	}
	return len(a) - len(b)
}

func versionTime(version string) (time.Time, error) {
	_, rest, _ := strings.Cut(version, "\n")
	stamp, ok := strings.CutPrefix(strings.TrimSpace(rest), "time ")
	if !ok {
		return time.Date(2009, 11, 10, 23, 0, 0, 0, time.UTC), nil // before 1.21 VERSION has no time
	}
	return time.Parse(time.RFC3339, stamp)
}

// distpackMode is 0755 for programs and scripts and 0644 for all else, as the
// Go distribution's packer has it, whatever the mode on disk.
func distpackMode(name string) int64 {
	if strings.HasPrefix(name, "bin/") || strings.HasPrefix(name, "pkg/tool/") || isExecWrapper(path.Base(name)) {
		return 0o755
	}
	switch path.Ext(name) {
	case ".bash", ".sh", ".pl", ".rc":
		return 0o755
	}
	return 0o644
}

// isExecWrapper matches go_<os>_<arch>_exec.
func isExecWrapper(base string) bool {
	parts := strings.Split(base, "_")
	return len(parts) >= 4 && parts[0] == "go" && parts[len(parts)-1] == "exec" && parts[1] != "" && parts[2] != ""
}
