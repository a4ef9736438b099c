// Package passwd reads files in the format of passwd(5). It is part of the lean
// program, and opens no files.
package passwd

import (
	"strconv"
	"strings"
)

// Account is a line of /etc/passwd.
type Account struct {
	Name        string
	UID, GID    int
	Home, Shell string
}

// Parse returns the accounts of text in order, leaving out lines that are none.
func Parse(text string) []Account {
	var accounts []Account
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(f) != 7 || f[0] == "" {
			continue
		}
		uid, uidErr := strconv.Atoi(f[2])
		gid, gidErr := strconv.Atoi(f[3])
		if uidErr == nil && gidErr == nil && uid >= 0 && gid >= 0 {
			accounts = append(accounts, Account{Name: f[0], UID: uid, GID: gid, Home: f[5], Shell: f[6]})
		}
	}
	return accounts
}

// ByUID returns the first account with that number, as getpwuid(3) does.
func ByUID(accounts []Account, uid int) (Account, bool) {
	for _, a := range accounts {
		if a.UID == uid {
			return a, true
		}
	}
	return Account{}, false
}
