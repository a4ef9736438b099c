package fleet

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/ui"
)

// Statuses of checks and findings; of a check that was not done, Skip.
const (
	Pass = "ok"
	Info = "info"
	Warn = "warn"
	Fail = "fail"
	Skip = "skip"
)

// Check is what one command of a host's vmgo says.
type Check struct {
	ID       string    `json:"id"`
	Status   string    `json:"status"`
	Summary  string    `json:"summary"`
	Findings []Finding `json:"findings"`
}

// Finding is one thing that is not as it should be.
type Finding struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Summary string `json:"summary"`
	Fix     string `json:"fix"` // a command for the host; empty: none is known
}

func (c Check) failure(host string) error {
	code := diag.Failure
	if c.ID == Verify {
		code = diag.Tampered
	}
	return diag.New(code, host+": "+c.ID+": "+c.Summary, "vmgo fleet status "+diag.Word(host))
}

// read takes over what a host said.
func (f *Host) read(said map[string]*section, o Options) {
	if s := said["os"]; s != nil {
		lines := strings.Split(strings.TrimSpace(string(s.stdout)), "\n")
		f.OS, f.Arch = diag.Line(lines[0]), diag.Line(lines[len(lines)-1])
		if len(lines) == 1 {
			f.OS = ""
		}
	}
	if s := said["go"]; s != nil {
		f.OtherGo = diag.Line(strings.TrimPrefix(strings.TrimSpace(string(s.stdout)), "go"))
	}
	version := said["version"]
	if version == nil {
		if said["go"] != nil && f.State == OK {
			f.State = NoVmgo
		}
		return
	}
	var about struct {
		Version string `json:"version"`
	}
	if json.Unmarshal(version.stdout, &about) != nil || about.Version == "" {
		f.State, f.Error = Problems, "vmgo does not run: "+version.complaint()
		f.err = diag.New(diag.Failure, f.Host+": "+f.Error, "ssh "+diag.Word(f.Host)+" vmgo version")
		return
	}
	f.Vmgo = diag.Line(about.Version)
	f.readReleases(said["list"])
	readers := map[string]func([]byte) (Check, error){Verify: readVerify, Doctor: readDoctor, Harden: readHarden, Audit: readAudit}
	for _, id := range Checks() {
		s := said[id]
		if s == nil || !s.ended || !o.has(id) {
			continue
		}
		check, err := readers[id](s.stdout)
		if err != nil {
			check = Check{Status: Skip, Summary: s.complaint()}
			if id == Verify && len(f.Go) == 0 {
				check.Summary = "nothing is installed"
			}
		}
		if check.ID = id; check.Findings == nil {
			check.Findings = []Finding{}
		}
		if check.Status == Fail && f.State == OK {
			f.State = Problems
		}
		f.Checks = append(f.Checks, check)
	}
}

func (f *Host) readReleases(s *section) {
	var list []Release
	if s == nil || json.Unmarshal(s.stdout, &list) != nil {
		return
	}
	for _, r := range list {
		f.Go = append(f.Go, Release{diag.Line(r.Version), r.Default})
		if r.Version == f.OtherGo { // a link to it is no other go
			f.OtherGo = ""
		}
	}
}

func readVerify(data []byte) (Check, error) {
	var reports []struct {
		Version string `json:"version"`
		OK      bool   `json:"ok"`
		Checks  []struct {
			Status, Detail string
		} `json:"checks"`
	}
	if err := json.Unmarshal(data, &reports); err != nil {
		return Check{}, err
	}
	c, failed := Check{Status: Pass, Summary: "ok"}, 0
	for _, r := range reports {
		if !r.OK {
			failed++
		}
		for _, check := range r.Checks {
			if !r.OK && check.Status != "pass" { // the others mostly say the same
				c.Findings = append(c.Findings, Finding{r.Version, Fail, check.Detail, "vmgo repair " + diag.Word(r.Version)})
				break
			}
		}
	}
	if failed > 0 {
		c.Status, c.Summary = Fail, strconv.Itoa(failed)+" of "+strconv.Itoa(len(reports))+" failed"
	}
	return c, nil
}

func readDoctor(data []byte) (Check, error) {
	var report struct {
		Checks []struct {
			ID, Status, Summary, Fix string
		} `json:"checks"`
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return Check{}, err
	}
	c, count := Check{Status: Pass}, map[string]int{}
	for _, check := range report.Checks {
		if count[check.Status]++; check.Status == Fail || check.Status == Warn {
			c.Findings = append(c.Findings, Finding{check.ID, check.Status, check.Summary, check.Fix})
		}
	}
	var parts []string
	if n := count[Warn]; n > 0 {
		c.Status, parts = Warn, append(parts, strconv.Itoa(n)+" warn")
	}
	if n := count[Fail]; n > 0 {
		c.Status, parts = Fail, append([]string{strconv.Itoa(n) + " fail"}, parts...)
	}
	if c.Summary = strings.Join(parts, ", "); c.Summary == "" {
		c.Summary = "ok"
	}
	return c, nil
}

func readHarden(data []byte) (Check, error) {
	var plan struct {
		Items []struct {
			ID, What, State, Reason string
			Selected                bool
		} `json:"items"`
	}
	if err := json.Unmarshal(data, &plan); err != nil {
		return Check{}, err
	}
	c, pending, drifted := Check{Status: Pass, Summary: "ok"}, 0, 0
	for _, item := range plan.Items {
		switch {
		case item.State == "drifted":
			drifted++
			summary := item.What
			if item.Reason != "" {
				summary += ": " + item.Reason
			}
			c.Findings = append(c.Findings, Finding{item.ID, Fail, summary, "sudo vmgo harden apply --only " + diag.Word(item.ID)})
		case item.State == "pending" && item.Selected:
			pending++
		}
	}
	switch {
	case drifted > 0:
		c.Status, c.Summary = Fail, strconv.Itoa(drifted)+" drifted"
	case pending > 0:
		c.Status, c.Summary = Info, strconv.Itoa(pending)+" not applied"
	}
	return c, nil
}

func readAudit(data []byte) (Check, error) {
	var report struct {
		Findings []struct {
			ID, Module, Version, Fixed, Fix string
		} `json:"findings"`
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return Check{}, err
	}
	c := Check{Status: Pass, Summary: "ok"}
	for _, found := range report.Findings {
		summary := found.Module + " " + found.Version
		if found.Fixed != "" {
			summary += ", fixed in " + found.Fixed
		}
		c.Findings = append(c.Findings, Finding{found.ID, Fail, strings.TrimSpace(summary), found.Fix})
	}
	if n := len(c.Findings); n > 0 {
		c.Status, c.Summary = Fail, ui.Count(n, "finding")
	}
	return c, nil
}
