package dirstore_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"example.com/rotatelog"
)

// editing is a context that edits a file when it is looked at for the nth time.
type editing struct {
	context.Context
	looks *int
	n     int
	edit  func()
}

func (c editing) Err() error {
	if *c.looks++; *c.looks == c.n {
		c.edit()
	}
	return c.Context.Err()
}

// TestCopyOfWhatIsEdited: at each moment. A copy is of the version, or there is none.
func TestCopyOfWhatIsEdited(t *testing.T) {
	conflicts := 0
	for n := 1; ; n++ {
		dir := t.TempDir()
		s := openStore(t, dir)
		o := writeObject(t, s, "day.json", "", "one", map[string]string{"n": "1"})
		file := filepath.Join(dir, "day.json")
		ctx := editing{context.Background(), new(int), n, func() {
			if err := errors.Join(os.WriteFile(file, []byte("ONE"), 0o600), os.Chtimes(file, time.Time{}, time.Now().Add(time.Second))); err != nil {
				t.Error(err)
			}
		}}
		err := s.Copy(ctx, "day.json", o.Version, "kept/day.json")
		if err == nil {
			wantFile(t, filepath.Join(dir, "kept/day.json"), "one")
			if *ctx.looks < n {
				break
			}
			continue
		}
		conflicts++
		if _, statErr := s.Stat(t.Context(), "kept/day.json"); !errors.Is(err, rotatelog.ErrConflict) || !errors.Is(statErr, fs.ErrNotExist) {
			t.Errorf("edited at look %d: %v, and the copy: %v", n, err, statErr)
		}
		wantFile(t, file, "ONE")
	}
	if conflicts < 3 {
		t.Errorf("only %d edits were noticed", conflicts)
	}
}

// TestCopyIsAFileOfItsOwn: what edits the original in place leaves the copy alone.
func TestCopyIsAFileOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	s := openStore(t, dir)
	o := writeObject(t, s, "day.json", "", "one", nil)
	if err := os.Chmod(filepath.Join(dir, "day.json"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Copy(t.Context(), "day.json", o.Version, "kept/day.json"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "day.json"), []byte("TWO"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantFile(t, filepath.Join(dir, "kept/day.json"), "one")
	if info, err := os.Stat(filepath.Join(dir, "kept/day.json")); err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("the mode is %v, %v, want that of the original", info.Mode(), err)
	}
	if got := files(t, filepath.Join(dir, ".rotatelog/new")); len(got) != 0 {
		t.Errorf("temporary files are left: %q", got)
	}
}
