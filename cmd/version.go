package cmd

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/ui"
)

// build is the origin of the running program, as the go command recorded it for
// `go build` in a checkout, `go install` and a release. Unrecorded fields are
// empty.
type build struct {
	version string // a tag, a pseudo-version, or "devel"
	commit  string
	date    string // of the commit, RFC 3339
}

// currentBuild returns the build of this program.
func currentBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build{version: "devel"}
	}
	return buildOf(info)
}

func buildOf(info *debug.BuildInfo) build {
	b := build{version: info.Main.Version}
	if b.version == "" || b.version == "(devel)" {
		b.version = "devel"
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.commit = setting.Value
		case "vcs.time":
			b.date = setting.Value
		}
	}
	return b
}

// String returns "v1.2.3 (1a2b3c4d5e6f of 2026-11-28, go1.26.8 linux/amd64)".
func (b build) String() string {
	var origin string
	if len(b.commit) >= 12 {
		day, _, _ := strings.Cut(b.date, "T")
		origin = b.commit[:12] + " of " + day + ", "
	}
	return fmt.Sprintf("%s (%s%s %s/%s)", b.version, origin, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// versionJSON is the document of "version --json".
type versionJSON struct {
	Version    string `json:"version"`
	Commit     string `json:"commit"`
	CommitTime string `json:"commit_time"`
	Go         string `json:"go"`
	OS         string `json:"os"`
	Arch       string `json:"arch"`
}

func (a *app) versionCommand() *cli.Command {
	return a.declare(needs{}, &cli.Command{
		Name:      "version",
		UsageText: "vmgo version [--json]",
		Usage:     "print the version of vmgo",
		Category:  aboutCategory,
		Flags:     []cli.Flag{jsonFlag()},
		Action: func(c *cli.Context) error {
			if _, err := arguments(c, 0, 0, ""); err != nil {
				return err
			}
			b := currentBuild()
			if c.Bool("json") {
				return ui.JSON(a.host.Stdout, versionJSON{b.version, b.commit, b.date, runtime.Version(), runtime.GOOS, runtime.GOARCH})
			}
			_, err := fmt.Fprintln(a.host.Stdout, "vmgo", b)
			return err
		},
	})
}
