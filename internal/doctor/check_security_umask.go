package doctor

import "context"

func umaskCheck() Check {
	return Check{
		ID: "security.umask", Group: Security, Weight: 3,
		Title:  "umask",
		Why:    "it decides who may read and write what builds and installs make",
		Source: "/proc/self/status",
		Run: func(_ context.Context, m *Machine) Result {
			mask, known := m.Umask()
			switch {
			case !known:
				return skip("the kernel does not tell")
			case mask&0o002 == 0:
				return warn("%04o: everybody may change new files", mask).mend("umask 022")
			case mask&0o055 == 0o055 && m.UID == 0:
				return info("%04o: what root installs by hand cannot be used by others", mask).
					means("vmgo sets the permissions of releases itself.")
			}
			return ok("%04o", mask)
		},
	}
}
