package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"example.com/rotatelog"
)

// streamCases are the sentences of the contract of [rotatelog.Part] about streams.
var streamCases = []testCase{
	{"a stream is as good as its bytes", streamParts, false},
	{"a stream may have any size", streamSizes, false},
	{"a stream that fails, or has another length, is an error that names the part, and changes nothing", streamFails, false},
	{"Open is called at most once, and what it returns is closed", streamOpenedOnce, false},
}

// source is a stream that counts what is done with it.
type source struct {
	name          string
	opens, closes int
	make          func() (io.Reader, error)
}

// sourceOf returns a source that yields content, in reads of odd sizes.
func sourceOf(content string) *source {
	return &source{make: func() (io.Reader, error) { return iotest.DataErrReader(oddReader{strings.NewReader(content)}), nil }}
}

// oddReader reads less than it could.
type oddReader struct{ io.Reader }

func (r oddReader) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), 100_003)]) }

func (s *source) part(n int) rotatelog.Part { return rotatelog.Stream(int64(n), s.open) }

func (s *source) open() (io.ReadCloser, error) {
	s.opens++
	r, err := s.make()
	if err != nil {
		return nil, err
	}
	return &countedReader{r, s}, nil
}

type countedReader struct {
	io.Reader
	of *source
}

func (r *countedReader) Close() error {
	r.of.closes++
	return nil
}

// wantUsed checks how often a source was opened and closed.
func (s *source) wantUsed(t testing.TB, most int) {
	t.Helper()
	if s.opens > most || s.closes != s.opens {
		t.Errorf("the stream %s was opened %d times, want at most %d, and closed %d times", s.name, s.opens, most, s.closes)
	}
}

// streamOf returns a part that yields content.
func streamOf(content string) rotatelog.Part { return sourceOf(content).part(len(content)) }

func streamParts(t testing.TB, s rotatelog.Store, prefix string) {
	const old = "0123456789"
	data := func(s string) rotatelog.Part { return rotatelog.Data([]byte(s)) }
	for i, c := range []struct {
		parts []rotatelog.Part
		want  string
	}{
		{[]rotatelog.Part{streamOf("new")}, "new"},
		{[]rotatelog.Part{streamOf("a"), streamOf("b"), streamOf("c")}, "abc"},
		{[]rotatelog.Part{data("<"), streamOf("a"), data("|"), streamOf("b"), data(">")}, "<a|b>"},
		{[]rotatelog.Part{rotatelog.Copy(0, 10), streamOf("ab")}, old + "ab"},
		{[]rotatelog.Part{streamOf("ab"), rotatelog.Copy(0, 10)}, "ab" + old},
		{[]rotatelog.Part{streamOf("<"), rotatelog.Copy(2, 3), streamOf("|"), rotatelog.Copy(7, 3), data(">")}, "<234|789>"},
		{[]rotatelog.Part{rotatelog.Copy(5, 5), streamOf("x"), rotatelog.Copy(0, 5)}, "56789x01234"},
		{[]rotatelog.Part{streamOf(""), rotatelog.Copy(1, 1), streamOf(""), data("")}, "1"},
		{[]rotatelog.Part{streamOf("")}, ""},
	} {
		key := fmt.Sprint(prefix, i)
		v := mustWrite(t, s, key, "", text(old), nil).Version
		mustWrite(t, s, key, v, c.parts, map[string]string{"n": "2"})
		wantContent(t, s, key, c.want)
	}
	mustWrite(t, s, prefix+"new", "", []rotatelog.Part{streamOf("first")}, nil)
	wantContent(t, s, prefix+"new", "first")
}

// maxSizes bounds MinCopy where all sizes around it are tried.
const maxSizes = 1 << 10

// sizesOf returns sizes around the bounds that a Store may have: those of its parts are
// small multiples of MinCopy.
func sizesOf(s rotatelog.Store) []int {
	sizes := []int{1, 4095, 4096, 4097, 32<<10 - 1, 32<<10 + 1}
	n := minCopy(s)
	if n > maxSizes {
		return append(sizes, 4*n+1)
	}
	if n == 0 {
		return append(sizes, 1<<20+4321)
	}
	for half := 1; half <= 12; half++ {
		for _, d := range []int{-1, 0, 1} {
			sizes = append(sizes, half*n/2+d)
		}
	}
	return sizes
}

// minCopy returns MinCopy, at most maxLeastCopy, or 0 for a Store without one.
func minCopy(s rotatelog.Store) int {
	m, ok := s.(rotatelog.IntentWriter)
	if !ok {
		return 0
	}
	return int(min(m.MinCopy(), maxLeastCopy))
}

func streamSizes(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	old := string(pattern(1000))
	v := mustWrite(t, s, key, "", text(old), nil).Version
	for _, n := range sizesOf(s) {
		content := string(pattern(n))
		parts := []rotatelog.Part{rotatelog.Data([]byte("<")), streamOf(content), rotatelog.Copy(0, int64(len(old)))}
		o := mustWrite(t, s, key, v, parts, nil)
		old = "<" + content + old
		wantContent(t, s, key, old)
		if v = o.Version; len(old) > 2000 { // the next begins small again
			old = string(pattern(1000))
			v = mustWrite(t, s, key, v, text(old), nil).Version
		}
	}
}

var errBrokenStream = errors.New("the stream broke")

// failingSources returns the ways in which a stream of content can fail.
func failingSources(content string) []*source {
	reader := func(name string, readers ...io.Reader) *source {
		return &source{name: name, make: func() (io.Reader, error) { return io.MultiReader(readers...), nil }}
	}
	n := len(content)
	return []*source{
		reader("that is too short", strings.NewReader(content[:n-1])),
		reader("that is empty", strings.NewReader("")),
		reader("that is too long", strings.NewReader(content), strings.NewReader("x")),
		reader("that breaks in the middle", strings.NewReader(content[:n/2]), iotest.ErrReader(errBrokenStream)),
		reader("that breaks at its end", strings.NewReader(content), iotest.ErrReader(errBrokenStream)),
		{name: "that does not open", make: func() (io.Reader, error) { return nil, errBrokenStream }},
	}
}

func streamFails(t testing.TB, s rotatelog.Store, prefix string) {
	sizes := []int{10, 300_000}
	if n := minCopy(s); n > 0 && n <= maxSizes {
		sizes[1] = 10 * n
	}
	key := prefix + "object"
	old := string(pattern(1000))
	before := mustWrite(t, s, key, "", text(old), map[string]string{"n": "1"})
	for _, n := range sizes {
		content := string(pattern(n))
		for _, replaces := range []bool{false, true} {
			for _, bad := range failingSources(content) {
				failed, v := prefix+"new", rotatelog.Version("")
				parts := []rotatelog.Part{streamOf(content), rotatelog.Data([]byte("x")), bad.part(n)}
				if replaces {
					failed, v, parts = key, before.Version, append(parts, rotatelog.Copy(0, 1000))
				}
				err := s.Write(t.Context(), failed, v, parts, nil)
				wantNamed(t, bad, n, err)
				bad.wantOpened(t)
				wantAbsent(t, s, prefix+"new")
				wantUnchanged(t, s, key, before, old)
			}
		}
	}
	if err := s.Write(t.Context(), prefix+"new", "", []rotatelog.Part{sourceOf("").part(-1)}, nil); err == nil {
		t.Errorf("a stream of -1 bytes: no error")
	}
	wantAbsent(t, s, prefix+"new")
}

// wantNamed checks the error of a Write whose part 2 failed.
func wantNamed(t testing.TB, bad *source, n int, err error) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("a stream of %d bytes %s: no error", n, bad.name)
	case !strings.Contains(err.Error(), "part 2"):
		t.Errorf("a stream of %d bytes %s: the error does not name part 2: %v", n, bad.name, err)
	case (strings.Contains(bad.name, "breaks") || strings.Contains(bad.name, "open")) && !errors.Is(err, errBrokenStream):
		t.Errorf("a stream of %d bytes %s: %v, want %v", n, bad.name, err, errBrokenStream)
	}
}

// wantOpened checks that a source that may have failed to open was used as it should.
func (s *source) wantOpened(t testing.TB) {
	t.Helper()
	if strings.Contains(s.name, "open") {
		s.opens-- // which left nothing to close
	}
	s.wantUsed(t, 1)
}

func streamOpenedOnce(t testing.TB, s rotatelog.Store, prefix string) {
	key := prefix + "object"
	content := string(pattern(10_000))
	first, second := sourceOf(content), sourceOf("")
	parts := []rotatelog.Part{first.part(len(content)), second.part(0)}
	before := mustWrite(t, s, key, "", parts, nil)
	for _, used := range []*source{first, second} {
		if used.opens != 1 || used.closes != 1 {
			t.Errorf("a stream was opened %d times, and closed %d times, want once", used.opens, used.closes)
		}
	}
	// Over another version, or with a copy that cannot be made, nothing need be read.
	for _, bad := range [][]rotatelog.Part{{first.part(len(content))}, {first.part(len(content)), rotatelog.Copy(0, 1)}} {
		first.opens, first.closes = 0, 0
		if err := s.Write(t.Context(), key, "", bad, nil); err == nil {
			t.Errorf("Write over an object that must not be there: no error")
		}
		first.wantUsed(t, 1)
		wantUnchanged(t, s, key, before, content)
	}
	given := []rotatelog.Part{first.part(len(content))}
	first.opens, first.closes = 0, 0
	mustWrite(t, s, key, before.Version, given, nil)
	first.wantUsed(t, 1)
	if given[0].Open == nil || given[0].Len != int64(len(content)) || given[0].Data != nil {
		t.Errorf("Write changed the part: %+v", given[0])
	}
	if got, err := given[0].Open(); err != nil {
		t.Errorf("Write changed Open: %v", err)
	} else if b, err := io.ReadAll(got); err != nil || !bytes.Equal(b, []byte(content)) {
		t.Errorf("Write changed Open: it yields %s, %v", brief(string(b)), err)
	}
}
