package cmd

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/release"
)

// noticeRate is how often a command warns about a source without a list.
type noticeRate bool

const (
	onceADay noticeRate = false // the command has what it needs from other sources
	always   noticeRate = true  // the command is about the lists
)

// warnOfMissing warns about sources without a list, with the setting that
// leaves them out.
func (a *app) warnOfMissing(sources []release.Source, list []release.Listed, failed []error, rate noticeRate) {
	var answered, silent []string
	for _, s := range sources {
		if slices.ContainsFunc(list, func(l release.Listed) bool { return slices.Contains(l.Sources, s.Name()) }) {
			answered = append(answered, s.Name())
		} else {
			silent = append(silent, s.Name())
		}
	}
	if len(failed) == 0 {
		return
	}
	if a.layout.Cache != "" {
		stamp := filepath.Join(a.layout.Cache, "warned", "no-list-"+strings.Join(silent, "-"))
		if rate == onceADay && a.isRecent(stamp) {
			return
		}
		_ = fsx.MkdirAll(filepath.Dir(stamp), 0o755)
		_ = fsx.WriteFile(stamp, nil, 0o644) // without it, the warning is repeated
	}
	for _, failure := range failed {
		a.warnf("%v", failure)
	}
	if len(answered) > 0 {
		a.sayf("hint: vmgo config -w VMGO_SOURCE=%s   # use only this source", strings.Join(answered, ","))
	}
}

func (a *app) isRecent(stamp string) bool {
	info, err := os.Stat(stamp)
	if err != nil {
		return false
	}
	age := a.host.Now().Sub(info.ModTime())
	return age > -time.Minute && age < 24*time.Hour
}

// withProxyHint adds to a failure of the built-in module proxy a hint how
// to set another one.
func (a *app) withProxyHint(err error) error {
	if diag.CodeOf(err) != diag.Network || !strings.Contains(err.Error(), goenv.DefaultProxy) || a.goSettings().Get("GOPROXY").IsSet() {
		return err
	}
	hint := "export GOPROXY=https://proxy.example.com   # names another module proxy: no setting and no go here does, so vmgo asked " + goenv.DefaultProxy
	return diag.New(diag.Network, err.Error(), append(slices.Clone(diag.HintsOf(err)), hint)...)
}
