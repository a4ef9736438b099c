package doctor

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
)

// errSudoersUnreadable is the usual case for a user: sudoers is root's own.
var errSudoersUnreadable = errors.New("sudoers cannot be read, and sudo -l needs a password")

// lastDropIn is a file of sudoers.d that is read after nearly all others.
const lastDropIn = "/etc/sudoers.d/zz-vmgo"

// securePathLine is a setting of secure_path, and where it stands.
type securePathLine struct {
	path string
	from Evidence
}

// SecurePath is the PATH that sudo gives to commands, and where it stands. It
// is empty where sudo keeps the user's.
func (m *Machine) SecurePath(ctx context.Context) (path string, from Evidence, err error) {
	all, err := m.securePaths(ctx)
	if err != nil || len(all) == 0 {
		return "", Evidence{}, err
	}
	last := all[len(all)-1]
	return last.path, last.from, nil
}

// securePaths returns the settings of secure_path, the one that wins last. sudoers is
// read where that is allowed; else sudo is asked, without a password, and lists them in
// its order.
func (m *Machine) securePaths(ctx context.Context) (all []securePathLine, err error) {
	if lines, err := m.Sudoers(); err == nil {
		for _, s := range host.SecurePaths(lines) {
			all = append(all, securePathLine{s.Path, Evidence{s.From.File, s.From.Line, s.From.Text}})
		}
		return all, nil
	}
	out, err := m.Ask(ctx, hostCommand([]string{"sudo", "-n", "-l"}, nil, ""))
	if err != nil {
		return nil, err
	}
	if out.Status != 0 {
		return nil, errSudoersUnreadable
	}
	for word := range strings.SplitSeq(out.Stdout, ", ") {
		if value, ok := strings.CutPrefix(strings.TrimSpace(word), "secure_path="); ok {
			value, _, _ = strings.Cut(value, "\n")
			all = append(all, securePathLine{strings.ReplaceAll(value, `\:`, ":"), Evidence{"sudo -l", 0, "secure_path=" + value}})
		}
	}
	if len(all) == 0 {
		all = []securePathLine{{"", Evidence{"sudo -l", 0, "no secure_path"}}}
	}
	return all, nil
}

// judgeSecurePath reports whether sudo finds go with the last of several settings, and
// which of those that it overrides would have found it.
func (m *Machine) judgeSecurePath(all []securePathLine) Result {
	last, earlier := all[len(all)-1], all[:len(all)-1]
	r := ok("sudo finds %s", m.Find("go", last.path))
	if m.Find("go", last.path) == "" {
		r = warn("sudo does not find go")
	}
	for _, s := range earlier {
		r = r.at(s.from.Path, s.from.Line, "overridden: %s", s.from.Value)
		if r.Status == Warn && m.Find("go", s.path) != "" {
			r.Summary = fmt.Sprintf("sudo does not find go: %s overrides the secure_path of %s, which has it",
				Evidence{last.from.Path, last.from.Line, ""}, Evidence{s.from.Path, s.from.Line, ""})
			if s.from.Line == 0 { // of the answer of sudo
				r.Summary = "sudo does not find go: a later secure_path overrides the one that has it"
			}
		}
	}
	r.Evidence = append(r.Evidence, last.from)
	if len(earlier) > 0 {
		r = r.means("sudo uses the last secure_path that it reads.")
	}
	return r
}

// addToSecurePath returns the commands that add a directory to the secure_path that
// wins: a file that is read after it, or the line itself where no file is. visudo
// checks the result before it counts, as a broken sudoers locks everybody out.
func (m *Machine) addToSecurePath(last securePathLine, dir string) string {
	lines, err := m.Sudoers()
	from := host.SudoersLine{File: last.from.Path, Line: last.from.Line, Text: last.from.Value}
	if err == nil && m.DropInOverridden(lines, from, lastDropIn) != "" {
		return fmt.Sprintf("sudo visudo -f %s   # line %d: add :%s to secure_path", diag.Word(filepath.Clean(from.File)), from.Line, dir)
	}
	line := `Defaults secure_path="` + last.path + ":" + dir + `"`
	return "echo " + diag.Word(line) + " | sudo EDITOR=tee visudo -f " + lastDropIn
}
