package harden

import (
	"fmt"
	"io/fs"
	"strings"
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
		Wish:     sudoWish,
	}
}

func sudoWish(m *Machine) (Wish, error) {
	var w Wish
	if _, ok := m.Program("visudo"); !ok {
		w.NotApplicable = "sudo is not installed"
		return w, nil
	}
	path, where, err := m.securePath()
	switch {
	case err != nil:
		return w, err
	case path == "":
		w.NotApplicable = "sudo keeps the caller's PATH: there is no secure_path"
		return w, nil
	case strings.Contains(":"+path+":", ":/usr/local/bin:"):
		w.NotApplicable = fmt.Sprintf("%s has /usr/local/bin already", where)
		return w, nil
	}
	info, err := m.Host.Stat("/usr/local/bin")
	if err != nil {
		w.Blocked = "there is no /usr/local/bin"
		return w, nil
	}
	if uid, _ := owner(info); uid != m.Owner || info.Mode().Perm()&0o022 != 0 {
		w.Blocked = "others than root may write to /usr/local/bin: sudo would run what they put there"
		return w, nil
	}
	if !m.Host.Exists("/etc/sudoers.d") {
		w.Blocked = "there is no /etc/sudoers.d"
		return w, nil
	}
	want := m.file(sudoFile, ownHeader+"# "+where+" has no /usr/local/bin.\nDefaults secure_path = "+quoteSudo(path+":/usr/local/bin")+"\n")
	want.Value.Mode = 0o440
	want.Check = visudo()
	w.Wants = []Want{want}
	return w, nil
}

// visudo is the command that judges a sudoers file.
func visudo() []string { return []string{"visudo", "-c", "-f", "{}"} }

func quoteSudo(s string) string { return `"` + s + `"` }

// securePath reads sudo's secure_path, without vmgo's own file. The last
// setting wins; the files of sudoers.d come after /etc/sudoers, by name, but
// those with a dot or a tilde at the end.
func (m *Machine) securePath() (path, where string, err error) {
	files := []string{"/etc/sudoers"}
	for _, e := range m.Host.ReadDir("/etc/sudoers.d") {
		name := e.Name()
		if !strings.Contains(name, ".") && !strings.HasSuffix(name, "~") && "/etc/sudoers.d/"+name != sudoFile {
			files = append(files, "/etc/sudoers.d/"+name)
		}
	}
	for _, file := range files {
		data, err := m.Host.ReadFile(file)
		if err != nil {
			return "", "", &fs.PathError{Op: "read", Path: file, Err: fs.ErrPermission}
		}
		n := 0
		for line := range strings.Lines(string(data)) {
			n++
			rest, ok := strings.CutPrefix(strings.TrimSpace(line), "Defaults")
			if !ok || rest == "" || rest[0] != ' ' && rest[0] != '\t' {
				continue // a default of some users or hosts only
			}
			for option := range strings.SplitSeq(rest, ",") {
				name, value, _ := strings.Cut(option, "=")
				if strings.TrimSpace(name) == "secure_path" {
					path, where = strings.Trim(strings.TrimSpace(value), `"`), fmt.Sprintf("%s:%d", file, n)
				}
			}
		}
	}
	return path, where, nil
}
