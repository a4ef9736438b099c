// Package prune finds what nobody needs any more: releases that no known
// project and no default asks for, GOPATHs whose project is gone, the toolchains
// that the go command downloaded for itself, and unfinished downloads. It
// plans; removing is a second step.
//
// Where it cannot tell, it keeps: a project whose version file cannot be read
// might need any release.
package prune

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/resolve"
	"github.com/vmgo/vmgo/internal/store/installed"
	"github.com/vmgo/vmgo/internal/verify"
)

// Kind says what sort of thing a Candidate is.
type Kind string

// The kinds, in the order in which they are removed.
const (
	Release   Kind = "release"   // an installed release
	Gopath    Kind = "gopath"    // the GOPATH of a project that is gone
	Toolchain Kind = "toolchain" // a toolchain in a module cache
	Download  Kind = "download"  // an unfinished or set-aside download
	Check     Kind = "check"     // what an interrupted verify keeps to go on
	Shim      Kind = "shim"      // a link named go or gofmt whose vmgo-shim is gone
)

// Candidate is one thing that may go.
type Candidate struct {
	Kind    Kind
	Path    string
	Release installed.Release // of a Release
	Project string            // of a Gopath
	Bytes   int64             // that removing it frees, not counting what other files share
	Why     string
}

// Kept is a release that stays, and for what.
type Kept struct {
	Release installed.Release
	Why     string
}

// Input is all that a plan depends on.
type Input struct {
	Installed []installed.Release // those that may be removed
	Projects  []string            // directories of known projects
	// Resolve returns what is selected in a directory.
	Resolve func(dir string) (resolve.Resolution, error)
	// Needed returns releases that something else than a project needs, by GOROOT.
	Needed map[string]string
	// GopathDir holds the GOPATHs of projects.
	GopathDir string
	// Modcaches are module caches of the go command.
	Modcaches []string
	// Downloads are directories of unfinished downloads.
	Downloads []string
	// Stored are all releases that this user could verify, also those that others may remove.
	Stored []installed.Release
	// Checks is the directory in which verify keeps what it needs to go on; "" for none.
	Checks string
	// Shims are links to a vmgo-shim that is gone.
	Shims []string
}

// Plan says what may go and which releases stay.
func Plan(in Input) (drop []Candidate, kept []Kept, err error) {
	needed, gone, err := in.needs()
	if err != nil {
		return nil, nil, err
	}
	for _, release := range in.Installed {
		if why, ok := needed[release.GOROOT]; ok {
			kept = append(kept, Kept{release, why})
			continue
		}
		drop = append(drop, Candidate{
			Kind: Release, Path: release.GOROOT, Release: release, Bytes: freed(release.GOROOT),
			Why: "no known project and no default requests it",
		})
	}
	for _, project := range gone {
		path := environ.ProjectGopath(filepath.Dir(in.GopathDir), project)
		if _, err := os.Lstat(path); err == nil && in.GopathDir != "" {
			drop = append(drop, Candidate{Kind: Gopath, Path: path, Project: project, Bytes: freed(path), Why: project + " is gone"})
		}
	}
	drop = append(drop, toolchains(in.Modcaches)...)
	drop = append(drop, downloads(in.Downloads)...)
	drop = append(drop, in.checks(drop)...)
	for _, path := range in.Shims {
		drop = append(drop, Candidate{Kind: Shim, Path: path, Why: "its target, vmgo-shim, is gone"})
	}
	return drop, kept, nil
}

// needs maps the GOROOT of each release that is needed to the reason, and lists
// the projects that are gone.
func (in Input) needs() (needed map[string]string, gone []string, err error) {
	needed = map[string]string{}
	for goroot, why := range in.Needed {
		needed[goroot] = why
	}
	for _, project := range in.Projects {
		if isGone(project) {
			gone = append(gone, project)
			continue
		}
		resolution, err := in.Resolve(project)
		switch code := diag.CodeOf(err); {
		case err == nil:
			if _, known := needed[resolution.GOROOT]; !known {
				needed[resolution.GOROOT] = "requested by " + resolution.Requirement.Origin.String()
			}
		case code == diag.NotInstalled || code == diag.NoRequirement:
		default:
			return nil, nil, diag.Wrap(code, err, "cannot tell what the project "+project+" needs, so nothing is pruned",
				"cd "+diag.Word(project)+" && vmgo current --explain")
		}
	}
	return needed, gone, nil
}

// toolchains finds what GOTOOLCHAIN=auto has downloaded into module caches: the
// unpacked toolchains and their zips.
func toolchains(modcaches []string) []Candidate {
	var found []Candidate
	for _, modcache := range modcaches {
		for _, pattern := range []string{"golang.org/toolchain@v0.0.1-go*", "cache/download/golang.org/toolchain/@v/v0.0.1-go*.zip"} {
			matches, err := filepath.Glob(filepath.Join(escapeGlob(modcache), pattern))
			if err != nil {
				continue // the pattern is ours and the directory is escaped
			}
			for _, path := range matches {
				found = append(found, Candidate{
					Kind: Toolchain, Path: path, Bytes: freed(path),
					Why: "the go command's own copy; with VMGO_GOTOOLCHAIN=path the go command uses those of the store",
				})
			}
		}
	}
	return found
}

func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(path)
}

// downloads lists the files beneath the directories, without those that a
// running install holds. The directories stay: an install may be about to use them.
func downloads(dirs []string) []Candidate {
	var found []Candidate
	for _, dir := range dirs {
		_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() && !fsx.Held(path) {
				found = append(found, Candidate{Kind: Download, Path: path, Bytes: freed(path), Why: "unfinished, or set aside because it failed a check"})
			}
			return nil // what cannot be read is not ours to remove
		})
	}
	return found
}

// checks lists what verify keeps of releases that are in no store, or not any more once
// others of the plan are gone. A rebuild that runs holds its lock.
func (in Input) checks(drop []Candidate) (found []Candidate) {
	entries, err := os.ReadDir(in.Checks)
	if err != nil {
		return nil // there is none, or it is not ours to remove
	}
	for _, entry := range entries {
		version, ours := verify.KeptOf(entry.Name())
		stays := slices.ContainsFunc(in.Stored, func(r installed.Release) bool {
			return r.Version == version && !slices.ContainsFunc(drop, func(c Candidate) bool { return c.Path == r.GOROOT })
		})
		path := filepath.Join(in.Checks, entry.Name())
		if !ours || stays || fsx.Held(verify.LockOf(path)) {
			continue
		}
		found = append(found, Candidate{Kind: Check, Path: path, Bytes: freed(path), Why: "left by a verify of go " + version.String() + ", which is not installed"})
	}
	return found
}

// freed adds up the files beneath path that nothing else links to. What cannot
// be read counts as nothing.
func freed(path string) (bytes int64) {
	_ = filepath.WalkDir(path, func(path string, _ fs.DirEntry, _ error) error {
		var stat syscall.Stat_t // without links where it cannot be read
		_ = syscall.Lstat(path, &stat)
		directory := stat.Mode&syscall.S_IFMT == syscall.S_IFDIR
		if !directory && stat.Nlink == 1 {
			bytes += stat.Size
		}
		return nil
	})
	return bytes
}
