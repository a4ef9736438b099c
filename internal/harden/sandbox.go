package harden

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

const sandboxDropIn = "60-vmgo-sandbox.conf"

func (s Service) sandboxItem() Item {
	return Item{
		ID:   "sandbox:" + strings.TrimSuffix(s.Name, ".service"),
		What: "sandbox " + s.Name,
		Why:  "a Go service needs little of a machine: sockets, its own files, the clock. What it cannot reach, an attacker who takes it over cannot reach either.",
		Effect: "the service sees a read-only system, no devices, no home directories and a /tmp of its own, has only the capabilities that its unit requests, and cannot gain others. " +
			"A service that needs more fails to start or gets \"permission denied\"; --write DIR opens a directory.",
		Evidence: "systemd-analyze security scores the unit before and after, from 10 (open) to 0; see the notes. " +
			"measured with systemd 252: 9.2 (UNSAFE) before, 1.6 (OK) after, for a unit with nothing but User=; a Go HTTP server answers and lists its network interfaces under all of it",
		Needs:   NeedsRestart,
		Desired: s.sandboxDesired,
	}
}

func (s Service) sandboxDesired(m *Machine) (Desired, error) {
	var w Desired
	if reason := s.missing(m); reason != "" {
		w.Blocked = reason
		return w, nil
	}
	text := s.sandbox(m, &w)
	w.Wants = []Want{m.file(s.dropIn(m, sandboxDropIn), text)}
	if m.Systemd() {
		w.Advice = []string{"systemctl restart " + diag.Word(s.Name), "systemd-analyze security " + diag.Word(s.Name)}
	}
	before, after, err := s.scores(m, text)
	if err != nil {
		w.Notes = append(w.Notes, "no score: "+err.Error())
		return w, nil
	}
	w.Notes = append(w.Notes, "systemd-analyze security: "+before+" before, "+after+" after")
	return w, nil
}

// SandboxSettings are the lines of a unit's section Service that fit every Go
// service. ProcSubset=pid is left out on purpose: without /proc/sys the net
// package falls back to a listen backlog of 128.
const SandboxSettings = `NoNewPrivileges=yes
ProtectSystem=strict
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectProc=invisible
# AF_NETLINK is how Go lists network interfaces.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
# The Go runtime maps no memory writable and executable.
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
RemoveIPC=yes
`

// sandbox writes the drop-in.
func (s Service) sandbox(m *Machine, w *Desired) string {
	var text strings.Builder
	text.WriteString(ownHeader + "[Service]\n" + SandboxSettings)
	text.WriteString("ProtectHome=" + s.home(m, w) + "\n")
	text.WriteString(s.privileges(m, w))
	if len(s.settings(m, "UMask")) == 0 {
		text.WriteString("UMask=0027\n")
	}
	for _, dir := range s.Write {
		text.WriteString(`ReadWritePaths="` + dir + "\"\n")
	}
	return text.String()
}

// home closes home directories unless the service runs from one.
func (s Service) home(m *Machine, w *Desired) string {
	for _, key := range []string{"ExecStart", "WorkingDirectory", "EnvironmentFile", "RootDirectory"} {
		for _, value := range s.settings(m, key) {
			for _, dir := range []string{"/home/", "/root/", "/run/user/"} {
				if strings.Contains(value+"/", dir) {
					w.Notes = append(w.Notes, key+" is in a home directory, so home directories stay readable")
					return "read-only"
				}
			}
		}
	}
	return "yes"
}

// UnprivilegedSettings are the further lines for a service that does not run as root.
const UnprivilegedSettings = "CapabilityBoundingSet=\nSystemCallFilter=~@privileged\n"

// privileges takes all capabilities from a service with a user of its own.
// Root's service keeps the one that servers want; one that names its
// capabilities keeps what it names.
func (s Service) privileges(m *Machine, w *Desired) string {
	own := append(s.settings(m, "AmbientCapabilities"), s.settings(m, "CapabilityBoundingSet")...)
	if len(own) > 0 {
		w.Notes = append(w.Notes, "the unit lists its capabilities, which are not changed")
		return ""
	}
	if len(s.settings(m, "User")) > 0 || len(s.settings(m, "DynamicUser")) > 0 {
		return UnprivilegedSettings
	}
	w.Notes = append(w.Notes, "the service runs as root: User= or DynamicUser=yes in its unit would protect more than this sandbox")
	return "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\n"
}

// scores asks systemd-analyze for the exposure of the unit as it is and with
// the sandbox, on copies of the unit in a directory of their own.
func (s Service) scores(m *Machine, sandbox string) (before, after string, err error) {
	dir, err := os.MkdirTemp("", "vmgo-score-")
	if err != nil {
		return "", "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	units := filepath.Join(dir, "etc/systemd/system")
	dropIns := filepath.Join(units, s.Name+".d")
	if err := os.MkdirAll(dropIns, 0o755); err != nil {
		return "", "", err
	}
	data, err := m.Host.ReadFile(s.file(m))
	if err != nil {
		return "", "", err
	}
	if err := os.WriteFile(filepath.Join(units, s.Name), data, 0o644); err != nil {
		return "", "", err
	}
	for _, from := range s.dropIns(m) {
		data, err := m.Host.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(dropIns, filepath.Base(from)), data, 0o644)
		}
		if err != nil {
			return "", "", err
		}
	}
	if before, err = m.score(dir, s.Name); err != nil {
		return "", "", err
	}
	if err := os.WriteFile(filepath.Join(dropIns, sandboxDropIn), []byte(sandbox), 0o644); err != nil {
		return "", "", err
	}
	after, err = m.score(dir, s.Name)
	return before, after, err
}

func (m *Machine) score(root, unit string) (string, error) {
	out, err := m.answer("systemd-analyze", "security", "--offline=true", "--no-pager", "--root="+root, unit)
	if err != nil {
		return "", err
	}
	const marker = "Overall exposure level for "
	_, rest, ok := strings.Cut(out, marker+unit+": ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 2 {
		return "", errors.New("systemd-analyze gave no overall exposure level")
	}
	return fields[0] + " " + fields[1], nil
}
