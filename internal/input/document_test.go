package input

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

const (
	metadata = `"daily_metadata":{"date":"2025-07-09","total_uploads":2}`
	uploads  = `"uploads":[` + "\n" + `{"upload_sequence":1,"fetch_data":[` + "\n" + `{"n":1},` + "\n" + `{"n":2}]},` + "\n" +
		`{"fetch_data":[],"later":[{"fetch_data":[0]}]},{"upload_sequence":2,"fetch_data":[{"n":3}]}]`
)

// Documents of each layout, with other members, and indented, yield their fetches.
func TestDocumentIsTakenApart(t *testing.T) {
	for name, text := range map[string]string{
		"metadata first": "{" + metadata + "," + uploads + "}\n",
		"metadata last":  "{" + uploads + "," + metadata + "}",
		"indented":       " \n{\n  " + strings.ReplaceAll(metadata+`,"other":{"uploads":[1]},`+uploads, ":", ": ") + "\n}",
		"with a mark":    "\uFEFF{" + metadata + "," + uploads + "}",
	} {
		const rest = ` {"n":4}`
		is, all := Sniff(iotest.OneByteReader(strings.NewReader(text + rest)))
		if !is {
			t.Errorf("%s: it is not taken for a document", name)
			continue
		}
		d := NewDocument(all, 100)
		var got []string
		for fetch, err := range d.Fetches() {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got = append(got, strings.ReplaceAll(string(fetch), " ", ""))
		}
		if want := []string{`{"n":1}`, `{"n":2}`, `{"n":3}`}; !slices.Equal(got, want) || d.Date != "2025-07-09" {
			t.Errorf("%s: %s has %q", name, d.Date, got)
		}
		if left, err := io.ReadAll(d.Rest()); err != nil || strings.TrimSpace(string(left)) != strings.TrimSpace(rest) {
			t.Errorf("%s: what follows is %q, %v", name, left, err)
		}
	}
}

// What is no document is handed on as it is, and read no further than is needed to know.
func TestSniff(t *testing.T) {
	for _, text := range []string{"", " ", "{", `{"`, "{}", `[{"uploads":[]}]`, `{"FETCH_HEADER":{}}`, `{"uploaded":[]}`, `{"daily":1}`, "<html>", `"uploads"`} {
		is, all := Sniff(strings.NewReader(text))
		if got, err := io.ReadAll(all); is || err != nil || string(got) != text {
			t.Errorf("%q: %v, %q, %v", text, is, got, err)
		}
	}
	stuck, _ := io.Pipe()
	defer stuck.Close()
	if is, _ := Sniff(io.MultiReader(strings.NewReader("{}"), stuck)); is {
		t.Error("{} is taken for a document")
	}
	broken := errors.New("broken")
	_, all := Sniff(io.MultiReader(strings.NewReader(`{"up`), iotest.ErrReader(broken)))
	if got, err := io.ReadAll(all); string(got) != `{"up` || err != broken {
		t.Errorf("%q, %v", got, err)
	}
}

// Blanks before a value are not held, however many there are.
func TestSniffOfBlanks(t *testing.T) {
	for _, begin := range []string{"", "{"} {
		source := &countingReader{Reader: strings.NewReader(begin + strings.Repeat(" ", 1<<20) + "}")}
		if is, _ := Sniff(source); is || source.n > 100_000 {
			t.Errorf("%q: %v, %d bytes were read", begin, is, source.n)
		}
	}
}

// A damaged document yields the fetches before the damage, and a fetch that is too large
// is not held.
func TestDamagedDocument(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"cut off":      {`{"uploads":[{"fetch_data":[{"n":1},{"n":2`, "a daily document, cut off "},
		"no array":     {`{"uploads":[{"fetch_data":[{"n":1}]},{"fetch_data":7}]}`, "a daily document, damaged "},
		"nonsense":     {`{"uploads":[{"fetch_data":[{"n":1},<]}]}`, "invalid character"},
		"a fetch more": {`{"uploads":[{"fetch_data":[{"n":1},{"n":"` + strings.Repeat("x", 1<<20) + `"}]}]}`, ": a fetch is too large: over 1000 bytes"},
	} {
		source := &countingReader{Reader: strings.NewReader(test.text)}
		var got []string
		var failure error
		for fetch, err := range NewDocument(source, 1000).Fetches() {
			if failure = err; err == nil {
				got = append(got, string(fetch))
			}
		}
		if fmt.Sprint(got) != `[{"n":1}]` || failure == nil || !strings.Contains(failure.Error(), test.want) {
			t.Errorf("%s: %q, %v, want %s", name, got, failure, test.want)
		}
		if source.n > 100_000 {
			t.Errorf("%s: %d bytes were read", name, source.n)
		}
	}
}

type countingReader struct {
	io.Reader
	n int
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n += n
	return n, err
}

// The loop may end early.
func TestDocumentLoopEnds(t *testing.T) {
	for range NewDocument(strings.NewReader("{"+uploads+"}"), 0x100).Fetches() {
		break
	}
}
