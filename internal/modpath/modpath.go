// Package modpath has the rules for paths and versions of Go modules: how they
// are written in the URLs of a module proxy, which are valid, which of two
// versions is newer, and which modules a list of patterns names.
package modpath

import (
	"errors"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

// Escape returns how a module proxy writes a path and a version: an upper-case
// letter becomes "!" and the lower-case one.
func Escape(path, version string) (escapedPath, escapedVersion string, err error) {
	if escapedPath, err = module.EscapePath(path); err != nil {
		return "", "", err
	}
	escapedVersion, err = module.EscapeVersion(version)
	return escapedPath, escapedVersion, err
}

// UnescapePath returns the module path that a module proxy writes like this.
func UnescapePath(escaped string) (string, error) { return module.UnescapePath(escaped) }

// UnescapeVersion returns the version or query that a module proxy writes like
// this.
func UnescapeVersion(escaped string) (string, error) { return module.UnescapeVersion(escaped) }

// Dir returns the directory that a use or replace line names in the go.mod or
// go.work of a directory.
func Dir(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, filepath.FromSlash(name))
}

// IsExact reports whether version is a whole version in its canonical form, one
// that always means the same content, and fits the path.
func IsExact(path, version string) bool {
	return module.Check(path, version) == nil && module.CanonicalVersion(version) == version
}

// IsPrerelease reports whether version is one before a release, as every
// pseudo-version is.
func IsPrerelease(version string) bool { return semver.Prerelease(version) != "" }

// IsPseudo reports whether version names a commit: v0.0.0-20260101000000-abcdefabcdef.
func IsPseudo(version string) bool { return module.IsPseudoVersion(version) }

// Compare returns the order of two versions: negative if a is older.
func Compare(a, b string) int { return semver.Compare(a, b) }

// IsValid reports whether version is a semantic version with a leading v.
func IsValid(version string) bool { return semver.IsValid(version) }

// Match reports whether one of the patterns, which stand in a list with commas
// as in GOPRIVATE, names the module or a prefix of its path.
func Match(patterns, path string) bool { return module.MatchPrefixPatterns(patterns, path) }

// Join makes one list of several. Like the go command, it takes "none" for an
// empty one.
func Join(lists ...string) string {
	var kept []string
	for _, list := range lists {
		if list != "" && list != "none" {
			kept = append(kept, list)
		}
	}
	return strings.Join(kept, ",")
}

// MatchVersion is [Match] with patterns that may name one version:
// "example.com/bad@v1.2.3".
func MatchVersion(patterns, path, version string) bool {
	for pattern := range strings.SplitSeq(patterns, ",") {
		pattern, only, exact := strings.Cut(strings.TrimSpace(pattern), "@")
		if pattern != "" && Match(pattern, path) && (!exact || only == version) {
			return true
		}
	}
	return false
}

// CheckPatterns returns an error for a list with a pattern that can match
// nothing.
func CheckPatterns(patterns string) error {
	for pattern := range strings.SplitSeq(patterns, ",") {
		pattern, _, _ = strings.Cut(strings.TrimSpace(pattern), "@")
		if strings.ContainsAny(pattern, " \t\n") || strings.Contains(pattern, "://") {
			return errors.New("the pattern \"" + pattern + "\" is no pattern of module paths, such as example.com/*")
		}
	}
	return nil
}

// PseudoTime returns the time of the commit that a pseudo-version names.
func PseudoTime(version string) (time.Time, error) { return module.PseudoVersionTime(version) }
