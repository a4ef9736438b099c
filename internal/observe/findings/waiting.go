package findings

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/observe/exectrace"
	"github.com/vmgo/vmgo/internal/observe/profiles"
)

// locks sums the time in which goroutines waited for locks.
func locks(in Input) *Finding {
	var sum time.Duration
	var places []string
	var worst exectrace.Wait
	if in.Trace != nil {
		for _, w := range in.Trace.Waits {
			kind := w.Lock()
			if kind == "" {
				continue
			}
			sum += time.Duration(w.Sum)
			if worst.Longest < w.Longest {
				worst = w
			}
			held := ""
			if at, waited := w.Holder(); waited > 0 {
				held = fmt.Sprintf("; held for %s of it by %s: %s", short(time.Duration(waited)), at.Func, location(at))
			}
			places = append(places, fmt.Sprintf("%s waited %s for a %s, %d times, the longest %s: %s", w.Place().Func, short(time.Duration(w.Sum)), kind, w.Count, short(time.Duration(w.Longest)), location(w.Place()))+held)
		}
	} else if in.Block != nil {
		sum, places = blocked(in.Block)
	}
	const least = 0.2 // goroutines that wait, on average
	waiting := sum.Seconds() / in.Window.Seconds()
	if waiting < least || in.Trace != nil && worst.Longest < int64(time.Millisecond) {
		return nil
	}
	f := &Finding{
		ID: "locks", Value: waiting, Unit: "goroutines waiting", score: 50 + 50*min(waiting/4, 1),
		Summary:  fmt.Sprintf("%.1f goroutines on average wait for locks", waiting),
		Evidence: places[:min(len(places), top)],
		Advice:   "hold the lock for less: nothing slow while it is held; or divide what it guards",
	}
	if len(places) > 0 {
		place, _, _ := strings.Cut(places[0], " waited ")
		f.Summary += ", most of them in " + place
	}
	if in.Trace != nil {
		at := in.Trace.Wall(worst.LastAt)
		f.At = &at
	}
	f.Evidence = append(f.Evidence, holders(in.Mutex)...)
	return f
}

// blocked sums what a block profile has of locks.
func blocked(p *profiles.Profile) (sum time.Duration, places []string) {
	for _, s := range p.Stacks(p.Index("delay")) {
		if len(s.Functions) > 1 && slices.ContainsFunc(s.Functions, func(f string) bool {
			return strings.HasPrefix(f, "sync.(*Mutex)") || strings.HasPrefix(f, "sync.(*RWMutex)")
		}) {
			sum += time.Duration(s.Value)
			places = append(places, fmt.Sprintf("%s waited %s: %s", author(s.Functions), short(time.Duration(s.Value)), s.Place))
		}
	}
	return sum, places
}

// holders names who held locks for which others waited: the mutex profile has the
// stack of the unlock.
func holders(p *profiles.Profile) []string {
	if p == nil {
		return nil
	}
	var lines []string
	for _, s := range p.Stacks(p.Index("delay")) {
		if len(lines) == 3 || s.Value < int64(time.Millisecond) {
			break
		}
		lines = append(lines, fmt.Sprintf("held by %s while others waited %s: %s", author(s.Functions), short(time.Duration(s.Value)), s.Place))
	}
	return lines
}

// author is the innermost function that is not the library's.
func author(functions []string) string {
	for _, f := range functions {
		if !strings.HasPrefix(f, "sync.") && !strings.HasPrefix(f, "runtime.") && !strings.HasPrefix(f, "internal/") {
			return f
		}
	}
	return functions[len(functions)-1]
}

func location(f exectrace.Frame) string { return fmt.Sprintf("%s:%d", f.File, f.Line) }

// meantToWait are functions that sit in a system call because there is nothing to do.
func meantToWait() []string {
	return []string{
		"os.(*Process).", "os/exec.(*Cmd).Wait", "syscall.wait4", "syscall.Wait4", "syscall.EpollWait", "golang.org/x/sys/unix.EpollWait",
		"golang.org/x/sys/unix.Poll", "golang.org/x/sys/unix.Wait4", "os/signal.", "os.(*File).Read", // a terminal or pipe
		"net/http.(*Server)", "runtime.cgocallback",
	}
}

func syscalls(in Input) *Finding {
	if in.Trace == nil {
		return nil
	}
	const long, least = 50 * time.Millisecond, 0.1
	var sum time.Duration
	var evidence []string
	var worst exectrace.Wait
	for _, w := range in.Trace.Syscalls {
		if time.Duration(w.Longest) < long || len(w.Stack) == 0 || idle(w) {
			continue
		}
		sum += time.Duration(w.Sum)
		if w.Longest > worst.Longest {
			worst = w
		}
		evidence = append(evidence, fmt.Sprintf("%s in %s: %s, %d times, the longest %s: %s", w.Place().Func, call(w), short(time.Duration(w.Sum)), w.Count, short(time.Duration(w.Longest)), location(w.Place())))
	}
	blocked := sum.Seconds() / in.Window.Seconds()
	if blocked < least {
		return nil
	}
	at := in.Trace.Wall(worst.LastAt)
	return &Finding{
		ID: "syscalls", Value: blocked, Unit: "goroutines blocked", score: 45 + 50*min(blocked, 1), At: &at,
		Summary:  fmt.Sprintf("system calls block for up to %s, most in %s (%s)", short(time.Duration(worst.Longest)), worst.Place().Func, call(worst)),
		Evidence: evidence[:min(len(evidence), top)],
		Advice:   "each blocked call holds a thread: look at the disk, the network file system or the lock that it waits for",
	}
}

func idle(w exectrace.Wait) bool {
	for _, f := range w.Stack {
		if slices.ContainsFunc(meantToWait(), func(prefix string) bool { return strings.HasPrefix(f.Func, prefix) }) {
			return true
		}
	}
	return false
}

// call is the system call's name as far as the stack tells: the outermost function of
// the package that makes it.
func call(w exectrace.Wait) string {
	name := "a system call"
	for _, f := range w.Stack {
		if f.Func == "runtime.cgocall" {
			return "C code"
		}
		if strings.HasPrefix(f.Func, "syscall.") || strings.HasPrefix(f.Func, "golang.org/x/sys/unix.") {
			name = f.Func[strings.LastIndex(f.Func, ".")+1:]
		}
	}
	return name
}

// leak names goroutines that nobody will wake, or that become more and more.
func leak(in Input) *Finding {
	if in.Leaks != nil {
		if n := in.Leaks.Total(0); n > 0 {
			f := &Finding{ID: "goroutine-leak", Value: float64(n), Unit: "goroutines", score: 90, Summary: fmt.Sprintf("%d goroutines can never run again", n)}
			f.name(in.Leaks.Stacks(0), "leaked")
			return f
		}
	}
	if in.GoBefore == nil || in.Goroutines == nil {
		return nil
	}
	grown, err := profiles.Minus(in.Goroutines, in.GoBefore, 1)
	if err != nil {
		return nil
	}
	const least = 50
	stacks := grown.Stacks(0)
	before := map[string]int64{}
	for _, s := range in.GoBefore.Stacks(0) {
		before[strings.Join(s.Functions, "\x00")] = s.Value
	}
	var more int64
	var growing []profiles.Stack
	for _, s := range stacks {
		if s.Value >= least && 2*s.Value >= before[strings.Join(s.Functions, "\x00")] {
			more += s.Value
			growing = append(growing, s)
		}
	}
	if len(growing) == 0 {
		return nil
	}
	f := &Finding{
		ID: "goroutine-leak", Value: float64(more) / in.Window.Seconds(), Unit: "goroutines per second", score: 55 + 40*min(float64(more)/1000, 1),
		Summary:  fmt.Sprintf("there are %d more goroutines than %s before", more, short(in.Window)),
		Evidence: []string{fmt.Sprintf("%d at the beginning, %d at the end", in.GoBefore.Total(0), in.Goroutines.Total(0))},
	}
	f.name(growing, "more")
	return f
}

// name writes down where goroutines wait.
func (f *Finding) name(stacks []profiles.Stack, word string) {
	f.Advice = "have each goroutine end with the work it is for: a context, a closed channel, a buffered answer"
	for i, s := range stacks[:min(len(stacks), top)] {
		where := author(s.Functions)
		if i == 0 {
			f.Summary += ", most in " + where
		}
		f.Evidence = append(f.Evidence, fmt.Sprintf("%d %s in %s: %s", s.Value, word, where, s.Place))
	}
}
