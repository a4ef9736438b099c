package harden

import "github.com/vmgo/vmgo/internal/facts"

func inotifyItem() Item {
	return Item{
		ID:   "inotify",
		What: "let editors and gopls watch large trees",
		Why: "an editor sets an inotify watch on every directory of a workspace, and on the module cache. " +
			"Beyond the limit it polls or silently misses changes.",
		Effect: "up to 524288 watches succeed. Nothing is reserved: only watches that are set cost memory. " +
			"A build is not faster.",
		Evidence: "measured: the kernel's own limit is 15256 on a machine of 2 GB and 192493 on one of 24 GB; " +
			"a watch costs about 1 KB of kernel memory, nearly all of it the inode that stays in memory (40000 watches on ext4, kernel 6.18), so 524288 of them about 0.5 GB",
		On:     []Profile{Dev},
		OffWhy: "a server or a build machine watches few files",
		Undo:   "the running values become those that were there before",
		Desired: func(m *Machine) (Desired, error) {
			return m.sysctls(
				kernelSetting{"fs.inotify.max_user_watches", facts.GoodWatches, atLeast},
				kernelSetting{"fs.inotify.max_user_instances", facts.GoodInstances, atLeast})
		},
	}
}
