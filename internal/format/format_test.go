package format

import (
	"strings"
	"testing"
	"time"

	"example.com/rotatelog"
)

func TestNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 34515: "34,515", 1234567: "1,234,567", -1440: "-1,440", -100: "-100"} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) is %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int]string{0: "0 fetches", 1: "1 fetch", 2: "2 fetches", 1440: "1,440 fetches"} {
		if got := Plural(n, "fetch", "fetches"); got != want {
			t.Errorf("Plural(%d) is %s, want %s", n, got, want)
		}
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 bytes", 1: "1 byte", 999: "999 bytes", 1000: "1.00 kB", 18_200_000: "18.2 MB", 37_000_000: "37 MB", 2_610_000_000: "2.61 GB",
		9_994_999: "9.99 MB", 9_995_000: "10 MB", 99_950_000: "100 MB", 999_499_999: "999 MB", 999_500_000: "1.00 GB",
		1<<63 - 1: "9.22 EB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) is %s, want %s", n, got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2025, 7, 10, 4, 0, 41, 0, time.UTC)
	for got, want := range map[string]string{
		Time(at, zone): "07/10/2025 12:00:41 AM EDT", Clock(at, zone): "12:00:41 AM", Minute(at, zone): "12:00 AM",
		Weekday(rotatelog.DayOf(at, zone)): "2025-07-10 Thu", Ago(at, at.Add(12*time.Second)): "12 s ago",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 119 * time.Second: "119 s", 2 * time.Minute: "2 min", 119 * time.Minute: "119 min",
		2 * time.Hour: "2 h", 47 * time.Hour: "47 h", 48 * time.Hour: "2 d", 22 * 24 * time.Hour: "22 d",
	} {
		if got := Duration(d); got != want {
			t.Errorf("Duration(%v) is %s, want %s", d, got, want)
		}
	}
}

func TestTextIsWrapped(t *testing.T) {
	got := Wrap("the disk lasts … days, a-key-that-is-much-longer-than-a-line and more", "  ", 20)
	want := "  the disk lasts …\n  days,\n  a-key-that-is-much-longer-than-a-line\n  and more"
	if strings.Join(got, "\n") != want {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	if got := Wrap(" ", "  ", 20); got != nil {
		t.Errorf("nothing is wrapped as %q", got)
	}
}
