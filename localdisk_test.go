package rotatelog_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/vfs"
	"example.com/rotatelog/storetest"
)

// Opening a spool on all kinds of file systems.

// openIn opens a stream in a directory of the operating system, and returns what
// was repaired and logged.
func openIn(t *testing.T, dir string) (w *rotatelog.Writer, repaired []rotatelog.Repaired, err error) {
	t.Helper()
	w, err = rotatelog.Open(t.Context(), rotatelog.Config{Dir: dir, Store: storetest.NewMem(),
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Hooks:  rotatelog.Hooks{Repaired: func(r rotatelog.Repaired) { repaired = append(repaired, r) }}})
	if err == nil {
		t.Cleanup(func() { w.Close() })
	}
	return w, repaired, err
}

// TestLooseSpoolIsTightened: others could write to it.
func TestLooseSpoolIsTightened(t *testing.T) {
	for _, mode := range []os.FileMode{0o777, 0o750, 0o701} {
		dir := t.TempDir()
		spool := filepath.Join(dir, "all_api.spool")
		if err := errors.Join(os.Mkdir(spool, 0o700), os.Chmod(spool, mode)); err != nil {
			t.Fatal(err)
		}
		w, repaired, err := openIn(t, dir)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(spool); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%v became %v, %v", mode, info.Mode(), err)
		}
		if len(repaired) != 1 || repaired[0].File != "all_api.spool" || !strings.Contains(repaired[0].Problem, mode.String()[1:]) {
			t.Errorf("%v: reported %+v", mode, repaired)
		}
		w.Close()
		if _, repaired, err = openIn(t, dir); err != nil || len(repaired) > 0 {
			t.Errorf("%v, opened again: %+v, %v", mode, repaired, err)
		}
	}
}

func TestSpoolOfSomebodyElseIsRefused(t *testing.T) {
	dir := t.TempDir()
	spool := filepath.Join(dir, "all_api.spool")
	if err := os.Mkdir(spool, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(spool, 65534, -1); err != nil {
		t.Skip(err)
	}
	if _, _, err := openIn(t, dir); err == nil || !strings.Contains(err.Error(), "all_api.spool belongs to another user") {
		t.Error(err)
	}
}

func TestSpoolThatIsASymbolicLinkIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(t.TempDir(), filepath.Join(dir, "all_api.spool")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openIn(t, dir); err == nil || !strings.Contains(err.Error(), "all_api.spool is a symbolic link; put the directory itself in its place") {
		t.Error(err)
	}
}

// TestPipesInTheSpoolKeepNobodyWaiting, whatever file they have the name of: it is replaced,
// or an error names it.
func TestPipesInTheSpoolKeepNobodyWaiting(t *testing.T) {
	for _, name := range []string{"batch.json", "batch.json.new", "body", "clean", "closed.json", "identities", "intents", "owner", "pending", "places.json",
		"proof", "seen.json", "state.append.json", "state.publish.json", "swept", "unclean", "uploaded"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			w, _, err := openIn(t, dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Append(t.Context(), counted(1)); err != nil {
				t.Fatal(err)
			}
			w.Close()
			path := filepath.Join(dir, "all_api.spool", name)
			if err := errors.Join(os.RemoveAll(path), syscall.Mkfifo(path, 0o600)); err != nil {
				t.Fatal(err)
			}
			if _, err := rotatelog.Inspect(dir, "all_api"); err != nil {
				t.Error(err)
			}
			w, _, err = openIn(t, dir)
			if err != nil {
				if base := filepath.Base(strings.TrimSuffix(name, ".new")); !strings.Contains(err.Error(), base) {
					t.Errorf("the error is %v", err)
				}
				return
			}
			if _, err := w.Append(t.Context(), counted(2)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestOpenKeepsFilesThatItHasNotMade, whatever they are called.
func TestOpenKeepsFilesThatItHasNotMade(t *testing.T) {
	dir := t.TempDir()
	names := []string{"all_api.json.new", ".all_api.json.rotatelog", "all_api.json.tmp", "spare.json"}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("precious"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		w, _, err := openIn(t, dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Append(t.Context(), counted(1)); err != nil {
			t.Fatal(err)
		}
		w.Close()
	}
	for _, name := range names {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != "precious" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != len(names)+2 {
		t.Errorf("%v, %v", left, err)
	}
}

// TestDirThatCannotBeWrittenTo is found at Open, not at the tenth fetch.
func TestDirThatCannotBeWrittenTo(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1)
		b.Close()
		if err := b.disk.Chmod(".", 0o500); err != nil {
			t.Fatal(err)
		}
		w, err := rotatelog.Open(t.Context(), rotatelog.OnDisk(b.cfg, b.disk, b.newID))
		if err == nil {
			w.Close()
		}
		if !errors.Is(err, os.ErrPermission) || !strings.Contains(err.Error(), "let the user that this runs as read and write there") {
			t.Error(err)
		}
	})
}

// TestFileSystemsThatLackSomething: Open names what it needs, with what to do, and
// does without the rest.
func TestFileSystemsThatLackSomething(t *testing.T) {
	for _, tt := range []struct {
		name    string
		lacks   func(op crashfs.Op) error
		openErr string
		warning string
	}{
		{"locks", fails(syscall.ENOLCK, "Lock"), "this file system has no locks", ""},
		{"locks at all", fails(syscall.ENOSYS, "Lock"), "this file system has no locks", ""},
		{"syncing of directories", fails(syscall.EINVAL, "SyncDir"), "", "directories cannot be synced"},
		{"syncing of directories at all", fails(syscall.ENOTSUP, "SyncDir"), "", "directories cannot be synced"},
		{"modes", fails(syscall.EPERM, "Chmod"), "", ""},
		{"modes at all", fails(syscall.ENOTSUP, "Chmod"), "", ""},
		{"hard links", fails(syscall.EPERM, "Link"), "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.onDisk(tt.lacks)
				w, err := rotatelog.Open(t.Context(), rotatelog.OnDisk(b.cfg, b.disk, b.newID))
				if tt.openErr != "" {
					e, ok := errors.AsType[*rotatelog.Error](err)
					if !ok || !strings.Contains(e.Err.Error(), tt.openErr) || e.Hint == "" {
						t.Error(err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				b.Writer = w
				b.append(ten...)
				b.reopen()
				b.append(1)
				b.flush()
				if n := b.day(dayA).Metadata.Fetches; n != 11 {
					t.Errorf("%d fetches", n)
				}
				if n := strings.Count(b.log.String(), "directories cannot be synced"); (n == 2) != (tt.warning != "") || n > 2 {
					t.Errorf("two Writers warned %d times:\n%s", n, b.log)
				}
				if tt.warning == "" && strings.Contains(b.log.String(), "WARN") {
					t.Errorf("%s", b.log)
				}
			})
		})
	}
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.onDisk(fails(syscall.EINVAL, "Sync"))
		_, err := b.Append(t.Context(), counted(1))
		if err == nil || !strings.Contains(err.Error(), "this file system cannot sync files; set Dir to a local disk") {
			t.Error(err)
		}
		if e, ok := errors.AsType[*rotatelog.Error](err); !ok || e.Hint != "set Dir to a local disk" {
			t.Errorf("%+v", e)
		}
	})
}

func fails(err error, kind string) func(crashfs.Op) error {
	return func(op crashfs.Op) error {
		if op.Kind == kind {
			return err
		}
		return nil
	}
}

type readDirHook struct {
	vfs.FS
	after func(dir string)
}

func (l readDirHook) ReadDir(name string) ([]string, error) {
	names, err := l.FS.ReadDir(name)
	l.after(name)
	return names, err
}

// TestBatchThatMovesWhileOpening: the process that publishes confirms the newest
// batch, or takes it back, between two looks of another that opens.
func TestBatchThatMovesWhileOpening(t *testing.T) {
	for _, back := range []bool{true, false} {
		for look := range 4 {
			t.Run(fmt.Sprintf("back=%t, after look %d", back, look), func(t *testing.T) {
				inBubble(t, func(t *testing.T, b *bench) {
					b.cfg.MaxFetches = 2
					b.open()
					b.append(1, 2)
					b.flush()
					b.append(3, 4)
					b.flush()
					b.Close()
					up := b.uploaded()
					from := "all_api.spool/uploaded/" + up[len(up)-1]
					to := "all_api.spool/pending/" + up[len(up)-1][:strings.LastIndex(up[len(up)-1], "-")] + ".json"
					move := func(from, to string) {
						if err := errors.Join(b.disk.Link(from, to), b.disk.Remove(from)); err != nil {
							t.Error(err)
						}
					}
					if !back {
						move(from, to)
						from, to = to, from
					}
					looks := 0
					disk := readDirHook{b.disk, func(dir string) {
						if !strings.HasSuffix(dir, "pending") && !strings.HasSuffix(dir, "uploaded") {
							return
						}
						if looks == look {
							move(from, to)
						}
						looks++
					}}
					w, err := rotatelog.Open(t.Context(), rotatelog.OnDisk(b.cfg, disk, b.newID))
					if err != nil {
						t.Fatal(err)
					}
					b.Writer = w
					r, err := w.Append(t.Context(), counted(5))
					if err != nil || r.Number != 5 {
						t.Errorf("the fetch has number %d, want 5: %v", r.Number, err)
					}
				})
			})
		}
	}
}

// TestPanickingTimeOfIsAnError: it ends neither the program at each Open nor an Append.
func TestPanickingTimeOfIsAnError(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1)
		b.die()
		if err := b.disk.Remove("all_api.spool/batch.json"); err != nil { // so that Open asks Time
			t.Fatal(err)
		}
		b.cfg.TimeOf = func(fetch []byte) (time.Time, error) { return time.Unix(int64(fetch[len(fetch)]), 0), nil }
		b.open()
		_, err := b.Append(t.Context(), counted(2))
		if !errors.Is(err, rotatelog.ErrInvalidFetch) || !strings.Contains(err.Error(), "Config.TimeOf panicked") {
			t.Error(err)
		}
		if n := len(b.array()); n != 1 {
			t.Errorf("%d fetches are left", n)
		}
	})
}

// TestBatchThatCannotBeRead: Drain returns a permanent error at once, which names
// the file. Once that is moved away, the other batches of its day are uploaded.
func TestBatchThatCannotBeRead(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.cfg.MaxFetches = 1
		b.open()
		b.onStore(func(storetest.Op) storetest.Fault { return storetest.Fault{Err: errors.New("away"), Skip: true} })
		b.append(1, 2)
		bad := "all_api.spool/pending/" + b.pending()[0]
		b.onDisk(func(op crashfs.Op) error {
			if op.Kind == "ReadAt" && op.Name == bad {
				return syscall.EIO
			}
			return nil
		})
		b.onStore(nil)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		err := b.Drain(ctx)
		if !errors.Is(err, rotatelog.ErrPermanent) || !errors.Is(err, syscall.EIO) || !strings.Contains(err.Error(), bad) || !strings.Contains(err.Error(), "move the file away") {
			t.Errorf("drain: %v", err)
		}
		if err := b.disk.Rename(bad, "elsewhere"); err != nil {
			t.Fatal(err)
		}
		b.flush()
		if n := b.day(dayA).Metadata.Fetches; n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

// TestDayWithoutCountsIsReportedOnce: that all fetches count 0 is logged once a day.
func TestDayWithoutCountsIsReportedOnce(t *testing.T) {
	const warning = "none has FETCH_FOOTER.total_matches"
	bare := []byte(`{"results":[1,2,3]}`)
	appendAll := func(b *bench, fetches ...[]byte) {
		for _, fetch := range fetches {
			if _, err := b.Append(b.t.Context(), fetch); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	for name, tt := range map[string]struct {
		run  func(b *bench)
		want int
	}{
		"all without":       {func(b *bench) { appendAll(b, bare, bare, bare, bare, bare, bare) }, 1},
		"less than a batch": {func(b *bench) { appendAll(b, bare, bare) }, 0},
		"one with":          {func(b *bench) { appendAll(b, bare, counted(0), bare, bare, bare, bare) }, 0},
		"null is a count":   {func(b *bench) { appendAll(b, bare, []byte(`{"FETCH_FOOTER":{"total_matches":null}}`), bare, bare) }, 0},
		"footer without":    {func(b *bench) { appendAll(b, []byte(`{"FETCH_FOOTER":{}}`), bare, bare, bare) }, 1},
		"each day": {func(b *bench) {
			appendAll(b, bare, bare, bare)
			time.Sleep(24 * time.Hour)
			appendAll(b, bare, bare, bare, bare)
		}, 2},
		"envelopes":         {func(b *bench) { b.AppendFetch(b.t.Context(), rotatelog.Fetch{Data: bare}); appendAll(b, bare, bare) }, 0},
		"restart after one": {func(b *bench) { appendAll(b, counted(0)); b.reopen(); appendAll(b, bare, bare, bare, bare, bare) }, 0},
		"a count of one's own": {func(b *bench) {
			b.cfg.Count = rotatelog.CountArray("results")
			b.reopen()
			appendAll(b, bare, bare, bare)
		}, 0},
		"one process per fetch": {func(b *bench) {
			for range 9 {
				appendAll(b, bare)
				b.reopen()
			}
		}, 1},
		"one process per fetch, one with": {func(b *bench) {
			for i := range 9 {
				appendAll(b, [][]byte{bare, counted(0)}[i%2])
				b.reopen()
			}
		}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.cfg.MaxFetches = 3
				b.open()
				tt.run(b)
				if n := strings.Count(b.log.String(), warning); n != tt.want {
					t.Errorf("said %d times, want %d:\n%s", n, tt.want, b.log)
				}
				if tt.want > 0 && !strings.Contains(b.log.String(), "set Config.Count") {
					t.Errorf("%s", b.log)
				}
			})
		})
	}
}

// TestOpenChangesNothingUntilItHasTheLock: several Writers may wait for it at once,
// and each would remove another's files.
func TestOpenChangesNothingUntilItHasTheLock(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		changes := b.record(func(op crashfs.Op) string {
			if slices.Contains([]string{"Rename", "Link", "Remove", "WriteAt", "Truncate"}, op.Kind) || op.Kind == "OpenFile" && op.Mutates {
				return op.Kind + " " + op.Name
			}
			return ""
		})
		if _, err := rotatelog.Open(t.Context(), rotatelog.OnDisk(b.cfg, b.disk, b.newID)); !errors.Is(err, rotatelog.ErrLocked) {
			t.Errorf("open: %v", err)
		}
		if changes := changes(); len(changes) > 0 {
			t.Errorf("without the lock: %q", changes)
		}
	})
}
