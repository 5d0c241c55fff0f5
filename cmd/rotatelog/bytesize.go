package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteSize is a number of bytes that is typed as 2GiB, 500MB or 1000000.
type byteSize int64

// UnmarshalText implements [encoding.TextUnmarshaler].
func (b *byteSize) UnmarshalText(text []byte) error {
	digits := strings.TrimRight(string(text), "kKMGTiB ")
	n, err := strconv.ParseFloat(digits, 64)
	unit, ok := unitSize(strings.TrimSpace(string(text[len(digits):])))
	if err != nil || !ok || !(1 <= n*unit && n*unit < math.MaxInt64) {
		return fmt.Errorf("%q is no size: use one such as 2GiB or 500MB", text)
	}
	*b = byteSize(n * unit)
	return nil
}

// unitSize returns how many bytes a unit is.
func unitSize(unit string) (bytes float64, ok bool) {
	prefix, isBytes := strings.CutSuffix(unit, "B")
	if unit == "" {
		return 1, true
	}
	base := 1000.0
	if binary, ok := strings.CutSuffix(prefix, "i"); ok {
		prefix, base = binary, 1024
	}
	for i, known := range []string{"", "k", "M", "G", "T"} {
		if isBytes && strings.EqualFold(prefix, known) && (known != "" || base == 1000) {
			return math.Pow(base, float64(i)), true
		}
	}
	return 0, false
}
