package trust

import (
	"context"
	"os"
	"strings"
	"testing"
)

// sharedFiles is what others have seen, by name.
type sharedFiles map[string]string

func (f sharedFiles) Get(_ context.Context, file string) []byte { return []byte(f[file]) }

func (f sharedFiles) Put(_ context.Context, file string, data []byte) { f[file] = string(data) }

// readOnly fails the test where something is shared.
type readOnly struct {
	sharedFiles
	t *testing.T
}

func (r readOnly) Put(_ context.Context, file string, _ []byte) { r.t.Errorf("%s was shared", file) }

// A machine that has seen no head begins with that of others, and gives them
// those that are newer.
func TestSession_sharedHead(t *testing.T) {
	t.Parallel()
	h := newHistorian(t)
	short, long := string(h.history(t, "a\n").head), string(h.history(t, "a\n", "b\n").head)
	foreign := string(newHistorian(t).history(t, "a\n", "b\n", "c\n").head)
	for _, tt := range []struct{ name, own, theirs, begin, seen, shared string }{
		{"none so far", "", "", "", short, short},
		{"theirs", "", long, long, long, long},
		{"our own first", short, long, short, short, long},
		{"a newer one", "", short, short, long, long},
		{"theirs is not signed", "", foreign, "", short, short},
		{"ours is not signed", "", short, short, foreign, short},
		{"neither is signed", "", "junk", "", foreign, "junk"},
	} {
		s := newSession(t.Context(), h.logOf(t, nil), false)
		file := s.log.name + "/latest"
		shared := sharedFiles{file: tt.theirs}
		s.log.config.Shared = shared
		if tt.shared == tt.theirs { // what is as new is not written again
			s.log.config.Shared = readOnly{shared, t}
		}
		if tt.own != "" {
			put(t, s.log.stateFile("latest"), tt.own)
		}
		data, err := s.ReadConfig(file)
		if err != nil || string(data) != tt.begin || string(s.head) != tt.begin {
			t.Errorf("%s: begins with %q, %v", tt.name, data, err)
		}
		if err := s.WriteConfig(file, []byte(tt.own), []byte(tt.seen)); err != nil || shared[file] != tt.shared || string(s.head) != tt.seen {
			t.Errorf("%s: shared %q, %v", tt.name, shared[file], err)
		}
	}
}

// What this machine has kept comes before what others have, which it keeps.
func TestSession_sharedCache(t *testing.T) {
	t.Parallel()
	const file = "sum.golang.org/tile/8/0/000"
	for _, tt := range []struct{ name, own, theirs, want string }{
		{"theirs", "", "theirs", "theirs"},
		{"our own", "own", "theirs", "own"},
		{"none", "", "", ""},
	} {
		s := testSession(t, nil)
		s.log.config.Shared = readOnly{sharedFiles{file: tt.theirs}, t}
		if tt.own != "" {
			put(t, s.cacheFile(file), tt.own)
		}
		data, err := s.ReadCache(file)
		kept, unkept := os.ReadFile(s.cacheFile(file))
		if string(data) != tt.want || string(kept) != tt.want || (err == nil) != (tt.want != "") || (unkept == nil) != (tt.want != "") {
			t.Errorf("%s: %q, %v; kept %q, %v", tt.name, data, err, kept, unkept)
		}
	}
	s, shared := testSession(t, nil), sharedFiles{}
	s.log.config.Shared = shared
	s.WriteCache(file, []byte("new"))
	if data, err := s.ReadCache(file); shared[file] != "new" || string(data) != "new" || err != nil {
		t.Errorf("shared %q, kept %q, %v", shared[file], data, err)
	}
}

// A head that cannot be kept is warned of once, and nothing else fails.
func TestSession_unkept(t *testing.T) {
	t.Parallel()
	s := testSession(t, nil)
	// A place where nobody may make a file, not even root: EACCES, or EROFS in a container.
	dir := strings.TrimSuffix(s.log.stateFile("latest"), "/sum.golang.org/latest")
	must(t, os.MkdirAll(dir, 0o755))
	must(t, os.Symlink("/sys", dir+"/sum.golang.org"))
	var warnings []string
	for _, warn := range []func(string){nil, func(text string) { warnings = append(warnings, text) }} {
		s.log.config.Warn = warn
		for range 2 {
			if err := s.WriteConfig("", nil, []byte("new")); err != nil || string(s.head) != "new" {
				t.Errorf("%q, %v", s.head, err)
			}
		}
	}
	if len(warnings) != 1 || !strings.HasPrefix(warnings[0], "cannot remember the newest tree head of sum.golang.org, ") {
		t.Errorf("warnings %q", warnings)
	}
}
