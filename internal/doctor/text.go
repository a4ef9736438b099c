package doctor

import (
	"math"
	"strconv"

	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/ui"
)

func itoa(n int) string { return strconv.Itoa(n) }

func hostCommand(args []string, env map[string]string, dir string) host.Command {
	return host.Command{Args: args, Env: env, Dir: dir}
}

// size writes bytes for people.
func size(n uint64) string { return ui.Bytes(int64(min(n, math.MaxInt64))) }
