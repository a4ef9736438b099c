package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

const least = `name = "app"
build = "./cmd/app"
hosts = ["root@10.99.8.1"]
listen = ["8080"]
[health]
url = "http://127.0.0.1:8080/health"
deadline = "30s"
[signing]
key = "~/.ssh/id_ed25519"
[limits]
memory = "256M"
[env.prod]
hosts = ["a", "b"]
[env.prod.limits]
cpus = 1.5
`

func TestParse(t *testing.T) {
	t.Parallel()
	c, err := Parse("x.toml", []byte(least), "")
	if err != nil || c.Limits.Memory != 256<<20 || c.Keep != 5 || time.Duration(c.Health.Deadline) != 30*time.Second || c.Limits.CPUs != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = Parse("x.toml", []byte(least), "prod")
	if err != nil || strings.Join(c.Hosts, " ") != "a b" || c.Limits.CPUs != 1.5 || c.Limits.Memory != 256<<20 {
		t.Errorf("prod: %+v, %v", c, err)
	}
}

func TestParse_namesTheLine(t *testing.T) {
	t.Parallel()
	for change, want := range map[string]string{
		`deadline = "30s"|deadlin = "30s"`:                        "x.toml:7: unknown key health.deadlin",
		`deadline = "30s"|deadline = "soon"`:                      "x.toml:7: ",
		`deadline = "30s"|deadline = "-1s"`:                       "x.toml:7: ",
		`memory = "256M"|memory = "much"`:                         "x.toml:11: ",
		`cpus = 1.5|cpu = 1.5`:                                    "x.toml:15: unknown key env.prod.limits.cpu",
		`listen = ["8080"]|listen = 8080`:                         "x.toml:4: ",
		`name = "app"|name = "a/b"`:                               `not "a/b"`,
		`name = "app"|name = "app`:                                "x.toml:1: ",
		`build = "./cmd/app"|keep = 3`:                            "nothing to deploy",
		`build = "./cmd/app"|files = ["../secret"]`:               "not a path inside",
		`["root@10.99.8.1"]|["-oProxyCommand=x"]`:                 "not a host of ssh",
		`["8080"]|["localhost:80"]`:                               "listen has",
		`memory = "256M"|memory = "1M"`:                           "too little",
		`key = "~/.ssh/id_ed25519"|none = false`:                  "signing.key is missing",
		`[limits]|[service]` + "\n" + `environment.API_TOKEN="x"`: "secrets come by",
		`url = "http://127.0.0.1:8080/health"|tcp = "x"`:          "not a HOST:PORT",
		`deadline = "30s"|tcp = "a:1"`:                            "one of url, tcp",
	} {
		from, to, _ := strings.Cut(change, "|")
		text := strings.Replace(least, from, to, 1)
		if strings.HasPrefix(to, "[service]") {
			text = strings.Replace(text, "memory = \"256M\"\n", "", 1)
		}
		if _, err := Parse("x.toml", []byte(text), ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", change, err, want)
		}
	}
	if _, err := Parse("x.toml", []byte(least), "dev"); err == nil || !strings.Contains(err.Error(), "[env.dev]") {
		t.Errorf("a section that is not there: %v", err)
	}
}

// TestTemplate holds init's file to the keys that there are: it reads, and says
// something about each of them.
func TestTemplate(t *testing.T) {
	t.Parallel()
	text := Template("app", "./cmd/app")
	if _, err := Parse("x.toml", []byte(text), ""); err != nil {
		t.Error(err)
	}
	var look func(reflect.Type)
	look = func(typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			key := f.Tag.Get("toml")
			if !strings.Contains(text, "\n"+key+" = ") && !strings.Contains(text, "\n#"+key+" = ") && !strings.Contains(text, "["+key) {
				t.Errorf("the template does not have %s", key)
			}
			if f.Type.Kind() == reflect.Struct {
				look(f.Type)
			}
		}
	}
	look(reflect.TypeFor[Config]())
	properties := Schema()["properties"].(map[string]any)
	if health := properties["health"].(map[string]any); health["additionalProperties"] != false || health["properties"].(map[string]any)["deadline"] == nil {
		t.Errorf("the schema has %v", health)
	}
}
