package rotatelog_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
	"example.com/rotatelog/storetest"
)

// server is a real S3 server, which the environment names. .ci/servers starts
// two, and says how.
type server struct {
	name        string
	endpoint    string
	profile     string // of the fake that behaves like it
	key, secret string
	bucket      string
	client      *s3.Client
}

// realServers returns the servers that the environment names.
func realServers() (found []server) {
	for _, s := range []server{
		{name: "rgw", endpoint: os.Getenv("ROTATELOG_RGW_ENDPOINT"), profile: cmp.Or(os.Getenv("ROTATELOG_RGW_PROFILE"), "rgw16")},
		{name: "versity", endpoint: os.Getenv("ROTATELOG_VERSITY_ENDPOINT"), profile: "versity"},
	} {
		if s.endpoint == "" {
			continue
		}
		s.key, s.secret = os.Getenv("ROTATELOG_SERVERS_ACCESS_KEY"), os.Getenv("ROTATELOG_SERVERS_SECRET_KEY")
		s.bucket = os.Getenv("ROTATELOG_SERVERS_BUCKET")
		s.client = s3store.NewClient(s.endpoint, "us-east-1", credentials.NewStaticCredentialsProvider(s.key, s.secret, ""))
		found = append(found, s)
	}
	return found
}

// onServers runs a test with each server, one after the other.
func onServers(t *testing.T, test func(t *testing.T, s server)) {
	found := realServers()
	if len(found) == 0 {
		t.Skip("neither ROTATELOG_RGW_ENDPOINT nor ROTATELOG_VERSITY_ENDPOINT names a server; .ci/servers starts them")
	}
	for _, s := range found {
		t.Run(s.name, func(t *testing.T) { test(t, s) })
	}
}

func (s server) store(opts s3store.Options) *s3store.Store {
	return s3test.Must(s3store.New(s.client, s.bucket, opts))
}

// get reads an object as a consumer does.
func (s server) get(t *testing.T, key string) []byte {
	t.Helper()
	out, err := s.client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// keys lists the keys with a prefix.
func (s server) keys(t *testing.T, prefix string) (keys []string) {
	t.Helper()
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	return keys
}

// newPrefix returns an unused prefix of keys.
func newPrefix() string { return "test/" + strings.ToLower(rand.Text()) + "/" }

// versioned returns the server with a new bucket, in which objects have versions.
func (s server) versioned(t *testing.T) server {
	t.Helper()
	s.bucket = "versioned-" + strings.ToLower(rand.Text())
	if _, err := s.client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &s.bucket}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{
		Bucket:                  &s.bucket,
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	}); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestServerStore runs the suite for stores.
func TestServerStore(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		for name, opts := range map[string]s3store.Options{
			"owned":  {},
			"shared": {Shared: true},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				storetest.Run(t, func(*testing.T) rotatelog.Store {
					if s.name == "versity" {
						return steady{s.store(opts)}
					}
					return s.store(opts)
				})
			})
		}
	})
}

// steady is a store on versitygw. While an object is replaced, that answers a HEAD
// with the size of the version before and the ETag and metadata of the next, and a GET
// with the ETag of the one and the content of the other. A Writer looks again when
// what it reads then makes no sense; here the ETag shows that, which is a checksum.
type steady struct{ *s3store.Store }

func (s steady) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	for {
		o, err := s.Store.Stat(ctx, key)
		if err != nil || o.Size > 1<<20 || ofParts(o.Version) {
			return o, err
		}
		r, err := s.Read(ctx, key, o.Version, 0, -1)
		if errors.Is(err, rotatelog.ErrConflict) {
			continue
		}
		if err != nil {
			return rotatelog.Object{}, err
		}
		if n, err := io.Copy(io.Discard, r); err == nil && n == o.Size {
			return o, nil
		}
	}
}

func (s steady) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	r, err := s.Store.Read(ctx, key, v, off, n)
	if err != nil || off > 0 || n >= 0 || ofParts(v) {
		return r, err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err == nil && !strings.Contains(string(v), fmt.Sprintf("%x", md5.Sum(content))) {
		err = rotatelog.ErrConflict
	}
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// ofParts reports whether an ETag is that of a multipart upload, and no checksum.
func ofParts(v rotatelog.Version) bool { return strings.Contains(string(v), "-") }

const hosts = 8

// sharer is one of the Writers that share a day.
type sharer struct {
	n       int
	dir     string
	fetches []string // appended
	err     error    // of its Flush
}

// runHosts lets Writers with separate directories append to the same day at once.
func runHosts(t *testing.T, s server, prefix string, opts s3store.Options) []sharer {
	all := make([]sharer, hosts)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // it takes seconds, unless nothing moves
	defer cancel()
	var running sync.WaitGroup
	for i := range all {
		all[i].n, all[i].dir = i, t.TempDir()
		cfg := rotatelog.Config{Dir: all[i].dir, Prefix: prefix, Store: s.store(opts), MaxFetches: 3, Logger: slog.New(slog.DiscardHandler)}
		running.Go(func() { all[i].run(ctx, t, cfg) })
	}
	running.Wait()
	return all
}

func (h *sharer) run(ctx context.Context, t *testing.T, cfg rotatelog.Config) {
	w, err := rotatelog.Open(ctx, cfg)
	if err != nil {
		t.Error(err)
		return
	}
	defer w.Close()
	for n := range 10 {
		fetch := fmt.Sprintf(`{"host":%d,"n":%d,"FETCH_FOOTER":{"total_matches":1}}`, h.n, n)
		if _, err := w.Append(ctx, []byte(fetch)); err != nil {
			t.Error(err)
			return
		}
		h.fetches = append(h.fetches, fetch)
	}
	h.err = w.Flush(ctx)
}

// countFetches reads all days under a prefix, and returns how often each fetch
// is there.
func (s server) countFetches(t *testing.T, prefix string) map[string]int {
	t.Helper()
	count := map[string]int{}
	for _, key := range s.keys(t, prefix) {
		for _, u := range parseDay(t, key, s.get(t, key)).Uploads {
			for _, fetch := range u.Data {
				count[string(fetch)]++
			}
		}
	}
	return count
}

// TestServerHosts: eight Writers that share a key lose nothing and store nothing
// twice; parseDay checks that the sequence has no gap.
func TestServerHosts(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		prefix := newPrefix()
		all := runHosts(t, s, prefix, s3store.Options{Shared: true})
		count := s.countFetches(t, prefix)
		for _, h := range all {
			if h.err != nil {
				t.Errorf("host %d: %v", h.n, h.err)
			}
			for _, fetch := range h.fetches {
				if count[fetch] != 1 {
					t.Errorf("%s is there %d times", fetch, count[fetch])
				}
				delete(count, fetch)
			}
		}
		for fetch := range count {
			t.Errorf("nobody sent %s", fetch)
		}
	})
}

// waiting returns the files in which fetches wait for the store.
func (h *sharer) waiting(t *testing.T) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(h.dir, "all_api.spool", "pending", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, name := range append(names, filepath.Join(h.dir, "all_api.json")) {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(compact(content))
	}
	return all.String()
}

// TestServerHostsVersioned: where the bucket has versions, some servers have no
// compare-and-swap. Then a Writer reports that, and keeps what is not in the store.
func TestServerHostsVersioned(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		s, prefix := s.versioned(t), newPrefix()
		all := runHosts(t, s, prefix, s3store.Options{Shared: true})
		count := s.countFetches(t, prefix)
		for _, h := range all {
			if h.err != nil && (!errors.Is(h.err, rotatelog.ErrPermanent) || !strings.Contains(h.err.Error(), "Shared")) {
				t.Errorf("host %d: %v\nwant an error that says why the key cannot be shared", h.n, h.err)
			}
			waiting := h.waiting(t)
			for _, fetch := range h.fetches {
				if n := count[fetch]; n > 1 || n == 0 && !strings.Contains(waiting, fetch) {
					t.Errorf("%s is in the store %d times, and does not wait for it", fetch, n)
				}
			}
		}
	})
}

// TestServerSecondOwnerIsRefused: a second Writer that is not meant to be there gets an error.
func TestServerSecondOwnerIsRefused(t *testing.T) {
	onServers(t, func(t *testing.T, s server) {
		for name, s := range map[string]server{"plain": s, "versioned": s.versioned(t)} {
			t.Run(name, func(t *testing.T) {
				prefix := newPrefix()
				first, second := sharer{n: 1}, sharer{n: 2}
				for _, h := range []*sharer{&first, &second} {
					h.run(t.Context(), t, rotatelog.Config{
						Dir: t.TempDir(), Prefix: prefix, Store: s.store(s3store.Options{}), Logger: slog.New(slog.DiscardHandler),
					})
				}
				if first.err != nil {
					t.Errorf("the owner: %v", first.err)
				}
				if !errors.Is(second.err, rotatelog.ErrPermanent) || !strings.Contains(second.err.Error(), "s3store.Options.Shared") {
					t.Errorf("the other: %v", second.err)
				}
				count := s.countFetches(t, prefix)
				if len(count) != len(first.fetches) {
					t.Errorf("%d fetches are there, want the %d of the owner", len(count), len(first.fetches))
				}
			})
		}
	})
}

// TestServerRealFetches replays fetches of an archive onto their days, in
// several runs, and reads the days as a consumer does.
func TestServerRealFetches(t *testing.T) {
	archive, err := os.ReadFile(filepath.Join("..", "shared", "data", "openfootball-fetches.ndjson"))
	if err != nil {
		t.Skipf("the archive is not here: %v", err)
	}
	lines := bytes.Split(archive, []byte("\n"))[:30]
	onServers(t, func(t *testing.T, s server) {
		cfg := rotatelog.Config{
			Dir: t.TempDir(), Prefix: newPrefix(), Store: s.store(s3store.Options{}), TimeOf: rotatelog.HeaderTime,
			Sync: rotatelog.SyncSeal, Logger: slog.New(slog.DiscardHandler),
		}
		const runs = 2 // each fetch is there that often
		for range runs {
			replay(t, cfg, lines)
		}
		for _, line := range lines {
			at, err := rotatelog.HeaderTime(line)
			if err != nil {
				t.Fatal(err)
			}
			key := fmt.Sprintf("%sall_api_json_log_%s.json", cfg.Prefix, at.Format(time.DateOnly))
			d := parseDay(t, key, s.get(t, key))
			if len(d.Uploads) != runs || d.Metadata.Date != at.Format(time.DateOnly) {
				t.Errorf("%s has %d uploads, of %s", key, len(d.Uploads), d.Metadata.Date)
			}
			for _, u := range d.Uploads {
				if len(u.Data) != 1 || !bytes.Equal(u.Data[0], line) || u.Matches != footerMatches(t, line) {
					t.Errorf("%s: upload %d holds %d fetches, %d matches: %.100s", key, u.Sequence, len(u.Data), u.Matches, u.Data)
				}
			}
		}
	})
}

func replay(t *testing.T, cfg rotatelog.Config, lines [][]byte) {
	t.Helper()
	w, err := rotatelog.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for _, line := range lines {
		if _, err := w.Append(t.Context(), line); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func footerMatches(t *testing.T, fetch []byte) int64 {
	t.Helper()
	var f struct {
		Footer struct {
			Matches int64 `json:"total_matches"`
		} `json:"FETCH_FOOTER"`
	}
	if err := json.Unmarshal(fetch, &f); err != nil {
		t.Fatal(err)
	}
	return f.Footer.Matches
}

// TestServerAppendsToTheOldScriptsDay: a day that the old script began is appended to.
func TestServerAppendsToTheOldScriptsDay(t *testing.T) {
	old, err := os.ReadFile(filepath.Join("testdata", "old_script_day.json"))
	if err != nil {
		t.Fatal(err)
	}
	onServers(t, func(t *testing.T, s server) {
		noon := time.Date(2025, 7, 10, 16, 0, 0, 0, time.UTC)
		cfg := rotatelog.Config{
			Dir: t.TempDir(), Prefix: newPrefix(), Store: s.store(s3store.Options{}), Logger: slog.New(slog.DiscardHandler),
			TimeOf: func([]byte) (time.Time, error) { return noon, nil },
		}
		key := cfg.Prefix + "all_api_json_log_2025-07-10.json"
		if _, err := s.client.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: &s.bucket, Key: &key, Body: bytes.NewReader(old), ContentType: aws.String("application/json"),
		}); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			replay(t, cfg, [][]byte{counted(3), counted(4)})
		}
		if m := parseDayLoosely(t, s.get(t, key)).Metadata; m.Uploads != 4 || m.Fetches != 3+4 || m.Matches != 7+14 {
			t.Errorf("%+v", m)
		}
	})
}
