package onhost

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vmgo/vmgo/internal/delta"
	"github.com/vmgo/vmgo/internal/deploy/pack"
	"github.com/vmgo/vmgo/internal/deploy/units"
	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/fsx"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/sshsig"
)

// Directory of what a host trusts. It is provisioned, or written by `vmgo deploy
// trust`; nothing that comes with a package changes it.
const (
	TrustDir      = "/etc/vmgo-deploy"
	SignersFile   = TrustDir + "/allowed_signers"
	UnsignedFile  = TrustDir + "/allow_unsigned"
	FirstHelper   = "/usr/local/lib/vmgo-deploy/vmgo-deploy"
	stagePrefix   = ".stage."
	maxSignersLen = smallfile.Usual
)

// Check verifies the signature of a manifest by what this host trusts, and returns
// who signed it.
func (a *App) Check(s pack.Signed) (string, error) {
	hint := "vmgo deploy trust HOST   # from a machine whose key you trust"
	if len(s.Signature) == 0 {
		if _, err := os.Stat(filepath.Join(a.Root, UnsignedFile)); err == nil {
			return "nobody: unsigned", nil
		}
		return "", diag.New(diag.SignatureInvalid, "the package is not signed, and this host takes signed ones only", hint)
	}
	text, err := smallfile.Read(filepath.Join(a.Root, SignersFile), maxSignersLen)
	if errors.Is(err, fs.ErrNotExist) {
		return "", diag.New(diag.SignatureInvalid, "this host trusts no signing key yet", hint)
	}
	if err != nil {
		return "", err
	}
	signers, err := sshsig.ParseSigners(text)
	if err != nil {
		return "", diag.Wrap(diag.SignatureInvalid, err, SignersFile+" cannot be read", hint)
	}
	signer, err := sshsig.Verify(bytes.NewReader(s.Encoded), s.Signature, signers, pack.Namespace, a.Host.Now())
	if err != nil {
		return "", diag.Wrap(diag.SignatureInvalid, err, "the package's signature is refused", hint)
	}
	return signer.Principals, nil
}

// Members of what is sent to a host begin with how the file's content is sent.
const (
	Same  = "same/"  // the host has it: a file of the current release with this hash
	Whole = "whole/" // compressed
	Patch = "patch/" // compressed, with a file of the current release as dictionary
	// BaseRecord names the hash of that file.
	BaseRecord = "VMGO.base"
)

// Receive takes a release from in, checks signature and hashes, and puts it among
// the others. It returns the release's name. What was sent in vain is removed.
func (a *App) Receive(ctx context.Context, in io.Reader) (string, error) {
	reader := tar.NewReader(in)
	s, h, err := pack.ReadHead(reader, pack.Decode)
	if err != nil {
		return "", err
	}
	signer, err := a.Check(s)
	if err != nil {
		return "", err
	}
	if s.Manifest.Name != a.Name {
		return "", diag.New(diag.Usage, "the package is of "+s.Manifest.Name+", not of "+a.Name, "vmgo deploy build")
	}
	a.Say("signed by " + signer)
	id := s.ID()
	if _, err := os.Stat(filepath.Join(a.releases(), id)); err == nil {
		return id, nil
	}
	if err := fsx.MkdirAll(a.releases(), 0o755); err != nil {
		return "", err
	}
	dir, err := fsx.OpenDirectory(a.releases())
	if err != nil {
		return "", err
	}
	defer dir.Close()
	stage, err := dir.MkdirTemp(stagePrefix)
	if err != nil {
		return "", err
	}
	err = a.unpack(ctx, reader, h, s, filepath.Join(a.releases(), stage))
	if err == nil {
		err = os.Rename(filepath.Join(a.releases(), stage), filepath.Join(a.releases(), id))
	}
	if err != nil {
		return "", errors.Join(full(err), fsx.RemoveAll(a.releases(), stage))
	}
	return id, fsx.SyncDir(a.releases())
}

func full(err error) error {
	if fsx.IsFull(err) {
		return diag.Wrap(diag.DiskFull, err, "the host's disk is full", "df -h /opt")
	}
	return err
}

// unpack writes the files and makes all of them durable.
func (a *App) unpack(ctx context.Context, in *tar.Reader, h *tar.Header, s pack.Signed, stage string) error {
	have := a.have()
	for _, f := range s.Manifest.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if h == nil {
			return diag.New(diag.ChecksumMismatch, "what was sent ends before "+f.Path, "vmgo deploy apply")
		}
		if err := a.place(in, h, f, have, stage); err != nil {
			return err
		}
		var err error
		if h, err = in.Next(); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
	}
	for name, data := range map[string][]byte{pack.ManifestFile: s.Encoded, pack.SignatureFile: s.Signature} {
		if err := fsx.WriteFile(filepath.Join(stage, name), data, 0o644); err != nil {
			return err
		}
	}
	if err := os.Chmod(stage, 0o755); err != nil {
		return err
	}
	return filepath.WalkDir(stage, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return fsx.SyncDir(path)
	})
}

func (a *App) place(in io.Reader, h *tar.Header, f pack.File, have map[string]string, stage string) error {
	how, name, _ := strings.Cut(h.Name, "/")
	if name != f.Path || h.Typeflag != tar.TypeReg {
		return diag.New(diag.ArchiveUnsafe, "what was sent has "+diag.Line(h.Name)+" in the place of "+f.Path)
	}
	base := f.SHA256
	if how+"/" == Patch {
		base = h.PAXRecords[BaseRecord]
	}
	switch how + "/" {
	case Same:
		file, err := smallfile.Open(have[base])
		if err != nil {
			return err
		}
		defer file.Close()
		return pack.WriteFile(stage, f, file)
	case Whole, Patch:
		var dictionary []byte
		if how+"/" == Patch {
			data, err := smallfile.Read(have[base], delta.MaxBase)
			if err != nil {
				return err
			}
			dictionary = data
		}
		content, err := delta.Reader(in, dictionary)
		if err != nil {
			return err
		}
		defer content.Close()
		return pack.WriteFile(stage, f, content)
	}
	return diag.New(diag.ArchiveUnsafe, "what was sent has "+diag.Line(h.Name))
}

// have returns the files of the current release by their hashes.
func (a *App) have() map[string]string {
	files := map[string]string{}
	current := a.Current()
	r, err := a.Load(current)
	if err != nil {
		return files
	}
	for _, f := range r.Manifest.Files {
		files[f.SHA256] = filepath.Join(a.releases(), current, f.Path)
	}
	return files
}

// ReadPlan reads what a plan needs of a release that is not on this host: manifest,
// configuration and units. It verifies what it reads as Receive does.
func (a *App) ReadPlan(in io.Reader) (Release, string, error) {
	reader := tar.NewReader(in)
	s, h, err := pack.ReadHead(reader, pack.Decode)
	if err != nil {
		return Release{}, "", err
	}
	r := Release{ID: s.ID(), Manifest: s.Manifest, Units: map[string]string{}}
	byPath := map[string]pack.File{}
	for _, f := range s.Manifest.Files {
		byPath[f.Path] = f
	}
	for h != nil {
		f := byPath[h.Name]
		var content bytes.Buffer
		if f.Size > smallfile.Usual {
			return r, "", diag.New(diag.ArchiveUnsafe, diag.Line(h.Name)+" is too large for a plan")
		}
		if err := pack.WriteFile("", f, io.TeeReader(reader, &content)); err != nil {
			return r, "", err
		}
		if name, ok := strings.CutPrefix(h.Name, units.Dir+"/"); ok {
			r.Units[name] = content.String()
		}
		if h.Name == pack.ConfigFile {
			if r.Config, err = pack.DecodeConfig(content.Bytes()); err != nil {
				return r, "", err
			}
		}
		if h.Name == pack.BuildFile {
			if r.Needs, err = pack.DecodeNeeds(content.Bytes()); err != nil {
				return r, "", err
			}
		}
		if h, err = reader.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return r, "", err
		}
	}
	signer, err := a.Check(s)
	if err != nil {
		signer = "refused: " + err.Error()
	}
	return r, signer, nil
}
