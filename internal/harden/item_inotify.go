package harden

func inotifyItem() Item {
	return Item{
		ID:   "inotify",
		What: "let editors and gopls watch large trees",
		Why: "an editor sets an inotify watch on every directory of a workspace, and on the module cache. " +
			"Beyond the limit it falls back to polling or misses changes without a word.",
		Effect: "no more failed watches up to 524288 of them. Nothing is reserved: only watches that are set cost memory. " +
			"A build is not faster.",
		Evidence: "the kernel chooses the default by memory: 15256 on a machine of 2 GB (measured). inotifyMeasured",
		On:       []Profile{Dev},
		OffWhy:   "a server or a build machine watches little",
		Undo:     "the running values become those that were there before",
		Wish: func(m *Machine) (Wish, error) {
			return m.sysctls(
				kernelSetting{"fs.inotify.max_user_watches", 524288, atLeast},
				kernelSetting{"fs.inotify.max_user_instances", 1024, atLeast})
		},
	}
}
