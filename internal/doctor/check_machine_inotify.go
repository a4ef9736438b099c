package doctor

import (
	"context"
	"fmt"
	"strconv"

	"github.com/vmgo/vmgo/internal/facts"
)

func inotifyCheck() Check {
	return Check{
		ID: "machine.inotify", Group: MachineGroup, Weight: 4,
		Title:  "how many files can be watched",
		Why:    "editors and gopls watch a whole tree; beyond the limit they miss changes silently",
		Source: "/proc/sys/fs/inotify; inotify(7); VS Code asks for 524288",
		Run:    runInotify,
	}
}

func runInotify(ctx context.Context, m *Machine) Result {
	const dir = "/proc/sys/fs/inotify/"
	watches, err := strconv.Atoi(m.Text(dir + "max_user_watches"))
	if err != nil {
		return skip("%s cannot be read", dir)
	}
	instances, _ := strconv.Atoi(m.Text(dir + "max_user_instances"))
	r := ok("inotify allows a user %d watches and %d instances", watches, instances)
	if watches >= facts.EnoughWatches && instances >= facts.EnoughInstances {
		return r
	}
	r.worse(Info)
	if m.Exists(m.HomePath(".vscode-server")) {
		r.worse(Warn)
		r = r.means("A VS Code server is installed here.")
	}
	r = r.at(dir+"max_user_watches", 0, "%d", watches).at(dir+"max_user_instances", 0, "%d", instances)
	return r.harden(ctx, m, "inotify", fmt.Sprintf(`printf 'fs.inotify.max_user_watches=%d\nfs.inotify.max_user_instances=%d\n' | sudo tee /etc/sysctl.d/50-inotify.conf && sudo sysctl --system`, facts.GoodWatches, facts.GoodInstances))
}
