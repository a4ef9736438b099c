package archive

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Names in an archive are bounded as file systems bound them.
const (
	maxPath    = 1024
	maxElement = 255
)

// CheckPath refuses a path that an honest release would not have. p is
// relative to GOROOT.
func CheckPath(p string) error {
	why := ""
	switch {
	case p == "":
		why = "is empty"
	case len(p) > maxPath:
		why = "is too long"
	case !utf8.ValidString(p):
		why = "is not UTF-8"
	case p[0] == '/':
		why = "is absolute"
	case strings.HasSuffix(p, "/"):
		why = "is that of a directory"
	case strings.ContainsRune(p, '\\'):
		why = "has a backslash"
	case strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f }):
		why = "has a control character"
	default:
		for element := range strings.SplitSeq(p, "/") {
			switch {
			case element == "":
				why = "has an empty element"
			case element == "." || element == "..":
				why = "has an element " + element
			case len(element) > maxElement:
				why = "has an element that is too long"
			}
		}
	}
	if why != "" {
		return refuse("the archive has a file whose name " + why + ": " + shorten(p))
	}
	return nil
}

func shorten(s string) string {
	if len(s) > 120 {
		s = s[:120] + "..."
	}
	return strconv.Quote(s)
}

// pathOf undoes the renaming that module zips need: a zip with a go.mod in a
// subdirectory would not be one module.
func pathOf(name string) string {
	if dir, base := path.Split(name); base == "_go.mod" {
		return dir + "go.mod"
	}
	return name
}

// ModeOf returns the mode that the official archives have for a path, by the
// rule of the program that packs them. Zips up to 1.20 carry no modes, and
// the rule needs none.
func ModeOf(p string) fs.FileMode {
	dir, base := path.Split(p)
	switch path.Ext(base) {
	case ".bash", ".sh", ".pl", ".rc":
		return 0o755
	}
	if dir == "bin/" || strings.HasPrefix(dir, "pkg/tool/") {
		return 0o755
	}
	if ok, _ := path.Match("go_?*_?*_exec", base); ok {
		return 0o755
	}
	return 0o644
}

// A nameSet knows the files and directories of a tree, and refuses names that
// would meet on a file system that ignores case.
type nameSet struct {
	files map[string]string // folded path -> path
	dirs  map[string]string
	holds map[string]bool // directories with a file beneath them
	order []string        // of them, parents first
}

func newNameSet(size int) *nameSet {
	return &nameSet{files: make(map[string]string, size), dirs: map[string]string{}, holds: map[string]bool{}}
}

// bounded refuses more directories than limits allow files: a name of a
// kilobyte may be five hundred directories deep.
func (s *nameSet) bounded(limits Limits) error {
	if len(s.dirs) > limits.Files {
		return refuse("the archive has more than " + strconv.Itoa(limits.Files) + " directories")
	}
	return nil
}

// add enters a file and the directories above it.
func (s *nameSet) add(p string) error {
	folded := fold(p)
	if other, ok := s.files[folded]; ok {
		if other == p {
			return refuse("the archive has two files of one name: " + shorten(p))
		}
		return refuse("the archive has files whose names differ by case only: " + shorten(other) + " and " + shorten(p))
	}
	if _, ok := s.dirs[folded]; ok {
		return refuse("the archive has a name for both a file and a directory: " + shorten(p))
	}
	s.files[folded] = p
	dir := path.Dir(p)
	if err := s.addDir(dir); err != nil {
		return err
	}
	s.hold(dir)
	return nil
}

// hold notes that a directory is needed for a file. One that is named without
// a file beneath it is not made: no proof covers it, and verify would report it.
func (s *nameSet) hold(dir string) {
	if dir == "." || s.holds[dir] {
		return
	}
	s.hold(path.Dir(dir))
	s.holds[dir] = true
	s.order = append(s.order, dir)
}

func (s *nameSet) addDir(dir string) error {
	if dir == "." {
		return nil
	}
	folded := fold(dir)
	if other, ok := s.dirs[folded]; ok {
		if other != dir {
			return refuse("the archive has directories whose names differ by case only: " + shorten(other) + " and " + shorten(dir))
		}
		return nil
	}
	if _, ok := s.files[folded]; ok {
		return refuse("the archive has a name for both a file and a directory: " + shorten(dir))
	}
	if err := s.addDir(path.Dir(dir)); err != nil {
		return err
	}
	s.dirs[folded] = dir
	return nil
}

// fold maps names that differ by case only to one key.
func fold(p string) string {
	for i := 0; i < len(p); i++ {
		if c := p[i]; c >= utf8.RuneSelf {
			return strings.ToLower(strings.ToUpper(p))
		}
	}
	return strings.ToLower(p)
}
