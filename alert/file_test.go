package alert

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/rotatelog/health"
	"example.com/rotatelog/internal/vfs"
)

// fullDisk is a directory on a disk on which no file can be made, and none can grow.
type fullDisk struct{ vfs.FS }

func (d fullDisk) OpenFile(name string, flag int, perm fs.FileMode) (vfs.File, error) {
	if flag&os.O_CREATE != 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOSPC}
	}
	f, err := d.FS.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	return fullFile{f, info.Size}, err
}

type fullFile struct {
	vfs.File
	size int64
}

func (f fullFile) WriteAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > f.size {
		return 0, syscall.ENOSPC
	}
	return f.File.WriteAt(p, off)
}

// nobody is a lock that nobody has.
type nobody struct{}

func (nobody) Close() error { return nil }

var _ io.Closer = nobody{}

// On a full disk the memory is overwritten in place: when fetches are lost is when alerts
// matter most.
func TestMemoryOnAFullDisk(t *testing.T) {
	dir := spool(t)
	fsys, err := vfs.Dir(filepath.Join(dir, "all_api.spool"))
	if err != nil {
		t.Fatal(err)
	}
	p := &place{fsys: fsys, lock: nobody{}}
	defer p.close()
	full := &place{fsys: fullDisk{fsys}, lock: nobody{}}
	m := &memory{}
	if err := full.write(m); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	if err := p.write(m); err != nil {
		t.Fatal(err)
	}
	m.evaluate(lookOf(t, "10 12:00"+bad), policy{zone: newYork(t), hasPage: true}, false)
	m.evaluate(lookOf(t, "10 12:05"+bad), policy{zone: newYork(t), hasPage: true}, false)
	if err := full.write(m); err != nil {
		t.Fatal(err)
	}
	read, err := p.read()
	if err != nil || len(read.Causes) != 1 || len(read.Outbox.Waiting) != 1 {
		t.Errorf("%v, %+v", err, read)
	}
	names, err := fsys.ReadDir(".")
	if err != nil || strings.Join(names, " ") != memoryFile {
		t.Errorf("%q, %v", names, err)
	}
}

// A program that looks each second writes the memory when it changes, not each second.
func TestMemoryIsWrittenWhenItChanges(t *testing.T) {
	dir := spool(t)
	e := evaluator(t, Config{Dir: dir})
	l := lookOf(t, "10 12:00"+bad)
	file := filepath.Join(dir, "all_api.spool", memoryFile)
	var before os.FileInfo
	changes := 0
	for range 62 {
		if _, err := e.Evaluate(t.Context(), l); err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(file) // and leaves it open, so that no other file has its inode
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		if before != nil && !os.SameFile(before, info) {
			changes++
		}
		before = info
		l.Now = l.Now.Add(time.Second)
	}
	if changes != 2 { // after 30 and 60 seconds
		t.Errorf("it was replaced %d times", changes)
	}
}

// Whatever is in the file, an evaluation begins anew or goes on.
func FuzzMemory(f *testing.F) {
	f.Add([]byte(`{"causes":[{"code":"clock","symptoms":[{"stream":"all_api","level":"error","peak":"critical"}],"level":"error","streams":["merge"]}]}`))
	f.Add([]byte(`{"outbox":{"waiting":[{"to":"page","message":{"alerts":[{}]}}],"failing":{"webhook-0123":{"times":-7,"next":"2025-07-10T12:00:00Z"}}}}`))
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		f.Fatal(err)
	}
	p := policy{host: "web1", zone: zone, hasPage: true}
	e := &Evaluator{cfg: Config{Page: []*Receiver{{kind: "exec", cmd: "x"}}, Notify: []*Receiver{{kind: "exec", cmd: "y"}}}}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, _ := decode(text)
		var last time.Time
		for _, look := range []string{"10 12:00" + bad, "10 12:05" + bad, "10 12:10" + bad} {
			l := lookOf(t, look)
			last = l.Now
			m.evaluate(l, p, false)
			m.giveUp(l.Now)
			for _, r := range e.routes() {
				m.Outbox.sent(r.to, m.Outbox.due(r.to, r.channels, l.Now), errForgotten, l.Now)
			}
			m.Outbox.tidy(e.receivers())
			again, err := json.Marshal(m)
			if err == nil {
				m, err = decode(again)
			}
			if err != nil {
				t.Fatalf("%v: %s", err, again)
			}
		}
		if level := m.index()[health.AppendRefused].level(); level != health.Critical || !m.Looked.Equal(last) {
			t.Errorf("%v at %v", level, m.Looked)
		}
	})
}
