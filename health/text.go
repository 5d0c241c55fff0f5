package health

import (
	"fmt"
	"strconv"
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/duration"
)

// roughly returns d in its largest unit that says enough: 12 s, 35 min, 5 h, 22 days.
func roughly(d time.Duration) string { return duration.Text(d, "days") }

// period returns d as it follows "every".
func period(d time.Duration) string {
	switch d {
	case time.Minute:
		return "minute"
	case time.Hour:
		return "hour"
	}
	return roughly(d)
}

// at returns the time of day, and the date if that is not today's.
func (v *view) at(t time.Time) string {
	t = t.In(v.Location)
	if rotatelog.DayOf(t, v.Location) != v.today() {
		return t.Format("01/02/2006 03:04:05 PM")
	}
	return t.Format("03:04:05 PM")
}

// size returns a number of bytes with two or three digits: 37 MB, 1.36 GB.
func size(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	value, unit := float64(n)/1000, 0
	units := []string{"kB", "MB", "GB", "TB", "PB"}
	for value >= 999.5 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	digits := 0
	if value < 9.995 {
		digits = 2
	}
	return strconv.FormatFloat(value, 'f', digits, 64) + " " + units[unit]
}

// count returns a number of things.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// grouped returns a number with commas between thousands.
func grouped(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", grouped(n/1000), n%1000)
}
