package install

import (
	"strconv"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/store"
)

// oldEnough compares the time in VERSION of a verified tree with what NotAfter
// says. What a module proxy said of the age before is nobody's signed word.
func (tx *transaction) oldEnough(stage *store.Stage) error {
	limit := tx.req.NotAfter[tx.version]
	if limit.IsZero() || tx.version.Major() == 1 && tx.version.Minor() < 21 {
		return nil // before 1.21 VERSION has no time
	}
	made, err := stage.Made()
	if err != nil {
		return err
	}
	if !made.After(limit) {
		return nil
	}
	tx.in.Times.Keep(tx.version, made)
	hours := int(tx.in.now().Sub(made) / time.Hour)
	return diag.New(diag.TooYoung, tx.version.Toolchain()+" was made "+strconv.Itoa(hours)+" hours ago, according to its VERSION file: too young to be the newest",
		"vmgo install "+tx.version.Lang().String()+"   # an older release, now that its age is known",
		"vmgo install "+tx.version.String()+"   # this release, whatever its age")
}
