package archive_test

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/storetest"
)

// measured is a Store that measures the heap at each MiB that is read from it.
type measured struct {
	rotatelog.Store
	before uint64
	mu     sync.Mutex // guards most
	most   uint64
}

// Read implements rotatelog.Store.
func (s *measured) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	r, err := s.Store.Read(ctx, key, v, off, n)
	if err != nil {
		return nil, err
	}
	return &measuredReader{r, s, 0}, nil
}

type measuredReader struct {
	io.ReadCloser
	s    *measured
	read int
}

// Read implements io.Reader.
func (r *measuredReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	before := r.read
	if r.read += n; r.read>>20 > before>>20 || err != nil {
		now := live()
		r.s.mu.Lock()
		r.s.most = max(r.s.most, now-min(r.s.before, now))
		r.s.mu.Unlock()
	}
	return n, err
}

// frame returns a day of uploads, whose totals are wrong.
func frame(uploads string) string {
	return `{"daily_metadata":{"date":"2025-07-10","total_uploads":1,"total_matches_today":0,"first_upload":"` + noonText + `","last_upload":"` + noonText +
		`","total_fetches_today":0},` + "\n" + `"uploads":[` + "\n" + uploads + "\n]}\n"
}

func headOf(sequence, fetches int, id string) string {
	return fmt.Sprintf(`{"upload_sequence":%d,"upload_timestamp":"%s","matches_in_upload":0,"fetches_in_upload":%d,"upload_id":"%s","fetch_data":[`+"\n", sequence, noonText, fetches, id)
}

// madeObjects are objects that somebody has made so that they take much memory.
func madeObjects() map[string]func() string {
	x := strings.Repeat("x", 1<<20)
	return map[string]func() string{
		"long ids": func() string {
			var uploads []string
			for n := range 40 {
				uploads = append(uploads, headOf(n+1, 1, fmt.Sprint(n, x))+`{}]}`)
			}
			return frame(strings.Join(uploads, ",\n"))
		},
		"long random_fetch_ids": func() string {
			var uploads []string
			for n := range 40 {
				uploads = append(uploads, headOf(n+1, 1, fmt.Sprintf("%026d", n))+fmt.Sprintf(`{"FETCH_HEADER":{"random_fetch_id":"%d%s"}}]}`, n, x))
			}
			return frame(strings.Join(uploads, ",\n"))
		},
		"an upload of many fetches": func() string {
			const n = 2 << 20
			return frame(headOf(1, n, strings.Repeat("0", 26)) + strings.Repeat("{},\n", n-1) + "{}]}")
		},
		"many fetches without a head": func() string {
			const n = 2 << 20
			return frame(`{"upload_sequence":1,"fetch_data":[` + "\n" + strings.Repeat("{},\n", n-1) + "{}]}")
		},
		"a long member of another program": func() string {
			return `{ "daily_metadata":{"date":"2025-07-10"},"more":"` + strings.Repeat(x, 48) + `","uploads":[]}`
		},
		"a long fetch of another program": func() string {
			return `{ "daily_metadata":{"date":"2025-07-10"},"uploads":[{"fetch_data":[{"more":"` + strings.Repeat(x, 48) + `"}]}]}`
		},
		"white space": func() string {
			return `{ "daily_metadata":{"date":"2025-07-10"},` + strings.Repeat(" ", 48<<20) + `"uploads":[]}`
		},
		"many uploads of another program": func() string {
			return `{ "daily_metadata":{"date":"2025-07-10"},"uploads":[` + strings.Repeat("{},", 2<<20) + `{}]}`
		},
		"many members of another program": func() string {
			var members strings.Builder
			for n := range 1 << 20 {
				fmt.Fprintf(&members, `"member number %d":0,`, n)
			}
			return `{` + members.String() + `"daily_metadata":{"date":"2025-07-10"},"uploads":[]}`
		},
	}
}

const mostMade = 16 << 20 // bytes that a made object may take

// inMade runs a test on each made object. The store measures how much memory it takes.
func inMade(t *testing.T, test func(t *testing.T, a rotatelog.Archive)) {
	for name, made := range madeObjects() {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.mem.Put(w.archive().Key(day, rotatelog.Uncompressed), []byte(made()), nil)
				s := &measured{Store: w.mem, before: live()}
				a := w.archive()
				a.Store, a.MaxFetchBytes = s, 2<<20
				test(t, a)
				if s.most > mostMade {
					t.Errorf("it takes %d MiB of memory", s.most>>20)
				}
			})
		})
	}
}

// TestMadeObjectsAreVerifiedInBoundedMemory, whatever is in them.
func TestMadeObjectsAreVerifiedInBoundedMemory(t *testing.T) {
	inMade(t, func(t *testing.T, a rotatelog.Archive) {
		r, err := archive.VerifyDay(t.Context(), a, day, archive.VerifyOptions{MaxFetchBytes: a.MaxFetchBytes})
		if err != nil || len(r.Findings) == 0 {
			t.Errorf("%v, %v", r.Findings, err)
		}
	})
}

// TestMadeObjectsAreReadInBoundedMemory, whatever is in them.
func TestMadeObjectsAreReadInBoundedMemory(t *testing.T) {
	inMade(t, func(t *testing.T, a rotatelog.Archive) {
		d, err := a.Open(t.Context(), day)
		if err != nil {
			return
		}
		for u, err := range d.Uploads(t.Context()) {
			if err != nil {
				return
			}
			for _, err := range u.Fetches() {
				if err != nil {
					return
				}
			}
		}
	})
}

// TestLargeSequence: an upload whose sequence is large makes no plan large.
func TestLargeSequence(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(4)
		w.edit(w.key(), replace(`"upload_sequence":2`, `"upload_sequence":20000000`))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p, m := w.plan()
		defer m.Close()
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
			t.Errorf("it takes %d MiB; %d uploads are missing", n>>20, len(p.Missing))
		}
	})
}

// opened is a Store that counts the readers that were not closed.
type opened struct {
	rotatelog.Store
	mu   sync.Mutex // guards open
	open int
}

// Read implements rotatelog.Store.
func (s *opened) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	r, err := s.Store.Read(ctx, key, v, off, n)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	return &openedReader{ReadCloser: r, s: s}, nil
}

type openedReader struct {
	io.ReadCloser
	s    *opened
	once sync.Once
}

// Close implements io.Closer.
func (r *openedReader) Close() error {
	r.once.Do(func() {
		r.s.mu.Lock()
		defer r.s.mu.Unlock()
		r.s.open--
	})
	return r.ReadCloser.Close()
}

// TestRestoreClosesWhatItReads, of the object and of a mirror, in each compression.
func TestRestoreClosesWhatItReads(t *testing.T) {
	for _, pack := range compressions {
		t.Run(pack.String(), func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.cfg.Compression = pack
				w.write(10)
				mem := storetest.NewMem()
				mem.Put(w.key(), w.mem.Bytes(w.key()), nil)
				w.edit(w.key(), func(s string) string { return s[:len(s)/2] })
				w.forget()
				s, other := &opened{Store: w.mem}, &opened{Store: mem}
				w.cfg.Store = s
				a, mirror := w.archive(), w.archive()
				a.Store, mirror.Store = s, other
				m, err := rotatelog.OpenMaintenance(t.Context(), w.cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer m.Close()
				_, r, err := archive.Restore(t.Context(), m, a, day, archive.RestoreOptions{Sources: []archive.Source{archive.ArchiveSource("a mirror", mirror)}})
				if err != nil || codes(r) != "" {
					t.Errorf("%v, %v", r.Findings, err)
				}
				if s.open+other.open != 0 {
					t.Errorf("%d readers of the object and %d of the mirror are open", s.open, other.open)
				}
			})
		})
	}
}

// TestFetchesLargerThanUsual: who says so can take over a stream that has them, and restore
// from another archive of it.
func TestFetchesLargerThanUsual(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.Store = owned{w.mem}
		w.cfg.MaxFetchBytes = 128 << 20
		wr := w.open()
		defer wr.Close()
		fetch := []byte(`{"text":"` + strings.Repeat("x", 65<<20) + `"}`)
		if _, err := wr.Append(t.Context(), fetch); err != nil {
			t.Fatal(err)
		}
		if err := wr.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		wr.Close()
		a := w.archive()
		a.MaxFetchBytes = 128 << 20
		if r, err := archive.VerifyDay(t.Context(), a, day, archive.VerifyOptions{}); err != nil || codes(r) != "" {
			t.Errorf("verify: %v, %v", r.Findings, err)
		}
		found, err := archive.ArchiveSource("a mirror", a).Uploads(t.Context(), day)
		if err != nil || len(found) != 1 {
			t.Errorf("source: %d uploads, %v", len(found), err)
		}
		w.cfg.Dir = t.TempDir()
		m, err := rotatelog.OpenMaintenance(t.Context(), w.cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if _, err := archive.PlanTakeover(t.Context(), m, a, day); err != nil {
			t.Errorf("takeover: %v", err)
		}
	})
}
