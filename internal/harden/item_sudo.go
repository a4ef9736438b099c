package harden

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
)

const sudoFile = "/etc/sudoers.d/60-vmgo"

func sudoItem() Item {
	return Item{
		ID:   "sudo-path",
		What: "let sudo find /usr/local/bin",
		Why:  "sudo replaces PATH by its secure_path, which has no /usr/local/bin on EL 8 and 9.",
		Effect: "`sudo go` and `sudo vmgo` work. The file is added only where secure_path lacks the directory, " +
			"and only if nobody but root may write to it.",
		Evidence: "documented: the default of EL is /sbin:/bin:/usr/sbin:/usr/bin; Debian's has /usr/local/bin (measured)",
		On:       Profiles(),
		Desired:  sudoDesired,
	}
}

func sudoDesired(m *Machine) (Desired, error) {
	var w Desired
	if _, ok := m.Program("visudo"); !ok {
		w.NotApplicable = "sudo is not installed"
		return w, nil
	}
	secure, from, err := m.securePath()
	where := fmt.Sprintf("%s:%d", from.File, from.Line)
	switch {
	case err != nil:
		return w, err
	case secure == "":
		w.NotApplicable = "sudo keeps the caller's PATH: there is no secure_path"
		return w, nil
	case strings.Contains(":"+secure+":", ":/usr/local/bin:"):
		w.NotApplicable = where + " already has /usr/local/bin"
		return w, nil
	}
	info, err := m.Host.Stat("/usr/local/bin")
	if err != nil {
		w.Blocked = "there is no /usr/local/bin"
		return w, nil
	}
	if uid, _ := owner(info); uid != m.Owner || info.Mode().Perm()&0o022 != 0 {
		w.Blocked = "others than root may write to /usr/local/bin, so sudo would run their programs"
		return w, nil
	}
	lines, err := m.Host.Sudoers()
	if err != nil {
		return w, err
	}
	if reason := m.Host.DropInOverridden(lines, from, sudoFile); reason != "" {
		w.Blocked = reason
		w.Advice = []string{"visudo -f " + diag.Word(m.onThisMachine(from.File)) + "   # and add :/usr/local/bin to secure_path"}
		return w, nil
	}
	want := m.file(sudoFile, ownHeader+"# "+where+" has no /usr/local/bin.\nDefaults secure_path = "+quoteSudo(secure+":/usr/local/bin")+"\n")
	want.Value.Mode = 0o440
	want.Check = visudo()
	w.Wants = []Want{want}
	return w, nil
}

// visudo is the command that checks a sudoers file.
func visudo() []string { return []string{"visudo", "-c", "-f", "{}"} }

func quoteSudo(s string) string { return `"` + s + `"` }

// securePath reads sudo's secure_path, without vmgo's own file.
func (m *Machine) securePath() (string, host.SudoersLine, error) {
	lines, err := m.Host.Sudoers()
	if err != nil {
		return "", host.SudoersLine{}, err
	}
	lines = slices.DeleteFunc(lines, func(l host.SudoersLine) bool { return l.File == sudoFile })
	path, from := host.SecurePath(lines)
	return path, from, nil
}
