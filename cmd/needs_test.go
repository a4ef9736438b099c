package cmd

import (
	"errors"
	"net/http"
	"testing"

	"github.com/vmgo/vmgo/internal/host"
)

func TestCommands_declareTheirNeeds(t *testing.T) {
	t.Parallel()
	a := &app{host: host.Host{Args: []string{"/usr/bin/vmgo"}}, ownPath: func() string { return "/usr/bin/vmgo" }}
	for _, command := range a.commands() {
		if _, declared := a.declared[command]; !declared {
			t.Errorf("vmgo %s declares no needs: a.declare (cmd/needs.go)", command.Name)
		}
	}
}

func TestNeeds_undeclared(t *testing.T) {
	t.Parallel()
	a := &app{host: host.Host{Env: map[string]string{}, Transport: http.DefaultTransport}}
	if err := a.give(needs{}); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest(http.MethodGet, "http://127.0.0.1:1/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.host.Transport.RoundTrip(request); !errors.Is(err, errClosed) {
		t.Errorf("a command that declares no network reached it: %v", err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a command that declares no store was given one")
		}
	}()
	a.stores()
}

func TestNeeds_brokenSetting(t *testing.T) {
	t.Parallel()
	a := &app{host: host.Host{Env: map[string]string{"VMGO_JOBS": "many"}}, quiet: true}
	if err := a.give(needs{settings: true}); err == nil {
		t.Error("a command that needs settings runs with a broken one")
	}
	if err := a.give(needs{}); err != nil {
		t.Errorf("a command without need of settings: %v", err)
	}
}
