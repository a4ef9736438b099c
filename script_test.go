package main

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/vmgo/vmgo/cmd"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/vmtest"
	"github.com/vmgo/vmgo/shims"
)

// update rewrites the golden files inside the scripts.
var update = flag.Bool("update", false, "rewrite golden files in testdata/scripts")

// TestMain makes this test binary serve as the programs under test.
func TestMain(m *testing.M) {
	if shims.IsShimCall(os.Args) { // a link named go leads here
		os.Exit(cmd.Main(testHost()))
	}
	programs := map[string]func(){
		"vmgo":      func() { os.Exit(cmd.Main(testHost())) },
		"vmgo-shim": func() { os.Exit(shims.Main(testProcess())) },
	}
	for name, main := range mains {
		programs[name] = func() { os.Exit(main(testHost())) }
	}
	testscript.Main(m, programs)
}

// testHost is the real world, but for the network, of which there is only this
// machine, and for the machine's root: scripts fake /opt/go and /etc/vmgo
// beneath $TESTROOT. $TESTUID makes the user one of a test's choice, whoever runs it.
func testHost() host.Host {
	h := host.OS()
	h.Transport = vmtest.Transport()
	if official := h.Env["VMTEST_OFFICIAL"]; official != "" {
		h.Transport = vmtest.OfficialTransport(official)
	}
	if root := h.Env["TESTROOT"]; root != "" {
		h.Root = root
		h.Sys.CPU = func() host.CPU { return host.CPU{} } // the real one would say what this machine is
	}
	if uid, err := strconv.Atoi(h.Env["TESTUID"]); err == nil {
		h.UID = uid
	}
	return h
}

// testProcess is the same for the lean program.
func testProcess() shims.Process {
	p := shims.OS()
	if root := p.Env["TESTROOT"]; root != "" {
		p.Root = root
	}
	return p
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/scripts",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup:               isolate,
		Cmds:                scriptCommands(),
		Condition: func(name string) (bool, error) {
			if name == "root" {
				return os.Getuid() == 0, nil
			}
			return false, errors.New("unknown condition " + name)
		},
	})
}

// scriptCommands adds "schema NAME" to those of vmtest: stdout is a document, or
// lines of them, as docs/schemas/NAME.json says.
func scriptCommands() map[string]func(*testscript.TestScript, bool, []string) {
	commands := vmtest.ScriptCommands()
	commands["schema"] = func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 1 {
			ts.Fatalf("usage: schema NAME")
		}
		schema, err := os.ReadFile(filepath.Join("docs", "schemas", args[0]+".json"))
		ts.Check(err)
		decoder := json.NewDecoder(strings.NewReader(ts.ReadFile("stdout")))
		documents := 0
		for ; decoder.More(); documents++ {
			var document json.RawMessage
			ts.Check(decoder.Decode(&document))
			ts.Check(vmtest.CheckSchema(schema, document))
		}
		if documents == 0 {
			ts.Fatalf("stdout has no document")
		}
	}
	return commands
}

// isolate returns a script an empty home and an environment in which nothing of
// the developer's own settings is left.
func isolate(env *testscript.Env) error {
	// What another user is to read must be within reach; only root makes any.
	if err := os.Chmod(filepath.Dir(env.WorkDir), 0o711); err != nil {
		return err
	}
	home := filepath.Join(env.WorkDir, "home")
	root := filepath.Join(env.WorkDir, "root")
	for _, dir := range []string{home, root} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	if program, err := exec.LookPath("go"); err == nil {
		env.Setenv("REALGO", filepath.Dir(program)) // for scripts that put it on PATH
	}
	vmgo, err := exec.LookPath("vmgo")
	if err != nil {
		return err
	}
	env.Setenv("VMTEST_BIN", filepath.Dir(vmgo)) // a PATH of our programs alone
	checkout, err := os.Getwd()
	if err != nil {
		return err
	}
	env.Setenv("CHECKOUT", checkout)
	env.Setenv("PATH", withoutGo(env.Getenv("PATH")))
	for name, value := range map[string]string{
		"HOME": home, "TESTROOT": root, "TZ": "UTC", "LC_ALL": "C.UTF-8", "TERM": "dumb",
		"GORACE": "atexit_sleep_ms=0", "GOPROXY": "off", "GOENV": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "",
		"XDG_RUNTIME_DIR": filepath.Join(env.WorkDir, "run"),
	} {
		env.Setenv(name, value)
	}
	return nil
}

// withoutGo drops the directories of a PATH that have a go, so that scripts
// find none but those that they made.
func withoutGo(path string) string {
	var kept []string
	for _, dir := range filepath.SplitList(path) {
		if _, err := os.Stat(filepath.Join(dir, "go")); err != nil {
			kept = append(kept, dir)
		}
	}
	return strings.Join(kept, string(filepath.ListSeparator))
}
