package rotatelog_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
)

// TestInspectorRemembers: it says what Inspect says, whatever happens in the spool, and asks
// for no batch that it knows.
func TestInspectorRemembers(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		i := rotatelog.NewInspector("", "all_api")
		inspected := 0
		check := func() rotatelog.SpoolStatus {
			t.Helper()
			inspected++
			got, err := i.InspectOn(b.disk)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(b.inspect(), got, cmpopts.IgnoreFields(rotatelog.SpoolStatus{}, "Inspected")); diff != "" {
				t.Fatalf("inspection %d (-Inspect +Inspector):\n%s", inspected, diff)
			}
			return got
		}
		b.cfg.KeepUploaded = 3
		b.open()
		check()
		for n := range 6 {
			b.append(ten...)
			b.append(1, 2)
			b.onStore(storeAway)
			if err := b.Seal(t.Context()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if s := check(); len(s.Pending) == 0 {
				t.Errorf("nothing waits after batch %d", n)
			}
			b.onStore(nil)
			b.flush()
			if s := check(); len(s.Confirmed) == 0 {
				t.Errorf("nothing is confirmed after batch %d", n)
			}
			time.Sleep(5 * time.Hour)
			synctest.Wait()
		}

		check()
		asked := b.record(func(op crashfs.Op) string {
			if op.Kind == "Stat" && strings.Contains(op.Name, "/uploaded/") {
				return op.Name
			}
			return ""
		})
		s, err := i.InspectOn(b.disk)
		if err != nil || len(s.Confirmed) < 3 {
			t.Fatalf("%d confirmed: %v", len(s.Confirmed), err)
		}
		// The newest one may be what the array was sealed to.
		if asked := asked(); len(asked) > 2 {
			t.Errorf("it asked for %q again", asked)
		}
	})
}
