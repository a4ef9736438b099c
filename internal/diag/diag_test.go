package diag_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"/src/app/.go-version:1": "/src/app/.go-version:1",
		"größer 漢字 …":            "größer 漢字 …",
		"\x1b[31mred\x07":        `\x1b[31mred\x07`,
		"a\nvmgo: forged":        `a\nvmgo: forged`,
		"a\tb\r":                 `a b\x0d`,
		"\u009b31m\u0085":        `\u009b31m\u0085`, // CSI and NEL of C1
		"go1.\u202e22":           `go1.\u202e22`,
		"\u2066x\u2069\u2028":    `\u2066x\u2069\u2028`,
		"latin1 \xe9\x9b":        `latin1 \xe9\x9b`,
		"\xef\xbf\xbd":           "\ufffd", // one that was there is no fault
	} {
		if got := diag.Line(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestFormat_oneLineEach(t *testing.T) {
	t.Parallel()
	err := diag.Wrap(diag.Network, errors.New("503\nvmgo: all is well [ok]"), "cannot get it", "curl\n-I x")
	if got := diag.Format("vmgo", err); strings.Count(got, "\n") != 2 || !strings.HasSuffix(got, " [network]\nhint: curl\\n-I x\n") {
		t.Errorf("%q", got)
	}
}

func TestSeveral(t *testing.T) {
	t.Parallel()
	offline := diag.New(diag.Offline, "the network is forbidden", "unset VMGO_OFFLINE")
	missing := diag.New(diag.NoSuchRelease, "there is no such release", "vmgo list-remote")
	if err := diag.Several([]error{missing}); err != missing {
		t.Error(err)
	}
	err := diag.Several([]error{offline, missing, errors.New("a third")})
	if want := "vmgo: there is no such release; the network is forbidden; a third [no-such-release]\nhint: vmgo list-remote\n"; diag.Format("vmgo", err) != want {
		t.Errorf("got\n%swant\n%s", diag.Format("vmgo", err), want)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	want := diag.New(diag.NotInstalled, "no [go] is installed", "vmgo install 1.22", "vmgo list")
	printed := "vmgo: warning: slow\nhint: none\n" + diag.Format("vmgo", want)
	if got := diag.Parse("vmgo", printed); got == nil || diag.Format("vmgo", got) != diag.Format("vmgo", want) {
		t.Errorf("%q", diag.Format("vmgo", got))
	}
	if got := diag.Parse("vmgo", "Segmentation fault\n"); got != nil {
		t.Error(got)
	}
}
