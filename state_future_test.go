package rotatelog_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/rotatelog"
)

// TestStateFromAClockThatWasAhead: what was written by a clock that was ahead does not hide
// what happens by one that is right, for years.
func TestStateFromAClockThatWasAhead(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.onStore(storeAway)
		b.open()
		b.append(1)
		b.Close()
		ahead := time.Now().AddDate(3, 0, 0).UTC().Format(time.RFC3339)
		for _, name := range []string{appendState, publishState} {
			content := fmt.Sprintf(`{"host":"x","pid":1,"started":%q,"written":%q,"last_success":%q,"last_failure":{"time":%q,"key":"k","code":"old","sentence":"old"},`+
				`"last_complete":{"day":"1999-12-30","looked":%q},"recent":[{"time":%q}],"incidents":[{"time":%q,"code":"repaired","key":"old"}]}`,
				ahead, ahead, ahead, ahead, ahead, ahead, ahead)
			f, err := b.disk.OpenFile(name, 1|64|512, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt([]byte(content), 0); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
		b.open()
		b.append(1, 1, 1, 1, 1, 1, 1, 1, 1)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		s := b.inspect()
		if s.Publish.LastSuccess.After(time.Now()) || s.Append.LastSuccess.After(time.Now()) {
			t.Errorf("the last success is in the future: %v, %v", s.Publish.LastSuccess, s.Append.LastSuccess)
		}
		if f := s.Publish.LastFailure; f == nil || f.Code == "old" {
			t.Errorf("the last failure is %+v", f)
		}
		if a := s.Append; a.LastComplete != nil || len(a.Recent) != 9 || len(a.Incidents) > 0 {
			t.Errorf("left of what is to come: %+v, %+v, %+v", a.LastComplete, a.Recent, a.Incidents)
		}
	})
}

// TestSeenInTheFuture: what was written by a clock that is ahead does not look new.
func TestSeenInTheFuture(t *testing.T) {
	s := rotatelog.WriterState{Host: "web1", PID: 7, Written: time.Now().Add(time.Hour)}
	if seen := s.Seen(time.Now()); strings.Contains(seen, " 0 s ago") {
		t.Errorf("%s, though it was written an hour from now", seen)
	}
}

// TestCountsFromAClockThatWasAhead: days to come do not take the place of today.
func TestCountsFromAClockThatWasAhead(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.open()
		b.append(1)
		b.Close()
		var days []string
		for n := range 40 {
			days = append(days, fmt.Sprintf(`{"day":%q,"appended":1}`, time.Now().AddDate(3, 0, n).Format(time.DateOnly)))
		}
		for _, name := range []string{appendState, publishState} {
			f, err := b.disk.OpenFile(name, 1|64|512, 0o600)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.WriteAt(fmt.Appendf(nil, `{"host":"x","pid":1,"days":[%s]}`, strings.Join(days, ",")), 0); err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
		b.open()
		b.append(1, 1)
		b.Close()
		s := b.inspect()
		if days := s.Append.Days; len(days) != 1 || days[0].Appended != 2 {
			t.Errorf("counts of %+v", days)
		}
	})
}

// shifted is a clock that may be ahead.
type shifted struct{ ahead atomic.Int64 }

// Now implements rotatelog.Clock.
func (c *shifted) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Sleep implements rotatelog.Clock.
func (c *shifted) Sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// TestClockThatIsSetBack while the Writer runs: what it wrote before is not believed.
func TestClockThatIsSetBack(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		clock := &shifted{}
		clock.ahead.Store(int64(48 * time.Hour))
		b.cfg.Clock = clock
		b.open()
		b.append(1)
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.inspect(); !s.Append.LastSuccess.After(time.Now()) {
			t.Errorf("by a clock that is ahead, the last success is at %v", s.Append.LastSuccess)
		}
		clock.ahead.Store(0)
		time.Sleep(time.Minute)
		synctest.Wait()
		if s := b.inspect(); s.Append.LastSuccess.After(time.Now()) || len(s.Append.Days) > 0 {
			t.Errorf("after it was set back: %+v", s.Append)
		}
	})
}
