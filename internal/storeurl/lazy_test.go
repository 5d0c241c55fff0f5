package storeurl

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/dirstore"
	"example.com/rotatelog/storetest"
)

// lazy returns the store of a directory, which is not opened yet.
func lazy(t *testing.T, url string) rotatelog.Store {
	t.Helper()
	p, err := Parse(url, Options{})
	if err != nil {
		t.Fatal(err)
	}
	store, err := p.Lazy(nil)
	if err != nil || p.Prefix != "" {
		t.Fatalf("prefix %q, err %v", p.Prefix, err)
	}
	return store
}

func TestFileStoreDecodesEscapes(t *testing.T) {
	dir := t.TempDir()
	store := lazy(t, "file://"+dir+"/with%20space%3F")
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
	store := lazy(t, "file://"+mnt+"/logs")
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

// The store of a directory can do all that the directory can.
func TestFileStoreHidesNothing(t *testing.T) {
	dir := t.TempDir()
	opened, err := dirstore.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	store := lazy(t, "file://"+dir)
	if got, want := abilities(store), abilities(opened); !maps.Equal(got, want) {
		t.Errorf("it is %v, the directory %v", got, want)
	}
}

// abilities says which optional interfaces a Store implements.
func abilities(store rotatelog.Store) map[string]bool {
	can := map[string]bool{}
	_, can["Copier"] = store.(rotatelog.Copier)
	_, can["IntentWriter"] = store.(rotatelog.IntentWriter)
	_, can["Lister"] = store.(rotatelog.Lister)
	_, can["Located"] = store.(rotatelog.Located)
	_, can["Prover"] = store.(rotatelog.Prover)
	_, can["SingleWriter"] = store.(rotatelog.SingleWriter)
	_, can["UploadLister"] = store.(rotatelog.UploadLister)
	_, can["Warner"] = store.(rotatelog.Warner)
	return can
}

func TestLazyStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) rotatelog.Store {
		return &lazyStore{open: func() (copyingStore, error) { return storetest.NewMem(), nil }}
	})
}

func TestLazyStoreTriesAgain(t *testing.T) {
	gone := fmt.Errorf("%w: mount point: %w", rotatelog.ErrPermanent, fs.ErrNotExist)
	failures := []error{gone, gone, gone, gone, gone}
	mem := storetest.NewMem()
	s := &lazyStore{open: func() (copyingStore, error) {
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
	copyErr := s.Copy(ctx, "key", "v", "copy")
	var listErr error
	for _, listErr = range s.List(ctx, "key") {
	}
	for _, err := range []error{statErr, readErr, writeErr, copyErr, listErr} {
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
