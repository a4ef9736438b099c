package doctor

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/goenv"
)

func proxiesCheck() Check {
	return Check{
		ID: "network.proxies", Group: Network, Weight: 7,
		Title:  "HTTP proxies of the environment, apt, dnf and git",
		Why:    "go reads only the environment; a proxy that only apt or git is configured for does not help go",
		Source: "HTTP_PROXY and friends, /etc/environment, apt.conf, dnf.conf, gitconfig; online, a request by way of the proxy",
		Run:    runProxies,
	}
}

// proxySetting is a proxy that some program uses.
type proxySetting struct {
	Evidence
	who string
}

// runProxies judges the settings, and online whether the proxy answers.
func runProxies(ctx context.Context, m *Machine) Result {
	r := m.judgeProxies()
	var op *net.OpError
	err := m.reach(ctx)
	if !errors.As(err, &op) || op.Op != "proxyconnect" {
		return r
	}
	r.worse(Fail)
	r.Summary, r.Fix = "the HTTP proxy of the environment does not answer", ""
	r = r.at("", 0, "%s", op.Err.Error())
	if _, err := m.getBy(ctx, m.directly(), m.timeServer(), 0); err == nil {
		r = r.means("The module proxy answers without it.")
		for _, name := range proxyVariables() {
			if m.Env[name] != "" {
				r = r.unset(m, goenv.Setting{Name: name, Value: m.Env[name], FromEnv: true})
			}
		}
		return r
	}
	return r.means("Without it the module proxy does not answer either.").
		fixWith("curl -v -x %s %s", diag.Word(m.Redact(cmp.Or(m.envProxy("HTTPS_PROXY"), m.envProxy("HTTP_PROXY")))), diag.Word(m.Redact(m.timeServer())))
}

// proxyVariables are the variables that net/http reads, in both spellings.
func proxyVariables() []string {
	return []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}
}

func (m *Machine) judgeProxies() Result {
	r := ok("none")
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"} {
		upper, lower := m.Env[name], m.Env[strings.ToLower(name)]
		if upper != "" && lower != "" && upper != lower {
			r.worse(Warn)
			r.Summary = name + " and " + strings.ToLower(name) + " differ"
			r = r.at("environment", 0, "%s=%s", name, upper).at("environment", 0, "%s=%s", strings.ToLower(name), lower).
				fixWith(`export %s="$%s"`, strings.ToLower(name), name)
		}
	}
	plain, secure := m.envProxy("HTTP_PROXY"), m.envProxy("HTTPS_PROXY")
	for _, value := range []string{plain, secure} {
		if value != "" && proxyHost(value) == "" {
			return fail("a proxy of the environment is not a URL").at("environment", 0, "%s", value).fixWith("unset HTTP_PROXY HTTPS_PROXY")
		}
	}
	switch {
	case plain != "" && secure == "":
		r.worse(Warn)
		r.Summary = "HTTP_PROXY is set and HTTPS_PROXY is not, so go bypasses the proxy"
		return r.at("environment", 0, "HTTP_PROXY=%s", plain).export(m, `HTTPS_PROXY="$HTTP_PROXY"`)
	case secure != "" && r.Status == OK:
		return m.compareProxies(secure)
	case secure != "":
		return r
	case m.envProxy("ALL_PROXY") != "":
		r.worse(Warn)
		r.Summary = "ALL_PROXY is set, which curl reads but go does not"
		name := "ALL_PROXY"
		if m.Env[name] == "" {
			name = "all_proxy"
		}
		return r.at("environment", 0, "%s=%s", name, m.Env[name]).fixWith(`export HTTPS_PROXY="$%s" HTTP_PROXY="$%s"`, name, name)
	}
	others := m.otherProxies()
	if len(others) == 0 {
		return r
	}
	r.worse(Warn)
	r.Summary = others[0].who + " uses a proxy, but the environment has none for go"
	for _, o := range others {
		r.Evidence = append(r.Evidence, o.Evidence)
	}
	proxy := diag.Word(others[0].Value)
	return r.export(m, "HTTPS_PROXY="+proxy+" HTTP_PROXY="+proxy)
}

// compareProxies reports which programs use another proxy than the environment.
func (m *Machine) compareProxies(secure string) Result {
	r := ok("the proxy of the environment").at("environment", 0, "HTTPS_PROXY=%s", secure)
	for _, o := range m.otherProxies() {
		if proxyHost(o.Value) == proxyHost(secure) {
			continue
		}
		if r.Status == OK {
			r.Status, r.Summary = Info, o.who+" uses another proxy than the environment, which go uses"
		}
		r.Evidence = append(r.Evidence, o.Evidence)
	}
	return r
}

// proxyHost is the host and port of a proxy, which may lack the scheme.
func proxyHost(value string) string {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil {
		return ""
	}
	return u.Host
}

// envProxy reads a variable in both spellings, as net/http does.
func (m *Machine) envProxy(name string) string {
	if v := m.Env[name]; v != "" {
		return v
	}
	return m.Env[strings.ToLower(name)]
}

// otherProxies are those of programs that do not read the environment.
func (m *Machine) otherProxies() []proxySetting {
	var all []proxySetting
	for _, file := range append([]string{"/etc/apt/apt.conf"}, facts.DropIns(m.Host, "", "/etc/apt/apt.conf.d")...) {
		all = append(all, aptProxies(file, m.Lines(file))...)
	}
	all = append(all, m.iniProxies("/etc/dnf/dnf.conf", "main", "dnf")...)
	for _, file := range []string{"/etc/gitconfig", m.HomePath(".gitconfig"), m.HomePath(".config/git/config")} {
		all = append(all, m.iniProxies(file, "http", "git")...)
	}
	for i, line := range m.Lines("/etc/environment") {
		if name, value, _ := parseAssignment(line); strings.EqualFold(name, "https_proxy") && value != "" {
			all = append(all, proxySetting{Evidence{"/etc/environment", i + 1, value}, "/etc/environment"})
		}
	}
	return all
}

// aptProxies reads apt.conf(5): Acquire::http::Proxy "URL"; in one piece or in
// nested braces.
func aptProxies(file string, lines []string) []proxySetting {
	var all []proxySetting
	var within []string
	statement := ""
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		line, _, _ = strings.Cut(" "+line, " //")
		for _, c := range line + " " {
			switch c {
			case '{':
				within = append(within, strings.TrimSpace(statement))
			case '}':
				within = within[:max(0, len(within)-1)]
			case ';':
				name, value, _ := strings.Cut(strings.TrimSpace(statement), " ")
				name = strings.ToLower(strings.Join(append(slices.Clone(within), name), "::"))
				value = strings.Trim(strings.TrimSpace(value), `"`)
				if (name == "acquire::http::proxy" || name == "acquire::https::proxy") && isWayOut(value) {
					all = append(all, proxySetting{Evidence{file, i + 1, value}, "apt"})
				}
			default:
				statement += string(c)
				continue
			}
			statement = ""
		}
	}
	return all
}

// isWayOut reports whether a proxy of apt's may be the machine's way to the
// network. A cache for packages alone, which listens on port 3142
// (apt-cacher-ng), is none.
func isWayOut(proxy string) bool {
	return proxy != "" && !strings.EqualFold(proxy, "DIRECT") && !strings.HasSuffix(proxyHost(proxy), ":3142")
}

// iniProxies finds "proxy = …" in a section.
func (m *Machine) iniProxies(file, section, who string) []proxySetting {
	if file == "" {
		return nil
	}
	var all []proxySetting
	inSection := false
	for i, line := range m.Lines(file) {
		text := strings.TrimSpace(line)
		if strings.HasPrefix(text, "[") {
			inSection = strings.HasPrefix(text, "["+section+"]")
			continue
		}
		name, value, found := strings.Cut(text, "=")
		if inSection && found && strings.TrimSpace(name) == "proxy" && strings.TrimSpace(value) != "" {
			all = append(all, proxySetting{Evidence{file, i + 1, strings.TrimSpace(value)}, who})
		}
	}
	return all
}
