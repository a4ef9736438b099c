package doctor

import (
	"cmp"
	"context"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/goenv"
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

// mirrorSumDB is another name of the public database, which the go command knows.
const mirrorSumDB = "sum.golang.google.cn"

func runSumdb(ctx context.Context, m *Machine) Result {
	setting := m.GoEnv("GOSUMDB")
	db, err := goenv.ParseSumDB(setting.Value)
	if err != nil {
		return where(setting, fail("GOSUMDB %s: every go command that downloads a module fails", err)).unset(m, setting)
	}
	// A toolchain is checked against the public database even when GOSUMDB is off.
	name, direct := cmp.Or(db.Name(), goenv.DefaultSumDB), db.URL
	var tried []Evidence
	var errs []error
	if direct == "" {
		for _, p := range m.proxies() {
			if !strings.HasPrefix(p.URL, "http") {
				continue
			}
			address := p.URL + "/sumdb/" + name + "/supported"
			answer, err := m.get(ctx, address, 0)
			if err == nil && answer.status == 200 {
				return ok("%s, through %s", name, m.Redact(p.URL))
			}
			errs = append(errs, err)
			tried = append(tried, Evidence{m.Redact(address), 0, m.answerText(answer, err)})
		}
		direct = "https://" + name
	}
	address := direct + "/latest"
	answer, err := m.get(ctx, address, 4096)
	if err == nil && answer.status == 200 {
		return ok("%s, directly", name)
	}
	r := fail("%s cannot be reached", name).because(causesOf(append(errs, err))...)
	r.Evidence = append(tried, Evidence{m.Redact(address), 0, m.answerText(answer, err)})
	if setting.Value == goenv.DefaultSumDB && m.answers(ctx, "https://"+mirrorSumDB+"/latest") {
		r = r.fixWith("%s", m.setGo("GOSUMDB", mirrorSumDB)).means("That is the same database under another name, which answers.")
	}
	return r.fixWith("curl -v %s", diag.Word(m.Redact(address)))
}

func (m *Machine) answerText(p page, err error) string {
	if err != nil {
		return m.netError(err)
	}
	return "status " + itoa(p.status)
}
