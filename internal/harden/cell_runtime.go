package harden

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/host"
)

func sysctlPath(name string) string { return "/proc/sys/" + strings.ReplaceAll(name, ".", "/") }

// readRuntime returns a running value. A sysctl that the kernel does not have is
// absent, as is a swap area that is not in use and a unit that is not active.
func (m *Machine) readRuntime(kind Kind, target string) (Value, error) {
	switch kind {
	case Sysctl:
		text, err := m.Host.ReadFile(sysctlPath(target))
		if errors.Is(err, fs.ErrNotExist) {
			return Absent(), nil
		}
		return Value{Present: true, Text: strings.Join(strings.Fields(string(text)), " ")}, err
	case Swap:
		for _, area := range m.Swaps() {
			if area.Name == target {
				return Value{Present: true, Text: priority(area)}, nil
			}
		}
		return Absent(), nil
	default:
		// is-active ends with a status of its own for every state that is not
		// "active": what it prints is the answer, unless it prints nothing.
		out, err := m.answer("systemctl", "is-active", target)
		switch strings.TrimSpace(out) {
		case "":
			return Value{}, fmt.Errorf("systemctl is-active %s: %w", target, err)
		case "active", "reloading", "activating":
			return Value{Present: true}, nil
		}
		return Absent(), nil
	}
}

func (m *Machine) writeRuntime(c Change) error {
	switch c.Kind {
	case Sysctl:
		if !c.To.Present {
			return nil
		}
		f, err := os.OpenFile(m.Host.Path(sysctlPath(c.Target)), os.O_WRONLY|os.O_TRUNC, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(c.To.Text + "\n")
		return errors.Join(err, f.Close())
	case Swap:
		return m.writeSwap(c)
	default:
		verb := "stop"
		if c.To.Present {
			verb = "start"
		}
		if _, err := m.output("systemctl", verb, c.Target); err != nil {
			return err
		}
		// A unit whose condition does not hold "starts" without an error.
		if now, err := m.readRuntime(Unit, c.Target); err != nil || now.Present != c.To.Present {
			return errors.Join(err, fmt.Errorf("%s did not %s", c.Target, verb))
		}
		return nil
	}
}

// autoPriority stands for the negative priorities: the kernel gives those
// itself, in the order of activation, and takes none.
const autoPriority = "auto"

func priority(area host.Swap) string {
	if area.Priority < 0 {
		return autoPriority
	}
	return strconv.Itoa(area.Priority)
}

// writeSwap switches an area off, or on with the priority it had.
func (m *Machine) writeSwap(c Change) error {
	if !c.To.Present {
		_, err := m.output("swapoff", c.Target)
		return err
	}
	args := []string{c.Target}
	if c.To.Text != autoPriority {
		args = []string{"-p", c.To.Text, c.Target}
	}
	_, err := m.output("swapon", args...)
	return err
}
