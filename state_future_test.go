package rotatelog_test

import (
	"fmt"
	"strings"
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
			content := fmt.Sprintf(`{"host":"x","pid":1,"started":%q,"written":%q,"last_success":%q,"last_failure":{"time":%q,"key":"k","code":"old","sentence":"old"}}`, ahead, ahead, ahead, ahead)
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
	})
}

// TestSeenInTheFuture: what was written by a clock that is ahead does not look new.
func TestSeenInTheFuture(t *testing.T) {
	s := rotatelog.WriterState{Host: "web1", PID: 7, Written: time.Now().Add(time.Hour)}
	if seen := s.Seen(time.Now()); strings.Contains(seen, " 0 s ago") {
		t.Errorf("%s, though it was written an hour from now", seen)
	}
}
