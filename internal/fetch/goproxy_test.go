package fetch_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/goenv"
)

func TestParseProxies(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://a,direct":                      "https://a direct",
		"https://a/|http://b/c,off":             "https://a| http://b/c off",
		" a.example , b.example/x | direct , c": "https://a.example https://b.example/x| direct",
		",,https://a,,":                         "https://a",
		"file:///srv/go|https://a":              "file:///srv/go| https://a",
		"off,https://a":                         "off",
		"https://user:pass@host/":               "https://user:pass@host",
	} {
		list, err := fetch.ParseProxies(text)
		var got []string
		for _, p := range list {
			s := p.URL
			if p.Direct {
				s = "direct"
			}
			if p.Off {
				s = "off"
			}
			if p.AnyError {
				s += "|"
			}
			got = append(got, s)
		}
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q gave %q, %v", text, got, err)
		}
	}
	for _, bad := range []string{"", " ", ",|", "none", "https://", "/srv/go", "ftp://a", "file://host/x", "https://a b", "https://user:pass@host:bad"} {
		_, err := fetch.ParseProxies(bad)
		wantCode(t, err, diag.BadSetting, "GOPROXY")
		if strings.Contains(err.Error(), "pass@") {
			t.Error(err)
		}
	}
}

func TestProxies_Try(t *testing.T) {
	t.Parallel()
	absent, broken := errors.New("absent"), errors.New("broken")
	missing := func(err error) bool { return errors.Is(err, absent) }
	for _, c := range []struct {
		goproxy string
		answers []error
		asked   int
		want    error
	}{
		{"a.x,b.x,c.x", []error{absent, nil}, 2, nil},
		{"a.x,b.x,c.x", []error{broken}, 1, broken},
		{"a.x|b.x,c.x", []error{broken, nil}, 2, nil},
		{"a.x|b.x,c.x", []error{broken, absent, absent}, 3, broken},
		{"a.x,b.x,direct", []error{absent, absent, absent}, 3, absent},
		{"a.x,b.x,direct", []error{absent, absent, broken}, 3, broken},
		{"a.x|b.x|c.x", []error{broken, broken, absent}, 3, broken},
		{"off", []error{broken}, 1, broken},
	} {
		list, err := fetch.ParseProxies(c.goproxy)
		if err != nil {
			t.Fatal(err)
		}
		asked := 0
		err = list.Try(missing, func(goenv.Proxy) error {
			asked++
			if c.answers[asked-1] == nil {
				return nil
			}
			return fmt.Errorf("%d: %w", asked, c.answers[asked-1])
		})
		if asked != c.asked || !errors.Is(err, c.want) {
			t.Errorf("%s %v: asked %d, %v", c.goproxy, c.answers, asked, err)
		}
	}
}
