package rotatelog_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/crashfs"
)

// TestRecentAppends: the last fetches stay known while Appends are refused, and the last
// refusals while fetches come, across restarts.
func TestRecentAppends(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		for n := range 70 {
			time.Sleep(time.Minute)
			b.append(n)
		}
		b.Append(t.Context(), []byte(`{"FETCH_FOOTER":{"total_matches":"x"}}`))
		b.reopen()
		for range 12 {
			time.Sleep(time.Second)
			b.Append(t.Context(), []byte("<html>"))
		}
		b.Close()
		recent := b.state(appendState).Recent
		if len(recent) != 70 {
			t.Fatalf("%d, want 60 fetches and 10 refusals: %+v", len(recent), recent)
		}
		for i, a := range recent {
			fetch := i < 60
			if fetch != (a.Refused == "") || !fetch && a.Refused != "invalid" || a.Uncounted != (i == 59) {
				t.Errorf("%d: %+v", i, a)
			}
			if i > 0 && i < 59 && a.Time.Sub(recent[i-1].Time) != time.Minute {
				t.Errorf("%d: %v after %v", i, a.Time, recent[i-1].Time)
			}
		}
		if recent[0].Matches != 11 || recent[58].Matches != 69 {
			t.Errorf("%+v, %+v", recent[0], recent[58])
		}
	})
}

// TestStateFollowsAppends: what was appended shows at once, not when a minute is half over.
func TestStateFollowsAppends(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		for n := range 3 {
			time.Sleep(2 * time.Second)
			b.append(n)
			if recent := b.state(appendState).Recent; len(recent) != n+1 || !recent[n].Time.Equal(time.Now()) {
				t.Errorf("%d appended: %+v", n+1, recent)
			}
		}
	})
}

// TestFailureSince: a failure says since when it has failed, across processes that live
// for one fetch and across midnight, and when it was over.
func TestFailureSince(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onStore(storeAway)
		var began time.Time
		for n := range 11 * 60 / 20 {
			b.open()
			b.append(ten...)
			if n == 0 {
				began = time.Now()
			}
			synctest.Wait()
			b.Close()
			time.Sleep(20 * time.Minute)
		}
		f := b.state(publishState).LastFailure
		if f == nil || !f.Since.Equal(began) || f.Day.IsZero() || !f.Over.IsZero() {
			t.Fatalf("began %v: %+v", began, f)
		}
		b.onStore(nil)
		b.open()
		b.flush()
		over := time.Now()
		b.Close()
		if f = b.state(publishState).LastFailure; !f.Over.Equal(over) {
			t.Errorf("over %v: %+v", over, f)
		}
		b.onStore(storeAway)
		b.open()
		b.append(ten...)
		again := time.Now()
		pass(time.Minute)
		b.Close()
		if f = b.state(publishState).LastFailure; !f.Since.Equal(again) || !f.Over.IsZero() {
			t.Errorf("again %v: %+v", again, f)
		}
	})
}

// TestRefusedAppendIsOver: the next fetch on disk ends what the disk refused.
func TestRefusedAppendIsOver(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.onDisk(func(op crashfs.Op) error {
			if op.Mutates && !ofState(op) {
				return errors.New("the disk is ill")
			}
			return nil
		})
		began := time.Now()
		for range 3 {
			if _, err := b.Append(t.Context(), counted(1)); err == nil {
				t.Error("it took a fetch")
			}
			time.Sleep(time.Minute)
		}
		pass(time.Minute)
		s := b.state(appendState)
		if f := s.LastFailure; f == nil || !f.Since.Equal(began) || !f.Over.IsZero() || len(s.Recent) != 3 || s.Recent[2].Refused != "other" {
			t.Errorf("%+v", s)
		}
		b.onDisk(nil)
		b.append(1)
		b.Close()
		if f := b.state(appendState).LastFailure; f.Over.IsZero() {
			t.Errorf("%+v", f)
		}
	})
}

// TestLastComplete: the totals of a day stay known after it has ended.
func TestLastComplete(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(ten...)
		pass(5 * time.Hour) // until midnight
		over := time.Now()
		pass(time.Minute)
		b.reopen()
		b.append(ten...)
		b.flush()
		b.Close()
		l := b.state(publishState).LastComplete
		if l == nil || l.Day.String() != today || l.Uploads != 1 || l.Fetches != 10 || l.Matches != 55 || l.Looked.Before(over) {
			t.Errorf("%+v", l)
		}
	})
}

// TestIncidents: what a Writer finds changed is said with how much of it is gone for good.
func TestIncidents(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.large()
		b.cfg.MaxFetches, b.cfg.KeepFor = 1, -1
		b.open()
		b.uploadEach(1, 22)
		b.mem.Delete(dayA)
		b.uploadEach(23, 23)
		b.mem.Put(dayA, changeText(t, dayA, b.mem.Bytes(dayA), `"total_matches":23`, `"total_matches":24`), nil)
		b.uploadEach(24, 24)
		b.Close()
		if err := b.disk.WriteFile(arrayName, []byte(`[{"a":1},{"b`), 0o600); err != nil {
			t.Fatal(err)
		}
		b.open()
		b.Close()
		gone := wantIncidents(t, b.state(publishState), "uploads_gone", "foreign_change")
		if gone[0].Missing != 12 || gone[0].Key != dayA || gone[0].Day.String() != today || gone[1].Missing != 0 {
			t.Errorf("%+v", gone)
		}
		repaired := wantIncidents(t, b.state(appendState), "repaired")
		if repaired[0].Key != arrayName {
			t.Errorf("%+v", repaired)
		}
	})
}

func wantIncidents(t *testing.T, s rotatelog.WriterState, codes ...string) []rotatelog.Incident {
	t.Helper()
	if len(s.Incidents) != len(codes) {
		t.Fatalf("%+v, want %q", s.Incidents, codes)
	}
	for i, code := range codes {
		if got := s.Incidents[i]; got.Code != code || got.Sentence == "" || got.Time.IsZero() {
			t.Errorf("%+v, want %s", got, code)
		}
	}
	return s.Incidents
}
