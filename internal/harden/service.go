package harden

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/facts"
	"github.com/vmgo/vmgo/internal/ui"
)

// Service has the options of `vmgo harden service`.
type Service struct {
	Name   string  `json:"name"`             // with its suffix .service
	Memory int64   `json:"memory,omitempty"` // bytes; 0 leaves memory alone
	CPUs   float64 `json:"cpus,omitempty"`   // 0 leaves the CPUs alone
	// Sandbox asks for the sandboxing drop-in; Write are directories that the
	// sandboxed service may write to.
	Sandbox bool     `json:"sandbox,omitempty"`
	Write   []string `json:"write,omitempty"`
	Observe bool     `json:"observe,omitempty"` // a private socket for vmgo observe
	User    bool     `json:"user,omitempty"`    // a service of the user's own manager
}

// minMemory is where GOMEMLIMIT leaves a Go program no heap worth the name.
const minMemory = 16 << 20

// NewService checks what was asked for.
func NewService(s Service) (Service, error) {
	if !strings.HasSuffix(s.Name, ".service") {
		s.Name += ".service"
	}
	usage := func(text, hint string) (Service, error) { return s, diag.New(diag.Usage, text, hint) }
	list, again, flags := "systemctl list-unit-files --type=service", "vmgo harden service "+diag.Word(s.Name), "--memory, --cpus, --sandbox or --observe"
	if s.User {
		list, again, flags = "systemctl --user list-unit-files --type=service", again+" --user", "--memory or --cpus"
	}
	if ok, _ := regexp.MatchString(`^[A-Za-z0-9:_.\\-]+(@[A-Za-z0-9:_.\\-]*)?\.service$`, s.Name); !ok {
		return usage(quote(s.Name)+" is not a service name", list)
	}
	if s.Memory == 0 && s.CPUs == 0 && !s.Sandbox && !s.Observe {
		return usage("no change requested: give "+flags, again+" --memory 512M")
	}
	if s.Memory != 0 && s.Memory < minMemory {
		return usage(fmt.Sprintf("%d bytes of memory are too few for a Go program", s.Memory), again+" --memory 512M")
	}
	if s.CPUs != 0 && (s.CPUs < 0.01 || s.CPUs > 4096 || math.IsNaN(s.CPUs)) {
		return usage(fmt.Sprintf("%v CPUs cannot be", s.CPUs), again+" --cpus 1.5")
	}
	if s.User && (s.Sandbox || s.Observe) {
		return usage("--sandbox and --observe are for services of the system: a user's manager lacks the rights", again+" --memory 512M")
	}
	for _, dir := range s.Write {
		if !path.IsAbs(dir) || strings.ContainsAny(dir, "\n\"\\%") {
			return usage("--write needs an absolute directory, not "+quote(dir), "vmgo harden service "+diag.Word(s.Name)+" --sandbox --write /var/lib/app")
		}
	}
	return s, nil
}

// ParseSize reads a size as systemd does: a number with K, M, G or T, each
// 1024 times the one before.
func ParseSize(text string) (int64, error) {
	number, shift := strings.TrimSuffix(strings.ToUpper(text), "B"), 0
	number = strings.TrimSuffix(number, "I")
	if n := len(number); n > 0 {
		if i := strings.IndexByte("KMGT", number[n-1]); i >= 0 {
			number, shift = number[:n-1], 10*(i+1)
		}
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsNaN(f) || f <= 0 || math.Ldexp(f, shift) > 1<<60 {
		return 0, diag.New(diag.Usage, quote(text)+" is not a size", "vmgo harden service NAME --memory 512M")
	}
	return int64(math.Ldexp(f, shift)), nil
}

// ParseMemory reads a size, or a share of total as "50%".
func ParseMemory(text string, total uint64) (int64, error) {
	share, ok := strings.CutSuffix(text, "%")
	if !ok {
		return ParseSize(text)
	}
	percent, err := strconv.ParseFloat(share, 64)
	if err != nil || !(percent > 0 && percent <= 100) || total == 0 {
		return 0, diag.New(diag.Usage, quote(text)+" is not a share of this machine's memory", "vmgo harden service NAME --memory 50%")
	}
	return int64(float64(total) / 100 * percent), nil
}

// Items gives the items of the service: its limits, its sandbox, its private socket.
func (s Service) Items() []Item {
	var items []Item
	if s.Memory != 0 || s.CPUs != 0 {
		items = append(items, s.limitsItem())
	}
	if s.Sandbox {
		items = append(items, s.sandboxItem())
	}
	if s.Observe {
		items = append(items, s.observeItem())
	}
	return items
}

func (s Service) limitsItem() Item {
	return Item{
		ID:   s.id(),
		What: "limit " + s.Name + ", and set GOMEMLIMIT and GOMAXPROCS to match",
		Why: "the Go runtime reads no memory limit of its control group, in no release up to 1.27.4: the heap grows past it and the kernel kills the service. " +
			"GOMEMLIMIT makes the collector work harder before that.",
		Effect: "the service stays within its limits. If its live heap does not fit, it spends up to half of its CPU time collecting instead of being killed.",
		Evidence: "measured in a Debian 12 VM with Go 1.27.4, 60 MB of live heap: MemoryMax=100M alone, killed; with GOMEMLIMIT=90MiB, fine at 11 % of the CPU time. " +
			"MemoryHigh=80M alone, throttled 72 times slower; with GOMEMLIMIT=75MiB, 5 times",
		Needs:   NeedsRestart,
		Desired: s.limitsDesired,
	}
}

// UserService begins the names of items that belong to a service of the user's own manager.
const UserService = "user-service:"

// id names the item with the limits.
func (s Service) id() string {
	name := strings.TrimSuffix(s.Name, ".service")
	if s.User {
		return UserService + name
	}
	return "service:" + name
}

const limitsDropIn = "60-vmgo-limits.conf"

func (s Service) dropIn(m *Machine, name string) string {
	return m.unitDir() + "/" + s.Name + ".d/" + name
}

// limits are the figures that follow from what was asked for. GOMEMLIMIT is
// 90 % of MemoryMax, for the runtime counts neither the program's text nor
// what C code allocates; MemoryHigh lies between the two, so that the kernel
// throttles what the collector could not avoid before it kills.
func (s Service) limits() (high, goLimit int64, procs int) {
	mib := func(n int64) int64 { return max(n&^(1<<20-1), 1<<20) }
	return mib(s.Memory / 100 * 95), mib(s.Memory / 100 * 90), max(int(math.Ceil(s.CPUs)), 1)
}

func (s Service) limitsDesired(m *Machine) (Desired, error) {
	var w Desired
	if reason := s.missing(m); reason != "" {
		w.Blocked = reason
		return w, nil
	}
	_, goLimit, _ := s.limits()
	isGo := s.program(m) != notGo
	w.Wants = []Want{m.file(s.dropIn(m, limitsDropIn), m.header()+"[Service]\n"+s.limitSettings(isGo))}
	if !isGo {
		w.Notes = append(w.Notes, "the program of "+s.Name+" is not a Go program, so GOMEMLIMIT and GOMAXPROCS are not set")
	}
	rivals := s.rivals(m)
	w.Effective = func() []string { return s.effective(m) }
	switch reason := s.beyond(m); {
	case reason != "":
		w.Blocked = reason
	case len(rivals) > 0:
		w.Blocked = strings.Join(rivals, "; ") + ": change it there"
	}
	if m.Systemd() {
		if peak, ok := s.peak(m); ok && s.Memory != 0 {
			w.Notes = append(w.Notes, fmt.Sprintf("its peak was %s, file cache included: --memory %dM leaves a quarter of room", ui.Bytes(peak), (peak+peak/4)>>20+1))
		}
		w.Advice = []string{joinWords(m.systemctl("restart", s.Name))}
		w.Notes = append(w.Notes, "the limits apply at once to a running service, GOMEMLIMIT and GOMAXPROCS from its next start: restart it soon")
		if used, ok := s.memoryInUse(m); ok && s.Memory != 0 {
			w.Notes = append(w.Notes, fmt.Sprintf("the service uses %s of memory now", ui.Bytes(used)))
			if used > goLimit && isGo {
				w.Blocked = fmt.Sprintf("the service uses %s of memory now, more than the %s that Go would get: its collector would run all the time", ui.Bytes(used), ui.Bytes(goLimit))
			}
		}
	}
	if w.Blocked != "" {
		w.Advice = nil // a restart changes nothing
	}
	w.Notes = append(w.Notes, s.uncontrolled(m)...)
	if m.Live {
		if mode := m.Host.Cgroup().Mode; mode != "v2" && s.Memory != 0 {
			w.Notes = append(w.Notes, "control groups are "+mode+" here: MemoryHigh and MemorySwapMax have no effect before v2 is active (item cgroup-v2)")
		}
	}
	return w, nil
}

// beyond returns why the machine cannot give what was asked for.
func (s Service) beyond(m *Machine) string {
	if cpus := m.Host.OnlineCPUs(); m.Live && cpus > 0 && s.CPUs > float64(cpus) {
		return fmt.Sprintf("%v CPUs are not a limit: this machine has %d", s.CPUs, cpus)
	}
	if memory, known := m.Memory(); known && s.Memory > int64(memory.Total) {
		return fmt.Sprintf("%s of memory are not a limit: this machine has %s", ui.Bytes(s.Memory), ui.Bytes(int64(memory.Total)))
	}
	return ""
}

// LimitSettings returns the lines of a unit's section Service that limit the
// service, and tell Go of it.
func (s Service) LimitSettings() string { return s.limitSettings(true) }

func (s Service) limitSettings(isGo bool) string {
	high, goLimit, procs := s.limits()
	var text strings.Builder
	if s.Memory != 0 {
		fmt.Fprintf(&text, `# Beyond this the kernel kills the service.
MemoryMax=%d
# From here on the kernel slows it down: 95 %% of the above.
MemoryHigh=%d
# A heap in swap is slower than a collection.
MemorySwapMax=0
`, s.Memory, high)
		if isGo {
			fmt.Fprintf(&text, "# Below both, since the Go runtime reads neither: 90 %% of MemoryMax.\nEnvironment=GOMEMLIMIT=%dMiB\n", goLimit>>20)
		}
	}
	if s.CPUs != 0 {
		fmt.Fprintf(&text, "CPUQuota=%s%%\n", strconv.FormatFloat(s.CPUs*100, 'f', -1, 64))
		if isGo {
			fmt.Fprintf(&text, "# Go before 1.25 does not read the quota, and later ones never go below 2.\nEnvironment=GOMAXPROCS=%d\n", procs)
		}
	}
	return text.String()
}

func (s Service) missing(m *Machine) string {
	switch {
	case !m.HasSystemd():
		return "there is no systemd"
	case s.file(m) == "":
		if s.User {
			return "you have no unit " + s.Name
		}
		return "there is no unit " + s.Name
	}
	return ""
}

// file finds the unit, or the template that it is an instance of.
func (s Service) file(m *Machine) string {
	if file := m.unitFile(s.Name); file != "" {
		return file
	}
	if name, _, ok := strings.Cut(s.Name, "@"); ok {
		return m.unitFile(name + "@.service")
	}
	return ""
}

// dropIns returns the drop-ins of others, in the order in which systemd reads them.
func (s Service) dropIns(m *Machine) []string {
	units := []string{s.Name}
	if name, _, ok := strings.Cut(s.Name, "@"); ok {
		units = []string{name + "@.service", s.Name}
	}
	var dirs []string
	for _, unit := range units {
		for _, dir := range slices.Backward(m.unitDirs()) {
			dirs = append(dirs, dir+"/"+unit+".d")
		}
	}
	return slices.DeleteFunc(facts.DropIns(m.Host, ".conf", dirs...), func(file string) bool {
		return strings.HasPrefix(path.Base(file), "60-vmgo-")
	})
}

// settings gives the assignments of a key in the unit and in the drop-ins of
// others, in order.
func (s Service) settings(m *Machine, key string) []string {
	var values []string
	for _, file := range append([]string{s.file(m)}, s.dropIns(m)...) {
		for _, line := range m.Host.Lines(file) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && strings.TrimSpace(name) == key {
				values = append(values, m.homeOf(strings.TrimSpace(value)))
			}
		}
	}
	return values
}

// keys returns the directives and variables that the limits set.
func (s Service) keys() (keys []string) {
	if s.Memory != 0 {
		keys = append(keys, "MemoryMax", "MemoryHigh", "MemorySwapMax", "GOMEMLIMIT")
	}
	if s.CPUs != 0 {
		keys = append(keys, "CPUQuota", "GOMAXPROCS")
	}
	return keys
}

// rivals lists what wins over our limits: variables of environment files, and
// drop-ins that are read later.
func (s Service) rivals(m *Machine) []string {
	var notes []string
	for _, file := range s.settings(m, "EnvironmentFile") {
		file = strings.TrimPrefix(file, "-")
		for i, line := range m.Host.Lines(file) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), "=")
			if strings.HasPrefix(name, "GO") && slices.Contains(s.keys(), name) {
				notes = append(notes, fmt.Sprintf("%s:%d also sets %s, and an EnvironmentFile wins", file, i+1, name))
			}
		}
	}
	for _, file := range s.dropIns(m) {
		if path.Base(file) < limitsDropIn {
			continue
		}
		for i, line := range m.Host.Lines(file) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
			if name == "Environment" {
				name, _, _ = strings.Cut(strings.Trim(value, `"'`), "=")
			}
			if slices.Contains(s.keys(), name) {
				notes = append(notes, fmt.Sprintf("%s:%d also sets %s and is read later, so it wins", file, i+1, name))
			}
		}
	}
	return notes
}
