package cmd

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/audit"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/ui"
)

// auditText prints a report: the vulnerabilities of one module once, with the command
// for each place that has them.
func (a *app) auditText(r audit.Report) error {
	out, colour := a.host.Stdout, ui.Palette(a.colour(a.host.StdoutTTY))
	for _, g := range r.Groups() {
		if err := writeAuditGroup(out, g, colour); err != nil {
			return err
		}
	}
	for _, ended := range r.EndOfLife {
		fmt.Fprintf(out, "go%s in %s gets no more fixes, since %s\n  fix: %s\n\n", ended.Version, ended.Where, ended.Since, colour.Green(ended.Fix))
	}
	for _, u := range r.Unread {
		a.warnf("not audited: %s: %s", u.Path, u.Error)
	}
	a.sayf("%s, %s and %s against %s of %s: %s", ui.Count(r.Looked[audit.Release], "release"), ui.Count(r.Looked[audit.Program], "program"),
		ui.Count(r.Looked[audit.Project], "project"), "the vulnerability database", ui.Count(r.Database.AgeDays, "day")+" ago", ui.Count(len(r.Findings), "finding"))
	return nil
}

// writeAuditGroup prints a single place before what it has, and several after it.
func writeAuditGroup(out io.Writer, g audit.Group, colour ui.Palette) error {
	fmt.Fprintln(out, colour.Bold(g.Module+" "+g.Version))
	fix := ""
	if len(g.Places) == 1 {
		fmt.Fprintln(out, "  in "+strings.Join(g.Places[0].Where, "\n  in "))
		fix, g.Places = g.Places[0].Fix, nil
	}
	var table ui.Table
	for _, f := range g.Findings {
		table.Add("  "+f.ID, levelText(f, colour), fixedText(f, colour), f.Summary+cveText(f))
	}
	if err := table.Write(out); err != nil {
		return err
	}
	if fix != "" {
		fmt.Fprintln(out, "  fix: "+colour.Green(fix))
	}
	for _, place := range g.Places {
		fmt.Fprintln(out, "  in "+strings.Join(place.Where, "\n  in "))
		if place.Fix != "" {
			fmt.Fprintln(out, "    fix: "+colour.Green(place.Fix))
		}
	}
	_, err := fmt.Fprintln(out)
	return err
}

func levelText(f audit.Finding, colour ui.Palette) string {
	switch {
	case f.Level == audit.LevelSymbol && f.Kind == audit.Project:
		return colour.Red("called")
	case f.Level == audit.LevelSymbol:
		return colour.Red("contained")
	case f.Checked == audit.LevelSymbol && f.Kind == audit.Project:
		return "not called"
	case f.Checked == audit.LevelSymbol:
		return "not contained"
	}
	return ""
}

// cveText returns the name by which others know a vulnerability.
func cveText(f audit.Finding) string {
	for _, alias := range f.Aliases {
		if strings.HasPrefix(alias, "CVE-") {
			return " (" + alias + ")"
		}
	}
	return ""
}

func fixedText(f audit.Finding, colour ui.Palette) string {
	if f.Fixed == "" {
		return colour.Yellow("no fix yet")
	}
	return "fixed in " + f.Fixed
}

const (
	auditService = "vmgo-audit.service"
	auditTimer   = "vmgo-audit.timer"
)

// auditTimer prints or writes the units of a monthly audit. A new finding makes
// the service fail: systemctl --failed and whatever watches units shows it.
func (a *app) auditTimer(dir, webhook string) error {
	words := a.ownPath() + " audit --since last"
	if webhook != "" {
		words += ` --webhook "` + strings.NewReplacer("%", "%%", "$", "$$", `"`, `%22`).Replace(webhook) + `"`
	}
	service := `[Unit]
Description=Known vulnerabilities of Go programs
Documentation=https://github.com/vmgo/vmgo/blob/main/docs/audit.md
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart=` + words + `
StateDirectory=vmgo-audit
CacheDirectory=vmgo-audit
Environment=HOME=/root XDG_STATE_HOME=/var/lib/vmgo-audit XDG_CACHE_HOME=/var/cache/vmgo-audit
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
PrivateTmp=yes
`
	timer := `[Unit]
Description=Known vulnerabilities of Go programs, every month

[Timer]
OnCalendar=monthly
RandomizedDelaySec=12h
Persistent=yes

[Install]
WantedBy=timers.target
`
	for _, file := range [][2]string{{auditService, service}, {auditTimer, timer}} {
		if dir == "" {
			if _, err := fmt.Fprintf(a.host.Stdout, "# %s\n%s\n", file[0], file[1]); err != nil {
				return err
			}
			continue
		}
		path := filepath.Join(a.host.Abs(dir), file[0])
		if err := fsx.WriteFile(path, []byte(file[1]), 0o644); err != nil {
			return diag.Wrap(diag.Failure, err, "cannot write "+path, "ls -ld "+diag.Word(dir))
		}
	}
	if dir != "" {
		a.sayf("hint: systemctl daemon-reload && systemctl enable --now %s", auditTimer)
	}
	return nil
}
