package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/modpath"
)

// refusedError is what a policy does not let through.
type refusedError struct{ reason string }

func (e *refusedError) Error() string { return e.reason }

// refused returns the reason for which a module is not served, if there is one.
// The version is empty for lists.
func (s *Server) refused(module, version string) error {
	name := module
	if version != "" {
		name += "@" + version
	}
	switch {
	case modpath.MatchVersion(s.config.Block, module, version):
		return &refusedError{name + " is blocked by this proxy"}
	case s.config.Allow != "" && !modpath.MatchVersion(s.config.Allow, module, version) && !(version == "" && modpath.Match(bare(s.config.Allow), module)):
		return &refusedError{name + " is not among the modules that this proxy allows"}
	}
	return nil
}

// bare returns patterns without their versions.
func bare(patterns string) string {
	list := strings.Split(patterns, ",")
	for i, pattern := range list {
		list[i], _, _ = strings.Cut(strings.TrimSpace(pattern), "@")
	}
	return strings.Join(list, ",")
}

// moduleInfo is the content of a .info file.
type moduleInfo struct {
	Version string
	Time    time.Time
}

func decodeInfo(data []byte) (moduleInfo, error) {
	var info moduleInfo
	if err := json.Unmarshal(data, &info); err != nil {
		return info, err
	}
	if !modpath.IsValid(info.Version) {
		return info, errors.New("the answer names no version")
	}
	return info, nil
}

// young reports whether the minimum age keeps a version out of lists. The time
// is that of its commit, which is all that a module proxy tells.
func (s *Server) young(info moduleInfo) bool {
	return s.config.MinAge > 0 && s.config.Now().Sub(info.Time) < s.config.MinAge
}

// filter returns the versions of a list that the policy lets through.
func (s *Server) filter(ctx context.Context, module string, versions []string) ([]string, error) {
	versions = slices.DeleteFunc(versions, func(version string) bool { return s.refused(module, version) != nil })
	if s.config.MinAge == 0 {
		return versions, nil
	}
	const parallel = 8
	var group sync.WaitGroup
	places := make(chan struct{}, parallel)
	keep, failures := make([]bool, len(versions)), make([]error, len(versions))
	for i, version := range versions {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			info, err := s.info(ctx, module, version)
			keep[i], failures[i] = err == nil && !s.young(info), err
		})
	}
	group.Wait()
	var kept []string
	for i, version := range versions {
		if failures[i] != nil && !isAbsent(failures[i]) {
			return nil, failures[i] // a list that lacks what may be the newest is false
		}
		if keep[i] {
			kept = append(kept, version)
		}
	}
	return kept, nil
}

// newest returns the version that @latest means in a list: the newest release,
// or the newest prerelease where there is none.
func newest(versions []string) string {
	best := ""
	for _, version := range versions {
		better := modpath.IsPrerelease(best) && !modpath.IsPrerelease(version)
		same := modpath.IsPrerelease(best) == modpath.IsPrerelease(version)
		if best == "" || better || same && modpath.Compare(version, best) > 0 {
			best = version
		}
	}
	return best
}

func heldBy(err error) string {
	var held *fsx.HeldError
	if !errors.As(err, &held) {
		return ""
	}
	return held.Holder.String()
}
