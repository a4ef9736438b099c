package proxy

import (
	"context"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/modpath"
)

// Checked is what a client gets from one server.
type Checked struct {
	Entry   string  `json:"entry"`   // of GOPROXY, or the URL of the checksum database
	Asked   string  `json:"asked"`   // what for
	Way     string  `json:"way"`     // "direct", or the HTTP proxy
	OK      bool    `json:"ok"`      // the server answered as it should
	Answer  string  `json:"answer"`  // in words
	Seconds float64 `json:"seconds"` // until the answer was there
	SumDB   string  `json:"sumdb"`   // of a module proxy: "carried", "not carried"
	Then    string  `json:"then"`    // when the next entry is asked
	Used    bool    `json:"used"`    // go gets its answer here
}

// Leak is a pattern of private modules whose names reach somebody.
type Leak struct {
	Pattern string `json:"pattern"`
	To      string `json:"to"`
	Fix     string `json:"fix"`
}

// Checks is the result of [Check].
type Checks struct {
	OK      bool      `json:"ok"` // go would get a module and its record
	Proxies []Checked `json:"proxies"`
	SumDB   []Checked `json:"sumdb"`
	Leaks   []Leak    `json:"leaks"`
}

// probe is a module that every proxy has, requested by its smallest file.
const probe = "golang.org/x/text/@v/v0.3.0.info"

// Check asks every entry of GOPROXY, and the checksum database by the way that go
// would take. It does not stop at the first that answers.
func Check(ctx context.Context, client *fetch.Client, env map[string]string, settings goenv.Settings) (Checks, error) {
	proxies, err := fetch.ParseProxies(settings.GOPROXY().Value)
	if err != nil {
		return Checks{}, err
	}
	database, err := goenv.ParseSumDB(settings.Get("GOSUMDB").Value)
	if err != nil {
		return Checks{}, diag.Wrap(diag.BadSetting, err, "GOSUMDB", "go env GOSUMDB")
	}
	c := checker{ctx, client, env, database}
	checks := Checks{Leaks: leaks(settings)}
	going := true // go would ask this entry
	carrier := "" // the proxy that go asks for records
	for _, p := range proxies {
		checked, cause := c.proxy(p)
		checked.Used = going && checked.OK
		if going && carrier == "" && checked.SumDB == "carried" {
			carrier = p.URL
		}
		going = going && !checked.OK && (p.AnyError || fetch.Gone(cause))
		checks.OK = checks.OK || checked.Used
		checks.Proxies = append(checks.Proxies, checked)
	}
	if !database.Off {
		record := c.record(carrier)
		checks.SumDB = append(checks.SumDB, record)
		checks.OK = checks.OK && record.OK
	}
	return checks, ctx.Err()
}

type checker struct {
	ctx      context.Context
	client   *fetch.Client
	env      map[string]string
	database goenv.SumDB
}

func (c checker) proxy(p goenv.Proxy) (Checked, error) {
	switch {
	case p.Off:
		return Checked{Entry: "off", Answer: "go stops here"}, nil
	case p.Direct:
		return Checked{Entry: "direct", OK: true, Way: "direct", Answer: "the module's own repository, by git"}, nil
	}
	checked, err := c.get(p.URL, "/"+probe)
	checked.Then = "the next entry only if the module is missing"
	if p.AnyError {
		checked.Then = "the next entry after any error"
	}
	if checked.OK && !c.database.Off && c.database.URL == "" {
		checked.SumDB = "not carried"
		if _, err := c.client.Get(c.ctx, p.URL+"/sumdb/"+c.database.Name()+"/supported", maxAnswer); err == nil {
			checked.SumDB = "carried"
		}
	}
	return checked, err
}

// database asks for the newest tree head by the way that go takes.
func (c checker) record(carrier string) Checked {
	base := "https://" + c.database.Name()
	switch {
	case c.database.URL != "":
		base = c.database.URL
	case carrier != "":
		base = carrier + "/sumdb/" + c.database.Name()
	}
	checked, _ := c.get(base, "/latest")
	checked.Used = checked.OK
	return checked
}

func (c checker) get(base, path string) (Checked, error) {
	checked := Checked{Entry: fetch.Redact(base), Asked: path, Way: "direct", Answer: "ok"}
	if way := fetch.Way(c.env, base); way != "" {
		checked.Way = "HTTP proxy " + way
	}
	begun := time.Now()
	_, err := c.client.Get(c.ctx, base+path, maxAnswer)
	checked.Seconds = time.Since(begun).Seconds()
	if checked.OK = err == nil; err != nil {
		checked.Answer = strings.TrimPrefix(err.Error(), "cannot get "+fetch.Redact(base+path)+": ")
	}
	return checked, err
}

// leaks finds the patterns of GOPRIVATE that GONOPROXY or GONOSUMDB, once set,
// do not repeat: they do not add to GOPRIVATE but replace it.
func leaks(settings goenv.Settings) []Leak {
	found := []Leak{}
	private := settings.Get("GOPRIVATE").Value
	for pattern := range strings.SplitSeq(private, ",") {
		if pattern = strings.TrimSpace(pattern); pattern == "" {
			continue
		}
		for _, setting := range []struct{ name, to string }{{"GONOPROXY", "the proxies of GOPROXY"}, {"GONOSUMDB", "the checksum database"}} {
			value := settings.Get(setting.name)
			if value.IsSet() && !covers(value.Value, pattern) {
				command := "go env -w " // which a variable of the environment outweighs
				if value.FromEnv {
					command = "export "
				}
				list := modpath.Join(value.Value, pattern)
				found = append(found, Leak{pattern, setting.to, command + setting.name + "=" + diag.Word(list)})
			}
		}
	}
	return found
}

// covers reports whether a list has a pattern, or one that matches all that it does.
func covers(list, pattern string) bool {
	for known := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(known) == pattern {
			return true
		}
	}
	return modpath.Match(list, strings.ReplaceAll(pattern, "*", "x"))
}
