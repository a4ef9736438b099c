package trust

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/archive"
	"github.com/vmgo/vmgo/internal/gover"
)

// ModulePrefix is what the names in the module zip of v for p begin with:
// "golang.org/toolchain@v0.0.1-go1.22.5.linux-amd64/".
func ModulePrefix(v gover.Version, p gover.Platform) string {
	return gover.ToolchainModule + "@" + gover.ModuleVersion(v, p) + "/"
}

// ModuleName returns the name, without prefix, under which the log covers the
// file at path in a GOROOT ("/"-separated, relative). ok is false for what the
// log does not cover: the parts of an archive that the module leaves out.
//
// The rule is that of the distribution's packer: go.mod files are stored
// as _go.mod, since a module zip may hold only one go.mod.
func ModuleName(path string) (name string, ok bool) {
	top, _, nested := strings.Cut(path, "/")
	if nested {
		switch top {
		case ".github", "api", "doc", "misc", "test":
			return "", false
		}
	}
	if path == "go.mod" {
		return "_go.mod", true
	}
	if dir, isMod := strings.CutSuffix(path, "/go.mod"); isMod {
		return dir + "/_go.mod", true
	}
	return path, true
}

// Hash1 computes the hash ("h1:...") that the log has for the tree with the
// given files: path in GOROOT and SHA-256 of the content. Files that the log
// does not cover are left out. A tree that has both go.mod and _go.mod, as the
// go command leaves one, counts the pair once and fails where they differ.
func Hash1(v gover.Version, p gover.Platform, files iter.Seq2[string, [sha256.Size]byte]) (string, error) {
	type entry struct {
		name string
		sum  [sha256.Size]byte
	}
	var entries []entry
	for path, sum := range files {
		name, ok := ModuleName(path)
		if !ok {
			continue
		}
		if strings.Contains(name, "\n") {
			return "", fmt.Errorf("the name %q has a newline", path)
		}
		entries = append(entries, entry{name, sum})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	prefix := ModulePrefix(v, p)
	h := sha256.New()
	var line []byte
	for i, e := range entries {
		if i > 0 && e.name == entries[i-1].name {
			if e.sum != entries[i-1].sum {
				return "", fmt.Errorf("%s and go.mod beside it differ", e.name)
			}
			continue
		}
		line = append(hex.AppendEncode(line[:0], e.sum[:]), "  "...)
		line = append(append(append(line, prefix...), e.name...), '\n')
		h.Write(line)
	}
	return "h1:" + base64.StdEncoding.EncodeToString(h.Sum(nil)), nil
}

// HashFiles is [Hash1] of the files of an archive.
func HashFiles(v gover.Version, p gover.Platform, files []archive.File) (string, error) {
	return Hash1(v, p, func(yield func(string, [sha256.Size]byte) bool) {
		for i := range files {
			if !yield(files[i].Path, files[i].SHA256) {
				return
			}
		}
	})
}
