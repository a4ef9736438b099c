package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/vulndb"
)

// Govulncheck runs the program of that name, which knows the functions of a
// program and the calls of a project.
type Govulncheck struct {
	Host     host.Host
	Program  string // path of govulncheck
	Database *vulndb.Database
	TempDir  string
	Offline  bool // the go command may not use the network
}

// Symbols returns which of the vulnerabilities are in functions that a program
// has, or that a project calls.
func (g Govulncheck) Symbols(ctx context.Context, s *Subject, ids []string) (found map[string]bool, err error) {
	dir, err := os.MkdirTemp(g.TempDir, "vmgo-vulndb-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, fsx.RemoveAll(g.TempDir, strings.TrimPrefix(dir, g.TempDir+"/"))) }()
	if err := g.Database.WriteV1(dir, ids); err != nil {
		return nil, err
	}
	arguments := []string{"-json", "-db", "file://" + dir, "-mode", "binary", s.Path}
	if s.Kind == Project {
		arguments = append(arguments[:3], "./...")
	}
	cmd := exec.CommandContext(ctx, g.Program, arguments...)
	cmd.Env = environ.Env(g.Host.Env).Pairs()
	if g.Offline {
		cmd.Env = append(cmd.Env, "GOPROXY=off")
	}
	if s.Kind == Project {
		cmd.Dir = s.Path
	}
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := g.Host.Run(cmd); err != nil {
		line, _, _ := strings.Cut(strings.TrimSpace(talk.String()), "\n")
		return nil, fmt.Errorf("govulncheck: %w: %s", err, line)
	}
	return symbolsIn(&out)
}

// symbolsIn reads the stream of JSON messages that govulncheck prints: a finding
// whose trace begins with a function is about a symbol.
func symbolsIn(stream io.Reader) (map[string]bool, error) {
	found := map[string]bool{}
	decoder := json.NewDecoder(stream)
	for {
		var message struct {
			Finding struct {
				OSV   string `json:"osv"`
				Trace []struct {
					Function string `json:"function"`
				} `json:"trace"`
			} `json:"finding"`
		}
		err := decoder.Decode(&message)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("the answer of govulncheck cannot be read: %w", err)
		}
		if f := message.Finding; len(f.Trace) > 0 && f.Trace[0].Function != "" {
			found[f.OSV] = true
		}
	}
}
