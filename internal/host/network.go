package host

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Listener is a TCP socket that waits for connections.
type Listener struct {
	Addr  netip.AddrPort
	Inode string
	UID   int // the user that made it; -1 if that cannot be read
}

// Listeners is [Host.ListenersOf] for the network of this process.
func (h Host) Listeners() []Listener { return h.ListenersOf("/proc/net") }

// ListenersOf reads the files tcp and tcp6 of a directory such as /proc/PID/net.
func (h Host) ListenersOf(dir string) []Listener {
	var all []Listener
	for _, file := range []string{"tcp", "tcp6"} {
		for _, line := range h.Lines(dir + "/" + file) {
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[3] != "0A" { // TCP_LISTEN
				continue
			}
			addr, ok := parseSocket(fields[1])
			if !ok {
				continue
			}
			uid, err := strconv.Atoi(fields[7])
			if err != nil {
				uid = -1
			}
			all = append(all, Listener{Addr: addr, Inode: fields[9], UID: uid})
		}
	}
	return all
}

// parseSocket reads "0100007F:1F90": the address as 32-bit words in the byte
// order of the machine, then the port.
func parseSocket(s string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(s, ":")
	raw, err := hex.DecodeString(host)
	n, errPort := strconv.ParseUint(port, 16, 16)
	if !ok || err != nil || errPort != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.BigEndian.PutUint32(raw[i:], binary.NativeEndian.Uint32(raw[i:]))
	}
	addr, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), ok
}

// Addresses are the machine's own IPv4 addresses by /proc/net/fib_trie,
// loopback excepted.
func (h Host) Addresses() []netip.Addr {
	var all []netip.Addr
	last := ""
	for _, line := range h.Lines("/proc/net/fib_trie") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 2 && fields[0] == "|--":
			last = fields[1]
		case len(fields) >= 3 && fields[0] == "/32" && fields[1] == "host" && fields[2] == "LOCAL":
			if addr, err := netip.ParseAddr(last); err == nil && !addr.IsLoopback() && !slices.Contains(all, addr) {
				all = append(all, addr)
			}
		}
	}
	return all
}

// Process is a running program.
type Process struct{ PID, Name string }

// SocketHolders are the processes that hold sockets, by the socket's inode. Those of
// other users cannot be seen.
func (h Host) SocketHolders() map[string]Process {
	holders := map[string]Process{}
	for _, entry := range h.ReadDir("/proc") {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		process := Process{PID: entry.Name()}
		for _, inode := range h.Sockets(process.PID) {
			if process.Name == "" {
				process.Name = h.Text("/proc/" + process.PID + "/comm")
			}
			holders[inode] = process
		}
	}
	return holders
}

// Sockets returns the inodes of the sockets that a process holds; none if it is
// another user's.
func (h Host) Sockets(pid string) []string {
	var inodes []string
	dir := "/proc/" + pid + "/fd"
	for _, fd := range h.ReadDir(dir) {
		if inode, isSocket := strings.CutPrefix(h.LinkText(dir+"/"+fd.Name()), "socket:["); isSocket {
			inodes = append(inodes, strings.TrimSuffix(inode, "]"))
		}
	}
	return inodes
}
