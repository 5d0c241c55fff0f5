package rotatelog

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"example.com/rotatelog/internal/depth"
	"github.com/google/go-cmp/cmp"
)

// TestScanReadsTheOldScriptsDays reads what the old script wrote, wrong totals and all.
func TestScanReadsTheOldScriptsDays(t *testing.T) {
	b := readGolden(t, "script.json")
	d, ids, err := scanDocument(testDaily, iotest.OneByteReader(bytes.NewReader(b)), int64(len(b)), 0)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Totals{Day: testDay, Uploads: 2, Fetches: 2, Matches: 60}, d.totals); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	if d.lastSequence != 7 || d.first != "07/10/2025 12:01:00 AM EDT" || d.last != "07/10/2025 12:11:00 AM EDT" {
		t.Errorf("sequence %d, first %q, last %q", d.lastSequence, d.first, d.last)
	}
	if diff := cmp.Diff([]uploadID{{1, ""}, {7, ""}}, d.recent, compareDocuments); diff != "" {
		t.Errorf("recent (-want +got):\n%s", diff)
	}
	if len(ids) != 0 {
		t.Errorf("ids %v", ids)
	}
}

// TestScanCountsOddMembers: what odd, missing or repeated members count.
func TestScanCountsOddMembers(t *testing.T) {
	tests := []struct {
		name, text     string
		totals         Totals
		sequence       int
		first, last    string
		ids            map[string]int
		wantRecentLast uploadID
	}{
		{
			name:           "the last of a member counts",
			text:           `{"uploads":[{"matches_in_upload":1,"matches_in_upload":2,"upload_id":"AAAAAAAA","upload_id":"BBBBBBBB","fetch_data":0,"fetch_data":[1,2],"upload_sequence":9,"upload_sequence":3}]}`,
			totals:         Totals{Uploads: 1, Fetches: 2, Matches: 2},
			sequence:       3,
			ids:            map[string]int{"BBBBBBBB": 3},
			wantRecentLast: uploadID{3, "BBBBBBBB"},
		},
		{
			name:           "odd counts",
			text:           `{"uploads":[{"matches_in_upload":-1},{"matches_in_upload":2.0},{"matches_in_upload":"3"},{"matches_in_upload":1e2},{"matches_in_upload":99999999999999999999},{"matches_in_upload":null},{"matches_in_upload":4}]}`,
			totals:         Totals{Uploads: 7, Matches: 4},
			sequence:       7,
			ids:            map[string]int{},
			wantRecentLast: uploadID{7, ""},
		},
		{
			name:           "odd sequences",
			text:           `{"uploads":[{"upload_sequence":5},{"upload_sequence":-6},{"upload_sequence":"7"},{"upload_sequence":9223372036854775807},{"upload_sequence":2,"upload_id":"odd id"}]}`,
			totals:         Totals{Uploads: 5},
			sequence:       5,
			ids:            map[string]int{"odd id": 5},
			wantRecentLast: uploadID{5, ""},
		},
		{
			name:           "times from daily_metadata",
			text:           `{"uploads":[{},{}],"daily_metadata":{"last_upload":"b","first_upload":"x","first_upload":"a"}}`,
			totals:         Totals{Uploads: 2},
			sequence:       2,
			first:          "a",
			last:           "b",
			ids:            map[string]int{},
			wantRecentLast: uploadID{2, ""},
		},
		{
			name:           "times from the entries, names with escapes",
			text:           `{"daily_metadata":{"first_upload":"a","last_upload":"b"},"up\u006coads":[{"upload_timestamp":"c"},{"upload_timest\u0061mp":"d"}]}`,
			totals:         Totals{Uploads: 2},
			sequence:       2,
			first:          "c",
			last:           "d",
			ids:            map[string]int{},
			wantRecentLast: uploadID{2, ""},
		},
		{
			name:           "bytes that are no UTF-8",
			text:           "{\"\xff\":\"\\ud800\",\"uploads\":[{\"upload_id\":\"\xff\",\"fetch_data\":[\"\xfe\"]}]}",
			totals:         Totals{Uploads: 1, Fetches: 1},
			sequence:       1,
			ids:            map[string]int{"\ufffd": 1},
			wantRecentLast: uploadID{1, ""},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d, ids, err := scanDocument(testDaily, strings.NewReader(test.text), int64(len(test.text)), 0)
			if err != nil {
				t.Fatal(err)
			}
			test.totals.Day = testDay
			if diff := cmp.Diff(test.totals, d.totals); diff != "" {
				t.Errorf("totals (-want +got):\n%s", diff)
			}
			if d.lastSequence != test.sequence || d.first != test.first || d.last != test.last {
				t.Errorf("sequence %d, first %q, last %q, want %d, %q, %q", d.lastSequence, d.first, d.last, test.sequence, test.first, test.last)
			}
			if diff := cmp.Diff(test.ids, ids); diff != "" {
				t.Errorf("ids (-want +got):\n%s", diff)
			}
			if got := d.recent[len(d.recent)-1]; got != test.wantRecentLast {
				t.Errorf("last of recent = %v, want %v", got, test.wantRecentLast)
			}
			checkAppend(t, []byte(test.text), d, testUpload(1, 1), testUpload(2, 1))
		})
	}
}

// TestScanRefusesOtherDocuments: what is not a daily document is a permanent error
// that says why.
func TestScanRefusesOtherDocuments(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"empty", "", "the object is empty"},
		{"white space", " \n", "EOF"},
		{"not JSON", "<html>", "invalid character '<'"},
		{"byte order mark", "\ufeff" + `{"uploads":[]}`, "invalid character"},
		{"truncated", `{"uploads":[{"fetch_data":[{}`, "cut off at byte 29"},
		{"trailing garbage", `{"uploads":[]}{}`, "more after"},
		{"trailing bracket", `{"uploads":[]}]`, "more after"},
		{"array", `[]`, "it is an array, not an object"},
		{"string", `"uploads"`, "it is a string"},
		{"no uploads", `{"daily_metadata":{}}`, `it has no "uploads"`},
		{"uploads in another case", `{"Uploads":[]}`, `it has no "uploads"`},
		{"uploads null", `{"uploads":null}`, `"uploads" is null, not an array`},
		{"uploads object", `{"uploads":{}}`, `"uploads" is an object, not an array`},
		{"uploads twice", `{"uploads":[],"uploads":[]}`, `it has "uploads" twice`},
		{"daily_metadata twice", `{"daily_metadata":{},"uploads":[],"daily_metadata":{}}`, `it has "daily_metadata" twice`},
		{"daily_metadata array", `{"daily_metadata":[],"uploads":[]}`, `"daily_metadata" is an array, not an object`},
		{"daily_metadata long", `{"daily_metadata":{"x":"` + strings.Repeat("x", 1<<20) + `"},"uploads":[]}`, `"daily_metadata" is longer than 1048576 bytes`},
		{"entry number", `{"uploads":[{},17]}`, "entry 2 of uploads is a number, not an object"},
		{"entry boolean", `{"uploads":[true]}`, "entry 1 of uploads is a boolean, not an object"},
		{"fetch_data object", `{"uploads":[{"fetch_data":{}}]}`, "fetch_data of entry 1 of uploads is an object, not an array"},
		{"fetch_data null", `{"uploads":[{"fetch_data":[],"fetch_data":null}]}`, "fetch_data of entry 1 of uploads is null, not an array"},
		{"comma", `{"uploads":[{},]}`, "invalid character"},
		{"too deep", strings.Repeat(`{"a":`, 20000), "depth"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := scanDocument(testDaily, strings.NewReader(test.text), int64(len(test.text)), 0)
			if !errors.Is(err, ErrPermanent) || errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("error %v, want ErrPermanent", err)
			}
			for _, want := range []string{test.want, "not a daily document", "move the object away, or set another Prefix"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

// TestScanKnowsTheOldScript by the log that it leaves, alone or after a daily document.
func TestScanKnowsTheOldScript(t *testing.T) {
	const log = "=== FETCH START: #1 | ABCDEFGHIJKL | 07/10/2025 08:00:00 PM EDT ===\n{}\n"
	for text, known := range map[string]bool{
		log:                                  true,
		"\n" + log:                           true,
		`{"uploads":[]}` + "\n\n" + log:      true,
		"=== FETCH END":                      false,
		`{"uploads":[]}` + "\n{}" + log:      false,
		`{"uploads":["=== FETCH START: "]}x`: false,
	} {
		_, _, err := scanDocument(testDaily, strings.NewReader(text), int64(len(text)), 0)
		if !errors.Is(err, errNotDaily) || errors.Is(err, errOldScript) != known || (codeOf(err) == "old_script") != known {
			t.Errorf("%q: %v, %s", text, err, codeOf(err))
		}
		if known && !strings.Contains(err.Error(), "stop that script; then move the object away") {
			t.Errorf("%q: %v does not say what to do", text, err)
		}
	}
}

// TestScanHoldsNoMore than a value of the size that is allowed, wherever a long one is.
func TestScanHoldsNoMore(t *testing.T) {
	const most = 10_000
	fetch := func(n int) string { return `{"x":"` + strings.Repeat("x", n-len(`{"x":""}`)) + `"}` }
	const long = 20 * most
	refused := map[string]string{
		"fetch":       `{"uploads":[{"fetch_data":[` + fetch(long) + `]}]}`,
		"member":      `{"x":` + fetch(long) + `,"uploads":[]}`,
		"name":        `{"` + strings.Repeat("x", long) + `":0,"uploads":[]}`,
		"id":          `{"uploads":[{"upload_id":"` + strings.Repeat("x", long) + `"}]}`,
		"number":      `{"uploads":[{"upload_sequence":` + strings.Repeat("1", long) + `}]}`,
		"white space": `{"uploads":[` + strings.Repeat(" ", long) + `]}`,
		"its end":     `{"uploads":[]}` + strings.Repeat("\n", long),
	}
	for name, text := range refused {
		_, _, err := scanDocument(testDaily, strings.NewReader(text), int64(len(text)), most)
		if !errors.Is(err, ErrPermanent) || !strings.Contains(err.Error(), "a value in it, or white space, is longer than 10000 bytes") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	for n := most - 100; n <= most; n++ {
		text := `{"uploads":[{"fetch_data":[` + strings.Repeat(fetch(n)+",\n", 20) + `{}]}]}`
		if doc, _, err := scanDocument(testDaily, strings.NewReader(text), int64(len(text)), most); err != nil || doc.totals.Fetches != 21 {
			t.Errorf("fetches of %d bytes: %+v, %v", n, doc.totals, err)
		}
	}
}

// TestScanCut cuts documents at every byte. A short or failed read says nothing
// about the object; only if the object itself is cut is it not a daily document.
func TestScanCut(t *testing.T) {
	failed := errors.New("connection reset")
	for _, name := range []string{"script.json", "last.json"} {
		b := readGolden(t, name)
		end := len(bytes.TrimRight(b, "\n"))
		for cut := range b {
			size := int64(len(b))
			for _, short := range []io.Reader{bytes.NewReader(b[:cut]), iotest.DataErrReader(bytes.NewReader(b[:cut]))} {
				_, _, err := scanDocument(testDaily, short, size, 0)
				if !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, ErrPermanent) {
					t.Fatalf("%s, %d of %d bytes: error %v, want ErrUnexpectedEOF", name, cut, size, err)
				}
			}
			for _, cause := range []error{failed, io.ErrUnexpectedEOF} {
				broken := io.MultiReader(bytes.NewReader(b[:cut]), iotest.ErrReader(cause))
				if _, _, err := scanDocument(testDaily, broken, size, 0); err != cause {
					t.Fatalf("%s, failed after %d bytes: error %v, want %v", name, cut, err, cause)
				}
			}
			_, _, err := scanDocument(testDaily, bytes.NewReader(b[:cut]), int64(cut), 0)
			if whole := cut >= end; whole && err != nil || !whole && !errors.Is(err, ErrPermanent) {
				t.Fatalf("%s, an object of the first %d bytes: error %v", name, cut, err)
			}
		}
		_, _, err := scanDocument(testDaily, bytes.NewReader(b), int64(len(b)-1), 0)
		if err == nil || errors.Is(err, ErrPermanent) {
			t.Errorf("%s, more bytes than the object has: error %v", name, err)
		}
	}
}

// FuzzScan: what scans is what encoding/json reads, and can be appended to.
func FuzzScan(f *testing.F) {
	for _, name := range []string{"script.json", "last.json", "extras.json", "bare.json", "null.json", "new-one.json"} {
		f.Add(readGolden(f, name))
	}
	f.Add([]byte(`{"x":[{}],"uploads":[{"upload_sequence":1,"upload_sequence":9223372036854775807}],"daily_metadata":{"a":1,"date":2,"a":3}}`))
	f.Add([]byte(`{"uploads":[{"matches_in_upload":9223372036854775807},{"matches_in_upload":9223372036854775807,"upload_id":"abcdefgh"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) { checkScan(t, b) })
}

// TestScanMutated mutates each byte of documents. Most mutants are refused; the
// others are read as encoding/json reads them.
func TestScanMutated(t *testing.T) {
	depth.SkipInShort(t)
	t.Parallel()
	accepted := 0
	for _, name := range []string{"script.json", "last.json"} {
		b := readGolden(t, name)
		for i := range b {
			for _, c := range []byte(`}"`) {
				if checkScan(t, slices.Concat(b[:i], []byte{c}, b[i+1:])) {
					accepted++
				}
			}
		}
	}
	if accepted == 0 {
		t.Error("no mutant was accepted: this test tests nothing")
	}
}

// checkScan reports whether b scans, and if so, checks that it is what
// encoding/json reads, and that it can be appended to.
func checkScan(t *testing.T, b []byte) bool {
	t.Helper()
	d, ids, err := scanDocument(testDaily, bytes.NewReader(b), int64(len(b)), 0)
	if err != nil {
		if !errors.Is(err, ErrPermanent) {
			t.Fatalf("error %v", err)
		}
		return false
	}
	p, err := readPlain(b)
	if err != nil {
		t.Fatalf("encoding/json: %v", err)
	}
	var fetches int
	for i, raw := range p.entries {
		_, _, n, _, err := plainEntry(raw)
		if err != nil {
			t.Fatalf("entry %d: %v", i, err)
		}
		fetches += n
	}
	if d.totals.Uploads != len(p.entries) || d.totals.Fetches != fetches || len(ids) > len(p.entries) {
		t.Fatalf("totals %+v and %d ids, want %d uploads of %d fetches", d.totals, len(ids), len(p.entries), fetches)
	}
	b, d = checkAppend(t, b, d, testUpload(1, 1))
	checkAppend(t, b, d, testUpload(2, 2), testUpload(3, 1))
	return true
}

// BenchmarkAppend shows that an append costs the same whatever the batch's size.
func BenchmarkAppend(b *testing.B) {
	u := testUpload(1, 10)
	u.Data = bytes.Repeat([]byte(" "), 18<<20)
	_, d := newDocument(testDaily).append(u)
	b.ReportAllocs()
	for b.Loop() {
		parts, next := d.append(u)
		if len(parts) == 0 || next.meta() == nil {
			b.Fatal(parts)
		}
	}
}
