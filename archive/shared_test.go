package archive_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/storetest"
)

// TestLostMachineOfSharedKeysComesBack after its spool was restored from. Nothing refuses
// it, and what it had pending is in the day already. Its unfinished batch would be there
// twice, unless the local file is removed, as SpoolSource says.
func TestLostMachineOfSharedKeysComesBack(t *testing.T) {
	for name, test := range map[string]struct {
		remove bool
		late   int // how often the fetches of the unfinished batch are in the day
	}{"as it is": {false, 2}, "without the local file": {true, 1}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.write(4)
				lost := w.cfg
				lost.Store = &storetest.Faulty{Store: w.mem, Fault: func(op storetest.Op) storetest.Fault {
					return storetest.Fault{Err: errors.New("away"), Skip: true}
				}}
				wr, err := rotatelog.Open(t.Context(), lost)
				if err != nil {
					t.Fatal(err)
				}
				for range 2 { // a batch that waits
					w.append(wr)
				}
				if _, err := wr.AppendFetch(t.Context(), rotatelog.Fetch{Data: []byte(`{"late":true}`)}); err != nil {
					t.Fatal(err)
				}
				wr.Close()
				lost.Store = w.mem

				spool := w.reader()
				w.cfg.Dir = t.TempDir()
				w.restore([]int{1, 2, 3, 4}, archive.SpoolSource("the old disk", spool))
				if test.remove {
					if err := os.Remove(filepath.Join(lost.Dir, "all_api.json")); err != nil {
						t.Fatal(err)
					}
				}
				w.cfg = lost
				w.write(1)
				text := string(w.mem.Bytes(w.key()))
				if got := strings.Count(text, `"late":true`); got != test.late {
					t.Errorf("%d times, want %d:\n%s", got, test.late, text)
				}
				if r := w.verify(archive.VerifyOptions{}); r.Worst() == archive.Error || strings.Count(text, `{"n":5,`) != 1 {
					t.Errorf("%v in\n%s", r.Findings, text)
				}
			})
		})
	}
}
