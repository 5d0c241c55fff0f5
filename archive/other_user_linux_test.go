package archive_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/storetest"
)

// spoolOfRoot names, for a process of another user, the directory of a spool that it may
// not read.
const spoolOfRoot = "ROTATELOG_TEST_SPOOL_OF_ROOT"

const (
	nobody     = 65534
	wasRefused = "everything was refused"
)

// TestSpoolOfAnotherUser: whatever may not be read, the error says why, names the spool,
// and says what to do. Only root can be two users.
func TestSpoolOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can become another user")
	}
	for name, modes := range map[string]map[string]fs.FileMode{
		"the directory": {".": 0o700},
		"the spool":     {".": 0o755, "all_api.spool": 0o700},
		"its batches":   {".": 0o755, "all_api.spool": 0o755, "all_api.spool/pending": 0o700},
	} {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "spool") // those of t.TempDir are below one that is private
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			if err := appendOne(t, dir); err != nil {
				t.Fatal(err)
			}
			for file, mode := range modes {
				if err := os.Chmod(filepath.Join(dir, file), mode); err != nil {
					t.Fatal(err)
				}
			}
			// The program is in a private directory, too, so it is run by its inode.
			child := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestAsAnotherUser$", "-test.v")
			child.Env = append(os.Environ(), spoolOfRoot+"="+dir)
			child.Dir = "/"
			child.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
			if out, err := child.CombinedOutput(); err != nil || !strings.Contains(string(out), wasRefused) {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// appendOne leaves a batch that waits, and one that is unfinished.
func appendOne(t *testing.T, dir string) error {
	store := &storetest.Faulty{Store: storetest.NewMem(), Fault: func(storetest.Op) storetest.Fault {
		return storetest.Fault{Err: errors.New("away"), Skip: true}
	}}
	w, err := rotatelog.Open(t.Context(), rotatelog.Config{Dir: dir, Store: store, MaxFetches: 1, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	_, err = w.Append(t.Context(), []byte(`{}`))
	return errors.Join(err, w.Close())
}

// TestAsAnotherUser is what the other user tries.
func TestAsAnotherUser(t *testing.T) {
	dir := os.Getenv(spoolOfRoot)
	if dir == "" {
		t.Skip("it is run by TestSpoolOfAnotherUser")
	}
	cfg := rotatelog.Config{Dir: dir, Store: storetest.NewMem(), Logger: slog.New(slog.DiscardHandler)}
	tries := map[string]func() error{
		"Inspect": func() error {
			status, err := rotatelog.Inspect(dir, "")
			if len(status.Problems) > 0 {
				err = errors.New(strings.Join(status.Problems, "\n"))
			}
			return err
		},
		"SpoolReader": func() error { return readSpool(t, cfg) },
		"OpenMaintenance": func() error {
			_, err := rotatelog.OpenMaintenance(t.Context(), cfg)
			return err
		},
		"Open": func() error {
			_, err := rotatelog.Open(t.Context(), cfg)
			return err
		},
	}
	for name, try := range tries {
		err := try()
		switch {
		case err == nil:
			t.Errorf("%s: no error", name)
		case !strings.Contains(err.Error(), dir):
			t.Errorf("%s does not say where: %v", name, err)
		case !strings.Contains(err.Error(), "belongs to another user") && !strings.Contains(err.Error(), "let the user that this runs as read and write there"):
			t.Errorf("%s does not say what to do: %v", name, err)
		}
	}
	if !t.Failed() {
		t.Log(wasRefused)
	}
}

// readSpool verifies a day of its own against the spool of the other user.
func readSpool(t *testing.T, cfg rotatelog.Config) error {
	spool, err := rotatelog.OpenSpoolReader(cfg)
	if err != nil {
		return err
	}
	defer spool.Close()
	if err := archive.SaveVerified(t.Context(), spool, time.Now(), archive.Report{Day: day}); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "run this as the user of the Writer") {
		t.Errorf("saved what was verified: %v", err)
	}
	cfg.Dir = t.TempDir()
	cfg.TimeOf = func([]byte) (time.Time, error) { return time.Date(2025, time.July, 10, 16, 0, 0, 0, time.UTC), nil }
	w, err := rotatelog.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Append(t.Context(), []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := archive.VerifyDay(t.Context(), rotatelog.Archive{Store: cfg.Store}, day, archive.VerifyOptions{Spool: spool})
	if err == nil {
		t.Errorf("verified: %v", r.Findings)
	}
	return err
}
