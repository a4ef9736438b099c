package cli

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/dirs"
	"github.com/vmgo/vmgo/internal/environ"
	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/goenv"
	"github.com/vmgo/vmgo/internal/harden"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/modpath"
	"github.com/vmgo/vmgo/internal/program"
	"github.com/vmgo/vmgo/internal/proxy"
	"github.com/vmgo/vmgo/internal/proxy/bucket"
	"github.com/vmgo/vmgo/internal/settings"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/trust"
)

// serve is vmgo proxy serve and its flags.
type serve struct {
	host host.Host

	listen, dir, upstream, private, block, allow, pin, maxSize, minAge string
	godev, s3, networks, tokenFile, cert, key                          string
	listAge, timeout, scrub                                            time.Duration
	offline, quiet                                                     bool
}

func newServe(h host.Host) *serve { return &serve{host: h} }

const serveHelp = `The clients set GOPROXY to the address; vmgo proxy env prints all that they need.
What is missing is fetched once from the upstreams and compared with the checksum
database (GOSUMDB); nothing that contradicts it is served. docs/proxy.md has more.

   vmgo proxy serve --dir /var/cache/vmgo-proxy --listen :8080
   vmgo proxy serve --upstream 'https://goproxy.cn|https://proxy.example.com,direct'
   vmgo proxy serve --offline --dir /srv/bundle     # a tree in GOPROXY's shape`

func (s *serve) command() program.Command {
	return program.Command{Name: "serve", Long: serveHelp, Flags: s.flags,
		Run: func(ctx context.Context, _ []string) error { return s.run(ctx) }}
}

func (s *serve) flags(f *flag.FlagSet) {
	f.StringVar(&s.listen, "listen", "127.0.0.1:8080", "the `ADDRESS` to listen at; a socket that systemd passes comes first")
	f.StringVar(&s.dir, "dir", "", "the `DIR` of the cache (default: vmgo/proxy in the user's cache directory)")
	f.StringVar(&s.upstream, "upstream", "", "the `LIST` of proxies to ask, as in GOPROXY: after a comma if a module is missing, after a pipe after any error (default: GOPROXY)")
	f.StringVar(&s.private, "private", "", "`PATTERNS` of modules that are fetched from their repositories and disclosed to no other server (default: GOPRIVATE)")
	f.StringVar(&s.block, "block", "", "`PATTERNS` of modules, or PATTERN@VERSION, that are refused")
	f.StringVar(&s.allow, "allow", "", "`PATTERNS` of modules, or PATTERN@VERSION; all others are refused")
	f.StringVar(&s.minAge, "min-age", "", "leave versions younger than `DURATION`, such as 7d, out of lists and @latest")
	f.StringVar(&s.maxSize, "max-size", "", "the `SIZE` that the cache may have, such as 20G; the least recently used files go first")
	f.StringVar(&s.pin, "pin", "", "`PATTERNS` of modules that stay in the cache")
	f.StringVar(&s.godev, "godev", "", "base `URLS`, by comma, of go.dev's downloads; they are served at /dl/")
	f.StringVar(&s.s3, "s3", "", "the `URL` of a bucket that several proxies share, https://HOST/BUCKET/PREFIX; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are its key")
	f.StringVar(&s.networks, "allow-from", "", "the `NETWORKS`, by comma, whose clients are served, such as 10.0.0.0/8 (default: all)")
	f.StringVar(&s.tokenFile, "token-file", "", "a `FILE` with the token that clients must send as a password")
	f.StringVar(&s.cert, "tls-cert", "", "a PEM `FILE` with the certificate, for https")
	f.StringVar(&s.key, "tls-key", "", "the PEM `FILE` with its key")
	f.DurationVar(&s.listAge, "list-age", time.Minute, "how old an answer to a list or query may be before upstream is asked anew")
	f.DurationVar(&s.timeout, "timeout", 10*time.Second, "how long an upstream may take to begin its answer")
	f.DurationVar(&s.scrub, "scrub", 24*time.Hour, "pause between two checks of all files; 0 switches them off")
	f.BoolVar(&s.offline, "offline", false, "serve what the directory has, without asking upstream")
	f.BoolVar(&s.quiet, "quiet", false, "write no access log")
}

// scrubRate is how many bytes a second the background check reads.
const scrubRate = 8 << 20

func (s *serve) run(ctx context.Context) error {
	config, err := s.config()
	if err != nil {
		return err
	}
	secure, err := s.secure()
	if err != nil {
		return err
	}
	server, err := proxy.New(ctx, config)
	if err != nil {
		return err
	}
	defer server.Close()
	listener, err := proxy.Listen(ctx, s.listen, s.host.Env, s.host.PID)
	if err != nil {
		return err
	}
	s.tell(listener, secure != nil)
	if err := proxy.Notify(s.host.Env["NOTIFY_SOCKET"], "READY=1"); err != nil {
		config.Logger.Warn("systemd cannot be told that the proxy is ready", "error", err.Error())
	}
	if s.scrub > 0 {
		go server.Scrub(ctx, scrubRate, s.scrub)
	}
	return proxy.Serve(ctx, listener, secure, server.Handler(), config.Logger)
}

// tell prints the address, which scripts wait for.
func (s *serve) tell(listener net.Listener, secure bool) {
	scheme := "http"
	if secure {
		scheme = "https"
	}
	_, _ = fmt.Fprintf(s.host.Stderr, "vmgo proxy: serving at %s://%s\n", scheme, listener.Addr())
}

func (s *serve) secure() (*tls.Config, error) {
	if s.cert == "" && s.key == "" {
		return nil, nil
	}
	if s.cert == "" || s.key == "" {
		return nil, diag.New(diag.Usage, "--tls-cert and --tls-key belong together", "vmgo help proxy serve")
	}
	return proxy.Certificate(s.cert, s.key)
}

// config turns flags and Go's own settings into what the server needs.
func (s *serve) config() (proxy.Config, error) {
	settings := goSettings(s.host)
	c := proxy.Config{
		Dir: s.dir, Private: s.private, NoSumDB: settings.Get("GONOSUMDB").Value, Block: s.block, Allow: s.allow, Pin: s.pin,
		Offline: s.offline, ListAge: s.listAge, Environment: environ.Env(s.host.Env).Pairs(), Now: s.host.Now, ID: "vmgo-proxy/" + rand.Text(), PID: s.host.PID,
	}
	if s.private == "" {
		c.Private = modpath.Join(settings.Get("GOPRIVATE").Value, settings.Get("GONOPROXY").Value)
	}
	for _, step := range []func(*proxy.Config, goenv.Settings) error{s.place, s.policy, s.limits, s.access, s.sources} {
		if err := step(&c, settings); err != nil {
			return c, err
		}
	}
	return c, nil
}

func (s *serve) place(c *proxy.Config, _ goenv.Settings) error {
	level := slog.LevelInfo
	if s.quiet {
		level = slog.LevelWarn
	}
	c.Logger = slog.New(slog.NewJSONHandler(s.host.Stderr, &slog.HandlerOptions{Level: level}))
	if c.Dir == "" {
		layout := dirs.FromEnv(s.host.Env, s.host.Root, s.host.UID)
		if layout.Cache == "" {
			return diag.New(diag.Usage, "there is no home directory for a cache: name one by --dir", "vmgo proxy serve --dir /var/cache/vmgo-proxy")
		}
		c.Dir = filepath.Join(layout.Cache, "proxy")
	}
	c.Dir = s.host.Abs(c.Dir)
	return nil
}

func (s *serve) policy(c *proxy.Config, _ goenv.Settings) error {
	for name, patterns := range map[string]string{"private": c.Private, "block": c.Block, "allow": c.Allow, "pin": c.Pin} {
		if err := modpath.CheckPatterns(patterns); err != nil {
			return diag.Wrap(diag.Usage, err, "--"+name+" cannot be "+strconv.Quote(patterns), "vmgo help proxy serve")
		}
	}
	age, err := settings.ParseAge(s.minAge)
	if err != nil {
		return diag.Wrap(diag.Usage, err, "--min-age cannot be "+strconv.Quote(s.minAge), "vmgo proxy serve --min-age 7d")
	}
	c.MinAge = age
	return nil
}

func (s *serve) limits(c *proxy.Config, _ goenv.Settings) (err error) {
	if s.maxSize != "" {
		if c.MaxSize, err = harden.ParseSize(s.maxSize); err != nil {
			return diag.New(diag.Usage, "--max-size cannot be "+strconv.Quote(s.maxSize), "vmgo proxy serve --max-size 20G")
		}
	}
	return nil
}

func (s *serve) access(c *proxy.Config, _ goenv.Settings) error {
	for text := range strings.SplitSeq(s.networks, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		network, err := netip.ParsePrefix(text)
		if address, single := netip.ParseAddr(text); single == nil {
			network, err = netip.PrefixFrom(address, address.BitLen()), nil
		}
		if err != nil {
			return diag.New(diag.Usage, "--allow-from cannot be "+strconv.Quote(text), "vmgo proxy serve --allow-from 10.0.0.0/8,127.0.0.1")
		}
		c.Networks = append(c.Networks, network)
	}
	if s.tokenFile == "" {
		return nil
	}
	data, err := smallfile.Read(s.tokenFile, smallfile.Usual)
	if err != nil {
		return diag.Wrap(diag.Failure, err, "cannot read the token", "ls -l "+diag.Word(s.tokenFile))
	}
	if c.Token = strings.TrimSpace(string(data)); c.Token == "" {
		return diag.New(diag.Failure, "the file "+s.tokenFile+" has no token", "vmgo proxy serve --token-file FILE   # FILE: one line that nobody guesses")
	}
	return nil
}

// sources are the upstreams, the checksum database and go.dev.
func (s *serve) sources(c *proxy.Config, settings goenv.Settings) (err error) {
	list := s.upstream
	if list == "" {
		list = settings.GOPROXY().Value
	}
	if c.Upstreams, err = fetch.ParseProxies(list); err != nil {
		return err
	}
	c.Client = fetch.New(fetch.Config{
		Transport: s.host.Transport, Env: s.host.Env, Offline: s.offline, Now: s.host.Now, UserAgent: c.ID, Attempts: 2,
		Timeouts: fetch.Timeouts{Connect: s.timeout, TLS: s.timeout, Header: s.timeout, Stall: 2 * s.timeout},
	})
	for base := range strings.SplitSeq(s.godev, ",") {
		if base = strings.TrimSpace(base); base != "" {
			c.GoDev = append(c.GoDev, base)
		}
	}
	var shared trust.Shared
	if s.s3 != "" {
		if c.Bucket, err = bucket.Open(s.s3, s.host.Env, s.host.Transport); err != nil {
			return err
		}
		shared = proxy.SharedRecords{Bucket: c.Bucket}
	}
	sumdb := settings.Get("GOSUMDB").Value
	if sumdb == "off" {
		return nil
	}
	c.Log, err = trust.NewLog(trust.LogConfig{
		GOSUMDB: sumdb, Proxies: c.Upstreams, Getter: c.Client, StateDir: filepath.Join(c.Dir, ".state"), CacheDir: c.Dir, Shared: shared, Now: s.host.Now,
		Warn: func(text string) { c.Logger.Warn(text) },
	})
	return err
}
