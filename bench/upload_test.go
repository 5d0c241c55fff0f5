package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/football"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/s3store"
)

// How much is measured.
var (
	maxDay       = sizeFlag("maxday", 64*MB, "largest day")
	maxScriptDay = sizeFlag("maxscript", 20*MB, "largest day for the script, which needs fifteen times as much memory")
	bandwidth    = sizeFlag("bandwidth", 125*MB, "bytes a second, each way, of the link to a server")
	delay        = flag.Duration("delay", 5*time.Millisecond, "one way, of the link to a server")
	collect      = flag.String("collect", "", "shell command that has a server give back the space of what was replaced, run after each upload to a large day")
)

func sizeFlag(name string, size Size, usage string) *Size {
	flag.Var(&size, name, usage)
	return &size
}

// BenchmarkUpload measures one upload to a day of some size. The day is built
// once, and placed in each server at each size. Time runs from the tenth
// Append on until the batch is seen to be in the store.
func BenchmarkUpload(b *testing.B) {
	servers := needServers(b)
	day, err := NewDay(b.TempDir(), newPrefix(), b.Output())
	if err != nil {
		b.Fatal(err)
	}
	defer day.Store.Close()
	for _, size := range []Size{MB, 2 * MB, 4 * MB, 6 * MB, 10 * MB, 20 * MB, 32 * MB, 64 * MB, 256 * MB, 500 * MB, GB, 3 * GB} {
		if size > *maxDay {
			break
		}
		b.Run("day="+size.String(), func(b *testing.B) {
			if err := day.Grow(b.Context(), size); err != nil {
				b.Fatal(err)
			}
			for _, s := range servers {
				b.Run("server="+s.Name, func(b *testing.B) { benchmarkDay(b, s, day, size) })
			}
		})
	}
}

// benchmarkDay measures all ways to upload to one day in one server.
func benchmarkDay(b *testing.B, s Server, day *Day, size Size) {
	b.Cleanup(func() { s.Remove(context.Background(), day.Key()) })
	link, err := NewLink(s.Host(), int64(*bandwidth), *delay)
	if err != nil {
		b.Fatal(err)
	}
	defer link.Close()
	var stream Stream
	if size > cheapToPlace {
		stream = placeDay(b, s, day, size)
	}
	run := func(name string, measure func(b *testing.B, begin func() Stream)) {
		b.Run(batchFor(size)+name, func(b *testing.B) {
			measure(b, func() Stream {
				if size > cheapToPlace {
					return stream
				}
				return placeDay(b, s, day, size)
			})
		})
	}
	run("/link=loopback/way=rotatelog", func(b *testing.B, begin func() Stream) { uploadLibrary(b, s, nil, begin(), size) })
	run("/link=slow/way=rotatelog", func(b *testing.B, begin func() Stream) { uploadLibrary(b, s.Behind(link), link, begin(), size) })
	run("/link=process/way=rotatelog", func(b *testing.B, begin func() Stream) { uploadAlone(b, "rotatelog", s, begin, size) })
	if size <= *maxScriptDay && s.Name == Servers()[0].Name { // the server is the least of its cost
		run("/link=slow/way=script", func(b *testing.B, begin func() Stream) { uploadScript(b, s.Behind(link), link, begin, size) })
		run("/link=process/way=script", func(b *testing.B, begin func() Stream) { uploadAlone(b, "script", s, begin, size) })
	}
	run("/link=loopback/way=getput", func(b *testing.B, begin func() Stream) { uploadGetPut(b, s, begin(), size) }) // the last: it leaves no JSON
}

// cheapToPlace is the size up to which the day is placed again for each way, and for
// each upload of the script. Beyond it, each way continues with what the one before it
// left, a few batches more.
const cheapToPlace = 100 * MB

// placeDay copies the day as it was built to the server, and returns the stream that
// continues it.
func placeDay(b *testing.B, s Server, day *Day, size Size) Stream {
	b.Helper()
	if err := Place(b.Context(), s, day.Store, day.Key()); err != nil {
		b.Fatal(err)
	}
	freeSpace(b, s, size)
	dir, err := os.MkdirTemp(b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	stream, err := day.Fork(dir)
	if err != nil {
		b.Fatal(err)
	}
	return stream
}

// uploader is a Writer whose uploads are measured, from the tenth Append on
// until the batch is seen to be in the store.
type uploader struct {
	w    *rotatelog.Writer
	feed *football.Feed

	requests Requests
	link     *Link // nil: traffic is not counted

	sent, passed, asked int64 // new bytes, bytes on the link, and requests of all uploads
}

func (u *uploader) upload(b *testing.B) {
	b.StopTimer()
	defer b.StartTimer()
	batch := nextBatch(u.feed)
	for _, fetch := range batch[:fetches-1] {
		u.append(b, fetch)
	}
	passed, asked := u.link.Bytes(), u.requests.Uploads()
	b.StartTimer()
	u.append(b, batch[fetches-1])
	if err := u.w.Drain(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.StopTimer()
	u.sent += int64(len(bytes.Join(batch, nil)))
	u.passed += u.link.Bytes() - passed
	u.asked += int64(u.requests.Uploads() - asked)
}

func (u *uploader) append(b *testing.B, fetch []byte) {
	if _, err := u.w.Append(b.Context(), fetch); err != nil {
		b.Fatal(err)
	}
}

func uploadLibrary(b *testing.B, s Server, link *Link, stream Stream, size Size) {
	u := uploader{feed: feedFor(size), link: link}
	client := s.Client(&u.requests)
	defer hangUp(client)
	store := s3test.Must(s3store.New(client, s.Bucket, s3store.Options{}))
	u.w = open(b, stream.Config(store, b.Output()))
	defer u.w.Close()
	u.upload(b) // so that what it wrote last, and what the server does, is known, as it is all day long
	u.sent, u.passed, u.asked = 0, 0, 0
	for b.Loop() {
		u.upload(b)
		b.StopTimer()
		freeSpace(b, s, size)
		b.StartTimer()
	}
	b.ReportMetric(float64(u.asked)/float64(b.N), "requests/upload")
	b.ReportMetric(float64(objectSize(b, store, stream.Key())), "day-bytes")
	reportTraffic(b, link, u.passed, u.sent)
}

// uploadAlone does each upload in a process of its own, and reports the memory
// that the last one took.
func uploadAlone(b *testing.B, way string, s Server, begin func() Stream, size Size) {
	fetch := largeFetch
	if size <= smallDay {
		fetch = smallFetch
	}
	var used Memory
	for b.Loop() {
		var err error
		stream := begin()
		if used, err = (Task{Way: way, Server: s, Stream: stream, Fetch: fetch}).Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		freeSpace(b, s, size)
		b.StartTimer()
	}
	b.ReportMetric(0, "ns/op") // most of it is starting the process
	used.report(b)
}

func (m Memory) report(b *testing.B) {
	b.ReportMetric(float64(m.Idle)/(1<<20), "idle-MiB")
	b.ReportMetric(float64(m.Resident)/(1<<20), "resident-MiB")
	b.ReportMetric(float64(m.Heap)/(1<<20), "heap-MiB")
}

func uploadScript(b *testing.B, s Server, link *Link, begin func() Stream, size Size) {
	client := s.Client(new(Requests))
	defer hangUp(client)
	feed := feedFor(size)
	passed := link.Bytes()
	var sent int64
	for b.Loop() {
		b.StopTimer()
		script := Script{client, s.Bucket, begin().Key()}
		batch := nextBatch(feed)
		b.StartTimer()
		if err := script.Upload(b.Context(), batch, football.Start()); err != nil {
			b.Fatal(err)
		}
		sent += int64(len(bytes.Join(batch, nil)))
	}
	reportTraffic(b, link, link.Bytes()-passed, sent)
	b.ReportMetric(2, "requests/upload")
}

func uploadGetPut(b *testing.B, s Server, stream Stream, size Size) {
	client := s.Client(new(Requests))
	defer hangUp(client)
	whole := GetPut{client, s.Bucket, stream.Key(), int64(size)}
	feed := feedFor(size)
	for b.Loop() {
		b.StopTimer()
		batch := bytes.Join(nextBatch(feed), nil)
		b.StartTimer()
		if err := whole.Upload(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		freeSpace(b, s, size)
		b.StartTimer()
	}
	b.ReportMetric(2, "requests/upload")
}

// reportTraffic reports the bytes that passed the link relative to the new bytes.
func reportTraffic(b *testing.B, link *Link, passed, sent int64) {
	b.ReportMetric(float64(sent)/float64(b.N), "new-bytes/upload")
	if link != nil {
		b.ReportMetric(float64(passed)/float64(sent), "wire-bytes/new-byte")
	}
}

func batchFor(size Size) string {
	if size > smallDay {
		return "batch=18MB"
	}
	return "batch=130kB"
}

// feedFor returns the feed to append to a day of that size.
func feedFor(size Size) *football.Feed {
	if size > smallDay {
		return football.New(3, largeFetch)
	}
	return football.New(3, smallFetch)
}

// freeSpace makes the gateway free at once what it would keep for a while: a day of
// gigabytes that is replaced repeatedly would fill its memory.
func freeSpace(b *testing.B, s Server, size Size) {
	if s.Name != "rgw" || *collect == "" || size < 500*MB {
		return
	}
	if out, err := exec.Command("sh", "-c", *collect).CombinedOutput(); err != nil {
		b.Logf("%s: %v: %s", *collect, err, out)
	}
}

func open(b *testing.B, cfg rotatelog.Config) *rotatelog.Writer {
	b.Helper()
	w, err := rotatelog.Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	return w
}

func needServers(b *testing.B) []Server {
	b.Helper()
	found := Servers()
	if len(found) == 0 {
		b.Skip("neither ROTATELOG_RGW_ENDPOINT nor ROTATELOG_VERSITY_ENDPOINT names a server; ./run starts them")
	}
	return found
}

// newPrefix returns an unused prefix of keys.
func newPrefix() string { return "bench/" + strings.ToLower(rand.Text()) + "/" }
