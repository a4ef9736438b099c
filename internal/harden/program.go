package harden

import (
	"bytes"
	"debug/buildinfo"
	"io"
	"path"
	"slices"
	"strings"
)

// programKind is what is known of the program of a service.
type programKind int

const (
	unknownProgram programKind = iota // it cannot be read, or it starts another one
	goProgram
	notGo
)

// program looks at the program that a service starts.
func (s Service) program(m *Machine) programKind {
	commands := s.settings(m, "ExecStart")
	if len(commands) == 0 {
		return unknownProgram
	}
	fields := strings.Fields(strings.TrimLeft(commands[len(commands)-1], "@-:+!|"))
	if len(fields) == 0 || !path.IsAbs(fields[0]) || slices.Contains(starters(), path.Base(fields[0])) {
		return unknownProgram
	}
	file, err := m.Host.Open(fields[0])
	if err != nil {
		return unknownProgram
	}
	defer file.Close()
	if _, err := buildinfo.Read(file); err == nil {
		return goProgram
	}
	magic := make([]byte, 4)
	if _, err := io.ReadFull(io.NewSectionReader(file, 0, 4), magic); err != nil || !bytes.Equal(magic, []byte("\x7fELF")) {
		return unknownProgram // a script, which may start one
	}
	return notGo
}

// starters are programs that start the one that is meant.
func starters() []string {
	return []string{"sh", "bash", "dash", "zsh", "fish", "busybox", "env", "nice", "ionice", "chrt", "taskset", "numactl", "setpriv", "setarch",
		"runuser", "su", "sudo", "chroot", "stdbuf", "timeout", "unshare", "nsenter", "bwrap", "strace", "systemd-run", "systemd-inhibit", "flock"}
}
