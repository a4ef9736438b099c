package doctor

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/gobin"
	"github.com/vmgo/vmgo/internal/gobin/gather"
)

// gather lists the programs in a bin: those in it, and those in directories of
// cross-compiled ones.
func (m *Machine) gather(bin, target string) gather.Programs {
	g := gather.Programs{Link: gobin.Record(m.Layout.Data)}
	var walk func(rest string)
	walk = func(rest string) {
		for _, entry := range m.ReadDir(filepath.Join(bin, rest)) {
			name := filepath.Join(rest, entry.Name())
			_, err := m.Lstat(filepath.Join(target, name))
			switch {
			case entry.IsDir() && rest == "":
				walk(name)
			case !entry.Type().IsRegular() || err == nil:
				g.Stay++
			default:
				g.Moves = append(g.Moves, gather.Move{From: filepath.Join(bin, name), To: filepath.Join(target, name)})
			}
		}
	}
	walk("")
	return g
}

// previewGather shows what moves.
func previewGather(out *strings.Builder, g gather.Programs, path string) {
	for _, move := range g.Moves {
		fmt.Fprintf(out, "  %s -> %s\n", move.From, move.To)
	}
	if g.Stay > 0 {
		fmt.Fprintf(out, "  %s -> %s\n", path, path+gather.Before)
	}
	fmt.Fprintf(out, "  %s becomes a link to %s\n", path, g.Link)
}

// realGather returns a move by the paths of the machine that runs vmgo.
func (m *Machine) realGather(g gather.Programs) (*gather.Programs, error) {
	out := gather.Programs{Link: m.Path(g.Link)}
	for _, move := range g.Moves {
		move.From, move.To = m.Path(move.From), m.Path(move.To)
		var err error
		if move.Sum, err = fsx.Sum(move.From); err != nil {
			return nil, err
		}
		out.Moves = append(out.Moves, move)
	}
	return &out, nil
}
