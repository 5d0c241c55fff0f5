package archive_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/daytext"
	"example.com/rotatelog/internal/depth"
)

const (
	largeFetch   = 1 << 20
	inUpload     = 10
	smallUploads = 2
	largeUploads = 20 // 200 MB
)

// TestLargeDaysInConstantMemory: to read and to verify a compressed day, or one of another
// program, of 200 MB takes no more than one of 20 MB, but for what is known of each upload.
func TestLargeDaysInConstantMemory(t *testing.T) {
	if depth.Short() {
		t.Skip("it reads a gigabyte")
	}
	const more = 8 << 20
	packed := func(pack rotatelog.Compression) func(*world, int) rotatelog.Archive {
		return func(w *world, uploads int) rotatelog.Archive { return packedDay(w, pack, uploads) }
	}
	for form, made := range map[string]func(w *world, uploads int) rotatelog.Archive{
		"foreign": foreignDay, "zstd": packed(rotatelog.Zstd), "gzip": packed(rotatelog.Gzip),
	} {
		t.Run(form, func(t *testing.T) {
			readSmall, verifySmall := peaks(t, made, smallUploads)
			readLarge, verifyLarge := peaks(t, made, largeUploads)
			if readLarge > readSmall+more || verifyLarge > verifySmall+more || min(readSmall, verifySmall) == 0 {
				t.Errorf("to read %d uploads takes %d bytes, %d uploads %d; to verify them %d and %d",
					smallUploads, readSmall, largeUploads, readLarge, verifySmall, verifyLarge)
			}
		})
	}
}

// peaks returns how much memory it takes at most to read a day, and to verify it.
func peaks(t *testing.T, made func(w *world, uploads int) rotatelog.Archive, uploads int) (read, verify uint64) {
	inWorld(t, func(t *testing.T, w *world) {
		a := made(w, uploads)
		read, verify = peak(t, a, uploads, readAll), peak(t, a, uploads, verifyAll)
	})
	return read, verify
}

// peak returns how much memory use takes at most. It measures at some of the fetches.
func peak(t *testing.T, a rotatelog.Archive, uploads int, use func(t *testing.T, a rotatelog.Archive, each func()) (fetches int)) (most uint64) {
	before, calls := live(), 0
	fetches := use(t, a, func() {
		if calls++; calls%7 == 0 {
			now := live()
			most = max(most, now-min(before, now))
		}
	})
	if fetches != uploads*inUpload || calls < fetches {
		t.Errorf("%d fetches and %d calls, want %d", fetches, calls, uploads*inUpload)
	}
	return most
}

// live returns how much of the heap is in use.
func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func readAll(t *testing.T, a rotatelog.Archive, each func()) (fetches int) {
	d, err := a.Open(t.Context(), day)
	if err != nil {
		t.Fatal(err)
	}
	for u, err := range d.Uploads(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for fetch, err := range u.Fetches() {
			if err != nil || len(fetch) < largeFetch {
				t.Fatalf("%d bytes, %v", len(fetch), err)
			}
			fetches++
			each()
		}
	}
	return fetches
}

func verifyAll(t *testing.T, a rotatelog.Archive, each func()) (fetches int) {
	opts := archive.VerifyOptions{Count: func([]byte) (int64, error) {
		each()
		return 0, nil
	}}
	r, err := archive.VerifyDay(t.Context(), a, day, opts)
	if err != nil || codes(r) != "" {
		t.Errorf("%v, %v", r.Findings, err)
	}
	return r.Totals.Fetches
}

// fetchOf returns a large fetch.
func fetchOf() string { return `{"text":"` + strings.Repeat("x", largeFetch) + `"}` }

const noonText = "07/10/2025 12:00:00 PM EDT"

// packedDay has the store hold a day of that many uploads, which is small since all its
// fetches are alike.
func packedDay(w *world, pack rotatelog.Compression, uploads int) rotatelog.Archive {
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
	text := strings.Repeat(fetchOf()+",\n", inUpload-1) + fetchOf()
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

// foreignDay returns a day of another program, which its store makes while it is read.
func foreignDay(w *world, uploads int) rotatelog.Archive {
	a := w.archive()
	a.Store = &madeStore{
		Store:   w.mem,
		key:     a.Key(day, rotatelog.Uncompressed),
		uploads: uploads,
		head: fmt.Sprintf(`{"daily_metadata": {"date": "2025-07-10", "total_uploads": %d, "total_matches_today": 0, "first_upload": %q, "last_upload": %q}, "uploads": [`,
			uploads, noonText, noonText),
		body: strings.Repeat(fetchOf()+", ", inUpload-1) + fetchOf() + "]}",
		tail: "]}",
	}
	return a
}

// madeStore is a Store with one object, which consists of a head, uploads that are alike
// but for their numbers, and a tail.
type madeStore struct {
	rotatelog.Store // for other keys
	key             string
	head            string
	uploads         int
	body            string // of an upload, after its own head
	tail            string
}

// begin returns the head of an upload, which is as long as that of any other.
func (m *madeStore) begin(n int) string {
	comma := ","
	if n == 0 {
		comma = " "
	}
	return fmt.Sprintf(`%s {"upload_sequence": %6d, "upload_timestamp": %q, "matches_in_upload": 0, "fetch_data": [`, comma, n+1, noonText)
}

func (m *madeStore) entry() int64 { return int64(len(m.begin(0)) + len(m.body)) }

func (m *madeStore) size() int64 {
	return int64(len(m.head)) + int64(m.uploads)*m.entry() + int64(len(m.tail))
}

// ReadAt implements [io.ReaderAt].
func (m *madeStore) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		if off >= m.size() {
			return n, io.EOF
		}
		got := copy(p[n:], m.from(off))
		n, off = n+got, off+int64(got)
	}
	return n, nil
}

// from returns some of the text from off on.
func (m *madeStore) from(off int64) string {
	if off < int64(len(m.head)) {
		return m.head[off:]
	}
	off -= int64(len(m.head))
	n, off := int(off/m.entry()), off%m.entry()
	switch begin := m.begin(n); {
	case n == m.uploads:
		return m.tail[off:]
	case off < int64(len(begin)):
		return begin[off:]
	default:
		return m.body[off-int64(len(begin)):]
	}
}

func (m *madeStore) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	if key != m.key {
		return m.Store.Stat(ctx, key)
	}
	return rotatelog.Object{Version: "1", Size: m.size()}, nil
}

func (m *madeStore) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	if key != m.key {
		return m.Store.Read(ctx, key, v, off, n)
	}
	if n < 0 {
		n = m.size() - off
	}
	return io.NopCloser(io.NewSectionReader(m, off, n)), nil
}

// TestTinyUploadsTakeFewBytes: to verify a day of very many uploads of one fetch of 50 bytes
// each takes a few bytes for each of them, also when it is held against a spool.
func TestTinyUploadsTakeFewBytes(t *testing.T) {
	uploads := depth.N(20_000, 50_000, 200_000)
	inWorld(t, func(t *testing.T, w *world) {
		a := tinyDay(w, uploads)
		spool, err := rotatelog.OpenSpoolReader(w.cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer spool.Close()
		for name, test := range map[string]struct {
			spool *rotatelog.SpoolReader
			most  int // bytes for an upload
		}{"by itself": {nil, 80}, "against a spool": {spool, 200}} {
			before, calls, most := live(), 0, uint64(0)
			opts := archive.VerifyOptions{Spool: test.spool, Count: func([]byte) (int64, error) {
				if calls++; calls == uploads {
					most = live()
				}
				return 0, nil
			}}
			r, err := archive.VerifyDay(t.Context(), a, day, opts)
			if err != nil || codes(r) != "" || r.Totals.Uploads != uploads || calls != uploads {
				t.Fatalf("%v, %v, %+v", r.Findings, err, r.Totals)
			}
			const fixed = 1 << 20 // for reading
			each := (int(most) - int(before) - fixed) / uploads
			t.Logf("%s: %d bytes for each of %d uploads", name, each, uploads)
			if each > test.most {
				t.Errorf("%s it takes %d bytes for each upload, want %d at most", name, each, test.most)
			}
		}
	})
}

// tinyDay has the store hold a day of that many uploads of a small fetch.
func tinyDay(w *world, uploads int) rotatelog.Archive {
	w.t.Helper()
	m, err := rotatelog.OpenMaintenance(w.t.Context(), w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	defer m.Close()
	d, err := m.LockDay(w.t.Context(), day, rotatelog.Uncompressed)
	if err != nil {
		w.t.Fatal(err)
	}
	defer d.Unlock()
	var all []rotatelog.DayUpload
	for n := range uploads {
		text := fmt.Sprintf(`{"FETCH_HEADER":{"random_fetch_id":"%012d"}}`, n)
		sum := sha256.New()
		io.WriteString(sum, text)
		h := daytext.Head{Timestamp: noonText, Fetches: 1, ID: fmt.Sprintf("%026d", n)}
		all = append(all, rotatelog.DayUpload{Sequence: n + 1, Timestamp: noonText, FetchCount: 1, ID: h.ID, SHA256: h.Checksum(sum),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }, Size: int64(len(text))})
	}
	if _, err := d.Write(w.t.Context(), "", all); err != nil {
		w.t.Fatal(err)
	}
	return w.archive()
}
