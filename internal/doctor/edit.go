package doctor

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gobin/gather"
	"github.com/vmgo/vmgo/internal/host"
)

// Edit is one thing that --fix may do: to a line of a file, or to the
// permissions of a file. It names what it expects to find, so that a file that
// has changed meanwhile is not edited.
type Edit struct {
	Path string
	// Line counts from 1; 0 for a change of permissions.
	Line int
	Old  string // the line as it is
	New  string // the line after the fix
	Drop bool   // the line goes
	Mode fs.FileMode
	// Gather moves the programs of a directory; then there is no line.
	Gather *gather.Programs
}

const disabledMark = "# vmgo doctor: "

// disable returns the edit that disables a line of a startup file; none if that
// could change more than the line. In a shell's file a no-op replaces it, because
// the line may be the only one between "then" and "fi".
func (m *Machine) disable(a Assignment) []Edit {
	if !a.Mine || !m.standsAlone(a) {
		return nil
	}
	raw := m.rawLine(a.Path, a.Line)
	return []Edit{{Path: a.Path, Line: a.Line, Old: raw, New: markFor(a.Path) + raw}}
}

// markFor is what makes a line of a startup file do nothing.
func markFor(path string) string {
	if path == "/etc/environment" || strings.HasSuffix(path, ".pam_environment") || strings.HasSuffix(path, ".conf") {
		return disabledMark
	}
	return ": " + disabledMark
}

// standsAlone reports whether a line does nothing but set its variable, name an alias for go
// or start another version manager, and nothing else depends on it.
func (m *Machine) standsAlone(a Assignment) bool {
	sets := a.Name != "" && a.Alone && m.losesNothing(a)
	return (sets || strings.HasPrefix(a.Text, "alias go") || startsManager(a.Text)) && m.plainLine(a)
}

// startsManager reports whether a line begins, after a test of its own, with the command that
// starts another version manager.
func startsManager(text string) bool {
	command, _, _ := strings.Cut(strings.TrimSpace(withoutTest(text)), " ")
	return otherManager(text) != "" && slices.Contains([]string{"source", ".", `\.`, "eval"}, command)
}

// withoutTest returns a line without the test before its command: [ -s FILE ] && . FILE
func withoutTest(text string) string {
	test, command, found := strings.Cut(text, "&&")
	test = strings.TrimSpace(test)
	isTest := strings.HasPrefix(test, "[ ") && strings.HasSuffix(test, " ]") || strings.HasPrefix(test, "[[ ") && strings.HasSuffix(test, " ]]")
	if !found || !isTest {
		return text
	}
	return command
}

// plainLine reports whether a line is one command, which no other line continues.
func (m *Machine) plainLine(a Assignment) bool {
	raw, before := m.rawLine(a.Path, a.Line), ""
	if a.Line > 1 {
		before = m.rawLine(a.Path, a.Line-1)
	}
	command := withoutNames(withoutTest(raw))
	return !strings.HasSuffix(raw, `\`) && !strings.HasSuffix(before, `\`) &&
		!strings.ContainsAny(command, ";&|{}`") && strings.Count(raw, `"`)%2 == 0 && strings.Count(raw, "'")%2 == 0
}

// withoutNames returns a command without its ${NAME}s.
func withoutNames(command string) string {
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(command, "${")
		out.WriteString(before)
		if !found {
			return out.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if closed && isName(name) {
			command = after
			continue
		}
		out.WriteString("${")
		command = rest
	}
}

// silence adds what disables a line of a startup file: a command, and for
// the user's own file what --fix may do. A line that does more loses a directory that is gone,
// or is opened in an editor.
func (r Result) silence(m *Machine, a Assignment) Result {
	if m.standsAlone(a) {
		return r.comment(m, a)
	}
	if dir, gone := m.goneGoDir(a); gone {
		return r.takeOut(m, a, dir)
	}
	return r.fixWith("%svi +%d %s", m.sudoFor(a.Path), a.Line, diag.Word(a.Path))
}

// takeOut adds the command that takes a directory out of the PATH that a line sets.
func (r Result) takeOut(m *Machine, a Assignment, dir string) Result {
	sudo, file := m.sudoFor(a.Path), diag.Word(a.Path)
	for _, part := range pathParts(a.Value) {
		if element := elementOf(m.rawLine(a.Path, a.Line), part); m.expandHome(part) == dir && element != "" {
			pattern := strings.NewReplacer(".", `\.`, "$", `\$`).Replace(element)
			return r.fixWith("%ssed -i %s %s", sudo, diag.Word(fmt.Sprintf("%ds|%s||", a.Line, pattern)), file)
		}
	}
	return r.fixWith("%svi +%d %s   # take %s out", sudo, a.Line, file, dir)
}

// elementOf returns the first occurrence of a directory in a line with the colon that goes with
// it; empty where the line writes it in another way.
func elementOf(raw, dir string) string {
	if strings.ContainsAny(dir, `\*[]^|`) {
		return ""
	}
	if at := strings.Index(raw, ":"+dir); at >= 0 {
		if after := raw[at+1+len(dir):]; after == "" || strings.ContainsAny(after[:1], ":\"' ") {
			return ":" + dir
		}
	}
	if at := strings.Index(raw, dir+":"); at > 0 && strings.ContainsAny(raw[at-1:at], "=\"' ") {
		return dir + ":"
	}
	return ""
}

// losesNothing reports whether removing a line removes only missing Go directories
// from PATH.
func (m *Machine) losesNothing(a Assignment) bool {
	if a.Name != "PATH" && a.Name != "fish_user_paths" {
		return true
	}
	for _, part := range pathParts(a.Value) {
		if dir := m.expandHome(part); part != "$PATH" && part != "${PATH}" && part != "$fish_user_paths" && (!installDir(dir) || m.Exists(dir)) {
			return false
		}
	}
	return true
}

// dropLine removes a line.
func dropLine(path string, line int, raw string) Edit {
	return Edit{Path: path, Line: line, Old: raw, Drop: true}
}

// rawLine is a line of a file as it stands there.
func (m *Machine) rawLine(path string, line int) string {
	if lines := m.Lines(path); line >= 1 && line <= len(lines) {
		return lines[line-1]
	}
	return ""
}

// Change is all that --fix does to one file.
type Change struct {
	Path          string
	Checks        []string // ids of the checks that asked for it
	Before, After []byte   // both nil for a change of permissions alone
	OldMode, Mode fs.FileMode
	Gather        *gather.Programs // the programs of a directory move; nothing else changes
}

// Plan gathers the edits of a report into one change per file. Edits of several
// checks to one line count once, those of files that are not the user's own
// not at all.
func Plan(m *Machine, r Report) ([]Change, error) {
	var paths []string
	edits, checks := map[string][]Edit{}, map[string][]string{}
	for _, o := range r.Outcomes {
		for _, e := range o.Edits {
			if uid, _ := m.Owner(e.Path); uid != m.UID {
				continue // replacing another's file would change its owner
			}
			if !slices.Contains(paths, e.Path) {
				paths = append(paths, e.Path)
			}
			if !slices.ContainsFunc(edits[e.Path], func(x Edit) bool { return x.Line == e.Line }) {
				edits[e.Path] = append(edits[e.Path], e)
			}
			if !slices.Contains(checks[e.Path], o.Check.ID) {
				checks[e.Path] = append(checks[e.Path], o.Check.ID)
			}
		}
	}
	var plan []Change
	for _, p := range paths {
		c, err := change(m.Host, p, edits[p])
		if err != nil {
			return nil, err
		}
		c.Checks = checks[p]
		plan = append(plan, c)
	}
	return plan, nil
}

func change(h host.Host, path string, edits []Edit) (Change, error) {
	info, err := h.Stat(path)
	if err != nil {
		return Change{}, fmt.Errorf("examining the file to change: %w", err)
	}
	mode := chmodBits(info.Mode())
	c := Change{Path: path, OldMode: mode, Mode: mode}
	if info.Mode().IsRegular() {
		if c.Before, err = h.ReadFile(path); err != nil {
			return Change{}, fmt.Errorf("reading the file to change: %w", err)
		}
	}
	if edits[0].Gather != nil {
		c.Gather = edits[0].Gather
		return c, nil
	}
	lines := bytes.SplitAfter(c.Before, []byte("\n"))
	for _, e := range edits {
		if e.Line == 0 {
			c.Mode = e.Mode
			continue
		}
		if e.Line > len(lines) || strings.TrimRight(string(lines[e.Line-1]), "\n") != e.Old {
			return Change{}, errors.New(path + " changed while it was examined")
		}
		if e.Drop {
			lines[e.Line-1] = nil
			continue
		}
		end := ""
		if bytes.HasSuffix(lines[e.Line-1], []byte("\n")) {
			end = "\n"
		}
		lines[e.Line-1] = []byte(e.New + end)
	}
	c.After = bytes.Join(lines, nil)
	if bytes.Equal(c.Before, c.After) {
		c.Before, c.After = nil, nil
	}
	return c, nil
}

// Preview shows a change line by line.
func (c Change) Preview() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s  (%s)\n", c.Path, strings.Join(c.Checks, ", "))
	if c.Mode != c.OldMode {
		fmt.Fprintf(&out, "  mode %04o -> %04o\n", modeBits(c.OldMode), modeBits(c.Mode))
	}
	if c.Gather != nil {
		previewGather(&out, *c.Gather, c.Path)
	}
	before, after := strings.SplitAfter(string(c.Before), "\n"), strings.SplitAfter(string(c.After), "\n")
	for len(before) > 0 || len(after) > 0 {
		switch {
		case len(before) > 0 && len(after) > 0 && before[0] == after[0]:
			before, after = before[1:], after[1:]
		case len(after) > 0 && strings.Contains(after[0], disabledMark) && len(before) > 0:
			out.WriteString("  - " + trimLine(before[0]) + "\n  + " + trimLine(after[0]) + "\n")
			before, after = before[1:], after[1:]
		case len(before) > 0:
			out.WriteString("  - " + trimLine(before[0]) + "\n")
			before = before[1:]
		default:
			out.WriteString("  + " + trimLine(after[0]) + "\n")
			after = after[1:]
		}
	}
	return eachLine(out.String())
}

func trimLine(s string) string { return strings.TrimSuffix(s, "\n") }

// modeBits are the bits as chmod writes them.
func modeBits(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	for flag, bit := range specialBits() {
		if m&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

// chmodBits are all the bits of a mode that chmod sets.
func chmodBits(m fs.FileMode) fs.FileMode {
	return m & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
}
