package here_test

import (
	"testing"

	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/here"
)

// Leaving what Inside entered restores the environment.
func TestInside_canBeLeft(t *testing.T) {
	t.Parallel()
	outside := environ.Env{"PATH": "/usr/bin", "GOPATH": "/mine"}
	s := here.Situation{Wanted: environ.Wanted{
		Path: []string{"/opt/go/1.22.5/bin"},
		Vars: map[string]environ.Value{"GOROOT": environ.Text("/opt/go/1.22.5"), "GOPATH": environ.Text("/project")},
	}}
	inside := s.Inside(outside, environ.How{Fresh: true})
	if inside["GOROOT"] != "/opt/go/1.22.5" || inside["GOPATH"] != "/project" || inside["PATH"] != "/opt/go/1.22.5/bin:/usr/bin" {
		t.Errorf("inside: %v", inside)
	}
	session, err := environ.Decode(inside[environ.SessionVariable])
	if err != nil {
		t.Fatal(err)
	}
	left := here.Situation{Session: session}.Inside(inside, environ.How{})
	if len(left) != 2 || left["PATH"] != "/usr/bin" || left["GOPATH"] != "/mine" {
		t.Errorf("left: %v", left)
	}
}
