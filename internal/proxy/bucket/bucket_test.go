package bucket_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/vmgo/vmgo/internal/proxy/bucket"
)

func open(t *testing.T) (*bucket.Bucket, *s3mem.Backend) {
	t.Helper()
	storage := s3mem.New()
	if err := storage.CreateBucket("modules"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(storage).Server())
	t.Cleanup(server.Close)
	b, err := bucket.Open(server.URL+"/modules/go/", map[string]string{"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}, http.DefaultTransport)
	if err != nil {
		t.Fatal(err)
	}
	return b, storage
}

func TestBucket_theFirstWins(t *testing.T) {
	t.Parallel()
	b, storage := open(t)
	for _, text := range []string{"first", "second"} {
		if err := b.PutSmall(t.Context(), "a/@v/v1.zip", []byte(text), true); err != nil {
			t.Fatal(err)
		}
		if err := b.PutSmall(t.Context(), "a/@v/list", []byte(text), false); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"a/@v/v1.zip": "first", "a/@v/list": "second"} {
		if data, err := b.GetSmall(t.Context(), name); err != nil || string(data) != want {
			t.Errorf("%s: %q, %v", name, data, err)
		}
	}
	if _, err := storage.HeadObject("modules", "go/a/@v/list"); err != nil {
		t.Errorf("the prefix: %v", err)
	}
	if _, err := b.GetSmall(t.Context(), "a/@v/v2.zip"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent: %v", err)
	}
}

func TestBucket_damageIsNoticedAndGoes(t *testing.T) {
	t.Parallel()
	b, storage := open(t)
	if err := b.PutSmall(t.Context(), "a", []byte("good"), true); err != nil {
		t.Fatal(err)
	}
	object, err := storage.HeadObject("modules", "go/a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := storage.PutObject("modules", "go/a", object.Metadata, strings.NewReader("evil"), 4, nil); err != nil {
		t.Fatal(err)
	}
	if data, err := b.GetSmall(t.Context(), "a"); !errors.Is(err, bucket.ErrDamaged) || data != nil {
		t.Errorf("%q, %v", data, err)
	}
	if err := b.PutSmall(t.Context(), "a", []byte("good"), true); err != nil {
		t.Fatal(err)
	}
	if data, err := b.GetSmall(t.Context(), "a"); err != nil || !bytes.Equal(data, []byte("good")) {
		t.Errorf("the repaired object: %q, %v", data, err)
	}
}

func TestOpen_addresses(t *testing.T) {
	t.Parallel()
	keys := map[string]string{"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
	for _, address := range []string{"", "s3://bucket", "https://host", "https://key:secret@host/bucket", "host/bucket"} {
		if _, err := bucket.Open(address, keys, http.DefaultTransport); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
	if _, err := bucket.Open("https://host/bucket", nil, http.DefaultTransport); err == nil {
		t.Error("taken without a key")
	}
}
