package journal

import (
	"strconv"
	"strings"
	"time"
)

// Took returns how long the work took that an entry is about, by its fields: a duration
// (TOOK, DURATION, ELAPSED, LATENCY), or a number with the unit in the name
// (DURATION_MS). It is 0 where no field tells.
func (l Line) Took() time.Duration {
	for _, name := range []string{"TOOK", "DURATION", "ELAPSED", "LATENCY"} {
		if text, ok := l.Fields[name]; ok {
			if d, err := time.ParseDuration(text); err == nil {
				return d
			}
			if seconds, err := strconv.ParseFloat(text, 64); err == nil {
				return time.Duration(seconds * float64(time.Second))
			}
		}
		for suffix, unit := range map[string]time.Duration{"_NS": time.Nanosecond, "_US": time.Microsecond, "_MS": time.Millisecond, "_SECONDS": time.Second} {
			if n, err := strconv.ParseFloat(strings.TrimSpace(l.Fields[name+suffix]), 64); err == nil {
				return time.Duration(n * float64(unit))
			}
		}
	}
	return 0
}
