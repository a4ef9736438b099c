// Package settings reads the VMGO_* variables: from the environment, then from
// the user's settings file, then from the machine's. Both files have the
// format of `go env -w`. The package is linked into the lean program.
package settings

import (
	"errors"
	"io/fs"
	"slices"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// Settings holds every setting in its typed form. A value that exists is
// valid; how it was spelled and where it came from is in [Settings.Value].
type Settings struct {
	Root         string        // VMGO_ROOT: the only store, "" for the usual two
	Version      string        // VMGO_VERSION: selector of this shell or process
	Sources      []string      // VMGO_SOURCE: names of release sources in order
	Godev        []string      // VMGO_GODEV: base URLs of the index
	GodevMirrors []string      // VMGO_GODEV_MIRROR: base URLs that serve archives only
	GOPATH       string        // VMGO_GOPATH: project, tree, version or inherit
	GOBIN        string        // VMGO_GOBIN: user or project
	AutoInstall  bool          // VMGO_AUTOINSTALL: shims and exec install what is missing
	Modcache     string        // VMGO_MODCACHE: shared or project
	GOTOOLCHAIN  string        // VMGO_GOTOOLCHAIN: local, path, auto or inherit
	GOROOT       bool          // VMGO_GOROOT: set GOROOT, not PATH alone
	Link         bool          // VMGO_LINK: share identical files between releases
	Jobs         int           // VMGO_JOBS: jobs in parallel, 0 for one per core
	Offline      bool          // VMGO_OFFLINE: never use the network
	Keyrings     []string      // VMGO_KEYRING: files with further OpenPGP certificates
	Show         bool          // VMGO_SHOW=1: the hook tells what it switched to
	Prompt       bool          // VMGO_SHOW=prompt: the version is exported for prompts
	MinAge       time.Duration // VMGO_MIN_AGE: the least age of a release that counts as the newest

	// Go has the variables of go ([goenv.Forwarded]) that the files set.
	Go []goenv.Setting

	// Unread is about settings files of the user that cannot be read: they count
	// as absent, as for git.
	Unread error

	values []Value // in the order of the Table
}

// Value is one setting as it was found.
type Value struct {
	Name, Text string
	Path       string // file it stands in, "" for the environment or the default
	Line       int    // line in Path, from 1
	Default    bool   // nobody set it
}

// Origin says in words where the value comes from.
func (v Value) Origin() string {
	switch {
	case v.Default:
		return "default"
	case v.Path == "":
		return "environment"
	default:
		return v.Path + ":" + strconv.Itoa(v.Line)
	}
}

// Value returns the setting of that name as it was found; name must be one of
// the [Table].
func (s Settings) Value(name string) Value {
	if v := s.value(name); v != nil {
		return *v
	}
	return Value{}
}

func (s Settings) value(name string) *Value {
	i := slices.IndexFunc(s.values, func(v Value) bool { return v.Name == name })
	if i < 0 {
		return nil
	}
	return &s.values[i]
}

// Load reads every setting. files are looked into in order for names that the
// environment leaves unset or empty; a missing file is an empty one. The last of
// them is the machine's, which must be readable: it may keep private names from
// going to public servers. Those before it are the user's, see
// [Settings.Unread]. The error
// has the code bad-setting (or bad-selector is left to whoever reads Version);
// beside it, [Settings.Value] gives what was found all the same.
func Load(env map[string]string, files ...string) (Settings, error) {
	rows := Table()
	s := Settings{values: make([]Value, len(rows))}
	for i, row := range rows {
		s.values[i] = Value{Name: row.Name, Text: row.Default, Default: true}
		if text := env[row.Name]; text != "" {
			s.values[i] = Value{Name: row.Name, Text: text}
		}
	}
	for i, path := range files {
		lines, err := readFile(path)
		if err != nil && i == len(files)-1 {
			return s, err
		}
		s.Unread = errors.Join(s.Unread, err)
		s.take(lines)
		s.takeGo(lines)
	}
	for i, row := range rows {
		v := s.values[i]
		if err := row.store(&s, v.Text); err != nil {
			return s, diag.New(diag.BadSetting,
				row.Name+" is "+strconv.Quote(v.Text)+" ("+v.Origin()+"): "+err.Error(), fixFor(v))
		}
	}
	return s, nil
}

// take adds what a file sets to the settings that nothing has set yet. The last of
// two lines counts, as for the go command; an empty value sets nothing.
func (s *Settings) take(lines []Value) {
	inFile := map[string]Value{}
	for _, line := range lines {
		inFile[line.Name] = line
	}
	for i, old := range s.values {
		if line := inFile[old.Name]; old.Default && line.Text != "" {
			s.values[i] = line
		}
	}
}

// takeGo adds the variables of go that a file sets and none before it did.
func (s *Settings) takeGo(lines []Value) {
	before := len(s.Go)
	for _, line := range lines {
		if !slices.Contains(goenv.Forwarded(), line.Name) || line.Text == "" {
			continue
		}
		v := goenv.Setting{Name: line.Name, Value: line.Text, Path: line.Path, Line: line.Line}
		switch i := slices.IndexFunc(s.Go, func(known goenv.Setting) bool { return known.Name == v.Name }); {
		case i < 0:
			s.Go = append(s.Go, v)
		case i >= before: // the last of two lines of one file counts
			s.Go[i] = v
		}
	}
}

// fixFor names the command that takes a bad value back.
func fixFor(v Value) string {
	if v.Path == "" {
		return "unset " + v.Name
	}
	return "vmgo config -u " + v.Name + "   # or edit " + v.Path
}

// Unknown lists the VMGO_* names of env and files that no setting has, sorted,
// each with the nearest known name.
func Unknown(env map[string]string, files ...string) []Value {
	known := map[string]bool{}
	for _, row := range Table() {
		known[row.Name] = true
	}
	var unknown []Value
	for name := range env {
		if strings.HasPrefix(name, "VMGO_") && !known[name] && name != environ.CurrentVariable {
			unknown = append(unknown, Value{Name: name, Text: Nearest(name)})
		}
	}
	for _, path := range files {
		lines, err := readFile(path)
		if err != nil {
			continue // Load reports it
		}
		for _, line := range lines {
			if strings.HasPrefix(line.Name, "VMGO_") && !known[line.Name] {
				line.Text = Nearest(line.Name)
				unknown = append(unknown, line)
			}
		}
	}
	sort.Slice(unknown, func(i, j int) bool { return unknown[i].Name < unknown[j].Name })
	return unknown
}

// readFile returns what a file in the format of `go env -w` sets, line by line.
func readFile(path string) ([]Value, error) {
	if path == "" {
		return nil, nil
	}
	data, err := smallfile.Read(path, smallfile.Usual)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, diag.Wrap(diag.BadSetting, err, "cannot read the settings file "+path, "ls -lL "+diag.Word(path))
	}
	var values []Value
	for _, line := range goenv.Parse(string(data)) {
		// No setting ends in a carriage return, and an editor of another system adds one.
		text := strings.TrimSuffix(line.Value, "\r")
		values = append(values, Value{Name: line.Name, Text: text, Path: path, Line: line.Number})
	}
	return values, nil
}

// Check reports whether value would be accepted for name; the error has the code
// bad-setting and, for an unknown name, suggests the nearest.
func Check(name, value string) error {
	if strings.ContainsAny(value, "\n\r\x00") {
		return diag.New(diag.BadSetting, "the value of "+name+" may not hold a line break or NUL")
	}
	if slices.Contains(goenv.Forwarded(), name) {
		return nil // its meaning is for go to judge
	}
	for _, row := range Table() {
		if row.Name != name {
			continue
		}
		if err := row.store(&Settings{}, value); err != nil {
			return diag.New(diag.BadSetting, name+"="+value+": "+err.Error())
		}
		return nil
	}
	return diag.New(diag.BadSetting, "unknown setting "+strconv.Quote(name),
		"vmgo config "+Nearest(name)+"   # did you mean that?", "vmgo config   # lists them all")
}
