package harden

// MachineStore is the store whose go the login shells get.
const MachineStore = "/opt/go"

const profileText = `# Written by vmgo harden: the go command for every login shell.
# GOROOT is not set here, as a go that is run by its path must find its own.
case ":$PATH:" in
*:/usr/local/bin:*) ;;
*) PATH=/usr/local/bin:$PATH ;;
esac
# Last, so that shims and the hook win: the machine's default release.
case ":$PATH:" in
*:/opt/go/default/bin:*) ;;
*) PATH=$PATH:/opt/go/default/bin ;;
esac
export PATH
`

const fishText = `# Written by vmgo harden: the go command for every login shell.
contains -- /usr/local/bin $PATH; or set -gx PATH /usr/local/bin $PATH
contains -- /opt/go/default/bin $PATH; or set -gx PATH $PATH /opt/go/default/bin
`

func loginPathItem() Item {
	return Item{
		ID:   "login-path",
		What: "put the go command on PATH of every login shell",
		Why:  "users of the machine get go without editing their own files, and without a GOROOT that breaks the next version.",
		Effect: "login shells of the sh family and fish find go. It does not reach zsh logins, `ssh host command`, sudo, cron and services: " +
			"those need a program in /usr/local/bin (item shims).",
		Evidence: "measured with sshd, sudo, cron and su on Debian 12: profile.d reaches bash logins and su -, nothing else",
		On:       Profiles(),
		Needs:    NeedsLogin,
		Desired: func(m *Machine) (Desired, error) {
			var w Desired
			if m.Host.Exists("/etc/profile") || m.Host.Exists("/etc/profile.d") {
				w.Wants = append(w.Wants, m.file("/etc/profile.d/vmgo.sh", profileText))
			}
			if m.Host.Exists("/etc/fish") {
				w.Wants = append(w.Wants, m.file("/etc/fish/conf.d/vmgo.fish", fishText))
			}
			if len(w.Wants) == 0 {
				w.NotApplicable = "there is no /etc/profile that login shells read"
			}
			return w, nil
		},
	}
}
