package main

import (
	"bytes"
	"context"
	"flag"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/internal/cli"
	"example.com/rotatelog/internal/fakes3"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	bucket    = "sports-json-logs-all"
	accessKey = "AKIDTEST"
	secretKey = "hidden/secret+key"
	token     = "hidden-token"
)

// bench is a server to test the connection to, over HTTP.
type bench struct {
	t        *testing.T
	ctx      context.Context
	srv      *fakes3.Server
	endpoint string
	env      map[string]string
}

func newBench(t *testing.T, profile fakes3.Profile) *bench {
	srv := fakes3.New(fakes3.Options{Profile: profile, AccessKey: accessKey, SecretKey: secretKey, SessionToken: token})
	srv.CreateBucket(bucket)
	ts := httptest.NewServer(srv)
	t.Cleanup(ts.Close)
	return &bench{t, t.Context(), srv, ts.URL, map[string]string{
		"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_SESSION_TOKEN": token,
	}}
}

// what differs from run to run, and what replaces it in the golden files
var (
	probeName = regexp.MustCompile(`rotatelog-probe-[a-z2-7]+`)
	requestID = regexp.MustCompile(`RequestID: [0-9A-F]*`)
)

// run runs the program on the server's bucket.
func (b *bench) run(args ...string) (code int, stdout, stderr string) {
	b.t.Helper()
	args = append([]string{"-store", "s3://" + bucket + "/all", "-endpoint", b.endpoint}, args...)
	code, stdout, stderr = runWith(b, args...)
	for _, secret := range []string{secretKey, token} {
		if strings.Contains(stdout+stderr, secret) {
			b.t.Errorf("it prints a secret:\n%s%s", stdout, stderr)
		}
	}
	return code, stdout, stderr
}

// newEnv returns the program's environment, at noon.
func (b *bench) newEnv(stdout, stderr io.Writer, args ...string) cli.Env {
	return cli.Env{Args: args, Stdout: stdout, Stderr: stderr, Getenv: func(name string) string { return b.env[name] },
		Clock: clocktest.New(time.Date(2025, 7, 10, 16, 0, 0, 0, time.UTC))}
}

func runWith(b *bench, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(b.ctx, b.newEnv(&out, &errs, args...))
	text := strings.ReplaceAll(out.String(), b.endpoint, "http://server")
	text = probeName.ReplaceAllString(text, "rotatelog-probe-xyz")
	return code, requestID.ReplaceAllString(text, "RequestID: 1"), errs.String()
}

// wantRun runs the program and compares what it prints with a golden file.
func (b *bench) wantRun(wantCode int, golden string, args ...string) {
	b.t.Helper()
	code, stdout, stderr := b.run(args...)
	if code != wantCode || stderr != "" {
		b.t.Errorf("code %d, want %d; stderr %q", code, wantCode, stderr)
	}
	golden = "testdata/" + golden + ".txt"
	if *update {
		if err := os.WriteFile(golden, []byte(stdout), 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		b.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), stdout); diff != "" {
		b.t.Errorf("%s:\n%s", golden, diff)
	}
}

func (b *bench) wantNothingLeft() {
	b.t.Helper()
	if keys, uploads := b.srv.Keys(bucket), b.srv.Uploads(bucket); len(keys)+len(uploads) > 0 {
		b.t.Errorf("it leaves %q and %v", keys, uploads)
	}
}

func TestReportForEachServer(t *testing.T) {
	for _, test := range []struct {
		profile fakes3.Profile
		code    int
		args    []string
	}{
		{fakes3.Strict(), cli.OK, nil},
		{fakes3.Linode(), cli.OK, []string{"-quick"}},
		{fakes3.NoConditions(), cli.OK, nil},
		{fakes3.B2(), cli.OK, nil},
	} {
		t.Run(test.profile.Name, func(t *testing.T) {
			b := newBench(t, test.profile)
			b.wantRun(test.code, test.profile.Name, test.args...)
			b.wantNothingLeft()
		})
	}
}

func TestWrongSecret(t *testing.T) {
	b := newBench(t, fakes3.Linode())
	b.env["AWS_SECRET_ACCESS_KEY"] = "hidden/secret+key2"
	b.wantRun(cli.Failure, "wrong-secret")
}

func TestMissingBucket(t *testing.T) {
	b := newBench(t, fakes3.Linode())
	b.wantRun(cli.Failure, "missing-bucket", "-store", "s3://sports-json-logs-none")
}

func denied(operation string) func(fakes3.Op) fakes3.Fault {
	return func(op fakes3.Op) fakes3.Fault {
		if op.Name != operation {
			return fakes3.Fault{}
		}
		return fakes3.Fault{Reply: fakes3.Error{Status: 403, Code: "AccessDenied"}}
	}
}

func TestNoWritePermission(t *testing.T) {
	b := newBench(t, fakes3.Linode())
	b.srv.Fault = denied("PutObject")
	b.wantRun(cli.Failure, "no-write")
	b.wantNothingLeft()
}

// Without permission to delete, a Writer works, and doctor says what it left behind.
func TestNoDeletePermission(t *testing.T) {
	b := newBench(t, fakes3.Strict())
	b.srv.Fault = denied("DeleteObject")
	b.wantRun(cli.OK, "no-delete", "-quick")
	for _, key := range b.srv.Keys(bucket) {
		if !strings.HasPrefix(key, "all/rotatelog-probe-") {
			t.Errorf("it left %s", key)
		}
	}
}

// The permissions in docs/S3.md are enough, without FOLDER too.
func TestDocumentedPermissionsAreEnough(t *testing.T) {
	b := newBench(t, fakes3.Strict())
	b.srv.Fault = func(op fakes3.Op) fakes3.Fault {
		if op.Key == "" || strings.HasPrefix(op.Key, "all_api_rotating_logs/") {
			return fakes3.Fault{}
		}
		return fakes3.Fault{Reply: fakes3.Error{Status: 403, Code: "AccessDenied"}}
	}
	code, stdout, stderr := b.run("-store", "s3://"+bucket, "-quick")
	if code != cli.OK || !strings.Contains(stdout, "\nA Writer works here.\n") || stderr != "" {
		t.Errorf("code %d, stdout %s, stderr %q", code, stdout, stderr)
	}
	b.wantNothingLeft()
}

func TestInterruptEndsTheTests(t *testing.T) {
	b := newBench(t, fakes3.Linode())
	ctx, cancel := context.WithCancel(t.Context())
	b.ctx = ctx
	b.srv.Fault = func(op fakes3.Op) fakes3.Fault {
		if op.Name == "PutObject" && op.N == 5 {
			cancel()
		}
		return fakes3.Fault{}
	}
	code, stdout, stderr := b.run()
	if code != cli.Failure || !strings.Contains(stdout, "\nInterrupted: ") || stderr != "" {
		t.Errorf("code %d, stdout %s, stderr %q", code, stdout, stderr)
	}
	b.wantNothingLeft()
}

// TestOwnerOfTodaysObjectDecides: the Writer of a directory works here only if today's
// object belongs to it.
func TestOwnerOfTodaysObjectDecides(t *testing.T) {
	const ours, theirs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ZYXWVUTSRQPONMLKJIHGFEDCBA"
	for _, test := range []struct {
		name, owner, spool, key string
		code                    int
		row, end                string
	}{
		{"own", ours, ours, "mine/2_json_log_2025-07-10.json", cli.OK,
			"today's object        ok       it belongs to this directory's Writer, or does not exist yet\n", "\nA Writer works here.\n"},
		{"another's", theirs, ours, "mine/2_json_log_2025-07-10.json", cli.Failure,
			"today's object        no       it belongs to another Writer\n  mine/2_json_log_2025-07-10.json belongs to the Writer " + theirs + ", not to that of DIR/2.spool: ",
			"\nA Writer works here, but not that of this directory: it belongs to another Writer (see \"today's object\").\n"},
		{"another's, compressed", theirs, ours, "mine/2_json_log_2025-07-10.json.zst", cli.Failure, "belongs to the Writer " + theirs, "not that of this directory"},
		{"spool without an id", theirs, "", "mine/2_json_log_2025-07-10.json", cli.Failure,
			"if its spool was lost, stop it and write its id, without a line end, into DIR/2.spool/owner\n", "not that of this directory"},
		{"no spool", theirs, "none", "mine/2_json_log_2025-07-10.json", cli.OK, "belongs to the Writer " + theirs, "\nA Writer works here.\n"},
		{"another day", theirs, ours, "mine/2_json_log_2025-07-09.json", cli.OK, "or does not exist yet\n", "\nA Writer works here.\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBench(t, fakes3.Linode())
			b.srv.PutObject(bucket, test.key, []byte("{}"), map[string]string{"rotatelog-owner": test.owner})
			dir := t.TempDir()
			if test.spool != "none" {
				if err := os.Mkdir(filepath.Join(dir, "2.spool"), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if test.spool == ours {
				if err := os.WriteFile(filepath.Join(dir, "2.spool/owner"), []byte(test.spool), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			code, stdout, stderr := b.run("-quick", "-dir", dir, "-name", "2", "-store", "s3://"+bucket+"/mine")
			stdout = strings.ReplaceAll(stdout, dir, "DIR")
			if code != test.code || !strings.Contains(stdout, test.row) || !strings.Contains(stdout, test.end) || stderr != "" {
				t.Errorf("code %d, stdout %s\nstderr %q, want %d, %s, %s", code, stdout, stderr, test.code, test.row, test.end)
			}
		})
	}
}

// TestStepsAreShownOnATerminal: each step is shown while it runs, and then erased.
func TestStepsAreShownOnATerminal(t *testing.T) {
	b := newBench(t, fakes3.Linode())
	var out, errs bytes.Buffer
	env := b.newEnv(&out, &errs, "-quick", "-store", "s3://"+bucket, "-endpoint", b.endpoint)
	code := runOn(b.ctx, env, true)
	shown := strings.Split(errs.String(), cli.EraseLine)
	if code != cli.OK || len(shown) < 5 || shown[0] != "" || shown[1] != "testing: whether the bucket can be reached …" ||
		!slices.Contains(shown, "testing: cleaning up …") || shown[len(shown)-1] != "" {
		t.Errorf("code %d, shown %q", code, shown)
	}
	if want := strings.Count(out.String(), cli.EraseLine); want != 0 {
		t.Errorf("%d steps on standard output", want)
	}
}

func TestUsage(t *testing.T) {
	b := newBench(t, fakes3.Strict())
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "-store is missing: say where to keep the daily objects, as in -store s3://BUCKET\n"},
		{[]string{"-store", "logs"}, "it must be a URL, as in -store s3://BUCKET\n"},
		{[]string{"-store", "gs://logs"}, "use s3://BUCKET\n"},
		{[]string{"-store", "s3://" + bucket, "-endpoint", b.endpoint + "/" + bucket}, "the path of the endpoint names the bucket; leave that out: "},
		{[]string{"-store", "file:///srv/logs"}, "only the connection to s3://BUCKET can be tested"},
		{[]string{"-store", "s3://" + bucket, "-endpoint", b.endpoint, "file"}, `unexpected argument "file"`},
		{[]string{"-slow"}, "-slow"},
	} {
		code, stdout, stderr := runWith(b, test.args...)
		if code != cli.Usage || stdout != "" || !strings.Contains(stderr, test.want) || !strings.HasSuffix(stderr, "run with -h for help\n") {
			t.Errorf("%q: code %d, stdout %q, stderr %q", test.args, code, stdout, stderr)
		}
	}
	code, stdout, stderr := runWith(b, "-h")
	if code != cli.OK || !strings.HasPrefix(stdout, "Usage: doctor ") || strings.Contains(stdout, "file:") || stderr != "" {
		t.Errorf("code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	for line := range strings.Lines(stdout) {
		if len(line) > 101 {
			t.Errorf("this line is too long: %s", line)
		}
	}
	if n := b.srv.Stats().Total(); n > 0 {
		t.Errorf("it made %d requests", n)
	}
}
