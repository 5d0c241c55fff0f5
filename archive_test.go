package rotatelog_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/storetest"
)

// slowStore is a Store that cannot list, and takes its time. It counts requests.
type slowStore struct {
	rotatelog.Store
	mu    sync.Mutex
	stats map[string]int
	fail  map[string]error
}

func (s *slowStore) Stat(ctx context.Context, key string) (rotatelog.Object, error) {
	s.mu.Lock()
	s.stats[key]++
	err := s.fail[key]
	s.mu.Unlock()
	select {
	case <-time.After(20 * time.Millisecond):
	case <-ctx.Done():
		return rotatelog.Object{}, context.Cause(ctx)
	}
	if err != nil {
		return rotatelog.Object{}, err
	}
	return s.Store.Stat(ctx, key)
}

func (s *slowStore) requests() (n int) {
	for _, stats := range s.stats {
		n += stats
	}
	return n
}

// listing is a slowStore that can list.
type listing struct {
	*slowStore
	rotatelog.Lister
}

// yearOfDays returns a year of days in a store, all the same but for the key. Some days
// have none, and it is compressed from April on.
func yearOfDays(t *testing.T) (mem *storetest.Mem, days []string) {
	t.Helper()
	mem = storetest.NewMem()
	day, _ := rotatelog.ParseDay("2025-01-01")
	for day.Year == 2025 {
		pack := rotatelog.Uncompressed
		if day.Month >= 4 {
			pack = rotatelog.Zstd
		}
		if day.Date != 13 {
			size, meta := rotatelog.MetaOf(day, pack)
			mem.Put(rotatelog.Archive{}.Key(day, pack), make([]byte, size), meta)
			days = append(days, day.String())
		}
		day = day.Next()
	}
	return mem, days
}

func collectDays(days func(func(rotatelog.DayMetadata, error) bool)) (found []string, errs []error) {
	for m, err := range days {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		found = append(found, m.Totals.Day.String())
	}
	return found, errs
}

func TestKeysAreParsed(t *testing.T) {
	day := rotatelog.Day{Year: 2025, Month: 7, Date: 10}
	for _, c := range []rotatelog.Compression{rotatelog.Uncompressed, rotatelog.Zstd, rotatelog.Gzip} {
		a := rotatelog.Archive{Name: "a_json_log_b", Prefix: "logs/"}
		prefix, parsed, pack, ok := rotatelog.ParseKey(a.Key(day, c))
		if prefix != "logs/a_json_log_b" || parsed != day || pack != c || !ok {
			t.Errorf("%s: %q, %v, %v, %v", a.Key(day, c), prefix, parsed, pack, ok)
		}
	}
	for _, key := range []string{"", "x", "a_json_log_2025-07-10", "a_json_log_2025-7-10.json", "a_json_log_2025-07-10.json.xz",
		"a_json_log_2025-07-10.json.", "a_json_log_2025-07-10.json.zst.gz", "a_json_log_2025-02-30.json", "a_json_log_2025-07-10.jsonx"} {
		if _, _, _, ok := rotatelog.ParseKey(key); ok {
			t.Errorf("%q is parsed", key)
		}
	}
}

// TestDaysOfAYear: a year of days takes less than a second where a request takes 20 ms,
// and a request for each day.
func TestDaysOfAYear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem, want := yearOfDays(t)
		for _, lists := range []bool{true, false} {
			slow := &slowStore{Store: mem, stats: map[string]int{}}
			a := rotatelog.Archive{Store: slow}
			from, to := rotatelog.Day{Year: 2025, Month: 1, Date: 1}, rotatelog.Day{Year: 2025, Month: 12, Date: 31}
			most := len(want) + 2*12 + 3*32 // where it cannot list: missing days, and the change of form
			if lists {
				a.Store = listing{slow, mem}
				from, to, most = rotatelog.Day{}, rotatelog.Day{}, len(want)
			}
			begin := time.Now()
			found, errs := collectDays(a.Days(t.Context(), from, to))
			if !slices.Equal(found, want) || len(errs) > 0 {
				t.Errorf("lists=%v: found %d days, want %d, and %d errors", lists, len(found), len(want), len(errs))
			}
			if took := time.Since(begin); took > time.Second || slow.requests() > most {
				t.Errorf("lists=%v: took %v and %d requests", lists, took, slow.requests())
			}
			mid := rotatelog.Day{Year: 2025, Month: 6, Date: 1}
			found, errs = collectDays(a.Days(t.Context(), mid, mid.Next().Next()))
			if !slices.Equal(found, []string{"2025-06-01", "2025-06-02", "2025-06-03"}) || len(errs) > 0 {
				t.Errorf("lists=%v: %q, %v", lists, found, errs)
			}
		}
	})
}

// Texts reads nothing of a day whose own metadata is lost, not even what another program
// wrote.
func TestTextsReadNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem, want := yearOfDays(t)
		lost := rotatelog.Archive{}.Key(rotatelog.Day{Year: 2025, Month: 2, Date: 2}, rotatelog.Uncompressed)
		mem.Put(lost, []byte("=== FETCH START: #1 ==="), nil)
		bad := rotatelog.Archive{}.Key(rotatelog.Day{Year: 2025, Month: 2, Date: 3}, rotatelog.Uncompressed)
		denied := fmt.Errorf("%w: denied", rotatelog.ErrPermanent)
		slow := &slowStore{Store: mem, stats: map[string]int{}, fail: map[string]error{bad: denied}}
		a := rotatelog.Archive{Store: listing{slow, mem}}
		var found []string
		for text, err := range a.Texts(t.Context(), rotatelog.Day{}, rotatelog.Day{}) {
			m, known := text.Metadata()
			day := m.Totals.Day.String()
			found = append(found, day)
			switch {
			case m.Key == bad:
				if !errors.Is(err, denied) || known || day != "2025-02-03" {
					t.Errorf("%s: %v", day, err)
				}
			case err != nil || known == (m.Key == lost) || known && m.Totals.Uploads == 0 || m.Size == 0:
				t.Errorf("known=%v, %+v, %v", known, m, err)
			}
		}
		if !slices.Equal(found, want) || slow.requests() != len(want) {
			t.Errorf("%d days in %d requests, want %d", len(found), slow.requests(), len(want))
		}
	})
}

func TestDaysWithErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mem, want := yearOfDays(t)
		denied := fmt.Errorf("%w: denied", rotatelog.ErrPermanent)
		bad := rotatelog.Archive{}.Key(rotatelog.Day{Year: 2025, Month: 2, Date: 2}, rotatelog.Uncompressed)
		a := rotatelog.Archive{Store: listing{&slowStore{Store: mem, stats: map[string]int{}, fail: map[string]error{bad: denied}}, mem}}
		found, errs := collectDays(a.Days(t.Context(), rotatelog.Day{}, rotatelog.Day{}))
		if len(found) != len(want)-1 || len(errs) != 1 || !errors.Is(errs[0], denied) {
			t.Errorf("%d days, errors %v", len(found), errs)
		}

		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		enough := errors.New("enough")
		n := 0
		for _, err := range a.Days(ctx, rotatelog.Day{}, rotatelog.Day{}) {
			if n++; n == 50 {
				cancel(enough)
			}
			if n > 51 || n == 51 && !errors.Is(err, enough) {
				t.Errorf("day %d: %v", n, err)
			}
		}
		for range a.Days(t.Context(), rotatelog.Day{}, rotatelog.Day{}) {
			break
		}
		a.Store = &slowStore{Store: mem, stats: map[string]int{}}
		if found, errs := collectDays(a.Days(t.Context(), rotatelog.Day{}, rotatelog.Day{})); len(found) > 0 || len(errs) != 1 {
			t.Errorf("%d days, errors %v", len(found), errs)
		}
	})
}

// testOpenFromArchive opens a day however it is compressed.
func testOpenFromArchive(t *testing.T, mem *storetest.Mem, day readDay) {
	a := rotatelog.Archive{Store: mem}
	date := rotatelog.Day{Year: 1999, Month: 12, Date: 31}
	m, err := a.Stat(t.Context(), date)
	if err != nil || m.Key != day.key {
		t.Errorf("%+v, %v", m, err)
	}
	d, err := a.Open(t.Context(), date)
	if err != nil || d.Metadata() != m {
		t.Errorf("%v", err)
	}
	if _, err := a.Open(t.Context(), date.Next()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// TestDaysOfAWrapperThatCannotList: it is asked for each day.
func TestDaysOfAWrapperThatCannotList(t *testing.T) {
	mem := storetest.NewMem()
	key := rotatelog.Archive{Store: mem}.Key(rotatelog.Day{Year: 2025, Month: 7, Date: 10}, rotatelog.Zstd)
	_, content, meta := readingDay(t, rotatelog.Zstd)
	mem.Put(key, content, meta)
	days := rotatelog.Archive{Store: &storetest.Faulty{Store: unlistable{mem}}}
	var found []string
	for m, err := range days.Days(t.Context(), rotatelog.Day{Year: 2025, Month: 7, Date: 9}, rotatelog.Day{Year: 2025, Month: 7, Date: 11}) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, m.Key)
	}
	if len(found) != 1 || found[0] != key {
		t.Errorf("found %q", found)
	}
}

// An error of a list says once that it is one.
func TestDaysThatCannotBeListed(t *testing.T) {
	refusal := errors.New("no")
	days := rotatelog.Archive{Store: failingList{storetest.NewMem(), refusal}}
	n := 0
	for _, err := range days.Days(t.Context(), rotatelog.Day{}, rotatelog.Day{}) {
		n++
		if want := "list all_api_rotating_logs/all_api_json_log_: no"; !errors.Is(err, refusal) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if n != 1 {
		t.Errorf("%d errors", n)
	}
}

// failingList is a Store whose list fails, as that of s3store does.
type failingList struct {
	*storetest.Mem
	err error
}

func (s failingList) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		yield("", &rotatelog.Error{Op: "list", Key: prefix, Err: s.err})
	}
}

// unlistable is a Store alone.
type unlistable struct{ rotatelog.Store }
