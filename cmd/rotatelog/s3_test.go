package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/settings"
	"example.com/rotatelog/internal/storeurl"
	"example.com/rotatelog/s3store"
)

const (
	testBucket = "sports-json-logs-all"
	testSecret = "hidden/secret+key"
)

// bucketWorld is a machine with a stream, and a bucket at a server like Linode's, over
// HTTP.
type bucketWorld struct {
	*shell
	srv   *fakes3.Server
	url   string
	ahead atomic.Int64 // by how much the server's clock is, in nanoseconds
	dir   string
	n     int // fetches appended
}

func newBucketWorld(t *testing.T) *bucketWorld {
	w := &bucketWorld{shell: newShell(t), dir: filepath.Join(longDir(t), "rotatelog")}
	w.srv = fakes3.New(fakes3.Options{Profile: fakes3.Linode(), AccessKey: "AKIDTEST", SecretKey: testSecret,
		Now: func() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }})
	w.srv.CreateBucket(testBucket)
	ts := httptest.NewServer(w.srv)
	t.Cleanup(ts.Close)
	w.url = ts.URL
	w.replace = strings.NewReplacer(w.dir, "/var/lib/rotatelog", ts.URL, "https://us-ord-1.linodeobjects.com")
	w.set("ROTATELOG_DIR", w.dir)
	w.set("ROTATELOG_STORE", "s3://"+testBucket+"?endpoint="+ts.URL)
	w.set("AWS_ACCESS_KEY_ID", "AKIDTEST")
	w.set("AWS_SECRET_ACCESS_KEY", testSecret)
	return w
}

// config returns the Config of the Writer in a directory.
func (w *bucketWorld) config(dir string) rotatelog.Config {
	w.t.Helper()
	s, err := settings.Load(settings.Sources{Environ: w.environ, Known: []string{"dir", "store"}})
	if err != nil {
		w.t.Fatal(err)
	}
	url, _ := s.Lookup("store", "")
	place, err := storeurl.Parse(url.Text, storeurl.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	store, err := place.Open(storeurl.NewKeys(s))
	if err != nil {
		w.t.Fatal(err)
	}
	return rotatelog.Config{Dir: dir, Store: store, Clock: w.clock, Logger: slog.New(slog.DiscardHandler)}
}

// write appends n fetches from a directory, and uploads them.
func (w *bucketWorld) write(dir string, n int) {
	w.t.Helper()
	wr, err := rotatelog.Open(w.t.Context(), w.config(dir))
	if err != nil {
		w.t.Fatal(err)
	}
	defer wr.Close()
	for range n {
		w.n++
		fetch := rotatelog.Fetch{Data: fmt.Appendf(nil, `{"n":%d}`, w.n), TotalMatches: 45, ID: fmt.Sprintf("ID%010d", w.n)}
		if _, err := wr.AppendFetch(w.t.Context(), fetch); err != nil {
			w.t.Fatal(err)
		}
	}
	if err := wr.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// edit changes an object, and leaves its metadata.
func (w *bucketWorld) edit(key, from, to string) {
	w.t.Helper()
	text, meta, ok := w.srv.Object(testBucket, key)
	if !ok || !strings.Contains(string(text), from) {
		w.t.Fatalf("%s has no %s", key, from)
	}
	w.srv.PutObject(testBucket, key, []byte(strings.Replace(string(text), from, to, 1)), meta)
}

const july10 = "all_api_rotating_logs/all_api_json_log_2025-07-10.json"

// A day that is broken in the bucket, from verify to verify.
func TestBrokenDayInABucket(t *testing.T) {
	t.Parallel()
	w := newBucketWorld(t)
	w.write(w.dir, 25)
	w.want(codeOK, "s3-verify", "verify", "today")
	w.edit(july10, `{"n":15}`, `{"n":16}`)
	w.want(codeFinding, "s3-verify-broken", "verify", "today")
	if w.run("restore", "2025-07-10"); w.code != codeOK || !strings.Contains(w.stdout, "\n  in the bucket   2 of 3 uploads are whole; not: 2\n") {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
	if w.run("restore", "2025-07-10", "--apply"); w.code != codeOK {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
	if w.run("verify", "today"); w.code != codeOK {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
	if w.run("cat", "today"); strings.Count(w.stdout, "\n") != 25 || !strings.Contains(w.stdout, `{"n":15}`) {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
}

// A machine is lost; another takes the stream over, and later the old disk turns up.
func TestLostMachine(t *testing.T) {
	t.Parallel()
	w := newBucketWorld(t)
	w.write(w.dir, 25)
	// The old disk has a batch that has not been uploaded.
	wr, err := rotatelog.Open(t.Context(), w.config(w.dir))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wr.AppendFetch(t.Context(), rotatelog.Fetch{Data: []byte(`{"n":"lost"}`)}); err != nil {
		t.Fatal(err)
	}
	wr.Close()

	fresh := filepath.Join(longDir(t), "new")
	owner := w.owner()
	w.replace = strings.NewReplacer(fresh, "/var/lib/rotatelog", w.dir, "/mnt/old/rotatelog", owner, "OLDOWNER")
	w.set("ROTATELOG_DIR", fresh)
	w.environ[1] = "OLD=" // of two variables the first counts
	w.want(codeOK, "s3-takeover", "takeover")
	if w.owner() != owner {
		t.Error("a plan has changed the owner")
	}
	w.want(codeOK, "s3-takeover-applied", "takeover", "--apply")
	if w.owner() == owner {
		t.Error("the owner is still the lost machine")
	}
	w.want(codeOK, "s3-takeover-again", "takeover")
	w.write(fresh, 10)
	w.want(codeOK, "s3-restore-old-disk", "restore", "today", "--source", w.dir)
	if w.run("restore", "today", "--source", w.dir, "--apply"); w.code != codeOK {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
	if w.run("cat", "today"); strings.Count(w.stdout, "\n") != 36 || strings.Count(w.stdout, `{"n":"lost"}`) != 1 {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
	if w.run("verify", "today"); w.code != codeOK {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
}

// A lost machine may have begun an upload, which could still take effect.
func TestTakeoverOfAnObjectThatIsBeingWritten(t *testing.T) {
	t.Parallel()
	w := newBucketWorld(t)
	w.write(w.dir, 25)
	client := s3store.NewClient(w.url, "us-east-1", credentials.NewStaticCredentialsProvider("AKIDTEST", testSecret, ""))
	w.ahead.Store(int64(-10 * time.Minute))
	if _, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(testBucket), Key: aws.String(july10)}); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(longDir(t), "new")
	w.replace = strings.NewReplacer(fresh, "/var/lib/new", w.owner(), "OLDOWNER")
	w.want(codeFinding, "s3-takeover-open", "takeover", "--dir", fresh)
	w.wantError(codeFinding, "1 uploads to the day are not finished", "takeover", "--dir", fresh, "--apply")
	w.wantError(codeFinding, "was written to less than 15 minutes ago, and that may still take effect; see that the lost machine has ended, and try again in ", "takeover", "--dir", fresh, "--apply", "--abort-open")
	w.ahead.Store(int64(10 * time.Minute))
	if w.run("takeover", "--dir", fresh, "--apply", "--abort-open"); w.code != codeOK || len(w.srv.Uploads(testBucket)) != 0 {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
}

// owner returns whom today's object belongs to.
func (w *bucketWorld) owner() string {
	_, meta, _ := w.srv.Object(testBucket, july10)
	return meta["rotatelog-owner"]
}

func TestStoreThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newBucketWorld(t)
	w.write(w.dir, 5)
	for _, test := range []struct {
		status int
		code   string
		want   string
	}{
		{403, "InvalidAccessKeyId", "InvalidAccessKeyId"},
		{404, "NoSuchBucket", "NoSuchBucket"},
	} {
		w.srv.Fault = func(fakes3.Op) fakes3.Fault {
			return fakes3.Fault{Reply: fakes3.Error{Status: test.status, Code: test.code}}
		}
		for _, command := range []string{"cat today", "restore today", "takeover"} {
			w.wantError(codeUnreachable, test.want, strings.Fields(command)...)
		}
		w.run("verify", "today")
		if w.code != codeUnreachable || !strings.Contains(w.stdout, "UNKNOWN\n  could not be read: ") || !strings.Contains(w.stdout, "1 day could not be read\n") {
			t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
		}
	}
}

// A command that reads says that the key is refused in the words of status, without those
// of the SDK.
func TestCommandsSayThatTheKeyIsRefused(t *testing.T) {
	t.Parallel()
	w := newBucketWorld(t)
	w.write(w.dir, 5)
	w.set("AWS_ACCESS_KEY_ID", "AKIDGONE")
	const refused = "The store refuses the key: 403 InvalidAccessKeyId, for " + july10 + "\n"
	const next = "next: put a new key into the environment, then rotatelog doctor --dir=/var/lib/rotatelog\n"
	for _, command := range []string{"cat today", "cat today --raw", "restore today", "takeover"} {
		w.run(append(strings.Fields(command), "--dir", w.dir)...)
		if want := "rotatelog: " + refused + next; w.code != codeUnreachable || w.stdout != "" || w.stderr != want {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q, want %q", command, w.code, w.stdout, w.stderr, want)
		}
	}
	w.want(codeUnreachable, "s3-verify-refused", "verify", "today")
	if w.run("verify", "today", "--json"); w.code != codeUnreachable || !strings.Contains(w.stdout, `"error":"`+strings.TrimSpace(refused)+`"`) {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
}

func TestInterruptWhileReading(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"cat today", "verify today", "restore today", "takeover"} {
		w := newBucketWorld(t)
		w.write(w.dir, 5)
		ctx, cancel := context.WithCancel(t.Context())
		w.ctx = ctx
		w.srv.Fault = func(op fakes3.Op) fakes3.Fault {
			cancel()
			return fakes3.Fault{}
		}
		if w.run(strings.Fields(command)...); w.code != codeInterrupted || w.stderr != "rotatelog: interrupted\n" {
			t.Errorf("%s: exit code %d\n%s%s", command, w.code, w.stdout, w.stderr)
		}
	}
}

func TestKeyIsMissing(t *testing.T) {
	w := newBucketWorld(t)
	w.environ = w.environ[:3]
	w.wantError(codeUsage, "s3://sports-json-logs-all: neither the environment nor a settings file sets AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY", "cat", "today")
}

// A key that may only read is enough for a report, which looks at each object once, and reads
// none.
func TestReportOnlyLooksAtABucket(t *testing.T) {
	t.Parallel()
	w := newBucketWorld(t)
	for range 3 {
		w.write(w.dir, 25)
		w.clock.Advance(24 * time.Hour)
	}
	text, _, _ := w.srv.Object(testBucket, july10)
	w.srv.PutObject(testBucket, july10, text, nil) // its metadata is lost
	w.srv.Reset()
	w.environ = slices.DeleteFunc(w.environ, func(v string) bool { return strings.HasPrefix(v, "ROTATELOG_DIR=") })
	if w.run("report", "3d"); w.code != codeOK || !strings.Contains(w.stdout, "\n2025-07-10 Thu  not known, ") || !strings.Contains(w.stdout, "\n3 days                  50        6          2,250 ") {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
	stats := w.srv.Stats()
	for op, n := range stats.Requests {
		if looks := op == "GetObject" || op == "HeadObject"; looks && n > 3 || !looks && op != "ListObjectsV2" {
			t.Errorf("%d requests of %s", n, op)
		}
	}
	if stats.Sent > int64(len(text)) {
		t.Errorf("%d bytes were read", stats.Sent)
	}
}
