package vmtest

import (
	"encoding/hex"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"
)

// xattrCommand sets an extended attribute: vmxattr NAME HEX FILE.
func xattrCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: vmxattr NAME HEX FILE")
	}
	value, err := hex.DecodeString(args[1])
	ts.Check(err)
	ts.Check(syscall.Setxattr(ts.MkAbs(args[2]), args[0], value, 0))
}
