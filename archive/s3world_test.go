package archive_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/fakes3"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// bucket is a world whose store is a bucket of a server.
type bucket struct {
	*world
	srv  *fakes3.Server
	opts s3store.Options
}

// inBucket runs a test on a bucket. minPart is the smallest part that the server copies:
// 0 means that of S3, below which days are written whole.
func inBucket(t *testing.T, p fakes3.Profile, minPart int64, test func(t *testing.T, b *bucket)) {
	t.Helper()
	inWorld(t, func(t *testing.T, w *world) {
		b := &bucket{world: w}
		b.srv, _ = s3test.NewFake(fakes3.Options{Profile: p, MinPartSize: minPart})
		if minPart > 0 {
			b.opts = s3test.SmallParts(s3store.Options{}, minPart)
		}
		b.cfg.Store = b.store(nil)
		test(t, b)
	})
}

// store returns a store of the bucket, as a process of its own has it. wrap may change
// its transport.
func (b *bucket) store(wrap func(http.RoundTripper) http.RoundTripper) *s3store.Store {
	client := s3test.InProcess(s3test.NewClient("http://s3.test"), b.srv)
	if wrap != nil {
		client = s3test.Through(client, b.srv, wrap)
	}
	return s3test.NewStore(client, b.opts)
}

func (b *bucket) archive() rotatelog.Archive {
	a := b.world.archive()
	a.Store = b.cfg.Store
	return a
}

func (b *bucket) verify() archive.Report {
	b.t.Helper()
	r, err := archive.VerifyDay(b.t.Context(), b.archive(), day, archive.VerifyOptions{Count: footer})
	if err != nil {
		b.t.Fatalf("verify: %v", err)
	}
	return r
}

// key returns the key of the day's object.
func (b *bucket) key() string { return b.archive().Key(day, b.cfg.Compression) }

// object returns the text of the day's object, "" if there is none.
func (b *bucket) object() string {
	data, _, _ := b.srv.Object(s3test.Bucket, b.key())
	return string(data)
}

// hurt changes the object, and leaves its metadata. An edit to "gone" deletes it.
func (b *bucket) hurt(edit func(string) string) (bad string) {
	data, meta, _ := b.srv.Object(s3test.Bucket, b.key())
	bad = edit(string(data))
	if bad == gone {
		b.srv.DeleteObject(s3test.Bucket, b.key())
		return bad
	}
	b.srv.PutObject(s3test.Bucket, b.key(), []byte(bad), meta)
	return bad
}

const gone = "gone"

// replaceAt has replace called at the nth request of an operation on the day's object, which
// meets a fault: before it is executed or, if the answer is torn, meanwhile.
func (b *bucket) replaceAt(op string, nth int32, fault fakes3.Fault, replace func()) {
	var asked atomic.Int32
	b.srv.Fault = func(o fakes3.Op) fakes3.Fault {
		if o.Key != b.key() || o.Name != op || asked.Add(1) != nth {
			return fakes3.Fault{}
		}
		if fault.Torn {
			time.AfterFunc(time.Second, replace)
		} else {
			replace()
		}
		return fault
	}
}

// kept returns what was kept of the day's objects.
func (b *bucket) kept() (texts []string) {
	for _, key := range b.srv.Keys(s3test.Bucket) {
		if strings.HasPrefix(key, "all_api_rotating_logs/damaged/") {
			data, _, _ := b.srv.Object(s3test.Bucket, key)
			texts = append(texts, string(data))
		}
	}
	return texts
}

// restore plans to restore the day, and does it.
func (b *bucket) restore(ctx context.Context, sources ...archive.Source) (archive.Report, error) {
	m, err := rotatelog.OpenMaintenance(ctx, b.cfg)
	if err != nil {
		return archive.Report{}, err
	}
	defer m.Close()
	_, r, err := archive.Restore(ctx, m, b.archive(), day, archive.RestoreOptions{Sources: sources})
	return r, err
}

// fetches returns the numbers of the fetches in the day, in order.
func fetches(t *testing.T, text string) (all []int) {
	t.Helper()
	var d struct {
		Uploads []struct {
			FetchData []struct {
				Data struct {
					N int `json:"n"`
				} `json:"RAW_API_DATA"`
			} `json:"fetch_data"`
		}
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatalf("%v in %.300s", err, text)
	}
	for _, u := range d.Uploads {
		for _, f := range u.FetchData {
			all = append(all, f.Data.N)
		}
	}
	return all
}

// wantWhole wants the day to be good, and to hold the fetches 1 to n once each.
func (b *bucket) wantWhole(n int) {
	b.t.Helper()
	r := b.verify()
	got := fetches(b.t, b.object())
	slices.Sort(got)
	var want []int
	for i := range n {
		want = append(want, i+1)
	}
	if strings.Trim(strings.ReplaceAll(codes(r), "gap", ""), " ") != "" || !slices.Equal(got, want) {
		b.t.Errorf("%v, fetches %v, want 1 to %d", r.Findings, got, n)
	}
}

// killed is a transport of a process that is killed at one of its requests.
type killed struct {
	mu    sync.Mutex
	left  int  // requests until then
	after bool // the last is executed, and its answer lost
	dead  bool
	kill  context.CancelFunc
	next  http.RoundTripper
}

var errKilled = errors.New("the process was killed")

// RoundTrip implements [http.RoundTripper].
func (k *killed) RoundTrip(req *http.Request) (*http.Response, error) {
	k.mu.Lock()
	k.left--
	dead, last := k.dead, k.left == 0
	k.dead = k.dead || last
	k.mu.Unlock()
	switch {
	case dead:
		return nil, errKilled
	case last && k.after:
		res, err := k.next.RoundTrip(req)
		if err == nil {
			res.Body.Close()
		}
		k.kill()
		return nil, errKilled
	case last:
		k.kill()
		return nil, errKilled
	}
	return k.next.RoundTrip(req)
}

// killedAt runs a process that is killed at its n-th request, and reports whether it got
// that far.
func (b *bucket) killedAt(n int, after bool, run func(ctx context.Context)) bool {
	ctx, cancel := context.WithCancel(b.t.Context())
	defer cancel()
	k := &killed{left: n, after: after, kill: cancel}
	alive := b.cfg.Store
	b.cfg.Store = b.store(func(next http.RoundTripper) http.RoundTripper {
		k.next = next
		return k
	})
	run(ctx)
	b.cfg.Store = alive
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.dead
}
