package jsonstream

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// item is what one call of Next or Resync gave.
type item struct {
	Value string   // "" for an error
	At    Position // where it begins
	Err   string   // the error's text
	End   int64    // where the stretch that is skipped for an error ends
}

// readAll reads all of r, resyncing after errors, and checks what holds for
// every value, and that no byte is skipped silently.
func readAll(t *testing.T, r *Reader, input string) []item {
	t.Helper()
	var items []item
	line, counted, reached := 1, int64(0), int64(0)
	between := func(to int64) { // what neither a value nor an error has
		if rest := strings.Trim(strings.ReplaceAll(input[reached:max(reached, to)], "\uFEFF", ""), " \t\r\n[],"); rest != "" || to < reached {
			t.Errorf("of %q, from %d to %d: %q is skipped silently", input, reached, to, rest)
		}
	}
	for range 2*len(input) + 2 {
		v, at, err := r.Next()
		if err == io.EOF {
			if got := r.Offset(); got != int64(len(input)) {
				t.Errorf("Offset() = %d at the end of %d bytes", got, len(input))
			}
			between(int64(len(input)))
			return items
		}
		between(at.Offset)
		line += strings.Count(input[counted:at.Offset], "\n")
		counted = at.Offset
		if at.Line != line {
			t.Errorf("offset %d is said to be on line %d, is on %d", at.Offset, at.Line, line)
		}
		if err == nil {
			if !strings.HasPrefix(input[at.Offset:], string(v)) {
				t.Errorf("%q is not at offset %d", v, at.Offset)
			}
			if end := at.Offset + int64(len(v)); r.Offset() != end {
				t.Errorf("Offset() = %d after a value that ends at %d", r.Offset(), end)
			}
			items = append(items, item{Value: string(v), At: at})
			reached = r.Offset()
			continue
		}
		ferr, ok := errors.AsType[*Error](err)
		if !ok || ferr.Position != at {
			t.Fatalf("error %v (%T) is not an *Error at %v", err, err, at)
		}
		if _, _, again := r.Next(); again != err {
			t.Errorf("Next before Resync: %v, want once more %v", again, err)
		}
		reached, err = r.Resync()
		if err != nil && err != io.EOF {
			t.Fatal(err)
		}
		if reached < at.Offset || reached > int64(len(input)) {
			t.Fatalf("the skipped stretch goes from %d to %d of %d bytes", at.Offset, reached, len(input))
		}
		items = append(items, item{At: at, Err: ferr.Err.Error(), End: reached})
	}
	t.Fatal("the input does not end")
	return nil
}

// chunkings are ways in which input may arrive.
var chunkings = map[string]func(io.Reader) io.Reader{
	"whole":         func(r io.Reader) io.Reader { return r },
	"bytewise":      iotest.OneByteReader,
	"halves":        iotest.HalfReader,
	"EOF with data": iotest.DataErrReader,
}

func TestReaderReturnsValuesAndErrors(t *testing.T) {
	val := func(v string, line int, offset int64) item { return item{Value: v, At: Position{line, offset}} }
	bad := func(text string, line int, offset, end int64) item {
		return item{Err: text, At: Position{line, offset}, End: end}
	}
	for _, tt := range []struct {
		name, input string
		max         int64
		want        []item
	}{
		{name: "empty"},
		{name: "only white space", input: " \r\n\t\n"},
		{name: "only a byte order mark", input: "\uFEFF"},
		{name: "lines", input: "{\"a\":1}\n{\"b\":2}\n", want: []item{val(`{"a":1}`, 1, 0), val(`{"b":2}`, 2, 8)}},
		{name: "CRLF and blank lines", input: "{}\r\n\r\n  [1]\r\n{}",
			want: []item{val(`{}`, 1, 0), val(`1`, 3, 9), val(`{}`, 4, 13)}},
		{name: "no newline at the end", input: "\n{}", want: []item{val(`{}`, 2, 1)}},
		{name: "byte order mark", input: "\uFEFF{}", want: []item{val(`{}`, 1, 3)}},
		{name: "touching", input: `{}{"a":"}{"}"s"1 2null`,
			want: []item{val(`{}`, 1, 0), val(`{"a":"}{"}`, 1, 2), val(`"s"`, 1, 12), val(`1`, 1, 15), val(`2`, 1, 17), val(`null`, 1, 18)}},
		{name: "values over lines", input: "{\n \"a\": [\n1\n]}\n{\n}",
			want: []item{val("{\n \"a\": [\n1\n]}", 1, 0), val("{\n}", 5, 15)}},
		{name: "invalid UTF-8 is left to the caller", input: "{\"a\":\"\xff\"}", want: []item{val("{\"a\":\"\xff\"}", 1, 0)}},
		{name: "array", input: "[\n {\"a\":1} ,\n [2,[3]],\n4\n]\n",
			want: []item{val(`{"a":1}`, 2, 3), val(`[2,[3]]`, 3, 14), val(`4`, 4, 23)}},
		{name: "empty array", input: `[ ]`},
		{name: "more after an array", input: `[{"a":1}]{"b":2}[{"c":3}]`,
			want: []item{val(`{"a":1}`, 1, 1), val(`{"b":2}`, 1, 9), val(`{"c":3}`, 1, 17)}},

		{name: "byte order marks before each line", input: "\uFEFF{\"n\":1}\n\uFEFF{\"n\":2}\r\n \uFEFF {\"n\":3}",
			want: []item{val(`{"n":1}`, 1, 3), val(`{"n":2}`, 2, 14), val(`{"n":3}`, 3, 28)}},
		{name: "byte order marks in an array", input: "\uFEFF[\uFEFF{},\n\uFEFF{}\uFEFF]\uFEFF",
			want: []item{val(`{}`, 1, 7), val(`{}`, 2, 14)}},
		{name: "byte order mark after a bad line", input: "{\"n\":x\n\uFEFF{\"n\":2}", want: []item{bad("invalid character 'x' at start of value, 5 bytes into the value", 1, 0, 6), val(`{"n":2}`, 2, 10)}},
		{name: "byte order mark within a string", input: "{\"a\":\"\uFEFF\"}", want: []item{val("{\"a\":\"\uFEFF\"}", 1, 0)}},

		{name: "bad line", input: "{\"a\":1}\n{\"b\":x}\n{\"c\":3}\n",
			want: []item{val(`{"a":1}`, 1, 0), bad("invalid character 'x' at start of value, 5 bytes into the value", 2, 8, 15), val(`{"c":3}`, 3, 16)}},
		{name: "bad value, all on one line", input: `{"a":1}{"b":NaN}{"c":3} {"d":[1,}{"e":{"f":"}{"}}`,
			want: []item{val(`{"a":1}`, 1, 0), bad("invalid character 'N' at start of value, 5 bytes into the value", 1, 7, 16), val(`{"c":3}`, 1, 16),
				bad("invalid character '}' at start of value, 8 bytes into the value", 1, 24, 33), val(`{"e":{"f":"}{"}}`, 1, 33)}},
		{name: "no value before a value", input: "NaN {\"a\":1}\n,{\"b\":2}}[{\"c\":3}]\x00\x00{\"d\":4}",
			want: []item{bad("invalid character 'N' at start of value, 0 bytes into the value", 1, 0, 3), val(`{"a":1}`, 1, 4),
				bad("invalid character ',' at start of value, 0 bytes into the value", 2, 12, 13), val(`{"b":2}`, 2, 13),
				bad("invalid character '}' at start of value, 0 bytes into the value", 2, 20, 21), val(`{"c":3}`, 2, 22),
				bad("invalid character '\\x00' at start of value, 0 bytes into the value", 2, 30, 32), val(`{"d":4}`, 2, 32)}},
		{name: "bad lines to the end", input: "{}\nx\ny\n", want: []item{val(`{}`, 1, 0), bad("invalid character 'x' at start of value, 0 bytes into the value", 2, 3, 6)}},
		{name: "lines that start with no brace are left out", input: "x\n1\n\n {}\n{}\n[{}]",
			want: []item{bad("invalid character 'x' at start of value, 0 bytes into the value", 1, 0, 3), val(`{}`, 4, 6), val(`{}`, 5, 9), val(`{}`, 6, 13)}},
		{name: "the end of a torn value", input: "x\",\n  \"a\": {\"b\":1}, \"c\": [\n {}\n]\n}\n{\"d\":2}",
			want: []item{bad("invalid character 'x' at start of value, 0 bytes into the value", 1, 0, 34), val(`{"d":2}`, 6, 35)}},
		{name: "the rest of the bad line is kept", input: "{]{}}{}\n{}", want: []item{bad("invalid character ']' at start of string (expecting '\"'), 1 bytes into the value", 1, 0, 5), val(`{}`, 1, 5), val(`{}`, 2, 8)}},
		{name: "torn line", input: "{\"a\":1\n{\"b\":2}\n",
			want: []item{bad("invalid character '{' after object value (expecting ',' or '}'), 7 bytes into the value", 1, 0, 6), val(`{"b":2}`, 2, 7)}},
		{name: "torn line, then an array", input: "{\"a\":1\n[{\"b\":2}]\n",
			want: []item{bad("invalid character '[' after object value (expecting ',' or '}'), 7 bytes into the value", 1, 0, 6), val(`{"b":2}`, 2, 8)}},
		{name: "unterminated string", input: "{\"a\":\"1\n{\"b\":2}\n",
			want: []item{bad("invalid character '\\n' in string (expecting non-control character), 7 bytes into the value", 1, 0, 7), val(`{"b":2}`, 2, 8)}},
		{name: "escapes in a bad value", input: `{"a":"\\","b":"\"}{","c":x}{"d":"}"}`,
			want: []item{bad("invalid character 'x' at start of value, 25 bytes into the value", 1, 0, 27), val(`{"d":"}"}`, 1, 27)}},
		{name: "unterminated string at the end", input: "{}\n{\"a\":\"1",
			want: []item{val(`{}`, 1, 0), bad("cut off 7 bytes into the value", 2, 3, 10)}},
		{name: "truncated tail", input: "{}\n{\"a\":[1,", want: []item{val(`{}`, 1, 0), bad("cut off 8 bytes into the value", 2, 3, 11)}},
		{name: "truncated byte order mark", input: "\xef\xbb", want: []item{bad("invalid character '\\xef' at start of value, 0 bytes into the value", 1, 0, 2)}},
		{name: "no byte order mark after all", input: "\xef{}\n{}", want: []item{bad("invalid character '\\xef' at start of value, 0 bytes into the value", 1, 0, 1), val(`{}`, 1, 1), val(`{}`, 2, 4)}},
		{name: "parts of a failed value are no values", input: "{\"a\": x,\n  \"b\": [\n  {\"c\":1}\n]}\n{\"d\":2}\n",
			want: []item{bad("invalid character 'x' at start of value, 6 bytes into the value", 1, 0, 30), val(`{"d":2}`, 5, 31)}},
		{name: "deeper than is remembered", input: `{"a":` + strings.Repeat("[", 2*mostOpen) + "x" + strings.Repeat("]", 2*mostOpen) + "}{}", want: []item{
			bad("exceeded max depth, 10004 bytes into the value", 1, 0, 40007), val(`{}`, 1, 40007)}},

		{name: "array with a bad element", input: "[\n  {\"a\":1},\n  {\"b\":x},\n  {\"c\":3}\n]\n{\"d\":4}",
			want: []item{val(`{"a":1}`, 2, 4), bad("invalid character 'x' at start of value, 5 bytes into the value", 3, 15, 22), val(`{"c":3}`, 4, 26), val(`{"d":4}`, 6, 36)}},
		{name: "array with bad elements, all on one line", input: `[{"a":1},{"b":NaN},NaN,{"c":[1}, {"d":4},,]{"e":5}`,
			want: []item{val(`{"a":1}`, 1, 1), bad("invalid character 'N' at start of value, 5 bytes into the value", 1, 9, 18),
				bad("invalid character 'N' at start of value, 0 bytes into the value", 1, 19, 22),
				bad("invalid character '}' after array element (expecting ',' or ']'), 7 bytes into the value", 1, 23, 31), val(`{"d":4}`, 1, 33),
				bad("invalid character ',' at start of value, 0 bytes into the value", 1, 41, 42), val(`{"e":5}`, 1, 43)}},
		{name: "array with a bad element, indented", input: "[\n  {\n    \"b\": x, \"c\": [\n      {}\n    ]\n  },\n  {\"d\":4}\n]\n",
			want: []item{bad("invalid character 'x' at start of value, 11 bytes into the value", 2, 4, 43), val(`{"d":4}`, 7, 47)}},
		{name: "array with a torn element", input: "[{\"a\":1,\n{\"b\":2}\n]", want: []item{bad("invalid character '{' at start of string (expecting '\"'), 8 bytes into the value", 1, 1, 8), val(`{"b":2}`, 2, 9)}},
		{name: "array, comma after the last element", input: "[{},]\n{}", want: []item{val(`{}`, 1, 1), bad("invalid character ']' at start of value, 0 bytes into the value", 1, 4, 5), val(`{}`, 2, 6)}},
		{name: "array, not closed", input: "[{},\n", want: []item{val(`{}`, 1, 1), bad("cut off: the array is not closed", 2, 5, 5)}},
		{name: "array, commas missing", input: "[{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n",
			want: []item{val(`{"a":1}`, 1, 1), bad("want a comma or ] after an array element, found '{'", 2, 9, 9), val(`{"b":2}`, 2, 9), val(`{"c":3}`, 3, 17)}},
		{name: "array, comma missing within the line", input: "[{\"a\":1} {\"b\":2},\n{\"c\":3}]\n",
			want: []item{val(`{"a":1}`, 1, 1), bad("want a comma or ] after an array element, found '{'", 1, 9, 9), val(`{"b":2}`, 1, 9), val(`{"c":3}`, 2, 18)}},
		{name: "array, no value after an element", input: "[{\"a\":1} x {\"b\":2}:]\n{}",
			want: []item{val(`{"a":1}`, 1, 1), bad("invalid character 'x' at start of value, 0 bytes into the value", 1, 9, 10), val(`{"b":2}`, 1, 11),
				bad("invalid character ':' at start of value, 0 bytes into the value", 1, 18, 19), val(`{}`, 2, 21)}},
		{name: "comma between lines", input: "{\"a\":1},\n{\"b\":2}\n",
			want: []item{val(`{"a":1}`, 1, 0), bad("invalid character ',' at start of value, 0 bytes into the value", 1, 7, 8), val(`{"b":2}`, 2, 9)}},

		{name: "as large as may be", max: 7, input: `{"a":1}{"b":2}`, want: []item{val(`{"a":1}`, 1, 0), val(`{"b":2}`, 1, 7)}},
		{name: "a number as large as may be", max: 3, input: "123 ", want: []item{val(`123`, 1, 0)}},
		{name: "too large by one", max: 6, input: "{}\n{\"a\":1}\n{}", want: []item{val(`{}`, 1, 0), bad("value too large: over 6 bytes", 2, 3, 10), val(`{}`, 3, 11)}},
		{name: "too large by many", max: 6, input: "{}\n{\"a\":\"" + strings.Repeat("x", 9000) + "\"}\n{}",
			want: []item{val(`{}`, 1, 0), bad("value too large: over 6 bytes", 2, 3, 9011), val(`{}`, 3, 9012)}},
		{name: "white space does not count", max: 2, input: strings.Repeat("\n", 100) + "{}", want: []item{val(`{}`, 101, 100)}},
		{name: "white space within does", max: 4, input: "{    }\n{}", want: []item{bad("value too large: over 4 bytes", 1, 0, 6), val(`{}`, 2, 7)}},
	} {
		for name, chunked := range chunkings {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				got := readAll(t, NewReader(chunked(strings.NewReader(tt.input)), tt.max), tt.input)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			})
		}
	}
}

// TestValuesLargerThanTheBuffer has values, errors and lines that do not fit into the buffer.
func TestValuesLargerThanTheBuffer(t *testing.T) {
	const max = 1 << 18
	object := func(n int) string { return fmt.Sprintf(`{"n":%d,"s":%q}`, n, strings.Repeat("x", n)) }
	broken := func(n int) string { return fmt.Sprintf(`{"n":%d,"s":%q,`, n, strings.Repeat("x", n)) }
	var input strings.Builder
	var want []string
	for i, n := range []int{1, 70_000, 5, 200_000, 65_536, 3} {
		for range 2 {
			want = append(want, object(n+i))
			fmt.Fprintln(&input, object(n+i))
			fmt.Fprintln(&input, broken(n))
			fmt.Fprintln(&input, broken(2))
		}
		fmt.Fprintln(&input, object(max)) // too large, since the limit is on the whole value
		fmt.Fprintln(&input, strings.Repeat("y", 3*max))
	}
	for name, chunked := range chunkings {
		if name == "bytewise" {
			continue // takes long
		}
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, it := range readAll(t, NewReader(chunked(strings.NewReader(input.String())), max), input.String()) {
				if it.Err == "" {
					got = append(got, it.Value)
				}
			}
			if !cmp.Equal(want, got) {
				t.Errorf("got %d values, want these %d", len(got), len(want))
			}
		})
	}
}

// TestValueComesWithItsLastByte checks that a value comes when its last byte has, and that an error
// comes as soon.
func TestValueComesWithItsLastByte(t *testing.T) {
	src := &script{chunks: []string{`{"a":1}`, ` "s"`, `true`, `[`, `{"b":2}`, `, [1,2]`, `]`, `{"c":3}`, `{"d":}`, "\n{\"e\":5}"}}
	r := NewReader(src, 100)
	for _, want := range []struct {
		value string
		left  int // chunks that must not have been read yet
	}{{`{"a":1}`, 9}, {`"s"`, 8}, {`true`, 7}, {`{"b":2}`, 5}, {`[1,2]`, 4}, {`{"c":3}`, 2}, {"", 1}, {`{"e":5}`, 0}} {
		v, _, err := r.Next()
		if string(v) != want.value || (err != nil) != (want.value == "") {
			t.Fatalf("Next() = %s, %v; want %s", v, err, want.value)
		}
		if len(src.chunks) != want.left {
			t.Errorf("%d chunks left after %s, want %d", len(src.chunks), want.value, want.left)
		}
		if _, err := r.Resync(); err != nil {
			t.Fatal(err)
		}
	}
}

// script is a reader that gives one chunk a Read.
type script struct{ chunks []string }

func (s *script) Read(p []byte) (int, error) {
	if len(s.chunks) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.chunks[0])
	if s.chunks[0] = s.chunks[0][n:]; s.chunks[0] == "" {
		s.chunks = s.chunks[1:]
	}
	return n, nil
}

func TestErrorKinds(t *testing.T) {
	broken := errors.New("broken pipe")
	for _, tt := range []struct {
		name   string
		src    io.Reader
		want   error // of the second Next
		resync error
	}{
		{"cut off", strings.NewReader(`{}{"a"`), io.ErrUnexpectedEOF, io.EOF},
		{"array cut off", strings.NewReader(`[{}`), io.ErrUnexpectedEOF, io.EOF},
		{"too large", strings.NewReader(`{}"1234567890"`), ErrTooLarge, io.EOF},
		{"read error within a value", io.MultiReader(strings.NewReader(`{}{`), iotest.ErrReader(broken)), broken, broken},
		{"read error between values", io.MultiReader(strings.NewReader(`{} `), iotest.ErrReader(broken)), broken, broken},
		{"reader without progress", io.MultiReader(strings.NewReader(`{} `), stuck{}), io.ErrNoProgress, io.ErrNoProgress},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReader(tt.src, 10)
			if v, _, err := r.Next(); string(v) != "{}" || err != nil {
				t.Fatalf("Next() = %s, %v; want {}", v, err)
			}
			if _, _, err := r.Next(); !errors.Is(err, tt.want) {
				t.Errorf("Next() = %v, want %v", err, tt.want)
			}
			if _, err := r.Resync(); !errors.Is(err, tt.resync) {
				t.Errorf("Resync() = %v, want %v", err, tt.resync)
			}
		})
	}
}

// stuck is a reader that returns nothing, again and again.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }

func TestErrorText(t *testing.T) {
	_, _, err := NewReader(strings.NewReader("\n {]"), 0).Next()
	const want = `line 2, offset 2: invalid character ']' at start of string (expecting '"'), 1 bytes into the value`
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// endless is a value that never ends.
type endless struct{ began bool }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	if !e.began {
		copy(p, `{"a":"`)
		e.began = true
	}
	return len(p), nil
}

// TestEndlessValueTakesBoundedMemory checks that what is held of a value without end is no more
// than a few times the limit.
func TestEndlessValueTakesBoundedMemory(t *testing.T) {
	const max = 1 << 20
	r := NewReader(&endless{}, max)
	if _, _, err := r.Next(); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("Next() = %v, want %v", err, ErrTooLarge)
	}
	if held := cap(r.buf) + cap(r.dec.UnreadBuffer()); held > 4*max {
		t.Errorf("%d bytes held, limit is %d", held, max)
	}
	if r.next.Offset != 0 || r.window.served > max+1 {
		t.Errorf("%d bytes served, %d passed; want up to %d and none", r.window.served, r.next.Offset, max+1)
	}
}

// TestManySmallAfterLarge would take minutes if each value cost as much as the
// largest before it.
func TestManySmallAfterLarge(t *testing.T) {
	const small = 50_000
	input := `{"a":"` + strings.Repeat("x", 4<<20) + "\",\n" + strings.Repeat("{}\n", small)
	r := NewReader(strings.NewReader(input), 0)
	if _, _, err := r.Next(); err == nil {
		t.Fatal("the first value is broken, and was returned")
	}
	if _, err := r.Resync(); err != nil {
		t.Fatal(err)
	}
	for n := 0; ; n++ {
		_, _, err := r.Next()
		if err == io.EOF && n == small {
			return
		}
		if err != nil {
			t.Fatalf("value %d: %v", n, err)
		}
	}
}

func FuzzFeed(f *testing.F) {
	for _, s := range []string{
		"", "{}", "{}\n{}\n", "[{},{}]", "[]", "[[]]", "1 2", "1-2", `"a""b"`, "nulltrue", "\uFEFF{}", " [1 , {\"a\":[1]} ] {}",
		"{\"a\":\"\xff\"}", `{"a":"\ud800"}`, `{"a":1,"a":2}`, "[1,]", "[1 2]", "{", "}", "[", ",", ":", "{}\n,\n{}", "{\"a\":x}\n{}", "1e5", "-0", "01",
		"\uFEFF{}\n\uFEFF{}", `{"a":NaN}{}`, `[{"a":[1},{}]`, "[{} {}", "[{},]{}", "{\"a\":\"\n{}", "\xef\xbb", "{}\xef\xbb\xbf\xef{}", "[\"a]\n[{}\n", `{"\\\"}`,
	} {
		f.Add([]byte(s), uint8(0))
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, input []byte, max uint8) {
		for name, chunked := range chunkings {
			items := readAll(t, NewReader(chunked(bytes.NewReader(input)), int64(max)), string(input))
			if max > 0 {
				for _, it := range items {
					if len(it.Value) > int(max) {
						t.Errorf("%s: %q exceeds %d bytes", name, it.Value, max)
					}
				}
				continue
			}
			var got []string
			for _, it := range items {
				if it.Err != "" {
					got = nil
					break
				}
				got = append(got, it.Value)
			}
			text := bytes.TrimPrefix(input, []byte("\uFEFF"))
			if bytes.Contains(text, []byte("\uFEFF")) {
				continue // where encoding/json takes none
			}
			want, err := oracle(text)
			if valid := len(items) == len(got); valid != (err == nil) {
				t.Fatalf("%s: encoding/json says %v, we say %v", name, err, items)
			} else if valid && !cmp.Equal(want, got) {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
	})
}

// oracle reads the same stream with encoding/json.
func oracle(input []byte) (values []string, err error) {
	d := json.NewDecoder(bytes.NewReader(input))
	for {
		var v json.RawMessage
		if err := d.Decode(&v); err == io.EOF {
			return values, nil
		} else if err != nil {
			return nil, err
		}
		if v[0] != '[' {
			values = append(values, string(v))
			continue
		}
		var elements []json.RawMessage
		if err := json.Unmarshal(v, &elements); err != nil {
			return nil, err
		}
		for _, e := range elements {
			values = append(values, string(e))
		}
	}
}

func BenchmarkReader(b *testing.B) {
	small := bytes.Repeat([]byte(`{"id":"k82reky0000001","status_id":4,"score":[2,[1,0,0,3,-1,0,0],1700000000,""]}`+"\n"), 20_000)
	large := append(append([]byte(`{"RAW_API_DATA":[`), bytes.ReplaceAll(bytes.TrimSpace(small), []byte("\n"), []byte(",\n"))...), "]}\n"...)
	for name, input := range map[string][]byte{"small values": small, "large values": bytes.Repeat(large, 4)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(input)))
			b.ReportAllocs()
			for b.Loop() {
				r := NewReader(bytes.NewReader(input), 0)
				for {
					if _, _, err := r.Next(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
