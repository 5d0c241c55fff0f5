package bench

import (
	"path/filepath"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/football"
)

// compressions are what Config offers.
func compressions() map[string]func(*rotatelog.Config) {
	return map[string]func(*rotatelog.Config){
		"none": func(*rotatelog.Config) {},
	}
}

// BenchmarkCompress measures an upload to a store without a network: reading the
// batch, compacting, and compressing it. The ratio is that of the fetches to what
// the object grew by.
func BenchmarkCompress(b *testing.B) {
	for _, batch := range []struct {
		name  string
		fetch int
	}{{"130kB", smallFetch}, {"18MB", largeFetch}} {
		for name, choose := range compressions() {
			b.Run("batch="+batch.name+"/compression="+name, func(b *testing.B) {
				benchmarkCompress(b, batch.fetch, choose)
			})
		}
	}
}

func benchmarkCompress(b *testing.B, fetch int, choose func(*rotatelog.Config)) {
	rope := newRope(b)
	cfg := Stream{filepath.Join(b.TempDir(), "stream"), "days/"}.Config(rope, b.Output())
	choose(&cfg)
	key := ""
	cfg.Hooks.Uploaded = func(u rotatelog.Uploaded) { key = u.Key }
	w := open(b, cfg)
	defer w.Close()
	u := uploader{w: w, feed: football.New(9, fetch)}
	u.upload(b)
	before := objectSize(b, rope, key)
	u.sent = 0
	for b.Loop() {
		u.upload(b)
	}
	b.SetBytes(u.sent / int64(b.N))
	b.ReportMetric(float64(u.sent)/float64(objectSize(b, rope, key)-before), "ratio")
}

func objectSize(b *testing.B, s rotatelog.Store, key string) int64 {
	b.Helper()
	obj, err := s.Stat(b.Context(), key)
	if err != nil {
		b.Fatal(err)
	}
	return obj.Size
}
