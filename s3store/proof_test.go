package s3store_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// provenOnce returns an opener of stores that take over what the first of them
// found out.
func provenOnce(open func() (*s3store.Store, *fakes3.Server)) func(*testing.T) rotatelog.Store {
	text := ""
	return func(t *testing.T) rotatelog.Store {
		store, srv := open()
		var err error
		if text, err = store.Prove(t.Context(), "storetest/object", text); err != nil {
			t.Fatalf("Prove: %v", err)
		}
		srv.Reset()
		return store
	}
}

// proofText is the proof of a store at that host of a server that honours every
// condition, or of another if change says so.
func proofText(host string, change map[string]any) string {
	p := map[string]any{"proof": 1, "host": host, "bucket": s3test.Bucket, "time": time.Now(), "shared": false,
		"put": true, "multipart": true, "complete": true, "completeCreate": true}
	maps.Copy(p, change)
	b, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// mustBelieve makes a store believe that the server honours every condition.
func mustBelieve(t *testing.T, store *s3store.Store, host string) {
	t.Helper()
	if _, err := store.Prove(t.Context(), "key", proofText(host, nil)); err != nil {
		t.Fatalf("Prove: %v", err)
	}
}

// proofOf returns what a text says.
func proofOf(t *testing.T, text string) (p struct{ Put, Multipart, Complete, CompleteCreate bool }) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return p
}

// TestProof: few requests find out what the server does, and leave nothing.
func TestProof(t *testing.T) {
	for _, profile := range fakes3.Profiles() {
		for _, versioned := range []bool{false, true} {
			t.Run(fmt.Sprint(profile.Name, versioned), func(t *testing.T) {
				srv, client := s3test.NewFake(fakes3.Options{Profile: profile})
				put := profile.Put == fakes3.Honoured
				if versioned {
					setVersioning(t, client, s3test.Bucket, types.BucketVersioningStatusEnabled)
					put = put && !profile.VersionedIfMatchFails
				}
				store := s3test.NewStore(client, s3store.Options{})
				srv.Reset()
				text, err := store.Prove(t.Context(), "some dir/day.json", "")
				if err != nil {
					t.Fatal(err)
				}
				complete := profile.Complete == fakes3.Honoured
				if p := proofOf(t, text); p.Put != put || !p.Multipart || p.Complete != complete || p.CompleteCreate != complete {
					t.Errorf("found %s", text)
				}
				if n := srv.Stats().Total(); !versioned && n > 21 {
					t.Errorf("it took %d requests: %v", n, srv.Stats().Requests)
				}
				wantNothingLeft(t, srv, client)
				s3test.WantNoSecret(t, text)
			})
		}
	}
}

// TestProofOfHalfTheConditions: if one of them is ignored, none is relied on.
func TestProofOfHalfTheConditions(t *testing.T) {
	for _, operation := range []string{"PutObject", "CompleteMultipartUpload"} {
		for _, header := range []string{"If-Match", "If-None-Match"} {
			srv, client := s3test.NewFake(fakes3.Options{})
			has := false
			store := s3test.Must(s3store.New(s3test.InProcess(client, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				has = r.Header.Get(header) != ""
				srv.ServeHTTP(w, r)
			})), s3test.Bucket, s3store.Options{}))
			srv.Fault = func(op fakes3.Op) fakes3.Fault { return fakes3.Fault{Blind: has && op.Name == operation} }
			text, err := store.Prove(t.Context(), "key", "")
			if err != nil {
				t.Fatal(err)
			}
			if p, put := proofOf(t, text), operation == "PutObject"; p.Put == put || p.Complete != put || !p.Multipart {
				t.Errorf("%s ignores %s: found %s", operation, header, text)
			}
		}
	}
}

// wantNothingLeft checks that a bucket is as it was, so that it can be deleted.
func wantNothingLeft(t *testing.T, srv *fakes3.Server, client *s3.Client) {
	t.Helper()
	if open := srv.Uploads(s3test.Bucket); len(open) > 0 {
		t.Errorf("left open: %v", open)
	}
	if _, err := client.DeleteBucket(t.Context(), &s3.DeleteBucketInput{Bucket: aws.String(s3test.Bucket)}); err != nil {
		t.Errorf("something is left, %q: %v", srv.Keys(s3test.Bucket), err)
	}
}

// TestProofIsBelieved while it is valid, by a process that has proven nothing; no
// other proof is.
func TestProofIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tt := range map[string]struct {
			text     string
			believed bool
		}{
			"fresh":           {proofText("s3.test", nil), true},
			"a day old":       {proofText("s3.test", map[string]any{"time": time.Now().Add(-24 * time.Hour)}), false},
			"nearly a day":    {proofText("s3.test", map[string]any{"time": time.Now().Add(-24*time.Hour + time.Second)}), true},
			"from the future": {proofText("s3.test", map[string]any{"time": time.Now().Add(time.Second)}), false},
			"another host":    {proofText("s4.test", nil), false},
			"another bucket":  {proofText("s3.test", map[string]any{"bucket": "other"}), false},
			"shared":          {proofText("s3.test", map[string]any{"shared": true, "atomic": true}), false},
			"another form":    {proofText("s3.test", map[string]any{"proof": 2}), false},
			"nothing holds":   {proofText("s3.test", map[string]any{"put": false, "multipart": false}), false},
			"nothing":         {"", false},
			"cut":             {proofText("s3.test", nil)[:40], false},
			"a number":        {"1", false},
			"null":            {"null", false},
		} {
			srv, client := s3test.NewFake(fakes3.Options{})
			store := s3test.NewStore(client, s3store.Options{})
			text, err := store.Prove(t.Context(), "key", tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if asked := srv.Stats().Total() > 0; asked == tt.believed {
				t.Errorf("%s: it was believed: %t", name, !asked)
			}
			srv.Reset()
			again, err := store.Prove(t.Context(), "key", text)
			if err != nil || again != text || srv.Stats().Total() > 0 {
				t.Errorf("%s: once more it is %q, %v, after %q and %v", name, again, err, text, srv.Stats().Requests)
			}
			if err := store.Write(t.Context(), "key", "", nil, nil); err != nil || srv.Stats().Total() != 1 {
				t.Errorf("%s: a write made the requests %v: %v", name, srv.Stats().Requests, err)
			}
		}
	})
}

// TestProofOfSharingIsBelieved by the next process, which asks nothing. The proof of a
// Store that has its keys alone is not enough for it.
func TestProofOfSharingIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.RGW20()})
		shared := s3store.Options{Shared: true}
		text := s3test.Prove(t, s3test.NewStore(client, shared), srv)
		for range 3 {
			time.Sleep(7 * time.Hour)
			srv.Reset()
			next := s3test.NewStore(client, shared)
			if again, err := next.Prove(t.Context(), "key", text); err != nil || again != text {
				t.Errorf("it became %q, %v", again, err)
			}
			if err := next.Write(t.Context(), rand.Text(), "", nil, nil); err != nil || srv.Stats().Total() != 1 {
				t.Errorf("a write made the requests %v: %v", srv.Stats().Requests, err)
			}
		}
		srv.Reset()
		alone := s3test.Prove(t, s3test.NewStore(client, s3store.Options{}), srv)
		if again, err := s3test.NewStore(client, shared).Prove(t.Context(), "key", alone); err != nil || again == alone {
			t.Errorf("sharing is not proven by %q, %v", again, err)
		}
	})
}

// TestProofIsMadeAgain once a day.
func TestProofIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := s3test.NewFake(fakes3.Options{})
		store := s3test.NewStore(client, s3store.Options{})
		text := s3test.Prove(t, store, srv)
		time.Sleep(24 * time.Hour)
		if later, err := store.Prove(t.Context(), "key", text); err != nil || later == text {
			t.Errorf("a day later it is %q, %v", later, err)
		}
	})
}

// TestProofIsGivenUp after three refusals, a minute apart, of a version that is
// current: the server has changed.
func TestProofIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.RGW16()})
		store := s3test.NewStore(client, s3store.Options{})
		first := s3test.Prove(t, store, srv)
		s3test.Write(t, store, "key", "", nil, rotatelog.Data([]byte("one")))
		v := s3test.Stat(t, store, "key").Version
		setVersioning(t, client, s3test.Bucket, types.BucketVersioningStatusEnabled)
		parts := []rotatelog.Part{rotatelog.Data([]byte("two"))}
		for i := range 3 {
			for range 5 { // of which one counts
				if err := store.Write(t.Context(), "key", v, parts, nil); !errors.Is(err, rotatelog.ErrConflict) {
					t.Fatalf("refusal %d: %v, want ErrConflict", i, err)
				}
				if text, err := store.Prove(t.Context(), "key", first); i < 2 && text != first || err != nil {
					t.Fatalf("after refusal %d it is %q, %v", i, text, err)
				} else if i == 2 {
					break
				}
				time.Sleep(10 * time.Second)
			}
			time.Sleep(time.Minute)
		}
		text, err := store.Prove(t.Context(), "key", first)
		if err != nil || text == first || proofOf(t, text).Put {
			t.Errorf("after three refusals it is %q, %v", text, err)
		}
		if err := store.Write(t.Context(), "key", v, parts, nil); err != nil {
			t.Errorf("Write: %v", err)
		}
		s3test.WantContent(t, store, "key", "two")
	})
}

// TestRealConflictsAreNoRefusals: what another writer has written says nothing
// against the server.
func TestRealConflictsAreNoRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.RGW20()})
		store := s3test.NewStore(client, s3store.Options{})
		first := s3test.Prove(t, store, srv)
		for range 10 {
			v := rotatelog.Version(srv.PutObject(s3test.Bucket, "key", []byte(rand.Text()), nil))
			srv.PutObject(s3test.Bucket, "key", []byte(rand.Text()), nil)
			if err := store.Write(t.Context(), "key", v, nil, nil); !errors.Is(err, rotatelog.ErrConflict) {
				t.Errorf("Write: %v, want ErrConflict", err)
			}
			time.Sleep(time.Minute)
		}
		if text, err := store.Prove(t.Context(), "key", first); err != nil || text != first {
			t.Errorf("now it is %q, %v", text, err)
		}
	})
}

// TestProofFaults lets the k-th request of a proof fail, for every k. No condition
// is taken to be honoured that is not, and nothing has been written by then.
func TestProofFaults(t *testing.T) {
	for _, profile := range []fakes3.Profile{fakes3.Strict(), fakes3.Linode(), fakes3.B2(), fakes3.NoConditions()} {
		for k, struck := 1, true; struck; k++ {
			struck = false
			for i := range 2 * *probeFaults {
				way := ways[(k+i)%len(ways)]
				synctest.Test(t, func(t *testing.T) {
					srv, client := s3test.NewFake(fakes3.Options{Profile: profile})
					var n atomic.Int32
					srv.Fault = func(fakes3.Op) fakes3.Fault {
						if int(n.Add(1)) != k {
							return fakes3.Fault{}
						}
						struck = true
						return way.fault
					}
					store := s3test.NewStore(client, s3store.Options{})
					text, err := store.Prove(t.Context(), "dir/key", "")
					if err != nil {
						if _, ok := errors.AsType[*rotatelog.Error](err); !ok {
							t.Errorf("%s, %s at request %d: %v", profile.Name, way.name, k, err)
						}
						return
					}
					p := proofOf(t, text)
					if p.Put && profile.Put != fakes3.Honoured || p.Complete && profile.Complete != fakes3.Honoured {
						t.Errorf("%s, %s at request %d: %s", profile.Name, way.name, k, text)
					}
				})
			}
		}
	}
}

// TestNothingIsWrittenUnproven: a write waits for a proof, and is refused if
// nothing protects it.
func TestNothingIsWrittenUnproven(t *testing.T) {
	for name, tt := range map[string]struct {
		profile   fakes3.Profile
		fault     func(fakes3.Op) fakes3.Fault
		permanent bool
		want      string
	}{
		"busy":         {fakes3.Strict(), failing(503, "SlowDown", "PutObject"), false, "busy"},
		"forbidden":    {fakes3.Strict(), failing(403, "AccessDenied", "PutObject"), true, "grant it s3:PutObject"},
		"no uploads":   {fakes3.B2(), failing(501, "", "CreateMultipartUpload"), true, "honours no conditions on PutObject, and takes no multipart uploads"},
		"405 to it":    {fakes3.NoConditions(), failing(405, "", "CreateMultipartUpload"), true, "use a server that does either"},
		"hangs":        {fakes3.Strict(), func(fakes3.Op) fakes3.Fault { return fakes3.Fault{Delay: time.Hour} }, false, "does not answer in time"},
		"cannot share": {fakes3.NoConditions(), nil, true, "cannot share"},
		"shared, busy": {fakes3.Strict(), failing(503, "", "PutObject"), false, "busy"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, client := s3test.NewFake(fakes3.Options{Profile: tt.profile})
				srv.Fault = tt.fault
				shared := strings.Contains(name, "share")
				store := s3test.NewStore(client, s3store.Options{Shared: shared})
				for range 2 {
					err := store.Write(t.Context(), "dir/day.json", "", []rotatelog.Part{rotatelog.Data([]byte("x"))}, nil)
					if err == nil || errors.Is(err, rotatelog.ErrPermanent) != tt.permanent || !strings.Contains(err.Error(), tt.want) {
						t.Errorf("Write: %v, want %q in it; permanent: %t", err, tt.want, tt.permanent)
					}
				}
				if _, _, ok := srv.Object(s3test.Bucket, "dir/day.json"); ok {
					t.Error("it was written")
				}
			})
		})
	}
}

func failing(status int, code, operation string) func(fakes3.Op) fakes3.Fault {
	return func(op fakes3.Op) fakes3.Fault {
		if op.Name == operation {
			return fakes3.Fault{Reply: fakes3.Error{Status: status, Code: code}}
		}
		return fakes3.Fault{}
	}
}

// TestWithoutConditionsEveryWriteIsAnUpload with an intent, and the client sends
// what the server does not copy.
func TestWithoutConditionsEveryWriteIsAnUpload(t *testing.T) {
	noCopy := fakes3.B2()
	noCopy.NoCopyPart = true
	for name, profile := range map[string]fakes3.Profile{"copies": fakes3.B2(), "does not copy": noCopy, "ignores": fakes3.NoConditions()} {
		t.Run(name, func(t *testing.T) {
			store, srv := s3test.NewSmallParts(profile, s3store.Options{TempDir: t.TempDir()})
			s3test.Prove(t, store, srv)
			want := ""
			for i, n := range []int{0, 10, 400, 3000, 10} {
				var v rotatelog.Version
				if i > 0 {
					v = s3test.Stat(t, store, "key").Version
				}
				more := strings.Repeat(fmt.Sprint(i), n)
				var intents s3test.Intents
				err := store.WriteIntent(t.Context(), "key", v, []rotatelog.Part{rotatelog.Copy(0, int64(len(want))), rotatelog.Data([]byte(more))}, nil, intents.Save)
				if err != nil {
					t.Fatal(err)
				}
				if want += more; len(intents) < 3 || intents.Last() != "" {
					t.Errorf("write %d saved %q", i, intents)
				}
				s3test.WantContent(t, store, "key", want)
			}
			if n := srv.Stats().Requests["PutObject"]; n > 0 {
				t.Errorf("%d PutObject", n)
			}
			s3test.WantOpen(t, srv)
		})
	}
}

// TestCopyingIsTriedAgain with the next write after one answer that says that the server
// does not, and an hour after three in a row, whichever of such answers they are.
func TestCopyingIsTriedAgain(t *testing.T) {
	for _, operation := range []string{"CreateMultipartUpload", "UploadPartCopy"} {
		for _, answer := range []fakes3.Error{{Status: 501}, {Status: 405, Code: "MethodNotAllowed"}, {Status: 411, Code: "MissingContentLength"}} {
			t.Run(fmt.Sprint(operation, answer.Status), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { copyingIsTriedAgain(t, operation, failing(answer.Status, answer.Code, operation)) })
			})
		}
	}
}

func copyingIsTriedAgain(t *testing.T, operation string, refuse func(fakes3.Op) fakes3.Fault) {
	store, srv := s3test.NewSmallParts(fakes3.Linode(), s3store.Options{})
	s3test.Prove(t, store, srv)
	s3test.Write(t, store, "key", "", nil, rotatelog.Data(bytes.Repeat([]byte("o"), 400)))
	copied := func() int64 { return srv.Stats().Copied }
	tries := func() int { return srv.Stats().Requests[operation] }
	grow := func(fault func(fakes3.Op) fakes3.Fault) {
		t.Helper()
		srv.Fault = fault
		s3test.Write(t, store, "key", s3test.Stat(t, store, "key").Version, nil, rotatelog.Copy(0, 400), rotatelog.Data([]byte(rand.Text())))
	}
	grow(refuse)
	n := copied()
	if grow(nil); copied() == n {
		t.Error("after one refusal the server is not asked to copy any more")
	}
	begun := tries()
	for range 6 {
		grow(refuse)
	}
	if n := tries() - begun; n < 3 || operation == "CreateMultipartUpload" && n != 3 {
		t.Errorf("%s was tried %d times, want 3", operation, n)
	}
	time.Sleep(time.Hour)
	n = copied()
	if grow(nil); copied() == n {
		t.Error("an hour later it was not tried")
	}
}

// TestWeakETagsOfParts, as a proxy that compresses makes them.
func TestWeakETagsOfParts(t *testing.T) {
	srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.Linode(), MinPartSize: s3test.MinPart})
	weak := s3test.Through(client, srv, func(next http.RoundTripper) http.RoundTripper {
		return s3test.RoundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := next.RoundTrip(req)
			if err == nil && resp.Header.Get("Etag") != "" {
				resp.Header.Set("Etag", "W/"+resp.Header.Get("Etag"))
			}
			return resp, err
		})
	})
	store := s3test.NewStore(weak, s3test.SmallParts(s3store.Options{}, s3test.MinPart))
	s3test.Write(t, store, "key", "", nil, rotatelog.Data(bytes.Repeat([]byte("o"), 400)))
	s3test.Write(t, store, "key", s3test.Stat(t, store, "key").Version, nil, rotatelog.Copy(0, 400), rotatelog.Data([]byte("+")))
	s3test.WantContent(t, store, "key", strings.Repeat("o", 400)+"+")
}

// TestMissingETagIsAskedForAgain, since an object may have none for an instant.
func TestMissingETagIsAskedForAgain(t *testing.T) {
	for _, profile := range []fakes3.Profile{fakes3.Rclone(), fakes3.Linode()} {
		for missing := range 4 {
			synctest.Test(t, func(t *testing.T) {
				srv, client := s3test.NewFake(fakes3.Options{Profile: profile})
				store := s3test.NewStore(client, s3store.Options{})
				s3test.Prove(t, store, srv)
				v := rotatelog.Version(srv.PutObject(s3test.Bucket, "key", []byte("content"), nil))
				_, statErr := func() (rotatelog.Object, error) {
					srv.Fault = withoutETag(missing)
					return store.Stat(t.Context(), "key")
				}()
				srv.Fault = withoutETag(missing)
				_, readErr := s3test.ReadAll(t.Context(), store, "key", v, 0, -1)
				for op, err := range map[string]error{"Stat": statErr, "Read": readErr} {
					if lasts := missing == 3; lasts != (err != nil) || lasts && !errors.Is(err, rotatelog.ErrPermanent) {
						t.Errorf("%s: %s, with %d answers without an ETag: %v", profile.Name, op, missing, err)
					}
				}
			})
		}
	}
}

// TestReplacedObjectIsAskedForAgain: where a GET fails if the object is replaced meanwhile,
// one that meets a write at each of the client's attempts is tried again.
func TestReplacedObjectIsAskedForAgain(t *testing.T) {
	for _, writes := range []int{1, 3, 8, 9} { // the client tries three times for each of three
		synctest.Test(t, func(t *testing.T) {
			srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.RGW16()})
			store := s3test.NewStore(client, s3store.Options{})
			s3test.Prove(t, store, srv)
			var v rotatelog.Version
			replace := func() { v = rotatelog.Version(srv.PutObject(s3test.Bucket, "key", []byte("content"), nil)) }
			while := func() {
				n := 0
				srv.Fault = func(op fakes3.Op) fakes3.Fault {
					if n++; op.Name == "GetObject" && n <= writes {
						replace()
					}
					return fakes3.Fault{}
				}
			}
			replace()
			while()
			_, statErr := store.Stat(t.Context(), "key")
			while()
			_, readErr := s3test.ReadAll(t.Context(), store, "key", v, 0, -1)
			for op, err := range map[string]error{"Stat": statErr, "Read": readErr} {
				if lasts := writes == 9; lasts != (err != nil) || errors.Is(err, rotatelog.ErrPermanent) {
					t.Errorf("%s, with %d writes: %v", op, writes, err)
				}
			}
		})
	}
}

// withoutETag removes the ETag from the next n answers.
func withoutETag(n int) func(fakes3.Op) fakes3.Fault {
	return func(op fakes3.Op) fakes3.Fault {
		n--
		return fakes3.Fault{NoETag: n >= 0}
	}
}

func TestS3Location(t *testing.T) {
	for endpoint, want := range map[string]string{
		"https://us-ord-1.linodeobjects.com":      "us-ord-1.linodeobjects.com/logs",
		"https://US-ORD-1.linodeobjects.com:443/": "us-ord-1.linodeobjects.com/logs",
		"http://localhost:80":                     "localhost/logs",
		"http://localhost:443":                    "localhost:443/logs",
		"https://[::1]:9000":                      "[::1]:9000/logs",
	} {
		if got := s3test.NewStore(s3test.NewClient(endpoint), s3store.Options{}).Location(); got != want {
			t.Errorf("%s: %q, want %q", endpoint, got, want)
		}
	}
	amazon := s3.New(s3test.NewClient("http://s3.test").Options(), func(o *s3.Options) { o.BaseEndpoint = nil })
	if got := s3test.NewStore(amazon, s3store.Options{}).Location(); got != "s3.us-east-1.amazonaws.com/logs" {
		t.Errorf("Amazon S3: %q", got)
	}
}

// TestProbeProgress: Probe says what it tries next.
func TestProbeProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, client := s3test.NewFake(fakes3.Options{})
		var steps []string
		store := s3test.NewStore(client, s3store.Options{})
		_, err := store.Probe(t.Context(), "", s3store.ProbeOptions{Progress: func(step string) { steps = append(steps, step) }})
		if n := len(steps); err != nil || n < 10 || steps[0] != "whether the bucket can be reached" || steps[n-1] != "cleaning up" {
			t.Errorf("%v, steps %q", err, steps)
		}
	})
}

// TestSharingIsRefusedWhereRacesAreLost: a server may honour each condition, and
// lose writes that come at once.
func TestSharingIsRefusedWhereRacesAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.Rclone()})
		store := s3test.NewStore(client, s3store.Options{Shared: true})
		err := store.Write(t.Context(), "key", "", []rotatelog.Part{rotatelog.Data([]byte("a"))}, nil)
		if !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), "Writers cannot share a key here") || !strings.Contains(err.Error(), "writers at once") {
			t.Errorf("a shared key: %v", err)
		}
		if keys := srv.Keys(s3test.Bucket); len(keys) > 0 {
			t.Errorf("stored %q", keys)
		}
		s3test.Write(t, s3test.NewStore(client, s3store.Options{}), "key", "", nil, rotatelog.Data([]byte("a")))
	})
}
