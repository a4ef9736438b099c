package ui

import (
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
)

// meter counts the bytes of one phase of a job, and knows their rate.
type meter struct {
	done, total int64                    // total is 0 or less where it is not known
	bar         *progressbar.ProgressBar // nil where total is not known

	at   time.Time // of the last measurement
	from int64     // bytes at that time
	rate float64   // bytes a second; 0 while it is not known
}

const (
	// measured is the least time over which a rate is measured. Less makes
	// numbers of chance, and of what an earlier process left.
	measured = time.Second
	// weight is that of a new measurement in the rate that is shown.
	weight = 0.3
)

func newMeter(total int64) *meter {
	m := &meter{total: total}
	if total > 0 {
		m.bar = progressbar.NewOptions64(total, progressbar.OptionSetWriter(io.Discard), progressbar.OptionSetWidth(20),
			progressbar.OptionSetPredictTime(false), progressbar.OptionSetElapsedTime(false), progressbar.OptionUseANSICodes(false))
		_ = m.bar.RenderBlank()
	}
	return m
}

// count takes note of how many bytes there are by now. The first number is
// where the phase begins, which need not be 0: it tells no rate.
func (m *meter) count(done int64, now time.Time) {
	m.done = done
	if m.bar != nil {
		_ = m.bar.Set64(min(done, m.total))
	}
	if m.at.IsZero() {
		m.at, m.from = now, done
		return
	}
	elapsed := now.Sub(m.at)
	if elapsed < measured {
		return
	}
	rate := float64(max(0, done-m.from)) / elapsed.Seconds()
	if m.rate == 0 {
		m.rate = rate
	}
	m.rate += weight * (rate - m.rate)
	m.at, m.from = now, done
}

// text is what fits into so many columns: all, or all but the parts that say
// least.
func (m *meter) text(columns int) string {
	var rate, left string
	if m.rate > 0 {
		rate = "  " + Bytes(int64(m.rate)) + "/s"
		if remaining := float64(m.total-m.done) / m.rate; m.total > 0 && remaining < float64(24*60*60) {
			left = "  " + (time.Duration(remaining) * time.Second).String() + " left"
		}
	}
	count := "  " + Bytes(m.done)
	if m.bar == nil {
		return first(columns, count+rate, count)
	}
	count += " of " + Bytes(m.total)
	percent := " " + strconv.FormatInt(min(m.done, m.total)*100/m.total, 10) + "%"
	bar := " " + strings.TrimSpace(strings.TrimPrefix(m.bar.String(), "\r"))
	return first(columns, bar+count+rate+left, percent+count+rate+left, percent+rate+left, percent+left, percent)
}

// first returns the first text that fits into so many columns, or nothing.
func first(columns int, texts ...string) string {
	for _, text := range texts {
		if Width(text) <= columns {
			return text
		}
	}
	return ""
}
