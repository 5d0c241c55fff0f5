package report_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/days"
	"example.com/rotatelog/internal/report"
	"example.com/rotatelog/storetest"
)

// farStore takes 20 ms for each request.
type farStore struct {
	*storetest.Mem
	denied string // a key
	fails  error  // of listing
}

func (s farStore) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	time.Sleep(20 * time.Millisecond)
	if key == s.denied {
		return rotatelog.Object{}, fmt.Errorf("%w: denied", rotatelog.ErrPermanent)
	}
	return s.Mem.Stat(ctx, key)
}

func (s farStore) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	time.Sleep(20 * time.Millisecond)
	if s.fails != nil {
		return func(yield func(string, error) bool) { yield("", s.fails) }
	}
	return s.Mem.List(ctx, prefix)
}

// The report of a year takes less than a second where a request takes 20 ms, with the year
// before.
func TestReportOfAYear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := rotatelog.Archive{Store: farStore{Mem: storetest.NewMem()}}
		for d := day(t, "2024-01-01"); d != day(t, "2026-01-01"); d = d.Next() {
			a.Store.(farStore).Put(a.Key(d, rotatelog.Uncompressed), []byte("x"), nil)
		}
		today := day(t, "2026-01-02")
		of, err := days.Parse([]string{"2025-01-01..2025-12-31"}, today)
		if err != nil {
			t.Fatal(err)
		}
		for _, by := range []report.By{report.ByDay, report.ByWeek, report.ByMonth} {
			begin := time.Now()
			need := report.Needed(of, by, today)
			known, err := report.Find(t.Context(), a, need.First, need.Last, today)
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took > time.Second {
				t.Errorf("by %s: took %v", by, took)
			}
			if r := report.New("all_api", known, of, by, today); len(r.Sum.In(report.Unknown)) != 365 || r.Compared.Before != nil && len(r.Compared.Before.Days) != 365 {
				t.Errorf("by %s: %d days", by, len(r.Sum.In(report.Unknown)))
			}
		}
	})
}

// What is said of a day without numbers: whether it should have an object, and which of
// two objects a reader finds.
func TestFindTellsWhyNothingIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := farStore{Mem: storetest.NewMem()}
		a := rotatelog.Archive{Store: store}
		put := func(s string, pack rotatelog.Compression, bytes int) {
			store.Put(a.Key(day(t, s), pack), make([]byte, bytes), nil)
		}
		put("2025-07-03", rotatelog.Uncompressed, 3)
		put("2025-07-05", rotatelog.Gzip, 1)
		put("2025-07-05", rotatelog.Zstd, 2)
		put("2025-07-06", rotatelog.Zstd, 1)
		put("2025-07-06", rotatelog.Uncompressed, 4)
		put("2025-07-07", rotatelog.Uncompressed, 1)
		store.denied = a.Key(day(t, "2025-07-07"), rotatelog.Uncompressed)
		a.Store = store
		known, err := report.Find(t.Context(), a, day(t, "2025-07-01"), day(t, "2025-07-09"), day(t, "2025-07-09"))
		if err != nil {
			t.Fatal(err)
		}
		want := []report.Day{
			{State: report.Early}, {State: report.Early}, {State: report.Unknown, Counts: report.Counts{Bytes: 3}, Objects: 1}, {State: report.Missing},
			{State: report.Unknown, Counts: report.Counts{Bytes: 2}, Objects: 2}, {State: report.Unknown, Counts: report.Counts{Bytes: 4}, Objects: 2},
			{State: report.Unread, Objects: 1}, {State: report.Missing}, {State: report.NotYet},
		}
		if len(known) != len(want) {
			t.Fatalf("%d days", len(known))
		}
		for i, k := range known {
			if k.Day != days.Add(day(t, "2025-07-01"), i) || k.State != want[i].State || k.Counts != want[i].Counts || k.Objects != want[i].Objects || (k.Err != nil) != (k.State == report.Unread) {
				t.Errorf("%+v, want %+v", k, want[i])
			}
		}

		a.Store = farStore{Mem: store.Mem, fails: errors.New("no route to host")}
		if _, err := report.Find(t.Context(), a, day(t, "2025-07-01"), day(t, "2025-07-09"), day(t, "2025-07-09")); err == nil {
			t.Error("what cannot be listed is reported")
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		enough := errors.New("enough")
		cancel(enough)
		if _, err := report.Find(ctx, rotatelog.Archive{Store: store}, day(t, "2025-07-01"), day(t, "2025-07-09"), day(t, "2025-07-09")); !errors.Is(err, enough) {
			t.Errorf("error %v", err)
		}
	})
}
