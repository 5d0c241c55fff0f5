package archive_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/depth"
)

// TestExportInConstantMemory: an export holds no more than 24 MiB at once, however large the
// day is, so that the heap stays below 48 MiB with the garbage that Go lets lie about.
func TestExportInConstantMemory(t *testing.T) {
	if depth.Short() {
		t.Skip("it reads hundreds of megabytes")
	}
	const most = 24 << 20
	uploads := depth.N(0, 4, 100) // of 10 MiB
	list := []string{"list"}
	for form, made := range map[string]func(w *world) rotatelog.Archive{
		"foreign": func(w *world) rotatelog.Archive { return foreignDay(w, uploads) },
		"plain":   func(w *world) rotatelog.Archive { return manyRows(w, rotatelog.Uncompressed, min(uploads, 10)) },
		"zstd":    func(w *world) rotatelog.Archive { return manyRows(w, rotatelog.Zstd, uploads) },
	} {
		for name, opts := range map[string]archive.ExportOptions{
			"lines": {}, "each": {Each: list}, "csv": {Each: list, Columns: [][]string{{"_time"}, {"text"}}}, "packed": {Zstd: true}, "object": {Raw: true},
		} {
			if form == "foreign" && opts.Each != nil {
				continue // it has no list
			}
			t.Run(form+" "+name, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *world) {
					a := made(w)
					m := memoryWriter{before: live()}
					r, err := archive.Export(t.Context(), a, day, &m, opts)
					if err != nil || !opts.Raw && r.Fetches < 40 {
						t.Fatalf("%+v, %v", r, err)
					}
					t.Logf("%d fetches, %d bytes, %.1f MiB at once", r.Fetches, r.Bytes, float64(m.most)/(1<<20))
					if m.most > most {
						t.Errorf("it holds %d bytes at once, want %d at most", m.most, most)
					}
				})
			})
		}
	}
}

// memoryWriter measures how much of the heap is in use, at some of the writes.
type memoryWriter struct {
	before, most uint64
	written      int64
	next         int64
}

// Write implements io.Writer.
func (m *memoryWriter) Write(p []byte) (int, error) {
	if m.written += int64(len(p)); m.written >= m.next {
		m.next = m.written*5/4 + 1
		now := live()
		m.most = max(m.most, now-min(m.before, now))
	}
	return len(p), nil
}

// manyRows has the store hold a day of uploads of 10 MiB, whose fetches have a list each.
func manyRows(w *world, pack rotatelog.Compression, uploads int) rotatelog.Archive {
	w.t.Helper()
	w.cfg.Compression = pack
	m, err := rotatelog.OpenMaintenance(w.t.Context(), w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	defer m.Close()
	d, err := m.LockDay(w.t.Context(), day, pack)
	if err != nil {
		w.t.Fatal(err)
	}
	defer d.Unlock()
	row := `{"text":"` + strings.Repeat("x", largeFetch/64) + `"}`
	fetch := `{"list":[` + strings.Repeat(row+",", 63) + row + `]}`
	text := strings.Repeat(fetch+",\n", inUpload-1) + fetch
	var all []rotatelog.DayUpload
	for n := range uploads {
		all = append(all, rotatelog.DayUpload{Sequence: n + 1, Timestamp: noonText, FetchCount: inUpload, ID: fmt.Sprintf("%026d", n),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }, Size: int64(len(text))})
	}
	if _, err := d.Write(w.t.Context(), "", all); err != nil {
		w.t.Fatal(err)
	}
	return w.archive()
}
