package doctor

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/ui"
)

func listenersCheck() Check {
	return Check{
		ID: "network.listeners", Group: Network, Weight: 7,
		Title:  "debuggers and profilers that are open to everybody, servers that cannot be reached",
		Why:    "dlv and pprof require no password; a server on 127.0.0.1 cannot be reached from outside the machine",
		Source: "/proc/net/tcp, /proc/net/tcp6, /proc/PID/fd",
		Run:    runListeners,
	}
}

const noSockets = "/proc does not show who listens"

func runListeners(_ context.Context, m *Machine) Result {
	if !m.Exists("/proc/net/tcp") {
		return skip("%s", noSockets)
	}
	r, local, unseen := ok("no open debugger, and no server that is hard to reach"), 0, 0
	for _, l := range m.Listeners() {
		inside := l.Addr.Addr().IsLoopback()
		holder := m.HolderOf(l)
		switch {
		case inside && (l.Addr.Port() < 1024 || holder.Name == ""):
		case inside:
			local++
			r = r.at("", 0, "%s%s", l.Addr, m.holderText(l))
		case holder.Name == "":
			unseen++
			r = r.at("", 0, "%s%s", l.Addr, m.holderText(l)).unseenDebugger(l)
		case isDebugger(holder.Name, l.Addr.Port()):
			r.worse(Warn)
			r.Summary = "a debugger or profiler can be reached from outside"
			r = r.at("", 0, "%s%s", l.Addr, m.holderText(l)).fixWith("kill %s   # and start it with 127.0.0.1:%d", orWord(holder.PID, "PID"), l.Addr.Port())
		}
	}
	if r.Status == OK && local > 0 {
		r.Summary = ui.Count(local, "server") + " of yours can be reached only from inside this machine"
		r = r.means("%s", m.howToReach(""))
	}
	if unseen > 0 {
		if r.Status == OK {
			r.Summary += fmt.Sprintf("; %s of other users cannot be attributed", ui.Count(unseen, "socket"))
		}
		r = r.means("Which programs hold the sockets of other users, only root can see: sudo ss -ltnp.")
	}
	return r
}

// unseenDebugger notes a port that debuggers and profilers use, whose program cannot be
// seen: it may be anything.
func (r Result) unseenDebugger(l host.Listener) Result {
	if port := l.Addr.Port(); r.Status == OK && (port == delvePort || port == pprofPort) {
		r.Status = Info
		r.Summary = fmt.Sprintf("port %d can be reached from outside, and its program cannot be seen from this account", port)
	}
	return r
}

// holderText says which process holds a socket or, where that cannot be seen, whose it
// is.
func (m *Machine) holderText(l host.Listener) string {
	holder := m.HolderOf(l)
	switch {
	case holder.Name != "":
		return "  " + holder.Name + " (process " + holder.PID + ")"
	case l.UID < 0 || l.UID == m.UID:
		return "  a process that cannot be seen"
	}
	return "  a process of " + m.nameOf(l.UID)
}

// The ports of the documentation of Delve and of net/http/pprof.
const (
	delvePort = 2345
	pprofPort = 6060
)

// isDebugger reports whether a program is Delve, by its name, or probably serves pprof,
// by its port.
func isDebugger(name string, port uint16) bool { return name == "dlv" || port == pprofPort }

func orWord(s, word string) string {
	if s == "" {
		return word
	}
	return s
}

// howToReach explains what can reach a server that is bound to the loopback
// address.
func (m *Machine) howToReach(port string) string {
	if port == "" {
		port = "PORT"
	}
	text := "Not from the host, not from other machines. From there: ssh -L " + port + ":127.0.0.1:" + port + " " + m.userName() + "@ADDRESS."
	if addresses := m.Addresses(); len(addresses) > 0 {
		text += " Addresses of this machine: " + joinAddresses(addresses) + "."
	}
	return text
}

func joinAddresses(all []netip.Addr) string {
	text := ""
	for i, a := range all {
		if i > 0 {
			text += ", "
		}
		text += a.String()
		if hint := natHint(a); hint != "" {
			text += " (" + hint + ")"
		}
	}
	return text
}

// natHint knows the ranges that hypervisors give to guests behind NAT unless
// told otherwise. Other addresses say nothing of how the machine is attached.
func natHint(a netip.Addr) string {
	for prefix, hint := range map[string]string{
		"10.0.2.0/24":      "the NAT range of VirtualBox and QEMU: the host cannot reach it without a port forwarding",
		"192.168.122.0/24": "the NAT range of libvirt: only the host can reach it",
		"172.17.0.0/16":    "the bridge of Docker: only the host can reach it",
	} {
		if netip.MustParsePrefix(prefix).Contains(a) {
			return hint
		}
	}
	return ""
}

// listening finds the sockets of a port.
func (m *Machine) listening(port uint16) []host.Listener {
	var all []host.Listener
	for _, l := range m.Listeners() {
		if l.Addr.Port() == port {
			all = append(all, l)
		}
	}
	return all
}
