package rotatelog

import (
	"bytes"
	"testing"
	"time"

	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/football"
	"example.com/rotatelog/internal/packed"
	"example.com/rotatelog/internal/vfs"
)

// indentedBatch returns the file of a batch of ten fetches of about that size.
func indentedBatch(tb testing.TB, feed *football.Feed) []byte {
	tb.Helper()
	cfg, err := Config{}.withDefaults()
	if err != nil {
		tb.Fatal(err)
	}
	text := []byte(opening)
	for i := range cfg.MaxFetches {
		if i > 0 {
			text = append(text, comma...)
		}
		if text, err = cfg.format(text, feed.Next()); err != nil {
			tb.Fatal(err)
		}
	}
	return append(text, closing...)
}

// frameSize returns how many bytes a text takes compressed.
func frameSize(tb testing.TB, text []byte) int64 {
	tb.Helper()
	var out bytes.Buffer
	w, err := packed.NewFrameWriter(&out, int64(len(text)))
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return int64(out.Len())
}

// TestTwoDaysTakeHalfAGigabyte: fetches of 2 MB, one a minute, indented, take less than
// 500 MB for 48 hours, those included that are not compressed.
func TestTwoDaysTakeHalfAGigabyte(t *testing.T) {
	if depth.Short() {
		t.Skip("it compresses some 100 MB")
	}
	feed := football.New(1, 2<<20)
	var all []keptBatch
	for range 2 {
		text := indentedBatch(t, feed)
		all = append(all, keptBatch{size: int64(len(text))}, keptBatch{size: frameSize(t, text)})
		t.Logf("a batch of %d bytes takes %d", all[len(all)-2].size, all[len(all)-1].size)
	}
	const batches = 48 * 60 / 10
	frame := max(all[1].size, all[3].size)
	plain := max(all[0].size, all[2].size)
	most := max(plain, maxPlain)
	if size := batches*frame + most; size >= 500e6 {
		t.Errorf("48 hours take %d bytes", size)
	}
}

// BenchmarkCompressKept compresses the batch of ten minutes of fetches of 2 MB, with all
// that belongs to it. The metric is what part of a core that takes.
func BenchmarkCompressKept(b *testing.B) {
	fsys, err := vfs.Dir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer fsys.Close()
	s := &spool{fs: fsys, dir: "x.spool", prunable: newPrunable()}
	for _, dir := range []string{s.dir, s.path(uploadedDir)} {
		if err := fsys.Mkdir(dir, 0o700); err != nil {
			b.Fatal(err)
		}
	}
	text := indentedBatch(b, football.New(1, 2<<20))
	kept := batch{day: testDay, order: 1, first: 1, last: 10, sealed: time.Date(2025, 7, 10, 19, 45, 22, 0, time.UTC), id: "ID00000001", sequence: 1}
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		b.StopTimer()
		err := s.remove(s.batchPath(kept))
		if err == nil {
			err = vfs.WriteNew(fsys, s.batchPath(kept), text)
		}
		b.StartTimer()
		if err == nil {
			err = s.compress(b.Context(), kept)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(100*b.Elapsed().Seconds()/float64(b.N)/600, "%core")
}
