package rotatelog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"example.com/rotatelog/internal/vfs"
)

// TestLoadIsBoundedByTheBatch reads an indented batch: all that this allocates is
// the compact batch and some buffers of a fetch, not the file.
func TestLoadIsBoundedByTheBatch(t *testing.T) {
	const fetches = 100
	dir := t.TempDir()
	disk, err := vfs.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	cfg, err := Config{Dir: dir, Store: mustDirStore(t)}.checked()
	if err != nil {
		t.Fatal(err)
	}
	s, err := newSpool(disk, cfg.Name, fetches, cfg.newID, cfg.format)
	if err != nil {
		t.Fatal(err)
	}
	fetch := []byte(`{"list":[` + strings.Repeat(`{"id":1234567,"odds":[1.10,2.5],"a":{"b":null}},`, 2_000) + `{}],"FETCH_FOOTER":{"total_matches":2}}`)
	indented, err := appendIndented(nil, fetch)
	if err != nil {
		t.Fatal(err)
	}
	b := batch{day: testDay, order: 1, first: 1, last: fetches, id: "ID00000001"}
	file := "[" + strings.Repeat(string(indented)+",\n", fetches-1) + string(indented) + "\n]\n"
	if err := os.WriteFile(filepath.Join(dir, s.batchPath(b)), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPublisher(&cfg, s, nil, new(counters))

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	u, err := p.encode(b)
	runtime.ReadMemStats(&after)
	if err != nil || u.Fetches != fetches || u.Matches != 2*fetches {
		t.Fatalf("%d fetches, %d matches, %v", u.Fetches, u.Matches, err)
	}
	if want := bytes.Repeat(append(fetch, fetchSeparator...), fetches); string(u.Data) != string(want[:len(want)-len(fetchSeparator)]) {
		t.Error("the upload does not hold the fetches")
	}
	// The decoder's buffer doubles until it holds a fetch.
	allocated, most := after.TotalAlloc-before.TotalAlloc, uint64(len(u.Data)+len(u.Data)/8+16*len(indented))
	t.Logf("a file of %d bytes, fetches of %d: allocated %d", len(file), len(fetch), allocated)
	if allocated > most || most > uint64(len(file)) {
		t.Errorf("allocated %d bytes, want at most %d, which is less than the file's %d", allocated, most, len(file))
	}
}

func mustDirStore(t *testing.T) *DirStore {
	s, err := NewDirStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestReadArrayFails: that a file cannot be read is no damage to it.
func TestReadArrayFails(t *testing.T) {
	const text = `[{"a":1},{"b":2}]`
	broken := errors.New("input/output error")
	for n := range len(text) {
		whole, err := readArray(&failingReader{text[:n], broken}, func([]byte, int64) error { return nil })
		if whole || !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v, %v", n, whole, err)
		}
	}
	stop := errors.New("stop")
	if _, err := readArray(strings.NewReader(text), func([]byte, int64) error { return stop }); !errors.Is(err, stop) {
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

// sameAsSplit checks that readArray finds in b what splitArray does.
func sameAsSplit(t *testing.T, b []byte) {
	t.Helper()
	records, end, ok := splitArray(b)
	var read []string
	at := int64(end)
	whole, err := readArray(iotest.HalfReader(bytes.NewReader(b)), func(object []byte, end int64) error {
		read, at = append(read, string(object)), end
		return nil
	})
	if want := fmt.Sprint(texts(records), end, ok, nil); fmt.Sprint(read, at, whole, err) != want {
		t.Errorf("%q: read %v, split %s", b, fmt.Sprint(read, at, whole, err), want)
	}
}
