package rotatelog_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// inS3Bubble runs a test on a bench whose store is a bucket, in virtual time.
func inS3Bubble(t *testing.T, profile fakes3.Profile, test func(t *testing.T, b *bench, srv *fakes3.Server)) {
	t.Helper()
	inBubble(t, func(t *testing.T, b *bench) {
		srv, client := s3test.NewFake(fakes3.Options{Profile: profile})
		b.cfg.Store = s3test.NewStore(client, s3store.Options{})
		s3test.Prove(t, b.cfg.Store, srv)
		test(t, b, srv)
		s3test.WantNoSecret(t, b.log.String())
	})
}

// s3Day returns the day's object, which must be in the bucket.
func s3Day(t *testing.T, srv *fakes3.Server, key string) dayObject {
	t.Helper()
	data, _, ok := srv.Object(s3test.Bucket, key)
	if !ok {
		t.Fatalf("no object %s; there are %q", key, srv.Keys(s3test.Bucket))
	}
	return parseDay(t, key, data)
}

// TestS3WriterExactlyOnce: whatever a server answers to the n-th request of a
// kind, each batch is in the object once.
func TestS3WriterExactlyOnce(t *testing.T) {
	t.Parallel()
	faults := map[string]fakes3.Fault{
		"lost reply":            {Drop: true, After: true},
		"lost request":          {Drop: true},
		"412 after success":     {Reply: fakes3.Error{Status: 412}, After: true},
		"412":                   {Reply: fakes3.Error{Status: 412}},
		"409":                   {Reply: fakes3.Error{Status: 409}},
		"409 after success":     {Reply: fakes3.Error{Status: 409}, After: true},
		"200 for a lost race":   {Lost: true},
		"500 after a race":      {Reply: fakes3.Error{Status: 500, Code: "UnknownError"}},
		"500 after success":     {Reply: fakes3.Error{Status: 500}, After: true},
		"403 after success":     {Reply: fakes3.Error{Status: 403}, After: true},
		"404":                   {Reply: fakes3.Error{Status: 404}},
		"503":                   {Reply: fakes3.Error{Status: 503}},
		"stalled":               {Delay: time.Hour},
		"stalled after success": {Delay: time.Hour, After: true},
		"applied later":         {Later: true, Reply: fakes3.Error{Status: 503}},
		"cut short":             {Cut: true, CutAt: 100},
	}
	for name, fault := range faults {
		for _, op := range []string{"PutObject", "HeadObject", "GetObject"} {
			for n := 1; n <= depth.N(1, 3, 3); n++ {
				t.Run(fmt.Sprintf("%s/%s %d", name, op, n), func(t *testing.T) {
					inS3Bubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
						srv.Fault = func(o fakes3.Op) fakes3.Fault {
							if o.Name == op && o.N == n {
								return fault
							}
							return fakes3.Fault{}
						}
						exactlyOnce(t, b, srv)
					})
				})
			}
		}
	}
}

// exactlyOnce uploads three batches, between which somebody removes the metadata,
// and looks for each exactly once.
func exactlyOnce(t *testing.T, b *bench, srv *fakes3.Server) {
	b.open()
	for range 3 {
		b.append(ten...)
		if err := b.Flush(t.Context()); err != nil {
			if !errors.Is(err, rotatelog.ErrPermanent) {
				t.Fatalf("flush: %v", err)
			}
			b.flush() // somebody has fixed what needed attention
		}
		srv.Release()
		data, _, _ := srv.Object(s3test.Bucket, dayA)
		srv.PutObject(s3test.Bucket, dayA, data, nil)
	}
	d := s3Day(t, srv, dayA)
	if d.Metadata.Uploads != 3 || d.Metadata.Fetches != 30 || d.Metadata.Matches != 3*55 {
		t.Errorf("%+v\n%s", d.Metadata, b.log)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if n := len(b.pending()); n != 0 {
		t.Errorf("%d batches are still pending", n)
	}
}

// TestS3WriterLosesARace: another Writer of the same day comes between a look
// and a write.
func TestS3WriterLosesARace(t *testing.T) {
	for _, profile := range s3test.Profiles() {
		t.Run(profile.Name, func(t *testing.T) {
			inS3Bubble(t, profile, func(t *testing.T, b *bench, srv *fakes3.Server) {
				b.open()
				b.append(1, 2)
				b.flush()
				other, _, _ := srv.Object(s3test.Bucket, dayA)
				other = bytes.Replace(other, []byte(`"matches_in_upload":3`), []byte(`"matches_in_upload":4`), 1)
				other = bytes.Replace(other, []byte(`"total_matches_today":3`), []byte(`"total_matches_today":4`), 1)
				other = regexp.MustCompile(`,"upload_sha256":"\w+"`).ReplaceAll(other, nil) // which the edits would belie
				raced := false
				srv.Fault = func(op fakes3.Op) fakes3.Fault {
					if op.Name == "PutObject" && !raced {
						raced = true
						srv.PutObject(s3test.Bucket, dayA, other, nil)
					}
					return fakes3.Fault{}
				}
				b.append(5)
				b.flush()
				if d := s3Day(t, srv, dayA); !raced || d.Metadata.Uploads != 2 || d.Metadata.Matches != 9 {
					t.Errorf("%+v", d.Metadata)
				}
			})
		})
	}
}

// TestS3DataWaitsDuringAPermanentError: what no retry fixes is returned by Flush, and the
// data waits.
func TestS3DataWaitsDuringAPermanentError(t *testing.T) {
	inS3Bubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
		srv.Fault = func(fakes3.Op) fakes3.Fault {
			return fakes3.Fault{Reply: fakes3.Error{Status: 403, Code: "SignatureDoesNotMatch"}}
		}
		b.open()
		b.append(1)
		err := b.Flush(t.Context())
		if e, ok := errors.AsType[smithy.APIError](err); !ok || e.ErrorCode() != "SignatureDoesNotMatch" || !errors.Is(err, rotatelog.ErrPermanent) {
			t.Errorf("Flush: %v", err)
		}
		if n := len(b.pending()); n != 1 {
			t.Errorf("%d batches are pending, want 1", n)
		}
		synctest.Wait() // until no request is under way, and all is logged
		if !strings.Contains(b.log.String(), "set both again") {
			t.Errorf("the log does not say what to do:\n%s", b.log)
		}
		srv.Fault = nil
		b.flush()
		if d := s3Day(t, srv, dayA); d.Metadata.Uploads != 1 {
			t.Errorf("%+v", d.Metadata)
		}
	})
}

// TestS3SmallUploadTakesThreeRequests: a small upload is three requests, and reads nothing.
func TestS3SmallUploadTakesThreeRequests(t *testing.T) {
	inS3Bubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
		b.open()
		b.append(ten...)
		b.flush()
		time.Sleep(time.Second) // in which leftovers are swept, once a day
		for range 5 {
			srv.Reset()
			b.append(ten...)
			b.flush()
			st := srv.Stats()
			if st.Requests["GetObject"] > 2 || st.Requests["PutObject"] != 1 || st.Sent > 100 || st.Total() > 3 {
				t.Errorf("an upload made the requests %v", st.Requests)
			}
		}
	})
}

// TestS3TornHeadIsLookedAtAgain: a HEAD that reports the size of one version with
// the ETag of the next is repeated, and the object is not taken for somebody else's.
func TestS3TornHeadIsLookedAtAgain(t *testing.T) {
	inS3Bubble(t, fakes3.Versity(), func(t *testing.T, b *bench, srv *fakes3.Server) {
		b.open()
		for n := range 6 {
			srv.Reset()
			srv.Fault = func(o fakes3.Op) fakes3.Fault {
				if o.Name == "HeadObject" && o.N == 1+n%3 {
					return fakes3.Fault{Short: 10}
				}
				return fakes3.Fault{}
			}
			b.append(ten...)
			b.flush()
		}
		if m := s3Day(t, srv, dayA).Metadata; m.Uploads != 6 || b.Stats().Failed > 0 {
			t.Errorf("%+v, %d failed", m, b.Stats().Failed)
		}
	})
}

// TestS3TornReadIsNotTakenForTheOldVersion: what is read of a day that is replaced meanwhile is never taken
// for the version before, whose ETag it may have; neither where the entries are read,
// since the metadata is gone, nor where all of a small day is, to be sent again.
func TestS3TornReadIsNotTakenForTheOldVersion(t *testing.T) {
	for name, lose := range map[string]func(b *bench, srv *fakes3.Server){
		"scanned": func(_ *bench, srv *fakes3.Server) {
			content, _, _ := srv.Object(s3test.Bucket, dayA)
			srv.PutObject(s3test.Bucket, dayA, content, nil)
		},
		"sent again": func(b *bench, _ *fakes3.Server) { b.disk.Remove("all_api.spool/body-" + today) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.Versity()})
				b.cfg.Store = s3test.NewStore(client, s3store.Options{Shared: true})
				b.open()
				b.append(1)
				b.flush()
				b.Close()
				lose(b, srv)
				other := b.cfg
				other.Dir = t.TempDir()
				torn := 0
				srv.Fault = func(o fakes3.Op) fakes3.Fault {
					if o.Name != "GetObject" || o.Key != dayA || torn > 0 {
						return fakes3.Fault{}
					}
					torn++
					go appendAndFlush(t, other)
					return fakes3.Fault{Torn: true, Delay: 10 * time.Second}
				}
				b.open()
				b.append(4)
				b.flush()
				if m := s3Day(t, srv, dayA).Metadata; torn != 1 || m.Uploads != 3 || m.Matches != 7 || b.Stats().Failed > 0 {
					t.Errorf("%d reads were torn: %+v, %d failed", torn, m, b.Stats().Failed)
				}
			})
		})
	}
}

// appendAndFlush uploads a fetch with two matches.
func appendAndFlush(t *testing.T, cfg rotatelog.Config) {
	w, err := rotatelog.Open(t.Context(), cfg)
	if err != nil {
		t.Error(err)
		return
	}
	_, err = w.Append(t.Context(), counted(2))
	if err := errors.Join(err, w.Flush(t.Context()), w.Close()); err != nil {
		t.Error(err)
	}
}

// TestS3NextProcessNeedNotReadASmallDay: the next process need not read a small day
// either, unless the body in the spool is not the current version.
func TestS3NextProcessNeedNotReadASmallDay(t *testing.T) {
	const body = "all_api.spool/body-" + today
	for name, test := range map[string]struct {
		change func(b *bench)
		reads  int
	}{
		"kept":    {func(b *bench) {}, 0},
		"lost":    {func(b *bench) { b.disk.Remove(body) }, 1},
		"torn":    {func(b *bench) { damage(b, body, func(c []byte) []byte { return c[:len(c)-1] }) }, 1},
		"zeros":   {func(b *bench) { damage(b, body, func(c []byte) []byte { clear(c[len(c)/2:]); return c }) }, 1},
		"no head": {func(b *bench) { damage(b, body, func(c []byte) []byte { return c[bytes.IndexByte(c, '\n')+1:] }) }, 1},
		"of another version": {func(b *bench) {
			old, _ := b.disk.ReadFile(body)
			b.open()
			b.append(ten...)
			b.flush()
			b.Close()
			damage(b, body, func([]byte) []byte { return old })
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inS3Bubble(t, fakes3.Linode(), func(t *testing.T, b *bench, srv *fakes3.Server) {
				b.open()
				b.append(ten...)
				b.flush()
				b.Close()
				test.change(b)
				uploads := s3Day(t, srv, dayA).Metadata.Uploads
				srv.Reset()
				b.open()
				b.append(ten...)
				b.flush()
				if n := srv.Stats().Requests["GetObject"] - 2; n != test.reads { // two only ask for the version
					t.Errorf("%d reads, want %d", n, test.reads)
				}
				if m := s3Day(t, srv, dayA).Metadata; m.Uploads != uploads+1 || m.Matches != int64(uploads+1)*55 {
					t.Errorf("%+v", m)
				}
			})
		})
	}
}

// damage changes a file of the spool.
func damage(b *bench, name string, change func([]byte) []byte) {
	b.t.Helper()
	content, err := b.disk.ReadFile(name)
	if err == nil {
		err = b.disk.WriteFile(name, change(content), 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// onWire is a server over HTTP, and a client for it.
type onWire struct {
	*fakes3.Server
	url    string
	client *s3.Client
	conns  *s3test.ConnCount
}

func newOnWire(t *testing.T, profile fakes3.Profile) *onWire {
	srv, _ := s3test.NewFake(fakes3.Options{Profile: profile})
	w := &onWire{Server: srv, conns: s3test.NewConnCount()}
	web := httptest.NewUnstartedServer(srv)
	web.Config.ConnState = w.conns.Change
	web.Start()
	t.Cleanup(web.Close)
	w.url, w.client = web.URL, s3test.NewClient(web.URL)
	return w
}

func (w *onWire) config(t *testing.T) rotatelog.Config {
	return rotatelog.Config{
		Dir:    t.TempDir(),
		Store:  s3test.NewStore(w.client, s3store.Options{}),
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
}

// TestS3WriterLeavesNothingBehind: no goroutine, and no connection but those
// that the client keeps for the next.
func TestS3WriterLeavesNothingBehind(t *testing.T) {
	for name, fault := range map[string]fakes3.Fault{
		"at rest":      {},
		"in an upload": {Delay: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			wire := newOnWire(t, fakes3.Linode())
			puts := make(chan struct{}, 1)
			wire.Fault = func(op fakes3.Op) fakes3.Fault {
				if op.Name != "PutObject" || s3test.IsProof(op.Key) {
					return fakes3.Fault{}
				}
				puts <- struct{}{}
				return fault
			}
			before := runtime.NumGoroutine()
			w, err := rotatelog.Open(t.Context(), wire.config(t))
			if err != nil {
				t.Fatal(err)
			}
			for range 10 {
				if _, err := w.Append(t.Context(), counted(1)); err != nil {
					t.Fatal(err)
				}
			}
			<-puts
			if fault.Delay == 0 {
				if err := w.Drain(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			s3test.CloseIdle(wire.client)
			wire.conns.Wait()
			for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
				if time.Now().After(deadline) {
					stacks := make([]byte, 1<<20)
					t.Fatalf("%d goroutines, and there were %d:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
				}
			}
		})
	}
}

// TestS3WriterOutlivesServerRestarts ends a server, with all of its connections, while an
// upload arrives, before it has stored it and after, and starts it again at the
// same address.
func TestS3WriterOutlivesServerRestarts(t *testing.T) {
	for _, stored := range []bool{false, true} {
		t.Run(fmt.Sprintf("stored=%t", stored), func(t *testing.T) {
			srv, _ := s3test.NewFake(fakes3.Options{Profile: fakes3.Linode()})
			server := &restartable{t: t, addr: "127.0.0.1:0"}
			server.handler = func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPut || !server.uploads.CompareAndSwap(1, 2) {
					srv.ServeHTTP(w, r)
					return
				}
				if stored {
					srv.ServeHTTP(httptest.NewRecorder(), r)
				} else {
					io.CopyN(io.Discard, r.Body, 1<<19)
				}
				server.stop()
				server.start()
			}
			server.start()
			t.Cleanup(server.stop)
			dir := t.TempDir()
			w, err := rotatelog.Open(t.Context(), rotatelog.Config{
				Dir:    dir,
				Store:  s3test.NewStore(s3test.NewClient("http://"+server.addr), s3store.Options{}),
				Logger: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			for i := range 3 {
				server.uploads.CompareAndSwap(0, int32(i)) // the second one is interrupted
				fetch := fmt.Appendf(nil, `{"n":%d,"pad":%q}`, i, strings.Repeat("x", 1<<20))
				if _, err := w.Append(t.Context(), fetch); err != nil {
					t.Fatal(err)
				}
				if err := w.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if server.uploads.Load() != 2 {
				t.Fatal("the server was not restarted")
			}
			keys := srv.Keys(s3test.Bucket)
			if d := s3Day(t, srv, keys[0]); len(keys) != 1 || d.Metadata.Uploads != 3 || d.Metadata.Fetches != 3 {
				t.Errorf("%q: %+v", keys, d.Metadata)
			}
		})
	}
}

// restartable is an HTTP server that comes back at the address it had.
type restartable struct {
	t       *testing.T
	handler http.HandlerFunc
	addr    string
	uploads atomic.Int32 // 1: the next one restarts the server, 2: it has

	mu  sync.Mutex // guards web
	web *http.Server
}

func (r *restartable) start() {
	l, err := net.Listen("tcp", r.addr)
	if err != nil {
		r.t.Error(err)
		return
	}
	r.addr = l.Addr().String()
	web := &http.Server{Handler: r.handler}
	r.mu.Lock()
	r.web = web
	r.mu.Unlock()
	go web.Serve(l)
}

// stop breaks all connections, even that of the handler that calls it.
func (r *restartable) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.web.Close()
}

// TestS3RealFetches replays an archive of real fetches over HTTP, as a user
// would, and reads it back with Python.
func TestS3RealFetches(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	archive, err := os.ReadFile(filepath.Join("..", "shared", "data", "openfootball-fetches.ndjson"))
	if err != nil {
		t.Skipf("the archive is not here: %v", err)
	}
	wire := newOnWire(t, fakes3.Linode())
	cfg := wire.config(t)
	cfg.TimeOf = rotatelog.HeaderTime
	cfg.Sync = rotatelog.SyncSeal
	w, err := rotatelog.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	sent := map[string]int{}
	days := depth.N(20, 60, 795) // each of the fetches is of another
	for line := range bytes.Lines(archive) {
		if len(sent) == days {
			break
		}
		if _, err := w.Append(t.Context(), line); err != nil {
			t.Fatal(err)
		}
		sent[string(bytes.TrimSpace(line))]++
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var matches int64
	keys := wire.Keys(s3test.Bucket)
	for _, key := range keys {
		d := s3Day(t, wire.Server, key)
		matches += d.Metadata.Matches
		for _, u := range d.Uploads {
			for _, fetch := range u.Data {
				sent[string(fetch)]--
			}
		}
	}
	for fetch, n := range sent {
		if n != 0 {
			t.Errorf("%.200s… was appended %d times more often than it is there", fetch, n)
		}
	}
	if len(keys) != days || depth.Full() && matches != 21_104 {
		t.Errorf("%d objects with %d matches, want %d, and 21104 in all", len(keys), matches, days)
	}
	t.Run("Python", func(t *testing.T) { readWithPython(t, wire, keys, matches) })
}

// readWithPython sums up the days, of one upload each, with the old script's reader.
func readWithPython(t *testing.T, wire *onWire, keys []string, matches int64) {
	want := fmt.Sprintf("%d %d", len(keys), matches)
	const script = `
import json, sys
keys = json.loads(sys.argv[1])
if len(sys.argv) > 2:
    import boto3, botocore.config
    s3 = boto3.client("s3", endpoint_url=sys.argv[2], region_name="us-east-1", config=botocore.config.Config(s3={"addressing_style": "path"}))
    read = lambda key: s3.get_object(Bucket="logs", Key=key)["Body"].read()
else:
    read = lambda key: open(key, "rb").read()
uploads = matches = 0
for key in keys:
    day = json.loads(read(key))
    uploads += day["daily_metadata"]["total_uploads"]
    matches += sum(f["FETCH_FOOTER"]["total_matches"] for u in day["uploads"] for f in u["fetch_data"])
print(uploads, matches)
`
	if err := exec.Command("python3", "-c", "import json").Run(); err != nil {
		t.Skipf("no Python: %v", err)
	}
	run := func(t *testing.T, args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "python3", append([]string{"-c", script}, args...)...)
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=access", "AWS_SECRET_ACCESS_KEY="+s3test.Secret, "AWS_SESSION_TOKEN="+s3test.Token)
		out, err := cmd.CombinedOutput()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("Python read %s, %v, want %s uploads and matches", got, err, want)
		}
	}
	encode := func(keys []string) string {
		b, err := json.Marshal(keys)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	t.Run("json", func(t *testing.T) {
		var names []string
		dir := t.TempDir()
		for i, key := range keys {
			data, _, _ := wire.Object(s3test.Bucket, key)
			names = append(names, filepath.Join(dir, fmt.Sprint(i)))
			if err := os.WriteFile(names[i], data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		run(t, encode(names))
	})
	t.Run("boto3", func(t *testing.T) {
		if err := exec.Command("python3", "-c", "import boto3").Run(); err != nil {
			t.Skipf("no boto3: %v", err)
		}
		run(t, encode(keys), wire.url)
	})
}
