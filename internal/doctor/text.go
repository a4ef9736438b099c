package doctor

import (
	"strconv"

	"github.com/vmgo/vmgo/internal/host"
)

func itoa(n int) string { return strconv.Itoa(n) }

func hostCommand(args []string, env map[string]string, dir string) host.Command {
	return host.Command{Args: args, Env: env, Dir: dir}
}

// size writes bytes for people, in powers of two as memory is sold.
func size(n uint64) string {
	switch {
	case n >= 10<<30:
		return strconv.FormatUint(n>>30, 10) + " GB"
	case n >= 1<<30:
		return strconv.FormatFloat(float64(n)/(1<<30), 'f', 1, 64) + " GB"
	case n >= 1<<20:
		return strconv.FormatUint(n>>20, 10) + " MB"
	case n >= 1<<10:
		return strconv.FormatUint(n>>10, 10) + " kB"
	}
	return strconv.FormatUint(n, 10) + " B"
}
