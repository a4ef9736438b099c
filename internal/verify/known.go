package verify

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/gover"
)

// knownFailure is a failure of the standard library's tests that does not
// depend on the tree that is verified.
type knownFailure struct {
	pkg    string
	tests  []string
	since  time.Time // when it began to fail
	from   string    // the first release that has it
	fixed  []string  // the first sound release of each minor version that got the correction
	why    string
	report string // where it was reported in public
}

// knownFailures returns those that have a public report. Which releases have the
// certificate, and which the correction, was read in their own sources.
func knownFailures() []knownFailure {
	return []knownFailure{
		{
			pkg: "crypto/tls", tests: []string{"TestVerifyConnection", "TestResumptionKeepsOCSPAndSCT", "TestCrossVersionResume"},
			since: time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC), from: "1.15", fixed: []string{"1.22.11", "1.23.5"},
			why: "a certificate of the tests expired on 2025-01-01", report: "https://github.com/golang/go/issues/71077",
		},
		{
			pkg: "net/smtp", tests: []string{"TestTLSClient", "TestTLSConnState"},
			since: time.Date(2026, 3, 18, 19, 27, 54, 0, time.UTC), from: "1.25.0", fixed: []string{"1.25.8", "1.26.1"},
			why: "a certificate of the tests expired on 2026-03-18", report: "https://github.com/golang/go/issues/77504",
		},
	}
}

// known returns why a package is known to fail with these tests, and where that was
// reported.
func known(v gover.Version, now time.Time, pkg string, tests []string) (string, bool) {
	for _, k := range knownFailures() {
		if k.pkg != pkg || len(tests) == 0 || now.Before(k.since) || !k.concerns(v) {
			continue
		}
		if !slices.ContainsFunc(tests, func(test string) bool { return !slices.Contains(k.tests, test) }) {
			return fmt.Sprintf("%s (%s): %s, see %s", pkg, strings.Join(tests, ", "), k.why, k.report), true
		}
	}
	return "", false
}

// concerns reports whether a release has the fault and lacks the correction.
func (k knownFailure) concerns(v gover.Version) bool {
	if from, err := gover.Parse(k.from); err != nil || v.Compare(from) < 0 {
		return false
	}
	newest := 0
	for _, text := range k.fixed {
		fixed, err := gover.Parse(text)
		if err != nil {
			return false
		}
		if fixed.Minor() == v.Minor() {
			return v.Compare(fixed) < 0
		}
		newest = max(newest, fixed.Minor())
	}
	return v.Minor() < newest
}
