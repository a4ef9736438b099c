package dirs

import (
	"path/filepath"
	"strconv"
	"strings"

	"github.com/vmgo/vmgo/internal/smallfile"
)

// HomeOf returns the home directory of a user by a file in the format of
// passwd(5), empty where that has no such user or cannot be read. Users that
// only a directory service knows are not in it.
func HomeOf(passwd string, uid int) string {
	data, err := smallfile.Read(passwd, smallfile.Usual)
	if err != nil {
		return ""
	}
	number := strconv.Itoa(uid)
	for line := range strings.SplitSeq(string(data), "\n") {
		if fields := strings.Split(line, ":"); len(fields) == 7 && fields[2] == number {
			if filepath.IsAbs(fields[5]) {
				return fields[5]
			}
			return ""
		}
	}
	return ""
}
