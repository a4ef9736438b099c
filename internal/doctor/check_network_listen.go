package doctor

import (
	"context"
	"net"
	"net/netip"
	"strconv"
)

func listenCheck() Check {
	return Check{
		ID: "network.listen", Group: Network, Weight: 9,
		Title:  "your own HTTP service: where it is bound, who can reach it, what it answers",
		Why:    "the usual reason for \"connection refused\" from the host is a server bound to 127.0.0.1",
		Source: "--listen ADDRESS; /proc/net/tcp, /proc/net/fib_trie; a request to it",
		Run: func(ctx context.Context, m *Machine) Result {
			if m.Options.Listen == "" {
				return skip("runs only with --listen :8080")
			}
			r, address := m.bound(m.Options.Listen)
			if address == "" {
				return r
			}
			answer, err := m.getHere(ctx, "http://"+address+"/")
			if err != nil {
				return m.otherProtocol(ctx, r, address, err)
			}
			if answer.status >= 500 {
				r.worse(Warn)
			}
			return r.at("http://"+address+"/", 0, "the service answers with status %d in %v", answer.status, answer.took)
		},
	}
}

func grpcCheck() Check {
	return Check{
		ID: "network.grpc", Group: Network, Weight: 9,
		Title:  "your own gRPC service: where it is bound, who can reach it, its health",
		Why:    "a service may listen and still not serve",
		Source: "--grpc ADDRESS; grpc.health.v1.Health/Check over HTTP/2 without TLS",
		Run: func(ctx context.Context, m *Machine) Result {
			if m.Options.GRPC == "" {
				return skip("runs only with --grpc :9090")
			}
			r, address := m.bound(m.Options.GRPC)
			if address == "" {
				return r
			}
			return m.judgeGRPC(ctx, r, address)
		},
	}
}

// bound returns where the port of an address is bound and who can reach it, and at
// which address it can be tried.
func (m *Machine) bound(address string) (r Result, try string) {
	name, text, err := net.SplitHostPort(address)
	port, errPort := strconv.ParseUint(text, 10, 16)
	if err != nil || errPort != nil || port == 0 {
		return fail("%q is not an address", address).fixWith("vmgo doctor --listen :8080"), ""
	}
	sockets := m.listening(uint16(port))
	if len(sockets) == 0 && !m.Exists("/proc/net/tcp") {
		return skip("%s", noSockets), ""
	}
	if len(sockets) == 0 {
		return fail("nothing listens on port %d", port).fixWith("ss -ltnp 'sport = :%d'", port), ""
	}
	r = ok("")
	loopbackOnly := true
	for _, s := range sockets {
		addr := s.Addr.Addr()
		r = r.at(s.Addr.String(), 0, "%s%s", reachText(addr), m.holderText(s))
		if try == "" || addr.Is4() || addr.IsUnspecified() {
			try = net.JoinHostPort(tryAddress(addr), text)
		}
		loopbackOnly = loopbackOnly && addr.IsLoopback()
	}
	if loopbackOnly {
		r.Status = Warn
		r.Summary = "port " + text + " listens on the loopback address only"
		if loopback(name) {
			r.Status = OK // as the caller wanted it
		}
		return r.means("%s", m.howToReach(text)).fixWith("# bind to :%s to be reachable, or from outside: ssh -L %s:127.0.0.1:%s %s@ADDRESS", text, text, text, m.userName()), try
	}
	r.Summary = "port " + text + " can be reached from outside, unless a firewall forbids it"
	return r.means("Addresses of this machine: %s.", joinAddresses(m.Addresses())), try
}

func reachText(a netip.Addr) string {
	switch {
	case a.IsLoopback():
		return "this machine only"
	case a.IsUnspecified():
		return "all interfaces"
	}
	return "the interface of that address"
}

func tryAddress(a netip.Addr) string {
	switch {
	case a.IsUnspecified() && a.Is4(), !a.IsValid():
		return "127.0.0.1"
	case a.IsUnspecified():
		return "::1"
	}
	return a.String()
}
