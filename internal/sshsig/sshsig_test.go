package sshsig_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/vmgo/vmgo/internal/sshsig"
	"github.com/vmgo/vmgo/internal/vmtest"
)

const namespace = "vmgo-test"

var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

func signers(t *testing.T, text string) []sshsig.Signer {
	t.Helper()
	list, err := sshsig.ParseSigners([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func verify(message string, armored []byte, list []sshsig.Signer) (sshsig.Signer, error) {
	return sshsig.Verify(strings.NewReader(message), armored, list, namespace, now)
}

func TestVerify_returnsTheSigner(t *testing.T) {
	t.Parallel()
	key := vmtest.SSHKey("good")
	list := signers(t, "# who may\n\nother@example.com "+vmtest.SSHPublic(vmtest.SSHKey("other"))+"\r\n"+
		`me@example.com,us namespaces="git,vmgo-*" `+vmtest.SSHPublic(key)+" a comment\n")
	signer, err := verify("content", vmtest.SSHSign(key, namespace, []byte("content")), list)
	if err != nil {
		t.Fatal(err)
	}
	if signer.Principals != "me@example.com,us" {
		t.Errorf("signed by %q", signer.Principals)
	}
}

func TestVerify_refuses(t *testing.T) {
	t.Parallel()
	key := vmtest.SSHKey("good")
	public := vmtest.SSHPublic(key)
	good := vmtest.SSHSign(key, namespace, []byte("content"))
	cases := map[string]struct {
		message, signers string
		signature        []byte
		want             error
		says             string
	}{
		"other content":        {"Content", "me " + public, good, sshsig.ErrMismatch, ""},
		"a longer one":         {"content\n", "me " + public, good, sshsig.ErrMismatch, ""},
		"a stranger":           {"content", "me " + public, vmtest.SSHSign(vmtest.SSHKey("x"), namespace, []byte("content")), sshsig.ErrSigner, "has the key SHA256:"},
		"no signers":           {"content", "", good, sshsig.ErrSigner, "has the key SHA256:"},
		"another namespace":    {"content", "me " + public, vmtest.SSHSign(key, "file", []byte("content")), sshsig.ErrSigner, `is for "file"`},
		"a namespace withheld": {"content", `me namespaces="git" ` + public, good, sshsig.ErrSigner, `may not sign for "vmgo-test"`},
		"no namespace at all":  {"content", `me namespaces="" ` + public, good, sshsig.ErrSigner, "may not sign"},
		"a namespace negated":  {"content", `me namespaces="*,!vmgo-*" ` + public, good, sshsig.ErrSigner, "may not sign"},
		"too early":            {"content", `me valid-after="20260602Z" ` + public, good, sshsig.ErrSigner, "not valid before 2026-06-02"},
		"too late":             {"content", `me valid-before="202606011159Z" ` + public, good, sshsig.ErrSigner, "not valid after 2026-06-01T11:59"},
		"an authority":         {"content", "me cert-authority " + public, good, sshsig.ErrSigner, ""},
		"no signature":         {"content", "me " + public, nil, sshsig.ErrFormat, ""},
		"a page":               {"content", "me " + public, []byte("<html>"), sshsig.ErrFormat, ""},
		"two signatures":       {"content", "me " + public, append(bytes.Clone(good), good...), sshsig.ErrFormat, ""},
		"a huge one":           {"content", "me " + public, append(bytes.Repeat([]byte("\n"), sshsig.MaxSize), good...), sshsig.ErrFormat, "larger than"},
		"an empty namespace":   {"content", "me " + public, vmtest.SSHSign(key, "", []byte("content")), sshsig.ErrFormat, "namespace"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := verify(c.message, c.signature, signers(t, c.signers))
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
		})
	}
}

// TestVerify_everyBitCounts flips each bit of the signature in turn.
func TestVerify_everyBitCounts(t *testing.T) {
	t.Parallel()
	key := vmtest.SSHKey("good")
	list := signers(t, "me "+vmtest.SSHPublic(key))
	blob := vmtest.Dearmor(vmtest.SSHSign(key, namespace, []byte("content")))
	for i := range blob {
		for bit := range 8 {
			changed := bytes.Clone(blob)
			changed[i] ^= 1 << bit
			if _, err := verify("content", vmtest.Armor(changed), list); err == nil {
				t.Errorf("bit %d of byte %d counts for nothing", bit, i)
			}
		}
		if _, err := verify("content", vmtest.Armor(blob[:i]), list); !errors.Is(err, sshsig.ErrFormat) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	if _, err := verify("content", vmtest.Armor(append(blob, 0)), list); !errors.Is(err, sshsig.ErrFormat) {
		t.Errorf("with a byte more: %v", err)
	}
}

func TestVerify_readsTheMessageOnlyForASigner(t *testing.T) {
	t.Parallel()
	key := vmtest.SSHKey("good")
	armored := vmtest.SSHSign(key, namespace, nil)
	failing := iotest.ErrReader(io.ErrUnexpectedEOF)
	if _, err := sshsig.Verify(failing, armored, nil, namespace, now); !errors.Is(err, sshsig.ErrSigner) {
		t.Errorf("a stranger's: %v", err)
	}
	list := signers(t, "me "+vmtest.SSHPublic(key))
	if _, err := sshsig.Verify(failing, armored, list, namespace, now); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a reader's error is lost: %v", err)
	}
}

func TestParseSigners_refusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	public := vmtest.SSHPublic(vmtest.SSHKey("good"))
	for _, line := range []string{
		public, "me", "me ssh-ed25519", "me ssh-ed25519 ???", "me ssh-ed25519 AAAA",
		"me no-such-option " + public, `me valid-after="tomorrow" ` + public, `me valid-before="20261399Z" ` + public,
		`me namespaces="a" namespaces="b" ` + public, `"" ` + public,
	} {
		if list, err := sshsig.ParseSigners([]byte("# first\n" + line)); err == nil || !strings.HasPrefix(err.Error(), "line 2: ") {
			t.Errorf("%s: %v, %v", line, list, err)
		}
	}
	other := "me ssh-rsa AAAAB3NzaC1yc2E=\nme ecdsa-sha2-nistp256 AAAA\nme sk-ssh-ed25519@openssh.com AAAA\n"
	if list, err := sshsig.ParseSigners([]byte(other)); err != nil || len(list) != 0 {
		t.Errorf("keys of other types: %v, %v", list, err)
	}
}

func sshKeygen(t *testing.T, stdin []byte, args ...string) ([]byte, error) {
	t.Helper()
	if _, err := exec.LookPath("ssh-keygen"); err != nil {
		t.Skip("no ssh-keygen (openssh-client) to compare with")
	}
	command := exec.Command("ssh-keygen", args...)
	command.Stdin = bytes.NewReader(stdin)
	command.Env = append(os.Environ(), "TZ=UTC")
	return command.CombinedOutput()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReal_sshKeygenSigns verifies what the real program signed.
func TestReal_sshKeygenSigns(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "key")
	if out, err := sshKeygen(t, nil, "-q", "-t", "ed25519", "-N", "", "-C", "me", "-f", key); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	for _, hash := range []string{"sha256", "sha512"} {
		file := write(t, "message", strings.Repeat("content", 100000))
		if out, err := sshKeygen(t, nil, "-Y", "sign", "-f", key, "-n", namespace, "-O", "hashalg="+hash, file); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		armored, err := os.ReadFile(file + ".sig")
		if err != nil {
			t.Fatal(err)
		}
		signer, err := verify(strings.Repeat("content", 100000), armored, signers(t, "me@example.com "+string(public)))
		if err != nil || signer.Principals != "me@example.com" {
			t.Errorf("%s: %v, %v", hash, signer, err)
		}
		fingerprint, err := sshKeygen(t, nil, "-l", "-f", key+".pub")
		if err != nil || !strings.Contains(string(fingerprint), sshsig.Fingerprint(signer.Key)) {
			t.Errorf("fingerprint %s, not %s", sshsig.Fingerprint(signer.Key), fingerprint)
		}
	}
}

// TestReal_sshKeygenVerifies compares each verdict with that of the real program.
func TestReal_sshKeygenVerifies(t *testing.T) {
	t.Parallel()
	key := vmtest.SSHKey("good")
	public := vmtest.SSHPublic(key)
	for line, permitted := range map[string]bool{
		"me " + public: true,
		"me " + vmtest.SSHPublic(vmtest.SSHKey("other")):                               false,
		`me namespaces="git,vmgo-?est" ` + public:                                      true,
		`me namespaces="vmgo-t*t" ` + public:                                           true,
		`me namespaces="vmgo-*,!vmgo-test" ` + public:                                  false,
		`me namespaces="vmgo" ` + public:                                               false,
		`me valid-after="20260601",valid-before="20260602" ` + public:                  true,
		`me valid-after="20260601120001Z" ` + public:                                   false,
		`me valid-before="202605312359" ` + public:                                     false,
		"me cert-authority " + public:                                                  false,
		"me no-such-option " + public:                                                  false,
		`me namespaces="git" ` + public + "\n" + `me valid-after="20260101" ` + public: true,
	} {
		signature := write(t, "message.sig", string(vmtest.SSHSign(key, namespace, []byte("content"))))
		out, err := sshKeygen(t, []byte("content"), "-Y", "verify", "-O", "verify-time=20260601120000",
			"-f", write(t, "signers", line+"\n"), "-I", "me", "-n", namespace, "-s", signature)
		if (err == nil) != permitted {
			t.Errorf("ssh-keygen: %s: %v: %s", line, err, out)
		}
		list, err := sshsig.ParseSigners([]byte(line))
		if err == nil {
			_, err = verify("content", vmtest.SSHSign(key, namespace, []byte("content")), list)
		}
		if (err == nil) != permitted {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	key := vmtest.SSHKey("good")
	line := `me namespaces="a*b,!c",valid-after="20260101Z" ` + vmtest.SSHPublic(key)
	armored := vmtest.SSHSign(key, namespace, []byte("content"))
	f.Add(armored, []byte(line))
	f.Add([]byte("-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----"), []byte("me "+vmtest.SSHPublic(key)))
	f.Fuzz(func(t *testing.T, armored, text []byte) {
		list, err := sshsig.ParseSigners(text)
		if err != nil {
			return
		}
		for _, signer := range list {
			if len(signer.Key) != ed25519.PublicKeySize || signer.Principals == "" {
				t.Fatalf("%q gives %+v", text, signer)
			}
		}
		// Nobody but the key's owner signs another text.
		if _, err := sshsig.Verify(strings.NewReader("other"), armored, list, namespace, now); err == nil {
			t.Fatalf("%q verifies a text that nobody signed", armored)
		}
	})
}
