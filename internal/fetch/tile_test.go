package fetch_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/vmgo/vmgo/internal/fetch"
	"github.com/vmgo/vmgo/internal/vmtest"
)

// A tile of hashes may begin with "<" and is no login page for that.
func TestClient_takesTilesForData(t *testing.T) {
	t.Parallel()
	s := vmtest.NewServer(t, vmtest.Options{MissingStatus: http.StatusNotFound})
	tile := "<\xad\xc3\x80\xdf\x87\x8d" + strings.Repeat("\x00\x01a\x80\x02", 300)
	s.Serve("/tile", []byte(tile))
	s.Serve("/login", []byte(" \n<html>\r\n\t<title>\u767b\u5f55</title>"))
	c := fetch.New(fetch.Config{Transport: vmtest.Transport(), Attempts: 1})
	if data, err := c.Get(t.Context(), s.URL+"/tile", 1<<20); err != nil || string(data) != tile {
		t.Errorf("a tile: %v", err)
	}
	if _, err := c.Get(t.Context(), s.URL+"/login", 1<<20); err == nil || !strings.Contains(err.Error(), "login page") {
		t.Errorf("a login page: %v", err)
	}
}
