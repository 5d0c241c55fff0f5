package s3store

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/stream"
)

// TestPlan compares what the planner makes of random parts with their plain
// concatenation, and with the limits of parts.
func TestPlan(t *testing.T) {
	limits := partLimits{minPart: 50, maxCopy: 128, maxBody: 1000, maxParts: 10_000}
	for seed := range uint64(20_000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		old := make([]byte, 1+rng.IntN(2000))
		for i := range old {
			old[i] = byte(rng.Uint32())
		}
		parts := randomParts(rng, old)
		pieces := limits.plan(parts)
		if got, want := join(old, partsOf(pieces)), join(old, parts); !bytes.Equal(got, want) {
			t.Fatalf("seed %d: %v became %v", seed, parts, pieces)
		}
		wantWithin(t, seed, limits, parts, pieces)
	}
}

// randomParts returns parts as a document makes them, and others.
func randomParts(rng *rand.Rand, old []byte) []rotatelog.Part {
	var parts []rotatelog.Part
	for range rng.IntN(7) {
		if rng.IntN(2) == 0 {
			data := make([]byte, rng.IntN(90))
			for i := range data {
				data[i] = byte(rng.Uint32())
			}
			parts = append(parts, rotatelog.Data(data))
			continue
		}
		off := rng.IntN(len(old) + 1)
		parts = append(parts, rotatelog.Copy(int64(off), int64(rng.IntN(len(old)-off+1))))
	}
	return parts
}

func partsOf(pieces []piece) (parts []rotatelog.Part) {
	for _, p := range pieces {
		if p.copied.n > 0 {
			parts = append(parts, rotatelog.Copy(p.copied.off, p.copied.n))
		}
		parts = append(parts, p.body...)
	}
	return parts
}

func join(old []byte, parts []rotatelog.Part) (all []byte) {
	for _, p := range parts {
		if p.Data != nil {
			all = append(all, p.Data...)
		} else {
			all = append(all, old[p.Off:p.Off+p.Len]...)
		}
	}
	return all
}

func wantWithin(t *testing.T, seed uint64, limits partLimits, parts []rotatelog.Part, pieces []piece) {
	t.Helper()
	var read, small int64
	for i, p := range pieces {
		size := p.copied.n
		for _, b := range p.body {
			size += b.Size()
			if b.Data == nil {
				read += b.Len
			}
		}
		switch {
		case size == 0 || p.copied.n > 0 && len(p.body) > 0:
			t.Errorf("seed %d: piece %d is %v", seed, i, p)
		case i < len(pieces)-1 && size < limits.minPart:
			t.Errorf("seed %d: piece %d has only %d bytes", seed, i, size)
		case p.copied.n > limits.maxCopy:
			t.Errorf("seed %d: piece %d copies %d bytes", seed, i, p.copied.n)
		case p.copied.n > 0 && p.copied.off+p.copied.n <= limits.minPart:
			t.Errorf("seed %d: piece %d copies from a source that may be too small", seed, i)
		}
	}
	for _, p := range parts { // what no server could copy, or is lacking to the body before a copy
		if p.Data == nil {
			small += min(p.Len, 2*limits.minPart)
		}
	}
	if read > small {
		t.Errorf("seed %d: %d bytes are read, want at most %d", seed, read, small)
	}
	if int64(len(pieces)) > limits.maxParts {
		t.Errorf("seed %d: %d pieces", seed, len(pieces))
	}
}

// TestPlanStreams compares what is read from random streams, piece by piece, with their
// concatenation, and each piece with the limit of what is buffered.
func TestPlanStreams(t *testing.T) {
	limits := partLimits{minPart: 50, maxCopy: 128, maxBody: 1000, stream: 80, maxParts: 10_000}
	for seed := range uint64(5_000) {
		rng := rand.New(rand.NewPCG(seed, 2))
		old := make([]byte, 1+rng.IntN(2000))
		for i := range old {
			old[i] = byte(rng.Uint32())
		}
		given := randomParts(rng, old)
		want := join(old, given)
		for i, p := range given {
			if p.Data != nil && rng.IntN(2) == 0 {
				data := bytes.Repeat(p.Data, rng.IntN(6))
				given[i] = rotatelog.Data(data)
				want = join(old, given)
				given[i] = rotatelog.Stream(int64(len(data)), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil })
				break
			}
		}
		parts, done, err := stream.Once(given)
		if err != nil {
			t.Fatal(err)
		}
		pieces := limits.plan(parts)
		if rng.IntN(2) == 0 && len(want) > 0 {
			pieces = limits.planSent(parts)
		}
		wantWithinBuffers(t, seed, limits, pieces)
		var got bytes.Buffer
		for _, p := range partsOf(pieces) {
			if p.Data == nil && !p.IsCopy() {
				err = errors.Join(err, stream.Copy(t.Context(), &got, p))
				continue
			}
			got.Write(join(old, []rotatelog.Part{p}))
		}
		if err != nil || !bytes.Equal(got.Bytes(), want) {
			t.Fatalf("seed %d: %v became %v, %v", seed, given, pieces, err)
		}
		done()
	}
}

func wantWithinBuffers(t *testing.T, seed uint64, limits partLimits, pieces []piece) {
	t.Helper()
	for i, p := range pieces {
		size, _, _ := measure(p.body)
		switch {
		case streamed(p.body) > 0 && size >= limits.stream+limits.minPart:
			t.Errorf("seed %d: piece %d buffers %d bytes", seed, i, size)
		case i < len(pieces)-1 && size+p.copied.n < limits.minPart:
			t.Errorf("seed %d: piece %d has only %d bytes", seed, i, size+p.copied.n)
		}
	}
}

// TestPlanDay: what the appends of a large day become.
func TestPlanDay(t *testing.T) {
	const mib = 1 << 20
	entry, head := rotatelog.Data(make([]byte, 18*mib)), rotatelog.Data(make([]byte, 300))
	for _, tt := range []struct {
		name        string
		parts       []rotatelog.Part
		copies      int
		sent, reads int64
	}{
		{"append", []rotatelog.Part{rotatelog.Copy(0, 2600*mib), entry, head}, 21, 18*mib + 300, 0},
		{"close", []rotatelog.Part{head, rotatelog.Copy(12, 2600*mib), head}, 21, 5*mib + 300, 5*mib - 300},
		{"append to a script's day", []rotatelog.Part{rotatelog.Copy(0, 20), head, rotatelog.Copy(300, 900*mib), entry, head, rotatelog.Copy(900*mib+300, 9)}, 7, 23*mib + 309, 5*mib - 300 + 9},
		{"the first copy", []rotatelog.Part{rotatelog.Copy(0, 5*mib+1), entry, head}, 1, 18*mib + 300, 0},
		{"too small to copy", []rotatelog.Part{rotatelog.Copy(0, 5*mib-1), entry, head}, 0, 23*mib + 299, 5*mib - 1},
		{"terabytes", []rotatelog.Part{rotatelog.Copy(0, 4<<40), entry}, 5000, 18 * mib, 0},
	} {
		var copies int
		var sent, reads int64
		pieces := s3Limits.plan(tt.parts)
		for _, p := range pieces {
			if p.copied.n > 0 {
				copies++
			}
			for _, b := range p.body {
				sent += b.Size()
				if b.Data == nil {
					reads += b.Len
				}
			}
		}
		if copies != tt.copies || sent != tt.sent || reads != tt.reads || copiesAny(pieces) != (copies > 0) {
			t.Errorf("%s: %d copies, %d bytes sent, %d of them read; want %d, %d, %d", tt.name, copies, sent, reads, tt.copies, tt.sent, tt.reads)
		}
	}
}

// TestPlanSplitsBodies: no part that is sent is larger than a server accepts.
func TestPlanSplitsBodies(t *testing.T) {
	if s3Limits.maxBody > 5<<30 {
		t.Errorf("a part may have %d bytes, and S3 takes 5 GiB", s3Limits.maxBody)
	}
	limits := partLimits{minPart: 50, maxCopy: 128, maxBody: 1000, maxParts: 10_000}
	batch := make([]byte, 1001)
	for name, parts := range map[string][]rotatelog.Part{
		"appended": {rotatelog.Copy(0, 100), rotatelog.Data(batch), rotatelog.Data([]byte("\n]}"))},
		"small":    {rotatelog.Copy(0, 10), rotatelog.Data(batch)},
		"first":    {rotatelog.Data(batch), rotatelog.Copy(7, 300)},
		"larger":   {rotatelog.Data(make([]byte, 9999))},
	} {
		for plan, pieces := range map[string][]piece{"plan": limits.plan(parts), "planSent": limits.planSent(parts)} {
			want, _, _ := measure(parts)
			var total int64
			for i, p := range pieces {
				size, _, _ := measure(p.body)
				if total += size + p.copied.n; size > limits.maxBody || i < len(pieces)-1 && size+p.copied.n < limits.minPart {
					t.Errorf("%s, %s: part %d sends %d bytes, and copies %d", name, plan, i, size, p.copied.n)
				}
			}
			if total != want {
				t.Errorf("%s, %s: %d bytes, want %d", name, plan, total, want)
			}
		}
	}
}

func TestCutParts(t *testing.T) {
	parts := []rotatelog.Part{rotatelog.Data([]byte("abc")), rotatelog.Copy(10, 4), rotatelog.Data([]byte("de"))}
	for n := range int64(10) {
		first, rest := cutParts(parts, n)
		a, _, _ := measure(first)
		b, _, _ := measure(rest)
		text := func(parts []rotatelog.Part) (s string) {
			for _, p := range parts {
				if s += string(p.Data); p.Data == nil {
					s += "0123456789ABCDEF"[p.Off : p.Off+p.Len]
				}
			}
			return s
		}
		if got := text(first) + text(rest); a != n || b != 9-n || got != "abcABCDde" {
			t.Errorf("cut at %d: %q and %q", n, text(first), text(rest))
		}
	}
}

func TestCopySource(t *testing.T) {
	for bucket, want := range map[string]string{
		"logs": "logs/p/key%20%201.json",
		"arn:aws:s3:us-east-1:123456789012:accesspoint/logs": "arn%3Aaws%3As3%3Aus-east-1%3A123456789012%3Aaccesspoint/logs/object/p/key%20%201.json",
	} {
		if got := copySource(bucket, "p/key  1.json"); got != want {
			t.Errorf("%s: %s, want %s", bucket, got, want)
		}
	}
}
