package doctor

import (
	"context"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

func sumdbCheck() Check {
	return Check{
		ID: "network.sumdb", Group: Network, Online: true, Weight: 8,
		Title:  "whether the checksum database answers",
		Why:    "no release is installed, and no new module accepted, without it",
		Source: "GOSUMDB; requests to PROXY/sumdb/NAME/supported and NAME/latest (go.dev/ref/mod, checksum-database)",
		Run:    runSumdb,
	}
}

func runSumdb(ctx context.Context, m *Machine) Result {
	setting := m.GoEnv("GOSUMDB").Value
	name, direct := sumdbAddress(setting)
	var tried []Evidence
	if direct == "" {
		for _, p := range m.proxies() {
			if !strings.HasPrefix(p, "http") {
				continue
			}
			address := p + "/sumdb/" + name + "/supported"
			answer, err := m.get(ctx, address, 0)
			if err == nil && answer.status == 200 {
				return ok("%s, through %s", name, m.Redact(p))
			}
			tried = append(tried, Evidence{m.Redact(address), 0, m.answerText(answer, err)})
		}
		direct = "https://" + name
	}
	address := direct + "/latest"
	answer, err := m.get(ctx, address, 4096)
	if err == nil && answer.status == 200 {
		return ok("%s, asked directly", name)
	}
	r := fail("%s cannot be reached", name)
	r.Evidence = append(tried, Evidence{m.Redact(address), 0, m.answerText(answer, err)})
	if setting == "sum.golang.org" {
		r = r.mend("go env -w GOSUMDB=sum.golang.google.cn").means("The same database under another name.")
	}
	return r.mend("curl -v %s", diag.Word(m.Redact(address)))
}

// sumdbAddress reads GOSUMDB: a name or a key, and perhaps a URL. A toolchain
// is checked against the public database even when GOSUMDB is off.
func sumdbAddress(setting string) (name, direct string) {
	fields := strings.Fields(setting)
	if len(fields) == 0 || fields[0] == "off" {
		return "sum.golang.org", ""
	}
	name, _, _ = strings.Cut(fields[0], "+")
	if name == "sum.golang.google.cn" {
		return "sum.golang.org", "https://sum.golang.google.cn"
	}
	if len(fields) > 1 {
		direct = strings.TrimSuffix(fields[1], "/")
	}
	return name, direct
}

func (m *Machine) answerText(p page, err error) string {
	if err != nil {
		return m.netError(err)
	}
	return "status " + itoa(p.status)
}
