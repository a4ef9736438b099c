package doctor

import (
	"context"
	"errors"
	"strings"
)

// errSudoersUnreadable is the usual case for a user: sudoers is root's own.
var errSudoersUnreadable = errors.New("sudoers cannot be read, and sudo -l needs a password")

// SecurePath is the PATH that sudo gives to commands, and where it stands. It
// is empty where sudo keeps the user's. sudoers is read where that is allowed;
// else sudo is asked, without a password.
func (m *Machine) SecurePath(ctx context.Context) (path string, from Evidence, err error) {
	if _, err := m.ReadFile("/etc/sudoers"); err == nil {
		for _, file := range append([]string{"/etc/sudoers"}, m.glob("/etc/sudoers.d/*")...) {
			for i, line := range m.Lines(file) {
				if p, ok := securePath(line); ok {
					path, from = p, Evidence{file, i + 1, strings.TrimSpace(line)}
				}
			}
		}
		return path, from, nil
	}
	out, err := m.Ask(ctx, hostCommand([]string{"sudo", "-n", "-l"}, nil, ""))
	if err != nil {
		return "", Evidence{}, err
	}
	if out.Status != 0 {
		return "", Evidence{}, errSudoersUnreadable
	}
	for word := range strings.SplitSeq(out.Stdout, ", ") {
		if value, ok := strings.CutPrefix(strings.TrimSpace(word), "secure_path="); ok {
			value, _, _ = strings.Cut(value, "\n")
			return strings.ReplaceAll(value, `\:`, ":"), Evidence{"sudo -l", 0, "secure_path=" + value}, nil
		}
	}
	return "", Evidence{"sudo -l", 0, "no secure_path"}, nil
}

// securePath reads `Defaults secure_path="…"` of sudoers(5).
func securePath(line string) (string, bool) {
	fields := strings.Fields(line)
	if len(fields) < 2 || fields[0] != "Defaults" {
		return "", false
	}
	name, value, found := strings.Cut(strings.Join(fields[1:], " "), "=")
	if !found || strings.TrimSpace(name) != "secure_path" {
		return "", false
	}
	return strings.ReplaceAll(unquote(strings.TrimSpace(value)), `\:`, ":"), true
}
