package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/host"
)

// Endpoint is where a program serves profiles.
type Endpoint struct {
	Network string `json:"network"` // tcp or unix
	Address string `json:"address"` // host:port, or the path of the socket
	Base    string `json:"base"`    // URL of the index, /debug/pprof/ mostly
	Flight  bool   `json:"flight_recorder"`
	// Contention tells that the program turns its block and mutex profiles on on demand.
	Contention bool `json:"contention_on_demand"`
	dial       string
}

// askTimeout is how long somebody who may not speak HTTP has to answer.
const askTimeout = 3 * time.Second

// maxAnswer bounds an answer that is read to learn who answers, in bytes.
const maxAnswer = 64 << 10

// Client returns a client for the endpoint.
func (e *Endpoint) Client() *http.Client {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	transport := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if e.Network == "unix" {
			return dialer.DialContext(ctx, "unix", e.dial)
		}
		return dialer.DialContext(ctx, network, address)
	}
	return &http.Client{Transport: transport}
}

// URL returns the address of something below the index, such as "heap?debug=1".
func (e *Endpoint) URL(rest string) string { return e.Base + rest }

// Own returns the address of what only the module observe serves.
func (e *Endpoint) Own(rest string) string {
	return strings.TrimSuffix(e.Base, "/debug/pprof/") + "/debug/vmgo/" + rest
}

type finder struct {
	host   host.Host
	target *Target
}

// given takes the endpoint that somebody named.
func (f finder) given(ctx context.Context, text string) error {
	e, err := parse(text)
	if err != nil {
		return err
	}
	if err := f.ask(ctx, e); err != nil {
		return diag.Wrap(diag.Network, err, "no profiles at "+text, "curl -v "+diag.Word(text))
	}
	f.target.Endpoint = e
	return nil
}

// parse reads a URL or the path of a socket. An address without a path means the
// index at its usual place.
func parse(text string) (*Endpoint, error) {
	bad := diag.New(diag.Usage, strconv.Quote(text)+" is neither a URL nor the path of a socket", "vmgo observe http://127.0.0.1:6060/debug/pprof/")
	if socket := strings.TrimPrefix(strings.TrimPrefix(text, "unix:"), "//"); strings.HasPrefix(socket, "/") {
		return unixEndpoint(socket, socket), nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, bad
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/debug/pprof/"
	}
	if !strings.HasSuffix(u.Path, "/") {
		u.Path += "/"
	}
	u.RawQuery, u.Fragment = "", ""
	return &Endpoint{Network: "tcp", Address: u.Host, Base: u.String()}, nil
}

func unixEndpoint(shown, dial string) *Endpoint {
	return &Endpoint{Network: "unix", Address: shown, Base: "http://socket/debug/pprof/", dial: dial}
}

// search asks every socket on which the process listens, unix sockets first.
func (f finder) search(ctx context.Context) {
	pid := strconv.Itoa(f.target.PID)
	held := f.host.Sockets(pid)
	if len(held) == 0 {
		f.target.Tried = append(f.target.Tried, "the process holds no sockets that this user can see")
		return
	}
	var candidates []*Endpoint
	for _, path := range unixListeners(f.host.Lines("/proc/"+pid+"/net/unix"), held) {
		dial := path
		if !f.host.Exists(path) { // in a file system of its own
			dial = "/proc/" + pid + "/root" + path
		}
		candidates = append(candidates, unixEndpoint(path, dial))
	}
	for _, l := range f.host.ListenersOf("/proc/" + pid + "/net") {
		if slices.Contains(held, l.Inode) {
			address := reachable(l.Addr).String()
			candidates = append(candidates, &Endpoint{Network: "tcp", Address: address, Base: "http://" + address + "/debug/pprof/"})
		}
	}
	for _, e := range candidates {
		err := f.ask(ctx, e)
		if err == nil {
			f.target.Endpoint = e
			return
		}
		f.target.Tried = append(f.target.Tried, e.Network+" "+e.Address+": "+err.Error())
	}
	if len(candidates) == 0 {
		f.target.Tried = append(f.target.Tried, "the process listens on no socket")
	}
}

// reachable is an address by which this machine reaches a listener.
func reachable(a netip.AddrPort) netip.AddrPort {
	if a.Addr().IsUnspecified() {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), a.Port())
	}
	return a
}

// unixListeners returns the paths of the listening sockets among those held, by
// /proc/net/unix: num, refcount, protocol, flags, type, state, inode, path.
func unixListeners(lines, held []string) []string {
	const accepting = 0x10000 // __SO_ACCEPTCON
	var paths []string
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) < 8 || !slices.Contains(held, fields[6]) {
			continue
		}
		flags, err := strconv.ParseUint(fields[3], 16, 64)
		_, path, _ := strings.Cut(line, " "+fields[6]+" ")
		if err == nil && flags&accepting != 0 && strings.HasPrefix(path, "/") {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// ask finds out whether profiles of the target are served: by the index, and by the
// command line that it says it has.
func (f finder) ask(ctx context.Context, e *Endpoint) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	client := e.Client()
	index, err := get(ctx, client, e.URL(""))
	if err != nil {
		return err
	}
	if !strings.Contains(index, "goroutine") || !strings.Contains(index, "heap") {
		return errors.New("answers, but with no index of profiles")
	}
	if f.target.PID != 0 {
		own, _ := f.host.ReadFile("/proc/" + strconv.Itoa(f.target.PID) + "/cmdline")
		told, err := get(ctx, client, e.URL("cmdline"))
		if err == nil && len(own) > 0 && strings.TrimRight(told, "\x00") != strings.TrimRight(string(own), "\x00") {
			return errors.New("serves the profiles of another process")
		}
	}
	var identity struct {
		Server             string
		Flight, Contention bool
	}
	if text, err := get(ctx, client, e.Own("")); err == nil && json.Unmarshal([]byte(text), &identity) == nil && identity.Server == "vmgo-observe" {
		e.Flight, e.Contention = identity.Flight, identity.Contention
	}
	return nil
}

func get(ctx context.Context, client *http.Client, address string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", plainly(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("HTTP status %d", response.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return string(data), err
}

// plainly drops the URL that net/http puts before an error.
func plainly(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// holderOf returns the process of this machine that listens where a URL leads, or 0.
func holderOf(h host.Host, text string) int {
	e, err := parse(text)
	if err != nil {
		return 0
	}
	inode := ""
	if e.Network == "unix" {
		inode = unixInode(h.Lines("/proc/net/unix"), e.Address)
	} else if a, err := netip.ParseAddrPort(strings.Replace(e.Address, "localhost:", "127.0.0.1:", 1)); err == nil {
		for _, l := range h.Listeners() {
			if reachable(l.Addr) == a {
				inode = l.Inode
			}
		}
	}
	if inode == "" {
		return 0
	}
	pid := 0
	for _, entry := range h.ReadDir("/proc") {
		n, err := strconv.Atoi(entry.Name())
		if err != nil || !slices.Contains(h.Sockets(entry.Name()), inode) {
			continue
		}
		// systemd holds the sockets that it passes on; the service is the other one.
		if h.Text("/proc/"+entry.Name()+"/comm") != "systemd" {
			pid = n
		}
	}
	return pid
}

func unixInode(lines []string, path string) string {
	for _, line := range lines {
		fields := strings.Fields(line)
		if len(fields) >= 8 && strings.HasSuffix(line, " "+path) && fields[5] == "01" {
			return fields[6]
		}
	}
	return ""
}
