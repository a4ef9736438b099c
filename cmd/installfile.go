package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/vmgo/vmgo/internal/diag"
	"github.com/vmgo/vmgo/internal/gover"
	"github.com/vmgo/vmgo/internal/install"
	"github.com/vmgo/vmgo/internal/release"
	"github.com/vmgo/vmgo/internal/smallfile"
	"github.com/vmgo/vmgo/internal/trust"
)

// maxProof bounds a file of --proof. A receipt with a proof has 6 KB.
const maxProof = 1 << 20

func proofFlag() cli.Flag {
	return &cli.StringSliceFlag{Name: "proof", Usage: "`FILE` with a signature, a proof of the checksum database (also as tlog-proof), or a receipt that has one"}
}

// splitFiles separates arguments that are files of this machine from selectors.
func splitFiles(args []string) (files, selectors []string) {
	for _, arg := range args {
		if isPath(arg) || strings.HasSuffix(arg, ".tar.gz") || strings.HasSuffix(arg, ".zip") {
			files = append(files, arg)
		} else {
			selectors = append(selectors, arg)
		}
	}
	return files, selectors
}

// installFile installs from an archive, a zip, a directory that has one, or a
// GOROOT.
func (a *app) installFile(c *cli.Context, name string, report *report) (gover.Version, error) {
	path, goroot, err := a.localRelease(name)
	if err != nil {
		return gover.Version{}, err
	}
	if goroot {
		return a.adopt(c, path, report)
	}
	in, version, err := a.fileInstaller(c, path)
	if err != nil {
		return gover.Version{}, err
	}
	result := in.Install(c.Context, []gover.Version{version}, installRequest(c, report))[0]
	result.Err = a.judged(c, result)
	report.ended(result)
	return result.Version, result.Err
}

// localRelease returns what an argument that is not a selector means: an archive
// or zip, perhaps the only one of a directory, or a GOROOT.
func (a *app) localRelease(name string) (path string, goroot bool, err error) {
	path = a.host.Abs(name)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", false, diag.New(diag.Usage, "cannot install from "+path+": no such file or directory", "vmgo help install")
	case err != nil:
		return "", false, diag.Wrap(diag.Usage, err, "cannot install from "+name, "vmgo help install")
	case !info.IsDir():
		return path, false, nil
	}
	if _, err := os.Lstat(filepath.Join(path, "VERSION")); err == nil {
		return path, true, nil
	}
	path, err = a.archiveIn(path)
	return path, false, err
}

// fileInstaller installs the release of one file, with the given proofs. Like
// installer, it may return an Installer together with an error.
func (a *app) fileInstaller(c *cli.Context, path string) (*install.Installer, gover.Version, error) {
	in, writable := a.installer(c)
	if in == nil {
		return nil, gover.Version{}, writable
	}
	proofs, err := a.givenProofs(c.StringSlice("proof"))
	if err != nil {
		return nil, gover.Version{}, err
	}
	source, err := a.fileSource(c.Context, path, proofs.signatures)
	if err != nil {
		return nil, gover.Version{}, err
	}
	in.Sources = []install.Source{source}
	return in, source.Version(), writable
}

// archiveIn finds the one archive for this machine in a directory.
func (a *app) archiveIn(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var found []string
	for _, entry := range entries {
		if artifact, ok := release.ParseFileName(entry.Name()); ok && artifact.Platform == a.platform() {
			found = append(found, filepath.Join(dir, entry.Name()))
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", diag.New(diag.NoSuchRelease, dir+" has neither a GOROOT nor an archive for "+a.platform().String())
	}
	hints := make([]string, 0, len(found))
	for _, path := range found {
		hints = append(hints, "vmgo install "+diag.Word(path))
	}
	return "", diag.New(diag.Usage, dir+" has several archives", hints...)
}

// fileSource makes the source of a file. The checksum and the signature of go.dev
// for the archive are used too, if it can be reached.
func (a *app) fileSource(ctx context.Context, path string, signatures []string) (*release.File, error) {
	name, checksum := filepath.Base(path), ""
	if artifact, ok := release.ParseFileName(name); ok && artifact.Kind == release.TarGz {
		if _, err := os.Stat(path + ".asc"); err == nil {
			signatures = append(signatures, release.FileURL(path+".asc"))
		}
		godev := release.NewGoDev(a.client(), release.GoDevConfig{
			Bases: a.settings.Godev, CacheDir: a.layout.Cache, Now: a.host.Now, Offline: a.settings.Offline,
		})
		if known, err := godev.Locate(ctx, artifact.Version, artifact.Platform); err == nil {
			checksum = known.SHA256
			signatures = append(signatures, known.Signatures...)
		}
	}
	return release.NewFile(path, name, checksum, signatures)
}

// givenProofs are the proofs of --proof.
type givenProofs struct {
	signatures []string // URLs of files
	log        [][]byte
}

// givenProofs reads the files of --proof: a detached signature, a proof of the
// checksum database, or a receipt that has one.
func (a *app) givenProofs(paths []string) (givenProofs, error) {
	var g givenProofs
	for _, path := range paths {
		path = a.host.Abs(path)
		data, err := smallfile.Read(path, maxProof)
		if err != nil {
			return g, diag.Wrap(diag.Usage, err, "cannot read the proof "+path)
		}
		if trust.IsTlogProof(data) {
			g.log = append(g.log, data)
			continue
		}
		if !json.Valid(data) {
			g.signatures = append(g.signatures, release.FileURL(path))
			continue
		}
		var receipt struct {
			LogProof json.RawMessage `json:"log_proof"`
		}
		if err := json.Unmarshal(data, &receipt); err == nil && len(receipt.LogProof) > 0 {
			data = receipt.LogProof
		}
		g.log = append(g.log, data)
	}
	return g, nil
}

// unused returns an error for a signature without its archive: what a source
// serves is verified by the signature of that source.
func (g givenProofs) unused(files []string) error {
	if len(g.signatures) == 0 || len(files) > 0 {
		return nil
	}
	return diag.New(diag.Usage, "a signature needs the archive that it signs", "vmgo install --proof go1.27.0.linux-amd64.tar.gz.asc ./go1.27.0.linux-amd64.tar.gz")
}

// over returns a log that uses the given proofs for the requested release, and the
// real log for others.
func (g givenProofs) over(log *trust.Log) install.Log {
	if len(g.log) == 0 {
		return log
	}
	return provenLog{log, g.log}
}

type provenLog struct {
	log    *trust.Log
	proofs [][]byte
}

// Lookup checks the given proofs; none of them has to fit if the log can be
// asked.
func (l provenLog) Lookup(ctx context.Context, v gover.Version, p gover.Platform) (trust.Record, error) {
	var failed error
	for _, proof := range l.proofs {
		record, err := l.log.VerifyOffline(proof, v, p)
		if err == nil {
			return record, nil
		}
		failed = err
	}
	record, err := l.log.Lookup(ctx, v, p)
	if code := diag.CodeOf(err); code == diag.Network || code == diag.Offline {
		return record, failed
	}
	return record, err
}
