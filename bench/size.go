package bench

import (
	"fmt"
	"strconv"
	"strings"
)

// Size is a number of bytes, such as 130kB, 18MB or 2.5GB, in powers of 1,000 as for
// disks and networks. It is a flag.Value.
type Size int64

// The units of a Size.
const (
	KB Size = 1000
	MB      = 1000 * KB
	GB      = 1000 * MB
)

// String implements flag.Value.
func (s Size) String() string {
	switch {
	case s >= GB:
		return strconv.FormatFloat(float64(s)/float64(GB), 'g', 3, 64) + "GB"
	case s >= MB:
		return strconv.FormatFloat(float64(s)/float64(MB), 'g', 3, 64) + "MB"
	case s >= KB:
		return strconv.FormatFloat(float64(s)/float64(KB), 'g', 3, 64) + "kB"
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// Set implements flag.Value.
func (s *Size) Set(text string) error {
	unit := Size(1)
	number := text
	for suffix, u := range map[string]Size{"kB": KB, "MB": MB, "GB": GB} {
		if n, ok := strings.CutSuffix(text, suffix); ok {
			number, unit = n, u
		}
	}
	x, err := strconv.ParseFloat(strings.TrimSuffix(number, "B"), 64)
	if err != nil || x < 0 {
		return fmt.Errorf("%q is no size such as 130kB, 18MB or 3GB", text)
	}
	*s = Size(x * float64(unit))
	return nil
}
