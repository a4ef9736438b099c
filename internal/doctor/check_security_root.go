package doctor

import (
	"context"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/passwd"
)

func rootCheck() Check {
	return Check{
		ID: "security.root", Group: Security, Weight: 6,
		Title:  "builds as root",
		Why:    "tests and generators run with all privileges, and leave files in the project that its owner cannot change",
		Source: "user id; SUDO_USER; owner of the project",
		Run: func(_ context.Context, m *Machine) Result {
			if m.UID != 0 {
				return ok("you are user %d", m.UID)
			}
			module := m.moduleRoot()
			if user := m.Env["SUDO_USER"]; user != "" && user != "root" {
				return warn("this is a root shell of sudo").at("environment", 0, "SUDO_USER=%s", user).
					fixWith("# leave the root shell, and build as %s", user)
			}
			if module == "" {
				return info("you are root")
			}
			if uid, _ := m.Owner(module); uid > 0 {
				r := warn("you are root, and the project belongs to %s", m.nameOf(uid)).at(module, 0, "")
				if account, found := passwd.ByUID(m.Accounts(), uid); found {
					return r.fixWith("su - %s", diag.Word(account.Name))
				}
				return r.fixWith("sudo -u '#%d' -i", uid)
			}
			return info("you are root, and so is the project")
		},
	}
}
