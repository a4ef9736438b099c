package cmd

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/gover/ranges"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/settings"
)

func minAgeFlag() cli.Flag {
	return &cli.StringFlag{Name: "min-age", Usage: "newest means newest of at least this `AGE`, such as 7d (default: VMGO_MIN_AGE)"}
}

// minAge is the minimum age of a release that counts as the newest.
type minAge struct {
	least    time.Duration // 0: any age will do
	now      time.Time
	platform gover.Platform
	times    release.Times
	made     func(context.Context, gover.Version, gover.Platform) (time.Time, error)
}

// minAge returns what --min-age says, else VMGO_MIN_AGE.
func (a *app) minAge(c *cli.Context) (minAge, error) {
	m := minAge{least: a.settings.MinAge, now: a.host.Now(), platform: a.platform(), times: release.OpenTimes(a.layout.Cache)}
	if c.IsSet("min-age") {
		least, err := settings.ParseAge(c.String("min-age"))
		if err != nil {
			return m, diag.Wrap(diag.Usage, err, "--min-age cannot be "+strconv.Quote(c.String("min-age")), "vmgo install latest --min-age 7d")
		}
		m.least = least
	}
	if m.least == 0 {
		return m, nil
	}
	goproxy, err := a.goproxy(a.client())
	if err == nil {
		m.made = goproxy.Made
	}
	return m, err
}

// young reports whether the release is known to be too young to be the newest,
// and when it was made. Releases before 1.21 name no time, and are from before
// February 2024. Where no proxy tells the time either, the install decides by
// the VERSION file of the tree that the checksum database verifies.
func (m minAge) young(ctx context.Context, v gover.Version) (made time.Time, young bool) {
	if m.least == 0 || v.Major() == 1 && v.Minor() < 21 {
		return time.Time{}, false
	}
	made, known := m.times.Get(v)
	if !known {
		var err error
		if made, err = m.made(ctx, v, m.platform); err != nil || made.IsZero() {
			return time.Time{}, false
		}
		m.times.Keep(v, made)
	}
	return made, m.now.Sub(made) < m.least
}

// pick returns the newest published release that the selector matches and that
// is old enough, and the newest of all if that is another.
func (m minAge) pick(ctx context.Context, selector gover.Selector, published []gover.Version) (picked, passed gover.Version, err error) {
	published = slices.Clone(published)
	for {
		v, found, err := selector.Pick(published, ranges.Parse)
		switch {
		case err != nil:
			return v, passed, err
		case !found && passed.IsZero():
			return v, passed, diag.New(diag.NoSuchRelease, "no source lists a release that matches "+selector.Text(), "vmgo list-remote --all")
		case !found:
			return v, passed, diag.New(diag.TooYoung, "each release that is "+selector.Text()+" is younger than "+m.text(),
				"vmgo install "+passed.String()+"   # this release, whatever its age")
		}
		if _, young := m.young(ctx, v); !young {
			return v, passed, nil
		}
		if passed.IsZero() {
			passed = v
		}
		published = slices.DeleteFunc(published, func(other gover.Version) bool { return other == v })
	}
}

// text returns the least age as people write it: in days where it is some.
func (m minAge) text() string {
	const day = 24 * time.Hour
	if m.least%day == 0 {
		return strconv.Itoa(int(m.least/day)) + "d"
	}
	return m.least.String()
}

// notAfter returns the latest time at which a release may have been made to be
// the newest; the zero time where any age will do.
func (m minAge) notAfter() time.Time {
	if m.least == 0 {
		return time.Time{}
	}
	return m.now.Add(-m.least)
}
