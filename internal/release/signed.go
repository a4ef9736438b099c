package release

import (
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/gover"
)

// IsSigned reports whether the Go project published a signature beside the
// archives of v. It did so from 2017-08-25 on: by a listing of 2024-06 of
// mirrors.ustc.edu.cn/golang, a copy of dl.google.com/go, there is one for
// 1.8.5, 1.9rc2, 1.9, 1.9.2 and every later tar.gz, and none for 1.8.4, 1.9.1
// and older ones.
func IsSigned(v gover.Version) bool {
	unsigned := []string{"1.9beta1", "1.9beta2", "1.9rc1", "1.9.1"}
	first, _ := gover.Parse("1.8.5")
	return v.Compare(first) >= 0 && !slices.Contains(unsigned, v.String())
}

// OfficialSignature returns the URL at which the official server, whose base is
// given, has the signature of the archive of v for p; "" where it has none.
func OfficialSignature(base string, v gover.Version, p gover.Platform) string {
	if base == "" || !IsSigned(v) {
		return ""
	}
	return signatureURL(strings.TrimRight(base, "/") + "/" + ArchiveName(v, p))
}

func signatureURL(archive string) string { return archive + ".asc" }
