package shims

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/shell"
)

// A shell that gets data cannot compare times without a process, or not quickly. It is
// told what files hold and what directories list.

// maxText bounds a file that is compared so, in bytes; maxNames the entries of a
// directory. A go.mod of 300 requirements has 20 KiB.
const (
	maxText  = 64 << 10
	maxNames = 512
)

// holding returns what a file holds or a directory lists; the zero Watch where that
// cannot be compared.
func holding(path string) shell.Watch {
	text, err := smallfile.Read(path, maxText)
	if err == nil {
		return shell.Watch{Path: path, Kind: shell.Holding, Text: string(text)}
	}
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) > maxNames {
		return shell.Watch{}
	}
	var names []string
	for _, entry := range entries {
		if name := entry.Name(); !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return shell.Watch{Path: path, Kind: shell.Listing, Names: names}
}

// leading watches, for a shell that gets data, where the link in a directory leads: the list
// of the directory tells only that it is there.
func (w *watcher) leading(link string) {
	if !w.data {
		return
	}
	var stat syscall.Stat_t
	target, err := filepath.EvalSymlinks(link)
	switch {
	case syscall.Lstat(link, &stat) != nil:
	case err != nil || w.isRecent(stat):
		w.unsure = true
	default:
		w.add(shell.Watch{Path: link, Kind: shell.Leading, Text: target})
	}
}
