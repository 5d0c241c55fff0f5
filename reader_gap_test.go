package rotatelog_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/depth"
	"example.com/rotatelog/storetest"
)

// gapDay is a day that is put together from its uploads, as a restore does.
type gapDay struct {
	t     *testing.T
	mem   *storetest.Mem
	cfg   rotatelog.Config
	pack  rotatelog.Compression
	third int // bytes in the upload that is put back
}

var gapOf = rotatelog.Day{Year: 2025, Month: 7, Date: 10}

// write replaces the day by uploads of these sequences.
func (g *gapDay) write(sequences ...int) {
	g.t.Helper()
	m, err := rotatelog.OpenMaintenance(g.t.Context(), g.cfg)
	if err != nil {
		g.t.Fatal(err)
	}
	defer m.Close()
	d, err := m.LockDay(g.t.Context(), gapOf, g.pack)
	if err != nil {
		g.t.Fatal(err)
	}
	defer d.Unlock()
	obj, err := d.Resolve(g.t.Context())
	if err != nil {
		g.t.Fatal(err)
	}
	var uploads []rotatelog.DayUpload
	for _, n := range sequences {
		long := 1000
		if n == 3 {
			long = g.third
		}
		text := fmt.Sprintf("{\"n\":%d,\"text\":%q},\n{\"m\":%d}", n, strings.Repeat("x", long), n)
		uploads = append(uploads, rotatelog.DayUpload{Sequence: n, Timestamp: fmt.Sprintf("07/10/2025 12:%02d:00 PM EDT", n), FetchCount: 2, ID: fmt.Sprintf("%026d", n),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }, Size: int64(len(text))})
	}
	if _, err := d.Write(g.t.Context(), obj.Version, uploads); err != nil {
		g.t.Fatal(err)
	}
}

// TestReadWhileAGapIsFilled: an upload is put back in the middle of a day while it is read.
// The reader yields what there was, or says that it was replaced.
func TestReadWhileAGapIsFilled(t *testing.T) {
	depth.SkipInShort(t)
	for _, pack := range []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd} {
		for _, third := range []int{1000, 500, 1500} {
			for _, from := range []int{1, 4} {
				t.Run(fmt.Sprintf("%v, %d bytes, from upload %d", pack, third, from), func(t *testing.T) {
					for at := range 12 {
						t.Run(fmt.Sprintf("before read %d", at+1), func(t *testing.T) {
							synctest.Test(t, func(t *testing.T) {
								for _, each := range []int64{100, 400, 421} {
									readWhileAGapIsFilled(t, pack, third, from, at+1, each)
								}
							})
						})
					}
				})
			}
		}
	}
}

func readWhileAGapIsFilled(t *testing.T, pack rotatelog.Compression, third, from, at int, each int64) {
	mem := storetest.NewMem()
	g := &gapDay{t: t, mem: mem, cfg: rotatelog.Config{Dir: t.TempDir(), Store: mem}, pack: pack, third: third}
	g.write(1, 2, 4, 5)
	s := &torn{Store: mem, each: each}
	d := openDay(t, s, mem.Keys()[0])
	reads := 0
	s.before = func() {
		if reads++; reads == at {
			g.write(1, 2, 3, 4, 5)
		}
	}
	got, err := readUploads(d.UploadsFrom(t.Context(), from), nil)
	var sequences []int
	for _, u := range got {
		sequences = append(sequences, u.Sequence)
		want := fmt.Sprintf(`{"n":%d,`, u.Sequence)
		if u.ID != fmt.Sprintf("%026d", u.Sequence) || len(u.Data) > 0 && !strings.HasPrefix(string(u.Data[0]), want) {
			t.Errorf("upload %d, %s, with %.20s: it is put together from two versions", u.Sequence, u.ID, u.Data[0])
		}
	}
	want := []int{1, 2, 4, 5}
	if from == 4 {
		want = want[2:]
	}
	if err == nil && !slices.Equal(sequences, want) || len(slices.Compact(slices.Clone(sequences))) < len(sequences) {
		t.Errorf("uploads %v, %v, want %v", sequences, err, want)
	}
	if err != nil && !errors.Is(err, rotatelog.ErrReplaced) {
		t.Errorf("error %v", err)
	}
}

// TestReadWhileAGapOfAForeignDayIsFilled: an upload is put back in the middle of a day that
// another program began, or added to its end, while it is read, with its fetches or without.
func TestReadWhileAGapOfAForeignDayIsFilled(t *testing.T) {
	for _, then := range [][]int{{1, 2, 3, 4}, {1, 2, 4, 5}} {
		for _, after := range []bool{false, true} { // fetch_data, as other programs may have it
			for _, skipped := range []bool{false, true} {
				for at := range 8 {
					synctest.Test(t, func(t *testing.T) { readForeignGap(t, then, after, skipped, at+1) })
				}
			}
		}
	}
}

func readForeignGap(t *testing.T, then []int, after, skipped bool, at int) {
	mem := storetest.NewMem()
	mem.Put(dayA, foreignGapDay(after, 1, 2, 4), nil)
	s := &torn{Store: mem, each: 250}
	d := openDay(t, s, dayA)
	reads := 0
	s.before = func() {
		if reads++; reads == at {
			mem.Put(dayA, foreignGapDay(after, then...), nil)
		}
	}
	var sequences []int
	var err error
	for u, failed := range d.Uploads(t.Context()) {
		if err = failed; err != nil {
			break
		}
		sequences = append(sequences, u.Sequence)
		for _, failed := range u.Fetches() {
			if err = failed; err != nil || skipped {
				break
			}
		}
	}
	isFilled := then[2] == 3
	if err == nil && !slices.Equal(sequences, []int{1, 2, 4}) || err != nil && !(isFilled && errors.Is(err, rotatelog.ErrReplaced)) {
		t.Errorf("replaced by %v before read %d: uploads %v, %v", then, at, sequences, err)
	}
}

// foreignGapDay returns a day that another program began, with uploads of these sequences.
func foreignGapDay(after bool, sequences ...int) []byte {
	var b strings.Builder
	for i, n := range sequences {
		if i > 0 {
			b.WriteString(",\n")
		}
		stamp := fmt.Sprintf(`"upload_timestamp":"12/31/1999 09:%02d:00 AM EST"`, n)
		data := fmt.Sprintf(`"fetch_data":[{"n":%d,"text":%q}]`, n, strings.Repeat("x", 200))
		if after {
			stamp, data = data, stamp
		}
		fmt.Fprintf(&b, `{"upload_sequence":%d,%s,%s}`, n, stamp, data)
	}
	return fmt.Appendf(nil, `{"daily_metadata":{"date":"1999-12-31"},"uploads":[%s]}`, b.String())
}
