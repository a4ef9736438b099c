package doctor

import "context"

func umaskCheck() Check {
	return Check{
		ID: "security.umask", Group: Security, Weight: 3,
		Title:  "umask",
		Why:    "it decides who may read and write new files of builds and installs",
		Source: "/proc/self/status",
		Run: func(_ context.Context, m *Machine) Result {
			mask, known := m.Umask()
			switch {
			case !known:
				return skip("the kernel does not report a value")
			case mask&0o002 == 0:
				return warn("umask %04o: all users may change new files", mask).fixWith("umask 022")
			case mask&0o055 == 0o055 && m.UID == 0:
				return info("umask %04o: others cannot use what root installs by hand", mask).
					means("vmgo sets the permissions of releases itself.")
			}
			return ok("%04o", mask)
		},
	}
}
