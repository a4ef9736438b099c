// Package verify checks installed releases, at any later time: the files against
// the manifest, the tree against the checksum database, and the toolchain by
// running it. It reads a release and never changes one.
//
// A tree that vmgo did not install is checked in the same way: its version is
// in its VERSION file, and manifest and proof are made from the log alone.
package verify

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/store"
)

// Status is how a check ended.
type Status string

// The words are part of the contract of verify --json.
const (
	Pass Status = "pass"
	Fail Status = "fail"
	Skip Status = "skip" // it could not be made; Detail says why
)

// Kind is what is wrong with a file.
type Kind string

// The words are part of the contract of verify --json.
const (
	Modified   Kind = "modified" // another content
	Missing    Kind = "missing"
	Extra      Kind = "extra"
	Mode       Kind = "mode"       // other permissions than the release has
	Owner      Kind = "owner"      // belongs to another user than the release
	Writable   Kind = "writable"   // users beside the owner may write it
	Irregular  Kind = "irregular"  // a link, device, pipe or socket where a release has none
	Capability Kind = "capability" // it would run with rights of root (security.capability)
	ACL        Kind = "acl"        // an access control list, where a release has none
	Attribute  Kind = "attribute"  // another extended attribute, where a release has none
	Link       Kind = "link"       // the link for GOTOOLCHAIN=path leads elsewhere
	Unproven   Kind = "unproven"   // in api, doc, misc or test of an install whose signature was not verified
)

// Phrase returns what is wrong with a file of that kind, in words.
func (k Kind) Phrase() string {
	switch k {
	case Extra:
		return "it is not part of the release"
	case Mode:
		return "its permissions are not those of the release"
	case Owner:
		return "it belongs to another user than the release"
	case Irregular:
		return "it is not a regular file"
	case Capability:
		return "it has a file capability: who runs it gets rights of root"
	case ACL:
		return "it has an access control list"
	case Attribute:
		return "it has an extended attribute"
	}
	return "it is " + string(k)
}

// Problem is one thing that is wrong with one file.
type Problem struct {
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
}

// Check is the outcome of one kind of check.
type Check struct {
	ID       string    `json:"id"` // files, log, run, smoke, std, rebuild
	Status   Status    `json:"status"`
	Detail   string    `json:"detail"`
	Seconds  float64   `json:"seconds"`
	Problems []Problem `json:"problems"`

	err error // why it failed or could not be made, with its code
}

// Report is what was found about one release.
type Report struct {
	Version string  `json:"version"`
	GOROOT  string  `json:"goroot"`
	OK      bool    `json:"ok"`
	Checks  []Check `json:"checks"`
}

// Failed reports whether a check found something wrong, as opposed to one that could
// not be made.
func (r Report) Failed() bool {
	return slices.ContainsFunc(r.Checks, func(c Check) bool { return c.Status == Fail })
}

// Err returns nil, or one error for all checks that failed: the gravest first.
func (r Report) Err() error {
	var first error
	for _, c := range r.Checks {
		if c.err != nil && (first == nil || diag.ExitStatus(c.err) > diag.ExitStatus(first)) {
			first = c.err
		}
	}
	return first
}

// Target is a tree to be checked.
type Target struct {
	Version  gover.Version
	Platform gover.Platform
	GOROOT   string
	// Store that installed it; nil for a tree that vmgo did not install.
	Store *store.Store
}

// Foreign makes the target of a GOROOT that is in no store. Version and
// platform are read from the tree itself, which proves nothing: every byte is
// then compared with the record of the log.
func Foreign(goroot string, platform gover.Platform) (Target, error) {
	hint := "vmgo verify /path/to/a/GOROOT"
	name, err := store.NameOf(goroot)
	if err != nil {
		return Target{}, diag.Wrap(diag.NotInstalled, err, goroot+" is not a GOROOT", hint)
	}
	version, err := gover.Parse(name)
	if err != nil || !version.IsRelease() {
		return Target{}, diag.New(diag.NotInstalled, goroot+" is not a released Go: its VERSION says "+strconv.Quote(name), hint)
	}
	return Target{Version: version, Platform: treePlatform(goroot, platform), GOROOT: goroot}, nil
}

// treePlatform looks for the one platform that the tree has tools for.
func treePlatform(goroot string, fallback gover.Platform) gover.Platform {
	entries, err := os.ReadDir(filepath.Join(goroot, "pkg", "tool"))
	if err != nil || len(entries) != 1 {
		return fallback
	}
	goos, goarch, _ := strings.Cut(entries[0].Name(), "_")
	if p := (gover.Platform{OS: goos, Arch: goarch}); p.IsPlain() {
		return p
	}
	return fallback
}

// timed runs one check and fills in its times.
func timed(id string, now func() time.Time, check func(c *Check)) Check {
	c := Check{ID: id, Status: Pass, Problems: []Problem{}}
	begin := now()
	check(&c)
	c.Seconds = now().Sub(begin).Seconds()
	return c
}

// fail marks the check as failed because of err.
func (c *Check) fail(err error) {
	c.Status, c.err = Fail, err
	if c.Detail == "" {
		c.Detail = err.Error()
	}
}

// skip marks the check as not made. With a code that is not empty, the verification
// fails.
func (c *Check) skip(err error) {
	c.Status, c.err = Skip, err
	if c.Detail == "" {
		c.Detail = err.Error()
	}
}
