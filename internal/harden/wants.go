package harden

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/facts"
)

// Drop-in files that several items share.
const (
	sysctlFile  = "/etc/sysctl.d/60-vmgo.conf"
	limitsFile  = "/etc/security/limits.d/60-vmgo.conf"
	managerFile = "/etc/systemd/system.conf.d/60-vmgo.conf"
)

// file wants a file of vmgo's own.
func (m *Machine) file(target, text string) Want {
	return Want{Kind: File, Target: target, Value: Value{Present: true, Text: text, Mode: 0o644, UID: m.Owner, GID: m.Group}}
}

// part wants a part of a shared file.
func (m *Machine) part(target, text string) Want {
	w := m.file(target, text)
	w.Shared = true
	return w
}

func link(target, to string) Want {
	return Want{Kind: Link, Target: target, Value: Value{Present: true, Text: to}}
}

func running(unit string) Want {
	return Want{Kind: Unit, Target: unit, Value: Value{Present: true}}
}

// before returns the value that a cell had before vmgo touched it.
func (m *Machine) before(kind Kind, target string) (Value, error) {
	if v, ok := m.baseline[cellKey{kind, target}]; ok {
		return v, nil
	}
	return m.read(kind, target)
}

// bound says which other values of a kernel setting are as good as ours.
type bound int

const (
	exactly bound = iota
	atLeast
	atMost
)

type kernelSetting struct {
	name  string
	value int64
	bound bound
}

func (s kernelSetting) satisfied(by int64) bool {
	switch s.bound {
	case atLeast:
		return by >= s.value
	case atMost:
		return by <= s.value
	}
	return by == s.value
}

// sysctls wants kernel settings: in a drop-in for every boot, and running now.
func (m *Machine) sysctls(settings ...kernelSetting) (Desired, error) {
	var w Desired
	var text strings.Builder
	known := false
	var rivals, names []string
	for _, s := range settings {
		if m.Live {
			was, err := m.before(Sysctl, s.name)
			if err != nil {
				return w, err
			}
			n, _ := strconv.ParseInt(was.Text, 10, 64)
			if !was.Present {
				w.Notes = append(w.Notes, "this kernel has no "+s.name)
				continue
			}
			known = true
			w.Notes = append(w.Notes, fmt.Sprintf("%s was %s", s.name, was.Text))
			if s.satisfied(n) {
				continue
			}
		}
		names = append(names, s.name)
		fmt.Fprintf(&text, "%s = %d\n", s.name, s.value)
		w.Wants = append(w.Wants, Want{Kind: Sysctl, Target: s.name, Value: Value{Present: true, Text: strconv.FormatInt(s.value, 10)}})
		if rival := m.laterSysctl(s.name); rival != "" {
			rivals = append(rivals, rival+" sets "+s.name+", too, and is read later: its value applies after the next boot")
		}
	}
	w.Effective = func() []string { return rivals }
	if text.Len() == 0 {
		w.NotApplicable = strings.Join(w.Notes, ", ")
		if known {
			w.NotApplicable = "already set: " + w.NotApplicable
		}
		return w, nil
	}
	if mount, ok := m.Host.MountOf("/proc/sys"); m.Live && ok && mount.Has("ro") {
		w.Blocked = "the kernel's settings are read-only here, as in a container: they are the host's to change"
		return w, nil
	}
	if kind := m.container(); kind != "" {
		w.Blocked = "this is a container (" + kind + "), and " + strings.Join(names, ", ") + " would change for its host: set them there"
		return w, nil
	}
	if len(rivals) > 0 {
		w.Blocked = strings.Join(rivals, "; ") + ": change it there"
	}
	w.Wants = slices.Insert(w.Wants, 0, m.part(sysctlFile, text.String()))
	return w, nil
}

// laterSysctl finds a file that systemd-sysctl reads after ours and that sets
// the same name.
func (m *Machine) laterSysctl(name string) string {
	for _, l := range facts.SysctlLines(m.Host, name) {
		if l.File == "/etc/sysctl.conf" || path.Base(l.File) > path.Base(sysctlFile) {
			return fmt.Sprintf("%s:%d", l.File, l.Line)
		}
	}
	return ""
}

// enable wants the links that `systemctl enable` would make. They are ours to
// make, so that they are in the plan and in the journal.
func (m *Machine) enable(unit, file string) []Want {
	var wants []Want
	section := ""
	for _, line := range m.Host.Lines(file) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok || section != "[Install]" {
			continue
		}
		for _, name := range strings.Fields(value) {
			switch strings.TrimSpace(key) {
			case "WantedBy":
				wants = append(wants, link("/etc/systemd/system/"+name+".wants/"+unit, file))
			case "RequiredBy":
				wants = append(wants, link("/etc/systemd/system/"+name+".requires/"+unit, file))
			case "Alias":
				wants = append(wants, link("/etc/systemd/system/"+name, file))
			}
		}
	}
	return wants
}
