package archive_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/football"
	"example.com/rotatelog/storetest"
)

// BenchmarkVerify verifies a day of 64 MB of football, in turns with jsontext's ReadValue
// over the same bytes. x/ReadValue is how fast it is compared with that.
func BenchmarkVerify(b *testing.B) {
	mem, key, a, day := benchDay(b)
	text := mem.Bytes(key)
	b.SetBytes(int64(len(text)))
	var ours, theirs time.Duration
	for b.Loop() {
		begin := time.Now()
		r, err := archive.VerifyDay(context.Background(), a, day, archive.VerifyOptions{})
		if err != nil || r.Worst() == archive.Error {
			b.Fatal(err, r.Findings)
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
}

// benchDay returns a day of 36 fetches of 1.8 MB.
func benchDay(b *testing.B) (*storetest.Mem, string, rotatelog.Archive, rotatelog.Day) {
	b.Helper()
	mem := storetest.NewMem()
	w, err := rotatelog.Open(b.Context(), rotatelog.Config{Dir: b.TempDir(), Store: mem, Logger: slog.New(slog.DiscardHandler),
		TimeOf: func([]byte) (time.Time, error) { return football.Start(), nil }})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	feed := football.New(1, 1_800_000)
	for range 36 {
		if _, err := w.Append(b.Context(), feed.Next()); err != nil {
			b.Fatal(err)
		}
	}
	if err := w.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	return mem, mem.Keys()[0], rotatelog.Archive{Store: mem}, rotatelog.Day{Year: 2025, Month: time.July, Date: 10}
}
