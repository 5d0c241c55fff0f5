package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/s3store"
)

// testedBucket is a shell in a directory of its own, and a server to test the connection to, over
// HTTP.
type testedBucket struct {
	*shell
	srv *fakes3.Server
}

const testToken = "hidden-token"

func newTestedBucket(t *testing.T, profile fakes3.Profile) *testedBucket {
	b := &testedBucket{newShell(t), fakes3.New(fakes3.Options{Profile: profile, AccessKey: "AKIDTEST", SecretKey: testSecret, SessionToken: testToken})}
	b.srv.CreateBucket(testBucket)
	ts := httptest.NewServer(b.srv)
	t.Cleanup(ts.Close)
	t.Chdir(t.TempDir())
	b.replace = strings.NewReplacer(ts.URL, "http://server")
	b.set("ROTATELOG_STORE", "s3://"+testBucket+"/all")
	b.set("ROTATELOG_ENDPOINT", ts.URL)
	b.set("ROTATELOG_DIR", "spools")
	b.set("AWS_ACCESS_KEY_ID", "AKIDTEST")
	b.set("AWS_SECRET_ACCESS_KEY", testSecret)
	b.set("AWS_SESSION_TOKEN", testToken)
	return b
}

// reset sets a variable that is set already.
func (b *testedBucket) reset(name, value string) {
	b.environ = slices.DeleteFunc(b.environ, func(pair string) bool { return strings.HasPrefix(pair, name+"=") })
	b.set(name, value)
}

// wantNothingLeft checks that there is nothing in the bucket, and no secret on the screen.
func (b *testedBucket) wantNothingLeft() {
	b.t.Helper()
	if keys, uploads := b.srv.Keys(testBucket), b.srv.Uploads(testBucket); len(keys)+len(uploads) > 0 {
		b.t.Errorf("it leaves %q and %v", keys, uploads)
	}
	for _, secret := range []string{testSecret, testToken} {
		if strings.Contains(b.stdout+b.stderr, secret) {
			b.t.Errorf("it prints a secret:\n%s%s", b.stdout, b.stderr)
		}
	}
	if files, err := os.ReadDir("."); err != nil || len(files) > 0 {
		b.t.Errorf("it leaves the files %v, %v", files, err)
	}
}

func TestDoctorForEachServer(t *testing.T) {
	for _, test := range []struct {
		profile fakes3.Profile
		args    []string
	}{
		{fakes3.Strict(), nil},
		{fakes3.Linode(), []string{"--quick"}},
		{fakes3.NoConditions(), nil},
		{fakes3.B2(), nil},
		{fakes3.Gofakes3(), nil},
		{fakes3.Rclone(), nil},
	} {
		t.Run(test.profile.Name, func(t *testing.T) {
			b := newTestedBucket(t, test.profile)
			if test.profile.NotAtomic {
				b.srv.Fault = slowRace
			}
			b.want(codeOK, "doctor-"+test.profile.Name, append([]string{"doctor"}, test.args...)...)
			b.wantNothingLeft()
		})
	}
}

// slowRace has a server take its time between looking at the condition of a race and writing.
// On a busy machine one writer may otherwise be done before the next has arrived.
func slowRace(op fakes3.Op) fakes3.Fault {
	if op.Name == "PutObject" && op.IfMatch != "" && strings.HasSuffix(op.Key, "race") {
		return fakes3.Fault{Delay: 500 * time.Millisecond}
	}
	return fakes3.Fault{}
}

func TestDoctorOfAWrongSecret(t *testing.T) {
	b := newTestedBucket(t, fakes3.Linode())
	b.reset("AWS_SECRET_ACCESS_KEY", "hidden/secret+key2")
	b.want(codeFinding, "doctor-wrong-secret", "doctor")
	b.wantNothingLeft()
}

func TestDoctorOfAMissingBucket(t *testing.T) {
	b := newTestedBucket(t, fakes3.Linode())
	b.want(codeFinding, "doctor-missing-bucket", "doctor", "--store", "s3://sports-json-logs-none")
}

func TestDoctorOfAServerThatIsAway(t *testing.T) {
	b := newTestedBucket(t, fakes3.Linode())
	b.run("doctor", "--endpoint", "http://127.0.0.1:1")
	if b.code != codeUnreachable || !strings.Contains(b.stdout, "\nbucket reachable      unknown  the test failed\n") ||
		!strings.Contains(b.stdout, "\nNo Writer works here: the test failed (see \"bucket reachable\").\n") {
		t.Errorf("exit code %d\n%s%s", b.code, b.stdout, b.stderr)
	}
}

func denied(operation string) func(fakes3.Op) fakes3.Fault {
	return func(op fakes3.Op) fakes3.Fault {
		if op.Name != operation {
			return fakes3.Fault{}
		}
		return fakes3.Fault{Reply: fakes3.Error{Status: 403, Code: "AccessDenied"}}
	}
}

func TestDoctorOfAKeyThatMayNotWrite(t *testing.T) {
	b := newTestedBucket(t, fakes3.Linode())
	b.srv.Fault = denied("PutObject")
	b.want(codeFinding, "doctor-no-write", "doctor")
	b.wantNothingLeft()
}

// Without permission to delete, a Writer works, and doctor says what it left behind.
func TestDoctorOfAKeyThatMayNotDelete(t *testing.T) {
	b := newTestedBucket(t, fakes3.Strict())
	b.srv.Fault = denied("DeleteObject")
	b.want(codeOK, "doctor-no-delete", "doctor", "--quick")
	for _, key := range b.srv.Keys(testBucket) {
		if !strings.HasPrefix(key, "all/rotatelog-probe-") {
			t.Errorf("it left %s", key)
		}
	}
}

// The permissions in docs/S3.md are enough, without FOLDER too.
func TestDocumentedPermissionsAreEnough(t *testing.T) {
	b := newTestedBucket(t, fakes3.Strict())
	b.srv.Fault = func(op fakes3.Op) fakes3.Fault {
		if op.Key == "" || strings.HasPrefix(op.Key, "all_api_rotating_logs/") {
			return fakes3.Fault{}
		}
		return fakes3.Fault{Reply: fakes3.Error{Status: 403, Code: "AccessDenied"}}
	}
	b.run("doctor", "--store", "s3://"+testBucket, "--quick")
	if b.code != codeOK || !strings.Contains(b.stdout, "\nA Writer works here. ") || b.stderr != "" {
		t.Errorf("exit code %d\n%s%s", b.code, b.stdout, b.stderr)
	}
	b.wantNothingLeft()
}

func TestInterruptEndsTheTests(t *testing.T) {
	b := newTestedBucket(t, fakes3.Linode())
	ctx, cancel := context.WithCancel(t.Context())
	b.ctx = ctx
	b.srv.Fault = func(op fakes3.Op) fakes3.Fault {
		if op.Name == "PutObject" && op.N == 5 {
			cancel()
		}
		return fakes3.Fault{}
	}
	if b.run("doctor"); b.code != codeInterrupted || b.stderr != "rotatelog: interrupted\n" {
		t.Errorf("exit code %d\n%s%s", b.code, b.stdout, b.stderr)
	}
	b.wantNothingLeft()
}

// TestOwnerOfTodaysObjectDecides: the Writer of a directory works here only if today's
// object belongs to it.
func TestOwnerOfTodaysObjectDecides(t *testing.T) {
	const ours, theirs = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ZYXWVUTSRQPONMLKJIHGFEDCBA"
	const mine = "mine/2_json_log_2025-07-10.json"
	for _, test := range []struct {
		name, owner, spool, key string
		code                    int
		want                    string
	}{
		{"own", ours, ours, mine, codeOK, "today's object        ok       it is this directory's, or does not exist yet\n"},
		{"another's", theirs, ours, mine, codeFinding, "today's object        no       it belongs to another Writer\n" +
			"  mine/2_json_log_2025-07-10.json belongs to the Writer\n  " + theirs + ", not to that of spools/2.spool: "},
		{"another's", theirs, ours, mine, codeFinding, "\nA Writer works here, but not that of this directory: it belongs to another\nWriter (see \"today's object\").\n"},
		{"another's, compressed", theirs, ours, mine + ".zst", codeFinding, "belongs to the Writer\n  " + theirs},
		{"spool without an id", theirs, "", mine, codeFinding, "rotatelog takeover --name=2"},
		{"no spool", theirs, "none", mine, codeOK, "\nA Writer works here. "},
		{"another day", theirs, ours, "mine/2_json_log_2025-07-09.json", codeOK, "or does not exist yet\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newTestedBucket(t, fakes3.Linode())
			b.srv.PutObject(testBucket, test.key, []byte("{}"), map[string]string{"rotatelog-owner": test.owner})
			if test.spool != "none" {
				if err := os.MkdirAll("spools/2.spool", 0o700); err != nil {
					t.Fatal(err)
				}
			}
			if test.spool == ours {
				if err := os.WriteFile("spools/2.spool/owner", []byte(test.spool), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			b.run("doctor", "--quick", "--name", "2", "--store", "s3://"+testBucket+"/mine")
			if b.code != test.code || !strings.Contains(b.stdout, test.want) || b.stderr != "" {
				t.Errorf("exit code %d, want %d and %s\n%s%s", b.code, test.code, test.want, b.stdout, b.stderr)
			}
		})
	}
}

// TestStepsAreShownOnATerminal: a step is shown while it runs, and then erased.
func TestStepsAreShownOnATerminal(t *testing.T) {
	b := newTestedBucket(t, fakes3.Linode())
	b.env = func(e *env) { e.StderrTerminal = true }
	b.run("doctor", "--quick")
	want := eraseLine + "testing: whether the bucket can be reached …" + eraseLine // the clock stands still
	if b.code != codeOK || b.stderr != want || strings.Contains(b.stdout, eraseLine) {
		t.Errorf("exit code %d, shown %q, want %q", b.code, b.stderr, want)
	}
}

// What the disk says is as important as what the bucket says.
func TestDoctorOfTheDisk(t *testing.T) {
	b := newTestedBucket(t, fakes3.Linode())
	if err := os.WriteFile("spools", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if b.run("doctor", "--quick"); b.code != codeFinding || !strings.Contains(b.stdout, "\nlocal disk            no       no fetch can be put on disk\n") {
		t.Errorf("exit code %d\n%s%s", b.code, b.stdout, b.stderr)
	}
	if b.run("doctor", "--endpoint", "http://127.0.0.1:1"); b.code != codeFinding {
		t.Errorf("the bucket is away as well: exit code %d\n%s%s", b.code, b.stdout, b.stderr)
	}
	if b.run("doctor", "--quick", "--dir="); b.code != codeOK || !strings.Contains(b.stdout, "\n  --dir is not set: ") {
		t.Errorf("exit code %d\n%s%s", b.code, b.stdout, b.stderr)
	}
}

func TestDoctorOfADirectory(t *testing.T) {
	b := newTestedBucket(t, fakes3.Linode())
	store := t.TempDir()
	b.reset("ROTATELOG_ENDPOINT", "")
	if b.run("doctor", "--store", "file://"+store); b.code != codeOK || !strings.Contains(b.stdout, "\nA Writer works here.\n") {
		t.Errorf("exit code %d\n%s%s", b.code, b.stdout, b.stderr)
	}
	if files, err := os.ReadDir(store); err != nil || len(files) > 0 {
		t.Errorf("it leaves %v, %v", files, err)
	}
	if b.run("doctor", "--store", "file:///none/store"); b.code != codeFinding || !strings.Contains(b.stdout, "\nNo Writer works here: nothing can be stored (see \"directory\").\n") {
		t.Errorf("exit code %d\n%s%s", b.code, b.stdout, b.stderr)
	}
}

// Settings come first, also if they are wrong, and never with a secret.
func TestDoctorBeginsWithTheSettings(t *testing.T) {
	b := newTestedBucket(t, fakes3.Strict())
	file := filepath.Join(t.TempDir(), "env")
	if err := os.WriteFile(file, []byte("ROTATELOG_COUNT=RAW.results\nAWS_ACCESS_KEY_ID=HIDDENHIDDENTAIL\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b.environ = b.environ[:1]
	b.replace = strings.NewReplacer(file, "/etc/rotatelog/env")
	b.set("ROTATELOG_STORE", "s3://KEY:SECRET@bucket")
	b.want(codeUsage, "doctor-settings", "doctor", "--config", file, "--dir", "/var/lib/rotatelog")
}

// TestDoctorHidesKeysInSettings, however they got there.
func TestDoctorHidesKeysInSettings(t *testing.T) {
	for _, setting := range []string{
		"ENDPOINT=KEY:HIDDEN@s3.example", "ENDPOINT=https:/KEY:HIDDEN@s3.example", "ENDPOINT=https:KEY:HIDDEN@s3.example", "ENDPOINT=https://KEY:HIDDEN@s3.example",
		"ENDPOINT=//KEY:HIDDEN@s3.example", "STORE=s3://KEY:HIDDEN@logs", "STORE=s3://logs?endpoint=http://KEY:HIDDEN%40s3.example", "STORE=KEY:HIDDEN@logs",
	} {
		b := newTestedBucket(t, fakes3.Strict())
		name, value, _ := strings.Cut(setting, "=")
		b.reset("ROTATELOG_"+name, value)
		if b.run("doctor"); b.code != codeUsage || strings.Contains(b.stdout+b.stderr, "HIDDEN") || !strings.Contains(b.stdout, "(it may hold a key)") {
			t.Errorf("%s: exit code %d\n%s%s", setting, b.code, b.stdout, b.stderr)
		}
	}
}

func TestDoctorUsage(t *testing.T) {
	b := newTestedBucket(t, fakes3.Strict())
	b.environ = b.environ[:1]
	for args, want := range map[string]string{
		"doctor":                   "--store is not set: say where, as s3://BUCKET",
		"doctor --store logs":      "is not a URL: use s3://BUCKET",
		"doctor --store s3://logs": "it does not say at which server",
		"doctor --store s3://logs?endpoint=http://127.0.0.1:1/logs": "neither the environment nor a settings file sets AWS_ACCESS_KEY_ID",
		"doctor file":   "unexpected argument file",
		"doctor --slow": "unknown flag --slow",
		"doctor --bucket --store file:///srv/logs": "--bucket is for s3://BUCKET only",
	} {
		if b.run(strings.Fields(args)...); b.code != codeUsage || !strings.Contains(b.stderr, want) {
			t.Errorf("%s: exit code %d\n%s%s, want %s", args, b.code, b.stdout, b.stderr, want)
		}
	}
	if n := b.srv.Stats().Total(); n > 0 {
		t.Errorf("it made %d requests", n)
	}
}

// Before there is a key, the bucket can be set up.
func TestSetUpOfABucketWithoutAKey(t *testing.T) {
	b := newTestedBucket(t, fakes3.Linode())
	b.set("ROTATELOG_NAME", "all_api,merge")
	b.reset("AWS_ACCESS_KEY_ID", "") // there is none yet
	b.want(codeOK, "bucket-no-key", "doctor", "--bucket", "--store", "s3://sports?endpoint=https://us-ord-1.linodeobjects.com", "--endpoint=")
	if b.srv.Stats().Total() > 0 || bytes.Contains([]byte(b.stdout), []byte(testSecret)) {
		t.Errorf("it made requests, or prints a secret:\n%s", b.stdout)
	}
}

// TestSetUpOfABucket: what is printed depends on who runs the bucket, and on what its
// server does not know. Nothing is changed.
func TestSetUpOfABucket(t *testing.T) {
	for name, test := range map[string]struct {
		profile  fakes3.Profile
		endpoint string
	}{
		"bucket-linode":  {fakes3.Linode(), "https://us-ord-1.linodeobjects.com"},
		"bucket-amazon":  {fakes3.Strict(), "https://s3.us-east-2.amazonaws.com"},
		"bucket-r2":      {fakes3.Strict(), "https://0123.r2.cloudflarestorage.com"},
		"bucket-b2":      {fakes3.B2(), "https://s3.us-west-004.backblazeb2.com"},
		"bucket-ceph":    {fakes3.RGW18(), "https://objects.example"},
		"bucket-minio":   {fakes3.MinIO(), "https://objects.example"},
		"bucket-versity": {fakes3.Versity(), "https://objects.example"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestedBucket(t, test.profile)
			b.env = func(e *env) { e.Transport = roundTripper(b.answer) }
			b.want(codeOK, name, "doctor", "--bucket", "--store", "s3://"+testBucket+"?endpoint="+test.endpoint, "--endpoint=", "--region=us-east-1")
			b.wantNothingLeft()
			wantReads(t, b.srv.Stats())
		})
	}
}

// wantReads checks that a server was only asked.
func wantReads(t *testing.T, stats fakes3.Stats) {
	t.Helper()
	for op := range stats.Requests {
		if !strings.HasPrefix(op, "GetBucket") && op != "ListObjectsV2" && op != "HeadObject" && op != "GetObject" {
			t.Errorf("it sends %s", op)
		}
	}
}

// answer has the fake answer a request to any host.
func (b *testedBucket) answer(req *http.Request) (*http.Response, error) {
	return fakes3.Transport(b.srv).RoundTrip(req)
}

// TestBucketThatIsSetUpOtherwise: what would destroy days is pointed out.
func TestBucketThatIsSetUpOtherwise(t *testing.T) {
	w := newBucketWorld(t)
	w.write(w.dir, 25)
	w.clock.Advance(24 * time.Hour)
	client := s3store.NewClient(w.url, "us-east-1", credentials.NewStaticCredentialsProvider("AKIDTEST", testSecret, ""))
	rule := func(id, prefix string, change func(*types.LifecycleRule)) types.LifecycleRule {
		r := types.LifecycleRule{ID: &id, Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: &prefix}}
		change(&r)
		return r
	}
	expire := func(days int32) func(*types.LifecycleRule) {
		return func(r *types.LifecycleRule) { r.Expiration = &types.LifecycleExpiration{Days: &days} }
	}
	abort := func(days int32) func(*types.LifecycleRule) {
		return func(r *types.LifecycleRule) {
			r.AbortIncompleteMultipartUpload = &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: &days}
		}
	}
	set := func(rules ...types.LifecycleRule) {
		t.Helper()
		if _, err := client.PutBucketLifecycleConfiguration(t.Context(), &s3.PutBucketLifecycleConfigurationInput{Bucket: aws.String(testBucket),
			LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules}}); err != nil {
			t.Fatal(err)
		}
	}
	const days = "all_api_rotating_logs/"
	for _, test := range []struct {
		want  string // "" if there is nothing to look at
		rules []types.LifecycleRule
	}{
		{"", []types.LifecycleRule{rule("a", "", abort(7)), rule("p", days+"rotatelog-probe-", expire(1)), rule("d", days+"damaged/", expire(1))}},
		{"", []types.LifecycleRule{rule("a", "all_", abort(30)), rule("o", days, expire(400))}},
		{"no rule: uploads that a lost machine has begun stay", []types.LifecycleRule{rule("a", "merge", abort(7))}},
		{"rule a: it aborts uploads after 1 day; that may destroy a day", []types.LifecycleRule{rule("a", "", abort(1))}},
		{"rule o: it deletes each day 1 day after its last upload", []types.LifecycleRule{rule("a", "", abort(7)), rule("o", "", expire(1))}},
		{"rule o: it deletes each day 1 day after its last upload", []types.LifecycleRule{rule("a", "", abort(7)), rule("o", days+"all_api_json", expire(1))}},
		{"rule m: it moves days to another storage class", []types.LifecycleRule{rule("a", "", abort(7)), rule("m", days, func(r *types.LifecycleRule) {
			r.Transitions = []types.Transition{{Days: aws.Int32(30), StorageClass: types.TransitionStorageClassGlacier}}
		})}},
	} {
		set(test.rules...)
		w.run("doctor", "--bucket")
		text := strings.Join(strings.Fields(w.stdout), " ")
		if w.code != codeOK || strings.Contains(text, " look ") != (test.want != "") || !strings.Contains(text, test.want) {
			t.Errorf("%q: exit code %d\n%s%s", test.want, w.code, w.stdout, w.stderr)
		}
	}
	if _, err := client.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: aws.String(testBucket),
		VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled}}); err != nil {
		t.Fatal(err)
	}
	w.run("doctor", "--bucket")
	if !strings.Contains(w.stdout, "look  versioning  on: each upload leaves an old version of the whole day,\n") ||
		!strings.Contains(w.stdout, "\"ID\": \"old-versions-all_api_rotating_logs\"") {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
}

// wantSetUp wants to read how to set the bucket up, and that its days are not known.
func wantSetUp(t *testing.T, s *shell) {
	t.Helper()
	for _, want := range []string{"\npolicy.json, ", "\nlifecycle", "\nwhat is set now\n", "\nestimate\nNot known: "} {
		if !strings.Contains(s.stdout, want) {
			t.Errorf("exit code %d, and it does not say %q:\n%s%s", s.code, want, s.stdout, s.stderr)
		}
	}
}

// What has to be set up is printed above all where it is not yet: the bucket is not there, the
// key may do nothing, something else answers, or nothing does.
func TestSetUpOfABucketThatCannotBeRead(t *testing.T) {
	page := func(status int, text string) func(fakes3.Op) fakes3.Fault {
		return func(fakes3.Op) fakes3.Fault {
			return fakes3.Fault{Reply: fakes3.Error{Status: status, Code: text}}
		}
	}
	for name, set := range map[string]func(*testedBucket){
		"no bucket":       func(b *testedBucket) { b.reset("ROTATELOG_STORE", "s3://none") },
		"denied":          func(b *testedBucket) { b.srv.Fault = page(403, "AccessDenied") },
		"a wrong secret":  func(b *testedBucket) { b.reset("AWS_SECRET_ACCESS_KEY", "wrong") },
		"not implemented": func(b *testedBucket) { b.srv.Fault = page(501, "NotImplemented") },
		"a broken server": func(b *testedBucket) { b.srv.Fault = page(500, "InternalError") },
		"nothing answers": func(b *testedBucket) { b.reset("ROTATELOG_ENDPOINT", "http://127.0.0.1:1") },
		"something answers": func(b *testedBucket) {
			b.env = func(e *env) {
				e.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: 200, Request: r, Header: http.Header{"Content-Type": {"text/html"}}, Body: io.NopCloser(strings.NewReader("<html>Log in"))}, nil
				})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newTestedBucket(t, fakes3.Strict())
			set(b)
			if b.run("doctor", "--bucket"); b.code != codeUnreachable || b.stderr == "" {
				t.Errorf("exit code %d\n%s%s", b.code, b.stdout, b.stderr)
			}
			wantSetUp(t, b.shell)
			b.wantNothingLeft()
			for op := range b.srv.Stats().Requests {
				if !strings.HasPrefix(op, "Get") && !strings.HasPrefix(op, "List") && !strings.HasPrefix(op, "Head") {
					t.Errorf("it sends %s", op)
				}
			}
		})
	}
}

// A server that takes requests and answers none costs a minute.
func TestSetUpOfABucketThatHangs(t *testing.T) {
	b := newTestedBucket(t, fakes3.Strict())
	b.reset("ROTATELOG_ENDPOINT", "https://objects.example")
	synctest.Test(t, func(t *testing.T) {
		b.t, b.ctx = t, t.Context()
		b.env = func(e *env) {
			e.Clock = systemClock{}
			e.Transport = roundTripper(func(r *http.Request) (*http.Response, error) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			})
		}
		begun := time.Now()
		if b.run("doctor", "--bucket"); b.code != codeUnreachable || time.Since(begun) > 2*askTimeout {
			t.Errorf("exit code %d after %v\n%s", b.code, time.Since(begun), b.stderr)
		}
		wantSetUp(t, b.shell)
		if !strings.Contains(b.stdout, "https://objects.example does not answer within 30s") {
			t.Errorf("it says\n%s", b.stdout[strings.Index(b.stdout, "what is set now"):])
		}
	})
}

func TestEstimateFromRealDays(t *testing.T) {
	w := newBucketWorld(t)
	w.write(w.dir, 25)
	w.clock.Advance(24 * 60 * 60 * 1e9)
	w.srv.Reset()
	w.want(codeOK, "bucket-estimate", "doctor", "--bucket")
	wantReads(t, w.srv.Stats())
	if w.srv.Stats().Requests["GetObject"] == 0 {
		t.Error("it asks for no day")
	}
	w.srv.Fault = denied("ListObjectsV2")
	if w.run("doctor", "--bucket"); w.code != codeUnreachable || !strings.Contains(w.stderr, "AccessDenied") {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
	wantSetUp(t, w.shell)
	// A key that may only do what it has to.
	w.srv.Fault = func(op fakes3.Op) fakes3.Fault {
		if strings.HasPrefix(op.Name, "GetBucket") {
			return fakes3.Fault{Reply: fakes3.Error{Status: 403, Code: "AccessDenied"}}
		}
		return fakes3.Fault{}
	}
	if w.run("doctor", "--bucket"); w.code != codeOK || !strings.Contains(w.stdout, "\n  ?     lifecycle   not known: the key may not ask; use a key that has\n") {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
}

// TestUsageOfADay: a small day is sent whole with each upload, a large one once.
func TestUsageOfADay(t *testing.T) {
	day := func(size int64, uploads int) rotatelog.DayMetadata {
		var d rotatelog.DayMetadata
		d.Size, d.Totals.Uploads = size, uploads
		return d
	}
	var one, large usage
	one.add(day(1_000_000, 9))
	if one.sent != 5_000_000 || one.rewritten != 5_000_000 || one.put != 9+288+20 || one.get != 18+288*15 {
		t.Errorf("%+v", one)
	}
	large.add(day(2_600_000_000, 144))
	if large.sent < 2_600_000_000 || large.sent > 2_602_000_000 || large.rewritten != 2_600_000_000*145/2 || int(large.put) != 144*(1+3+9)+288+20+98 {
		t.Errorf("%+v", large)
	}
}

func TestPricesOfAMonth(t *testing.T) {
	p := prices{least: 5, included: 250, gigabyte: 0.02, put: 1, get: 0.5}
	for gigabytes, want := range map[float64]float64{0: 5 + 30*0.02, 250: 5 + 30*0.02, 350: 7 + 30*0.02} {
		if got := p.month(gigabytes*1e9, usage{put: 10, get: 20}); got < want-0.001 || got > want+0.001 {
			t.Errorf("%v GB: %v, want %v", gigabytes, got, want)
		}
	}
}

// Nobody waits for what has the name of the Writer's id and is none.
func TestDoctorOfAnOddOwner(t *testing.T) {
	t.Parallel()
	w := newBucketWorld(t)
	w.write(w.dir, 3)
	file := filepath.Join(w.dir, "all_api.spool/owner")
	if err := errors.Join(os.Remove(file), syscall.Mkfifo(file, 0o600)); err != nil {
		t.Fatal(err)
	}
	if w.run("doctor", "--quick"); !strings.Contains(strings.Join(strings.Fields(w.stdout+w.stderr), " "), "owner is no regular file, but p") {
		t.Errorf("exit code %d\n%s%s", w.code, w.stdout, w.stderr)
	}
}
