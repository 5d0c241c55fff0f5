package archive_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/internal/vfs"
)

// reader opens the spool of the stream.
func (w *world) reader() *rotatelog.SpoolReader {
	w.t.Helper()
	r, err := rotatelog.OpenSpoolReader(w.cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { r.Close() })
	return r
}

func (w *world) save(spool *rotatelog.SpoolReader, reports ...archive.Report) {
	w.t.Helper()
	if err := archive.SaveVerified(w.t.Context(), spool, time.Now(), reports...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) load(spool *rotatelog.SpoolReader) []archive.VerifiedDay {
	w.t.Helper()
	days, err := archive.LoadVerified(spool)
	if err != nil {
		w.t.Fatal(err)
	}
	return days
}

// TestVerifiedDays: the last result of each day is there, and another process reads it.
func TestVerifiedDays(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(10)
		spool := w.reader()
		if days := w.load(spool); len(days) > 0 {
			t.Errorf("before the first: %+v", days)
		}
		w.save(spool, w.verify(archive.VerifyOptions{}))
		w.edit(w.key(), replace(`"n":4`, `"n":7`))
		time.Sleep(time.Hour)
		r := w.verify(archive.VerifyOptions{})
		gap := func(from time.Time, d time.Duration) archive.Finding {
			return archive.Finding{Code: archive.Gap, From: from, To: from.Add(d)}
		}
		ten := time.Date(2025, 7, 11, 14, 0, 0, 0, time.UTC)
		gone := archive.Report{Day: day.Next(), Findings: []archive.Finding{{Code: archive.DayMissing}, gap(ten, 3*time.Minute), gap(ten.Add(time.Hour), 9*time.Minute),
			gap(ten.Add(2*time.Hour), 6*time.Minute), {Code: archive.Order}}}
		w.save(spool, gone, r)
		want := []archive.VerifiedDay{
			{Day: day, Key: w.key(), Version: r.Version, Verified: time.Now().UTC().Truncate(time.Second), Worst: archive.Error, Errors: 1},
			{Day: day.Next(), Verified: time.Now().UTC().Truncate(time.Second), Worst: archive.Warning, Warnings: 4,
				Gaps: 3, GapFrom: ten.Add(time.Hour), GapTo: ten.Add(69 * time.Minute)},
		}
		if got := w.load(w.reader()); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+v, want %+v", got, want)
		}
		text, err := os.ReadFile(filepath.Join(spool.Dir(), "verified.json"))
		if want := `[{"day":"2025-07-10","key":"` + w.key() + `","version":"` + string(r.Version) + `","verified":"2025-07-10T17:10:00Z","worst":"error","errors":1,"warnings":0},{"day":"2025-07-11","verified":"2025-07-10T17:10:00Z","worst":"warning","errors":0,"warnings":4,` +
			`"gaps":3,"gap_from":"2025-07-11T15:00:00Z","gap_to":"2025-07-11T15:09:00Z"}]`; err != nil || !strings.HasPrefix(string(text), want) {
			t.Errorf("%v\n%s\nwant\n%s", err, text, want)
		}
	})
}

// TestVerifiedDaysAreForgotten when there are too many: the oldest first.
func TestVerifiedDaysAreForgotten(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(2)
		spool := w.reader()
		var reports []archive.Report
		for d := day; len(reports) < 401; d = d.Next() {
			reports = append(reports, archive.Report{Day: d})
		}
		w.save(spool, reports...)
		w.save(spool, archive.Report{Day: rotatelog.Day{Year: 2020, Month: 1, Date: 1}})
		if got := w.load(spool); len(got) != 400 || got[0].Day != day.Next() || got[399].Day != reports[400].Day {
			t.Errorf("%d days from %v", len(got), got[0].Day)
		}
	})
}

// TestVerifiedDaysSavedAtOnce: of many who save at the same time each leaves its day.
func TestVerifiedDaysSavedAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(2)
		const savers = 20
		var all sync.WaitGroup
		d := day
		for range savers {
			report, spool := archive.Report{Day: d}, w.reader()
			all.Go(func() {
				if err := archive.SaveVerified(t.Context(), spool, time.Now(), report); err != nil {
					t.Error(err)
				}
			})
			d = d.Next()
		}
		all.Wait()
		if got := w.load(w.reader()); len(got) != savers {
			t.Errorf("%d days, want %d: %+v", len(got), savers, got)
		}
	})
}

// TestVerifiedDaysThatAreTorn: a file that is no JSON is an error of who reads it, and is
// replaced by the next who writes.
func TestVerifiedDaysThatAreTorn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(2)
		spool := w.reader()
		name := filepath.Join(spool.Dir(), "verified.json")
		for _, torn := range []string{"", "\x00\x00", `[{"day":"2025-07-10",`, `{"day":"2025-07-10"}`, `[{"worst":"dreadful"}]`} {
			if err := os.WriteFile(name, []byte(torn), 0o600); err != nil {
				t.Fatal(err)
			}
			if days, err := archive.LoadVerified(spool); err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%q: %v, %v", torn, days, err)
			}
			w.save(spool, archive.Report{Day: day})
			if got := w.load(spool); len(got) != 1 || got[0].Day != day {
				t.Errorf("after %q: %+v", torn, got)
			}
		}
	})
}

// TestVerifiedDaysWhereTheyCannotBe: the error names the file, and nothing is made.
func TestVerifiedDaysWhereTheyCannotBe(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(2)
		spool := w.reader()
		inTheWay := filepath.Join(spool.Dir(), "verified.json")
		if err := os.Mkdir(inTheWay, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := archive.SaveVerified(t.Context(), spool, time.Now(), archive.Report{Day: day}); err == nil || !strings.Contains(err.Error(), inTheWay) {
			t.Errorf("over a directory: %v", err)
		}
		if err := os.RemoveAll(spool.Dir()); err != nil {
			t.Fatal(err)
		}
		_, err := archive.LoadVerified(spool)
		for _, err := range []error{err, archive.SaveVerified(t.Context(), spool, time.Now(), archive.Report{Day: day})} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("without a spool: %v", err)
			}
		}
		if _, err := os.Stat(spool.Dir()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the spool was made: %v", err)
		}
	})
}

// TestWriterLeavesVerifiedDaysAlone: neither a Writer nor Inspect nor a restore takes the
// files for anything of theirs, and all find the spool as it was.
func TestWriterLeavesVerifiedDaysAlone(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.cfg.Hooks.Repaired = func(r rotatelog.Repaired) { t.Errorf("repaired: %+v", r) }
		w.write(10)
		spool := w.reader()
		w.save(spool, w.verify(archive.VerifyOptions{}))
		before := w.load(spool)
		if err := os.WriteFile(filepath.Join(spool.Dir(), "verified.json.new"), []byte("[{"), 0o600); err != nil { // of one that was killed
			t.Fatal(err)
		}
		w.write(4)
		status, err := rotatelog.Inspect(w.cfg.Dir, "")
		if err != nil || len(status.Problems)+len(status.Damaged) > 0 || len(status.Confirmed) != 7 {
			t.Errorf("%v, %+v", err, status)
		}
		w.edit(w.key(), hurts["flipped"].edit)
		w.restore([]int{1, 2, 3, 4, 5, 6, 7})
		if after := w.load(spool); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("%+v, was %+v", after, before)
		}
		w.save(spool, archive.Report{Day: day.Next()})
		if got := w.load(spool); len(got) != 2 {
			t.Errorf("%+v", got)
		}
	})
}

// TestVerifiedDaysWaitNoLongerThanAsked for another that holds the lock.
func TestVerifiedDaysWaitNoLongerThanAsked(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.write(2)
		spool := w.reader()
		dir, err := vfs.Dir(spool.Dir())
		if err != nil {
			t.Fatal(err)
		}
		defer dir.Close()
		lock, err := dir.Lock("verified.lock")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := archive.SaveVerified(ctx, spool, time.Now(), archive.Report{Day: day}); !errors.Is(err, rotatelog.ErrLocked) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		lock.Close()
		w.save(spool, archive.Report{Day: day})
	})
}

func TestSeverityAsText(t *testing.T) {
	for _, s := range []archive.Severity{archive.Note, archive.Warning, archive.Error} {
		var back archive.Severity
		text, err := json.Marshal(s)
		if err != nil || json.Unmarshal(text, &back) != nil || back != s || string(text) != `"`+s.String()+`"` {
			t.Errorf("%v became %s, and that %v; %v", s, text, back, err)
		}
	}
}
