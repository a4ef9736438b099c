package harden

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/vmgo/vmgo/internal/diag"
)

// Kind is a kind of cell.
type Kind string

// The kinds. Those from Sysctl on live in the running kernel or in systemd and
// do not exist in an image.
const (
	Dir  Kind = "dir"
	File Kind = "file"
	Link Kind = "link"
	Mode Kind = "mode" // owner and permission bits of something that exists
	// Programs is whether the programs of a bin are in the user's one directory.
	Programs Kind = "programs"
	Sysctl   Kind = "sysctl" // a running value beneath /proc/sys
	Swap     Kind = "swap"   // a swap area in use
	Unit     Kind = "unit"   // whether a systemd unit is active
)

func (k Kind) runtime() bool { return k == Sysctl || k == Swap || k == Unit }

// named reports whether a cell is a name in a directory, which a change makes, replaces
// or removes.
func (k Kind) named() bool { return k == Dir || k == File || k == Link }

// Value is what a cell holds. The zero Value is an absent one.
type Value struct {
	Present bool
	Text    string // a file's bytes, a link's target, a running value
	Mode    uint32 // permission bits with setuid, setgid and sticky as in chmod(2)
	UID     int
	GID     int
	// MTime is a file's time in nanoseconds, kept so that undo can restore
	// it. It does not count when values are compared.
	MTime int64
}

// Absent is the value of a cell that does not exist.
func Absent() Value { return Value{} }

// hidden says that not everybody may read the file.
func (v Value) hidden() bool { return v.Present && v.Mode&0o004 == 0 }

// Same compares two values of a cell.
func (v Value) Same(o Value) bool {
	v.MTime, o.MTime = 0, 0
	return v == o
}

type valueJSON struct {
	Absent bool   `json:"absent,omitempty"`
	Text   string `json:"text,omitempty"`
	Bytes  []byte `json:"bytes,omitempty"` // in place of text that is not UTF-8
	Mode   string `json:"mode,omitempty"`
	UID    int    `json:"uid,omitempty"`
	GID    int    `json:"gid,omitempty"`
	MTime  int64  `json:"mtime,omitempty"`
}

// MarshalJSON keeps bytes that are not UTF-8: JSON strings would not.
func (v Value) MarshalJSON() ([]byte, error) {
	out := valueJSON{Absent: !v.Present, UID: v.UID, GID: v.GID, MTime: v.MTime}
	if utf8.ValidString(v.Text) {
		out.Text = v.Text
	} else {
		out.Bytes = []byte(v.Text)
	}
	if v.Mode != 0 {
		out.Mode = fmt.Sprintf("%04o", v.Mode)
	}
	return json.Marshal(out)
}

// UnmarshalJSON is the inverse of MarshalJSON.
func (v *Value) UnmarshalJSON(data []byte) error {
	var in valueJSON
	if err := json.Unmarshal(data, &in); err != nil {
		return err
	}
	*v = Value{Present: !in.Absent, Text: in.Text, UID: in.UID, GID: in.GID, MTime: in.MTime}
	if in.Bytes != nil {
		v.Text = string(in.Bytes)
	}
	if in.Mode != "" {
		if _, err := fmt.Sscanf(in.Mode, "%o", &v.Mode); err != nil {
			return fmt.Errorf("mode %q: %w", in.Mode, err)
		}
	}
	return nil
}

// Change is one step of a transition: the cell goes from one value to the
// other. A step whose cell has neither value is left alone.
type Change struct {
	Kind   Kind     `json:"kind"`
	Target string   `json:"target"`
	Items  []string `json:"items"`
	From   Value    `json:"from"`
	To     Value    `json:"to"`
	// Keep is where the old file is kept because somebody else changed it.
	Keep  string   `json:"keep,omitempty"`
	Check []string `json:"check,omitempty"`

	// drop is the copy that goes when a change that made one is reverted.
	drop string
}

func (c Change) key() cellKey { return cellKey{c.Kind, c.Target} }

// The phases of a transition. A unit stops before its files go; directories
// come before what is in them and go after it; systemd reads the files anew
// before a unit starts.
const (
	phaseStop = iota
	phaseMkdir
	phaseFiles
	phaseRmdir
	phaseReload
	phaseRuntime
	phaseStart
)

func (c Change) phase() int {
	switch {
	case c.Kind == Unit && !c.To.Present:
		return phaseStop
	case c.Kind == Unit:
		return phaseStart
	case c.Kind.runtime():
		return phaseRuntime
	case c.Kind == Dir && !c.To.Present:
		return phaseRmdir
	case c.Kind == Dir:
		return phaseMkdir
	}
	return phaseFiles
}

// order sorts changes by phase and keeps their order within one.
func order(changes []Change) {
	slices.SortStableFunc(changes, func(a, b Change) int { return a.phase() - b.phase() })
}

// inverse returns the changes that take these back.
func inverse(changes []Change) []Change {
	back := make([]Change, 0, len(changes))
	for _, c := range slices.Backward(changes) {
		c.From, c.To = c.To, c.From
		c.drop, c.Keep, c.Check = c.Keep, "", nil
		back = append(back, c)
	}
	order(back)
	return back
}

// Command renders the change as the command that an administrator would have
// typed; files are shown as diffs instead.
func (c Change) Command() string {
	switch c.Kind {
	case Dir:
		if !c.To.Present {
			return "rmdir " + diag.Word(c.Target)
		}
		return fmt.Sprintf("mkdir -m %04o %s", c.To.Mode, diag.Word(c.Target))
	case Link:
		if !c.To.Present {
			return "rm " + diag.Word(c.Target)
		}
		return "ln -s " + diag.Word(c.To.Text) + " " + diag.Word(c.Target)
	case Mode:
		return modeCommand(c)
	case Programs:
		return "vmgo doctor --fix   # the programs of " + diag.Word(c.Target)
	case Sysctl:
		return "sysctl -w " + diag.Word(c.Target+"="+c.To.Text)
	case Swap:
		if !c.To.Present {
			return "swapoff " + diag.Word(c.Target)
		}
		if c.To.Text == autoPriority {
			return "swapon " + diag.Word(c.Target)
		}
		return "swapon -p " + c.To.Text + " " + diag.Word(c.Target)
	case Unit:
		if c.To.Present {
			return "systemctl start " + diag.Word(c.Target)
		}
		return "systemctl stop " + diag.Word(c.Target)
	case File:
		if !c.To.Present {
			return "rm " + diag.Word(c.Target)
		}
		return fmt.Sprintf("install -m %04o -o %d -g %d /dev/stdin %s", c.To.Mode, c.To.UID, c.To.GID, diag.Word(c.Target))
	}
	return ""
}

func modeCommand(c Change) string {
	var parts []string
	if c.From.UID != c.To.UID || c.From.GID != c.To.GID {
		parts = append(parts, fmt.Sprintf("chown -h %d:%d %s", c.To.UID, c.To.GID, diag.Word(c.Target)))
	}
	if c.From.Mode != c.To.Mode {
		parts = append(parts, fmt.Sprintf("chmod %04o %s", c.To.Mode, diag.Word(c.Target)))
	}
	return strings.Join(parts, " && ")
}

func (v Value) ownership() string { return fmt.Sprintf("mode %04o owner %d:%d", v.Mode, v.UID, v.GID) }
