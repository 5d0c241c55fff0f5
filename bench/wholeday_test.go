package bench

import (
	"context"
	"flag"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/clocktest"
	"example.com/rotatelog/internal/football"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

var (
	dayLimit = flag.Duration("daylimit", 3*time.Minute, "time for the uploads of one day, after which the rest is left out")
	largeOn  = flag.String("largeon", "fake", "server for the day of 2.6 GB: fake, whose copies cost nothing, or rgw or versity, which take half an hour or longer")
)

const (
	uploadsADay = 144
	interval    = 59 * time.Second // between fetches: 1,440 of them are just within a day
)

// BenchmarkDay uploads a whole day, one batch after the other, and the first
// batch of the next, which closes the day. Each upload is a benchmark of its own,
// so that the time of the k-th is seen; run it with -benchtime 1x.
func BenchmarkDay(b *testing.B) {
	for _, s := range needServers(b) {
		b.Run("stage=small/server="+s.Name, func(b *testing.B) {
			b.Run("link=slow/way=rotatelog", func(b *testing.B) { wholeDay(b, s, *bandwidth, *delay, smallFetch, oneProcess) })
			b.Run("link=loopback/way=processes", func(b *testing.B) { wholeDay(b, s, 0, 0, smallFetch, oneProcessAFetch) })
			if s.Name == "rgw" {
				b.Run("link=slow/way=script", func(b *testing.B) { wholeDay(b, s, *bandwidth, *delay, smallFetch, theScript) })
			}
		})
	}
	b.Run("stage=large/server="+*largeOn+"/link=loopback/way=rotatelog", func(b *testing.B) {
		wholeDay(b, serverNamed(b, *largeOn), 0, 0, largeFetch, oneProcess)
	})
}

func serverNamed(b *testing.B, name string) Server {
	for _, s := range Servers() {
		if s.Name == name {
			return s
		}
	}
	if name != "fake" {
		b.Skipf("the environment names no %s", name)
	}
	return fake(b)
}

// dayRun is a day that is being uploaded.
type dayRun struct {
	server   Server
	stream   Stream
	link     *Link
	clock    *clocktest.Clock
	feed     *football.Feed
	requests Requests
}

// wholeDay measures every upload of a day. start returns a function that uploads a
// batch, and one that ends.
func wholeDay(b *testing.B, s Server, bandwidth Size, delay time.Duration, fetch int, start func(*testing.B, *dayRun) (upload func(*testing.B, [][]byte), end func())) {
	link, err := NewLink(s.Host(), int64(bandwidth), delay)
	if err != nil {
		b.Fatal(err)
	}
	defer link.Close()
	r := &dayRun{
		server: s.Behind(link), link: link,
		stream: Stream{filepath.Join(b.TempDir(), "stream"), newPrefix()},
		clock:  clocktest.New(football.Start()),
		feed:   football.New(5, fetch),
	}
	b.Cleanup(func() { s.Remove(context.Background(), r.stream.Key()) })
	upload, end := start(b, r)
	defer end()
	began := time.Now()
	for k := 1; k <= uploadsADay+1; k++ {
		if time.Since(began) > *dayLimit {
			b.Logf("left out from upload %d on: %v are over", k, *dayLimit)
			return
		}
		b.Run(fmt.Sprintf("k=%03d", k), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				batch := nextBatch(r.feed)
				passed, asked := r.link.Bytes(), r.requests.Total()
				if k > uploadsADay {
					r.clock.Advance(time.Hour)
				}
				upload(b, batch)
				b.StopTimer()
				freeSpace(b, s, Size(k*fetches*fetch))
				b.StartTimer()
				b.ReportMetric(float64(r.link.Bytes()-passed), "wire-bytes/upload")
				b.ReportMetric(float64(size(batch)), "new-bytes/upload")
				b.ReportMetric(float64(r.requests.Total()-asked), "requests/upload")
			}
		})
	}
}

func size(batch [][]byte) (n int) {
	for _, fetch := range batch {
		n += len(fetch)
	}
	return n
}

func (r *dayRun) config(b *testing.B, store rotatelog.Store) rotatelog.Config {
	cfg := r.stream.Config(store, b.Output())
	cfg.Clock = r.clock
	return cfg
}

// oneProcess has one Writer that is open all day. The time of an upload starts with
// the tenth Append.
func oneProcess(b *testing.B, r *dayRun) (func(*testing.B, [][]byte), func()) {
	client := r.server.Client(&r.requests)
	w := open(b, r.config(b, s3test.Must(s3store.New(client, r.server.Bucket, s3store.Options{}))))
	upload := func(b *testing.B, batch [][]byte) {
		for n, fetch := range batch {
			r.clock.Advance(interval)
			if n == len(batch)-1 {
				b.StartTimer()
			}
			if _, err := w.Append(b.Context(), fetch); err != nil {
				b.Fatal(err)
			}
		}
		if err := w.Drain(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	return upload, func() {
		w.Close()
		hangUp(client)
	}
}

// oneProcessAFetch opens and closes a Writer for each fetch, with its own store
// and connections. The time of an upload is that of the tenth.
func oneProcessAFetch(_ *testing.B, r *dayRun) (func(*testing.B, [][]byte), func()) {
	upload := func(b *testing.B, batch [][]byte) {
		for n, fetch := range batch {
			r.clock.Advance(interval)
			if n == len(batch)-1 {
				b.StartTimer()
			}
			appendOne(b, r, fetch)
		}
	}
	return upload, func() {}
}

// appendOne is the life of a process like rotatelog append --one.
func appendOne(b *testing.B, r *dayRun, fetch []byte) {
	client := r.server.Client(&r.requests)
	defer hangUp(client)
	w := open(b, r.config(b, s3test.Must(s3store.New(client, r.server.Bucket, s3store.Options{}))))
	defer w.Close()
	if _, err := w.Append(b.Context(), fetch); err != nil {
		b.Fatal(err)
	}
	if err := w.CloseAppend(); err != nil {
		b.Fatal(err)
	}
	if err := w.Drain(b.Context()); err != nil {
		b.Fatal(err)
	}
}

func theScript(_ *testing.B, r *dayRun) (func(*testing.B, [][]byte), func()) {
	client := r.server.Client(&r.requests)
	upload := func(b *testing.B, batch [][]byte) {
		r.clock.Advance(fetches * interval)
		now := r.clock.Now()
		key := strings.Replace(r.stream.Key(), "2025-07-10", now.Format("2006-01-02"), 1)
		b.StartTimer()
		if err := (Script{client, r.server.Bucket, key}).Upload(b.Context(), batch, now); err != nil {
			b.Fatal(err)
		}
	}
	return upload, func() { hangUp(client) }
}
