package rotatelog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog/internal/football"
	"example.com/rotatelog/internal/packed"
	"example.com/rotatelog/internal/vfs"
)

// When the file identities is lost, what is kept is read once, each byte of it, also if one
// process begins and another goes on. Then nothing is read any more.
func TestLostIndexIsMadeInOneReading(t *testing.T) {
	const batches = 3
	cfg, fsys := keptWithoutIndex(t, batches)
	files := readsFS{fsys, map[string]int64{}}
	s := spoolOf(t, cfg, files)
	process := func(reads int) *identityIndex {
		x := newIdentityIndex(cfg, s)
		x.load(s)
		if len(x.unread) != reads {
			t.Errorf("%d batches are unread, want %d", len(x.unread), reads)
		}
		return x
	}
	if _, err := process(batches).readNext(map[string]bool{}); err != nil {
		t.Error(err)
	}
	if err := process(batches - 1).complete(); err != nil {
		t.Error(err)
	}
	x := process(0)
	for _, b := range s.recovered {
		info, err := fsys.Stat(s.batchPath(b))
		if err != nil {
			t.Fatal(err)
		}
		if n := files.read[s.batchPath(b)]; n != info.Size {
			t.Errorf("%d bytes of %s were read, which has %d", n, s.batchPath(b), info.Size)
		}
		if n := len(x.batches[b.id].hashes); n != b.fetches() {
			t.Errorf("%d fetches of %s are known, want %d", n, s.batchPath(b), b.fetches())
		}
	}
}

// What a compressed file says whose checksum does not agree is not indexed, though its
// fetches look as they should.
func TestDamagedFrameIsNotIndexed(t *testing.T) {
	cfg, fsys := keptWithoutIndex(t, 1)
	s := spoolOf(t, cfg, fsys)
	name := s.batchPath(s.recovered[0])
	content, err := vfs.ReadFile(fsys, name)
	if err == nil {
		content[len(content)-1] ^= 1 // of the checksum
		err = errors.Join(fsys.Remove(name), vfs.WriteNew(fsys, name, content))
	}
	if err != nil {
		t.Fatal(err)
	}
	x := newIdentityIndex(cfg, s)
	x.load(s)
	if err := x.complete(); err != nil {
		t.Error(err)
	}
	if n := len(x.batches[s.recovered[0].id].hashes); n > 0 {
		t.Errorf("%d of its fetches are known", n)
	}
	if odd := x.takeOdd(); len(odd) != 1 || odd[0].File != name || !strings.HasPrefix(odd[0].Problem, "0 of its 10 fetches can be read") {
		t.Errorf("reported: %+v", odd)
	}
}

// keptWithoutIndex makes a spool with so many confirmed batches, and without the file
// identities.
func keptWithoutIndex(t *testing.T, batches int) (*Config, vfs.FS) {
	t.Helper()
	cfg := Config{Dir: t.TempDir(), Identity: HeaderIdentity, AppendOnly: true, Logger: slog.New(slog.DiscardHandler)}
	fsys := keepBatches(t, cfg, indentedBatch(t, football.New(1, 200_000)), batches)
	cfg, err := cfg.withDefaults()
	if err == nil {
		err = vfs.Remove(fsys, defaultName+".spool/"+identitiesFile)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &cfg, fsys
}

// spoolOf returns the spool, with the batches that are in it.
func spoolOf(t *testing.T, cfg *Config, fsys vfs.FS) *spool {
	t.Helper()
	s, err := newSpool(fsys, cfg)
	if err == nil {
		s.recovered, err = s.names()
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// readsFS counts the bytes that are read of each file.
type readsFS struct {
	vfs.FS
	read map[string]int64
}

// OpenFile implements vfs.FS.
func (c readsFS) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	f, err := c.FS.OpenFile(name, flag, perm)
	return readsFile{f, c, name}, err
}

// readsFile is a file of a readsFS.
type readsFile struct {
	vfs.File
	fs   readsFS
	name string
}

// ReadAt implements io.ReaderAt.
func (c readsFile) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.File.ReadAt(p, off)
	c.fs.read[c.name] += int64(n)
	return n, err
}

// keepBatches makes a spool with so many confirmed batches of that text, all of them
// compressed.
func keepBatches(tb testing.TB, cfg Config, text []byte, batches int) vfs.FS {
	tb.Helper()
	w, err := Open(tb.Context(), cfg)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		tb.Fatal(err)
	}
	fsys, err := vfs.Dir(cfg.Dir)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { fsys.Close() })
	var frame bytes.Buffer
	to, err := packed.NewFrameWriter(&frame, int64(len(text)))
	if err == nil {
		_, err = to.Write(text)
		err = errors.Join(err, to.Close())
	}
	s := &spool{fs: fsys, dir: defaultName + ".spool"}
	for i := range batches {
		kept := batch{day: testDay, order: i + 1, first: 10*i + 1, last: 10*i + 10, sealed: time.Date(2025, 7, 10, 19, 45, 22, 0, time.UTC),
			id: fmt.Sprintf("ID%08d", i), sequence: i + 1, zst: true}
		err = errors.Join(err, vfs.WriteNew(fsys, s.batchPath(kept), frame.Bytes()))
	}
	if err != nil {
		tb.Fatal(err)
	}
	return fsys
}
