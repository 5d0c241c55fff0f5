package rotatelog

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/football"
	"example.com/rotatelog/internal/vfs"
)

// BenchmarkIdentitiesLost measures the Append of a new fetch, by a process of its own, when
// the file identities is lost, beside batches of ten fetches of 2 MB that are kept; and that
// of the next process.
func BenchmarkIdentitiesLost(b *testing.B) {
	for _, way := range identityWays()[1:] {
		b.Run(way.metric[:len(way.metric)-len("-ns")], func(b *testing.B) {
			cfg := Config{Dir: b.TempDir(), Identity: way.identity, AppendOnly: true, Logger: slog.New(slog.DiscardHandler)}
			batches := depth.N(4, 20, 288)
			text := indentedBatch(b, football.New(1, 2<<20))
			fsys := keepBatches(b, cfg, text, batches)
			b.SetBytes(int64(len(text)) * int64(batches))
			small := football.New(1, 2_000).Next()
			n := 0
			appendAlone := func() time.Duration {
				n++
				begun := time.Now()
				w, err := Open(b.Context(), cfg)
				if err != nil {
					b.Fatal(err)
				}
				_, err = w.Append(b.Context(), numberedText(small, n))
				if err := errors.Join(err, w.Close()); err != nil {
					b.Fatal(err)
				}
				return time.Since(begun)
			}
			var lost, next time.Duration
			for b.Loop() {
				if err := vfs.Remove(fsys, defaultName+".spool/"+identitiesFile); err != nil {
					b.Fatal(err)
				}
				lost += appendAlone()
				next += appendAlone()
			}
			b.ReportMetric(lost.Seconds()*1e3/float64(b.N*batches), "ms/batch")
			b.ReportMetric(next.Seconds()*1e3/float64(b.N), "next-ms")
		})
	}
}
