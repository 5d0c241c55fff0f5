package archive

import (
	"time"

	"example.com/rotatelog"
)

// InSample reports whether a day is in the part of the days that is verified on the day
// today, if all are to be verified in n runs, one a day: those that were over 1, n+1,
// 2n+1 … days ago. So a day is verified on the day after it, and then on each n-th.
func InSample(day, today rotatelog.Day, n int) bool {
	if n <= 1 {
		return true
	}
	return (serial(today)-serial(day)-1)%int64(n) == 0
}

// serial numbers the days.
func serial(d rotatelog.Day) int64 { return d.Start(time.UTC).Unix() / (24 * 60 * 60) }
