package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/proxy/cache"
)

// answer is what changes with time: a list, @latest, the version of a branch.
type answer struct {
	data  []byte
	time  time.Time
	stale error // why upstream could not be asked anew, nil if this is new
}

// serveAnswer serves a list or a query. Where upstream is out of reach, it is
// what it last said.
func (s *Server) serveAnswer(w http.ResponseWriter, r *http.Request, asked request) {
	a, err := s.policed(r.Context(), asked)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	noteHit(w, hit)
	setType(w, asked.kind)
	w.Header().Set("Cache-Control", "public, max-age=60")
	if a.stale != nil {
		noteHit(w, stale)
		s.metrics.stale.Add(1)
		w.Header().Set("Warning", `110 vmgo-proxy "upstream is out of reach: this is its last answer"`)
		w.Header().Set("Cache-Control", "no-store")
	}
	http.ServeContent(w, r, "", a.time, bytes.NewReader(a.data))
}

// policed returns the answer that the policy leaves.
func (s *Server) policed(ctx context.Context, asked request) (answer, error) {
	a, err := s.answer(ctx, asked, func() error { return s.ask(asked) })
	if err != nil || asked.kind == kindQuery {
		return a, err
	}
	if asked.kind == kindLatest {
		return s.policedLatest(ctx, asked, a)
	}
	versions, err := s.filter(ctx, asked.module, versionsIn(a.data))
	a.data = []byte(strings.Join(append(versions, ""), "\n"))
	return a, err
}

// policedLatest returns the newest version that may be served: upstream's own
// answer, which may be a pseudo-version, if that is one.
func (s *Server) policedLatest(ctx context.Context, asked request, a answer) (answer, error) {
	info, err := decodeInfo(a.data)
	if err != nil {
		return a, diag.Wrap(diag.Network, err, "the upstream's answer about the newest version of "+asked.module+" cannot be read")
	}
	if !s.young(info) && s.refused(asked.module, info.Version) == nil {
		return a, nil
	}
	list := asked
	list.kind, list.name = kindList, strings.TrimSuffix(asked.name, "@latest")+"@v/list"
	known, err := s.policed(ctx, list)
	if err != nil {
		return a, err
	}
	best := newest(versionsIn(known.data))
	if best == "" {
		return a, &notFoundError{"every version of " + asked.module + " is younger than " + s.config.MinAge.String() + " or refused"}
	}
	if info, err = s.info(ctx, asked.module, best); err != nil {
		return a, err
	}
	a.data, err = json.Marshal(info)
	return a, err
}

// notFoundError is what the proxy does not have, for a reason of its own.
type notFoundError struct{ reason string }

func (e *notFoundError) Error() string        { return e.reason }
func (e *notFoundError) Is(target error) bool { return target == fs.ErrNotExist }

// versionsIn returns the versions of a list, each the first word of its line.
func versionsIn(list []byte) []string {
	var versions []string
	for line := range strings.Lines(string(list)) {
		if fields := strings.Fields(line); len(fields) > 0 && modpath.IsValid(fields[0]) {
			versions = append(versions, fields[0])
		}
	}
	return versions
}

// answer returns what upstream says now, or what it last said where it is out of
// reach. That it does not have something is an answer too. ask puts what upstream
// says into the cache.
func (s *Server) answer(ctx context.Context, asked request, ask func() error) (answer, error) {
	last, found := s.lastAnswer(asked.name)
	if s.config.Offline {
		return s.offlineAnswer(ctx, asked, last, found)
	}
	if found && s.config.Now().Sub(last.time) < s.config.ListAge {
		return last, nil
	}
	fl := s.flights.join(asked.name, func(*flight) error { return ask() })
	err := fl.wait(ctx)
	fl.readers.Done()
	switch {
	case err == nil:
		now, ok := s.lastAnswer(asked.name)
		if !ok {
			return answer{}, diag.New(diag.Failure, "cannot store "+asked.name)
		}
		return now, nil
	case !found && !isAbsent(err) && ctx.Err() == nil && s.answerFromBucket(ctx, asked.name):
		last, _ = s.lastAnswer(asked.name)
		last.stale = err
		return last, nil
	case found && !isAbsent(err) && ctx.Err() == nil:
		last.stale = err
		return last, nil
	}
	return answer{}, err
}

func (s *Server) lastAnswer(name string) (answer, bool) {
	object, err := s.store.Get(name)
	if err != nil {
		if errors.Is(err, cache.ErrDamaged) {
			s.noteDamage(name)
		}
		return answer{}, false
	}
	_ = object.Close()
	data, err := s.small(name)
	return answer{data: data, time: object.Time}, err == nil
}

// ask puts upstream's answer into the cache.
func (s *Server) ask(asked request) error {
	s.metrics.fetches.Add(1)
	data, err := s.askUpstream(asked)
	if err != nil {
		if !isAbsent(err) {
			s.metrics.failures.Add(1)
		}
		return err
	}
	if asked.kind != kindList {
		if _, err := decodeInfo(data); err != nil {
			return diag.Wrap(diag.Network, err, "the upstream's answer to "+asked.name+" cannot be read")
		}
	}
	return s.keepAnswer(asked.name, data)
}

// keepAnswer stores what may change, for this proxy and the replicas.
func (s *Server) keepAnswer(name string, data []byte) error {
	if err := s.store.Put(name, data); err != nil {
		return err
	}
	s.toBucket(name, false)
	return nil
}

func (s *Server) askUpstream(asked request) (data []byte, err error) {
	if s.isDirect(asked.module) {
		return s.askDirect(asked)
	}
	err = s.config.Upstreams.Try(isAbsent, func(upstream goenv.Proxy) (err error) {
		switch {
		case upstream.Off:
			return errListEnds
		case upstream.Direct:
			data, err = s.askDirect(asked)
		default:
			data, err = s.config.Client.Get(s.ctx, upstream.URL+"/"+asked.name, maxAnswer)
		}
		return err
	})
	return data, err
}

// offlineAnswer makes an answer of the files that are there.
func (s *Server) offlineAnswer(ctx context.Context, asked request, last answer, found bool) (answer, error) {
	if found {
		return last, nil
	}
	path, _, _ := strings.Cut(asked.name, "/@")
	var versions []string
	for _, escaped := range s.store.Versions(path, ".mod") {
		if version, err := modpath.UnescapeVersion(escaped); err == nil && modpath.IsExact(asked.module, version) {
			versions = append(versions, version)
		}
	}
	if len(versions) == 0 || asked.kind == kindQuery {
		return answer{}, errOffline
	}
	if asked.kind == kindList {
		slices.SortFunc(versions, modpath.Compare)
		return answer{data: []byte(strings.Join(append(versions, ""), "\n"))}, nil
	}
	info, err := s.info(ctx, asked.module, newest(versions))
	if err != nil {
		return answer{}, err
	}
	data, err := json.Marshal(info)
	return answer{data: data}, err
}
