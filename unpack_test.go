package rotatelog

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/zstd"

	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/internal/packed"
)

// smallDay returns a compressed object of two uploads in that layout.
func smallDay(t testing.TB, c Compression, to layout) *packedDay {
	p := newPackedDay(t, c)
	p.step(to, testUpload(1, 1))
	p.step(to, testUpload(2, 1))
	return p
}

// scanPacked scans b, which must not be changed by that.
func scanPacked(c Compression, r io.Reader, size int) (dayState, error) {
	d, _, err := scanDocument(dayKey{testDay, c}, r, int64(size), 1<<20)
	return d, err
}

func inLayouts(t *testing.T, test func(t *testing.T, c Compression, to layout)) {
	t.Helper()
	inCompressions(t, func(t *testing.T, c Compression) {
		for _, to := range []layout{metadataFirst, metadataLast} {
			t.Run(fmt.Sprint("layout", to), func(t *testing.T) {
				t.Parallel()
				test(t, c, to)
			})
		}
	})
}

// TestUnpackCut is TestScanCut for compressed objects.
func TestUnpackCut(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	skipWithRaceDetector(t)
	failed := errors.New("connection reset")
	inLayouts(t, func(t *testing.T, c Compression, to layout) {
		b := smallDay(t, c, to).b
		for cut := 0; cut < len(b); cut++ {
			for _, short := range []io.Reader{bytes.NewReader(b[:cut]), iotest.DataErrReader(bytes.NewReader(b[:cut]))} {
				if _, err := scanPacked(c, short, len(b)); !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, ErrPermanent) {
					t.Fatalf("%d of %d bytes: error %v, want ErrUnexpectedEOF", cut, len(b), err)
				}
			}
			for _, cause := range []error{failed, io.ErrUnexpectedEOF} {
				broken := io.MultiReader(bytes.NewReader(b[:cut]), iotest.ErrReader(cause))
				if _, err := scanPacked(c, broken, len(b)); err != cause {
					t.Fatalf("failed after %d bytes: error %v, want %v", cut, err, cause)
				}
			}
			if _, err := scanPacked(c, bytes.NewReader(b[:cut]), cut); !errors.Is(err, ErrPermanent) {
				t.Fatalf("an object of the first %d bytes: error %v", cut, err)
			}
			if _, err := scanPacked(c, bytes.NewReader(b), cut); cut > 0 && err == nil {
				t.Fatalf("more bytes than the %d that the object has: error %v", cut, err)
			}
		}
		if _, err := scanPacked(c, iotest.ErrReader(failed), 0); err != failed {
			t.Errorf("error %v, want %v", err, failed)
		}
		broken := io.MultiReader(bytes.NewReader(b), iotest.ErrReader(failed))
		if _, err := scanPacked(c, broken, len(b)); err != failed {
			t.Errorf("failed at the end: error %v, want %v", err, failed)
		}
	})
}

// TestUnpackFlipped flips each bit. An object is refused if that changes its text.
func TestUnpackFlipped(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	skipWithRaceDetector(t)
	inLayouts(t, func(t *testing.T, c Compression, to layout) {
		p := smallDay(t, c, to)
		u := packUpload(t, c, testUpload(3, 1))
		accepted := 0
		for i := range p.b {
			for bit := range 8 {
				b := slices.Clone(p.b)
				b[i] ^= 1 << bit
				d, err := scanPacked(c, bytes.NewReader(b), len(b))
				if err != nil {
					if !errors.Is(err, ErrPermanent) || !strings.Contains(err.Error(), "move the object away, or set another Prefix") {
						t.Fatalf("bit %d of byte %d: error %v", bit, i, err)
					}
					continue
				}
				accepted++
				if diff := difference(string(p.plain), string(readPacked(t, c, b))); diff != "" {
					t.Fatalf("bit %d of byte %d: it was taken, and reads (-want +got):\n%s", bit, i, diff)
				}
				parts, next := d.append(u)
				after := readPacked(t, c, applyParts(t, b, parts))
				if plain := mustScan(t, after); plain.totals != next.totals {
					t.Fatalf("bit %d of byte %d: after an append %+v, want %+v", bit, i, plain.totals, next.totals)
				}
			}
		}
		t.Logf("%d of %d were taken: they mean nothing", accepted, 8*len(p.b))
	})
}

// framed returns an object of these texts, whose entries are in the
// bytes region.
func framed(c Compression, head, entries, tail string, region []byte) []byte {
	begin, end := c.format().Frame([]byte(head), []byte(tail), packed.ChecksumOf([]byte(entries)))
	return slices.Concat(begin, region, end)
}

// pieceOf compresses a text to a piece.
func pieceOf(t testing.TB, c Compression, text string) []byte {
	t.Helper()
	if c == Zstd {
		return zstdFrame(t, text)
	}
	return deflated(t, text, "", false)
}

// The texts of a small day.
const (
	smallFields  = `"date":"2025-07-10","total_uploads":1,"total_matches_today":6,"first_upload":"a","last_upload":"a","total_fetches_today":1`
	smallHead    = firstFields + smallFields + firstUploads
	smallEntries = "\n" + `{"upload_sequence":1,"upload_timestamp":"a","matches_in_upload":6,"fetches_in_upload":1,"upload_id":"AAAAAAAA","fetch_data":[` + "\n{}]}"
	smallTail    = firstClose
)

// TestUnpackAcceptsWhatUnpackRefusesChanges: the objects that TestUnpackRefuses
// modifies are accepted unmodified.
func TestUnpackAcceptsWhatUnpackRefusesChanges(t *testing.T) {
	inCompressions(t, func(t *testing.T, c Compression) {
		for name, region := range map[string][]byte{
			"compressed": pieceOf(t, c, smallEntries),
			"in two":     append(pieceOf(t, c, smallEntries[:50]), pieceOf(t, c, smallEntries[50:])...),
			"stored":     c.format().AppendStored(nil, []byte(smallEntries), false),
		} {
			b := framed(c, smallHead, smallEntries, smallTail, region)
			readPacked(t, c, b)
			d, err := scanPacked(c, bytes.NewReader(b), len(b))
			if err != nil || d.totals != (Totals{Day: testDay, Uploads: 1, Fetches: 1, Matches: 6}) {
				t.Errorf("%s: %+v, %v", name, d, err)
			}
		}
	})
}

// TestUnpackRefuses: what no Writer made is a permanent error that says why, and
// reading it takes little memory.
func TestUnpackRefuses(t *testing.T) {
	depth.SkipInShort(t)
	skipWithRaceDetector(t)
	type test struct {
		name string
		b    []byte
		want string
	}
	inCompressions(t, func(t *testing.T, c Compression) {
		piece := pieceOf(t, c, smallEntries)
		good := framed(c, smallHead, smallEntries, smallTail, piece)
		with := func(head, entries, tail string) []byte {
			return framed(c, head, entries, tail, pieceOf(t, c, entries))
		}
		long := strings.Replace(smallEntries, `{}]}`, `{"x":"`+strings.Repeat("a", 64<<20)+`"}]}`, 1)
		many := strings.Repeat(smallEntries+",", 1<<16) + "{}"
		late := strings.Replace(smallEntries, `"a"`, `"`+strings.Repeat("a", 2000)+`"`, 1)
		tests := []test{
			{"empty", nil, "the object is empty"},
			{"not compressed", []byte(smallHead + smallEntries + smallTail), "not compressed as a Writer does it"},
			{"one piece", asProgram(t, c, smallHead+smallEntries+smallTail), "not compressed as a Writer does it"},
			{"the other compression", framed(Zstd+Gzip-c, smallHead, smallEntries, smallTail, pieceOf(t, Zstd+Gzip-c, smallEntries)), "not compressed as a Writer does it"},
			{"a byte more", append(slices.Clip(good), 0), ""},
			{"twice", append(slices.Clip(good), good...), ""},
			{"not JSON", with("<html>", smallEntries, smallTail), "invalid character '<'"},
			{"not a day", with(`{"x":[`, smallEntries, smallTail), `it has no "uploads"`},
			{"foreign member", with(`{"x":1,"uploads":[`, smallEntries, "\n],\n"+`"daily_metadata":{`+smallFields+"}}\n"), "not in the layout of a Writer"},
			{"foreign member in the tail", with(smallHead, smallEntries, "\n],\"x\":1}\n"), "not in the layout of a Writer"},
			{"foreign field", with(firstFields+`"x":1,`+smallFields+firstUploads, smallEntries, smallTail), "not in the layout of a Writer"},
			{"an entry in the head", with(smallHead+"{},", smallEntries, smallTail), "not in the layout of a Writer"},
			{"an entry in the tail", with(smallHead, smallEntries, ",\n{}"+smallTail), "not in the layout of a Writer"},
			{"no tail", with(smallHead, smallEntries+smallTail, ""), "not in the layout of a Writer"},
			{"long head", with(strings.Repeat(" ", packed.MaxFrame+1)+smallHead, smallEntries, smallTail), "not compressed as a Writer does it"},
			{"long tail", with(smallHead, smallEntries, smallTail+strings.Repeat(" ", packed.MaxFrame)), "not compressed as a Writer does it"},
			{"long timestamp", with(smallHead, late, smallTail), "upload_timestamps are too long"},
			{"long value", with(smallHead, long, smallTail), "a value in it, or white space, is longer than 1048576 bytes"},
			{"many uploads", with(smallHead, many, smallTail), "uploads are too many"},
		}
		if c == Zstd {
			tests = append(tests,
				test{"a dictionary", framed(c, smallHead, smallEntries, smallTail, zstdFrame(t, smallEntries, zstd.WithEncoderDictRaw(17, []byte(smallEntries)))), "dictionary"},
				test{"a large window", framed(c, smallHead, smallEntries, smallTail, zstdFrame(t, smallEntries+strings.Repeat(" ", 1<<20), zstd.WithWindowSize(16<<20))), "window size"},
				test{"half a frame", framed(c, smallHead, smallEntries, smallTail, piece[:len(piece)-1]), ""},
				test{"a byte before the tail", framed(c, smallHead, smallEntries, smallTail, append(slices.Clip(piece), 0x28)), ""},
			)
		} else {
			tests = append(tests,
				test{"references to the head", framed(c, smallHead, smallEntries, smallTail, deflated(t, smallEntries, smallHead, false)), "corrupt input"},
				test{"a final block", framed(c, smallHead, smallEntries, smallTail, deflated(t, smallEntries, "", true)), "more after the final block"},
				test{"wrong checksum", framed(c, smallHead, smallEntries+"x", smallTail, piece), "checksum is wrong"},
			)
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				_, err := scanPacked(c, bytes.NewReader(test.b), len(test.b))
				runtime.ReadMemStats(&after)
				if !errors.Is(err, ErrPermanent) || errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatalf("error %v, want ErrPermanent", err)
				}
				for _, want := range []string{test.want, "not a daily document", "move the object away, or set another Prefix"} {
					if !strings.Contains(err.Error(), want) {
						t.Errorf("error %q does not say %q", err, want)
					}
				}
				if n := after.TotalAlloc - before.TotalAlloc; n > 32<<20 {
					t.Errorf("%d bytes of memory to refuse %d", n, len(test.b))
				}
			})
		}
	})
}

// asProgram compresses a text as the programs zstd and gzip do.
func asProgram(t testing.TB, c Compression, text string) []byte {
	t.Helper()
	if c == Zstd {
		return zstdFrame(t, text)
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstdFrame(t testing.TB, text string, opts ...zstd.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, opts...)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, text)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// deflated deflates a text, with references to what came before.
func deflated(t testing.TB, text, before string, final bool) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriterDict(&b, 6, []byte(before))
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, text)
	if err = w.Flush(); final {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// FuzzUnpack: what scans is what others read, in a layout of ours, and can be
// appended to.
func FuzzUnpack(f *testing.F) {
	for _, c := range compressions {
		for _, name := range []string{"closed.json.", "opened-again.json."} {
			f.Add(readGolden(f, name+c.suffix()), c == Gzip)
		}
		f.Add(framed(c, smallHead, smallEntries, smallTail, pieceOf(f, c, smallEntries)), c == Gzip)
	}
	f.Fuzz(func(t *testing.T, b []byte, gzip bool) {
		c := Zstd
		if gzip {
			c = Gzip
		}
		d, err := scanPacked(c, bytes.NewReader(b), len(b))
		if err != nil {
			if !errors.Is(err, ErrPermanent) {
				t.Fatalf("error %v", err)
			}
			return
		}
		plain := mustScan(t, readPacked(t, c, b))
		if plain.totals != d.totals || plain.layout() != d.layout() {
			t.Fatalf("read as %+v, not %+v", d, plain)
		}
		parts, next := d.append(packUpload(t, c, testUpload(1, 1)))
		after := readPacked(t, c, applyParts(t, b, parts))
		checkMetadata(t, after, plain.first)
		if plain := mustScan(t, after); plain.totals != next.totals {
			t.Fatalf("after an append %+v, want %+v", plain.totals, next.totals)
		}
	})
}
