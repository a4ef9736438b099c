// Package harden makes a machine fit for Go, shows every change first and can
// take all of it back.
//
// An [Item] says what it wants of a machine as a list of cells: a file with this text, a
// directory, a link, a mode, a kernel setting, a swap area, a unit that runs. The engine
// compares cells with the machine; each change goes from one value to another. So a plan
// is complete, a second apply is empty, drift is visible, and undo is the same operation
// with the original values.
//
// Promises, checked by tests that kill the program:
//
//   - Nothing is changed that the plan did not show.
//   - No file that vmgo did not create is edited, except /etc/fstab between
//     markers, and its original is kept.
//   - The journal is on the disk before the first change, so whatever step a
//     crash interrupts, the next apply or undo finishes it first.
//   - Undo restores every byte, mode, owner and runtime value; a file that others
//     have changed since is kept beside the original.
package harden

import (
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/diag"
)

// Profile is the purpose of a machine; it decides which items are on.
type Profile string

// The profiles. Server is the default since it loosens nothing.
const (
	Dev    Profile = "dev"
	CI     Profile = "ci"
	Server Profile = "server"
)

// Profiles lists all profiles.
func Profiles() []Profile { return []Profile{Dev, CI, Server} }

// ParseProfile reads the name of a profile.
func ParseProfile(name string) (Profile, error) {
	if slices.Contains(Profiles(), Profile(name)) {
		return Profile(name), nil
	}
	return "", diag.New(diag.Usage, "unknown profile "+quote(name), "vmgo harden plan --profile dev   # or ci, or server")
}

// State is the state of an item on a machine.
type State string

// The states.
const (
	Applied       State = "applied"        // everything is as the item wants it
	Pending       State = "pending"        // there are changes to make
	Drifted       State = "drifted"        // applied once, and changed by others since
	Overridden    State = "overridden"     // applied, but another file or setting wins
	Blocked       State = "blocked"        // wanted, but must not or cannot be done here
	NotApplicable State = "not-applicable" // there is nothing to do on this machine
)

// Need is what has to happen before a change takes full effect.
type Need string

// The needs, by increasing effort.
const (
	NeedsNothing Need = ""
	NeedsLogin   Need = "login"   // a new login session
	NeedsRestart Need = "restart" // services must be restarted
	NeedsReboot  Need = "reboot"
)

// Item is one change to a machine. Items are values: the result of Desired has
// everything that depends on the machine.
type Item struct {
	ID       string
	What     string    // what it does, one line
	Why      string    // why it is useful
	Effect   string    // the effect to expect
	Evidence string    // the source: where it was measured, or documented
	Undo     string    // how it is undone, where that needs a word beyond "vmgo harden undo"
	On       []Profile // the profiles that switch it on
	OffWhy   string    // why it is off where it is off
	Needs    Need
	Desired  func(*Machine) (Desired, error)
}

// In reports whether the profile switches the item on.
func (i Item) In(p Profile) bool { return slices.Contains(i.On, p) }

// Desired is the state that an item wants on one machine.
type Desired struct {
	Blocked       string // why it must not be done here; nothing will be changed
	NotApplicable string // why there is nothing to do here
	Wants         []Want
	Notes         []string // what was found, the reasoning behind the figures
	Advice        []string // commands for the administrator; harden never runs them
	// Effective returns settings that have another value although the item's files are right: the value
	// that systemd, the kernel or the next boot uses, and the file that wins. It may be nil.
	Effective func() []string
	// Older returns what runs and was started before the item was applied, so that it still has the
	// values of then; empty if nothing does. It may be nil.
	Older func() string
}

// Want is one cell and the value it should have.
type Want struct {
	Kind   Kind
	Target string // a path from the machine's root, a sysctl name, a device, a unit
	Value  Value
	// Shared marks a file of which the item owns a part; Value.Text is that
	// part. Parts of several items make up the file.
	Shared bool
	// Foreign allows a file that vmgo did not create: /etc/fstab.
	Foreign bool
	// Check is a command that checks the new file before it is put in place;
	// "{}" stands for its path.
	Check []string
}

// Catalogue lists all items in the order in which they are shown and applied.
func Catalogue() []Item {
	return []Item{
		storeItem(),
		policyItem(),
		loginPathItem(),
		shimsItem(),
		sudoItem(),
		timeSyncItem(),
		inotifyItem(),
		profilingItem(),
		cgroupItem(),
		swapOffItem(),
		swappinessItem(),
		zramItem(),
		loginLimitsItem(),
		serviceLimitsItem(),
		coreDumpsItem(),
		gocacheItem(),
		tmpItem(),
	}
}

// Find returns the item with that ID.
func Find(items []Item, id string) (Item, bool) {
	for _, item := range items {
		if item.ID == id {
			return item, true
		}
	}
	return Item{}, false
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
