package rotatelog

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"example.com/rotatelog/internal/depth"
)

// TestLargeAndClosedLayouts spells out the format of a large day, and of the same day closed.
func TestLargeAndClosedLayouts(t *testing.T) {
	u := upload{Timestamp: "07/10/2025 12:01:00 AM EDT", Matches: 60, Fetches: 2, ID: "aBc123XyZ456", Data: []byte(`{"a":1},` + "\n" + `{"b":2}`)}
	const fields = `{"date":"2025-07-10","total_uploads":1,"total_matches_today":60,"first_upload":"07/10/2025 12:01:00 AM EDT","last_upload":"07/10/2025 12:01:00 AM EDT","total_fetches_today":2}`
	const entry = `
{"upload_sequence":1,"upload_timestamp":"07/10/2025 12:01:00 AM EDT","matches_in_upload":60,"fetches_in_upload":2,"upload_id":"aBc123XyZ456","fetch_data":[
{"a":1},
{"b":2}]}
`
	parts, d := newDocument(testDaily).appendWithin(1, u)
	b := applyParts(t, nil, parts)
	if diff := cmp.Diff(`{"uploads":[`+entry+"],\n"+`"daily_metadata":`+fields+"}\n", string(b)); diff != "" || d.layout() != metadataLast {
		t.Errorf("large, layout %d (-want +got):\n%s", d.layout(), diff)
	}
	parts, d = d.appendAs(metadataFirst)
	if len(parts) != 3 || parts[0].Data == nil || parts[1].Data != nil || parts[2].Data == nil {
		t.Errorf("closing is not one copy between two texts: %v", parts)
	}
	b = applyParts(t, b, parts)
	if diff := cmp.Diff(`{"daily_metadata":`+fields+",\n"+`"uploads":[`+entry+"]}\n", string(b)); diff != "" || d.layout() != metadataFirst {
		t.Errorf("closed, layout %d (-want +got):\n%s", d.layout(), diff)
	}
}

// turn is a step of a day's object: uploads, and in which layout.
type turn struct {
	to      layout // foreign: the size decides
	uploads []upload
}

func (s turn) apply(d dayState) ([]Part, dayState) {
	if s.to == foreign {
		return d.appendWithin(2000, s.uploads...)
	}
	return d.appendAs(s.to, s.uploads...)
}

// TestGoldenLayouts follows days that become large, are closed, and get more.
func TestGoldenLayouts(t *testing.T) {
	var five []turn
	for n := range 5 {
		five = append(five, turn{foreign, []upload{testUpload(n, 2)}})
	}
	closing, late := turn{to: metadataFirst}, turn{metadataFirst, []upload{testUpload(7, 1), testUpload(8, 1)}}
	for _, test := range []struct {
		before, after string
		turns         []turn
	}{
		{"", "large.json", five},
		{"", "closed.json", append(five[:5:5], closing)},
		{"", "closed-late.json", append(five[:5:5], closing, late)},
		{"", "opened-again.json", append(five[:5:5], closing, five[1])},
		{"last.json", "last-closed.json", []turn{closing}},
		{"script.json", "script-large.json", append(five[:5:5], closing, late)},
		{"extras.json", "extras-large.json", append(five[:5:5], closing, late)},
	} {
		t.Run(test.after, func(t *testing.T) {
			var b []byte
			d := newDocument(testDaily)
			if test.before != "" {
				b = readGolden(t, test.before)
				d = mustScan(t, b)
			}
			for _, s := range test.turns {
				b, d = checkStep(t, b, d, s.uploads, s.apply)
			}
			if *updateGolden {
				if err := os.WriteFile(filepath.Join("testdata", "daily", test.after), b, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(readGolden(t, test.after)), string(b)); diff != "" {
				t.Errorf("document (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLayoutsRandom compares with parsing, over random sequences of appends that
// cross the size of a large day, closings and late uploads. What is known of
// the document comes from the step before, from its metadata, or from a scan.
func TestLayoutsRandom(t *testing.T) {
	t.Parallel()
	rounds := depth.N(100, 200, 400)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var reached [3]int
	for round := range rounds {
		rng := rand.New(rand.NewPCG(seed, uint64(round)))
		var b []byte
		d := newDocument(testDaily)
		if rng.IntN(4) == 0 {
			b = randomDay(rng)
			d = mustScan(t, b)
		}
		for n := range 1 + rng.IntN(12) {
			s := turn{to: layout(rng.IntN(3))}
			for i := range rng.IntN(3) {
				s.uploads = append(s.uploads, testUpload(10*n+i, 1+rng.IntN(6)))
			}
			from := d.layout()
			b, d = checkStep(t, b, d, s.uploads, s.apply)
			checkTurn(t, b, d, from, s)
			reached[d.layout()]++
			switch meta := d.meta(); {
			case rng.IntN(3) == 0 || meta == nil:
				d = mustScan(t, b)
			case rng.IntN(2) == 0:
				d, _ = documentFromMeta(testDaily, Object{Size: int64(len(b)), Meta: meta})
			}
		}
	}
	for l, times := range reached {
		if times == 0 {
			t.Errorf("layout %d was never reached", l)
		}
	}
}

// checkTurn checks in which layout a step left the object.
func checkTurn(t *testing.T, b []byte, d dayState, from layout, s turn) {
	t.Helper()
	want := s.to
	switch {
	case from == foreign:
		return // it may have become ours: an empty object, say
	case s.to == foreign && from == metadataFirst && len(b) < 2000:
		want = metadataFirst
	case s.to == foreign:
		want = metadataLast
	}
	if s.to == foreign && from == metadataFirst && d.layout() == metadataLast {
		want = metadataLast // which is a little smaller
	}
	if d.layout() != want {
		t.Fatalf("layout %d after %d to %d of %d bytes, want %d\n%s", d.layout(), from, s.to, len(b), want, b)
	}
	if begins := bytes.HasPrefix(b, []byte(firstFields)); begins != (want == metadataFirst) {
		t.Fatalf("layout %d:\n%s", want, b)
	}
}

// TestForeignLayouts: what is nearly in our layout, but has members of others,
// is spliced, and loses none of them.
func TestForeignLayouts(t *testing.T) {
	_, d := newDocument(testDaily).append(testUpload(1, 1))
	parts, _ := newDocument(testDaily).append(testUpload(1, 1))
	small := string(applyParts(t, nil, parts))
	parts, _ = newDocument(testDaily).appendAs(metadataLast, testUpload(1, 1))
	large := string(applyParts(t, nil, parts))
	if d.layout() != metadataFirst || mustScan(t, []byte(large)).layout() != metadataLast {
		t.Fatal("our own layouts are not known")
	}
	for _, edit := range []struct{ in, old, new string }{
		{small, `{"daily_metadata":{`, `{"daily_metadata":{"":1,`},
		{small, `{"daily_metadata":{`, `{"":0,"daily_metadata":{`},
		{small, "},\n\"uploads\"", ",\"\":0},\n\"uploads\""},
		{small, "},\n\"uploads\"", "},\"\":0,\"uploads\""},
		{small, "\n]}\n", "\n],\"\":0}\n"},
		{small, "\n]}\n", "\n]}"},
		{large, `{"uploads"`, `{"":0,"uploads"`},
		{large, `{"uploads"`, "{\n\"uploads\""},
		{large, "\n],\n", "\n],\"\":0,"},
		{large, "}}\n", `},"":0}` + "\n"},
		{large, "}}\n", `,"":0}}` + "\n"},
		{large, `"daily_metadata":{`, `"daily_metadata":{"":0,`},
	} {
		b := []byte(strings.Replace(edit.in, edit.old, edit.new, 1))
		if string(b) == edit.in {
			t.Fatalf("%q is not in\n%s", edit.old, edit.in)
		}
		d := mustScan(t, b)
		if d.layout() != foreign {
			t.Errorf("taken for layout %d:\n%s", d.layout(), b)
		}
		for _, to := range []layout{metadataFirst, metadataLast, foreign} {
			s := turn{to, []upload{testUpload(2, 1)}}
			b, d = checkStep(t, b, d, s.uploads, s.apply)
		}
		if d.layout() != foreign {
			t.Errorf("turned to layout %d:\n%s", d.layout(), b)
		}
	}
}

// TestTwoMachinesAdoptADayOfTheOldScript: whatever a day looks like, it has other bytes
// each time that a machine adopts it, and says the same. Where a store knows versions by
// their content, one of two machines could not be refused otherwise.
func TestTwoMachinesAdoptADayOfTheOldScript(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for round := range depth.N(100, 200, 500) {
		b := randomDay(rand.New(rand.NewPCG(seed, uint64(round))))
		b, d := checkAppend(t, b, mustScan(t, b), testUpload(1, 2))
		seen := map[string]bool{string(b): true}
		for range 3 {
			was := d.layout()
			b, d = checkStep(t, b, d, nil, dayState.adopted)
			if was == foreign && seen[string(b)] {
				t.Errorf("it has the bytes that it had before:\n%s", b)
			}
			seen[string(b)] = true
		}
	}
}
