package archive_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/rotatelog/archive"
)

// BenchmarkExport exports a day of 64 MB of football, in turns with jsontext's ReadValue
// over the same bytes. x/ReadValue is how fast it is compared with that.
func BenchmarkExport(b *testing.B) {
	results := []string{"RAW_API_DATA", "results"}
	for name, opts := range map[string]archive.ExportOptions{
		"lines": {}, "each": {Each: results}, "csv": {Each: results, Columns: [][]string{{"_time"}, {"id"}, {"odds", "bet365", "eu"}}}, "zstd": {Zstd: true},
	} {
		b.Run(name, func(b *testing.B) {
			mem, key, a, day := benchDay(b)
			text := mem.Bytes(key)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			var ours, theirs time.Duration
			for b.Loop() {
				begin := time.Now()
				r, err := archive.Export(context.Background(), a, day, io.Discard, opts)
				if err != nil || r.Fetches != 36 {
					b.Fatal(err, r)
				}
				ours += time.Since(begin)
				begin = time.Now()
				dec := jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true))
				if _, err := dec.ReadValue(); err != nil {
					b.Fatal(err)
				}
				theirs += time.Since(begin)
			}
			b.ReportMetric(float64(theirs)/float64(ours), "x/ReadValue")
		})
	}
}
