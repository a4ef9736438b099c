package bundle

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/host"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/sshrun"
	"github.com/vmgo/vmgo/internal/sshsig"
)

// Namespace is that of the signatures over bundles.
const Namespace = "vmgo-bundle"

// SignatureName returns the file that has the signature over a bundle.
func SignatureName(name string) string { return name + ".sig" }

// Sign has ssh-keygen sign a bundle and writes the signature beside it. Errors are those
// of [sshrun.Sign].
func Sign(ctx context.Context, h host.Host, name, key string) error {
	if err := os.Remove(SignatureName(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := smallfile.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	signature, err := sshrun.Sign(ctx, h, key, Namespace, f)
	if err != nil {
		return err
	}
	return fsx.WriteFile(SignatureName(name), signature, 0o644)
}

// VerifySignature returns who signed a bundle: a principal of the allowed signers
// file. The error is signature-invalid.
func (b *Bundle) VerifySignature(signersFile string, now time.Time) (string, error) {
	text, err := smallfile.Read(signersFile, smallfile.Usual)
	if err != nil {
		return "", diag.Wrap(diag.Usage, err, "cannot read the allowed signers", "vmgo bundle verify --help")
	}
	signers, err := sshsig.ParseSigners(text)
	if err != nil {
		return "", diag.Wrap(diag.Usage, err, "cannot read the allowed signers "+signersFile, "less "+diag.Word(signersFile)+"   # man ssh-keygen, ALLOWED SIGNERS")
	}
	armored, err := smallfile.Read(SignatureName(b.Name), sshsig.MaxSize)
	if err != nil {
		return "", diag.Wrap(diag.SignatureInvalid, err, b.Name+" has no signature beside it", "ls -l "+diag.Word(SignatureName(b.Name)))
	}
	signer, err := sshsig.Verify(io.NewSectionReader(b.file, 0, b.Size), armored, signers, Namespace, now)
	if err != nil {
		return "", diag.Wrap(diag.SignatureInvalid, err, "the signature of "+b.Name+" does not hold",
			"ssh-keygen -Y verify -n "+Namespace+" -I WHO -f "+diag.Word(signersFile)+" -s "+diag.Word(SignatureName(b.Name))+" < "+diag.Word(b.Name))
	}
	return signer.Principals, nil
}

// SignedBy returns the fingerprint of the key that a signature beside the bundle
// names, without verifying it; empty if there is none.
func (b *Bundle) SignedBy() string {
	armored, err := smallfile.Read(SignatureName(b.Name), sshsig.MaxSize)
	if err != nil {
		return ""
	}
	s, err := sshsig.Parse(armored)
	if err != nil {
		return ""
	}
	return sshsig.Fingerprint(s.Key)
}
