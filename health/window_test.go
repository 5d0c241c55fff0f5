package health

import (
	"testing"
	"time"
)

func TestParseWindow(t *testing.T) {
	for _, s := range []string{"", "11:00-01:00", "00:00-12:30", "23:59-00:00"} {
		if w, err := ParseWindow(s); err != nil || w.String() != s {
			t.Errorf("%q: %q, %v", s, w, err)
		}
	}
	for _, s := range []string{"11", "11:00", "11:00-", "-11:00", "11:00-24:00", "11:00-11:00", "11-12", "11:00-12:00-13:00"} {
		if w, err := ParseWindow(s); err == nil {
			t.Errorf("%q is %q", s, w)
		}
	}
}

// TestWindowSince: what of the window has passed today, on days of 23 and 25 hours too.
func TestWindowSince(t *testing.T) {
	for _, test := range []struct {
		window, now string
		want        time.Duration
	}{
		{"", "2025-07-10 12:47:03", 12*time.Hour + 47*time.Minute + 3*time.Second},
		{"", "2025-03-09 12:00:00", 11 * time.Hour},
		{"", "2025-11-02 12:00:00", 13 * time.Hour},
		{"11:00-01:00", "2025-07-10 00:30:00", 30 * time.Minute},
		{"11:00-01:00", "2025-07-10 10:00:00", time.Hour},
		{"11:00-01:00", "2025-07-10 12:00:00", 2 * time.Hour},
		{"01:00-05:00", "2025-03-09 12:00:00", 3 * time.Hour},
		{"01:00-05:00", "2025-11-02 12:00:00", 5 * time.Hour},
		{"11:00-12:00", "2025-07-10 23:00:00", time.Hour},
	} {
		w, err := ParseWindow(test.window)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.since(clock(t, test.now), newYork()); got != test.want {
			t.Errorf("%s at %s: %v, want %v", w, test.now, got, test.want)
		}
	}
}
