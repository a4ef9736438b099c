package doctor

import (
	"context"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/settings"
)

func indexCheck() Check {
	return Check{
		ID: "network.index", Group: Network, Online: true, Weight: 5,
		Title:  "whether the index of releases answers",
		Why:    "it lists the official archives and their checksums",
		Source: "VMGO_SOURCE, VMGO_GODEV; a request to the index",
		Run:    runIndex,
	}
}

// mirrorGodev is another address of the official index.
const mirrorGodev = "https://golang.google.cn/dl"

func runIndex(ctx context.Context, m *Machine) Result {
	if !slices.Contains(m.Settings.Sources, settings.SourceGodev) {
		return skip("VMGO_SOURCE does not have godev")
	}
	base := settings.OfficialGodev
	if len(m.Settings.Godev) > 0 {
		base = m.Settings.Godev[0]
	}
	page := strings.TrimSuffix(base, "/") + "/?mode=json"
	answer, err := m.get(ctx, page, 512)
	why := ""
	switch {
	case err != nil:
		why = m.netError(err)
	case answer.status != 200:
		why = "status " + itoa(answer.status)
	case !strings.HasPrefix(strings.TrimSpace(answer.body), "["):
		why = "the answer is not the index"
	default:
		return ok("%s", m.Redact(base))
	}
	if m.Settings.Sources[0] != settings.SourceGodev {
		return info("the index does not answer; %s comes first and does not need it", m.Settings.Sources[0]).at(m.Redact(page), 0, "%s", why)
	}
	r := fail("the index of releases does not answer").at(m.Redact(page), 0, "%s", why).because(networkCauses(err)...)
	if base != mirrorGodev && m.answers(ctx, mirrorGodev+"/?mode=json") {
		return r.fixWith("vmgo config -w VMGO_GODEV=%s", mirrorGodev)
	}
	if proxy := m.timeServer(); proxy != "" && m.answers(ctx, proxy) {
		return r.fixWith("vmgo config -w VMGO_SOURCE=goproxy,godev")
	}
	return r.fixWith("curl -v %s", diag.Word(m.Redact(page)))
}
