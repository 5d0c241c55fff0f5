// Package duration says for people how long something is.
package duration

import (
	"fmt"
	"time"
)

// Text returns d in its largest unit that says enough, as 12 s, 35 min, 5 h or, from two
// days on, with the given unit of days: 22 days. A negative d is 0 s.
func Text(d time.Duration, days string) string {
	switch d = max(d, 0); {
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d %s", d/(24*time.Hour), days)
}
