// Package bucket is a cache in an S3 bucket that several proxies share. What never
// changes is published by a conditional write, so that they need no locks: the
// first one wins, and all have the same.
package bucket

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/vmgo/vmgo/internal/diag"
)

// Bucket is safe for concurrent use.
type Bucket struct {
	client *minio.Client
	name   string
	prefix string
}

// sumKey is the user metadata that has the SHA-256 of an object, in hex.
const sumKey = "Vmgo-Sha256"

// attempts is how often a request is made: the proxy works without the bucket, so
// it does not wait long for it.
const attempts = 2

// limit is how long one small request may take.
const limit = 20 * time.Second

// Open reads the URL of a bucket, https://HOST[:PORT]/BUCKET[/PREFIX], and the
// credentials AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN and
// AWS_REGION of the environment. It sends nothing.
func Open(rawURL string, env map[string]string, transport http.RoundTripper) (*Bucket, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return nil, badURL(rawURL, nil)
	}
	name, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if name == "" {
		return nil, badURL(rawURL, errors.New("it names no bucket"))
	}
	if env["AWS_ACCESS_KEY_ID"] == "" || env["AWS_SECRET_ACCESS_KEY"] == "" {
		return nil, diag.New(diag.Usage, "the bucket needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", "export AWS_ACCESS_KEY_ID=KEY AWS_SECRET_ACCESS_KEY=SECRET")
	}
	client, err := minio.New(u.Host, &minio.Options{
		Creds:  credentials.NewStaticV4(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env["AWS_SESSION_TOKEN"]),
		Secure: u.Scheme == "https", Region: region(env), Transport: transport, MaxRetries: attempts, BucketLookup: minio.BucketLookupPath,
	})
	if err != nil {
		return nil, badURL(rawURL, err)
	}
	return &Bucket{client, name, prefix}, nil
}

// region spares the question for it, which not every server answers.
func region(env map[string]string) string {
	if env["AWS_REGION"] == "" {
		return "us-east-1"
	}
	return env["AWS_REGION"]
}

func badURL(rawURL string, err error) error {
	return diag.Wrap(diag.Usage, err, "the address of a bucket is https://HOST/BUCKET/PREFIX, not "+rawURL, "vmgo proxy serve --s3 https://s3.example.com/go-modules")
}

func (b *Bucket) key(name string) string { return path.Join(b.prefix, name) }

// ErrDamaged marks an object whose content is not what was stored. It is removed
// by then.
var ErrDamaged = errDamaged{}

type errDamaged struct{}

func (errDamaged) Error() string { return "the object in the bucket was damaged" }

// Get writes an object to w and compares it with its hash, which the writer
// must await before it uses what it got. size is called first. An object that
// is not there is fs.ErrNotExist.
func (b *Bucket) Get(ctx context.Context, name string, size func(int64), w io.Writer) error {
	object, err := b.client.GetObject(ctx, b.name, b.key(name), minio.GetObjectOptions{})
	if err != nil {
		return explain(name, err)
	}
	defer object.Close()
	info, err := object.Stat()
	if err != nil {
		return explain(name, err)
	}
	size(info.Size)
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, h), object); err != nil {
		return explain(name, err)
	}
	if hex.EncodeToString(h.Sum(nil)) != info.UserMetadata[sumKey] {
		// Out of the way of the conditional write that brings a good one.
		return errors.Join(ErrDamaged, explain(name, b.client.RemoveObject(ctx, b.name, b.key(name), minio.RemoveObjectOptions{})))
	}
	return nil
}

// Put stores an object of that size and SHA-256. With once, one that is there
// already stays as it is.
func (b *Bucket) Put(ctx context.Context, name string, content io.Reader, size int64, sum string, once bool) error {
	options := minio.PutObjectOptions{UserMetadata: map[string]string{sumKey: sum}, DisableMultipart: true, ContentType: "application/octet-stream"}
	if once {
		options.SetMatchETagExcept("*") // If-None-Match: *
	}
	_, err := b.client.PutObject(ctx, b.name, b.key(name), content, size, options)
	if once && minio.ToErrorResponse(err).StatusCode == http.StatusPreconditionFailed {
		return nil
	}
	return explain(name, err)
}

// GetSmall returns an object that fits into memory.
func (b *Bucket) GetSmall(ctx context.Context, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var buf bytes.Buffer
	if err := b.Get(ctx, name, func(int64) {}, &buf); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// PutSmall stores an object from memory.
func (b *Bucket) PutSmall(ctx context.Context, name string, data []byte, once bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	sum := sha256.Sum256(data)
	return b.Put(ctx, name, bytes.NewReader(data), int64(len(data)), hex.EncodeToString(sum[:]), once)
}

func explain(name string, err error) error {
	if err == nil {
		return nil
	}
	if response := minio.ToErrorResponse(err); response.StatusCode == http.StatusNotFound && response.Code != "NoSuchBucket" {
		return &fs.PathError{Op: "get", Path: name, Err: fs.ErrNotExist}
	}
	return fmt.Errorf("the bucket does not take part in %s: %w", name, err)
}
