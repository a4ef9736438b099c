package settings

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Row describes one setting.
type Row struct {
	Name    string
	Meaning string   // one line
	Default string   // text form; "" for none
	Values  []string // the words allowed, nil where any text is

	store func(*Settings, string) error
}

// OfficialGodev is the official server of the index, of archives and of their
// signatures: the default of VMGO_GODEV.
const OfficialGodev = "https://go.dev/dl/"

// Table lists every setting in the order of the documentation.
func Table() []Row {
	return []Row{
		{Name: "VMGO_ROOT", Meaning: "the store (default: /opt/go where it can be written, else beneath XDG data)",
			store: func(s *Settings, v string) error { s.Root = v; return onPath(v) }},
		{Name: "VMGO_VERSION", Meaning: "version of this shell or process",
			store: func(s *Settings, v string) error { s.Version = v; return nil }},
		{Name: "VMGO_SOURCE", Meaning: "release sources in order, comma separated", Default: "goproxy,godev",
			Values: []string{"goproxy", "godev"},
			store: func(s *Settings, v string) error {
				s.Sources = list(v)
				return words(s.Sources, "goproxy", "godev")
			}},
		{Name: "VMGO_GODEV", Meaning: "base URLs of the index, comma separated", Default: OfficialGodev,
			store: func(s *Settings, v string) error { s.Godev = list(v); return urls(s.Godev) }},
		{Name: "VMGO_GODEV_MIRROR", Meaning: "base URLs that serve archives only; hashes still come from the index",
			store: func(s *Settings, v string) error { s.GodevMirrors = list(v); return urls(s.GodevMirrors) }},
		{Name: "VMGO_GOPATH", Meaning: "where GOPATH of a project is", Default: "project",
			Values: []string{"project", "tree", "version", "inherit"},
			store: func(s *Settings, v string) error {
				s.GOPATH = v
				return words([]string{v}, "project", "tree", "version", "inherit")
			}},
		{Name: "VMGO_GOBIN", Meaning: "one directory for the programs of go install, or one for each project", Default: "user",
			Values: []string{"user", "project"},
			store:  func(s *Settings, v string) error { s.GOBIN = v; return words([]string{v}, "user", "project") }},
		{Name: "VMGO_AUTOINSTALL", Meaning: "1: shims and vmgo exec install a missing release", Values: []string{"0", "1"},
			store: func(s *Settings, v string) (err error) { s.AutoInstall, err = truth(v); return err }},
		{Name: "VMGO_MODCACHE", Meaning: "one module cache for all projects, or one each", Default: "shared",
			Values: []string{"shared", "project"},
			store:  func(s *Settings, v string) error { s.Modcache = v; return words([]string{v}, "shared", "project") }},
		{Name: "VMGO_GOTOOLCHAIN", Meaning: "what GOTOOLCHAIN is set to", Default: "local",
			Values: []string{"local", "path", "auto", "inherit"},
			store: func(s *Settings, v string) error {
				s.GOTOOLCHAIN = v
				return words([]string{v}, "local", "path", "auto", "inherit")
			}},
		{Name: "VMGO_GOROOT", Meaning: "set GOROOT, or PATH alone", Default: "on", Values: []string{"on", "off"},
			store: func(s *Settings, v string) error { s.GOROOT = v == "on"; return words([]string{v}, "on", "off") }},
		{Name: "VMGO_LINK", Meaning: "share identical files between releases", Default: "auto", Values: []string{"auto", "off"},
			store: func(s *Settings, v string) error { s.Link = v == "auto"; return words([]string{v}, "auto", "off") }},
		{Name: "VMGO_JOBS", Meaning: "parallel work (default: one job a core)",
			store: func(s *Settings, v string) (err error) { s.Jobs, err = jobs(v); return err }},
		{Name: "VMGO_OFFLINE", Meaning: "1: never use the network", Values: []string{"0", "1"},
			store: func(s *Settings, v string) (err error) { s.Offline, err = truth(v); return err }},
		{Name: "VMGO_KEYRING", Meaning: "files with OpenPGP certificates accepted beside Google's, comma separated",
			store: func(s *Settings, v string) error { s.Keyrings = list(v); return absolute(s.Keyrings...) }},
		{Name: "VMGO_SHOW", Meaning: "1: the hook says on stderr what it switched to; prompt: VMGO_CURRENT has the version, for prompts",
			Values: []string{"0", "1", "prompt"}, store: storeShow},
		{Name: "VMGO_MIN_AGE", Meaning: "newest means newest of at least this age, such as 7d",
			store: func(s *Settings, v string) (err error) { s.MinAge, err = ParseAge(v); return err }},
	}
}

// list splits at commas and drops empty elements.
func list(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func words(values []string, allowed ...string) error {
	for _, value := range values {
		known := false
		for _, word := range allowed {
			known = known || value == word
		}
		if !known {
			return errors.New("it must be " + strings.Join(allowed, ", "))
		}
	}
	return nil
}

func urls(values []string) error {
	for _, value := range values {
		if !strings.HasPrefix(value, "https://") && !strings.HasPrefix(value, "http://") && !strings.HasPrefix(value, "file://") {
			return errors.New("a URL must begin with https://, http:// or file://")
		}
	}
	return nil
}

func absolute(paths ...string) error {
	for _, path := range paths {
		if path != "" && !filepath.IsAbs(path) {
			return errors.New("it must be an absolute path")
		}
	}
	return nil
}

// onPath holds for an absolute path whose directories can stand in PATH, and on
// a line of a script.
func onPath(path string) error {
	switch {
	case strings.Contains(path, ":"):
		return errors.New("a directory with a colon in its name cannot be on PATH")
	case strings.ContainsAny(path, "\n\r"):
		return errors.New("it must be on one line")
	case strings.HasPrefix(path, "~"):
		return errors.New("it must be an absolute path: ~ is for shells")
	}
	return absolute(path)
}

func jobs(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 1024 {
		return 0, errors.New("it must be a number from 1 to 1024")
	}
	return n, nil
}

// ParseAge returns the duration of a text in the form of time.ParseDuration, or
// as a number of days ("7d"); 0 for the empty text.
func ParseAge(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	age, err := time.ParseDuration(text)
	if days, found := strings.CutSuffix(text, "d"); found {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		age = time.Duration(n) * 24 * time.Hour
	}
	if err != nil || age < 0 {
		return 0, errors.New("it must be an age such as 7d or 36h")
	}
	return age, nil
}

func storeShow(s *Settings, v string) (err error) {
	s.Show, s.Prompt = false, v == "prompt"
	if !s.Prompt {
		s.Show, err = truth(v)
	}
	return err
}

func truth(text string) (bool, error) {
	switch text {
	case "", "0", "false", "off", "no":
		return false, nil
	case "1", "true", "on", "yes":
		return true, nil
	}
	return false, errors.New("it must be 1 or 0")
}

// Nearest returns the known name with the fewest edits from name.
func Nearest(name string) string {
	var known []string
	for _, row := range Table() {
		known = append(known, row.Name)
	}
	nearest, _ := NearestOf(name, known)
	return nearest
}

// NearestOf returns which of the known names has the fewest edits from name,
// the first of several, and how many edits these are.
func NearestOf(name string, known []string) (nearest string, distance int) {
	distance = 1 << 30
	for _, candidate := range known {
		if d := edits(name, candidate); d < distance {
			nearest, distance = candidate, d
		}
	}
	return nearest, distance
}

// edits is the Levenshtein distance between a and b, in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
