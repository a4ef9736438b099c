package diag

import "strconv"

// Newer returns the error about data in a format that only a newer vmgo reads,
// or nil if format is one of those up to known. Data without a number has 0.
func Newer(what string, format, known int) error {
	if format <= known {
		return nil
	}
	return New(NewerFormat, what+" has format "+strconv.Itoa(format)+", and this vmgo reads formats up to "+strconv.Itoa(known)+": a newer vmgo wrote it",
		"vmgo version   # install the newer one: git pull && ./install.sh in its sources")
}
