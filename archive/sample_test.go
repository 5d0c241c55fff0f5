package archive_test

import (
	"slices"
	"testing"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/archive"
	"example.com/rotatelog/clocktest"
)

// TestSampleReadsEachDayOnce in any n runs that are a day apart, across the ends of
// months and years, and first on the day after it.
func TestSampleReadsEachDayOnce(t *testing.T) {
	begin := rotatelog.Day{Year: 2023, Month: time.December, Date: 20}
	for n := 1; n <= 10; n++ {
		last := begin
		for range 100 {
			last = last.Next()
		}
		for day := begin; day.Compare(last) < 0; day = day.Next() {
			runs, today := 0, begin
			for range n {
				if archive.InSample(day, today, n) {
					runs++
				}
				today = today.Next()
			}
			if runs != 1 || !archive.InSample(day, day.Next(), n) {
				t.Fatalf("in %d runs %v is read %d times; on the day after it: %v", n, day, runs, archive.InSample(day, day.Next(), n))
			}
		}
	}
	for _, all := range []int{-1, 0, 1} {
		if !archive.InSample(begin, begin, all) {
			t.Errorf("%d leaves a day out", all)
		}
	}
}

// TestVerifyOfASample: in a week a seventh of the days is read each day, and a day that is
// missing is found on its turn.
func TestVerifyOfASample(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		const days = 10
		first := day
		for range days {
			w.write(2)
			time.Sleep(24 * time.Hour)
		}
		lost := rotatelog.Day{Year: 2025, Month: time.July, Date: 15}
		w.mem.Delete(w.archive().Key(lost, rotatelog.Uncompressed))
		last := rotatelog.Day{Year: 2025, Month: time.July, Date: 19}
		clock := clocktest.New(time.Date(2025, time.July, 20, 4, 0, 0, 0, w.zone))
		read := map[rotatelog.Day]int{}
		for range 7 {
			for r, err := range archive.Verify(t.Context(), w.archive(), first, last, archive.VerifyOptions{Sample: 7, Clock: clock}) {
				if err != nil {
					t.Fatal(err)
				}
				missing := slices.ContainsFunc(r.Findings, func(f archive.Finding) bool { return f.Code == archive.DayMissing })
				if missing != (r.Day == lost) {
					t.Errorf("%v: %v", r.Day, r.Findings)
				}
				read[r.Day]++
			}
			clock.Advance(24 * time.Hour)
		}
		for d := first; d.Compare(last) <= 0; d = d.Next() {
			if read[d] != 1 {
				t.Errorf("%v was verified %d times", d, read[d])
			}
		}
	})
}
