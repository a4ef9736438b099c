package settings

import (
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Row describes one setting.
type Row struct {
	Name    string
	Meaning string // one line
	Default string // text form; "" for none
	Words   []Word // what it may be, nil where any text is allowed

	store func(*Settings, string) error
}

// Word is one of the values of a setting that allows only some.
type Word struct {
	Text    string
	Meaning string // "" where the word says it
}

// OfficialGodev is the official server of the index, of archives and of their
// signatures: the default of VMGO_GODEV.
const OfficialGodev = "https://go.dev/dl/"

// Sources of releases, as VMGO_SOURCE and receipts name them.
const (
	SourceGoproxy = "goproxy"
	SourceGodev   = "godev"
)

// Table lists every setting in the order of the documentation.
func Table() []Row {
	return slices.Concat(releaseRows(), shellRows(), machineRows())
}

// releaseRows are the settings of which releases there are, and from where.
func releaseRows() []Row {
	return []Row{
		{Name: "VMGO_ROOT", Meaning: "the store, and the only one that is searched (default: /opt/go where it can be written, else beneath XDG data)",
			store: func(s *Settings, v string) error { s.Root = v; return onPath(v) }},
		{Name: "VMGO_VERSION", Meaning: "the version of this shell or process, before that of any file",
			store: func(s *Settings, v string) error { s.Version = v; return nil }},
		{Name: "VMGO_SOURCE", Meaning: "sources of releases in order, comma separated; the next one is asked on any error but a failed check", Default: SourceGoproxy + "," + SourceGodev,
			Words: []Word{{SourceGoproxy, "a Go module proxy"}, {SourceGodev, "the downloads of go.dev"}},
			store: func(s *Settings, v string) error {
				s.Sources = list(v)
				return words(s.Sources, SourceGoproxy, SourceGodev)
			}},
		{Name: "VMGO_GODEV", Meaning: "base URLs of the index of go.dev/dl, comma separated", Default: OfficialGodev,
			store: func(s *Settings, v string) error { s.Godev = list(v); return urls(s.Godev) }},
		{Name: "VMGO_GODEV_MIRROR", Meaning: "base URLs that serve archives only, comma separated; hashes still come from the index",
			store: func(s *Settings, v string) error { s.GodevMirrors = list(v); return urls(s.GodevMirrors) }},
		{Name: "VMGO_KEYRING", Meaning: "files with OpenPGP certificates accepted beside Google's, comma separated, for mirrors that sign again",
			store: func(s *Settings, v string) error { s.Keyrings = list(v); return absolute(s.Keyrings...) }},
		{Name: "VMGO_MIN_AGE", Meaning: "minimum age of the newest release that vmgo selects, such as 7d or 36h",
			store: func(s *Settings, v string) (err error) { s.MinAge, err = ParseAge(v); return err }},
	}
}

// shellRows are the settings of what the hook, the shims and vmgo exec set.
func shellRows() []Row {
	return []Row{
		choice(Row{Name: "VMGO_GOPATH", Meaning: "where the GOPATH of a project is", Default: "project", Words: []Word{
			{"project", "beneath XDG data, one for each project"}, {"tree", ".gopath in the project"},
			{"version", "one for each release"}, {"inherit", "not set"}}}, func(s *Settings, v string) { s.GOPATH = v }),
		choice(Row{Name: "VMGO_GOBIN", Meaning: "where go install puts programs", Default: "user", Words: []Word{
			{"user", "one directory of the user: bin of each project's GOPATH is a link to it"}, {"project", "bin of each project's GOPATH"}}},
			func(s *Settings, v string) { s.GOBIN = v }),
		choice(Row{Name: "VMGO_MODCACHE", Meaning: "where modules are kept", Default: "shared", Words: []Word{
			{"shared", "one module cache for all projects"}, {"project", "inside the project's GOPATH"}}}, func(s *Settings, v string) { s.Modcache = v }),
		choice(Row{Name: "VMGO_GOTOOLCHAIN", Meaning: "what GOTOOLCHAIN is set to", Default: "local", Words: []Word{
			{"local", "the selected release and no other"}, {"path", "go switches among the releases of the store"},
			{"auto", "go downloads newer toolchains"}, {"inherit", "not set"}}}, func(s *Settings, v string) { s.GOTOOLCHAIN = v }),
		choice(Row{Name: "VMGO_GOROOT", Meaning: "whether GOROOT is set", Default: "on", Words: []Word{{Text: "on"}, {"off", "PATH alone is set"}}},
			func(s *Settings, v string) { s.GOROOT = v == "on" }),
		{Name: "VMGO_AUTOINSTALL", Meaning: "whether shims and vmgo exec install a missing release; prompts never do", Words: []Word{{Text: "0"}, {Text: "1"}},
			store: func(s *Settings, v string) (err error) { s.AutoInstall, err = truth(v); return err }},
		{Name: "VMGO_SHOW", Meaning: "what the hook shows", Words: []Word{{"0", "nothing"}, {"1", "on stderr, what it switched to"},
			{"prompt", "the version in VMGO_CURRENT, for prompts"}}, store: storeShow},
	}
}

// machineRows are the settings of how vmgo works.
func machineRows() []Row {
	return []Row{
		{Name: "VMGO_OFFLINE", Meaning: "whether the network is never used", Words: []Word{{Text: "0"}, {Text: "1"}},
			store: func(s *Settings, v string) (err error) { s.Offline, err = truth(v); return err }},
		{Name: "VMGO_JOBS", Meaning: "how many jobs run in parallel (default: one per core)",
			store: func(s *Settings, v string) (err error) { s.Jobs, err = jobs(v); return err }},
		choice(Row{Name: "VMGO_LINK", Meaning: "whether releases share identical files", Default: "auto", Words: []Word{{"auto", "where the file system can"}, {Text: "off"}}},
			func(s *Settings, v string) { s.Link = v == "auto" }),
	}
}

// choice returns a row whose value is set, and must be one of its words.
func choice(row Row, set func(*Settings, string)) Row {
	allowed := make([]string, 0, len(row.Words))
	for _, word := range row.Words {
		allowed = append(allowed, word.Text)
	}
	row.store = func(s *Settings, v string) error {
		set(s, v)
		return words([]string{v}, allowed...)
	}
	return row
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
