// Package chosen knows where the tools of a user are on disk, for the lean
// program: which build of Delve serves which release.
package chosen

import (
	"os"
	"path/filepath"
)

// Delve is the one tool that is picked by the release of the directory: each
// version of it reads the debug information of some releases only.
const Delve = "dlv"

// NoVersionCheck is the flag with which Delve debugs what an older release
// built. Of what a newer release built it would show no variables.
const NoVersionCheck = "--check-go-version=false"

// The directories of Delve that have a link to a build for each line of
// releases, such as 1.22.
const (
	Fitting   = "for"       // the line is within the build's own window
	Unchecked = "unchecked" // the line is older, so the check has to be off
	Current   = "current"   // of every tool: the build that its name runs
)

// Tools is the directory of the tools beneath the user's data.
func Tools(data string) string { return data + "/tools" }

// DelveFor returns the program that debugs what releases of a line build, and
// the flags that it needs first; "" if none was chosen. An empty line stands
// for a Go that is not vmgo's: the current build has to do.
func DelveFor(data, line string) (program string, flags []string) {
	base := filepath.Join(Tools(data), Delve)
	if line == "" {
		return existing(filepath.Join(base, Current, Delve)), nil
	}
	if program := existing(filepath.Join(base, Fitting, line, Delve)); program != "" {
		return program, nil
	}
	return existing(filepath.Join(base, Unchecked, line, Delve)), []string{NoVersionCheck}
}

func existing(path string) string {
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}
