package rotatelog_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// bodyCounter is an HTTP client that counts the bytes of bodies.
type bodyCounter struct {
	s3.HTTPClient
	sent, read atomic.Int64
}

func (c *bodyCounter) Do(req *http.Request) (*http.Response, error) {
	c.sent.Add(max(req.ContentLength, 0))
	resp, err := c.HTTPClient.Do(req)
	if err == nil && req.Method != http.MethodHead {
		c.read.Add(max(resp.ContentLength, 0))
	}
	return resp, err
}

// counted returns the server with a client that counts.
func (s server) counted() (server, *bodyCounter) {
	var counter *bodyCounter
	s.client = s3.New(s.client.Options(), func(o *s3.Options) {
		counter = &bodyCounter{HTTPClient: o.HTTPClient}
		o.HTTPClient = counter
	})
	return s, counter
}

// TestServerAppend appends to a day of many MiB, in its open and its closed
// layout: what goes over the wire is the batch, or for a closed day less than 10 MiB more.
func TestServerAppend(t *testing.T) {
	const fetches, fetchSize = 10, 700_000
	for _, closed := range []bool{false, true} {
		t.Run(fmt.Sprintf("closed %v", closed), func(t *testing.T) {
			onServers(t, func(t *testing.T, s server) {
				s, counter := s.counted()
				cfg := rotatelog.Config{
					Dir: t.TempDir(), Prefix: newPrefix(), Store: s.store(s3store.Options{}), Verbatim: true,
					Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
				}
				if closed { // a day of the past, which each Flush closes
					cfg.TimeOf = func([]byte) (time.Time, error) { return time.Date(2025, 7, 10, 12, 0, 0, 0, time.UTC), nil }
				}
				n := 0
				for range 4 {
					w, err := rotatelog.Open(t.Context(), cfg)
					if err != nil {
						t.Fatal(err)
					}
					counter.sent.Store(0)
					counter.read.Store(0)
					for range fetches {
						n++
						if _, err := w.Append(t.Context(), fmt.Appendf(nil, `{"n":%d,"pad":%q}`, n, strings.Repeat("x", fetchSize))); err != nil {
							t.Fatal(err)
						}
					}
					if err := w.Flush(t.Context()); err != nil {
						t.Fatal(err)
					}
					w.Close()
					most := int64(fetches*fetchSize + 10_000)
					if closed {
						most += 10 << 20 // less than two parts, to have one that can be copied
					}
					if sent := counter.sent.Load(); sent > most {
						t.Errorf("after %d fetches an upload took %d bytes, want at most %d", n, sent, most)
					}
					if read := counter.read.Load(); read > most-fetches*fetchSize {
						t.Errorf("after %d fetches an upload read %d bytes, want at most %d", n, read, most-fetches*fetchSize)
					}
				}
				keys := s.keys(t, cfg.Prefix)
				if len(keys) != 1 {
					t.Fatalf("%q", keys)
				}
				content := s.get(t, keys[0])
				if d := parseDay(t, keys[0], content); d.Metadata.Fetches != n || metadataFirst(content) != closed {
					t.Errorf("%+v, closed %v", d.Metadata, metadataFirst(content))
				}
				uploads, err := s.client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: &keys[0]})
				if err != nil || len(uploads.Uploads) != 0 {
					t.Errorf("left open: %v, %v", uploads, err)
				}
			})
		})
	}
}

// TestServerCompressed appends to a compressed day that becomes larger than 5 MiB,
// and reads it back.
func TestServerCompressed(t *testing.T) {
	const batches, fetches, fetchSize = 4, 10, 700_000
	for _, c := range []rotatelog.Compression{rotatelog.Zstd, rotatelog.Gzip} {
		t.Run(c.String(), func(t *testing.T) {
			onServers(t, func(t *testing.T, s server) {
				prefix := newPrefix()
				w, err := rotatelog.Open(t.Context(), rotatelog.Config{
					Dir: t.TempDir(), Prefix: prefix, Store: s.store(s3store.Options{}), Compression: c,
					Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
				})
				if err != nil {
					t.Fatal(err)
				}
				defer w.Close()
				hard := rand.NewChaCha8([32]byte{}) // to compress
				var want []string
				for n := range batches * fetches {
					pad := make([]byte, fetchSize/2)
					hard.Read(pad)
					want = append(want, fmt.Sprintf(`{"n":%d,"pad":"%x"}`, n, pad))
					if _, err := w.Append(t.Context(), []byte(want[n])); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				keys := s.keys(t, prefix)
				if len(keys) != 1 {
					t.Fatalf("%q", keys)
				}
				content := s.get(t, keys[0])
				if len(content) < 5<<20 || len(content) > batches*fetches*fetchSize*2/3 {
					t.Errorf("it has %d bytes", len(content))
				}
				var got []string
				for _, u := range parseDay(t, keys[0], content).Uploads {
					for _, fetch := range u.Data {
						got = append(got, string(fetch))
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%d fetches are there, of %d, or they are not the same", len(got), len(want))
				}
			})
		})
	}
}

// TestServerSettle settles an upload again and again, from its notes: while it is
// the current version, and when that has been replaced. The object stays as it is.
func TestServerSettle(t *testing.T) {
	const size = 6 << 20
	onServers(t, func(t *testing.T, s server) {
		store, key := s3test.Must(s3store.New(s.client, s.bucket, s3store.Options{})), newPrefix()+"key"
		want := bytes.Repeat([]byte("o"), size)
		s3test.Write(t, store, key, "", nil, rotatelog.Data(want))
		var notes []string
		noted := func(text string) error {
			notes = append(notes, text)
			return nil
		}
		err := store.WriteIntent(t.Context(), key, s3test.Stat(t, store, key).Version,
			[]rotatelog.Part{rotatelog.Copy(0, size), rotatelog.Data([]byte("+"))}, nil, noted)
		want = append(want, '+')
		if err != nil || len(notes) != 3 || notes[2] != "" {
			t.Fatalf("%v, notes %q", err, notes)
		}
		settle := func(text string) {
			t.Helper()
			if err := store.Resolve(t.Context(), text, func(string) error { return nil }); err != nil {
				t.Errorf("settle: %v", err)
			}
			if got := s.get(t, key); !bytes.Equal(got, want) {
				t.Errorf("the object has %d bytes now, want %d", len(got), len(want))
			}
		}
		settle(notes[1])
		settle(notes[0])
		s3test.Write(t, store, key, s3test.Stat(t, store, key).Version, nil, rotatelog.Copy(0, size+1), rotatelog.Data([]byte("+")))
		want = append(want, '+')
		settle(notes[1])
		settle(notes[0])

		// One that was begun and not completed is removed.
		notes = nil
		stop := func(text string) error {
			if notes = append(notes, text); len(notes) == 2 {
				return context.Canceled
			}
			return nil
		}
		if err := store.WriteIntent(t.Context(), key, s3test.Stat(t, store, key).Version, []rotatelog.Part{rotatelog.Copy(0, size)}, nil, stop); err == nil {
			t.Error("a note that fails did not stop the upload")
		}
		settle(notes[0])
		uploads, err := s.client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: &s.bucket, Prefix: &key})
		if err != nil || len(uploads.Uploads) != 0 {
			t.Errorf("left open: %v, %v", uploads, err)
		}
	})
}
