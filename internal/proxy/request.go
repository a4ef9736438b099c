package proxy

import (
	"errors"
	"path"
	"strings"

	"github.com/vmgo/vmgo/internal/modpath"
)

// kind is what a request asks for.
type kind string

const (
	kindList   kind = "list"   // the versions of a module
	kindLatest kind = "latest" // its newest version
	kindQuery  kind = "query"  // the version that a branch or a prefix stands for
	kindInfo   kind = "info"
	kindMod    kind = "mod"
	kindZip    kind = "zip"
	kindSumDB  kind = "sumdb"
	kindGoDev  kind = "godev"
	kindOther  kind = "other" // health, metrics, and what does not exist
)

// request is what a path of the GOPROXY protocol asks for (go help goproxy).
type request struct {
	kind    kind
	name    string // the path without the slash: the file's name in the cache
	module  string
	version string // of info, mod, zip and query
}

var errNoSuchPath = errors.New("a module proxy has no such path")

// parse reads the path of a URL, without its first slash.
func parse(name string) (request, error) {
	escaped, rest, ok := strings.Cut(name, "/@")
	if !ok {
		return request{}, errNoSuchPath
	}
	module, err := modpath.UnescapePath(escaped)
	if err != nil {
		return request{}, err
	}
	r := request{name: name, module: module}
	switch rest {
	case "latest":
		r.kind = kindLatest
		return r, nil
	case "v/list":
		r.kind = kindList
		return r, nil
	}
	file, ok := strings.CutPrefix(rest, "v/")
	if !ok {
		return request{}, errNoSuchPath
	}
	extension := path.Ext(file)
	if r.version, err = modpath.UnescapeVersion(strings.TrimSuffix(file, extension)); err != nil {
		return request{}, err
	}
	exact := modpath.IsExact(module, r.version)
	switch {
	case extension == ".info" && !exact:
		r.kind = kindQuery
	case exact && (extension == ".info" || extension == ".mod" || extension == ".zip"):
		r.kind = kind(extension[1:])
	default:
		return request{}, errNoSuchPath
	}
	return r, nil
}

// sibling is the request for another file of the same version.
func (r request) sibling(k kind) request {
	r.name = strings.TrimSuffix(r.name, path.Ext(r.name)) + "." + string(k)
	r.kind = k
	return r
}
