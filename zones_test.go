package rotatelog_test

import (
	"archive/zip"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
)

// TestDaysNearEveryTransition: in every zone, a day begins at its first instant,
// even where the clocks skip midnight or a whole day.
func TestDaysNearEveryTransition(t *testing.T) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skipf("the zones cannot be listed here: %v", err)
	}
	all, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skipf("the zones cannot be listed here: %v", err)
	}
	defer all.Close()
	zones := 0
	for _, f := range all.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		loc, err := time.LoadLocation(f.Name)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		zones++
		for at := time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2038; {
			_, end := at.In(loc).ZoneBounds()
			if end.IsZero() {
				break
			}
			for halves := -3; halves <= 3; halves++ {
				wantFirstInstant(t, rotatelog.DayOf(end.Add(time.Duration(halves)*12*time.Hour), loc), loc)
			}
			at = end
		}
	}
	if zones < 400 {
		t.Errorf("looked at %d zones, want all", zones)
	}
}

func wantFirstInstant(t *testing.T, day rotatelog.Day, loc *time.Location) {
	t.Helper()
	start := day.Start(loc)
	if before := start.Add(-time.Second); rotatelog.DayOf(start, loc) != day || rotatelog.DayOf(before, loc) == day {
		t.Errorf("%s: %v begins at %v, but %v is on it, too", loc, day, start, before)
	}
	next := day.Next().Start(loc)
	if d := next.Sub(start); d < 0 || d > 50*time.Hour {
		t.Errorf("%s: %v begins at %v, and the next day at %v", loc, day, start, next)
	}
}
