package rawjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// nested returns an object that nests depth levels deep.
func nested(depth int) string {
	return `{"a":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
}

func TestCheckObject(t *testing.T) {
	var again Finder // whatever it has read before
	for _, tt := range []struct {
		name, raw string
		value     string // of the member FETCH_FOOTER
	}{
		{"empty object", `{}`, ""},
		{"white space around and within", " \t\r\n{ \"a\" :\n[ ] , \"FETCH_FOOTER\" : 1 }\n", "1"},
		{"last duplicate", `{"FETCH_FOOTER":{"a":1},"a":2,"FETCH_FOOTER":{"b":3},"c":4}`, `{"b":3}`},
		{"name spelled with escapes", `{"\u0046ETCH_FOOTER":[1, 2]}`, `[1, 2]`},
		{"name that ends in an escape", `{"FETCH_FOOTER\\":1,"FETCH_FOOTER\"":2}`, ""},
		{"null", `{"FETCH_FOOTER":null}`, "null"},
		{"nested only", `{"RAW_API_DATA":{"FETCH_FOOTER":1},"s":"\"FETCH_FOOTER\":2"}`, ""},
		{"lone surrogates", `{"a":"\ud800","b":"\udc00\ud800","\uDEAD":1}`, ""},
		{"duplicates below", `{"a":{"b":1,"b":2}}`, ""},
		{"all escapes", `{"a":"\"\\\/\b\f\n\r\t\u00e9"}`, ""},
		{"numbers", `{"a":[0,-0,1.10,1e3,1E+3,-1.5e-300,12345678901234567890,1e999]}`, ""},
		{"UTF-8", "{\"é\":\"\u2028\U0001F600\ufeff\x7f\"}", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			again.CheckObject([]byte(`{"FETCH_FOOTER":[1,`), 0, "FETCH_FOOTER")
			f, err := again.CheckObject([]byte(tt.raw), 0, "FETCH_FOOTER")
			value := f.Value
			if err != nil || string(value) != tt.value {
				t.Errorf("got %q, %v; want %q", value, err, tt.value)
			}
			if (value == nil) != (tt.value == "") {
				t.Errorf("value is nil: %t", value == nil)
			}
		})
	}
}

func TestCheckObjectErrors(t *testing.T) {
	var again Finder // whatever it has read before
	for _, tt := range []struct{ name, raw, want string }{
		{"nothing", "", "want a JSON object, found nothing"},
		{"white space", " \n", "want a JSON object, found nothing"},
		{"array", ` [{}]`, "want a JSON object, found '[' at byte 1"},
		{"number", `1`, "want a JSON object, found '1' at byte 0"},
		{"NUL", "\x00", `want a JSON object, found '\x00' at byte 0`},
		{"NUL at the end", "{}\x00", "data after the end of the object at byte 2"},
		{"two objects", `{} {}`, "data after the end of the object at byte 3"},
		{"trailing garbage", `{}}`, "data after the end of the object at byte 2"},
		{"form feed", "{\f}", `invalid character '\f' at start of value at byte 1`},
		{"control character in a string", "{\"a\":\"b\nc\"}", `invalid character '\n' in string (expecting non-control character) at byte 7`},
		{"NUL in a string", "{\"a\":\"\x00\"}", `invalid character '\x00' in string (expecting non-control character) at byte 6`},
		{"invalid UTF-8", "{\"a\":\"\xff\"}", "invalid UTF-8 at byte 6"},
		{"half a rune", "{\"a\":\"\xe2\x82\"}", "invalid UTF-8 at byte 6"},
		{"a surrogate in UTF-8", "{\"a\":\"é\xed\xa0\x80\"}", "invalid UTF-8 at byte 8"},
		{"torn", `{"a":[1,`, "cut off at byte 8"},
		{"torn in a string", `{"a":"b`, "cut off at byte 7"},
		{"comma at the end", `{"a":1,}`, "invalid character ',' at start of value at byte 6"},
		{"number spelled wrong", `{"a":01}`, "invalid character '1' after object value (expecting ',' or '}') at byte 6"},
		{"escape", `{"a":"\x"}`, "invalid escape sequence `\\x` in string at byte 6"},
		{"brackets mixed up", `{"a":[}]}`, "invalid character '}' at start of value at byte 6"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			again.CheckObject([]byte(`{"a":1}`), 0, "a")
			f, err := again.CheckObject([]byte(tt.raw), 0, "a")
			if err == nil || err.Error() != tt.want || f.Value != nil {
				t.Errorf("got  %q, %v\nwant %s", f.Value, err, tt.want)
			}
		})
	}
}

func TestCheckObjectDepth(t *testing.T) {
	for _, tt := range []struct {
		name     string
		raw      string
		maxDepth int
		want     string
	}{
		{"as deep as may be", nested(3), 3, ""},
		{"too deep", nested(4), 3, "nested more than 3 levels deep at byte 7"},
		{"only the object", `{"a":1}`, 1, ""},
		{"wide, not deep", `{"a":[` + strings.Repeat(`{},`, 100) + `{}]}`, 3, ""},
		{"brackets in strings", `{"[[[[[[[":"[[[\"[[{\\","b":["\\\"{{{{{{"]}`, 2, ""},
		{"deep without a limit", nested(MaxDepth), 0, ""},
		{"too deep without a limit", nested(MaxDepth + 1), 0, "nested more than 9990 levels deep at byte 9994"},
		{"a limit beyond what can be", nested(MaxDepth + 1), math.MaxInt, "nested more than 9990 levels deep at byte 9994"},
		{"bomb", `{"a":` + strings.Repeat("[", 20_000_000), 100, "nested more than 100 levels deep at byte 104"},
		{"bomb without a limit", `{"a":` + strings.Repeat("[", 20_000_000), 0, "nested more than 9990 levels deep at byte 9994"},
		{"bomb of objects", strings.Repeat(`{"a":`, 5_000_000), 0, "nested more than 9990 levels deep at byte 49950"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := new(Finder).CheckObject([]byte(tt.raw), tt.maxDepth)
			if got := fmt.Sprint(err); (err != nil || tt.want != "") && got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestDeepestRecordIsReadable checks that what CheckObject accepts can be read
// back from where it is stored.
func TestDeepestRecordIsReadable(t *testing.T) {
	record := nested(MaxDepth)
	if records, _, ok := SplitArray([]byte("[" + record + "]")); !ok || len(records) != 1 {
		t.Errorf("in the local file: %d records, %t", len(records), ok)
	}
	day := []byte(`{"uploads":[{"fetch_data":[` + record + `]}]}`)
	if !json.Valid(day) {
		t.Error("encoding/json cannot read the day's object")
	}
	if _, err := Lookup(day, "uploads"); err != nil {
		t.Errorf("jsontext cannot read the day's object: %v", err)
	}
}

func TestCheckObjectAllocates(t *testing.T) {
	small, large := sampleFetch(50_000), sampleFetch(1_000_000)
	count := func(raw []byte) float64 {
		return testing.AllocsPerRun(5, func() {
			if _, err := new(Finder).CheckObject(raw, 100, "FETCH_FOOTER"); err != nil {
				t.Fatal(err)
			}
		})
	}
	if s, l := count(small), count(large); s != l {
		t.Errorf("%v allocations for %d bytes, %v for %d; want as many", s, len(small), l, len(large))
	}
}

func TestLookup(t *testing.T) {
	const value = ` {"a":{"b":[1, 2],"n":null,"s":"é"},"a\u002fb":3,"n":null,"l":[{"b":4}],
		"d":{"e":5},"d":{"e":6,"e":7}} `
	for _, tt := range []struct {
		path []string
		want string // "" for nil
		err  string
	}{
		{path: []string{"a", "b"}, want: `[1, 2]`},
		{path: []string{"a", "s"}, want: `"é"`},
		{path: []string{"a", "n"}, want: `null`},
		{path: []string{"a/b"}, want: `3`},
		{path: []string{"d", "e"}, want: `7`},
		{path: []string{"x"}},
		{path: []string{"a", "x"}},
		{path: []string{"x", "y", "z"}},
		{path: []string{"n", "x", "y"}},
		{path: []string{"l", "b"}, err: `l is not an object: [{"b":4}]`},
		{path: []string{"a", "s", "t"}, err: `a.s is not an object: "é"`},
		{path: nil, want: strings.TrimSpace(value)},
	} {
		t.Run(strings.Join(tt.path, "."), func(t *testing.T) {
			got, err := Lookup([]byte(value), tt.path...)
			if string(got) != tt.want || (got == nil) != (tt.want == "") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if fmt.Sprint(err) != tt.err && (err != nil || tt.err != "") {
				t.Errorf("got  %v\nwant %s", err, tt.err)
			}
		})
	}
	if _, err := Lookup([]byte(`[1]`), "a"); err == nil || err.Error() != "not an object: [1]" {
		t.Errorf("lookup in an array: %v", err)
	}
	if got, err := Lookup(nil, "a"); got != nil || err != nil {
		t.Errorf("lookup in nothing = %q, %v", got, err)
	}
}

// spellings has every token that a formatter might be tempted to respell.
const spellings = ` { "n" : [ 1.10 , 1e3 , 1E+03, -0, -0.0, 12345678901234567890 , 0.1e-7 ] ,
	"s":"\/\u00e9\u00E9é\u003c<>&\u2028` + "\u2028\x7f" + `\ud83d\ude00\"\\\b" , "lone":["\ud800" , "\uDC00x"],
	"dup":1,"dup":2 , "\u0064up":3, "e":{ } , "l":[ ], "d":{"x":[ {"y":null} ,true,false]} , "":"" }
`

func TestFormat(t *testing.T) {
	const compact = `{"n":[1.10,1e3,1E+03,-0,-0.0,12345678901234567890,0.1e-7],` +
		`"s":"\/\u00e9\u00E9é\u003c<>&\u2028` + "\u2028\x7f" + `\ud83d\ude00\"\\\b","lone":["\ud800","\uDC00x"],` +
		`"dup":1,"dup":2,"\u0064up":3,"e":{},"l":[],"d":{"x":[{"y":null},true,false]},"":""}`
	got, err := AppendCompact([]byte("> "), []byte(spellings))
	if diff := cmp.Diff("> "+compact, string(got)); diff != "" || err != nil {
		t.Errorf("compact: %v; -want +got:\n%s", err, diff)
	}
	const indented = `{
  "a": [
    1,
    {
      "b": "\/"
    },
    {},
    []
  ]
}`
	got, err = AppendIndented([]byte("> "), []byte(`{"a":[1,{"b":"\/"},{},[]]}`))
	if diff := cmp.Diff("> "+indented, string(got)); diff != "" || err != nil {
		t.Errorf("indented: %v; -want +got:\n%s", err, diff)
	}
}

func TestFormatError(t *testing.T) {
	for name, format := range formats {
		got, err := format([]byte("> "), []byte(`{"a":x}`))
		if err == nil || string(got) != "> " {
			t.Errorf("%s: %q, %v; want an error and nothing appended", name, got, err)
		}
	}
}

var formats = map[string]func(dst, value []byte) ([]byte, error){"compact": AppendCompact, "indented": AppendIndented}

// tokens returns value without insignificant white space, by code that is independent
// of the code under test.
func tokens(t *testing.T, value []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, value); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestSplitArray(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
		end      int
		ok       bool
	}{
		{"nothing", "", nil, 0, false},
		{"no array", `{"a":1}`, nil, 0, false},
		{"white space only", " \n", nil, 0, false},
		{"zeros", "\x00\x00", nil, 0, false},
		{"only the bracket", " [", nil, 2, false},
		{"empty", "[ ]\n", nil, 1, true},
		{"whole", " [\n{\"a\": 1} ,\n{\"b\":[{}]}\n]\n", []string{`{"a": 1}`, `{"b":[{}]}`}, 24, true},
		{"close missing", `[{"a":1},{"b":2}`, []string{`{"a":1}`, `{"b":2}`}, 16, false},
		{"comma at the end", `[{"a":1},`, []string{`{"a":1}`}, 8, false},
		{"comma before the close", `[{"a":1},]`, []string{`{"a":1}`}, 8, false},
		{"torn element", `[{"a":1},{"b":2`, []string{`{"a":1}`}, 8, false},
		{"comma missing", `[{"a":1}{"b":2}]`, []string{`{"a":1}`}, 8, false},
		{"comma missing, white space", `[{"a":1} {"b":2}]`, []string{`{"a":1}`}, 8, false},
		{"two commas", `[{"a":1},,{"b":2}]`, []string{`{"a":1}`}, 8, false},
		{"comma first", `[,{"a":1}]`, nil, 1, false},
		{"colon for a comma", `[{"a":1}:{"b":2}]`, []string{`{"a":1}`}, 8, false},
		{"element that is no object", `[{"a":1},2,{"b":3}]`, []string{`{"a":1}`}, 8, false},
		{"array within", `[[{"a":1}]]`, nil, 1, false},
		{"data after the close", `[{"a":1}]]`, []string{`{"a":1}`}, 8, false},
		{"zeros after the close", "[{}]\x00", []string{`{}`}, 3, false},
		{"zeros for an element", "[{},\x00\x00\x00]", []string{`{}`}, 3, false},
		{"invalid UTF-8", "[{\"a\":\"é\"},{\"b\":\"\xff\"},{}]", []string{`{"a":"é"}`}, 11, false},
		{"brackets in strings", `[{"a":"]}\"]"},{"b":1}]`, []string{`{"a":"]}\"]"}`, `{"b":1}`}, 22, true},
		{"duplicates and surrogates", `[{"a":1,"a":"\ud800"}]`, []string{`{"a":1,"a":"\ud800"}`}, 21, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sameAsSplit(t, []byte(tt.in))
			records, end, ok := SplitArray([]byte(tt.in))
			if diff := cmp.Diff(tt.want, texts(records)); diff != "" || end != tt.end || ok != tt.ok {
				t.Errorf("end %d, ok %t; want %d, %t; -want +got:\n%s", end, ok, tt.end, tt.ok, diff)
			}
		})
	}
}

// TestSplitArrayDamaged cuts and flips an array at every byte. What comes
// before the damage must be found, and nothing but valid objects.
func TestSplitArrayDamaged(t *testing.T) {
	whole := []byte("[\n{\"a\":\"é]},\\\"\"},\n{\"b\":[1,{\"c\":null}]},\n{\"d\":{}}\n]\n")
	records, end, ok := SplitArray(whole)
	if len(records) != 3 || !ok {
		t.Fatalf("%d records, %t", len(records), ok)
	}
	before := func(n int) (sound []string) { // records that end before byte n
		at := 0
		for _, r := range records {
			if at = at + bytes.Index(whole[at:], r) + len(r); at <= n {
				sound = append(sound, string(r))
			}
		}
		return sound
	}
	for n := range len(whole) {
		got, _, ok := SplitArray(whole[:n])
		if diff := cmp.Diff(before(n), texts(got)); diff != "" {
			t.Errorf("cut at %d: -want +got:\n%s", n, diff)
		}
		if want := n > end+1; ok != want {
			t.Errorf("cut at %d: ok is %t, want %t", n, ok, want)
		}
		for _, c := range []byte{0, '\n', '"', '[', ']', '{', '}', ',', 'x', 0xff, whole[n] ^ 1} {
			flipped := bytes.Clone(whole)
			flipped[n] = c
			checkSplit(t, flipped)
			got, _, _ := SplitArray(flipped)
			if want := before(n); len(got) < len(want) || !cmp.Equal(texts(got[:len(want)]), want) {
				t.Errorf("%q at %d: got %q, want first %q", c, n, got, want)
			}
		}
	}
}

func texts(records [][]byte) (s []string) {
	for _, r := range records {
		s = append(s, string(r))
	}
	return s
}

// checkSplit checks what SplitArray guarantees for any b.
func checkSplit(t *testing.T, b []byte) {
	t.Helper()
	sameAsSplit(t, b)
	records, end, ok := SplitArray(b)
	if end < 0 || end > len(b) {
		t.Fatalf("end is %d of %d", end, len(b))
	}
	var parsed []json.RawMessage
	closed := json.Unmarshal(append(bytes.Clone(b[:end]), ']'), &parsed) == nil
	if end > 0 && (!closed || !cmp.Equal(rawTexts(parsed), texts(records))) {
		t.Errorf("%q: the first %d bytes, closed, are %q; split into %q", b, end, parsed, records)
	}
	for _, r := range records {
		if !utf8.Valid(r) || r[0] != '{' {
			t.Errorf("%q: record %q is no object in UTF-8", b, r)
		}
	}
	var all []map[string]json.RawMessage // null is no object, though Unmarshal takes it for one
	whole := utf8.Valid(b) && json.Unmarshal(b, &all) == nil && all != nil
	for _, m := range all {
		whole = whole && m != nil
	}
	if ok != whole {
		t.Errorf("%q: ok is %t, encoding/json says %t", b, ok, whole)
	}
}

func rawTexts(values []json.RawMessage) (s []string) {
	for _, v := range values {
		s = append(s, string(v))
	}
	return s
}

// depthOf returns how deep valid JSON nests, by encoding/json.
func depthOf(t *testing.T, b []byte) (deepest int) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	for depth := 0; ; {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return deepest
		}
		if err != nil {
			t.Fatal(err)
		}
		switch tok {
		case json.Delim('{'), json.Delim('['):
			depth++
			deepest = max(deepest, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

var jsonSeeds = []string{
	"", "{}", " {} ", "{}{}", "[]", "[{}]", "[{},{}]", "[{}", "null", "1", `{"a":1}`, `{"FETCH_FOOTER":{"total_matches":45}}`,
	`{"FETCH_FOOTER":1,"\u0046ETCH_FOOTER":[2]}`, `{"a":[[[[1]]]]}`, "{\"a\":\"\xff\"}", `{"a":"\ud800"}`, "{\"a\":\"\x00\"}",
	`{"a":"[[[[\"{{{{\\"}`, `{"a":01}`, `{"a":1e5,"b":-0,"c":1.10}`, `{"a":tru}`, `{"a":1,}`, "\uFEFF{}", spellings,
}

func FuzzCheckObject(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add([]byte(s), uint8(0))
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, raw []byte, maxDepth uint8) {
		var again Finder
		f, err := again.CheckObject(raw, int(maxDepth), "FETCH_FOOTER")
		value := f.Value
		want := json.Valid(raw) && utf8.Valid(raw) && bytes.TrimLeft(raw, Space)[0] == '{'
		if want {
			limit := MaxDepth
			if maxDepth > 0 {
				limit = int(maxDepth)
			}
			want = depthOf(t, raw) <= limit
		}
		if want != (err == nil) {
			t.Fatalf("checkObject(%q, %d) = %v, want valid: %t", raw, maxDepth, err, want)
		}
		if err != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(raw, &members); err != nil {
			t.Fatal(err)
		}
		footer := members["FETCH_FOOTER"]
		if !bytes.Equal(footer, value) || (footer == nil) != (value == nil) {
			t.Errorf("footer of %q is %q, got %q", raw, footer, value)
		}
		path := []string{"FETCH_FOOTER", "total_matches"}
		if f, err = again.CheckObject(raw, int(maxDepth), path...); err != nil {
			t.Fatal(err)
		}
		count, err := f.At(path)
		var inFooter map[string]json.RawMessage
		if notObject := json.Unmarshal(footer, &inFooter) != nil && footer != nil; notObject != (err != nil) {
			t.Errorf("count in %q: %v", raw, err)
		}
		if want := inFooter["total_matches"]; !bytes.Equal(want, count) {
			t.Errorf("count in %q is %q, got %q", raw, want, count)
		}
	})
}

func FuzzFormat(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		if _, err := new(Finder).CheckObject(value, 1000); err != nil {
			return
		}
		want := tokens(t, value)
		compact, err := AppendCompact(nil, value)
		if err != nil || string(compact) != want {
			t.Errorf("compact: %q, %v; want %q", compact, err, want)
		}
		indented, err := AppendIndented(nil, value)
		if err != nil || tokens(t, indented) != want {
			t.Errorf("indented: %q, %v; want the tokens %q", indented, err, want)
		}
		var layout bytes.Buffer
		if err := json.Indent(&layout, bytes.Trim(value, Space), "", "  "); err != nil || layout.String() != string(indented) {
			t.Errorf("indented: %s, encoding/json has it %s, %v", indented, &layout, err)
		}
	})
}

func FuzzSplitArray(f *testing.F) {
	for _, s := range jsonSeeds {
		f.Add([]byte(s))
		f.Add([]byte("[" + s + "," + s + "]"))
	}
	f.Add([]byte("[null]"))
	f.Fuzz(func(t *testing.T, b []byte) { checkSplit(t, b) })
}

// sampleFetch returns a fetch of about size bytes that looks like the real
// ones: thousands of small objects and arrays, short strings, a footer.
func sampleFetch(size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"FETCH_HEADER":{"fetch_number":17,"nyc_timestamp":"07/10/2025 03:45:22 PM EDT"},"RAW_API_DATA":{"live_matches":{"results":[`)
	for i := 0; i == 0 || b.Len() < size; i++ {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"id":"k82reky%07d","status_id":%d,"score":["k82rekyg%d",2,[1,0,0,3,-1,0,0],[0,0,0,1,2,0,0],%d,""],`+
			`"incidents":[{"type":9,"position":1,"time":%d,"player_name":"Jos\u00e9 Müller %d","home":true},`+
			`{"type":3,"position":2,"time":45,"note":"it's \"fine\""}],`+
			`"stats":[{"type":21,"home":3,"away":4},{"type":22,"home":1.25,"away":0}],"venue":null}`,
			i, i%9, i, 1_700_000_000+i, i%90, i)
	}
	b.WriteString(`]}},"FETCH_FOOTER":{"fetch_number":17,"total_matches":45,"matches_in_play":12}}`)
	return b.Bytes()
}

// BenchmarkSplitArray reads a full local file.
func BenchmarkSplitArray(b *testing.B) {
	fetch := sampleFetch(1_800_000)
	file := append([]byte{'['}, bytes.Join([][]byte{fetch, fetch, fetch, fetch, fetch, fetch, fetch, fetch, fetch}, []byte(",\n"))...)
	b.SetBytes(int64(len(file)))
	b.ReportAllocs()
	for b.Loop() {
		if records, end, _ := SplitArray(file); len(records) != 9 || end != len(file) {
			b.Fatalf("%d records in %d of %d bytes", len(records), end, len(file))
		}
	}
}

// FuzzIndentedSize: it is at least the size of the indented value, and exceeds it by
// at most the white space that was there before.
func FuzzIndentedSize(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,{"b":"\\\""},{},[]]}`, ` [ [ ] , { } ] `, `"\\"`, `{"a\"[":"]\\"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := AppendIndented(nil, b)
		if err != nil {
			return
		}
		if most := IndentedSize(b); len(out) > most {
			t.Errorf("%q: at most %d bytes, got %d", b, most, len(out))
		}
	})
}

// TestReadArrayFails: a file that cannot be read is not a damaged file.
func TestReadArrayFails(t *testing.T) {
	const text = `[{"a":1},{"b":2}]`
	broken := errors.New("input/output error")
	for n := range len(text) {
		whole, err := ReadArray(&failingReader{text[:n], broken}, func([]byte, int64) error { return nil })
		if whole || !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v, %v", n, whole, err)
		}
	}
	stop := errors.New("stop")
	if _, err := ReadArray(strings.NewReader(text), func([]byte, int64) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("each failed, and the error is %v", err)
	}
}

type failingReader struct {
	text string
	err  error
}

func (r *failingReader) Read(p []byte) (int, error) {
	if r.text == "" {
		return 0, r.err
	}
	n := copy(p, r.text)
	r.text = r.text[n:]
	return n, nil
}

// sameAsSplit checks that ReadArray finds in b what SplitArray does.
func sameAsSplit(t *testing.T, b []byte) {
	t.Helper()
	records, end, ok := SplitArray(b)
	var read []string
	at := int64(end)
	whole, err := ReadArray(iotest.HalfReader(bytes.NewReader(b)), func(object []byte, end int64) error {
		read, at = append(read, string(object)), end
		return nil
	})
	if want := fmt.Sprint(texts(records), end, ok, nil); fmt.Sprint(read, at, whole, err) != want {
		t.Errorf("%q: read %v, split %s", b, fmt.Sprint(read, at, whole, err), want)
	}
}
