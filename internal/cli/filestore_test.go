package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
	"example.com/rotatelog/storetest"
)

func TestFileStoreDecodesEscapes(t *testing.T) {
	dir := t.TempDir()
	flags := StoreFlags{url: "file://" + dir + "/with%20space%3F", pathStyle: true}
	store, prefix, err := flags.Open(Env{})
	if err != nil || prefix != "" {
		t.Fatalf("prefix %q, err %v", prefix, err)
	}
	want := filepath.Join(dir, "with space?")
	if _, err := os.Stat(want); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is there before it is needed: %v", err)
	}
	if _, err := store.Stat(t.Context(), "key"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat of nothing: %v", err)
	}
	if info, err := os.Stat(want); err != nil || !info.IsDir() {
		t.Errorf("the directory is not there: %v", err)
	}
}

// A directory whose disk is not mounted is not a missing object, and is used as soon
// as it exists.
func TestFileStoreWithoutItsDisk(t *testing.T) {
	mnt := filepath.Join(t.TempDir(), "mnt")
	flags := StoreFlags{url: "file://" + mnt + "/logs", pathStyle: true}
	store, _, err := flags.Open(Env{})
	if err != nil {
		t.Fatal(err)
	}
	want := "there is no directory " + mnt + ", in which the store would be made; mount its disk, or make it"
	if _, err := store.Stat(t.Context(), "key"); !errors.Is(err, rotatelog.ErrPermanent) || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), want) {
		t.Errorf("Stat: %v, want ErrPermanent and %s", err, want)
	}
	if err := os.Mkdir(mnt, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Stat(t.Context(), "key"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat of nothing: %v", err)
	}
	dir, err := dirstore.Open(mnt + "/logs")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := store.(rotatelog.Located).Location(), dir.Location(); got != want {
		t.Errorf("Location %q, want %q", got, want)
	}
}

func TestLazyStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) rotatelog.Store {
		return &lazyStore{open: func() (rotatelog.Store, error) { return storetest.NewMem(), nil }}
	})
}

func TestLazyStoreTriesAgain(t *testing.T) {
	gone := fmt.Errorf("%w: mount point: %w", rotatelog.ErrPermanent, fs.ErrNotExist)
	failures := []error{gone, gone, gone}
	mem := storetest.NewMem()
	s := &lazyStore{open: func() (rotatelog.Store, error) {
		if len(failures) > 0 {
			err := failures[0]
			failures = failures[1:]
			return nil, err
		}
		return mem, nil
	}}
	ctx := t.Context()
	_, statErr := s.Stat(ctx, "key")
	_, readErr := s.Read(ctx, "key", "v", 0, -1)
	writeErr := s.Write(ctx, "key", "", []rotatelog.Part{rotatelog.Data([]byte("x"))}, nil)
	for _, err := range []error{statErr, readErr, writeErr} {
		if !errors.Is(err, rotatelog.ErrPermanent) || errors.Is(err, fs.ErrNotExist) || err.Error() != gone.Error() {
			t.Errorf("got %v, want the reason, and it must not say that there is no object", err)
		}
	}
	if err := s.Write(ctx, "key", "", []rotatelog.Part{rotatelog.Data([]byte("x"))}, nil); err != nil {
		t.Errorf("it does not recover: %v", err)
	}
	if got := string(mem.Bytes("key")); got != "x" {
		t.Errorf("the object is %q", got)
	}
}
