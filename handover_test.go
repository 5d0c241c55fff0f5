package rotatelog_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/vfs"
)

// diskHook calls functions after disk operations.
type diskHook struct {
	vfs.FS
	closed func(lock string) // nil: nothing
	listed func(dir string)
}

func (h diskHook) Lock(name string) (io.Closer, error) {
	l, err := h.FS.Lock(name)
	if err != nil || h.closed == nil {
		return l, err
	}
	return hookedLock{l, func() { h.closed(name) }}, nil
}

func (h diskHook) ReadDir(name string) ([]string, error) {
	names, err := h.FS.ReadDir(name)
	if h.listed != nil {
		h.listed(name)
	}
	return names, err
}

type hookedLock struct {
	io.Closer
	closed func()
}

func (l hookedLock) Close() error {
	err := l.Closer.Close()
	l.closed()
	return err
}

// openOn opens a Writer on a disk that is not the bench's own.
func (b *bench) openOn(disk vfs.FS) *rotatelog.Writer {
	b.t.Helper()
	w, err := rotatelog.Open(b.t.Context(), rotatelog.OnDisk(b.cfg, disk, b.newID))
	if err != nil {
		b.t.Fatalf("open: %v", err)
	}
	return w
}

// TestMarkOfTheNextWriterStays: the next Writer opens at the instant when the append
// lock is given back. Its mark, by which a restart knows that it was killed, must not
// be taken away by the Writer before.
func TestMarkOfTheNextWriterStays(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		var next *rotatelog.Writer
		w := b.openOn(diskHook{FS: b.disk, closed: func(lock string) {
			if strings.HasSuffix(lock, "/lock") && next == nil {
				next = b.openOn(b.disk)
			}
		}})
		if _, err := w.Append(t.Context(), counted(1)); err != nil {
			t.Fatal(err)
		}
		w.Close()
		if next == nil {
			t.Fatal("the append lock was not given back")
		}
		defer next.Close()
		if _, err := b.disk.Stat("all_api.spool/unclean"); err != nil {
			t.Errorf("the mark of the Writer that is open: %v", err)
		}
	})
}

// TestBatchConfirmedWhileOpening: another process confirms a batch between the two
// directories that Open lists. It must be seen in one of them, or its numbers would
// be used again.
func TestBatchConfirmedWhileOpening(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 2
		b.open()
		b.append(1, 2)
		b.flush()
		b.append(3, 4)
		b.flush()
		b.Close()
		names, err := b.disk.ReadDir("all_api.spool/uploaded")
		if err != nil || len(names) != 2 {
			t.Fatalf("uploaded/ has %q, %v", names, err)
		}
		uploaded := "all_api.spool/uploaded/" + names[1]
		pending := "all_api.spool/pending/" + names[1][:strings.LastIndex(names[1], "-")] + ".json"
		if err := b.disk.Rename(uploaded, pending); err != nil {
			t.Fatal(err)
		}
		if err := b.disk.Remove("all_api.spool/batch.json"); err != nil { // the numbers are in the names alone
			t.Fatal(err)
		}
		moved := false
		w := b.openOn(diskHook{FS: b.disk, listed: func(dir string) {
			if !moved && (strings.HasSuffix(dir, "pending") || strings.HasSuffix(dir, "uploaded")) {
				moved = true
				if err := b.disk.Rename(pending, uploaded); err != nil {
					t.Error(err)
				}
			}
		}})
		defer w.Close()
		r, err := w.Append(t.Context(), counted(5))
		if err != nil || r.Number != 5 || !moved {
			t.Errorf("number %d, %v, want 5", r.Number, err)
		}
	})
}

// busyStore is a store as one process sees it. Its writes take a minute, even when
// their caller has given up.
type busyStore struct {
	rotatelog.Store
	process string
	calls   *storeCalls
}

// storeCalls are the calls of a store by several processes.
type storeCalls struct {
	t     *testing.T
	mu    sync.Mutex
	under map[string]int // way, by process
	made  map[string]int
}

func (s busyStore) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	defer s.calls.begin(s.process)()
	return s.Store.Stat(ctx, key)
}

func (s busyStore) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	defer s.calls.begin(s.process)()
	time.Sleep(time.Minute)
	return s.Store.Write(ctx, key, old, parts, meta)
}

// begin wants no call of another process to be under way, and returns the end of this
// one.
func (c *storeCalls) begin(process string) (end func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made[process]++
	c.under[process]++
	for other, n := range c.under {
		if other != process && n > 0 {
			c.t.Errorf("%s calls the store while a call of %s is under way", process, other)
		}
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.under[process]--
	}
}

func (c *storeCalls) of(process string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made[process]
}

// TestOneProcessPublishesAtATime: a process that has handed over appending publishes
// until it is closed, and until then the next process makes no call of the store.
// Nor does it while a call of the one before has not returned.
func TestOneProcessPublishesAtATime(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		calls := &storeCalls{t: t, under: map[string]int{}, made: map[string]int{}}
		open := func(process string) *rotatelog.Writer {
			b.cfg.Store = busyStore{b.mem, process, calls}
			return b.openOn(b.disk)
		}
		add := func(w *rotatelog.Writer, n int) {
			t.Helper()
			if _, err := w.Append(t.Context(), counted(n)); err != nil {
				t.Fatal(err)
			}
			if err := w.Seal(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		first := open("the first")
		time.Sleep(5*time.Hour - 10*time.Second) // almost until midnight
		add(first, 1)
		time.Sleep(30 * time.Second) // its write is under way
		if err := first.CloseAppend(); err != nil {
			t.Fatal(err)
		}
		second := open("the second")
		defer second.Close()
		add(second, 2)        // which is of the next day, so that no lock of a day keeps the second from it
		time.Sleep(time.Hour) // the first uploads that, too
		if n := calls.of("the second"); n > 0 {
			t.Errorf("the second made %d calls of the store while the first published", n)
		}
		add(second, 3)
		time.Sleep(31 * time.Second) // the first has found it, and writes
		first.Close()
		if err := second.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if m := b.day(dayB).Metadata; m.Uploads != 2 || m.Matches != 5 || calls.of("the second") == 0 {
			t.Errorf("%+v after %d calls of the second", m, calls.of("the second"))
		}
	})
}
