package project

import "strings"

// ModText is a go.mod or go.work as text, with the places that an edit of its
// go and toolchain lines needs. Line numbers count from 1; 0 is no such line.
type ModText struct {
	Text           string
	Go, Toolchain  string // the arguments as they are written, quotes included
	GoLine         int
	ToolchainLine  int
	ModuleLine     int  // where the module directive ends
	ToolchainOlder bool // older than the go line, so the toolchain line does not count
}

// ReadModText reads the go.mod or go.work at path. The error is a *diag.Error
// with code bad-version-file.
func ReadModText(path string) (ModText, error) {
	data, there, f := readFile(path, goModLimit)
	if f == nil && !there {
		f = faulty(0, "does not exist", "ls -l PATH")
	}
	if f != nil {
		return ModText{}, f.err(path)
	}
	return ParseModText(path, string(data))
}

// ParseModText is [ReadModText] for the text of the file; path is for errors.
func ParseModText(path, text string) (ModText, error) {
	d, f := parseDirectives([]byte(text))
	var m demand
	if f == nil {
		m, f = d.judge()
	}
	if f != nil {
		return ModText{}, f.err(path)
	}
	return ModText{
		Text: text, Go: d.goVersion.text, Toolchain: d.toolchain.text,
		GoLine: d.goVersion.line, ToolchainLine: d.toolchain.line, ModuleLine: d.moduleEnd,
		ToolchainOlder: strings.HasSuffix(m.note, olderNote),
	}, nil
}

// IsModName reports whether path has the name of a go.mod or go.work.
func IsModName(path string) bool {
	name := path[strings.LastIndexByte(path, '/')+1:]
	return name == string(GoMod) || name == string(GoWork)
}
