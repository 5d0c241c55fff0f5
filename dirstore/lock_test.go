package dirstore_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/vfs"
	"example.com/rotatelog/storetest"
)

// byTurns is one directory opened twice, as by two processes.
type byTurns struct {
	stores [2]rotatelog.Store
	calls  *atomic.Int32
}

func (s byTurns) next() rotatelog.Store { return s.stores[s.calls.Add(1)%2] }

func (s byTurns) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	return s.next().Stat(ctx, key)
}

func (s byTurns) Read(ctx context.Context, key string, v rotatelog.Version, off, n int64) (io.ReadCloser, error) {
	return s.next().Read(ctx, key, v, off, n)
}

func (s byTurns) Write(ctx context.Context, key string, old rotatelog.Version, parts []rotatelog.Part, meta map[string]string) error {
	return s.next().Write(ctx, key, old, parts, meta)
}

func TestOpenedTwice(t *testing.T) {
	dir := t.TempDir()
	s := byTurns{[2]rotatelog.Store{openStore(t, dir), openStore(t, dir)}, new(atomic.Int32)}
	storetest.Run(t, func(t *testing.T) rotatelog.Store { return s })
}

func TestWaitsForTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := openStore(t, dir)
		o := writeObject(t, s, "day.json", "", "one", nil)
		locks, err := vfs.Dir(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer locks.Close()
		name := ".rotatelog/lock/" + files(t, filepath.Join(dir, ".rotatelog", "lock"))[0]
		lock, err := locks.Lock(name)
		if err != nil {
			t.Fatal(err)
		}

		cause := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
		defer cancel()
		err = s.Write(ctx, "day.json", o.Version, text("two"), nil)
		if !errors.Is(err, cause) || errors.Is(err, rotatelog.ErrConflict) || !strings.Contains(err.Error(), name) {
			t.Errorf("Write while another holds the lock: %v, want the cause, and the lock named", err)
		}
		wantFile(t, filepath.Join(dir, "day.json"), "one")
		writeObject(t, s, "other.json", "", "not locked", nil)

		time.AfterFunc(10*time.Second, func() { lock.Close() })
		if err := s.Write(t.Context(), "day.json", o.Version, text("two"), nil); err != nil {
			t.Errorf("Write after the lock was given back: %v", err)
		}
		wantFile(t, filepath.Join(dir, "day.json"), "two")
	})
}

// removing is a context that calls remove when it is asked the second time: by
// Write, right before it renames.
type removing struct {
	context.Context
	calls  int
	remove func()
}

func (c *removing) Err() error {
	if c.calls++; c.calls == 2 {
		c.remove()
	}
	return nil
}

// TestLockRemovedWhileWriting: a writer whose lock was removed writes nothing,
// since another may hold a new one.
func TestLockRemovedWhileWriting(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	o := writeObject(t, s, "day.json", "", "one", nil)
	lock, temp := "", ""
	ctx := &removing{Context: context.Background(), remove: func() {
		names := files(t, filepath.Join(dir, ".rotatelog"))
		i := slices.IndexFunc(names, func(name string) bool { return strings.HasPrefix(name, "new/") })
		if i < 0 {
			t.Fatalf("nothing is being written: %q", names)
		}
		temp = filepath.Join(dir, ".rotatelog", names[i])
		lock = filepath.Join(dir, ".rotatelog/lock", filepath.Base(temp))
		if err := os.RemoveAll(filepath.Join(dir, ".rotatelog")); err != nil {
			t.Fatal(err)
		}
		openStore(t, dir) // as another process does
		for _, name := range []string{lock, temp} {
			if err := os.WriteFile(name, []byte("another's"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}}
	err := s.Write(ctx, "day.json", o.Version, text("two"), nil)
	if err == nil || errors.Is(err, rotatelog.ErrConflict) || errors.Is(err, rotatelog.ErrPermanent) || !strings.Contains(err.Error(), ".rotatelog was removed while the object was written") {
		t.Errorf("Write: %v", err)
	}
	wantFile(t, filepath.Join(dir, "day.json"), "one")
	wantFile(t, temp, "another's")
	writeObject(t, s, "day.json", o.Version, "two", nil)
}
