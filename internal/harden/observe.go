package harden

import (
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

// observeItem gives a service the socket on which the module observe serves profiles.
func (s Service) observeItem() Item {
	name := strings.TrimSuffix(s.Name, ".service")
	return Item{
		ID:   "observe:" + name,
		What: "give " + s.Name + " a private socket for vmgo observe",
		Why: "profiles and traces show what a service does and what is in its memory. On a TCP port every user of the machine can read them; " +
			"a unix socket has an owner and a mode.",
		Effect: "systemd listens on /run/vmgo-observe/" + name + ".sock, mode 0600, and passes the socket to the service. A program that imports " +
			"github.com/vmgo/vmgo/observe/auto serves its profiles there; any other leaves it alone.",
		Evidence: "documented in systemd.socket(5): FileDescriptorName=, SocketMode=. tested with a real systemd: the service and root can connect, nobody else",
		Needs:    NeedsRestart,
		Undo:     "the files are removed; stop the socket before that with systemctl stop " + name + "-observe.socket, or it stays until the next boot",
		Desired:  s.observeDesired,
	}
}

func (s Service) observeDesired(m *Machine) (Desired, error) {
	var w Desired
	name := strings.TrimSuffix(s.Name, ".service")
	socket := name + "-observe.socket"
	switch {
	case s.missing(m) != "":
		w.Blocked = s.missing(m)
		return w, nil
	case strings.Contains(name, "@"):
		w.Blocked = "instances of a template would share one socket"
		return w, nil
	}
	text := ownHeader + `[Unit]
Description=private socket of ` + s.Name + ` for vmgo observe

[Socket]
ListenStream=/run/vmgo-observe/` + name + `.sock
SocketMode=0600
` + s.socketUser(m) + `FileDescriptorName=vmgo-observe
Service=` + s.Name + `
RemoveOnStop=yes
`
	w.Wants = []Want{
		m.file("/etc/systemd/system/"+socket, text),
		m.file(s.dropIn(m, "60-vmgo-observe.conf"), ownHeader+"[Service]\nSockets="+socket+"\n"),
	}
	w.Notes = []string{"a connection to the socket starts the service if it is stopped"}
	if m.Systemd() {
		w.Advice = []string{"systemctl restart " + diag.Word(s.Name), "vmgo observe " + diag.Word(name)}
	}
	return w, nil
}

// socketUser lets the service's own user connect, where it is a fixed one.
func (s Service) socketUser(m *Machine) string {
	users := s.settings(m, "User")
	if len(users) == 0 || users[len(users)-1] == "" || strings.Contains(users[len(users)-1], "%") {
		return ""
	}
	if dynamic := s.settings(m, "DynamicUser"); len(dynamic) > 0 && dynamic[len(dynamic)-1] != "no" {
		return ""
	}
	return "SocketUser=" + users[len(users)-1] + "\n"
}
