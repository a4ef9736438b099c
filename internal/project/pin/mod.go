package pin

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/project"
)

// None removes a line.
const None = "none"

// ModChange is what becomes of two lines of a go.mod or go.work: their new
// arguments, [None] to remove the line, empty to leave it.
type ModChange struct {
	Go        string // 1.22 or 1.22.5
	Toolchain string // go1.22.5
}

// CheckMod returns the error that [WriteMod] would return for what the file says.
func CheckMod(path string, change ModChange) error {
	_, err := change.read(path)
	return err
}

// WriteMod changes the go and toolchain lines of the go.mod or go.work at path;
// every other byte stays, comments included. A link is followed to another
// go.mod or go.work only, since it may have come with a clone.
func WriteMod(path string, change ModChange) error {
	file, mode, err := target(path, func(path string) (bool, error) {
		file, err := filepath.EvalSymlinks(path)
		return err == nil && project.IsModName(file), err
	})
	if err != nil {
		return err
	}
	old, err := change.read(file)
	if err != nil {
		return err
	}
	text := change.apply(old)
	if text == old.Text {
		return nil
	}
	if err := fsx.ReplaceFile(file, []byte(text), mode); err != nil {
		return fmt.Errorf("writing %s: %w", file, err)
	}
	return nil
}

// read returns the file as it is, or why the change cannot be made to it.
func (c ModChange) read(path string) (project.ModText, error) {
	old, err := project.ReadModText(path)
	if err != nil {
		return old, err
	}
	if c.Toolchain != "" && c.Toolchain != None {
		if v, err := gover.Parse(c.Toolchain); err != nil || !knowsToolchainLines(v) {
			return old, diag.New(diag.Failure, c.Toolchain+" does not understand a toolchain line: Go 1.21 was the first that does",
				"vmgo use "+strings.TrimPrefix(c.Toolchain, "go")+"   # pins it in .go-version")
		}
	}
	changed, err := project.ParseModText(path, c.apply(old))
	if err != nil {
		return old, err
	}
	if changed.ToolchainOlder {
		return old, diag.New(diag.Failure, path+": toolchain "+changed.Toolchain+" would be older than go "+changed.Go+", so it would not count",
			"vmgo use --mod go@"+changed.Go+" toolchain@none   # no toolchain line")
	}
	return old, nil
}

func knowsToolchainLines(v gover.Version) bool { return v.Major() > 1 || v.Minor() >= 21 }

// apply returns the text after the change. The go line comes after the module
// line, the toolchain line after the go line, a paragraph each, as go has them.
func (c ModChange) apply(m project.ModText) string {
	lines := strings.SplitAfter(m.Text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	ending := "\n"
	if strings.Contains(m.Text, "\r\n") {
		ending = "\r\n"
	}
	// What is set in place keeps the numbers; what is added or removed lies
	// farther down first.
	e := edit{lines, ending}
	after := m.GoLine
	if after == 0 {
		after = m.ModuleLine
	}
	goLine := func() { e.set(m.GoLine, m.ModuleLine, "go", m.Go, c.Go) }
	toolchain := func() { e.set(m.ToolchainLine, after, "toolchain", m.Toolchain, c.Toolchain) }
	if m.ToolchainLine != 0 && m.ToolchainLine < m.GoLine {
		goLine()
		toolchain()
	} else {
		toolchain()
		goLine()
	}
	return strings.Join(e.lines, "")
}

// edit is a text in the making: its lines with their ends, and the kind of line end.
type edit struct {
	lines  []string
	ending string
}

// set gives a directive a new argument: at its line, or where it has none as a
// paragraph after the line after. Both count from 1.
func (e *edit) set(line, after int, verb, old, argument string) {
	switch {
	case argument == "" || argument == None && line == 0:
	case argument == None:
		e.remove(line - 1)
	case line != 0:
		text := e.lines[line-1]
		at := strings.Index(text, verb) + len(verb)
		e.lines[line-1] = text[:at] + strings.Replace(text[at:], old, argument, 1)
	default:
		e.insert(after, verb+" "+argument)
	}
}

// remove takes out a line, and one of two blank lines that it stood between.
func (e *edit) remove(i int) {
	end := i + 1
	switch {
	case !blank(e.lines, i-1) || !blank(e.lines, end):
	case end < len(e.lines):
		end++
	case i > 0:
		i--
	}
	e.lines = append(e.lines[:i:i], e.lines[end:]...)
}

// insert adds a paragraph behind the first n lines.
func (e *edit) insert(n int, text string) {
	var added []string
	if n > 0 {
		if !strings.HasSuffix(e.lines[n-1], "\n") {
			e.lines[n-1] += e.ending
		}
		added = append(added, e.ending)
	}
	added = append(added, text+e.ending)
	if n < len(e.lines) && !blank(e.lines, n) {
		added = append(added, e.ending)
	}
	e.lines = append(e.lines[:n:n], append(added, e.lines[n:]...)...)
}

// blank reports whether line i is empty; there is none before or after the text.
func blank(lines []string, i int) bool {
	return i < 0 || i >= len(lines) || strings.TrimSpace(lines[i]) == ""
}
