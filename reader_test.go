package rotatelog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/s3test"
	"example.com/rotatelog/storetest"
)

// readDay is a day's object in one of the layouts and compressions.
type readDay struct {
	name, key, layout string
	pack              rotatelog.Compression
	version
	longer []version // of it, after more uploads, and after it was closed
}

// version is one version of an object.
type version struct {
	content []byte
	meta    map[string]string
}

func (v version) putIn(mem *storetest.Mem, key string) { mem.Put(key, v.content, v.meta) }

// readDays returns a day of each kind.
func readDays(t *testing.T) (days []readDay) {
	t.Helper()
	script, err := os.ReadFile("testdata/old_script_day.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, pack := range []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd, rotatelog.Gzip} {
		for _, name := range []string{"small", "large", "closed"} {
			layout := "metadata first"
			if name == "large" {
				layout = "metadata last"
			}
			days = append(days, readDay{name: fmt.Sprintf("%s, %v", name, pack), layout: layout, pack: pack})
		}
	}
	days = append(days, readDay{name: "script", layout: "foreign"}, readDay{name: "script, appended to", layout: "foreign"})
	for i := range days {
		inBubble(t, func(t *testing.T, b *bench) { days[i].make(b, script) })
	}
	return days
}

// make makes the versions of a day.
func (d *readDay) make(b *bench, script []byte) {
	b.cfg.Compression, b.cfg.MaxFetches = d.pack, 3
	d.key = dayA + suffixes[d.pack]
	if d.layout == "foreign" {
		b.mem.Put(d.key, script, nil)
	}
	if d.name != "script" && !strings.HasPrefix(d.name, "small") {
		b.large()
	}
	b.open()
	if d.name != "script" {
		b.uploadEach(1, 4)
		b.append(5, 6, 7)
		b.flush()
	}
	if strings.HasPrefix(d.name, "closed") {
		time.Sleep(6 * time.Hour)
	}
	d.version = d.versionIn(b)
	b.nextDay(today)
	b.reopen()
	b.append(8, 9, 10, 11)
	b.flush()
	d.longer = append(d.longer, d.versionIn(b))
	b.append(12)
	b.flush()
	time.Sleep(6 * time.Hour)
	d.longer = append(d.longer, d.versionIn(b))
}

func (d *readDay) versionIn(b *bench) version {
	b.t.Helper()
	obj, err := b.mem.Stat(b.t.Context(), d.key)
	if err != nil {
		b.t.Fatal(err)
	}
	return version{b.mem.Bytes(d.key), obj.Meta}
}

// TestRead reads days of each kind, with the object's own metadata and without.
func TestRead(t *testing.T) {
	t.Parallel()
	days := readDays(t)
	for name, test := range map[string]func(t *testing.T, mem *storetest.Mem, day readDay){
		"everything":               testReadEverything,
		"from every sequence":      testReadFromEverySequence,
		"fetches of a past upload": testFetchesOfPastUpload,
		"resumes at each byte":     testReadResumes,
		"while it grows":           testReadWhileItGrows,
		"while it becomes another": testReadWhileItBecomesAnother,
		"while its uploads change": testReadWhileItsUploadsChange,
		"while it is cancelled":    testReadCancelled,
		"while a server mixes two": testReadMixtures,
		"texts of mixtures":        testTextOfMixtures,
		"damaged":                  testReadDamaged,
		"from an archive":          testOpenFromArchive,
	} {
		t.Run(name, func(t *testing.T) {
			for _, day := range days {
				t.Run(day.name, func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) {
						mem := storetest.NewMem()
						for _, lost := range []bool{false, true} {
							if lost {
								day.meta = nil
							}
							day.putIn(mem, day.key)
							test(t, mem, day)
						}
					})
				})
			}
		})
	}
}

// openDay opens a day that can be opened.
func openDay(t testing.TB, store rotatelog.Store, key string) *rotatelog.DayReader {
	t.Helper()
	d, err := rotatelog.OpenDay(t.Context(), store, key, rotatelog.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// readUploads returns what a reader yields, up to its error. each is called after each
// upload and fetch, if it is not nil.
func readUploads(uploads func(func(*rotatelog.Upload, error) bool), each func()) (read []dayUpload, _ error) {
	for u, err := range uploads {
		if err != nil {
			return read, err
		}
		got := dayUpload{Sequence: u.Sequence, Timestamp: u.Timestamp, Matches: u.Matches, Fetches: max(u.FetchCount, 0), ID: u.ID, SHA256: u.SHA256}
		if each != nil {
			each()
		}
		for fetch, err := range u.Fetches() {
			if err != nil {
				return read, err
			}
			got.Data = append(got.Data, bytes.Clone(fetch))
			if each != nil {
				each()
			}
		}
		read = append(read, got)
	}
	return read, nil
}

// wantUploads parses a day's object in another way.
func wantUploads(t *testing.T, key string, content []byte) dayObject {
	t.Helper()
	return parseDayLoosely(t, dayText(t, key, content))
}

func testReadEverything(t *testing.T, mem *storetest.Mem, day readDay) {
	want := wantUploads(t, day.key, mem.Bytes(day.key))
	calls := 0
	d := openDay(t, &storetest.Faulty{Store: mem, Fault: func(storetest.Op) storetest.Fault { calls++; return storetest.Fault{} }}, day.key)
	if day.meta != nil && calls != 1 {
		t.Errorf("the metadata took %d requests", calls)
	}
	got, err := readUploads(d.Uploads(t.Context()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Uploads, got); diff != "" {
		t.Error(diff)
	}
	m := d.Metadata()
	if m.Layout != day.layout || m.Compression != day.pack || m.Key != day.key || m.Size != int64(len(mem.Bytes(day.key))) || m.Version == "" {
		t.Errorf("%+v", m)
	}
	if day.layout != "foreign" && (m.First != want.Metadata.First || m.Last != want.Metadata.Last || m.Totals.Uploads != want.Metadata.Uploads ||
		m.Totals.Fetches != want.Metadata.Fetches || m.Totals.Matches != want.Metadata.Matches || m.Totals.Day.String() != today) {
		t.Errorf("%+v, want %+v", m, want.Metadata)
	}
	last := want.Uploads[len(want.Uploads)-1].Sequence
	if m.LastSequence != last && m.LastSequence != 0 {
		t.Errorf("last sequence %d, want %d", m.LastSequence, last)
	}
	if m.Totals.Uploads != len(got) {
		t.Errorf("%d uploads, read %d", m.Totals.Uploads, len(got))
	}
}

// testReadFromEverySequence also skips fetches, and asks twice.
func testReadFromEverySequence(t *testing.T, mem *storetest.Mem, day readDay) {
	want := wantUploads(t, day.key, mem.Bytes(day.key)).Uploads
	d := openDay(t, mem, day.key)
	for from := -1; from < len(want)+3; from++ {
		rest := slices.DeleteFunc(slices.Clone(want), func(u dayUpload) bool { return u.Sequence < from })
		got, err := readUploads(d.UploadsFrom(t.Context(), from), nil)
		if err != nil || len(rest)+len(got) > 0 && !cmp.Equal(rest, got) {
			t.Errorf("from %d: %v %s", from, err, cmp.Diff(rest, got))
		}
	}
	for u, err := range d.Uploads(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		at, err := u.Time()
		if err != nil {
			t.Fatal(err)
		}
		first := want[slices.IndexFunc(want, func(w dayUpload) bool { return w.Timestamp == u.Timestamp })]
		for v, err := range d.UploadsSince(t.Context(), at) {
			if err != nil || v.Sequence != first.Sequence {
				t.Errorf("since %v: upload %d, %v, want %d", at, v.Sequence, err, first.Sequence)
			}
			break
		}
	}
}

func testFetchesOfPastUpload(t *testing.T, mem *storetest.Mem, day readDay) {
	d := openDay(t, mem, day.key)
	var past *rotatelog.Upload
	for u, err := range d.Uploads(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if past != nil {
			for _, err := range past.Fetches() {
				if err == nil || !strings.Contains(err.Error(), "not the current one") {
					t.Errorf("error %v", err)
				}
			}
		}
		n := 0
		for range u.Fetches() {
			n++
			break
		}
		for _, err := range u.Fetches() {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if u.FetchCount >= 0 && n != u.FetchCount {
			t.Errorf("upload %d: %d fetches, want %d", u.Sequence, n, u.FetchCount)
		}
		past = u
	}
}

// torn is a Store each of whose connections breaks after some bytes.
type torn struct {
	rotatelog.Store
	each   int64
	before func() // is called before each Read
}

func (s *torn) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	if s.before != nil {
		s.before()
	}
	r, err := s.Store.Read(ctx, key, v, off, n)
	if err != nil || s.each == 0 {
		return r, err
	}
	reset := io.MultiReader(io.LimitReader(r, s.each), failing{})
	return struct {
		io.Reader
		io.Closer
	}{reset, r}, nil
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("connection reset by peer") }

func testReadResumes(t *testing.T, mem *storetest.Mem, day readDay) {
	content := mem.Bytes(day.key)
	want := wantUploads(t, day.key, content).Uploads
	for each := 1; each < len(content); each += depth.N(97, 13, 1) {
		broken := false
		d := openDay(t, &storetest.Faulty{Store: mem, Fault: func(op storetest.Op) storetest.Fault {
			if op.Name == "read" && !broken {
				broken = true
				return storetest.Fault{Err: io.ErrUnexpectedEOF, Yield: int64(each)}
			}
			return storetest.Fault{}
		}}, day.key)
		if got, err := readUploads(d.Uploads(t.Context()), nil); err != nil || !cmp.Equal(want, got) {
			t.Fatalf("broken at byte %d: %v\n%s", each, err, cmp.Diff(want, got))
		}
	}
	d := openDay(t, &torn{Store: mem, each: 1}, day.key)
	if got, err := readUploads(d.Uploads(t.Context()), nil); err != nil || !cmp.Equal(want, got) {
		t.Fatalf("broken at each byte: %v\n%s", err, cmp.Diff(want, got))
	}
}

func TestReadBadObjects(t *testing.T) {
	deep := strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001)
	gz := "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
	for name, c := range map[string]struct{ suffix, content, want string }{
		"empty":                {"", "", "empty"},
		"empty, zstd":          {".zst", "", "empty"},
		"HTML":                 {"", "<html><body>503 Service Unavailable</body></html>", "not a daily document"},
		"HTML, gzip":           {".gz", "<html><body>503 Service Unavailable</body></html>", "not compressed as a Writer"},
		"compressed":           {"", "\x28\xb5\x2f\xfd\x00\x00", "compressed with zstd"},
		"compressed with gzip": {"", gz + "xxxxxx", "compressed with gzip"},
		"not compressed":       {".zst", `{"uploads":[]}`, "not compressed as a Writer"},
		"another compression":  {".zst", gz + "xxxxxxxxxxxxxxxxxxxxxxxxx", "not compressed as a Writer"},
		"two documents":        {"", `{"uploads":[]}{"uploads":[]}`, "more after the JSON object"},
		"deep":                 {"", `{"uploads":[{"fetch_data":[{"a":` + deep + `}]}]}`, "depth"},
		"array":                {"", `[]`, "an array"},
		"cut off":              {"", `{"uploads":[{"fetch_data":[{"a":`, "not a daily document"},
	} {
		t.Run(name, func(t *testing.T) {
			mem := storetest.NewMem()
			key := dayA + c.suffix
			mem.Put(key, []byte(c.content), nil)
			_, err := rotatelog.OpenDay(t.Context(), mem, key, rotatelog.ReadOptions{})
			if !errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), key) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
	_, err := rotatelog.OpenDay(t.Context(), storetest.NewMem(), "elsewhere/file.json", rotatelog.ReadOptions{})
	if err == nil || !strings.Contains(err.Error(), "not the key of a day") {
		t.Errorf("error %v", err)
	}
	if _, err = rotatelog.OpenDay(t.Context(), storetest.NewMem(), dayA, rotatelog.ReadOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// testReadDamaged cuts a day off at each byte, and changes each byte: what is yielded
// is what was there, or there is an error.
func testReadDamaged(t *testing.T, mem *storetest.Mem, day readDay) {
	if day.layout == "foreign" { // where any JSON is as good
		return
	}
	want := wantUploads(t, day.key, day.content).Uploads
	read := func(content []byte) ([]dayUpload, error) {
		mem.Put(day.key, content, day.meta)
		d, err := rotatelog.OpenDay(t.Context(), mem, day.key, rotatelog.ReadOptions{})
		if err != nil {
			return nil, err
		}
		return readUploads(d.Uploads(t.Context()), nil)
	}
	end := len(day.content) - len("\n]}\n") // of the entries
	if i := bytes.LastIndex(day.content, []byte("\n],\n")); i > 0 {
		end = i
	}
	for i := 0; i < len(day.content); i += depth.N(41, 7, 1) {
		if got, err := read(day.content[:i]); err == nil && !cmp.Equal(want, got) || len(got) > 0 && !cmp.Equal(want[:len(got)], got) { // only the last line end may be missing
			t.Fatalf("cut off at byte %d of %d: %v, %d uploads", i, len(day.content), err, len(got))
		}
		changed := bytes.Clone(day.content)
		changed[i] ^= 0x10
		got, err := read(changed)
		if err == nil && day.pack != rotatelog.Uncompressed && !cmp.Equal(want, got) { // bits of some bytes mean nothing
			t.Fatalf("byte %d of %d was changed, and there is no error", i, len(changed))
		}
		if err == nil && (day.meta != nil && day.pack == rotatelog.Uncompressed && i >= end || !sameGrammar(want, got)) {
			t.Fatalf("byte %d of %d was changed: %s", i, len(changed), cmp.Diff(want, got))
		}
		if err != nil && !errors.Is(err, rotatelog.ErrPermanent) {
			t.Fatalf("byte %d of %d was changed: %v", i, len(changed), err)
		}
	}
}

// sameGrammar reports whether two lists are alike but for what a checksum tells.
func sameGrammar(want, got []dayUpload) bool {
	return slices.EqualFunc(want, got, func(w, g dayUpload) bool { return len(w.Data) == len(g.Data) && w.Fetches == g.Fetches })
}

func TestReadFromStoresThatFail(t *testing.T) {
	gone := errors.New("503 Slow Down")
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.uploadEach(1, 3)
		want := wantUploads(t, dayA, b.mem.Bytes(dayA)).Uploads

		b.onStore(func(op storetest.Op) storetest.Fault { return storetest.Fault{Err: gone, Skip: true} })
		if _, err := rotatelog.OpenDay(t.Context(), b.cfg.Store, dayA, rotatelog.ReadOptions{}); !errors.Is(err, gone) {
			t.Errorf("error %v", err)
		}
		b.onStore(nil)
		d := openDay(t, b.cfg.Store, dayA)
		calls := 0
		b.onStore(func(op storetest.Op) storetest.Fault { calls++; return storetest.Fault{Err: gone} })
		if _, err := readUploads(d.Uploads(t.Context()), nil); !errors.Is(err, gone) || calls != 10 {
			t.Errorf("error %v after %d calls", err, calls)
		}
		calls = 0
		b.onStore(func(op storetest.Op) storetest.Fault {
			if calls++; calls < 5 {
				return storetest.Fault{Err: gone}
			}
			return storetest.Fault{}
		})
		if got, err := readUploads(d.Uploads(t.Context()), nil); err != nil || !cmp.Equal(want, got) {
			t.Errorf("error %v", err)
		}
		b.onStore(func(op storetest.Op) storetest.Fault { return storetest.Fault{Delay: time.Hour} })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := readUploads(d.Uploads(ctx), nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		b.onStore(nil)
	})
}

func testReadCancelled(t *testing.T, mem *storetest.Mem, day readDay) {
	d := openDay(t, &torn{Store: mem, each: 100}, day.key)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	n := 0
	_, err := readUploads(d.Uploads(ctx), func() {
		if n++; n == 2 {
			cancel(enough)
		}
	})
	if !errors.Is(err, enough) || !strings.Contains(err.Error(), day.key) {
		t.Errorf("error %v", err)
	}
}

// TestReadFromS3 reads a day that grows in a bucket meanwhile, over connections that break.
func TestReadFromS3(t *testing.T) {
	for _, pack := range []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd} {
		t.Run(pack.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				srv := largeInS3(b)
				b.cfg.MaxFetches, b.cfg.Compression = 1, pack
				b.open()
				b.uploadEach(1, 9)
				key := srv.Keys(s3test.Bucket)[0]
				want := s3Day(t, srv, key).Uploads
				d := openDay(t, &torn{Store: b.cfg.Store, each: 300}, key)
				for _, from := range []int{1, 5} {
					steps := 0
					got, err := readUploads(d.UploadsFrom(t.Context(), from), func() {
						if steps++; steps%4 == 0 {
							b.uploadEach(1, 1)
						}
					})
					if err != nil || !cmp.Equal(want[from-1:], got) {
						t.Errorf("from %d: %v\n%s", from, err, cmp.Diff(want[from-1:], got))
					}
				}
			})
		})
	}
}
