package format

import (
	"time"

	"example.com/rotatelog"
	"example.com/rotatelog/internal/duration"
)

// Times are shown in the zone of the days.
const (
	clockLayout   = "03:04:05 PM"
	minuteLayout  = "03:04 PM"
	weekdayLayout = "2006-01-02 Mon"
)

// Time returns t with its date and zone, as 07/10/2025 12:47:03 PM EDT.
func Time(t time.Time, zone *time.Location) string { return t.In(zone).Format(rotatelog.TimeLayout) }

// Clock returns the time of day with seconds, as 12:00:41 AM.
func Clock(t time.Time, zone *time.Location) string { return t.In(zone).Format(clockLayout) }

// Minute returns the time of day, as 10:02 AM.
func Minute(t time.Time, zone *time.Location) string { return t.In(zone).Format(minuteLayout) }

// Weekday returns a day with its weekday, as 2025-07-10 Thu.
func Weekday(d rotatelog.Day) string {
	return time.Date(d.Year, d.Month, d.Date, 0, 0, 0, 0, time.UTC).Format(weekdayLayout)
}

// Duration returns how long something took or lasts, in its largest unit, as 12 s, 7 min,
// 3 h or 22 d.
func Duration(d time.Duration) string { return duration.Text(d, "d") }

// Ago returns how long ago t was, as "12 s ago".
func Ago(t, now time.Time) string { return Duration(now.Sub(t)) + " ago" }
