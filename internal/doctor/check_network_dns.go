package doctor

import (
	"context"
	"net/url"
	"strings"
)

func dnsCheck() Check {
	return Check{
		ID: "network.dns", Group: Network, Weight: 8,
		Title:  "whether names can be resolved",
		Why:    "without a name server go asks 127.0.0.1 and waits",
		Source: "/etc/resolv.conf; online, a lookup of the module proxy's name",
		Run:    runDNS,
	}
}

func runDNS(ctx context.Context, m *Machine) Result {
	const file = "/etc/resolv.conf"
	servers := []string{}
	for _, line := range m.Lines(file) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "nameserver" {
			servers = append(servers, f[1])
		}
	}
	name := m.nameToLookUp()
	if m.Options.Offline || name == "" || m.envProxy("HTTPS_PROXY") != "" {
		switch {
		case m.envProxy("HTTPS_PROXY") != "":
			return skip("the HTTP proxy resolves names")
		case len(servers) == 0:
			return warn("%s has no name server", file).at(file, 0, "").fixWith("echo nameserver 9.9.9.9 | sudo tee -a %s", file)
		}
		return ok("name servers: %s (not tried: offline)", strings.Join(servers, ", "))
	}
	ctx, cancel := context.WithTimeout(ctx, m.Options.Limits.Request)
	defer cancel()
	addresses, err := m.Sys.Lookup(ctx, name)
	if err != nil {
		r := fail("%s cannot be resolved", name).at("", 0, "%s", m.netError(err)).at(file, 0, "servers: %s", strings.Join(servers, ", "))
		return r.fixWith("getent hosts %s", name)
	}
	return ok("%s can be resolved", name).at("", 0, "%s", strings.Join(addresses, ", "))
}

// nameToLookUp is the host of the first proxy, unless it is an address.
func (m *Machine) nameToLookUp() string {
	for _, p := range m.proxies() {
		if u, err := url.Parse(p.URL); err == nil && strings.HasPrefix(u.Scheme, "http") {
			if name := u.Hostname(); strings.Trim(name, "0123456789.") != "" && !strings.Contains(name, ":") {
				return name
			}
			return ""
		}
	}
	return ""
}
