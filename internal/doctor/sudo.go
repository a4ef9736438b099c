package doctor

import (
	"context"
	"errors"
	"strings"

	"github.com/vmgo/vmgo/internal/host"
)

// errSudoersUnreadable is the usual case for a user: sudoers is root's own.
var errSudoersUnreadable = errors.New("sudoers cannot be read, and sudo -l needs a password")

// SecurePath is the PATH that sudo gives to commands, and where it stands. It
// is empty where sudo keeps the user's. sudoers is read where that is allowed;
// else sudo is asked, without a password.
func (m *Machine) SecurePath(ctx context.Context) (path string, from Evidence, err error) {
	if lines, err := m.Sudoers(); err == nil {
		path, line := host.SecurePath(lines)
		return path, Evidence{line.File, line.Line, line.Text}, nil
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
