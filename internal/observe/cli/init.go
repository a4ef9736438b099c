package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/program"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// moduleFile is the file that init writes into a program's package.
const moduleFile = "vmgo_observe.go"

const moduleCode = `package main

// Serves profiles, traces and a flight recorder to "vmgo observe", on the socket that
// systemd passes under the name vmgo-observe; without one it does nothing.
import _ "github.com/vmgo/vmgo/observe/auto"
`

// start is vmgo observe init and its flags.
type start struct {
	host host.Host
	unit string
}

func newStart(h host.Host) *start { return &start{host: h} }

func (s *start) command() program.Command {
	return program.Command{
		Name: "init", Arguments: "[DIR]", Most: 1,
		Long: "Writes " + moduleFile + " into the package main in DIR, the current directory without it, and prints the commands\nthat are left to run.",
		Flags: func(f *flag.FlagSet) {
			f.StringVar(&s.unit, "unit", "NAME", "the `UNIT` of systemd that runs the program, for the commands that are printed")
		},
		Run: s.run,
	}
}

func (s *start) run(_ context.Context, arguments []string) error {
	h, dir := s.host, s.host.Dir
	if len(arguments) == 1 {
		dir = h.Abs(arguments[0])
	}
	if err := isProgram(dir); err != nil {
		return err
	}
	file := filepath.Join(dir, moduleFile)
	switch _, err := os.Lstat(file); {
	case errors.Is(err, fs.ErrNotExist):
		if err := fsx.WriteFile(file, []byte(moduleCode), 0o644); err != nil {
			return diag.Wrap(diag.Failure, err, "cannot write "+file, "ls -ld "+diag.Word(dir))
		}
		fmt.Fprintln(h.Stderr, "wrote "+diag.Line(file))
	case err != nil:
		return err
	default:
		fmt.Fprintln(h.Stderr, diag.Line(file)+" already exists and is not changed")
	}
	unit := strings.TrimSuffix(s.unit, ".service")
	// What is left to do, as a script.
	fmt.Fprintf(h.Stdout, `cd %s && go get github.com/vmgo/vmgo/observe@latest
sudo vmgo harden service %s --observe --apply   # the socket, for root and the service's user alone
sudo systemctl restart %s   # after you have built and installed the program
sudo vmgo observe %s
`, diag.Word(dir), diag.Word(unit), diag.Word(unit), diag.Word(unit))
	return nil
}

// isProgram checks that the directory holds a package main.
func isProgram(dir string) error {
	files, err := filepath.Glob(filepath.Join(strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`).Replace(dir), "*.go"))
	if err != nil {
		return err
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		data, err := smallfile.Read(file, 16<<20)
		if err != nil {
			return diag.Wrap(diag.Failure, err, "cannot read "+file, "ls -l "+diag.Word(file))
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, data, parser.PackageClauseOnly)
		if err == nil && parsed.Name.Name == "main" {
			return nil
		}
	}
	return diag.New(diag.Failure, dir+" holds no program: no Go file there says package main", "ls "+diag.Word(dir)+"   # and name the right directory: vmgo observe init ./cmd/app")
}
