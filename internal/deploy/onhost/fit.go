package onhost

import (
	"context"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vmgo/vmgo/internal/libc"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/ui"
)

// oldestSystemd is that of Debian 11; Type=exec, LoadCredential= and
// systemd-run --pipe --wait are older.
const oldestSystemd = 247

// Fit returns why a release cannot run on this host; nothing if it can. now is the
// time of the machine that deploys.
func (a *App) Fit(ctx context.Context, r Release, now time.Time) []string {
	var problems []string
	add := func(problem string) {
		if problem != "" {
			problems = append(problems, problem)
		}
	}
	add(a.fitDisk(r))
	add(a.fitLibc(r))
	if a.live() {
		add(a.fitSystemd(ctx))
		add(a.fitMemory(ctx, r))
		add(a.fitClock(now))
		add(a.fitArchive(ctx, r))
		for _, listen := range r.Config.Listen {
			add(a.fitPort(ctx, listen))
		}
	}
	return problems
}

func (a *App) fitSystemd(ctx context.Context) string {
	out, err := a.run(ctx, "systemctl", "--version")
	fields := strings.Fields(out)
	if err != nil || len(fields) < 2 {
		return "there is no systemd"
	}
	if v, err := strconv.Atoi(strings.SplitN(fields[1], ".", 2)[0]); err != nil || v < oldestSystemd {
		return fmt.Sprintf("systemd %s is too old: %d is needed", fields[1], oldestSystemd)
	}
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return "systemd is not the first process"
	}
	return ""
}

// fitDisk wants room for the release, and units where systemd finds them at boot:
// before other file systems are mounted.
func (a *App) fitDisk(r Release) string {
	var need int64
	for _, f := range r.Manifest.Files {
		need += f.Size
	}
	dir := filepath.Join(a.Root, "opt")
	var opt, etc syscall.Stat_t
	if syscall.Stat(dir, &opt) == nil && syscall.Stat(filepath.Join(a.Root, "etc"), &etc) == nil && opt.Dev != etc.Dev {
		return "/opt is a file system of its own, and systemd reads units before it is mounted"
	}
	var st syscall.Statfs_t
	for dir != "/" && syscall.Statfs(dir, &st) != nil {
		dir = filepath.Dir(dir)
	}
	free := int64(st.Bavail) * st.Bsize
	if free < need+need/10 {
		return fmt.Sprintf("%s are free in /opt, the release has %s", ui.Bytes(free), ui.Bytes(need))
	}
	return ""
}

// fitLibc wants the C library that the program was linked with.
func (a *App) fitLibc(r Release) string {
	h := a.Host
	h.Root = a.Root
	if missing, _ := r.Needs.Missing(h); missing != "" {
		return "the program " + missing + ": build it with CGO_ENABLED=0"
	}
	return ""
}

// fitMemory wants as much free memory as the service may take, together with what
// the release takes that it replaces.
func (a *App) fitMemory(ctx context.Context, r Release) string {
	limit, memory := uint64(r.Config.Limits.Memory), a.Host.Memory()
	free := memory.Available + a.ownMemory(ctx)
	if memory.Total > 0 && limit > free {
		return fmt.Sprintf("limits.memory is %s; of the host's %s, %s are free", ui.Bytes(int64(limit)), ui.Bytes(int64(memory.Total)), ui.Bytes(int64(free)))
	}
	return ""
}

// ownMemory returns what the kernel gets back when the service stops, in bytes.
func (a *App) ownMemory(ctx context.Context) uint64 {
	pid := a.show(ctx, a.Name+".service")["MainPID"]
	if pid == "" || pid == "0" {
		return 0
	}
	for _, line := range a.Host.Lines("/proc/" + pid + "/status") {
		// proc(5): resident anonymous memory, in KiB.
		if f := strings.Fields(line); len(f) > 1 && f[0] == "RssAnon:" {
			kib, _ := strconv.ParseUint(f[1], 10, 64) // the kernel writes numbers
			return kib << 10
		}
	}
	return 0
}

func (a *App) fitClock(now time.Time) string {
	if apart := a.Host.Now().Sub(now).Abs(); !now.IsZero() && apart > 2*time.Minute {
		return "the host's clock is " + apart.Round(time.Second).String() + " away from this machine's"
	}
	return ""
}

// fitArchive wants what an archive of logs needs.
func (a *App) fitArchive(ctx context.Context, r Release) string {
	if r.Config.Logs.Schedule == "" {
		return ""
	}
	if _, err := a.run(ctx, "systemd-analyze", "calendar", r.Config.Logs.Schedule); err != nil {
		return "logs.schedule is no time that systemd knows (systemd.time(7)): " + r.Config.Logs.Schedule
	}
	if a.Host.Find("ssh-keygen", a.Host.Env["PATH"]) == "" || !a.Host.Exists(HostKey) {
		return "an archive of logs is signed by ssh-keygen with " + HostKey + ", and the host does not have both"
	}
	return ""
}

// fitPort wants a port that is free or the service's own.
func (a *App) fitPort(ctx context.Context, listen string) string {
	if filepath.IsAbs(listen) || a.show(ctx, a.Name+".socket")["ActiveState"] == "active" {
		return ""
	}
	port, err := strconv.ParseUint(listen[strings.LastIndex(listen, ":")+1:], 10, 16)
	if err != nil {
		return ""
	}
	wanted := strings.ToUpper(hex.EncodeToString([]byte{byte(port >> 8), byte(port)}))
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		for _, line := range a.Host.Lines(table) {
			// sl local_address rem_address st …: 0A is LISTEN (proc(5)).
			if f := strings.Fields(line); len(f) > 3 && f[3] == "0A" && strings.HasSuffix(f[1], ":"+wanted) {
				return "port " + strconv.FormatUint(port, 10) + " is taken by another program"
			}
		}
	}
	return ""
}

// FitProgram returns why the release's program, which is on this host by now,
// cannot be started: a library is missing or too old.
func (a *App) FitProgram(ctx context.Context, r Release) string {
	program := filepath.Join(a.releases(), r.ID, "bin", a.Name)
	opened, err := smallfile.Open(program)
	if err != nil {
		return err.Error()
	}
	defer opened.Close()
	file, err := elf.NewFile(opened)
	if err != nil {
		return "" // a script, say
	}
	if loader := libc.Interpreter(file); loader != "" {
		if out, err := a.run(ctx, loader, "--list", program); err != nil {
			return "the program does not fit the host's libraries: " + strings.TrimSpace(out+" "+err.Error())
		}
	}
	return ""
}
