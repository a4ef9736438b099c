package fetch

import (
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"syscall"

	"github.com/vmgo/vmgo/internal/smallfile"
)

// openFile opens the file of a file:// URL: a regular file of this machine.
func openFile(target *url.URL) (*os.File, int64, error) {
	if target.Host != "" && target.Host != "localhost" || target.Path == "" {
		return nil, 0, errors.New("a file URL needs an absolute path: file:///path")
	}
	f, err := smallfile.Open(target.Path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, 0, &StatusError{Status: http.StatusNotFound}
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

func readFile(target *url.URL, limit int64) ([]byte, error) {
	f, _, err := openFile(target)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readAll(f, limit)
	if err == nil && looksLikeHTML(data) {
		err = errLoginPage
	}
	return data, err
}
