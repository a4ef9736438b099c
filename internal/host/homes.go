package host

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vmgo/vmgo/internal/smallfile"
)

// Homes lists the home directories that /etc/passwd beneath root names and that
// exist, sorted.
func Homes(root string) []string {
	data, err := smallfile.Read(filepath.Join(root, "etc/passwd"), MaxFact)
	if err != nil {
		return nil
	}
	var homes []string
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimRight(line, "\n"), ":")
		if len(fields) < 7 || !filepath.IsAbs(fields[5]) || fields[5] == "/" {
			continue
		}
		home := filepath.Join(root, fields[5])
		if info, err := os.Stat(home); err == nil && info.IsDir() {
			homes = append(homes, home)
		}
	}
	slices.Sort(homes)
	return slices.Compact(homes)
}
