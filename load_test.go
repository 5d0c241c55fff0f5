package rotatelog

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"example.com/rotatelog/internal/rawjson"
	"example.com/rotatelog/internal/vfs"
)

// TestLoadIsBoundedByTheBatch reads an indented batch: memory holds the compact
// batch and some buffers of a fetch, not the file.
func TestLoadIsBoundedByTheBatch(t *testing.T) {
	const fetches = 100
	dir := t.TempDir()
	disk, err := vfs.Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	cfg, err := Config{Dir: dir, Store: noStoreAtAll{}}.checked()
	if err != nil {
		t.Fatal(err)
	}
	cfg.MaxFetches = fetches
	s, err := newSpool(disk, &cfg)
	if err != nil {
		t.Fatal(err)
	}
	fetch := []byte(`{"list":[` + strings.Repeat(`{"id":1234567,"odds":[1.10,2.5],"a":{"b":null}},`, 2_000) + `{}],"FETCH_FOOTER":{"total_matches":2}}`)
	indented, err := rawjson.AppendIndented(nil, fetch)
	if err != nil {
		t.Fatal(err)
	}
	b := batch{day: testDay, order: 1, first: 1, last: fetches, id: "ID00000001"}
	file := "[" + strings.Repeat(string(indented)+",\n", fetches-1) + string(indented) + "\n]\n"
	if err := os.WriteFile(filepath.Join(dir, s.batchPath(b)), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newPublisher(&cfg, s, nil, new(counters))

	inUse := func() uint64 {
		runtime.GC()
		runtime.GC() // what earlier tests left in a sync.Pool goes with the second
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, peak, n := inUse(), uint64(0), 0
	cfg.Count = func([]byte) (int64, error) {
		if n++; n%10 == 0 {
			peak = max(peak, inUse())
		}
		return 2, nil
	}
	u, err := p.worker(b.dayKey()).encode(b)
	if err != nil || u.Fetches != fetches || u.Matches != 2*fetches {
		t.Fatalf("%d fetches, %d matches, %v", u.Fetches, u.Matches, err)
	}
	if want := bytes.Repeat(append(fetch, fetchSeparator...), fetches); string(u.Data) != string(want[:len(want)-len(fetchSeparator)]) {
		t.Error("the upload does not hold the fetches")
	}
	// The decoder's buffer doubles until it holds a fetch.
	used, most := int64(peak-before), int64(len(u.Data)+len(u.Data)/8+8*len(indented))
	t.Logf("a file of %d bytes, fetches of %d: %d in use", len(file), len(fetch), used)
	if used > most || used < int64(len(u.Data)) || most > int64(len(file)) {
		t.Errorf("%d bytes in use, want at most %d, which is less than the file's %d", used, most, len(file))
	}
	runtime.KeepAlive(file)
}

// noStoreAtAll is a Store for tests in which nothing is uploaded.
type noStoreAtAll struct{ Store }
