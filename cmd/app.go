// Package cmd is vmgo's command line: one file per command; flags in, one
// domain call, output out. It alone imports urfave/cli, and changes its
// defaults: help on stdout after a bad flag, flags only before the first
// argument, exits from inside the library.
package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gover/ranges"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/program"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/internal/ui"
	"github.com/vmgo/vmgo/shims"
)

// app is one run of the program: its host and what every command needs to know
// about it.
type app struct {
	host     host.Host
	layout   dirs.Layout
	settings settings.Settings
	quiet    bool
	ownPath  func() string // see [findOwnPath]
	display  *ui.Progress  // the last one: messages are printed above its moving lines

	declared map[*cli.Command]needs
	needs    needs // those of the running command
}

// Main runs the program on the given host and returns its exit status.
func Main(h host.Host) int {
	if shims.IsShimCall(h.Args) {
		p := process(h)
		p.Install = shimInstaller(h)
		return shims.Main(p)
	}
	if h.StdoutTTY {
		h.Stdout = ui.Terminal(h.Stdout)
	}
	a := &app{host: h, layout: dirs.FromEnv(h.Env, h.Root, h.UID), ownPath: sync.OnceValue(func() string { return findOwnPath(h) })}
	ctx, cancel := h.Interrupts(context.Background())
	defer cancel()
	err := a.run(ctx)
	if err != nil && ctx.Err() != nil && !isChild(err) && diag.CodeOf(err) != diag.Interrupted {
		err = interrupted(err)
	}
	a.report(err)
	return diag.ExitStatus(err)
}

// interrupted returns the error of a command that an interrupt ended.
func interrupted(err error) error {
	stopped := diag.New(diag.Interrupted, "interrupted")
	if isTold(err) {
		return reportedError{stopped}
	}
	return stopped
}

// process returns the host for a shim, where vmgo does the work of vmgo-shim.
func process(h host.Host) shims.Process {
	return shims.Process{
		Args: h.Args, Env: h.Env, Dir: h.Dir, Root: h.Root, Executable: func() string { return h.Executable }, UID: h.UID, PID: h.PID,
		Stdout: h.Stdout, Stderr: h.Stderr, Now: h.Now, Exec: h.Exec, Ranges: ranges.Parse,
	}
}

func isChild(err error) bool {
	var child *diag.Child
	return errors.As(err, &child)
}

// reportedError is an error that the command has already printed (as a table, a
// JSON document): it only sets the exit status.
type reportedError struct{ err error }

func (e reportedError) Error() string { return e.err.Error() }
func (e reportedError) Unwrap() error { return e.err }

func isTold(err error) bool {
	var reported reportedError
	return errors.As(err, &reported)
}

// each returns one error for several, nil for none. Several are printed here,
// each with its code and hints; a single one is returned for the caller to
// print. The exit status is their common one, else 1.
func (a *app) each(failures ...error) error {
	failures = slices.DeleteFunc(failures, func(err error) bool { return err == nil })
	switch len(failures) {
	case 0:
		return nil
	case 1:
		return failures[0]
	}
	for _, err := range failures {
		a.report(err)
	}
	return reportedError{batch(failures)}
}

// batch is the error for several failures: an interrupt, their common exit
// status, else 1.
func batch(failures []error) error {
	common := failures[0]
	for _, err := range failures {
		switch {
		case diag.CodeOf(err) == diag.Interrupted:
			return err
		case common != nil && diag.ExitStatus(err) != diag.ExitStatus(common):
			common = nil
		}
	}
	if common == nil {
		return errors.New("several operations failed")
	}
	return common
}

// report prints an error. It is the one place in the program that does.
func (a *app) report(err error) {
	if err == nil || isChild(err) || isTold(err) {
		return
	}
	text := ui.Palette(a.colour(a.host.StderrTTY)).Error(diag.Format("vmgo", fsx.ExplainFull(a.withProxyHint(err))))
	_, _ = io.WriteString(a.host.Stderr, text)
}

// run parses the arguments and carries out the command they name.
func (a *app) run(ctx context.Context) error {
	root := a.tree()
	args, err := arrange(root, a.host.Args[1:])
	if err != nil {
		return err
	}
	return root.RunContext(ctx, args)
}

// Categories of the help text, in its order.
const (
	releasesCategory = "releases"
	projectCategory  = "in a project"
	shellCategory    = "shells and programs"
	machineCategory  = "the machine"
	aboutCategory    = "about vmgo"
)

// rootDescription returns the first steps.
func (a *app) rootDescription() string {
	return `Install a Go release and pin it for a project:

   vmgo install 1.22.5
   cd project && vmgo use 1.22.5
   ` + a.hookLine("bash") + `   # in ~/.bashrc: follow the directory

"vmgo help COMMAND" has the flags of a command, "vmgo help not-installed" explains an error
code, and "vmgo help topics" lists what else is explained.`
}

// tree builds the commands afresh: urfave/cli changes them as it runs.
func (a *app) tree() *cli.App {
	root := &cli.App{
		Name:                  "vmgo",
		HelpName:              "vmgo",
		Usage:                 "a per-directory Go version manager for Linux virtual machines",
		UsageText:             "vmgo COMMAND [ARGUMENT...]",
		Description:           a.rootDescription(),
		Version:               currentBuild().version,
		HideVersion:           true,
		HideHelpCommand:       true,
		Writer:                a.host.Stdout,
		ErrWriter:             a.host.Stderr,
		ExitErrHandler:        func(*cli.Context, error) {},
		OnUsageError:          onUsageError,
		Commands:              a.commands(),
		Action:                func(c *cli.Context) error { return cli.ShowAppHelp(c) },
		CustomAppHelpTemplate: inOrder(releasesCategory, projectCategory, shellCategory, machineCategory, aboutCategory),
		// A comma in a flag's value belongs to the value.
		DisableSliceFlagSeparator: true,
	}
	help := helpTemplates{command: withoutCategory(cli.CommandHelpTemplate), parent: withoutCategory(cli.SubcommandHelpTemplate)}
	for _, command := range root.Commands {
		a.tame(command, a.declared[command], help)
	}
	return root
}

// inOrder is the template of the help text with the categories in this order:
// urfave/cli sorts them by name.
func inOrder(categories ...string) string {
	var list strings.Builder
	for _, name := range categories {
		list.WriteString(`{{range .VisibleCategories}}{{if eq .Name "` + name + `"}}
   {{.Name}}:{{range .VisibleCommands}}
     {{join .Names ", "}}{{"\t"}}{{.Usage}}{{end}}{{end}}{{end}}`)
	}
	return strings.Replace(cli.AppHelpTemplate, `{{template "visibleCommandCategoryTemplate" .}}`, list.String(), 1)
}

// helpTemplates are those of a command and of one that has subcommands.
type helpTemplates struct{ command, parent string }

// withoutCategory returns a template of the library without the category of a command,
// which is a heading of the list of commands and says nothing about one of them.
func withoutCategory(template string) string {
	before, rest, _ := strings.Cut(template, "{{if .Category}}")
	_, after, _ := strings.Cut(rest, "{{end}}")
	return before + after
}

// commands lists every command in the order of the help text.
func (a *app) commands() []*cli.Command {
	commands := []*cli.Command{
		a.installCommand(),
		a.uninstallCommand(),
		a.listCommand(),
		a.listRemoteCommand(),
		a.outdatedCommand(),
		a.upgradeCommand(),
		a.auditCommand(),
		a.pruneCommand(),
		a.defaultCommand(),
		a.useCommand(),
		a.verifyCommand(),
		a.repairCommand(),
		a.adoptCommand(),
		a.importCommand(),
		a.storeCommand(),
		a.currentCommand(),
		a.doctorCommand(),
		a.hardenCommand(),
		a.configCommand(),
		a.whichCommand(),
		a.execCommand(),
		a.matrixCommand(),
		a.bundleCommand(),
		a.mirrorCommand(),
		a.modulesCommand(),
		a.envCommand(),
		a.shellCommand(),
		a.hookCommand(),
		a.shimsCommand(),
		a.toolsCommand(),
		a.editorCommand(),
		a.completionCommand(),
		a.versionCommand(),
		a.selfCommand(),
		a.completeCommand(),
		a.manCommand(),
		a.topicCommand(),
	}
	for _, p := range program.All() {
		commands = append(commands, a.companionCommand(p))
	}
	return commands
}

// tame changes the library's defaults for a command and its subcommands.
func (a *app) tame(command *cli.Command, n needs, help helpTemplates) {
	a.declare(n, command)
	command.HideHelpCommand = true
	command.OnUsageError = onUsageError
	command.CustomHelpTemplate = help.command
	if len(command.Subcommands) > 0 {
		command.CustomHelpTemplate = help.parent
		for _, sub := range command.Subcommands {
			a.tame(sub, n, help)
		}
		return
	}
	if command.SkipFlagParsing {
		return
	}
	command.Flags = append(command.Flags, &cli.BoolFlag{Name: "quiet", Aliases: []string{"q"}, Usage: "say less on stderr"})
	for _, flag := range command.Flags {
		if f, ok := flag.(*cli.BoolFlag); ok {
			f.DisableDefaultText = true
		}
	}
	before := command.Before
	command.Before = func(c *cli.Context) error {
		a.quiet = c.Bool("quiet")
		if err := a.give(n); err != nil {
			return err
		}
		if before != nil {
			return before(c)
		}
		return nil
	}
}

// loadSettings reads the VMGO_ settings and warns of unknown names. A broken
// setting is an error only where the command needs them.
func (a *app) loadSettings(needed bool) error {
	files := a.layout.SettingsFiles()
	for _, unknown := range settings.Unknown(a.host.Env, files...) {
		a.warnf("unknown setting %s (%s); did you mean %s?", unknown.Name, unknown.Origin(), unknown.Text)
	}
	loaded, err := settings.Load(a.host.Env, files...)
	if err != nil && needed {
		return err
	}
	a.settings = loaded
	if loaded.Unread != nil {
		a.warnf("%v; it is ignored", loaded.Unread)
	}
	return nil
}

// onUsageError returns the library's error as one of ours. The library only
// finds wrong values of flags.
func onUsageError(c *cli.Context, err error, _ bool) error {
	text := err.Error()
	if value, flag, ok := strings.Cut(strings.TrimPrefix(text, "invalid value "), " for flag -"); ok {
		flag, _, _ = strings.Cut(flag, ":")
		text = "the flag --" + flag + " cannot be " + value
	}
	return diag.New(diag.Usage, text, helpFor(c))
}

// outln writes a line of data, usually a path: byte for byte, except on a
// terminal, where it stays one line.
func (a *app) outln(text string) error {
	if a.host.StdoutTTY {
		text = diag.Line(text)
	}
	_, err := fmt.Fprintln(a.host.Stdout, text)
	return err
}

// sayf prints a line on stderr, unless --quiet is set.
func (a *app) sayf(format string, args ...any) {
	if a.quiet {
		return
	}
	text := fmt.Sprintf(format, args...)
	if a.display != nil {
		a.display.Print(text)
		return
	}
	_, _ = io.WriteString(a.host.Stderr, diag.Line(text)+"\n")
}

// warnf is sayf for warnings.
func (a *app) warnf(format string, args ...any) { a.sayf("%s", warning(fmt.Sprintf(format, args...))) }

// warning returns the line of a warning.
func warning(text string) string { return "vmgo: warning: " + text }

// colour reports whether a stream that is (or is not) a terminal gets colour.
func (a *app) colour(tty bool) bool {
	env := a.host.Env
	return tty && env["NO_COLOR"] == "" && env["TERM"] != "dumb" && env["CI"] != "true"
}

// columns returns how wide text on stdout may be: as the terminal, but no wider than is easy
// to read; 0 if stdout is no terminal.
func (a *app) columns() int {
	if !a.host.StdoutTTY || a.host.StdoutSize == nil {
		return 0
	}
	columns, _ := a.host.StdoutSize()
	return max(40, min(cmp.Or(columns, 80), 100))
}

func jsonFlag() cli.Flag { return &cli.BoolFlag{Name: "json", Usage: "print JSON (docs/json.md)"} }
