package main

import (
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/rotatelog/internal/cli"
	"example.com/rotatelog/internal/fakes3"
)

// s3Test is a server like Linode's, over HTTP, and a directory to append in.
type s3Test struct {
	*testing.T
	srv           *fakes3.Server
	dir, endpoint string
	key           map[string]string // the environment
}

func newS3Test(t *testing.T) *s3Test {
	srv := fakes3.New(fakes3.Options{Profile: fakes3.Linode(), AccessKey: "AKIDTEST", SecretKey: "hidden/secret"})
	srv.CreateBucket("logs")
	ts := httptest.NewServer(srv)
	t.Cleanup(ts.Close)
	key := map[string]string{"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "hidden/secret"}
	return &s3Test{t, srv, t.TempDir(), ts.URL, key}
}

func (t *s3Test) run(n int, args ...string) (code int, stdout, stderr string) {
	args = append([]string{"-store", "s3://logs", "-endpoint", t.endpoint}, args...)
	code, stdout, stderr = runWith(t.T, func(name string) string { return t.key[name] }, t.dir, fetch(n), args...)
	if strings.Contains(stdout+stderr, "hidden") {
		t.Errorf("the secret is printed: %s%s", stdout, stderr)
	}
	return code, stdout, stderr
}

// stored returns the numbers of the fetches in each upload.
func (t *s3Test) stored() [][]int {
	content, _, ok := t.srv.Object("logs", "all_api_rotating_logs/all_api_json_log_2025-07-10.json")
	if !ok {
		return nil
	}
	return uploadsIn(t.T, content)
}

// The runs share only the spool and the server.
func TestTenRunsMakeAnUploadToS3(t *testing.T) {
	s := newS3Test(t)
	for n := 1; n <= 22; n++ {
		code, stdout, stderr := s.run(n)
		want := fmt.Sprintf("2025-07-10 #%d: %d matches, %d of 10\n", n, n, (n-1)%10+1)
		if code != cli.OK || stdout != want || stderr != "" {
			t.Fatalf("run %d: code %d, stdout %q, want %q, stderr %q", n, code, stdout, want, stderr)
		}
	}
	if code, _, stderr := s.run(23, "-flush"); code != cli.OK || stderr != "" {
		t.Errorf("-flush: code %d, stderr %q", code, stderr)
	}
	want := "[[1 2 3 4 5 6 7 8 9 10] [11 12 13 14 15 16 17 18 19 20] [21 22 23]]"
	if got := fmt.Sprint(s.stored()); got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
}

// Nine of ten runs do not contact the server.
func TestNothingToUploadAsksNothing(t *testing.T) {
	s := newS3Test(t)
	for n := 1; n <= 9; n++ {
		if code, _, stderr := s.run(n); code != cli.OK || stderr != "" {
			t.Fatalf("run %d: code %d, stderr %q", n, code, stderr)
		}
	}
	if st := s.srv.Stats(); st.Total() > 0 {
		t.Errorf("the server was asked: %v", st.Requests)
	}
}

func TestWrongSecret(t *testing.T) {
	s := newS3Test(t)
	s.key["AWS_SECRET_ACCESS_KEY"] = "hidden-too"
	const shown = "the secret key is not the one that belongs to the access key; set both again"
	code, stdout, stderr := s.run(1, "-batch", "1")
	_, warning, _ := strings.Cut(stderr, "oneshot: warning: not everything is in the store: ")
	if code != cli.OK || stdout != "2025-07-10 #1: 1 matches, 1 of 1\n" || !strings.Contains(warning, shown) {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	code, stdout, stderr = s.run(2, "-flush")
	_, failure, _ := strings.Cut(stderr, "oneshot: not everything is in the store: ")
	if code != cli.Failure || stdout != "2025-07-10 #2: 2 matches, 1 of 10\n" || !strings.Contains(failure, shown) {
		t.Errorf("-flush: code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if got := s.stored(); got != nil {
		t.Errorf("stored %v", got)
	}
	s.key["AWS_SECRET_ACCESS_KEY"] = "hidden/secret"
	if code, _, stderr := s.run(3, "-flush"); code != cli.OK || stderr != "" {
		t.Errorf("with the right one: code %d, stderr %q", code, stderr)
	}
	if got := fmt.Sprint(s.stored()); got != "[[1] [2] [3]]" {
		t.Errorf("stored %s", got)
	}
}

func TestUnreachableServer(t *testing.T) {
	s := newS3Test(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err == nil {
		err = l.Close() // so that nobody listens there
	}
	if err != nil {
		t.Fatal(err)
	}
	endpoint := s.endpoint
	s.endpoint = "http://" + l.Addr().String()
	code, stdout, stderr := s.run(1, "-batch", "1", "-timeout", "50ms")
	if code != cli.OK || !strings.HasPrefix(stdout, "2025-07-10 #1: ") ||
		!strings.Contains(stderr, "oneshot: warning: not everything is in the store: ") ||
		!strings.Contains(stderr, "1 batch waits on disk, in work/all_api.spool/pending; ") {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if code, _, stderr := s.run(2, "-timeout", "1s", "-flush"); code != cli.Failure || !strings.Contains(stderr, "2 batches wait") {
		t.Errorf("-flush: code %d, stderr %q", code, stderr)
	}
	s.endpoint = endpoint
	if code, _, stderr := s.run(3, "-flush"); code != cli.OK || stderr != "" {
		t.Errorf("when it is back: code %d, stderr %q", code, stderr)
	}
	if got := fmt.Sprint(s.stored()); got != "[[1] [2] [3]]" {
		t.Errorf("stored %s", got)
	}
}

// A usage error is reported before the fetch is read.
func TestUsageErrorComesBeforeTheFetch(t *testing.T) {
	s := newS3Test(t)
	s.key = nil
	unread := readerFunc(func([]byte) (int, error) { return 0, errors.New("it was read") })
	var out, errs strings.Builder
	code := run(t.Context(), cli.Env{Args: []string{"-store", "s3://logs", "-endpoint", s.endpoint}, Stdin: unread, Stdout: &out, Stderr: &errs})
	if code != cli.Usage || out.Len() > 0 || !strings.HasPrefix(errs.String(), "oneshot: -store s3://logs: the environment does not set AWS_ACCESS_KEY_ID") {
		t.Errorf("code %d, stdout %q, stderr %q", code, &out, &errs)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
