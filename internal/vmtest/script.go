package vmtest

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// ScriptCommands returns the commands that this package adds to testscript:
//
//	vmserver start [-name N] [-missing STATUS] [-unlisted V,V] [-listonly V,V] [-pad BYTES] [-platforms OS-ARCH,...] [-log MODE] [-tls] [-age DURATION] [-least VERSION] VERSION[@VARIANT]...
//	    starts a module proxy with these releases and sets GOPROXY, GOSUMDB,
//	    VMTEST_URL and VMTEST_GOSUMDB; with -tls also VMTEST_TLSURL and
//	    SSL_CERT_FILE, and GOPROXY is the https address. With -name, a further
//	    server: GOPROXY and GOSUMDB stay, and the other names end in _N.
//	vmserver add [-name N] [-pad BYTES] [-age DURATION] VERSION[@VARIANT]...   publishes more
//	vmserver fault [-name N] PATTERN FAULT      see [Fault]; "vmserver fault clear"
//	vmserver log [-name N] MODE                 see [LogMode]
//	[!] vmserver asked [-name N] PATTERN [TIMES]  asserts requests: any, none, or so many
//	vmserver forget [-name N]                   empties the record of requests
//	vmserver requests [-name N] FILE            writes that record
//	vmserver serve [-name N] PATH FILE          serves one more file
//	vmserver vulndb [-name N] VERSION DIR       publishes the OSV files of DIR as golang.org/x/vulndb
//	vmserver tree [-name N] DIR                 writes a tree for GOPROXY=file://
//	vmserver stop [-name N]
//	vmserver godev [-name N]                    sets VMGO_GODEV to a copy of go.dev/dl with all its
//	                                            releases, and VMGO_KEYRING to the key that signs there
//	vmserver archive [-name N] VERSION FILE     puts another archive there, unsigned, with its checksum
//	vmserver official [-name N]                 makes it the server that vmgo finds at https://go.dev
//	vmserver sign [-name N] [-by WHO] FILE      writes FILE.asc; see [Signers]
//	vmtargz VERSION[@VARIANT] FILE [OS-ARCH]    writes an official archive; see [ArchiveVariants]
//	vmzip VERSION[@VARIANT] FILE                writes a module zip
//
// Servers stop at the end of their script.
func ScriptCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	s := &scripts{servers: map[scriptServer]*Server{}}
	return map[string]func(*testscript.TestScript, bool, []string){
		"vmserver": s.server,
		"vmzip":    zipCommand,
		"vmtargz":  targzCommand,
		"vmxattr":  xattrCommand,
	}
}

type scriptServer struct {
	script *testscript.TestScript
	name   string
}

// scripts keeps the servers of the scripts that are running, side by side.
type scripts struct {
	mu      sync.Mutex
	servers map[scriptServer]*Server
}

// serverFlags are the flags of all subcommands together.
type serverFlags struct {
	name, log, unlisted, listonly, platforms, by string
	least                                        string // release that may build them; see [Buildable]
	missing, pad                                 int
	tls                                          bool
	age                                          time.Duration // of the releases; 0: made in 2024
}

func (s *scripts) server(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: vmserver start|add|fault|log|asked|grow|forget|requests|serve|tree|godev|official|archive|sign|stop")
	}
	if neg && args[0] != "asked" {
		ts.Fatalf("unsupported: ! vmserver %s", args[0])
	}
	var f serverFlags
	flags := flag.NewFlagSet("vmserver "+args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&f.name, "name", "", "")
	flags.StringVar(&f.log, "log", "good", "")
	flags.StringVar(&f.unlisted, "unlisted", "", "")
	flags.StringVar(&f.listonly, "listonly", "", "")
	flags.StringVar(&f.platforms, "platforms", "", "")
	flags.StringVar(&f.by, "by", "good", "")
	flags.StringVar(&f.least, "least", "", "")
	flags.IntVar(&f.missing, "missing", 0, "")
	flags.IntVar(&f.pad, "pad", 0, "")
	flags.DurationVar(&f.age, "age", 0, "")
	flags.BoolVar(&f.tls, "tls", false, "")
	ts.Check(flags.Parse(args[1:]))
	rest := flags.Args()
	if args[0] == "start" {
		s.start(ts, f, rest)
		return
	}
	server := s.find(ts, f.name)
	want := map[string]int{"fault": 2, "log": 1, "grow": 1, "forget": 0, "requests": 1, "serve": 2, "vulndb": 2, "tree": 1, "stop": 0, "godev": 0, "official": 0, "archive": 2, "sign": 1}
	if n, ok := want[args[0]]; ok && len(rest) != n && !(args[0] == "fault" && len(rest) == 1 && rest[0] == "clear") {
		ts.Fatalf("vmserver %s: %d arguments, not %d", args[0], n, len(rest))
	}
	switch args[0] {
	case "add":
		for _, t := range toolchains(ts, f, rest) {
			server.Add(t)
		}
	case "fault":
		if len(rest) == 1 {
			server.ClearFaults()
			return
		}
		fault, err := ParseFault(rest[1])
		ts.Check(err)
		server.Fault(rest[0], fault)
	case "log":
		server.SetLog(logMode(ts, rest[0]))
	case "grow":
		ts.Check(server.Grow(rest[0]))
	case "asked":
		asked(ts, server, neg, rest)
	case "forget":
		server.Forget()
	case "requests":
		ts.Check(os.WriteFile(ts.MkAbs(rest[0]), []byte(strings.Join(server.Requests(), "\n")+"\n"), 0o644))
	case "serve":
		server.Serve(rest[0], []byte(ts.ReadFile(rest[1])))
	case "vulndb":
		server.AddModule(vulndb(ts, rest[0], rest[1]))
	case "tree":
		ts.Check(server.WriteTree(ts.MkAbs(rest[0])))
	case "godev":
		startGoDev(ts, server, f.name)
	case "official":
		ts.Setenv("VMTEST_OFFICIAL", server.URL)
	case "archive":
		ts.Check(server.Archive(rest[0], []byte(ts.ReadFile(rest[1]))))
	case "sign":
		signature, err := server.Sign([]byte(ts.ReadFile(rest[0])), f.by)
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(rest[0])+".asc", signature, 0o644))
	case "stop":
		s.stop(scriptServer{ts, f.name})
	default:
		ts.Fatalf("vmserver: no command %s", args[0])
	}
}

// vulndb returns the vulnerability database with the OSV files of a directory.
func vulndb(ts *testscript.TestScript, version, dir string) Module {
	m := Module{Path: "golang.org/x/vulndb", Version: version, Files: map[string]string{}}
	files, err := filepath.Glob(ts.MkAbs(dir) + "/*.json")
	ts.Check(err)
	for _, file := range files {
		m.Files["data/osv/"+filepath.Base(file)] = ts.ReadFile(file)
	}
	return m
}

func (s *scripts) start(ts *testscript.TestScript, f serverFlags, args []string) {
	server, err := Start(Options{
		Toolchains: toolchains(ts, f, args), Unlisted: list(f.unlisted), ListOnly: list(f.listonly),
		MissingStatus: f.missing, TLS: f.tls,
	})
	ts.Check(err)
	server.SetLog(logMode(ts, f.log))
	key := scriptServer{ts, f.name}
	s.stop(key)
	s.mu.Lock()
	s.servers[key] = server
	s.mu.Unlock()
	ts.Defer(func() { s.stop(key) })
	suffix := ""
	if f.name != "" {
		suffix = "_" + f.name
	}
	ts.Setenv("VMTEST_URL"+suffix, server.URL)
	ts.Setenv("VMTEST_GOSUMDB"+suffix, server.GOSUMDB())
	proxy := server.URL
	if f.tls {
		proxy = server.TLSURL
		cert := ts.MkAbs("vmtest" + suffix + ".pem")
		ts.Check(os.WriteFile(cert, server.CertPEM(), 0o644))
		ts.Setenv("VMTEST_TLSURL"+suffix, server.TLSURL)
		ts.Setenv("SSL_CERT_FILE", cert)
	}
	if f.name == "" {
		ts.Setenv("GOPROXY", proxy)
		ts.Setenv("GOSUMDB", server.GOSUMDB())
	}
}

func (s *scripts) find(ts *testscript.TestScript, name string) *Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	server := s.servers[scriptServer{ts, name}]
	if server == nil {
		ts.Fatalf("vmserver: there is no server %q; vmserver start first", name)
	}
	return server
}

func (s *scripts) stop(key scriptServer) {
	s.mu.Lock()
	server := s.servers[key]
	delete(s.servers, key)
	s.mu.Unlock()
	if server != nil {
		server.Close()
	}
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

func logMode(ts *testscript.TestScript, text string) LogMode {
	for _, mode := range LogModes() {
		if string(mode) == text {
			return mode
		}
	}
	ts.Fatalf("vmserver: no log mode %s", text)
	return ""
}

// toolchains reads arguments VERSION[@VARIANT], for each of the platforms.
func toolchains(ts *testscript.TestScript, f serverFlags, args []string) []Toolchain {
	platforms := list(f.platforms)
	if len(platforms) == 0 {
		platforms = []string{""}
	}
	var out []Toolchain
	for _, arg := range args {
		for _, platform := range platforms {
			t, err := parseToolchain(arg)
			ts.Check(err)
			t.OS, t.Arch, _ = strings.Cut(platform, "-")
			t.Pad = f.pad
			if f.least != "" {
				t.Files = Buildable(t.Version, f.least)
			}
			if f.age > 0 {
				t.Made = time.Now().Add(-f.age)
			}
			out = append(out, t)
		}
	}
	return out
}

func parseToolchain(arg string) (Toolchain, error) {
	version, variant, _ := strings.Cut(arg, "@")
	if _, ok := variants()[variant]; variant != "" && !ok {
		return Toolchain{}, fmt.Errorf("no variant %s; there are %s", variant, strings.Join(Variants(), " "))
	}
	return Toolchain{Version: version, Variant: variant}, nil
}

// asked asserts how often a path was asked for.
func asked(ts *testscript.TestScript, server *Server, neg bool, args []string) {
	if len(args) < 1 || len(args) > 2 || neg && len(args) == 2 {
		ts.Fatalf("usage: [!] vmserver asked PATTERN [TIMES]")
	}
	got := server.Count(args[0])
	ok := got > 0 != neg
	if len(args) == 2 {
		want, err := strconv.Atoi(args[1])
		ts.Check(err)
		ok = got == want
	}
	if !ok {
		ts.Fatalf("%s was asked for %d times; all requests:\n%s", args[0], got, strings.Join(server.Requests(), "\n"))
	}
}

func zipCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: vmzip VERSION[@VARIANT] FILE")
	}
	t, err := parseToolchain(args[0])
	ts.Check(err)
	file := ts.MkAbs(args[1])
	ts.Check(os.MkdirAll(filepath.Dir(file), 0o755))
	ts.Check(os.WriteFile(file, t.Zip(), 0o644))
}
