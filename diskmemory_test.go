package rotatelog_test

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
	"example.com/rotatelog/internal/vfs"
	"example.com/rotatelog/storetest"
)

// TestInspectorReadsOnlyWhatMayHaveChanged: of a spool that has been left alone for a while,
// no directory is listed and no file read again but the one that is being filled.
func TestInspectorReadsOnlyWhatMayHaveChanged(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		i := inspectorOf(t, b)
		if _, err := i.InspectOn(b.disk); err != nil { // once they are settled
			t.Fatal(err)
		}
		asked := b.record(func(op crashfs.Op) string {
			if op.Kind == "ReadDir" || op.Kind == "OpenFile" {
				return op.Name
			}
			return ""
		})
		if _, err := i.InspectOn(b.disk); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"all_api.json"}, asked()); diff != "" {
			t.Errorf("what is read again (-want +got):\n%s", diff)
		}
	})
}

// TestInspectorNoticesEachChange: whatever changes in a spool, and however soon after it was
// inspected and changed before, the next inspection says so.
func TestInspectorNoticesEachChange(t *testing.T) {
	for _, pause := range []time.Duration{0, time.Minute} { // a change at the same instant has the same time
		t.Run(pause.String(), func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				i := inspectorOf(t, b)
				const spool = "all_api.spool/"
				for n := range 4 {
					for _, c := range []struct {
						file, content string
						says          func(rotatelog.SpoolStatus) any
					}{
						{"places.json", fmt.Sprintf(`[{"id":"p","place":"here%d"}]`, n), func(s rotatelog.SpoolStatus) any { return s.Places }},
						{"state.append.json", fmt.Sprintf(`{"pid":%d}`, n), func(s rotatelog.SpoolStatus) any { return s.Append.PID }},
						{"state.publish.json", fmt.Sprintf(`{"pid":%d}`, n), func(s rotatelog.SpoolStatus) any { return s.Publish.PID }},
						{"batch.json", fmt.Sprintf(`{"day":"2025-07-0%d","first":11,"order":2}`, n+1), func(s rotatelog.SpoolStatus) any { return s.Day }},
						{fmt.Sprintf("damaged/%d", n), "x", func(s rotatelog.SpoolStatus) any { return len(s.Damaged) }},
						{fmt.Sprintf("body-2025-07-0%d", n+1), "x", func(s rotatelog.SpoolStatus) any { return len(s.Bodies) }},
						{fmt.Sprintf("pending/2025-07-0%d-%08d-000001-000010-20250704T120000Z-ID0000010%d.json", n+1, n+50, n), "[]",
							func(s rotatelog.SpoolStatus) any { return len(s.Pending) }},
						{fmt.Sprintf("uploaded/2025-07-0%d-%08d-000001-000010-20250704T120000Z-ID0000020%d-%06d.json", n+1, n+40, n, n+1), "[]",
							func(s rotatelog.SpoolStatus) any { return len(s.Confirmed) }},
					} {
						before, err := i.InspectOn(b.disk)
						if err != nil {
							t.Fatal(err)
						}
						if err := vfs.WriteUnsynced(b.disk, spool+c.file, []byte(c.content)); err != nil {
							t.Fatal(err)
						}
						after, err := i.InspectOn(b.disk)
						if err != nil {
							t.Fatal(err)
						}
						if diff := cmp.Diff(b.inspect(), after, cmpopts.IgnoreFields(rotatelog.SpoolStatus{}, "Inspected")); diff != "" {
							t.Fatalf("%s %d (-Inspect +Inspector):\n%s", c.file, n, diff)
						}
						if n > 0 && cmp.Equal(c.says(before), c.says(after)) {
							t.Errorf("%s %d: nothing has changed: %v", c.file, n, c.says(after))
						}
						time.Sleep(pause)
					}
				}
			})
		})
	}
}

// TestInspectorForgets: what is gone from a spool is not remembered, or the memory would
// grow for as long as a process runs.
func TestInspectorForgets(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		i := inspectorOf(t, b)
		const name = "all_api.spool/intents/2025-07-04.p01234567.json"
		if err := vfs.WriteUnsynced(b.disk, name, []byte(`{"place":"here","text":"x"}`)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		remembers := func() bool {
			t.Helper()
			if _, err := i.InspectOn(b.disk); err != nil {
				t.Fatal(err)
			}
			return slices.ContainsFunc(i.Remembered(), func(file string) bool { return strings.HasPrefix(file, "all_api.spool/intents/") })
		}
		if !remembers() {
			t.Fatal("the file was not read, or is not remembered")
		}
		if err := b.disk.Remove(name); err != nil {
			t.Fatal(err)
		}
		if remembers() {
			t.Error("a file that is gone is remembered")
		}
	})
}

// inspectorOf returns an Inspector of a spool with a batch that is kept and one that is being
// filled, which has inspected it, and after which nothing has changed for a while.
func inspectorOf(t *testing.T, b *bench) *rotatelog.Inspector {
	t.Helper()
	i := rotatelog.NewInspector("", "all_api")
	b.open()
	b.append(ten...)
	b.flush()
	b.append(1, 2)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	synctest.Wait()
	if _, err := i.InspectOn(b.disk); err != nil {
		t.Fatal(err)
	}
	return i
}

// BenchmarkInspect inspects a spool with ten batches: for the first time, and again.
func BenchmarkInspect(b *testing.B) {
	dir := benchSpool(b)
	b.Run("once", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := rotatelog.Inspect(dir, ""); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		i := rotatelog.NewInspector(dir, "")
		for b.Loop() {
			if _, err := i.Inspect(); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// benchSpool returns a directory with a spool that nobody has open.
func benchSpool(b *testing.B) string {
	b.Helper()
	cfg := rotatelog.Config{Dir: b.TempDir(), Store: storetest.NewMem(), Sync: rotatelog.SyncSeal, Logger: slog.New(slog.DiscardHandler)}
	w, err := rotatelog.Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	for range 105 {
		if _, err := w.Append(b.Context(), []byte(`{"FETCH_FOOTER":{"total_matches":45}}`)); err != nil {
			b.Fatal(err)
		}
	}
	if err := errors.Join(w.Drain(b.Context()), w.Close()); err != nil {
		b.Fatal(err)
	}
	return cfg.Dir
}
