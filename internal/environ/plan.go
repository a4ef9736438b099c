package environ

import (
	"strings"

	"github.com/vmgo/vmgo/internal/goenv"
)

// Choice is the selected Go in a directory, in plain values. The zero Choice
// is the outside: nothing of ours.
type Choice struct {
	GOROOT  string // empty for the go of the system, which needs nothing
	Version string // of the release: "1.22.5"
	Project string // directory of the file that decided; empty outside of projects
	// OwnsProject says that the user owns Project, so that VMGO_GOPATH=tree may
	// put things into it.
	OwnsProject bool
	// AutoUnsafe says that the release has a hole in how it checks the
	// toolchains that it downloads.
	AutoUnsafe bool
	Toolchains []string // directories of links named go1.X.Y, for GOTOOLCHAIN=path
	// Programs is the user's one directory for the programs of `go install`, to
	// which bin of each project's GOPATH is a link; empty where each keeps its own.
	Programs string
	// OwnBin reports that bin of this project's GOPATH is no such link.
	OwnBin bool
}

// Policy is what the settings say about the environment, in their words.
type Policy struct {
	GOROOT      bool   // set GOROOT
	GOPATH      string // project, tree, version, inherit
	Modcache    string // shared, project
	GOTOOLCHAIN string // local, path, auto, inherit
	Prompt      bool   // set [CurrentVariable]
}

// Places are the directories of the user.
type Places struct {
	Home string // the home directory; may be empty
	Data string // where vmgo keeps the user's data; may be empty
	// GoEnv is the file of `go env -w`.
	GoEnv goenv.File
	// Vmgo is what vmgo's settings files say about variables of go.
	Vmgo []goenv.Setting
}

// Plan says what the environment should be where c is selected. outside is the
// environment without us. Every face of vmgo (hook, shims, env, exec) takes it
// from here, so that they agree. The notes are one line each, for the user.
func Plan(outside Env, c Choice, p Policy, at Places) (want Wanted, notes []string) {
	if c.GOROOT == "" {
		return Wanted{}, nil
	}
	want.Vars = map[string]Value{}
	want.Path = []string{c.GOROOT + "/bin"}
	if !fitsPath(c.GOROOT) {
		notes = append(notes, c.GOROOT+" cannot be put on PATH: its name has a colon")
	}
	// A GOROOT that others have set would make the go of this release run the
	// compiler of another one.
	want.Vars["GOROOT"] = Value{Set: p.GOROOT, Text: c.GOROOT}
	if !p.GOROOT {
		want.Vars["GOROOT"] = Value{}
	}
	if p.Prompt {
		want.Vars[CurrentVariable] = Text(c.Version)
	}
	notes = append(notes, planToolchain(&want, c, p)...)
	notes = append(notes, planGopath(&want, outside, c, p, at)...)
	planForwarded(&want, outside, at)
	return want, notes
}

// Variables lists the variables that [Plan] sets, beside PATH, sorted.
func Variables() []string {
	return []string{"GOFLAGS", "GOMODCACHE", "GONOPROXY", "GONOSUMDB", "GOPATH", "GOPRIVATE", "GOPROXY", "GOROOT", "GOSUMDB", "GOTOOLCHAIN", CurrentVariable}
}

// CurrentVariable holds the version of the selected release, for prompts. It is
// no setting.
const CurrentVariable = "VMGO_CURRENT"

// planForwarded exports what vmgo's settings files say about variables of go
// that neither the environment nor `go env -w` sets.
func planForwarded(want *Wanted, outside Env, at Places) {
	user := goenv.Settings{User: at.GoEnv}
	for _, v := range at.Vmgo {
		if outside[v.Name] == "" && !user.Get(v.Name).IsSet() {
			want.Vars[v.Name] = Text(v.Value)
		}
	}
}

// planToolchain decides GOTOOLCHAIN. "path" is Go's own word for: the release
// on PATH, or a newer one that PATH has under its full name.
func planToolchain(want *Wanted, c Choice, p Policy) (notes []string) {
	mode := p.GOTOOLCHAIN
	if mode == "auto" && c.AutoUnsafe {
		mode = "path"
		notes = append(notes, "go "+c.Version+" does not check the toolchains that it downloads well enough for"+
			" VMGO_GOTOOLCHAIN=auto (CVE-2026-42501, CVE-2026-56865): taking path")
	}
	switch mode {
	case "inherit":
		return notes
	case "path", "auto":
		want.Path = append(want.Path, c.Toolchains...)
	}
	want.Vars["GOTOOLCHAIN"] = Text(mode)
	return notes
}

// planGopath decides GOPATH, GOMODCACHE and the directory of the project's own
// programs. GOBIN, where the user has set it, keeps its meaning.
func planGopath(want *Wanted, outside Env, c Choice, p Policy, at Places) (notes []string) {
	mode := p.GOPATH
	if mode == "tree" && c.Project != "" && !(c.OwnsProject && fitsPath(c.Project)) {
		mode = "project"
		notes = append(notes, "VMGO_GOPATH=tree does not suit "+c.Project+
			" (it is not yours, or its name has a colon): its GOPATH is kept outside of it")
	}
	gopath := ""
	switch {
	case mode == "tree" && c.Project != "":
		gopath = c.Project + "/.gopath"
	case mode == "version" && at.Data != "":
		gopath = at.Data + "/gopath/" + c.Version
	case mode == "project" && c.Project != "" && at.Data != "":
		gopath = ProjectGopath(at.Data, c.Project)
	}
	if gopath != "" && !fitsPath(gopath) {
		return append(notes, gopath+" cannot be GOPATH: its name has a colon")
	}
	if gopath != "" {
		want.Vars["GOPATH"] = Text(gopath)
		shared := mode == "project" && c.Programs != ""
		if shared { // behind, so that `go install ./cmd/ls` hides nothing
			want.Behind = append(want.Behind, c.Programs)
		}
		if !shared || c.OwnBin {
			want.Path = append(want.Path, gopath+"/bin")
		}
	}
	switch {
	case p.Modcache == "project" && gopath != "":
		want.Vars["GOMODCACHE"] = Text(gopath + "/pkg/mod")
	case p.Modcache == "project" && c.Project != "" && at.Data != "":
		want.Vars["GOMODCACHE"] = Text(ProjectGopath(at.Data, c.Project) + "/pkg/mod")
	case gopath != "":
		if shared := sharedModcache(outside, at); shared != "" {
			want.Vars["GOMODCACHE"] = Text(shared)
		}
	}
	return notes
}

// sharedModcache returns where the go command keeps modules outside of projects,
// "" where something sets that, so that it does not move with GOPATH.
func sharedModcache(outside Env, at Places) string {
	command := goenv.Settings{Env: outside, User: at.GoEnv}
	if outside["HOME"] == "" && at.Home != "" {
		command.Env = map[string]string{"HOME": at.Home}
		for name, value := range outside {
			if value != "" {
				command.Env[name] = value
			}
		}
	}
	if modcache := command.Get("GOMODCACHE"); !modcache.IsSet() {
		return modcache.Value
	}
	return ""
}

// ProjectGopath is the GOPATH of a project, beneath the user's data: its name
// for people to recognise, and a hash of its whole path.
func ProjectGopath(data, project string) string {
	return data + "/gopath/" + recognizable(project[strings.LastIndexByte(project, '/')+1:]) + "-" + Hash(project)
}

// recognizable returns a name with "_" for what does not belong into the name
// of a directory, cut to 40 bytes. Letters of every script stay.
func recognizable(name string) string {
	const most = 40
	kept := make([]byte, 0, most)
	for i, r := range name {
		char := string(r)
		if !isNameRune(r) || i == 0 && (r == '.' || r == '-') {
			char = "_"
		}
		if len(kept)+len(char) > most {
			break
		}
		kept = append(kept, char...)
	}
	return string(kept)
}

// isNameRune reports whether r is a letter, a digit or a mark. Beyond ASCII it
// leaves out the blocks of spaces, of direction and format controls, and of
// private use, and needs no tables: they would double the size of the shim.
func isNameRune(r rune) bool {
	switch {
	case r < 0x80:
		return isLetter(byte(r)) || isDigit(byte(r)) || r == '_' || r == '.' || r == '-'
	case r < 0xC0, 0x2000 <= r && r < 0x2070, r == 0x3000, 0xE000 <= r && r < 0xF900, r == 0xFEFF, 0xFFF0 <= r && r < 0x10000:
		return false
	}
	return r < 0xE0000
}

// Hash returns 16 hexadecimal digits that stand for s: FNV-1a with 64 bits. It
// tells things of one user apart and protects against nobody.
func Hash(s string) string {
	const offset, prime = 14695981039346656037, 1099511628211
	sum := uint64(offset)
	for i := range len(s) {
		sum = (sum ^ uint64(s[i])) * prime
	}
	digits := make([]byte, 16)
	for i := range digits {
		digits[i] = hexDigits[sum>>(60-4*i)&15] | 0x20 // lower case; digits have the bit already
	}
	return string(digits)
}
