package cmd

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/audit"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/lookpath"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/internal/vulndb"
)

func (a *app) auditCommand() *cli.Command {
	return a.declare(needs{settings: true, store: true, network: true}, &cli.Command{
		Name:      "audit",
		Usage:     "look up known vulnerabilities of releases, programs and projects, and the commands that fix them",
		UsageText: "vmgo audit [FILE|DIR...] [--offline] [--severity LEVEL] [--since LAST] [--json | --sarif FILE | --openvex FILE]\nvmgo audit --timer [--out DIR] [--webhook URL]",
		ArgsUsage: "[FILE|DIR...]",
		Description: `Without arguments: the installed releases, the programs of PATH, GOBIN, vmgo tools and running services, this
project and those where vmgo was used. A FILE is a program, a DIR has a go.mod, a go.work or programs.
The database is golang.org/x/vulndb by way of GOPROXY, compared with the checksum database (docs/audit.md). It
rates no severities. Where govulncheck is installed it tells which functions are there, or called: the level symbol.`,
		Category: machineCategory,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "offline", Usage: "use the database that was fetched last"},
			&cli.StringFlag{Name: "severity", Usage: "exit with status 1 from this `LEVEL` on: module, symbol, or none for never", Value: string(audit.LevelModule)},
			&cli.StringFlag{Name: "since", Usage: "leave out what `LAST` has: last for the previous audit, or a file of --json"},
			&cli.StringFlag{Name: "sarif", Usage: "write the findings in SARIF to `FILE`"},
			&cli.StringFlag{Name: "openvex", Usage: "write the findings in OpenVEX to `FILE`"},
			&cli.StringFlag{Name: "webhook", Usage: "send the report to `URL` if there are findings"},
			&cli.BoolFlag{Name: "timer", Usage: "print a service and timer of systemd for a monthly audit"},
			&cli.StringFlag{Name: "out", Usage: "with --timer: write the two files to `DIR`"},
			jsonFlag(),
		},
		Action: a.audit,
	})
}

func (a *app) audit(c *cli.Context) error {
	args, err := arguments(c, 0, -1, "")
	if err != nil {
		return err
	}
	if c.Bool("timer") {
		return a.auditTimer(c.String("out"), c.String("webhook"))
	}
	least := c.String("severity")
	if !slices.Contains([]string{string(audit.LevelModule), string(audit.LevelSymbol), "none"}, least) {
		return diag.New(diag.Usage, "--severity is module, symbol or none, not "+diag.Word(least), helpFor(c))
	}
	earlier, err := a.earlierAudit(c.String("since"))
	if err != nil {
		return err
	}
	subjects, unread, err := a.auditSubjects(args)
	if err != nil {
		return err
	}
	db, err := a.vulnerabilities(c)
	if err != nil {
		return err
	}
	lines, err := a.releaseLines()
	if err != nil {
		return err
	}
	auditor := audit.Auditor{Database: db, Lines: lines, Now: a.host.Now(), Symbols: a.govulncheck(c, db)}
	end := a.showing("looking up " + ui.Count(len(subjects), "thing"))
	report := auditor.Audit(c.Context, subjects)
	end()
	if err := c.Context.Err(); err != nil {
		return err
	}
	report.Unread = append(report.Unread, unread...)
	shown := report
	if c.IsSet("since") {
		shown = report.Since(earlier)
	}
	if err := a.deliverAudit(c, shown); err != nil {
		return err
	}
	if len(args) == 0 {
		a.keepAudit(report)
	}
	if least != "none" && slices.ContainsFunc(shown.Findings, func(f audit.Finding) bool { return f.Reaches(audit.Level(least)) }) {
		return reportedError{diag.New(diag.Failure, "there are known vulnerabilities")}
	}
	return nil
}

// deliverAudit writes the report to every requested place.
func (a *app) deliverAudit(c *cli.Context, report audit.Report) error {
	for flag, encode := range map[string]func() ([]byte, error){
		"sarif":   func() ([]byte, error) { return report.SARIF(currentBuild().version) },
		"openvex": func() ([]byte, error) { return report.OpenVEX("vmgo audit", a.host.Now()) },
	} {
		if !c.IsSet(flag) {
			continue
		}
		data, err := encode()
		if err == nil {
			err = fsx.WriteOutput(a.host.Abs(c.String(flag)), data, 0o644)
		}
		if err != nil {
			return diag.Wrap(diag.Failure, err, "cannot write "+c.String(flag))
		}
	}
	var err error
	if c.Bool("json") {
		err = ui.JSON(a.host.Stdout, report)
	} else {
		err = a.auditText(report)
	}
	if url := c.String("webhook"); err == nil && url != "" && len(report.Findings) > 0 {
		var message []byte
		if message, err = json.Marshal(report); err == nil {
			err = a.client().Post(c.Context, url, message)
		}
	}
	return err
}

// vulnerabilities returns the database: the newest, or with --offline the one
// that was fetched last.
func (a *app) vulnerabilities(c *cli.Context) (*vulndb.Database, error) {
	if a.layout.Cache == "" {
		return nil, diag.New(diag.Failure, "there is no place for the vulnerability database, as HOME is not set", homeHint, cacheHint)
	}
	dir := filepath.Join(a.layout.Cache, "vulndb")
	if c.Bool("offline") || a.settings.Offline {
		db, err := vulndb.Kept(dir)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, diag.New(diag.Offline, "the vulnerability database was not fetched before",
				"vmgo audit   # fetches it, also from a GOPROXY=file:///DIR")
		}
		return db, err
	}
	client := a.client()
	log, err := a.log(client)
	if err != nil {
		return nil, err
	}
	proxies, err := a.proxies()
	if err != nil {
		return nil, err
	}
	end := a.showing("fetching the vulnerability database")
	source := vulndb.Source{Client: client, Proxies: proxies, Log: log, Dir: dir, Now: a.host.Now}
	db, why, err := source.Newest(c.Context)
	end()
	if why != nil {
		a.warnf("the vulnerability database is that of %s: %v", db.FetchedAt.Format("2006-01-02"), why)
	}
	return db, err
}

// govulncheck returns how to look at functions, nil where it is not installed.
func (a *app) govulncheck(c *cli.Context, db *vulndb.Database) symbolsFunc {
	path := a.host.Env["PATH"]
	if k, err := a.kit(false); err == nil {
		path += ":" + k.Bin
	}
	program, found := lookpath.Find(path, "govulncheck", lookpath.IsProgram)
	if !found {
		return nil
	}
	return audit.Govulncheck{
		Host: a.host, Program: program, Database: db, TempDir: a.tempDir(), Offline: c.Bool("offline") || a.settings.Offline,
	}.Symbols
}

func (a *app) tempDir() string {
	if dir := a.host.Env["TMPDIR"]; filepath.IsAbs(dir) {
		return dir
	}
	return os.TempDir()
}

// maxReport bounds a report of an earlier audit, in bytes.
const maxReport = 64 << 20

// earlierAudit reads what --since names. Without a previous audit it is empty.
func (a *app) earlierAudit(since string) (r audit.Report, err error) {
	if since == "" {
		return r, nil
	}
	file := a.host.Abs(since)
	if strings.EqualFold(since, "last") {
		file = a.lastAudit()
	}
	data, err := smallfile.Read(file, maxReport)
	if errors.Is(err, fs.ErrNotExist) && strings.EqualFold(since, "last") {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		return r, diag.Wrap(diag.Usage, err, "--since names no report of an audit: "+file, "vmgo audit --json > report.json")
	}
	return r, nil
}

func (a *app) lastAudit() string { return filepath.Join(a.layout.State, "audit.json") }

// keepAudit remembers a report for --since last.
func (a *app) keepAudit(report audit.Report) {
	data, err := json.Marshal(report)
	if err == nil && a.layout.State != "" {
		err = errors.Join(fsx.MkdirAll(a.layout.State, 0o700), fsx.WriteFile(a.lastAudit(), data, 0o600))
	}
	if err != nil {
		a.warnf("this audit is not remembered for --since last: %v", err)
	}
}
