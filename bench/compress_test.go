package bench

import (
	"path/filepath"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/football"
)

// BenchmarkCompress measures an upload to a store without a network: reading the
// batch, compacting, and compressing it. The ratio is that of the fetches to what
// the object grew by. The memory is that of a process which makes one upload to a
// fake server.
func BenchmarkCompress(b *testing.B) {
	for _, batch := range []struct {
		name  string
		fetch int
	}{{"130kB", smallFetch}, {"18MB", largeFetch}} {
		for _, c := range []struct {
			name   string
			choice rotatelog.Compression
		}{{"none", rotatelog.Uncompressed}, {"zstd", rotatelog.Zstd}, {"gzip", rotatelog.Gzip}} {
			b.Run("batch="+batch.name+"/compression="+c.name, func(b *testing.B) {
				benchmarkCompress(b, batch.fetch, c.choice)
			})
		}
	}
}

func benchmarkCompress(b *testing.B, fetch int, choice rotatelog.Compression) {
	task := Task{
		Way: "rotatelog", Server: fake(b), Stream: Stream{filepath.Join(b.TempDir(), "alone"), "days/"},
		Fetch: fetch, Compression: choice,
	}
	used, err := task.Start(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	rope := newRope(b)
	cfg := Stream{filepath.Join(b.TempDir(), "stream"), "days/"}.Config(rope, b.Output())
	cfg.Compression = choice
	key := ""
	cfg.Hooks.Uploaded = func(u rotatelog.Uploaded) { key = u.Key }
	u := uploader{w: open(b, cfg), feed: football.New(9, fetch)}
	defer u.w.Close()
	u.upload(b)
	before := objectSize(b, rope, key)
	u.sent = 0
	for b.Loop() {
		u.upload(b)
	}
	b.SetBytes(u.sent / int64(b.N))
	b.ReportMetric(float64(u.sent)/float64(objectSize(b, rope, key)-before), "ratio")
	used.report(b)
}

func objectSize(b *testing.B, s rotatelog.Store, key string) int64 {
	b.Helper()
	obj, err := s.Stat(b.Context(), key)
	if err != nil {
		b.Fatal(err)
	}
	return obj.Size
}
