package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"flag"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/football"
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
	for _, size := range []Size{MB, 2 * MB, 4 * MB, 6 * MB, 10 * MB, 20 * MB, 64 * MB, 256 * MB, 500 * MB, GB, 3 * GB} {
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

// benchmarkDay measures all ways to upload to one day in one server, which goes
// on from one to the next.
func benchmarkDay(b *testing.B, s Server, day *Day, size Size) {
	if err := Place(b.Context(), s, day.Store, day.Key()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Remove(context.Background(), day.Key()) })
	freeSpace(b, s, size)
	stream, err := day.Fork(filepath.Join(b.TempDir(), "fork"))
	if err != nil {
		b.Fatal(err)
	}
	link, err := NewLink(s.Host(), int64(*bandwidth), *delay)
	if err != nil {
		b.Fatal(err)
	}
	defer link.Close()

	batch := "batch=130kB/"
	if size > smallDay {
		batch = "batch=18MB/"
	}
	b.Run(batch+"link=slow/way=rotatelog", func(b *testing.B) { uploadLibrary(b, s.Behind(link), link, stream, size) })
	b.Run(batch+"link=loopback/way=rotatelog", func(b *testing.B) { uploadLibrary(b, s, nil, stream, size) })
	b.Run(batch+"link=process/way=rotatelog", func(b *testing.B) { uploadAlone(b, "rotatelog", s, stream, size) })
	if size <= *maxScriptDay {
		b.Run(batch+"link=slow/way=script", func(b *testing.B) { uploadScript(b, s.Behind(link), link, stream, size) })
		b.Run(batch+"link=process/way=script", func(b *testing.B) { uploadAlone(b, "script", s, stream, size) })
	}
	b.Run(batch+"link=loopback/way=getput", func(b *testing.B) { uploadGetPut(b, s, stream, size) }) // the last: it leaves no JSON
}

func uploadLibrary(b *testing.B, s Server, link *Link, stream Stream, size Size) {
	var requests Requests
	client := s.Client(&requests)
	defer hangUp(client)
	w := open(b, stream.Config(rotatelog.NewS3Store(client, s.Bucket, rotatelog.S3Options{}), b.Output()))
	defer w.Close()
	feed := feedFor(size)
	if size <= smallDay {
		upload(b, w, feed) // so that what it wrote last is known, as it is all day long
	}
	asked, passed := requests.Uploads(), link.Bytes()
	var sent int64
	for b.Loop() {
		sent += upload(b, w, feed)
		b.StopTimer()
		freeSpace(b, s, size)
		b.StartTimer()
	}
	b.ReportMetric(float64(requests.Uploads()-asked)/float64(b.N), "requests/upload")
	reportTraffic(b, link, passed, sent)
}

// uploadAlone does each upload in a process of its own, and reports the memory
// that the last one took.
func uploadAlone(b *testing.B, way string, s Server, stream Stream, size Size) {
	fetch := largeFetch
	if size <= smallDay {
		fetch = smallFetch
	}
	var used Memory
	for b.Loop() {
		var err error
		if used, err = (Task{Way: way, Server: s, Stream: stream, Fetch: fetch}).Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		freeSpace(b, s, size)
		b.StartTimer()
	}
	b.ReportMetric(0, "ns/op") // of which most is the process
	b.ReportMetric(float64(used.Idle)/(1<<20), "idle-MiB")
	b.ReportMetric(float64(used.Resident)/(1<<20), "resident-MiB")
	b.ReportMetric(float64(used.Heap)/(1<<20), "heap-MiB")
}

// upload appends a batch and waits until it is in the store. It returns how many
// bytes that has. What precedes the last Append is not timed.
func upload(b *testing.B, w *rotatelog.Writer, feed *football.Feed) (size int64) {
	b.StopTimer()
	defer b.StartTimer()
	for n := range fetches {
		fetch := feed.Next()
		size += int64(len(fetch))
		if n == fetches-1 {
			b.StartTimer()
		}
		if _, err := w.Append(b.Context(), fetch); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Drain(b.Context()); err != nil {
		b.Fatal(err)
	}
	return size
}

func uploadScript(b *testing.B, s Server, link *Link, stream Stream, size Size) {
	client := s.Client(new(Requests))
	defer hangUp(client)
	script := Script{client, s.Bucket, stream.Key()}
	feed := feedFor(size)
	passed := link.Bytes()
	var sent int64
	for b.Loop() {
		b.StopTimer()
		batch := nextBatch(feed)
		b.StartTimer()
		if err := script.Upload(b.Context(), batch, football.Start()); err != nil {
			b.Fatal(err)
		}
		sent += int64(len(bytes.Join(batch, nil)))
	}
	reportTraffic(b, link, passed, sent)
	b.ReportMetric(2, "requests/upload")
}

func uploadGetPut(b *testing.B, s Server, stream Stream, size Size) {
	client := s.Client(new(Requests))
	defer hangUp(client)
	whole := GetPut{client, s.Bucket, stream.Key()}
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

// reportTraffic reports what has passed a link since passed did, for sent bytes.
func reportTraffic(b *testing.B, link *Link, passed, sent int64) {
	b.ReportMetric(float64(sent)/float64(b.N), "new-bytes/upload")
	if link != nil {
		b.ReportMetric(float64(link.Bytes()-passed)/float64(sent), "wire-bytes/new-byte")
	}
}

// feedFor returns what is appended to a day of that size.
func feedFor(size Size) *football.Feed {
	if size > smallDay {
		return football.New(3, largeFetch)
	}
	return football.New(3, smallFetch)
}

// freeSpace has the gateway give back at once what it would keep for a while: a
// day of gigabytes that is replaced again and again would fill its memory.
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

// newPrefix returns a prefix of keys that nobody has used.
func newPrefix() string { return "bench/" + strings.ToLower(rand.Text()) + "/" }
