package rotatelog

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/football"
	"example.com/rotatelog/internal/packed"
)

var compressions = []Compression{Zstd, Gzip}

// skipWithRaceDetector skips a test that computes for long in one goroutine.
func skipWithRaceDetector(t *testing.T) {
	t.Helper()
	if depth.Race {
		t.Skip("the race detector makes it ten times as slow, and finds nothing in one goroutine")
	}
}

// inCompressions runs a test for each.
func inCompressions(t *testing.T, test func(t *testing.T, c Compression)) {
	t.Helper()
	for _, c := range compressions {
		t.Run(c.String(), func(t *testing.T) { test(t, c) })
	}
}

// packUpload compresses an upload, as the publisher does.
func packUpload(t testing.TB, c Compression, u upload) upload {
	t.Helper()
	p, err := packed.NewWriter(c.format(), int64(len(u.Data)))
	if err != nil {
		t.Fatal(err)
	}
	for text := u.Data; len(text) > 0; {
		n := min(len(text), 1<<20)
		u.Data = text[:n:n]
		if err := u.packInto(p); err != nil {
			t.Fatal(err)
		}
		text = text[n:]
	}
	u.Data = nil
	if err := u.packed(p); err != nil {
		t.Fatal(err)
	}
	return u
}

// readPacked reads a compressed object with other readers than scanDocument: one
// gzip member, or zstd frames.
func readPacked(t testing.TB, c Compression, b []byte) []byte {
	t.Helper()
	text, err := tryRead(c, b)
	if err != nil {
		t.Fatalf("%v: %v", c, err)
	}
	return text
}

func tryRead(c Compression, b []byte) ([]byte, error) {
	in := bytes.NewReader(b)
	if c == Zstd {
		r, err := zstd.NewReader(in)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		return io.ReadAll(r)
	}
	r, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	r.Multistream(false)
	text, err := io.ReadAll(r)
	if err == nil && in.Len() > 0 {
		err = fmt.Errorf("%d bytes after the first member", in.Len())
	}
	return text, err
}

// packedDay is a compressed object, what is known about it, and the same day
// uncompressed.
type packedDay struct {
	t testing.TB
	o dayKey
	b []byte
	d dayState

	plain    []byte
	plainDoc dayState
}

func newPackedDay(t testing.TB, c Compression) *packedDay {
	o := dayKey{testDay, c}
	return &packedDay{t: t, o: o, d: newDocument(o), plainDoc: newDocument(testDaily)}
}

// step appends uploads, and checks everything that has to hold then.
func (p *packedDay) step(to layout, uploads ...upload) {
	p.t.Helper()
	s := turn{to: to}
	for _, u := range uploads {
		s.uploads = append(s.uploads, packUpload(p.t, p.o.pack, u))
	}
	parts, next := s.apply(p.d)
	checkInside(p.t, parts, int64(len(p.b)), next.size)
	p.b = applyParts(p.t, p.b, parts)
	p.d = next

	p.plain, p.plainDoc = checkStep(p.t, p.plain, p.plainDoc, uploads, turn{next.layout(), uploads}.apply)
	if diff := difference(string(p.plain), string(readPacked(p.t, p.o.pack, p.b))); diff != "" {
		p.t.Fatalf("the text (-want +got):\n%s", diff)
	}
	if diff := difference(p.scan(), next, compareDocuments); diff != "" {
		p.t.Fatalf("what append says about the new document (-scanned +said):\n%s", diff)
	}
	if diff := difference(p.cached(), next, compareDocuments); diff != "" {
		p.t.Fatalf("what the metadata says (-said +want):\n%s", diff)
	}
}

// scan returns what is known after the object was read, in small pieces.
func (p *packedDay) scan() dayState {
	p.t.Helper()
	d, ids, err := scanDocument(p.o, &dripping{r: bytes.NewReader(p.b)}, int64(len(p.b)), 1<<20)
	if err != nil {
		p.t.Fatalf("scanDocument: %v", err)
	}
	for _, r := range d.recent {
		if ids[r.id] < r.sequence {
			p.t.Fatalf("id %s of upload %d is that of %d", r.id, r.sequence, ids[r.id])
		}
	}
	return d
}

// cached returns what is known after the metadata was read.
func (p *packedDay) cached() dayState {
	p.t.Helper()
	meta := p.d.meta()
	d, ok := documentFromMeta(p.o, Object{Size: int64(len(p.b)), Meta: meta})
	if !ok {
		p.t.Fatalf("there is no document in %v", meta)
	}
	return d
}

// dripping is a reader that yields few bytes at a time.
type dripping struct {
	r io.Reader
	n int
}

func (d *dripping) Read(p []byte) (int, error) {
	d.n++
	return d.r.Read(p[:min(len(p), 1+d.n%7)])
}

// TestPackedLayouts follows a day that becomes large, is closed, and gets more.
func TestPackedLayouts(t *testing.T) {
	inCompressions(t, func(t *testing.T, c Compression) {
		p := newPackedDay(t, c)
		p.step(metadataFirst)
		p.step(foreign, testUpload(1, 3))
		p.step(foreign, testUpload(2, 1), testUpload(3, 5))
		p.step(metadataLast, testUpload(4, 2))
		for n := range 20 {
			p.step(foreign, testUpload(10+n, 2))
		}
		parts := first(p.d.append(packUpload(t, c, testUpload(31, 1))))
		if diff := cmp.Diff(Copy(0, p.d.end), parts[0]); diff != "" {
			t.Errorf("appending to a large day is not a copy of its beginning (-want +got):\n%s", diff)
		}
		p.step(metadataFirst)
		p.step(metadataFirst, testUpload(32, 1), testUpload(33, 1))
		p.step(metadataLast)
	})
}

// TestPackedRandom compares with the uncompressed day, which is compared with
// parsing, over random sequences of appends that cross the size of a large day,
// closings and late uploads. What is known of the document comes from the step
// before, from its metadata, or from a scan.
func TestPackedRandom(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	skipWithRaceDetector(t)
	rounds := depth.N(20, 50, 100)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	inCompressions(t, func(t *testing.T, c Compression) {
		t.Parallel()
		var reached [3]int
		for round := range rounds {
			rng := rand.New(rand.NewPCG(seed, uint64(round)))
			p := newPackedDay(t, c)
			for n := range 1 + rng.IntN(12) {
				var uploads []upload
				for i := range rng.IntN(3) {
					uploads = append(uploads, randomUpload(rng, 10*n+i))
				}
				p.step(layout(rng.IntN(3)), uploads...)
				reached[p.d.layout()]++
				switch rng.IntN(3) {
				case 0:
					p.d = p.scan()
				case 1:
					p.d = p.cached()
				}
			}
		}
		if reached[metadataFirst] == 0 || reached[metadataLast] == 0 || reached[foreign] > 0 {
			t.Errorf("layouts reached: %v", reached)
		}
	})
}

// randomUpload is a testUpload, or one that is long, hard to compress, or like
// what is around it.
func randomUpload(rng *rand.Rand, n int) upload {
	u := testUpload(n, 1+rng.IntN(6))
	switch rng.IntN(4) {
	case 0:
		u.Data = fmt.Appendf(u.Data, `,`+"\n"+`{"x":"%x"}`, rng.Perm(rng.IntN(4000)))
		u.Fetches++
	case 1:
		u.Data = fmt.Appendf(u.Data, `,`+"\n"+`{"uploads":[{}],"x":%q}`, firstClose+lastFields+lastClose+"\x28"+`\u0001`)
		u.Fetches++
	}
	return u
}

// TestPackedGolden: the text is that of the golden files. The compressed bytes may
// change with the compressor's version; objects of older versions stay readable.
func TestPackedGolden(t *testing.T) {
	inCompressions(t, func(t *testing.T, c Compression) {
		p := newPackedDay(t, c)
		check := func(name string) {
			t.Helper()
			want := string(readGolden(t, name))
			if diff := cmp.Diff(want, string(readPacked(t, c, p.b))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			name += "." + c.suffix()
			if *updateGolden {
				if err := os.WriteFile(filepath.Join("testdata", "daily", name), p.b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			old := packedDay{t: t, o: p.o, b: readGolden(t, name)}
			if diff := cmp.Diff(want, string(readPacked(t, c, old.b))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if d := old.scan(); d.totals != p.d.totals || d.sum != p.d.sum {
				t.Errorf("%s: %+v, %+v, want %+v, %+v", name, d.totals, d.sum, p.d.totals, p.d.sum)
			}
		}
		for n := range 5 {
			p.step(metadataLast, testUpload(n, 2))
		}
		p.step(metadataFirst)
		check("closed.json")
		p.step(metadataLast, testUpload(1, 2))
		check("opened-again.json")
	})
}

// fullPackedDocument has as much metadata as any can.
func fullPackedDocument(t testing.TB, c Compression) dayState {
	d := fullDocument()
	d.pack, d.fields, d.tail = c, span{}, ""
	d.sum = packed.Checksum{CRC: 4294967295, N: 98765432109876}
	head, tail := d.frame(d.layout())
	d.begin = int64(len(head))
	d.end = d.size - int64(len(tail))
	if !d.consistent() {
		t.Fatalf("%+v", d)
	}
	return d
}

func TestPackedMeta(t *testing.T) {
	inCompressions(t, func(t *testing.T, c Compression) {
		d := fullPackedDocument(t, c)
		meta := d.meta()
		total := len(cacheKey) + len(meta[cacheKey])
		t.Logf("%d bytes: %v", total, meta)
		if total > 1400 {
			t.Errorf("%d bytes of metadata", total)
		}
		got, ok := documentFromMeta(dayKey{testDay, c}, Object{Size: d.size, Meta: meta})
		if diff := cmp.Diff(d, got, compareDocuments); !ok || diff != "" {
			t.Errorf("documentFromMeta: %v (-want +got):\n%s", ok, diff)
		}
		for _, o := range []dayKey{{testDay, Uncompressed}, {testDay, Zstd + Gzip - c}, {testDay.Next(), c}} {
			if _, ok := documentFromMeta(o, Object{Size: d.size, Meta: meta}); ok {
				t.Errorf("the metadata was taken for that of %v", o)
			}
		}
		if _, ok := documentFromMeta(dayKey{testDay, c}, Object{Size: d.size, Meta: fullDocument().meta()}); ok {
			t.Error("the metadata of an uncompressed object was taken")
		}
	})
}

func TestPackedMetaRefuses(t *testing.T) {
	tests := []struct{ name, old, new string }{
		{"version", "v=2", "v=1"},
		{"pack", "pack=", "pack=x"},
		{"no pack", "pack=", "packed="},
		{"size", "size=", "size=1"},
		{"fields", "v=2", "fields=19-173&v=2"},
		{"tail", "v=2", "tail=%0A%5D%7D%0A&v=2"},
		{"begin", "begin=", "begin=1"},
		{"no begin", "begin=", "begun="},
		{"end", "end=", "end=1"},
		{"end before", "end=9", "end="},
		{"negative end", "end=", "end=-"},
		{"text", "text=4294967295-", "text=4294967296-"},
		{"text not canonical", "text=4294967295-", "text=04294967295-"},
		{"no text", "text=4294967295-98765432109876", "text=4294967295-0"},
		{"negative text", "text=4294967295-", "text=4294967295--"},
		{"longer fields", "first=", "first=" + strings.Repeat("x", 100)},
		{"other totals", "matches=", "matches=1"},
		{"no uploads", "uploads=1234584", "uploads=0"},
	}
	inCompressions(t, func(t *testing.T, c Compression) {
		d := fullPackedDocument(t, c)
		value := d.meta()[cacheKey]
		for _, test := range tests {
			odd := strings.Replace(value, test.old, test.new, 1)
			if odd == value {
				t.Fatalf("%q is not in %s", test.old, value)
			}
			if d, ok := documentFromMeta(dayKey{testDay, c}, Object{Size: d.size, Meta: map[string]string{cacheKey: odd}}); ok {
				t.Errorf("%s: %s\nwas taken for %+v", test.name, odd, d)
			}
		}
	})
}

// FuzzPackedMeta is FuzzMeta for compressed objects.
func FuzzPackedMeta(f *testing.F) {
	for _, c := range compressions {
		_, one := newDocument(dayKey{testDay, c}).append(packUpload(f, c, testUpload(1, 1)))
		_, last := one.appendAs(metadataLast, packUpload(f, c, testUpload(2, 2)))
		for _, d := range []dayState{one, last, fullPackedDocument(f, c)} {
			f.Add(d.meta()[cacheKey], d.size, c == Gzip)
		}
	}
	f.Fuzz(func(t *testing.T, value string, size int64, gzip bool) {
		c := Zstd
		if gzip {
			c = Gzip
		}
		d, ok := documentFromMeta(dayKey{testDay, c}, Object{Size: size, Meta: map[string]string{cacheKey: value}})
		if !ok {
			return
		}
		for _, to := range []layout{metadataFirst, metadataLast} {
			parts, next := d.appendAs(to, packUpload(t, c, testUpload(1, 1)))
			checkInside(t, parts, size, next.size)
		}
	})
}

// footballBatch returns ten fetches of about that size, as they are compressed.
func footballBatch(size int) []byte {
	feed := football.New(1, size)
	var fetches [][]byte
	for range 10 {
		fetches = append(fetches, feed.Next())
	}
	return bytes.Join(fetches, []byte(fetchSeparator))
}

// TestPackedRatio: ten fetches that are nearly equal shrink as the documentation
// says, whether they are small or large.
func TestPackedRatio(t *testing.T) {
	skipWithRaceDetector(t)
	sizes := []int{100_000, 1_000_000, 2_000_000}
	if testing.Short() {
		sizes = sizes[:2]
	}
	for _, size := range sizes {
		text := footballBatch(size)
		for c, least := range map[Compression]float64{Zstd: 20, Gzip: 3.5} {
			u := packUpload(t, c, upload{Data: text})
			ratio := float64(len(text)) / float64(len(u.Data))
			t.Logf("%d bytes a fetch, %v: %.1f", size, c, ratio)
			if ratio < least {
				t.Errorf("%d bytes a fetch: %v made it %.1f times smaller, not %v times", size, c, ratio, least)
			}
		}
	}
}

// BenchmarkPack compresses and checks a batch of ten fetches.
func BenchmarkPack(b *testing.B) {
	for _, size := range []int{10_000, 200_000, 1_800_000} {
		text := footballBatch(size)
		for _, c := range compressions {
			b.Run(fmt.Sprintf("%v/%dB", c, size), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				var u upload
				for b.Loop() {
					u = packUpload(b, c, upload{Data: text})
				}
				b.ReportMetric(float64(len(text))/float64(len(u.Data)), "ratio")
			})
		}
	}
}
