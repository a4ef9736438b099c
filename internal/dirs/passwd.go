package dirs

import (
	"path/filepath"

	"github.com/vmgo/vmgo/internal/passwd"
	"github.com/vmgo/vmgo/internal/smallfile"
)

// HomeOf returns the home directory of a user by a file in the format of
// passwd(5), empty where that has no such user or cannot be read. Users that
// only a directory service knows are not in it.
func HomeOf(file string, uid int) string {
	data, err := smallfile.Read(file, smallfile.Usual)
	if err != nil {
		return ""
	}
	if account, found := passwd.ByUID(passwd.Parse(string(data)), uid); found && filepath.IsAbs(account.Home) {
		return account.Home
	}
	return ""
}
