package program

// Program is a program that is installed beside vmgo, because its libraries would
// make every start of vmgo slower: vmgo-NAME carries out vmgo NAME.
type Program struct {
	Name  string // "proxy"
	About string // what it does, in one line
	// Machines says that it is about machines rather than about a project.
	Machines bool
	// Commands has the name of each command and what it does, in one line. A name is
	// empty where the first word names no command.
	Commands [][2]string
}

// Spoken is how people call the program: "vmgo proxy".
func (p Program) Spoken() string { return "vmgo " + p.Name }

// Executable is the name of the program's file.
func (p Program) Executable() string { return "vmgo-" + p.Name }

func (p Program) usage(command string) string {
	for _, row := range p.Commands {
		if row[0] == command {
			return row[1]
		}
	}
	return ""
}

// All lists the programs: the one place that says what there is. vmgo's help and
// completion read it, and so do the programs.
func All() []Program { return []Program{Proxy(), Deploy(), Fleet(), Observe()} }

// Proxy is the caching module proxy.
func Proxy() Program {
	return Program{Name: "proxy", About: "serve a caching module proxy, check one, print the settings for its clients", Commands: [][2]string{
		{"serve", "serve modules, toolchains and the checksum database from a cache"},
		{"check", "show what a client here gets from each entry of GOPROXY and GOSUMDB"},
		{"env", "print the settings for clients of a proxy"},
		{"unit", "print a systemd socket and service for serve"},
	}}
}

// Deploy brings programs to hosts, and is the host's side of that.
func Deploy() Program {
	return Program{Name: "deploy", About: "deploy a Go program to hosts over SSH, with health checks and rollback", Commands: [][2]string{
		{"init", "write a commented vmgo-deploy.toml"},
		{"build", "build a package: NAME-VERSION-ARCH.tar"},
		{"verify", "check a package: signature, every hash"},
		{"trust", "have hosts accept packages that your key signed"},
		{"plan", "show what apply would do; change nothing"},
		{"apply", "deploy"},
		{"rollback", "go back to the release that was good before"},
		{"status", "what runs"},
		{"history", "what was deployed, by whom, and what became of it"},
		{"logs", "the journal of the service; its archives: logs archive | signers | verify"},
		{"exec", "run a command on each host, in the release's directory"},
		{"remove", "stop the service and remove all releases"},
	}}
}

// Fleet looks at many hosts.
func Fleet() Program {
	return Program{Name: "fleet", About: "report how many hosts are doing, over SSH; write cloud-init data", Machines: true, Commands: [][2]string{
		{"status", "versions, verify, doctor, harden and audit of hosts, in one table"},
		{"cloud-init", "write user-data that gives new machines vmgo, releases and settings"},
	}}
}

// Observe records what a program does.
func Observe() Program {
	return Program{Name: "observe", About: "record what a running Go program does, in one report", Commands: [][2]string{
		{"", "record what a program does: report.html, findings, raw files"},
		{"diff", "compare two captures, before and after a change"},
		{"init", "have a program serve its profiles on a private socket"},
	}}
}
