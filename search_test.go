package rotatelog

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog/internal/depth"
)

// madeDay is a Store with one day's object, which it makes while it is read, and counts
// what it is asked for.
type madeDay struct {
	key    string
	doc    dayState
	pieces []piece
	starts []int64 // of the pieces
	size   int64
	ends   []int64 // of the uploads
	heads  []Upload

	requests int
	bytes    int64
}

// piece is text, or that many letters.
type piece struct {
	text    string
	letters int64
}

func (m *madeDay) add(p piece) {
	m.starts = append(m.starts, m.size)
	m.pieces = append(m.pieces, p)
	m.size += int64(len(p.text)) + p.letters
}

// makeDay makes a day of uploads, whose fetches have about those sizes.
func makeDay(to layout, withMeta bool, heads []Upload, fetchSize func(upload int) int64) *madeDay {
	m := &madeDay{key: testDaily.key("", "all_api"), heads: heads}
	d := newDocument(testDaily)
	var entries []piece
	for i, u := range heads {
		d.lastSequence = u.Sequence - 1
		up := upload{Timestamp: u.Timestamp, Matches: u.Matches, Fetches: u.FetchCount, ID: u.ID}
		d.add(int64(u.Sequence), up)
		text := "\n"
		if i > 0 {
			text = entrySeparator
		}
		text += string(up.head(u.Sequence).Append(nil))
		for f := range u.FetchCount {
			if f > 0 {
				text += fetchSeparator
			}
			entries = append(entries, piece{text: text + `{"letters":"`}, piece{letters: fetchSize(i)})
			text = `"}`
		}
		entries = append(entries, piece{text: text + entryClose})
	}
	head, tail := d.frame(to)
	m.add(piece{text: string(head)})
	for _, p := range entries {
		m.add(p)
		if strings.HasSuffix(p.text, entryClose) {
			m.ends = append(m.ends, m.size)
		}
	}
	d.begin, d.end = int64(len(head)), m.size
	m.add(piece{text: string(tail)})
	d.size = m.size
	d.placeFrame(to)
	if withMeta {
		m.doc = d
	}
	return m
}

func (m *madeDay) Stat(context.Context, string) (Object, error) {
	m.requests++
	obj := Object{Version: "1", Size: m.size}
	if m.doc.size > 0 {
		obj.Meta = m.doc.meta()
	}
	return obj, nil
}

func (m *madeDay) Read(_ context.Context, _ string, _ Version, off, n int64) (io.ReadCloser, error) {
	m.requests++
	return &madeReader{m, off, off + n}, nil
}

func (m *madeDay) Write(context.Context, string, Version, []Part, map[string]string) error {
	panic("nobody writes")
}

type madeReader struct {
	day      *madeDay
	off, end int64
}

func (r *madeReader) Close() error { return nil }

var letters = bytes.Repeat([]byte("x"), 1<<20)

func (r *madeReader) Read(p []byte) (n int, err error) {
	if r.off == r.end {
		return 0, io.EOF
	}
	p = p[:min(int64(len(p)), r.end-r.off)]
	i, found := slices.BinarySearch(r.day.starts, r.off)
	if !found {
		i--
	}
	for ; n < len(p); i++ {
		at := r.off - r.day.starts[i]
		piece := r.day.pieces[i]
		copied := 0
		if at < int64(len(piece.text)) {
			copied = copy(p[n:], piece.text[at:])
		} else if left := piece.letters - at + int64(len(piece.text)); left > 0 {
			copied = copy(p[n:], letters[:min(left, int64(len(letters)))])
			if int64(copied) < left {
				i--
			}
		}
		n += copied
		r.off += int64(copied)
	}
	r.day.bytes += int64(n)
	return n, nil
}

// madeHeads returns the heads of uploads that a random day has, some with gaps between
// their sequences, and some with equal timestamps.
func madeHeads(rng *rand.Rand, n, fetches int, begin time.Time, every time.Duration, gaps bool) (heads []Upload) {
	sequence := 0
	for i := range n {
		sequence++
		if gaps && rng.IntN(5) == 0 {
			sequence += rng.IntN(6)
		}
		if rng.IntN(4) > 0 || i == 0 {
			begin = begin.Add(every)
		}
		heads = append(heads, Upload{Sequence: sequence, Timestamp: begin.Format(TimeLayout), Matches: 60,
			FetchCount: fetches, ID: fmt.Sprintf("ID%010d", i)})
	}
	return heads
}

// TestSearch looks for each sequence and each time in days of random sizes, with gaps,
// equal timestamps, and the night in which an hour comes twice.
func TestSearch(t *testing.T) {
	newYork, err := time.LoadLocation(defaultZone)
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(depth.N(20, 100, 1000)) {
		rng := rand.New(rand.NewPCG(seed, 1))
		begin := time.Date(2025, 11, 2, 0, rng.IntN(60), 0, 0, newYork)
		heads := madeHeads(rng, 1+rng.IntN(200), 1+rng.IntN(3), begin, time.Duration(1+rng.IntN(600))*time.Second, seed%2 == 0)
		spread := 1 + rng.Float64()*5
		m := makeDay(layout(1+rng.IntN(2)), seed%3 > 0, heads, func(int) int64 { return int64(100 * math.Exp(rng.Float64()*spread)) })
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			for range 20 {
				testSearch(t, m, rng)
			}
		})
	}
}

func testSearch(t *testing.T, m *madeDay, rng *rand.Rand) {
	m.requests = 0
	d, err := OpenDay(t.Context(), m, m.key, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	opening := m.requests
	sequence := rng.IntN(m.heads[len(m.heads)-1].Sequence + 2)
	want := slices.IndexFunc(m.heads, func(u Upload) bool { return u.Sequence >= sequence })
	uploads := d.UploadsFrom(t.Context(), sequence)
	if rng.IntN(2) == 0 {
		some := m.heads[rng.IntN(len(m.heads))]
		some.day = d
		at, err := some.Time()
		if err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Duration(rng.IntN(9)-4) * time.Minute / 2)
		want = slices.IndexFunc(m.heads, func(u Upload) bool {
			u.day = d
			is, _ := u.Time()
			return !is.Before(at)
		})
		uploads = d.UploadsSince(t.Context(), at)
	}
	for u, err := range uploads {
		if err != nil {
			t.Fatal(err)
		}
		if want < 0 || u.Sequence != m.heads[want].Sequence || u.ID != m.heads[want].ID {
			t.Fatalf("found upload %d, want %d of them", u.Sequence, want+1)
		}
		fetches := 0
		for range u.Fetches() {
			fetches++
		}
		if fetches != u.FetchCount {
			t.Fatalf("upload %d has %d fetches, want %d", u.Sequence, fetches, u.FetchCount)
		}
		if want++; want == len(m.heads) {
			want = -1
		}
		if rng.IntN(3) == 0 {
			want = -1
			break
		}
	}
	if want >= 0 {
		t.Fatalf("did not find upload %d of them", want+1)
	}
	if m.requests-opening > 11 {
		t.Errorf("%d requests to search", m.requests-opening)
	}
}

// TestSearchInLargeDay: one upload of a day of 2.6 GB takes few requests, and the bytes of
// four uploads: of four average ones on average, and never more than of the four largest.
func TestSearchInLargeDay(t *testing.T) {
	const uploads = 144
	night := func(i int) float64 { return 1 - 0.6*math.Cos(2*math.Pi*float64(i)/uploads) } // fewer matches
	rng := rand.New(rand.NewPCG(3, 4))
	for name, size := range map[string]func(i int) float64{
		"alike":  func(int) float64 { return 0.9 + 0.2*rng.Float64() },
		"varied": func(int) float64 { return 0.5 + rng.Float64() },
		"night":  night,
	} {
		begin := time.Date(2025, 7, 10, 0, 0, 0, 0, time.FixedZone("EDT", -4*3600))
		heads := madeHeads(rng, uploads, 10, begin, 10*time.Minute, false)
		sizes := make([]int64, uploads)
		for i := range sizes {
			sizes[i] = int64(1.8e6 * size(i))
		}
		m := makeDay(metadataLast, true, heads, func(i int) int64 { return sizes[i] })
		most, sum, requests, n := int64(0), int64(0), 0, 0
		for i := 0; i < uploads; i += depth.N(29, 7, 1) {
			m.requests, m.bytes = 0, 0
			d, err := OpenDay(t.Context(), m, m.key, ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			for u, err := range d.UploadsFrom(t.Context(), i+1) {
				if err != nil || u.Sequence != i+1 {
					t.Fatalf("upload %d: %v", i+1, err)
				}
				for _, err := range u.Fetches() {
					if err != nil {
						t.Fatal(err)
					}
				}
				break
			}
			most, sum, requests, n = max(most, m.bytes), sum+m.bytes, max(requests, m.requests), n+1
		}
		one, largest := m.size/uploads, 10*slices.Max(sizes)
		t.Logf("%s: of %d bytes at most %.1f uploads, on average %.1f; %d requests", name, m.size, float64(most)/float64(one), float64(sum)/float64(n)/float64(one), requests)
		if most > 4*largest || sum > 4*one*int64(n) || requests > 12 {
			t.Errorf("%s: at most %d bytes, on average %d, of uploads of %d; %d requests", name, most, sum/int64(n), one, requests)
		}
	}
}

// TestReadingHoldsOneFetch: memory does not grow with the day.
func TestReadingHoldsOneFetch(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	begin := time.Date(2025, 7, 10, 0, 0, 0, 0, time.FixedZone("EDT", -4*3600))
	m := makeDay(metadataLast, true, madeHeads(rng, 300, 10, begin, time.Minute, false), func(int) int64 { return 100_000 })
	d, err := OpenDay(t.Context(), m, m.key, ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	fetches := 0
	for u, err := range d.Uploads(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range u.Fetches() {
			if err != nil {
				t.Fatal(err)
			}
			fetches++
		}
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; fetches != 3000 || used > 8<<20 {
		t.Errorf("%d fetches of a day of %d bytes took %d bytes of memory", fetches, m.size, used)
	}
}
