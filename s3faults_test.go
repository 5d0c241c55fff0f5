package rotatelog_test

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// headAbsent answers HEAD with a bare 404 while on, as a proxy may.
func headAbsent(on *bool) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return s3test.RoundTripper(func(req *http.Request) (*http.Response, error) {
			if !*on || req.Method != http.MethodHead {
				return next.RoundTrip(req)
			}
			return &http.Response{Status: "404 Not Found", StatusCode: 404, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
				Header: http.Header{"Content-Type": {"text/html"}, "Server": {"nginx"}}, Body: http.NoBody, Request: req}, nil
		})
	}
}

// TestHeadOfAProxyIsNotBelieved: a proxy answers HEAD with 404 for a while, and
// nothing of the day is lost.
func TestHeadOfAProxyIsNotBelieved(t *testing.T) {
	for _, profile := range []fakes3.Profile{fakes3.Linode(), fakes3.Strict(), fakes3.NoConditions()} {
		t.Run(profile.Name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				srv, client := s3test.NewFake(fakes3.Options{Profile: profile})
				on := false
				b.cfg.Store = s3test.NewStore(s3test.Through(client, srv, headAbsent(&on)), s3store.Options{})
				b.open()
				for i := range 20 {
					b.append(i)
					b.flush()
				}
				before := s3Day(t, srv, dayA).Metadata.Uploads
				on = true
				b.append(100)
				b.flush()
				if after := s3Day(t, srv, dayA).Metadata.Uploads; after != before+1 {
					t.Errorf("the day had %d uploads, got one more, and has %d\n%s", before, after, b.log)
				}
			})
		})
	}
}

// TestHeadOfAProxyHidesNothing from a process that knows nothing of the day, which
// the old script has begun.
func TestHeadOfAProxyHidesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.Linode()})
		on := true
		b.cfg.Store = s3test.NewStore(s3test.Through(client, srv, headAbsent(&on)), s3store.Options{})
		srv.PutObject(s3test.Bucket, dayA, []byte(`{"uploads":[{"upload_sequence":1,"fetch_data":[{"old":1},{"old":2}]}]}`), nil)
		b.open()
		b.append(100)
		b.flush()
		data, _, _ := srv.Object(s3test.Bucket, dayA)
		if !bytes.Contains(data, []byte(`"old":1`)) {
			t.Errorf("the day of the script was overwritten by\n%s", data)
		}
	})
}

// barePuts counts the PutObject requests of days that carry no condition.
func barePuts(n *int) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return s3test.RoundTripper(func(req *http.Request) (*http.Response, error) {
			put := req.Method == http.MethodPut && !req.URL.Query().Has("uploadId") && !s3test.IsProof(req.URL.Path)
			if put && req.Header.Get("If-Match") == "" && req.Header.Get("If-None-Match") == "" {
				*n++
			}
			return next.RoundTrip(req)
		})
	}
}

// TestRefusalsDropNoCondition: after a condition that holds was refused, every
// PutObject is still sent with a condition, and one that arrives hours after it was
// given up undoes nothing.
func TestRefusalsDropNoCondition(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	for _, refusals := range []int{1, 2, 4} {
		for _, status := range []int{409, 412} {
			for _, profile := range []fakes3.Profile{fakes3.Strict(), fakes3.Linode(), fakes3.RGW20(), fakes3.MinIO()} {
				for _, shared := range []bool{false, true} {
					t.Run(profile.Name, func(t *testing.T) { refusedThenLate(t, profile, status, refusals, shared) })
				}
			}
		}
	}
}

func refusedThenLate(t *testing.T, profile fakes3.Profile, status, refusals int, shared bool) {
	inBubble(t, func(t *testing.T, b *bench) {
		srv, client := s3test.NewFake(fakes3.Options{Profile: profile})
		bare := 0
		b.cfg.Store = s3test.NewStore(s3test.Through(client, srv, barePuts(&bare)), s3store.Options{Shared: shared})
		b.cfg.MaxFetches = 1
		b.open()
		b.append(0)
		b.flush()
		srv.Fault = s3test.ExceptProofs(func(op fakes3.Op) fakes3.Fault {
			switch {
			case op.Name != "PutObject":
			case op.N <= refusals:
				return fakes3.Fault{Reply: fakes3.Error{Status: status}}
			case op.N == refusals+1:
				return fakes3.Fault{Later: true} // the connection breaks; it arrives hours later
			}
			return fakes3.Fault{}
		})
		for i := range 15 {
			b.append(100 + i)
			b.flush()
			time.Sleep(10 * time.Minute)
		}
		before := s3Day(t, srv, dayA).Metadata.Uploads
		srv.Release()
		b.append(200)
		b.flush()
		if after := s3Day(t, srv, dayA).Metadata.Uploads; before != 16 || after != before+1 || bare > 0 {
			t.Errorf("the day had %d uploads, got one more, and has %d; %d PutObject without a condition", before, after, bare)
		}
	})
}

// TestCloseDoesNotWaitForAProof: Close returns even if the server hangs meanwhile.
func TestCloseDoesNotWaitForAProof(t *testing.T) {
	for _, shared := range []bool{false, true} {
		for after := 1; after <= 60; after += 5 {
			inBubble(t, func(t *testing.T, b *bench) {
				srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.RGW20()})
				var requests atomic.Int64 // a proof sends several at once
				srv.Fault = func(fakes3.Op) fakes3.Fault {
					if int(requests.Add(1)) > after {
						return fakes3.Fault{Delay: 24 * time.Hour}
					}
					return fakes3.Fault{}
				}
				b.cfg.Store = s3test.NewStore(client, s3store.Options{Shared: shared})
				b.open()
				b.append(ten...)
				time.Sleep(5 * time.Second)
				begin := time.Now()
				b.Close()
				if took := time.Since(begin); took > 3*time.Second {
					t.Errorf("shared %t, after %d requests: Close took %v", shared, after, took)
				}
				b.Writer = nil
				time.Sleep(25 * time.Hour) // until the server has noticed
			})
		}
	}
}

// TestKilledProcessLeavesNoTemporaryFile while it sends one.
func TestKilledProcessLeavesNoTemporaryFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		srv, client := s3test.NewFake(fakes3.Options{Profile: fakes3.Linode(), MinPartSize: s3test.MinPart})
		store := s3test.NewStore(client, s3test.SmallParts(s3store.Options{TempDir: dir}, s3test.MinPart))
		s3test.Write(t, store, "key", "", nil, rotatelog.Data([]byte(strings.Repeat("o", 4000))))
		puts := 0
		srv.Fault = func(op fakes3.Op) fakes3.Fault {
			switch op.Name {
			case "CreateMultipartUpload":
				return fakes3.Fault{Reply: fakes3.Error{Status: 501}}
			case "PutObject":
				puts++
				if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
					t.Errorf("a process that is killed now leaves %v, %v", left, err)
				}
			}
			return fakes3.Fault{}
		}
		s3test.Write(t, store, "key", s3test.Stat(t, store, "key").Version, nil, rotatelog.Copy(0, 4000), rotatelog.Data([]byte("+")))
		if puts != 1 {
			t.Errorf("%d PutObject, want 1", puts)
		}
		s3test.WantContent(t, store, "key", strings.Repeat("o", 4000)+"+")
	})
}
