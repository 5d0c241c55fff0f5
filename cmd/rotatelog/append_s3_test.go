package main

import (
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog/internal/fakes3"
)

// The key to the bucket.
const (
	bucket    = "sports-json-logs-all"
	accessKey = "AKIDTEST"
	secretKey = "hidden/secret+key"
	token     = "hidden-token"
)

// newS3Bench returns a bench whose store is a server like Linode's, over HTTP.
func newS3Bench(t *testing.T) (*bench, *fakes3.Server) {
	srv := fakes3.New(fakes3.Options{Profile: fakes3.Linode(), AccessKey: accessKey, SecretKey: secretKey, SessionToken: token})
	srv.CreateBucket(bucket)
	ts := httptest.NewServer(srv)
	t.Cleanup(ts.Close)
	b := newBench(t)
	b.store = []string{"--store", "s3://" + bucket + "/all", "--endpoint", ts.URL}
	b.setKey(accessKey, secretKey)
	return b, srv
}

// setKey puts a key into the environment.
func (b *bench) setKey(id, secret string) {
	b.environ = slices.DeleteFunc(b.environ, func(s string) bool { return strings.HasPrefix(s, "AWS_") })
	if id == "" {
		return
	}
	b.set("AWS_ACCESS_KEY_ID", id)
	b.set("AWS_SECRET_ACCESS_KEY", secret)
	b.set("AWS_SESSION_TOKEN", token)
}

// wantS3 checks what the server has, all below the prefix.
func wantS3(t *testing.T, srv *fakes3.Server, prefix string, want totals) {
	t.Helper()
	var got totals
	for _, key := range srv.Keys(bucket) {
		if !strings.HasPrefix(key, prefix+"all_api_json_log_") {
			t.Errorf("there is an object %s", key)
		}
		content, _, _ := srv.Object(bucket, key)
		got = got.plus(readDay(t, key, content))
	}
	if got != want {
		t.Errorf("the server has %+v, want %+v", got, want)
	}
}

// The real data set, through the real client.
func TestReplayArchiveToS3(t *testing.T) {
	b, srv := newS3Bench(t)
	file, want := football(t)
	b.wantAppend(codeOK, want.outcome(), "", "--replay", "--flush", file)
	wantS3(t, srv, "all/", want)
}

func TestS3Flush(t *testing.T) {
	b, srv := newS3Bench(t)
	b.in = strings.NewReader(fetches(25))
	b.wantAppend(codeOK, "25 325 1 2 0 5", "")
	b.wantUpload(codeOK, "0 0 0 1 0 0", "--partial")
	wantS3(t, srv, "all/", totals{1, 3, 25, 325})
}

func TestS3PrefixFlag(t *testing.T) {
	b, srv := newS3Bench(t)
	b.in = strings.NewReader(fetches(3))
	b.wantAppend(codeOK, "3 6 1 1 0 0", "", "--flush", "--prefix", "mine/")
	wantS3(t, srv, "mine/", totals{1, 1, 3, 6})
}

// An error that only a person can fix says what to do, and does not contain the key.
func TestS3RefusalSaysWhatToDo(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*bench)
		want   string
	}{
		"wrong secret": {func(b *bench) { b.setKey(accessKey, "hidden-too") },
			"the secret key is not the one that belongs to the access key; set both again"},
		"unknown key": {func(b *bench) { b.setKey("AKIDOTHER", secretKey) },
			"the server does not know the access key; check the access key ID"},
		"no such bucket": {func(b *bench) { b.store[1] = "s3://sports-json-logs-al" },
			`the bucket "sports-json-logs-al" does not exist at http://127.0.0.1:`},
		"wrong region": {func(b *bench) { b.store = append(b.store, "--region", "mars-1") },
			`or not in the region that the client is set to`},
	} {
		t.Run(name, func(t *testing.T) {
			b, srv := newS3Bench(t)
			test.change(b)
			for i, run := range []struct {
				args []string
				code int
			}{
				{nil, codeOK},
				{[]string{"--flush"}, codeFinding},
			} {
				b.in = strings.NewReader(fetches(10))
				code, stdout, stderr := b.append(run.args...)
				waiting := []string{"1 batch (10 fetches, ", "2 batches (20 fetches, "}[i]
				if code != run.code || !strings.HasPrefix(stderr, waiting) ||
					!strings.Contains(stderr, test.want) || strings.Count(stderr, "\n") != 1 {
					t.Errorf("%q: code %d, stdout %q, stderr %q, want %s…%s", run.args, code, stdout, stderr, waiting, test.want)
				}
				wantNoSecret(t, stdout, stderr)
			}
			wantS3(t, srv, "", totals{})
		})
	}
}

func wantNoSecret(t *testing.T, outputs ...string) {
	t.Helper()
	for _, output := range outputs {
		if strings.Contains(output, "hidden") || strings.Contains(output, "Credential=") || strings.Contains(output, "Signature=") {
			t.Errorf("a secret is printed: %s", output)
		}
	}
}

// When the key is right again, what waited is uploaded.
func TestS3UploadsOnceTheKeyIsRight(t *testing.T) {
	b, srv := newS3Bench(t)
	b.setKey(accessKey, "hidden-too")
	b.in = strings.NewReader(fetches(23))
	if code, _, stderr := b.append(); code != codeOK {
		t.Fatalf("code %d, stderr %q", code, stderr)
	}
	b.setKey(accessKey, secretKey)
	b.wantUpload(codeOK, "0 0 0 3 0 0", "--partial")
	wantS3(t, srv, "all/", totals{1, 3, 23, 276})
}

// After a spool was lost, the day belongs to another Writer, until the new spool gets
// the old id.
func TestS3LostSpoolNeedsItsId(t *testing.T) {
	b, srv := newS3Bench(t)
	b.in = strings.NewReader(fetches(10))
	b.wantAppend(codeOK, "10 55 1 1 0 0", "")
	owner := filepath.Join(b.path("work"), "all_api.spool/owner")
	lost, err := os.ReadFile(owner)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(b.path("work")); err != nil {
		t.Fatal(err)
	}
	b.in = strings.NewReader(fetches(10))
	code, _, stderr := b.append("--flush")
	if code != codeFinding || !strings.Contains(stderr, "belongs to another Writer, "+string(lost)) || !strings.Contains(stderr, "1 batch (10 fetches, ") ||
		!strings.Contains(stderr, "if this directory replaces a lost one: rotatelog takeover; ") || !strings.Contains(stderr, "rotatelog restore 2025-07-10 --source work;") {
		t.Errorf("code %d, stderr %q", code, stderr)
	}
	if err := os.WriteFile(owner, lost, 0o600); err != nil {
		t.Fatal(err)
	}
	b.wantUpload(codeOK, "0 0 0 1 0 0", "--partial")
	wantS3(t, srv, "all/", totals{1, 2, 20, 110})
}

// A lost reply causes no second upload.
func TestS3LostReplyMakesNoSecondUpload(t *testing.T) {
	b, srv := newS3Bench(t)
	srv.Fault = func(op fakes3.Op) fakes3.Fault {
		return fakes3.Fault{Drop: op.Name == "PutObject" && op.N == 1, After: true}
	}
	b.in = strings.NewReader(fetches(20))
	b.wantAppend(codeOK, "20 210 1 2 0 0", "", "--flush")
	wantS3(t, srv, "all/", totals{1, 2, 20, 210})
}

// Without --flush, it is enough that fetches are on disk.
func TestS3UnreachableIsNoFailureWithoutFlush(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // so that nobody listens there
	b, _ := newS3Bench(t)
	b.store[3] = "http://" + l.Addr().String()
	for i, test := range []struct {
		args []string
		code int
	}{
		{[]string{"--wait", "50ms"}, codeOK},
		{[]string{"--wait", "50ms", "--flush"}, codeFinding},
		{[]string{"--wait", "0"}, codeOK},
	} {
		b.in = strings.NewReader(fetches(10))
		code, stdout, stderr := b.append(test.args...)
		waiting := []string{"1 batch (10 fetches, ", "2 batches (20 fetches, ", "3 batches (30 fetches, "}[i]
		if code != test.code || !strings.HasPrefix(stderr, waiting) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%q: code %d, stdout %q, stderr %q", test.args, code, stdout, stderr)
		}
		wantNoSecret(t, stdout, stderr)
	}
}

// A server that does not answer cannot keep a run from ending.
func TestS3StuckServerDoesNotHoldUpARun(t *testing.T) {
	b, srv := newS3Bench(t)
	srv.Fault = func(fakes3.Op) fakes3.Fault {
		return fakes3.Fault{Delay: time.Hour}
	}
	b.in = strings.NewReader(fetches(10))
	code, stdout, stderr := b.append("--wait", "50ms")
	if code != codeOK || !strings.Contains(stderr, "1 batch (10 fetches, ") {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
}

func TestS3NoKey(t *testing.T) {
	b, srv := newS3Bench(t)
	b.setKey("", "")
	code, stdout, stderr := b.append()
	if code != codeUsage || stdout != "" || !strings.Contains(stderr, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if n := srv.Stats().Total(); n > 0 {
		t.Errorf("%d requests", n)
	}
}

// A store on plain http beyond this machine is warned about, also where it is allowed.
func TestPlainHTTPWarning(t *testing.T) {
	for endpoint, want := range map[string]int{"http://s3.test": 1, "https://s3.test": 0, "http://localhost:9000": 0} {
		b := newBench(t)
		b.setKey(accessKey, secretKey)
		b.store = []string{"--store", "s3://logs?endpoint=" + endpoint, "--insecure-http"}
		code, stdout, stderr := b.one(fetch(1))
		got := strings.Count(stderr, "warning: the endpoint "+endpoint+" is plain http")
		if code != codeOK || got != want || strings.Count(stderr, "\n") != want {
			t.Errorf("%s: code %d, stdout %q, stderr %q, want %d warnings", endpoint, code, stdout, stderr, want)
		}
		b.store = b.store[:2]
		if code, _, stderr := b.one(fetch(1)); (code == codeUsage) != (want == 1) {
			t.Errorf("%s, not allowed: code %d, stderr %q", endpoint, code, stderr)
		}
	}
}
